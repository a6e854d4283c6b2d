/* SPDX-License-Identifier: Apache-2.0 */
/* The schema compiler on any text: refused with a reason, or a header. Input that begins with '<' is
 * the schema; else 8 bytes choose a good one by chance and the rest spoil it: position (2), byte (1). */
#include <stdlib.h>
#include <string.h>

#include "myc-gen/emit.h"
#include "sbe/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compile(const char *text, size_t size)
{
	struct gen_schema *schema = gen_open(size % 2 ? "fuzz" : NULL, NULL, size % 3 == 0);
	bool good = gen_compile(schema, "fuzz.xml", text, size);

	if (good == (schema->errors != 0) || (!good && !schema->log))
		abort();
	if (good) {
		char *made = NULL;
		size_t length = 0;
		FILE *file = open_memstream(&made, &length);

		if (!file)
			abort();
		gen_emit_header(schema, file, "fuzz.h");
		fclose(file);
		if (!length)
			abort();
		free(made);
	}
	gen_close(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	uint64_t seed = 0;

	if (size && data[0] == '<') {
		compile((const char *)data, size);
		return 0;
	}
	FILE *file = open_memstream(&text, &length);
	if (!file)
		abort();
	memcpy(&seed, data, size < 8 ? size : 8);
	random_schema(file, seed);
	fclose(file);
	for (size_t i = 8; i + 3 <= size && length; i += 3)
		text[(data[i] + 256u * data[i + 1]) % length] = (char)data[i + 2];
	compile(text, length);
	free(text);
	return 0;
}
