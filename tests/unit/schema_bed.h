/* SPDX-License-Identifier: Apache-2.0 */
/* A schema that a test can change: an order with an enum, a constant, a group and data. */
#ifndef TESTS_UNIT_SCHEMA_BED_H
#define TESTS_UNIT_SCHEMA_BED_H

#include <mycelium/schema.h>

enum { ORDER_ID, ORDER_SIDE, ORDER_EXPONENT, ORDER_PRICE, ORDER_NEWER, ORDER_TEXT, ORDER_FIELDS };

struct desk {
	struct myc_sbe_field_info field[ORDER_FIELDS], leg[2];
	struct myc_sbe_value_info side[3];
	struct myc_sbe_block_info legs, order, quote;
	const struct myc_sbe_block_info *groups[1], *messages[2];
	struct myc_sbe_schema_info schema;
};

static inline void desk_build(struct desk *desk, uint32_t version)
{
	const char *header =
		"blockLength:uint16@0 templateId:uint16@2 schemaId:uint16@4 version:uint16@6";

	*desk = (struct desk){
		.side = {{"Buy", 1, 0}, {"Sell", 2, 0}, {"Short", 3, 1}},
		.leg = {{.name = "instrument", .primitive = "uint32", .id = 11, .size = 4},
			{.name = "ratio", .primitive = "int8", .id = 12, .offset = 4, .size = 1}},
		.field = {{.name = "orderId", .primitive = "uint64", .id = 1, .size = 8},
			  {.name = "side",
			   .primitive = "uint8",
			   .id = 2,
			   .offset = 8,
			   .size = 1,
			   .kind = MYC_SBE_ENUM,
			   .values_count = version ? 3 : 2},
			  {.name = "price.exponent",
			   .primitive = "int8",
			   .id = 3,
			   .presence = MYC_SBE_CONSTANT,
			   .constant = "-4"},
			  {.name = "price.mantissa",
			   .primitive = "int64",
			   .id = 3,
			   .offset = 9,
			   .size = 8,
			   .presence = MYC_SBE_OPTIONAL,
			   .null_value = 1ull << 63},
			  {.name = "newer",
			   .primitive = "uint32",
			   .id = 4,
			   .offset = 17,
			   .size = 4,
			   .since = 1},
			  {.name = "text",
			   .primitive = "char",
			   .id = 5,
			   .kind = MYC_SBE_DATA,
			   .shape = "length:uint8@0 varData:char@1"}},
		.legs = {.name = "legs",
			 .id = 10,
			 .fields_count = 2,
			 .block_length = 5,
			 .shape = "blockLength:uint16@0 numInGroup:uint8@2"},
		.order = {.name = "Order", .id = 1, .groups_count = 1, .shape = header},
		.quote = {.name = "Quote", .id = 2, .shape = header, .since = 1},
		.schema = {.package = "desk",
			   .id = 7,
			   .version = version,
			   .messages_count = version ? 2 : 1},
	};
	if (!version) { /* has no field "newer" */
		desk->field[ORDER_NEWER] = desk->field[ORDER_TEXT];
	}
	desk->field[ORDER_SIDE].values = desk->side;
	desk->legs.fields = desk->leg;
	desk->groups[0] = &desk->legs;
	desk->order.fields = desk->field;
	desk->order.fields_count = version ? ORDER_FIELDS : ORDER_FIELDS - 1;
	desk->order.groups = desk->groups;
	desk->messages[0] = &desk->order;
	desk->messages[1] = &desk->quote;
	desk->schema.messages = desk->messages;
}

#endif
