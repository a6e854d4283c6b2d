/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes in: how they and their flows are found, and cut off when what came by them cannot be. */
#include "core/guess.h"
#include "core/move.h"
#include "core/receiver.h"
#include "core/schemas.h"

static struct myc_lane_in *lane_in(const struct myc_executor *executor, uint32_t index)
{
	return (struct myc_lane_in *)(void *)((char *)(executor->words + 1) +
					      index * myc_lane_in_size(MYC_LANE_FLOWS));
}

/* ---- cutting off ------------------------------------------------------------------------------- */

void myc_inlet_cut(struct myc_executor *executor, struct myc_inlet *inlet, enum myc_lane_fault why)
{
	uint64_t incarnation = __atomic_load_n(&inlet->block->incarnation, __ATOMIC_RELAXED);

	inlet->cut = true;
	if (!inlet->lane.cursor) {
		myc_count(&executor->words->lane_faults[why]);
		return;
	}
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++) {
		struct myc_flow_in *flow = &inlet->flow[f];
		uint32_t received = flow->handled + flow->waiting;
		int32_t unused = (int32_t)(flow->limit - received);

		flow->limit = received;
		__atomic_store_n(&inlet->lane.limit[f], flow->limit, __ATOMIC_RELAXED);
		if (!flow->actor)
			continue;
		flow->actor->granted -= unused;
		executor->granted -= unused;
		myc_credit_count_growth(executor, flow->actor);
	}
	myc_lane_publish(&inlet->lane, MYC_RING_ORDINARY);
	myc_lane_publish(&inlet->lane, MYC_RING_URGENT);
	MYC_POINT("inlet: to be cut");
	/* Release: limits and positions. Pairs with road_mend. */
	__atomic_store_n(&inlet->lane.cursor->cut, incarnation ? incarnation : UINT64_MAX,
			 __ATOMIC_RELEASE);
	/* Told when it stands: who restarts the sender then gets a lane that serves again. */
	__atomic_store_n(&executor->words->lane_faults[why], executor->words->lane_faults[why] + 1,
			 __ATOMIC_RELEASE);
}

bool myc_receiver_cut_for(struct myc_executor *executor, struct myc_inlet *inlet,
			  const struct myc_slot *slot, const struct myc_reference *reference)
{
	if (slot->size == sizeof(*reference) &&
	    reference->process != myc_lane_end_process(inlet->source) &&
	    reference->process < executor->system->workspace.processes &&
	    reference->source < MYC_SOURCES_OF_PROCESS)
		return false;
	myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_REFERENCE);
	return true;
}

/* To another process' buffers it was good when its sender looked, and that one's head says otherwise by now. */
bool myc_receiver_refuse(struct myc_executor *executor, struct myc_inlet *inlet,
			 struct myc_flow_in *flow, const struct myc_slot *slot,
			 const struct myc_reference *reference)
{
	if (myc_receiver_cut_for(executor, inlet, slot, reference))
		return false;
	myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
	myc_receiver_give_up(executor, inlet, flow, slot, MYC_DEAD_LETTER_MALFORMED);
	return true;
}

/* ---- finding lanes and flows ------------------------------------------------------------------- */

/* Our half of a lane found in another's directory; a successor finds the same one again. */
struct myc_inlet *myc_inlet_bind(struct myc_executor *executor, uint64_t source)
{
	for (uint32_t i = 0; i < executor->inlets_max; i++) {
		struct myc_lane_in *in = lane_in(executor, i);

		if (in->cursor.source && in->cursor.source != source)
			continue;
		/* Release: the zeroed half. Pairs with myc_road_bind. */
		__atomic_store_n(&in->cursor.source, source, __ATOMIC_RELEASE);
		struct myc_inlet *inlet = &executor->inlet[i];

		inlet->source = source;
		inlet->flow = &executor->flow_table[myc_guess_entries(i)];
		inlet->peer = myc_sender_peer(&executor->out, myc_lane_end_process(source),
					      myc_lane_end_executor(source));
		if (executor->inlets <= i)
			executor->inlets = i + 1;
		return inlet;
	}
	return NULL;
}

/* Has the sender's next incarnation mended the lane that was cut? Then it is used again. */
static void inlet_reopen(struct myc_executor *executor, struct myc_inlet *inlet)
{
	struct myc_lane_cursor *cursor = inlet->lane.cursor;
	/* Acquire: the mended lane. Pairs with myc_sender_recover. */
	uint64_t incarnation = __atomic_load_n(&inlet->block->incarnation, __ATOMIC_ACQUIRE);

	inlet->cut = cursor && cursor->cut;
	if (!inlet->cut || !incarnation || incarnation == cursor->cut)
		return;
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++) {
		struct myc_flow_in *flow = &inlet->flow[f];

		myc_flow_forget(flow);
		if (!flow->actor || flow->limit != flow->handled)
			continue;
		myc_credit_account(executor, flow, -1);
		flow->actor = NULL;
	}
	inlet->cut = false;
	__atomic_store_n(&cursor->cut, 0, __ATOMIC_RELAXED);
}

/* The lane at directory index `lane`, when it is for us and not open yet. */
static void inlet_open(struct myc_executor *executor, uint64_t source,
		       const struct myc_lanes *block, const struct myc_lanes *head, uint32_t lane)
{
	struct myc_inlet *inlet = NULL;

	for (uint32_t i = 0; i < executor->inlets; i++)
		if (executor->inlet[i].source == source && executor->inlet[i].block)
			return;
	inlet = myc_inlet_bind(executor, source);
	if (!inlet)
		return;
	inlet->block = block;
	if (head->flows != MYC_LANE_FLOWS) {
		myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_LAYOUT);
		return;
	}
	myc_lane_in_open(&inlet->lane, block, head, lane,
			 lane_in(executor, (uint32_t)(inlet - executor->inlet)));
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++) {
		inlet->flow[f].handled = myc_pair_high(inlet->lane.counted[f]);
		inlet->flow[f].waiting = 0;
		inlet->flow[f].limit = inlet->lane.limit[f];
		inlet->flow[f].index = (uint16_t)f;
		inlet->flow[f].slot_to = UINT64_MAX; /* no message's before it is learnt */
	}
	inlet_reopen(executor, inlet);
}

static bool address_ours(const struct myc_executor *executor, myc_address address)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	return myc_address_node(address) == workspace->node &&
	       myc_address_process(address) == workspace->process &&
	       myc_address_slot(address) < executor->system->slots;
}

/* Its actor, NULL: gone. False: not here yet. */
static bool actor_of(struct myc_executor *executor, myc_address to, struct myc_actor **actor)
{
	uint64_t word = __atomic_load_n(&executor->system->slot[myc_address_slot(to)].word,
					__ATOMIC_ACQUIRE);

	*actor = NULL;
	if (myc_word_moving(word, to))
		return false;
	if (myc_actor_word_generation(word) != myc_address_generation(to) ||
	    myc_actor_word_state(word) == MYC_ACTOR_FREE ||
	    myc_actor_word_executor(word) != executor->index)
		return true;
	*actor = &executor->system->actor[myc_address_slot(to)];
	return (*actor)->adopted;
}

/* The pair counts from the base on. What lies before and was not used is nobody's any more. What was received and
 * waits (no pair's of which some do is given to another, but a hostile process') has its credit until it is handled. */
static void start_at(struct myc_inlet *inlet, struct myc_flow_in *flow, uint32_t f, uint32_t base)
{
	uint32_t received = flow->handled + flow->waiting;

	if (base - received - 1 >= flow->limit - received)
		return;
	flow->handled += base - received;
	myc_lane_count(&inlet->lane, (uint16_t)f, myc_pair_low(inlet->lane.counted[f]),
		       flow->handled);
}

/* Its messages' positions may be of the other ring now (`known`: in this life, so that its former one is): what is said
 * to be counted last is none in hand. Unless a predecessor has counted some of this pair's: then it is one of them. */
static void ring_is(struct myc_inlet *inlet, struct myc_flow_in *flow, bool urgent, uint32_t base,
		    bool known)
{
	enum myc_lane_ring ring = urgent ? MYC_RING_URGENT : MYC_RING_ORDINARY;

	if (known && flow->urgent == urgent)
		return;
	flow->urgent = urgent;
	if ((int32_t)(flow->handled - base) > 0)
		return;
	myc_lane_count(&inlet->lane, flow->index, inlet->lane.next[ring], flow->handled);
}

void myc_flow_forget(struct myc_flow_in *flow)
{
	flow->epoch = 0;
	flow->slot_to = UINT64_MAX;
}

/* Do our schemas go together with its sender's, which may be another by now? What comes while they do not has no
 * actor, and is asked about each time. */
static void inlet_ask(const struct myc_executor *executor, struct myc_inlet *inlet)
{
	bool refused = myc_schemas_refused(executor->system, myc_lane_end_process(inlet->source));

	for (uint32_t f = 0; f < MYC_LANE_FLOWS && refused != inlet->refused; f++)
		myc_flow_forget(&inlet->flow[f]);
	inlet->refused = refused;
}

bool myc_flow_learn(struct myc_executor *executor, struct myc_inlet *inlet, uint32_t f)
{
	struct myc_flow_in *flow = &inlet->flow[f];
	struct myc_flow entry;
	struct myc_actor *actor;
	uint32_t epoch = myc_lane_flow_read(&inlet->lane, f, &entry);

	if (!epoch)
		return true;
	if (inlet->refused)
		inlet_ask(executor, inlet);
	if (epoch == flow->epoch) {
		if (flow->actor && flow->limit == flow->handled)
			myc_credit_grant(executor, inlet, flow);
		return true;
	}
	if (!address_ours(executor, entry.to) ||
	    (entry.from &&
	     myc_address_process(entry.from) != myc_lane_end_process(inlet->source))) {
		myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_FLOW);
		return true;
	}
	if (!actor_of(executor, entry.to, &actor))
		return false;
	bool known = flow->epoch;

	myc_credit_account(executor, flow, -1); /* the entry's former pair */
	start_at(inlet, flow, f, entry.base);
	flow->actor = inlet->refused ? NULL : actor;
	flow->from = entry.from;
	flow->to = entry.to;
	flow->epoch = epoch;
	flow->from_slot = entry.from ? myc_address_slot(entry.from) : MYC_SLOT_PLAIN;
	flow->look_at = flow->handled + 1;
	ring_is(inlet, flow, epoch & MYC_FLOW_URGENT, entry.base, known);
	flow->slot_to = flow->urgent || !flow->actor
				? UINT64_MAX
				: myc_slot_to(myc_address_slot(entry.to),
					      myc_address_generation(entry.to), f);
	myc_credit_account(executor, flow, 1);
	if (flow->actor)
		myc_credit_grant(executor, inlet, flow);
	return true;
}

static void inlet_scan(struct myc_executor *executor, struct myc_inlet *inlet)
{
	if (inlet->block && inlet->cut && inlet->lane.cursor)
		inlet_reopen(executor, inlet);
	if (!inlet->block || inlet->cut)
		return;
	inlet_ask(executor, inlet);
	for (uint32_t f = 0; f < MYC_LANE_FLOWS && !inlet->cut; f++)
		if (!myc_flow_learn(executor, inlet, f))
			executor->rescan = true;
	for (uint32_t f = 0; f < MYC_LANE_FLOWS && inlet->refused; f++)
		myc_flow_forget(&inlet->flow[f]);
}

void myc_receiver_learn_own(struct myc_executor *executor, uint32_t f)
{
	if (!myc_flow_learn(executor, &executor->inlet[0], f))
		executor->rescan = true;
}

void myc_receiver_close_own(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;
	const struct myc_flow_in *in = executor->inlet[0].flow;
	uint32_t left = in ? actor->flows_in : 0;

	for (uint32_t f = 0; left && f < MYC_LANE_FLOWS; f++) {
		struct myc_flow_out *out = &executor->out.flow_table[f];

		if (in[f].actor != actor)
			continue;
		out->open = out->sent;
		left--;
	}
}

void myc_receiver_scan_source(struct myc_executor *executor, uint32_t process, uint32_t source)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	struct myc_lanes head;
	uint64_t size;
	const struct myc_lanes *block =
		myc_region_block(&workspace->regions[process], MYC_BLOCK_LANES, source, &size);
	uint64_t us = myc_lane_end(workspace->process, executor->index);

	myc_pool_scan_source(&executor->out.pool, process, source);
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
			/* Pairs with the release in road.c: directory and flows are there. */
			uint32_t changed = __atomic_load_n(&words->changed[s], __ATOMIC_ACQUIRE);

			if (changed == seen[s] && !all)
				continue;
			seen[s] = changed;
			myc_receiver_scan_source(executor, p, s);
		}
	}
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
