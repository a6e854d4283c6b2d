/* SPDX-License-Identifier: Apache-2.0 */
/* A job's way through a pool, on the executor of its intake and control actor. */
#include <errno.h>
#include <string.h>

#include "core/ask.h"
#include "core/workers.h"
#include "memory/order.h"

#define SECOND_NS 1000000000u
#define AGAIN_NS  1000000u /* after a send that the executor had no room for */

/* ---- out --------------------------------------------------------------------------------------- */

static void tell_asker(struct myc_workers *workers, const struct myc_work *work,
		       enum myc_discard reason)
{
	static const int status[] = {
		[MYC_DISCARD_TTL] = -ETIME,	    [MYC_DISCARD_SHED] = -EBUSY,
		[MYC_DISCARD_RATE] = -EDQUOT,	    [MYC_DISCARD_SHUTDOWN] = -ESHUTDOWN,
		[MYC_DISCARD_NO_BUFFER] = -ENOBUFS, [MYC_DISCARD_IN_DOUBT] = -EOWNERDEAD,
	};

	if (work->asker.correlation &&
	    myc_reply_error(workers->control, &work->asker, status[reason]))
		workers->numbers.untold++;
}

static void tell_hook(struct myc_workers *workers, const struct myc_work *work,
		      enum myc_discard reason)
{
	const struct myc_discarded discarded = {
		.reason = reason,
		.priority = work->priority,
		.from = work->from,
		.key = work->key,
		.waited_ns = myc_now_ns(workers->control) - work->accepted_ns,
		.tries = work->tries,
		.type = work->type,
		.asked = work->asker.correlation,
		.size = work->size,
		.payload = work->body.data ? work->body.data : work->payload,
	};

	if (workers->opts.discarded)
		workers->opts.discarded(workers->control, workers->opts.context, &discarded);
}

void myc_workers_discard(struct myc_workers *workers, struct myc_work *work,
			 enum myc_discard reason)
{
	if (work->state == MYC_WORK_WAITS)
		myc_work_unqueue(workers, work);
	if (reason == MYC_DISCARD_IN_DOUBT)
		workers->numbers.in_doubt++;
	else
		workers->numbers.discarded[reason]++;
	tell_asker(workers, work, reason);
	tell_hook(workers, work, reason);
	myc_work_free(workers, work);
}

/* ---- routes ------------------------------------------------------------------------------------ */

static bool keyed(const struct myc_workers *workers)
{
	return workers->settings.route == MYC_ROUTE_KEY ||
	       workers->settings.route == MYC_ROUTE_STICKY;
}

static bool has_room(const struct myc_workers *workers, uint32_t place)
{
	const struct myc_row *row = myc_place_row(workers, place);

	return row && row->in_hand < workers->settings.ahead;
}

/* Of those that stay, the one with the least in hand that can take one more, MYC_NONE: none can. */
static uint32_t idlest(struct myc_workers *workers)
{
	uint32_t best = MYC_NONE, least = UINT32_MAX, n = workers->settings.workers;

	for (uint32_t i = 0; i < n && least; i++) {
		uint32_t place = (workers->turn + i) % n;

		if (has_room(workers, place) && myc_place_row(workers, place)->in_hand < least) {
			best = place;
			least = myc_place_row(workers, place)->in_hand;
		}
	}
	if (best != MYC_NONE)
		workers->turn = best + 1;
	return best;
}

static uint32_t least_loaded(struct myc_workers *workers)
{
	uint32_t best = MYC_NONE, n = workers->settings.workers;
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = (workers->turn + i) % n;
		const struct myc_place *at = &workers->place[place];
		uint64_t load = at->numbers.waiting + at->numbers.in_hand;

		if (at->row != MYC_NONE && load < least) {
			best = place;
			least = load;
		}
	}
	workers->turn++;
	return best;
}

static uint32_t next_in_turn(struct myc_workers *workers)
{
	uint32_t n = workers->settings.workers;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = workers->turn++ % n;

		if (workers->place[place].row != MYC_NONE)
			return place;
	}
	return MYC_NONE;
}

static uint32_t home_of(const struct myc_workers *workers, uint64_t key)
{
	return (uint32_t)((key * 0x9e3779b97f4a7c15ull >> 32) % workers->settings.workers);
}

/* A place for a new job; MYC_NONE: whoever is free first. */
static uint32_t route(struct myc_workers *workers, uint64_t key)
{
	const struct myc_work_key *known = keyed(workers) ? myc_work_key(workers, key) : NULL;

	/* Behind those of it that are in the common queue. */
	if (known)
		return known->common ? MYC_NONE : known->place;
	switch (workers->settings.route) {
	case MYC_ROUTE_KEY:
		return home_of(workers, key);
	case MYC_ROUTE_ROUND_ROBIN:
		return next_in_turn(workers);
	case MYC_ROUTE_LEAST_LOADED:
		return least_loaded(workers);
	default:
		return MYC_NONE;
	}
}

static void assign(struct myc_workers *workers, struct myc_work *work, uint32_t place)
{
	work->place = place;
	if (keyed(workers) && work->key_at == MYC_NONE)
		myc_work_key_join(workers, work);
	if (work->key_at != MYC_NONE && place != MYC_NONE)
		myc_work_key_hold(workers, work, place);
}

void myc_workers_reroute(struct myc_workers *workers, uint32_t place)
{
	for (uint32_t p = 0; p < MYC_WORKERS_PRIORITIES; p++) {
		struct myc_work_list *queue = &workers->place[place].queue[p];

		while (queue->first != MYC_NONE) {
			struct myc_work *work = myc_work_at(workers, queue->first);
			uint32_t to = MYC_NONE;

			myc_work_unqueue(workers, work);
			if (work->key_at == MYC_NONE) {
				to = route(workers, work->key);
				assign(workers, work, to == place ? MYC_NONE : to);
			} else {
				/* The first of a key chooses for all. */
				to = myc_work_key(workers, work->key)->place;
				assign(workers, work,
				       to == place ? home_of(workers, work->key) : to);
			}
			myc_work_queue(workers, work, false);
		}
	}
	myc_workers_pump_all(workers);
}

/* ---- to a worker ------------------------------------------------------------------------------- */

static void handed(struct myc_workers *workers, struct myc_row *row, struct myc_work *work,
		   uint32_t ask)
{
	uint64_t now = myc_now_ns(workers->control);

	work->state = MYC_WORK_IN_HAND;
	work->ask = ask;
	work->number = row->given++;
	work->tries++;
	if (!row->in_hand++)
		row->since_ns = now;
	myc_work_list_append(workers, &row->hand, work);
	workers->numbers.in_hand++;
	myc_place_numbers(workers, row->place)->in_hand++;
	if (workers->settings.hang_ns)
		myc_workers_look_at(workers,
				    myc_workers_later(row->since_ns, workers->settings.hang_ns));
	/* Whom the asker awaits now: a cycle of awaiting actors is found through the worker. */
	if (work->asker.correlation & MYC_ASK_AWAITED)
		(void)myc_ask_passed(workers->control, &work->asker, row->address);
}

/* Gives a job that neither waits nor is in hand. False: not now. */
static bool give(struct myc_workers *workers, struct myc_work *work, uint32_t place)
{
	struct myc_actor *control = workers->control;
	struct myc_row *row = myc_place_row(workers, place);
	uint64_t cookie = (uint64_t)(row - workers->row) << 32 | myc_work_index(workers, work);
	struct myc_ask_entry *entry = myc_ask_take(control, MYC_FOREVER, cookie);
	int code = -ENOSPC;

	if (work->place == MYC_NONE)
		assign(workers, work, place);
	if (entry) {
		myc_ask_whom(control->executor, entry, row->address);
		row->handed[row->given % MYC_WORKERS_AHEAD_MAX] = (struct myc_handed){
			.from = work->from,
			.correlation = work->asker.correlation,
			.done = entry->id,
			.flags = work->tries ? MYC_MESSAGE_REDELIVERED : 0,
		};
		if (work->asker.correlation)
			row->handed[row->given % MYC_WORKERS_AHEAD_MAX].from = work->asker.asker;
		code = work->body.data ? myc_send_share(control, &row->ref, work->type, &work->body)
				       : myc_send(control, &row->ref, work->type, work->payload,
						  work->size);
	}
	if (!code) {
		handed(workers, row, work, entry->id);
		return true;
	}
	if (entry)
		myc_ask_free(control->executor, entry);
	/* -ESRCH: it has ended, and we shall be told. Else there is no room in this executor's tables. */
	if (code != -ESRCH)
		myc_workers_look_at(workers, workers->again_at_ns = myc_now_ns(control) + AGAIN_NS);
	return false;
}

/* The next for this place: its own, and of the same priority anybody's. */
static struct myc_work *next(struct myc_workers *workers, uint32_t place)
{
	for (uint32_t p = 0; p < MYC_WORKERS_PRIORITIES; p++) {
		uint32_t own = workers->place[place].queue[p].first;

		if (own != MYC_NONE)
			return myc_work_at(workers, own);
		while (!myc_place_leaves(workers, place) && workers->common[p].first != MYC_NONE) {
			struct myc_work *work = myc_work_at(workers, workers->common[p].first);
			uint32_t holder = work->key_at == MYC_NONE
						  ? MYC_NONE
						  : workers->key[work->key_at].place;

			if (holder == MYC_NONE || holder == place)
				return work;
			/* Others of its key went there since it came. */
			myc_work_unqueue(workers, work);
			assign(workers, work, holder);
			myc_work_queue(workers, work, false);
			if (has_room(workers, holder))
				myc_workers_look_at(workers, workers->again_at_ns =
								     myc_now_ns(workers->control));
		}
	}
	return NULL;
}

void myc_workers_pump(struct myc_workers *workers, uint32_t place)
{
	struct myc_work *work;

	while (has_room(workers, place) && (work = next(workers, place))) {
		myc_work_unqueue(workers, work);
		if (give(workers, work, place))
			continue;
		myc_work_queue(workers, work, true);
		return;
	}
}

void myc_workers_pump_all(struct myc_workers *workers)
{
	for (uint32_t i = 0; i < workers->opts.workers_max; i++)
		myc_workers_pump(workers, i);
}

/* ---- back -------------------------------------------------------------------------------------- */

static void out_of_hand(struct myc_workers *workers, struct myc_row *row, struct myc_work *work)
{
	bool first = row->hand.first == myc_work_index(workers, work);

	myc_work_list_remove(workers, &row->hand, work);
	row->in_hand--;
	if (first && row->in_hand)
		row->since_ns = myc_now_ns(workers->control);
	work->state = MYC_WORK_FREE;
	workers->numbers.in_hand--;
	myc_place_numbers(workers, row->place)->in_hand--;
}

void myc_workers_replied(struct myc_workers *workers, const struct myc_reply *reply)
{
	uint32_t index = (uint32_t)reply->cookie, r = (uint32_t)(reply->cookie >> 32);

	if (r >= workers->rows || index >= workers->work_count)
		return;
	struct myc_row *row = &workers->row[r];
	struct myc_work *work = myc_work_at(workers, index);

	if (work->state != MYC_WORK_IN_HAND || work->ask != reply->ask.correlation)
		return;
	out_of_hand(workers, row, work);
	if (reply->status) { /* the system stops, and does not wait any longer */
		myc_workers_discard(workers, work, MYC_DISCARD_IN_DOUBT);
		return;
	}
	workers->numbers.done++;
	myc_place_numbers(workers, row->place)->done++;
	workers->place[row->place].in_vain = 0;
	myc_work_free(workers, work);
	myc_workers_pump(workers, row->place);
}

void myc_workers_take_back(struct myc_workers *workers, struct myc_row *row, bool exact)
{
	uint32_t taken = __atomic_load_n(&row->taken, __ATOMIC_RELAXED), before;

	/* From the youngest on: each goes in front of the queue. */
	for (uint32_t at = row->hand.last; at != MYC_NONE; at = before) {
		struct myc_work *work = myc_work_at(workers, at);
		bool begun = !exact || (int32_t)(taken - work->number) > 0;

		before = work->previous;
		(void)myc_ask_cancel(workers->control, (struct myc_ask){.correlation = work->ask});
		out_of_hand(workers, row, work);
		if (work->key_at == MYC_NONE && !work->chosen)
			work->place = MYC_NONE;
		if (!begun) {
			work->tries--;
			myc_work_queue(workers, work, true);
		} else if (work->retries && !workers->closed) {
			work->retries--;
			workers->numbers.retried++;
			myc_work_queue(workers, work, true);
		} else {
			myc_workers_discard(workers, work, MYC_DISCARD_IN_DOUBT);
		}
	}
}

/* ---- in ---------------------------------------------------------------------------------------- */

/* A leaky bucket, exactly: what it holds is in jobs times 1e9, so that it leaks rate_per_s a ns. */
static bool rate_lets(struct myc_workers *workers, uint64_t now)
{
	uint64_t rate = workers->settings.rate_per_s;
	uint64_t full = (uint64_t)workers->settings.burst * SECOND_NS;

	if (!rate)
		return true;
	uint64_t elapsed = now - workers->bucket_ns;
	uint64_t leaked = elapsed > full / rate ? full : elapsed * rate;

	workers->bucket_level = workers->bucket_level > leaked ? workers->bucket_level - leaked : 0;
	workers->bucket_ns = now;
	if (workers->bucket_level + SECOND_NS > full)
		return false;
	workers->bucket_level += SECOND_NS;
	return true;
}

static uint64_t key_of(const struct myc_workers_opts *opts, const struct myc_message *message)
{
	uint64_t key = 0;

	if (opts->key_size && (uint64_t)opts->key_offset + opts->key_size <= message->size)
		memcpy(&key, (const char *)message->payload + opts->key_offset, opts->key_size);
	myc_order_copied(&key); /* a body is another's memory */
	return key;
}

static struct myc_job_class class_of(const struct myc_workers *workers,
				     const struct myc_message *message)
{
	const struct myc_workers_opts *opts = &workers->opts;
	struct myc_job_class class = {.key = key_of(opts, message),
				      .retries = workers->settings.retries,
				      .worker = MYC_WORKERS_ANY};

	if (opts->priorities > 1 && opts->priority_offset < message->size)
		class.priority =
			__atomic_load_n((const uint8_t *)message->payload + opts->priority_offset,
					__ATOMIC_RELAXED);
	if (opts->classify)
		opts->classify(opts->context, message, &class);
	if (class.priority >= opts->priorities)
		class.priority = opts->priorities - 1;
	return class;
}

/* The job as it was sent. 0, or -ENOBUFS: its body cannot be kept. */
static int fill(struct myc_workers *workers, struct myc_work *work,
		const struct myc_message *message, const struct myc_job_class *class)
{
	work->accepted_ns = myc_now_ns(workers->control);
	work->key = class->key;
	work->priority = (uint8_t) class->priority;
	work->retries = class->retries;
	work->from = message->from;
	work->type = message->type;
	work->size = message->size;
	(void)myc_reply_keep(message, &work->asker);
	if (message->body != MYC_HOLD_NONE)
		return myc_body_keep(workers->control, message, &work->body);
	memcpy(work->payload, message->payload, message->size);
	return 0;
}

/* The least important that waits longest, if it is no more important than `work`. */
static struct myc_work *victim(const struct myc_workers *workers, const struct myc_work *work)
{
	for (uint32_t p = MYC_WORKERS_PRIORITIES; p-- > work->priority;)
		if (workers->age[p].first != MYC_NONE)
			return myc_work_at(workers, workers->age[p].first);
	return NULL;
}

static void wait_in_queue(struct myc_workers *workers, struct myc_work *work)
{
	if (workers->numbers.waiting >= workers->settings.queue &&
	    workers->settings.full != MYC_FULL_PAUSE) {
		struct myc_work *oldest = workers->settings.full == MYC_FULL_DROP_OLDEST
						  ? victim(workers, work)
						  : NULL;

		myc_workers_discard(workers, oldest ? oldest : work, MYC_DISCARD_SHED);
		if (!oldest)
			return;
	}
	myc_work_queue(workers, work, false);
	if (workers->settings.ttl_ns)
		myc_workers_look_at(workers,
				    myc_workers_later(work->accepted_ns, workers->settings.ttl_ns));
}

static bool common_waits(const struct myc_workers *workers)
{
	bool waits = false;

	for (uint32_t p = 0; p < MYC_WORKERS_PRIORITIES; p++)
		waits = waits || workers->common[p].first != MYC_NONE;
	return waits;
}

/* To an idle worker at once, or it waits. */
static void dispatch(struct myc_workers *workers, struct myc_work *work, uint32_t wanted)
{
	bool chosen = wanted < workers->settings.workers;
	uint32_t place = chosen ? wanted : route(workers, work->key);

	if (place == MYC_NONE && !common_waits(workers))
		place = idlest(workers);
	work->chosen = chosen;
	if (chosen)
		work->place = place;
	else
		assign(workers, work, place);
	if (place != MYC_NONE && !workers->place[place].numbers.waiting &&
	    has_room(workers, place) && give(workers, work, place))
		return;
	wait_in_queue(workers, work);
	if (place == MYC_NONE && (place = idlest(workers)) != MYC_NONE)
		myc_workers_pump(workers, place);
}

void myc_workers_accept(struct myc_workers *workers, const struct myc_message *message)
{
	struct myc_work spare = {.place = MYC_NONE, .key_at = MYC_NONE};
	struct myc_work *work = myc_work_take(workers);
	const struct myc_job_class class = class_of(workers, message);

	workers->numbers.accepted++;
	if (!work) { /* cannot be: what waits and what is in hand is bounded */
		(void)myc_reply_keep(message, &spare.asker);
		workers->numbers.discarded[MYC_DISCARD_SHED]++;
		tell_asker(workers, &spare, MYC_DISCARD_SHED);
		return;
	}
	if (fill(workers, work, message, &class))
		myc_workers_discard(workers, work, MYC_DISCARD_NO_BUFFER);
	else if (workers->closed)
		myc_workers_discard(workers, work, MYC_DISCARD_SHUTDOWN);
	else if (!rate_lets(workers, work->accepted_ns))
		myc_workers_discard(workers, work, MYC_DISCARD_RATE);
	else
		dispatch(workers, work, class.worker);
}
