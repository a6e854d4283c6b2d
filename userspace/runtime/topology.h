/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system as its topology file describes it: network, channels, supervisor, processes, their
 * executors and actors. Read once, before anything starts; every error is one line with its place
 * and remedy, and unknown keys are errors. Immutable afterwards; forked processes inherit it.
 * The file's format: docs/man/myc-topology.5.
 *
 * Places are given by order: process i of the file is process i of the workspace, actor j of a
 * process has slot j, feeding actors have endpoints in the order of the file. So an address
 * depends on the file only, and is the same after every restart.
 */
#ifndef MYC_RUNTIME_TOPOLOGY_H
#define MYC_RUNTIME_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/abi/buffer.h>
#include <mycelium/abi/registry.h>
#include <mycelium/abi/steer.h>
#include <mycelium/shutdown.h>
#include <mycelium/abi/topic.h>
#include <mycelium/system.h>

#include "dataplane/dataplane.h"
#include "runtime/restart.h"
#include "runtime/yaml.h"

#define MYC_SYSTEM_NAME_MAX	  31
#define MYC_PROCESS_NAME_MAX	  23
#define MYC_BEHAVIOUR_NAME_MAX	  23
#define MYC_PROCESS_ACTORS_MAX	  64 /* fixed slots of a process (core/process.h) */
#define MYC_PROCESS_EXECUTORS_MAX 16
#define MYC_PROCESS_TOPICS_MAX	  16
#define MYC_ACTOR_SETTINGS_MAX	  64

struct myc_channels; /* runtime/channels_yaml.h */

struct myc_topology_network {
	enum myc_dataplane_kind kind;
	char interface[16]; /* "" = none given */
	char netns[64];	    /* name below /run/netns; "" = ours */
	uint64_t queues;    /* bit set; 0 = all there are */
	enum myc_xsk_mode mode;
	enum myc_wait wait;
	enum myc_attach_mode attach;
	enum myc_sharing sharing;
	uint32_t priority;		      /* in a dispatcher; 0 = default */
	uint32_t frames, frame_size, rx_ring; /* 0 = default */
	bool join_groups;
	char *file; /* as a path from where we run; NULL = none */
	double speed;
};

struct myc_topology_phase {
	char name[MYC_PHASE_NAME_MAX + 1];
	uint32_t timeout_ms;
};

struct myc_topology_actor {
	char name[MYC_NAME_MAX + 1];
	char behaviour[MYC_BEHAVIOUR_NAME_MAX + 1];
	uint32_t executor;
	uint32_t feeds; /* channels it is fed from */
	uint16_t feed[MYC_PROCESS_CHANNELS_MAX];
	uint16_t endpoint; /* MYC_NO_ENDPOINT without feeds */
	bool report_filtered;
	bool from_start;	     /* of the session: what was missed before counts as a gap */
	uint32_t restarts_max;	     /* of the actor in its process; 0 = default */
	uint64_t restarts_window_ns; /* 0 = default */
	bool thread;		     /* MYC_SPAWN_THREAD */
	struct myc_setting *setting; /* owned */
	uint32_t settings;
	uint32_t phase; /* of the shutdown, from 1; 0 = none */
	unsigned line;	/* in the file */
};

struct myc_topology_process {
	char name[MYC_PROCESS_NAME_MAX + 1];
	enum myc_restart restart;
	uint32_t shutdown_ms;
	char *library; /* as a path from where we run */
	struct myc_executor_opts executor[MYC_PROCESS_EXECUTORS_MAX];
	uint32_t executors;
	struct myc_topology_actor actor[MYC_PROCESS_ACTORS_MAX];
	uint32_t actors;
	uint32_t threads;				     /* actors with a thread of their own */
	struct myc_topic_opts topic[MYC_PROCESS_TOPICS_MAX]; /* without their names */
	char topic_name[MYC_PROCESS_TOPICS_MAX][MYC_TOPIC_NAME_SIZE];
	uint32_t topics;
	uint32_t slots, lane_slots, outbox, growth; /* of struct myc_system_opts; 0 = default */
	uint32_t loans, readings, directory, work_threads;
	struct {
		uint32_t size, count;
	} buffers[MYC_POOL_CLASSES];
	unsigned line;
};

struct myc_topology {
	char system[MYC_SYSTEM_NAME_MAX + 1];
	struct myc_topology_network network;
	struct myc_channels *channels; /* never NULL; may have none */
	struct myc_restart_limit limit;
	uint32_t lease_ms;
	struct myc_topology_phase phase[MYC_PHASES_MAX]; /* of the shutdown, in order */
	uint32_t phases;
	enum myc_cycles cycles; /* of actors that wait for one another's credit */
	struct myc_topology_process *process;
	uint32_t processes;
	uint32_t endpoints;
};

/* A change to what the file says, from the command line: "network.KEY" or "supervisor.KEY", the
 * value as in the file; "ACTOR.KEY" gives an actor a setting. */
struct myc_topology_override {
	const char *key;
	const char *value;
};

/* Reads and checks the file. With `kind` (NULL = the file's) the network is of another kind;
 * interface and namespace of the file are forgotten then, since they belong to the other kind.
 * -EINVAL: something is wrong; errno of the file when it cannot be read. */
int myc_topology_load(struct myc_topology **topology, const char *path, const char *kind,
		      const struct myc_topology_override *overrides, unsigned count,
		      struct myc_error *error);
/* The same of a document that is open; paths in it are relative to `folder`. */
int myc_topology_read(struct myc_topology **topology, const struct myc_yaml *yaml,
		      const char *folder, const char *kind,
		      const struct myc_topology_override *overrides, unsigned count,
		      struct myc_error *error);
void myc_topology_free(struct myc_topology *topology);

/* Are the libraries there and do they export the behaviours? Loads them in a child process, so
 * that their code never runs in ours. -ENOENT, -EINVAL. */
int myc_topology_check_libraries(const struct myc_topology *topology, struct myc_error *error);
/* Has this process the privileges that the network's kind needs? -EPERM. */
int myc_topology_check_privilege(const struct myc_topology *topology, struct myc_error *error);

#endif
