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

#include "dataplane/steer_user.h"

#define CHANNELS 6
#define SESSION	 "SESSION001"

static struct {
	struct myc_steer_config config;
	struct myc_binding_slot slots[MYC_BINDING_SLOTS];
	struct myc_symbol_filter symbols;
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
		if (i == 1)
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
