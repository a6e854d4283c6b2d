/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workspace of real processes, for tests that kill them. The test is the holder: it makes regions and bells,
 * forks workers, kills and reaps them. Each worker is one system that joins its region, or its
 * predecessor's.
 */
#ifndef TESTS_COMMON_HOUSE_H
#define TESTS_COMMON_HOUSE_H

#include <sys/types.h>

#include "common/test.h"
#include <mycelium/abi/lane.h>

#include "core/process.h"
#include "memory/region.h"

#define HOUSE_PROCESSES_MAX 8

struct house;
struct house_process {
	const struct myc_system_opts *system;
	/* In the worker, when it has joined and is not started: spawns, by house_spawn. */
	void (*furnish)(struct house *house, struct myc_system *system, uint32_t process);
};

/* Of a worker's system: so little that all of it is full now and then. */
#define HOUSE_ROOM \
	.actors = 64, .lane_slots = 64, .lane_urgent_slots = 4, .outbox = 64, .pending = 256

struct house {
	const struct house_process *plan;
	uint32_t processes, executors; /* of all */
	struct myc_region
		region[HOUSE_PROCESSES_MAX]; /* as a reader; in a worker its own writable */
	int fd[HOUSE_PROCESSES_MAX], bell[HOUSE_PROCESSES_MAX][MYC_EXECUTORS_MAX];
	pid_t pid[HOUSE_PROCESSES_MAX];
	uint64_t incarnation[HOUSE_PROCESSES_MAX];
	uint32_t *dead; /* by process, in a page that all see; NULL: nobody knows who is dead */
};

/* `user_size`: of a block in each region (house_user) that outlives the region's processes. `plan` outlives the
 * house, which is zeroed before. */
void house_open(struct house *house, const struct house_process *plan, uint32_t processes,
		size_t user_size);
/* Before the first start: workers learn who was killed, as from the exit watch. */
void house_watch_exits(struct house *house);
void house_close(struct house *house);
/* A worker, which goes on until it is killed. */
void house_start(struct house *house, uint32_t process);
void house_kill(struct house *house, uint32_t process); /* with -9, and reaps */
int house_end(struct house *house,
	      uint32_t process); /* the same; it may have ended by itself: its status */
void *house_user(const struct house *house, uint32_t process);

/* In a process forked from the holder, which has counted its incarnation: what house_start's worker does. */
struct myc_system *house_join(struct house *house, uint32_t process);
/* At this slot, so that its address is house_address of it in every incarnation. */
void house_spawn(struct house *house, struct myc_system *system, uint32_t process,
		 const struct myc_spawn_opts *opts, uint32_t slot);
static inline myc_address house_address(uint32_t process, uint32_t slot)
{
	return myc_address_make(0, process, slot, 1);
}

/* What the sources of one process have published to another, and what that one has dealt with. Equal and at
 * rest: nothing is on its way. */
void house_balance(const struct house *house, uint32_t from, uint32_t to, uint64_t *sent,
		   uint64_t *counted);

#endif
