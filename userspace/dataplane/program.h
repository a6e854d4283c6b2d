/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steering program in the kernel: load, pin, attach, replace, detach.
 *
 * Pinned under <bpffs>/mycelium/<name>/ : link, program, and every map. Configuration maps belong
 * to one load; state maps (registry, process pages, channel state, windows, locate filters,
 * counters, XSKMAP) live as long as the pin directory and are reused by each replacement.
 *
 *	ABSENT --load--> LOADED --attach--> ATTACHED --replace--> ATTACHED (same link id, new program)
 *	   ^                |                   |
 *	   +----unload------+-------unload------+
 *
 * What a kill -9 leaves: pins. A half-made directory (program_internal.h) is removed or finished by
 * the next load, open, replace or cleanup of the name; the attached program is never touched by
 * that. Whoever changes pins holds a lock for the while, so these may be called by several
 * processes at once; one struct myc_program belongs to one thread.
 *
 * Interfaces are those of the caller's network namespace. Descriptors are close-on-exec.
 */
#ifndef MYC_DATAPLANE_PROGRAM_H
#define MYC_DATAPLANE_PROGRAM_H

#include <mycelium/abi/registry.h>
#include <mycelium/abi/steer.h>
#include <mycelium/error.h>

#include "dataplane/steer_user.h"
#include "dataplane/steering.h"

#define MYC_PROGRAM_NAME_MAX 31 /* bytes of [a-z0-9-] */

enum myc_attach_mode {
	MYC_ATTACH_AUTO = 0, /* native, else generic; the receipt says which and why */
	MYC_ATTACH_NATIVE = 1,
	MYC_ATTACH_GENERIC = 2,
};

/* Whether other programs may stand on the interface beside ours. Decided at the first attach. */
enum myc_sharing {
	MYC_SHARING_EXCLUSIVE = 0,  /* a link of our own, pinned, replaced in one step */
	MYC_SHARING_DISPATCHER = 1, /* under libxdp's; ids change on replace. Where the kernel or
				     * libxdp refuses that: exclusive, and the receipt says why */
};

#define MYC_PRIORITY_MAX 65535

struct myc_program_opts {
	size_t sz;
	const char *name;  /* of the system: pin directory */
	const char *bpffs; /* NULL = /sys/fs/bpf, mounted there when it is not */
	const char *
		interface; /* load: must exist; NULL = named later. open: NULL = the one loaded for */
	enum myc_attach_mode mode;
	enum myc_sharing sharing;
	uint32_t
		priority; /* dispatcher: lower runs earlier, to MYC_PRIORITY_MAX; 0 = libxdp's 50 */
};

struct myc_program; /* opened maps, link and program of one pin directory */

/* Creates the state maps, loads the program with `config`, pins, does not attach yet.
 * -EEXIST: the name is pinned already (remedy: status, unload or replace). */
int myc_program_load(struct myc_program **program, const struct myc_program_opts *opts,
		     const struct myc_steer_config *config, struct myc_error *error);
/* Attaches by a pinned bpf_link, or through the dispatcher. -EBUSY: another program is there. */
int myc_program_attach(struct myc_program *program, struct myc_error *error);
/* Opens what is pinned under the name. -ENOENT. */
int myc_program_open(struct myc_program **program, const struct myc_program_opts *opts,
		     struct myc_error *error);
/* Loads the program anew with `config` over the same state maps and swaps it into the link in one
 * step (in a dispatcher in two: the new comes in, the old goes, and what both pass is counted twice
 * meanwhile); on any failure before that the old one goes on untouched. -ENOSPC: more channels than the
 * state maps were made for, which is the count at load rounded up to a multiple of 16. */
int myc_program_replace(struct myc_program *program, const struct myc_steer_config *config,
			struct myc_error *error);
/* Steers off: nothing is redirected from here on; maps and counters stay. 0 when not attached. */
int myc_program_detach(struct myc_program *program, struct myc_error *error);
/* Detaches, removes every pin, closes. */
int myc_program_unload(struct myc_program *program, struct myc_error *error);
/* Closes descriptors and mappings only; what is pinned stays. */
void myc_program_close(struct myc_program *program);
/* Removes what crashed loads left under the name: 0 = nothing there or removed. Refuses (-EBUSY)
 * while a link is attached and `force` is 0. */
int myc_program_cleanup(const struct myc_program_opts *opts, int force, struct myc_error *error);

/* Descriptor of the XSKMAP (row = endpoint * MYC_QUEUES_MAX + queue). */
int myc_program_xskmap(const struct myc_program *program);

/* Mappings. Read-write ones are for the creator (holder) and the supervisor; workers get pages of
 * their own read-write and everything else read-only by myc_program_map_worker(). */
struct myc_program_maps {
	uint32_t channels;		   /* rows of state, window and locate */
	struct myc_registry_row *registry; /* MYC_REGISTRY_ROWS */
	struct myc_process_row *processes; /* MYC_PROCESSES_MAX */
	struct myc_system_page *system;
	struct myc_process_page *pages[MYC_PROCESSES_MAX];
	const struct myc_channel_state *state;
	const struct myc_filtered_window *window;
	struct myc_locate_filter *locate;
};
const struct myc_program_maps *myc_program_maps(const struct myc_program *program);
/* A worker, after fork: makes mappings of its own, all read-only but the page of `process`, and
 * then calls myc_program_close(), which drops the creator's read-write ones that it inherited. */
int myc_program_map_worker(const struct myc_program *program, uint32_t process,
			   struct myc_program_maps *maps, struct myc_error *error);
/* The same worker, before that close, for each of its channels with a locate filter: makes the
 * pages of maps->locate[channel] writable, in place. */
int myc_program_map_locate(const struct myc_program *program, struct myc_program_maps *maps,
			   uint16_t channel, struct myc_error *error);
void myc_program_unmap(struct myc_program_maps *maps);

/* Sums the per-CPU counters of row `row` (0 = no channel, c + 1). One syscall. */
int myc_program_counters(const struct myc_program *program, uint32_t row, struct myc_counters *sum);

/* Names pinned below the bpffs (NULL = default), half-made ones too: how many, or -errno. */
int myc_program_list(const char *bpffs, char (*names)[MYC_PROGRAM_NAME_MAX + 1], unsigned max);

struct myc_program_status {
	uint32_t link_id, program_id, interface_index;
	char interface[16];
	enum myc_attach_mode attached; /* AUTO = not attached */
	uint32_t channels_count;
	char receipt[256]; /* what was got, and why not better */
	char trust[160];   /* what mode auto takes the driver for (nic.h); "" = not attached */
};
int myc_program_status(const struct myc_program *program, struct myc_program_status *status,
		       struct myc_error *error);

#endif
