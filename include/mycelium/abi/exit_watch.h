/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * What the exit watch knows of a process: the value of its task in the map `registered`. Written
 * by user space through a pidfd before the process runs anything of its own, read by the program
 * when the process' last thread ends. It goes with the task, so a pid that is used again has none.
 */
#ifndef MYCELIUM_ABI_EXIT_WATCH_H
#define MYCELIUM_ABI_EXIT_WATCH_H

#include <stdint.h>

struct myc_exit_registration {
	uint64_t incarnation; /* from 1; 0 = not registered */
	uint32_t process;     /* row in the process table */
	uint32_t reserved;
};
_Static_assert(sizeof(struct myc_exit_registration) == 16, "layout");

#endif
