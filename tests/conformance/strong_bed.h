/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of strong references share. */
#ifndef TESTS_CONFORMANCE_STRONG_BED_H
#define TESTS_CONFORMANCE_STRONG_BED_H

#include "conformance/cases.h"

/* ---- what probes do ---------------------------------------------------------------------------- */

static inline struct probe *held_as(uint32_t where, const struct myc_behaviour *behaviour,
				    uint32_t restarts)
{
	struct probe *made = make(where, behaviour);

	made->spawn_flags = MYC_SPAWN_WHILE_HELD;
	made->restarts_max = restarts ? restarts : NO_RESTART;
	OK(try_spawn(made));
	return made;
}
static inline struct probe *held(uint32_t where)
{
	return held_as(where, &plain, 0);
}
/* Before its place does anything. */
static inline struct probe *fixed_held(uint32_t where)
{
	struct probe *made = make(where, &plain);

	made->spawn_flags = MYC_SPAWN_WHILE_HELD;
	way.fix(made);
	return made;
}

JOB_OF(job_take, myc_strong_take(self, a[0]))
JOB_OF(job_drop, myc_strong_drop(self, &me->strong[a[0]]))
JOB_OF(job_give, myc_strong_give(self, &me->strong[a[0]], a[1], a[2]))
JOB_OF(job_share, myc_strong_share(self, &me->strong[a[0]], a[1], a[2]))

/* Its nth, which it is told of. */
static inline void take(struct probe *who, const struct probe *what)
{
	uint32_t before = who->holds;

	OK(let(who, job_take, what->address, 0, 0, 0));
	UNTIL(who->holds > before);
	assert_int_equal(who->strong[before % SLOTS].address, what->address);
}
static inline int drop(struct probe *who, uint32_t slot)
{
	return let(who, job_drop, slot, 0, 0, 0);
}
static inline int give(struct probe *who, uint32_t slot, const struct probe *to, uint64_t cookie)
{
	return let(who, job_give, slot, to->address, cookie, 0);
}
static inline int share(struct probe *who, uint32_t slot, const struct probe *to, uint64_t cookie)
{
	return let(who, job_share, slot, to->address, cookie, 0);
}

static inline void expect_held(const struct probe *who, uint32_t n, myc_address from,
			       const struct probe *what, uint64_t cookie)
{
	const struct seen *seen = nth(who, SIGNAL, n);

	assert_int_equal(seen->event.kind, MYC_EVENT_HELD);
	assert_int_equal(seen->from, from);
	assert_int_equal(seen->strong.address, what->address);
	assert_int_equal(seen->number, cookie);
}
static inline void expect_not_held(const struct probe *who, uint32_t n, const struct probe *what,
				   uint32_t kind)
{
	const struct seen *seen = nth(who, SIGNAL, n);

	assert_int_equal(seen->event.kind, MYC_EVENT_NOT_HELD);
	assert_int_equal(seen->strong.address, what->address);
	assert_int_equal(seen->strong.index, 0);
	assert_int_equal(seen->event.reason.kind, kind);
}

/* It lives, after all that is on its way. */
static inline void expect_alive(struct probe *who)
{
	settle();
	assert_false(ended(who));
	uint32_t before = who->pings;

	OK(post(who, PING, 0));
	UNTIL(who->pings > before);
}
/* By itself, in order. */
static inline void expect_over(struct probe *who)
{
	UNTIL(ended(who));
	assert_int_equal(who->stoppings, 1);
	assert_int_equal(who->stops, 1);
}

static inline void four_watches(struct world_opts *opts)
{
	opts->executor.watches = 4;
}

#endif
