/* SPDX-License-Identifier: Apache-2.0 */
/*
 * myc-load's configuration file:
 *
 *	name: feed          # of the system
 *	interface: eth1
 *	mode: auto          # auto | native | generic
 *	sharing: exclusive  # exclusive | dispatcher
 *	priority: 50        # in a dispatcher: lower runs earlier
 *	channels: ...       # runtime/channels_yaml.h
 */
#ifndef MYC_LOAD_CONFIG_H
#define MYC_LOAD_CONFIG_H

#include "dataplane/program.h"
#include "runtime/channels_yaml.h"

struct config {
	char name[MYC_PROGRAM_NAME_MAX + 1]; /* "" = not in the file */
	char interface[16];		     /* "" = not in the file */
	enum myc_attach_mode mode;
	enum myc_sharing sharing;
	uint32_t priority; /* 0 = not in the file */
	struct myc_channels *channels;
};

extern const char *const config_modes[3];    /* by enum myc_attach_mode */
extern const char *const config_sharings[2]; /* by enum myc_sharing */

/* -EINVAL with file:line, or what kept the file from being read. */
int config_read(struct config *config, const char *path, struct myc_error *error);
void config_free(struct config *config);

#endif
