/* SPDX-License-Identifier: Apache-2.0 */
/* ITCH, TOPS and DEEP messages of any bytes: readers, text, and the book, whose sums must hold. */
#include <stdlib.h>

#include <mycelium/market/book.h>
#include <mycelium/market/deep.h>
#include <mycelium/market/itch50.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct myc_book *book)
{
	static struct myc_book_level level[256];
	uint64_t orders = 0, levels = 0;

	for (uint16_t locate = 0; locate < 8; locate++) {
		for (int side = MYC_BOOK_BID; side <= MYC_BOOK_ASK; side++) {
			uint32_t n =
				myc_book_levels(book, locate, (enum myc_book_side)side, level, 256);
			levels += n;
			for (uint32_t i = 0; i < n; i++) {
				orders += level[i].orders;
				if (!level[i].orders || !level[i].shares)
					abort();
			}
		}
	}
	struct myc_book_totals totals = myc_book_totals(book);
	if (orders != totals.orders || levels != totals.levels)
		abort();
}

/* Input: blocks of a length byte and so many bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct myc_book_opts opts = {
		.sz = sizeof(opts), .orders_max = 64, .levels_max = 128, .locates = 8};
	static struct myc_book *book;
	struct myc_book_change change;
	char text[600];

	if (!book && myc_book_open(&book, &opts))
		abort();
	myc_book_clear(book);
	while (size > 1) {
		uint32_t length = data[0] < size ? data[0] : (uint32_t)size - 1;
		uint8_t *exact = malloc(length ? length : 1);
		if (!exact)
			abort();
		memcpy(exact, data + 1, length);
		myc_book_apply(book, exact, length, &change);
		myc_itch_print(text, sizeof(text), exact, length);
		myc_tops_print(text, sizeof(text), exact, length);
		myc_deep_print(text, 40, exact, length);
		free(exact);
		data += 1 + length;
		size -= 1 + length;
	}
	check(book);
	return 0;
}
