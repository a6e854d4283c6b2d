/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker says came of an order: whatever its block says, who asked is answered in words, a line of them. */
#include "common/test.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/order.h"
#include "runtime/supervisor.h"

#define NUMBER 7

static struct myc_supervisor supervisor;
static struct myc_order_result *result; /* the worker's block */
static char answer[2 * MYC_STATE_MAX + 64];

static int open_block(void **state)
{
	static struct myc_run run;
	struct myc_region_plan plan = {0};

	(void)state;
	assert_int_equal(myc_order_plan_worker(&plan), 0);
	int fd = myc_region_create("worker", &plan, NULL);

	assert_true(fd >= 0);
	assert_int_equal(myc_region_map(&supervisor.view.region[0], fd, MYC_REGION_OWNER, NULL), 0);
	close(fd);
	result = myc_region_block(&supervisor.view.region[0], MYC_BLOCK_ORDER, 0, NULL);
	run.topology = calloc(1, sizeof(*run.topology));
	supervisor.notes = calloc(1, sizeof(*supervisor.notes));
	assert_true(result && run.topology && supervisor.notes);
	run.topology->processes = 1;
	supervisor.run = &run;
	supervisor.view.processes = 1;
	supervisor.notes->child[0].state = MYC_CHILD_UP;
	return 0;
}

static int close_block(void **state)
{
	(void)state;
	myc_region_unmap(&supervisor.view.region[0]);
	free(supervisor.run->topology);
	free(supervisor.notes);
	return 0;
}

/* What who gave the order reads. */
static void answer_of(uint32_t what, int32_t code, uint32_t size, const char *bytes, size_t count)
{
	size_t at = 0;
	ssize_t got;
	int pair[2], room = 2 * (int)sizeof(answer);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	supervisor.control.client[0].fd = pair[0];
	supervisor.order[0] =
		(struct myc_order_wait){.number = NUMBER, .until_ns = UINT64_MAX, .what = what};
	memset(result->bytes, 'x', sizeof(result->bytes));
	memcpy(result->bytes, bytes, count);
	result->code = code;
	result->size = size;
	__atomic_store_n(&result->number, NUMBER, __ATOMIC_RELEASE);
	myc_supervisor_orders_step(&supervisor, 0);
	assert_int_equal(supervisor.order[0].number, 0);
	while ((got = read(pair[1], answer + at, sizeof(answer) - 1 - at)) > 0)
		at += (size_t)got;
	close(pair[1]);
	assert_true(at);
	answer[at] = '\0';
	assert_int_equal(strlen(answer), at);
}

static void codes_that_cannot_be_are_said_to_be_none(void **state)
{
	static const int32_t codes[] = {INT_MIN, INT_MIN + 1, -4096, 1, EIO, INT_MAX};

	(void)state;
	for (uint32_t what = MYC_ORDER_SUSPEND; what <= MYC_ORDER_HOLDERS; what++)
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			answer_of(what, codes[i], 0, "", 0);
			assert_string_equal(answer,
					    "error: its process says what cannot be: its memory "
					    "is spoilt (restart it)\n");
		}
	answer_of(MYC_ORDER_SUSPEND, -EIO, 0, "", 0);
	assert_string_equal(answer, "error: Input/output error\n");
	answer_of(MYC_ORDER_SUSPEND, -ESRCH, 0, "", 0);
	assert_string_equal(answer, "invalid: no actor has this address (myc ps lists them)\n");
	answer_of(MYC_ORDER_SUSPEND, 0, 0, "", 0);
	assert_string_equal(answer, "ok\n");
}

static void sizes_end_with_the_block(void **state)
{
	(void)state;
	answer_of(MYC_ORDER_STATE, 0, UINT32_MAX, "", 0);
	assert_true(strlen(answer) > 2 * MYC_STATE_MAX);
	answer_of(MYC_ORDER_HOLDERS, 0, UINT32_MAX, "", 0);
	assert_int_equal(strncmp(answer, "ok ", 3), 0);
	answer_of(MYC_ORDER_MOVE, -EBUSY, UINT32_MAX, "", 0);
	assert_true(strlen(answer) < 1100);
}

static void what_a_worker_says_in_words_is_one_line(void **state)
{
	static const char hostile[] = "it stays\nok\n\033[2Jall is well\x9b";

	(void)state;
	answer_of(MYC_ORDER_MOVE, -EBUSY, sizeof(hostile) - 1, hostile, sizeof(hostile));
	assert_string_equal(answer, "error: it stays?ok??[2Jall is well?\n");
	answer_of(MYC_ORDER_MOVE, -EBUSY, 400, "short", 6);
	assert_string_equal(answer, "error: short\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_that_cannot_be_are_said_to_be_none),
		cmocka_unit_test(sizes_end_with_the_block),
		cmocka_unit_test(what_a_worker_says_in_words_is_one_line),
	};

	return cmocka_run_group_tests(tests, open_block, close_block);
}
