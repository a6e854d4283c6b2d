/* SPDX-License-Identifier: Apache-2.0 */
/* Phases of a system (mycelium/shutdown.h) as those see them who make actors. Under the system's mutex. */
#ifndef MYC_CORE_SHUTDOWN_H
#define MYC_CORE_SHUTDOWN_H

#include <mycelium/shutdown.h>

#include "core/executor.h"

/* May an actor be spawned into it? 0 is no phase. */
int myc_phase_check(const struct myc_system *system, uint32_t phase, struct myc_error *error);
/* It was: the last of the phase now. Has a place reserved by myc_phase_reserve. */
void myc_phase_enter(struct myc_system *system, uint32_t phase, myc_address actor,
		     const char *name);
/* Room for one more. 0, -ENOMEM. */
int myc_phase_reserve(struct myc_system *system, uint32_t phase);
void myc_phases_close(struct myc_system *system);

#endif
