/* SPDX-License-Identifier: Apache-2.0 */
/* Typed actors: refs are what they say, and what is hostile or of another version is handled as that. */
#include "unit/typed_bed.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
