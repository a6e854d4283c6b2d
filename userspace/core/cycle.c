/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cycle.h"

#include <errno.h>
#include <stdio.h>

#include "core/ask.h"
#include "core/exit.h"
#include "core/name.h"
#include "core/outbox.h"
#include "core/watch.h"

#define STEPS_MAX 1024 /* outbox entries looked at in one look, or for one ask */

struct walker {
	const struct myc_executor *executor;
	uint32_t *steps;
};

/* ---- others' edges ----------------------------------------------------------------------------- */

static const struct myc_region *region_of(const struct myc_system *system, uint32_t process)
{
	return process < system->workspace.processes ? &system->workspace.regions[process] : NULL;
}

static const struct myc_actor_slot *row_of(const void *context, myc_address address)
{
	const struct myc_system *system = ((const struct walker *)context)->executor->system;
	uint32_t incarnation;

	if (myc_address_node(address) != system->workspace.node ||
	    !myc_process_there(system, myc_address_process(address), &incarnation))
		return NULL;
	return myc_view_slot(system, myc_address_process(address), myc_address_slot(address));
}

static bool was_answered(const void *context, myc_address asker, uint32_t id)
{
	return myc_ask_was_answered(((const struct walker *)context)->executor, asker, id);
}

static const struct myc_executor_words *words_of(const struct myc_system *system, uint64_t end,
						 uint64_t *size)
{
	const struct myc_region *region = region_of(system, myc_lane_end_process(end));
	const struct myc_executor_words *words =
		region ? myc_region_block(region, MYC_BLOCK_EXECUTOR, myc_lane_end_executor(end),
					  size)
		       : NULL;

	return words && *size >= sizeof(*words) ? words : NULL;
}

/* An entry of the outbox of this executor, NULL: no such. */
static const struct myc_outbox_entry *entry_of(const struct myc_system *system, uint64_t end,
					       uint32_t index)
{
	uint64_t size = 0;
	const struct myc_executor_words *words = words_of(system, end, &size);

	if (!words)
		return NULL;
	uint64_t at = sizeof(*words) +
		      __atomic_load_n(&words->lanes_in, __ATOMIC_RELAXED) *
			      myc_lane_in_size(MYC_LANE_FLOWS) +
		      (uint64_t)__atomic_load_n(&words->pending, __ATOMIC_RELAXED) *
			      sizeof(struct myc_pending) +
		      (uint64_t)index * sizeof(struct myc_outbox_entry);

	if (index >= __atomic_load_n(&words->outbox, __ATOMIC_RELAXED) ||
	    at + sizeof(struct myc_outbox_entry) > size)
		return NULL;
	return (const struct myc_outbox_entry *)(const void *)((const char *)words + at);
}

/* The flow of an entry, and who is at the other end of its lane. False: does not add up. */
static bool flow_of(const struct myc_system *system, uint64_t end, uint32_t lane, uint32_t f,
		    struct myc_flow *flow, uint64_t *other)
{
	const struct myc_region *region = region_of(system, myc_lane_end_process(end));
	struct myc_lanes head;
	uint64_t size = 0;
	const struct myc_lanes *block = region ? myc_region_block(region, MYC_BLOCK_LANES,
								  myc_lane_end_executor(end), &size)
					       : NULL;

	if (!block || myc_lanes_check(block, size, &head) || lane >= head.lanes)
		return false;
	const char *at = (const char *)block + myc_lane_offset(&head, lane);
	struct myc_lane_inward inward = {.flows = head.flows,
					 .flow = (const struct myc_flow *)(const void *)at};

	*other = __atomic_load_n(&myc_lanes_directory(block)[lane], __ATOMIC_RELAXED);
	if (!myc_lane_flow_read(&inward, f, flow))
		return false;
	flow->sent = __atomic_load_n(&inward.flow[f].sent, __ATOMIC_RELAXED);
	return myc_address_process(flow->to) == myc_lane_end_process(*other);
}

/* Has this flow nothing left to send, and its receiver something to handle? */
static bool spent(const struct myc_system *system, uint64_t end, uint64_t other, uint32_t f,
		  uint32_t sent)
{
	uint64_t size = 0;
	const struct myc_executor_words *words = words_of(system, other, &size);
	uint64_t stride = myc_lane_in_size(MYC_LANE_FLOWS);
	uint64_t room = words ? (size - sizeof(*words)) / stride : 0;
	uint32_t lanes_in = words ? __atomic_load_n(&words->lanes_in, __ATOMIC_RELAXED) : 0;

	if (f >= MYC_LANE_FLOWS)
		return false;
	for (uint64_t i = 0; i < lanes_in && i < room; i++) {
		const char *at = (const char *)(words + 1) + i * stride;
		const struct myc_lane_in *in = (const struct myc_lane_in *)(const void *)at;
		const uint64_t *counted = (const uint64_t *)(const void *)(in + 1);
		const uint32_t *limit = (const uint32_t *)(const void *)(counted + MYC_LANE_FLOWS);

		if (__atomic_load_n(&in->cursor.source, __ATOMIC_RELAXED) == end)
			return __atomic_load_n(&limit[f], __ATOMIC_RELAXED) == sent &&
			       myc_pair_high(__atomic_load_n(&counted[f], __ATOMIC_RELAXED)) !=
				       sent &&
			       !__atomic_load_n(&in->cursor.cut, __ATOMIC_RELAXED);
	}
	return false;
}

/* The first of those that the actor waits for: index + 1. And where its outbox is. */
static uint32_t first_wait(const struct walker *walker, myc_address address, uint64_t *end)
{
	const struct myc_system *system = walker->executor->system;
	const struct myc_actor_slot *row = row_of(walker, address);
	uint32_t process = myc_address_process(address), slot = myc_address_slot(address);
	uint64_t size = 0;

	if (!row)
		return 0;
	uint64_t word = __atomic_load_n(&row->word, __ATOMIC_RELAXED);
	const struct myc_actor_metrics *metrics =
		myc_region_block(region_of(system, process), MYC_BLOCK_METRICS, 0, &size);

	*end = myc_lane_end(process, myc_actor_word_home(word));
	if (myc_actor_word_generation(word) != myc_address_generation(address) ||
	    !myc_actor_word_lives(word) || !metrics || (slot + 1ull) * sizeof(*metrics) > size)
		return 0;
	return myc_cycle_first(&metrics[slot].waits);
}

/* One of its entries: does it wait for credit? */
static bool read_wait(const struct walker *walker, myc_address address, uint64_t end,
		      const struct myc_outbox_entry *entry, struct myc_edge *wait)
{
	const struct myc_system *system = walker->executor->system;
	uint64_t order = __atomic_load_n(&entry->order, __ATOMIC_ACQUIRE);
	uint64_t to = __atomic_load_n(&entry->slot.word[1], __ATOMIC_RELAXED);
	uint64_t from = __atomic_load_n(&entry->slot.word[2], __ATOMIC_RELAXED);
	uint32_t lane = __atomic_load_n(&entry->lane, __ATOMIC_RELAXED);
	struct myc_flow flow;
	uint64_t other;

	if (!order || (uint32_t)from != myc_address_slot(address) ||
	    !flow_of(system, end, lane, (uint32_t)(to >> 48), &flow, &other) ||
	    flow.from != address ||
	    !spent(system, end, other, (uint32_t)(to >> 48), myc_pair_high(flow.sent)))
		return false;
	*wait = (struct myc_edge){.whom = flow.to, .mark = order, .credit = true, .at = wait->at};
	/* Was it that entry all the time? Acquire: what was read of it. Pairs with myc_outbox_put. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&entry->order, __ATOMIC_RELAXED) == order;
}

static bool credit(const void *context, myc_address address, bool next, struct myc_edge *wait)
{
	const struct walker *walker = context;
	const struct myc_system *system = walker->executor->system;
	uint64_t end = 0;
	uint32_t first = first_wait(walker, address, &end);

	if (!first)
		return false;
	uint32_t at = next && wait->at ? 0 : first;
	const struct myc_outbox_entry *entry =
		wait->at ? entry_of(system, end, wait->at - 1) : NULL;

	if (!next)
		return entry && read_wait(walker, address, end, entry, wait);
	for (; *walker->steps; --*walker->steps) {
		if (!at && entry)
			at = __atomic_load_n(&entry->next_wait, __ATOMIC_RELAXED);
		entry = at ? entry_of(system, end, at - 1) : NULL;
		if (!entry)
			return false;
		wait->at = at;
		at = 0;
		if (read_wait(walker, address, end, entry, wait))
			return true;
	}
	return false;
}

static int walk_from(struct myc_executor *executor, myc_address self, const struct myc_edge *first,
		     uint32_t *steps, struct myc_walk *walk, struct myc_cycle *cycle)
{
	const struct walker walker = {.executor = executor, .steps = steps};
	const struct myc_await_view view = {
		.context = &walker, .row = row_of, .answered = was_answered, .credit = credit};

	return myc_await_walk(&view, self, first, walk, cycle);
}

int myc_cycle_walk(struct myc_executor *executor, myc_address self, const struct myc_edge *first,
		   struct myc_cycle *cycle)
{
	uint32_t steps = STEPS_MAX;
	struct myc_walk walk;

	return walk_from(executor, self, first, &steps, &walk, cycle);
}

/* ---- our own ----------------------------------------------------------------------------------- */

/* Is it one that is looked at? */
static bool waits_long(const struct myc_flow_out *flow, uint64_t now)
{
	const struct myc_actor *actor = flow->actor;

	return flow->outboxed > flow->lenient && actor && actor->more && myc_actor_runs(actor) &&
	       now - actor->more->paused_at_ns >= MYC_CYCLE_LOOK_NS;
}

/* True: there are some. */
static bool link_waits(struct myc_executor *executor, uint64_t now)
{
	struct myc_flow_out *table = executor->out.flow_table;
	bool any = false;

	for (uint32_t at = executor->blocked; at != MYC_NONE; at = table[at].next_blocked) {
		struct myc_flow_out *flow = &table[at];

		/* There was no memory to note that it is paused: it counts as paused from now on. */
		if (flow->actor && !flow->actor->more && myc_actor_runs(flow->actor))
			myc_actor_pause(flow->actor);
		if (!waits_long(flow, now))
			continue;
		/* The first of them on this way starts its actor's chain anew. */
		flow->actor->more->waits = 0;
		any = true;
	}
	if (!any)
		return false;
	/* Paused, it handles nothing: what it owes would wait as long as others here are busy. */
	myc_receiver_publish(executor);
	for (uint32_t at = executor->blocked; at != MYC_NONE; at = table[at].next_blocked) {
		struct myc_flow_out *flow = &table[at];

		if (!waits_long(flow, now))
			continue;
		__atomic_store_n(&executor->outbox[flow->first].next_wait, flow->actor->more->waits,
				 __ATOMIC_RELAXED);
		flow->actor->more->waits = flow->first + 1;
	}
	for (uint32_t at = executor->blocked; at != MYC_NONE; at = table[at].next_blocked)
		if (waits_long(&table[at], now))
			myc_cycle_publish(&table[at].actor->metrics->waits,
					  table[at].actor->more->waits);
	myc_cycle_fence();
	return true;
}

static void name_of(const struct myc_executor *executor, myc_address address, char name[48])
{
	const struct myc_system *system = executor->system;
	const struct myc_workspace *workspace = &system->workspace;

	name[0] = '\0';
	if (workspace->name)
		(void)workspace->name(workspace->context, address, name);
	else if (myc_address_process(address) == workspace->process)
		(void)myc_names_of(system, address, name);
}

/* Asks' answers may be on their way: it is to be the same at a later look. */
static bool certain(struct myc_executor *executor, const struct myc_flow_out *flow,
		    const struct myc_walk *walk, const struct myc_cycle *cycle)
{
	struct myc_outbox_entry *entry = &executor->outbox[flow->first];
	uint64_t mark = cycle->count, now = myc_executor_now(executor);
	bool asks = false;

	for (uint32_t i = 0; i < cycle->count; i++) {
		mark = (mark ^ cycle->address[i]) * 0x9e3779b97f4a7c15ull;
		mark = (mark ^ walk->wait[i].mark) * 0x9e3779b97f4a7c15ull;
		asks |= !walk->wait[i].credit;
	}
	if (asks && entry->cycle != mark) {
		entry->cycle = mark;
		entry->cycle_ns = now;
	}
	return !asks || now - entry->cycle_ns >= MYC_CYCLE_LOOK_NS;
}

static void report(const struct myc_executor *executor, const struct myc_flow_out *flow,
		   const struct myc_walk *walk, const struct myc_cycle *cycle)
{
	const struct myc_system_opts *opts = &executor->system->opts;
	struct myc_cycle_report told = {.cycle = *cycle, .policy = opts->cycles};

	if (!opts->cycle)
		return;
	told.failed = opts->cycles == MYC_CYCLES_FAIL ? flow->outboxed : 0;
	for (uint32_t i = 0; i < cycle->count; i++) {
		told.awaits[i] = !walk->wait[i].credit;
		name_of(executor, cycle->address[i], told.name[i]);
	}
	opts->cycle(opts->cycle_context, &told);
}

/* It was found, and it is ours to see to. True: something was changed. */
static bool see_to(struct myc_executor *executor, struct myc_flow_out *flow,
		   const struct myc_walk *walk, const struct myc_cycle *cycle)
{
	enum myc_cycles policy = executor->system->opts.cycles;
	struct myc_actor *actor = flow->actor;

	if (policy == MYC_CYCLES_REPORT && actor->more->cycle_told)
		return false;
	actor->more->cycle_told = true;
	__atomic_store_n(&actor->metrics->cycles, actor->metrics->cycles + 1, __ATOMIC_RELAXED);
	report(executor, flow, walk, cycle);
	if (policy == MYC_CYCLES_FAIL)
		myc_outbox_fail(executor, flow, MYC_DEAD_LETTER_CREDIT_CYCLE);
	if (policy == MYC_CYCLES_KILL)
		myc_exit_control(actor, MYC_STOP_KILL);
	/* Without room for a body that goes home its message stays, until the next look. */
	return policy != MYC_CYCLES_REPORT && !(policy == MYC_CYCLES_FAIL && flow->outboxed);
}

/* True: the list of those who wait is another now. */
static bool look_from(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t *steps)
{
	const struct walker walker = {.executor = executor, .steps = steps};
	struct myc_actor *actor = flow->actor;
	uint64_t end = executor->out.end;
	struct myc_edge first = {.at = flow->first + 1};
	struct myc_walk walk = {0};
	struct myc_cycle cycle = {0};

	return read_wait(&walker, actor->address, end, &executor->outbox[flow->first], &first) &&
	       walk_from(executor, actor->address, &first, steps, &walk, &cycle) == -EDEADLK &&
	       myc_cycle_concerns(&walk, &cycle) && certain(executor, flow, &walk, &cycle) &&
	       see_to(executor, flow, &walk, &cycle);
}

void myc_cycle_look(struct myc_executor *executor)
{
	struct myc_flow_out *table = executor->out.flow_table;
	uint64_t now = myc_executor_now(executor);
	uint32_t steps = STEPS_MAX, at, n;

	if (now < executor->cycle_ns)
		return;
	executor->cycle_ns = now + MYC_CYCLE_LOOK_NS;
	if (!link_waits(executor, now))
		return;
	for (at = executor->blocked, n = 0; at != MYC_NONE && steps; n++) {
		uint32_t next = table[at].next_blocked;

		/* After a change the list is gone through anew. */
		if (n >= executor->cycle_skip && waits_long(&table[at], now) &&
		    look_from(executor, &table[at], &steps)) {
			next = executor->blocked;
			executor->cycle_skip = 0;
			n = UINT32_MAX;
		}
		at = next;
	}
	executor->cycle_skip = at == MYC_NONE ? 0 : n;
}

/* ---- text -------------------------------------------------------------------------------------- */

size_t myc_cycle_format(const struct myc_cycle_report *report, char *text, size_t size)
{
	size_t length = 0;

	if (size)
		text[0] = '\0';
	for (uint32_t i = 0; i <= report->cycle.count; i++) {
		uint32_t who = i % report->cycle.count;
		uint32_t before = i ? i - 1 : 0;
		char address[24];
		const char *name = report->name[who];

		snprintf(address, sizeof(address), "#%llx",
			 (unsigned long long)report->cycle.address[who]);
		int n = snprintf(
			length < size ? text + length : NULL, length < size ? size - length : 0,
			"%s%s",
			!i	 ? ""
			: i == 1 ? (report->awaits[0] ? " awaits " : " waits for credit of ")
			: report->awaits[before] ? ", which awaits "
						 : ", which waits for credit of ",
			name[0] ? name : address);
		length += n > 0 ? (size_t)n : 0;
	}
	return length;
}
