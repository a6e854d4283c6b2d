/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mycelium as a contestant: the program `mycelium SCENE` plays one scene and reports its figures.
 * A scene lays `struct stage` out, runs a system (threads or processes) until an actor calls
 * stage_done, and reads what the actors left on the stage.
 */
#ifndef TESTS_BENCH_ACTORS_MYCELIUM_H
#define TESTS_BENCH_ACTORS_MYCELIUM_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <mycelium/mycelium.h>

#include "measure.h"

/* Results, in memory that a forked process shares. Writer: the actors of the scene. */
struct stage {
	sem_t done;
	_Atomic int failed; /* -errno of whoever gave up */
	uint64_t ticks;	    /* of what was measured */
	uint64_t count;
	uint64_t sample[MEASURE_TRIPS];
};
extern struct stage *stage;

void stage_done(void);
/* A handler's way out when the scene cannot go on; returns the code. */
int stage_failed(int code);

/* A behaviour with its place. They are spawned before the start, in order, with the settings "first" and
 * "second" (addresses of those two of the cast, 0 = not made yet), "index" (in the cast), "peers". */
struct role {
	const struct myc_behaviour *behaviour;
	uint32_t executor;
};

struct scene {
	const struct role *cast;
	uint32_t cast_size;
	uint32_t executors; /* 0 = 2: spinning on core 0 and core 1. From the third on: asleep */
	const struct myc_executor_opts *executor; /* NULL = those */
	uint32_t timers;			  /* of each executor, 0 = default */
	uint32_t peers;				  /* setting "peers" */
	uint32_t actors;			  /* slots, 0 = default */
	const struct myc_topic_opts *topics;
	uint32_t topics_count;
	bool processes; /* the cast's first in a process on core 1, the others in one on core 0 */
	bool post_a_hello; /* this thread greets the first two of the cast: one more lane to poll */
};

/* Runs it to its end: 0, or -errno that an actor gave up with. Exits on errors of the set-up. */
int scene_run(const struct scene *scene);
void scene_must(int code, const struct myc_error *error);
/* In a handler: the address of the cast's first; asked anew by timer until it is there: -EAGAIN. */
int scene_first(struct myc_actor *self, struct myc_ref *ref);
uint64_t scene_setting(const struct myc_actor *self, const char *key);

enum { HELLO = 1, READY, TRIP, HOP, FLOOD, GO_ON };

void play_one_way(bool processes, uint32_t peers);
void play_stream(bool processes, uint32_t senders);
void play_hop(void);
void play_tell(void);
void play_scatter(void);
void play_ask(void);
void play_bodies(bool processes);
void play_spawn(void);
void play_timers(void);
void play_sleep(void);
void play_topics(void);

#endif
