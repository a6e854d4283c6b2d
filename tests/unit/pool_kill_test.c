/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers between three real processes that really run at once: each is killed with -9 at every
 * named point of take, lend, split, lend on, keep, merge, return and recovery, or at random; a
 * successor goes on. Then all weights are home. The test is the holder: it makes the memory, forks
 * and reaps.
 */
#include "common/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"

static void point(const char *name);
static _Noreturn void must_fail(const char *what);
#define MYC_POINT(name) point(name)
#define must(holds)	((holds) ? (void)0 : must_fail(#holds))

#include "unit/pool_sides.h"

#define CAPACITY   2
#define MESSAGES   6
#define POINTS_MAX 3000
#define FAILED	   3 /* exit code of a side that found something wrong */
#define PATIENCE   30000000000ull
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define RANDOM_KILLS 40
#else
#define RANDOM_KILLS 300
#endif

static uint32_t points, death; /* of this process */

static void point(const char *name)
{
	if (!strcmp(name, "waits"))
		sched_yield();
	else if (++points == death)
		kill(getpid(), SIGKILL);
}

static _Noreturn void must_fail(const char *what)
{
	fprintf(stderr, "a side found: not %s\n", what);
	_exit(FAILED);
}

static pid_t start(int side, uint32_t die_at)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	death = die_at;
	if (side == OWNER)
		owner();
	else
		holder(side);
	_exit(0);
}

static bool quiet(void)
{
	return __atomic_load_n(&shared->home, __ATOMIC_ACQUIRE);
}

static void reap(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		assert_int_equal(errno, EINTR);
}

static void end_all(const pid_t *pid)
{
	struct myc_pool_sums sums;

	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	for (int s = 0; s < SIDES; s++) {
		int status;

		reap(pid[s], &status);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	count_weights(&sums);
	assert_int_equal(sums.out, 0);
	assert_int_equal(sums.home, sums.total);
	assert_no_faults();
}

/* Who has ended starts again, unless something was wrong. Returns how many were killed. */
static unsigned look_after(pid_t *pid)
{
	unsigned killed = 0;

	for (int s = 0; s < SIDES; s++) {
		int status;

		if (waitpid(pid[s], &status, WNOHANG) != pid[s])
			continue;
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		pid[s] = start(s, 0);
		killed++;
	}
	return killed;
}

static bool every_point_of(int victim, uint32_t at)
{
	uint64_t until = myc_clock_ns() + PATIENCE;
	unsigned killed = 0;
	pid_t pid[SIDES];

	reset(CAPACITY);
	for (int s = 0; s < SIDES; s++)
		pid[s] = start(s, s == victim ? at : 0);
	do {
		killed += look_after(pid);
		assert_true(myc_clock_ns() < until);
		sched_yield();
	} while (!quiet());
	/* It may die yet, at a point after the last weight came home. */
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	for (int s = 0; s < SIDES; s++) {
		int status;

		reap(pid[s], &status);
		if (WIFSIGNALED(status)) {
			assert_int_equal(WTERMSIG(status), SIGKILL);
			pid[s] = start(s, 0);
			killed++;
		} else {
			assert_int_equal(WEXITSTATUS(status), 0);
			pid[s] = start(s, 0);
		}
	}
	end_all(pid);
	return killed > 0;
}

static void killed_at_every_point(int victim)
{
	uint32_t at = 1;

	messages = MESSAGES;
	make_regions(CAPACITY);
	while (at < POINTS_MAX && every_point_of(victim, at))
		at += TEST_SHORTER;
	print_message("  killed at %u points\n", (at - 1) / TEST_SHORTER);
	assert_true(at > 50 && at < POINTS_MAX);
	drop_regions();
}

static void an_owner_killed_at_any_point_gets_all_its_weights_home(void **state)
{
	(void)state;
	killed_at_every_point(OWNER);
}

static void a_holder_that_lends_on_may_be_killed_at_any_point(void **state)
{
	(void)state;
	killed_at_every_point(FIRST);
}

static void a_holder_may_be_killed_at_any_point(void **state)
{
	(void)state;
	killed_at_every_point(SECOND);
}

static void under_kills_at_random_no_weight_is_lost_and_none_doubled(void **state)
{
	uint64_t seed = test_seed() * 0x9e3779b97f4a7c15ull, until;
	unsigned killed = 0;
	pid_t pid[SIDES];

	(void)state;
	messages = UINT32_MAX;
	make_regions(3);
	reset(3);
	for (int s = 0; s < SIDES; s++)
		pid[s] = start(s, 0);
	while (killed < RANDOM_KILLS) {
		struct timespec pause = {.tv_nsec = (long)(100000 + test_random(&seed) % 3000000)};

		nanosleep(&pause, NULL);
		kill(pid[test_random(&seed) % SIDES], SIGKILL);
		uint64_t deadline = myc_clock_ns() + PATIENCE;
		unsigned found = 0;

		while (!found && myc_clock_ns() < deadline)
			found = look_after(pid);
		assert_true(found);
		killed += found;
	}
	/* The owner's successor reads it anew. */
	messages = __atomic_load_n(&shared->sent, __ATOMIC_ACQUIRE);
	kill(pid[OWNER], SIGKILL);
	int status;

	reap(pid[OWNER], &status);
	messages = shared->sent;
	pid[OWNER] = start(OWNER, 0);
	for (until = myc_clock_ns() + PATIENCE; !quiet(); sched_yield())
		assert_true(myc_clock_ns() < until);
	print_message("  %u killed, %u messages, %u in doubt (seed %llu)\n", killed, messages,
		      shared->doubted, (unsigned long long)test_seed());
	assert_true(messages > RANDOM_KILLS);
	end_all(pid);
	drop_regions();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_killed_at_any_point_gets_all_its_weights_home),
		cmocka_unit_test(a_holder_that_lends_on_may_be_killed_at_any_point),
		cmocka_unit_test(a_holder_may_be_killed_at_any_point),
		cmocka_unit_test(under_kills_at_random_no_weight_is_lost_and_none_doubled),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(shared != MAP_FAILED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
