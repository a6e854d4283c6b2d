/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our program beside another one under libxdp's dispatcher, on a veth pair: either order of loading,
 * either one leaving first, priorities, replacement, a killed owner; the refusals of exclusive mode;
 * and what is got where the dispatcher does not take our program.
 */
#include "common/test.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <xdp/libxdp.h>

#include "base/clock.h"
#include "common/dataplane_rig.h"

#define SECOND 1000000000ull
#define BURST  50

static const struct myc_endpoint_opts one_endpoint[] = {{.name = "a"}};
static const struct myc_dataplane_opts endpoints = {.endpoint = one_endpoint, .endpoints = 1};

/* ---- the other program ------------------------------------------------------------------------ */

struct neighbour {
	struct bpf_object *object;
	struct xdp_program *program;
	int seen;
};

static int receiver(void)
{
	return (int)if_nametoindex(DP_RECEIVER);
}

static void neighbour_comes(struct neighbour *neighbour, uint32_t priority)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/vm-tests/neighbour.bpf.o",
		 getenv("BUILD") ? getenv("BUILD") : "build");
	neighbour->object = bpf_object__open_file(path, NULL);
	assert_non_null(neighbour->object);
	neighbour->program = xdp_program__from_bpf_obj(neighbour->object, "xdp");
	assert_int_equal(libxdp_get_error(neighbour->program), 0);
	assert_int_equal(xdp_program__set_run_prio(neighbour->program, priority), 0);
	assert_int_equal(xdp_program__attach(neighbour->program, receiver(), XDP_MODE_NATIVE, 0),
			 0);
	neighbour->seen = bpf_object__find_map_fd_by_name(neighbour->object, "seen");
	assert_true(neighbour->seen >= 0);
}

static void neighbour_goes(struct neighbour *neighbour)
{
	assert_int_equal(xdp_program__detach(neighbour->program, receiver(), XDP_MODE_NATIVE, 0),
			 0);
	xdp_program__close(neighbour->program);
	bpf_object__close(neighbour->object);
}

static uint64_t neighbour_saw(const struct neighbour *neighbour)
{
	uint32_t row = 0;
	uint64_t count = 0;

	assert_int_equal(bpf_map_lookup_elem(neighbour->seen, &row, &count), 0);
	return count;
}

/* ---- ours ------------------------------------------------------------------------------------- */

static void status_is(struct dp_rig *rig, bool in_dispatcher)
{
	struct myc_program_status status;

	assert_int_equal(myc_program_status(rig->program, &status, NULL), 0);
	printf("%s\n", status.receipt);
	assert_int_equal(status.attached, MYC_ATTACH_NATIVE);
	assert_int_equal(strstr(status.receipt, "in a dispatcher at priority") != NULL,
			 in_dispatcher);
	assert_int_equal(status.link_id == 0, in_dispatcher);
}

/* A burst reaches the endpoint whole and as it was sent. */
static void burst_arrives(struct dp_rig *rig, uint64_t first)
{
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_endpoint *endpoint = dp_join(rig, 0);
	uint64_t limit = myc_clock_ns() + 5 * SECOND, next = first;

	for (uint64_t i = 0; i < BURST; i++)
		dp_send(rig, 0, 0, first + i);
	while (next < first + BURST && myc_clock_ns() < limit) {
		unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

		for (unsigned i = 0; i < n; i++) {
			uint64_t number = 0;

			assert_int_equal(packets[i].payload_size, sizeof(number));
			memcpy(&number, packets[i].payload, sizeof(number));
			assert_int_equal(number, next++);
		}
		myc_endpoint_done(endpoint);
	}
	assert_int_equal(next, first + BURST);
	myc_endpoint_leave(endpoint);
}

static void nothing_is_attached(void)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};

	assert_int_equal(bpf_xdp_query(receiver(), 0, &query), 0);
	assert_int_equal(query.attach_mode, XDP_ATTACHED_NONE);
}

/* ---- cases ------------------------------------------------------------------------------------ */

/* The neighbour runs before us and sees all; then behind us, and sees nothing of what we took. */
static void both_orders(bool we_come_first, bool we_leave_first)
{
	struct neighbour neighbour;
	struct dp_rig rig;

	assert_int_equal(dp_namespace(1), 0);
	if (!we_come_first)
		neighbour_comes(&neighbour, 20);
	dp_open_here(&rig, &endpoints, MYC_SHARING_DISPATCHER, 30);
	if (we_come_first)
		neighbour_comes(&neighbour, 20);
	status_is(&rig, true);
	uint64_t before = neighbour_saw(&neighbour);
	burst_arrives(&rig, 0);
	assert_int_equal(neighbour_saw(&neighbour) - before, BURST);
	if (we_leave_first) {
		assert_int_equal(myc_program_detach(rig.program, NULL), 0);
		before = neighbour_saw(&neighbour);
		for (uint64_t i = 0; i < BURST; i++)
			dp_send(&rig, 0, 0, i);
		for (uint64_t limit = myc_clock_ns() + 5 * SECOND;
		     neighbour_saw(&neighbour) - before < BURST && myc_clock_ns() < limit;)
			;
		assert_int_equal(neighbour_saw(&neighbour) - before, BURST);
		neighbour_goes(&neighbour);
	} else {
		neighbour_goes(&neighbour);
		burst_arrives(&rig, 1000);
	}
	dp_close(&rig);
	nothing_is_attached();
}

static void we_come_first_and_leave_first(void **state)
{
	(void)state;
	both_orders(true, true);
}

static void we_come_first_and_leave_last(void **state)
{
	(void)state;
	both_orders(true, false);
}

static void we_come_last_and_leave_first(void **state)
{
	(void)state;
	both_orders(false, true);
}

static void we_come_last_and_leave_last(void **state)
{
	(void)state;
	both_orders(false, false);
}

static void a_lower_priority_runs_first_whoever_came_first(void **state)
{
	struct neighbour neighbour;
	struct dp_rig rig;

	(void)state;
	assert_int_equal(dp_namespace(1), 0);
	neighbour_comes(&neighbour, 40);
	dp_open_here(&rig, &endpoints, MYC_SHARING_DISPATCHER, 30);
	uint64_t before = neighbour_saw(&neighbour);
	burst_arrives(&rig, 0);
	assert_int_equal(neighbour_saw(&neighbour) - before, 0);
	neighbour_goes(&neighbour);
	dp_close(&rig);
	nothing_is_attached();
}

static void a_replacement_keeps_the_neighbour_and_the_state(void **state)
{
	struct neighbour neighbour;
	struct myc_program_status before, after;
	struct myc_error error = {0};
	struct dp_rig rig;

	(void)state;
	assert_int_equal(dp_namespace(1), 0);
	dp_open_here(&rig, &endpoints, MYC_SHARING_DISPATCHER, 0);
	neighbour_comes(&neighbour, 20);
	burst_arrives(&rig, 0);
	assert_int_equal(myc_program_status(rig.program, &before, NULL), 0);
	for (int i = 0; i < 3; i++)
		if (myc_program_replace(rig.program, &rig.config, &error))
			fail_msg("replace: %s", error.cause);
	assert_int_equal(myc_program_status(rig.program, &after, NULL), 0);
	assert_int_not_equal(before.program_id, after.program_id);
	uint64_t seen = neighbour_saw(&neighbour);
	burst_arrives(&rig, 1000);
	assert_int_equal(neighbour_saw(&neighbour) - seen, BURST);
	assert_int_equal(dp_redirected(&rig), 2 * BURST);
	neighbour_goes(&neighbour);
	dp_close(&rig);
	nothing_is_attached();
}

/* Another process finds what a killed one left in the dispatcher, and takes it out. */
static void cleanup_takes_out_what_a_dead_process_left(void **state)
{
	const struct myc_program_opts opts = {.sz = sizeof(opts), .name = "mycdp-test"};
	struct myc_program *found = NULL;
	struct myc_program_status status;
	struct myc_error error = {0};
	struct dp_rig rig;

	(void)state;
	assert_int_equal(dp_namespace(1), 0);
	dp_open_here(&rig, &endpoints, MYC_SHARING_DISPATCHER, 0);
	assert_int_equal(myc_program_open(&found, &opts, &error), 0);
	assert_int_equal(myc_program_status(found, &status, &error), 0);
	assert_int_equal(status.attached, MYC_ATTACH_NATIVE);
	assert_int_equal(myc_program_attach(found, &error), -EBUSY);
	assert_int_equal(myc_program_cleanup(&opts, 0, &error), -EBUSY);
	assert_int_equal(myc_program_cleanup(&opts, 1, &error), 0);
	nothing_is_attached();
	myc_program_close(found);
	myc_program_close(rig.program);
	close(rig.sender);
	myc_dataplane_close(rig.dataplane);
	dp_regions_close(&rig);
}

static void refused(enum myc_sharing sharing, const char *cause, const char *remedy)
{
	const struct myc_program_opts opts = {.sz = sizeof(opts),
					      .name = "mycdp-two",
					      .interface = DP_RECEIVER,
					      .sharing = sharing};
	struct myc_steer_config config;
	struct myc_program *program = NULL;
	struct myc_error error = {0};

	dp_config(&config, 1);
	assert_int_equal(myc_program_load(&program, &opts, &config, &error), 0);
	assert_int_equal(myc_program_attach(program, &error), -EBUSY);
	printf("%s (%s)\n", error.cause, error.remedy);
	assert_non_null(strstr(error.cause, cause));
	assert_non_null(strstr(error.remedy, remedy));
	assert_int_equal(myc_program_unload(program, &error), 0);
}

static void exclusive_beside_others_and_others_beside_exclusive_are_refused(void **state)
{
	struct neighbour neighbour;
	struct dp_rig rig;

	(void)state;
	assert_int_equal(dp_namespace(1), 0);
	neighbour_comes(&neighbour, 20);
	refused(MYC_SHARING_EXCLUSIVE, "has a dispatcher with other XDP programs",
		"use sharing dispatcher");
	neighbour_goes(&neighbour);
	dp_open_here(&rig, &endpoints, MYC_SHARING_EXCLUSIVE, 0);
	refused(MYC_SHARING_DISPATCHER, "has an XDP program already: 'myc_steer'", "unload");
	status_is(&rig, false);
	burst_arrives(&rig, 0);
	dp_close(&rig);
	nothing_is_attached();
}

/* libxdp's own word for a kernel that has no EXT programs: it then attaches one program plainly. */
static void without_a_dispatcher_we_are_alone_and_say_so(void **state)
{
	struct myc_program_status status;
	struct dp_rig rig;

	(void)state;
	setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
	assert_int_equal(dp_namespace(1), 0);
	dp_open_here(&rig, &endpoints, MYC_SHARING_DISPATCHER, 30);
	unsetenv("LIBXDP_SKIP_DISPATCHER");
	assert_int_equal(myc_program_status(rig.program, &status, NULL), 0);
	printf("%s\n", status.receipt);
	assert_non_null(strstr(status.receipt, "native on " DP_RECEIVER "; not in a dispatcher: "));
	assert_int_not_equal(status.link_id, 0);
	burst_arrives(&rig, 0);
	dp_close(&rig);
	nothing_is_attached();
}

/* With any libxdp: in the dispatcher, or alone with the reason. */
static void what_is_got_works_and_says_what_it_is(void **state)
{
	struct myc_program_status status;
	struct dp_rig rig;

	(void)state;
	assert_int_equal(dp_namespace(1), 0);
	dp_open_here(&rig, &endpoints, MYC_SHARING_DISPATCHER, 30);
	assert_int_equal(myc_program_status(rig.program, &status, NULL), 0);
	printf("receipt dispatcher-with-libxdp-of-this-Debian %s\n", status.receipt);
	assert_non_null(strstr(status.receipt, status.link_id
						       ? "; not in a dispatcher: "
						       : ", in a dispatcher at priority 30"));
	burst_arrives(&rig, 0);
	dp_close(&rig);
	nothing_is_attached();
}

/* dispatcher [--as-it-is]: with a libxdp that has what it takes; or with whatever there is. */
int main(int argc, char **argv)
{
	const struct CMUnitTest any[] = {
		cmocka_unit_test(what_is_got_works_and_says_what_it_is),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(we_come_first_and_leave_first),
		cmocka_unit_test(we_come_first_and_leave_last),
		cmocka_unit_test(we_come_last_and_leave_first),
		cmocka_unit_test(we_come_last_and_leave_last),
		cmocka_unit_test(a_lower_priority_runs_first_whoever_came_first),
		cmocka_unit_test(a_replacement_keeps_the_neighbour_and_the_state),
		cmocka_unit_test(cleanup_takes_out_what_a_dead_process_left),
		cmocka_unit_test(exclusive_beside_others_and_others_beside_exclusive_are_refused),
		cmocka_unit_test(without_a_dispatcher_we_are_alone_and_say_so),
	};

	if (argc > 1 && !strcmp(argv[1], "--as-it-is"))
		return cmocka_run_group_tests_name("any libxdp", any, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
