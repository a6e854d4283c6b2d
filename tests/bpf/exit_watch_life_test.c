/* SPDX-License-Identifier: Apache-2.0 */
/* The watch itself: its pin, its makers and who takes their place. */
#include "exit_watch_bed.h"

/* ---- life of the watch ----------------------------------------------------------------------- */

static uint32_t pinned_link_id(void)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(PIN);

	if (fd < 0)
		return 0;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.id;
}

/* Links are freed a grace period after their last holder. */
static void await_no_link(uint32_t id)
{
	uint64_t limit = myc_clock_ns() + DEADLINE;
	int fd;

	while ((fd = bpf_link_get_fd_by_id(id)) >= 0) {
		close(fd);
		if (myc_clock_ns() > limit)
			fail_msg("link %u is still there", id);
		sched_yield();
	}
}

static void the_pin_watches_on_when_its_maker_closed_and_goes_with_the_program(void **state)
{
	struct myc_error error = {0};
	struct child child;

	(void)state;
	uint32_t id = pinned_link_id();
	assert_true(id > 0);
	child_start(&child, wait_for_word);
	child_register(&child, 6, 4);
	myc_exit_watch_close(watch);
	watch = NULL;
	child_tell(&child, 'g');
	child_reap(&child);
	assert_int_equal(dead(6), 4);
	must(myc_program_unload(program, &error));
	program = NULL;
	assert_int_equal(access(EXIT_RIG_BPFFS "/mycelium", F_OK), -1);
	await_no_link(id);
}

static void another_watch_takes_the_place_of_the_pinned_one(void **state)
{
	struct myc_exit_watch *other = NULL;
	struct myc_error error = {0};
	uint32_t id = pinned_link_id();

	(void)state;
	myc_exit_watch_close(watch);
	watch = NULL;
	must(myc_exit_watch_open(&other, program, &error));
	watch = other;
	assert_int_not_equal(pinned_link_id(), id);
	await_no_link(id);
}

static void loads_and_waits(void)
{
	load();
	wait_for_word();
}

static void what_a_killed_maker_leaves_watches_on_and_is_cleaned_up(void **state)
{
	struct myc_program_opts opts = {.sz = sizeof(opts), .name = NAME};
	struct myc_error error = {0};
	struct child maker;

	(void)state;
	myc_exit_watch_close(watch);
	watch = NULL;
	must(myc_program_unload(program, &error));
	program = NULL;
	child_start(&maker, loads_and_waits);
	child_hear(&maker, 'r');
	uint32_t id = pinned_link_id();
	kill(maker.pid, SIGKILL);
	child_reap(&maker);
	assert_true(id > 0);
	assert_int_equal(pinned_link_id(), id);
	must(myc_program_cleanup(&opts, 0, &error));
	assert_int_equal(access(EXIT_RIG_BPFFS "/mycelium", F_OK), -1);
	await_no_link(id);
}

static void tries_without_privilege(void)
{
	struct myc_exit_watch *other;
	struct myc_error error = {0};

	if (setuid(65534))
		_exit(2);
	bool refused = myc_exit_watch_open(&other, program, &error) < 0;
	say(refused && error.cause[0] && error.remedy[0] ? 'r' : 'o');
}

static void a_user_without_privilege_is_told_what_is_missing(void **state)
{
	struct child child;

	(void)state;
	child_start(&child, tries_without_privilege);
	child_hear(&child, 'r');
	child_reap(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_pin_watches_on_when_its_maker_closed_and_goes_with_the_program),
		TEST(another_watch_takes_the_place_of_the_pinned_one),
		TEST(what_a_killed_maker_leaves_watches_on_and_is_cleaned_up),
		TEST(a_user_without_privilege_is_told_what_is_missing),
	};

	if (!bed_there())
		return TEST_SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
