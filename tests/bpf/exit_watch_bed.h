/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit watch over a process table of its own: nothing is attached to a network, and the pins
 * are in a bpffs of this test's mount namespace. Children do what they are told by a word.
 */
#ifndef TESTS_BPF_EXIT_WATCH_BED_H
#define TESTS_BPF_EXIT_WATCH_BED_H

#include "common/test.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "common/exit_rig.h"

#define NAME	 "mycexit"
#define PIN	 EXIT_RIG_BPFFS "/mycelium/" NAME "/exit_watch"
#define SECOND	 1000000000ull
#define DEADLINE (10 * SECOND)

static struct myc_program *program;
static struct myc_exit_watch *watch;
static struct myc_process_row *rows;

#define must(call)                                                      \
	do {                                                            \
		char line_[1024];                                       \
		if (call) {                                             \
			myc_error_format(&error, line_, sizeof(line_)); \
			fail_msg("%s", line_);                          \
		}                                                       \
	} while (0)

static void load(void)
{
	struct myc_error error = {0};

	must(exit_rig_open(NAME, &program, &watch, &error));
}

static int set_up(void **state)
{
	(void)state;
	load();
	rows = myc_program_maps(program)->processes;
	return 0;
}

static int tear_down(void **state)
{
	struct myc_program_opts opts = {.sz = sizeof(opts), .name = NAME};

	(void)state;
	myc_exit_watch_close(watch);
	myc_program_close(program);
	return myc_program_cleanup(&opts, 1, NULL);
}

static uint64_t dead(uint32_t row)
{
	return __atomic_load_n(&rows[row].dead_incarnation, __ATOMIC_ACQUIRE);
}

/* ---- processes ------------------------------------------------------------------------------- */

/* Does what it is told by the bytes of a pipe, and answers by another. */
struct child {
	pid_t pid;
	int pidfd, told, says;
};

static int go_fd, say_fd; /* in the child */

static void say(char what)
{
	if (write(say_fd, &what, 1) != 1)
		_exit(2);
}

static char await_word(void)
{
	char what;

	return read(go_fd, &what, 1) == 1 ? what : '\0';
}

static void child_start(struct child *child, void (*body)(void))
{
	int go[2], told[2];

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(told), 0);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (!child->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the tests */
		go_fd = go[0];
		say_fd = told[1];
		close(go[1]);
		close(told[0]);
		body();
		_exit(0);
	}
	close(go[0]);
	close(told[1]);
	child->told = go[1];
	child->says = told[0];
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	assert_true(child->pidfd >= 0);
}

static void child_tell(const struct child *child, char what)
{
	assert_int_equal(write(child->told, &what, 1), 1);
}

static void child_hear(const struct child *child, char expected)
{
	char what = '\0';

	assert_int_equal(read(child->says, &what, 1), 1);
	assert_int_equal(what, expected);
}

static void child_reap(const struct child *child)
{
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
	close(child->told);
	close(child->says);
	close(child->pidfd);
}

static void child_register(const struct child *child, uint32_t row, uint64_t incarnation)
{
	assert_int_equal(myc_exit_watch_register(watch, child->pidfd, row, incarnation), 0);
}

static void wait_for_word(void)
{
	say('r');
	await_word();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* For main: a bpffs of our own? */
static bool bed_there(void)
{
	if (!exit_rig_bpffs()) {
		printf("skipped: BPF and a mount namespace of its own need root\n");
		return false;
	}
	signal(SIGPIPE, SIG_IGN);
	return true;
}

#endif
