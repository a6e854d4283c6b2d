/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of time: many timers, how late they are, sleeping and being woken. */
#include <errno.h>
#include <string.h>

#include "mycelium.h"

#define PENDING	  100000
#define TIMERS	  131072
#define CHURN	  1000 /* started and cancelled at a time, with PENDING others */
#define CHURNS	  20
#define FAR_NS	  60000000000u
#define LATE_NS	  2000 /* the share that is later than that counts */
#define NEXT_TURN 1000 /* ns from a turn whose clock is old by then: due in the next */
#define LATENESS  8000 /* timers whose lateness counts, and as many looks at the bare clock */
#define WAKES	  200
#define GAP_NS	  2000000 /* between two wake-ups, as in the raw futex' figure */
#define SETTLE_US 300000
#define IDLE_US	  1000000

/* ---- timers ------------------------------------------------------------------------------------ */

enum { NEVER, DUE, AFRESH };

struct timekeeper {
	uint64_t due, seed;
};

static uint64_t bare[LATENESS];

static struct myc_timer pending[PENDING];
static uint64_t delay[PENDING];
static uint32_t chosen[CHURN];
static uint64_t fill_ticks, start_ticks, cancel_ticks;

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Cancels CHURN of the pending ones, chosen at random, and starts as many. */
static int churn(struct myc_actor *self, uint64_t *seed)
{
	int failed = 0;

	for (uint32_t i = 0; i < CHURN; i++) {
		uint32_t other, at = (uint32_t)(next_random(seed) % PENDING);
		bool taken = true;

		while (taken) { /* each once */
			taken = false;
			for (other = 0; other < i && !taken; other++)
				taken = chosen[other] == at;
			if (taken)
				at = (uint32_t)(next_random(seed) % PENDING);
		}
		chosen[i] = at;
		delay[i] = FAR_NS + next_random(seed) % FAR_NS;
	}
	uint64_t begun = measure_ticks();

	for (uint32_t i = 0; i < CHURN; i++)
		failed += myc_timer_cancel(self, pending[chosen[i]]) != 0;
	uint64_t cancelled = measure_ticks();

	for (uint32_t i = 0; i < CHURN; i++)
		failed += myc_timer_start(self, delay[i], 0, 0, &pending[chosen[i]]) != 0;
	start_ticks += measure_ticks() - cancelled;
	cancel_ticks += cancelled - begun;
	return failed ? -EPROTO : 0;
}

static uint64_t next_gap(struct timekeeper *keeper)
{
	return 50000 + next_random(&keeper->seed) % 200000;
}

static int timekeeper_next(struct myc_actor *self)
{
	struct timekeeper *keeper = myc_state(self);
	uint64_t after = next_gap(keeper);

	keeper->due = myc_now_ns(self) + after;
	return myc_timer_start(self, after, 0, DUE, NULL);
}

/* What the machine itself takes in the same seconds: nothing but a look at the clock until a moment has come. */
static uint64_t bare_clock(uint64_t after)
{
	uint64_t now = measure_ns(), due = now + after;

	while (now < due)
		now = measure_ns();
	return now - due;
}

static int timekeeper_started(struct myc_actor *self)
{
	struct timekeeper *keeper = myc_state(self);
	int code = 0;

	keeper->seed = 0x9e3779b97f4a7c15u;
	for (uint32_t i = 0; i < PENDING; i++)
		delay[i] = FAR_NS + next_random(&keeper->seed) % FAR_NS;
	uint64_t begun = measure_ticks();

	for (uint32_t i = 0; i < PENDING && !code; i++)
		code = myc_timer_start(self, delay[i], 0, 0, &pending[i]);
	fill_ticks = measure_ticks() - begun;
	for (int i = 0; i < CHURNS && !code; i++)
		code = churn(self, &keeper->seed);
	/* The next in a turn of its own, whose clock is not as old as this handler. */
	if (!code)
		code = myc_timer_start(self, NEXT_TURN, 0, AFRESH, NULL);
	return code ? stage_failed(code) : 0;
}

static int timekeeper_timer(struct myc_actor *self, uint64_t cookie)
{
	struct timekeeper *keeper = myc_state(self);
	uint64_t now = measure_ns();

	if (cookie == AFRESH)
		return timekeeper_next(self);
	if (cookie != DUE) /* one of the far ones: not within a scene's time */
		return stage_failed(-ETIME);
	stage->sample[stage->count] = now > keeper->due ? now - keeper->due : 0;
	bare[stage->count++] = bare_clock(next_gap(keeper));
	if (stage->count < LATENESS)
		return myc_timer_start(self, NEXT_TURN, 0, AFRESH, NULL);
	stage_done();
	return 0;
}

static const struct myc_behaviour timekeeper = {.name = "timekeeper",
						.state_size = sizeof(struct timekeeper),
						.started = timekeeper_started,
						.timer = timekeeper_timer};

static void report_late(const char *what, uint64_t *late, const char *mode)
{
	static const struct {
		const char *name;
		double share;
	} quantile[] = {{"p50", 0.5}, {"p99", 0.99}};
	char figure[48];
	double over = 0;

	for (int i = 0; i < LATENESS; i++)
		over += late[i] > LATE_NS;
	qsort(late, LATENESS, sizeof(*late), measure_order);
	for (int i = 0; i < 2; i++) {
		snprintf(figure, sizeof(figure), "%s late by, %s", what, quantile[i].name);
		measure_report(figure, "ns", measure_quantile(late, LATENESS, quantile[i].share),
			       mode);
	}
	snprintf(figure, sizeof(figure), "%s late by over 2 us", what);
	measure_report(figure, "%", 100 * over / LATENESS, mode);
}

void play_timers(void)
{
	static const struct role cast[1] = {{&timekeeper, 0}};
	const char *mode = "one executor, spin, core 0, 100,000 pending";
	int code = scene_run(
		&(struct scene){.cast = cast, .cast_size = 1, .executors = 1, .timers = TIMERS});

	if (code) {
		printf("# timers are left out: %s\n", strerror(-code));
		return;
	}
	measure_report("timer start, from none to 100,000", "ns",
		       (double)fill_ticks * measure_tick_ns() / PENDING,
		       "one executor, spin, core 0");
	measure_report("timer start", "ns",
		       (double)start_ticks * measure_tick_ns() / (CHURN * CHURNS), mode);
	measure_report("timer cancel", "ns",
		       (double)cancel_ticks * measure_tick_ns() / (CHURN * CHURNS), mode);
	report_late("timer", stage->sample, mode);
	report_late("bare clock", bare, "in the same thread, by turns with the timers");
}

/* ---- sleep ------------------------------------------------------------------------------------- */

static int sleeper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct message stamp;

	(void)self;
	if (message->type != TRIP || message->size != sizeof(stamp))
		return stage_failed(-EPROTO);
	uint64_t now = measure_ticks();

	memcpy(&stamp, message->payload, sizeof(stamp));
	/* The first also finds the lane. */
	if (stage->count++)
		stage->sample[stage->count - 2] = now - stamp.word[0];
	if (stage->count == WAKES + 1)
		stage_done();
	return 0;
}

struct alarm_clock {
	struct myc_ref sleeper;
};

static int alarm_started(struct myc_actor *self)
{
	struct alarm_clock *clock = myc_state(self);

	if (scene_first(self, &clock->sleeper))
		return 0;
	return myc_timer_start(self, GAP_NS, GAP_NS, 1, NULL);
}

static int alarm_timer(struct myc_actor *self, uint64_t cookie)
{
	struct alarm_clock *clock = myc_state(self);
	struct message stamp = {{0}};

	if (!cookie)
		return alarm_started(self);
	stamp.word[0] = measure_ticks();
	/* Without credit yet: the next time. */
	int code = myc_try_send(self, &clock->sleeper, TRIP, &stamp, sizeof(stamp));

	return code && code != -EAGAIN ? stage_failed(code) : 0;
}

static const struct myc_behaviour sleeper = {.name = "sleeper", .message = sleeper_message};
static const struct myc_behaviour alarm_clock = {.name = "alarm",
						 .state_size = sizeof(struct alarm_clock),
						 .started = alarm_started,
						 .timer = alarm_timer};

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void report_idle(void)
{
	static const struct myc_executor_opts executor = {.core = 1, .idle = MYC_IDLE_SLEEP};
	struct myc_system_opts opts = {.sz = sizeof(opts), .executors = 1, .executor = &executor};
	struct myc_spawn_opts actor = {.sz = sizeof(actor), .behaviour = &sleeper};
	struct myc_system *system;
	struct myc_error error = {0};
	myc_address address;

	scene_must(myc_system_open(&system, &opts, &error), &error);
	scene_must(myc_spawn(system, &actor, &address, &error), &error);
	scene_must(myc_system_start(system, &error), &error);
	usleep(SETTLE_US);
	uint64_t cpu = cpu_ns(), wall = measure_ns();

	usleep(IDLE_US);
	double busy = (double)(cpu_ns() - cpu), passed = (double)(measure_ns() - wall);

	measure_report("sleeping executor, idle CPU", "%", 100 * busy / passed,
		       "one executor, sleep, core 1, no messages");
	myc_system_stop(system, 1000);
	myc_system_close(system);
}

void play_sleep(void)
{
	static const struct role cast[2] = {{&sleeper, 1}, {&alarm_clock, 0}};
	static const struct myc_executor_opts executor[2] = {{.core = 0, .idle = MYC_IDLE_SPIN},
							     {.core = 1, .idle = MYC_IDLE_SLEEP}};
	int code = scene_run(&(struct scene){
		.cast = cast, .cast_size = 2, .executors = 2, .executor = executor});

	if (code) {
		printf("# waking is left out: %s\n", strerror(-code));
	} else {
		qsort(stage->sample, WAKES, sizeof(stage->sample[0]), measure_order);
		measure_report("woken and handling, p50", "ns",
			       measure_quantile(stage->sample, WAKES, 0.5) * measure_tick_ns(),
			       "threads, sleep, woken from core 0, on core 1, 2 ms apart");
	}
	report_idle();
}
