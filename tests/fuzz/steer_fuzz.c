/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The twin over hostile bytes. The input: one byte of scene, then records, each behind a u16 length and a
 * byte that says what it is: a frame; a payload, which gets headers in front and what no fuzzer guesses
 * within; or the wishes for a packet of an SBE feed, with a byte or two of it spoilt. Every channel listens;
 * what must hold of any frame is asserted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sbe_body.h"
#include "dataplane/steer_user.h"

#define CHANNELS 10
#define SBE_0	 6 /* MDP3, B3, MEMX, Deribit; tables of sbe_body.h, instruments 1 to 9 watched */
#define SESSION	 "SESSION001"

static struct {
	struct myc_steer_config config;
	struct myc_binding_slot slots[MYC_BINDING_SLOTS];
	struct myc_symbol_filter symbols, instruments;
	struct myc_sbe_filter sbe[4];
	struct myc_registry_row registry[MYC_REGISTRY_ROWS];
	struct myc_process_row process;
	struct myc_process_page page;
	struct myc_process_page *pages[1];
	struct myc_system_page system;
	struct myc_channel_state state[CHANNELS];
	struct myc_filtered_window window[CHANNELS];
	struct myc_locate_filter locate[CHANNELS];
	struct myc_counters counters[CHANNELS + 1];
	struct myc_steer_tables tables;
} fuzz;

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* 224.0.0.0/4 as one byte: port 5000 + channel, whose group is 239.1.1.1, ff15::1 for channel 0. */
static void configure(void)
{
	static const uint8_t group[16] = {[10] = 0xff, [11] = 0xff, [12] = 239, 1, 1, 1};
	struct myc_channel_config *channel = fuzz.config.channel;

	fuzz.config.channels_count = CHANNELS;
	fuzz.config.processes_count = 1;
	for (uint16_t i = 0; i < CHANNELS; i++) {
		memcpy(fuzz.config.binding[i].key.address, group, sizeof(group));
		fuzz.config.binding[i].key.port = (uint16_t)(5000 + i);
		fuzz.config.binding[i].key.vlan = MYC_VLAN_ANY;
		fuzz.config.binding[i].value.channel = i;
		fuzz.config.bindings_count++;
		channel[i].owner_row = 0;
		channel[i].standby_row = MYC_NO_ROW;
		channel[i].page_slot = i;
		channel[i].flags = MYC_CHANNEL_DROP_DUPLICATES;
	}
	channel[0].protocol = MYC_PROTOCOL_MOLDUDP64;
	channel[0].filter = MYC_FILTER_LOCATE;
	channel[1].protocol = MYC_PROTOCOL_IEXTP;
	channel[1].filter = MYC_FILTER_SYMBOL;
	channel[2].generic_width = 8;
	channel[2].generic_offset = 2000;
	channel[3].generic_width = 1;
	channel[4].protocol = MYC_PROTOCOL_MOLDUDP64;
	channel[4].type_drop[1] = 1ull << ('P' & 63);
	channel[5].owner_row = MYC_NO_ROW;
	fuzz.config.symbols[1] = &fuzz.symbols;
	for (uint16_t i = SBE_0; i < CHANNELS; i++) {
		channel[i].protocol = (uint8_t)(MYC_PROTOCOL_MDP3 + i - SBE_0);
		channel[i].filter = MYC_FILTER_SBE;
		sbe_table((enum myc_sbe_framing)(i - SBE_0), &fuzz.sbe[i - SBE_0]);
		fuzz.config.sbe[i] = &fuzz.sbe[i - SBE_0];
		fuzz.config.symbols[i] = &fuzz.instruments;
	}
	myc_symbol_filter_build(&fuzz.instruments, (const uint64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9},
				9);
	require(myc_steer_config_check(&fuzz.config, NULL) == 0);
	require(myc_binding_table_build(fuzz.slots, &fuzz.config) == 0);
	fuzz.pages[0] = &fuzz.page;
	fuzz.tables = (struct myc_steer_tables){
		.config = &fuzz.config,
		.bindings = fuzz.slots,
		.registry = fuzz.registry,
		.processes = &fuzz.process,
		.pages = fuzz.pages,
		.system = &fuzz.system,
		.state = fuzz.state,
		.window = fuzz.window,
		.locate = fuzz.locate,
		.counters = fuzz.counters,
	};
}

static void reset(uint8_t scene)
{
	memset(fuzz.state, 0, sizeof(fuzz.state));
	memset(fuzz.counters, 0, sizeof(fuzz.counters));
	fuzz.registry[0].state_endpoint = myc_row_word(MYC_ROW_UP, scene >> 6);
	fuzz.process.incarnation = 2;
	fuzz.process.dead_incarnation = scene & 1 ? 2 : 1;
	for (uint32_t i = 0; i < CHANNELS; i++) {
		struct myc_channel_page *page = &fuzz.page.channel[i];

		memset(fuzz.window[i].word, 0, 64 * sizeof(uint64_t));
		memcpy(page->session[1], SESSION, 10);
		if (i == 1 || i >= SBE_0)
			memset(page->session[1], 0, sizeof(page->session[1]));
		page->watermark = myc_epoch_word(scene & 2 ? 0 : 1, scene & 4 ? 1000 : 1);
		fuzz.locate[i].armed = scene & 8 ? 0 : 1ull << 63 | 1;
		fuzz.locate[i].watched[0] = 0x3fe;
	}
}

static uint64_t counted(void)
{
	uint64_t sum = 0;

	for (uint32_t row = 0; row <= CHANNELS; row++)
		for (uint32_t i = 0; i < MYC_REASONS_COUNT; i++)
			sum += fuzz.counters[row].reason[i];
	return sum;
}

/* A packet that was filtered: every message is of a template that may be dropped, by other code. */
static void require_droppable(enum myc_sbe_framing framing, const uint8_t *payload, uint32_t size)
{
	struct myc_sbe_packet packet = {.framing = framing};
	const uint8_t *message;
	uint32_t length, found = 0;
	int err;

	if (framing == MYC_SBE_MDP3)
		err = myc_mdp3_read(&packet, payload, size);
	else if (framing == MYC_SBE_B3)
		err = myc_b3_read(&packet, payload, size);
	else if (framing == MYC_SBE_MEMX)
		err = myc_memx_read(&packet, payload, size);
	else
		err = myc_deribit_read(&packet, payload, size);
	require(err == 0);
	while ((message = myc_sbe_packet_next(&packet, &length))) {
		const bool big_endian = framing == MYC_SBE_MEMX;
		const uint32_t id = big_endian ? message[2] : myc_load_le16(message + 2);
		bool listed = false;

		for (uint32_t i = 0; i < MYC_SBE_ROWS; i++)
			listed |= fuzz.sbe[framing].row[i].used &&
				  fuzz.sbe[framing].row[i].template_id == id;
		require(listed);
		found++;
	}
	require(found > 0 && packet.message.left == 0);
}

/* The frame lies in a block of its own, so that a read beyond it is seen. */
static enum myc_reason judge(const uint8_t *bytes, uint32_t size)
{
	/* bytes of a header that has a number */
	static const uint16_t least[CHANNELS] = {20, 40, 2008, 1, 20, 1, 12, 16, 18, 8};
	uint8_t *frame = malloc(size ? size : 1);
	struct myc_steer_result result;
	uint32_t offset = 0, payload = 0;
	const uint64_t before = counted();
	int err;

	require(frame != NULL);
	memcpy(frame, bytes, size);
	myc_steer_frame(&fuzz.tables, frame, size, 1, &result);
	require(counted() == before + 1);
	require(result.reason < MYC_REASONS_COUNT);
	err = myc_frame_payload(frame, size, &offset, &payload);
	if (err == 0)
		require(offset + payload <= size);
	if (result.action != MYC_STEER_PASS)
		require(err == 0 && offset == result.payload_offset &&
			payload == result.payload_size);
	if (result.action == MYC_STEER_REDIRECT)
		require(result.endpoint < MYC_ENDPOINTS_MAX && result.meta.channel < CHANNELS &&
			result.meta.version == MYC_META_VERSION);
	if (result.action == MYC_STEER_DROP) {
		const uint8_t *port = frame + result.payload_offset - 6;
		const uint32_t channel = (uint32_t)(port[0] << 8 | port[1]) - 5000;

		require(channel < CHANNELS && payload >= least[channel]);
		if (result.reason == MYC_REASON_FILTERED && channel >= SBE_0)
			require_droppable((enum myc_sbe_framing)(channel - SBE_0), frame + offset,
					  payload);
	}
	free(frame);
	return result.reason;
}

/* Sessions, and lengths that must be the datagram's. */
static void mend(uint32_t channel, uint8_t *payload, uint32_t size)
{
	if ((channel == 0 || channel == 4) && size >= 10)
		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): a field of the wire */
		memcpy(payload, SESSION, 10);
	if (channel == 1 && size >= 40) {
		payload[0] = 1;
		memset(payload + 8, 0, 4);
		myc_store_le16(payload + 12, (uint16_t)(size - 40));
	}
	if (channel == SBE_0 + MYC_SBE_DERIBIT && size >= 8) {
		myc_store_le16(payload, (uint16_t)(size - 8));
		myc_store_le16(payload + 2, 0);
	}
}

static void judge_payload(uint32_t channel, const uint8_t *bytes, uint32_t size)
{
	static struct packet packet;

	packet_begin(&packet, &(struct packet_shape){.port = (uint16_t)(5000 + channel)});
	packet_bytes(&packet, bytes, size < 3500 ? size : 3500);
	packet_end(&packet);
	mend(channel, packet.bytes + packet.payload, packet.size - packet.payload);
	judge(packet.bytes, packet.size);
}

/* Three bytes a message: its letter, its instruments, what is odd about it; the last two spoil. */
static void judge_sbe(enum myc_sbe_framing framing, const uint8_t *wish, size_t size)
{
	static struct packet packet;
	static uint8_t bytes[2048];
	const size_t messages = size / 3 < 20 ? size / 3 : 20;
	const uint8_t *end = wish + size;
	bool watched = false, spoilt = false;

	packet_begin(&packet, &(struct packet_shape){.port = (uint16_t)(5000 + SBE_0 + framing)});
	packet_sbe(&packet, framing, 0, size ? 1000u + end[-1] % 8 : 1000, (uint16_t)messages);
	for (size_t i = 0; i < messages; i++, wish += 3) {
		const unsigned first = wish[1] % 8 ? wish[1] / 8u : 0;
		char word[64];
		int at = snprintf(word, sizeof(word), "%c", "bosetdichu"[wish[0] % 10]);

		for (unsigned n = 0; n < wish[1] % 8u; n++)
			at += snprintf(word + at, sizeof(word) - (size_t)at, "%s%u", n ? "," : "",
				       wish[1] / 8u + n);
		if (wish[2] & 0x80)
			snprintf(word + at, sizeof(word) - (size_t)at, ":%c",
				 "x+-ktwrsocegdNm"[wish[2] % 15]);
		const uint32_t length = sbe_word(framing, word, bytes);
		if (packet.size + length > 3500)
			break;
		packet_bytes(&packet, bytes, length);
		watched |= first < 10; /* 0, which is also none, passes */
	}
	packet_end(&packet);
	if (end - wish >= 2) {
		spoilt = true;
		packet.bytes[packet.payload + wish[0] % (packet.size - packet.payload)] ^= wish[1];
	}
	const enum myc_reason reason = judge(packet.bytes, packet.size);
	require(spoilt || !watched || reason != MYC_REASON_FILTERED);
}

static void judge_record(const uint8_t *record, size_t size)
{
	const uint8_t kind = size ? record[0] : 0;

	if (size)
		record++, size--;
	if (kind % 4 == 0)
		judge(record, (uint32_t)size);
	else if (kind % 4 == 1)
		judge_payload(kind / 4 % CHANNELS, record, (uint32_t)size);
	else
		judge_sbe((enum myc_sbe_framing)(kind / 4 % 4), record, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fuzz.tables.config)
		configure();
	if (size == 0)
		return 0;
	reset(data[0]);
	data++;
	size--;
	while (size >= 2) {
		size_t length = data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		length = length < size ? length : size;
		judge_record(data, length);
		data += length;
		size -= length;
	}
	return 0;
}
