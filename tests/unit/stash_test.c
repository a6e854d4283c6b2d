/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that an actor puts aside, in the test kit: order, bounds, bodies, asks, restarts, crashes. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/executor.h"

enum { NUMBER = 1, OPEN, GIVE, FAIL, STOP, CHANGE, BACK, BOTH, REVERSED, KEEP, PASS, SEND, TICK };
#define NUMBERS_MAX 4096

static struct myc_testkit *kit;
static myc_address keeper_address;
static struct myc_spawn_opts keeper_spawn;

/* What the keeper handled, in its order; its codes. It outlives crashes. */
static uint32_t handled[NUMBERS_MAX], handled_count, refused;
static uint8_t times[NUMBERS_MAX], redelivered[NUMBERS_MAX];
static bool open_now; /* remembered over its restarts */
static int last_code;
static uint32_t last_count;

struct keeper {
	bool open;
};

static const struct myc_behaviour keeper, other;

static void note(const struct myc_message *message)
{
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < NUMBERS_MAX && handled_count < NUMBERS_MAX);
	for (uint32_t i = 0; i < message->size / 4; i++)
		assert_int_equal(((const uint32_t *)message->payload)[i], number);
	handled[handled_count++] = number;
	times[number]++;
	redelivered[number] += message->flags & MYC_MESSAGE_REDELIVERED;
}

static int put_aside(struct myc_actor *self, int (*how)(struct myc_actor *))
{
	int code = how(self);

	refused += code == -ENOBUFS;
	return code == -ENOBUFS ? 0 : code;
}

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct keeper *state = myc_state(self);
	struct myc_body body;
	struct myc_ref ref;
	uint32_t count = 0;

	if (message->size == sizeof(count))
		memcpy(&count, message->payload, sizeof(count));
	switch (message->type) {
	case NUMBER:
		if (!state->open && !open_now)
			return put_aside(self, myc_stash);
		note(message);
		return 0;
	case TICK:
		return put_aside(self, myc_postpone);
	case OPEN:
		state->open = true;
		last_count = myc_unstash_all(self);
		return 0;
	case GIVE:
		last_count = myc_unstash(self, count);
		return 0;
	case FAIL:
		assert_int_equal(myc_stash(self), 0);
		return -EIO;
	case STOP:
		assert_int_equal(myc_stash(self), 0);
		myc_stop(self);
		return 0;
	case CHANGE:
		return myc_become(self, &other);
	case BOTH:
		assert_int_equal(myc_postpone(self), 0);
		return myc_become(self, &other);
	case REVERSED:
		assert_int_equal(myc_become(self, &other), 0);
		return myc_postpone(self);
	case KEEP:
		assert_int_equal(myc_body_keep(self, message, &body), 0);
		assert_int_equal(myc_stash(self), 0);
		return 0;
	case PASS:
		assert_int_equal(myc_lookup(self, "probe", &ref), 0);
		assert_int_equal(myc_stash(self), 0);
		assert_int_equal(myc_pass(self, &ref, message), 0);
		return 0;
	}
	return 0;
}

static int keeper_init(struct myc_actor *self)
{
	assert_int_equal(myc_stash(self), -ENOENT);
	return 0;
}

static int keeper_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	assert_int_equal(myc_stash(self), -ENOENT);
	assert_int_equal(myc_postpone(self), -ENOENT);
	return 0;
}

static int keeper_started(struct myc_actor *self)
{
	return myc_timer_start(self, 1000, 0, 0, NULL);
}

static int other_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == BACK)
		return myc_unbecome(self);
	if (message->type == NUMBER || message->type == TICK || message->type == BOTH ||
	    message->type == REVERSED)
		note(message);
	return 0;
}

static const struct myc_behaviour keeper = {.name = "keeper",
					    .state_size = sizeof(struct keeper),
					    .capacity_per_sender = 16,
					    .stash_capacity = 8,
					    .init = keeper_init,
					    .started = keeper_started,
					    .timer = keeper_timer,
					    .message = keeper_message};
static const struct myc_behaviour other = {.name = "other", .message = other_message};

/* ---- a kit ----------------------------------------------------------------------------------------- */

static void open_kit(const struct myc_testkit_opts *base, const struct myc_behaviour *behaviour)
{
	struct myc_testkit_opts opts = base ? *base : (struct myc_testkit_opts){0};

	opts.sz = sizeof(opts);
	memset(handled, 0, sizeof(handled));
	memset(times, 0, sizeof(times));
	memset(redelivered, 0, sizeof(redelivered));
	handled_count = refused = last_count = 0;
	open_now = false;
	keeper_spawn = (struct myc_spawn_opts){
		.sz = sizeof(keeper_spawn), .behaviour = behaviour, .name = "keeper"};
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, opts.processes > 1, &keeper_spawn, &keeper_address),
			 0);
}

static int begin(void **state)
{
	(void)state;
	open_kit(NULL, &keeper);
	return 0;
}

static int end(void **state)
{
	(void)state;
	myc_testkit_close(kit);
	return 0;
}

static struct myc_actor *actor_of(myc_address address)
{
	return &myc_testkit_system(kit, myc_address_process(address))
			->actor[myc_address_slot(address)];
}

static void idle(void)
{
	if (myc_testkit_run_until_idle(kit))
		fail_msg("%s", myc_testkit_failure(kit));
}

static void post_sized(uint16_t type, uint32_t number, uint32_t size)
{
	uint32_t words[64];

	for (uint32_t i = 0; i < 64; i++)
		words[i] = number;
	assert_int_equal(myc_testkit_post(kit, keeper_address, type, words, size), 0);
}

static void post(uint16_t type, uint32_t number)
{
	post_sized(type, number, sizeof(number));
	idle();
}

static void numbers(uint32_t from, uint32_t to)
{
	for (; from <= to; from++)
		post(NUMBER, from);
}

static void handled_are(const uint32_t *expected, uint32_t count)
{
	assert_int_equal(handled_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(handled[i], expected[i]);
	handled_count = 0;
}
#define handled_are(...)                             \
	handled_are((const uint32_t[]){__VA_ARGS__}, \
		    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static uint32_t stashed(void)
{
	return myc_stashed(actor_of(keeper_address));
}

static uint64_t dead_letters(void)
{
	return myc_testkit_system(kit, 0)
		->executor[0]
		.words->dead_letters[MYC_DEAD_LETTER_NO_ACTOR];
}

/* ---- order and bounds ------------------------------------------------------------------------------- */

static void what_was_put_aside_comes_back_before_what_came_later(void **state)
{
	(void)state;
	numbers(1, 5);
	assert_int_equal(handled_count, 0);
	assert_int_equal(stashed(), 5);
	assert_int_equal(actor_of(keeper_address)->metrics->mailbox_depth, 5);
	post_sized(OPEN, 0, 4);
	post_sized(NUMBER, 6, 4);
	post_sized(NUMBER, 7, 4);
	idle();
	assert_int_equal(last_count, 5);
	handled_are(1, 2, 3, 4, 5, 6, 7);
	assert_int_equal(stashed(), 0);
	assert_int_equal(actor_of(keeper_address)->metrics->mailbox_depth, 0);
}

static void some_come_back_and_are_put_aside_again_in_their_place(void **state)
{
	(void)state;
	numbers(1, 5);
	post(GIVE, 2); /* still closed: they go aside again */
	assert_int_equal(last_count, 2);
	assert_int_equal(stashed(), 5);
	numbers(6, 7);
	post(GIVE, 0);
	assert_int_equal(last_count, 0);
	post(GIVE, 100);
	assert_int_equal(last_count, 7);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6, 7);
}

static void beyond_the_limit_it_is_refused_and_nothing_is_lost(void **state)
{
	(void)state;
	numbers(1, 8);
	assert_int_equal(refused, 0);
	numbers(9, 10);
	assert_int_equal(refused, 2);
	assert_int_equal(stashed(), 8);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6, 7, 8);
}

static void without_a_declared_capacity_there_is_no_stash(void **state)
{
	static struct myc_behaviour none;

	(void)state;
	end(NULL);
	none = keeper;
	none.stash_capacity = 0;
	none.init = NULL;
	open_kit(NULL, &none);
	numbers(1, 3);
	assert_int_equal(refused, 3);
	assert_int_equal(stashed(), 0);
}

/* ---- credit ------------------------------------------------------------------------------------------ */

struct sender {
	struct myc_ref to;
	uint32_t next;
};

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	struct sender *state = myc_state(self);
	uint32_t count;

	memcpy(&count, message->payload, sizeof(count));
	last_code = state->to.address ? 0 : myc_resolve(self, keeper_address, &state->to);
	for (last_count = 0; !last_code && last_count < count; last_count++) {
		last_code = myc_try_send(self, &state->to, NUMBER, &state->next, 4);
		state->next += !last_code;
	}
	return 0;
}

static const struct myc_behaviour sender = {
	.name = "sender", .state_size = sizeof(struct sender), .message = sender_message};

static void put_aside_they_keep_their_senders_credit(void **state)
{
	static struct myc_behaviour small;
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	myc_address from;
	uint32_t many = 100;

	(void)state;
	end(NULL);
	small = keeper;
	small.capacity_per_sender = 6;
	open_kit(NULL, &small);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(myc_testkit_post(kit, from, SEND, &many, sizeof(many)), 0);
		idle();
		assert_int_equal(last_code, -EAGAIN);
	}
	/* Six of them, however often it tries, though none waits in front of the actor. */
	assert_int_equal(actor_of(keeper_address)->pending_count, 0);
	assert_int_equal(stashed(), 6);
	assert_int_equal(actor_of(keeper_address)->metrics->mailbox_depth, 6);
	assert_int_equal(refused, 0);
	post(OPEN, 0);
	handled_are(0, 1, 2, 3, 4, 5);
	assert_int_equal(myc_testkit_post(kit, from, SEND, &many, sizeof(many)), 0);
	idle();
	assert_true(handled_count >= 6);
	for (uint32_t i = 0; i < handled_count; i++)
		assert_int_equal(handled[i], 6 + i);
}

static void senders_are_not_mixed_up(void **state)
{
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	uint32_t three = 3;
	myc_address from;

	(void)state;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	post(NUMBER, 100);
	assert_int_equal(myc_testkit_post(kit, from, SEND, &three, sizeof(three)), 0);
	idle();
	post(NUMBER, 101);
	post(GIVE, 3);
	post(NUMBER, 102);
	post(OPEN, 0);
	handled_are(100, 0, 1, 2, 101, 102);
}

/* ---- postponed --------------------------------------------------------------------------------------- */

static void a_change_of_behaviour_brings_back_what_was_postponed_and_only_that(void **state)
{
	(void)state;
	post(NUMBER, 1);
	post(TICK, 2);
	post(NUMBER, 3);
	post(TICK, 4);
	post(TICK, 5);
	assert_int_equal(stashed(), 5);
	post(CHANGE, 0);
	handled_are(2, 4, 5);
	assert_int_equal(stashed(), 2);
	post(BACK, 0);
	post(OPEN, 0);
	handled_are(1, 3);
}

static void a_change_in_the_same_handler_counts_before_and_after(void **state)
{
	(void)state;
	post(TICK, 1);
	post_sized(BOTH, 2, 4);
	post_sized(NUMBER, 3, 4);
	idle();
	handled_are(1, 2, 3);
	post(BACK, 0);
	post(REVERSED, 4);
	handled_are(4);
	assert_int_equal(stashed(), 0);
}

/* ---- failure and end --------------------------------------------------------------------------------- */

static void a_restart_finds_all_in_the_mailbox_but_the_one_that_failed(void **state)
{
	(void)state;
	numbers(1, 4);
	post(TICK, 100);
	post(FAIL, 0); /* put aside and failed: handled */
	assert_int_equal(myc_restarts(actor_of(keeper_address)), 1);
	/* Closed again: they have gone aside again, and are not lost. */
	assert_int_equal(stashed(), 5);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4);
	assert_int_equal(actor_of(keeper_address)->metrics->messages, 5 + 1 + 5 + 1 + 5);
}

static void its_stop_makes_dead_letters_of_them(void **state)
{
	uint64_t before = dead_letters();

	(void)state;
	numbers(1, 3);
	post(TICK, 4);
	post(STOP, 0); /* itself put aside */
	assert_int_equal(dead_letters() - before, 5);
	assert_int_equal(handled_count, 0);
}

static void a_drain_does_not_wait_for_them(void **state)
{
	uint64_t before = dead_letters();

	(void)state;
	numbers(1, 3);
	assert_int_equal(
		myc_actor_stop(myc_testkit_system(kit, 0), keeper_address, MYC_STOP_DRAIN, 0), 0);
	idle();
	assert_int_equal(dead_letters() - before, 3);
	assert_int_equal(actor_of(keeper_address)->life, MYC_ACTOR_FREE);
}

/* ---- asks -------------------------------------------------------------------------------------------- */

static uint32_t answers, answers_right;
static int answer_status;

static int asker_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_int_equal(myc_resolve(self, keeper_address, &to), 0);
	return myc_ask(self, &to, NUMBER, &number, sizeof(number), 1000000000u, number, NULL);
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	answers++;
	answer_status = reply->status;
	answers_right += !reply->status && reply->cookie == *(const uint32_t *)reply->payload;
	return 0;
}

static const struct myc_behaviour asker = {
	.name = "asker", .message = asker_message, .reply = asker_reply};

static int answering(struct myc_actor *self, const struct myc_message *message)
{
	int code = keeper_message(self, message);

	if (!code && message->correlation && (open_now || ((struct keeper *)myc_state(self))->open))
		code = myc_reply(self, message, 1, message->payload, message->size);
	return code;
}

static myc_address ask_three(void)
{
	static struct myc_behaviour answerer;
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &asker};
	myc_address from;

	end(NULL);
	answerer = keeper;
	answerer.message = answering;
	answers = answers_right = 0;
	open_kit(NULL, &answerer);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(myc_testkit_post(kit, from, NUMBER, &i, sizeof(i)), 0);
	idle();
	assert_int_equal(stashed(), 3);
	assert_int_equal(answers, 0);
	return from;
}

static void asks_are_answered_when_their_turn_comes(void **state)
{
	(void)state;
	ask_three();
	post(OPEN, 0);
	assert_int_equal(answers_right, 3);
}

static void asks_among_them_are_bounced_at_the_end(void **state)
{
	(void)state;
	ask_three();
	post(STOP, 0);
	assert_int_equal(answers, 3);
	assert_int_equal(answer_status, -ESRCH);
}

/* ---- bodies ------------------------------------------------------------------------------------------ */

static void no_body_is_out(void)
{
	for (uint32_t p = 0; p < 2 && (!p || myc_address_process(keeper_address)); p++) {
		const struct myc_pool *pool = &myc_testkit_system(kit, p)->executor[0].out.pool;

		assert_int_equal(pool->loans_used, 0);
		assert_int_equal(pool->kept, 0);
	}
}

static void bodies_stay_as_they_were(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 6; i++)
		post_sized(NUMBER, i, i % 2 ? 256 : 4);
	idle();
	assert_int_equal(stashed(), 6);
	post(GIVE, 3);
	assert_int_equal(stashed(), 6);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6);
	no_body_is_out();
	/* And of an actor that ends. */
	post_sized(TICK, 1, 256);
	post_sized(TICK, 2, 256);
	idle();
	assert_int_equal(stashed(), 2);
	post(STOP, 0);
	no_body_is_out();
}

static void bodies_put_aside_leave_room_for_those_that_are_handled(void **state)
{
	static struct myc_behaviour large;
	const struct myc_system_opts system = {.sz = sizeof(system),
					       .executors = 1,
					       .actors = 64,
					       .buffers = {{256, 64}},
					       .loans = 8};
	const struct myc_testkit_opts opts = {.system = &system};

	(void)state;
	end(NULL);
	large = keeper;
	large.stash_capacity = 32;
	large.capacity_per_sender = 64;
	open_kit(&opts, &large);
	for (uint32_t i = 1; i <= 10; i++)
		post_sized(NUMBER, i, 256);
	idle();
	assert_int_equal(stashed(), 6); /* three quarters of the ledger */
	assert_int_equal(refused, 4);
	numbers(11, 12); /* without a body there is room */
	assert_int_equal(stashed(), 8);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6, 11, 12);
	no_body_is_out();
}

static void who_keeps_or_passes_the_body_and_puts_it_aside_fails(void **state)
{
	myc_address probe;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, "probe", &probe), 0);
	post_sized(KEEP, 1, 256);
	idle();
	assert_int_equal(myc_restarts(actor_of(keeper_address)), 1);
	no_body_is_out();
	post_sized(PASS, 2, 256);
	idle();
	assert_int_equal(myc_restarts(actor_of(keeper_address)), 2);
	assert_int_equal(stashed(), 0);
	assert_int_equal(
		myc_testkit_expect(kit, &(struct myc_testkit_want){.probe = probe, .type = PASS},
				   NULL),
		0);
	no_body_is_out();
}

/* ---- crashes ----------------------------------------------------------------------------------------- */

static void a_killed_process_leaves_them_to_its_successor_in_order(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 5; i++)
		post_sized(NUMBER, i, i % 2 ? 256 : 4);
	post(TICK, 100);
	assert_int_equal(myc_testkit_crash(kit, 0), 0);
	idle();
	assert_int_equal(handled_count, 0);
	assert_int_equal(stashed(), 6);
	assert_int_equal(myc_testkit_crash(kit, 0), 0);
	idle();
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5);
	assert_int_equal(actor_of(keeper_address)->metrics->in_doubt, 0);
	post(CHANGE, 0);
	handled_are(100);
	no_body_is_out();
	numbers(6, 60); /* credit is whole */
	assert_int_equal(handled_count, 55);
}

static struct {
	uint64_t crashes, doubted, pended;
} total;

/* A seed's life: two senders in another process, the keeper's process dies where chance says. */
static void play(uint64_t seed, bool redeliver)
{
	static struct myc_behaviour fragile;
	const struct myc_testkit_opts opts = {.seed = seed,
					      .processes = 2,
					      .spared = 1,
					      .crash = 3000,
					      .crash_handler = 20000,
					      .crashes_max = 6,
					      .delay = 10000};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	myc_address from;
	uint32_t burst = 5, order_breaks = 0;

	fragile = keeper;
	fragile.redeliver = redeliver;
	fragile.started = NULL;
	fragile.init = NULL;
	open_kit(&opts, &fragile);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (uint32_t round = 0; round < 12; round++) {
		open_now = round % 4 == 3;
		if (round % 2)
			post_sized(GIVE, open_now ? 100 : 2 + myc_testkit_random(kit, 8), 4);
		idle();
		assert_int_equal(myc_testkit_post(kit, from, SEND, &burst, sizeof(burst)), 0);
		idle();
	}
	open_now = true;
	for (int i = 0; i < 8; i++)
		post_sized(GIVE, 100, 4);
	idle();
	assert_int_equal(stashed(), 0);
	uint64_t doubted = actor_of(keeper_address)->metrics->in_doubt;
	uint32_t lost = 0, sent = ((struct sender *)actor_of(from)->state)->next;

	for (uint32_t i = 0; i < sent; i++) {
		lost += !times[i];
		/* Twice only when it is marked. */
		assert_true(times[i] <= 1 + redelivered[i]);
	}
	for (uint32_t i = 1, last = 0; i < handled_count; i++) {
		last = handled[i - 1] > last ? handled[i - 1] : last;
		order_breaks += handled[i] < last && !redelivered[handled[i]];
	}
	assert_int_equal(order_breaks, 0);
	/* What the full stash refused is handled (dropped) by the keeper. */
	assert_true(lost <= refused + doubted * !redeliver);
	no_body_is_out();
	total.crashes += myc_testkit_crashes(kit);
	total.doubted += doubted;
	total.pended += myc_testkit_system(kit, 1)->executor[0].words->pended;
	end(NULL);
}

static void chance_loses_nothing_and_repeats_only_what_is_marked(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		play(seed, seed % 2);
	print_message("  %llu crashes, %llu in doubt, %llu pended\n",
		      (unsigned long long)total.crashes, (unsigned long long)total.doubted,
		      (unsigned long long)total.pended);
	assert_true(total.crashes > 300 && total.doubted > 30 && total.pended > 3000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_put_aside_comes_back_before_what_came_later),
		CASE(some_come_back_and_are_put_aside_again_in_their_place),
		CASE(beyond_the_limit_it_is_refused_and_nothing_is_lost),
		CASE(without_a_declared_capacity_there_is_no_stash),
		CASE(put_aside_they_keep_their_senders_credit),
		CASE(senders_are_not_mixed_up),
		CASE(a_change_of_behaviour_brings_back_what_was_postponed_and_only_that),
		CASE(a_change_in_the_same_handler_counts_before_and_after),
		CASE(a_restart_finds_all_in_the_mailbox_but_the_one_that_failed),
		CASE(its_stop_makes_dead_letters_of_them),
		CASE(a_drain_does_not_wait_for_them),
		CASE(asks_are_answered_when_their_turn_comes),
		CASE(asks_among_them_are_bounced_at_the_end),
		CASE(bodies_stay_as_they_were),
		CASE(bodies_put_aside_leave_room_for_those_that_are_handled),
		CASE(who_keeps_or_passes_the_body_and_puts_it_aside_fails),
		CASE(a_killed_process_leaves_them_to_its_successor_in_order),
		cmocka_unit_test(chance_loses_nothing_and_repeats_only_what_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
