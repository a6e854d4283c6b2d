/* SPDX-License-Identifier: Apache-2.0 */
/* Generated decoders on any bytes: opened whole and bounded, all of it read and its values judged, also after the memory
 * has become something else, as another process could make it. The first byte chooses the schema. */
#include <stdlib.h>

#include <sbe/car/example-extension-schema.h>
#include <sbe/good/arrays_big.h>
#include <sbe/good/dimension_turned.h>
#include <sbe/good/groups_data.h>
#include <sbe/good/groups_nested.h>
#include <sbe/good/header_counts.h>
#include <sbe/good/version_groups.h>
#include <sbe/good/version_groups_told.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char text[1 << 16];

/* The name of the first field whose value is not allowed, or NULL. */
static void checked(const char *field)
{
	if (field && !*field)
		abort();
}

#define READS(view)                                                                      \
	static void view##_reads(uint8_t *memory, size_t size, uint8_t filler)           \
	{                                                                                \
		struct view whole, bounded;                                              \
		int error = view##_open(&whole, memory, size);                           \
                                                                                         \
		if (!error) {                                                            \
			if (view##_size(&whole) > size || !view##_equal(&whole, &whole)) \
				abort();                                                 \
			view##_print(&whole, MYC_SBE_JSON, text, sizeof(text));          \
			checked(view##_check(&whole));                                   \
		}                                                                        \
		if (view##_open_bounded(&bounded, memory, size))                         \
			return;                                                          \
		if (!error && !view##_equal(&whole, &bounded))                           \
			abort();                                                         \
		view##_print(&bounded, MYC_SBE_TEXT, text, sizeof(text));                \
		checked(view##_check(&bounded));                                         \
		memset(memory, filler, size);                                            \
		view##_print(&bounded, MYC_SBE_TEXT, text, sizeof(text));                \
		checked(view##_check(&bounded));                                         \
	}

READS(extension_car)
READS(arrays_big_m)
READS(dimension_turned_m)
READS(groups_data_m)
READS(groups_nested_m)
READS(header_counts_m)
READS(version_groups_m)
READS(version_groups_told_m)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		void (*reads)(uint8_t *memory, size_t size, uint8_t filler);
		uint32_t schema; /* spares the fuzzer to guess the header */
		size_t at;
	} subjects[] = {
		{extension_car_reads, EXTENSION_SCHEMA_ID, EXTENSION_HEADER_SCHEMA_ID_OFFSET},
		{arrays_big_m_reads, ARRAYS_BIG_SCHEMA_ID, ARRAYS_BIG_HEADER_SCHEMA_ID_OFFSET + 1},
		{dimension_turned_m_reads, DIMENSION_TURNED_SCHEMA_ID, 4},
		{groups_data_m_reads, GROUPS_DATA_SCHEMA_ID, 4},
		{groups_nested_m_reads, GROUPS_NESTED_SCHEMA_ID, 4},
		{header_counts_m_reads, HEADER_COUNTS_SCHEMA_ID, 4},
		{version_groups_m_reads, VERSION_GROUPS_SCHEMA_ID, 4},
		{version_groups_told_m_reads, VERSION_GROUPS_TOLD_SCHEMA_ID, 4},
	};

	if (size < 2)
		return 0;
	uint8_t which = data[0] & 7, filler = data[1];
	data += 2;
	size -= 2;
	uint8_t *memory = malloc(size ? size : 1);
	if (!memory)
		abort();
	memcpy(memory, data, size);
	if (size > 8) {
		memory[subjects[which].at] = (uint8_t)subjects[which].schema;
		memory[subjects[which].at == 5 ? 4 : 5] = 0;
		memory[subjects[which].at == 5 ? 3 : 2] = 1;
		memory[subjects[which].at == 5 ? 2 : 3] = 0;
	}
	subjects[which].reads(memory, size, filler);
	free(memory);
	return 0;
}
