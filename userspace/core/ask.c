/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ask.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/await.h"
#include "core/cycle.h"
#include "core/receiver.h"

#define COUNT_BITS 28 /* of an id: count and index */
#define ANSWERED   64 /* asks remembered as answered by us, direct mapped */
#define WORDS	   (MYC_ASK_BUCKETS / 64)

/* changed: asks of its former life are to be ended. */
struct myc_ask_process {
	uint16_t incarnation;
	bool changed;
};

struct myc_answered {
	myc_address asker;
	uint32_t id;
};

static struct myc_ask_entry *at(const struct myc_executor *executor, uint32_t index)
{
	return &executor->asks.entry[index];
}

uint32_t myc_ask_index(const struct myc_executor *executor, const struct myc_ask_entry *entry)
{
	return (uint32_t)(entry - executor->asks.entry);
}

/* ---- the table --------------------------------------------------------------------------------- */

int myc_asks_open(struct myc_executor *executor, uint32_t capacity)
{
	struct myc_asks *asks = &executor->asks;
	uint32_t incarnation = (uint32_t)executor->system->workspace.incarnation & 3;
	uint32_t mask = 1;

	capacity = capacity < MYC_ASKS_MAX ? capacity : MYC_ASKS_MAX;
	while (mask < capacity)
		mask = mask << 1 | 1;
	asks->entry = aligned_alloc(64, (capacity + 1ull) * sizeof(*asks->entry));
	asks->bucket = calloc(MYC_ASK_BUCKETS, sizeof(*asks->bucket));
	asks->occupied = calloc(WORDS, sizeof(*asks->occupied));
	asks->answered = calloc(ANSWERED, sizeof(*asks->answered));
	asks->process = calloc(executor->system->workspace.processes, sizeof(*asks->process));
	if (!asks->entry || !asks->bucket || !asks->occupied || !asks->answered || !asks->process)
		return -ENOMEM;
	memset(asks->entry, 0, (capacity + 1ull) * sizeof(*asks->entry));
	for (uint32_t i = 1; i <= capacity; i++) {
		asks->entry[i].id = incarnation << COUNT_BITS | i;
		asks->entry[i].next = i < capacity ? i + 1 : 0;
	}
	asks->index_mask = mask;
	asks->capacity = capacity;
	asks->free_first = 1;
	asks->free_last = capacity;
	return 0;
}

void myc_asks_close(struct myc_executor *executor)
{
	struct myc_asks *asks = &executor->asks;

	free(asks->entry);
	free(asks->bucket);
	free(asks->occupied);
	free(asks->answered);
	free(asks->process);
	memset(asks, 0, sizeof(*asks));
}

/* The list that an entry is in, NULL: none. */
static inline uint32_t *list_of(struct myc_executor *executor, const struct myc_ask_entry *entry)
{
	struct myc_asks *asks = &executor->asks;

	/* Answered before the clock was looked at: most are. */
	if (__builtin_expect(entry->place == MYC_ASK_FRESH, 1))
		return &asks->fresh;
	switch ((enum myc_ask_place)entry->place) {
	case MYC_ASK_FRESH:
		return &asks->fresh;
	case MYC_ASK_WHEEL:
		return &asks->bucket[entry->due_tick % MYC_ASK_BUCKETS];
	case MYC_ASK_DUE:
		return &asks->due;
	case MYC_ASK_MEMBER:
		return &asks->entry[entry->gather].gather;
	case MYC_ASK_NOWHERE:
		break;
	}
	return NULL;
}

static inline void list_add(struct myc_executor *executor, struct myc_ask_entry *entry,
			    enum myc_ask_place place)
{
	entry->place = (uint8_t)place;
	uint32_t *head = list_of(executor, entry);

	if (!head)
		return;
	entry->before = 0;
	entry->after = *head;
	if (*head)
		at(executor, *head)->before = myc_ask_index(executor, entry);
	*head = myc_ask_index(executor, entry);
}

static inline void list_remove(struct myc_executor *executor, struct myc_ask_entry *entry)
{
	uint32_t *head = list_of(executor, entry);

	entry->place = MYC_ASK_NOWHERE;
	if (!head)
		return;
	if (entry->before)
		at(executor, entry->before)->after = entry->after;
	else
		*head = entry->after;
	if (entry->after)
		at(executor, entry->after)->before = entry->before;
}

struct myc_ask_entry *myc_ask_take(struct myc_actor *self, uint64_t timeout_ns, uint64_t cookie)
{
	struct myc_executor *executor = self->executor;
	struct myc_asks *asks = &executor->asks;
	uint32_t index = asks->free_first;
	struct myc_ask_entry *entry = at(executor, index);

	if (!index)
		return NULL;
	asks->free_first = entry->next;
	asks->count++;
	entry->actor = self;
	entry->cookie = cookie;
	entry->timeout_ns = timeout_ns;
	entry->gather = 0;
	entry->awaited = false;
	entry->is_gather = false;
	entry->is_receipt = false;
	entry->previous = 0;
	entry->next = self->asks;
	if (self->asks)
		at(executor, self->asks)->previous = index;
	self->asks = index;
	list_add(executor, entry, timeout_ns == MYC_FOREVER ? MYC_ASK_NOWHERE : MYC_ASK_FRESH);
	return entry;
}

static inline __attribute__((always_inline)) void ask_free(struct myc_executor *executor,
							   struct myc_ask_entry *entry)
{
	struct myc_asks *asks = &executor->asks;
	uint32_t index = myc_ask_index(executor, entry);
	uint32_t counted = ((1u << COUNT_BITS) - 1) & ~asks->index_mask;

	list_remove(executor, entry);
	if (entry->previous)
		at(executor, entry->previous)->next = entry->next;
	else
		entry->actor->asks = entry->next;
	if (entry->next)
		at(executor, entry->next)->previous = entry->previous;
	entry->actor = NULL;
	entry->id = (entry->id & ~counted) | ((entry->id + asks->index_mask + 1) & counted);
	entry->next = 0;
	if (asks->free_first)
		at(executor, asks->free_last)->next = index;
	else
		asks->free_first = index;
	asks->free_last = index;
	asks->count--;
}

void myc_ask_free(struct myc_executor *executor, struct myc_ask_entry *entry)
{
	ask_free(executor, entry);
}

static struct myc_ask_entry *find(const struct myc_executor *executor, uint32_t correlation)
{
	uint32_t id = correlation & MYC_ASK_ID;
	uint32_t index = id & executor->asks.index_mask;
	struct myc_ask_entry *entry = at(executor, index);

	return index <= executor->asks.capacity && entry->actor && entry->id == id ? entry : NULL;
}

/* ---- awaiting ---------------------------------------------------------------------------------- */

static struct myc_actor_slot *row_of(const struct myc_actor *actor)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an entry in use has an actor */
	return &actor->executor->system->slot[actor->slot];
}

static void await_end(struct myc_actor *actor)
{
	myc_await_end(row_of(actor));
	myc_actor_aside(actor, MYC_ASIDE_AWAIT, false);
}

static void await_resume(struct myc_actor *actor)
{
	myc_timers_resume(&actor->executor->timers, actor->timers);
	myc_receiver_make_ready(actor);
}

uint16_t myc_ask_incarnation(const struct myc_system *system, uint32_t process)
{
	const struct myc_process_words *words = myc_view_process(system, process, NULL);

	return words ? (uint16_t)__atomic_load_n(&words->incarnation, __ATOMIC_RELAXED) : 0;
}

static struct myc_answered *answered_at(const struct myc_executor *executor, myc_address asker)
{
	return &executor->asks.answered[(asker >> MYC_GENERATION_BITS) % ANSWERED];
}

bool myc_ask_was_answered(const struct myc_executor *executor, myc_address asker, uint32_t id)
{
	const struct myc_answered *answered = answered_at(executor, asker);

	return answered->asker == asker && answered->id == id;
}

void myc_ask_answered(struct myc_executor *executor, const struct myc_reply_to *to)
{
	*answered_at(executor, to->asker) =
		(struct myc_answered){.asker = to->asker, .id = to->correlation & MYC_ASK_ID};
}

/* Publishes the edge and follows those of others. Refused, it is taken back. */
static int await_begin(struct myc_actor *self, uint32_t id, myc_address whom,
		       struct myc_cycle *cycle)
{
	const struct myc_edge first = {.whom = whom, .mark = id};

	myc_await_publish(row_of(self), id, whom);
	int code = myc_cycle_walk(self->executor, self->address, &first, cycle);

	if (code)
		myc_await_end(row_of(self));
	return code;
}

/* ---- outcomes ---------------------------------------------------------------------------------- */

static inline void outcome(struct myc_actor *actor, const struct myc_reply *reply)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an entry in use has an actor */
	int (*hook)(struct myc_actor * self, const struct myc_reply *reply) =
		myc_actor_hook(actor, reply);
	int code = hook ? hook(actor, reply) : 0;

	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

void myc_ask_outcome(struct myc_actor *actor, const struct myc_reply *reply)
{
	outcome(actor, reply);
}

void myc_ask_finish(struct myc_executor *executor, struct myc_ask_entry *entry, int status,
		    const struct myc_slot *slot)
{
	struct myc_actor *actor = entry->actor;
	struct myc_reply reply = {.cookie = entry->cookie,
				  .ask.correlation = entry->id,
				  .status = status,
				  .kind = entry->is_receipt ? MYC_REPLY_RECEIPT : MYC_REPLY_ONE,
				  .asked = entry->asked};

	if (slot) {
		reply.type = slot->generation;
		reply.size = slot->size;
		reply.payload = slot->payload;
	}
	if (__builtin_expect(entry->is_gather, 0)) {
		myc_gather_end(executor, entry, status);
		return;
	}
	if (__builtin_expect(entry->gather, 0)) {
		myc_gather_one(executor, entry, &reply);
		return;
	}
	bool awaited = entry->awaited;

	ask_free(executor, entry);
	if (awaited)
		await_end(actor);
	outcome(actor, &reply);
	if (awaited)
		await_resume(actor);
}

bool myc_ask_replied(struct myc_executor *executor, const struct myc_slot *slot)
{
	bool error = slot->type == MYC_SIGNAL_REPLY_ERROR;
	struct myc_ask_entry *entry = find(executor, slot->correlation);

	if (!entry || entry->is_gather || entry->actor->slot != slot->to)
		return false;
	/* A replier that says error 0 says nothing. */
	myc_ask_finish(executor, entry,
		       !error		  ? 0
		       : slot->generation ? -slot->generation
					  : -EPROTO,
		       error ? NULL : slot);
	return true;
}

void myc_ask_moved(struct myc_executor *executor, const struct myc_slot *slot)
{
	struct myc_ask_entry *entry = find(executor, slot->correlation);
	struct myc_cycle cycle;
	myc_address whom;

	/* Answered before this came by another lane. */
	if (!entry || entry->is_gather || entry->actor->slot != slot->to ||
	    slot->size != sizeof(whom))
		return;
	memcpy(&whom, slot->payload, sizeof(whom));
	myc_ask_whom(executor, entry, whom);
	int code = entry->awaited ? await_begin(entry->actor, entry->id, whom, &cycle) : 0;

	if (code)
		myc_ask_finish(executor, entry, code, NULL);
}

/* ---- time -------------------------------------------------------------------------------------- */

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
		struct myc_ask_entry *entry = at(executor, asks->fresh);
		uint64_t due = now + entry->timeout_ns;

		list_remove(executor, entry);
		due = due < now ? UINT64_MAX : due;
		entry->due_tick = (due >> MYC_ASK_TICK_BIT) + 1;
		list_add(executor, entry, MYC_ASK_WHEEL);
		occupy(asks, entry->due_tick, true);
	}
}

static void look_at_bucket(struct myc_executor *executor, uint64_t tick, uint64_t now_tick)
{
	struct myc_asks *asks = &executor->asks;

	for (uint32_t i = asks->bucket[tick % MYC_ASK_BUCKETS], next; i; i = next) {
		struct myc_ask_entry *entry = at(executor, i);

		next = entry->after;
		if (entry->due_tick > now_tick)
			continue;
		list_remove(executor, entry);
		list_add(executor, entry, MYC_ASK_DUE);
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
static void look_at_process(struct myc_executor *executor, uint32_t process, uint16_t incarnation)
{
	struct myc_ask_process *seen = &executor->asks.process[process];

	if (seen->incarnation == incarnation)
		return;
	seen->incarnation = incarnation;
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
		look_at_process(executor, p, myc_ask_incarnation(system, p));
		if ((!dead && !asks->process[p].changed) || sends_yet(executor, p, dead))
			continue;
		asks->process[p].changed = false;
		for (uint32_t i = 1; i <= asks->capacity; i++) {
			struct myc_ask_entry *entry = at(executor, i);

			if (!entry->actor || entry->is_gather ||
			    myc_address_process(entry->asked) != p ||
			    (!dead && entry->incarnation == asks->process[p].incarnation))
				continue;
			myc_ask_finish(executor, entry, -ENOTCONN, NULL);
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
		myc_ask_finish(executor, at(executor, asks->due), -ETIMEDOUT, NULL);
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
		struct myc_ask_entry *entry = at(executor, i);

		if (entry->actor && (entry->is_gather || !entry->gather))
			myc_ask_finish(executor, entry, -ESHUTDOWN, NULL);
	}
	/* What waited behind awaited ones goes on. */
	return true;
}

/* ---- asking ------------------------------------------------------------------------------------ */

void myc_asks_forget(struct myc_actor *actor)
{
	while (actor->asks) {
		struct myc_ask_entry *entry = at(actor->executor, actor->asks);

		if (entry->awaited)
			await_end(actor);
		myc_ask_free(actor->executor, entry);
	}
}

static int check(const struct myc_actor *self, uint16_t type, size_t size)
{
	if (size > MYC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	return self->executor->asks.closed ? -ESHUTDOWN : 0;
}

static inline int ask_by(struct myc_actor *self, struct myc_ref *to, uint64_t kind,
			 const void *payload, size_t size, struct myc_ask_entry *entry, bool wait)
{
	int code;

	if (!entry)
		return -ENOSPC;
	myc_ask_whom(self->executor, entry, to->address);
	if (wait)
		code = myc_send_asking(self, to, kind, entry->id, payload, size);
	else
		code = myc_try_send_asking(self, to, kind, entry->id, payload, size);
	if (code)
		myc_ask_free(self->executor, entry);
	return code;
}

int myc_ask(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
	    size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask)
{
	int code = check(self, type, size);

	if (code)
		return code;
	struct myc_ask_entry *entry = myc_ask_take(self, timeout_ns, cookie);

	if (ask && entry)
		ask->correlation = entry->id;
	return ask_by(self, to, myc_slot_kind(type, (uint8_t)size, 0), payload, size, entry, true);
}

int myc_try_ask(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask)
{
	int code = check(self, type, size);

	if (code)
		return code;
	struct myc_ask_entry *entry = myc_ask_take(self, timeout_ns, cookie);

	if (ask && entry)
		ask->correlation = entry->id;
	return ask_by(self, to, myc_slot_kind(type, (uint8_t)size, 0), payload, size, entry, false);
}

int myc_ask_cancel(struct myc_actor *self, struct myc_ask ask)
{
	struct myc_ask_entry *entry = find(self->executor, ask.correlation);

	if (!entry || entry->actor != self || (entry->gather && !entry->is_gather))
		return -ENOENT;
	if (entry->is_gather) {
		myc_gather_free(self->executor, entry);
		return 0;
	}
	bool awaited = entry->awaited;

	myc_ask_free(self->executor, entry);
	if (awaited) {
		await_end(self);
		await_resume(self);
	}
	return 0;
}

int myc_ask_await(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		  size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask,
		  struct myc_cycle *cycle)
{
	struct myc_cycle unseen;
	int code = check(self, type, size);

	if (!code && self->aside & MYC_ASIDE_AWAIT)
		code = -EALREADY;
	if (code)
		return code;
	struct myc_ask_entry *entry = myc_ask_take(self, timeout_ns, cookie);

	if (!entry)
		return -ENOSPC;
	myc_ask_whom(self->executor, entry, to->address);
	code = await_begin(self, entry->id, to->address, cycle ? cycle : &unseen);
	if (!code)
		code = myc_send_asking(self, to, myc_slot_kind(type, (uint8_t)size, 0),
				       entry->id | MYC_ASK_AWAITED, payload, size);
	if (code) {
		myc_await_end(row_of(self));
		myc_ask_free(self->executor, entry);
		return code;
	}
	entry->awaited = true;
	myc_actor_aside(self, MYC_ASIDE_AWAIT, true);
	if (ask)
		ask->correlation = entry->id;
	return 0;
}
