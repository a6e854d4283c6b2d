/* SPDX-License-Identifier: Apache-2.0 */
/* The wire formats: truncation at every byte, text, and the sample data where it is there. */
#include "common/test.h"

#include <string.h>

#include <pcap/pcap.h>

#include <mycelium/market/book.h>
#include <mycelium/market/deep.h>
#include <mycelium/market/iextp.h>
#include <mycelium/market/itch50.h>
#include <mycelium/market/moldudp64.h>
#include <mycelium/market/tops.h>

/* Reads a type at every length up to its own, in a buffer of exactly that size (for ASan). */
#define CHECK_TRUNCATION(type, prefix, name, length)                                      \
	for (uint32_t size = 0; size <= (length); size++) {                               \
		struct myc_##prefix##name out;                                            \
		uint8_t *exact = malloc(size ? size : 1);                                 \
		assert_non_null(exact);                                                   \
		memset(exact, 'z', size ? size : 1);                                      \
		exact[0] = (type);                                                        \
		assert_int_equal(myc_##prefix##name##_read(&out, exact, size),            \
				 size < (length) ? -EBADMSG : 0);                         \
		exact[0] = 0xff;                                                          \
		assert_int_equal(myc_##prefix##name##_read(&out, exact, size), -EBADMSG); \
		free(exact);                                                              \
	}

static void every_message_is_refused_when_a_byte_is_missing(void **state)
{
	(void)state;
#define CHECK_ITCH(type, name, length)              \
	CHECK_TRUNCATION(type, itch_, name, length) \
	assert_int_equal(myc_itch_length(type), length);
	MYC_ITCH_MESSAGES(CHECK_ITCH)
#define CHECK_TOPS(type, name, length)         \
	CHECK_TRUNCATION(type, , name, length) \
	assert_int_equal(myc_tops_length(type), length);
	MYC_TOPS_MESSAGES(CHECK_TOPS)
#define CHECK_DEEP(type, name, length)         \
	CHECK_TRUNCATION(type, , name, length) \
	assert_int_equal(myc_deep_length(type), length);
	MYC_DEEP_MESSAGES(CHECK_DEEP)
}

static void no_field_reaches_beyond_the_length_of_its_message(void **state)
{
	(void)state;
#define FIELD_FITS(kind, name, offset)                              \
	{                                                           \
		struct {                                            \
			MYC_DECLARE_##kind(field)                   \
		} one;                                              \
		assert_true((offset) + sizeof(one.field) <= limit); \
	}
#define ITCH_FITS(type, name, length)              \
	{                                          \
		const size_t limit = (length);     \
		MYC_ITCH_FIELDS_##name(FIELD_FITS) \
	}
	MYC_ITCH_MESSAGES(ITCH_FITS)
#define IEX_FITS(type, name, length)           \
	{                                      \
		const size_t limit = (length); \
		MYC_FIELDS_##name(FIELD_FITS)  \
	}
	MYC_TOPS_MESSAGES(IEX_FITS)
	MYC_DEEP_MESSAGES(IEX_FITS)
}

static void messages_longer_than_specified_are_read_by_their_known_fields(void **state)
{
	uint8_t m[60] = {'D', 0, 7};
	struct myc_itch_order_delete gone = {0};

	(void)state;
	myc_store_be64(m + 11, 0x0102030405060708);
	assert_int_equal(myc_itch_order_delete_read(&gone, m, sizeof(m)), 0);
	assert_int_equal(gone.reference, 0x0102030405060708);
	assert_int_equal(gone.locate, 7);
	assert_int_equal(myc_itch_length('!'), 0);
}

static void messages_print_as_one_line_whatever_the_buffer(void **state)
{
	uint8_t m[64] = {'A', 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 99};
	char text[256], small[12];

	(void)state;
	myc_store_be64(m + 11, 42);
	m[19] = 'B';
	myc_store_be32(m + 20, 300);
	memcpy(m + 24, "AB\x01    ", 8);
	m[31] = ' ';
	myc_store_be32(m + 32, 1234567);
	assert_true(myc_itch_print(text, sizeof(text), m, 36) > 0);
	assert_string_equal(text, "add_order locate=258 time=99 reference=42 side=B shares=300 "
				  "stock=AB. price=123.4567");
	assert_int_equal(myc_itch_print(small, sizeof(small), m, 36), 11);
	assert_string_equal(small, "add_order l");
	assert_int_equal(myc_itch_print(text, sizeof(text), m, 35), -EBADMSG);
	assert_true(myc_itch_print(text, sizeof(text), (const uint8_t *)"!ab", 3) > 0);
	assert_string_equal(text, "unknown type=0x21 size=3");
	memset(m, 0, sizeof(m));
	m[0] = 'Q';
	memcpy(m + 10, "ZIEXT   ", 8);
	myc_store_le64(m + 22, (uint64_t)-15000);
	assert_true(myc_tops_print(text, sizeof(text), m, 42) > 0);
	assert_string_equal(text, "tops_quote time=0 flags=0 symbol=ZIEXT bid_size=0 bid=-1.5000 "
				  "ask=0.0000 ask_size=0");
	assert_true(myc_deep_print(text, sizeof(text), m, 42) > 0);
	assert_string_equal(text, "unknown type=0x51 size=42");
}

static void mold_packets_are_checked_block_by_block(void **state)
{
	uint8_t packet[64] = {0};
	struct myc_mold mold = {0};
	struct myc_mold_request request = {(const uint8_t *)"SESSION  1", 77, 9}, read = {0};
	const uint8_t *message;
	uint32_t size;

	(void)state;
	myc_mold_header_write(packet, request.session, 5, 2);
	myc_store_be16(packet + 20, 0); /* a block may be empty */
	myc_store_be16(packet + 22, 3);
	packet[24] = 'a';
	for (uint32_t cut = 0; cut < 27; cut++)
		assert_true(myc_mold_read(&mold, packet, cut) || myc_mold_check(&mold));
	assert_true(myc_mold_read(&mold, packet, 28) || myc_mold_check(&mold));
	assert_false(myc_mold_read(&mold, packet, 27) || myc_mold_check(&mold));
	assert_int_equal(mold.sequence, 5);
	assert_non_null(myc_blocks_next(&mold.blocks, true, &size));
	assert_int_equal(size, 0);
	message = myc_blocks_next(&mold.blocks, true, &size);
	assert_ptr_equal(message, packet + 24);
	assert_null(myc_blocks_next(&mold.blocks, true, &size));
	myc_mold_header_write(packet, request.session, UINT64_MAX, MYC_MOLD_END_OF_SESSION);
	assert_int_equal(myc_mold_read(&mold, packet, 20), 0);
	assert_true(mold.end_of_session && !mold.count);
	myc_mold_header_write(packet, request.session, UINT64_MAX, 1);
	assert_int_equal(myc_mold_read(&mold, packet, 20), -EBADMSG);
	myc_mold_request_write(packet, &request);
	assert_int_equal(myc_mold_request_read(&read, packet, 20), 0);
	assert_int_equal(read.sequence, 77);
	assert_int_equal(read.count, 9);
	assert_int_equal(myc_mold_request_read(&read, packet, 19), -EBADMSG);
}

static void iextp_segments_and_requests_round_trip(void **state)
{
	struct myc_iextp segment = {.protocol = MYC_IEXTP_DEEP10,
				    .count = 1,
				    .channel = 2,
				    .session = 3,
				    .offset = 4,
				    .sequence = 5,
				    .send_ns = 6};
	struct myc_iextp read = {0};
	uint8_t packet[64] = {0};

	(void)state;
	myc_iextp_header_write(packet, &segment, 6);
	myc_store_le16(packet + 40, 4);
	for (uint32_t cut = 0; cut < 46; cut++)
		assert_int_equal(myc_iextp_read(&read, packet, cut), -EBADMSG);
	assert_int_equal(myc_iextp_read(&read, packet, 46), 0);
	assert_int_equal(myc_iextp_check(&read), 0);
	assert_int_equal(read.sequence, 5);
	assert_int_equal(read.session, 3);
	assert_int_equal(read.send_ns, 6);
	segment.sequence = 1ull << 63;
	myc_iextp_header_write(packet, &segment, 6);
	assert_int_equal(myc_iextp_read(&read, packet, 46), -EBADMSG);
	myc_iextp_request_write(packet, MYC_IEXTP_REQUEST_MESSAGES, &segment, 1);
	myc_iextp_range_write(packet + MYC_IEXTP_REQUEST_HEADER_SIZE, 10, 20);
	assert_int_equal(packet[1], 1);
	assert_int_equal(myc_load_le32(packet + 12), 1);
	assert_int_equal(myc_load_le64(packet + 24), 20);
}

/* ---- sample data ------------------------------------------------------------------------------- */

static FILE *sample(const char *name)
{
	char path[512];
	const char *dir = test_data_dir();
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "", name);
	file = dir ? fopen(path, "rb") : NULL;
	if (!file)
		printf("no sample data: %s\n", name);
	return file;
}

static size_t read_all(FILE *file, uint8_t **bytes)
{
	size_t size, limit = 1u << 20;

	*bytes = malloc(limit);
	assert_non_null(*bytes);
	size = fread(*bytes, 1, limit, file);
	assert_true(size > 0 && size < limit);
	fclose(file);
	return size;
}

static void check_itch_counts(const uint64_t count[256], const struct myc_book *book)
{
	static const struct {
		char type;
		uint64_t count;
	} expected[] = {{'A', 4997}, {'F', 3},	  {'E', 198}, {'X', 45}, {'D', 1745},
			{'U', 12},   {'P', 5000}, {'S', 6},   {'R', 3},	 {'H', 3}};
	uint64_t all = 0, named = 0;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(count[(uint8_t)expected[i].type], expected[i].count);
		named += expected[i].count;
	}
	for (int i = 0; i < 256; i++)
		all += count[i];
	assert_int_equal(all, 12012);
	assert_int_equal(named, all);
	assert_int_equal(myc_book_totals(book).unknown, 117);
	assert_int_equal(myc_book_totals(book).malformed, 0);
}

static void the_itch_samples_have_their_counts_and_117_unknown_orders(void **state)
{
	static const char *const name[] = {"itch/ex20101224.TEST_ITCH_50",
					   "itch/ex20101224.framed.itch50"};

	(void)state;
	for (int framed = 0; framed < 2; framed++) {
		FILE *file = sample(name[framed]);
		struct myc_book_opts opts = {.sz = sizeof(opts)};
		struct myc_book_change change;
		struct myc_book *book;
		uint64_t count[256] = {0};
		uint8_t *bytes;
		size_t size, at = 0;

		if (!file)
			return;
		size = read_all(file, &bytes);
		assert_int_equal(myc_book_open(&book, &opts), 0);
		while (at + 2 < size) {
			uint32_t length = myc_itch_length(bytes[at + 2]);
			assert_int_equal(myc_load_be16(bytes + at), framed ? length : 0);
			assert_true(length && at + 2 + length <= size);
			count[bytes[at + 2]]++;
			myc_book_apply(book, bytes + at + 2, length, &change);
			at += 2 + length;
		}
		assert_int_equal(at, size);
		check_itch_counts(count, book);
		myc_book_close(book);
		free(bytes);
	}
}

static void the_moldudp64_sample_is_three_packets_of_15_13_and_13(void **state)
{
	static const uint16_t counts[] = {15, 13, 13};
	static const uint64_t sequences[] = {1, 16, 29};
	FILE *file = sample("moldudp64/mold.sample.dat");
	uint8_t *bytes;
	size_t size, at = 0;

	(void)state;
	if (!file)
		return;
	size = read_all(file, &bytes);
	for (int i = 0; i < 3; i++) {
		struct myc_mold mold = {0};
		uint32_t length;
		assert_int_equal(myc_mold_read(&mold, bytes + at, (uint32_t)(size - at)), 0);
		assert_int_equal(mold.count, counts[i]);
		assert_int_equal(mold.sequence, sequences[i]);
		/* The file ends five bytes before its last message does. */
		for (int n = 0; n < mold.count - (i == 2); n++)
			assert_non_null(myc_blocks_next(&mold.blocks, true, &length));
		at = (size_t)(mold.blocks.at - bytes);
	}
	assert_int_equal(myc_load_be16(bytes + at), 25);
	assert_int_equal(size - at, 2 + 20);
	free(bytes);
}

struct tops_counts {
	uint64_t type[256];
	uint64_t packets, messages, heartbeats, next, most;
};

static void count_tops(struct tops_counts *counts, const uint8_t *payload, uint32_t size)
{
	struct myc_iextp segment = {0};
	const uint8_t *message;
	uint32_t length;
	char text[512];

	assert_int_equal(myc_iextp_read(&segment, payload, size), 0);
	assert_int_equal(myc_iextp_check(&segment), 0);
	assert_int_equal(segment.protocol, MYC_IEXTP_TOPS16);
	assert_int_equal(segment.sequence, counts->next);
	counts->next += segment.count;
	counts->packets++;
	counts->messages += segment.count;
	counts->heartbeats += !segment.count;
	counts->most = segment.count > counts->most ? segment.count : counts->most;
	while ((message = myc_blocks_next(&segment.blocks, false, &length))) {
		assert_int_equal(length, myc_tops_length(message[0]));
		assert_true(myc_tops_print(text, sizeof(text), message, length) > 0);
		counts->type[message[0]]++;
	}
}

static void the_tops_sample_is_read_whole_without_a_gap(void **state)
{
	char error[PCAP_ERRBUF_SIZE], command[600];
	struct tops_counts counts = {.next = 1};
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	pcap_t *pcap;
	FILE *pipe, *there = sample("iex/TOPS16.pcap.gz");

	(void)state;
	if (!there)
		return;
	fclose(there);
	snprintf(command, sizeof(command), "gzip -dc '%s/iex/TOPS16.pcap.gz'", test_data_dir());
	pipe = popen(command, "r");
	assert_non_null(pipe);
	pcap = pcap_fopen_offline(pipe, error);
	assert_non_null(pcap);
	/* Ethernet, IPv4 without options, UDP: 42 bytes. */
	while (pcap_next_ex(pcap, &header, &frame) == 1)
		count_tops(&counts, frame + 42, myc_load_be16(frame + 38) - 8u);
	pcap_close(pcap);
	assert_int_equal(counts.packets, 13022);
	assert_int_equal(counts.messages, 57674);
	assert_int_equal(counts.heartbeats, 237);
	assert_int_equal(counts.next, 57675);
	assert_int_equal(counts.most, 52);
	assert_int_equal(counts.type['Q'], 27217);
	assert_int_equal(counts.type['T'], 6390);
	assert_int_equal(counts.type['A'], 642);
	assert_int_equal(counts.type['D'], 10);
	assert_int_equal(counts.type['S'], 6);
	assert_int_equal(counts.type['B'], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_is_refused_when_a_byte_is_missing),
		cmocka_unit_test(no_field_reaches_beyond_the_length_of_its_message),
		cmocka_unit_test(messages_longer_than_specified_are_read_by_their_known_fields),
		cmocka_unit_test(messages_print_as_one_line_whatever_the_buffer),
		cmocka_unit_test(mold_packets_are_checked_block_by_block),
		cmocka_unit_test(iextp_segments_and_requests_round_trip),
		cmocka_unit_test(the_itch_samples_have_their_counts_and_117_unknown_orders),
		cmocka_unit_test(the_moldudp64_sample_is_three_packets_of_15_13_and_13),
		cmocka_unit_test(the_tops_sample_is_read_whole_without_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
