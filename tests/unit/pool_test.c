/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of message buffers: classes, shares, pieces that merge and wait, and what a successor finds. */
#include "unit/buffer_bed.h"

/* ---- owner ------------------------------------------------------------------------------------- */

static void a_buffer_is_of_the_smallest_class_that_has_one(void **state)
{
	uint32_t hold[7], size = 0, other;

	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		hold[i] = take(OWNER, i < 5 ? 1 : 4096);
		void *body = myc_pool_body(&pool[OWNER], hold[i], &size);

		memset(body, (int)i, size);
		assert_int_equal(size, i < 3 ? 64 : i < 5 ? 256 : 4096);
	}
	assert_int_equal(block_of(OWNER, NULL)->takes_larger, 2);
	assert_int_equal(myc_pool_take(&pool[OWNER], 1, &other), -ENOBUFS);
	assert_int_equal(myc_pool_take(&pool[OWNER], 4097, &other), -EMSGSIZE);
	for (uint32_t i = 0; i < 6; i++) {
		const uint8_t *body = myc_pool_body(&pool[OWNER], hold[i], &size);

		assert_true(body[0] == i && body[size - 1] == i);
		assert_int_equal(myc_pool_weight(&pool[OWNER], hold[i]), MYC_WEIGHT_FULL);
		myc_pool_give(&pool[OWNER], hold[i]);
	}
	assert_int_equal(take(OWNER, 64), hold[2]);	   /* the last given: still in the cache */
	assert_null(myc_pool_body(&pool[OWNER], 0, NULL)); /* a loan is not written */
}

static void shares_are_equal_and_the_buffer_is_free_when_all_are_home(void **state)
{
	struct myc_reference piece[3];
	uint32_t hold = take(OWNER, 4096), loan[3], other;

	(void)state;
	memcpy(myc_pool_body(&pool[OWNER], hold, NULL), "shared", 7);
	for (uint32_t i = 0; i < 3; i++)
		piece[i] = lend(OWNER, hold, 3 - i);
	assert_true(piece[0].weight == MYC_WEIGHT_FULL / 3);
	assert_true(piece[2].weight - piece[0].weight <= 1);
	assert_int_equal(myc_pool_weight(&pool[OWNER], hold), 0);
	assert_int_equal(sums(OWNER, piece, 3).out, MYC_WEIGHT_FULL);
	for (uint32_t i = 0; i < 3; i++) {
		struct myc_view view;

		loan[i] = credit(HOLDER, &piece[i], i + 1);
		assert_true(myc_pool_view(&pool[HOLDER], loan[i], &view));
		assert_string_equal(view.data, "shared");
	}
	assert_true(pool[HOLDER].announce); /* whoever it is must be told of the ring */
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(myc_pool_take(&pool[OWNER], 4096, &other), -ENOBUFS);
		myc_pool_done(&pool[HOLDER], loan[i]);
		assert_int_equal(collect(OWNER), 1);
		assert_int_equal(sums(OWNER, NULL, 0).buffers_out, i < 2);
	}
	assert_int_equal(take(OWNER, 4096), hold);
}

static void at_weight_one_there_is_nothing_to_split(void **state)
{
	uint32_t hold = take(OWNER, 64), mine;
	struct myc_reference piece = lend(OWNER, hold, MYC_WEIGHT_FULL), other;

	(void)state;
	assert_int_equal(piece.weight, 1);
	uint32_t loan = credit(HOLDER, &piece, 1);

	assert_int_equal(myc_pool_lend(&pool[HOLDER], loan, 2, 1, 0, 8, &other), -EMLINK);
	assert_int_equal(block_of(HOLDER, NULL)->splits_refused, 1);
	assert_int_equal(myc_pool_ticket(&pool[HOLDER]), 0);
	/* Then the content is copied to one's own pool. */
	struct myc_view view;

	assert_true(myc_pool_view(&pool[HOLDER], loan, &view));
	mine = take(HOLDER, view.size);
	assert_int_equal(myc_view_copy(&view, 0, myc_pool_body(&pool[HOLDER], mine, NULL), 100), 8);
	other = lend(HOLDER, mine, 2);
	assert_int_equal(other.process, HOLDER);
	assert_int_equal(sums(HOLDER, &other, 1).out, MYC_WEIGHT_FULL / 2);
	/* Whole, it can go on. */
	other = lend(HOLDER, loan, 1);
	assert_int_equal(other.weight, 1);
	assert_int_equal(myc_pool_lend(&pool[HOLDER], loan, 1, 1, 0, 8, &piece), -ENODATA);
	myc_pool_done(&pool[HOLDER], loan);
	assert_int_equal(pool[HOLDER].loans_used, 0);
	assert_int_equal(sums(OWNER, &other, 1).out, 1);
}

static void a_part_of_the_content_can_be_lent_and_nothing_beyond_it(void **state)
{
	static const uint32_t wrong[][2] = {{0, 9}, {9, 0}, {1, 8}, {8, 1}, {UINT32_MAX, 2}};
	uint32_t hold = take(OWNER, 64);
	struct myc_reference piece = lend(OWNER, hold, 2), part;
	uint32_t loan = credit(HOLDER, &piece, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
			myc_pool_lend(&pool[HOLDER], loan, 2, 1, wrong[i][0], wrong[i][1], &part),
			-EMSGSIZE);
	assert_int_equal(myc_pool_lend(&pool[HOLDER], loan, 2, 1, 3, 5, &part), 0);
	myc_pool_lend_undo(&pool[HOLDER]); /* it was not sent after all */
	assert_int_equal(myc_pool_weight(&pool[HOLDER], loan), MYC_WEIGHT_FULL / 2);
	assert_int_equal(myc_pool_lend(&pool[HOLDER], loan, 2, 1, 3, 5, &part), 0);
	myc_pool_lent(&pool[HOLDER]);
	assert_true(part.offset == 3 && part.size == 5);
	assert_int_equal(myc_pool_lend(&pool[OWNER], hold, 1, 1, 60, 5, &part), -EMSGSIZE);
}

/* ---- holder ------------------------------------------------------------------------------------ */

static void what_is_kept_outlives_its_message_and_goes_home_when_given(void **state)
{
	uint32_t hold = take(OWNER, 64);
	struct myc_reference piece = lend(OWNER, hold, 1);
	uint32_t loan = credit(HOLDER, &piece, 7);

	(void)state;
	assert_int_equal(myc_pool_keep(&pool[HOLDER], loan, 5), 0);
	myc_pool_done(&pool[HOLDER], loan);
	assert_int_equal(collect(OWNER), 0);
	assert_int_equal(sums(OWNER, NULL, 0).out, MYC_WEIGHT_FULL);
	myc_pool_give_all(&pool[HOLDER], 6);
	assert_int_equal(collect(OWNER), 0);
	myc_pool_give_all(&pool[HOLDER], 5); /* its actor ended */
	assert_int_equal(collect(OWNER), 1);
	assert_int_equal(sums(OWNER, NULL, 0).out, 0);
	assert_int_equal(pool[HOLDER].loans_used, 0);
	/* So with a buffer that was taken. */
	hold = take(OWNER, 4096);
	assert_int_equal(myc_pool_keep(&pool[OWNER], hold, 5), 0);
	myc_pool_give_all(&pool[OWNER], 5);
	assert_int_equal(take(OWNER, 4096), hold);
}

static void what_is_kept_and_lent_on_before_its_message_is_done_is_kept_by_nobody(void **state)
{
	struct myc_reference piece = lend(OWNER, take(OWNER, 64), 1);
	uint32_t loan = credit(HOLDER, &piece, 7);

	(void)state;
	assert_int_equal(myc_pool_keep(&pool[HOLDER], loan, 5), 0);
	piece = lend(HOLDER, loan, 1);
	myc_pool_done(&pool[HOLDER], loan);
	assert_int_equal(pool[HOLDER].kept, 0);
	assert_int_equal(pool[HOLDER].loans_used, 0);
	/* Nor is the next that comes into its place. */
	loan = credit(HOLDER, &piece, 8);
	myc_pool_done(&pool[HOLDER], loan);
	assert_int_equal(collect(OWNER), 1);
	assert_int_equal(sums(OWNER, NULL, 0).out, 0);
}

static void a_piece_goes_home_with_the_last_of_its_buffer_here(void **state)
{
	uint32_t hold = take(OWNER, 64), loan[4];
	struct myc_reference piece[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		piece[i] = lend(OWNER, hold, 4 - i);
		loan[i] = credit(HOLDER, &piece[i], i + 1);
	}
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(myc_pool_keep(&pool[HOLDER], loan[i], i), 0);
	for (uint32_t i = 0; i < 4; i++)
		myc_pool_done(&pool[HOLDER], loan[i]);
	assert_int_equal(pool[HOLDER].loans_used, 2); /* the others were merged into these */
	myc_pool_give(&pool[HOLDER], loan[0]);
	assert_int_equal(block_of(HOLDER, NULL)->merged, 3);
	assert_int_equal(collect(OWNER), 0);
	assert_int_equal(myc_pool_weight(&pool[HOLDER], loan[1]), MYC_WEIGHT_FULL);
	myc_pool_give(&pool[HOLDER], loan[1]);
	assert_int_equal(collect(OWNER), 1);
	assert_int_equal(sums(OWNER, NULL, 0).out, 0);
}

static void pieces_that_together_weigh_too_much_are_not_merged(void **state)
{
	struct myc_reference piece = lend(OWNER, take(OWNER, 64), 1);
	uint32_t loan = credit(HOLDER, &piece, 1), again = credit(HOLDER, &piece, 2); /* forged */

	(void)state;
	assert_int_equal(myc_pool_keep(&pool[HOLDER], loan, 1), 0);
	myc_pool_done(&pool[HOLDER], loan);
	myc_pool_done(&pool[HOLDER], again);
	myc_pool_give(&pool[HOLDER], loan);
	assert_int_equal(collect(OWNER), 2);
	assert_int_equal(faults(OWNER, MYC_POOL_FAULT_EXCESS), 1);
	assert_int_equal(sums(OWNER, NULL, 0).out, 0);
}

static void a_full_ring_keeps_pieces_waiting_in_the_ledger(void **state)
{
	struct myc_reference piece[5];
	uint32_t loan[5];

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		piece[i] = lend(OWNER, take(OWNER, 1), 1);
		loan[i] = credit(HOLDER, &piece[i], i + 1);
	}
	for (uint32_t i = 0; i < 5; i++)
		myc_pool_done(&pool[HOLDER], loan[i]);
	assert_int_equal(pool[HOLDER].waiting, 3);
	assert_int_equal(myc_pool_flush(&pool[HOLDER]), 3);
	sums(OWNER, NULL, 0);
	assert_int_equal(collect(OWNER), 2);
	assert_int_equal(myc_pool_flush(&pool[HOLDER]), 1);
	assert_int_equal(collect(OWNER), 2);
	assert_int_equal(myc_pool_flush(&pool[HOLDER]), 0);
	assert_int_equal(collect(OWNER), 1);
	assert_int_equal(sums(OWNER, NULL, 0).out, 0);
	assert_int_equal(pool[HOLDER].loans_used, 0);
}

static void the_ledger_has_room_for_messages_when_all_that_may_be_is_kept(void **state)
{
	uint32_t hold = take(OWNER, 64);
	int kept = 0;

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		struct myc_reference piece = lend(OWNER, hold, 2);
		uint32_t loan = credit(HOLDER, &piece, i + 1);

		kept += !myc_pool_keep(&pool[HOLDER], loan, 1);
		myc_pool_done(&pool[HOLDER], loan);
	}
	assert_int_equal(kept, 6); /* of 8 */
	assert_int_equal(pool[HOLDER].loans_used, 6);
	assert_true(myc_pool_room(&pool[HOLDER]));
}

static void ones_own_buffer_comes_home_without_a_ring(void **state)
{
	uint32_t hold = take(OWNER, 64);
	struct myc_reference piece = lend(OWNER, hold, 1);
	uint32_t loan = credit(OWNER, &piece, 1);

	(void)state;
	assert_false(pool[OWNER].announce);
	assert_int_equal(sums(OWNER, NULL, 0).out, MYC_WEIGHT_FULL);
	myc_pool_done(&pool[OWNER], loan);
	assert_int_equal(sums(OWNER, NULL, 0).out, 0);
	assert_int_equal(take(OWNER, 64), hold);
}

/* ---- after a crash ----------------------------------------------------------------------------- */

static void a_successor_frees_what_was_in_hand_and_waits_for_what_is_out(void **state)
{
	uint32_t lent = take(OWNER, 64), hold[6];
	struct myc_reference piece = lend(OWNER, lent, 2);

	(void)state;
	take(OWNER, 64);
	take(OWNER, 4096);
	myc_pool_close(&pool[OWNER]);
	begin(OWNER, 2);
	myc_pool_recovered(&pool[OWNER]);
	assert_int_equal(sums(OWNER, &piece, 1).out, piece.weight);
	/* All but the one that is out. */
	for (int i = 0; i < 5; i++)
		hold[i] = take(OWNER, i < 4 ? 1 : 4096);
	assert_int_equal(myc_pool_take(&pool[OWNER], 1, &hold[5]), -ENOBUFS);
	/* The rest that its predecessor had in hand is nobody's: the last piece frees it. */
	myc_pool_done(&pool[HOLDER], credit(HOLDER, &piece, 1));
	assert_int_equal(collect(OWNER), 1);
	assert_int_equal(take(OWNER, 1), lent);
}

static void a_holders_successor_or_caretaker_brings_its_loans_home(void **state)
{
	struct myc_reference piece[4];
	uint32_t loan[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		piece[i] = lend(OWNER, take(OWNER, 1), 1);
		loan[i] = credit(HOLDER, &piece[i], i + 1);
	}
	assert_int_equal(myc_pool_keep(&pool[HOLDER], loan[0], 1), 0);
	myc_pool_done(&pool[HOLDER], loan[0]); /* kept by an actor that is no more */
	lend(HOLDER, loan[3], 1);	       /* to somebody else, before it died */
	myc_pool_close(&pool[HOLDER]);
	begin(HOLDER, 2);
	assert_int_equal(myc_pool_ticket(&pool[HOLDER]), 0);
	assert_int_equal(myc_pool_find(&pool[HOLDER], 99), MYC_HOLD_NONE);
	assert_int_equal(myc_pool_find(&pool[HOLDER], 3), loan[2]); /* in doubt: stays */
	assert_int_equal(myc_pool_find(&pool[HOLDER], 4), loan[3]);
	assert_int_equal(myc_pool_weight(&pool[HOLDER], loan[3]), 0);
	myc_pool_recovered(&pool[HOLDER]);
	assert_int_equal(collect(OWNER), 2);
	assert_int_equal(pool[HOLDER].loans_used, 2);
	myc_pool_done(&pool[HOLDER], loan[2]);
	myc_pool_done(&pool[HOLDER], loan[3]);
	assert_int_equal(myc_pool_flush(&pool[HOLDER]), 0);
	assert_int_equal(collect(OWNER), 1);
	assert_int_equal(sums(OWNER, &piece[3], 1).out, MYC_WEIGHT_FULL);
}

static void a_ledger_that_was_written_over_harms_nobody_else(void **state)
{
	uint64_t seed = test_seed(), size;
	struct myc_reference piece = lend(OWNER, take(OWNER, 64), 2);
	struct myc_pools *block = block_of(HOLDER, &size);

	(void)state;
	myc_pool_done(&pool[HOLDER], credit(HOLDER, &piece, 1));
	for (int round = 0; round < 2000; round++) {
		uint64_t first = pool[HOLDER].shape.directory;

		for (int i = 0; i < 1 + round % 64; i++) {
			uint64_t at = first + test_random(&seed) % (size - first - 8);
			uint64_t value = test_random(&seed);

			memcpy((char *)block + at, &value, 1 + test_random(&seed) % 8);
		}
		if (round % 2) { /* its intent and redo too */
			block->intent.what = (uint32_t)test_random(&seed) % 6;
			block->intent.target = (uint32_t)test_random(&seed) % 12;
			block->intent.other = (uint32_t)test_random(&seed) % 12;
			block->redo.commit = test_random(&seed) >> (round % 60);
			block->redo.change = test_random(&seed) >> (round % 60);
		}
		myc_pool_close(&pool[HOLDER]);
		begin(HOLDER, 2 + (uint64_t)round);
		if (myc_pool_ticket(&pool[HOLDER]))
			myc_pool_settle(&pool[HOLDER], round % 3);
		myc_pool_find(&pool[HOLDER], 1);
		myc_pool_recovered(&pool[HOLDER]);
		myc_pool_flush(&pool[HOLDER]);
		myc_pool_collect(&pool[HOLDER], 100);
		collect(OWNER);
	}
	/* The owner's own sums are right, whatever came by the ring. */
	for (uint32_t i = 0; i < 6; i++)
		assert_true(pool[OWNER].buffer[i].out <= MYC_WEIGHT_FULL);
}

static void another_layout_is_not_taken_over(void **state)
{
	struct myc_pool_place place = {
		.process = OWNER, .incarnation = 2, .regions = region, .processes = PROCESSES};
	struct myc_pool_opts other = opts[OWNER];
	struct myc_region_plan plan = {0};
	struct myc_pool successor;

	(void)state;
	other.size_class[0].count = 2;
	assert_int_equal(myc_pool_open(&successor, &place, &other), -EPROTO);
	other = opts[OWNER];
	other.loans = 3;
	assert_int_equal(myc_pool_open(&successor, &place, &other), -EPROTO);
	place.source = 1;
	assert_int_equal(myc_pool_open(&successor, &place, &opts[OWNER]), -EPROTO);
	other.size_class[1].size = 100;
	assert_int_equal(myc_pool_plan(&plan, 0, &other), -EINVAL);
	other.size_class[1].size = 64;
	assert_int_equal(myc_pool_plan(&plan, 0, &other), -EINVAL);
}

int main(void)
{
#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RULE(a_buffer_is_of_the_smallest_class_that_has_one),
		RULE(shares_are_equal_and_the_buffer_is_free_when_all_are_home),
		RULE(at_weight_one_there_is_nothing_to_split),
		RULE(a_part_of_the_content_can_be_lent_and_nothing_beyond_it),
		RULE(what_is_kept_outlives_its_message_and_goes_home_when_given),
		RULE(a_piece_goes_home_with_the_last_of_its_buffer_here),
		RULE(pieces_that_together_weigh_too_much_are_not_merged),
		RULE(what_is_kept_and_lent_on_before_its_message_is_done_is_kept_by_nobody),
		RULE(a_full_ring_keeps_pieces_waiting_in_the_ledger),
		RULE(the_ledger_has_room_for_messages_when_all_that_may_be_is_kept),
		RULE(ones_own_buffer_comes_home_without_a_ring),
		RULE(a_successor_frees_what_was_in_hand_and_waits_for_what_is_out),
		RULE(a_holders_successor_or_caretaker_brings_its_loans_home),
		RULE(a_ledger_that_was_written_over_harms_nobody_else),
		RULE(another_layout_is_not_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
