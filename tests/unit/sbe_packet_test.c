/* SPDX-License-Identifier: Apache-2.0 */
/* SBE framings: what a packet holds. */
#include "unit/sbe_packet_bed.h"

static void messages_are_found_one_by_one(void **state)
{
	uint8_t bytes[512];

	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		const uint32_t size = build(framings[f], bytes, 9, 77, 3, 123456789);
		struct myc_sbe_packet packet = {0};
		const uint8_t *message;
		uint32_t length, found = 0;

		assert_int_equal(read_as(framings[f], &packet, bytes, size), 0);
		assert_int_equal(myc_sbe_packet_check(&packet), 0);
		assert_int_equal(packet.sequence, 77);
		assert_int_equal(packet.count, framings[f] == MYC_SBE_MEMX ? 3 : 1);
		assert_int_equal(packet.send_ns, framings[f] <= MYC_SBE_B3 ? 123456789 : 0);
		while ((message = myc_sbe_packet_next(&packet, &length))) {
			assert_int_equal(length, MESSAGE);
			assert_int_equal(message[MESSAGE - 1], found++);
		}
		assert_int_equal(found, 3);
		assert_int_equal(packet.message.left, 0);
	}
}

static void a_packet_cut_anywhere_is_refused_or_ends_early(void **state)
{
	uint8_t bytes[512];

	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		const uint32_t whole = build(framings[f], bytes, 9, 77, 3, 0);
		const uint32_t header = put_header(framings[f], (uint8_t[32]){0}, 9, 77, 3, 0);

		for (uint32_t size = 0; size < whole; size++) {
			uint8_t *exact = malloc(size ? size : 1);
			struct myc_sbe_packet packet = {0};
			uint32_t length;

			assert_non_null(exact);
			memcpy(exact, bytes, size);
			if (read_as(framings[f], &packet, exact, size) == 0) {
				assert_true(size >= header);
				/* Between two messages, and the header does not count them. */
				if (framings[f] == MYC_SBE_MEMX ||
				    (size - header) % (MESSAGE + myc_sbe_prefix_size(framings[f])))
					assert_int_equal(myc_sbe_packet_check(&packet), -EBADMSG);
				while (myc_sbe_packet_next(&packet, &length))
					;
			}
			free(exact);
		}
	}
}

/* Any bytes at all: within the buffer, and no message twice (the sizes add up). */
static void arbitrary_bytes_are_read_within_their_bounds(void **state)
{
	uint64_t chance = test_seed() | 1;

	(void)state;
	for (unsigned round = 0; round < 200000 / TEST_SHORTER; round++) {
		const enum myc_sbe_framing framing = framings[round % 4];
		uint32_t size = (uint32_t)(test_random(&chance) % 120), length;
		uint8_t *bytes = malloc(size ? size : 1);
		struct myc_sbe_packet packet = {0};

		assert_non_null(bytes);
		for (uint32_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)(test_random(&chance) %
					     (test_random(&chance) % 4 ? 24 : 256));
		if (framing == MYC_SBE_DERIBIT && size >= 8)
			myc_store_le16(bytes, (uint16_t)(size - 8));
		if (read_as(framing, &packet, bytes, size) == 0) {
			const uint8_t *end = bytes + size, *message, *before = bytes;

			while ((message = myc_sbe_packet_next(&packet, &length))) {
				assert_true(message > before && message + length <= end);
				before = message;
			}
		}
		free(bytes);
	}
}

static void lengths_and_types_that_cannot_be_are_refused(void **state)
{
	uint8_t bytes[512];
	struct myc_sbe_packet packet = {0};
	uint32_t size = build(MYC_SBE_B3, bytes, 9, 77, 2, 0), length;

	(void)state;
	myc_store_le16(bytes + MYC_B3_HEADER_SIZE + 2, 0x5be0); /* SBE, big-endian */
	assert_int_equal(myc_b3_read(&packet, bytes, size), 0);
	assert_null(myc_sbe_packet_next(&packet, &length));

	size = build(MYC_SBE_MDP3, bytes, 9, 77, 2, 0);
	for (uint16_t bad = 0; bad <= 2; bad++) { /* does not even hold itself and a byte */
		myc_store_le16(bytes + MYC_MDP3_HEADER_SIZE, bad);
		assert_int_equal(myc_mdp3_read(&packet, bytes, size), 0);
		assert_null(myc_sbe_packet_next(&packet, &length));
	}

	size = build(MYC_SBE_MEMX, bytes, 9, 77, 2, 0);
	bytes[0] = 3;
	assert_int_equal(myc_memx_read(&packet, bytes, size), -EBADMSG);
	bytes[0] = MYC_MEMX_HEARTBEAT; /* with something behind it */
	assert_int_equal(myc_memx_read(&packet, bytes, size), -EBADMSG);
	bytes[0] = MYC_MEMX_SEQUENCED;
	bytes[1] = 17;
	assert_int_equal(myc_memx_read(&packet, bytes, size), -EBADMSG);
	bytes[1] = 18;
	memset(bytes + 10, 0xff, 8);
	assert_int_equal(myc_memx_read(&packet, bytes, size), -EBADMSG);

	size = build(MYC_SBE_DERIBIT, bytes, 9, 77, 2, 0);
	assert_int_equal(myc_deribit_read(&packet, bytes, size - 1), -EBADMSG);
	assert_int_equal(myc_deribit_read(&packet, bytes, size + 1), -EBADMSG);
}

static void a_longer_memx_header_is_passed_over(void **state)
{
	uint8_t bytes[512], longer[520];
	uint32_t size = build(MYC_SBE_MEMX, bytes, 9, 77, 2, 0), length;
	struct myc_sbe_packet packet = {0};

	(void)state;
	memcpy(longer, bytes, 18);
	memset(longer + 18, 0xee, 6);
	memcpy(longer + 24, bytes + 18, size - 18);
	longer[1] = 24;
	assert_int_equal(myc_memx_read(&packet, longer, size + 6), 0);
	assert_int_equal(packet.count, 2);
	assert_int_equal(myc_sbe_packet_check(&packet), 0);
	assert_non_null(myc_sbe_packet_next(&packet, &length));
}

static void deribit_messages_are_measured_by_their_headers(void **state)
{
	uint8_t m[200] = {4, 0, 1, 0, 1, 0,
			  1, 0, 2, 0, 1, 0}; /* block 4, 2 groups, 1 variable field */
	uint32_t at = 12 + 4;

	(void)state;
	memcpy(m + at, (uint8_t[]){5, 0, 3, 0, 0, 0, 0, 0}, 8); /* 3 entries of 5 */
	at += 8 + 15;
	memcpy(m + at, (uint8_t[]){9, 0, 0, 0, 0, 0, 0, 0}, 8); /* none */
	at += 8;
	m[at] = 7;
	at += 8;
	assert_int_equal(myc_deribit_message_size(m, sizeof(m)), at);
	assert_int_equal(myc_deribit_message_size(m, at), at);
	for (uint32_t left = 0; left < at; left++)
		assert_int_equal(myc_deribit_message_size(m, left), 0);
	m[12 + 4 + 4] = 1; /* entries with groups of their own */
	assert_int_equal(myc_deribit_message_size(m, sizeof(m)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_found_one_by_one),
		cmocka_unit_test(a_packet_cut_anywhere_is_refused_or_ends_early),
		cmocka_unit_test(arbitrary_bytes_are_read_within_their_bounds),
		cmocka_unit_test(lengths_and_types_that_cannot_be_are_refused),
		cmocka_unit_test(a_longer_memx_header_is_passed_over),
		cmocka_unit_test(deribit_messages_are_measured_by_their_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
