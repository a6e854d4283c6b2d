/* SPDX-License-Identifier: Apache-2.0 */
/* Asks whose reply does not come: their time is over, who was asked is dead, the system stops. */
#include <errno.h>

#include "base/clock.h"
#include "core/ask.h"

static void occupy(struct myc_asks *asks, uint64_t tick, bool is)
{
	uint64_t bucket = tick % MYC_ASK_BUCKETS, bit = 1ull << (bucket & 63);

	if (is)
		asks->occupied[bucket / 64] |= bit;
	else
		asks->occupied[bucket / 64] &= ~bit;
}

/* Fresh asks get their time, rounded up: never early. */
static void stamp(struct myc_executor *executor, uint64_t now)
{
	struct myc_asks *asks = &executor->asks;

	while (asks->fresh) {
		struct myc_ask_entry *entry = myc_ask_at(executor, asks->fresh);
		uint64_t due = now + entry->timeout_ns;

		myc_ask_list_remove(executor, entry);
		due = due < now ? UINT64_MAX : due;
		entry->due_tick = (due >> MYC_ASK_TICK_BIT) + 1;
		myc_ask_list_add(executor, entry, MYC_ASK_WHEEL);
		occupy(asks, entry->due_tick, true);
	}
}

static void look_at_bucket(struct myc_executor *executor, uint64_t tick, uint64_t now_tick)
{
	struct myc_asks *asks = &executor->asks;

	for (uint32_t i = asks->bucket[tick % MYC_ASK_BUCKETS], next; i; i = next) {
		struct myc_ask_entry *entry = myc_ask_at(executor, i);

		next = entry->after;
		if (entry->due_tick > now_tick)
			continue;
		myc_ask_list_remove(executor, entry);
		myc_ask_list_add(executor, entry, MYC_ASK_DUE);
	}
	occupy(asks, tick, asks->bucket[tick % MYC_ASK_BUCKETS]);
}

/* Is there anything in its lanes that it sent before it died? */
static bool sends_yet(const struct myc_executor *executor, uint32_t process, bool dead)
{
	for (uint32_t i = 0; i < executor->inlets; i++) {
		const struct myc_inlet *inlet = &executor->inlet[i];
		const struct myc_lane_inward *lane = &inlet->lane;

		if (inlet->block && !inlet->cut && myc_lane_end_process(inlet->source) == process &&
		    myc_lane_ready(lane, MYC_RING_ORDINARY) &&
		    (dead || (int32_t)(inlet->asks_until - lane->next[MYC_RING_ORDINARY]) > 0))
			return true;
	}
	return false;
}

/* Has it another life since the last look? What the former sent is in the lanes as they are now. */
static void look_at_process(struct myc_executor *executor, uint32_t process, uint16_t life)
{
	struct myc_ask_process *seen = &executor->asks.process[process];

	if (seen->life == life)
		return;
	seen->life = life;
	seen->changed = true;
	for (uint32_t i = 0; i < executor->inlets; i++) {
		struct myc_inlet *inlet = &executor->inlet[i];
		const struct myc_lane_inward *lane = &inlet->lane;

		if (inlet->block && myc_lane_end_process(inlet->source) == process)
			inlet->asks_until =
				lane->next[MYC_RING_ORDINARY] + lane->mask[MYC_RING_ORDINARY] + 1;
	}
}

/* Asks to a process that died, restarted or not. */
static unsigned end_dead(struct myc_executor *executor)
{
	struct myc_system *system = executor->system;
	struct myc_asks *asks = &executor->asks;
	unsigned n = 0;

	for (uint32_t p = 0; p < system->workspace.processes; p++) {
		bool dead = myc_known_dead(system, p);

		if (p == system->workspace.process)
			continue;
		look_at_process(executor, p, myc_ask_life(myc_ask_incarnation(system, p)));
		if ((!dead && !asks->process[p].changed) || sends_yet(executor, p, dead))
			continue;
		asks->process[p].changed = false;
		for (uint32_t i = 1; i <= asks->capacity; i++) {
			struct myc_ask_entry *entry = myc_ask_at(executor, i);

			if (!entry->actor || entry->is_gather ||
			    myc_address_process(entry->asked) != p ||
			    (!dead && entry->life == asks->process[p].life))
				continue;
			myc_ask_fail(executor, entry, -ENOTCONN);
			n++;
		}
	}
	return n;
}

unsigned myc_asks_tick(struct myc_executor *executor)
{
	struct myc_asks *asks = &executor->asks;
	unsigned n = 0;

	if (!asks->count)
		return 0;
	/* Not the turn's time: asks of this turn may be younger. */
	uint64_t now = myc_executor_clock(executor);
	uint64_t tick = now >> MYC_ASK_TICK_BIT;
	uint64_t first = asks->tick + 1;

	stamp(executor, now);
	if (tick != asks->tick) {
		/* A round at most: beyond it the same buckets come again. */
		if (tick - asks->tick > MYC_ASK_BUCKETS)
			first = tick - MYC_ASK_BUCKETS + 1;
		for (uint64_t t = first; t <= tick; t++)
			look_at_bucket(executor, t, tick);
		asks->tick = tick;
		if (executor->system->workspace.processes > 1)
			n += end_dead(executor);
	}
	for (; asks->due; n++)
		myc_ask_fail(executor, myc_ask_at(executor, asks->due), -ETIMEDOUT);
	return n;
}

uint64_t myc_asks_next_ns(const struct myc_executor *executor)
{
	const struct myc_asks *asks = &executor->asks;

	if (!asks->count)
		return UINT64_MAX;
	if (asks->fresh || asks->due)
		return 0;
	/* Of a dead process nothing is heard: look as often as the wheel turns half. */
	uint64_t until =
		executor->system->workspace.processes > 1 ? MYC_ASK_BUCKETS / 2 : UINT64_MAX;

	for (uint64_t i = 1; i <= MYC_ASK_BUCKETS && i < until; i++) {
		uint64_t bucket = (asks->tick + i) % MYC_ASK_BUCKETS;

		if (!asks->occupied[bucket / 64])
			i += 63 - (bucket & 63);
		else if (asks->occupied[bucket / 64] >> (bucket & 63) & 1)
			until = i;
	}
	return until == UINT64_MAX ? until : (asks->tick + until) << MYC_ASK_TICK_BIT;
}

bool myc_asks_drain(struct myc_executor *executor)
{
	struct myc_asks *asks = &executor->asks;
	uint64_t now;

	if (!asks->count)
		return false;
	now = myc_clock_ns();
	if (!asks->stop_ns)
		asks->stop_ns = now + MYC_ASK_STOP_NS;
	if (now < asks->stop_ns)
		return true;
	asks->closed = true;
	for (uint32_t i = 1; i <= asks->capacity; i++) {
		struct myc_ask_entry *entry = myc_ask_at(executor, i);

		if (entry->actor && (entry->is_gather || !entry->gather))
			myc_ask_fail(executor, entry, -ESHUTDOWN);
	}
	/* What waited behind awaited ones goes on. */
	return true;
}
