/* SPDX-License-Identifier: Apache-2.0 */
/* Probes, and what cases say about them: the same for each way. */
#include <stdio.h>
#include <sys/mman.h>

#include "conformance/jobs.h"

#define POST_NS (60 * SECOND)

struct shared *shared;
static bool is_apart;

/* ---- probes ------------------------------------------------------------------------------------ */

struct probe *probe_of(const struct myc_actor *self)
{
	return &shared->probe[strtoul(myc_setting(self, "probe", "0"), NULL, 10)];
}

const struct myc_behaviour plain = {
	.name = "probe", .capacity_per_sender = 16, .signal = probe_signal, PROBE_HOOKS};
const struct myc_behaviour deaf = {.name = "deaf", .capacity_per_sender = 16, PROBE_HOOKS};
const struct myc_behaviour narrow = {
	.name = "narrow", .capacity_per_sender = 4, .signal = probe_signal, PROBE_HOOKS};
const struct myc_behaviour tiny = {.name = "tiny",
				   .mailbox_capacity = 2,
				   .capacity_per_sender = 2,
				   .signal = probe_signal,
				   PROBE_HOOKS};
const struct myc_behaviour stubborn = {.name = "stubborn",
				       .capacity_per_sender = 16,
				       .signal = probe_signal,
				       .redeliver = true,
				       PROBE_HOOKS};

/* ---- who is where ------------------------------------------------------------------------------ */

bool apart(void)
{
	return is_apart;
}

uint32_t place_of(uint32_t where)
{
	return is_apart ? where : HERE;
}

static void prepare(struct probe *made, uint32_t index, uint32_t place,
		    const struct myc_behaviour *behaviour)
{
	made->index = index;
	made->place = place;
	made->behaviour = behaviour;
	made->restarts_max = NO_RESTART;
	snprintf(made->setting, sizeof(made->setting), "%u", index);
	made->settings[0] = (struct myc_setting){.key = "probe", .value = made->setting};
	made->settings_count = 1;
}

struct probe *keeper_of(uint32_t place)
{
	return &shared->probe[PROBES + place];
}

struct probe *make(uint32_t where, const struct myc_behaviour *behaviour)
{
	uint32_t index = atomic_fetch_add(&shared->probes, 1);

	assert_true(index < PROBES);
	struct probe *made = &shared->probe[index];

	prepare(made, index, place_of(where), behaviour);
	return made;
}

struct myc_spawn_opts spawn_opts(const struct probe *made, uint32_t executor)
{
	return (struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
				       .behaviour = made->behaviour,
				       .name = *made->name ? made->name : NULL,
				       .executor = executor,
				       .settings = made->settings,
				       .settings_count = made->settings_count,
				       .restarts_max = made->restarts_max,
				       .flags = made->spawn_flags,
				       .phase = made->phase,
				       .restarts_window_ns = made->window_ns};
}

int try_spawn(struct probe *made)
{
	return way.spawn(made);
}

struct probe *spawn_as(uint32_t where, const struct myc_behaviour *behaviour)
{
	struct probe *made = make(where, behaviour);

	OK(try_spawn(made));
	return made;
}

struct probe *spawn(uint32_t where)
{
	return spawn_as(where, &plain);
}

struct probe *spawn_named(uint32_t where, const char *name)
{
	struct probe *made = make(where, &plain);

	snprintf(made->name, sizeof(made->name), "%s", name);
	OK(try_spawn(made));
	return made;
}

struct probe *spawn_restarting(uint32_t where, uint32_t restarts_max)
{
	struct probe *made = make(where, &plain);

	made->restarts_max = restarts_max;
	OK(try_spawn(made));
	return made;
}

struct probe *fixed(uint32_t where, const struct myc_behaviour *behaviour)
{
	struct probe *made = make(where, behaviour);

	way.fix(made);
	return made;
}

/* ---- errands to places ------------------------------------------------------------------------- */

static int do_post(struct myc_system *system, uint64_t *a)
{
	return myc_post(system, a[0], (uint16_t)a[1], &a[3], a[2], POST_NS);
}

int at(uint32_t where, errand run, uint64_t *a)
{
	return way.at(place_of(where), run, a);
}

static int post_payload(const struct probe *who, uint16_t type, const void *payload, size_t size)
{
	uint64_t a[ERRAND_WORDS] = {who->address, type, size};

	memcpy(&a[3], payload, size);
	return way.at(who->place, do_post, a);
}

int post(const struct probe *who, uint16_t type, uint64_t number)
{
	return post_payload(who, type, &number, sizeof(number));
}

void tell(struct probe *who, job run, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t words[] = {(uintptr_t)run, a, b, c, d};

	OK(post_payload(who, JOB, words, sizeof(words)));
}

int let(struct probe *who, job run, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint32_t before = who->jobs;

	tell(who, run, a, b, c, d);
	UNTIL(who->jobs != before);
	return who->result;
}

void settle(void)
{
	way.settle();
}

void kill_place(uint32_t where)
{
	assert_true(way.processes);
	expect_doubt();
	way.kill(place_of(where));
}

void revive_place(uint32_t where)
{
	way.revive(place_of(where));
}

void bury_place(uint32_t where)
{
	way.bury(place_of(where));
}

void death_of(uint32_t where)
{
	way.died(place_of(where));
}

/* ---- holding an actor -------------------------------------------------------------------------- */

static int do_control(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = a[1] ? myc_suspend(self, a[0]) : myc_resume(self, a[0]);

	(void)me;
	/* More than are taken in a turn: what controls overtakes is taken before the last. */
	return code ? code : do_send_type(self, myc_self(self), PING, 8);
}

static void control(const struct probe *who, bool suspended)
{
	struct probe *keeper = keeper_of(who->place);
	uint32_t before = keeper->pings;

	OK(let(keeper, do_control, who->address, suspended, 0, 0));
	UNTIL(keeper->pings != before);
}

void hold(struct probe *who)
{
	control(who, true);
}

void release(struct probe *who)
{
	control(who, false);
}

static int do_ping(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	return do_send_type(self, keeper_of((uint32_t)a[0])->address, PING, 0);
}

static void ping(uint32_t from, uint32_t to)
{
	int code;

	/* To itself, while others fill its executor's lane: not yet. */
	UNTIL((code = let(keeper_of(from), do_ping, to, 0, 0, 0)) != -EDEADLK);
	OK(code);
}

/* A message from each place to each, and back; thrice, since what came may have set off more. */
void settle_by_pings(void)
{
	uint32_t pings[PLACES], places = 0;

	for (uint32_t p = 0; p < PLACES; p++)
		places += shared->started[p];
	for (int round = 0; round < 3; round++) {
		for (uint32_t p = 0; p < PLACES; p++)
			pings[p] = keeper_of(p)->pings;
		for (uint32_t p = 0; p < PLACES; p++)
			for (uint32_t to = 0; shared->started[p] && to < PLACES; to++)
				if (shared->started[to])
					ping(p, to);
		for (uint32_t p = 0; p < PLACES; p++)
			if (shared->started[p])
				UNTIL(keeper_of(p)->pings - pings[p] >= places);
	}
}

/* ---- what is seen ------------------------------------------------------------------------------ */

uint32_t seen_of(const struct probe *who, enum what what)
{
	if (what == MESSAGE || what == REPLY || what == TIMER || what == SIGNAL)
		return what == MESSAGE ? who->messages
		       : what == REPLY ? who->replies
		       : what == TIMER ? who->timers
				       : who->signals;
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire), n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += who->seen[i].what == what;
	return n;
}

const struct seen *nth(const struct probe *who, enum what what, uint32_t n)
{
	UNTIL(seen_of(who, what) > n);
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++)
		if (who->seen[i].what == what && !n--)
			return &who->seen[i];
	fail_msg("it was seen, and is not noted");
	return NULL;
}

bool saw_number(const struct probe *who, uint64_t number)
{
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++)
		if (who->seen[i].what == MESSAGE && who->seen[i].number == number)
			return true;
	return false;
}

void expect_numbers(const struct probe *who, uint64_t from, uint64_t to)
{
	uint64_t next = from;

	UNTIL(who->messages >= to + 1 - from);
	settle();
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++) {
		if (who->seen[i].what != MESSAGE)
			continue;
		assert_int_equal(who->seen[i].number, next);
		assert_false(who->seen[i].torn);
		next++;
	}
	assert_int_equal(next, to + 1);
}

bool is_down(const struct seen *seen, const struct probe *from, uint32_t kind, int32_t code)
{
	return seen->event.kind == MYC_EVENT_DOWN && seen->event.from == from->address &&
	       seen->event.reason.kind == kind && seen->event.reason.code == code;
}

void expect_down(const struct probe *watcher, const struct probe *who, uint32_t kind)
{
	assert_true(is_down(nth(watcher, SIGNAL, 0), who, kind, 0));
}

bool is_exit(const struct seen *seen, const struct probe *from, uint32_t kind, int32_t code,
	     uint32_t flags)
{
	return seen->event.kind == MYC_EVENT_EXIT && seen->event.from == from->address &&
	       seen->event.reason.kind == kind && seen->event.reason.code == code &&
	       seen->event.flags == flags;
}

/* ---- playing ----------------------------------------------------------------------------------- */

static void usual(struct world_opts *opts)
{
	*opts = (struct world_opts){
		.system = {.sz = sizeof(opts->system),
			   .actors = 64,
			   .lane_slots = 64,
			   .lane_urgent_slots = 16,
			   .outbox = 128,
			   .pending = 512,
			   .buffers = {{256, 32}, {4096, 8}},
			   .loans = 64},
		/* Few a turn: a turn is a small step, and many of them interleave. */
		.executor = {.core = -1,
			     .idle_spins = 20,
			     .batch = 4,
			     .timers = 64,
			     .asks = 128,
			     .watches = 128,
			     .signals = 256},
	};
}

void conform_play(const struct conform_case *of, bool is)
{
	struct world_opts opts;

	usual(&opts);
	if (of->opts)
		of->opts(&opts);
	is_apart = is;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(shared != MAP_FAILED);
	books_reset();
	for (uint32_t p = 0; p < PLACES; p++)
		prepare(keeper_of(p), PROBES + p, p, &plain);
	way.open(&opts);
	of->run();
	way.stop();
	if (books_wrong(way.orderly))
		fail_msg("%s", books_wrong(way.orderly));
	assert_int_equal(shared->wrong, 0);
	way.close();
	munmap(shared, sizeof(*shared));
}
