/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Systems with a network: what the runtime adds to the data plane. Program and link over kills and
 * cold starts, leftovers of killed launchers, refusals, the sandbox; and the same topology over UDP
 * as an ordinary user. Traffic under kills: kill_test.
 */
#include "integration/veth_bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/lab.h"
#include "common/live.h"
#include "dataplane/program.h"
#include "registry/registry.h"
#include "runtime/control.h"

#define NOBODY 65534

static struct live live;

/* Messages first .. first + count - 1, a packet each, on both lines; few enough for the socket
 * buffer that an ordinary user gets. */
static void send_messages(const char *address, uint64_t first, unsigned count)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (uint64_t n = first; n < first + count; n++) {
		unsigned char packet[34] = "RUNTIME001";

		for (int i = 0; i < 8; i++)
			packet[10 + i] = (unsigned char)(n >> (56 - 8 * i));
		packet[19] = 1; /* one message */
		packet[21] = 12;
		packet[22] = 'S';
		for (uint16_t line = 0; line < 2; line++) {
			struct sockaddr_in to = {
				.sin_family = AF_INET,
				.sin_port = htons((uint16_t)(26401 + line)),
			};
			assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
			assert_int_equal(sendto(fd, packet, sizeof(packet), 0,
						(struct sockaddr *)&to, sizeof(to)),
					 sizeof(packet));
		}
	}
	close(fd);
}

/* ---- the system ------------------------------------------------------------------------------ */

static void write_topology(const char *network, const char *address)
{
	live_topology(
		&live,
		"network: { %s }\n"
		"channels:\n"
		"  - { name: itch, protocol: moldudp64, lines: [ { address: %s, port: 26401 },\n"
		"      { address: %s, port: 26402 } ] }\n"
		"supervisor: { intensity: 60, period_s: 5, lease_ms: 1000 }\n"
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: counter, behaviour: counter,\n"
		"        feeds: [ itch ] }, { name: naughty, behaviour: naughty } ] }\n"
		"  - { name: two, library: %s, actors: [ { name: pong, behaviour: pong } ] }\n",
		network, address, address, live.actors, live.actors);
}

static void write_xdp(void)
{
	char network[128];

	snprintf(network, sizeof(network), "kind: xdp, interface: %s, netns: %s, frames: 1024",
		 veth, netns);
	write_topology(network, "10.99.0.2");
}

static bool pins_exist(void)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/fs/bpf/mycelium/%s", live.system);
	return access(path, F_OK) == 0;
}

static bool has_counted(struct live *l, void *context)
{
	return live_status(l, "counter", "last") == *(const int64_t *)context;
}

/* Sends and sees that every message arrived. */
static void expect_messages(const char *address, uint64_t first, unsigned count)
{
	int64_t last = (int64_t)(first + count - 1);

	send_messages(address, first, count);
	live_until(&live, "the last message was handled", has_counted, &last);
	assert_int_equal(live_status(&live, "counter", "backward"), 0);
	assert_int_equal(live_number(&live, "counter", "messages_lost"), 0);
}

static bool is_up_with(struct live *l, void *context)
{
	const int64_t *was = context; /* pid of one, supervisor's incarnation */
	char state[16];

	live_string(l, "one", "state", state, sizeof(state));
	return !strcmp(state, "up") && live_number(l, "one", "pid") != was[0] &&
	       live_number(l, NULL, "incarnation") == was[1];
}

static void kills_leave_program_and_link_and_a_cold_start_makes_new_ones(void **state)
{
	int64_t was[2];

	(void)state;
	write_xdp();
	assert_int_equal(live_start(&live, NULL), 0);
	expect_messages("10.99.0.2", 1, 100);
	int64_t program = live_number(&live, NULL, "program_id");
	int64_t link = live_number(&live, NULL, "link_id");
	assert_true(program > 0 && link > 0 && pins_exist());
	was[0] = live_number(&live, "one", "pid");
	was[1] = live_number(&live, NULL, "incarnation") + 1;
	int64_t two = live_number(&live, "two", "pid");
	kill(live_pid_of(&live, "myc-supervisor"), SIGKILL);
	kill((pid_t)was[0], SIGKILL);
	live_until(&live, "both are replaced", is_up_with, was);
	assert_int_equal(live_number(&live, NULL, "program_id"), program);
	assert_int_equal(live_number(&live, NULL, "link_id"), link);
	assert_int_equal(live_number(&live, "two", "pid"), two);
	expect_messages("10.99.0.2", 101, 100);
	assert_int_equal(live_status(&live, "counter", "messages"), 100);

	was[0] = live_number(&live, "one", "pid");
	was[1] = 1;
	kill(live_pid_of(&live, "myc-holder"), SIGKILL);
	live_until(&live, "the cold start is over", is_up_with, was);
	assert_int_equal(live_number(&live, NULL, "cold_starts"), 1);
	assert_int_not_equal(live_number(&live, NULL, "link_id"), link);
	expect_messages("10.99.0.2", 201, 100);
	live_stop(&live);
	assert_false(pins_exist());
}

/* "State:" of /proc/PID/status. */
static char state_of(pid_t pid)
{
	char path[48], line[128], state = '\0';

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file && !state && fgets(line, sizeof(line), file))
		sscanf(line, "State: %c", &state);
	if (file)
		fclose(file);
	return state;
}

static void await_state(pid_t pid, char state)
{
	uint64_t deadline = myc_clock_ns() + 5000000000ull;

	while (state_of(pid) != state) {
		assert_true(myc_clock_ns() < deadline);
		usleep(1000);
	}
}

static uint32_t row_of(const struct myc_registry *registry, const char *process)
{
	uint32_t row = 0;

	while (row < MYC_PROCESSES_MAX &&
	       strcmp((const char *)registry->processes[row].name, process) != 0)
		row++;
	assert_true(row < MYC_PROCESSES_MAX);
	return row;
}

static void a_worker_killed_while_holder_and_supervisor_stand_still_is_dead_for_all(void **state)
{
	struct myc_program_opts opts = {.sz = sizeof(opts), .name = live.system};
	struct myc_program *program;
	char seen[96], out[65536];
	int64_t was[2];

	(void)state;
	write_xdp();
	assert_int_equal(live_start(&live, NULL), 0);
	expect_messages("10.99.0.2", 1, 100);
	live_string(&live, NULL, "deaths_seen", seen, sizeof(seen));
	assert_string_equal(seen, "by the kernel, at the exit");
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"ps", live.system, NULL}), 0);
	assert_non_null(strstr(out, "deaths seen by the kernel, at the exit"));
	assert_int_equal(myc_program_open(&program, &opts, NULL), 0);
	const struct myc_registry registry = {.rows = myc_program_maps(program)->registry,
					      .processes = myc_program_maps(program)->processes};
	uint32_t one = row_of(&registry, "one"), two = row_of(&registry, "two");
	assert_true(myc_process_alive(&registry, one));

	const pid_t stopped[] = {live_pid_of(&live, "myc-holder"),
				 live_pid_of(&live, "myc-supervisor")};
	for (unsigned i = 0; i < 2; i++) {
		kill(stopped[i], SIGSTOP);
		await_state(stopped[i], 'T');
	}
	was[0] = live_number(&live, "one", "pid");
	was[1] = live_number(&live, NULL, "incarnation");
	kill((pid_t)was[0], SIGKILL);
	await_state((pid_t)was[0], 'Z'); /* nobody reaps it; its other threads end a little later */
	for (uint64_t limit = myc_clock_ns() + 5000000000ull; myc_process_alive(&registry, one);)
		assert_true(myc_clock_ns() < limit);
	assert_int_equal(registry.processes[one].dead_incarnation, 1);
	assert_true(myc_process_alive(&registry, two));

	for (unsigned i = 0; i < 2; i++)
		kill(stopped[i], SIGCONT);
	live_until(&live, "the worker is restarted", is_up_with, was);
	assert_true(myc_process_alive(&registry, one));
	assert_int_equal(registry.processes[one].incarnation, 2);
	myc_program_close(program);
	expect_messages("10.99.0.2", 101, 100);
	live_stop(&live);
	assert_false(pins_exist());
}

static void what_a_killed_launcher_and_holder_leave_the_next_start_removes(void **state)
{
	(void)state;
	write_xdp();
	assert_int_equal(live_start(&live, NULL), 0);
	pid_t holder = live_pid_of(&live, "myc-holder");
	assert_true(live_look(&live));
	pid_t worker = (pid_t)live_number(&live, "one", "pid");
	kill(live.launcher, SIGKILL);
	kill(holder, SIGKILL);
	assert_int_equal(live_wait_end(&live), 128 + SIGKILL);
	assert_true(pins_exist());
	/* The kernel ends the workers with their holder. */
	uint64_t deadline = myc_clock_ns() + 5000000000ull;
	while (!kill(worker, 0) && myc_clock_ns() < deadline)
		usleep(1000);
	live.text[0] = '\0';
	assert_int_equal(live_start(&live, NULL), 0);
	assert_true(live_logged(&live, "removing what it left"));
	expect_messages("10.99.0.2", 1, 100);
	live_stop(&live);
	assert_false(pins_exist());
}

static void a_launcher_killed_alone_leaves_the_system_running(void **state)
{
	char out[4096];

	(void)state;
	write_xdp();
	assert_int_equal(live_start(&live, NULL), 0);
	kill(live.launcher, SIGKILL);
	assert_int_equal(live_wait_end(&live), 128 + SIGKILL);
	expect_messages("10.99.0.2", 1, 100);
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"stop", live.system, NULL}), 0);
	assert_false(pins_exist());
}

static void a_worker_keeps_no_descriptor_of_the_program_or_its_maps(void **state)
{
	(void)state;
	write_xdp();
	assert_int_equal(live_start(&live, NULL), 0);
	assert_true(live_look(&live));
	for (int fd = 3; fd < 256; fd++) {
		char path[64], target[128];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d",
			 (int)live_number(&live, "one", "pid"), fd);
		ssize_t size = readlink(path, target, sizeof(target) - 1);
		if (size < 0)
			continue;
		target[size] = '\0';
		assert_null(strstr(target, "bpf"));
		assert_null(strstr(target, "memfd:"));
	}
	live_stop(&live);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void a_missing_interface_and_a_taken_one_leave_nothing(void **state)
{
	struct live other;
	char change[64], out[4096];

	(void)state;
	write_xdp();
	assert_int_equal(
		live_start(&live, (const char *[]){"--set", "network.interface=mycrt9", NULL}), 2);
	assert_non_null(strstr(live.text, "mycrt9"));
	assert_false(pins_exist());
	live.text[0] = '\0';
	assert_int_equal(
		live_start(&live, (const char *[]){"--set", "network.netns=no-such-ns", NULL}), 2);
	assert_non_null(strstr(live.text, "/run/netns/no-such-ns"));
	live.text[0] = '\0';

	assert_int_equal(live_start(&live, NULL), 0);
	live_open(&other, "rtother");
	live_topology(&other,
		      "network: { kind: xdp, interface: %s, netns: %s }\n"
		      "channels: [ { name: x, protocol: moldudp64, lines: [ { address: 10.99.0.2, "
		      "port: 1 } ] } ]\n"
		      "processes: [ { name: p, library: %s, actors: [ { name: c, behaviour: "
		      "counter, feeds: [ x ] } ] } ]\n",
		      veth, netns, live.actors);
	assert_int_equal(live_start(&other, NULL), 4);
	assert_non_null(strstr(other.text, veth));
	assert_int_equal(myc_run_dir(other.system, out, sizeof(out), NULL), 0);
	assert_int_equal(access(out, F_OK), -1);
	snprintf(change, sizeof(change), "/sys/fs/bpf/mycelium/%s", other.system);
	assert_int_equal(access(change, F_OK), -1);
	live_close(&other);
	expect_messages("10.99.0.2", 1, 100);
	live_stop(&live);
}

/* ---- an ordinary user: this program again, as nobody ------------------------------------------ */

#define USER "--user"

/* Runs this program with the argument and an optional second; its wait status. */
static int run_again(const char *argument, const char *second)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		execl("/proc/self/exe", "runtime_xdp_test", argument, second, NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void kind_xdp_without_privilege_names_what_is_missing(void **state)
{
	char out[4096];

	(void)state;
	write_xdp();
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"run", live.topology, NULL}), 3);
	assert_non_null(strstr(out, "CAP_NET_ADMIN"));
	assert_non_null(strstr(out, "CAP_BPF"));
	assert_non_null(strstr(out, "run as root, or use kind: udp"));
}

static void the_same_topology_runs_over_udp(void **state)
{
	char network[128], left[128];
	int64_t was[2];

	(void)state;
	snprintf(network, sizeof(network), "kind: xdp, interface: %s, netns: %s", veth, netns);
	write_topology(network, "127.0.0.1");
	assert_int_equal(live_start(&live, (const char *[]){"--kind", "udp", NULL}), 0);
	expect_messages("127.0.0.1", 1, 100);
	was[0] = live_number(&live, "one", "pid");
	was[1] = 1;
	kill((pid_t)was[0], SIGKILL);
	live_until(&live, "the worker is restarted", is_up_with, was);
	expect_messages("127.0.0.1", 101, 100);
	live_stop(&live);
	snprintf(left, sizeof(left), "%s/mycelium", live.dir);
	assert_int_equal(access(left, F_OK), -1);
}

static int open_live(void **state)
{
	(void)state;
	live_open(&live, "rtx");
	return 0;
}

static int open_users_live(void **state)
{
	(void)state;
	live_open(&live, "rtuser");
	setenv("XDG_RUNTIME_DIR", live.dir, 1);
	return 0;
}

static int close_live(void **state)
{
	(void)state;
	live_close(&live);
	return 0;
}

static int users_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kind_xdp_without_privilege_names_what_is_missing,
						open_users_live, close_live),
		cmocka_unit_test_setup_teardown(the_same_topology_runs_over_udp, open_users_live,
						close_live),
	};

	snprintf(netns, sizeof(netns), "none");
	snprintf(veth, sizeof(veth), "none");
	/* The checkout may lie where only its owner can go (/root): show the build elsewhere. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(lab_build(), "/mnt", NULL, MS_BIND, NULL) || setenv("BUILD", "/mnt", 1) ||
	    chdir("/"))
		return 1;
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

static void an_ordinary_user_is_told_what_is_missing_and_runs_over_udp(void **state)
{
	(void)state;
	assert_int_equal(run_again(USER, NULL), 0);
}

/* ---- a kernel without tracing: this program again, where its BTF is hidden --------------------- */

#define BLIND "--blind"

static void a_kernel_without_exit_watch_has_deaths_noted_after_reaping(void **state)
{
	char seen[400];
	int64_t was[2];

	(void)state;
	write_xdp();
	assert_int_equal(live_start(&live, NULL), 0);
	expect_messages("10.99.0.2", 1, 100);
	live_string(&live, NULL, "deaths_seen", seen, sizeof(seen));
	assert_non_null(strstr(seen, "by the supervisor, after reaping; no exit watch: "));
	assert_true(live_logged(&live, "CONFIG_DEBUG_INFO_BTF"));
	was[0] = live_number(&live, "one", "pid");
	was[1] = 1;
	kill((pid_t)was[0], SIGKILL);
	live_until(&live, "the worker is restarted", is_up_with, was);
	expect_messages("10.99.0.2", 101, 100);
	live_stop(&live);
	assert_false(pins_exist());
}

/* Mounts are private only here, and only after the bpffs that all share was mounted. */
static int blind_test(const char *receiver)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_kernel_without_exit_watch_has_deaths_noted_after_reaping, open_live,
			close_live),
	};

	snprintf(netns, sizeof(netns), "%s", receiver);
	snprintf(veth, sizeof(veth), "mycrt1");
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("/dev/null", "/sys/kernel/btf/vmlinux", NULL, MS_BIND, NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

static void a_kernel_that_refuses_tracing_costs_the_exit_watch_only(void **state)
{
	(void)state;
	assert_int_equal(run_again(BLIND, netns), 0);
}

/* ---- a capture file -------------------------------------------------------------------------- */

static void a_capture_is_played_to_its_end_and_the_system_stops(void **state)
{
	const char *data = test_data_dir();
	char network[256];

	(void)state;
	if (!data) {
		print_message("no sample data: a capture is not played\n");
		return;
	}
	/* Paths are relative to the topology's folder. */
	char *absolute = realpath(data, NULL);
	assert_non_null(absolute);
	snprintf(network, sizeof(network), "kind: file, speed: 0, file: %s/iex/TOPS16.pcap.gz",
		 absolute);
	free(absolute);
	live_topology(&live,
		      "network: { %s }\n"
		      "channels: [ { name: tops, protocol: iextp, lines: [ { group: 224.67.0.199, "
		      "port: 16642 } ] } ]\n"
		      "processes: [ { name: p, library: %s, actors: [ { name: counter, behaviour: "
		      "counter, feeds: [ tops ] } ] } ]\n",
		      network, live.actors);
	int code = live_start(&live, (const char *[]){"--until-exhausted", NULL});
	assert_int_equal(live.launcher ? live_wait_end(&live) : code, 0);
	FILE *report = fopen(live.report, "re");
	assert_non_null(report);
	size_t size = fread(live.text, 1, LIVE_TEXT - 1, report);
	live.text[size] = '\0';
	fclose(report);
	assert_int_equal(live_number(&live, "counter", "messages_delivered"), 57674);
	assert_int_equal(live_number(&live, "counter", "heartbeats"), 237);
	assert_int_equal(live_number(&live, "counter", "gaps"), 0);
	assert_int_equal(live_number(&live, NULL, "sum"), 13022);
	assert_non_null(strstr(live.text, "\"adds_up\": true"));
}

/* ---------------------------------------------------------------------------------------------- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_live, close_live)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(kills_leave_program_and_link_and_a_cold_start_makes_new_ones),
		TEST(a_worker_killed_while_holder_and_supervisor_stand_still_is_dead_for_all),
		TEST(what_a_killed_launcher_and_holder_leave_the_next_start_removes),
		TEST(a_launcher_killed_alone_leaves_the_system_running),
		TEST(a_worker_keeps_no_descriptor_of_the_program_or_its_maps),
		TEST(a_missing_interface_and_a_taken_one_leave_nothing),
		TEST(an_ordinary_user_is_told_what_is_missing_and_runs_over_udp),
		TEST(a_kernel_that_refuses_tracing_costs_the_exit_watch_only),
		TEST(a_capture_is_played_to_its_end_and_the_system_stops),
	};

	if (argc == 2 && !strcmp(argv[1], USER))
		return users_tests();
	if (argc == 3 && !strcmp(argv[1], BLIND))
		return blind_test(argv[2]);
	if (geteuid() != 0 || !network_make("mycrt")) {
		puts("network namespaces need root");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
