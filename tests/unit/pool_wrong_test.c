/* SPDX-License-Identifier: Apache-2.0 */
/* Message buffers: what is taken for wrong, in references, views, returns and another's pool. */
#include "unit/buffer_bed.h"

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

int main(void)
{
#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RULE(a_reference_that_cannot_be_is_refused_by_its_name),
		RULE(a_view_shows_nothing_outside),
		RULE(a_pool_that_does_not_add_up_is_nobodys_owner),
		RULE(a_return_that_cannot_be_frees_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
