/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three processes in the deterministic runtime, an actor each, of which the middle one writes over what it has sent; and
 * what the others' executors made of it.
 */
#ifndef TESTS_UNIT_LIAR_BED_H
#define TESTS_UNIT_LIAR_BED_H

#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/executor.h"
#include "memory/pool.h"

#define PROCESSES 3
#define SIZE	  200 /* of a body */

static inline struct myc_testkit *open_kit(uint64_t seed, const struct myc_behaviour *const *as,
					   myc_address *address)
{
	const struct myc_testkit_opts with = {
		.sz = sizeof(with), .seed = seed, .processes = PROCESSES};
	struct myc_testkit *kit;

	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	for (uint32_t p = 0; p < PROCESSES; p++) {
		const struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = as[p]};

		assert_int_equal(myc_testkit_spawn(kit, p, &opts, &address[p]), 0);
	}
	return kit;
}

/* Until nothing more comes of it. */
static inline void tell(struct myc_testkit *kit, myc_address to, uint16_t type, const void *payload,
			uint32_t size)
{
	assert_int_equal(myc_testkit_post(kit, to, type, payload, size), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
}

/* Where message `back` before the newest of an actor's lane to a process stands. */
static inline struct myc_slot *slot_sent(struct myc_actor *self, uint32_t process, uint32_t back)
{
	struct myc_sender *out = &self->executor->out;
	uint32_t i = 0;

	while (i < out->roads && !(out->road[i].peer && out->road[i].process == process))
		i++;
	assert_true(i < out->roads);
	struct myc_lane_out *lane = &out->road[i].lane;
	uint32_t at = lane->head[MYC_RING_ORDINARY] - 1 - back;

	return &lane->slot[MYC_RING_ORDINARY][at & lane->mask[MYC_RING_ORDINARY]];
}

static inline struct myc_executor *executor_of(struct myc_testkit *kit, uint32_t process)
{
	return &myc_testkit_system(kit, process)->executor[0];
}

/* Buffers of a process that are not home. */
static inline uint32_t out(struct myc_testkit *kit, uint32_t process)
{
	const struct myc_pool *pool = &executor_of(kit, process)->out.pool;
	uint32_t n = 0;

	for (uint32_t b = 0; b < pool->shape.buffers; b++)
		n += pool->buffer[b].out || pool->buffer[b].incarnation;
	return n;
}

/* Lanes that a process cut off. */
static inline uint64_t cut_off(struct myc_testkit *kit, uint32_t process)
{
	const struct myc_executor_words *words = executor_of(kit, process)->words;
	uint64_t n = 0;

	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		n += words->lane_faults[i];
	return n;
}

#endif
