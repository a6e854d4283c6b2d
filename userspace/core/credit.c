/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credit given to flows. A flow may have `limit` messages sent in all; limit - handled of them are reserved: in the
 * actor's mailbox capacity and in the executor's pending entries. So whatever is in a lane can be
 * taken out of it at once, and nobody waits behind a paused actor. Each flow's window is its share,
 * at most capacity_per_sender; a flow without any credit gets one even from a full mailbox, else a
 * late sender could starve behind idle ones. When an entry is given to another pair, what its former one
 * was granted and did not use goes back.
 */
#include "core/guess.h"
#include "core/receiver.h"

/* Its messages wait without bounds? Urgent ones are few. */
static bool grows(const struct myc_flow_in *flow)
{
	return flow->actor->grows && !flow->urgent;
}

/* Credit of the flow at most, and how much of it is given back at a time. Without bounds: what the lane holds, and
 * what is not given back yet, so that the lane is what is full first; of a long lane as much as a chunk. */
static uint32_t window_of(const struct myc_inlet *inlet, const struct myc_flow_in *flow)
{
	uint32_t window = flow->actor->window, most = window;
	uint32_t lane = inlet->lane.mask[MYC_RING_ORDINARY] + 1;

	if (flow->urgent)
		most = MYC_URGENT_PER_SENDER;
	else if (flow->actor->grows)
		most = (lane < MYC_CHUNK ? lane : MYC_CHUNK) + flow->actor->grant_batch;
	return window < most ? window : most;
}
static uint32_t batch_of(const struct myc_flow_in *flow)
{
	return flow->urgent ? 1 : flow->actor->grant_batch;
}

/* What of its window is not given: by what was handled; without bounds, by what has left the lane. */
static int32_t short_of(const struct myc_inlet *inlet, const struct myc_flow_in *flow)
{
	uint32_t from = flow->handled + (grows(flow) ? flow->waiting : 0);

	return (int32_t)(from + window_of(inlet, flow) - flow->limit);
}

/* How far the limit can go: by window, mailbox and pending entries. */
static int32_t credit_more(const struct myc_executor *executor, const struct myc_inlet *inlet,
			   const struct myc_flow_in *flow)
{
	const struct myc_actor *actor = flow->actor;
	const struct myc_growth *growth = &executor->growth;
	int32_t more = short_of(inlet, flow);
	int32_t room = (int32_t)actor->capacity - actor->granted;
	int32_t pool = (int32_t)executor->pending_capacity - executor->granted;

	if (actor->grows)
		pool = growth->refused ? 0 : (int32_t)growth->entries - growth->granted;

	more = more < room ? more : room;
	/* At most a quarter of what is left: whoever comes early does not take it all. */
	pool = pool > 4 ? pool / 4 : pool > 0;
	more = more < pool ? more : pool;
	/* Each flow has a pending entry of its own. */
	return more <= 0 && flow->limit == flow->handled ? 1 : more;
}

static void look_again(const struct myc_inlet *inlet, struct myc_flow_in *flow)
{
	int32_t batch = (int32_t)batch_of(flow), missing = short_of(inlet, flow);
	uint32_t at = flow->handled + (uint32_t)(batch - missing);

	/* Messages wait for it, and their credit is given as they come. */
	if (grows(flow) && missing >= batch)
		at = flow->handled + (uint32_t)batch;

	flow->look_at = flow->dirty && (int32_t)(at - flow->handled) > 0 ? at : flow->handled + 1;
}

void myc_own_received(struct myc_executor *executor, const struct myc_flow_in *flow, uint32_t n)
{
	const struct myc_system *system = executor->system;
	struct myc_guess *own = myc_guess_after(&executor->flow_table[flow->index]);
	uint32_t slot = myc_address_slot(flow->from), counted = own->counted < n ? own->counted : n;

	own->counted -= counted;
	if (n == counted || slot >= system->slots)
		return;
	uint64_t word = __atomic_load_n(&system->slot[slot].word, __ATOMIC_RELAXED);

	/* Else it has ended: its metrics may be another's, on another executor, by now. */
	if (myc_actor_word_generation(word) == myc_address_generation(flow->from) &&
	    myc_actor_word_lives(word) && myc_actor_word_home(word) == executor->index)
		myc_count_some(&system->metrics[slot].messages_sent, n - counted);
}

void myc_sender_counts(struct myc_sender *sender, const struct myc_flow_out *flow, uint32_t n)
{
	/* Only executors have a lane to themselves, and the sender is its first member. */
	struct myc_executor *executor = (struct myc_executor *)(void *)sender;

	myc_guess_after(&executor->flow_table[flow - sender->flow_table])->counted += n;
}

/* What was handled since the last time, straight from the lane, is granted no more; and the metrics get it. */
static void count_handled(struct myc_executor *executor, struct myc_flow_in *flow)
{
	uint32_t handled = flow->handled - flow->counted;

	if (!handled)
		return;
	if (flow == &executor->flow_table[flow->index])
		myc_own_received(executor, flow, handled);
	flow->counted = flow->handled;
	flow->actor->granted -= (int32_t)handled;
	executor->granted -= (int32_t)handled;
	myc_count_some(&flow->actor->metrics->messages, handled);
}

void myc_receiver_count(struct myc_executor *executor)
{
	for (uint32_t i = 0; i < executor->inlets; i++) {
		struct myc_inlet *inlet = &executor->inlet[i];

		for (uint32_t d = 0; d < inlet->dirty_count; d++)
			if (inlet->flow[inlet->dirty[d]].actor)
				count_handled(executor, &inlet->flow[inlet->dirty[d]]);
	}
}

void myc_credit_grant(struct myc_executor *executor, struct myc_inlet *inlet,
		      struct myc_flow_in *flow)
{
	count_handled(executor, flow);
	myc_credit_count_growth(executor, flow->actor);
	int32_t more = inlet->cut ? 0 : credit_more(executor, inlet, flow);

	if (more > 0) {
		flow->limit += (uint32_t)more;
		flow->actor->granted += more;
		executor->granted += more;
		myc_credit_count_growth(executor, flow->actor);
		/* Nothing hangs on it but the number: the slots are handed back by the cursor. */
		__atomic_store_n(&inlet->lane.limit[flow->index], flow->limit, __ATOMIC_RELAXED);
		if (inlet->peer)
			myc_sender_dirty(&executor->out, inlet->peer, MYC_PEER_CREDIT);
	}
	look_again(inlet, flow);
}

void myc_credit_count_growth(struct myc_executor *executor, struct myc_actor *actor)
{
	if (!actor->grows)
		return;
	int32_t change = actor->granted - actor->more->growth_granted;

	actor->more->growth_granted = actor->granted;
	executor->growth.granted += change;
	executor->pending_capacity += (uint32_t)change;
}

void myc_credit_waits(struct myc_executor *executor, struct myc_inlet *inlet,
		      struct myc_flow_in *flow)
{
	if (grows(flow) && short_of(inlet, flow) >= (int32_t)batch_of(flow))
		myc_credit_grant(executor, inlet, flow);
}

void myc_credit_look(struct myc_executor *executor, struct myc_inlet *inlet,
		     struct myc_flow_in *flow)
{
	if (!flow->dirty) {
		flow->dirty = true;
		inlet->dirty[inlet->dirty_count++] = flow->index;
	}
	count_handled(executor, flow);
	if (short_of(inlet, flow) >= (int32_t)batch_of(flow))
		myc_credit_grant(executor, inlet, flow);
	else
		look_again(inlet, flow);
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
				myc_credit_grant(executor, inlet, flow);
		}
	}
	if (executor->growth.taken)
		myc_growth_tidy(executor);
}

void myc_credit_account(struct myc_executor *executor, struct myc_flow_in *flow, int32_t sign)
{
	if (!flow->actor)
		return;
	if (sign > 0)
		flow->counted = flow->handled;
	else
		count_handled(executor, flow);
	int32_t credit = sign * (int32_t)(flow->limit - flow->counted);

	flow->actor->granted += credit;
	executor->granted += credit;
	myc_credit_count_growth(executor, flow->actor);
	myc_credit_flows(flow->actor, sign);
}

/* The actor ended: what still comes for it are dead letters, and reserve nothing. */
void myc_receiver_forget(struct myc_executor *executor, struct myc_actor *actor)
{
	uint32_t left = actor->flows_in;

	for (uint32_t i = 0; left && i < executor->inlets; i++)
		for (uint32_t f = 0; left && executor->inlet[i].flow && f < MYC_LANE_FLOWS; f++) {
			struct myc_flow_in *flow = &executor->inlet[i].flow[f];

			if (flow->actor != actor)
				continue;
			count_handled(executor, flow);
			executor->granted -= (int32_t)(flow->limit - flow->counted);
			flow->actor = NULL;
			flow->slot_to = UINT64_MAX;
			left--;
		}
	actor->granted = 0;
	myc_credit_count_growth(executor, actor);
	myc_credit_flows(actor, -(int32_t)actor->flows_in);
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
