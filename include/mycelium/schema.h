/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas of a system: each process says which message schemas (docs/MESSAGES.md) it speaks, and two that
 * disagree about one find out when one first sends to the other, before a message is read wrongly.
 *
 *	#include "desk.h"   // by myc-gen
 *	MYC_SCHEMA(desk)    // in one C file of a program or shared object: its processes speak it
 *
 * Schemas are the same when their ids are. Two versions of one go together when all that the older one has
 * is the same in the newer: each field at its offset with its type, presence, constant and null value, groups
 * and data in their order and shape, values of enums under their names; what is newer has its sinceVersion
 * and stands behind. Messages, and values, that only one of them has do not matter. A schema
 * that only one process declares concerns nobody else.
 *
 * Where they do not go together, what would resolve an actor there (myc_resolve, myc_lookup, the first send,
 * myc_post) returns -EPROTO, and myc_schemas_disagree names the difference. An actor's refused sends are in its
 * sends_refused, refused resolutions (look-ups too) in lookups_refused of its executor (`myc ps`).
 * Nothing else stops: links, monitors and other processes are not concerned. It is asked anew when either process
 * is restarted. What was already on its way to a process that comes back with another schema reaches nobody: dead
 * letters MYC_DEAD_LETTER_SCHEMA.
 */
#ifndef MYCELIUM_SCHEMA_H
#define MYCELIUM_SCHEMA_H

#include <mycelium/abi/schema.h>
#include <mycelium/address.h>
#include <mycelium/error.h>
#include <mycelium/sbe.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;
struct myc_system;

/* Systems that this process opens from now on speak it, unless their options name schemas. It must stay where it is.
 * Any thread. -ENOSPC: MYC_SCHEMAS_MAX. */
int myc_schema_declare(const struct myc_sbe_schema_info *schema);

/* Declares a schema when the program, or the shared object, is loaded. PREFIX is that of its generated names. */
#define MYC_SCHEMA(PREFIX)                                                              \
	__attribute__((constructor, used)) static void PREFIX##_schema_is_spoken_(void) \
	{                                                                               \
		(void)myc_schema_declare(&PREFIX##_schema_info);                        \
	}

/* Do these two go together? 0; -EPROTO: error->cause names the first difference, `here` and `there`. */
int myc_schema_compare(const struct myc_sbe_schema_info *here,
		       const struct myc_sbe_schema_info *there, struct myc_error *error);

/* What this process has against the schemas of that one. 0 = nothing (or it has not come yet); -EPROTO. Any thread. */
int myc_schemas_disagree(const struct myc_system *system, uint32_t process,
			 struct myc_error *error);
/* The same of the process of an actor that could not be resolved. From a handler. */
int myc_schemas_disagree_with(struct myc_actor *self, myc_address address, struct myc_error *error);

#ifdef __cplusplus
}
#endif
#endif
