/* SPDX-License-Identifier: Apache-2.0 */
/* Topics in one thread: what is delivered, what is lost, and who is waited for. */
#include "unit/topic_bed.h"

/* ---- streams ----------------------------------------------------------------------------------- */

static void every_reader_gets_every_message_in_order_from_the_one_copy(void **state)
{
	struct myc_topic_message a = {0}, b = {0};

	(void)state;
	open_topic(0, SLOTS);
	for (uint64_t n = 1; n < 500; n++) {
		assert_int_equal(publish(n), 0);
		for (int i = 0; i < 3; i++) {
			assert_true(myc_topic_ready(&reader[i]));
			assert_int_equal(myc_topic_next(&reader[i], i ? &b : &a), 1);
			if (i)
				assert_ptr_equal(a.payload, b.payload);
			assert_int_equal(take(i), n);
			assert_int_equal(take(i), 0);
			assert_false(myc_topic_ready(&reader[i]));
		}
	}
	char big[PAYLOAD + 1] = {0};

	assert_int_equal(myc_topic_publish(&writer, 0, 0, big, sizeof(big)), -EMSGSIZE);
	assert_int_equal(take(0), 0);
}

static void a_payload_written_in_place_appears_with_its_commit_only(void **state)
{
	void *at = NULL, *again = NULL;
	char bytes[PAYLOAD] = {0};
	size_t size = content(1, bytes);

	(void)state;
	open_topic(0, SLOTS);
	if (myc_topic_reserve(&writer, 9, &at) || !at)
		abort();
	memcpy(at, bytes, size);
	assert_int_equal(take(0), 0);
	assert_false(myc_topic_ready(&reader[0]));
	assert_int_equal(myc_topic_reserve(&writer, 9, &again), 0);
	assert_ptr_equal(at, again);
	assert_int_equal(myc_topic_commit(&writer, 1, PAYLOAD + 1), -EMSGSIZE);
	memcpy(at, bytes, size);
	assert_int_equal(myc_topic_commit(&writer, 1, size), 0);
	assert_int_equal(take(0), 1);
}

static void an_overrun_reader_knows_exactly_how_many_it_lost(void **state)
{
	(void)state;
	for (uint32_t slots = 1; slots <= SLOTS; slots *= 2) {
		uint64_t got = 0, last = 0;

		open_topic(0, slots);
		for (int round = 0; round < 300; round++) {
			uint64_t burst = test_random(&chance) % (2 * slots + 2);
			int64_t number;

			for (uint64_t i = 0; i < burst; i++)
				assert_int_equal(publish(0), 0);
			number = take(0);
			if (number == -EOVERFLOW) {
				assert_true(burst && reader[0].lost_now >= 1);
				assert_int_equal(got + reader[0].lost, reader[0].next);
				assert_true(reader[0].next + slots >= writer.published);
				last = reader[0].next;
			} else if (number > 0) {
				assert_int_equal(number, last + 1);
				last = (uint64_t)number;
				got++;
			}
			assert_int_equal(got + reader[0].lost, reader[0].next);
		}
		assert_true(reader[0].overruns > 0 && got > 0);
	}
}

static void what_is_overwritten_while_it_is_read_is_seen_to_be(void **state)
{
	struct myc_topic_message message = {0};
	char bytes[PAYLOAD] = {0};

	(void)state;
	open_topic(0, SLOTS);
	assert_int_equal(publish(0), 0);
	assert_int_equal(myc_topic_next(&reader[0], &message), 1);
	for (int i = 0; i < SLOTS - 1; i++) {
		assert_int_equal(publish(0), 0);
		assert_true(myc_topic_intact(&message));
	}
	void *at;

	assert_int_equal(myc_topic_reserve(&writer, 0, &at), 0); /* not even published */
	assert_false(myc_topic_intact(&message));
	assert_false(myc_topic_copy(&message, bytes));
	assert_int_equal(myc_topic_next(&reader[0], &message), -EOVERFLOW);
	assert_int_equal(reader[0].lost, SLOTS / 2);
	assert_int_equal(take(0), SLOTS / 2 + 1);
}

static void a_late_reader_may_begin_with_the_oldest_that_is_safe(void **state)
{
	(void)state;
	open_topic(0, SLOTS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(publish(0), 0);
	myc_topic_reader_close(&reader[0]);
	assert_int_equal(myc_topic_reader_open(&reader[0], topic, sizeof(topic_memory)), 0);
	assert_int_equal(take(0), 0);
	myc_topic_reader_rewind(&reader[0]);
	assert_int_equal(take(0), 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(publish(0), 0);
	myc_topic_reader_close(&reader[0]);
	assert_int_equal(myc_topic_reader_open(&reader[0], topic, sizeof(topic_memory)), 0);
	myc_topic_reader_rewind(&reader[0]);
	assert_int_equal(take(0), 23 - SLOTS + 2);
}

/* ---- readers that are waited for ----------------------------------------------------------------- */

static void the_slowest_reader_stops_the_writer_and_its_end_lets_it_go_on(void **state)
{
	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	for (int i = 0; i < 100; i++) /* nobody is there */
		assert_int_equal(publish(0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(attach(i, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), 0);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), -EAGAIN);
	assert_int_equal(take(0), 101);
	assert_int_equal(take(1), 101);
	assert_int_equal(publish(0), -EAGAIN);
	assert_int_equal(writer.follower[writer.slowest].reader,
			 myc_topic_reader_word(PROCESS, 0, 1));
	assert_int_equal(take(2), 101);
	assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), -EAGAIN);
	myc_topic_detach(&reader[0]);
	myc_topic_detach(&reader[2]);
	assert_int_equal(take(1), 102);
	assert_int_equal(publish(0), 0);
	for (int64_t n = 103; n <= 110; n++)
		assert_int_equal(take(1), n);
	assert_int_equal(take(1), 0);
	assert_int_equal(topic->refused, 3);
	assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, 0), 0); /* the record is free again */
	assert_int_equal(reader[0].lost_now, 110 - SLOTS + 1);
	assert_int_equal(take(0), 110 - SLOTS + 2);
}

static void a_cursor_stays_behind_for_a_few_messages_and_not_when_there_are_no_more(void **state)
{
	struct myc_topic_message message = {0};

	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), 0);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(publish(0), 0);
	for (int i = 0; i < SLOTS; i++) {
		assert_int_equal(myc_topic_next(&reader[0], &message), 1);
		myc_topic_done(&reader[0], &message);
		if (i == 0)
			assert_int_equal(publish(0), -EAGAIN);
		if (i == SLOTS / 4 - 1)
			assert_int_equal(publish(0), 0);
	}
	assert_int_equal(take(0), SLOTS + 1);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), -EAGAIN);
	assert_int_equal(myc_topic_next(&reader[0], &message), 1);
	myc_topic_done(&reader[0], &message);
	for (int i = 1; i < SLOTS; i++) {
		assert_int_equal(myc_topic_next(&reader[0], &message), 1);
		myc_topic_done(&reader[0], &message);
	}
	assert_int_equal(myc_topic_next(&reader[0], &message), 0);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(publish(0), 0);
}

static void who_wishes_only_to_be_known_is_not_waited_for(void **state)
{
	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	assert_int_equal(attach(0, MYC_TOPIC_WISH_KNOWN, MYC_TOPIC_FROM_NEXT), 0);
	for (int i = 0; i < 3 * SLOTS; i++)
		assert_int_equal(publish(0), 0);
	assert_int_equal(take(0), -EOVERFLOW);
	assert_int_equal(writer.follower[0].reader, myc_topic_reader_word(PROCESS, 0, 0));
	open_topic(0, SLOTS);
	assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), -EINVAL);
}

static void a_dead_readers_admission_is_taken_back_when_it_is_in_the_way(void **state)
{
	const struct myc_topic_place again = place(0, 0, 2);
	uint64_t from = 0;

	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), 0);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(publish(0), 0);
	assert_int_equal(take(0), 1);
	assert_int_equal(take(0), 2);
	assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), -EAGAIN); /* alive, or its return is awaited */
	gone_below = 2;
	assert_int_equal(publish(0), 0);
	assert_int_equal(topic->released, 1);
	/* Its successor learns of it, and what it lost. */
	assert_int_equal(myc_topic_resume(&reader[1], &again, myc_topic_word(1, 2), &from),
			 -ESTALE);
	assert_int_equal(from, 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(publish(0), 0);
	myc_topic_detach(&reader[1]);
	assert_int_equal(myc_topic_attach(&reader[1], &again, myc_topic_word(1, 2),
					  MYC_TOPIC_WISH_WAIT, from),
			 0);
	myc_topic_writer_scan(&writer);
	assert_int_equal(myc_topic_admitted(&reader[1]), 0);
	assert_int_equal(reader[1].lost, 15 - SLOTS + 1 - 2);
	assert_int_equal(take(1), 15 - SLOTS + 2);
}

static void a_successor_goes_on_where_the_dead_reader_was_and_knows_what_is_in_doubt(void **state)
{
	const struct myc_topic_place again = place(0, 0, 2);
	struct myc_topic_message message = {0};
	uint64_t from = 0;

	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	assert_int_equal(attach(0, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), 0);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(publish(0), 0);
	assert_int_equal(take(0), 1);
	assert_int_equal(myc_topic_resume(&reader[1], &again, myc_topic_word(1, 2), &from), 0);
	assert_int_equal(myc_topic_next(&reader[1], &message), 1);
	assert_int_equal(message.number, 2); /* and dies with it in hand */
	gone_below = 2;			     /* the first one's incarnation only */
	assert_int_equal(myc_topic_resume(&reader[2], &again, myc_topic_word(1, 2), &from), 1);
	assert_int_equal(reader[2].next, 1);
	assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), -EAGAIN);
	assert_int_equal(take(2), 2);
	assert_int_equal(publish(0), 0);
	assert_int_equal(myc_topic_resume(&reader[3], &again, myc_topic_word(1, 3), &from),
			 -ENOENT);
}

static void a_writers_successor_waits_for_whom_it_had_admitted(void **state)
{
	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(attach(i, i == 2 ? MYC_TOPIC_WISH_KNOWN : MYC_TOPIC_WISH_WAIT,
					MYC_TOPIC_FROM_NEXT),
				 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(publish(0), 0);
	open_writer();
	assert_int_equal(writer.published, 5);
	assert_int_equal(myc_topic_writer_scan(&writer), 0); /* they are admitted already */
	for (int i = 0; i < SLOTS - 5; i++)
		assert_int_equal(publish(0), 0);
	assert_int_equal(publish(0), -EAGAIN);
	for (int64_t n = 1; n <= SLOTS; n++) {
		assert_int_equal(take(0), n);
		assert_int_equal(publish(0), -EAGAIN);
	}
	myc_topic_record_free(records(1), 0); /* by the caretaker */
	assert_int_equal(publish(0), 0);
	assert_int_equal(take(0), SLOTS + 1);
}

static void a_wish_waits_while_all_admissions_are_taken(void **state)
{
	(void)state;
	open_topic(MYC_TOPIC_RELIABLE, SLOTS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(attach(i, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), 0);
	assert_int_equal(attach(3, MYC_TOPIC_WISH_WAIT, MYC_TOPIC_FROM_NEXT), -EAGAIN);
	const struct myc_topic_place busy = place(1, 0, 1);

	assert_int_equal(
		myc_topic_attach(&reader[3], &busy, myc_topic_word(1, 2), MYC_TOPIC_WISH_WAIT, 0),
		-EBUSY);
	myc_topic_detach(&reader[1]);
	assert_int_equal(myc_topic_writer_scan(&writer), 1);
	assert_int_equal(myc_topic_admitted(&reader[3]), 0);
}

/* ---- last values --------------------------------------------------------------------------------- */

static void a_keyed_topics_reader_gets_each_keys_last_value_however_slow(void **state)
{
	uint64_t last[KEYS] = {0}, got[KEYS] = {0}, delivered = 0;
	struct myc_topic_message message = {0};

	(void)state;
	open_topic(MYC_TOPIC_KEYED, SLOTS);
	for (int round = 0; round < 3000; round++) {
		uint64_t burst = test_random(&chance) % (round % 3 ? 3 : 3 * SLOTS);

		for (uint64_t i = 0; i < burst; i++) {
			uint64_t key = test_random(&chance) % KEYS;

			assert_int_equal(publish(key << 60), 0);
			last[key] = writer.published;
		}
		uint64_t most = round % 7 ? test_random(&chance) % 4 : UINT64_MAX;

		while (most-- && myc_topic_next(&reader[0], &message) == 1) {
			uint64_t key = message.key >> 60;

			check_message(&message);
			assert_true(message.number > got[key]);
			got[key] = message.number;
			assert_int_equal(got[key], last[key]); /* the last, strictly */
			myc_topic_done(&reader[0], &message);
			delivered++;
		}
		if (round % 7)
			continue;
		assert_memory_equal(got, last, sizeof(got));
		assert_false(myc_topic_ready(&reader[0]));
	}
	assert_true(delivered < writer.published && reader[0].overruns);
	assert_int_equal(publish(1), -ENOSPC); /* a fifth key */
}

static void a_value_in_hand_stays_for_two_more_of_its_key(void **state)
{
	struct myc_topic_message message = {0};
	void *at = NULL;

	(void)state;
	open_topic(MYC_TOPIC_KEYED, SLOTS);
	assert_int_equal(publish(1), 0);
	assert_int_equal(publish(2), 0);
	while (myc_topic_next(&reader[0], &message) == 1 && message.key != 1)
		myc_topic_done(&reader[0], &message);
	assert_int_equal(message.key, 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(publish(2), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(publish(1), 0);
	if (myc_topic_reserve(&writer, 1, &at) || !at)
		abort();
	memset(at, 0xff, PAYLOAD);
	check_message(&message);
	assert_int_equal(publish(1), 0);
	assert_false(myc_topic_intact(&message));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reader_gets_every_message_in_order_from_the_one_copy),
		cmocka_unit_test(a_payload_written_in_place_appears_with_its_commit_only),
		cmocka_unit_test(an_overrun_reader_knows_exactly_how_many_it_lost),
		cmocka_unit_test(what_is_overwritten_while_it_is_read_is_seen_to_be),
		cmocka_unit_test(a_late_reader_may_begin_with_the_oldest_that_is_safe),
		cmocka_unit_test(the_slowest_reader_stops_the_writer_and_its_end_lets_it_go_on),
		cmocka_unit_test(
			a_cursor_stays_behind_for_a_few_messages_and_not_when_there_are_no_more),
		cmocka_unit_test(who_wishes_only_to_be_known_is_not_waited_for),
		cmocka_unit_test(a_dead_readers_admission_is_taken_back_when_it_is_in_the_way),
		cmocka_unit_test(
			a_successor_goes_on_where_the_dead_reader_was_and_knows_what_is_in_doubt),
		cmocka_unit_test(a_writers_successor_waits_for_whom_it_had_admitted),
		cmocka_unit_test(a_wish_waits_while_all_admissions_are_taken),
		cmocka_unit_test(a_keyed_topics_reader_gets_each_keys_last_value_however_slow),
		cmocka_unit_test(a_value_in_hand_stays_for_two_more_of_its_key),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	close_topic();
	return failed;
}
