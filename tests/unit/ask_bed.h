/* SPDX-License-Identifier: Apache-2.0 */
/* An asker, a replier and a third, on one executor, on two, and across processes. */
#ifndef TESTS_UNIT_ASK_BED_H
#define TESTS_UNIT_ASK_BED_H

#include "common/test.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "common/ask_rig.h"
#include "core/ask.h"
#include "core/executor.h"

#define MS 1000000ull

/* The same on each bed: an asker on side 0, a replier and a third on side 1. */
static struct ask_rig rig;
static myc_address asker, replier, third;

static inline void setup(enum ask_bed bed, const struct myc_system_opts *opts,
			 const struct myc_behaviour *replying)
{
	ask_rig_open(&rig, bed, opts);
	asker = rig_spawn(&rig, 0, &rig_asker);
	replier = rig_spawn(&rig, 1, replying);
	third = rig_spawn(&rig, 1, &rig_replier);
	rig_start(&rig);
}

#define on_each_bed(opts, replying)                                                                \
	for (enum ask_bed bed_ = (setup(BED_EXECUTOR, opts, replying), BED_EXECUTOR); bed_ < BEDS; \
	     ask_rig_close(&rig), ++bed_ < BEDS ? setup(bed_, opts, replying) : (void)0)

static inline int ask(enum request request, uint64_t word, uint64_t timeout_ns, uint64_t cookie)
{
	return rig_order(&rig, asker, ORDER_ASK,
			 (struct order_body){.to = replier,
					     .type = request,
					     .more = word,
					     .timeout_ns = timeout_ns,
					     .cookie = cookie});
}

/* So that the replier's executor knows the pair, and has given it credit. */
static inline void warm(void)
{
	assert_int_equal(ask(REQUEST_ECHO, 0, MYC_FOREVER, 0), 0);
	wait_until(rig_count == 1);
	rig_count = rig_requests = rig_ordered = 0;
}

#endif
