/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sent.h"

#include <pcap/pcap.h>
#include <stdio.h>

#include <mycelium/market/iextp.h>
#include <mycelium/market/itch50.h>
#include <mycelium/market/moldudp64.h>

#include "common/test.h"
#include "market/itch_generator.h"

static uint64_t checksum_of(const uint8_t *data, uint32_t size)
{
	uint64_t checksum = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < size; i++)
		checksum = (checksum ^ data[i]) * 0x100000001b3ull;
	return checksum;
}

static uint64_t symbol_of_iex(const uint8_t *message)
{
	return message[0] == 'S' ? 0 : myc_load_symbol(message + 10);
}

static uint64_t symbol_of_itch(const uint8_t *message)
{
	uint16_t locate = myc_itch_locate(message);

	return locate ? myc_itch_generator_symbol(locate) : 0;
}

uint64_t sent_messages(const char *file, bool iex, struct sent_message *out, uint64_t max)
{
	char command[600], error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	uint64_t messages = 0;

	snprintf(command, sizeof(command), "gzip -dcf '%s'", file);
	pcap_t *pcap = pcap_fopen_offline(popen(command, "re"), error);
	assert_non_null(pcap);
	while (pcap_next_ex(pcap, &header, &frame) == 1) {
		const uint8_t *at = frame + 42;
		uint32_t size = myc_load_be16(frame + 38) - 8u, count;
		struct myc_iextp segment = {0};
		struct myc_mold packet = {0};
		uint64_t number;

		assert_int_equal(iex ? myc_iextp_read(&segment, at, size)
				     : myc_mold_read(&packet, at, size),
				 0);
		number = iex ? segment.sequence : packet.sequence;
		count = iex ? segment.count : packet.count;
		at += iex ? MYC_IEXTP_HEADER_SIZE : MYC_MOLD_HEADER_SIZE;
		for (; count; count--, number++) {
			uint32_t length = iex ? myc_load_le16(at) : myc_load_be16(at);

			assert_true(number >= 1 && number < max);
			out[number] = (struct sent_message){.checksum = checksum_of(at + 2, length),
							    .symbol = iex ? symbol_of_iex(at + 2)
									  : symbol_of_itch(at + 2)};
			messages = number > messages ? number : messages;
			at += 2 + length;
		}
	}
	pcap_close(pcap);
	return messages;
}
