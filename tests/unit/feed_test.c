/* SPDX-License-Identifier: Apache-2.0 */
/* The feed between an endpoint and an actor, both played in memory. */
#include "unit/fake_endpoint.h"

#include <pcap/pcap.h>

#include <mycelium/market/iextp.h>
#include <mycelium/market/itch50.h>
#include <mycelium/market/moldudp64.h>

static struct myc_feed *feed;
static struct myc_feed_event seen[4096];
static uint32_t seen_count;
static uint64_t messages, next_number, batch_ends, packets_whole;
static uint64_t type_count[256];

static int note(const struct myc_feed_event *event)
{
	if (seen_count < sizeof(seen) / sizeof(seen[0]))
		seen[seen_count++] = *event;
	if (event->kind == MYC_FEED_MESSAGE) {
		messages++;
		assert_int_equal(event->sequence, next_number);
		next_number++;
		type_count[event->size ? event->data[0] : 0]++;
	}
	batch_ends += event->kind == MYC_FEED_BATCH_END;
	packets_whole += event->kind == MYC_FEED_PACKET;
	return 0;
}

/* Payloads of the present test; those of the one before are freed by reset(). */
static void *owned[FAKE_PACKETS_MAX];
static uint32_t owned_count;

static uint8_t *new_payload(size_t size)
{
	uint8_t *bytes = calloc(1, size);

	assert_non_null(bytes);
	assert_true(owned_count < FAKE_PACKETS_MAX);
	owned[owned_count++] = bytes;
	return bytes;
}

static int free_payloads(void **state)
{
	(void)state;
	while (owned_count)
		free(owned[--owned_count]);
	return 0;
}

static void reset(enum myc_protocol protocol)
{
	free_payloads(NULL);
	memset(&fake, 0, sizeof(fake));
	memset(type_count, 0, sizeof(type_count));
	fake.config[1].protocol = (uint8_t)protocol;
	fake.ready_for = UINT64_MAX;
	fake.handle = note;
	seen_count = 0;
	messages = batch_ends = packets_whole = 0;
	next_number = 1;
}

static void open_feed(const uint64_t *symbols, uint32_t count)
{
	struct myc_feed_channel_opts channel = {
		.channel = 1, .lines = 2, .symbols = symbols, .symbols_count = count};
	struct myc_feed_opts opts = {
		.sz = sizeof(opts), .channel = &channel, .channels = 1, .page = &fake.page};
	struct myc_region_plan plan = {0};

	assert_int_equal(myc_feed_plan(&plan, 1), 0);
	assert_int_equal(plan.block[0].size, sizeof(struct myc_feed_block));
	assert_int_equal(myc_feed_open(&feed, &opts, NULL), 0);
}

static unsigned poll_feed(void)
{
	struct myc_source *source = myc_feed_source(feed);

	return source->poll(source, 64);
}

static void poll_all(void)
{
	while (fake.taken < fake.packets || fake.open)
		poll_feed();
	poll_feed();
}

static const struct myc_meta meta_of[2] = {
	{.version = MYC_META_VERSION, .channel = 1, .line = 0},
	{.version = MYC_META_VERSION, .channel = 1, .line = 1},
};

/* A MoldUDP64 packet on the heap with `count` one-byte messages, or the one that is given. */
static void add_mold(uint64_t first, uint16_t count, const uint8_t *message, uint16_t size)
{
	uint8_t *packet = new_payload(20 + (size_t)count * (2 + size));
	uint8_t *at = packet + 20;

	myc_mold_header_write(packet, (const uint8_t *)"FEED TEST ", first, count);
	for (uint16_t i = 0; i < count; i++, at += 2 + size) {
		myc_store_be16(at, size);
		memcpy(at + 2, message, size);
	}
	fake_add(packet, (uint32_t)(at - packet), &meta_of[0]);
}

static void add_plain(uint64_t first, uint16_t count)
{
	add_mold(first, count, (const uint8_t *)"m", 1);
}

static void an_actor_that_is_not_ready_stops_the_batch_at_that_very_message(void **state)
{
	struct myc_source *source;

	(void)state;
	reset(MYC_PROTOCOL_MOLDUDP64);
	open_feed(NULL, 0);
	source = myc_feed_source(feed);
	for (uint64_t n = 1; n <= 30; n += 10)
		add_plain(n, 10);
	assert_true(source->ready(source));
	fake.ready_for = 1 + 14; /* the session, then half of the second packet */
	assert_int_equal(poll_feed(), 1);
	assert_int_equal(messages, 14);
	assert_int_equal(fake.block[1].in_hand, 0);
	assert_int_equal(poll_feed(), 0);
	assert_false(source->ready(source));
	assert_int_equal(fake.dones, 0);
	assert_int_equal(myc_word_number(fake.page.channel[1].watermark), 1);
	fake.ready_for = UINT64_MAX;
	assert_true(source->ready(source));
	assert_int_equal(poll_feed(), 2);
	assert_int_equal(messages, 30);
	assert_int_equal(fake.dones, 1);
	assert_int_equal(batch_ends, 1);
	assert_int_equal(fake.page.channel[1].watermark, myc_epoch_word(1, 31));
	assert_true(fake.page.lease_ns > 0);
	assert_false(source->ready(source));
	poll_feed();
	assert_int_equal(batch_ends, 1);
	assert_int_equal(fake.dones, 1);
	assert_int_equal(fake.block[1].metrics.latency_count, 3);
	myc_feed_close(feed);
}

static void a_successor_takes_the_hand_again_and_delivers_nothing_twice(void **state)
{
	(void)state;
	reset(MYC_PROTOCOL_MOLDUDP64);
	open_feed(NULL, 0);
	for (uint64_t n = 1; n <= 30; n += 10)
		add_plain(n, 10);
	add_plain(41, 5); /* early: is held over two lives */
	fake.ready_for = 1 + 14;
	poll_feed();
	myc_feed_close(feed); /* as good as killed: nothing is given back */
	fake.block[1].in_hand = MYC_FEED_BUSY | 14;
	fake_restart();
	fake.ready_for = UINT64_MAX;
	open_feed(NULL, 0);
	seen_count = 0;
	poll_all();
	assert_int_equal(messages, 30);
	assert_int_equal(seen[0].kind, MYC_FEED_IN_DOUBT);
	assert_int_equal(seen[0].sequence, 14);
	assert_int_equal(seen[1].kind, MYC_FEED_RESUMED);
	assert_int_equal(seen[1].sequence, 15);
	myc_feed_close(feed);
	fake_restart();
	assert_int_equal(fake.packets, 1);
	open_feed(NULL, 0);
	add_plain(31, 10);
	poll_all();
	assert_int_equal(messages, 45);
	assert_int_equal(fake.block[1].metrics.messages_delivered, 44);
	assert_int_equal(fake.block[1].metrics.messages_in_doubt, 1);
	myc_feed_close(feed);
}

static void add_generic(const uint8_t *payload, uint32_t size)
{
	uint8_t *copy = new_payload(size);

	memcpy(copy, payload, size);
	fake_add(copy, size, &meta_of[0]);
}

static void packet_numbers_of_two_bytes_wrap(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		reset(MYC_PROTOCOL_GENERIC);
		fake.config[1].generic_offset = 3;
		fake.config[1].generic_width = 2;
		fake.config[1].flags = big ? MYC_CHANNEL_GENERIC_BIG_ENDIAN : 0;
		open_feed(NULL, 0);
		next_number = 65000;
		for (uint32_t n = 65000; n < 65000 + 1000; n++) {
			uint8_t payload[6] = {1, 2, 3};
			if (big)
				myc_store_be16(payload + 3, (uint16_t)n);
			else
				myc_store_le16(payload + 3, (uint16_t)n);
			add_generic(payload, sizeof(payload));
			if (n % 7 == 0)
				add_generic(payload, sizeof(payload));
		}
		poll_all();
		assert_int_equal(messages, 1000);
		assert_int_equal(fake.block[1].metrics.messages_lost, 0);
		assert_int_equal(fake.block[1].metrics.packets_duplicate, 143);
		add_generic((const uint8_t *)"xxxx", 4);
		poll_all();
		assert_int_equal(fake.block[1].metrics.packets_malformed, 1);
		myc_feed_close(feed);
	}
}

static void packets_without_a_number_come_once_even_after_a_crash(void **state)
{
	(void)state;
	reset(MYC_PROTOCOL_GENERIC);
	open_feed(NULL, 0);
	for (uint8_t n = 0; n < 10; n++)
		add_generic(&n, 1);
	fake.ready_for = 4;
	poll_feed();
	assert_int_equal(packets_whole, 4);
	myc_feed_close(feed);
	fake_restart();
	fake.ready_for = UINT64_MAX;
	open_feed(NULL, 0);
	poll_all();
	assert_int_equal(packets_whole, 10);
	assert_int_equal(fake.block[1].begun, 0);
	myc_feed_close(feed);
}

static void add_directory(uint64_t number, uint16_t locate, const char *symbol)
{
	uint8_t m[39] = {'R'};

	myc_store_be16(m + 1, locate);
	myc_store_le64(m + 11, myc_symbol_word(symbol));
	add_mold(number, 1, m, sizeof(m));
}

static void add_system(uint64_t number, char event)
{
	uint8_t m[12] = {'S'};

	m[11] = (uint8_t)event;
	add_mold(number, 1, m, sizeof(m));
}

static bool is_watched(uint16_t locate)
{
	return fake.locate[1].watched[locate / 64] >> (locate % 64) & 1;
}

static void the_locate_filter_is_armed_when_every_watched_symbol_was_seen(void **state)
{
	const uint64_t symbols[] = {myc_symbol_word("AAPL"), myc_symbol_word("MSFT")};

	(void)state;
	reset(MYC_PROTOCOL_MOLDUDP64);
	fake.locate[1].armed = 1ull << 63 | 1; /* of another day */
	fake.locate[1].watched[0] = ~0ull;
	open_feed(symbols, 2);
	assert_int_equal(fake.locate[1].armed, 0);
	add_directory(1, 7, "AAPL");
	add_directory(2, 9, "OTHER");
	poll_all();
	assert_int_equal(fake.locate[1].armed, 0);
	myc_feed_close(feed); /* what was learnt outlives the worker */
	fake_restart();
	open_feed(symbols, 2);
	add_directory(3, 4000, "MSFT");
	poll_all();
	assert_int_equal(fake.locate[1].armed, 1ull << 63 | 1);
	assert_true(is_watched(7) && is_watched(4000) && !is_watched(9) && !is_watched(1));
	myc_feed_close(feed);
	open_feed(symbols, 1); /* another list: begins anew */
	assert_int_equal(fake.locate[1].armed, 0);
	assert_false(is_watched(7));
	myc_feed_close(feed);
}

static void a_directory_seen_whole_arms_the_filter_at_the_open_and_one_with_a_hole_does_not(
	void **state)
{
	const uint64_t symbols[] = {myc_symbol_word("AAPL"), myc_symbol_word("NOTTHERE")};

	(void)state;
	for (int hole = 0; hole < 2; hole++) {
		reset(MYC_PROTOCOL_MOLDUDP64);
		open_feed(symbols, 2);
		add_system(1, 'O');
		add_directory(2, 5, "AAPL");
		poll_all();
		if (hole) {
			next_number = 4;
			for (uint64_t n = 4; n < 4 + 80; n++) { /* past by 64 on both lines */
				add_plain(n, 1);
				fake.packet[fake.packets - 1].meta = &meta_of[n & 1];
			}
			for (uint64_t n = 84; n < 164; n++) {
				add_plain(n, 1);
				fake.packet[fake.packets - 1].meta = &meta_of[n & 1];
			}
			poll_all();
			assert_int_equal(fake.block[1].metrics.messages_lost, 1);
		}
		assert_int_equal(fake.locate[1].armed, 0);
		add_system(hole ? 164 : 3, 'Q');
		poll_all();
		assert_int_equal(fake.locate[1].armed, hole ? 0 : 1ull << 63 | 1);
		assert_true(is_watched(5));
		myc_feed_close(feed);
	}
}

static void packets_of_other_channels_and_versions_are_counted_not_read(void **state)
{
	static const struct myc_meta other = {.version = MYC_META_VERSION, .channel = 2};
	static const struct myc_meta newer = {.version = MYC_META_VERSION + 1, .channel = 1};

	(void)state;
	reset(MYC_PROTOCOL_MOLDUDP64);
	open_feed(NULL, 0);
	add_plain(1, 2);
	add_plain(1, 2);
	fake.packet[0].meta = &other;
	fake.packet[1].meta = &newer;
	poll_all();
	assert_int_equal(fake.block[1].metrics.packets_malformed, 2);
	assert_int_equal(seen_count, 0);
	myc_feed_close(feed);
}

static int fail_at_three(const struct myc_feed_event *event)
{
	note(event);
	return event->kind == MYC_FEED_MESSAGE && event->sequence == 3 ? -EIO : 0;
}

static void a_failed_handler_hears_resumed_next(void **state)
{
	(void)state;
	reset(MYC_PROTOCOL_MOLDUDP64);
	fake.handle = fail_at_three;
	open_feed(NULL, 0);
	add_plain(1, 5);
	poll_all();
	assert_int_equal(messages, 5);
	assert_int_equal(seen[4].kind, MYC_FEED_RESUMED);
	assert_int_equal(seen[4].sequence, 4);
	myc_feed_close(feed);
}

static void what_cannot_work_is_refused_with_its_cause(void **state)
{
	struct myc_feed_channel_opts channel = {.channel = 1, .lines = 9};
	struct myc_feed_opts opts = {.sz = sizeof(opts), .channel = &channel, .channels = 1};
	struct myc_error error;
	char text[512];

	(void)state;
	reset(MYC_PROTOCOL_MOLDUDP64);
	assert_int_equal(myc_feed_open(&feed, &opts, &error), -EINVAL);
	myc_error_format(&error, text, sizeof(text));
	assert_string_equal(text, "opening channel 1 of 1 of a feed: channel 1: 9 lines, 0 symbols "
				  "(1 to 4 lines, at most 1024 symbols)");
	channel = (struct myc_feed_channel_opts){.channel = 77, .lines = 1};
	assert_int_equal(myc_feed_open(&feed, &opts, &error), -ENOENT);
	opts.channels = 0;
	assert_int_equal(myc_feed_open(&feed, &opts, &error), -EINVAL);
}

/* ---- the TOPS sample, twice: as recorded, and cut into other segments --------------------------- */

static void add_iex(const struct myc_iextp *like, uint64_t first, uint16_t count,
		    const uint8_t *blocks, uint16_t size, uint8_t line)
{
	struct myc_iextp segment = *like;
	uint8_t *packet = new_payload(MYC_IEXTP_HEADER_SIZE + size);

	segment.sequence = first;
	segment.count = count;
	myc_iextp_header_write(packet, &segment, size);
	for (uint16_t i = 0; i < size; i++)
		packet[MYC_IEXTP_HEADER_SIZE + i] = blocks[i];
	fake_add(packet, MYC_IEXTP_HEADER_SIZE + (uint32_t)size, &meta_of[line]);
}

/* Line B: the segment before as one half and this one's first half, so that boundaries differ. */
static void add_cut_elsewhere(const struct myc_iextp *segment)
{
	struct myc_blocks blocks = segment->blocks;
	const uint8_t *begin = blocks.at;
	uint16_t half = segment->count / 2;
	uint32_t length;

	for (uint16_t i = 0; i < half; i++)
		assert_non_null(myc_blocks_next(&blocks, false, &length));
	if (half)
		add_iex(segment, segment->sequence, half, begin, (uint16_t)(blocks.at - begin), 1);
	add_iex(segment, segment->sequence + half, (uint16_t)(segment->count - half), blocks.at,
		(uint16_t)blocks.left, 1);
}

static void give_iex(uint64_t first, uint16_t count, uint64_t send_ns, const struct myc_meta *meta)
{
	const struct myc_iextp segment = {.session = 9, .send_ns = send_ns};
	static const uint8_t blocks[2 * 1024]; /* messages of no bytes */

	add_iex(&segment, first, count, blocks, (uint16_t)(2 * count), 0);
	fake.packet[fake.packets - 1].meta = meta;
	poll_all();
}

static void an_iex_restart_is_believed_earlier_when_it_was_sent_later(void **state)
{
	static const struct myc_meta plain = {
		.version = MYC_META_VERSION, .channel = 1, .epoch = 1};
	static const struct myc_meta back = {.version = MYC_META_VERSION,
					     .channel = 1,
					     .epoch = 1,
					     .flags = MYC_META_SUSPECT_RESET};

	(void)state;
	for (int later = 0; later < 2; later++) {
		uint64_t sent = later ? 2000 : 500;
		reset(MYC_PROTOCOL_IEXTP);
		open_feed(NULL, 0);
		for (uint64_t n = 1; n < 4000; n += 1000)
			give_iex(n, 1000, 1000, &plain);
		give_iex(1, 2, sent, &back);
		assert_int_equal(fake.block[1].metrics.resets, 0);
		next_number = 1;
		give_iex(3, 2, sent, &back);
		assert_int_equal(fake.block[1].metrics.resets, later);
		give_iex(5, 2, sent, &back);
		assert_int_equal(fake.block[1].metrics.resets, 1);
		assert_int_equal(messages, 4006);
		assert_int_equal(fake.page.channel[1].watermark, myc_epoch_word(2, 7));
		myc_feed_close(feed);
	}
}

static void tops_with_a_lossy_line_and_a_differently_cut_one_is_whole(void **state)
{
	char error[PCAP_ERRBUF_SIZE], command[600];
	const char *dir = test_data_dir();
	uint64_t chance = test_seed();
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	pcap_t *pcap;

	(void)state;
	if (!dir) {
		printf("no sample data: iex/TOPS16.pcap.gz\n");
		return;
	}
	reset(MYC_PROTOCOL_IEXTP);
	fake.config[1].iex_protocol = MYC_IEXTP_TOPS16;
	open_feed(NULL, 0);
	snprintf(command, sizeof(command), "gzip -dc '%s/iex/TOPS16.pcap.gz'", dir);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	pcap = pcap_fopen_offline(pipe, error);
	assert_non_null(pcap);
	while (pcap_next_ex(pcap, &header, &frame) == 1) {
		struct myc_iextp segment = {0};
		uint32_t size = myc_load_be16(frame + 38) - 8u;
		assert_int_equal(myc_iextp_read(&segment, frame + 42, size), 0);
		bool lost = segment.sequence > 1 && test_random(&chance) % 10 == 0;
		if (!lost)
			add_iex(&segment, segment.sequence, segment.count, segment.blocks.at,
				(uint16_t)segment.blocks.left, 0);
		if (segment.count)
			add_cut_elsewhere(&segment);
	}
	pcap_close(pcap);
	poll_all();
	assert_int_equal(messages, 57674);
	assert_int_equal(type_count['Q'], 27217);
	assert_int_equal(type_count['T'], 6390);
	assert_int_equal(fake.block[1].metrics.messages_lost, 0);
	assert_int_equal(fake.block[1].metrics.sessions, 1);
	assert_int_equal(fake.page.channel[1].watermark, myc_epoch_word(1, 57675));
	myc_feed_close(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_actor_that_is_not_ready_stops_the_batch_at_that_very_message),
		cmocka_unit_test(a_successor_takes_the_hand_again_and_delivers_nothing_twice),
		cmocka_unit_test(packet_numbers_of_two_bytes_wrap),
		cmocka_unit_test(packets_without_a_number_come_once_even_after_a_crash),
		cmocka_unit_test(the_locate_filter_is_armed_when_every_watched_symbol_was_seen),
		cmocka_unit_test(
			a_directory_seen_whole_arms_the_filter_at_the_open_and_one_with_a_hole_does_not),
		cmocka_unit_test(packets_of_other_channels_and_versions_are_counted_not_read),
		cmocka_unit_test(a_failed_handler_hears_resumed_next),
		cmocka_unit_test(what_cannot_work_is_refused_with_its_cause),
		cmocka_unit_test(an_iex_restart_is_believed_earlier_when_it_was_sent_later),
		cmocka_unit_test(tops_with_a_lossy_line_and_a_differently_cut_one_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, free_payloads);
}
