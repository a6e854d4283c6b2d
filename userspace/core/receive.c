/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving half: lanes in, credit, and messages of actors that are paused.
 *
 * Credit. A flow may have `limit` messages sent in all; limit - handled of them are reserved: in the
 * actor's mailbox capacity and in the executor's pending entries. So whatever is in a lane can be
 * taken out of it at once, and nobody waits behind a paused actor. Each flow's window is its share,
 * at most capacity_per_sender; a flow without any credit gets one even from a full mailbox, else a
 * late sender could starve behind idle ones.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/executor.h"

static void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static void dead_letter(struct myc_executor *executor, enum myc_dead_letter why)
{
	count(&executor->words->dead_letters[why]);
}

static void cut(struct myc_executor *executor, struct myc_inlet *inlet, enum myc_lane_fault why)
{
	inlet->cut = true;
	count(&executor->words->lane_faults[why]);
}

static struct myc_lane_in *lane_in(const struct myc_executor *executor, uint32_t index)
{
	return (struct myc_lane_in *)(void *)((char *)(executor->words + 1) +
					      index * myc_lane_in_size(MYC_LANE_FLOWS));
}

/* ---- credit ------------------------------------------------------------------------------------ */

static uint32_t window_of(const struct myc_actor *actor)
{
	uint32_t share = actor->capacity / (actor->flows_in ? actor->flows_in : 1);

	share += !share;
	return share < actor->capacity_per_sender ? share : actor->capacity_per_sender;
}

/* Moves the limit as far as window, mailbox and pending entries allow. */
static void grant(struct myc_executor *executor, struct myc_inlet *inlet, struct myc_flow_in *flow)
{
	struct myc_actor *actor = flow->actor;
	int32_t more = (int32_t)(flow->handled + window_of(actor) - flow->limit);
	int32_t room = (int32_t)actor->capacity - actor->granted;
	int32_t pool = (int32_t)executor->pending_capacity - executor->granted;

	more = more < room ? more : room;
	if (more <= 0 && flow->limit == flow->handled)
		more = 1;
	/* At most a quarter of what is left: whoever comes early does not take it all. */
	pool = pool > 4 ? pool / 4 : pool > 0;
	more = more < pool ? more : pool;
	if (more <= 0) {
		if (flow->limit == flow->handled && !executor->rescan) {
			executor->rescan = true;
			count(&executor->words->flows_refused);
		}
		return;
	}
	flow->limit += (uint32_t)more;
	actor->granted += more;
	executor->granted += more;
	/* Nothing hangs on it but the number: the slots are handed back by the cursor. */
	__atomic_store_n(&inlet->lane.limit[flow - inlet->flow], flow->limit, __ATOMIC_RELAXED);
	if (inlet->peer)
		myc_sender_dirty(&executor->out, inlet->peer, MYC_PEER_CREDIT);
}

/* One message of the flow is dealt with: its credit may be given again, now or with others. */
static void handled(struct myc_executor *executor, struct myc_inlet *inlet,
		    struct myc_flow_in *flow, uint32_t position)
{
	uint32_t f = (uint32_t)(flow - inlet->flow);
	struct myc_actor *actor = flow->actor;

	myc_lane_count(&inlet->lane, (uint16_t)f, position);
	flow->handled++;
	if (!actor)
		return;
	actor->granted--;
	executor->granted--;
	uint32_t window = window_of(actor);
	uint32_t batch = window / 2 < 32 ? window / 2 : 32;

	if (flow->handled + window - flow->limit >= batch + !batch) {
		grant(executor, inlet, flow);
	} else if (!flow->dirty) {
		flow->dirty = true;
		inlet->dirty[inlet->dirty_count++] = (uint16_t)f;
	}
}

void myc_receiver_publish(struct myc_executor *executor)
{
	for (uint32_t i = 0; i < executor->inlets; i++) {
		struct myc_inlet *inlet = &executor->inlet[i];

		myc_lane_publish(&inlet->lane, MYC_RING_ORDINARY);
		myc_lane_publish(&inlet->lane, MYC_RING_URGENT);
		while (inlet->dirty_count) {
			struct myc_flow_in *flow = &inlet->flow[inlet->dirty[--inlet->dirty_count]];

			flow->dirty = false;
			if (flow->actor)
				grant(executor, inlet, flow);
		}
	}
}

/* ---- finding lanes and flows ------------------------------------------------------------------- */

/* Our half of a lane found in another's directory; a successor finds the same one again. */
static struct myc_inlet *inlet_bind(struct myc_executor *executor, uint64_t source)
{
	for (uint32_t i = 0; i < executor->inlets_max; i++) {
		struct myc_lane_in *in = lane_in(executor, i);

		if (in->cursor.source && in->cursor.source != source)
			continue;
		/* Release: the zeroed half. Pairs with road_bind. */
		__atomic_store_n(&in->cursor.source, source, __ATOMIC_RELEASE);
		struct myc_inlet *inlet = &executor->inlet[i];

		inlet->source = source;
		inlet->flow = &executor->flow_table[(size_t)i * MYC_LANE_FLOWS];
		inlet->peer = myc_sender_peer(&executor->out, myc_lane_end_process(source),
					      myc_lane_end_executor(source));
		if (executor->inlets <= i)
			executor->inlets = i + 1;
		return inlet;
	}
	return NULL;
}

/* The lane at directory index `lane`, when it is for us and not open yet. */
static void inlet_open(struct myc_executor *executor, uint64_t source,
		       const struct myc_lanes *block, const struct myc_lanes *head, uint32_t lane)
{
	struct myc_inlet *inlet = NULL;

	for (uint32_t i = 0; i < executor->inlets; i++)
		if (executor->inlet[i].source == source && executor->inlet[i].block)
			return;
	inlet = inlet_bind(executor, source);
	if (!inlet)
		return;
	inlet->block = block;
	if (head->flows != MYC_LANE_FLOWS) {
		cut(executor, inlet, MYC_LANE_FAULT_LAYOUT);
		return;
	}
	myc_lane_in_open(&inlet->lane, block, head, lane,
			 lane_in(executor, (uint32_t)(inlet - executor->inlet)));
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++) {
		inlet->flow[f].handled = myc_pair_high(inlet->lane.counted[f]);
		inlet->flow[f].received = inlet->flow[f].handled;
		inlet->flow[f].limit = inlet->lane.limit[f];
	}
}

static bool address_ours(const struct myc_executor *executor, myc_address address)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	return myc_address_node(address) == workspace->node &&
	       myc_address_process(address) == workspace->process &&
	       myc_address_slot(address) < executor->system->slots;
}

/* A new flow, or one whose entry was given to another pair. False: its actor is not here yet. */
static bool flow_learn(struct myc_executor *executor, struct myc_inlet *inlet, uint32_t f)
{
	struct myc_flow_in *flow = &inlet->flow[f];
	uint64_t from, to;
	uint32_t epoch = myc_lane_flow_read(&inlet->lane, f, &from, &to);

	if (!epoch)
		return true;
	if (epoch == flow->epoch) {
		if (flow->actor && flow->limit == flow->handled)
			grant(executor, inlet, flow);
		return true;
	}
	if (!address_ours(executor, to) ||
	    (from && myc_address_process(from) != myc_lane_end_process(inlet->source))) {
		cut(executor, inlet, MYC_LANE_FAULT_FLOW);
		return true;
	}
	uint64_t word = __atomic_load_n(&executor->system->slot[myc_address_slot(to)].word,
					__ATOMIC_ACQUIRE);
	struct myc_actor *actor = NULL;

	if (myc_actor_word_generation(word) == myc_address_generation(to) &&
	    myc_actor_word_state(word) != MYC_ACTOR_FREE &&
	    myc_actor_word_executor(word) == executor->index) {
		actor = &executor->system->actor[myc_address_slot(to)];
		if (!actor->adopted)
			return false;
	}
	if (flow->actor) { /* the entry's former pair */
		flow->actor->granted -= (int32_t)(flow->limit - flow->handled);
		executor->granted -= (int32_t)(flow->limit - flow->handled);
		flow->actor->flows_in--;
	}
	*flow = (struct myc_flow_in){.actor = actor,
				     .from = from,
				     .to = to,
				     .epoch = epoch,
				     .from_slot = from ? myc_address_slot(from) : MYC_SLOT_PLAIN,
				     .to_slot = myc_address_slot(to),
				     .generation = (uint16_t)myc_address_generation(to),
				     .received = flow->received,
				     .handled = flow->handled,
				     .limit = flow->limit,
				     .dirty = flow->dirty};
	if (actor) {
		actor->flows_in++;
		actor->granted += (int32_t)(flow->limit - flow->handled);
		executor->granted += (int32_t)(flow->limit - flow->handled);
		grant(executor, inlet, flow);
	}
	return true;
}

static void inlet_scan(struct myc_executor *executor, struct myc_inlet *inlet)
{
	if (!inlet->block || inlet->cut)
		return;
	for (uint32_t f = 0; f < MYC_LANE_FLOWS && !inlet->cut; f++)
		if (!flow_learn(executor, inlet, f))
			executor->rescan = true;
}

void myc_receiver_scan_own(struct myc_executor *executor)
{
	inlet_scan(executor, &executor->inlet[0]);
}

static void scan_source(struct myc_executor *executor, uint32_t process, uint32_t source)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	struct myc_lanes head;
	uint64_t size;
	const struct myc_lanes *block =
		myc_region_block(&workspace->regions[process], MYC_BLOCK_LANES, source, &size);
	uint64_t us = myc_lane_end(workspace->process, executor->index);

	if (!block || myc_lanes_check(block, size, &head))
		return;
	const uint64_t *directory = myc_lanes_directory(block);

	for (uint32_t i = 0; i < head.lanes; i++)
		if (__atomic_load_n(&directory[i], __ATOMIC_RELAXED) == us)
			inlet_open(executor, myc_lane_end(process, source), block, &head, i);
	for (uint32_t i = 0; i < executor->inlets; i++)
		if (executor->inlet[i].source == myc_lane_end(process, source))
			inlet_scan(executor, &executor->inlet[i]);
}

static uint32_t sources_of(const struct myc_process_words *words)
{
	uint32_t sources = words ? __atomic_load_n(&words->sources, __ATOMIC_RELAXED) : 0;

	return sources < MYC_SOURCES_OF_PROCESS ? sources : MYC_SOURCES_OF_PROCESS;
}

bool myc_receiver_changed(const struct myc_executor *executor)
{
	const struct myc_system *system = executor->system;

	for (uint32_t p = 0; p < system->workspace.processes; p++) {
		const struct myc_process_words *words = myc_view_process(system, p, NULL);
		const uint32_t *seen = &executor->changed_seen[p * MYC_SOURCES_OF_PROCESS];

		for (uint32_t s = 0; s < sources_of(words); s++)
			if (__atomic_load_n(&words->changed[s], __ATOMIC_RELAXED) != seen[s])
				return true;
	}
	return false;
}

void myc_receiver_scan(struct myc_executor *executor)
{
	const struct myc_system *system = executor->system;
	bool all = executor->rescan;

	executor->rescan = false;
	for (uint32_t p = 0; p < system->workspace.processes; p++) {
		const struct myc_process_words *words = myc_view_process(system, p, NULL);
		uint32_t *seen = &executor->changed_seen[p * MYC_SOURCES_OF_PROCESS];

		for (uint32_t s = 0; s < sources_of(words); s++) {
			/* Pairs with the release in send.c: directory and flows are there. */
			uint32_t changed = __atomic_load_n(&words->changed[s], __ATOMIC_ACQUIRE);

			if (changed == seen[s] && !all)
				continue;
			seen[s] = changed;
			scan_source(executor, p, s);
		}
	}
}

/* ---- pending queue ----------------------------------------------------------------------------- */

void myc_receiver_make_ready(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;

	if (actor->ready_listed || !actor->pending_count || actor->outboxed ||
	    !myc_actor_runs(actor))
		return;
	actor->ready_listed = true;
	actor->next_ready = NULL;
	if (executor->ready)
		executor->ready_last->next_ready = actor;
	else
		executor->ready = actor;
	executor->ready_last = actor;
}

static void pending_append(struct myc_executor *executor, struct myc_actor *actor, uint32_t index)
{
	struct myc_actor_metrics *metrics = actor->metrics;

	executor->pending_next[index] = MYC_NONE;
	if (actor->pending_count++)
		executor->pending_next[actor->pending_last] = index;
	else
		actor->pending_first = index;
	actor->pending_last = index;
	__atomic_store_n(&metrics->mailbox_depth, actor->pending_count, __ATOMIC_RELAXED);
	if (actor->pending_count > metrics->mailbox_depth_max)
		__atomic_store_n(&metrics->mailbox_depth_max, actor->pending_count,
				 __ATOMIC_RELAXED);
}

/* Out of the lane into the actor's queue. Died between the two stores: the entry is there, and
 * recovery moves the lane's progress behind it. */
static bool pend(struct myc_executor *executor, struct myc_inlet *inlet, struct myc_flow_in *flow,
		 const struct myc_slot *slot)
{
	uint32_t index = executor->pending_free;

	if (index == MYC_NONE) /* cannot be: each credit reserved one */
		return false;
	struct myc_pending *entry = &executor->pending[index];

	executor->pending_free = executor->pending_next[index];
	entry->from = flow->from;
	entry->lane_in = (uint32_t)(inlet - executor->inlet);
	entry->ring = MYC_RING_ORDINARY;
	entry->position = inlet->lane.next[MYC_RING_ORDINARY] + 1;
	entry->slot = *slot;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&entry->order, ++executor->pending_order << 2 | MYC_PENDING_QUEUED,
			 __ATOMIC_RELAXED);
	MYC_POINT("pend: stored, not done");
	myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
	pending_append(executor, flow->actor, index);
	count(&executor->words->pended);
	return true;
}

static void pending_free(struct myc_executor *executor, uint32_t index)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&executor->pending[index].order, 0, __ATOMIC_RELAXED);
	executor->pending_next[index] = executor->pending_free;
	executor->pending_free = index;
}

static uint32_t pending_take(struct myc_executor *executor, struct myc_actor *actor)
{
	uint32_t index = actor->pending_first;

	actor->pending_first = executor->pending_next[index];
	actor->pending_count--;
	__atomic_store_n(&actor->metrics->mailbox_depth, actor->pending_count, __ATOMIC_RELAXED);
	return index;
}

void myc_receiver_drop_pending(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;

	while (actor->pending_count) {
		uint32_t index = pending_take(executor, actor);
		const struct myc_pending *entry = &executor->pending[index];
		struct myc_inlet *inlet = &executor->inlet[entry->lane_in];

		dead_letter(executor, MYC_DEAD_LETTER_NO_ACTOR);
		handled(executor, inlet, &inlet->flow[entry->slot.flow], entry->position);
		pending_free(executor, index);
	}
}

/* ---- delivering -------------------------------------------------------------------------------- */

static void deliver(struct myc_actor *actor, uint64_t from, const struct myc_slot *slot)
{
	struct myc_message message = {
		.from = from,
		.type = slot->type,
		.size = slot->size,
		.flags = slot->flags,
		.correlation = slot->correlation,
		.payload = slot->payload,
	};
	int code = 0;

	count(&actor->metrics->messages);
	if (actor->behaviour->message)
		code = actor->behaviour->message(actor, &message);
	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

/* The copy is checked against what the flow was when we learnt it. */
static struct myc_flow_in *check(struct myc_executor *executor, struct myc_inlet *inlet,
				 const struct myc_slot *slot)
{
	struct myc_flow_in *flow = &inlet->flow[slot->flow % MYC_LANE_FLOWS];

	if (slot->size > MYC_LANE_PAYLOAD) {
		cut(executor, inlet, MYC_LANE_FAULT_SIZE);
		return NULL;
	}
	if (slot->flags & ~(MYC_MESSAGE_REDELIVERED | MYC_MESSAGE_URGENT)) {
		cut(executor, inlet, MYC_LANE_FAULT_FLAGS);
		return NULL;
	}
	if (slot->flow >= MYC_LANE_FLOWS || !flow->epoch) {
		cut(executor, inlet, MYC_LANE_FAULT_FLOW);
		return NULL;
	}
	if (slot->to != flow->to_slot || slot->generation != flow->generation ||
	    slot->from != flow->from_slot) {
		cut(executor, inlet, MYC_LANE_FAULT_ADDRESS);
		return NULL;
	}
	if ((int32_t)(flow->limit - flow->received) <= 0) {
		cut(executor, inlet, MYC_LANE_FAULT_CREDIT);
		return NULL;
	}
	return flow;
}

/* One checked message, which is the lane's next. */
static void receive(struct myc_executor *executor, struct myc_inlet *inlet,
		    struct myc_flow_in *flow, const struct myc_slot *slot)
{
	struct myc_actor *actor = flow->actor;
	uint32_t position = inlet->lane.next[MYC_RING_ORDINARY] + 1;

	flow->received++;
	if (actor && slot->type < MYC_TYPE_FRAMEWORK &&
	    (actor->outboxed || actor->pending_count || !myc_actor_runs(actor)) &&
	    pend(executor, inlet, flow, slot))
		return;
	myc_lane_begin(&inlet->lane, MYC_RING_ORDINARY);
	if (slot->type >= MYC_TYPE_FRAMEWORK)
		dead_letter(executor, MYC_DEAD_LETTER_FRAMEWORK_TYPE);
	else if (!actor)
		dead_letter(executor, MYC_DEAD_LETTER_NO_ACTOR);
	else
		deliver(actor, flow->from, slot);
	handled(executor, inlet, flow, position);
	myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
}

/* Signals by the urgent ring need neither flow nor credit. None is defined in this version. */
static unsigned poll_urgent(struct myc_executor *executor, struct myc_inlet *inlet, unsigned budget)
{
	_Alignas(64) struct myc_slot slot;
	unsigned n;

	for (n = 0; n < budget; n++) {
		int got = myc_lane_peek(&inlet->lane, MYC_RING_URGENT, &slot);

		if (got < 0)
			cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		if (got <= 0)
			break;
		myc_lane_begin(&inlet->lane, MYC_RING_URGENT);
		dead_letter(executor, MYC_DEAD_LETTER_FRAMEWORK_TYPE);
		myc_lane_done(&inlet->lane, MYC_RING_URGENT);
		myc_lane_publish_some(&inlet->lane, MYC_RING_URGENT);
	}
	return n;
}

static unsigned poll_inlet(struct myc_executor *executor, struct myc_inlet *inlet, unsigned budget)
{
	_Alignas(64) struct myc_slot slot;
	unsigned n;

	for (n = 0; n < budget; n++) {
		int got = myc_lane_peek(&inlet->lane, MYC_RING_ORDINARY, &slot);

		if (got < 0)
			cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		if (got <= 0)
			break;
		struct myc_flow_in *flow = check(executor, inlet, &slot);

		if (!flow)
			break;
		receive(executor, inlet, flow, &slot);
		myc_lane_publish_some(&inlet->lane, MYC_RING_ORDINARY);
	}
	return n;
}

unsigned myc_receiver_poll(struct myc_executor *executor, unsigned budget)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < executor->inlets; i++) {
		struct myc_inlet *inlet = &executor->inlet[i];

		if (inlet->cut || !inlet->block)
			continue;
		n += poll_urgent(executor, inlet, budget);
		n += poll_inlet(executor, inlet, budget);
	}
	return n;
}

bool myc_receiver_ready(const struct myc_executor *executor)
{
	if (executor->ready)
		return true;
	for (uint32_t i = 0; i < executor->inlets; i++) {
		const struct myc_inlet *inlet = &executor->inlet[i];

		if (!inlet->cut && inlet->block &&
		    (myc_lane_ready(&inlet->lane, MYC_RING_ORDINARY) ||
		     myc_lane_ready(&inlet->lane, MYC_RING_URGENT)))
			return true;
	}
	return false;
}

static void deliver_pending(struct myc_executor *executor, struct myc_actor *actor)
{
	uint32_t index = pending_take(executor, actor);
	struct myc_pending *entry = &executor->pending[index];
	struct myc_inlet *inlet = &executor->inlet[entry->lane_in];

	__atomic_store_n(&entry->order, (entry->order & ~3ull) | MYC_PENDING_BEGUN,
			 __ATOMIC_RELAXED);
	deliver(actor, entry->from, &entry->slot);
	handled(executor, inlet, &inlet->flow[entry->slot.flow], entry->position);
	pending_free(executor, index);
}

unsigned myc_receiver_pending(struct myc_executor *executor, unsigned budget)
{
	unsigned n = 0;

	while (executor->ready && n < budget) {
		struct myc_actor *actor = executor->ready;

		executor->ready = actor->next_ready;
		actor->ready_listed = false;
		for (unsigned own = 0; own < 16 && n < budget; own++, n++) {
			if (!actor->pending_count || actor->outboxed || !myc_actor_runs(actor))
				break;
			deliver_pending(executor, actor);
		}
		myc_receiver_make_ready(actor);
	}
	return n;
}

/* The actor ended: what still comes for it are dead letters, and reserve nothing. */
void myc_receiver_forget(struct myc_executor *executor, struct myc_actor *actor)
{
	for (uint32_t i = 0; i < executor->inlets; i++)
		for (uint32_t f = 0; executor->inlet[i].flow && f < MYC_LANE_FLOWS; f++) {
			struct myc_flow_in *flow = &executor->inlet[i].flow[f];

			if (flow->actor != actor)
				continue;
			executor->granted -= (int32_t)(flow->limit - flow->handled);
			flow->actor = NULL;
		}
	actor->granted = 0;
	actor->flows_in = 0;
	struct myc_actor *last = NULL;

	for (struct myc_actor **link = &executor->ready; *link;) {
		if (*link == actor) {
			*link = actor->next_ready;
		} else {
			last = *link;
			link = &(*link)->next_ready;
		}
	}
	executor->ready_last = last;
	actor->ready_listed = false;
}

/* ---- after a crash ----------------------------------------------------------------------------- */

void myc_receiver_recover(struct myc_executor *executor)
{
	uint64_t us = myc_lane_end(executor->system->workspace.process, executor->index);

	/* Our own lane is made here, the others are found where their senders announced them. */
	inlet_bind(executor, us);
	__atomic_store_n(&myc_lanes_directory(executor->out.lanes)[0], us, __ATOMIC_RELAXED);
	myc_sender_recover(&executor->out);
	scan_source(executor, executor->system->workspace.process, executor->index);
	executor->rescan = true;
}

static bool counted_already(const struct myc_inlet *inlet, uint32_t flow, uint32_t position)
{
	uint64_t counted = inlet->lane.counted[flow];

	return myc_pair_high(counted) && (int32_t)(myc_pair_low(counted) - position) >= 0;
}

/* Counts it; true: it is to be given to its actor again. */
static bool in_doubt(struct myc_executor *executor, struct myc_actor *actor, struct myc_slot *slot)
{
	if (actor)
		count(&actor->metrics->in_doubt);
	if (actor && actor->behaviour->redeliver) {
		slot->flags |= MYC_MESSAGE_REDELIVERED;
		return true;
	}
	dead_letter(executor, MYC_DEAD_LETTER_IN_DOUBT);
	return false;
}

/* The message that was in hand straight from its lane. */
static void resume_inlet(struct myc_executor *executor, struct myc_inlet *inlet)
{
	_Alignas(64) struct myc_slot slot;
	uint64_t progress = inlet->lane.progress->ring[MYC_RING_ORDINARY];
	uint32_t position = myc_pair_high(progress);

	if (position == myc_pair_low(progress) ||
	    position != inlet->lane.next[MYC_RING_ORDINARY] + 1)
		return;
	if (myc_lane_peek(&inlet->lane, MYC_RING_ORDINARY, &slot) != 1) {
		cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		return;
	}
	if (slot.flow < MYC_LANE_FLOWS && counted_already(inlet, slot.flow, position)) {
		myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
		return;
	}
	struct myc_flow_in *flow = check(executor, inlet, &slot);

	if (!flow)
		return;
	if (in_doubt(executor, flow->actor, &slot)) {
		receive(executor, inlet, flow, &slot);
		return;
	}
	flow->received++;
	handled(executor, inlet, flow, position);
	myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
}

static int by_order(const void *a, const void *b)
{
	const struct myc_pending *const *x = a, *const *y = b;

	return (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

/* A predecessor's pending entry goes back into its actor's queue, or is counted out. */
static void resume_pending(struct myc_executor *executor, struct myc_pending *entry)
{
	uint32_t index = (uint32_t)(entry - executor->pending);
	struct myc_inlet *inlet =
		entry->lane_in < executor->inlets ? &executor->inlet[entry->lane_in] : NULL;
	struct myc_flow_in *flow = inlet && inlet->block && entry->slot.flow < MYC_LANE_FLOWS
					   ? &inlet->flow[entry->slot.flow]
					   : NULL;

	if (!flow || counted_already(inlet, entry->slot.flow, entry->position)) {
		pending_free(executor, index);
		return;
	}
	if ((int32_t)(entry->position - inlet->lane.next[MYC_RING_ORDINARY]) > 0)
		myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
	struct myc_actor *actor = flow->actor;
	bool keep = actor != NULL;

	flow->received++;
	if ((entry->order & 3) == MYC_PENDING_BEGUN)
		keep = in_doubt(executor, actor, &entry->slot);
	else if (!keep)
		dead_letter(executor, MYC_DEAD_LETTER_NO_ACTOR);
	if (!keep) {
		handled(executor, inlet, flow, entry->position);
		pending_free(executor, index);
		return;
	}
	entry->order = (entry->order & ~3ull) | MYC_PENDING_QUEUED;
	pending_append(executor, actor, index);
	myc_receiver_make_ready(actor);
}

void myc_receiver_resume(struct myc_executor *executor)
{
	uint32_t found = 0;
	struct myc_pending **entries =
		calloc(executor->pending_capacity, sizeof(struct myc_pending *));

	executor->pending_free = MYC_NONE;
	for (uint32_t i = executor->pending_capacity; i-- > 0;) {
		if (executor->pending[i].order && entries)
			entries[found++] = &executor->pending[i];
		else
			pending_free(executor, i);
	}
	if (found) {
		qsort(entries, found, sizeof(void *), by_order);
		executor->pending_order = entries[found - 1]->order >> 2;
	}
	for (uint32_t i = 0; i < found; i++)
		resume_pending(executor, entries[i]);
	free(entries);
	for (uint32_t i = 0; i < executor->inlets; i++)
		if (executor->inlet[i].block && !executor->inlet[i].cut)
			resume_inlet(executor, &executor->inlet[i]);
}
