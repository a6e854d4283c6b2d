/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a topic, stopped between any two stores and between any two words of a payload: writer
 * and reader run as coroutines that give way at every MYC_POINT. Played are the schedules with two
 * preemptions, and those with one where writer or reader is killed at each of its points and started
 * again; for tolerant, waiting and keyed readers.
 */
#include "unit/stage.h"

/* Who is killed gives nothing back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "memory/topic.c"
#include "memory/topic_reader.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define MESSAGES 4
#define KEYS	 2
#define WORDS	 3
#define PROCESS	 7

enum { WRITER, READER, SIDES };
enum kind { TOLERANT, WAITING, IMPATIENT, KEYED };

/* The two regions' words. */
static struct {
	_Alignas(64) char topic[4096];
	_Alignas(64) char records[512];
} shared;

/* What the world outside has seen. */
static struct {
	int handled[MESSAGES + 1], doubted[MESSAGES + 1];
	uint64_t last[KEYS]; /* number of the last value delivered */
	bool drained;
	uint64_t newest, lost, begun;
	uint64_t incarnation; /* of the reader */
	int deaths[SIDES];
} world;

static struct {
	enum kind kind;
	uint32_t slots;
	int first; /* side that begins */
} play;

static void point(const char *name)
{
	stage_point(name);
}

static struct myc_topic *topic(void)
{
	return (struct myc_topic *)(void *)shared.topic;
}

static struct myc_topic_records *records(void)
{
	return (struct myc_topic_records *)(void *)shared.records;
}

/* Word i of message `number`, whoever publishes it. */
static uint64_t content(uint64_t number, uint32_t i)
{
	return (number * 8 + i) * 0x9e3779b97f4a7c15ull;
}

/* A writer's successor has other things to say, but what was said stays. */
static uint64_t some_key(uint64_t number)
{
	return (number + (play.kind == KEYED ? (uint64_t)world.deaths[WRITER] : 0)) % KEYS;
}

/* A patient system waits until the reader has been started again; another does not. */
static bool gone(void *context, uint32_t process, uint64_t incarnation)
{
	(void)context;
	assert_int_equal(process, PROCESS);
	return play.kind == IMPATIENT && incarnation < world.incarnation;
}

static void writer(void)
{
	const struct myc_topic_writer_opts opts = {.index = 3, .tables = 1, .gone = gone};
	struct myc_topic_writer end;
	uint64_t payload[WORDS];

	if (myc_topic_writer_open(&end, topic(), &opts))
		abort();
	assert_int_equal(myc_topic_writer_meet(&end, PROCESS, 0, records(), sizeof(shared.records)),
			 0);
	/* Whoever is to be waited for is there from the beginning. */
	while (play.kind != TOLERANT && play.kind != KEYED &&
	       !__atomic_load_n(&topic()->published, __ATOMIC_RELAXED) &&
	       !myc_topic_writer_scan(&end) && !end.follower[0].epoch)
		point("writer: waits");
	while (end.published < MESSAGES) {
		uint64_t number = end.published + 1;

		for (uint32_t i = 0; i < WORDS; i++)
			payload[i] = content(number, i);
		myc_topic_writer_scan(&end);
		int code = myc_topic_publish(&end, some_key(number), (uint32_t)number, payload,
					     sizeof(payload) - 3);

		if (code) {
			assert_int_equal(code, -EAGAIN);
			point("writer: waits");
		}
	}
	myc_topic_writer_close(&end);
	stage_end();
}

/* Takes it out; what is intact is that message and no other. */
static void handle(struct myc_topic_reader *end, const struct myc_topic_message *message)
{
	uint64_t payload[WORDS] = {0}, expected[WORDS] = {0};

	if (!myc_topic_copy(message, payload))
		return;
	for (uint32_t i = 0; i < WORDS; i++)
		expected[i] = content(message->number, i);
	assert_int_equal(message->size, sizeof(payload) - 3);
	assert_memory_equal(payload, expected, message->size);
	assert_true(message->number >= 1 && message->number <= MESSAGES);
	assert_int_equal(message->type, message->number);
	if (play.kind == KEYED) {
		assert_true(message->key < KEYS);
		assert_true(message->number > world.last[message->key] || world.deaths[READER]);
		world.last[message->key] = message->number;
	} else {
		assert_int_equal(message->key, message->number % KEYS);
		assert_true(message->number > world.newest);
		world.newest = message->number;
	}
	world.handled[message->number]++;
	point("handler");
	myc_topic_done(end, message);
}

/* Attaches, or takes over what a predecessor attached. */
static void attach(struct myc_topic_reader *end)
{
	const struct myc_topic_place place = {
		.records = records(), .process = PROCESS, .incarnation = world.incarnation};
	const uint64_t word = myc_topic_word(0, 3);
	uint64_t from = 0;
	int code = myc_topic_resume(end, &place, word, &from);

	if (code == 1) {
		assert_true(end->next < MESSAGES);
		world.newest = end->next + 1 > world.newest ? end->next + 1 : world.newest;
		world.doubted[end->next + 1]++;
		myc_topic_advance(end, end->next + 1);
	}
	if (code == -ESTALE) {
		assert_int_equal(play.kind, IMPATIENT);
		myc_topic_detach(end);
		code = -ENOENT;
	} else if (code == -ENOENT) {
		/* A predecessor may have died having detached. */
		from = world.newest;
	}
	if (code == -ENOENT) {
		assert_int_equal(myc_topic_attach(end, &place, word, MYC_TOPIC_WISH_WAIT, from), 0);
		code = -EAGAIN;
	}
	while (code == -EAGAIN && (code = myc_topic_admitted(end)) == -EAGAIN &&
	       !stage_has_ended(WRITER))
		point("reader: waits");
	if (code == -EAGAIN) /* the writer has ended and looks no more: from the ring as it is */
		end->next = world.newest;
	world.lost += end->lost_now;
}

static bool reader_satisfied(const struct myc_topic_reader *end)
{
	if (play.kind == KEYED)
		return world.drained;
	return end->next == MESSAGES;
}

static void reader(void)
{
	struct myc_topic_reader end;
	struct myc_topic_message message = {0};

	if (myc_topic_reader_open(&end, topic(), sizeof(shared.topic)))
		abort();
	if (play.kind == TOLERANT) /* nobody knows what a predecessor had handled */
		world.newest = world.begun = end.next;
	if (play.kind == WAITING || play.kind == IMPATIENT)
		attach(&end);
	while (!reader_satisfied(&end)) {
		bool ended = stage_has_ended(WRITER);
		int code = myc_topic_next(&end, &message);

		if (code == 1) {
			handle(&end, &message);
		} else if (code == -EOVERFLOW) {
			assert_int_not_equal(play.kind, WAITING);
			world.lost += end.lost_now;
		} else if (code == -ESTALE) {
			assert_int_equal(play.kind, IMPATIENT);
			end.record = NULL; /* from here on a tolerant one */
		} else {
			assert_int_equal(code, 0);
			/* Ended before we looked, and nothing is there. */
			world.drained = ended && !myc_topic_ready(&end);
			if (!ended)
				point("reader: waits");
		}
	}
	myc_topic_reader_close(&end);
	stage_end();
}

static void launch(int side)
{
	stage_launch((uint32_t)side, side == WRITER ? writer : reader);
}

static void setup(void)
{
	struct myc_topic head = {.flags = play.kind == KEYED	  ? MYC_TOPIC_KEYED
					  : play.kind == TOLERANT ? 0
								  : MYC_TOPIC_RELIABLE,
				 .slots = play.slots,
				 .payload_max = WORDS * 8,
				 .keys = play.kind == KEYED ? KEYS : 0,
				 .readers = 2};

	memset(&shared, 0, sizeof(shared));
	memset(&world, 0, sizeof(world));
	world.incarnation = 1;
	assert_int_equal(myc_topic_init(topic(), sizeof(shared.topic), &head), 0);
	assert_int_equal(myc_topic_records_init(records(), sizeof(shared.records), 1), 0);
	stage_reset();
	launch(WRITER);
	launch(READER);
}

static void died(int side)
{
	world.deaths[side]++;
	world.incarnation += side == READER;
	launch(side);
}

/* The last values are those that were delivered, and each is told by its slot if that is still there. */
static void check_values(void)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		const struct myc_topic_key *row =
			(const void *)(shared.topic + myc_topic_keys_offset(topic()) +
				       i * myc_topic_key_stride(topic()));
		uint64_t number = row->value[row->version % MYC_TOPIC_VALUES].number;
		const struct myc_topic_slot *slot =
			(const void *)(shared.topic + myc_topic_slots_offset(topic()) +
				       ((number - 1) & (play.slots - 1)) *
					       myc_topic_slot_stride(topic()));

		if (!row->version)
			continue;
		assert_int_equal(world.last[row->key], number);
		if (slot->sequence == number)
			assert_int_equal(slot->row, i);
	}
}

static void check(void)
{
	if (play.kind == KEYED)
		check_values();
	uint64_t known = 0, doubted = 0;

	assert_int_equal(topic()->published, MESSAGES);
	for (int i = 1; i <= MESSAGES; i++) {
		assert_true(world.handled[i] <= 1 || play.kind == KEYED ||
			    (play.kind == TOLERANT && world.deaths[READER]));
		assert_true(world.doubted[i] <= 1);
		known += world.handled[i] || world.doubted[i];
		doubted += (uint64_t)world.doubted[i];
	}
	assert_true(doubted <= (uint64_t)world.deaths[READER]);
	if (play.kind == WAITING) {
		assert_int_equal(known, MESSAGES);
		assert_int_equal(world.lost, 0);
		assert_int_equal(topic()->released + topic()->cut, 0);
	}
	/* A tolerant reader that lives counts exactly, from where it began. */
	if (play.kind == TOLERANT && !world.deaths[READER])
		assert_int_equal(known + world.lost + world.begun, MESSAGES);
}

static void play_once(void)
{
	setup();
	stage_two(play.first, died, NULL);
	check();
}

static void all_schedules(enum kind kind, int victim)
{
	const uint32_t every[] = {TEST_SHORTER, 1};
	unsigned runs = 0;

	play.kind = kind;
	for (play.slots = 1; play.slots <= 4; play.slots *= 2)
		for (play.first = 0; play.first < SIDES; play.first++)
			runs += stage_every_schedule(victim, every[victim < 0], UINT32_MAX,
						     play_once);
	print_message("  %u schedules\n", runs);
}

static void under_every_schedule_what_is_read_intact_is_one_message(void **state)
{
	(void)state;
	all_schedules(TOLERANT, -1);
}

static void under_every_schedule_a_reader_that_is_waited_for_gets_each_message_once(void **state)
{
	(void)state;
	all_schedules(WAITING, -1);
}

static void under_every_schedule_the_last_value_of_each_key_arrives(void **state)
{
	(void)state;
	all_schedules(KEYED, -1);
}

static void a_writer_killed_at_any_point_leaves_what_it_published_and_nothing_else(void **state)
{
	(void)state;
	all_schedules(TOLERANT, WRITER);
	all_schedules(WAITING, WRITER);
	all_schedules(KEYED, WRITER);
}

static void a_reader_killed_at_any_point_doubts_only_the_message_in_hand(void **state)
{
	(void)state;
	all_schedules(WAITING, READER);
	all_schedules(TOLERANT, READER);
	all_schedules(KEYED, READER);
}

static void a_dead_reader_holds_nobody_up_where_its_return_is_not_awaited(void **state)
{
	(void)state;
	all_schedules(IMPATIENT, READER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_every_schedule_what_is_read_intact_is_one_message),
		cmocka_unit_test(
			under_every_schedule_a_reader_that_is_waited_for_gets_each_message_once),
		cmocka_unit_test(under_every_schedule_the_last_value_of_each_key_arrives),
		cmocka_unit_test(
			a_writer_killed_at_any_point_leaves_what_it_published_and_nothing_else),
		cmocka_unit_test(a_reader_killed_at_any_point_doubts_only_the_message_in_hand),
		cmocka_unit_test(a_dead_reader_holds_nobody_up_where_its_return_is_not_awaited),
	};

	return stage_main(tests);
}
