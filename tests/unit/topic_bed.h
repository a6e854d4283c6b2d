/* SPDX-License-Identifier: Apache-2.0 */
/* A topic, its writer, two tables of records and four readers, all in one thread; for tests of topics. */
#ifndef TESTS_UNIT_TOPIC_BED_H
#define TESTS_UNIT_TOPIC_BED_H

#include "common/test.h"

#include <string.h>

#include "memory/topic.h"

#define SLOTS	8
#define PAYLOAD 200
#define READERS 3
#define RECORDS 4
#define KEYS	4
#define PROCESS 5

static _Alignas(64) char topic_memory[32768];
static _Alignas(64) char record_memory[2][1024];

static struct myc_topic *const topic = (struct myc_topic *)(void *)topic_memory;
static struct myc_topic_writer writer;
static struct myc_topic_reader reader[4];
static uint64_t gone_below; /* incarnations */
static uint64_t chance;

static inline struct myc_topic_records *records(int table)
{
	return (struct myc_topic_records *)(void *)record_memory[table];
}

static inline bool gone(void *context, uint32_t process, uint64_t incarnation)
{
	assert_ptr_equal(context, &gone_below);
	assert_true(process == PROCESS || process == PROCESS + 1);
	return incarnation < gone_below;
}

static inline void open_writer(void)
{
	const struct myc_topic_writer_opts opts = {
		.process = 1, .index = 2, .tables = 2, .gone = gone, .context = &gone_below};

	myc_topic_writer_close(&writer);
	assert_int_equal(myc_topic_writer_open(&writer, topic, &opts), 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(myc_topic_writer_meet(&writer, PROCESS + i, 0, records((int)i),
						       sizeof(record_memory[i])),
				 0);
}

static inline void open_topic(uint32_t flags, uint32_t slots)
{
	const struct myc_topic head = {.flags = flags,
				       .slots = slots,
				       .payload_max = PAYLOAD,
				       .keys = flags & MYC_TOPIC_KEYED ? KEYS : 0,
				       .readers = READERS};

	memset(topic_memory, 0, sizeof(topic_memory));
	memset(record_memory, 0, sizeof(record_memory));
	for (int i = 0; i < 4; i++)
		myc_topic_reader_close(&reader[i]);
	gone_below = 0;
	chance = test_seed() + 21;
	assert_int_equal(myc_topic_init(topic, sizeof(topic_memory), &head), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			myc_topic_records_init(records(i), sizeof(record_memory[i]), RECORDS), 0);
	open_writer();
	for (int i = 0; i < 4; i++)
		assert_int_equal(myc_topic_reader_open(&reader[i], topic, sizeof(topic_memory)), 0);
}

/* Size and bytes follow from the number. */
static inline size_t content(uint64_t number, char *bytes)
{
	size_t size = (size_t)(number * 37 % (PAYLOAD + 1));

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(number * 31 + i);
	return size;
}

static inline int publish(uint64_t key)
{
	char bytes[PAYLOAD] = {0};
	uint64_t number = writer.published + 1;
	size_t size = content(number, bytes);

	return myc_topic_publish(&writer, key, (uint32_t)number, bytes, size);
}

static inline void check_message(const struct myc_topic_message *message)
{
	char bytes[PAYLOAD] = {0}, got[PAYLOAD] = {0};
	size_t size = content(message->number, bytes);

	assert_int_equal(message->size, size);
	assert_int_equal(message->type, message->number);
	assert_true(myc_topic_copy(message, got));
	assert_memory_equal(got, bytes, size);
	for (uint32_t i = 0; i * 8 + 8 <= size; i++) {
		uint64_t word;

		memcpy(&word, bytes + (size_t)i * 8, 8);
		assert_true(myc_topic_word_at(message, i) == word);
	}
	assert_true(myc_topic_word_at(message, (uint32_t)(size + 7) / 8) == 0);
}

/* Takes the next message; returns its number, 0 or the error. */
static inline int64_t take(int i)
{
	struct myc_topic_message message = {0};
	int code = myc_topic_next(&reader[i], &message);

	if (code < 1)
		return code;
	check_message(&message);
	myc_topic_done(&reader[i], &message);
	myc_topic_give_back(&reader[i]);
	return (int64_t)message.number;
}

static inline struct myc_topic_place place(int table, uint32_t record, uint64_t incarnation)
{
	return (struct myc_topic_place){.records = records(table),
					.record = record,
					.process = PROCESS + (uint32_t)table,
					.incarnation = incarnation};
}

static inline int attach(int i, enum myc_topic_wish wish, uint64_t from)
{
	const struct myc_topic_place at = place(i % 2, (uint32_t)i / 2, 1);
	int code = myc_topic_attach(&reader[i], &at, myc_topic_word(1, 2), wish, from);

	if (code)
		return code;
	assert_int_equal(myc_topic_admitted(&reader[i]), -EAGAIN);
	myc_topic_writer_scan(&writer);
	return myc_topic_admitted(&reader[i]);
}

static inline void close_topic(void)
{
	myc_topic_writer_close(&writer);
	for (int i = 0; i < 4; i++)
		myc_topic_reader_close(&reader[i]);
}

#endif
