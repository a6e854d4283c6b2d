/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ends the exit watch notes, of whom, and how soon. A process that was waited for has passed the
 * tracepoint, so the word is looked at without any waiting; WNOWAIT shows that no reaping is needed.
 */
#include "exit_watch_bed.h"

#include "base/histogram.h"

/* ThreadSanitizer has a thread of its own in each process, which outlives those counted here. */
#ifdef __SANITIZE_THREAD__
#define FOREIGN_THREAD 1
#else
#define FOREIGN_THREAD 0
#endif

/* Ended, and not yet reaped: its parent has not moved. */
static void child_await_end(const struct child *child)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
}

/* A field of /proc/PID/status: "State:" -> its letter, "Threads:" -> its number. */
static int status_field(pid_t pid, const char *name)
{
	char path[48], line[256];
	int value = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name))) {
			const char *at = line + strlen(name) + 1;

			value = *at >= '0' && *at <= '9' ? atoi(at) : *at;
		}
	if (file)
		fclose(file);
	return value;
}

static void await_status(pid_t pid, const char *name, int value)
{
	uint64_t limit = myc_clock_ns() + DEADLINE;

	while (status_field(pid, name) != value)
		if (myc_clock_ns() > limit)
			fail_msg("%s of %d is not %d", name, (int)pid, value);
		else
			sched_yield();
}

/* ---- what children do ------------------------------------------------------------------------ */

#define THREADS 3

/* Ends its thread alone, as pthread_exit does at its end, whatever the thread is. */
static void end_thread(void)
{
	syscall(SYS_exit, 0);
}

static void *thread_until_told(void *unused)
{
	say('t');
	await_word();
	end_thread();
	return unused;
}

static void start_threads(int count)
{
	pthread_t thread;

	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, thread_until_told, NULL))
			_exit(2);
}

static void main_ends_threads_stay(void)
{
	start_threads(THREADS);
	end_thread();
}

static void threads_end_main_stays(void)
{
	start_threads(THREADS);
	while (status_field(getpid(), "Threads:") != 1)
		sched_yield();
	wait_for_word();
}

static void threads_and_main_stay(void)
{
	start_threads(THREADS);
	pause();
}

static void becomes_cat(void)
{
	wait_for_word();
	dup2(go_fd, STDIN_FILENO);
	dup2(say_fd, STDOUT_FILENO);
	execl("/bin/cat", "cat", (char *)NULL);
	_exit(2);
}

static void *exec_cat(void *unused)
{
	becomes_cat();
	return unused;
}

static void becomes_cat_by_another_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_cat, NULL))
		_exit(2);
	pause();
}

static void has_a_child_that_ends(void)
{
	await_word();
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	if (waitpid(pid, NULL, 0) != pid)
		_exit(2);
	wait_for_word();
}

/* ---- which end counts ------------------------------------------------------------------------ */

static void a_process_is_dead_with_its_last_thread_not_with_its_main_thread(void **state)
{
	struct child child;

	(void)state;
	if (FOREIGN_THREAD)
		skip();
	child_start(&child, main_ends_threads_stay);
	child_register(&child, 1, 7);
	for (int i = 0; i < THREADS; i++)
		child_hear(&child, 't');
	await_status(child.pid, "State:", 'Z');
	for (int left = THREADS; left > 0; left--) {
		await_status(child.pid, "Threads:", left + 1); /* with the leader's remains */
		assert_int_equal(dead(1), 0);
		child_tell(&child, 'g');
	}
	child_await_end(&child);
	assert_int_equal(dead(1), 7);
	child_reap(&child);
}

static void a_process_whose_other_threads_ended_is_not_dead(void **state)
{
	struct child child;

	(void)state;
	if (FOREIGN_THREAD)
		skip();
	child_start(&child, threads_end_main_stays);
	child_register(&child, 1, 7);
	for (int i = 0; i < THREADS; i++) {
		child_hear(&child, 't');
		child_tell(&child, 'g');
	}
	child_hear(&child, 'r');
	assert_int_equal(dead(1), 0);
	child_tell(&child, 'g');
	child_await_end(&child);
	assert_int_equal(dead(1), 7);
	child_reap(&child);
}

static void a_killed_group_is_dead_before_it_is_reaped(void **state)
{
	struct child child;

	(void)state;
	child_start(&child, threads_and_main_stay);
	child_register(&child, MYC_PROCESSES_MAX - 1, 1);
	for (int i = 0; i < THREADS; i++)
		child_hear(&child, 't');
	assert_int_equal(dead(MYC_PROCESSES_MAX - 1), 0);
	kill(child.pid, SIGKILL);
	child_await_end(&child);
	assert_int_equal(dead(MYC_PROCESSES_MAX - 1), 1);
	child_reap(&child);
	for (uint32_t row = 0; row < MYC_PROCESSES_MAX - 1; row++)
		assert_int_equal(dead(row), 0);
}

static void a_process_stays_registered_over_exec(void **state)
{
	struct child child;

	(void)state;
	child_start(&child, becomes_cat);
	child_register(&child, 2, 3);
	child_hear(&child, 'r');
	child_tell(&child, 'g');
	child_tell(&child, 'x');
	child_hear(&child, 'x'); /* cat's */
	assert_int_equal(dead(2), 0);
	kill(child.pid, SIGKILL);
	child_await_end(&child);
	assert_int_equal(dead(2), 3);
	child_reap(&child);
}

/* The limit that the program's head names: the thread that called is the leader from then on. */
static void an_exec_by_another_thread_leaves_the_registration_behind(void **state)
{
	struct child child;

	(void)state;
	child_start(&child, becomes_cat_by_another_thread);
	child_register(&child, 2, 3);
	child_hear(&child, 'r');
	child_tell(&child, 'g');
	child_tell(&child, 'x');
	child_hear(&child, 'x');
	kill(child.pid, SIGKILL);
	child_reap(&child);
	assert_int_equal(dead(2), 0);
}

/* ---- who is meant ---------------------------------------------------------------------------- */

static void children_of_a_registered_process_are_not_it(void **state)
{
	struct child child;

	(void)state;
	child_start(&child, has_a_child_that_ends);
	child_register(&child, 4, 2);
	child_tell(&child, 'g');
	child_hear(&child, 'r');
	assert_int_equal(dead(4), 0);
	child_tell(&child, 'g');
	child_await_end(&child);
	assert_int_equal(dead(4), 2);
	child_reap(&child);
}

static void whoever_is_not_registered_changes_nothing(void **state)
{
	struct myc_process_row before[MYC_PROCESSES_MAX];
	struct child child;

	(void)state;
	for (uint32_t row = 0; row < MYC_PROCESSES_MAX; row++)
		rows[row].incarnation = 9;
	memcpy(before, rows, sizeof(before));
	child_start(&child, threads_and_main_stay);
	kill(child.pid, SIGKILL);
	child_reap(&child);
	assert_memory_equal(before, rows, sizeof(before));
}

/* fork with a given pid; -EEXIST when somebody has it. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};
	long got = syscall(SYS_clone3, &args, sizeof(args));

	return got < 0 ? -errno : (pid_t)got;
}

static void a_pid_that_is_used_again_is_not_registered(void **state)
{
	pid_t again = -EEXIST;

	(void)state;
	for (uint64_t try = 1; again == -EEXIST && try <= 100; try++) {
		struct child child;

		child_start(&child, wait_for_word);
		child_register(&child, 5, try);
		child_tell(&child, 'g');
		child_reap(&child);
		assert_int_equal(dead(5), try);
		again = fork_as(child.pid);
		if (!again)
			_exit(0);
	}
	assert_true(again > 0);
	rows[5].dead_incarnation = 0;
	assert_int_equal(waitpid(again, NULL, 0), again);
	assert_int_equal(dead(5), 0);
}

/* ---- the word -------------------------------------------------------------------------------- */

static void the_word_only_grows(void **state)
{
	struct child child;

	(void)state;
	rows[3].dead_incarnation = 7;
	child_start(&child, wait_for_word);
	child_register(&child, 3, 6);
	child_tell(&child, 'g');
	child_reap(&child);
	assert_int_equal(dead(3), 7);
	child_start(&child, wait_for_word);
	child_register(&child, 3, 6);
	child_register(&child, 3, 8);
	child_tell(&child, 'g');
	child_reap(&child);
	assert_int_equal(dead(3), 8);
}

static void what_cannot_be_registered_is_refused(void **state)
{
	struct child child;

	(void)state;
	child_start(&child, wait_for_word);
	assert_int_equal(myc_exit_watch_register(watch, child.pidfd, MYC_PROCESSES_MAX, 1),
			 -EINVAL);
	assert_int_equal(myc_exit_watch_register(watch, child.pidfd, 0, 0), -EINVAL);
	assert_int_equal(myc_exit_watch_register(watch, child.told, 0, 1), -EBADF);
	int pidfd = dup(child.pidfd);
	child_tell(&child, 'g');
	child_reap(&child);
	int err = myc_exit_watch_register(watch, pidfd, 0, 1);
	assert_true(err == -ENOENT || err == -ESRCH);
	close(pidfd);
}

/* ---- many ------------------------------------------------------------------------------------ */

#define AT_ONCE 8
#define ROUNDS	25

/* Drawn before the fork, for the child. */
static struct {
	unsigned threads;
	enum { END_EXIT, END_THREADS, END_FAULT, END_KILL, ENDS } end;
} plan;

static void random_body(void)
{
	start_threads((int)plan.threads);
	wait_for_word();
	if (plan.end == END_THREADS)
		end_thread();
	if (plan.end == END_FAULT)
		raise(SIGSEGV);
}

static void end_as_planned(const struct child *child, unsigned threads, unsigned end)
{
	if (end == END_KILL) {
		kill(child->pid, SIGKILL);
		return;
	}
	/* Threads and main read the same pipe, in any order; main may end it before all have. */
	for (unsigned i = 0; i < threads + 1; i++)
		if (write(child->told, "g", 1) != 1)
			assert_int_equal(errno, EPIPE);
}

/* Runs of the program that the kernel skipped because another was interrupted on that CPU. */
static uint64_t misses(void)
{
	struct bpf_link_info link = {0};
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(link);
	int fd = bpf_obj_get(PIN);

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &link, &size), 0);
	close(fd);
	fd = bpf_prog_get_fd_by_id(link.prog_id);
	assert_true(fd >= 0);
	size = sizeof(info);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.recursion_misses;
}

static void two_hundred_random_processes_leave_the_newest_dead_of_each_row(void **state)
{
	uint64_t chance = test_seed(), expected[MYC_PROCESSES_MAX] = {0};
	uint64_t before = misses(), missed = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct child child[AT_ONCE];
		unsigned threads[AT_ONCE], end[AT_ONCE];

		for (unsigned i = 0; i < AT_ONCE; i++) {
			uint32_t row = (uint32_t)(test_random(&chance) % MYC_PROCESSES_MAX);
			uint64_t incarnation = 1 + test_random(&chance) % 1000;

			threads[i] = plan.threads = (unsigned)(test_random(&chance) % 4);
			plan.end = test_random(&chance) % ENDS;
			if (FOREIGN_THREAD && plan.end == END_THREADS)
				plan.end = END_EXIT;
			end[i] = plan.end;
			child_start(&child[i], random_body);
			if (test_random(&chance) % 4) {
				child_register(&child[i], row, incarnation);
				if (expected[row] < incarnation)
					expected[row] = incarnation;
			}
		}
		for (unsigned i = 0; i < AT_ONCE; i++)
			end_as_planned(&child[i], threads[i], end[i]);
		for (unsigned i = 0; i < AT_ONCE; i++)
			child_reap(&child[i]);
		for (uint32_t row = 0; row < MYC_PROCESSES_MAX; row++) {
			if (dead(row) == expected[row])
				continue;
			/* A kernel that preempts tracing programs skips an end on the CPU where one is
			 * interrupted, and counts it: then the supervisor's word after reaping it is. */
			if (dead(row) > expected[row] || ++missed > misses() - before)
				fail_msg("seed %llu, round %d: row %u is %llu, not %llu",
					 (unsigned long long)test_seed(), round, row,
					 (unsigned long long)dead(row),
					 (unsigned long long)expected[row]);
			expected[row] = dead(row);
		}
	}
	if (missed)
		print_message("  the kernel skipped %llu of these ends\n",
			      (unsigned long long)missed);
}

/* ---- how fast -------------------------------------------------------------------------------- */

static void the_word_flips_soon_after_a_kill(void **state)
{
	static struct myc_histogram latency;

	(void)state;
	for (uint64_t incarnation = 1; incarnation <= 20; incarnation++) {
		struct child child;

		child_start(&child, wait_for_word);
		child_register(&child, 0, incarnation);
		child_hear(&child, 'r');
		uint64_t before = myc_clock_ns();
		kill(child.pid, SIGKILL);
		while (dead(0) != incarnation && myc_clock_ns() - before < DEADLINE)
			sched_yield(); /* it may have to die on our core */
		uint64_t took = myc_clock_ns() - before;
		assert_int_equal(dead(0), incarnation);
		myc_histogram_add(&latency, took);
		child_reap(&child);
	}
	print_message("kill to dead: median %.1f us, worst %.1f us of 20\n",
		      (double)myc_histogram_quantile(&latency, 0.5) / 1e3,
		      (double)latency.max / 1e3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_is_dead_with_its_last_thread_not_with_its_main_thread),
		TEST(a_process_whose_other_threads_ended_is_not_dead),
		TEST(a_killed_group_is_dead_before_it_is_reaped),
		TEST(a_process_stays_registered_over_exec),
		TEST(an_exec_by_another_thread_leaves_the_registration_behind),
		TEST(children_of_a_registered_process_are_not_it),
		TEST(whoever_is_not_registered_changes_nothing),
		TEST(a_pid_that_is_used_again_is_not_registered),
		TEST(the_word_only_grows),
		TEST(what_cannot_be_registered_is_refused),
		TEST(two_hundred_random_processes_leave_the_newest_dead_of_each_row),
		TEST(the_word_flips_soon_after_a_kill),
	};

	if (!bed_there())
		return TEST_SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
