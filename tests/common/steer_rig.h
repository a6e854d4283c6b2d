/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steering program and its twin, side by side over the same configuration. Tests change the
 * twin's tables (plain memory), rig_push copies them into the program's maps, a packet goes
 * through both, and what differs is a failure.
 *
 * The AF_XDP sockets in the program's XSKMAP are bound to nothing: a redirect is decided by the
 * row alone, and BPF_PROG_TEST_RUN goes no further.
 */
#ifndef TESTS_COMMON_STEER_RIG_H
#define TESTS_COMMON_STEER_RIG_H

#include <stdbool.h>

#include "dataplane/steer_user.h"

#define RIG_PROCESSES 2
#define RIG_CHANNELS  20
#define RIG_ENDPOINTS 4 /* each with a socket on queue 0 */
#define RIG_EPOCH     5
#define RIG_SESSION   "SESSION001"

/* Registry rows and endpoints of the owner and of its standby. */
enum { RIG_OWNER_ROW = 10, RIG_STANDBY_ROW = 11, RIG_OWNER = 1, RIG_STANDBY = 2, RIG_DIRECT = 3 };

/* Channels of rig_config: what each is for. UDP port RIG_PORT + channel, group 239.1.1.1. */
#define RIG_PORT 5000
enum rig_channel {
	RIG_ITCH, /* locate filter, duplicates dropped; also IPv6 (line C), 239.1.1.2 (line B) */
	RIG_ITCH_PLAIN,	 /* neither; sources 10.0.0.1 .. 10.0.0.4 */
	RIG_IEX,	 /* symbol filter, duplicates dropped, protocol 0x8003, channel 1 */
	RIG_GENERIC32,	 /* big-endian at offset 2, duplicates dropped */
	RIG_UNSEQUENCED, /* generic without a number */
	RIG_STANDBY_CHANNEL,
	RIG_ORPHAN_PASS,
	RIG_NO_OWNER,	/* endpoint RIG_DIRECT */
	RIG_ITCH_TYPES, /* no locate filter, types P and Q dropped */
	RIG_VLAN,	/* line A on VLAN 100, line B on any other */
	RIG_GENERIC8,	/* little-endian at offset 0 */
	RIG_GENERIC16,
	RIG_GENERIC64,
	RIG_IEX_TYPES,	  /* no symbol filter, type T dropped, any protocol and channel */
	RIG_ITCH_REORDER, /* reorder window of 10 messages */
	RIG_ITCH_BOTH,	  /* locate filter and types P dropped */
	/* Duplicates dropped, filter by the tables of sbe_body.h, instruments 1 to 9 watched. */
	RIG_MDP3,
	RIG_B3,
	RIG_MEMX,
	RIG_DERIBIT,
};

struct rig {
	struct myc_steer_config *config;
	struct myc_symbol_filter symbols, instruments;
	struct myc_sbe_filter sbe[4];
	struct myc_binding_slot *slots;
	/* the twin's side, which tests change */
	struct myc_registry_row *registry;
	struct myc_process_row processes[RIG_PROCESSES];
	struct myc_process_page page[RIG_PROCESSES];
	struct myc_process_page *pages[RIG_PROCESSES];
	struct myc_system_page system;
	struct myc_channel_state state[RIG_CHANNELS];
	struct myc_filtered_window *window;
	struct myc_locate_filter *locate;
	struct myc_counters counters[RIG_CHANNELS + 1];
	struct myc_steer_tables twin;
	/* the program's side */
	struct steer_bpf *object;
	int program;
	void *map_registry, *map_processes, *map_system, *map_state, *map_window, *map_locate;
	void *map_page[RIG_PROCESSES];
	int socket[RIG_ENDPOINTS];
};

/* What the program made of a packet. */
struct rig_run {
	uint32_t action; /* XDP_PASS, XDP_DROP, XDP_REDIRECT */
	bool has_meta;
	struct myc_meta meta;
};

/* The configuration above, for the twin alone (no privilege). */
void rig_open_twin(struct rig *rig);
/* Loads the program as well; without `vlans` it leaves the look-up by VLAN out, as it may for any
 * configuration but RIG_VLAN's. 0, or -errno. */
int rig_open(struct rig *rig, bool vlans);
void rig_close(struct rig *rig);
/* rig_open for a program of tests: true, or what main is to return, said why. */
bool rig_opened(struct rig *rig, int *exit_code);

/* Fresh tables: owner and standby up, every channel's session announced as RIG_SESSION (IEX: 7) in
 * epoch RIG_EPOCH from number 100 on, locates 1..9 watched, nothing counted. */
void rig_reset(struct rig *rig);
/* The twin's tables into the program's maps. */
void rig_push(struct rig *rig);
/* Runs the program alone; `queue` needs a device with that many, else 0. -errno on failure. */
int rig_run_program(struct rig *rig, const uint8_t *frame, uint32_t size, uint32_t meta_before,
		    struct rig_run *run);
/* The program's counters of all CPUs. */
void rig_counters(const struct rig *rig, struct myc_counters *counters);
void rig_counters_clear(const struct rig *rig);
/* NULL, or the name of the first table in which program and twin differ. */
const char *rig_difference(const struct rig *rig, bool windows_too);

#endif
