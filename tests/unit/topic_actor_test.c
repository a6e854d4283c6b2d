/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of actors in one process with several executors. */
#include "unit/topic_actor_bed.h"

/* ---- one process ------------------------------------------------------------------------------- */

static void every_subscriber_of_every_executor_gets_every_message(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	spawn(system, &publisher, 0, 0);
	for (uint32_t i = 0; i < READERS; i++)
		spawn(system, &subscriber, i % 3, i);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < READERS; i++)
		wait_until(seen[i].ready == 1);
	to_publish = 4000;
	wait_until(to_publish == 0);
	for (uint32_t i = 0; i < READERS; i++) {
		wait_until(seen[i].messages == 4000);
		assert_int_equal(seen[i].wrong, 0);
		assert_int_equal(seen[i].lost, 0);
		assert_int_equal(seen[i].ends, 0);
	}
	close_it(system);
}

static void one_actor_at_a_time_publishes(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("tolerant", 0);
	spawn(system, &publisher, 0, 0);
	spawn(system, &publisher, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(claims == 1 && busy == 1);
	close_it(system);
	assert_int_equal(claims, 1);
}

/* Whenever it comes: a publisher that has the topic already is told, before its first message. */
static void who_subscribes_is_told_of_the_publisher(void **state)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} ways[] = {{"tolerant", 0}, {"reliable", MYC_SUBSCRIBE_WAITED_FOR}, {"keyed", 0}};

	(void)state;
	for (uint32_t way = 0; way < 3; way++) {
		struct myc_system *system = open_three();

		fresh(ways[way].name, ways[way].flags);
		spawn(system, &publisher, 0, 0);
		assert_int_equal(myc_system_start(system, NULL), 0);
		wait_until(claims == 1);
		/* Of its executor, the first; then one that joins it; then one of the publisher's own. */
		for (uint32_t i = 0; i < 3; i++) {
			spawn(system, &subscriber, i < 2, i);
			wait_until(seen[i].resumed == 1);
		}
		to_publish = 8;
		for (uint32_t i = 0; i < 3; i++)
			wait_until(seen[i].last == 8);
		close_it(system);
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(seen[i].messages, 8);
			assert_int_equal(seen[i].resumed, 1);
			assert_int_equal(seen[i].lost + seen[i].wrong, 0);
		}
	}
}

/* Paused: its tolerant subscription loses, and is told how many. */
static void a_paused_tolerant_subscriber_loses_and_is_told(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("tolerant", 0);
	myc_address bricks = spawn(system, &brick, 2, 0);

	spawn(system, &publisher, 0, 0);
	myc_address first = spawn(system, &subscriber, 1, 0);

	spawn(system, &subscriber, 1, 1);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready && seen[1].ready);
	to_publish = 10;
	wait_until(seen[0].messages == 10 && seen[1].messages == 10);
	wall = true;
	assert_int_equal(myc_post(system, first, BLOCK, &bricks, sizeof(bricks), UINT64_MAX), 0);
	wait_until(paused);
	for (int i = 0; i < 30; i++) {
		to_publish = 10;
		wait_until(seen[1].last == 20 + (uint64_t)i * 10 || seen[1].lost);
	}
	wait_until(to_publish == 0 && seen[1].messages + seen[1].lost == 310);
	assert_int_equal(seen[0].messages, 10);
	wall = false;
	wait_until(seen[0].lost == 300);
	to_publish = 1;
	wait_until(seen[0].messages == 11);
	assert_int_equal(seen[0].last, 311);
	assert_int_equal(seen[0].wrong + seen[1].wrong, 0);
	close_it(system);
}

/* Paused: the publisher is refused when the ring is full, and goes on when it is not. Nothing is lost. */
static void a_paused_subscriber_that_is_waited_for_holds_the_publisher_up(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	myc_address bricks = spawn(system, &brick, 2, 0);

	spawn(system, &publisher, 0, 0);
	myc_address first = spawn(system, &subscriber, 1, 0);

	spawn(system, &subscriber, 1, 1);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].resumed && seen[1].resumed);
	to_publish = 5;
	wait_until(seen[0].messages == 5 && seen[1].messages == 5);
	wall = true;
	assert_int_equal(myc_post(system, first, BLOCK, &bricks, sizeof(bricks), UINT64_MAX), 0);
	wait_until(paused);
	to_publish = 1000;
	wait_until(refused > 10);
	assert_true(published <= 5 + 64 + 32);
	assert_int_equal(seen[0].messages, 5);
	wall = false;
	for (int i = 0; i < 2; i++) {
		wait_until(seen[i].messages == 1005);
		assert_int_equal(seen[i].lost + seen[i].wrong, 0);
	}
	close_it(system);
}

/* The patience over, who is paused is overrun, told exactly what it lost, and waited for again. */
static void a_timed_topic_waits_so_long_and_no_longer(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("timed", MYC_SUBSCRIBE_WAITED_FOR);
	myc_address bricks = spawn(system, &brick, 2, 0);

	spawn(system, &publisher, 0, 0);
	myc_address first = spawn(system, &subscriber, 1, 0);

	spawn(system, &subscriber, 1, 1); /* held up together with the first */
	spawn(system, &subscriber, 0, 2);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (int i = 0; i < 3; i++)
		wait_until(seen[i].resumed);
	to_publish = 5;
	for (int i = 0; i < 3; i++)
		wait_until(seen[i].messages == 5);
	wall = true;
	assert_int_equal(myc_post(system, first, BLOCK, &bricks, sizeof(bricks), UINT64_MAX), 0);
	wait_until(paused);
	to_publish = 1000;
	wait_until(to_publish == 0);
	assert_true(refused > 0);
	assert_int_equal(seen[0].messages, 5);
	wall = false;
	for (int i = 0; i < 3; i++)
		wait_until(seen[i].messages + seen[i].lost == 1005);
	assert_int_equal(seen[2].lost, 0);
	uint64_t lost = seen[0].lost;

	assert_in_range(lost, 900, 1000);
	to_publish = 1000;
	for (int i = 0; i < 3; i++)
		wait_until(seen[i].messages + seen[i].lost == 2005);
	assert_int_equal(seen[0].lost, lost);
	/* Each time that they were overrun, it had had the one that was in hand. */
	assert_in_range(seen[1].lost, 1, lost - 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(seen[i].resumed + seen[i].ends + seen[i].wrong, 1);
	close_it(system);
}

static void unsubscribed_the_publisher_is_held_up_no_more(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	spawn(system, &publisher, 0, 0);
	spawn(system, &subscriber, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].resumed);
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	unsubscribe = true;
	wait_until(!unsubscribe);
	to_publish = 1000;
	wait_until(to_publish == 0);
	settle();
	assert_int_equal(seen[0].messages, 100);
	close_it(system);
}

static void a_key_filter_lets_its_keys_through_only(void **state)
{
	static const uint64_t keys[2] = {5, 2};
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	how.keys = keys;
	how.keys_count = 2;
	spawn(system, &publisher, 0, 0);
	spawn(system, &subscriber, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready);
	to_publish = 800;
	wait_until(seen[0].messages == 200 && to_publish == 0);
	settle();
	assert_int_equal(seen[0].messages, 200);
	assert_int_equal(seen[0].value[5] + 8 - 5, 800);
	assert_int_equal(seen[0].value[3], 0);
	close_it(system);
}

/* Who comes late, or is slow, has every key's last value. */
static void a_keyed_topic_gives_every_last_value(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("keyed", 0);
	spawn(system, &publisher, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	to_publish = 1000;
	wait_until(to_publish == 0);
	spawn(system, &subscriber, 1, 0);
	for (uint64_t key = 0; key < 8; key++)
		wait_until(seen[0].value[key] == 993 + (key + 8 - 1) % 8);
	assert_int_equal(seen[0].messages, 8);
	to_publish = 1000;
	for (uint64_t key = 0; key < 8; key++)
		wait_until(seen[0].value[key] == 1993 + (key + 8 - 1) % 8);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

/* Paused, it misses changes and no last value. */
static void a_paused_subscriber_of_a_keyed_topic_gets_every_last_value(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("keyed", 0);
	myc_address bricks = spawn(system, &brick, 2, 0);

	spawn(system, &publisher, 0, 0);
	myc_address first = spawn(system, &subscriber, 1, 0);

	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].resumed == 1);
	to_publish = 8;
	wait_until(seen[0].messages == 8);
	wall = true;
	assert_int_equal(myc_post(system, first, BLOCK, &bricks, sizeof(bricks), UINT64_MAX), 0);
	wait_until(paused);
	to_publish = 1000;
	wait_until(to_publish == 0);
	assert_int_equal(seen[0].messages, 8);
	wall = false;
	for (uint64_t key = 0; key < 8; key++)
		wait_until(seen[0].value[key] == 1001 + (key + 8 - 1) % 8);
	/* One value was in hand when it paused, perhaps. */
	assert_in_range(seen[0].messages, 16, 17);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

/* Of one message, to 64 readers on three executors: how many places is it read at? */
static uint32_t places(const char *name, uint32_t flags, uint32_t executors)
{
	struct myc_system *system = open_three();
	uint32_t count = 0;

	fresh(name, flags);
	spawn(system, &publisher, 0, 0);
	for (uint32_t i = 0; i < READERS; i++)
		spawn(system, &subscriber, i % executors, i);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < READERS; i++)
		wait_until(seen[i].resumed);
	to_publish = 1;
	for (uint32_t i = 0; i < READERS; i++)
		wait_until(seen[i].messages == 1);
	for (uint32_t i = 0; i < READERS; i++) {
		uint32_t other = 0;

		while (seen[other].place != seen[i].place)
			other++;
		count += other == i;
	}
	close_it(system);
	return count;
}

/* The publisher's copy into the ring is the first; one that is read elsewhere is one more. */
static void a_payload_is_shared(void **state)
{
	(void)state;
	assert_int_equal(places("reliable", MYC_SUBSCRIBE_WAITED_FOR, 3), 1); /* in the ring */
	assert_int_equal(places("tolerant", MYC_SUBSCRIBE_IN_PLACE, 3), 1);
	assert_int_equal(places("tolerant", 0, 1), 1); /* out of it, once an executor */
	assert_int_equal(places("tolerant", 0, 3), 3);
	assert_int_equal(places("keyed", 0, 1), 1);
}

static void from_the_oldest_and_in_place(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", MYC_SUBSCRIBE_OLDEST | MYC_SUBSCRIBE_IN_PLACE);
	spawn(system, &publisher, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	to_publish = 500;
	wait_until(to_publish == 0);
	spawn(system, &subscriber, 1, 0);
	wait_until(seen[0].messages == 500);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

static void a_restarted_publisher_goes_on_with_the_next_number_and_it_is_told(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	spawn(system, &subscriber, 1, 0);
	spawn(system, &publisher, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].resumed == 1);
	to_publish = 100;
	wait_until(seen[0].messages == 100);

	crash_publisher = true;
	wait_until(claims == 2);
	to_publish = 100;
	wait_until(seen[0].messages == 200);
	assert_int_equal(seen[0].ends, 1);
	assert_int_equal(seen[0].resumed, 2);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

static void a_restart_ends_the_subscriptions_that_it_had(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	spawn(system, &publisher, 0, 0);
	spawn(system, &subscriber, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready == 1);
	crash_subscriber = true;
	wait_until(seen[0].ready == 2);
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	settle();
	assert_int_equal(seen[0].messages, 100);
	assert_int_equal(seen[0].wrong, 0);
	close_it(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subscriber_of_every_executor_gets_every_message),
		cmocka_unit_test(one_actor_at_a_time_publishes),
		cmocka_unit_test(who_subscribes_is_told_of_the_publisher),
		cmocka_unit_test(a_paused_tolerant_subscriber_loses_and_is_told),
		cmocka_unit_test(a_paused_subscriber_that_is_waited_for_holds_the_publisher_up),
		cmocka_unit_test(a_timed_topic_waits_so_long_and_no_longer),
		cmocka_unit_test(unsubscribed_the_publisher_is_held_up_no_more),
		cmocka_unit_test(a_key_filter_lets_its_keys_through_only),
		cmocka_unit_test(a_keyed_topic_gives_every_last_value),
		cmocka_unit_test(a_paused_subscriber_of_a_keyed_topic_gets_every_last_value),
		cmocka_unit_test(a_payload_is_shared),
		cmocka_unit_test(from_the_oldest_and_in_place),
		cmocka_unit_test(a_restarted_publisher_goes_on_with_the_next_number_and_it_is_told),
		cmocka_unit_test(a_restart_ends_the_subscriptions_that_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
