/* SPDX-License-Identifier: Apache-2.0 */
/* The sender below its actors: roads to executors, flows of pairs, credit, waking. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/body.h"
#include "core/move.h"
#include "core/outbox.h"
#include "core/schemas.h"
#include "core/signal.h"
#include "core/wake.h"

#define MYC_BASE_BEHIND (1u << 29) /* of what was handled: struct myc_flow */

int myc_sender_open(struct myc_sender *sender, struct myc_system *system, uint32_t source)
{
	const struct myc_region *own = &system->workspace.regions[system->workspace.process];
	uint32_t peers = system->workspace.processes * MYC_EXECUTORS_MAX;

	memset(sender, 0, sizeof(*sender));
	sender->system = system;
	sender->end = myc_lane_end(system->workspace.process, source);
	sender->lanes = myc_region_block(own, MYC_BLOCK_LANES, source, NULL);
	sender->changed = &system->words->changed[source];
	sender->roads = sender->lanes->lanes;
	sender->flows = sender->roads * MYC_LANE_FLOWS;
	sender->road = calloc(sender->roads, sizeof(*sender->road));
	/* One more before them, of nobody: for refs that are not resolved. */
	size_t flows = (size_t)(sender->flows + 1) * sizeof(*sender->flow_table);
	struct myc_flow_out *table = aligned_alloc(64, flows);

	if (table)
		memset(table, 0, flows);
	sender->flow_table = table ? table + 1 : NULL;
	sender->peer = calloc(peers, sizeof(*sender->peer));
	while (sender->bucket_mask + 1 < sender->flows)
		sender->bucket_mask = 2 * sender->bucket_mask + 1;
	sender->bucket = calloc(sender->bucket_mask + 1, sizeof(*sender->bucket));
	if (!sender->road || !sender->flow_table || !sender->peer || !sender->bucket) {
		myc_sender_close(sender);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < peers; i++)
		sender->peer[i].bell = -1;
	struct myc_pool_opts opts;
	const struct myc_pool_place place = {
		.process = system->workspace.process,
		.source = source,
		.incarnation = system->workspace.incarnation,
		.regions = system->workspace.regions,
		.processes = system->workspace.processes,
	};

	myc_system_pool_opts(&system->opts,
			     sender->lanes->lanes + system->workspace.processes * MYC_ATTACH_MAX,
			     &opts);
	int code = myc_pool_open(&sender->pool, &place, &opts);

	if (code)
		myc_sender_close(sender);
	return code;
}

void myc_sender_close(struct myc_sender *sender)
{
	myc_pool_close(&sender->pool);
	free(sender->road);
	if (sender->flow_table)
		free(sender->flow_table - 1);
	free(sender->peer);
	free(sender->bucket);
	memset(sender, 0, sizeof(*sender));
}

/* ---- waking ------------------------------------------------------------------------------------ */

struct myc_peer *myc_sender_peer(struct myc_sender *sender, uint32_t process, uint32_t executor)
{
	const struct myc_workspace *workspace = &sender->system->workspace;
	struct myc_peer *peer;

	if (process >= workspace->processes || executor >= MYC_EXECUTORS_MAX)
		return NULL;
	peer = &sender->peer[process * MYC_EXECUTORS_MAX + executor];
	if (!peer->words) {
		peer->words = myc_region_block(&workspace->regions[process], MYC_BLOCK_EXECUTOR,
					       executor, &peer->size);
		if (!peer->words || peer->size < sizeof(*peer->words))
			peer->words = NULL;
		else if (process == workspace->process)
			peer->bell = sender->system->executor[executor].bell;
		else if (workspace->bell)
			peer->bell = workspace->bell(workspace->context, process, executor);
	}
	if (myc_lane_end(process, executor) == sender->end)
		peer->dirty = MYC_PEER_OURSELVES;
	return peer->words ? peer : NULL;
}

void myc_sender_dirty(struct myc_sender *sender, struct myc_peer *peer, uint8_t what)
{
	if (!peer->dirty) {
		peer->next = sender->dirty;
		sender->dirty = peer;
	}
	peer->dirty |= what;
}

/* The waker's half of core/wake.h, towards executors that can sleep. */
void myc_sender_wake(struct myc_sender *sender)
{
	bool fenced = false;

	while (sender->dirty) {
		struct myc_peer *peer = sender->dirty;
		uint8_t what = peer->dirty;

		sender->dirty = peer->next;
		peer->dirty = 0;
		if (!__atomic_load_n(&peer->words->sleeps, __ATOMIC_RELAXED) || peer->bell < 0)
			continue;
		if (!fenced)
			myc_wake_fence();
		fenced = true;
		if (!myc_wake_needed(&peer->words->asleep, &peer->rung, what & MYC_PEER_MESSAGE))
			continue;
		uint64_t one = 1;
		/* Full (EAGAIN) means that it is rung already. */
		ssize_t written = write(peer->bell, &one, sizeof(one));
		(void)written;
	}
}

/* ---- flows by their pair ----------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct myc_sender *sender, myc_address from, myc_address to)
{
	uint64_t mixed = (from ^ (to << 17 | to >> 47)) * 0x9e3779b97f4a7c15ull;

	return &sender->bucket[(uint32_t)(mixed >> 44) & sender->bucket_mask];
}

static void bucket_add(struct myc_sender *sender, struct myc_flow_out *flow)
{
	uint32_t *bucket = bucket_of(sender, flow->from, flow->to);

	flow->next_in_bucket = *bucket;
	*bucket = (uint32_t)(flow - sender->flow_table) + 1;
}

static void bucket_remove(struct myc_sender *sender, struct myc_flow_out *flow)
{
	uint32_t index = (uint32_t)(flow - sender->flow_table) + 1;
	uint32_t *link = bucket_of(sender, flow->from, flow->to);

	while (*link && *link != index)
		link = &sender->flow_table[*link - 1].next_in_bucket;
	if (*link)
		*link = flow->next_in_bucket;
}

/* ---- roads and flows --------------------------------------------------------------------------- */

/* Our half is there; the limit words are found when the receiver has bound the lane. */
void myc_road_bind(const struct myc_sender *sender, struct myc_road *road)
{
	uint32_t lanes_in = __atomic_load_n(&road->peer->words->lanes_in, __ATOMIC_RELAXED);
	uint64_t stride = myc_lane_in_size(MYC_LANE_FLOWS);
	const char *at = (const char *)(road->peer->words + 1);

	if (__atomic_load_n(&road->peer->words->flows, __ATOMIC_RELAXED) != MYC_LANE_FLOWS)
		return;
	for (uint32_t i = 0; i < lanes_in; i++, at += stride) {
		const struct myc_lane_in *in = (const struct myc_lane_in *)(const void *)at;

		if (sizeof(*road->peer->words) + (i + 1) * stride > road->peer->size)
			return;
		/* Pairs with the release in the receiver's inlet_bind. */
		if (__atomic_load_n(&in->cursor.source, __ATOMIC_ACQUIRE) != sender->end)
			continue;
		road->lane.cursor = &in->cursor;
		for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++) {
			const uint64_t *counted = (const uint64_t *)(const void *)(in + 1);

			road->flow[f].counted = &counted[f];
			road->flow[f].limit_word =
				&((const uint32_t *)(const void *)(counted + MYC_LANE_FLOWS))[f];
		}
		return;
	}
}

bool myc_road_full(const struct myc_sender *sender, struct myc_road *road, enum myc_lane_ring ring)
{
	if (!myc_lane_full(&road->lane, ring))
		return false;
	if (road->lane.cursor)
		return true;
	myc_road_bind(sender, road);
	return myc_lane_full(&road->lane, ring);
}

/* A lane that was cut off from a predecessor. Its flows count from the receiver's limits on. */
static void road_mend(struct myc_sender *sender, struct myc_road *road)
{
	const struct myc_lane_in *in;

	myc_road_bind(sender, road);
	if (!road->lane.cursor)
		return;
	/* Acquire: limits and position. Pairs with myc_inlet_cut. */
	uint64_t cut = __atomic_load_n(&road->lane.cursor->cut, __ATOMIC_ACQUIRE);

	if (!cut || cut == sender->system->workspace.incarnation)
		return;
	in = (const struct myc_lane_in *)(const void *)road->lane.cursor;
	myc_body_uncut(sender, (uint32_t)(road - sender->road),
		       __atomic_load_n(&in->cursor.next[MYC_RING_ORDINARY], __ATOMIC_RELAXED));
	myc_lane_out_mend(&road->lane, in);
}

/* Also the way back after a restart: flows and counts are in the region. */
static struct myc_road *road_open(struct myc_sender *sender, uint32_t lane, uint32_t process,
				  uint32_t executor)
{
	struct myc_road *road = &sender->road[lane];
	struct myc_peer *peer = myc_sender_peer(sender, process, executor);

	if (!peer)
		return NULL;
	road->peer = peer;
	road->process = process;
	road->executor = executor;
	road->own = myc_lane_end(process, executor) == sender->end;
	road->flow = &sender->flow_table[(size_t)lane * MYC_LANE_FLOWS];
	myc_lane_out_open(&road->lane, sender->lanes, lane);
	road_mend(sender, road);
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++) {
		const struct myc_flow *shared = &road->lane.flow[f];
		const struct myc_actor_slot *slot =
			shared->to ? myc_view_slot(sender->system, process,
						   myc_address_slot(shared->to))
				   : NULL;

		road->flow[f] = (struct myc_flow_out){
			.limit_word = road->flow[f].limit_word,
			.counted = road->flow[f].counted,
			.from = shared->epoch & MYC_FLOW_URGENT ? ~shared->from : shared->from,
			.urgent = shared->epoch & MYC_FLOW_URGENT,
			.to = shared->to,
			.sent = myc_pair_high(shared->sent),
			.base = shared->base,
			.limit = myc_pair_high(shared->sent),
			.open = myc_pair_high(shared->sent),
			.road = road,
			.shared_sent = &road->lane.flow[f].sent,
			.alive = (uint32_t)myc_actor_word(myc_address_generation(shared->to),
							  executor, MYC_ACTOR_RUNNING),
			.slot_to = myc_slot_to(myc_address_slot(shared->to),
					       myc_address_generation(shared->to), f),
			.word = slot ? &slot->word : NULL,
		};
		if (!road->flow[f].word)
			road->flow[f].to = road->flow[f].from = 0;
		else
			bucket_add(sender, &road->flow[f]);
	}
	return road;
}

void myc_sender_recover(struct myc_sender *sender)
{
	const uint64_t *directory = myc_lanes_directory(sender->lanes);

	for (uint32_t i = 0; i < sender->roads; i++)
		if (directory[i])
			road_open(sender, i, myc_lane_end_process(directory[i]),
				  myc_lane_end_executor(directory[i]));
	/* Release: the mended lanes. Pairs with inlet_reopen. */
	__atomic_store_n(&sender->lanes->incarnation, sender->system->workspace.incarnation,
			 __ATOMIC_RELEASE);
	__atomic_store_n(sender->changed, *sender->changed + 1, __ATOMIC_RELEASE);
}

struct myc_road *myc_sender_road_to(struct myc_sender *sender, uint32_t process, uint32_t executor)
{
	uint64_t *directory = myc_lanes_directory(sender->lanes);
	uint64_t end = myc_lane_end(process, executor);

	for (uint32_t i = 0; i < sender->roads; i++) {
		if (directory[i] && directory[i] != end)
			continue;
		if (sender->road[i].peer)
			return &sender->road[i];
		/* Lane 0 of an executor is the one to itself. */
		if (!directory[i] && !i &&
		    myc_lane_end_executor(sender->end) < sender->system->executors &&
		    end != sender->end)
			continue;
		struct myc_road *road = road_open(sender, i, process, executor);

		if (road && !directory[i]) {
			__atomic_store_n(&directory[i], end, __ATOMIC_RELAXED);
			/* Release: the word. Pairs with myc_receiver_scan. */
			__atomic_store_n(sender->changed, *sender->changed + 1, __ATOMIC_RELEASE);
		}
		return road;
	}
	return NULL;
}

/* May this flow entry be given to another pair? Nothing of it is on its way; its pair, should it still
 * have something to say, gets another. */
static bool flow_idle(const struct myc_flow_out *flow)
{
	if (flow->outboxed)
		return false;
	if (!flow->counted)
		return !flow->sent;
	return myc_pair_high(__atomic_load_n(flow->counted, __ATOMIC_RELAXED)) == flow->sent;
}

/* A free entry, else the next idle one: those in use are passed over once a round. */
static struct myc_flow_out *flow_take(struct myc_road *road)
{
	for (uint32_t i = 0; i < MYC_LANE_FLOWS; i++) {
		struct myc_flow_out *flow = &road->flow[road->hand++ % MYC_LANE_FLOWS];

		if (!flow->to || flow_idle(flow))
			return flow;
	}
	return NULL;
}

static struct myc_flow_out *flow_make(struct myc_sender *sender, struct myc_road *road,
				      myc_address from, myc_address to, bool urgent,
				      const uint64_t *word)
{
	struct myc_flow_out *flow = flow_take(road);
	enum myc_lane_ring ring = urgent ? MYC_RING_URGENT : MYC_RING_ORDINARY;

	if (!flow)
		return NULL;
	uint32_t f = (uint32_t)(flow - road->flow);

	if (flow->to)
		bucket_remove(sender, flow);
	flow->from = urgent ? ~from : from;
	flow->urgent = urgent;
	flow->to = to;
	bucket_add(sender, flow);
	flow->word = word;
	flow->slot_to = myc_slot_to(myc_address_slot(to), myc_address_generation(to), f);
	flow->alive = (uint32_t)myc_actor_word(myc_address_generation(to), road->executor,
					       MYC_ACTOR_RUNNING);
	/* What its former pair was given and did not use goes back to the receiver. */
	if (flow->limit_word)
		flow->sent = __atomic_load_n(flow->limit_word, __ATOMIC_RELAXED);
	flow->limit = flow->open = flow->base = flow->sent;
	myc_lane_flow_write(&road->lane.flow[f], from, to, flow->base,
			    urgent ? MYC_FLOW_URGENT : 0);
	MYC_POINT("flow: given, not counted");
	myc_lane_sent(flow->shared_sent, flow->sent, road->lane.head[ring]);
	__atomic_store_n(sender->changed, *sender->changed + 1, __ATOMIC_RELEASE);
	myc_sender_dirty(sender, road->peer, MYC_PEER_MESSAGE);
	return flow;
}

static struct myc_flow_out *flow_find(const struct myc_sender *sender, const struct myc_road *road,
				      myc_address from, myc_address to)
{
	uint32_t at = *bucket_of(sender, from, to);

	while (at) {
		struct myc_flow_out *flow = &sender->flow_table[at - 1];

		if (flow->to == to && flow->from == from && flow->road == road)
			return flow;
		at = flow->next_in_bucket;
	}
	return NULL;
}

struct myc_flow_out *myc_sender_pair(const struct myc_sender *sender,
				     const struct myc_flow_out *after, myc_address from,
				     myc_address to)
{
	uint32_t at = after ? after->next_in_bucket : *bucket_of(sender, from, to);

	while (at &&
	       (sender->flow_table[at - 1].from != from || sender->flow_table[at - 1].to != to))
		at = sender->flow_table[at - 1].next_in_bucket;
	return at ? &sender->flow_table[at - 1] : NULL;
}

int myc_sender_road(struct myc_sender *sender, myc_address to, struct myc_road **road)
{
	uint32_t process = myc_address_process(to);
	const struct myc_actor_slot *slot;

	if (myc_address_node(to) != sender->system->workspace.node || to == MYC_NOBODY)
		return -ESRCH;
	slot = myc_view_slot(sender->system, process, myc_address_slot(to));
	if (!slot)
		return -ESRCH;
	/* Pairs with the release when the slot was given: its executor is right. */
	uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);

	if (myc_actor_word_generation(word) != myc_address_generation(to) ||
	    !myc_actor_word_lives(word))
		return -ESRCH;
	*road = myc_sender_road_to(sender, process, myc_actor_word_home(word));
	return *road ? 0 : -ENOSPC;
}

enum myc_flow_where myc_flow_where(const struct myc_flow_out *flow)
{
	/* Acquire: where it is now. Pairs with the release in core/move.c. */
	uint64_t word = __atomic_load_n(flow->word, __ATOMIC_ACQUIRE);

	if (myc_word_moving(word, flow->to))
		return MYC_FLOW_WAITS;
	if (myc_actor_word_generation(word) != myc_address_generation(flow->to) ||
	    myc_actor_word_executor(word) == MYC_EXECUTOR_NONE || !myc_actor_word_lives(word))
		return MYC_FLOW_GONE;
	return myc_actor_word_executor(word) == flow->road->executor ? MYC_FLOW_WAITS
								     : MYC_FLOW_ELSEWHERE;
}

/* A flow of the same pair, to where its receiver was before, with messages in the outbox: they go first. */
static struct myc_flow_out *waits_elsewhere(const struct myc_sender *sender,
					    const struct myc_flow_out *flow)
{
	struct myc_flow_out *old = NULL;

	do
		old = myc_sender_pair(sender, old, flow->from, flow->to);
	while (old && (old == flow || !old->outboxed));
	return old;
}

__attribute__((noinline)) int myc_sender_follow(struct myc_sender *sender, myc_address from,
						struct myc_ref *ref, struct myc_flow_out **flow)
{
	enum myc_flow_where where = myc_flow_where(*flow);

	if (where == MYC_FLOW_GONE)
		return -ESRCH;
	if (where == MYC_FLOW_ELSEWHERE) {
		bool urgent = (*flow)->urgent;
		int code = urgent ? myc_sender_resolve_urgent(sender, from, ref)
				  : myc_sender_resolve(sender, from, ref->address, ref);

		if (code)
			return code;
		*flow = &sender->flow_table[(urgent ? ref->urgent : ref->flow) - 1];
	}
	if (!myc_flow_alive(*flow)) {
		/* On its way: all of a pair that waits stands in one flow, wherever that leads. And nothing goes at once:
		 * see myc_flow_more. */
		struct myc_flow_out *older = waits_elsewhere(sender, *flow);

		*flow = older ? older : *flow;
		(*flow)->open = (*flow)->sent;
	}
	return 0;
}

static void follow_outbox(struct myc_sender *sender, struct myc_flow_out *flow)
{
	struct myc_flow_out *old;

	while ((old = waits_elsewhere(sender, flow)))
		myc_outbox_follow((struct myc_executor *)(void *)sender, old, flow);
}

/* The flow of a pair, made when there is none. */
static int flow_for(struct myc_sender *sender, myc_address from, myc_address to, bool urgent,
		    struct myc_flow_out **flow)
{
	uint32_t process = myc_address_process(to);
	struct myc_road *road;
	int code = myc_sender_road(sender, to, &road);

	if (!code && myc_schemas_refused(sender->system, process))
		code = -EPROTO;
	if (code)
		return code;
	*flow = flow_find(sender, road, urgent ? ~from : from, to);
	if (!*flow) {
		/* Another process' head may say something else each time. */
		const struct myc_actor_slot *slot =
			myc_view_slot(sender->system, process, myc_address_slot(to));

		if (!slot)
			return -ESRCH;
		*flow = flow_make(sender, road, from, to, urgent, &slot->word);
	}
	if (!*flow)
		return -ENOSPC;
	follow_outbox(sender, *flow);
	return 0;
}

int myc_sender_resolve(struct myc_sender *sender, myc_address from, myc_address to,
		       struct myc_ref *ref)
{
	struct myc_flow_out *flow;
	int code = flow_for(sender, from, to, false, &flow);

	*ref = (struct myc_ref){.address = to};
	if (code)
		return code;
	if (sender->signals_wait ||
	    sender->urgent_wait) /* then the sender is an executor's, its first member */
		myc_signals_hold((struct myc_executor *)(void *)sender, flow);
	ref->flow = (uint32_t)(flow - sender->flow_table) + 1;
	return 0;
}

int myc_sender_resolve_urgent(struct myc_sender *sender, myc_address from, struct myc_ref *ref)
{
	struct myc_flow_out *flow;
	int code = flow_for(sender, from, ref->address, true, &flow);

	ref->urgent = code ? 0 : (uint32_t)(flow - sender->flow_table) + 1;
	return code;
}

/* ---- one message ------------------------------------------------------------------------------- */

/* Keeps the base near: see struct myc_flow. Some of the pair's have been counted, and it shows (ring_is). */
static void rebase(struct myc_flow_out *flow)
{
	uint32_t f = (uint32_t)(flow - flow->road->flow);

	flow->base = myc_pair_high(__atomic_load_n(flow->counted, __ATOMIC_RELAXED)) - 1;
	myc_lane_flow_write(&flow->road->lane.flow[f], myc_flow_from(flow), flow->to, flow->base,
			    flow->urgent ? MYC_FLOW_URGENT : 0);
}

/* Has the receiver given more than was sent? */
static bool granted(struct myc_sender *sender, struct myc_flow_out *flow)
{
	if ((int32_t)(flow->limit - flow->sent) <= 0) {
		if (!flow->limit_word)
			myc_road_bind(sender, flow->road);
		if (!flow->limit_word)
			return false;
		flow->limit = __atomic_load_n(flow->limit_word, __ATOMIC_RELAXED);
		if (flow->sent - flow->base > MYC_BASE_BEHIND)
			rebase(flow);
	}
	return (int32_t)(flow->limit - flow->sent) > 0;
}

bool myc_flow_more(struct myc_sender *sender, struct myc_flow_out *flow)
{
	/* Not so: on its way, or elsewhere. */
	if (!myc_flow_alive(flow) || !granted(sender, flow))
		return false;
	if (!flow->outboxed && !flow->held && !waits_elsewhere(sender, flow))
		flow->open = flow->limit;
	return true;
}

bool myc_flow_credit(struct myc_sender *sender, struct myc_flow_out *flow)
{
	if (flow->outboxed || !myc_flow_alive(flow))
		return false;
	follow_outbox(sender, flow);
	if (flow->outboxed || flow->held || !granted(sender, flow))
		return false;
	flow->open = flow->limit;
	return true;
}

void myc_flow_first(struct myc_sender *sender, const struct myc_flow_out *flow)
{
	struct myc_flow_out *other = NULL;

	while ((other = myc_sender_pair(sender, other, flow->from, flow->to)))
		other->open = other->sent;
}
