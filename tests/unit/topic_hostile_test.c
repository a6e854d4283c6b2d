/* SPDX-License-Identifier: Apache-2.0 */
/* Topics whose other side scribbles over all that it may write: nobody else is harmed. */
#include "unit/topic_bed.h"

static void parameters_that_do_not_add_up_are_refused(void **state)
{
	struct myc_topic copy, head, wrong[8];

	(void)state;
	open_topic(0, SLOTS);
	memcpy(&head, topic, sizeof(head));
	assert_int_equal(myc_topic_check(topic, sizeof(topic_memory), &copy), 0);
	assert_int_equal(myc_topic_check(topic, myc_topic_size(topic) - 1, &copy), -EPROTO);
	assert_int_equal(myc_topic_check(topic, 64, &copy), -EPROTO);
	for (int i = 0; i < 8; i++)
		wrong[i] = head;
	wrong[0].slots = 3;
	wrong[1].slots = 2 * MYC_TOPIC_SLOTS_MAX;
	wrong[2].payload_max = MYC_TOPIC_PAYLOAD_MAX + 1;
	wrong[3].readers = MYC_TOPIC_READERS_MAX + 1;
	wrong[4].flags = 4;
	wrong[5].keys = 4;
	wrong[6].flags = MYC_TOPIC_KEYED | MYC_TOPIC_RELIABLE;
	wrong[7].flags = MYC_TOPIC_KEYED;
	for (int i = 0; i < 8; i++) {
		memset(topic, 0, sizeof(*topic));
		assert_int_equal(myc_topic_init(topic, sizeof(topic_memory), &wrong[i]), -EINVAL);
		assert_int_equal(myc_topic_check(topic, sizeof(topic_memory), &copy), -EAGAIN);
		*topic = wrong[i];
		assert_int_equal(myc_topic_check(topic, sizeof(topic_memory), &copy), -EPROTO);
	}
	*topic = head;
	assert_int_equal(myc_topic_init(topic, sizeof(topic_memory), &head), 0);
	head.slots *= 2;
	assert_int_equal(myc_topic_init(topic, sizeof(topic_memory), &head), -EPROTO);
}

/* Words of 64 bits that may be near what is expected. */
static void scribble(void *memory, size_t size, uint64_t near)
{
	uint64_t *word = memory;

	for (uint64_t n = test_random(&chance) % 64; n; n--) {
		uint64_t value = test_random(&chance);

		if (value & 1)
			value = near + value % 17 - 8;
		else if (value & 2)
			value = 1ull << (value >> 8) % 64;
		word[test_random(&chance) % (size / 8)] = value;
	}
}

static void a_writer_that_scribbles_over_its_topic_harms_no_reader(void **state)
{
	static const uint32_t flags[] = {0, MYC_TOPIC_RELIABLE, MYC_TOPIC_KEYED};
	char *const after = topic_memory + offsetof(struct myc_topic, published);
	uint64_t outcome[3] = {0};

	(void)state;
	for (int life = 0; life < 3000 / TEST_SHORTER; life++) {
		open_topic(flags[life % 3], SLOTS);
		chance = test_seed() * 100003 + (uint64_t)life * 7 + 1;
		if (life % 3 == 1)
			assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, 0), 0);
		for (int step = 0; step < 40; step++) {
			struct myc_topic_message message = {0};
			char bytes[MYC_TOPIC_PAYLOAD_MAX];
			int code;

			publish(test_random(&chance) % KEYS);
			if (step > 3)
				scribble(after, myc_topic_size(topic) - 64, reader[0].next);
			code = myc_topic_next(&reader[0], &message);
			outcome[code < 0 ? 0 : code]++;
			if (code == 1) {
				assert_true(message.size <= PAYLOAD);
				myc_topic_copy(&message, bytes);
				myc_topic_done(&reader[0], &message);
			}
			myc_topic_reader_rewind(&reader[1]);
			myc_topic_admitted(&reader[0]);
		}
	}
	assert_true(outcome[0] && outcome[1] && outcome[2] == 0);
}

static void a_reader_that_scribbles_over_its_records_harms_no_writer(void **state)
{
	(void)state;
	for (int life = 0; life < 3000 / TEST_SHORTER; life++) {
		uint64_t refused = 0;

		open_topic(MYC_TOPIC_RELIABLE, SLOTS);
		chance = test_seed() * 100003 + (uint64_t)life * 7 + 2;
		assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, 0), 0);
		assert_int_equal(attach(1, MYC_TOPIC_WISH_WAIT, 0), 0);
		for (int step = 0; step < 60; step++) {
			struct myc_topic_record *record =
				(struct myc_topic_record *)(void *)(records(0) + 1);

			scribble(record_memory[0], sizeof(record_memory[0]), writer.published);
			record[step % RECORDS].topic = writer.word;
			records(0)->changed++;
			myc_topic_writer_scan(&writer);
			bool full = publish(0) == -EAGAIN;

			/* The honest one gets everything, whatever the other does. */
			assert_int_equal(take(1), full ? 0 : writer.published);
			refused += full;
		}
		/* And the other, when it is dead, stops nobody. */
		gone_below = UINT64_MAX;
		for (uint32_t i = 0; i < RECORDS; i++)
			((struct myc_topic_record *)(void *)(records(0) + 1))[i].incarnation = 1;
		assert_int_equal(publish(0), 0);
		assert_int_equal(topic->refused, refused);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_that_do_not_add_up_are_refused),
		cmocka_unit_test(a_writer_that_scribbles_over_its_topic_harms_no_reader),
		cmocka_unit_test(a_reader_that_scribbles_over_its_records_harms_no_writer),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	close_topic();
	return failed;
}
