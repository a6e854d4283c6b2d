/* SPDX-License-Identifier: Apache-2.0 */
#include "common/exit_rig.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/packet.h"

bool exit_rig_bpffs(void)
{
	return !geteuid() && !unshare(CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("bpf", EXIT_RIG_BPFFS, "bpf", 0, "mode=0700");
}

int exit_rig_open(const char *name, struct myc_program **program, struct myc_exit_watch **watch,
		  struct myc_error *error)
{
	struct myc_program_opts opts = {.sz = sizeof(opts), .name = name};
	struct myc_steer_config *config = calloc(1, sizeof(*config));

	if (!config)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	config->channels_count = config->bindings_count = 1;
	config->channel[0].owner_row = config->channel[0].standby_row = MYC_NO_ROW;
	packet_mapped(config->binding[0].key.address, 0xef010101);
	config->binding[0].key.port = 5000;
	config->binding[0].key.vlan = MYC_VLAN_ANY;
	int err = myc_program_load(program, &opts, config, error);
	free(config);
	return err ? err : myc_exit_watch_open(watch, *program, error);
}
