/* SPDX-License-Identifier: Apache-2.0 */
/* A process table with an exit watch, without a network: for the watch's test and its benchmark. */
#ifndef TESTS_COMMON_EXIT_RIG_H
#define TESTS_COMMON_EXIT_RIG_H

#include <stdbool.h>

#include "dataplane/exit_watch.h"

#define EXIT_RIG_BPFFS "/sys/fs/bpf"

/* A bpffs in a mount namespace of the caller's own, so that pins go with it. False without root. */
bool exit_rig_bpffs(void);
/* Loads a program with one channel under the name, attached to nothing, and opens the watch. */
int exit_rig_open(const char *name, struct myc_program **program, struct myc_exit_watch **watch,
		  struct myc_error *error);

#endif
