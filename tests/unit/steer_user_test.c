/* SPDX-License-Identifier: Apache-2.0 */
/* The user-space twin and the configuration's checks: no privilege needed. */
#include "common/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "common/steer_vectors.h"
#include "dataplane/steer_user.h"

static struct rig rig;

static int open_rig(void **state)
{
	(void)state;
	rig_open_twin(&rig);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static void check_vector(const struct vector *vector)
{
	const uint64_t now = 1000000000000;
	struct packet packet;
	struct myc_steer_result result;
	struct expected expected;
	const char *wrong;

	vector_prepare(vector, &rig, now);
	vector_packet(vector, &packet);
	vector_expect(vector, &expected);
	memset(rig.counters, 0, sizeof(rig.counters));
	myc_steer_frame(&rig.twin, packet.bytes, packet.size, now, &result);
	wrong = vector_state_wrong(vector, &rig);
	expected.meta.receive_ns = result.action == MYC_STEER_REDIRECT ? now : 0;
	if (result.reason != expected.reason)
		wrong = "reason";
	else if (result.action != expected.action || result.endpoint != expected.endpoint)
		wrong = "action or endpoint";
	else if (memcmp(&result.meta, &expected.meta, sizeof(result.meta)) != 0)
		wrong = "metadata";
	else if (memcmp(&rig.counters[expected.row], &expected.counters,
			sizeof(expected.counters)) != 0)
		wrong = "counters";
	if (!wrong)
		return;
	print_error("%s: wrong %s: reason %d sequence %llu gap %u filtered %u count %u line %u "
		    "epoch %u flags %#x\n",
		    vector->name, wrong, result.reason, (unsigned long long)result.meta.sequence,
		    result.meta.gap, result.meta.filtered, result.meta.count, result.meta.line,
		    result.meta.epoch, result.meta.flags);
	fail();
}

static void every_vector_gets_its_verdict(void **state)
{
	(void)state;
	assert_true(vectors_count >= 150);
	for (unsigned i = 0; i < vectors_count; i++)
		check_vector(&vectors[i]);
}

static void a_payload_is_judged_as_its_frame(void **state)
{
	struct packet packet;
	struct myc_steer_result whole, payload;
	struct myc_binding_key key = {.port = RIG_PORT, .vlan = MYC_VLAN_ANY};
	uint8_t source[16];
	uint32_t offset, size;

	(void)state;
	packet_mapped(key.address, 0xef010101);
	packet_mapped(source, 0x0a000001);
	for (unsigned i = 0; i < vectors_count; i++) {
		vector_packet(&vectors[i], &packet);
		if (myc_frame_payload(packet.bytes, packet.size, &offset, &size) != 0)
			continue;
		if (vectors[i].shape.port || vectors[i].shape.ipv6 || vectors[i].shape.group ||
		    vectors[i].shape.source)
			continue;
		vector_prepare(&vectors[i], &rig, 1000000000000);
		myc_steer_frame(&rig.twin, packet.bytes, packet.size, 1000000000000, &whole);
		assert_int_equal(whole.payload_offset, offset);
		assert_int_equal(whole.payload_size, size);
		vector_prepare(&vectors[i], &rig, 1000000000000);
		myc_steer_payload(&rig.twin, &key, source, packet.bytes + offset, size,
				  1000000000000, &payload);
		assert_int_equal(whole.reason, payload.reason);
		assert_int_equal(whole.action, payload.action);
		/* What was filtered before is told once; vectors that follow another differ there. */
		if (!vectors[i].keep)
			assert_memory_equal(&whole.meta, &payload.meta, sizeof(whole.meta));
	}
}

static void a_frame_that_is_not_whole_has_no_payload(void **state)
{
	struct packet packet;
	uint32_t offset, size;

	(void)state;
	packet_begin(&packet, &(struct packet_shape){.port = 1, .ihl = 7});
	packet_bytes(&packet, "four", 4);
	packet_end(&packet);
	assert_int_equal(myc_frame_payload(packet.bytes, packet.size, &offset, &size), 0);
	assert_int_equal(offset, 14 + 28 + 8);
	assert_int_equal(size, 4);
	for (uint32_t cut = 0; cut < packet.size; cut++)
		assert_int_equal(myc_frame_payload(packet.bytes, cut, &offset, &size), -EBADMSG);
}

/* Line A and line B on two threads, each with its own counters, as on two RX queues. */
#define RACE_PACKETS  20000
#define RACE_MESSAGES 7

struct racer {
	pthread_t thread;
	struct myc_steer_tables tables;
	struct myc_counters counters[RIG_CHANNELS + 1];
	uint32_t group;
	uint8_t action[RACE_PACKETS];
};

/* Every tenth packet of both lines holds a watched message. */
static bool race_wanted(unsigned number)
{
	return number % 10 == 3;
}

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct myc_steer_result result;
	struct packet packet;

	for (unsigned i = 0; i < RACE_PACKETS; i++) {
		packet_begin(&packet,
			     &(struct packet_shape){.port = RIG_PORT, .group = racer->group});
		packet_mold(&packet, RIG_SESSION, 100 + (uint64_t)i * RACE_MESSAGES, RACE_MESSAGES);
		for (unsigned m = 0; m < RACE_MESSAGES; m++)
			packet_itch(&packet, 'D', race_wanted(i) && m == 2 ? 5 : 500, -1);
		packet_end(&packet);
		myc_steer_frame(&racer->tables, packet.bytes, packet.size, 1, &result);
		racer->action[i] = (uint8_t)result.action;
	}
	return NULL;
}

static bool recorded(const struct myc_filtered_window *window, uint64_t sequence)
{
	const uint64_t word = window->word[myc_window_index(sequence)];
	const uint64_t base = myc_window_word(RIG_EPOCH, sequence, 0);

	return (word ^ base) >> 32 == 0 && word >> (sequence & 31) & 1;
}

static void lines_on_two_threads_lose_nothing(void **state)
{
	static struct racer racer[2];
	const struct myc_filtered_window *window = &rig.window[RIG_ITCH];
	uint64_t filtered = 0, delivered = 0;

	(void)state;
	rig_reset(&rig);
	for (int i = 0; i < 2; i++) {
		memset(&racer[i], 0, sizeof(racer[i]));
		racer[i].tables = rig.twin;
		racer[i].tables.counters = racer[i].counters;
		racer[i].group = 0xef010101 + (uint32_t)i;
		assert_int_equal(pthread_create(&racer[i].thread, NULL, race, &racer[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(racer[i].thread, NULL);
	for (unsigned i = 0; i < RACE_PACKETS; i++) {
		const uint64_t first = 100 + (uint64_t)i * RACE_MESSAGES;

		for (int line = 0; line < 2; line++) {
			if (race_wanted(i))
				assert_int_equal(racer[line].action[i], MYC_STEER_REDIRECT);
			if (racer[line].action[i] != MYC_STEER_DROP)
				continue;
			/* The whole day fits the window: the record of a drop is still there. */
			for (unsigned m = 0; m < RACE_MESSAGES; m++)
				assert_true(recorded(window, first + m));
		}
	}
	for (int i = 0; i < 2; i++) {
		const struct myc_counters *counters = &racer[i].counters[RIG_ITCH + 1];

		filtered += counters->reason[MYC_REASON_FILTERED];
		delivered += counters->reason[MYC_REASON_REDIRECTED];
		assert_int_equal(rig.state[RIG_ITCH].line_packets[i], RACE_PACKETS);
		assert_int_equal(rig.state[RIG_ITCH].line_next[i],
				 myc_epoch_word(RIG_EPOCH, 100 + RACE_PACKETS * RACE_MESSAGES));
	}
	assert_int_equal(filtered + delivered, 2 * RACE_PACKETS);
	assert_int_equal(rig.state[RIG_ITCH].high,
			 myc_epoch_word(RIG_EPOCH, 100 + RACE_PACKETS * RACE_MESSAGES));
}

static void symbols_are_found_again(void **state)
{
	static struct myc_symbol_filter filter;
	uint64_t symbols[MYC_SYMBOLS_MAX + 1];
	char name[16];

	(void)state;
	for (unsigned i = 0; i <= MYC_SYMBOLS_MAX; i++) {
		snprintf(name, sizeof(name), "S%u", i);
		symbols[i] = iex_symbol(name);
	}
	assert_int_equal(myc_symbol_filter_build(&filter, symbols, MYC_SYMBOLS_MAX), 0);
	for (unsigned i = 0; i < MYC_SYMBOLS_MAX; i++) {
		uint32_t at = myc_symbol_hash(symbols[i]);

		while (filter.slot[at] && filter.slot[at] != symbols[i])
			at = (at + 1) % (2 * MYC_SYMBOLS_MAX);
		assert_int_equal(filter.slot[at], symbols[i]);
	}
	assert_int_equal(myc_symbol_filter_build(&filter, symbols, MYC_SYMBOLS_MAX + 1), -ENOSPC);
	assert_int_equal(myc_symbol_filter_build(&filter, symbols, 0), 0);
	assert_int_equal(filter.slot[myc_symbol_hash(symbols[0])], 0);
}

static void a_full_binding_table_is_found_whole(void **state)
{
	static struct myc_steer_config config;
	static struct myc_binding_slot slots[MYC_BINDING_SLOTS];
	unsigned used = 0;

	(void)state;
	memset(&config, 0, sizeof(config));
	config.bindings_count = MYC_BINDINGS_MAX;
	for (uint32_t i = 0; i < MYC_BINDINGS_MAX; i++) {
		packet_mapped(config.binding[i].key.address, 0xef010000 + i / 4);
		config.binding[i].key.port = (uint16_t)(26400 + i % 4);
		config.binding[i].key.vlan = MYC_VLAN_ANY;
	}
	assert_int_equal(myc_binding_table_build(slots, &config), 0);
	for (uint32_t i = 0; i < MYC_BINDING_SLOTS; i++)
		used += slots[i].used;
	assert_int_equal(used, MYC_BINDINGS_MAX);
	config.binding[7].key = config.binding[8].key;
	assert_int_equal(myc_binding_table_build(slots, &config), -EEXIST);
}

static void a_good_configuration_passes(void **state)
{
	struct myc_error error;

	(void)state;
	assert_int_equal(myc_steer_config_check(rig.config, &error), 0);
}

#define REFUSED(change, because)                                         \
	do {                                                             \
		*config = *rig.config;                                   \
		change;                                                  \
		memset(&error, 0, sizeof(error));                        \
		assert_true(myc_steer_config_check(config, &error) < 0); \
		assert_non_null(strstr(error.cause, because));           \
	} while (0)

static void a_bad_configuration_is_refused_with_its_cause(void **state)
{
	struct myc_steer_config *config = malloc(sizeof(*config));
	struct myc_error error;

	(void)state;
	assert_non_null(config);
	REFUSED(config->channels_count = 0, "0 channels");
	REFUSED(config->channels_count = MYC_CHANNELS_MAX + 1, "257 channels");
	REFUSED(config->bindings_count = MYC_BINDINGS_MAX + 1, "1025 bindings");
	REFUSED(config->processes_count = MYC_PROCESSES_MAX + 1, "65 processes");
	REFUSED(config->processes_count = 0, "there is no process");
	REFUSED(config->binding[1].key = config->binding[0].key, "same address");
	REFUSED(memset(config->binding[0].key.address, 0, 16), "no destination");
	REFUSED(config->binding[0].key.port = 0, "port 0");
	REFUSED(config->binding[0].key.vlan = 4096, "4096 is not a VLAN");
	REFUSED(config->binding[0].value.channel = RIG_CHANNELS, "of only 20");
	REFUSED(config->binding[0].value.line = MYC_LINES_MAX, "line 4");
	REFUSED(config->binding[0].value.sources_count = 5, "5 source addresses");
	REFUSED(config->channel[0].protocol = 7, "protocol 7");
	REFUSED(config->channel[0].filter = 4, "filter 4");
	REFUSED(config->channel[0].orphan = 2, "orphan policy");
	REFUSED(config->channel[0].flags = 0x80, "flags");
	REFUSED(config->channel[0].filter = MYC_FILTER_SYMBOL, "for IEX-TP");
	REFUSED(config->channel[RIG_IEX].filter = MYC_FILTER_LOCATE, "for ITCH");
	REFUSED(config->channel[0].filter = MYC_FILTER_SBE, "for SBE");
	REFUSED(config->sbe[RIG_MDP3] = NULL, "without its table");
	REFUSED(config->sbe[RIG_IEX] = &rig.sbe[0], "without its table");
	REFUSED(config->symbols[RIG_MDP3] = NULL, "without its symbols");
	REFUSED(config->symbols[RIG_IEX] = NULL, "without its symbols");
	REFUSED(config->symbols[0] = &rig.symbols, "without its symbols");
	REFUSED(config->channel[0].type_drop[1] = 1ull << ('D' & 63), "must not be dropped");
	REFUSED(config->channel[RIG_IEX].type_drop[0] = 1ull << '8', "must not be dropped");
	REFUSED(config->channel[RIG_GENERIC8].type_drop[3] = 1, "must not be dropped");
	REFUSED(config->channel[RIG_GENERIC8].generic_width = 3, "3 bytes");
	REFUSED(config->channel[RIG_GENERIC8].generic_width = 16, "16 bytes");
	REFUSED(config->channel[RIG_GENERIC8].generic_offset = 2048, "offset 2048");
	REFUSED(config->channel[0].owner_row = MYC_REGISTRY_ROWS, "beyond the registry");
	REFUSED(config->channel[0].standby_row = MYC_REGISTRY_ROWS, "beyond the registry");
	REFUSED(config->channel[0].standby_row = RIG_OWNER_ROW, "its own standby");
	REFUSED(config->channel[0].page_slot = MYC_PROCESS_CHANNELS_MAX, "slot 32");
	REFUSED(config->channel[RIG_NO_OWNER].endpoint = MYC_ENDPOINTS_MAX, "endpoint 64");
	REFUSED(config->channel[RIG_NO_OWNER].standby_row = 1, "without an owner");
	free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_gets_its_verdict),
		cmocka_unit_test(a_payload_is_judged_as_its_frame),
		cmocka_unit_test(a_frame_that_is_not_whole_has_no_payload),
		cmocka_unit_test(lines_on_two_threads_lose_nothing),
		cmocka_unit_test(symbols_are_found_again),
		cmocka_unit_test(a_full_binding_table_is_found_whole),
		cmocka_unit_test(a_good_configuration_passes),
		cmocka_unit_test(a_bad_configuration_is_refused_with_its_cause),
	};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
