/* SPDX-License-Identifier: Apache-2.0 */
/* When there is no memory: what was asked for is refused and nothing else changes, and it is done when there is some. */
#include "common/spawn.h"
#include "common/wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/mycelium.h>

#include "core/executor.h"

#define LONG_NS 10000000000ull
#define TICK_NS 500000ull
#define FLOOD	200

enum { GO = 1, CANCEL, WORD };

/* ---- before the C library ------------------------------------------------------------------------ */

/* No zeroed memory of this size is to be had; 0: all is. */
static _Atomic size_t refused;
static _Atomic uint32_t refusals;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define REFUSES true
/* NOLINTBEGIN: the C library's own names for its own functions */
void *__libc_calloc(size_t n, size_t size);
void *calloc(size_t n, size_t size);
void *calloc(size_t n, size_t size)
{
	if (refused && n * size == refused) {
		refusals++;
		return NULL;
	}
	return __libc_calloc(n, size);
}
/* NOLINTEND */
#else
#define REFUSES false
#endif

static void refuse(size_t size)
{
	refusals = 0;
	refused = size;
}

/* ---- moving -------------------------------------------------------------------------------------- */

static _Atomic uint32_t ticks, cancelled;
static _Atomic int cancel_code;
static struct myc_timer ticking;

static int begin_to_tick(struct myc_actor *self)
{
	return myc_timer_start(self, TICK_NS, TICK_NS, 1, &ticking);
}

static int tick(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	ticks += (uint32_t)cookie;
	return 0;
}

static int cancels(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type != CANCEL)
		return 0;
	cancel_code = myc_timer_cancel(self, ticking);
	cancelled++;
	return 0;
}

static const struct myc_behaviour clock_ = {
	.name = "clock", .init = begin_to_tick, .timer = tick, .message = cancels};

static struct myc_system *open_system(const struct myc_system_opts *with)
{
	static const struct myc_executor_opts executor[2] = {{.core = -1}, {.core = -1}};
	struct myc_system_opts opts = *with;
	struct myc_system *system;

	opts.sz = sizeof(opts);
	opts.executors = 2;
	opts.executor = executor;
	assert_int_equal(myc_system_open(&system, &opts, NULL), 0);
	return system;
}

static void close_system(struct myc_system *system)
{
	assert_int_equal(myc_system_stop(system, 10000), 0);
	myc_system_close(system);
}

static void it_ticks_on(void)
{
	uint32_t before = ticks;

	wait_until(ticks > before + 2);
}

static void an_actor_that_cannot_move_stays_with_its_timers(void **state)
{
	const size_t sizes[] = {sizeof(struct myc_actor_more), 4096 * sizeof(uint32_t),
				sizeof(struct myc_moved_timer)};
	struct myc_error error;

	(void)state;
	if (!REFUSES)
		skip(); /* a sanitizer has the allocator */
	struct myc_system *system = open_system(&(struct myc_system_opts){0});
	myc_address actor = spawn(system, &clock_, NULL, 0);

	assert_int_equal(myc_system_start(system, NULL), 0);
	it_ticks_on();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		refuse(sizes[i]);
		assert_int_equal(myc_move(system, actor, 1, LONG_NS, &error), -ENOMEM);
		assert_non_null(strstr(error.cause, "memory"));
		refuse(0);
		it_ticks_on();
		/* Again: nothing of the first is left in the way. */
		refuse(sizes[i]);
		assert_int_equal(myc_move(system, actor, 1, LONG_NS, NULL), -ENOMEM);
		assert_true(refusals);
		refuse(0);
	}
	assert_int_equal(myc_move(system, actor, 1, LONG_NS, NULL), 0);
	it_ticks_on();
	assert_int_equal(myc_post(system, actor, CANCEL, NULL, 0, LONG_NS), 0);
	wait_until(cancelled);
	assert_int_equal(cancel_code, 0);
	close_system(system);
}

/* ---- rings of spent credit ----------------------------------------------------------------------- */

static myc_address pair[2];
static _Atomic uint32_t tellings;

static int floods(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = 0;

	if (message->type != GO)
		return 0;
	if (myc_resolve(self, pair[myc_self(self) == pair[0]], &ref))
		return -ESRCH;
	for (uint32_t i = 0; i < FLOOD && !code; i++)
		code = myc_send(self, &ref, WORD, &i, sizeof(i));
	return code;
}

static const struct myc_behaviour flooder = {.name = "flooder", .message = floods};

static void on_cycle(void *context, const struct myc_cycle_report *report)
{
	(void)context;
	tellings += report->cycle.count == 2;
}

static const struct myc_actor_metrics *metrics(struct myc_system *system, myc_address actor)
{
	return &system->metrics[myc_address_slot(actor)];
}

static void a_ring_is_found_when_there_is_memory_again(void **state)
{
	(void)state;
	if (!REFUSES)
		skip(); /* a sanitizer has the allocator */
	struct myc_system *system = open_system(
		&(struct myc_system_opts){.cycles = MYC_CYCLES_FAIL, .cycle = on_cycle});

	tellings = 0;
	for (uint32_t i = 0; i < 2; i++)
		pair[i] = spawn(system, &flooder, NULL, i);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < 2; i++)
		wait_until(!myc_actor_suspend(system, pair[i]));
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(myc_post(system, pair[i], GO, NULL, 0, LONG_NS), 0);
	for (uint32_t i = 0; i < 2; i++)
		wait_until(__atomic_load_n(&metrics(system, pair[i])->mailbox_depth,
					   __ATOMIC_RELAXED));
	refuse(sizeof(struct myc_actor_more));
	for (uint32_t i = 0; i < 2; i++)
		wait_until(!myc_actor_resume(system, pair[i]));
	/* Both are paused, without a place to note since when. */
	for (uint32_t i = 0; i < 2; i++)
		wait_until(
			__atomic_load_n(&metrics(system, pair[i])->outbox_depth, __ATOMIC_RELAXED));
	wait_until(refusals >= 4); /* looked for again */
	assert_int_equal(tellings, 0);
	refuse(0);
	wait_until(tellings);
	for (uint32_t i = 0; i < 2; i++)
		wait_until(!__atomic_load_n(&metrics(system, pair[i])->outbox_depth,
					    __ATOMIC_RELAXED));
	close_system(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_actor_that_cannot_move_stays_with_its_timers),
		cmocka_unit_test(a_ring_is_found_when_there_is_memory_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
