/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places of a pool and the workers in them; what happens by time; the end.
 *
 *	           spawned                     told to stop          DOWN
 *	  FREE ------------------> WORKS ---------------------> LEAVES ---> FREE
 *	                             |  its place shrinks, nothing is left
 *	                             |
 *	                             |-- DOWN: what it had is taken back ---> FREE, its place gets another
 *	                             `-- hangs: the same, told to die --> GIVEN_UP -- DOWN --> FREE
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/workers.h"

#define MS_NS	       1000000u
#define RETRY_NS       10000000u   /* after a worker that could not be spawned */
#define REPLACE_NS_MAX 1000000000u /* until a place without luck is tried again */
#define IN_VAIN_MAX    12	   /* 2^10 ms is beyond that */

static void tell(struct myc_workers *workers, const struct myc_workers_event *event)
{
	if (workers->opts.event)
		workers->opts.event(workers->control, workers->opts.context, event);
}

/* ---- spawning ---------------------------------------------------------------------------------- */

/* Of those it may live on: where none hangs, and the fewest are; ties in turn. */
static uint32_t executor_for(const struct myc_workers *workers, uint32_t place)
{
	uint32_t load[MYC_EXECUTORS_MAX] = {0}, best = workers->opts.executor;
	uint32_t n = workers->system->opts.executors;
	uint32_t least = UINT32_MAX;

	for (uint32_t r = 0; r < workers->rows; r++) {
		const struct myc_row *row = &workers->row[r];

		if (row->state == MYC_ROW_GIVEN_UP)
			load[row->executor] += MYC_WORKERS_MAX;
		else if (row->state != MYC_ROW_FREE)
			load[row->executor]++;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t executor = (place + i) % n;

		if (!(workers->opts.executors >> executor & 1) || load[executor] >= least)
			continue;
		best = executor;
		least = load[executor];
	}
	return best;
}

static struct myc_row *free_row(const struct myc_workers *workers)
{
	for (uint32_t r = 0; r < workers->rows; r++)
		if (workers->row[r].state == MYC_ROW_FREE)
			return &workers->row[r];
	return NULL;
}

static int spawn_in(struct myc_workers *workers, uint32_t place, struct myc_row *row)
{
	struct myc_setting settings[MYC_WORKERS_SETTINGS_MAX + 3];
	uint32_t count = workers->opts.worker_settings_count;
	char number[12], index[12], at[12];

	snprintf(number, sizeof(number), "%u", workers->number);
	snprintf(index, sizeof(index), "%u", (uint32_t)(row - workers->row));
	snprintf(at, sizeof(at), "%u", place);
	for (uint32_t i = 0; i < count; i++)
		settings[i] = workers->worker_settings[i];
	settings[count++] = (struct myc_setting){"myc.pool", number};
	settings[count++] = (struct myc_setting){"myc.row", index};
	settings[count++] = (struct myc_setting){"worker", at};
	const struct myc_spawn_opts opts = {
		.sz = sizeof(opts),
		.behaviour = &workers->worker_behaviour,
		.executor = executor_for(workers, place),
		.settings = settings,
		.settings_count = count,
		.restarts_max = MYC_RESTARTS_NONE,
		.flags = workers->opts.flags & MYC_WORKERS_THREADS ? MYC_SPAWN_THREAD : 0,
	};

	*row = (struct myc_row){
		.place = place, .executor = opts.executor, .hand = {MYC_NONE, MYC_NONE}};
	int code = myc_spawn(workers->system, &opts, &row->address, NULL);

	if (!code) /* where it is: a thread of its own was found for it */
		row->executor = myc_actor_word_home(
			__atomic_load_n(&workers->system->slot[myc_address_slot(row->address)].word,
					__ATOMIC_RELAXED));
	if (!code)
		code = myc_monitor(workers->control, row->address, 0, &row->monitor);
	if (!code)
		code = myc_resolve(workers->control, row->address, &row->ref);
	if (code && row->address)
		(void)myc_stop_send(workers->control, row->address, MYC_STOP_KILL);
	return code;
}

static void spawn(struct myc_workers *workers, uint32_t place)
{
	struct myc_place *at = &workers->place[place];
	struct myc_row *row = free_row(workers);
	int code = row ? spawn_in(workers, place, row) : -EUSERS;

	if (code) {
		at->spawn_at_ns = myc_now_ns(workers->control) + RETRY_NS;
		myc_workers_look_at(workers, at->spawn_at_ns);
		tell(workers, &(struct myc_workers_event){.kind = MYC_WORKER_NOT_SPAWNED,
							  .worker = place,
							  .executor = row ? row->executor : 0,
							  .code = code});
		return;
	}
	row->state = MYC_ROW_WORKS;
	at->row = (uint32_t)(row - workers->row);
	at->spawn_at_ns = UINT64_MAX;
	myc_place_numbers(workers, place)->address = row->address;
	myc_place_numbers(workers, place)->executor = row->executor;
	workers->numbers.spawned++;
	workers->numbers.alive++;
	myc_workers_pump(workers, place);
}

/* After an end in place: at once, later when they end without having done anything. */
static void spawn_again(struct myc_workers *workers, uint32_t place)
{
	struct myc_place *at = &workers->place[place];
	uint64_t delay = 0;

	if (at->in_vain < IN_VAIN_MAX)
		at->in_vain++;
	if (at->in_vain > 1)
		delay = (uint64_t)MS_NS << (at->in_vain - 2);
	if (delay > REPLACE_NS_MAX)
		delay = REPLACE_NS_MAX;
	at->spawn_at_ns = myc_now_ns(workers->control) + delay;
	if (delay)
		myc_workers_look_at(workers, at->spawn_at_ns);
	else
		spawn(workers, place);
}

/* ---- ends of workers --------------------------------------------------------------------------- */

static void leave_place(struct myc_workers *workers, const struct myc_row *row)
{
	struct myc_place *at = &workers->place[row->place];

	at->row = MYC_NONE;
	myc_place_numbers(workers, row->place)->address = MYC_NOBODY;
	workers->numbers.alive--;
}

/* Nothing is left for it: it is told to stop. */
static void retire(struct myc_workers *workers, struct myc_row *row)
{
	int code = myc_stop_send(workers->control, row->address, MYC_STOP);

	if (code == -ENOBUFS) {
		myc_workers_look_at(workers,
				    workers->again_at_ns = myc_now_ns(workers->control) + MS_NS);
		return;
	}
	row->state = MYC_ROW_LEAVES;
	leave_place(workers, row);
}

/* Nobody hears of workers that cannot do anything: said once, until one of this place has done a job. */
static void complain(const struct myc_workers *workers, uint32_t place,
		     const struct myc_signal_event *event)
{
	const struct myc_workspace *workspace = &workers->system->workspace;

	if (workspace->failed && !workers->opts.event && workers->place[place].in_vain == 2 &&
	    event->reason.kind == MYC_EXIT_FAILED)
		workspace->failed(workspace->context, event->from, event->reason.code, true);
}

static void ended(struct myc_workers *workers, struct myc_row *row,
		  const struct myc_signal_event *event)
{
	uint32_t place = row->place;

	workers->numbers.died++;
	myc_place_numbers(workers, place)->died++;
	leave_place(workers, row);
	myc_workers_take_back(workers, row, true);
	row->state = MYC_ROW_FREE;
	tell(workers, &(struct myc_workers_event){.kind = MYC_WORKER_DIED,
						  .worker = place,
						  .address = event->from,
						  .executor = row->executor,
						  .reason = event->reason.kind,
						  .code = event->reason.code});
	if (!myc_place_leaves(workers, place) && !workers->closed)
		spawn_again(workers, place);
	else if (!workers->closed)
		myc_workers_reroute(workers, place);
	complain(workers, place, event);
	myc_workers_pump_all(workers);
}

void myc_workers_down(struct myc_workers *workers, const struct myc_signal_event *event)
{
	if (event->from == workers->intake_address || event->from == workers->owner) {
		workers->intake_gone |= event->from == workers->intake_address;
		if (!workers->draining)
			myc_workers_end(workers, workers->opts.drain_ns);
		return;
	}
	for (uint32_t r = 0; r < workers->rows; r++) {
		struct myc_row *row = &workers->row[r];

		if (row->address != event->from || row->state == MYC_ROW_FREE)
			continue;
		if (row->state == MYC_ROW_WORKS) {
			ended(workers, row, event);
			return;
		}
		workers->numbers.lost -= row->state == MYC_ROW_GIVEN_UP;
		row->state = MYC_ROW_FREE;
		return;
	}
}

/* Its work goes to others; it is told to die, and does when its handler lets its executor go on. */
static void give_up(struct myc_workers *workers, struct myc_row *row)
{
	(void)myc_stop_send(workers->control, row->address, MYC_STOP_KILL);
	row->state = MYC_ROW_GIVEN_UP;
	workers->numbers.lost++;
	workers->numbers.given_up++;
	leave_place(workers, row);
	myc_workers_take_back(workers, row, false);
}

static void hangs(struct myc_workers *workers, struct myc_row *row, uint64_t now)
{
	struct myc_workers_event event = {.kind = MYC_WORKER_HANGS,
					  .worker = row->place,
					  .address = row->address,
					  .executor = row->executor,
					  .since_ns = now - row->since_ns};
	uint32_t number = myc_work_at(workers, row->hand.first)->number;

	if (row->told != number + 1) {
		row->told = number + 1;
		workers->numbers.hung++;
		myc_place_numbers(workers, row->place)->hung++;
		tell(workers, &event);
	}
	if (!workers->settings.hang_replace || !free_row(workers))
		return;
	give_up(workers, row);
	event.kind = MYC_WORKER_GIVEN_UP;
	tell(workers, &event);
	if (!myc_place_leaves(workers, event.worker))
		spawn_again(workers, event.worker);
	else
		myc_workers_reroute(workers, event.worker);
	myc_workers_pump_all(workers);
}

/* ---- time -------------------------------------------------------------------------------------- */

void myc_workers_look_at(struct myc_workers *workers, uint64_t at_ns)
{
	uint64_t now = myc_now_ns(workers->control);

	if (at_ns >= workers->timer_ns)
		return;
	if (workers->timer_ns != UINT64_MAX)
		(void)myc_timer_cancel(workers->control, workers->timer);
	workers->timer_ns = UINT64_MAX;
	if (!myc_timer_start(workers->control, at_ns > now ? at_ns - now : 0, 0, 0,
			     &workers->timer))
		workers->timer_ns = at_ns;
}

static void expire(struct myc_workers *workers, uint64_t now)
{
	uint64_t ttl = workers->settings.ttl_ns;

	for (uint32_t p = 0; ttl && p < MYC_WORKERS_PRIORITIES; p++) {
		while (workers->age[p].first != MYC_NONE) {
			struct myc_work *oldest = myc_work_at(workers, workers->age[p].first);

			if (now - oldest->accepted_ns < ttl) {
				myc_workers_look_at(workers,
						    myc_workers_later(oldest->accepted_ns, ttl));
				break;
			}
			myc_workers_discard(workers, oldest, MYC_DISCARD_TTL);
		}
	}
}

static void look_for_hanging(struct myc_workers *workers, uint64_t now)
{
	uint64_t limit = workers->settings.hang_ns;

	for (uint32_t r = 0; limit && r < workers->rows; r++) {
		struct myc_row *row = &workers->row[r];

		if (row->state != MYC_ROW_WORKS || !row->in_hand)
			continue;
		if (now - row->since_ns >= limit)
			hangs(workers, row, now);
		if (row->state == MYC_ROW_WORKS && row->in_hand)
			myc_workers_look_at(
				workers,
				myc_workers_later(now - row->since_ns < limit ? row->since_ns : now,
						  limit));
	}
}

static void spawn_missing(struct myc_workers *workers, uint64_t now)
{
	for (uint32_t k = 0; k < workers->settings.workers && !workers->closed; k++) {
		struct myc_place *at = &workers->place[k];

		if (at->row != MYC_NONE)
			continue;
		if (at->spawn_at_ns == UINT64_MAX || at->spawn_at_ns <= now)
			spawn(workers, k);
		else
			myc_workers_look_at(workers, at->spawn_at_ns);
	}
}

static void adapt(struct myc_workers *workers, uint64_t now)
{
	struct myc_workers_settings settings = workers->settings;

	if (!workers->opts.adapt || workers->draining)
		return;
	if (now >= workers->adapt_at_ns) {
		workers->adapt_at_ns = myc_workers_later(now, workers->opts.adapt_ns);
		workers->opts.adapt(workers->opts.context, &workers->numbers, &settings);
		if (!myc_workers_check(workers, &settings))
			myc_workers_apply(workers, &settings);
	}
	myc_workers_look_at(workers, workers->adapt_at_ns);
}

/* The deadline is over: nothing more is done. */
static void close_now(struct myc_workers *workers)
{
	workers->closed = true;
	workers->intake_told = false;
	if (workers->numbers.waiting || workers->numbers.in_hand)
		atomic_store_explicit(&workers->late, true, memory_order_relaxed);
	for (uint32_t p = 0; p < MYC_WORKERS_PRIORITIES; p++)
		while (workers->age[p].first != MYC_NONE)
			myc_workers_discard(workers, myc_work_at(workers, workers->age[p].first),
					    MYC_DISCARD_SHUTDOWN);
	for (uint32_t r = 0; r < workers->rows; r++)
		if (workers->row[r].state == MYC_ROW_WORKS && workers->row[r].in_hand)
			give_up(workers, &workers->row[r]);
}

/* It refuses new messages, and ends when it has handled those it has. */
static void tell_intake(struct myc_workers *workers, uint64_t now)
{
	int code = myc_stop_send(workers->control, workers->intake_address, MYC_STOP_DRAIN);

	/* After the deadline nobody waits for who has suspended it. */
	if (!code && workers->closed)
		code = myc_resume(workers->control, workers->intake_address);
	workers->intake_told = code != -ENOBUFS;
	workers->intake_gone |= code == -ESRCH;
	if (!workers->intake_told)
		myc_workers_look_at(workers, now + MS_NS);
}

void myc_workers_tick(struct myc_workers *workers)
{
	uint64_t now = myc_now_ns(workers->control);

	if (workers->draining && !workers->closed) {
		if (now >= workers->deadline_ns)
			close_now(workers);
		else if (workers->deadline_ns != UINT64_MAX)
			myc_workers_look_at(workers, workers->deadline_ns);
	}
	if (workers->draining && !workers->intake_told)
		tell_intake(workers, now);
	expire(workers, now);
	look_for_hanging(workers, now);
	adapt(workers, now);
	spawn_missing(workers, now);
	if (workers->again_at_ns <= now) {
		workers->again_at_ns = UINT64_MAX;
		myc_workers_pump_all(workers);
	}
	myc_workers_look_at(workers, workers->again_at_ns);
}

/* ---- after anything ---------------------------------------------------------------------------- */

static void shrink(struct myc_workers *workers)
{
	uint64_t leaving = 0;

	for (uint32_t k = workers->settings.workers; k < workers->opts.workers_max; k++) {
		struct myc_place *at = &workers->place[k];
		struct myc_row *row = myc_place_row(workers, k);
		bool left = at->numbers.waiting || at->numbers.in_hand;

		if (row && !left)
			retire(workers, row);
		else if (!row && left)
			myc_workers_reroute(workers, k);
		myc_place_numbers(workers, k)->leaving = at->row != MYC_NONE;
		leaving += at->numbers.leaving;
	}
	workers->numbers.leaving = leaving;
}

/* Nothing to do any more: workers first, then control itself. */
static void end_when_done(struct myc_workers *workers)
{
	bool some = false;

	if (!workers->draining || !workers->intake_gone || workers->numbers.waiting ||
	    workers->numbers.in_hand || workers->numbers.state == MYC_WORKERS_ENDED)
		return;
	for (uint32_t r = 0; r < workers->rows; r++) {
		struct myc_row *row = &workers->row[r];

		if (row->state == MYC_ROW_WORKS)
			retire(workers, row);
		/* One that hangs is not waited for; nor, after the deadline, one beside it. */
		some |= row->state == MYC_ROW_WORKS ||
			(row->state == MYC_ROW_LEAVES && !workers->closed);
	}
	if (some)
		return;
	workers->numbers.state = MYC_WORKERS_ENDED;
	myc_stop(workers->control);
}

void myc_workers_after(struct myc_workers *workers)
{
	bool full = workers->settings.full == MYC_FULL_PAUSE && !workers->closed &&
		    workers->numbers.waiting >= workers->settings.queue;

	if (workers->shrinking || workers->numbers.leaving) {
		workers->shrinking = false;
		shrink(workers);
	}
	end_when_done(workers);
	/* Its slot may be another's before we are told of its end. */
	if (workers->intake->address == workers->intake_address &&
	    full != !!(workers->intake->aside & MYC_ASIDE_SHUT)) {
		myc_actor_aside(workers->intake, MYC_ASIDE_SHUT, full);
		if (!full)
			myc_receiver_make_ready(workers->intake);
	}
	myc_workers_publish(workers);
}

void myc_workers_apply(struct myc_workers *workers, const struct myc_workers_settings *settings)
{
	struct myc_workers_settings *now = &workers->settings;

	*now = *settings;
	now->workers += !now->workers;
	now->ahead += !now->ahead;
	now->burst += !now->burst;
	now->queue = now->queue ? now->queue : workers->opts.queue_max;
	workers->settings_changed = true;
	workers->shrinking = true;
	for (uint32_t k = 0; k < now->workers; k++) {
		myc_place_numbers(workers, k)->leaving = 0;
	}
	workers->again_at_ns = 0; /* who may have more now gets it */
}

/* ---- the beginning, the end -------------------------------------------------------------------- */

void myc_workers_begin(struct myc_workers *workers)
{
	uint64_t now = myc_now_ns(workers->control);

	workers->adapt_at_ns = myc_workers_later(now, workers->opts.adapt_ns);
	workers->bucket_ns = now;
	myc_workers_tick(workers);
}

void myc_workers_end(struct myc_workers *workers, uint64_t deadline_ns)
{
	uint64_t now = myc_now_ns(workers->control);
	uint64_t at = myc_workers_later(now, deadline_ns);

	if (!workers->draining || at < workers->deadline_ns)
		workers->deadline_ns = at;
	workers->draining = true;
	workers->numbers.state = MYC_WORKERS_DRAIN;
	myc_workers_tick(workers);
}

void myc_workers_leave_nothing(struct myc_workers *workers)
{
	close_now(workers);
	workers->numbers.state = MYC_WORKERS_ENDED;
	myc_workers_publish(workers);
}
