/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics between threads and between processes at full speed. Every payload is words that follow from its
 * number, so that one word of another message shows. Processes are killed at random and started again.
 */
#include "common/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory/region.h"
#include "memory/topic.h"

#define SLOTS	 64
#define WORDS	 32
#define MESSAGES (1000000ull / TEST_SHORTER)
#define KEYS	 8
#define READERS	 3
#define KILLS	 (200 / TEST_SHORTER)

static uint64_t content(uint64_t number, uint32_t i)
{
	return (number * WORDS + i) * 0x9e3779b97f4a7c15ull;
}

static size_t size_of(uint64_t number)
{
	return (size_t)(8 + number % WORDS * 8);
}

static int publish(struct myc_topic_writer *writer)
{
	uint64_t payload[WORDS], number = writer->published + 1;

	for (uint32_t i = 0; i < WORDS; i++)
		payload[i] = content(number, i);
	return myc_topic_publish(writer, number % KEYS, (uint32_t)number, payload, size_of(number));
}

/* Is it that message? In place: word by word where it lies. Not intact: nothing is said. */
static bool is_right(const struct myc_topic_message *message, bool in_place, bool *intact)
{
	uint64_t payload[WORDS] = {0};
	bool right = message->size == size_of(message->number) &&
		     message->key == message->number % KEYS &&
		     message->type == (uint32_t)message->number;

	if (!right)
		return false;
	if (in_place) {
		for (uint32_t i = 0; i < message->size / 8; i++)
			payload[i] = myc_topic_word_at(message, i);
		*intact = myc_topic_intact(message);
	} else {
		*intact = myc_topic_copy(message, payload);
	}
	for (uint32_t i = 0; *intact && i < message->size / 8; i++)
		right = right && payload[i] == content(message->number, i);
	return right;
}

/* ---- threads ------------------------------------------------------------------------------------- */

static struct myc_topic *topic;
static uint64_t topic_size;
static struct myc_topic_records *records;
static _Atomic bool ready[READERS];

struct run {
	uint32_t index;
	uint32_t flags;
	uint64_t got, lost, torn, wrong, disorder;
	uint64_t last[KEYS];
	int code;
};

static bool run_ended(const struct run *run, const struct myc_topic_reader *reader)
{
	if (!(run->flags & MYC_TOPIC_KEYED))
		return reader->next == MESSAGES;
	for (uint64_t n = MESSAGES; n > MESSAGES - KEYS; n--)
		if (run->last[n % KEYS] != n)
			return false;
	return true;
}

static void *read_all(void *argument)
{
	struct run *run = argument;
	struct myc_topic_reader reader;
	struct myc_topic_message message = {0};
	const struct myc_topic_place place = {
		.records = records, .record = run->index, .incarnation = 1};

	run->code = myc_topic_reader_open(&reader, topic, topic_size);
	if (!run->code && run->flags & MYC_TOPIC_RELIABLE) {
		/* Records have one owner: here, one thread after the other writes `changed`. */
		while (run->index && !atomic_load(&ready[run->index - 1]))
			sched_yield();
		run->code = myc_topic_attach(&reader, &place, myc_topic_word(0, 0),
					     MYC_TOPIC_WISH_WAIT, 0);
		while (!run->code && (run->code = myc_topic_admitted(&reader)) == -EAGAIN) {
			run->code = 0;
			sched_yield();
		}
	}
	atomic_store(&ready[run->index], true);
	while (!run->code && !run_ended(run, &reader)) {
		int code = myc_topic_next(&reader, &message);
		bool intact = false;

		if (code == 0) {
			sched_yield();
			continue;
		}
		if (code == -EOVERFLOW)
			continue;
		if (code < 0) {
			run->code = code;
			break;
		}
		run->wrong += !is_right(&message, run->index & 1, &intact);
		run->torn += !intact;
		if (!intact)
			continue;
		if (run->flags & MYC_TOPIC_KEYED)
			run->disorder += message.number <= run->last[message.key];
		else
			run->disorder += message.number != reader.next + 1;
		run->last[message.key] = message.number;
		run->got++;
		myc_topic_done(&reader, &message);
	}
	run->lost = reader.lost;
	myc_topic_reader_close(&reader);
	return NULL;
}

static void play_threads(uint32_t flags)
{
	const struct myc_topic head = {.flags = flags,
				       .slots = SLOTS,
				       .payload_max = WORDS * 8,
				       .keys = flags & MYC_TOPIC_KEYED ? KEYS : 0,
				       .readers = READERS};
	const struct myc_topic_writer_opts opts = {.tables = 1};
	struct myc_topic_writer writer;
	struct run run[READERS];
	pthread_t thread[READERS];

	topic_size = myc_topic_size(&head);
	topic = aligned_alloc(64, topic_size);
	records = aligned_alloc(64, myc_topic_records_size(READERS));
	assert_non_null(topic);
	assert_non_null(records);
	memset(topic, 0, topic_size);
	memset(records, 0, myc_topic_records_size(READERS));
	assert_int_equal(myc_topic_init(topic, topic_size, &head), 0);
	assert_int_equal(myc_topic_records_init(records, myc_topic_records_size(READERS), READERS),
			 0);
	assert_int_equal(myc_topic_writer_open(&writer, topic, &opts), 0);
	assert_int_equal(
		myc_topic_writer_meet(&writer, 0, 0, records, myc_topic_records_size(READERS)), 0);
	for (uint32_t i = 0; i < READERS; i++) {
		atomic_store(&ready[i], false);
		run[i] = (struct run){.index = i, .flags = flags};
		pthread_create(&thread[i], NULL, read_all, &run[i]);
	}
	for (uint32_t i = 0; i < READERS; i++)
		while (!atomic_load(&ready[i]))
			myc_topic_writer_scan(&writer);
	while (writer.published < MESSAGES)
		if (publish(&writer) == -EAGAIN || writer.published % 97 == 0)
			sched_yield();
	for (uint32_t i = 0; i < READERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(run[i].code, 0);
		assert_int_equal(run[i].wrong, 0);
		assert_int_equal(run[i].disorder, 0);
		assert_true(run[i].got > 0);
		if (!(flags & MYC_TOPIC_KEYED))
			assert_int_equal(run[i].got + run[i].lost, MESSAGES);
		if (flags & MYC_TOPIC_RELIABLE)
			assert_int_equal(run[i].lost + run[i].torn, 0);
		print_message("  reader %u: %llu got, %llu lost, %llu overwritten while read\n", i,
			      (unsigned long long)run[i].got, (unsigned long long)run[i].lost,
			      (unsigned long long)run[i].torn);
	}
	myc_topic_writer_close(&writer);
	free(topic);
	free(records);
}

static void tolerant_threads_read_whole_messages_and_count_the_lost_exactly(void **state)
{
	(void)state;
	play_threads(0);
}

static void waiting_threads_read_every_message(void **state)
{
	(void)state;
	play_threads(MYC_TOPIC_RELIABLE);
}

static void threads_get_the_last_value_of_every_key(void **state)
{
	(void)state;
	play_threads(MYC_TOPIC_KEYED);
}

/* ---- processes ----------------------------------------------------------------------------------- */

enum { WRITER, READER, SIDES };

/* The test's own notes, in memory that all share. */
static struct notes {
	_Atomic uint64_t incarnation[SIDES];
	_Atomic uint64_t doubted;
	_Atomic uint8_t seen[MESSAGES + 1];
} * notes;

static int region_fd[SIDES];

static void map(struct myc_region *region, int side)
{
	for (int i = 0; i < SIDES; i++)
		if (myc_region_map(&region[i], region_fd[i],
				   i == side ? MYC_REGION_OWNER : MYC_REGION_READER, NULL))
			_exit(10);
}

static void writer_process(void)
{
	const struct myc_topic_writer_opts opts = {.process = WRITER, .tables = 1};
	const struct myc_topic head = {.flags = MYC_TOPIC_RELIABLE,
				       .slots = SLOTS,
				       .payload_max = WORDS * 8,
				       .readers = READERS};
	struct myc_region region[SIDES];
	struct myc_topic_writer writer;
	uint64_t size, other;
	int code;

	map(region, WRITER);
	struct myc_topic *block = myc_region_block(&region[WRITER], MYC_BLOCK_TOPIC, 0, &size);
	const struct myc_topic_records *table =
		myc_region_block(&region[READER], MYC_BLOCK_TOPIC_RECORDS, 0, &other);

	if (myc_topic_init(block, size, &head) || myc_topic_writer_open(&writer, block, &opts))
		_exit(11);
	while ((code = myc_topic_writer_meet(&writer, READER, 0, table, other)) == -EAGAIN)
		sched_yield();
	if (code)
		_exit(12);
	/* The reader is to have all: not before it is admitted. */
	while (!writer.published && !myc_topic_writer_scan(&writer) && !writer.follower[0].epoch)
		sched_yield();
	while (writer.published < MESSAGES) {
		code = publish(&writer);
		if (code && code != -EAGAIN)
			_exit(13);
		if (code) {
			myc_topic_writer_scan(&writer);
			sched_yield();
		}
	}
	_exit(0);
}

static void reader_process(void)
{
	struct myc_region region[SIDES];
	struct myc_topic_reader reader;
	struct myc_topic_message message = {0};
	uint64_t size, own, from;
	int code;

	map(region, READER);
	const struct myc_topic *block =
		myc_region_block(&region[WRITER], MYC_BLOCK_TOPIC, 0, &size);
	struct myc_topic_records *table =
		myc_region_block(&region[READER], MYC_BLOCK_TOPIC_RECORDS, 0, &own);
	const struct myc_topic_place place = {
		.records = table, .process = READER, .incarnation = notes->incarnation[READER]};

	if (myc_topic_records_init(table, own, 1))
		_exit(20);
	while ((code = myc_topic_reader_open(&reader, block, size)) == -EAGAIN)
		sched_yield();
	if (code)
		_exit(21);
	code = myc_topic_resume(&reader, &place, myc_topic_word(WRITER, 0), &from);
	if (code == -ENOENT)
		code = myc_topic_attach(&reader, &place, myc_topic_word(WRITER, 0),
					MYC_TOPIC_WISH_WAIT, 0);
	if (code == 1) {
		notes->doubted++;
		notes->seen[reader.next + 1]++; /* it may have been noted before */
		myc_topic_advance(&reader, reader.next + 1);
	}
	if (code < 0 && code != -EAGAIN)
		_exit(22);
	while ((code = myc_topic_admitted(&reader)) == -EAGAIN)
		sched_yield();
	if (code || reader.lost)
		_exit(23);
	while (reader.next < MESSAGES) {
		bool intact = false;

		code = myc_topic_next(&reader, &message);
		if (code < 0)
			_exit(24);
		if (!code) {
			sched_yield();
			continue;
		}
		if (!is_right(&message, true, &intact) || !intact ||
		    message.number != reader.next + 1)
			_exit(25);
		notes->seen[message.number]++;
		myc_topic_done(&reader, &message);
	}
	_exit(0);
}

static pid_t start(int side)
{
	notes->incarnation[side]++;
	pid_t child = fork();

	if (!child) {
		if (side == WRITER)
			writer_process();
		reader_process();
	}
	assert_true(child > 0);
	return child;
}

static void processes_killed_at_random_lose_nothing_and_doubt_what_was_in_hand(void **state)
{
	const struct myc_topic head = {
		.slots = SLOTS, .payload_max = WORDS * 8, .readers = READERS};
	struct myc_region_plan plan[SIDES] = {{0}};
	uint64_t chance = test_seed() + 31, twice = 0;
	pid_t child[SIDES];
	int status, kills[SIDES] = {0};

	(void)state;
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	assert_true(notes != MAP_FAILED);
	myc_region_plan_add(&plan[WRITER], MYC_BLOCK_TOPIC, 0, myc_topic_size(&head));
	myc_region_plan_add(&plan[READER], MYC_BLOCK_TOPIC_RECORDS, 0, myc_topic_records_size(1));
	for (int i = 0; i < SIDES; i++) {
		region_fd[i] = myc_region_create("topic", &plan[i], NULL);
		assert_true(region_fd[i] >= 0);
	}
	for (int i = 0; i < SIDES; i++)
		child[i] = start(i);
	for (int i = 0; i < KILLS; i++) {
		int victim = (int)(test_random(&chance) >> 40) & 1;
		const struct timespec while_it_works = {
			.tv_nsec = (long)(test_random(&chance) % 2000000)};

		nanosleep(&while_it_works, NULL);
		kill(child[victim], SIGKILL);
		assert_int_equal(waitpid(child[victim], &status, 0), child[victim]);
		/* Killed, or it had come to its end. */
		assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
			    (WIFEXITED(status) && WEXITSTATUS(status) == 0));
		kills[victim] += WIFSIGNALED(status);
		child[victim] = start(victim);
	}
	for (int i = 0; i < SIDES; i++) {
		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		close(region_fd[i]);
	}
	for (uint64_t n = 1; n <= MESSAGES; n++) {
		assert_true(notes->seen[n] >= 1);
		twice += notes->seen[n] - 1u;
	}
	assert_true(twice <= notes->doubted && notes->doubted <= (uint64_t)kills[READER]);
	print_message("  writer killed %d times, reader %d; %llu in doubt\n", kills[WRITER],
		      kills[READER], (unsigned long long)notes->doubted);
	munmap(notes, sizeof(*notes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tolerant_threads_read_whole_messages_and_count_the_lost_exactly),
		cmocka_unit_test(waiting_threads_read_every_message),
		cmocka_unit_test(threads_get_the_last_value_of_every_key),
		cmocka_unit_test(
			processes_killed_at_random_lose_nothing_and_doubt_what_was_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
