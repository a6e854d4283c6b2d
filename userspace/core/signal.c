/* SPDX-License-Identifier: Apache-2.0 */
#include "core/signal.h"

#include <errno.h>
#include <stdlib.h>

#include "core/ask.h"
#include "core/body.h"
#include <mycelium/abi/signal.h>

#include "core/exit.h"
#include "core/link.h"
#include "core/move.h"
#include "core/receiver.h"
#include "core/state.h"
#include "core/strong.h"
#include "core/watch.h"

struct myc_signal_entry {
	uint32_t next;
	uint32_t ring;
	struct myc_road *road;
	struct myc_actor *from; /* NULL: the executor */
	myc_address from_address, to;
	bool addressed; /* to the actor `to`, wherever that is */
	bool counted;	/* urgent: its road's ordinary messages wait for it */
	uint64_t order; /* of the outbox when it came: older messages go first */
	uint32_t hold;	/* its body, MYC_HOLD_NONE */
	uint32_t body_size;
	struct myc_slot slot;
};

/* Places for what one that came makes us say (myc_signals_room): the executor's own. */
#define ANSWERS 2

int myc_signals_open(struct myc_executor *executor, uint32_t capacity)
{
	struct myc_signals *signals = &executor->signals;

	capacity += ANSWERS;
	signals->entry = calloc(capacity, sizeof(*signals->entry));
	if (!signals->entry)
		return -ENOMEM;
	for (uint32_t i = 0; i < capacity; i++)
		signals->entry[i].next = i + 1 < capacity ? i + 1 : MYC_NONE;
	signals->first = MYC_NONE;
	return 0;
}

void myc_signals_close(struct myc_executor *executor)
{
	free(executor->signals.entry);
	executor->signals.entry = NULL;
}

/* ---- order ------------------------------------------------------------------------------------- */

static bool carries(const struct myc_flow_out *flow, const struct myc_signal_entry *entry)
{
	return flow->from == entry->from_address && flow->to == entry->to;
}

/* Are these older than what goes to an actor? Messages to others that pause nobody are not waited for: whom they are for
 * may be the sender itself, and what it sends next may pause it. */
static bool goes_first(const struct myc_flow_out *flow, const struct myc_signal_entry *entry)
{
	return !entry->addressed || flow->to == entry->to || flow->lenient < flow->outboxed;
}

/* Has the sender messages in the outbox that are older than the signal? */
static bool older_waits(const struct myc_executor *executor, const struct myc_signal_entry *entry)
{
	if (!entry->from || !entry->from->outboxed || entry->ring == MYC_RING_URGENT)
		return false;
	for (uint32_t at = executor->blocked; at != MYC_NONE;) {
		const struct myc_flow_out *flow = &executor->out.flow_table[at];

		if (flow->actor == entry->from && goes_first(flow, entry) &&
		    executor->outbox[flow->first].order <= entry->order)
			return true;
		at = flow->next_blocked;
	}
	return false;
}

/* The urgent flow of an ordinary one's pair, when messages of it are in the outbox. */
static const struct myc_flow_out *urgent_waits(const struct myc_executor *executor,
					       const struct myc_flow_out *flow)
{
	for (uint32_t at = executor->out.urgent_wait && !flow->urgent ? executor->blocked
								      : MYC_NONE;
	     at != MYC_NONE;) {
		const struct myc_flow_out *urgent = &executor->out.flow_table[at];

		if (urgent->urgent && urgent->outboxed && urgent->from == ~flow->from &&
		    urgent->to == flow->to)
			return urgent;
		at = urgent->next_blocked;
	}
	return NULL;
}

void myc_signals_hold(struct myc_executor *executor, struct myc_flow_out *flow)
{
	struct myc_signals *signals = &executor->signals;

	flow->held = false;
	for (uint32_t i = signals->first; i != MYC_NONE; i = signals->entry[i].next) {
		const struct myc_signal_entry *entry = &signals->entry[i];

		if (entry->ring == MYC_RING_URGENT || !carries(flow, entry))
			continue;
		flow->held = true;
		flow->held_order = entry->order;
		break;
	}
	const struct myc_flow_out *urgent = urgent_waits(executor, flow);
	uint64_t order = urgent ? executor->outbox[urgent->first].order : 0;

	if (urgent && (!flow->held || order < flow->held_order)) {
		flow->held = true;
		flow->held_order = order;
	}
	if (flow->held)
		flow->open = flow->sent;
	else
		myc_flow_more(&executor->out, flow);
}

/* Signals of this pair wait, or wait no more. By whichever road: their receiver may have moved since, and be back. */
static void hold_pair(struct myc_executor *executor, const struct myc_signal_entry *entry)
{
	struct myc_flow_out *flow = NULL;

	while (entry->from &&
	       (flow = myc_sender_pair(&executor->out, flow, entry->from_address, entry->to)))
		myc_signals_hold(executor, flow);
}

/* ---- sending ----------------------------------------------------------------------------------- */

/* Replies are known by their correlation, and need the room. */
static inline uint32_t check_of(const struct myc_signal *signal)
{
	return signal->type <= MYC_SIGNAL_CALL_ERROR ? signal->detail
						     : myc_address_generation(signal->to);
}

static inline uint64_t kind_of(const struct myc_signal *signal)
{
	return myc_slot_kind(signal->type, signal->size, 0);
}

static inline uint64_t kind_of_body(const struct myc_signal *signal)
{
	return myc_slot_kind(signal->type, sizeof(struct myc_reference), MYC_SLOT_REFERENCE);
}

static inline uint64_t to_of(const struct myc_signal *signal)
{
	return myc_slot_to(myc_address_slot(signal->to), check_of(signal), MYC_FLOW_NONE);
}

static inline uint64_t from_of(const struct myc_signal *signal, const struct myc_actor *from)
{
	return myc_slot_from(from ? from->slot : MYC_SLOT_PLAIN, signal->correlation);
}

static inline __attribute__((always_inline)) void put(struct myc_executor *executor,
						      struct myc_road *road,
						      enum myc_lane_ring ring, uint64_t kind,
						      uint64_t to, uint64_t from,
						      const void *payload, size_t size)
{
	uint64_t mark = ring == MYC_RING_ORDINARY ? myc_lane_mark(&road->lane) : 0;

	myc_lane_push(&road->lane, ring, kind | mark, to, from, payload, size);
	if (ring == MYC_RING_URGENT)
		myc_lane_pushed_urgent(&road->lane);
	if (!road->own && !(road->peer->dirty & MYC_PEER_MESSAGE))
		myc_sender_dirty(&executor->out, road->peer, MYC_PEER_MESSAGE);
}

/* The same of one that is made up; its body is lent. */
static int put_entry(struct myc_executor *executor, struct myc_road *road,
		     const struct myc_signal_entry *entry)
{
	struct myc_pool *pool = &executor->out.pool;
	const struct myc_slot *slot = &entry->slot;
	struct myc_carried carried = {0};
	uint64_t ticket = myc_ticket_lane((uint32_t)(road - executor->out.road),
					  road->lane.head[MYC_RING_ORDINARY] + 1);

	if (entry->hold == MYC_HOLD_NONE) {
		put(executor, road, entry->ring, slot->word[0], slot->word[1], slot->word[2],
		    slot->payload, slot->size);
		return 0;
	}
	int code = myc_pool_lend(pool, entry->hold, 1, ticket, 0, entry->body_size,
				 &carried.reference);

	if (code)
		return code;
	put(executor, road, entry->ring, slot->word[0], slot->word[1], slot->word[2], &carried,
	    sizeof(carried));
	myc_pool_lent(pool);
	return 0;
}

/* What is sent later by its lane waits for an urgent one; not for one that waits for an actor on its way, or what that
 * actor's executor is to be told first would wait too. */
static void count_urgent(struct myc_signal_entry *entry, bool waits)
{
	struct myc_lane_out *lane = &entry->road->lane;

	if (entry->ring != MYC_RING_URGENT || entry->counted == waits)
		return;
	entry->counted = waits;
	lane->urgent_wait += waits ? 1 : UINT32_MAX;
	myc_lane_look_full(lane);
}

static bool has_room(const struct myc_signals *signals, bool ours)
{
	uint32_t index = signals->free;

	for (uint32_t kept = ours ? 0 : ANSWERS; kept && index != MYC_NONE; kept--)
		index = signals->entry[index].next;
	return index != MYC_NONE;
}

static int queue(struct myc_executor *executor, const struct myc_signal_entry *wanted)
{
	struct myc_signals *signals = &executor->signals;
	uint32_t index = signals->free;

	if (!has_room(signals, !wanted->from))
		return -ENOBUFS;
	/* It is nobody's but the signal's now. */
	if (wanted->hold != MYC_HOLD_NONE)
		(void)myc_pool_keep(&executor->out.pool, wanted->hold, 0);
	signals->free = signals->entry[index].next;
	signals->entry[index] = *wanted;
	signals->entry[index].next = MYC_NONE;
	if (signals->count++)
		signals->entry[signals->last].next = index;
	else
		signals->first = index;
	signals->last = index;
	executor->out.signals_wait = true;
	signals->urgent += wanted->ring == MYC_RING_URGENT;
	count_urgent(&signals->entry[index],
		     !wanted->addressed || !myc_move_on_its_way(executor->system, wanted->to));
	/* It is to look for the lane, if that is new. */
	if (!wanted->road->own)
		myc_sender_dirty(&executor->out, wanted->road->peer, MYC_PEER_MESSAGE);
	hold_pair(executor, wanted);
	return 0;
}

/* Urgent ones wait for those before them to the same place, and for nothing else that waits: neither for what their lane's
 * ordinary ring has no room for, nor for other lanes. One that follows its actor may come to this road yet. */
static bool others_first(const struct myc_executor *executor, const struct myc_signal_entry *entry)
{
	const struct myc_signals *signals = &executor->signals;

	if (entry->ring != MYC_RING_URGENT)
		return signals->count || older_waits(executor, entry);
	for (uint32_t i = signals->urgent ? signals->first : MYC_NONE; i != MYC_NONE;
	     i = signals->entry[i].next)
		if (signals->entry[i].ring == MYC_RING_URGENT &&
		    (signals->entry[i].road == entry->road || signals->entry[i].to == entry->to))
			return true;
	return false;
}

/* There may be older ones, or no room. */
__attribute__((noinline)) static int send_behind(struct myc_executor *executor,
						 struct myc_road *road, struct myc_actor *from,
						 const struct myc_signal *signal,
						 enum myc_lane_ring ring, bool addressed)
{
	struct myc_signal_entry entry = {
		.ring = ring,
		.road = road,
		.from = from,
		.from_address = from ? from->address : MYC_NOBODY,
		.to = signal->to,
		.order = executor->outbox_order | 3,
		.addressed = addressed,
		.hold = signal->body ? signal->body->hold : MYC_HOLD_NONE,
		.body_size = signal->body ? signal->body->size : 0,
	};

	entry.slot.word[0] = signal->body ? kind_of_body(signal) : kind_of(signal);
	entry.slot.word[1] = to_of(signal);
	entry.slot.word[2] = from_of(signal, from);
	if (!signal->body)
		myc_payload_copy(entry.slot.payload, signal->payload, signal->size);
	if (others_first(executor, &entry) || myc_road_full(&executor->out, road, ring) ||
	    (addressed && myc_move_on_its_way(executor->system, signal->to)))
		return queue(executor, &entry);
	return put_entry(executor, road, &entry);
}

static inline int send_by(struct myc_executor *executor, struct myc_road *road,
			  struct myc_actor *from, const struct myc_signal *signal,
			  enum myc_lane_ring ring, bool addressed)
{
	if (__builtin_expect(executor->signals.count || (from && from->outboxed) || signal->body ||
				     myc_road_full(&executor->out, road, ring),
			     0))
		return send_behind(executor, road, from, signal, ring, addressed);
	put(executor, road, ring, kind_of(signal), to_of(signal), from_of(signal, from),
	    signal->payload, signal->size);
	return 0;
}

/* The road to an actor of our own, NULL: it is not. One load and compare. */
static inline struct myc_road *road_home(struct myc_executor *executor, myc_address to)
{
	const struct myc_system *system = executor->system;
	uint32_t slot = myc_address_slot(to);

	if (myc_address_process(to) != system->workspace.process ||
	    myc_address_node(to) != system->workspace.node || slot >= system->slots ||
	    !executor->out.road[0].own)
		return NULL;
	/* Of a free slot the executor is another. */
	return (uint32_t)__atomic_load_n(&system->slot[slot].word, __ATOMIC_RELAXED) ==
			       (uint32_t)myc_actor_word(myc_address_generation(to), executor->index,
							0)
		       ? &executor->out.road[0]
		       : NULL;
}

bool myc_signal_reply_home(struct myc_executor *executor, struct myc_actor *from, myc_address to,
			   uint32_t correlation, uint16_t type, const void *payload, size_t size)
{
	struct myc_road *road = road_home(executor, to);

	if (!road || executor->signals.count || from->outboxed ||
	    !myc_lane_free(&road->lane, MYC_RING_ORDINARY))
		return false;
	myc_lane_push(&road->lane, MYC_RING_ORDINARY,
		      myc_slot_kind(MYC_SIGNAL_REPLY, (uint8_t)size, 0),
		      myc_slot_to(myc_address_slot(to), type, MYC_FLOW_NONE),
		      myc_slot_from(from->slot, correlation), payload, size);
	return true;
}

/* While it is on its way, the signal waits in the queue. */
static int send_addressed(struct myc_executor *executor, struct myc_road *road,
			  struct myc_actor *from, const struct myc_signal *signal,
			  enum myc_lane_ring ring)
{
	return __builtin_expect(!myc_move_on_its_way(executor->system, signal->to), 1)
		       ? send_by(executor, road, from, signal, ring, true)
		       : send_behind(executor, road, from, signal, ring, true);
}

int myc_signal_send(struct myc_executor *executor, struct myc_actor *from,
		    const struct myc_signal *signal, enum myc_lane_ring ring)
{
	struct myc_road *road = road_home(executor, signal->to);

	if (road)
		return send_by(executor, road, from, signal, ring, true);
	int code = myc_sender_road(&executor->out, signal->to, &road);

	return code ? code : send_addressed(executor, road, from, signal, ring);
}

int myc_signal_send_after(struct myc_executor *executor, struct myc_road *road,
			  const struct myc_signal *signal, enum myc_lane_ring ring)
{
	return send_addressed(executor, road, NULL, signal, ring);
}

int myc_signal_put(struct myc_executor *executor, struct myc_road *road,
		   const struct myc_signal *signal)
{
	if (myc_road_full(&executor->out, road, MYC_RING_ORDINARY)) {
		/* A new lane wants to be found. */
		if (!road->own)
			myc_sender_dirty(&executor->out, road->peer, MYC_PEER_MESSAGE);
		return -ENOBUFS;
	}
	put(executor, road, MYC_RING_ORDINARY, kind_of(signal), to_of(signal),
	    myc_slot_from(MYC_SLOT_PLAIN, 0), signal->payload, signal->size);
	return 0;
}

int myc_signal_send_executor(struct myc_executor *executor, uint32_t process, uint32_t index,
			     const struct myc_signal *signal, enum myc_lane_ring ring)
{
	struct myc_road *road = myc_sender_road_to(&executor->out, process, index);

	return road ? send_by(executor, road, NULL, signal, ring, false) : -ENOSPC;
}

int myc_signal_send_road(struct myc_executor *executor, struct myc_road *road,
			 struct myc_actor *from, const struct myc_signal *signal,
			 enum myc_lane_ring ring)
{
	return send_by(executor, road, from, signal, ring, false);
}

/* Word of somebody's end comes behind what he said there, which may wait for his messages. */
static bool behind_his(const struct myc_executor *executor, const struct myc_signal_entry *entry)
{
	const struct myc_signals *signals = &executor->signals;
	uint16_t type = myc_slot_kind_type(entry->slot.word[0]);
	const struct myc_actor *actor = type == MYC_SIGNAL_DEAD || type == MYC_SIGNAL_HOLD
						? myc_system_actor(executor->system, entry->to)
						: NULL;

	if (!actor || !actor->outboxed)
		return false;
	for (uint32_t i = signals->first; &signals->entry[i] != entry; i = signals->entry[i].next)
		if (signals->entry[i].from == actor && signals->entry[i].road == entry->road &&
		    signals->entry[i].ring == entry->ring)
			return true;
	return false;
}

bool myc_signals_ready(const struct myc_executor *executor)
{
	const struct myc_signals *signals = &executor->signals;

	for (uint32_t i = signals->count ? signals->first : MYC_NONE; i != MYC_NONE;
	     i = signals->entry[i].next) {
		const struct myc_signal_entry *entry = &signals->entry[i];

		if (!older_waits(executor, entry) && !behind_his(executor, entry) &&
		    !(entry->addressed && myc_move_on_its_way(executor->system, entry->to)))
			return true;
	}
	return false;
}

bool myc_signals_room(const struct myc_executor *executor)
{
	const struct myc_signals *signals = &executor->signals;

	return signals->free != MYC_NONE && signals->entry[signals->free].next != MYC_NONE;
}

/* Who links by this one; MYC_NOBODY: it is something else. */
static myc_address links(const struct myc_signal_entry *entry)
{
	struct myc_signal_link link = {.from = MYC_NOBODY};

	if (myc_slot_kind_type(entry->slot.word[0]) == MYC_SIGNAL_LINK)
		memcpy(&link, entry->slot.payload, sizeof(link));
	return link.from;
}

bool myc_signals_from(const struct myc_executor *executor, const struct myc_actor *actor)
{
	const struct myc_signals *signals = &executor->signals;

	for (uint32_t i = signals->count ? signals->first : MYC_NONE; i != MYC_NONE;
	     i = signals->entry[i].next)
		if (signals->entry[i].from == actor)
			return true;
	return false;
}

bool myc_signals_link(const struct myc_executor *executor, const struct myc_actor *actor,
		      const struct myc_road *road)
{
	const struct myc_signals *signals = &executor->signals;

	for (uint32_t i = signals->count ? signals->first : MYC_NONE; i != MYC_NONE;
	     i = signals->entry[i].next)
		if (signals->entry[i].road == road && links(&signals->entry[i]) == actor->address)
			return true;
	return false;
}

/* Its lane is full and nobody empties it: a successor has no use for what was said to the dead one. */
static bool process_dead(const struct myc_executor *executor, struct myc_road *road,
			 enum myc_lane_ring ring)
{
	uint32_t incarnation;

	return road->process != executor->system->workspace.process &&
	       myc_road_full(&executor->out, road, ring) &&
	       !myc_process_there(executor->system, road->process, &incarnation);
}

/* Its receiver may have moved since. False: it is on its way. */
static bool find_anew(struct myc_executor *executor, struct myc_signal_entry *entry)
{
	const struct myc_system *system = executor->system;
	uint32_t process = myc_address_process(entry->to);
	const struct myc_actor_slot *slot =
		myc_view_slot(system, process, myc_address_slot(entry->to));
	uint64_t word = slot ? __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE) : 0;

	if (!slot || myc_actor_word_generation(word) != myc_address_generation(entry->to))
		return true;
	if (myc_word_moving(word, entry->to))
		return false;
	if (myc_actor_word_home(word) == entry->road->executor)
		return true;
	struct myc_road *road =
		myc_sender_road_to(&executor->out, process, myc_actor_word_home(word));

	if (road && road != entry->road) {
		struct myc_actor *partner = myc_link_ours(executor, links(entry));

		count_urgent(entry, false);
		/* Of whose end the one that it is linked with is told where that is. */
		if (partner)
			myc_exit_follow(partner, entry->road, road);
		entry->road = road;
	}
	return true;
}

/* While the lane is full all stay in their order. Behind one that waits for its sender's older messages, only that
 * sender's stay, for whom the same holds, and word of his end: those of others may be what he waits for. */
static bool stays(struct myc_executor *executor, const struct myc_signal_entry *entry)
{
	struct myc_road *road = entry->road;
	enum myc_lane_ring ring = entry->ring;
	uint32_t round = executor->signals.round;

	if (older_waits(executor, entry))
		return true;
	if (road->signals_full[ring] != round && myc_road_full(&executor->out, road, ring))
		road->signals_full[ring] = round;
	return road->signals_full[ring] == round || behind_his(executor, entry);
}

static void give_up(struct myc_executor *executor, struct myc_signal_entry *entry)
{
	const struct myc_carried carried = {.reference.size = entry->body_size};

	if (entry->hold != MYC_HOLD_NONE) {
		memcpy(entry->slot.payload, &carried,
		       sizeof(carried)); /* whose size the letter tells */
		myc_pool_give(&executor->out.pool, entry->hold);
	}
	myc_letter_note(executor, MYC_DEAD_LETTER_LANE_CUT, entry->from_address, entry->to,
			&entry->slot);
}

unsigned myc_signals_drain(struct myc_executor *executor)
{
	struct myc_signals *signals = &executor->signals;
	uint32_t *link = &signals->first, last = MYC_NONE;
	unsigned moved = 0;

	signals->round++;
	while (*link != MYC_NONE) {
		uint32_t index = *link;
		struct myc_signal_entry *entry = &signals->entry[index];
		bool there = !entry->addressed || find_anew(executor, entry);

		count_urgent(entry, there);
		if (!there) {
			last = index;
			link = &entry->next;
			continue;
		}
		struct myc_road *road = entry->road;
		bool cut = myc_road_cut(road) || process_dead(executor, road, entry->ring);

		if (!cut && stays(executor, entry)) {
			last = index;
			link = &entry->next;
			continue;
		}
		if (cut)
			give_up(executor, entry);
		else
			(void)put_entry(executor, road, entry); /* fits: looked at before it came */
		*link = entry->next;
		signals->count--;
		count_urgent(entry, false);
		signals->urgent -= entry->ring == MYC_RING_URGENT;
		hold_pair(executor, entry);
		entry->next = signals->free;
		signals->free = index;
		moved++;
	}
	signals->last = last;
	executor->out.signals_wait = signals->count != 0;
	return moved;
}
