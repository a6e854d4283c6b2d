/* SPDX-License-Identifier: Apache-2.0 */
/* A process that loads, attaches or replaces the program is killed at any point. */
#include "bpf/program_bed.h"

/* A whole life, or a replacement. */
static bool turn(bool life, const struct myc_steer_config *config)
{
	struct myc_program_opts o = opts(RX, MYC_ATTACH_AUTO);
	struct myc_program *program = NULL;

	if (life ? myc_program_load(&program, &o, config, NULL) || myc_program_attach(program, NULL)
		 : myc_program_open(&program, &o, NULL))
		return false;
	if (myc_program_replace(program, config, NULL))
		return false;
	if (life)
		return myc_program_unload(program, NULL) == 0;
	myc_program_close(program);
	return true;
}

/* How long one takes: most of it is the verifier's. */
static uint64_t turn_ns(bool life)
{
	struct myc_steer_config *config = config_new(4);
	const uint64_t begun = myc_clock_ns();

	assert_true(turn(life, config));
	free(config);
	return myc_clock_ns() - begun;
}

/* Whatever fails in here, the parent sees by what is pinned. */
static void churn(bool life)
{
	const struct myc_steer_config *config = config_new(4);

	while (turn(life, config))
		;
	_exit(1);
}

/* Kills a child that churns: after a random while of up to most_ns, or in every other round within
 * 4 ms of a folder having been made in `dir`, while pins are made and moved about. */
static void kill_churning(bool life, unsigned round, uint64_t *random, uint64_t most_ns,
			  const char *dir)
{
	struct pollfd made = {.fd = inotify_init1(IN_CLOEXEC), .events = POLLIN};
	struct timespec after;
	uint64_t after_ns;
	int status;

	assert_true(inotify_add_watch(made.fd, dir, IN_CREATE) >= 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		churn(life);
	if (round & 1)
		assert_int_equal(poll(&made, 1, 10000 * (int)test_slowness()), 1);
	close(made.fd);
	after_ns = test_random(random) % (round & 1 ? 4000000 : most_ns);
	after.tv_sec = (time_t)(after_ns / 1000000000);
	after.tv_nsec = (long)(after_ns % 1000000000);
	nanosleep(&after, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it was well until then */
}

static void a_kill_at_any_point_of_a_load_is_cleaned_up(void **state)
{
	struct myc_program_opts find = opts(NULL, MYC_ATTACH_AUTO);
	uint64_t random = test_seed() * 2 + 1;
	struct myc_error error = {0};
	unsigned attached = 0, loaded = 0, rounds = ROUNDS(20);
	const uint64_t most_ns = turn_ns(true);

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		struct myc_program *program = NULL;

		kill_churning(true, round, &random, most_ns, BPFFS);
		int err = myc_program_open(&program, &find, &error);
		if (err && err != -ENOENT)
			fail_with(&error);
		if (!err) {
			struct myc_program_status status = status_of(program);
			struct myc_steer_config *config = config_new(5);

			/* what was found goes on: it can be attached and replaced */
			loaded += status.attached == MYC_ATTACH_AUTO;
			attached += status.attached != MYC_ATTACH_AUTO;
			if (status.attached == MYC_ATTACH_AUTO)
				must(myc_program_attach(program, &error));
			must(myc_program_replace(program, config, &error));
			assert_int_equal(status_of(program).channels_count, 5);
			myc_program_close(program);
			free(config);
		}
		must(myc_program_cleanup(&find, 1, &error));
		assert_true(nothing_is_pinned());
		program = load_attached(RX, 1); /* and the interface is free */
		must(myc_program_unload(program, &error));
	}
	print_message("found %u attached, %u loaded, %u absent\n", attached, loaded,
		      rounds - attached - loaded);
}

static void a_kill_at_any_point_of_a_replacement_keeps_the_link(void **state)
{
	struct myc_program *program = load_attached(RX, 1);
	struct myc_program_opts find = opts(NULL, MYC_ATTACH_AUTO);
	uint32_t link = status_of(program).link_id;
	uint64_t random = test_seed() * 2 + 3;
	struct myc_error error = {0};
	const uint64_t most_ns = turn_ns(false);

	(void)state;
	myc_program_close(program);
	for (unsigned round = 0; round < ROUNDS(30); round++) {
		struct myc_program_status status;

		kill_churning(false, round, &random, most_ns, BPFFS "/mycelium/" NAME);
		must(myc_program_open(&program, &find, &error));
		status = status_of(program);
		assert_int_equal(status.link_id, link);
		assert_int_equal(status.attached, MYC_ATTACH_NATIVE);
		assert_true(status.channels_count == 4 || status.channels_count == 1);
		assert_int_not_equal(access(BPFFS "/mycelium/" NAME "/new", F_OK), 0);
		assert_int_not_equal(access(BPFFS "/mycelium/" NAME "/commit", F_OK), 0);
		myc_program_close(program);
	}
	must(myc_program_cleanup(&find, 1, &error));
	assert_true(nothing_is_pinned());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_kill_at_any_point_of_a_load_is_cleaned_up, clean_up),
		cmocka_unit_test_teardown(a_kill_at_any_point_of_a_replacement_keeps_the_link,
					  clean_up),
	};

	if (!namespaces_of_its_own()) {
		printf("skipped: network and mount namespaces of its own need root\n");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
