/* SPDX-License-Identifier: Apache-2.0 */
/* SBE framings: how the twin and the arbiter number packets. */
#include "unit/sbe_packet_bed.h"

/* ---- numbering ---------------------------------------------------------------------------------- */

struct feed {
	struct rig rig;
	struct myc_arbiter *arbiter;
	struct myc_arbiter_opts opts;
	struct myc_feed_block block;
	enum myc_sbe_framing framing;
	uint16_t channel;
	uint64_t now;
	struct {
		struct myc_meta meta;
		uint8_t bytes[256];
		uint32_t size;
	} packet[PACKETS_MAX];
	uint32_t packets, dropped;
	struct myc_feed_event event[EVENTS_MAX];
	uint32_t events;
};

static struct feed feed;

static bool sink_ready(void *context)
{
	(void)context;
	return true;
}

static int sink_event(void *context, const struct myc_feed_event *event)
{
	(void)context;
	assert_true(feed.events < EVENTS_MAX);
	feed.event[feed.events++] = *event;
	return 0;
}

static int sink_hold(void *context, struct myc_packet *packet)
{
	(void)context;
	(void)packet;
	return 0;
}

static void sink_release(void *context, uint16_t hand)
{
	(void)context;
	(void)hand;
}

static uint64_t sink_clock(void *context)
{
	(void)context;
	return feed.now;
}

static void feed_open(enum myc_sbe_framing framing)
{
	memset(&feed, 0, sizeof(feed));
	rig_open_twin(&feed.rig);
	memset(feed.rig.page, 0, sizeof(feed.rig.page)); /* nothing announced */
	feed.framing = framing;
	feed.channel = (uint16_t)(RIG_MDP3 + framing);
	feed.rig.config->channel[feed.channel].filter = MYC_FILTER_NONE;
	feed.now = 1000000000;
	feed.opts = (struct myc_arbiter_opts){
		.sz = sizeof(feed.opts),
		.sink = {NULL, sink_ready, sink_event, sink_hold, sink_release, sink_clock},
		.view = {.channel = feed.channel,
			 .config = &feed.rig.config->channel[feed.channel],
			 .state = &feed.rig.state[feed.channel],
			 .window = &feed.rig.window[feed.channel],
			 .page = &feed.rig.page[0].channel[feed.channel]},
		.block = &feed.block,
		.lines = 2,
		.reorder_packets = 4,
	};
	assert_int_equal(myc_arbiter_open(&feed.arbiter, &feed.opts), 0);
}

static void feed_close(void)
{
	myc_arbiter_close(feed.arbiter);
	rig_close(&feed.rig);
}

/* Bytes by a line through the twin and, unless it drops them, the arbiter. */
static bool give_bytes(uint8_t line, const uint8_t *bytes, uint32_t size)
{
	struct myc_binding_key key = {.port = (uint16_t)(RIG_PORT + feed.channel),
				      .vlan = MYC_VLAN_ANY};
	const uint8_t source[16] = {0};
	struct myc_steer_result result;
	uint32_t index = feed.packets++;

	assert_true(index < PACKETS_MAX);
	memcpy(feed.packet[index].bytes, bytes, size);
	memcpy(key.address, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 239, 1, 1, 1}, 16);
	key.address[15] = (uint8_t)(1 + line);
	feed.now += 1000;
	myc_steer_payload(&feed.rig.twin, &key, source, feed.packet[index].bytes, size, feed.now,
			  &result);
	if (result.action != MYC_STEER_REDIRECT) {
		assert_int_equal(result.action, MYC_STEER_DROP);
		feed.dropped++;
		return false;
	}
	feed.packet[index].meta = result.meta;
	struct myc_packet packet = {
		.payload = feed.packet[index].bytes,
		.meta = &feed.packet[index].meta,
		.payload_size = size,
		.hand = (uint16_t)index,
	};
	assert_true(myc_arbiter_packet(feed.arbiter, &packet, feed.now));
	assert_true(myc_arbiter_settle(feed.arbiter, feed.now, false));
	myc_arbiter_flush(feed.arbiter);
	return true;
}

static bool give(uint8_t line, uint16_t session, uint64_t sequence, uint16_t count)
{
	uint8_t bytes[256];

	return give_bytes(line, bytes,
			  build(feed.framing, bytes, session, sequence, count, feed.now));
}

/* The events since the last look, as letters: M9 = message 9, G3+2 = 3 and 4 lost, S = session. */
static const char *told(void)
{
	static const char letters[] = "MPGFSEDRHBX";
	static char text[1024];
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < feed.events; i++) {
		const struct myc_feed_event *e = &feed.event[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%c", i ? " " : "",
					 letters[e->kind]);
		if (e->kind == MYC_FEED_MESSAGE || e->kind == MYC_FEED_GAP ||
		    e->kind == MYC_FEED_HEARTBEAT || e->kind == MYC_FEED_END)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%llu",
						 (unsigned long long)e->sequence);
		if (e->kind == MYC_FEED_GAP)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "+%llu",
						 (unsigned long long)e->count);
		assert_true(used < sizeof(text));
	}
	feed.events = 0;
	return text;
}

static void lines_heal_each_other_and_a_gap_is_exact(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		const uint16_t step = framings[f] == MYC_SBE_MEMX ? 2 : 1; /* messages a packet */
		char expected[200];

		feed_open(framings[f]);
		for (uint64_t n = 0; n < 20; n++) {
			if (n != 5 && n != 9)
				give(0, 3, 100 + n * step, 2);
			if (n != 7 && n != 9)
				give(1, 3, 100 + n * step, 2);
		}
		const struct myc_feed_metrics *m = &feed.block.metrics;
		assert_int_equal(m->messages_delivered, 19 * step);
		assert_int_equal(m->messages_lost, step);
		assert_int_equal(m->gaps, 1);
		assert_int_equal(m->next, 100 + 20u * step);
		/* What both lines had went once; the program dropped what it knew to be handled. */
		assert_true(feed.dropped > 0);
		snprintf(expected, sizeof(expected), "G%u+%u", 100 + 9u * step, step);
		assert_non_null(strstr(told(), expected));
		feed_close();
	}
}

static void a_message_event_holds_what_the_framing_says(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		struct myc_sbe_packet packet = {0};
		uint32_t size;

		feed_open(framings[f]);
		give(0, 3, 100, 2);
		const struct myc_feed_event *e = &feed.event[1];
		assert_int_equal(e->kind, MYC_FEED_MESSAGE);
		if (framings[f] == MYC_SBE_MEMX) {
			assert_int_equal(feed.events, 3);
			assert_int_equal(e->size, MESSAGE);
			assert_int_equal(e[1].data[MESSAGE - 1], 1);
			assert_int_equal(e[1].sequence, 101);
		} else {
			assert_int_equal(feed.events, 2);
			assert_int_equal(read_as(framings[f], &packet, e->data, e->size), 0);
			assert_non_null(myc_sbe_packet_next(&packet, &size));
			assert_non_null(myc_sbe_packet_next(&packet, &size));
			assert_null(myc_sbe_packet_next(&packet, &size));
		}
		feed_close();
	}
}

static void a_packet_without_messages_is_a_heartbeat_that_reveals_loss(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		feed_open(framings[f]);
		give(0, 3, 100, 1);
		give(0, 3, 101, 0);
		assert_string_equal(told(), "S M100 H101");
		give(0, 3, 103, 0);
		give(1, 3, 103, 0);
		feed.now += 60000000;
		assert_true(myc_arbiter_settle(feed.arbiter, feed.now, true));
		assert_string_equal(told(), "G101+2");
		feed_close();
	}
}

static void a_weekly_restart_is_a_session_of_its_own(void **state)
{
	(void)state;
	feed_open(MYC_SBE_MDP3);
	for (uint64_t n = 5000; n < 5003; n++)
		give(0, 0, n, 1);
	told();
	for (uint64_t n = 1; n < 5; n++)
		give(0, 0, n, 1);
	assert_string_equal(told(), "S M1 M2 M3 M4");
	assert_int_equal(feed.block.metrics.resets, 1);
	feed_close();
}

static void numbers_of_32_bits_go_on_where_they_wrap(void **state)
{
	static const enum myc_sbe_framing wrapping[] = {MYC_SBE_MDP3, MYC_SBE_DERIBIT};

	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		feed_open(wrapping[f]);
		for (uint64_t n = 0xfffffffd; n < 0x100000003; n++)
			give(0, 3, n, 1);
		assert_string_equal(told(), "S M4294967293 M4294967294 M4294967295 M4294967296 "
					    "M4294967297 M4294967298");
		assert_int_equal(feed.block.metrics.messages_lost, 0);
		feed_close();
	}
}

static void another_sequence_version_or_session_begins_anew(void **state)
{
	static const enum myc_sbe_framing with_session[] = {MYC_SBE_B3, MYC_SBE_MEMX};

	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		feed_open(with_session[f]);
		give(0, 3, 100, 1);
		give(1, 3, 100, 1);
		give(0, 4, 1, 1);
		give(1, 3, 101, 1); /* the old one still comes by the other line */
		give(0, 4, 2, 1);
		give(1, 3, 102, 1); /* retired: late */
		assert_string_equal(told(), "S M100 M101 S M1 M2");
		assert_int_equal(feed.block.metrics.sessions, 2);
		feed_close();
	}
}

static void b3_packets_without_a_number_are_told_at_once(void **state)
{
	(void)state;
	feed_open(MYC_SBE_B3);
	give(0, 3, 100, 1);
	give(0, 3, 0, 1);
	give(1, 3, 0, 1);
	give(0, 3, 101, 1);
	assert_string_equal(told(), "S M100 P P M101");
	assert_int_equal(feed.block.metrics.messages_delivered, 2);
	assert_int_equal(feed.block.in_hand, 0);
	feed_close();
}

static void a_memx_shutdown_ends_the_session(void **state)
{
	uint8_t bytes[MYC_MEMX_HEADER_SIZE];

	(void)state;
	feed_open(MYC_SBE_MEMX);
	give(0, 3, 100, 2);
	myc_memx_header_write(bytes, MYC_MEMX_SESSION_SHUTDOWN, 3, 102);
	give_bytes(0, bytes, sizeof(bytes));
	give_bytes(1, bytes, sizeof(bytes));
	assert_string_equal(told(), "S M100 M101 E102");
	feed_close();
}

static void what_cannot_be_read_is_reported_and_takes_nothing(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		feed_open(framings[f]);
		give(0, 3, 100, 1);
		give_bytes(0, (const uint8_t *)"abcdefg", 7);
		give(0, 3, 101, 1);
		assert_string_equal(told(), "S M100 X M101");
		assert_int_equal(feed.block.metrics.packets_malformed, 1);
		feed_close();
	}
}

/* A successor goes on behind what was in hand, whichever framing numbered it. */
static void a_restart_goes_on_behind_the_packet_in_hand(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		feed_open(framings[f]);
		give(0, 3, 100, 1);
		told();
		myc_arbiter_close(feed.arbiter);
		feed.block.in_hand = MYC_FEED_BUSY | 101;
		feed.block.progress++;
		assert_int_equal(myc_arbiter_open(&feed.arbiter, &feed.opts), 0);
		give(0, 3, 101, 1);
		give(0, 3, 102, 1);
		assert_string_equal(told(), "D R M102");
		feed_close();
	}
}

/* A packet of one message by both lines, on a channel that is filtered. */
static void give_word(const char *word, uint64_t sequence)
{
	uint8_t bytes[256];
	uint32_t at = put_header(feed.framing, bytes, 7, sequence, 1, feed.now), size;

	size = sbe_word(feed.framing, word, bytes + at);
	if (feed.framing == MYC_SBE_DERIBIT)
		myc_store_le16(bytes, (uint16_t)size);
	give_bytes(0, bytes, at + size);
	give_bytes(1, bytes, at + size);
}

static void filtered_packets_are_accounted_for_and_are_no_gap(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++) {
		const struct myc_feed_metrics *m = &feed.block.metrics;

		feed_open(framings[f]);
		feed.rig.config->channel[feed.channel].filter = MYC_FILTER_SBE;
		give_word("b5", 100);
		told();
		give_word("b500", 101);
		give_word("b501", 102);
		give_word("b6", 103);
		give_word("b502", 104);
		give_word("c", 105);
		give_word("b503", 106);
		assert_string_equal(told(), "M103 M105");
		assert_true(feed.dropped >= 8);
		myc_arbiter_look(feed.arbiter);
		assert_true(myc_arbiter_settle(feed.arbiter, feed.now, true));
		myc_arbiter_flush(feed.arbiter);
		assert_int_equal(m->messages_filtered, 4);
		assert_int_equal(m->messages_delivered, 3);
		assert_int_equal(m->messages_lost, 0);
		assert_int_equal(m->next, 107);
		feed_close();
	}
}

/* What the program flags as malformed within a numbered packet is still that packet. */
static void odd_messages_do_not_cost_the_packet_its_number(void **state)
{
	(void)state;
	feed_open(MYC_SBE_MDP3);
	feed.rig.config->channel[feed.channel].filter = MYC_FILTER_SBE;
	give_word("b5", 100);
	give_word("b500:c", 101);
	give_word("b500:+", 102);
	assert_string_equal(told(), "S M100 M101 M102");
	assert_true(feed.packet[2].meta.flags & MYC_META_MALFORMED);
	assert_int_equal(feed.block.metrics.packets_malformed, 0);
	feed_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_heal_each_other_and_a_gap_is_exact),
		cmocka_unit_test(a_message_event_holds_what_the_framing_says),
		cmocka_unit_test(a_packet_without_messages_is_a_heartbeat_that_reveals_loss),
		cmocka_unit_test(a_weekly_restart_is_a_session_of_its_own),
		cmocka_unit_test(numbers_of_32_bits_go_on_where_they_wrap),
		cmocka_unit_test(another_sequence_version_or_session_begins_anew),
		cmocka_unit_test(b3_packets_without_a_number_are_told_at_once),
		cmocka_unit_test(a_memx_shutdown_ends_the_session),
		cmocka_unit_test(what_cannot_be_read_is_reported_and_takes_nothing),
		cmocka_unit_test(filtered_packets_are_accounted_for_and_are_no_gap),
		cmocka_unit_test(odd_messages_do_not_cost_the_packet_its_number),
		cmocka_unit_test(a_restart_goes_on_behind_the_packet_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
