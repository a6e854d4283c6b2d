/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of schemas: which versions go together, what is said of those that do not, and what a table that another
 * process broke can do (nothing). */
#include <errno.h>
#include <string.h>

#include "common/test.h"
#include "protocol/schema.h"
#include "unit/schema_bed.h"

#include <sbe/car/example-extension-schema.h>
#include <sbe/car/example-schema.h>
#include <sbe/generations/generation0.h>
#include <sbe/generations/generation1.h>
#include <sbe/generations/generation2.h>

static struct desk here, there;

static void both(uint32_t ours, uint32_t theirs)
{
	desk_build(&here, ours);
	desk_build(&there, theirs);
}

static void agree(const struct myc_sbe_schema_info *one, const struct myc_sbe_schema_info *other)
{
	struct myc_error error = {0};

	if (myc_schema_compare(one, other, &error) || myc_schema_compare(other, one, &error))
		fail_msg("%s", error.cause);
}

/* Refused from both sides; ours says this. */
static void disagree(const char *cause)
{
	struct myc_error error = {0};

	assert_int_equal(myc_schema_compare(&there.schema, &here.schema, NULL), -EPROTO);
	assert_int_equal(myc_schema_compare(&here.schema, &there.schema, &error), -EPROTO);
	assert_string_equal(error.cause, cause);
	assert_true(error.remedy[0]);
}

static void generations_go_together(void **state)
{
	const struct myc_sbe_schema_info *generation[] = {
		&generation0_schema_info, &generation1_schema_info, &generation2_schema_info};

	(void)state;
	for (int i = 0; i < 9; i++)
		agree(generation[i % 3], generation[i / 3]);
	agree(&baseline_schema_info, &baseline_schema_info);
	/* The extension is the same schema with a later version. */
	if (baseline_schema_info.id == extension_schema_info.id)
		agree(&baseline_schema_info, &extension_schema_info);
	agree(&baseline_schema_info, &generation0_schema_info); /* another id */
	both(0, 1);
	agree(&here.schema, &there.schema);
	both(1, 1);
	agree(&here.schema, &there.schema);
}

static void what_does_not_matter_is_no_difference(void **state)
{
	(void)state;
	both(1, 1);
	there.field[ORDER_ID].name = "number";
	there.field[ORDER_ID].description = "of the order";
	there.messages[0] = &there.quote;
	there.messages[1] = &there.order;
	there.order.name = "NewOrder";
	agree(&here.schema, &there.schema);
	both(0, 1); /* the newer one is free in what is newer */
	there.field[ORDER_NEWER].primitive = "double";
	there.field[ORDER_NEWER].offset = 100;
	agree(&here.schema, &there.schema);
	both(1, 1); /* a message that only one has */
	there.schema.messages_count = 1;
	agree(&here.schema, &there.schema);
	both(1, 1); /* a value that only one lists */
	there.field[ORDER_SIDE].values_count = 2;
	agree(&here.schema, &there.schema);
}

#define VERSIONS "schema 7 (desk), version 1 here and 1 there: "

static void each_difference_is_named(void **state)
{
	(void)state;
	both(1, 1);
	there.field[ORDER_PRICE].offset = 10;
	disagree(VERSIONS "'Order.price.mantissa' has another offset: optional int64 of 8 bytes at "
			  "offset 9 (id 3) "
			  "here, optional int64 of 8 bytes at offset 10 (id 3) there");
	both(1, 1);
	there.field[ORDER_ID].primitive = "uint32";
	there.field[ORDER_ID].size = 4;
	disagree(VERSIONS "'Order.orderId' has another type: uint64 of 8 bytes at offset 0 (id 1) "
			  "here, uint32 of "
			  "4 bytes at offset 0 (id 1) there");
	both(1, 1);
	there.field[ORDER_ID].kind = MYC_SBE_ARRAY;
	there.field[ORDER_ID].size = 16;
	disagree(VERSIONS "'Order.orderId' has another size: uint64 of 8 bytes at offset 0 (id 1) "
			  "here, uint64 "
			  "array of 16 bytes at offset 0 (id 1) there");
	both(1, 1);
	there.field[ORDER_PRICE].presence = MYC_SBE_REQUIRED;
	disagree(VERSIONS "'Order.price.mantissa' has another presence: optional int64 of 8 bytes "
			  "at offset 9 (id 3) "
			  "here, int64 of 8 bytes at offset 9 (id 3) there");
	both(1, 1);
	there.field[ORDER_PRICE].null_value = 0;
	disagree(VERSIONS "'Order.price.mantissa' has another null value: optional int64 of 8 "
			  "bytes at offset 9 "
			  "(id 3) here, optional int64 of 8 bytes at offset 9 (id 3) there");
	both(1, 1);
	there.field[ORDER_EXPONENT].constant = "-8";
	disagree(VERSIONS "'Order.price.exponent' has another constant value: constant int8 (id 3) "
			  "here, constant "
			  "int8 (id 3) there");
	both(1, 1);
	there.field[ORDER_NEWER].id = 40;
	disagree(VERSIONS "'Order.newer': uint32 of 4 bytes at offset 17 (id 4) here, uint32 of 4 "
			  "bytes at offset 17 "
			  "(id 40) there");
	both(1, 1);
	there.leg[1].offset = 5;
	disagree(VERSIONS "'Order.legs.ratio' has another offset: int8 of 1 bytes at offset 4 (id "
			  "12) here, int8 of 1 "
			  "bytes at offset 5 (id 12) there");
	both(1, 1);
	there.legs.shape = "blockLength:uint16@0 numInGroup:uint16@2";
	disagree(VERSIONS
		 "'Order.legs' has another shape: group 'legs' (id 10) of blockLength:uint16@0 "
		 "numInGroup:uint8@2 here, group 'legs' (id 10) of blockLength:uint16@0 "
		 "numInGroup:uint16@2 there");
	both(1, 1);
	there.field[ORDER_TEXT].shape = "length:uint16@0 varData:char@2";
	disagree(VERSIONS "'Order.text' has another shape: data 'text' (id 5) of length:uint8@0 "
			  "varData:char@1 here, "
			  "data 'text' (id 5) of length:uint16@0 varData:char@2 there");
	both(1, 1);
	there.order.groups_count = 0;
	disagree(VERSIONS "'Order.legs': group 'legs' (id 10) of blockLength:uint16@0 "
			  "numInGroup:uint8@2 here, data "
			  "'text' (id 5) of length:uint8@0 varData:char@1 there");
	both(1, 1);
	there.side[1].value = 4;
	disagree(VERSIONS "'Order.side': value 2 is Sell here, value 4 is Sell there");
	both(1, 1);
	there.side[0].name = "Bid";
	disagree(VERSIONS "'Order.side': value 1 is Buy here, value 1 is Bid there");
	both(1, 1);
	there.schema.big_endian = true;
	disagree("schema 7 (desk): little-endian here, big-endian there");
	both(1, 1);
	there.quote.shape = "x";
	disagree(VERSIONS "'Quote' has another header: blockLength:uint16@0 templateId:uint16@2 "
			  "schemaId:uint16@4 version:uint16@6 here, x there");
}

static void a_version_must_have_what_the_older_one_has(void **state)
{
	(void)state;
	both(0, 1);
	there.field[ORDER_NEWER].since = 0; /* a new field without its sinceVersion */
	disagree("schema 7 (desk), version 0 here and 1 there: 'Order.legs': group 'legs' (id 10) "
		 "of "
		 "blockLength:uint16@0 numInGroup:uint8@2 here, uint32 of 4 bytes at offset 17 (id "
		 "4) there");
	both(0, 1);
	there.field[ORDER_PRICE].since = 1; /* an old one that pretends to be new */
	disagree("schema 7 (desk), version 0 here and 1 there: 'Order.price.mantissa': optional "
		 "int64 of 8 bytes at "
		 "offset 9 (id 3) here, group 'legs' (id 10) of blockLength:uint16@0 "
		 "numInGroup:uint8@2 there");
	both(1, 1);
	there.field[ORDER_NEWER].since = 0;
	disagree(VERSIONS "'Order.newer' has another sinceVersion: uint32 of 4 bytes at offset 17 "
			  "(id 4) here, uint32 "
			  "of 4 bytes at offset 17 (id 4) there");
}

/* ---- tables ------------------------------------------------------------------------------------- */

static _Alignas(64) char block[2][MYC_SCHEMAS_ROOM];

static struct myc_schemas *table(int which, uint64_t size,
				 const struct myc_sbe_schema_info *const *schemas, uint32_t count,
				 struct myc_schemas_view *view)
{
	struct myc_schemas *head = (struct myc_schemas *)(void *)block[which];

	memset(block[which], 0, sizeof(block[which]));
	assert_int_equal(myc_schemas_write(head, size, schemas, count), 0);
	assert_true(myc_schemas_view(view, head, size));
	return head;
}

static void a_table_without_room_has_hashes(void **state)
{
	const struct myc_sbe_schema_info *schemas[3] = {&baseline_schema_info, &here.schema,
							&here.schema};
	struct myc_schemas_view ours, theirs;
	struct myc_schema_row row;
	struct myc_error error;

	(void)state;
	both(1, 1);
	struct myc_schemas *head = table(0, sizeof(*head) + 1000, schemas, 3, &ours);

	assert_int_equal(head->rows, 2); /* the same one once */
	myc_schemas_row(&ours, 0, &row);
	assert_int_equal(row.items, 0);
	assert_string_equal(row.name, "baseline");
	myc_schemas_row(&ours, 1, &row);
	assert_true(row.items > 0); /* what is smaller finds some */
	table(1, MYC_SCHEMAS_ROOM, schemas, 2, &theirs);
	assert_int_equal(myc_schemas_compare(&ours, &theirs, &error), 0);
	table(0, sizeof(*head), schemas, 3, &ours);
	assert_int_equal(myc_schemas_compare(&ours, &theirs, &error), 0);
	there.field[ORDER_PRICE].offset = 10;
	schemas[1] = &there.schema;
	table(1, MYC_SCHEMAS_ROOM, schemas, 2, &theirs);
	assert_int_equal(myc_schemas_compare(&ours, &theirs, &error), -EPROTO);
	assert_non_null(strstr(error.cause, "found no room"));
}

static void two_versions_of_one_process_must_both_agree(void **state)
{
	const struct myc_sbe_schema_info *ours[2] = {&here.schema, &there.schema}, *theirs[1];
	static struct desk third;
	struct myc_schemas_view a, b;
	struct myc_error error;

	(void)state;
	both(0, 1);
	desk_build(&third, 1);
	theirs[0] = &third.schema;
	table(0, MYC_SCHEMAS_ROOM, ours, 2, &a);
	table(1, MYC_SCHEMAS_ROOM, theirs, 1, &b);
	assert_int_equal(myc_schemas_compare(&a, &b, &error), 0);
	third.field[ORDER_NEWER].offset = 18; /* version 0 knows nothing of it */
	table(1, MYC_SCHEMAS_ROOM, theirs, 1, &b);
	assert_int_equal(myc_schemas_compare(&a, &b, &error), -EPROTO);
	assert_int_equal(myc_schemas_compare(&b, &a, &error), -EPROTO);
}

static void more_schemas_than_there_are_rows_for(void **state)
{
	static struct desk desks[MYC_SCHEMAS_MAX + 1];
	const struct myc_sbe_schema_info *schemas[MYC_SCHEMAS_MAX + 1];

	(void)state;
	for (uint32_t i = 0; i <= MYC_SCHEMAS_MAX; i++) {
		desk_build(&desks[i], 1);
		desks[i].schema.id = i;
		schemas[i] = &desks[i].schema;
	}
	struct myc_schemas *head = (struct myc_schemas *)(void *)block[0];

	assert_int_equal(myc_schemas_write(head, MYC_SCHEMAS_ROOM, schemas, MYC_SCHEMAS_MAX), 0);
	assert_int_equal(myc_schemas_write(head, MYC_SCHEMAS_ROOM, schemas, MYC_SCHEMAS_MAX + 1),
			 -ENOSPC);
}

/* Whatever stands in another's table: nothing beyond it is read, it comes to an end, and what is said is printable.
 * The block ends where the memory does, for the sanitizers. */
static void a_broken_table_is_only_wrong(void **state)
{
	const struct myc_sbe_schema_info *schemas[] = {&baseline_schema_info, &here.schema};
	struct myc_schemas_view ours, theirs;
	uint64_t seed = test_seed();
	unsigned refused = 0, rounds = 20000 / TEST_SHORTER;
	uint64_t size;

	(void)state;
	both(1, 1);
	struct myc_schemas *whole = table(0, MYC_SCHEMAS_ROOM, schemas, 2, &ours);

	size = sizeof(*whole) + whole->items * sizeof(struct myc_schema_item) + whole->texts;
	size = (size + 7) & ~7ull;
	char *broken = malloc(size);

	assert_non_null(broken);
	for (unsigned i = 0; i < rounds; i++) {
		struct myc_error error = {0};
		uint64_t cut = size;

		memcpy(broken, block[0], size);
		for (unsigned n = 1 + test_random(&seed) % 8; n; n--) {
			/* often where the counts are */
			uint64_t range = test_random(&seed) % 2 ? 200 : size;
			uint64_t at = test_random(&seed) % range;

			if (at < 4) /* the version */
				at = 4;
			broken[at] = (char)test_random(&seed);
		}
		if (test_random(&seed) % 4 == 0)
			cut = test_random(&seed) % size & ~7ull;
		char *exact = malloc(cut ? cut : 1);

		assert_non_null(exact);
		memcpy(exact, broken, cut);
		if (myc_schemas_view(&theirs, (const struct myc_schemas *)(const void *)exact, cut))
			refused += myc_schemas_compare(&ours, &theirs, &error) != 0;
		for (const char *c = error.cause; *c; c++)
			assert_true(*c >= 0x20 && *c < 0x7f);
		free(exact);
	}
	free(broken);
	print_message("%u of %u refused\n", refused, rounds);
	assert_true(refused > rounds / 20);
}

static void a_declared_schema_is_known_once(void **state)
{
	const struct myc_sbe_schema_info *declared[MYC_SCHEMAS_MAX];

	(void)state;
	both(1, 1);
	uint32_t before = myc_schemas_declared(declared);

	assert_int_equal(myc_schema_declare(&here.schema), 0);
	assert_int_equal(myc_schema_declare(&here.schema), 0);
	assert_int_equal(myc_schemas_declared(declared), before + 1);
	assert_ptr_equal(declared[before], &here.schema);
	for (uint32_t i = before + 1; i < MYC_SCHEMAS_MAX; i++)
		assert_int_equal(myc_schema_declare(&here.schema + i), 0);
	assert_int_equal(myc_schema_declare(&there.schema), -ENOSPC);
}

MYC_SCHEMA(baseline)

static void the_macro_declares_before_main(void **state)
{
	const struct myc_sbe_schema_info *declared[MYC_SCHEMAS_MAX];

	(void)state;
	assert_int_equal(myc_schemas_declared(declared), 1);
	assert_ptr_equal(declared[0], &baseline_schema_info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_macro_declares_before_main),
		cmocka_unit_test(generations_go_together),
		cmocka_unit_test(what_does_not_matter_is_no_difference),
		cmocka_unit_test(each_difference_is_named),
		cmocka_unit_test(a_version_must_have_what_the_older_one_has),
		cmocka_unit_test(a_table_without_room_has_hashes),
		cmocka_unit_test(two_versions_of_one_process_must_both_agree),
		cmocka_unit_test(more_schemas_than_there_are_rows_for),
		cmocka_unit_test(a_broken_table_is_only_wrong),
		cmocka_unit_test(a_declared_schema_is_known_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
