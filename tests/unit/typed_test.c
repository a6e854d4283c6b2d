/* SPDX-License-Identifier: Apache-2.0 */
/* Typed actors: what is sent arrives at its handler; probes, calls in a system with threads, limits. */
#include "unit/typed_bed.h"

#include <mycelium/workers.h>

/* ---- what is sent arrives ------------------------------------------------------------------------ */

static int try_order(struct myc_actor *self)
{
	const struct desk_order_block order = {.order_id = 2, .account = DESK_ORDER_ACCOUNT_NULL};

	return desk_matcher_try_send(self, &to, &order);
}
static int send_note(struct myc_actor *self)
{
	struct desk_note_block note = {.order_id = 3, .text = "larger than what goes in a slot"};

	return desk_matcher_send(self, &to, &note);
}
static int send_flush(struct myc_actor *self)
{
	return desk_matcher_send(self, &to, &(struct desk_flush_block){0});
}

static void every_message_reaches_its_handler(void **state)
{
	(void)state;
	go(send_order, 0);
	assert_int_equal(m.orders, 1);
	assert_int_equal(m.order_id, 1ull << 40);
	assert_int_equal(m.quantity, 200);
	assert_int_equal(m.account, 9);
	assert_true(m.has_account);
	go(try_order, 0);
	assert_int_equal(m.order_id, 2);
	assert_false(m.has_account);
	go(urgent_cancel, 0);
	assert_int_equal(m.cancelled, 2);
	go(send_note, 0);
	assert_int_equal(m.notes, 1);
	assert_string_equal(m.text, "larger than what goes in a slot");
	go(send_flush, 0);
	assert_int_equal(m.flushes, 1);
	assert_int_equal(m.orders + m.cancels + m.notes, 4);
}

static int send_draft(struct myc_actor *self)
{
	struct desk_depth_draft draft;
	int code = desk_depth_draft(self, &draft, 2048);

	if (code)
		return code;
	fill(&draft.message, 100);
	code = desk_matcher_send(self, &to, &draft);
	assert_null(draft.body.data);
	/* It is gone: neither again nor away. */
	assert_int_equal(desk_matcher_send(self, &to, &draft), -EBADMSG);
	desk_depth_discard(self, &draft);
	return code;
}
static int send_encoded(struct myc_actor *self)
{
	uint8_t buffer[256];
	struct desk_depth_encoder depth;

	assert_int_equal(desk_depth_begin(&depth, buffer, sizeof(buffer)), 0);
	fill(&depth, 3);
	return desk_matcher_try_send(self, &to, &depth);
}
static int send_unfinished(struct myc_actor *self)
{
	struct desk_depth_draft draft;
	struct desk_depth_levels_encoder level;
	uint8_t buffer[64];

	assert_int_equal(desk_depth_draft(self, &draft, 4), 0);
	desk_depth_discard(self, &draft);
	assert_int_equal(desk_depth_draft(self, &draft, 1u << 30), -EMSGSIZE);
	assert_int_equal(desk_depth_draft(self, &draft, 64), 0);
	desk_depth_levels_begin(&draft.message, &level, 2);
	assert_int_equal(desk_matcher_try_send(self, &to, &draft), -EBADMSG);
	desk_depth_discard(self, &draft);
	/* Without its header nobody could tell its parts. */
	assert_int_equal(desk_depth_begin_body(&draft.message, buffer, sizeof(buffer)), 0);
	return desk_matcher_send(self, &to, &draft.message);
}

static void groups_and_data_travel_in_buffers(void **state)
{
	(void)state;
	go(send_draft, 0);
	assert_int_equal(m.depths, 1);
	assert_int_equal(m.instrument, 42);
	assert_int_equal(m.levels, 100);
	assert_int_equal(m.prices, 5050);
	assert_string_equal(m.comment, "opening");
	go(send_encoded, 0);
	assert_int_equal(m.levels, 3);
	go(send_unfinished, -EBADMSG);
	assert_int_equal(m.depths, 2);
	/* No buffer is lost, however often. */
	for (int i = 0; i < 500; i++)
		go(send_draft, 0);
	assert_int_equal(m.depths, 502);
}

static int ask_order(struct myc_actor *self)
{
	struct desk_order_block order = {.order_id = 5, .account = DESK_ORDER_ACCOUNT_NULL};

	return desk_matcher_ask(self, &to, &order, 1000000, 1, NULL);
}
static int ask_flush(struct myc_actor *self)
{
	return desk_matcher_ask_await(self, &to, (&(struct desk_flush_block){0}), 1000000, 2, NULL,
				      NULL);
}

static void questions_are_answered_with_their_answer(void **state)
{
	(void)state;
	go(ask_order, 0);
	assert_int_equal(answered.order_id, 5);
	assert_int_equal(answered.place, 1);
	go(ask_flush, 0);
	assert_int_equal(counted, 1);
	/* Later, from the handler of something else. */
	m.later = true;
	answered.place = 0;
	go(ask_order, 0);
	assert_int_equal(answered.place, 0);
	status = 1;
	go(send_flush, 0);
	assert_int_equal(answered.place, 77);
}

static void a_question_is_passed_on_to_another_of_the_interface(void **state)
{
	myc_address address;

	(void)state;
	myc_testkit_close(kit);
	memset(&m, 0, sizeof(m));
	assert_int_equal(
		myc_testkit_open(&kit,
				 &(struct myc_testkit_opts){.sz = sizeof(struct myc_testkit_opts),
							    .processes = 2},
				 &error),
		0);
	spawn(1, &matcher.as, "second", &address);
	spawn(1, &first.as, "matcher", &address);
	spawn(0, &client, "client", &client_address);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	go(look_up, 0);
	answered.order_id = 0;
	go(ask_order, 0);
	assert_int_equal(answered.order_id, 5);
	assert_int_equal(m.orders, 101);
}

/* ---- questions and answers that do not fit into a slot --------------------------------------------- */

static struct desk_echo_ref echo_ref, second_echo;
static struct desk_remark_block heard;

static int on_remark(struct myc_actor *self, const struct desk_remark *remark,
		     const struct desk_echo_remark_asked *asked)
{
	struct desk_remark_block answer;

	desk_remark_load(remark, &answer);
	answer.order_id++;
	return desk_echo_reply(self, asked, &answer);
}
DESK_ECHO_BEHAVIOUR(echo, MYC_WITH(), on_remark);

static int pass_remark(struct myc_actor *self, const struct desk_remark *remark,
		       const struct desk_echo_remark_asked *asked)
{
	(void)remark;
	return desk_echo_forward(self, asked, &second_echo);
}
DESK_ECHO_BEHAVIOUR(passer, MYC_WITH(), pass_remark);

static const struct desk_remark_block remark = {.order_id = 41,
						.text = "as long as the whole of this line"};

static int wonder_message(struct myc_actor *self, const struct myc_message *message)
{
	int code = desk_echo_lookup(self, "passer", &echo_ref, NULL);

	if (!code && message->type == 1)
		code = desk_echo_lookup(self, "echo", &second_echo, NULL);
	return code ? code : desk_echo_ask(self, &echo_ref, &remark, 1000000000, 1, NULL);
}
static int wonder_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct desk_echo_remark_answer answer = desk_echo_remark_answer(reply);

	(void)self;
	status = answer.status;
	if (!status)
		desk_remark_load(&answer.message, &heard);
	return 0;
}
static const struct myc_behaviour wonderer = {
	.name = "wonderer", .message = wonder_message, .reply = wonder_reply};

static void large_questions_have_large_answers(void **state)
{
	struct desk_echo_ref probe;
	struct myc_testkit_message caught;
	myc_address address, who;

	(void)state;
	spawn(1, &echo.as, "echo", &address);
	spawn(0, &passer.as, "passer", &address);
	spawn(1, &wonderer, "wonderer", &who);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(myc_testkit_post(kit, who, 1, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(status, 0);
	assert_int_equal(heard.order_id, 42);
	assert_memory_equal(heard.text, remark.text, sizeof(heard.text));
	/* Passed on to a probe, whose answer goes to who asked. */
	assert_int_equal(desk_echo_probe(kit, "probe", &probe), 0);
	second_echo = probe;
	assert_int_equal(myc_testkit_post(kit, who, 2, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	const struct myc_testkit_want want = {.probe = probe.ref.address,
					      .type = DESK_REMARK_TEMPLATE_ID,
					      .payload = &remark,
					      .size = sizeof(remark)};

	assert_int_equal(myc_testkit_expect(kit, &want, &caught), 0);
	status = 1;
	assert_int_equal(desk_echo_remark_reply_caught(kit, &caught,
						       &(struct desk_remark_block){.order_id = 7}),
			 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(status, 0);
	assert_int_equal(heard.order_id, 7);
}

static int send_soon(struct myc_actor *self)
{
	const struct desk_order_block order = {.order_id = 11};

	return desk_matcher_send_within(self, &to, &order, 1000000);
}
static void a_message_may_have_a_deadline(void **state)
{
	(void)state;
	go(send_soon, 0);
	assert_int_equal(m.order_id, 11);
}

static void what_it_becomes_has_the_interface_too(void **state)
{
	struct desk_matcher_ref probe;

	(void)state;
	myc_testkit_close(kit);
	begin_with(&changing.as);
	go(look_up, 0);
	go(send_order, 0);
	go(urgent_cancel, 0);
	go(send_order, 0);
	assert_int_equal(m.orders, 1001);
	(void)probe;
}

/* ---- tests' own probes, threads, limits ---------------------------------------------------------------- */

static struct desk_clerk_ref clerk_of;

static int tell_clerk(struct myc_actor *self)
{
	int code = desk_clerk_lookup(self, "clerk", &clerk_of, &error);

	if (!code)
		code = desk_clerk_send(self, &clerk_of,
				       &(struct desk_accepted_block){.order_id = 8, .place = 2});
	if (!code)
		code = desk_clerk_send(self, &clerk_of, &(struct desk_count_block){.orders = 3});
	if (!code)
		code = desk_clerk_send(self, &clerk_of, &(struct desk_count_block){.orders = 4});
	return code;
}

static void probes_have_interfaces(void **state)
{
	struct desk_clerk_ref probe;
	struct desk_count count;
	struct myc_testkit_message caught;

	(void)state;
	assert_int_equal(desk_clerk_probe(kit, "clerk", &probe), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	go(tell_clerk, 0);
	assert_int_equal(
		desk_clerk_expect(kit, &probe,
				  &(struct desk_accepted_block){.order_id = 8, .place = 2}),
		0);
	assert_int_equal(desk_clerk_expect(kit, &probe, &(struct desk_count_block){.orders = 5}),
			 -ENOMSG);
	assert_int_equal(myc_testkit_expect(
				 kit,
				 &(struct myc_testkit_want){.probe = probe.ref.address, .type = 7},
				 &caught),
			 0);
	assert_true(desk_count_caught(&count, &caught));
	assert_int_equal(desk_count_get_orders(&count), 3);

	struct desk_accepted accepted;

	assert_false(desk_accepted_caught(&accepted, &caught));
	assert_int_equal(desk_clerk_expect(kit, &probe, &(struct desk_count_block){.orders = 4}),
			 0);
}

/* ---- topics, and questions to probes ------------------------------------------------------------- */

static struct desk_clerk_topic news;
static struct {
	uint64_t accepted, counts, others, order_id;
} read_;

static int publish(struct myc_actor *self)
{
	int code = desk_clerk_claim(self, "news", &news);

	if (!code)
		code = desk_clerk_publish(self, &news, 1,
					  &(struct desk_accepted_block){.order_id = 8, .place = 2});
	if (!code)
		code = desk_clerk_publish(self, &news, 2, &(struct desk_count_block){.orders = 5});
	/* Too short for its type, and a type of nobody's. */
	if (!code)
		code = myc_publish(self, &news.publisher, DESK_COUNT_TEMPLATE_ID, 2, "1234", 4);
	return code ? code : myc_publish(self, &news.publisher, 99, 2, "12345678", 8);
}

static int reader_started(struct myc_actor *self)
{
	return myc_subscribe(self, "news", NULL, 0, NULL);
}

static int reader_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct desk_accepted accepted;
	struct desk_count count;

	(void)self;
	if (desk_accepted_published(&accepted, event)) {
		read_.accepted++;
		read_.order_id = desk_accepted_get_order_id(&accepted);
	} else if (desk_count_published(&count, event)) {
		read_.counts += desk_count_get_orders(&count);
	} else {
		read_.others += event->kind == MYC_TOPIC_MESSAGE;
	}
	return 0;
}

static void topics_carry_an_interfaces_messages(void **state)
{
	static const struct myc_topic_opts topic = {.name = "news"};
	static const struct myc_system_opts opts = {
		.sz = sizeof(opts), .topics = &topic, .topics_count = 1};
	static const struct myc_behaviour reader = {
		.name = "reader", .started = reader_started, .topic = reader_topic};
	const struct myc_testkit_opts with = {.sz = sizeof(with), .system = &opts};
	myc_address address;

	(void)state;
	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	spawn(0, &client, "client", &client_address);
	spawn(0, &reader, "reader", &address);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	go(publish, 0);
	assert_int_equal(read_.accepted, 1);
	assert_int_equal(read_.order_id, 8);
	assert_int_equal(read_.counts, 5);
	assert_int_equal(read_.others, 2);
	myc_testkit_close(kit);
}

static int ask_pool(struct myc_actor *self)
{
	struct desk_clerk_ref wrong;
	int code = desk_matcher_lookup(self, "matchers", &to, &error);

	if (!code && desk_clerk_lookup(self, "matchers", &wrong, NULL) != -EPROTOTYPE)
		return -EPROTO;
	return code ? code
		    : desk_matcher_ask(self, &to, (&(struct desk_order_block){.order_id = 6}),
				       1000000, 1, NULL);
}

static void a_pool_has_the_interface_of_its_workers(void **state)
{
	const struct myc_workers_opts opts = {.sz = sizeof(opts),
					      .behaviour = &matcher.as,
					      .name = "matchers",
					      .settings = {.workers = 2}};
	struct myc_workers *pool;
	struct myc_workers_numbers numbers;

	(void)state;
	assert_int_equal(myc_workers_spawn(myc_testkit_system(kit, 0), &opts, &pool, NULL), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	go(ask_pool, 0);
	assert_int_equal(m.orders, 1);
	assert_int_equal(answered.order_id, 6);
	myc_workers_read(pool, &numbers, NULL);
	assert_int_equal(numbers.done, 1);
}

static int ask_probe(struct myc_actor *self)
{
	int code = desk_matcher_lookup(self, "probe", &to, NULL);

	return code ? code
		    : desk_matcher_ask(self, &to, (&(struct desk_order_block){.order_id = 6}),
				       1000000, 1, NULL);
}

static void probes_answer_questions(void **state)
{
	struct desk_matcher_ref probe;
	struct myc_testkit_message caught;

	(void)state;
	assert_int_equal(desk_matcher_probe(kit, "probe", &probe), 0);
	go(ask_probe, 0);
	const struct myc_testkit_want want = {.probe = probe.ref.address,
					      .type = DESK_ORDER_TEMPLATE_ID};

	assert_int_equal(myc_testkit_expect(kit, &want, &caught), 0);
	status = 1;
	assert_int_equal(desk_matcher_flush_reply_caught(kit, &caught,
							 &(struct desk_count_block){.orders = 1}),
			 -EINVAL);
	assert_int_equal(
		desk_matcher_order_reply_caught(
			kit, &caught, &(struct desk_accepted_block){.order_id = 6, .place = 3}),
		0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(status, 0);
	assert_int_equal(answered.place, 3);
}

static void threads_post_and_call(void **state)
{
	struct myc_system *system;
	struct desk_matcher_ref ref;
	struct desk_accepted_block answer = {0};
	struct desk_count_block count = {0};
	struct desk_depth_encoder depth;
	uint8_t buffer[256];
	uint64_t second_ns = 1000000000;

	(void)state;
	memset(&m, 0, sizeof(m));
	assert_int_equal(myc_system_open(&system, NULL, &error), 0);
	assert_int_equal(desk_matcher_spawn(system, &matcher, NULL, &ref, &error), 0);
	assert_int_equal(myc_system_start(system, &error), 0);
	struct desk_order_block order = {.order_id = 6, .quantity = 1};
	struct desk_flush_block flush = {0};

	assert_int_equal(desk_matcher_call(system, &ref, &order, &answer, 5 * second_ns), 0);
	assert_int_equal(answer.order_id, 6);
	assert_int_equal(desk_matcher_post(system, &ref, &order, second_ns), 0);
	assert_int_equal(desk_depth_begin(&depth, buffer, sizeof(buffer)), 0);
	fill(&depth, 2);
	assert_int_equal(desk_matcher_post(system, &ref, &depth, second_ns), 0);
	assert_int_equal(desk_matcher_call(system, &ref, &flush, &count, 5 * second_ns), 0);
	assert_int_equal(count.orders, 2);
	assert_int_equal(m.depths, 1);
	struct desk_echo_ref told;
	struct desk_remark_block long_answer;

	assert_int_equal(desk_echo_spawn(system, &echo, NULL, &told, &error), 0);
	assert_int_equal(desk_echo_call(system, &told, &remark, &long_answer, 5 * second_ns), 0);
	assert_int_equal(long_answer.order_id, 42);
	assert_string_equal(long_answer.text, remark.text);
	assert_int_equal(myc_system_stop(system, 1000), 0);
	myc_system_close(system);
}

static void a_process_has_room_for_255_interfaces(void **state)
{
	static struct myc_interface many[MYC_INTERFACES_MAX + 1];
	static struct myc_behaviour behaviour[MYC_INTERFACES_MAX + 1];
	struct myc_system *system;

	(void)state;
	assert_int_equal(myc_system_open(&system, NULL, &error), 0);
	for (uint32_t i = 0; i <= MYC_INTERFACES_MAX; i++) {
		struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &behaviour[i]};

		many[i] = (struct myc_interface){.schema = i, .id = 1};
		behaviour[i] = (struct myc_behaviour){.name = "many", .interface = &many[i]};
		assert_int_equal(myc_spawn(system, &opts, NULL, &error),
				 i < MYC_INTERFACES_MAX ? 0 : -ENOSPC);
	}
	assert_non_null(strstr(error.cause, "255 different interfaces"));
	/* Those that are there are shared. */
	assert_int_equal(
		myc_spawn(system,
			  &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
						   .behaviour = &behaviour[MYC_INTERFACES_MAX - 1]},
			  NULL, &error),
		0);
	myc_system_close(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_message_reaches_its_handler, begin, end),
		cmocka_unit_test_setup_teardown(groups_and_data_travel_in_buffers, begin, end),
		cmocka_unit_test_setup_teardown(questions_are_answered_with_their_answer, begin,
						end),
		cmocka_unit_test_setup_teardown(a_question_is_passed_on_to_another_of_the_interface,
						begin, end),
		cmocka_unit_test_setup_teardown(a_message_may_have_a_deadline, begin, end),
		cmocka_unit_test_setup_teardown(what_it_becomes_has_the_interface_too, begin, end),
		cmocka_unit_test_setup_teardown(probes_have_interfaces, begin, end),
		cmocka_unit_test_setup_teardown(a_pool_has_the_interface_of_its_workers, begin,
						end),
		cmocka_unit_test_setup_teardown(probes_answer_questions, begin, end),
		cmocka_unit_test_setup_teardown(large_questions_have_large_answers, begin, end),
		cmocka_unit_test(topics_carry_an_interfaces_messages),
		cmocka_unit_test(threads_post_and_call),
		cmocka_unit_test(a_process_has_room_for_255_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
