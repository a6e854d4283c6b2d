/* SPDX-License-Identifier: Apache-2.0 */
#include "core/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "core/exit.h"
#include "core/last.h"
#include "core/strong.h"

/* Index 0 is no entry: lists that are all zero are empty. */

int myc_watches_open(struct myc_executor *executor, uint32_t capacity)
{
	struct myc_watches *watches = &executor->watches;
	uint32_t rows = 16, processes = executor->system->workspace.processes;

	if (capacity > MYC_WATCHES_MAX)
		return -EINVAL;
	while (rows < capacity)
		rows *= 2;
	watches->mask = rows - 1;
	watches->capacity = capacity;
	watches->late_ns = UINT64_MAX;
	watches->entry = calloc(capacity + 1ull, sizeof(*watches->entry));
	watches->row = calloc(rows, sizeof(*watches->row));
	watches->armed = calloc(processes, sizeof(*watches->armed));
	watches->seen = calloc(processes, sizeof(*watches->seen));
	watches->swept = calloc(executor->inlets_max, sizeof(*watches->swept));
	if (!watches->entry || !watches->row || !watches->armed || !watches->seen ||
	    !watches->swept)
		return -ENOMEM;
	/* Handles of a former life of the process, which others may have kept, are far from those of this one. */
	for (uint32_t i = 1; i <= capacity; i++)
		watches->entry[i].generation =
			(uint32_t)executor->system->workspace.incarnation * 0x9e3779b1u;
	for (uint32_t i = 1; i < capacity; i++)
		watches->entry[i].in[MYC_WATCH_OWNED].next = i + 1;
	watches->free = 1;
	return 0;
}

void myc_watches_close(struct myc_executor *executor)
{
	for (uint32_t i = 1; executor->watches.entry && i <= executor->watches.capacity; i++)
		free(executor->watches.entry[i].last);
	free(executor->watches.entry);
	free(executor->watches.row);
	free(executor->watches.armed);
	free(executor->watches.seen);
	free(executor->watches.swept);
	memset(&executor->watches, 0, sizeof(executor->watches));
}

/* ---- lists ------------------------------------------------------------------------------------- */

static struct myc_watch_list *peer_row(struct myc_watches *watches, myc_address peer)
{
	return &watches->row[(peer * 0x9e3779b97f4a7c15ull >> 32) & watches->mask];
}

static struct myc_watch_list *head_of(struct myc_watches *watches, struct myc_watch *watch,
				      unsigned list)
{
	switch (list) {
	case MYC_WATCH_OWNED:
		return &watch->owner->ties.owned;
	case MYC_WATCH_PEER:
		return peer_row(watches, watch->peer);
	default:
		return &watches->queue;
	}
}

static void append(struct myc_watches *watches, struct myc_watch *watch, unsigned list)
{
	struct myc_watch_list *head = head_of(watches, watch, list);
	uint32_t index = (uint32_t)(watch - watches->entry);

	watch->in[list].next = 0;
	watch->in[list].previous = head->last;
	if (head->last)
		watches->entry[head->last].in[list].next = index;
	else
		head->first = index;
	head->last = index;
}

static void take_out(struct myc_watches *watches, struct myc_watch *watch, unsigned list)
{
	struct myc_watch_list *head = head_of(watches, watch, list);
	uint32_t next = watch->in[list].next, previous = watch->in[list].previous;

	if (list == MYC_WATCH_QUEUE && watches->walk == (uint32_t)(watch - watches->entry))
		watches->walk = next;
	if (next)
		watches->entry[next].in[list].previous = previous;
	else
		head->last = previous;
	if (previous)
		watches->entry[previous].in[list].next = next;
	else
		head->first = next;
}

static bool has_peer(const struct myc_watch *watch)
{
	return watch->kind == MYC_WATCH_MONITOR || watch->kind == MYC_WATCH_LINK ||
	       watch->kind == MYC_WATCH_STRONG || watch->kind == MYC_WATCH_TAKE;
}

/* ---- making and freeing ------------------------------------------------------------------------ */

bool myc_process_there(const struct myc_system *system, uint32_t process, uint32_t *incarnation)
{
	const struct myc_process_words *words = myc_view_process(system, process, NULL);

	*incarnation = 0;
	if (!words)
		return false;
	*incarnation = (uint32_t)__atomic_load_n(&words->incarnation, __ATOMIC_RELAXED);
	return !myc_known_dead(system, process);
}

/* It counts for its peer's process no more. */
static void disarm(struct myc_watches *watches, struct myc_watch *watch)
{
	if (watch->state == MYC_WATCH_ARMED && has_peer(watch)) {
		watches->armed[myc_address_process(watch->peer)]--;
		watches->armed_all--;
	}
	if (watch->state == MYC_WATCH_LOST)
		watches->lost--;
}

struct myc_watch *myc_watch_make(struct myc_actor *owner, enum myc_watch_kind kind,
				 myc_address peer)
{
	struct myc_executor *executor = owner->executor;
	struct myc_watches *watches = &executor->watches;
	uint32_t process = myc_address_process(peer), incarnation = 0;

	if (!watches->free)
		return NULL;
	struct myc_watch *watch = &watches->entry[watches->free];

	watches->free = watch->in[MYC_WATCH_OWNED].next;
	*watch = (struct myc_watch){.owner = owner,
				    .peer = peer,
				    .kind = (uint8_t)kind,
				    .state = MYC_WATCH_ARMED,
				    .generation = watch->generation + 1};
	append(watches, watch, MYC_WATCH_OWNED);
	if (!has_peer(watch))
		return watch;
	append(watches, watch, MYC_WATCH_PEER);
	bool there = process < executor->system->workspace.processes &&
		     myc_address_node(peer) == executor->system->workspace.node &&
		     myc_process_there(executor->system, process, &incarnation);

	watch->incarnation = incarnation;
	if (there) {
		if (!watches->armed[process]++)
			watches->seen[process] = incarnation;
		watches->armed_all++;
		return watch;
	}
	watch->kind = 0; /* was never counted as armed */
	myc_watch_wait(executor, watch, (struct myc_exit_reason){.kind = MYC_EXIT_NOCONNECTION});
	watch->kind = (uint8_t)kind;
	return watch;
}

void myc_watch_free(struct myc_executor *executor, struct myc_watch *watch)
{
	struct myc_watches *watches = &executor->watches;

	disarm(watches, watch);
	take_out(watches, watch, MYC_WATCH_OWNED);
	if (has_peer(watch))
		take_out(watches, watch, MYC_WATCH_PEER);
	if (watch->state == MYC_WATCH_LOST || watch->state == MYC_WATCH_DUE)
		take_out(watches, watch, MYC_WATCH_QUEUE);
	free(watch->last);
	watch->last = NULL;
	watch->owner = NULL;
	watch->state = MYC_WATCH_FREE;
	watch->in[MYC_WATCH_OWNED].next = watches->free;
	watches->free = (uint32_t)(watch - watches->entry);
}

struct myc_watch *myc_watch_next(struct myc_executor *executor, myc_address peer,
				 struct myc_watch *watch)
{
	struct myc_watches *watches = &executor->watches;
	uint32_t at = watch ? watch->in[MYC_WATCH_PEER].next : peer_row(watches, peer)->first;

	while (at && watches->entry[at].peer != peer)
		at = watches->entry[at].in[MYC_WATCH_PEER].next;
	return at ? &watches->entry[at] : NULL;
}

struct myc_watch *myc_watch_find_link(struct myc_executor *executor, const struct myc_actor *owner,
				      myc_address peer)
{
	struct myc_watch *watch = NULL;

	while ((watch = myc_watch_next(executor, peer, watch)))
		if (watch->owner == owner && watch->kind == MYC_WATCH_LINK &&
		    watch->state != MYC_WATCH_DUE)
			return watch;
	return NULL;
}

void myc_watch_forget(struct myc_actor *owner, bool drains_too)
{
	struct myc_executor *executor = owner->executor;
	struct myc_watches *watches = &executor->watches;
	uint32_t next;

	for (uint32_t at = owner->ties.owned.first; at; at = next) {
		next = watches->entry[at].in[MYC_WATCH_OWNED].next;
		const struct myc_watch *watch = &watches->entry[at];

		/* Some are about its restarts too. */
		if (!drains_too &&
		    (watch->kind == MYC_WATCH_DRAIN || watch->kind == MYC_WATCH_STRONG ||
		     (watch->kind == MYC_WATCH_STATE && watch->through)))
			continue;
		/* At its end those who sent it last states see for themselves. */
		if (!drains_too)
			myc_last_cancel(executor, watch);
		myc_watch_free(executor, &watches->entry[at]);
	}
}

/* ---- the queue --------------------------------------------------------------------------------- */

/* The last of the peer's messages that wait for the owner. */
static uint64_t pending_from(const struct myc_watch *watch)
{
	const struct myc_executor *executor = watch->owner->executor;
	uint32_t at = watch->owner->pending_first;
	uint64_t order = 0;

	for (uint32_t n = watch->owner->pending_count; n; n--) {
		uint64_t arrived = executor->pending[at].order >> 2;

		if (executor->pending[at].from == watch->peer && arrived > order)
			order = arrived;
		at = executor->pending_next[at];
	}
	return order;
}

void myc_watch_due(struct myc_executor *executor, struct myc_watch *watch,
		   struct myc_exit_reason reason)
{
	if (watch->state == MYC_WATCH_DUE)
		return;
	disarm(&executor->watches, watch);
	if (watch->state != MYC_WATCH_LOST)
		append(&executor->watches, watch, MYC_WATCH_QUEUE);
	watch->state = MYC_WATCH_DUE;
	watch->reason = reason;
	watch->after = pending_from(watch);
}

void myc_watch_wait(struct myc_executor *executor, struct myc_watch *watch,
		    struct myc_exit_reason reason)
{
	struct myc_watches *watches = &executor->watches;

	if (watch->state != MYC_WATCH_ARMED)
		return;
	disarm(watches, watch);
	append(watches, watch, MYC_WATCH_QUEUE);
	watch->state = MYC_WATCH_LOST;
	watch->reason = reason;
	watches->lost++;
	/* The one that runs began before now. */
	watch->sweep = watches->sweeps + 1 + watches->sweeping;
}

/* When the oldest of those that wait came: urgent ones are before it. */
static uint64_t oldest(const struct myc_actor *owner)
{
	const struct myc_executor *executor = owner->executor;
	uint64_t order = UINT64_MAX;

	for (uint32_t at = owner->pending_first; at != MYC_NONE; at = executor->pending_next[at]) {
		if (executor->pending[at].order >> 2 < order)
			order = executor->pending[at].order >> 2;
		if (executor->pending[at].ring == MYC_RING_ORDINARY)
			break;
	}
	return order;
}

static bool deliverable(const struct myc_watch *watch)
{
	const struct myc_actor *owner = watch->owner;

	if (watch->state != MYC_WATCH_DUE)
		return false;
	if (!owner->pending_count)
		return true;
	return watch->kind != MYC_WATCH_DRAIN && oldest(owner) > watch->after;
}

static void deliver(struct myc_executor *executor, struct myc_watch *watch)
{
	const struct myc_watch was = *watch;
	struct myc_actor *owner = watch->owner;
	const struct myc_signal_event down = {
		.kind = MYC_EVENT_DOWN,
		.flags = was.restarted ? MYC_EVENT_RESTARTED : 0,
		.from = was.peer,
		.reason = was.reason,
		.monitor = {(uint32_t)(watch - executor->watches.entry), was.generation},
		.state = was.last ? was.last->bytes : NULL,
		.state_size = was.last ? was.last->size : 0,
		.state_version = was.last ? was.last->version : 0,
	};

	watch->last = NULL;
	myc_watch_free(executor, watch);
	switch (was.kind) {
	case MYC_WATCH_MONITOR:
		myc_exit_event(owner, &down);
		break;
	case MYC_WATCH_LINK:
	case MYC_WATCH_EXIT:
		myc_exit_arrived(owner, was.peer, was.reason, was.kind == MYC_WATCH_LINK,
				 was.restarted);
		break;
	case MYC_WATCH_DRAIN:
		myc_exit_drained(owner, was.reason);
		break;
	case MYC_WATCH_STRONG:
		myc_strong_home(owner);
		break;
	case MYC_WATCH_TAKE:
		myc_strong_refused(owner, was.peer, was.reason);
		break;
	}
	free(was.last);
}

unsigned myc_watch_deliver(struct myc_executor *executor, const struct myc_actor *only)
{
	struct myc_watches *watches = &executor->watches;
	unsigned n = 0;

	for (uint32_t at = watches->queue.first; at; at = watches->walk) {
		struct myc_watch *watch = &watches->entry[at];

		watches->walk = watch->in[MYC_WATCH_QUEUE].next;
		if ((only && watch->owner != only) || !deliverable(watch))
			continue;
		deliver(executor, watch);
		n++;
	}
	return n;
}

/* ---- sweeps ------------------------------------------------------------------------------------ */

static void sweep_begin(struct myc_executor *executor)
{
	struct myc_watches *watches = &executor->watches;

	watches->sweeping = true;
	watches->swept_count = executor->inlets;
	for (uint32_t i = 0; i < executor->inlets; i++)
		watches->swept[i] = (struct myc_swept){
			.start = executor->inlet[i].lane.next[MYC_RING_ORDINARY]};
}

static void sweep(struct myc_executor *executor)
{
	struct myc_watches *watches = &executor->watches;
	bool all = true;

	if (!watches->sweeping)
		sweep_begin(executor);
	for (uint32_t i = 0; i < watches->swept_count; i++) {
		const struct myc_inlet *inlet = &executor->inlet[i];
		struct myc_swept *swept = &watches->swept[i];

		if (!swept->done)
			swept->done = !inlet->block || inlet->cut ||
				      !myc_lane_ready(&inlet->lane, MYC_RING_ORDINARY) ||
				      inlet->lane.next[MYC_RING_ORDINARY] - swept->start >
					      inlet->lane.mask[MYC_RING_ORDINARY];
		all = all && swept->done;
	}
	if (!all)
		return;
	watches->sweeping = false;
	watches->sweeps++;
	for (uint32_t at = watches->queue.first; at;
	     at = watches->entry[at].in[MYC_WATCH_QUEUE].next) {
		struct myc_watch *watch = &watches->entry[at];

		if (watch->state == MYC_WATCH_LOST &&
		    (int32_t)(watches->sweeps - watch->sweep) >= 0)
			myc_watch_due(executor, watch, watch->reason);
	}
}

unsigned myc_watch_turn(struct myc_executor *executor)
{
	if (executor->watches.lost)
		sweep(executor);
	return myc_watch_deliver(executor, NULL);
}

/* ---- limits ------------------------------------------------------------------------------------ */

void myc_watch_limit(struct myc_executor *executor, struct myc_watch *watch, uint64_t timeout_ns,
		     bool kill)
{
	uint64_t now = myc_executor_now(executor);

	if (timeout_ns >= UINT64_MAX - now)
		return;
	watch->late_ns = now + timeout_ns;
	watch->kill = kill;
	if (watch->late_ns < executor->watches.late_ns)
		executor->watches.late_ns = watch->late_ns;
}

static void tell_late(struct myc_executor *executor, struct myc_watch *watch)
{
	struct myc_actor *owner = watch->owner;
	const struct myc_signal_event still = {
		.kind = MYC_EVENT_STILL,
		.from = watch->peer,
		.monitor = {(uint32_t)(watch - executor->watches.entry), watch->generation},
	};

	/* No room for the word: again at the next scan. */
	if (watch->kill && myc_stop_send(owner, watch->peer, MYC_STOP_KILL) == -ENOBUFS)
		return;
	watch->late_ns = 0;
	myc_exit_event(owner, &still);
}

unsigned myc_watch_late(struct myc_executor *executor)
{
	struct myc_watches *watches = &executor->watches;
	uint64_t now = watches->late_ns == UINT64_MAX ? 0 : myc_executor_now(executor);
	unsigned n = 0;

	if (now < watches->late_ns)
		return 0;
	/* Handlers may add limits meanwhile. */
	watches->late_ns = UINT64_MAX;
	for (uint32_t i = 1; i <= watches->capacity; i++) {
		struct myc_watch *watch = &watches->entry[i];

		if (watch->state != MYC_WATCH_ARMED || !watch->late_ns)
			continue;
		if (watch->late_ns <= now) {
			tell_late(executor, watch);
			n++;
		}
		if (watch->late_ns && watch->late_ns < watches->late_ns)
			watches->late_ns = watch->late_ns;
	}
	return n;
}

/* ---- processes --------------------------------------------------------------------------------- */

static void process_gone(struct myc_executor *executor, uint32_t process, bool there,
			 uint32_t incarnation)
{
	static const struct myc_exit_reason reason = {.kind = MYC_EXIT_NOCONNECTION};
	struct myc_watches *watches = &executor->watches;

	for (uint32_t i = 1; i <= watches->capacity; i++) {
		struct myc_watch *watch = &watches->entry[i];

		if (watch->state == MYC_WATCH_ARMED && has_peer(watch) &&
		    myc_address_process(watch->peer) == process &&
		    (!there || watch->incarnation != incarnation))
			myc_watch_wait(executor, watch, reason);
	}
}

void myc_watch_look(struct myc_executor *executor)
{
	struct myc_watches *watches = &executor->watches;
	const struct myc_workspace *workspace = &executor->system->workspace;
	uint32_t incarnation;

	if (!myc_watch_abroad(executor))
		return;
	for (uint32_t p = 0; p < workspace->processes; p++) {
		if (!watches->armed[p] || p == workspace->process)
			continue;
		bool there = myc_process_there(executor->system, p, &incarnation);

		if (there && incarnation == watches->seen[p])
			continue;
		process_gone(executor, p, there, incarnation);
		watches->seen[p] = incarnation;
	}
}
