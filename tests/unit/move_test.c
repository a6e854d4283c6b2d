/* SPDX-License-Identifier: Apache-2.0 */
/* An actor moves from executor to executor while messages flow: from executors, another process and threads. */
#include "common/regions.h"
#include "common/wait.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/executor.h"
#include "core/move.h"

#define EXECUTORS 3
#define SENDERS	  5 /* 4 actors, a plain thread */
#define SECOND	  1000000000ull
#define WAYS	  (2 * SENDERS) /* ordinary ones, then urgent ones */
#define MOVES	  (300 / TEST_SHORTER)
#define BODY	  100

enum { NUMBER = 1, ECHO, WATCH, LEAVE, FAIL, TAKE };

static struct myc_system *systems[2];
static struct myc_region region[2][2];
static _Atomic bool flooding;
static _Atomic uint64_t sent[WAYS], got[WAYS], disorder, torn, replies, bad_replies, asks, ticks;
static uint64_t last[WAYS]; /* outlives the actor's restarts */
static _Atomic uint32_t downs, down_kind, places, begun;
static _Atomic myc_address wanderer_address;
static _Atomic int code_;

/* ---- who moves --------------------------------------------------------------------------------- */

static int wander(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t words[2] = {0};

	places |= 1u << self->executor->index;
	memcpy(words, message->payload, message->size < 16 ? message->size : 16);
	switch (message->type) {
	case NUMBER:
		disorder += words[1] != last[words[0]] + 1;
		disorder += (words[0] >= SENDERS) != !!(message->flags & MYC_MESSAGE_URGENT);
		last[words[0]] = words[1];
		torn += message->size == BODY &&
			((const uint8_t *)message->payload)[BODY - 1] != (uint8_t)words[1];
		got[words[0]]++;
		/* Restarted, also while it is on its way. */
		return got[words[0]] % 499 == 0 ? -EIO : 0;
	case ECHO:
		return myc_reply(self, message, ECHO, message->payload, message->size);
	case LEAVE:
		myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
		return 0;
	case FAIL:
		return -EIO;
	case TAKE: {
		struct myc_body body;

		if (myc_body_take(self, BODY, &body))
			return -EIO;
		myc_body_give(self, &body);
		return 0;
	}
	default:
		return 0;
	}
}

static int wanderer_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	ticks++;
	places |= 1u << self->executor->index;
	return 0;
}

static int wanderer_started(struct myc_actor *self)
{
	(void)self;
	begun++;
	return 0;
}

static const struct myc_timer_plan ticking = {.delay_ns = SECOND / 2000,
					      .period_ns = SECOND / 2000};

static const struct myc_behaviour wanderer = {.name = "wanderer",
					      .timers = &ticking,
					      .timers_count = 1,
					      .capacity_per_sender = 8,
					      .started = wanderer_started,
					      .timer = wanderer_timer,
					      .message = wander};

/* ---- who sends --------------------------------------------------------------------------------- */

struct sender {
	struct myc_ref to;
	uint64_t index, asked;
};

static int send_some(struct myc_actor *self, struct sender *sender)
{
	uint8_t body[BODY] = {0};

	const uint64_t urgent[2] = {sender->index + SENDERS, sent[sender->index + SENDERS] + 1};
	int code = urgent[1] % 2
			   ? myc_send_urgent(self, &sender->to, NUMBER, urgent, sizeof(urgent))
			   : myc_try_send_urgent(self, &sender->to, NUMBER, urgent, sizeof(urgent));

	sent[urgent[0]] += !code;
	if (code && code != -EAGAIN && code != -ENOBUFS)
		return code;
	for (int i = 0; i < 20; i++) {
		uint64_t words[2] = {sender->index, sent[sender->index] + 1};
		size_t size = words[1] % 16 ? sizeof(words) : BODY;

		memcpy(body, words, sizeof(words));
		body[BODY - 1] = (uint8_t)words[1];
		code = words[1] % 3 ? myc_send(self, &sender->to, NUMBER, body, size)
				    : myc_try_send(self, &sender->to, NUMBER, body, size);

		if (code == -EAGAIN || code == -ENOBUFS)
			return 0;
		if (code)
			return code;
		sent[sender->index] = words[1];
	}
	return 0;
}

static int sender_timer(struct myc_actor *self, uint64_t cookie)
{
	struct sender *sender = myc_state(self);

	(void)cookie;
	if (!sender->to.address && myc_resolve(self, wanderer_address, &sender->to))
		return 0;
	if (!flooding)
		return 0;
	if (asks < 4 + replies &&
	    !myc_try_ask(self, &sender->to, ECHO, &sender->asked, sizeof(sender->asked),
			 60 * SECOND, sender->asked, NULL)) {
		sender->asked++;
		asks++;
	}
	return send_some(self, sender);
}

static int sender_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	bad_replies += reply->status || memcmp(reply->payload, &reply->cookie, 8) != 0;
	replies++;
	return 0;
}

static int sender_started(struct myc_actor *self)
{
	struct sender *sender = myc_state(self);

	sender->index = strtoul(myc_setting(self, "index", "0"), NULL, 10);
	return myc_timer_start(self, 100000, 100000, 0, NULL);
}

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_monitor monitor;
	myc_address address;

	if (message->type != WATCH)
		return 0;
	memcpy(&address, message->payload, sizeof(address));
	code_ = myc_monitor(self, address, 0, &monitor);
	/* The answer says that it has come: it was sent before. */
	struct myc_ref to = {.address = address};
	uint64_t nothing = 0;

	return myc_ask(self, &to, ECHO, &nothing, sizeof(nothing), 60 * SECOND, 0, NULL);
}

static int sender_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	down_kind = event->reason.kind;
	downs++;
	return 0;
}

static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct sender),
					    .started = sender_started,
					    .timer = sender_timer,
					    .message = sender_message,
					    .signal = sender_signal,
					    .reply = sender_reply};

static void *post_numbers(void *context)
{
	uint64_t words[2] = {SENDERS - 1, 0};

	(void)context;
	while (flooding) {
		words[1] = sent[SENDERS - 1] + 1;
		int code = myc_post(systems[0], wanderer_address, NUMBER, words, sizeof(words),
				    SECOND / 100);

		if (!code)
			sent[SENDERS - 1]++;
		else if (code != -ETIMEDOUT)
			disorder++;
	}
	return NULL;
}

/* ---- the world --------------------------------------------------------------------------------- */

static bool lives(void *context, uint32_t process)
{
	(void)context;
	(void)process;
	return true;
}

static void open_world(void)
{
	static const struct myc_executor_opts executors[EXECUTORS] = {
		{.core = -1}, {.core = -1}, {.core = -1}};

	memset((void *)sent, 0, sizeof(sent));
	memset((void *)got, 0, sizeof(got));
	memset(last, 0, sizeof(last));
	disorder = torn = replies = bad_replies = asks = ticks = 0;
	downs = places = begun = 0;
	flooding = false;
	struct myc_system_opts opts[2];

	for (uint32_t p = 0; p < 2; p++) {
		opts[p] = (struct myc_system_opts){.sz = sizeof(opts[p]),
						   .executors = p ? 1 : EXECUTORS,
						   .lane_slots = 64,
						   .threads = p ? 0 : 1,
						   .executor = executors};
		regions_plan(region[0], 2, p, &opts[p], EXECUTORS + 2);
	}
	for (uint32_t p = 0; p < 2; p++) {
		const struct myc_workspace workspace = {.process = p,
							.incarnation = 1,
							.processes = 2,
							.regions = region[p],
							.alive = lives};

		assert_int_equal(myc_system_join(&systems[p], &opts[p], &workspace, NULL), 0);
		assert_int_equal(myc_system_start(systems[p], NULL), 0);
	}
}

static void close_world(void)
{
	for (uint32_t p = 0; p < 2; p++)
		assert_int_equal(myc_system_stop(systems[p], 20000), 0);
	for (uint32_t p = 0; p < 2; p++)
		myc_system_close(systems[p]);
	regions_unmap(region[0], 2);
}

static myc_address spawn(uint32_t process, uint32_t executor, const struct myc_behaviour *behaviour,
			 const char *index)
{
	struct myc_setting setting = {"index", index};
	myc_address address = MYC_NOBODY;

	assert_int_equal(myc_spawn(systems[process],
				   &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
							    .behaviour = behaviour,
							    .executor = executor,
							    .restarts_max = 100000,
							    .settings = &setting,
							    .settings_count = 1},
				   &address, NULL),
			 0);
	return address;
}

static void spawn_wanderer(void)
{
	wanderer_address = spawn(0, 0, &wanderer, "0");
	wait_until(begun == 1);
}

static uint32_t home(void)
{
	return myc_actor_word_home(__atomic_load_n(
		&systems[0]->slot[myc_address_slot(wanderer_address)].word, __ATOMIC_ACQUIRE));
}

static void post(uint16_t type)
{
	assert_int_equal(myc_post(systems[0], wanderer_address, type, NULL, 0, 10 * SECOND), 0);
}

static uint64_t sum(_Atomic uint64_t *of)
{
	uint64_t all = 0;

	for (int i = 0; i < WAYS; i++)
		all += of[i];
	return all;
}

/* ---- floods ------------------------------------------------------------------------------------ */

static void five_senders_flood_it_while_it_moves_hundreds_of_times(void **state)
{
	pthread_t thread;
	uint32_t at = 0, refused = 0;

	(void)state;
	open_world();
	spawn_wanderer();
	for (uint32_t i = 0; i < EXECUTORS; i++)
		spawn(0, i, &sender, (const char *[]){"0", "1", "2"}[i]);
	spawn(1, 0, &sender, "3");
	flooding = true;
	assert_int_equal(pthread_create(&thread, NULL, post_numbers, NULL), 0);
	for (int i = 0; i < MOVES; i++) {
		uint64_t before = sum(got);

		at = (at + 1 + (uint32_t)(i / 3 % 2)) % EXECUTORS;
		int code = myc_move(systems[0], wanderer_address, at, 20 * SECOND, NULL);

		assert_true(code == 0 || code == -ETIMEDOUT);
		refused += code != 0;
		if (code)
			at = home();
		assert_int_equal(home(), at);
		/* All come through, each time. */
		if (i % 10 == 0)
			wait_until(sum(got) > before);
	}
	for (int i = 0; i < SENDERS; i++)
		wait_until(got[i] > 100);
	for (int i = SENDERS; i < WAYS - 1; i++)
		wait_until(got[i] > 100);
	flooding = false;
	pthread_join(thread, NULL);
	wait_until(sum(got) == sum(sent));
	wait_until(replies == asks);
	print_message("  %llu messages, %llu asks, %llu ticks, %u lives, %u moves refused\n",
		      (unsigned long long)sum(got), (unsigned long long)replies,
		      (unsigned long long)ticks, begun, refused);
	assert_true(begun > 1 && ticks > MOVES / 10);
	assert_int_equal(refused, 0);
	assert_int_equal(disorder, 0);
	assert_int_equal(torn, 0);
	assert_int_equal(bad_replies, 0);
	assert_int_equal(places, (1u << EXECUTORS) - 1);
	for (uint32_t e = 0; e < EXECUTORS; e++)
		for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
			assert_int_equal(systems[0]->executor[e].words->lane_faults[i], 0);
	assert_int_equal(systems[0]->metrics[myc_address_slot(wanderer_address)].mailbox_depth, 0);
	close_world();
}

/* ---- those who watch it ------------------------------------------------------------------------ */

static void who_monitors_it_hears_of_its_end_wherever_it_is(void **state)
{
	(void)state;
	for (uint32_t moves = 0; moves < 5; moves++) {
		open_world();
		spawn_wanderer();
		myc_address watcher[3] = {spawn(0, 0, &sender, "0"), spawn(0, 1, &sender, "1"),
					  spawn(1, 0, &sender, "3")};
		uint64_t address = wanderer_address;

		for (int i = 0; i < 3; i++) {
			uint64_t before = replies;

			assert_int_equal(myc_post(systems[myc_address_process(watcher[i])],
						  watcher[i], WATCH, &address, sizeof(address),
						  10 * SECOND),
					 0);
			wait_until(replies == before + 1);
			assert_int_equal(code_, 0);
		}
		for (uint32_t i = 1; i <= moves; i++)
			assert_int_equal(
				myc_move(systems[0], address, i % EXECUTORS, 10 * SECOND, NULL), 0);
		post(LEAVE);
		wait_until(downs == 3);
		assert_int_equal(down_kind, MYC_EXIT_USER);
		assert_int_equal(myc_move(systems[0], address, 1, SECOND, NULL), -ESRCH);
		close_world();
		assert_int_equal(downs, 3);
	}
}

static void it_is_stopped_suspended_and_restarted_where_it_is(void **state)
{
	(void)state;
	open_world();
	spawn_wanderer();
	assert_int_equal(myc_move(systems[0], wanderer_address, 2, 10 * SECOND, NULL), 0);
	places = 0;
	post(FAIL);
	wait_until(begun == 2);
	wait_until(myc_actor_suspend(systems[0], wanderer_address) == 0);
	uint64_t words[2] = {0, 1};

	assert_int_equal(myc_post(systems[0], wanderer_address, NUMBER, words, 16, 10 * SECOND), 0);
	struct timespec nap = {.tv_nsec = 20000000};

	nanosleep(&nap, NULL);
	assert_int_equal(got[0], 0);
	wait_until(myc_actor_resume(systems[0], wanderer_address) == 0);
	wait_until(got[0] == 1);
	assert_int_equal(places, 1u << 2);
	assert_int_equal(myc_move(systems[0], wanderer_address, 1, 10 * SECOND, NULL), 0);
	assert_int_equal(myc_actor_stop(systems[0], wanderer_address, MYC_STOP, 10 * SECOND), 0);
	close_world();
}

/* ---- when it cannot go ------------------------------------------------------------------------- */

static void what_it_has_given_back_keeps_it_nowhere(void **state)
{
	(void)state;
	open_world();
	spawn_wanderer();
	post(TAKE);
	assert_int_equal(myc_move(systems[0], wanderer_address, 1, 10 * SECOND, NULL), 0);
	assert_int_equal(home(), 1);
	close_world();
}

static void what_cannot_be_is_refused(void **state)
{
	myc_address bound = MYC_NOBODY;

	(void)state;
	open_world();
	spawn_wanderer();
	assert_int_equal(myc_move(systems[0], wanderer_address, EXECUTORS, SECOND, NULL), -EINVAL);
	assert_int_equal(myc_move(systems[0], MYC_NOBODY, 1, SECOND, NULL), -ESRCH);
	assert_int_equal(myc_move(systems[1], wanderer_address, 0, SECOND, NULL), -ESRCH);
	assert_int_equal(myc_move(systems[0], wanderer_address + (1ull << MYC_GENERATION_BITS), 1,
				  SECOND, NULL),
			 -ESRCH);
	assert_int_equal(myc_move(systems[0], wanderer_address, 0, SECOND, NULL),
			 0); /* it is there */
	assert_int_equal(myc_spawn(systems[0],
				   &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
							    .behaviour = &wanderer,
							    .flags = MYC_SPAWN_THREAD},
				   &bound, NULL),
			 0);
	assert_int_equal(myc_move(systems[0], bound, 1, SECOND, NULL), -EOPNOTSUPP);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_senders_flood_it_while_it_moves_hundreds_of_times),
		cmocka_unit_test(who_monitors_it_hears_of_its_end_wherever_it_is),
		cmocka_unit_test(it_is_stopped_suspended_and_restarted_where_it_is),
		cmocka_unit_test(what_it_has_given_back_keeps_it_nowhere),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
