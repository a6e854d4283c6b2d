/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program on a veth pair, in a network and a mount namespace of the test's own: both go
 * with the process, so nothing can be left behind on the host.
 */
#ifndef TESTS_BPF_PROGRAM_BED_H
#define TESTS_BPF_PROGRAM_BED_H

#include "common/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/clock.h"
#include "common/packet.h"
#include "dataplane/program.h"

#define BPFFS "/sys/fs/bpf" /* a fresh one, in this mount namespace only */
#define NAME  "mycload"
#define RX    "mycload0"
#define TX    "mycload1"
#define PORT  5000

/* An emulated machine takes its time for each. */
#define ROUNDS(count) (test_slowness() > 1 ? (count) / 4u : (count))

static inline struct myc_program_opts opts(const char *interface, enum myc_attach_mode mode)
{
	return (struct myc_program_opts){
		.sz = sizeof(struct myc_program_opts),
		.name = NAME,
		.interface = interface,
		.mode = mode,
	};
}

/* `channels` channels without a sequence, on 239.1.1.1, ports from PORT on, to endpoint 0. */
static inline struct myc_steer_config *config_new(uint32_t channels)
{
	struct myc_steer_config *config = calloc(1, sizeof(*config));

	assert_non_null(config);
	config->channels_count = config->bindings_count = channels;
	for (uint32_t i = 0; i < channels; i++) {
		config->channel[i].owner_row = config->channel[i].standby_row = MYC_NO_ROW;
		config->channel[i].orphan = MYC_ORPHAN_PASS;
		packet_mapped(config->binding[i].key.address, 0xef010101);
		config->binding[i].key.port = (uint16_t)(PORT + i);
		config->binding[i].key.vlan = MYC_VLAN_ANY;
		config->binding[i].value.channel = (uint16_t)i;
	}
	return config;
}

static inline bool nothing_is_pinned(void)
{
	return access(BPFFS "/mycelium", F_OK) && errno == ENOENT;
}

static inline void fail_with(const struct myc_error *error)
{
	char line[1024];

	myc_error_format(error, line, sizeof(line));
	fail_msg("%s", line);
}

#define must(call)                         \
	do {                               \
		if (call)                  \
			fail_with(&error); \
	} while (0)

static inline struct myc_program *load_attached(const char *interface, uint32_t channels)
{
	struct myc_program_opts o = opts(interface, MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(channels);
	struct myc_program *program = NULL;
	struct myc_error error = {0};

	must(myc_program_load(&program, &o, config, &error));
	must(myc_program_attach(program, &error));
	free(config);
	return program;
}

static inline struct myc_program_status status_of(const struct myc_program *program)
{
	struct myc_program_status status;
	struct myc_error error = {0};

	must(myc_program_status(program, &status, &error));
	return status;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static inline int set_up(void **state)
{
	(void)state;
	return system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 &&"
		      " ip link set lo up && ip link add " RX " type veth peer name " TX
		      " && ip link set " RX " up && ip link set " TX " up");
}

/* So that one failure does not make the next. */
static inline int clean_up(void **state)
{
	struct myc_program_opts mine = opts(NULL, MYC_ATTACH_AUTO), second = mine;

	(void)state;
	second.name = "mycload-b";
	return myc_program_cleanup(&mine, 1, NULL) || myc_program_cleanup(&second, 1, NULL);
}

/* False: it may not have them. */
static inline bool namespaces_of_its_own(void)
{
	return !geteuid() && !unshare(CLONE_NEWNET | CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("bpf", BPFFS, "bpf", 0, "mode=0700");
}

#endif
