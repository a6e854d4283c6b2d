/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ask.h"

#include <errno.h>
#include <stdlib.h>

#include <mycelium/abi/signal.h>

#include "core/await.h"
#include "core/body.h"
#include "core/cycle.h"
#include "core/receiver.h"

#define COUNT_BITS 28	       /* of an id: count and index */
#define SCATTER	   0x9e3779b1u /* odd: all counts come before one comes again */
#define ANSWERED   64	       /* asks remembered as answered by us, direct mapped */

struct myc_answered {
	myc_address asker;
	uint32_t id;
};

/* ---- the table --------------------------------------------------------------------------------- */

static uint32_t count_mask(uint32_t index_mask)
{
	return ((1u << COUNT_BITS) - 1) & ~index_mask;
}

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
	asks->occupied = calloc(MYC_ASK_BUCKETS / 64, sizeof(*asks->occupied));
	asks->answered = calloc(ANSWERED, sizeof(*asks->answered));
	asks->process = calloc(executor->system->workspace.processes, sizeof(*asks->process));
	if (!asks->entry || !asks->bucket || !asks->occupied || !asks->answered || !asks->process)
		return -ENOMEM;
	memset(asks->entry, 0, (capacity + 1ull) * sizeof(*asks->entry));
	/* Entries do not count alike, nor do executors, nor is an entry's next number near: one that a hostile process
	 * changed a little, or that is one of its own asks', is no other ask's. */
	uint32_t whose = executor->system->workspace.process << 6 | executor->index;
	uint32_t counted = count_mask(mask);

	for (uint32_t i = 1; i <= capacity; i++) {
		asks->entry[i].id =
			incarnation << COUNT_BITS | (((whose << 16) + i) * SCATTER & counted) | i;
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

struct myc_ask_entry *myc_ask_take(struct myc_actor *self, uint64_t timeout_ns, uint64_t cookie)
{
	struct myc_executor *executor = self->executor;
	struct myc_asks *asks = &executor->asks;
	uint32_t index = asks->free_first;
	struct myc_ask_entry *entry = myc_ask_at(executor, index);

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
		myc_ask_at(executor, self->asks)->previous = index;
	self->asks = index;
	myc_ask_list_add(executor, entry,
			 timeout_ns == MYC_FOREVER ? MYC_ASK_NOWHERE : MYC_ASK_FRESH);
	return entry;
}

static inline __attribute__((always_inline)) void ask_free(struct myc_executor *executor,
							   struct myc_ask_entry *entry)
{
	struct myc_asks *asks = &executor->asks;
	uint32_t index = myc_ask_index(executor, entry);
	uint32_t counted = count_mask(asks->index_mask);

	myc_ask_list_remove(executor, entry);
	if (entry->previous)
		myc_ask_at(executor, entry->previous)->next = entry->next;
	else
		entry->actor->asks = entry->next;
	if (entry->next)
		myc_ask_at(executor, entry->next)->previous = entry->previous;
	entry->actor = NULL;
	entry->id =
		(entry->id & ~counted) | ((entry->id + SCATTER * (asks->index_mask + 1)) & counted);
	entry->next = 0;
	if (asks->free_first)
		myc_ask_at(executor, asks->free_last)->next = index;
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
	struct myc_ask_entry *entry = myc_ask_at(executor, index);

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

uint64_t myc_ask_incarnation(const struct myc_system *system, uint32_t process)
{
	const struct myc_process_words *words = myc_view_process(system, process, NULL);

	return words ? __atomic_load_n(&words->incarnation, __ATOMIC_RELAXED) : 0;
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
		    struct myc_reply *reply)
{
	struct myc_actor *actor = entry->actor;

	reply->cookie = entry->cookie;
	reply->ask.correlation = entry->id;
	reply->status = status;
	reply->kind = entry->is_receipt ? MYC_REPLY_RECEIPT : MYC_REPLY_ONE;
	reply->asked = entry->asked;
	if (__builtin_expect(entry->is_gather, 0)) {
		myc_gather_end(executor, entry, status);
		return;
	}
	if (__builtin_expect(entry->gather, 0)) {
		myc_gather_one(executor, entry, reply);
		return;
	}
	bool awaited = entry->awaited;

	ask_free(executor, entry);
	if (awaited)
		await_end(actor);
	outcome(actor, reply);
	if (awaited)
		await_resume(actor);
}

bool myc_ask_replied(struct myc_executor *executor, const struct myc_slot *slot, int status,
		     struct myc_reply *reply)
{
	struct myc_ask_entry *entry = find(executor, slot->correlation);

	if (!entry || entry->is_gather || entry->actor->slot != slot->to)
		return false;
	myc_ask_finish(executor, entry, status, reply);
	return true;
}

void myc_ask_moved(struct myc_executor *executor, const struct myc_slot *slot)
{
	struct myc_ask_entry *entry = find(executor, slot->correlation);
	struct myc_signal_moved moved;
	struct myc_cycle cycle;

	/* Answered before this came by another lane. */
	if (!entry || entry->is_gather || entry->actor->slot != slot->to ||
	    slot->size != sizeof(moved))
		return;
	memcpy(&moved, slot->payload, sizeof(moved));
	myc_ask_waits_for(executor, entry, moved.whom,
			  moved.incarnation ? myc_ask_life(moved.incarnation) : 0);
	uint32_t process = myc_address_process(moved.whom);

	/* That life may be over, and its asks ended: there is one more. */
	if (entry->life && process < executor->system->workspace.processes)
		executor->asks.process[process].changed |=
			entry->life != executor->asks.process[process].life;
	int code = entry->awaited ? await_begin(entry->actor, entry->id, moved.whom, &cycle) : 0;

	if (code)
		myc_ask_fail(executor, entry, code);
}

/* ---- asking ------------------------------------------------------------------------------------ */

void myc_asks_forget(struct myc_actor *actor)
{
	while (actor->asks) {
		struct myc_ask_entry *entry = myc_ask_at(actor->executor, actor->asks);

		if (entry->awaited)
			await_end(actor);
		myc_ask_free(actor->executor, entry);
	}
}

static int check(const struct myc_actor *self, uint16_t type, size_t size)
{
	if (size > MYC_POOL_SIZE_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	return self->executor->asks.closed ? -ESHUTDOWN : 0;
}

static inline __attribute__((always_inline)) int ask_by(struct myc_actor *self, struct myc_ref *to,
							uint16_t type, const void *payload,
							size_t size, uint64_t timeout_ns,
							uint64_t cookie, struct myc_ask *ask,
							bool wait)
{
	int code = check(self, type, size);

	if (code)
		return code;
	struct myc_ask_entry *entry = myc_ask_take(self, timeout_ns, cookie);

	if (!entry)
		return -ENOSPC;
	if (ask)
		ask->correlation = entry->id;
	myc_ask_whom(self->executor, entry, to->address);
	uint64_t kind = myc_slot_kind(type, (uint8_t)size, 0);

	code = wait ? myc_send_asking(self, to, kind, entry->id, payload, size)
		    : myc_try_send_asking(self, to, kind, entry->id, payload, size);
	if (code)
		myc_ask_free(self->executor, entry);
	return code;
}

int myc_ask(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
	    size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask)
{
	return ask_by(self, to, type, payload, size, timeout_ns, cookie, ask, true);
}

int myc_try_ask(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask)
{
	return ask_by(self, to, type, payload, size, timeout_ns, cookie, ask, false);
}

int myc_ask_body(struct myc_actor *self, struct myc_ref *to, uint16_t type, struct myc_body *body,
		 uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask)
{
	int code = body->data ? check(self, type, body->size) : -ENODATA;

	if (code)
		return code;
	struct myc_ask_entry *entry = myc_ask_begin(self, to, timeout_ns, cookie, ask);

	if (!entry)
		return -ENOSPC;
	const struct myc_body_as as = {.type = type, .correlation = entry->id};

	code = myc_body_put(self, to, &as, body->hold, 1, body->size, true);
	if (code < 0) {
		myc_ask_free(self->executor, entry);
		return code;
	}
	if (code) /* dropped: the outcome tells */
		myc_body_give(self, body);
	body->data = NULL;
	return 0;
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
	struct myc_ask_entry *entry = myc_ask_begin(self, to, timeout_ns, cookie, ask);

	if (!entry)
		return -ENOSPC;
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
	return 0;
}
