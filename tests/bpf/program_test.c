/* SPDX-License-Identifier: Apache-2.0 */
/* The program's life. */
#include "bpf/program_bed.h"

/* ---- life ------------------------------------------------------------------------------------ */

static void a_loaded_program_is_pinned_found_attached_and_gone_without_a_trace(void **state)
{
	struct myc_program_opts o = opts(RX, MYC_ATTACH_AUTO), find = opts(NULL, MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(2);
	struct myc_program *program = NULL, *found = NULL;
	struct myc_program_status status;
	struct myc_error error = {0};
	char names[4][MYC_PROGRAM_NAME_MAX + 1];

	(void)state;
	must(myc_program_load(&program, &o, config, &error));
	status = status_of(program);
	assert_int_equal(status.attached, MYC_ATTACH_AUTO);
	assert_int_equal(status.link_id, 0);
	assert_int_equal(status.channels_count, 2);
	assert_string_equal(status.receipt, "loaded, not attached");
	myc_program_close(program);

	/* another process: knows the name only */
	must(myc_program_open(&found, &find, &error));
	must(myc_program_attach(found, &error));
	status = status_of(found);
	assert_int_equal(status.attached, MYC_ATTACH_NATIVE);
	assert_string_equal(status.interface, RX);
	assert_int_equal(status.interface_index, if_nametoindex(RX));
	assert_string_equal(status.receipt, "native on " RX);
	assert_int_not_equal(status.link_id, 0);
	assert_int_equal(myc_program_attach(found, &error), -EBUSY);
	assert_int_equal(myc_program_list(NULL, names, 4), 1);
	assert_string_equal(names[0], NAME);
	must(myc_program_unload(found, &error));
	assert_true(nothing_is_pinned());
	assert_int_equal(myc_program_list(NULL, names, 4), 0);
	assert_int_equal(myc_program_open(&found, &find, &error), -ENOENT);
	assert_string_equal(error.cause, "no system '" NAME "' is loaded");
	free(config);
}

static void unload_detaches_though_another_process_holds_the_link(void **state)
{
	struct myc_program *program = load_attached(RX, 1), *holder = NULL;
	struct myc_program_opts find = opts(NULL, MYC_ATTACH_AUTO);
	struct myc_error error = {0};

	(void)state;
	must(myc_program_open(&holder, &find, &error));
	must(myc_program_unload(program, &error));
	assert_true(nothing_is_pinned());
	assert_int_equal(status_of(holder).interface_index, 0);
	myc_program_close(holder);
	program = load_attached(RX, 1); /* the interface is free */
	must(myc_program_unload(program, &error));
}

static void an_interface_that_goes_away_is_told_and_the_name_can_be_cleaned_up(void **state)
{
	struct myc_program_opts find = opts(NULL, MYC_ATTACH_AUTO);
	struct myc_error error = {0};

	(void)state;
	assert_int_equal(system("ip link add mycload8 type veth peer name mycload9"), 0);
	struct myc_program *program = load_attached("mycload8", 1);
	assert_string_equal(status_of(program).receipt,
			    "native on mycload8; the interface is down: ip link set it up");
	assert_int_equal(myc_program_cleanup(&find, 0, &error), -EBUSY);
	assert_int_equal(system("ip link del mycload8"), 0);
	assert_string_equal(status_of(program).receipt, "not attached: the interface went away");
	myc_program_close(program);
	must(myc_program_cleanup(&find, 0, &error));
	assert_true(nothing_is_pinned());
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void refusals_name_cause_and_remedy_and_leave_nothing(void **state)
{
	static const char *const names[] = {
		"", "-a", "A", "a_b", "a/b", "..", "abcdefghijklmnopqrstuvwxyzabcdef"};
	struct myc_program_opts o = opts("mycload7", MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(1);
	struct myc_program *program = NULL;
	struct myc_error error = {0};

	(void)state;
	assert_int_equal(myc_program_load(&program, &o, config, &error), -ENODEV);
	assert_string_equal(error.cause, "no interface 'mycload7' in this network namespace");
	assert_string_equal(
		error.remedy,
		"see ip link; netns: of a topology and myc-load --netns enter another namespace");
	assert_int_equal(myc_program_load(&program, &o, config, NULL), -ENODEV);
	o.interface = "aninterfacenamethatistoolong";
	assert_int_equal(myc_program_load(&program, &o, config, &error), -EINVAL);
	o.interface = NULL;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		o.name = names[i];
		assert_int_equal(myc_program_load(&program, &o, config, &error), -EINVAL);
		assert_string_equal(error.remedy, "use 1 to 31 of a-z, 0-9 and -, not - first");
	}
	o = opts(RX, MYC_ATTACH_AUTO);
	o.bpffs = "/nonexistent";
	assert_int_equal(myc_program_load(&program, &o, config, &error), -ENOENT);
	o.bpffs = NULL;
	config->channels_count = MYC_CHANNELS_MAX + 1;
	assert_int_equal(myc_program_load(&program, &o, config, &error), -EINVAL);
	assert_true(nothing_is_pinned());
	free(config);
}

static void a_name_is_given_once(void **state)
{
	struct myc_program_opts o = opts(RX, MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(1);
	struct myc_program *program = load_attached(RX, 1), *second = NULL;
	struct myc_program_status before = status_of(program), after;
	struct myc_error error = {0};

	(void)state;
	assert_int_equal(myc_program_load(&second, &o, config, &error), -EEXIST);
	assert_string_equal(error.cause, "a system '" NAME "' is loaded already");
	after = status_of(program);
	assert_memory_equal(&before, &after, sizeof(before));
	must(myc_program_unload(program, &error));
	free(config);
}

static void a_taken_interface_is_refused_with_its_owners_name(void **state)
{
	struct myc_program_opts o = opts(RX, MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(1);
	struct myc_program *program = load_attached(RX, 1), *second = NULL;
	struct myc_error error = {0};

	(void)state;
	o.name = "mycload-b";
	must(myc_program_load(&second, &o, config, &error));
	assert_int_equal(myc_program_attach(second, &error), -EBUSY);
	assert_non_null(strstr(error.cause, RX " has an XDP program already: 'myc_steer', id "));
	assert_string_equal(error.remedy, "unload that system first: see myc-load status");
	must(myc_program_unload(second, &error));
	must(myc_program_unload(program, &error));
	assert_true(nothing_is_pinned());
	free(config);
}

static void generic_is_the_fall_back_with_a_receipt_and_native_can_be_required(void **state)
{
	struct myc_program_opts o = opts("lo", MYC_ATTACH_NATIVE);
	struct myc_steer_config *config = config_new(1);
	struct myc_program *program = load_attached("lo", 1);
	struct myc_program_status status = status_of(program);
	struct myc_error error = {0};

	(void)state;
	assert_int_equal(status.attached, MYC_ATTACH_GENERIC);
	assert_non_null(strstr(status.receipt, "generic on lo; not native: its driver has no XDP"));
	must(myc_program_unload(program, &error));

	must(myc_program_load(&program, &o, config, &error));
	assert_int_equal(myc_program_attach(program, &error), -EOPNOTSUPP);
	assert_string_equal(error.cause, "no native XDP on lo: its driver has no XDP");
	assert_non_null(strstr(error.remedy, "use mode auto or generic"));
	must(myc_program_unload(program, &error));

	o = opts(RX, MYC_ATTACH_GENERIC);
	must(myc_program_load(&program, &o, config, &error));
	must(myc_program_attach(program, &error));
	status = status_of(program);
	assert_int_equal(status.attached, MYC_ATTACH_GENERIC);
	assert_string_equal(status.receipt, "generic on " RX "; not native: generic was asked for");
	must(myc_program_unload(program, &error));
	free(config);
}

static void a_replacement_may_grow_to_the_room_made_at_load(void **state)
{
	struct myc_program *program = load_attached(RX, 3);
	struct myc_steer_config *config = config_new(16);
	struct myc_program_status before = status_of(program), after;
	struct myc_error error = {0};

	(void)state;
	must(myc_program_replace(program, config, &error));
	after = status_of(program);
	assert_int_equal(after.channels_count, 16);
	assert_int_equal(after.link_id, before.link_id);
	assert_int_not_equal(after.program_id, before.program_id);
	free(config);
	before = after;
	config = config_new(17);
	assert_int_equal(myc_program_replace(program, config, &error), -ENOSPC);
	assert_string_equal(error.cause, "17 channels, but its state was made for 16");
	after = status_of(program);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(myc_program_maps(program)->channels, 16);
	must(myc_program_unload(program, &error));
	free(config);
}

/* ---- traffic --------------------------------------------------------------------------------- */

struct sender {
	pthread_t thread;
	struct myc_program *program; /* its own opening, to see what has been counted */
	_Atomic bool stop;
	_Atomic uint64_t sent;
	bool stuck;
};

static uint64_t counted(const struct myc_program *program, uint32_t row)
{
	struct myc_counters counters;
	uint64_t packets = 0;

	assert_int_equal(myc_program_counters(program, row, &counters), 0);
	for (unsigned i = 0; i < MYC_REASONS_COUNT; i++)
		packets += counters.reason[i];
	return packets;
}

static bool wait_counted(const struct myc_program *program, uint64_t least)
{
	uint64_t deadline = myc_clock_ns() + 10000000000u * test_slowness();

	while (counted(program, 1) < least) {
		if (myc_clock_ns() > deadline)
			return false;
		sched_yield();
	}
	return true;
}

/* Bounded in flight: a veth drops what its ring cannot take, which is not the program's doing. */
static void *send_all(void *arg)
{
	const struct packet_shape shape = {.port = PORT};
	struct sender *sender = arg;
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(TX),
				 .sll_halen = ETH_ALEN};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct packet packet;

	packet_begin(&packet, &shape);
	packet_bytes(&packet, "payload", 7);
	packet_end(&packet);
	while (!atomic_load_explicit(&sender->stop, memory_order_relaxed) && !sender->stuck) {
		uint64_t sent = atomic_load_explicit(&sender->sent, memory_order_relaxed);

		if (sendto(fd, packet.bytes, packet.size, 0, (struct sockaddr *)&to, sizeof(to)) ==
		    (ssize_t)packet.size)
			atomic_store_explicit(&sender->sent, ++sent, memory_order_relaxed);
		if (sent >= 64 && sent % 32 == 0 && !wait_counted(sender->program, sent - 64))
			sender->stuck = true;
		/* An emulated machine's one CPU has replacements to verify. */
		if (test_slowness() > 1 && sent % 32 == 0)
			usleep(10000);
	}
	close(fd);
	return NULL;
}

static void fifty_replacements_under_traffic_miss_no_packet(void **state)
{
	struct myc_program *program = load_attached(RX, 1);
	struct myc_program_opts find = opts(NULL, MYC_ATTACH_AUTO);
	struct myc_program_status before = status_of(program), after = before;
	struct sender sender = {0};
	struct myc_error error = {0};

	(void)state;
	must(myc_program_open(&sender.program, &find, &error));
	assert_int_equal(pthread_create(&sender.thread, NULL, send_all, &sender), 0);
	for (uint32_t i = 0; i < ROUNDS(50); i++) {
		struct myc_steer_config *config = config_new(1 + i % 16);
		uint32_t last = after.program_id;

		/* each replacement meets packets that were sent after the one before */
		assert_true(wait_counted(program, counted(program, 1) + 1));
		must(myc_program_replace(program, config, &error));
		after = status_of(program);
		assert_int_equal(after.link_id, before.link_id);
		assert_int_not_equal(after.program_id, last);
		free(config);
	}
	atomic_store(&sender.stop, true);
	pthread_join(sender.thread, NULL);
	assert_false(sender.stuck);
	assert_true(wait_counted(program, sender.sent));
	assert_int_equal(counted(program, 1), sender.sent);
	print_message("%lu packets, none missed\n", (unsigned long)sender.sent);
	myc_program_close(sender.program);
	must(myc_program_unload(program, &error));
}

/* ---- signals --------------------------------------------------------------------------------- */

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

/* The kernel stops verifying at a signal: with one each 200 us it would never come to an end. */
static void signals_that_keep_coming_do_not_keep_a_program_from_being_loaded(void **state)
{
	const struct itimerval often = {{.tv_usec = 200}, {.tv_usec = 200}}, never = {0};
	const struct sigaction action = {.sa_handler = count_alarm, .sa_flags = SA_RESTART};
	struct myc_program_opts o = opts(RX, MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(1);
	struct myc_program *program = NULL;
	struct myc_error error = {0};

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	int code = myc_program_load(&program, &o, config, &error);

	while (!code && !alarms)
		poll(NULL, 0, 1); /* the mask is what it was */
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	must(code);
	free(config);
	must(myc_program_unload(program, &error));
}

/* ---- mappings -------------------------------------------------------------------------------- */

static void dies_by_writing(uint64_t *word)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		__atomic_store_n(word, 1, __ATOMIC_RELAXED);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void a_worker_writes_its_own_page_and_locate_row_and_faults_elsewhere(void **state)
{
	struct myc_program *program = load_attached(RX, 8);
	const struct myc_program_maps *all = myc_program_maps(program);
	struct myc_program_maps maps;
	struct myc_error error = {0};

	(void)state;
	must(myc_program_map_worker(program, 3, &maps, &error));
	assert_int_equal(maps.channels, 16);
	maps.pages[3]->lease_ns = 77;
	assert_int_equal(all->pages[3]->lease_ns, 77);
	all->registry[5].address = 1234;
	assert_int_equal(maps.registry[5].address, 1234);

	dies_by_writing(&maps.pages[2]->lease_ns);
	dies_by_writing(&maps.registry[0].address);
	dies_by_writing(&maps.processes[3].incarnation);
	dies_by_writing(&maps.system->lease_ns);
	dies_by_writing((uint64_t *)&maps.state[0].high);
	dies_by_writing((uint64_t *)&maps.window[0].word[0]);
	dies_by_writing(&maps.locate[4].armed);

	must(myc_program_map_locate(program, &maps, 4, &error));
	maps.locate[4].armed = 99;
	maps.locate[4].watched[1023] = 98;
	assert_int_equal(all->locate[4].armed, 99);
	assert_int_equal(all->locate[4].watched[1023], 98);
	dies_by_writing(&maps.locate[4 + 2].armed);
	dies_by_writing(&maps.locate[4 - 2].armed);
	assert_int_equal(myc_program_map_locate(program, &maps, 16, &error), -EINVAL);
	myc_program_unmap(&maps);
	assert_int_equal(myc_program_map_worker(program, MYC_PROCESSES_MAX, &maps, &error),
			 -EINVAL);
	must(myc_program_unload(program, &error));
}

static void state_outlives_a_replacement_and_the_process_that_loaded(void **state)
{
	struct myc_program *program = load_attached(RX, 1), *next = NULL;
	struct myc_program_opts find = opts(NULL, MYC_ATTACH_AUTO);
	struct myc_steer_config *config = config_new(2);
	struct myc_error error = {0};

	(void)state;
	myc_program_maps(program)->pages[63]->channel[31].watermark = 4711;
	myc_program_maps(program)->registry[1023].version = 6;
	must(myc_program_replace(program, config, &error));
	myc_program_close(program);
	must(myc_program_open(&next, &find, &error));
	assert_int_equal(myc_program_maps(next)->pages[63]->channel[31].watermark, 4711);
	assert_int_equal(myc_program_maps(next)->registry[1023].version, 6);
	must(myc_program_unload(next, &error));
	free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_loaded_program_is_pinned_found_attached_and_gone_without_a_trace,
			clean_up),
		cmocka_unit_test_teardown(unload_detaches_though_another_process_holds_the_link,
					  clean_up),
		cmocka_unit_test_teardown(
			an_interface_that_goes_away_is_told_and_the_name_can_be_cleaned_up,
			clean_up),
		cmocka_unit_test_teardown(refusals_name_cause_and_remedy_and_leave_nothing,
					  clean_up),
		cmocka_unit_test_teardown(a_name_is_given_once, clean_up),
		cmocka_unit_test_teardown(a_taken_interface_is_refused_with_its_owners_name,
					  clean_up),
		cmocka_unit_test_teardown(
			generic_is_the_fall_back_with_a_receipt_and_native_can_be_required,
			clean_up),
		cmocka_unit_test_teardown(a_replacement_may_grow_to_the_room_made_at_load,
					  clean_up),
		cmocka_unit_test_teardown(fifty_replacements_under_traffic_miss_no_packet,
					  clean_up),
		cmocka_unit_test_teardown(
			signals_that_keep_coming_do_not_keep_a_program_from_being_loaded, clean_up),
		cmocka_unit_test_teardown(
			a_worker_writes_its_own_page_and_locate_row_and_faults_elsewhere, clean_up),
		cmocka_unit_test_teardown(state_outlives_a_replacement_and_the_process_that_loaded,
					  clean_up),
	};

	if (!namespaces_of_its_own()) {
		printf("skipped: network and mount namespaces of its own need root\n");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
