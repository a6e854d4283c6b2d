/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schemas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/schema.h"

#define RETRIES 64 /* a table that is written again and again */

int myc_schemas_plan(struct myc_region_plan *plan)
{
	return myc_region_plan_add(plan, MYC_BLOCK_SCHEMAS, 0, MYC_SCHEMAS_ROOM);
}

int myc_schemas_open(struct myc_system *system, struct myc_error *error)
{
	const struct myc_workspace *workspace = &system->workspace;
	const struct myc_sbe_schema_info *declared[MYC_SCHEMAS_MAX];
	const struct myc_sbe_schema_info *const *schemas = system->opts.schemas;
	uint32_t count = schemas ? system->opts.schemas_count : myc_schemas_declared(declared);
	uint64_t size;
	struct myc_schemas *own = myc_region_block(&workspace->regions[workspace->process],
						   MYC_BLOCK_SCHEMAS, 0, &size);

	system->schemas = calloc(workspace->processes, sizeof(*system->schemas));
	if (!system->schemas)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for schemas");
	if (!own || size < sizeof(*own))
		return myc_error_set(error, -EPROTO,
				     "plan the region with the options the system gets",
				     "the region has no block for schemas");
	for (uint32_t i = 0; i < workspace->processes; i++)
		system->schemas[i].head = myc_region_block(
			&workspace->regions[i], MYC_BLOCK_SCHEMAS, 0, &system->schemas[i].size);
	__atomic_store_n(&own->incarnation, 0, __ATOMIC_RELAXED);
	/* Nothing of the table before it says that it is being written. Pairs with the fence in compare(). */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (myc_schemas_write(own, size, schemas ? schemas : declared, count))
		return myc_error_set(error, -ENOSPC, "declare fewer schemas",
				     "a process speaks more than %d schemas", MYC_SCHEMAS_MAX);
	/* Release: the table. Pairs with compare(). */
	__atomic_store_n(&own->incarnation, workspace->incarnation, __ATOMIC_RELEASE);
	return 0;
}

void myc_schemas_close(struct myc_system *system)
{
	free(system->schemas);
	system->schemas = NULL;
}

static uint64_t incarnation_of(const struct myc_schemas_peer *peer)
{
	return __atomic_load_n(&peer->head->incarnation, __ATOMIC_ACQUIRE);
}

/* 0, -EPROTO; -EAGAIN: its table is not there, or was written meanwhile. */
static int compare(const struct myc_system *system, uint32_t process, uint64_t incarnation,
		   struct myc_error *error)
{
	const struct myc_schemas_peer *own = &system->schemas[system->workspace.process],
				      *peer = &system->schemas[process];
	struct myc_schemas_view here, there;
	int err = 0;

	if (!incarnation)
		return -EAGAIN;
	if (myc_schemas_view(&here, own->head, own->size) &&
	    myc_schemas_view(&there, peer->head, peer->size))
		err = myc_schemas_compare(&here, &there, error);
	MYC_POINT("schemas: compared");
	/* What was compared was loaded before this says whether it was whole. Pairs with the fence in open. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&peer->head->incarnation, __ATOMIC_RELAXED) == incarnation ? err
											  : -EAGAIN;
}

bool myc_schemas_refused(const struct myc_system *system, uint32_t process)
{
	if (process == system->workspace.process || process >= system->workspace.processes)
		return false;
	struct myc_schemas_peer *peer = &system->schemas[process];
	uint64_t verdict = __atomic_load_n(&peer->verdict, __ATOMIC_RELAXED);

	if (!peer->head || peer->size < sizeof(*peer->head))
		return false;
	uint64_t incarnation = incarnation_of(peer);

	/* While it is being written anew, what was said of its predecessor's. */
	if (!incarnation || incarnation == verdict >> 1)
		return verdict & 1;
	int err = compare(system, process, incarnation, NULL);

	if (err == -EAGAIN)
		return verdict & 1;
	__atomic_store_n(&peer->verdict, incarnation << 1 | (err != 0), __ATOMIC_RELAXED);
	return err;
}

int myc_schemas_disagree(const struct myc_system *system, uint32_t process, struct myc_error *error)
{
	if (process >= system->workspace.processes)
		return myc_error_set(error, -EINVAL, NULL, "there is no process %u", process);
	const struct myc_schemas_peer *peer = &system->schemas[process];
	int err, tries = 0;

	if (process == system->workspace.process || !peer->head || peer->size < sizeof(*peer->head))
		return 0;
	do /* as often as it is restarted meanwhile */
		err = compare(system, process, incarnation_of(peer), error);
	while (err == -EAGAIN && incarnation_of(peer) && ++tries < RETRIES);
	if (err != -EPROTO)
		return 0;
	if (error)
		myc_error_doing(error, "process %u and process %u", system->workspace.process,
				process);
	return err;
}

int myc_schemas_disagree_with(struct myc_actor *self, myc_address address, struct myc_error *error)
{
	return myc_schemas_disagree(self->executor->system, myc_address_process(address), error);
}
