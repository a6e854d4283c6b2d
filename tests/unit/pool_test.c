/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of message buffers: classes, shares, pieces that merge and wait, and what is taken for wrong. */
#include "common/test.h"

#include <string.h>
#include <unistd.h>

#include "memory/pool.h"

enum { OWNER, HOLDER, PROCESSES };

static struct myc_region region[PROCESSES];
static struct myc_pool pool[PROCESSES];
static const struct myc_pool_opts opts[PROCESSES] = {
	[OWNER] = {.size_class = {{64, 3}, {256, 2}, {4096, 1}},
		   .peers = 2,
		   .loans = 4,
		   .slots = 2},
	[HOLDER] = {.size_class = {{128, 2}}, .peers = 2, .loans = 8, .slots = 2},
};

static struct myc_pools *block_of(int process, uint64_t *size)
{
	return myc_region_block(&region[process], MYC_BLOCK_POOL, 0, size);
}

static void begin(int process, uint64_t incarnation)
{
	struct myc_pool_place place = {.process = (uint32_t)process,
				       .incarnation = incarnation,
				       .regions = region,
				       .processes = PROCESSES};

	assert_int_equal(myc_pool_open(&pool[process], &place, &opts[process]), 0);
}

static int setup(void **state)
{
	(void)state;
	for (int p = 0; p < PROCESSES; p++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_pool_plan(&plan, 0, &opts[p]), 0);
		int fd = myc_region_create("pool", &plan, NULL);

		assert_true(fd >= 0);
		assert_int_equal(myc_region_map(&region[p], fd, MYC_REGION_OWNER, NULL), 0);
		close(fd);
	}
	for (int p = 0; p < PROCESSES; p++) {
		begin(p, 1);
		myc_pool_recovered(&pool[p]);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int p = 0; p < PROCESSES; p++) {
		myc_pool_close(&pool[p]);
		myc_region_unmap(&region[p]);
	}
	return 0;
}

static uint64_t faults(int process, enum myc_pool_fault fault)
{
	return block_of(process, NULL)->faults[fault - 1];
}

/* The sums of `owner`, with `n` references under way. */
static struct myc_pool_sums sums(int owner, const struct myc_reference *under_way, uint32_t n)
{
	struct myc_census census = {0};
	struct myc_pool_sums result;
	uint64_t found[16], size;
	const struct myc_pools *block = block_of(owner, &size);

	assert_int_equal(
		myc_census_begin(&census, block, size, myc_lane_end((uint32_t)owner, 0), found, 16),
		0);
	for (uint32_t p = 0; p < PROCESSES; p++) {
		block = block_of((int)p, &size);
		assert_int_equal(myc_census_holder(&census, block, size, myc_lane_end(p, 0)), 0);
	}
	for (uint32_t i = 0; i < n; i++)
		myc_census_message(&census, &under_way[i]);
	assert_int_equal(myc_census_end(&census, &result), 0);
	return result;
}

static uint32_t take(int process, uint32_t size)
{
	uint32_t hold;

	assert_int_equal(myc_pool_take(&pool[process], size, &hold), 0);
	return hold;
}

static struct myc_reference lend(int process, uint32_t hold, uint32_t parts)
{
	struct myc_reference reference;

	assert_int_equal(myc_pool_lend(&pool[process], hold, parts, 1, 0, 8, &reference), 0);
	myc_pool_lent(&pool[process]);
	return reference;
}

static uint32_t credit(int process, const struct myc_reference *reference, uint64_t origin)
{
	struct myc_view view;

	assert_int_equal(myc_pool_check(&pool[process], reference, &view), MYC_POOL_FINE);
	assert_true(myc_pool_room(&pool[process]));
	return myc_pool_credit(&pool[process], reference, origin);
}

static unsigned collect(int process)
{
	myc_pool_scan_source(&pool[process], (uint32_t)!process, 0);
	return myc_pool_collect(&pool[process], 100);
}

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

/* ---- what is wrong ----------------------------------------------------------------------------- */

static void a_reference_that_cannot_be_is_refused_by_its_name(void **state)
{
	const struct myc_reference good = lend(OWNER, take(OWNER, 256), 2);
	static const struct {
		size_t at, size;
		uint32_t value;
		enum myc_pool_fault fault;
	} wrong[] = {
#define FIELD(name) offsetof(struct myc_reference, name), sizeof(good.name)
		{FIELD(process), PROCESSES, MYC_POOL_FAULT_OWNER},
		{FIELD(process), 0xffff, MYC_POOL_FAULT_OWNER},
		{FIELD(source), 1, MYC_POOL_FAULT_OWNER},
		{FIELD(source), 0xffff, MYC_POOL_FAULT_OWNER},
		{FIELD(buffer), 3u << 24, MYC_POOL_FAULT_BUFFER},
		{FIELD(buffer), 0xffffffff, MYC_POOL_FAULT_BUFFER},
		{FIELD(buffer), 1u << 24 | 2, MYC_POOL_FAULT_BUFFER},
		{FIELD(weight), 0, MYC_POOL_FAULT_WEIGHT},
		{FIELD(weight), MYC_WEIGHT_FULL + 1, MYC_POOL_FAULT_WEIGHT},
		{FIELD(weight), 0xffffffff, MYC_POOL_FAULT_WEIGHT},
		{FIELD(offset), 256, MYC_POOL_FAULT_BOUNDS},
		{FIELD(offset), 249, MYC_POOL_FAULT_BOUNDS},
		{FIELD(offset), 0xffffffff, MYC_POOL_FAULT_BOUNDS},
		{FIELD(size), 257, MYC_POOL_FAULT_BOUNDS},
		{FIELD(size), 0xffffffff, MYC_POOL_FAULT_BOUNDS},
		{FIELD(offset), 248, MYC_POOL_FINE},
		{FIELD(size), 256, MYC_POOL_FINE},
		{FIELD(weight), MYC_WEIGHT_FULL, MYC_POOL_FINE},
	};
	struct myc_view view;

	(void)state;
	assert_int_equal(myc_pool_check(&pool[HOLDER], &good, &view), MYC_POOL_FINE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct myc_reference reference = good;

		memcpy((char *)&reference + wrong[i].at, &wrong[i].value, wrong[i].size);
		assert_int_equal(myc_pool_check(&pool[HOLDER], &reference, &view), wrong[i].fault);
	}
}

static void a_view_shows_nothing_outside(void **state)
{
	static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	const struct myc_view view = {bytes + 1, 6};
	uint8_t copy[16] = {0};

	(void)state;
	assert_ptr_equal(myc_view_at(&view, 2, 4), bytes + 3);
	assert_non_null(myc_view_at(&view, 6, 0));
	assert_null(myc_view_at(&view, 3, 4));
	assert_null(myc_view_at(&view, 7, 0));
	assert_null(myc_view_at(&view, UINT32_MAX, 2));
	assert_null(myc_view_at(&view, 2, UINT32_MAX));
	assert_int_equal(myc_view_copy(&view, 4, copy, 16), 2);
	assert_true(copy[0] == 6 && copy[1] == 7 && copy[2] == 0);
	assert_int_equal(myc_view_copy(&view, 6, copy, 1), 0);
	assert_int_equal(myc_view_copy(&view, UINT32_MAX, copy, UINT32_MAX), 0);
}

static void a_pool_that_does_not_add_up_is_nobodys_owner(void **state)
{
	struct myc_reference reference = lend(OWNER, take(OWNER, 64), 1);
	struct myc_pools *block = block_of(OWNER, NULL), good = *block;
	struct myc_view view;

	(void)state;
	for (int i = 0; i < 9; i++) {
		switch (i) {
		case 0:
			block->version = 0;
			break;
		case 1:
			block->version++;
			break;
		case 2:
			block->classes = MYC_POOL_CLASSES + 1;
			break;
		case 3:
			block->slots = 3;
			break;
		case 4:
			block->loans = MYC_POOL_LOANS_MAX + 1;
			break;
		case 5:
			block->peers = UINT16_MAX;
			break;
		case 6:
			block->size_class[0].count = MYC_POOL_BUFFERS_MAX;
			break;
		case 7:
			block->size_class[1].size = 64;
			break;
		default:
			block->size_class[2].size = 4097;
		}
		assert_int_equal(myc_pool_check(&pool[HOLDER], &reference, &view),
				 MYC_POOL_FAULT_OWNER);
		*block = good;
	}
	assert_int_equal(myc_pool_check(&pool[HOLDER], &reference, &view), MYC_POOL_FINE);
	/* Known once, it is not looked at again. */
	memset(block, 0xff, offsetof(struct myc_pools, redo));
	assert_int_equal(myc_pool_check(&pool[HOLDER], &reference, &view), MYC_POOL_FINE);
	*block = good;
}

/* The holder's ring for the owner, which the test writes on its behalf. */
static struct myc_return *ring(void)
{
	struct myc_reference piece = lend(OWNER, take(OWNER, 64), 2);

	myc_pool_done(&pool[HOLDER], credit(HOLDER, &piece, 1));
	assert_int_equal(collect(OWNER), 1);
	return pool[HOLDER].peer[0].slot;
}

static void a_return_that_cannot_be_frees_nothing(void **state)
{
	struct myc_return *slot = ring();
	const struct myc_return good = slot[0]; /* has been read: the weight is home */
	uint64_t number = 1;
	static const enum myc_pool_fault expected[] = {
		MYC_POOL_FAULT_EXCESS, MYC_POOL_FAULT_BUFFER,	  MYC_POOL_FAULT_BUFFER,
		MYC_POOL_FAULT_WEIGHT, MYC_POOL_FAULT_GENERATION,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint64_t before = faults(OWNER, expected[i]);
		struct myc_return wrong = good;

		if (i == 1)
			wrong.buffer = 7u << 24;
		else if (i == 2)
			wrong.buffer = 3;
		else if (i == 3)
			wrong.weight = 0;
		else if (i == 4)
			wrong.generation++;
		wrong.sequence = ++number;
		slot[(number - 1) % 2] = wrong;
		assert_int_equal(collect(OWNER), 1);
		assert_int_equal(faults(OWNER, expected[i]), before + 1);
	}
	/* Not the next number: nothing is read on, and it is counted once. */
	slot[number % 2].sequence = number + 2;
	for (int i = 0; i < 3; i++)
		assert_int_equal(collect(OWNER), 0);
	assert_int_equal(faults(OWNER, MYC_POOL_FAULT_SEQUENCE), 1);
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
		RULE(a_reference_that_cannot_be_is_refused_by_its_name),
		RULE(a_view_shows_nothing_outside),
		RULE(a_pool_that_does_not_add_up_is_nobodys_owner),
		RULE(a_return_that_cannot_be_frees_nothing),
		RULE(a_successor_frees_what_was_in_hand_and_waits_for_what_is_out),
		RULE(a_holders_successor_or_caretaker_brings_its_loans_home),
		RULE(a_ledger_that_was_written_over_harms_nobody_else),
		RULE(another_layout_is_not_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
