/* SPDX-License-Identifier: Apache-2.0 */
/* Circuit breakers: each edge of the three states, on a virtual clock, and a model that must agree. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#define MS	   1000000ull
#define TIMEOUT_NS (10 * MS)
#define RESET_NS   (100 * MS)
#define LATE_NS	   (3 * MS) /* timeouts of asks are looked at about every millisecond */

enum { ASK = 1, REQUEST, CANCEL, RESTART };
enum mode { ANSWER, REFUSE, SILENT };

static struct myc_testkit *kit;
static myc_address asker_address, replier_address;
static struct myc_breaker_opts opts;
static enum mode mode;
static uint64_t requests, outcomes, changes;
static int code, status;
static bool ask_when_changed;
static enum myc_breaker_state from_state;

struct asker {
	struct myc_ref replier;
	struct myc_breaker breaker;
	struct myc_ask last;
};
static struct asker *asker; /* one thread, and its state does not move */

static int asker_init(struct myc_actor *self)
{
	asker = myc_state(self);
	assert_int_equal(myc_breaker_init(&asker->breaker, &opts), 0);
	return myc_resolve(self, replier_address, &asker->replier);
}

static int ask(struct myc_actor *self)
{
	return myc_breaker_ask(self, &asker->breaker, &asker->replier, REQUEST, NULL, 0, 7,
			       &asker->last);
}

static int asker_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == ASK)
		code = ask(self);
	else if (message->type == CANCEL)
		code = myc_ask_cancel(self, asker->last);
	return message->type == RESTART ? -EIO : 0;
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	assert_int_equal(reply->cookie, 7);
	status = reply->status;
	outcomes++;
	myc_breaker_reply(self, &asker->breaker, reply);
	return 0;
}

static void changed(struct myc_actor *self, struct myc_breaker *breaker,
		    enum myc_breaker_state from)
{
	assert_true(breaker->state != from);
	from_state = from;
	changes++;
	if (ask_when_changed && breaker->state == MYC_BREAKER_HALF_OPEN)
		assert_int_equal(ask(self), 0);
}

static const struct myc_behaviour asking = {.name = "asker",
					    .state_size = sizeof(struct asker),
					    .init = asker_init,
					    .message = asker_message,
					    .reply = asker_reply};

static int replier_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_reply_to to;

	if (message->type != REQUEST) {
		myc_stop(self);
		return 0;
	}
	requests++;
	if (mode == ANSWER)
		return myc_reply(self, message, 1, NULL, 0);
	return mode == SILENT		      ? 0
	       : myc_reply_keep(message, &to) ? -EIO
					      : myc_reply_error(self, &to, -EPERM);
}

static const struct myc_behaviour replying = {.name = "replier", .message = replier_message};

static void begin(uint64_t seed)
{
	struct myc_system_opts system = {.sz = sizeof(system), .executors = 2};
	struct myc_testkit_opts with = {.sz = sizeof(with), .seed = seed, .system = &system};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &replying, .executor = 1};

	opts = (struct myc_breaker_opts){.sz = sizeof(opts),
					 .failures_max = 3,
					 .call_timeout_ns = TIMEOUT_NS,
					 .reset_ns = RESET_NS,
					 .reset_ns_max = 300 * MS,
					 .changed = changed};
	requests = outcomes = changes = 0;
	mode = ANSWER;
	ask_when_changed = false;
	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &replier_address), 0);
	spawn.behaviour = &asking;
	spawn.executor = 0;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &asker_address), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
}

static void end(void)
{
	const struct myc_breaker *breaker = &asker->breaker;

	assert_int_equal(breaker->asks, breaker->successes + breaker->failed);
	myc_testkit_close(kit);
}

static void tell(myc_address to, uint16_t type)
{
	assert_int_equal(myc_testkit_post(kit, to, type, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
}

static void pass(uint64_t ns)
{
	assert_int_equal(myc_testkit_advance(kit, ns), 0);
}

/* Asks in this mode and waits for the outcome; returns the code of the ask. */
static int ask_in(enum mode as)
{
	mode = as;
	tell(asker_address, ASK);
	if (!code && as == SILENT)
		pass(TIMEOUT_NS + LATE_NS);
	return code;
}

static void fail_until_open(void)
{
	for (uint32_t i = 0; i < opts.failures_max; i++) {
		assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
		assert_int_equal(ask_in(REFUSE), 0);
	}
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
}

static void failures_in_a_row_open_it_and_others_do_not(void **state)
{
	(void)state;
	begin(1);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask_in(REFUSE), 0);
		assert_int_equal(ask_in(i % 2 ? SILENT : REFUSE), 0);
		assert_int_equal(ask_in(ANSWER), 0);
	}
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	assert_int_equal(changes, 0);
	assert_int_equal(ask_in(REFUSE), 0);
	assert_int_equal(status, -EPERM);
	assert_int_equal(ask_in(SILENT), 0);
	assert_int_equal(status, -ETIMEDOUT);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	assert_int_equal(ask_in(REFUSE), 0);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	assert_int_equal(changes, 1);
	assert_int_equal(asker->breaker.opened, 1);
	end();
}

static void open_it_fails_at_once_and_sends_nothing(void **state)
{
	(void)state;
	begin(2);
	fail_until_open();
	uint64_t before = requests;

	for (int i = 0; i < 50; i++)
		assert_int_equal(ask_in(ANSWER), -ECONNREFUSED);
	pass(RESET_NS - 1);
	assert_int_equal(ask_in(ANSWER), -ECONNREFUSED);
	assert_int_equal(requests, before);
	assert_int_equal(asker->breaker.refused, 51);
	end();
}

static void a_trial_that_succeeds_closes_it(void **state)
{
	(void)state;
	begin(3);
	fail_until_open();
	pass(RESET_NS);
	assert_int_equal(ask_in(ANSWER), 0);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	assert_int_equal(from_state, MYC_BREAKER_HALF_OPEN);
	assert_int_equal(changes, 3);
	/* Its count of failures starts anew. */
	fail_until_open();
	end();
}

static void one_trial_at_a_time(void **state)
{
	(void)state;
	begin(4);
	fail_until_open();
	pass(RESET_NS);
	uint64_t before = requests;

	mode = SILENT;
	tell(asker_address, ASK);
	assert_int_equal(code, 0);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_HALF_OPEN);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask_in(ANSWER), -ECONNREFUSED);
	assert_int_equal(requests, before + 1);
	pass(TIMEOUT_NS + LATE_NS);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	end();
}

static void each_failed_trial_makes_it_wait_longer_up_to_a_limit(void **state)
{
	static const uint64_t waits[] = {100 * MS, 200 * MS, 300 * MS, 300 * MS};

	(void)state;
	begin(5);
	fail_until_open();
	for (size_t i = 0; i < 4; i++) {
		pass(waits[i] - 1);
		assert_int_equal(ask_in(REFUSE), -ECONNREFUSED);
		pass(1);
		assert_int_equal(ask_in(REFUSE), 0);
		assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	}
	pass(300 * MS);
	assert_int_equal(ask_in(ANSWER), 0);
	/* Closed, it begins with the shortest again. */
	fail_until_open();
	pass(RESET_NS);
	assert_int_equal(ask_in(ANSWER), 0);
	end();
}

/* Of asks that were out when it opened: they neither close nor open it. */
static void outcomes_from_before_do_not_count(void **state)
{
	(void)state;
	begin(6);
	mode = SILENT;
	for (int i = 0; i < 4; i++)
		tell(asker_address, ASK);
	fail_until_open();
	uint64_t until = asker->breaker.until_ns;

	pass(TIMEOUT_NS + LATE_NS);
	assert_int_equal(outcomes, 7);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	assert_int_equal(asker->breaker.until_ns, until);
	assert_int_equal(asker->breaker.opened, 1);
	end();
}

static void a_trial_that_was_cancelled_is_given_up(void **state)
{
	(void)state;
	begin(7);
	fail_until_open();
	pass(RESET_NS);
	mode = SILENT;
	tell(asker_address, ASK);
	tell(asker_address, CANCEL);
	assert_int_equal(code, 0);
	pass(TIMEOUT_NS - 1);
	assert_int_equal(ask_in(ANSWER), -ECONNREFUSED);
	pass(1);
	assert_int_equal(ask_in(ANSWER), 0);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	asker->breaker.asks--; /* the cancelled one has no outcome */
	end();
}

static void an_ask_of_nobody_counts_as_a_failure(void **state)
{
	(void)state;
	begin(8);
	tell(replier_address, 99);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
		assert_int_equal(ask_in(ANSWER), -ESRCH);
	}
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	assert_int_equal(ask_in(ANSWER), -ECONNREFUSED);
	pass(RESET_NS);
	assert_int_equal(ask_in(ANSWER), -ESRCH);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	end();
}

static void who_is_told_may_make_the_trial(void **state)
{
	(void)state;
	begin(9);
	fail_until_open();
	pass(RESET_NS);
	ask_when_changed = true;
	assert_int_equal(ask_in(ANSWER), -ECONNREFUSED);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	end();
}

static bool permission_is_fine(const struct myc_reply *reply)
{
	return reply->status && reply->status != -EPERM;
}

static void the_application_says_what_a_failure_is(void **state)
{
	(void)state;
	begin(10);
	asker->breaker.opts.failure = permission_is_fine;
	for (int i = 0; i < 9; i++)
		assert_int_equal(ask_in(REFUSE), 0);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_in(SILENT), 0);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_OPEN);
	end();
}

static void a_restart_closes_it(void **state)
{
	(void)state;
	begin(11);
	fail_until_open();
	tell(asker_address, RESTART);
	assert_int_equal(asker->breaker.state, MYC_BREAKER_CLOSED);
	assert_int_equal(ask_in(ANSWER), 0);
	end();
}

static void options_are_looked_at(void **state)
{
	struct myc_breaker breaker;
	struct myc_breaker_opts given = {.sz = 8};

	(void)state;
	assert_int_equal(myc_breaker_init(&breaker, &given), -EINVAL);
	given = (struct myc_breaker_opts){.sz = sizeof(given), .backoff_percent = 99};
	assert_int_equal(myc_breaker_init(&breaker, &given), -EINVAL);
	assert_int_equal(myc_breaker_init(&breaker, NULL), 0);
	assert_int_equal(breaker.opts.failures_max, 5);
	assert_int_equal(breaker.state, MYC_BREAKER_CLOSED);
	given = (struct myc_breaker_opts){
		.sz = sizeof(given), .reset_ns = 2000, .reset_ns_max = 1000};
	assert_int_equal(myc_breaker_init(&breaker, &given), 0);
	assert_int_equal(breaker.opts.reset_ns_max, 2000);
}

/* The rules once more, by hand. */
struct model {
	enum myc_breaker_state state;
	uint32_t failures;
	uint64_t reset_ns, until_ns;
};

static void model_open(struct model *model)
{
	model->state = MYC_BREAKER_OPEN;
	model->failures = 0;
	model->until_ns = myc_testkit_now_ns(kit) + model->reset_ns;
}

static int model_ask(struct model *model)
{
	if (model->state == MYC_BREAKER_OPEN && myc_testkit_now_ns(kit) < model->until_ns)
		return -ECONNREFUSED;
	if (model->state == MYC_BREAKER_OPEN)
		model->state = MYC_BREAKER_HALF_OPEN;
	return 0;
}

static void model_outcome(struct model *model, bool good)
{
	bool trial = model->state == MYC_BREAKER_HALF_OPEN;

	if (good) {
		model->state = MYC_BREAKER_CLOSED;
		model->failures = 0;
		model->reset_ns = RESET_NS;
	} else if (trial) {
		model->reset_ns = model->reset_ns * 2 < 300 * MS ? model->reset_ns * 2 : 300 * MS;
		model_open(model);
	} else if (++model->failures == 3) {
		model_open(model);
	}
}

static void agrees_with_a_model_whatever_comes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40 / TEST_SHORTER; seed++) {
		struct model model = {.reset_ns = RESET_NS};

		begin(seed);
		for (int i = 0; i < 200; i++) {
			enum mode as = myc_testkit_random(kit, 3) ? ANSWER : REFUSE;

			if (seed % 2) /* mostly in trouble */
				as = as == ANSWER ? REFUSE : ANSWER;
			if (!myc_testkit_random(kit, 3))
				pass(myc_testkit_random(kit, 200) * MS);
			int expected = model_ask(&model);

			assert_int_equal(ask_in(as), expected);
			if (!expected)
				model_outcome(&model, as == ANSWER);
			if (asker->breaker.state != model.state)
				fail_msg("seed %llu, step %d", (unsigned long long)seed, i);
		}
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_in_a_row_open_it_and_others_do_not),
		cmocka_unit_test(open_it_fails_at_once_and_sends_nothing),
		cmocka_unit_test(a_trial_that_succeeds_closes_it),
		cmocka_unit_test(one_trial_at_a_time),
		cmocka_unit_test(each_failed_trial_makes_it_wait_longer_up_to_a_limit),
		cmocka_unit_test(outcomes_from_before_do_not_count),
		cmocka_unit_test(a_trial_that_was_cancelled_is_given_up),
		cmocka_unit_test(an_ask_of_nobody_counts_as_a_failure),
		cmocka_unit_test(who_is_told_may_make_the_trial),
		cmocka_unit_test(the_application_says_what_a_failure_is),
		cmocka_unit_test(a_restart_closes_it),
		cmocka_unit_test(options_are_looked_at),
		cmocka_unit_test(agrees_with_a_model_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
