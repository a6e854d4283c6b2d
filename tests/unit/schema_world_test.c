/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that speak different schemas: who sends finds out before a message is read wrongly, nobody else is concerned,
 * and each restart, after kill -9, is asked anew. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>
#include <mycelium/abi/lane.h>

#include "common/regions.h"
#include "common/wait.h"
#include "core/process.h"
#include "unit/schema_bed.h"

#define PROCESSES 3
#define PATIENCE  20000000000ull

enum { RECEIVER, SENDER, OTHER };

/* ---- actors: a listener counts; a talker does as it is told by the test ------------------------- */

static struct shared {
	_Atomic uint64_t heard[PROCESSES];
	/* What the talker, or its process' main thread, is to do; and what came of it. */
	_Atomic int order, order_code;
	_Atomic uint32_t order_to, downs, undelivered, answer_code, up;
	struct myc_error error;
} * shared;

static int listen_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->correlation)
		return myc_reply(self, message, 2, NULL, 0);
	shared->heard[myc_address_process(myc_self(self))]++;
	return 0;
}

static const struct myc_behaviour listener = {
	.name = "listener", .capacity_per_sender = 16, .message = listen_message};

enum what {
	NOTHING,
	RESOLVE,
	TRY_SEND,
	SEND,
	SEND_BODY,
	URGENT,
	ASK,
	WHY,
	MONITOR,
	/* of the main thread */
	POST,
	STOP_IT,
	DISAGREE
};

struct talker {
	struct myc_ref to[PROCESSES];
};

static int obey(struct myc_actor *self, enum what what, uint32_t process)
{
	static const uint8_t large[100];
	struct talker *talker = myc_state(self);
	struct myc_ref *to = &talker->to[process];
	struct myc_ask ask;

	to->address = myc_address_make(0, process, 0, 1);
	switch (what) {
	case RESOLVE:
		*to = (struct myc_ref){0};
		return myc_resolve(self, myc_address_make(0, process, 0, 1), to);
	case TRY_SEND:
		return myc_try_send(self, to, 1, large, 8);
	case SEND:
		return myc_send(self, to, 1, large, 8);
	case SEND_BODY:
		return myc_send(self, to, 1, large, sizeof(large));
	case URGENT:
		return myc_try_send_urgent(self, to, 1, large, 8);
	case ASK:
		return myc_ask(self, to, 1, large, 8, PATIENCE, 0, &ask);
	case WHY:
		return myc_schemas_disagree_with(self, to->address, &shared->error);
	case MONITOR: {
		struct myc_monitor monitor;

		return myc_monitor(self, to->address, 0, &monitor);
	}
	default:
		return 0;
	}
}

static int talk(struct myc_actor *self, uint64_t cookie)
{
	int what = shared->order;

	(void)cookie;
	if (what != NOTHING && what < POST) {
		shared->order_code = obey(self, (enum what)what, shared->order_to);
		shared->order = NOTHING;
	}
	return 0;
}

static int talk_started(struct myc_actor *self)
{
	return myc_timer_start(self, 100000, 100000, 0, NULL);
}

static int talk_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	shared->downs += event->kind == MYC_EVENT_DOWN;
	return 0;
}

static int talk_undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	(void)self;
	shared->undelivered += what->why == MYC_DEAD_LETTER_SCHEMA;
	return 0;
}

static int talk_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	shared->answer_code = (uint32_t)-reply->status;
	return 0;
}

static const struct myc_behaviour talker = {.name = "talker",
					    .state_size = sizeof(struct talker),
					    .started = talk_started,
					    .timer = talk,
					    .signal = talk_signal,
					    .reply = talk_reply,
					    .undelivered = talk_undelivered};

/* By the sender. */
static int tell(enum what what, uint32_t process)
{
	shared->order_to = process;
	shared->order = (int)what;
	wait_until(shared->order == NOTHING);
	return shared->order_code;
}

static int obey_main(struct myc_system *system, int what, uint32_t process)
{
	myc_address to = myc_address_make(0, process, 0, 1);

	switch (what) {
	case POST:
		return myc_post(system, to, 1, "", 0, PATIENCE);
	case STOP_IT:
		return myc_actor_stop(system, to, MYC_STOP, PATIENCE);
	default:
		return myc_schemas_disagree(system, process, &shared->error);
	}
}

/* ---- processes ---------------------------------------------------------------------------------- */

static struct myc_region region[PROCESSES][PROCESSES]; /* of process, as seen by process */
static pid_t running[PROCESSES];
static uint64_t incarnation[PROCESSES];
static const struct myc_executor_opts sleeping[] = {{.core = -1}};
static const struct myc_system_opts one_executor = {
	.sz = sizeof(one_executor), .executors = 1, .executor = sleeping};

static void run(uint32_t process, const struct myc_sbe_schema_info *schema)
{
	struct myc_workspace workspace = {.process = process,
					  .incarnation = incarnation[process],
					  .processes = PROCESSES,
					  .regions = region[process]};
	struct timespec nap = {.tv_nsec = 50000};
	struct myc_system_opts opts = one_executor;
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
				       .behaviour = process == SENDER ? &talker : &listener};
	struct myc_system *system;
	myc_address address;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	opts.schemas = &schema;
	opts.schemas_count = schema != NULL;
	if (myc_system_join(&system, &opts, &workspace, NULL) ||
	    myc_spawn_at(system, &spawn, 0, 0, &address, NULL) || myc_system_start(system, NULL))
		_exit(1);
	shared->up = 1;
	for (;; nanosleep(&nap, NULL)) {
		int what = shared->order;

		if (process != SENDER || what < POST)
			continue;
		shared->order_code = obey_main(system, what, shared->order_to);
		shared->order = NOTHING;
	}
}

static void start(uint32_t process, const struct myc_sbe_schema_info *schema)
{
	incarnation[process]++;
	shared->up = 0;
	running[process] = fork();
	assert_true(running[process] >= 0);
	if (!running[process])
		run(process, schema);
	wait_until(shared->up);
}

static void end(uint32_t process)
{
	kill(running[process], SIGKILL);
	assert_int_equal(waitpid(running[process], NULL, 0), running[process]);
}

static void open_all(const struct myc_sbe_schema_info *receiver,
		     const struct myc_sbe_schema_info *sender)
{
	memset(incarnation, 0, sizeof(incarnation));
	for (uint32_t i = 0; i < PROCESSES; i++)
		shared->heard[i] = 0;
	shared->downs = shared->undelivered = shared->answer_code = 0;
	for (uint32_t i = 0; i < PROCESSES; i++)
		regions_plan(region[0], PROCESSES, i, &one_executor, PROCESSES);
	start(RECEIVER, receiver);
	start(OTHER, sender);
	start(SENDER, sender);
}

static void close_all(void)
{
	for (uint32_t i = 0; i < PROCESSES; i++)
		end(i);
	regions_unmap(region[0], PROCESSES);
}

static uint64_t letters(uint32_t process)
{
	const struct myc_executor_words *words =
		myc_region_block(&region[process][process], MYC_BLOCK_EXECUTOR, 0, NULL);

	return __atomic_load_n(&words->dead_letters[MYC_DEAD_LETTER_SCHEMA], __ATOMIC_RELAXED);
}

static struct desk version0, version1, wrong;

static int build(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(shared != MAP_FAILED);
	desk_build(&version0, 0);
	desk_build(&version1, 1);
	desk_build(&wrong, 1);
	wrong.field[ORDER_PRICE].offset = 10;
	return 0;
}

/* Everything that goes to the receiver arrives. */
static void all_goes(void)
{
	uint64_t before = shared->heard[RECEIVER];

	assert_int_equal(tell(RESOLVE, RECEIVER), 0);
	assert_int_equal(tell(SEND, RECEIVER), 0);
	assert_int_equal(tell(SEND_BODY, RECEIVER), 0);
	wait_until(shared->heard[RECEIVER] >= before + 2);
	for (int code = -EAGAIN; code;) /* a new flow has no credit at once */
		code = tell(URGENT, RECEIVER);
	wait_until(shared->heard[RECEIVER] == before + 3);
	shared->answer_code = 1;
	assert_int_equal(tell(ASK, RECEIVER), 0);
	wait_until(shared->answer_code == 0);
	assert_int_equal(tell(WHY, RECEIVER), 0);
}

static void nothing_goes(void)
{
	uint64_t before = shared->heard[RECEIVER], other = shared->heard[OTHER];

	assert_int_equal(tell(RESOLVE, RECEIVER), -EPROTO);
	assert_int_equal(tell(TRY_SEND, RECEIVER), -EPROTO);
	assert_int_equal(tell(SEND, RECEIVER), -EPROTO);
	assert_int_equal(tell(SEND_BODY, RECEIVER), -EPROTO);
	assert_int_equal(tell(URGENT, RECEIVER), -EPROTO);
	assert_int_equal(tell(ASK, RECEIVER), -EPROTO);
	assert_int_equal(tell(POST, RECEIVER), -EPROTO);
	assert_int_equal(tell(WHY, RECEIVER), -EPROTO);
	assert_non_null(strstr(shared->error.cause, "'Order.price.mantissa' has another offset"));
	assert_string_equal(shared->error.doing, "process 1 and process 0");
	/* others are not concerned */
	assert_int_equal(tell(SEND, OTHER), 0);
	wait_until(shared->heard[OTHER] == other + 1);
	assert_int_equal(shared->heard[RECEIVER], before);
}

static void versions_that_go_together_send_all(void **state)
{
	(void)state;
	open_all(&version0.schema, &version1.schema);
	all_goes();
	end(RECEIVER);
	start(RECEIVER, &version1.schema);
	all_goes();
	end(SENDER);
	start(SENDER, &version0.schema);
	all_goes();
	end(RECEIVER);
	start(RECEIVER, NULL); /* speaks none of them */
	all_goes();
	assert_int_equal(letters(RECEIVER) + letters(SENDER), 0);
	close_all();
}

static void who_disagrees_is_not_sent_to(void **state)
{
	(void)state;
	open_all(&wrong.schema, &version1.schema);
	nothing_goes();
	/* signals go: it is watched, and its end is told */
	assert_int_equal(tell(MONITOR, RECEIVER), 0);
	assert_int_equal(tell(STOP_IT, RECEIVER), 0);
	wait_until(shared->downs == 1);
	/* any thread */
	assert_int_equal(tell(DISAGREE, RECEIVER), -EPROTO);
	assert_non_null(strstr(shared->error.cause, "offset 9 (id 3) here"));
	assert_int_equal(tell(DISAGREE, OTHER), 0);
	assert_int_equal(tell(DISAGREE, SENDER), 0);
	assert_int_equal(tell(DISAGREE, PROCESSES), -EINVAL);
	close_all();
}

static void a_restart_is_asked_anew(void **state)
{
	(void)state;
	open_all(&wrong.schema, &version1.schema);
	nothing_goes();
	for (int i = 0; i < 3; i++) {
		end(RECEIVER);
		start(RECEIVER, &version1.schema);
		all_goes();
		end(SENDER);
		start(SENDER, &wrong.schema); /* what goes wrong now is its sender */
		assert_int_equal(tell(RESOLVE, RECEIVER), -EPROTO);
		end(SENDER);
		start(SENDER, &version0.schema);
		all_goes();
		end(RECEIVER);
		start(RECEIVER, &wrong.schema);
		assert_int_equal(tell(RESOLVE, RECEIVER), -EPROTO);
	}
	close_all();
}

/* A receiver comes back with another schema while a sender has a flow, credit and messages under way: none
 * reaches it, each is accounted for, and the sender hears of it. */
static void what_was_under_way_is_a_dead_letter(void **state)
{
	uint64_t sent = 0;
	int code;

	(void)state;
	open_all(&version1.schema, &version1.schema);
	all_goes();
	uint64_t before = shared->heard[RECEIVER];

	end(RECEIVER);
	while ((code = tell(TRY_SEND, RECEIVER)) == 0)
		sent++;
	assert_int_equal(code, -EAGAIN);
	assert_true(sent > 0);
	assert_int_equal(tell(SEND, RECEIVER),
			 0); /* waits in the outbox, and its sender is paused */
	start(RECEIVER, &wrong.schema);
	wait_until(letters(RECEIVER) == sent);
	wait_until(shared->undelivered == 1);
	assert_int_equal(letters(SENDER), 1);
	/* its flow is known, and is without credit for good */
	wait_until((code = tell(TRY_SEND, RECEIVER)) != -EAGAIN);
	assert_int_equal(code, -EPROTO);
	assert_int_equal(tell(SEND, RECEIVER), -EPROTO);
	assert_int_equal(tell(SEND_BODY, RECEIVER), -EPROTO);
	assert_int_equal(tell(ASK, RECEIVER), -EPROTO);
	assert_int_equal(shared->heard[RECEIVER], before);
	/* back again: the same flow serves */
	end(RECEIVER);
	start(RECEIVER, &version1.schema);
	wait_until(tell(TRY_SEND, RECEIVER) == 0);
	wait_until(shared->heard[RECEIVER] == before + 1);
	all_goes();
	assert_int_equal(letters(RECEIVER), sent);
	close_all();
}

/* A body that is under way goes home, a request is answered. */
static void bodies_come_home_and_requests_are_answered(void **state)
{
	(void)state;
	open_all(&version1.schema, &version1.schema);
	all_goes();
	end(RECEIVER);
	assert_int_equal(tell(SEND_BODY, RECEIVER), 0);
	assert_int_equal(tell(ASK, RECEIVER), 0);
	start(RECEIVER, &wrong.schema);
	wait_until(letters(RECEIVER) == 2);
	/* By who has the other schema, or by the restart, whichever is seen first. */
	wait_until(shared->answer_code == EPROTO || shared->answer_code == ENOTCONN);
	end(RECEIVER);
	start(RECEIVER, &version1.schema);
	for (int i = 0; i < 2000; i++) { /* more than the pool has: none was lost on the way */
		uint64_t before = shared->heard[RECEIVER];

		assert_int_equal(tell(SEND_BODY, RECEIVER), 0);
		wait_until(shared->heard[RECEIVER] == before + 1);
	}
	close_all();
}

/* A table that its owner scribbles over is compared to an end, and harms nobody who does not send there. */
static void a_scribbled_table_harms_nobody_else(void **state)
{
	uint64_t seed = test_seed();

	(void)state;
	open_all(&version0.schema, &version1.schema);
	all_goes();
	for (int i = 0; i < 200; i++) {
		struct myc_schemas *table =
			myc_region_block(&region[RECEIVER][RECEIVER], MYC_BLOCK_SCHEMAS, 0, NULL);
		uint64_t *word = (uint64_t *)(void *)table;
		uint64_t other = shared->heard[OTHER];

		for (int n = 0; n < 4; n++)
			__atomic_store_n(&word[1 + test_random(&seed) % 600], test_random(&seed),
					 __ATOMIC_RELAXED);
		__atomic_store_n(&table->incarnation, test_random(&seed), __ATOMIC_RELEASE);
		int code = tell(RESOLVE, RECEIVER);

		assert_true(code == 0 || code == -EPROTO);
		assert_int_equal(tell(SEND, OTHER), 0);
		wait_until(shared->heard[OTHER] == other + 1);
	}
	end(RECEIVER);
	start(RECEIVER, &version1.schema);
	all_goes();
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_that_go_together_send_all),
		cmocka_unit_test(who_disagrees_is_not_sent_to),
		cmocka_unit_test(a_restart_is_asked_anew),
		cmocka_unit_test(what_was_under_way_is_a_dead_letter),
		cmocka_unit_test(bodies_come_home_and_requests_are_answered),
		cmocka_unit_test(a_scribbled_table_harms_nobody_else),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
