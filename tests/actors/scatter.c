/* SPDX-License-Identifier: Apache-2.0 */
/* "scatter" sends three messages to a child and kills it before it gets them: three dead letters. */
#include <mycelium/mycelium.h>

static const struct myc_behaviour child = {.name = "child"};

static int started(struct myc_actor *self)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &child};
	uint64_t number = 7;
	myc_address address;
	struct myc_ref ref;
	int code = myc_spawn_local(self, &opts, &address, NULL);

	if (!code)
		code = myc_resolve(self, address, &ref);
	for (int i = 0; i < 3 && !code; i++)
		code = myc_send(self, &ref, 42, &number, sizeof(number));
	return code ? code : myc_stop_send(self, address, MYC_STOP_KILL);
}

const struct myc_behaviour myc_behaviour_scatter = {.name = "scatter", .started = started};
