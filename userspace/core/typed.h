/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces of a process' actors (mycelium/typed.h), in rows of its region that the actors' words name.
 *
 *	myc_spawn: the row, then the word (release)      reader: word (acquire), row, word again
 *
 * A row is written once in the life of its process. Whoever dies leaves rows that the successor clears, behind
 * which it takes the words back and only then writes rows anew.
 */
#ifndef MYC_CORE_TYPED_H
#define MYC_CORE_TYPED_H

#include <mycelium/typed.h>

#include "core/executor.h"

/* Clears the rows, before the words of the predecessor's actors are taken back. -EPROTO: no such block. */
int myc_typed_open(struct myc_system *system);
/* The row that says this, written when there is none; 0: all are in use. Under the system's mutex. */
uint32_t myc_typed_row(struct myc_system *system, const struct myc_interface *interface);

#endif
