/* SPDX-License-Identifier: Apache-2.0 */
/* A rolling upgrade: two processes, three generations of a schema, every pair of them, one process killed and
 * restarted as another generation at a time while messages flow. Nothing is lost, what is new reads as null in
 * what is old, answers too. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/house.h"

#include <sbe/actors/upgrade0.h>
#include <sbe/actors/upgrade1.h>
#include <sbe/actors/upgrade2.h>

#include "base/clock.h"
#include "core/executor.h"

#define LINE	   "forty-eight bytes, that do not go in a slot, so!"
#define VENUE_NULL UINT32_MAX
#define FLAGS_NULL UINT64_MAX
#define WANTED	   500 /* of each kind, in each pair of generations */

_Static_assert(sizeof(LINE) == 49, "as long as the field");

enum kind { TRADE, BATCH, NOTE, ASK, EXTRA, KINDS };

/* What a process leaves to its successor, in its region. */
struct side {
	uint64_t sent, asked, refused,
		answered[3][3];	       /* source: by its and the sink's generation */
	uint64_t last, counted, again; /* sink */
	uint64_t by[3][3][KINDS];      /* by the writer's and its own */
	uint64_t wrong, line;
	uint64_t stopped; /* source: sends no more */
};

/* Written by the test. */
static volatile struct {
	uint32_t generation[2];
	uint32_t stop;
} * shared;
static struct side *side; /* of this process */
static struct house house;

static void wrong(uint64_t line)
{
	if (!side->wrong++)
		side->line = line;
}

/* Each number once, in order. A source that was killed behind a send, before it noted it, sends it again; and what
 * the sink had in hand comes again to its successor. */
static void came(const struct myc_message *message, uint64_t number, uint32_t writer,
		 enum kind kind, uint32_t reader)
{
	(void)message;
	if (number == side->last) {
		side->again++;
		return;
	}
	if (number != side->last + 1 || writer > 2)
		wrong(__LINE__);
	side->by[writer % 3][reader][kind]++;
	side->counted++;
	side->last = number;
}

#define CAT_(a, b) a##b
#define CAT(a, b)  CAT_(a, b)
#define P(name)	   CAT(CAT(CAT(upgrade, GENERATION), _), name)
#define H(name)	   CAT(CAT(name, _), GENERATION)

#define GENERATION 0
#include "upgrade_side.h"
#undef GENERATION
#define GENERATION 1
#include "upgrade_side.h"
#undef GENERATION
#define GENERATION 2
#include "upgrade_side.h"
#undef GENERATION

#define SINK MYC_WITH(.redeliver = true)
UPGRADE0_SINK_BEHAVIOUR(sink0, SINK, on_trade_0, on_batch_0, on_note_0, on_ask_0);
UPGRADE1_SINK_BEHAVIOUR(sink1, SINK, on_trade_1, on_batch_1, on_note_1, on_ask_1, on_extra_1);
UPGRADE2_SINK_BEHAVIOUR(sink2, SINK, on_trade_2, on_batch_2, on_note_2, on_ask_2, on_extra_2);

static const struct myc_timer_plan ticks = {.delay_ns = 200000, .period_ns = 200000};
static const struct myc_behaviour source[3] = {
	{.name = "source0",
	 .state_size = sizeof(struct source_0),
	 .timer = tick_0,
	 .reply = reply_0,
	 .timers = &ticks,
	 .timers_count = 1},
	{.name = "source1",
	 .state_size = sizeof(struct source_1),
	 .timer = tick_1,
	 .reply = reply_1,
	 .timers = &ticks,
	 .timers_count = 1},
	{.name = "source2",
	 .state_size = sizeof(struct source_2),
	 .timer = tick_2,
	 .reply = reply_2,
	 .timers = &ticks,
	 .timers_count = 1},
};

/* ---- processes --------------------------------------------------------------------------------- */

static void furnish(struct house *h, struct myc_system *system, uint32_t process)
{
	const struct myc_behaviour *sink[3] = {&sink0.as, &sink1.as, &sink2.as};
	uint32_t generation = shared->generation[process];
	struct myc_spawn_opts opts = {.sz = sizeof(opts)};

	side = house_user(h, process);
	opts.behaviour = process ? sink[generation] : &source[generation];
	house_spawn(h, system, process, &opts, 1);
}

static const struct myc_system_opts opts = {.sz = sizeof(opts), .actors = 8};
static const struct house_process plan[2] = {{&opts, furnish}, {&opts, furnish}};

static const volatile struct side *side_of(uint32_t process)
{
	return house_user(&house, process);
}

static bool fine(void)
{
	for (uint32_t p = 0; p < 2; p++)
		if (side_of(p)->wrong)
			print_error("process %u was wrong %llu times, first in line %llu\n", p,
				    (unsigned long long)side_of(p)->wrong,
				    (unsigned long long)side_of(p)->line);
	return !side_of(0)->wrong && !side_of(1)->wrong;
}

/* Has each kind gone from this generation to that, and an answer back? */
static bool seen(uint32_t from, uint32_t to)
{
	bool all = side_of(0)->answered[from][to] >= WANTED;

	for (int kind = 0; kind < KINDS; kind++)
		all &= side_of(1)->by[from][to][kind] >= WANTED ||
		       (kind == EXTRA && (!from || !to));
	return all && (!from || to || side_of(0)->refused >= WANTED);
}

static void until_seen(uint32_t from, uint32_t to)
{
	uint64_t limit = myc_clock_ns() + 60000000000u;

	while (!seen(from, to) && fine()) {
		if (myc_clock_ns() > limit) {
			print_error("generation %u to %u: sent %llu, came %llu, answers %llu\n",
				    from, to, (unsigned long long)side_of(0)->sent,
				    (unsigned long long)side_of(1)->counted,
				    (unsigned long long)side_of(0)->answered[from][to]);
			fail();
		}
		usleep(1000);
	}
	assert_true(fine());
}

static void restart(uint32_t process, uint32_t generation)
{
	house_kill(&house, process);
	shared->generation[process] = generation;
	house_start(&house, process);
}

static uint64_t letters(enum myc_dead_letter why)
{
	const struct myc_executor_words *words =
		myc_region_block(&house.region[1], MYC_BLOCK_EXECUTOR, 0, NULL);

	return __atomic_load_n(&words->dead_letters[why], __ATOMIC_RELAXED);
}

static void a_rolling_upgrade_loses_nothing(void **state)
{
	/* source, sink: all pairs, one of both changes at a time */
	static const uint32_t steps[][2] = {{0, 0}, {1, 0}, {2, 0}, {2, 1}, {1, 1},
					    {0, 1}, {0, 2}, {1, 2}, {2, 2}};
	const uint32_t count = sizeof(steps) / sizeof(steps[0]);

	(void)state;
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	house_open(&house, plan, 2, sizeof(struct side));
	house_watch_exits(&house);
	house_start(&house, 1);
	house_start(&house, 0);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t p = 0; p < 2 && i; p++) {
			if (steps[i][p] == steps[i - 1][p])
				continue;
			restart(p, steps[i][p]);
		}
		until_seen(steps[i][0], steps[i][1]);
	}
	shared->stop = 1;
	for (uint64_t limit = myc_clock_ns() + 30000000000u;
	     (!__atomic_load_n(&side_of(0)->stopped, __ATOMIC_ACQUIRE) ||
	      side_of(1)->last != side_of(0)->sent) &&
	     fine() && myc_clock_ns() < limit;)
		usleep(1000);
	assert_true(fine());
	assert_true(side_of(0)->sent > 9 * KINDS * WANTED);
	assert_int_equal(side_of(1)->last, side_of(0)->sent);
	assert_int_equal(side_of(1)->counted, side_of(0)->sent);
	assert_true(side_of(1)->again <= count - 1);
	assert_int_equal(letters(MYC_DEAD_LETTER_MALFORMED), 0);
	assert_int_equal(letters(MYC_DEAD_LETTER_NOT_ACCEPTED), 0);
	assert_int_equal(letters(MYC_DEAD_LETTER_IN_DOUBT), 0);
	print_message("%llu sent, %llu came, %llu came again at %u restarts, %llu asked\n",
		      (unsigned long long)side_of(0)->sent, (unsigned long long)side_of(1)->counted,
		      (unsigned long long)side_of(1)->again, count - 1,
		      (unsigned long long)side_of(0)->asked);
	house_close(&house);
	munmap((void *)(uintptr_t)shared, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rolling_upgrade_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
