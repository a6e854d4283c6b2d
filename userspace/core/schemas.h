/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes' schemas go together with ours (mycelium/schema.h). Asked where a flow is made, where lanes are looked
 * through, and where a message cannot go at once: never for one that does. */
#ifndef MYC_CORE_SCHEMAS_H
#define MYC_CORE_SCHEMAS_H

#include "core/executor.h"

/* What is known of a process: of the incarnation whose table was compared. */
struct myc_schemas_peer {
	const struct myc_schemas *head; /* NULL: its region has none */
	uint64_t size;
	uint64_t
		verdict; /* incarnation << 1 | refused; any thread of ours writes it, all find the same */
};

int myc_schemas_plan(struct myc_region_plan *plan);
/* Writes our own table. Before anybody can find actors of ours. */
int myc_schemas_open(struct myc_system *system, struct myc_error *error);
void myc_schemas_close(struct myc_system *system);

/* Is nothing to be sent to, or taken from, this process? Any thread. */
bool myc_schemas_refused(const struct myc_system *system, uint32_t process);

#endif
