/* SPDX-License-Identifier: Apache-2.0 */
/* An actor in a system of the test's own. */
#ifndef TESTS_COMMON_SPAWN_H
#define TESTS_COMMON_SPAWN_H

#include "common/test.h"

#include <mycelium/mycelium.h>

/* Without a name: NULL. */
static inline myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
				const char *name, uint32_t executor)
{
	const struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = behaviour, .name = name, .executor = executor};
	myc_address address = MYC_NOBODY;

	assert_int_equal(myc_spawn(system, &opts, &address, NULL), 0);
	return address;
}

#endif
