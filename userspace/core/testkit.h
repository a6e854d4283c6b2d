/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the test kit: testkit.c runs systems from a seed, testkit_world.c is time and the way into handlers for them,
 * testkit_probe.c looks at what they sent. */
#ifndef MYC_CORE_TESTKIT_H
#define MYC_CORE_TESTKIT_H

#include <setjmp.h>

#include <mycelium/abi/topic.h>
#include <mycelium/testkit.h>
#include <mycelium/topic.h>

#include "core/executor.h"

#define MYC_KIT_RULES_MAX  64
#define MYC_KIT_CLAIMS_MAX 16

enum myc_kit_event_kind {
	MYC_KIT_BEGIN,
	MYC_KIT_MESSAGE,
	MYC_KIT_TIMER,
	MYC_KIT_TURN,
	MYC_KIT_DELAY,
	MYC_KIT_CRASH,
};

struct myc_kit_event {
	uint64_t number, now_ns, actor, detail;
	uint32_t kind, process, executor, type, size;
};

/* A behaviour as the kit runs it: its handlers are ours, and call the original's. */
struct myc_kit_behaviour {
	struct myc_behaviour behaviour; /* first */
	const struct myc_behaviour *original;
	struct myc_kit_behaviour *next;
};

struct myc_kit_executor {
	bool begun;
	uint32_t delayed; /* not chosen before this turn of the kit */
	uint32_t quiet;	  /* empty turns since anybody last did something */
};

struct myc_kit_process {
	struct myc_system *system;
	struct myc_region own, view; /* the same memory: read-write, read-only */
	struct myc_region *regions;  /* as this process has them */
	uint64_t incarnation;
	struct myc_kit_executor *executor;
	struct myc_spawn_opts *declared; /* MYC_SLOTS_FIXED, by slot */
	uint32_t declared_count;
};

struct myc_kit_caught {
	struct myc_testkit_message message;
	struct myc_kit_caught *next;
	bool taken;
	uint64_t payload[]; /* aligned as a handler sees it */
};

struct myc_kit_rule {
	myc_address probe;
	uint16_t type;
	bool allowed;
};

/* A topic that a probe publishes to. */
struct myc_kit_claim {
	myc_address probe;
	char topic[MYC_TOPIC_NAME_SIZE];
	struct myc_publisher publisher;
};

struct myc_testkit {
	struct myc_testkit_opts opts;
	struct myc_system_opts system_opts;
	struct myc_executor_opts executor_opts[MYC_EXECUTORS_MAX];
	struct myc_world world;
	struct myc_kit_process process[MYC_TESTKIT_PROCESSES_MAX];
	struct myc_kit_behaviour *behaviours;
	uint64_t seed, random, now_ns, hash, events;
	uint32_t turns, crashes;
	struct myc_kit_event *trace;
	jmp_buf crashed; /* out of a handler */
	bool in_turn;
	uint32_t turn_process, turn_executor;
	struct myc_kit_caught *caught, *caught_last;
	struct myc_kit_rule rule[MYC_KIT_RULES_MAX];
	uint32_t rules;
	struct myc_kit_claim claim[MYC_KIT_CLAIMS_MAX];
	uint32_t claims;
	char (*probe_name)[MYC_NAME_SIZE];     /* MYC_SLOTS_FIXED */
	struct myc_behaviour *probe_behaviour; /* the same */
	myc_address probe[MYC_SLOTS_FIXED];
	uint32_t probes;
	char *text;
	size_t text_size;
};

static inline bool myc_kit_alive(const struct myc_kit_process *process)
{
	return process->system;
}
bool myc_kit_chance(struct myc_testkit *kit, uint32_t of_a_million);
/* Nobody has anything to do before the next due time. */
bool myc_kit_idle(struct myc_testkit *kit);
/* Something happened: all have a look again. */
void myc_kit_wake_all(struct myc_testkit *kit);
void myc_kit_world_open(struct myc_testkit *kit);
void myc_kit_world_close(struct myc_testkit *kit); /* once its systems are closed */
/* As in struct myc_workspace, for all processes. */
int myc_kit_find(void *context, const char *name, myc_address *address);
bool myc_kit_process_alive(void *context, uint32_t process);
void myc_kit_note(struct myc_testkit *kit, enum myc_kit_event_kind kind, myc_address actor,
		  uint64_t detail, uint32_t type, uint32_t size);
void myc_kit_probes_close(struct myc_testkit *kit);

#endif
