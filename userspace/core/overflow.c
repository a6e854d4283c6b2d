/* SPDX-License-Identifier: Apache-2.0 */
#include "core/overflow.h"

#include <errno.h>
#include <stdio.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/letter.h"
#include "core/name.h"
#include "core/outbox.h"
#include "core/pending.h"
#include "core/schemas.h"

/* ---- rules ------------------------------------------------------------------------------------- */

_Static_assert(MYC_OVERFLOW_MAX == MYC_OVERFLOW_RULES, "all rules find room in a row");
_Static_assert(MYC_NAME_SIZE == sizeof(((struct myc_overflow_words *)0)->to), "names fit");

static bool rule_fits(const struct myc_overflow *rule)
{
	if (rule->first > rule->last || rule->policy >= MYC_OVERFLOW_POLICIES)
		return false;
	if (rule->policy == MYC_OVERFLOW_CONFLATE)
		return rule->key_size >= 1 && rule->key_size <= sizeof(uint64_t);
	if (rule->policy == MYC_OVERFLOW_REDIRECT)
		return rule->to && *rule->to && strlen(rule->to) < MYC_NAME_SIZE;
	return true;
}

int myc_overflow_check(const struct myc_behaviour *behaviour, struct myc_error *error)
{
	if (behaviour->overflow_count > MYC_OVERFLOW_MAX)
		return myc_error_set(error, -EINVAL, "use ranges of types: at most 8 rules",
				     "behaviour '%s' has %u overflow rules", behaviour->name,
				     behaviour->overflow_count);
	for (uint32_t i = 0; i < behaviour->overflow_count; i++)
		if (!rule_fits(&behaviour->overflow[i]))
			return myc_error_set(
				error, -EINVAL, "see struct myc_overflow in mycelium/mailbox.h",
				"overflow rule %u of behaviour '%s' cannot be", i, behaviour->name);
	return 0;
}

static uint32_t keep_of(const struct myc_overflow *rule, uint32_t capacity_per_sender)
{
	if (rule->keep)
		return rule->keep;
	if (rule->policy == MYC_OVERFLOW_CONFLATE)
		return UINT32_MAX;
	return capacity_per_sender > 1 ? capacity_per_sender / 2 : 1;
}

uint32_t myc_overflow_row(struct myc_system *system, const struct myc_behaviour *behaviour)
{
	struct myc_overflow_row wanted = {.rules = behaviour->overflow_count};

	for (uint32_t i = 0; i < behaviour->overflow_count; i++) {
		const struct myc_overflow *rule = &behaviour->overflow[i];

		wanted.rule[i] = (struct myc_overflow_words){
			.first = rule->first,
			.last = rule->last,
			.policy = rule->policy,
			.key_offset = rule->key_offset,
			.key_size = rule->key_size,
			.keep = keep_of(rule, behaviour->capacity_per_sender
						      ? behaviour->capacity_per_sender
						      : MYC_CAPACITY_PER_SENDER),
		};
		snprintf(wanted.rule[i].to, sizeof(wanted.rule[i].to), "%s",
			 rule->policy == MYC_OVERFLOW_REDIRECT ? rule->to : "");
	}
	for (uint32_t i = 0; i < MYC_OVERFLOW_ROWS; i++) {
		struct myc_overflow_row *row = &system->overflow[i];

		if (row->rules && memcmp(row, &wanted, sizeof(wanted)) != 0)
			continue;
		if (!row->rules)
			memcpy(row, &wanted, sizeof(wanted));
		return i + 1;
	}
	return 0;
}

static uint64_t key_of(uint32_t offset, uint32_t size, const void *payload, size_t payload_size)
{
	uint64_t key = 0;

	if ((size_t)offset + size <= payload_size)
		memcpy(&key, (const char *)payload + offset, size);
	myc_order_copied(&key); /* a body is another's memory */
	return key;
}

/* ---- the sender -------------------------------------------------------------------------------- */

/* The receiver's rule for a type, as it can be. Its number, from 1; 0: none. */
static uint32_t rule_seen(const struct myc_executor *executor, const struct myc_flow_out *flow,
			  uint16_t type, struct myc_overflow_words *rule)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	/* Acquire: its row. Pairs with the release when the slot was given. */
	uint32_t number = myc_actor_word_overflow(__atomic_load_n(flow->word, __ATOMIC_ACQUIRE));
	uint32_t keep_max = executor->outbox_capacity / 4 + 1;
	uint64_t size;

	if (!number || number > MYC_OVERFLOW_ROWS)
		return 0;
	const struct myc_overflow_row *row = myc_region_block(
		&workspace->regions[myc_address_process(flow->to)], MYC_BLOCK_MAILBOX, 0, &size);

	if (!row || size < MYC_OVERFLOW_ROWS * sizeof(*row))
		return 0;
	row += number - 1;
	for (uint32_t i = 0; i < MYC_OVERFLOW_RULES; i++) {
		if (i >= __atomic_load_n(&row->rules, __ATOMIC_RELAXED))
			return 0;
		memcpy(rule, &row->rule[i], sizeof(*rule));
		myc_order_copied(rule);
		if (type < rule->first || type > rule->last)
			continue;
		if (rule->policy >= MYC_OVERFLOW_POLICIES)
			rule->policy = MYC_OVERFLOW_REFUSE;
		if (rule->key_size > sizeof(uint64_t))
			rule->key_size = sizeof(uint64_t);
		rule->keep += !rule->keep;
		rule->keep = rule->keep < keep_max ? rule->keep : keep_max;
		rule->to[sizeof(rule->to) - 1] = '\0';
		return i + 1;
	}
	return 0;
}

static int refused(const struct myc_actor *self, const struct myc_message_out *message,
		   const struct myc_way *way)
{
	if (!message->wait)
		return -EAGAIN;
	/* Paused, it would never handle what gives it credit again. */
	return way->flow->to == self->address ? -EDEADLK : MYC_WAY_WAITS;
}

static int dropped(struct myc_actor *self, const struct myc_message_out *message,
		   const struct myc_way *way, enum myc_dead_letter why)
{
	const struct myc_carried carried = {.reference.size = (uint32_t)message->size,
					    .asker = message->asker};
	struct myc_slot slot = {.word = {message->kind, 0, message->from}};

	if (slot.flags & MYC_SLOT_REFERENCE)
		memcpy(slot.payload, &carried, sizeof(carried));
	myc_letter_note(self->executor, why, self->address, way->flow->to, &slot);
	myc_count(&self->executor->words->outbox_dropped);
	if (slot.correlation && !(slot.flags & MYC_SLOT_DEADLINE)) {
		if (slot.correlation & MYC_ASK_FORWARDED && !(slot.flags & MYC_SLOT_REFERENCE))
			memcpy(slot.payload, message->payload, MYC_LANE_PAYLOAD);
		myc_ask_bounce(self->executor, self->address, &slot, -ENOBUFS);
	}
	return MYC_WAY_DROPPED;
}

/* May one more wait that pauses nobody? */
static bool room(const struct myc_executor *executor)
{
	return executor->outbox_lenient < executor->outbox_capacity / 2 &&
	       myc_outbox_room(executor);
}

static int conflate(struct myc_actor *self, const struct myc_message_out *message,
		    const struct myc_overflow_words *rule, uint32_t waiting, struct myc_way *way)
{
	struct myc_executor *executor = self->executor;

	if (waiting != MYC_NONE && myc_outbox_may_drop(executor, waiting)) {
		const struct myc_outbox_entry *entry = &executor->outbox[waiting];

		way->replaces = waiting;
		way->order = (entry->order & ~3ull) | ((entry->order + 1) & 3);
		way->lenient = entry->lenient;
		return MYC_WAY_WAITS;
	}
	/* Its body cannot go home now: it stays what it is, and the newer one comes behind it. */
	if (waiting != MYC_NONE)
		myc_keyed_remove(&executor->outbox_keyed, waiting);
	if (way->flow->outboxed >= rule->keep || !room(executor))
		return refused(self, message, way);
	way->lenient = true;
	return MYC_WAY_WAITS;
}

/* Behind the payload of a request that is passed on is its asker, which is no key. */
static uint64_t key_in_message(const struct myc_message_out *message,
			       const struct myc_overflow_words *rule)
{
	bool reference = message->kind >> 56 & MYC_SLOT_REFERENCE;

	return key_of(rule->key_offset, rule->key_size, message->payload,
		      reference ? message->size : myc_slot_kind_size(message->kind));
}

/* As the rule says: all but redirecting. */
static int by_rule(struct myc_actor *self, const struct myc_message_out *message,
		   const struct myc_overflow_words *rule, struct myc_way *way)
{
	struct myc_executor *executor = self->executor;
	bool conflates = rule->policy == MYC_OVERFLOW_CONFLATE;
	uint32_t flow = (uint32_t)(way->flow - executor->out.flow_table), count;

	way->key = conflates ? key_in_message(message, rule) : 0;
	uint32_t oldest = myc_keyed_first(&executor->outbox_keyed,
					  myc_keyed_owner_out(flow, way->rule), way->key, &count);

	if (conflates)
		return conflate(self, message, rule, oldest, way);
	way->lenient = true;
	if (count < rule->keep && room(executor))
		return MYC_WAY_WAITS;
	if (rule->policy == MYC_OVERFLOW_DROP_OLDEST && oldest != MYC_NONE &&
	    myc_outbox_drop(executor, way->flow, oldest, MYC_DEAD_LETTER_DROPPED_OLDEST))
		return MYC_WAY_WAITS;
	return dropped(self, message, way, MYC_DEAD_LETTER_DROPPED_NEWEST);
}

/* The way to whom the rule names. -ENOENT, -ESRCH, -ENOSPC. */
static int redirect(struct myc_actor *self, const char *name, struct myc_way *way)
{
	struct myc_executor *executor = self->executor;
	struct myc_ref ref;
	int code = myc_lookup(self, name, &ref);

	if (code)
		return code;
	way->flow = &executor->out.flow_table[ref.flow - 1];
	myc_count(&executor->words->redirected);
	return 0;
}

/* Nothing of it is on its way: it is not that its receiver has no room, it was given no credit yet. */
static bool never_granted(const struct myc_flow_out *flow)
{
	return !flow->counted ||
	       myc_pair_high(__atomic_load_n(flow->counted, __ATOMIC_RELAXED)) == flow->sent;
}

static int find_way(struct myc_actor *self, const struct myc_message_out *message,
		    struct myc_way *way, uint32_t *redirects)
{
	struct myc_executor *executor = self->executor;

	for (;;) {
		struct myc_overflow_words rule;

		way->replaces = MYC_NONE;
		way->order = executor->outbox_order + 4;
		way->lenient = false;
		way->rule = rule_seen(executor, way->flow, (uint16_t)(message->kind >> 32), &rule);
		if (!way->rule || rule.policy == MYC_OVERFLOW_REFUSE ||
		    (rule.policy == MYC_OVERFLOW_REDIRECT && never_granted(way->flow))) {
			way->rule = 0;
			return refused(self, message, way);
		}
		if (rule.policy != MYC_OVERFLOW_REDIRECT)
			return by_rule(self, message, &rule, way);
		if ((*redirects)++ == MYC_REDIRECTS_MAX || redirect(self, rule.to, way))
			return dropped(self, message, way, MYC_DEAD_LETTER_REDIRECT);
		if (!myc_sender_may(&executor->out, way->flow))
			return MYC_WAY_NOW;
	}
}

int myc_overflow_way(struct myc_actor *self, const struct myc_message_out *message,
		     struct myc_way *way)
{
	bool asks = !(message->kind >> 56 & MYC_SLOT_DEADLINE);
	uint32_t redirects = 0, correlation = asks ? (uint32_t)(message->from >> 32) : 0;
	int code = -EPROTO;

	if (!myc_schemas_refused(self->executor->system, way->flow->road->process))
		code = find_way(self, message, way, &redirects);
	if (!redirects || !correlation || (code != MYC_WAY_NOW && code != MYC_WAY_WAITS))
		return code;
	struct myc_carried carried = {.asker = message->asker};

	if (correlation & MYC_ASK_FORWARDED && !(message->kind >> 56 & MYC_SLOT_REFERENCE))
		memcpy(&carried, message->payload, sizeof(carried));
	myc_ask_redirected(self, correlation, &carried, way->flow->to);
	/* Word of that may have taken the last room of the lane. */
	if (code == MYC_WAY_NOW && myc_sender_may(&self->executor->out, way->flow)) {
		way->rule = 0;
		code = refused(self, message, way);
	}
	return code;
}

/* ---- the receiver ------------------------------------------------------------------------------ */

/* Of what a message carries, or refers to. */
static uint64_t key_in(struct myc_executor *executor, const struct myc_overflow *rule,
		       const struct myc_slot *slot)
{
	struct myc_reference reference;
	struct myc_view view = {.data = slot->payload, .size = slot->size};

	/* No room in the ledger is no matter here. */
	if (slot->flags & MYC_SLOT_REFERENCE &&
	    myc_body_check(executor, slot, &reference, &view) == -EPROTO)
		return 0;
	return key_of(rule->key_offset, rule->key_size, view.data, view.size);
}

bool myc_overflow_in(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_flow_in *flow, const struct myc_slot *slot,
		     struct myc_pending_place *place)
{
	struct myc_actor *actor = flow->actor;
	const struct myc_overflow *rule = actor->behaviour->overflow;
	uint32_t number = 1, count;

	while (number <= actor->behaviour->overflow_count &&
	       (slot->type < rule->first || slot->type > rule->last))
		number++, rule++;
	if (number > actor->behaviour->overflow_count || rule->policy == MYC_OVERFLOW_REFUSE ||
	    rule->policy == MYC_OVERFLOW_REDIRECT)
		return true;
	place->rule = number;
	place->key = rule->policy == MYC_OVERFLOW_CONFLATE ? key_in(executor, rule, slot) : 0;
	uint32_t owner =
		myc_keyed_owner_in((uint32_t)(inlet - executor->inlet), flow->index, number);
	uint32_t oldest = myc_keyed_first(&executor->pending_keyed, owner, place->key, &count);

	if (rule->policy == MYC_OVERFLOW_CONFLATE && oldest != MYC_NONE) {
		uint64_t order = executor->pending[oldest].order & ~3ull;
		uint32_t next = executor->pending_next[oldest];

		if (myc_pending_drop(executor, actor, oldest, MYC_CONFLATED, false)) {
			place->order = order;
			place->before = next;
		} else { /* its body cannot go home now */
			myc_keyed_remove(&executor->pending_keyed, oldest);
		}
		return true;
	}
	if (rule->policy == MYC_OVERFLOW_CONFLATE ||
	    count < keep_of(rule, actor->capacity_per_sender))
		return true;
	return rule->policy == MYC_OVERFLOW_DROP_OLDEST &&
	       myc_pending_drop(executor, actor, oldest, MYC_DEAD_LETTER_DROPPED_OLDEST, false);
}
