/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The twin over hostile bytes. The input: one byte of scene, then frames, each behind a u16 length.
 * Every channel listens; what must hold of any frame is asserted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
static void judge(const uint8_t *bytes, uint32_t size)
{
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
	if (result.action == MYC_STEER_DROP)
		require(payload >= 20);
	if (result.reason == MYC_REASON_FILTERED) {
		const uint32_t channel = (uint32_t)(frame[result.payload_offset - 6] << 8 |
						    frame[result.payload_offset - 5]) -
					 5000;

		if (channel >= SBE_0)
			require_droppable((enum myc_sbe_framing)(channel - SBE_0), frame + offset,
					  payload);
	}
	free(frame);
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
		judge(data, (uint32_t)length);
		data += length;
		size -= length;
	}
	return 0;
}
