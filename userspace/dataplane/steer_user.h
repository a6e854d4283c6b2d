/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steering program's user-space twin: the very source of bpf/, compiled for user space, over
 * maps that are plain memory. Serves sources without XDP (UDP sockets, capture files), and the
 * test that holds it against the program.
 *
 * One struct myc_steer_tables is used by one thread, or by several when each has counters of its
 * own (`cpu`): the shared words are changed by compare-exchange as in the kernel.
 */
#ifndef MYC_DATAPLANE_STEER_USER_H
#define MYC_DATAPLANE_STEER_USER_H

#include <mycelium/abi/meta.h>
#include <mycelium/abi/registry.h>
#include <mycelium/abi/sbe_filter.h>
#include <mycelium/abi/steer.h>
#include <mycelium/error.h>

/* Complete configuration of one program: made from the topology or by myc-load, given to the
 * kernel (program.h) or to the twin. Arrays are owned by the maker. */
struct myc_steer_config {
	struct {
		struct myc_binding_key key;
		struct myc_binding value;
	} binding[MYC_BINDINGS_MAX];
	uint32_t bindings_count;
	struct myc_channel_config channel[MYC_CHANNELS_MAX];
	/* NULL without that filter: symbols (IEX, SBE), schema (SBE) */
	const struct myc_symbol_filter *symbols[MYC_CHANNELS_MAX];
	const struct myc_sbe_filter *sbe[MYC_CHANNELS_MAX];
	uint32_t channels_count;
	uint32_t processes_count;
};

/* Checks counts, ranges, cross references and duplicate keys; names what is wrong. */
int myc_steer_config_check(const struct myc_steer_config *config, struct myc_error *error);
/* Builds the open-addressing table from `count` wire symbols. -ENOSPC over MYC_SYMBOLS_MAX. */
int myc_symbol_filter_build(struct myc_symbol_filter *filter, const uint64_t *symbols,
			    uint32_t count);

/* Fills the MYC_BINDING_SLOTS slots of the `bindings` map (or of the tables below). -EEXIST: a key
 * twice; -ENOSPC: more than MYC_BINDING_PROBES_MAX keys collide. */
int myc_binding_table_build(struct myc_binding_slot *slots, const struct myc_steer_config *config);

/* What the program's maps are in the kernel. All memory is the caller's; state, window, locate
 * and counters have channels_count entries (counters one more). */
struct myc_steer_tables {
	const struct myc_steer_config *config;
	const struct myc_binding_slot *bindings; /* of config: myc_binding_table_build */
	const struct myc_registry_row *registry; /* MYC_REGISTRY_ROWS */
	const struct myc_process_row *processes;
	struct myc_process_page *const *pages; /* a pointer for each process */
	const struct myc_system_page *system;
	struct myc_channel_state *state;
	struct myc_filtered_window *window;
	struct myc_locate_filter *locate;
	struct myc_counters *counters;
};

enum myc_steer_action {
	MYC_STEER_PASS = 0,
	MYC_STEER_DROP = 1,
	MYC_STEER_REDIRECT = 2,
};

struct myc_steer_result {
	enum myc_steer_action action;
	enum myc_reason reason;
	uint16_t endpoint;	 /* of a redirect */
	uint16_t payload_offset; /* of the UDP payload in the frame */
	uint16_t payload_size;
	struct myc_meta meta; /* of a redirect */
};

/* Judges one whole Ethernet frame that arrived at now_ns. Counts. */
void myc_steer_frame(struct myc_steer_tables *tables, const uint8_t *frame, uint32_t size,
		     uint64_t now_ns, struct myc_steer_result *result);

/* Judges one UDP payload received by a socket: the same path from the channel table on.
 * key.vlan is MYC_VLAN_ANY. source: IPv4 as ::ffff:a.b.c.d. */
void myc_steer_payload(struct myc_steer_tables *tables, const struct myc_binding_key *key,
		       const uint8_t source[16], const uint8_t *payload, uint32_t size,
		       uint64_t now_ns, struct myc_steer_result *result);

/* Finds the UDP payload of a frame that the program redirected; the same checks as the program's
 * (IPv4 or IPv6, tags, options, min of frame, IP and UDP length). 0, or -EBADMSG. */
int myc_frame_payload(const uint8_t *frame, uint32_t size, uint32_t *offset,
		      uint32_t *payload_size);

#endif
