/* SPDX-License-Identifier: Apache-2.0 */
/* Typed actors: what is sent arrives at its handler, whatever is hostile does not, refs are what they say. In the
 * deterministic runtime: a client of one process, a matcher of another; calls in a system with threads. */
#include <string.h>

#include "common/test.h"
#include <mycelium/letter.h>
#include <mycelium/testkit.h>

#include <sbe/actors/desk.h>

#include "core/executor.h"
#include "core/testkit.h"

static struct myc_testkit *kit;

/* ---- the matcher --------------------------------------------------------------------------------- */

static struct {
	uint32_t orders, depths, notes, flushes, cancels;
	uint64_t order_id, cancelled;
	uint32_t quantity, account, instrument, levels;
	bool has_account;
	int64_t prices;
	char comment[256], text[64];
	bool later;
	struct desk_matcher_order_later kept;
} m;

static int on_order(struct myc_actor *self, const struct desk_order *order,
		    const struct desk_matcher_order_asked *asked)
{
	struct desk_accepted_block answer = {.order_id = desk_order_get_order_id(order),
					     .place = ++m.orders};

	m.order_id = answer.order_id;
	m.quantity = desk_order_get_quantity(order);
	m.account = desk_order_get_account(order);
	m.has_account = desk_order_has_account(order);
	if (!asked->message->correlation) {
		assert_int_equal(desk_matcher_order_keep(asked, &m.kept), -EINVAL);
		assert_int_equal(desk_matcher_reply(self, asked, &answer), -EINVAL);
		return 0;
	}
	if (m.later)
		return desk_matcher_order_keep(asked, &m.kept);
	return desk_matcher_reply(self, asked, &answer);
}

static int on_depth(struct myc_actor *self, const struct desk_depth *depth,
		    const struct myc_message *message)
{
	struct desk_depth_levels level;
	struct myc_sbe_bytes comment = desk_depth_get_comment(depth);

	(void)self;
	assert_int_equal(message->type, DESK_DEPTH_TEMPLATE_ID);
	m.depths++;
	m.instrument = desk_depth_get_instrument(depth);
	m.levels = 0;
	m.prices = 0;
	desk_depth_levels_open(depth, &level);
	for (; desk_depth_levels_next(&level); m.levels++)
		m.prices += desk_depth_levels_get_price(&level);
	memcpy(m.comment, comment.data, comment.length);
	m.comment[comment.length] = 0;
	return 0;
}

static int on_note(struct myc_actor *self, const struct desk_note *note,
		   const struct myc_message *message)
{
	(void)self;
	assert_true(message->size >= sizeof(struct desk_note_block));
	m.notes++;
	m.order_id = desk_note_get_order_id(note);
	memcpy(m.text, desk_note_get_text(note).data, DESK_NOTE_TEXT_LENGTH);
	return 0;
}

static struct desk_matcher_ref second; /* set: orders go on to it */
static int on_order_of_first(struct myc_actor *self, const struct desk_order *order,
			     const struct desk_matcher_order_asked *asked)
{
	m.orders += 100;
	m.order_id = desk_order_get_order_id(order);
	return desk_matcher_forward(self, asked, &second);
}

static int on_flush(struct myc_actor *self, const struct desk_flush *flush,
		    const struct desk_matcher_flush_asked *asked)
{
	(void)flush;
	m.flushes++;
	if (m.later)
		assert_int_equal(desk_matcher_reply(self, &m.kept,
						    &(struct desk_accepted_block){.place = 77}),
				 0);
	return asked->message->correlation
		       ? desk_matcher_reply(self, asked,
					    &(struct desk_count_block){.orders = m.orders})
		       : 0;
}

static int on_cancel(struct myc_actor *self, const struct desk_cancel *cancel,
		     const struct myc_message *message)
{
	(void)self;
	(void)message;
	m.cancels++;
	m.cancelled = desk_cancel_get_order_id(cancel);
	return 0;
}

static int begun(struct myc_actor *self)
{
	(void)self;
	return 0;
}

DESK_MATCHER_BEHAVIOUR(matcher, MYC_WITH(.mailbox_capacity = 64, .init = begun), on_order, on_depth,
		       on_note, on_flush, on_cancel);

static int find_second(struct myc_actor *self)
{
	return desk_matcher_lookup(self, "second", &second, NULL);
}
DESK_MATCHER_BEHAVIOUR(first, MYC_WITH(.started = find_second), on_order_of_first, on_depth,
		       on_note, on_flush, on_cancel);

static int other_order(struct myc_actor *self, const struct desk_order *order,
		       const struct desk_matcher_order_asked *asked)
{
	(void)self;
	(void)order;
	(void)asked;
	m.orders += 1000;
	return 0;
}
DESK_MATCHER_BEHAVIOUR(shut, MYC_WITH(), other_order, on_depth, on_note, on_flush, on_cancel);

static int to_shut(struct myc_actor *self, const struct desk_cancel *cancel,
		   const struct myc_message *message)
{
	(void)cancel;
	(void)message;
	return desk_matcher_become(self, &shut);
}
DESK_MATCHER_BEHAVIOUR(changing, MYC_WITH(), on_order, on_depth, on_note, on_flush, to_shut);

/* ---- the client: does what a test says ------------------------------------------------------------ */

static int (*step)(struct myc_actor *self);
static struct desk_matcher_ref to;
static struct myc_error error;
static int status = 1;
static struct desk_accepted_block answered;
static uint64_t counted;

static int client_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	status = step(self);
	return 0;
}

static int client_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	if (reply->cookie == 1) {
		struct desk_matcher_order_answer answer = desk_matcher_order_answer(reply);

		status = answer.status;
		if (!status)
			desk_accepted_load(&answer.message, &answered);
	} else {
		struct desk_matcher_flush_answer answer = desk_matcher_flush_answer(reply);

		status = answer.status;
		if (!status)
			counted = desk_count_get_orders(&answer.message);
	}
	return 0;
}

static const struct myc_behaviour client = {
	.name = "client", .message = client_message, .reply = client_reply};
static myc_address client_address;

static int look_up(struct myc_actor *self)
{
	return desk_matcher_lookup(self, "matcher", &to, &error);
}

static void go(int (*what)(struct myc_actor *self), int expected)
{
	step = what;
	status = 1;
	assert_int_equal(myc_testkit_post(kit, client_address, 1, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(status, expected);
}

static void spawn(uint32_t process, const struct myc_behaviour *behaviour, const char *name,
		  myc_address *address)
{
	static struct myc_spawn_opts opts[8];
	static uint32_t used;
	struct myc_spawn_opts *is = &opts[used++ % 8];

	*is = (struct myc_spawn_opts){.sz = sizeof(*is), .behaviour = behaviour, .name = name};
	assert_int_equal(myc_testkit_spawn(kit, process, is, address), 0);
}

static int begin_with(const struct myc_behaviour *behaviour)
{
	myc_address address;

	memset(&m, 0, sizeof(m));
	assert_int_equal(
		myc_testkit_open(&kit,
				 &(struct myc_testkit_opts){.sz = sizeof(struct myc_testkit_opts),
							    .processes = 2},
				 &error),
		0);
	spawn(1, behaviour, "matcher", &address);
	spawn(0, &client, "client", &client_address);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	begin_with(&matcher.as);
	go(look_up, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	myc_testkit_close(kit);
	return 0;
}

static uint64_t letters(enum myc_dead_letter why)
{
	const struct myc_system *system = kit->process[1].system;

	return __atomic_load_n(&system->executor[0].words->dead_letters[why], __ATOMIC_RELAXED);
}

/* ---- what is sent arrives ------------------------------------------------------------------------ */

static int send_order(struct myc_actor *self)
{
	return desk_matcher_send(
		self, &to,
		&(struct desk_order_block){.order_id = 1ull << 40, .quantity = 200, .account = 9});
}
static int try_order(struct myc_actor *self)
{
	const struct desk_order_block order = {.order_id = 2, .account = DESK_ORDER_ACCOUNT_NULL};

	return desk_matcher_try_send(self, &to, &order);
}
static int urgent_cancel(struct myc_actor *self)
{
	struct desk_cancel_block cancel = {.order_id = 2};

	return desk_matcher_send_urgent(self, &to, &cancel);
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

static void fill(struct desk_depth_encoder *depth, uint32_t levels)
{
	struct desk_depth_levels_encoder level;

	desk_depth_set_instrument(depth, 42);
	desk_depth_levels_begin(depth, &level, levels);
	for (int i = 1; desk_depth_levels_add(&level); i++) {
		desk_depth_levels_set_price(&level, i);
		desk_depth_levels_set_size(&level, 300);
	}
	desk_depth_set_comment(depth, "opening", 7);
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

/* ---- refs are what they say ------------------------------------------------------------------------ */

static int find_clerk(struct myc_actor *self)
{
	struct desk_clerk_ref clerk;

	return desk_clerk_lookup(self, "matcher", &clerk, &error);
}
static int find_untyped(struct myc_actor *self)
{
	struct desk_clerk_ref clerk;

	return desk_clerk_lookup(self, "client", &clerk, &error);
}
static int find_nobody(struct myc_actor *self)
{
	return desk_matcher_lookup(self, "nobody", &to, &error);
}
static int resolve_wrong(struct myc_actor *self)
{
	struct desk_clerk_ref clerk;

	return desk_clerk_resolve(self, to.ref.address, &clerk, &error);
}
static int resolve_right(struct myc_actor *self)
{
	struct desk_matcher_ref again;

	return desk_matcher_resolve(self, to.ref.address, &again, NULL);
}
static int resolve_stale(struct myc_actor *self)
{
	struct desk_matcher_ref stale;

	return desk_matcher_resolve(self, to.ref.address + 1, &stale, &error);
}

static void refs_are_checked_once_by_both_interfaces_names(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(to.version, 1);
	go(find_clerk, -EPROTOTYPE);
	myc_error_format(&error, text, sizeof(text));
	assert_non_null(strstr(text, "actor 'matcher' accepts desk.Matcher (schema 7, interface 1, "
				     "version 1), not desk.Clerk (schema 7, interface 2, version "
				     "1)"));
	go(find_untyped, -EPROTOTYPE);
	assert_non_null(strstr(error.cause, "declares no interface"));
	go(find_nobody, -ENOENT);
	go(resolve_wrong, -EPROTOTYPE);
	go(resolve_right, 0);
	go(resolve_stale, -ESRCH);
}

/* Versions of one interface may talk; what is newer than the receiver is refused at its sender. */
static const struct myc_interface older = {.name = "desk.Matcher", .schema = 7, .id = 1},
				  stranger = {.name = "other.Matcher", .schema = 8, .id = 1};
static uint32_t old_messages;

static int old_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	old_messages += message->type == 1;
	return 0;
}
static const struct myc_behaviour old_matcher = {
	.name = "old", .message = old_message, .interface = &older};
static const struct myc_behaviour strange_matcher = {
	.name = "strange", .message = old_message, .interface = &stranger};

static int forged(struct myc_actor *self)
{
	struct desk_matcher_ref unknown = {.ref = {.address = to.ref.address}};

	return desk_matcher_send(self, &unknown, (&(struct desk_cancel_block){.order_id = 4}));
}

static void a_newer_message_is_refused_for_an_older_actor(void **state)
{
	(void)state;
	/* A ref that knows no version learns it. */
	go(forged, 0);
	assert_int_equal(m.cancelled, 4);
	myc_testkit_close(kit);
	begin_with(&old_matcher);
	go(look_up, 0);
	assert_int_equal(to.version, 0);
	go(send_order, 0);
	assert_int_equal(old_messages, 1);
	go(urgent_cancel, -EOPNOTSUPP);
	go(forged, -EOPNOTSUPP);
	assert_int_equal(old_messages, 1);
	myc_testkit_close(kit);
	begin_with(&strange_matcher);
	go(look_up, -EPROTOTYPE);
	assert_non_null(strstr(error.cause, "other.Matcher (schema 8"));
}

static void a_successor_of_another_version_is_seen_as_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(myc_testkit_crash(kit, 1), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	go(resolve_right, 0);
	go(resolve_wrong, -EPROTOTYPE);
	assert_int_equal(myc_testkit_kill(kit, 1), 0);
	go(resolve_right, -ESRCH);
	assert_int_equal(myc_testkit_revive(kit, 1), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	go(send_order, 0);
	go(resolve_right, 0);
}

static void hostile_rows_are_answers_that_can_be(void **state)
{
	struct myc_interface_row *row = &kit->process[1].system->interface[0];
	uint64_t *word = &kit->process[1].system->slot[myc_address_slot(to.ref.address)].word;
	struct myc_interface_row saved = *row;
	uint64_t was = *word;

	(void)state;
	memset(row, 0xff, sizeof(*row));
	go(resolve_wrong, -EPROTOTYPE);
	assert_true(strnlen(error.cause, sizeof(error.cause)) < sizeof(error.cause));
	row->id = 0;
	go(resolve_right, -EAGAIN);
	*row = saved;
	for (uint64_t number = 2; number < 256; number += 7) {
		*word = (was & ~(0xffull << 56)) | number << 56;
		go(resolve_right, -EAGAIN);
	}
	*word = was & ~(0xffull << 56);
	go(resolve_right, -EPROTOTYPE);
	*word = was;
	go(resolve_right, 0);
}

/* ---- what comes from another process ---------------------------------------------------------------- */

static uint16_t raw_type;
static uint8_t raw[2048];
static uint32_t raw_size;
static bool raw_asks;

static int send_raw(struct myc_actor *self)
{
	return raw_asks ? myc_ask(self, &to.ref, raw_type, raw, raw_size, 1000000, 1, NULL)
			: myc_send(self, &to.ref, raw_type, raw, raw_size);
}
static void throw_raw(uint16_t type, uint32_t size, int expected)
{
	raw_type = type;
	raw_size = size;
	go(send_raw, expected);
}

static void the_length_tells_the_version(void **state)
{
	(void)state;
	memset(raw, 1, sizeof(raw));
	throw_raw(1, 12, 0); /* as version 0 writes it */
	assert_int_equal(m.orders, 1);
	assert_int_equal(m.quantity, 0x01010101);
	assert_false(m.has_account);
	assert_int_equal(m.account, DESK_ORDER_ACCOUNT_NULL);
	throw_raw(1, 15, 0); /* half a field is none */
	assert_false(m.has_account);
	throw_raw(1, 16, 0);
	assert_true(m.has_account);
	throw_raw(1, 40, 0); /* newer than us, and larger */
	throw_raw(1, 400, 0);
	assert_int_equal(m.orders, 5);
	assert_int_equal(m.account, 0x01010101);
	assert_int_equal(letters(MYC_DEAD_LETTER_MALFORMED), 0);
}

static void what_cannot_be_handled_is_a_dead_letter_and_harms_nobody(void **state)
{
	(void)state;
	for (uint32_t size = 0; size < 12; size++)
		throw_raw(1, size, 0);
	assert_int_equal(m.orders, 0);
	assert_int_equal(letters(MYC_DEAD_LETTER_MALFORMED), 12);
	throw_raw(3, 55, 0); /* a body */
	assert_int_equal(letters(MYC_DEAD_LETTER_MALFORMED), 13);
	throw_raw(5, 12, 0); /* of the schema, not of the interface */
	throw_raw(0, 40, 0);
	throw_raw(0xfeff, 400, 0);
	assert_int_equal(letters(MYC_DEAD_LETTER_NOT_ACCEPTED), 3);
	raw_asks = true;
	throw_raw(1, 3, -EBADMSG);
	throw_raw(999, 3, -EOPNOTSUPP);
	raw_asks = false;
	go(send_order, 0);
	assert_int_equal(m.orders, 1);
	assert_int_equal(letters(MYC_DEAD_LETTER_MALFORMED), 14);
	assert_int_equal(letters(MYC_DEAD_LETTER_NOT_ACCEPTED), 4);

	struct myc_letter letter[32];
	uint32_t count = myc_letters_recent(kit->process[1].system, letter, 32);

	assert_int_equal(count, 18);
	assert_int_equal(letter[12].type, 3);
	assert_int_equal(letter[12].size, 55);
	assert_int_equal(letter[12].to, to.ref.address);
}

/* Every number in it turned into every extreme, and cut anywhere. */
static void depths_that_lie_are_read_within_what_there_is(void **state)
{
	struct desk_depth_encoder depth;
	uint8_t good[200];

	(void)state;
	assert_int_equal(desk_depth_begin(&depth, good, sizeof(good)), 0);
	fill(&depth, 4);
	size_t size = desk_depth_end(&depth);

	for (uint32_t cut = 0; cut <= size; cut++) {
		memcpy(raw, good, size);
		throw_raw(2, cut, 0);
		assert_true(m.levels <= 4);
	}
	for (uint32_t at = 0; at < size; at++) {
		memcpy(raw, good, size);
		raw[at] = 0xff;
		throw_raw(2, (uint32_t)size, 0);
		assert_true(m.levels <= size);
	}
	assert_true(m.depths > 100);
	assert_int_equal(m.depths + letters(MYC_DEAD_LETTER_MALFORMED), 2 * size + 1);
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
		cmocka_unit_test_setup_teardown(refs_are_checked_once_by_both_interfaces_names,
						begin, end),
		cmocka_unit_test_setup_teardown(a_newer_message_is_refused_for_an_older_actor,
						begin, end),
		cmocka_unit_test_setup_teardown(
			a_successor_of_another_version_is_seen_as_what_it_is, begin, end),
		cmocka_unit_test_setup_teardown(hostile_rows_are_answers_that_can_be, begin, end),
		cmocka_unit_test_setup_teardown(the_length_tells_the_version, begin, end),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_handled_is_a_dead_letter_and_harms_nobody, begin, end),
		cmocka_unit_test_setup_teardown(depths_that_lie_are_read_within_what_there_is,
						begin, end),
		cmocka_unit_test_setup_teardown(probes_have_interfaces, begin, end),
		cmocka_unit_test(threads_post_and_call),
		cmocka_unit_test(a_process_has_room_for_255_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
