/* SPDX-License-Identifier: Apache-2.0 */
/* myc: runs, shows, stops and checks systems. One file a command; each gets argv from its own name
 * on and returns the exit code: 0; 1 other; 2 bad input; 3 missing privilege or kernel feature;
 * 4 resource or name taken. */
#ifndef TOOLS_MYC_MYC_H
#define TOOLS_MYC_MYC_H

#include <mycelium/error.h>

#include "base/text.h"
#include "runtime/run.h"

int myc_run(int argc, char **argv);
int myc_check(int argc, char **argv);
int myc_ps(int argc, char **argv);
int myc_letters(int argc, char **argv);
int myc_schemas_of(int argc, char **argv);
int myc_state_of(int argc, char **argv);
int myc_suspend_actor(int argc, char **argv);
int myc_move_actor(int argc, char **argv);
int myc_resume_actor(int argc, char **argv);
int myc_holders_of(int argc, char **argv);
int myc_stop_system(int argc, char **argv);
int myc_frame_file(int argc, char **argv);

#define MYC_OVERRIDES_MAX 64

/* What run and check have in common: a topology with its changes from the command line. */
struct myc_topology_args {
	const char *path;
	const char *kind;
	struct myc_topology_override override[MYC_OVERRIDES_MAX];
	unsigned overrides;
};

/* "KEY=VALUE" of --set; cuts `text` in two. -EINVAL. */
int myc_args_set(struct myc_topology_args *args, char *text, struct myc_error *error);
/* Reads and checks everything that can be checked before a start. */
int myc_args_load(const struct myc_topology_args *args, struct myc_topology **topology,
		  struct myc_layout **layout, struct myc_error *error);

/* "myc: ..." on stderr; returns the exit code for it. */
int myc_complain(const struct myc_error *error);
/* A wrong command line of the command that runs: its usage on stderr; returns 2. */
int myc_complain_usage(void);

/* Asks a system for what changes nothing: again when its supervisor dies under the question, for that has a successor.
 * Errors of myc_control_ask. */
int myc_query(const char *name, const char *line, int timeout_ms, struct myc_text *answer,
	      struct myc_error *error);

/* NAME from the command line, or that of the only system that runs. -EINVAL. */
int myc_name_of(const char *given, char *out, size_t size, struct myc_error *error);

#endif
