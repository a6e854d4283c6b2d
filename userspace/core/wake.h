/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How nobody is lost asleep:
 *
 *	waker: publish (any number)           sleeper: asleep = odd
 *	       fence (once a turn)                     fence
 *	       load asleep                             look at every source and lane
 *	       odd: ring its bell                      nothing there: wait for the bell
 *
 * With both fences sequentially consistent, either the waker sees `asleep` or the sleeper sees what
 * was published. A bell is an eventfd: rung before the sleeper waits, it still ends the wait.
 *
 * asleep: bit 0 asleep, bit 1 waits for credit too, the rest counts sleeps, so that a waker rings
 * once a sleep. Writer: the sleeper. Steps are inline for the interleaving tests (memory/lane.h).
 */
#ifndef MYC_CORE_WAKE_H
#define MYC_CORE_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#ifndef MYC_POINT
#define MYC_POINT(name) ((void)0)
#endif

/* After it, and only then, the sleeper looks whether something is there. */
static inline void myc_sleep_announce(uint32_t *asleep, bool credit)
{
	__atomic_store_n(asleep, *asleep | 1 | (credit ? 2 : 0), __ATOMIC_RELAXED);
	MYC_POINT("sleep: announced");
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void myc_sleep_end(uint32_t *asleep)
{
	MYC_POINT("sleep: over");
	__atomic_store_n(asleep, (*asleep | 3) + 1, __ATOMIC_RELAXED);
}

static inline void myc_wake_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	MYC_POINT("wake: fenced");
}

/* After the fence: must it be rung, having got a message (else only credit)? Notes that it is. */
static inline bool myc_wake_needed(const uint32_t *asleep, uint32_t *rung, bool message)
{
	uint32_t now = __atomic_load_n(asleep, __ATOMIC_RELAXED);

	if (!(now & 1) || now == *rung || (!message && !(now & 2)))
		return false;
	*rung = now;
	return true;
}

#endif
