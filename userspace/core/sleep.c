/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor's sleep: whether there is anything to do, what ends the sleep, and how long it may last. The sleeper's
 * half of core/wake.h; when an idle executor comes to it: core/executor.c.
 */
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/ask.h"
#include "core/directory.h"
#include "core/move.h"
#include "core/outbox.h"
#include "core/outside.h"
#include "core/signal.h"
#include "core/source.h"
#include "core/thread.h"
#include "core/topic_actor.h"
#include "core/wake.h"
#include "core/watch.h"

#define FDS_MAX 64
#define LOOK_NS \
	10000000u /* longest sleep while others' actors or letters are watched, or topics read */

static uint64_t sleep_until(const struct myc_executor *executor, uint64_t now)
{
	uint64_t until = executor->status_ns > now ? executor->status_ns : now;

	if (executor->outbox_deadlines && executor->outbox_due_ns < until)
		until = executor->outbox_due_ns;
	if (executor->timers.next_ns < until)
		until = executor->timers.next_ns;
	if (executor->outbox_count && executor->cycle_ns < until)
		until = executor->cycle_ns;
	/* An actor that is to move waits for what rings nobody. */
	if (myc_move_ours(executor) && until > now + MYC_UNRUNG_SLEEP_NS)
		until = now + MYC_UNRUNG_SLEEP_NS;
	uint64_t asks_ns = myc_asks_next_ns(executor);

	until = asks_ns < until ? asks_ns : until;
	until = executor->watches.late_ns < until ? executor->watches.late_ns : until;
	for (struct myc_source *source = executor->sources; source; source = source->next) {
		uint64_t due = source->deadline_ns ? source->deadline_ns(source) : UINT64_MAX;

		until = due < until ? due : until;
	}
	if ((executor->others_cannot_ring || (executor->topics && myc_topics_unrung(executor))) &&
	    until > now + MYC_UNRUNG_SLEEP_NS)
		until = now + MYC_UNRUNG_SLEEP_NS;
	if ((executor->letter_watchers || myc_watch_abroad(executor) ||
	     (executor->topics && myc_topics_abroad(executor)) ||
	     (executor->lives && myc_lives_abroad(executor))) &&
	    until > now + LOOK_NS)
		until = now + LOOK_NS;
	return until;
}

/* Fills the poll set; 0 = a source has no descriptor, so there is no sleeping. */
static unsigned poll_set(struct myc_executor *executor, struct pollfd *set)
{
	unsigned n = 1;
	int fds[FDS_MAX];

	set[0] = (struct pollfd){.fd = executor->bell, .events = POLLIN};
	if (executor->outside && (fds[0] = myc_outside_descriptor(executor)) >= 0)
		set[n++] = (struct pollfd){.fd = fds[0], .events = POLLIN};
	if (myc_threads_kept(executor))
		n += myc_threads_bells(executor, &set[1], FDS_MAX / 2);
	for (struct myc_source *source = executor->sources; source; source = source->next) {
		if (source->timed)
			continue;
		unsigned got =
			source->descriptors ? source->descriptors(source, fds, FDS_MAX - n) : 0;

		if (!got || got > FDS_MAX - n)
			return 0;
		for (unsigned i = 0; i < got; i++)
			set[n++] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	}
	return n;
}

static bool anything_there(struct myc_executor *executor)
{
	for (struct myc_source *source = executor->sources; source; source = source->next)
		if (source->ready && source->ready(source))
			return true;
	return myc_receiver_ready(executor) || myc_receiver_changed(executor) ||
	       (executor->outbox_count && myc_outbox_ready(executor)) ||
	       myc_signals_ready(executor) || (executor->outside && myc_outside_ready(executor)) ||
	       (executor->topics && myc_topics_ready(executor)) ||
	       (executor->lives && myc_lives_ready(executor)) || executor->telling ||
	       executor->watches.lost ||
	       __atomic_load_n(&executor->offered, __ATOMIC_ACQUIRE) != executor->taken ||
	       atomic_load_explicit(&executor->system->stop, memory_order_relaxed);
}

bool myc_executor_busy(struct myc_executor *executor)
{
	uint64_t due = executor->timers.next_ns < executor->watches.late_ns
			       ? executor->timers.next_ns
			       : executor->watches.late_ns;

	if (executor->outbox_deadlines && executor->outbox_due_ns < due)
		due = executor->outbox_due_ns;
	return anything_there(executor) || (due != UINT64_MAX && due <= myc_executor_now(executor));
}

void myc_executor_sleep(struct myc_executor *executor)
{
	struct pollfd set[FDS_MAX];
	unsigned fds = poll_set(executor, set);

	if (!fds) {
		sched_yield();
		return;
	}
	myc_sleep_announce(&executor->words->asleep,
			   executor->outbox_count || executor->signals.count);
	if (!anything_there(executor)) {
		uint64_t now = myc_clock_ns();
		uint64_t until = sleep_until(executor, now);
		uint64_t wait = until > now ? until - now : 0;
		struct timespec limit = {.tv_sec = (time_t)(wait / 1000000000u),
					 .tv_nsec = (long)(wait % 1000000000u)};
		uint64_t rings;

		/* Release: all that it did before. Pairs with the load in caretaker.c. */
		__atomic_store_n(&executor->words->naps, executor->words->naps + 1,
				 __ATOMIC_RELEASE);
		if (ppoll(set, fds, &limit, NULL) > 0 && set[0].revents) {
			ssize_t got = read(executor->bell, &rings, sizeof(rings));
			(void)got;
			myc_count(&executor->words->bells_rung);
		}
	}
	myc_sleep_end(&executor->words->asleep);
}
