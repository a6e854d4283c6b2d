/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the actors of a system that has no registry of its own (workspace.find): an open-addressed
 * table in private memory. Written under the system's mutex, read by any of its threads without it.
 */
#ifndef MYC_CORE_NAME_H
#define MYC_CORE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/address.h>

struct myc_system;

int myc_names_open(struct myc_system *system);
void myc_names_close(struct myc_system *system);
/* 0 and the address of the actor that has the name; -ENOENT: there is none (any more). Any thread. */
int myc_names_find(const struct myc_system *system, const char *name, myc_address *address);
/* The other way round; false: it has none. Looks at all rows. Any thread. */
bool myc_names_of(const struct myc_system *system, myc_address address, char name[48]);
/* Under the mutex. */
void myc_names_set(struct myc_system *system, const char *name, myc_address address);

#endif
