/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* The registry is compiled into the test with a hook at each of its named points. */
static void point(const char *name);
#define MYC_REGISTRY_POINT(name) point(#name)
#include "../../userspace/registry/registry.c" /* NOLINT(bugprone-suspicious-include) */

/* At the `stop_at`-th point of the writer it "dies" (longjmp), or `at_point` runs a reader. */
static _Thread_local int points_seen;
static _Thread_local int stop_at;
static _Thread_local jmp_buf died;
static _Thread_local void (*at_point)(void);
static _Thread_local bool inside;

static void point(const char *name)
{
	if (inside)
		return;
	points_seen++;
	if (stop_at && points_seen == stop_at && strncmp(name, "reader", 6) != 0)
		longjmp(died, 1);
	if (at_point) {
		inside = true;
		at_point();
		inside = false;
	}
}

static struct myc_registry_row rows[MYC_REGISTRY_ROWS];
static struct myc_process_row processes[MYC_PROCESSES_MAX];
static struct myc_registry registry = {.rows = rows, .processes = processes};

static int fresh(void **state)
{
	(void)state;
	memset(rows, 0, sizeof(rows));
	memset(processes, 0, sizeof(processes));
	points_seen = 0;
	stop_at = 0;
	at_point = NULL;
	return 0;
}

static struct myc_registry_entry entry_of(const char *name, uint32_t slot)
{
	struct myc_registry_entry entry = {
		.address = myc_address_make(0, 1, slot, 1),
		.process = 1,
		.executor = slot % 3,
		.restarts = 0,
		.parent_row = MYC_NO_ROW,
		.state = MYC_ROW_STARTING,
		.endpoint = (uint16_t)slot,
		.behaviour = "book",
	};

	snprintf(entry.name, sizeof(entry.name), "%s", name);
	return entry;
}

static void publish(const char *name, uint32_t slot, uint32_t *row)
{
	struct myc_registry_entry entry = entry_of(name, slot);

	assert_int_equal(myc_registry_publish(&registry, &entry, NULL), 0);
	if (row)
		*row = entry.row;
}

static void a_published_name_is_found_with_all_it_says(void **state)
{
	struct myc_registry_entry found;
	uint32_t row;

	(void)state;
	publish("book/AAPL", 7, &row);
	assert_int_equal(myc_registry_find(&registry, "book/AAPL", &found), 0);
	assert_int_equal(found.row, row);
	assert_true(found.address == myc_address_make(0, 1, 7, 1));
	assert_int_equal(found.process, 1);
	assert_int_equal(found.executor, 1);
	assert_int_equal(found.parent_row, MYC_NO_ROW);
	assert_int_equal(found.state, MYC_ROW_STARTING);
	assert_int_equal(found.endpoint, 7);
	assert_string_equal(found.name, "book/AAPL");
	assert_string_equal(found.behaviour, "book");
	assert_int_equal(myc_registry_find(&registry, "book", &found), -ENOENT);
	assert_int_equal(myc_registry_find(&registry, "book/AAPL2", &found), -ENOENT);
}

static void names_are_checked_and_unique(void **state)
{
	static const char *const bad[] = {"", "a b", "a:b", "\xc3\xa9", "a\n"};
	struct myc_registry_entry entry;
	struct myc_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		entry = entry_of(bad[i], 1);
		assert_int_equal(myc_registry_publish(&registry, &entry, &error), -EINVAL);
	}
	entry = entry_of("x", 1);
	memset(entry.name, 'n', sizeof(entry.name));
	assert_int_equal(myc_registry_publish(&registry, &entry, &error), -EINVAL);
	entry.name[MYC_NAME_MAX] = '\0';
	assert_int_equal(myc_registry_publish(&registry, &entry, &error), 0);
	assert_int_equal(myc_registry_publish(&registry, &entry, &error), -EEXIST);
	assert_non_null(strstr(error.cause, "taken"));
	entry = entry_of("nobody", 1);
	entry.address = MYC_NOBODY;
	assert_int_equal(myc_registry_publish(&registry, &entry, &error), -EINVAL);
}

static void a_full_table_refuses_and_still_finds_everyone(void **state)
{
	struct myc_registry_entry entry;
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < MYC_REGISTRY_ROWS; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		publish(name, i, NULL);
	}
	entry = entry_of("one-more", 1);
	assert_int_equal(myc_registry_publish(&registry, &entry, NULL), -ENOSPC);
	assert_int_equal(myc_registry_find(&registry, "one-more", &entry), -ENOENT);
	for (uint32_t i = 0; i < MYC_REGISTRY_ROWS; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		assert_int_equal(myc_registry_find(&registry, name, &entry), 0);
		assert_int_equal(myc_address_slot(entry.address), i);
	}
}

/* Against a model: a plain array of what is published, from the seed. */
static void any_mix_of_changes_reads_as_the_model_says(void **state)
{
	enum { NAMES = 1200, STEPS = 40000 };
	static uint32_t row_of[NAMES];
	static uint32_t restarts_of[NAMES];
	static bool here[NAMES];
	uint64_t chance = test_seed();
	uint32_t count = 0;
	char name[16];

	(void)state;
	memset(here, 0, sizeof(here));
	for (int step = 0; step < STEPS; step++) {
		uint32_t i = (uint32_t)(test_random(&chance) % NAMES);
		struct myc_registry_entry entry;

		snprintf(name, sizeof(name), "n%u", i);
		switch (test_random(&chance) % 4) {
		case 0:
			entry = entry_of(name, i);
			int err = myc_registry_publish(&registry, &entry, NULL);
			if (here[i]) {
				assert_int_equal(err, -EEXIST);
				assert_int_equal(entry.row, row_of[i]);
				break;
			}
			assert_int_equal(err, count == MYC_REGISTRY_ROWS ? -ENOSPC : 0);
			if (!err) {
				here[i] = true;
				row_of[i] = entry.row;
				restarts_of[i] = 0;
				count++;
			}
			break;
		case 1:
			if (here[i]) {
				myc_registry_withdraw(&registry, row_of[i]);
				here[i] = false;
				count--;
			}
			break;
		case 2:
			if (here[i])
				myc_registry_set_state(&registry, row_of[i], MYC_ROW_UP,
						       ++restarts_of[i]);
			break;
		default:
			if (!here[i]) {
				assert_int_equal(myc_registry_find(&registry, name, &entry),
						 -ENOENT);
				break;
			}
			assert_int_equal(myc_registry_find(&registry, name, &entry), 0);
			assert_int_equal(entry.row, row_of[i]);
			assert_int_equal(entry.restarts, restarts_of[i]);
			assert_int_equal(entry.endpoint, (uint16_t)i);
		}
	}
	assert_int_equal(myc_registry_repair(&registry), 0);
}

/* ---- the writer dies at every point of every operation --------------------------------------- */

enum operation { PUBLISH, SET_STATE, WITHDRAW };

/* Runs the operation until point `at`; false when it came to its end. */
static bool dies(enum operation operation, uint32_t row, int at)
{
	struct myc_registry_entry entry = entry_of("victim", 9);

	points_seen = 0;
	stop_at = at;
	if (setjmp(died)) {
		stop_at = 0;
		return true;
	}
	if (operation == PUBLISH)
		myc_registry_publish(&registry, &entry, NULL);
	else if (operation == SET_STATE)
		myc_registry_set_state(&registry, row, MYC_ROW_UP, 5);
	else
		myc_registry_withdraw(&registry, row);
	stop_at = 0;
	return false;
}

static void torn(enum operation operation)
{
	struct myc_registry_entry entry;
	volatile int at = 1; /* lives across longjmp */
	uint32_t row = 0;

	for (;; at++) {
		fresh(NULL);
		publish("bystander", 3, NULL);
		if (operation != PUBLISH)
			publish("victim", 9, &row);
		if (!dies(operation, row, at))
			break;
		/* Readers: never half a row; others are not disturbed. */
		int err = myc_registry_find(&registry, "victim", &entry);
		assert_true(err == -EAGAIN || err == -ENOENT || err == 0);
		assert_int_equal(myc_registry_find(&registry, "bystander", &entry), 0);
		assert_int_equal(myc_registry_repair(&registry), 1);
		assert_int_equal(myc_registry_repair(&registry), 0);
		err = myc_registry_find(&registry, "victim", &entry);
		if (operation == SET_STATE)
			assert_int_equal(err, 0);
		if (!err) {
			assert_true(entry.address == myc_address_make(0, 1, 9, 1));
			assert_string_equal(entry.name, "victim");
			assert_string_equal(entry.behaviour, "book");
			assert_int_equal(entry.process, 1);
			assert_int_equal(entry.endpoint, 9);
			assert_true(entry.state == MYC_ROW_STARTING || entry.state == MYC_ROW_UP);
			assert_true(entry.restarts == 0 || entry.restarts == 5);
			myc_registry_withdraw(&registry, entry.row);
		} else {
			assert_int_equal(err, -ENOENT);
		}
		/* The row can be given out again, and the chain behind it was never cut. */
		publish("victim", 9, NULL);
		assert_int_equal(myc_registry_find(&registry, "bystander", &entry), 0);
	}
	assert_true(at > 3);
}

static void a_writer_dead_in_publish_leaves_nothing_or_the_whole_row(void **state)
{
	(void)state;
	torn(PUBLISH);
}

static void a_writer_dead_in_set_state_leaves_the_old_or_the_new_word(void **state)
{
	(void)state;
	torn(SET_STATE);
}

static void a_writer_dead_in_withdraw_leaves_nothing_or_the_whole_row(void **state)
{
	(void)state;
	torn(WITHDRAW);
}

static void a_torn_row_hides_nobody_behind_it(void **state)
{
	struct myc_registry_entry entry;
	uint32_t row;

	(void)state;
	publish("victim", 9, &row);
	rows[row].version |= 1;
	assert_int_equal(myc_registry_find(&registry, "victim", &entry), -EAGAIN);
	assert_int_equal(myc_registry_read(&registry, row, &entry), -EAGAIN);
	/* Another name that hashes to the same row. */
	char name[16];
	for (uint32_t i = 0;; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		if ((myc_name_hash(name) & (MYC_REGISTRY_ROWS - 1)) == row)
			break;
	}
	publish(name, 4, NULL);
	assert_int_equal(myc_registry_find(&registry, name, &entry), 0);
}

/* ---- a reader at every point of a writer, a writer at every point of a reader ---------------- */

static unsigned reads_whole, reads_again;

static void read_now(void)
{
	struct myc_registry_entry entry;
	int err = myc_registry_find(&registry, "subject", &entry);

	if (err) {
		assert_true(err == -EAGAIN || err == -ENOENT);
		reads_again++;
		return;
	}
	assert_int_equal(entry.endpoint, entry.restarts);
	assert_int_equal(myc_address_slot(entry.address), 5);
	reads_whole++;
}

static void a_reader_at_any_point_of_the_writer_sees_no_half_row(void **state)
{
	struct myc_registry_entry entry = entry_of("subject", 5);

	(void)state;
	reads_whole = reads_again = 0;
	for (uint32_t i = 0; i < 20; i++) {
		entry.restarts = i;
		entry.endpoint = (uint16_t)i;
		at_point = read_now;
		assert_int_equal(myc_registry_publish(&registry, &entry, NULL), 0);
		at_point = NULL;
		read_now();
		at_point = read_now;
		myc_registry_withdraw(&registry, entry.row);
		at_point = NULL;
	}
	assert_int_equal(reads_whole, 20);
	assert_true(reads_again > 20 * 10);
}

static uint32_t written_row;
static uint32_t writes_left;

/* The whole row changes under the reader, `writes_left` times. */
static void write_now(void)
{
	struct myc_registry_entry entry = entry_of("subject", 5);

	if (!writes_left)
		return;
	writes_left--;
	myc_registry_withdraw(&registry, written_row);
	entry.restarts = writes_left;
	entry.endpoint = (uint16_t)writes_left;
	assert_int_equal(myc_registry_publish(&registry, &entry, NULL), 0);
	assert_int_equal(entry.row, written_row);
}

static void a_writer_at_any_point_of_a_reader_makes_it_read_again(void **state)
{
	struct myc_registry_entry entry;

	(void)state;
	publish("subject", 5, &written_row);
	for (uint32_t writes = 1; writes < 60; writes++) {
		writes_left = writes;
		at_point = write_now;
		assert_int_equal(myc_registry_find(&registry, "subject", &entry), 0);
		at_point = NULL;
		assert_int_equal(writes_left, 0);
		assert_int_equal(entry.endpoint, entry.restarts);
		assert_int_equal(entry.restarts, 0);
	}
}

static atomic_bool reader_done;

static void *writes(void *unused)
{
	(void)unused;
	for (uint32_t i = 1; !atomic_load_explicit(&reader_done, memory_order_relaxed); i++) {
		struct myc_registry_entry entry = entry_of("subject", 5);

		entry.restarts = i & 0x7fff;
		entry.endpoint = (uint16_t)(i & 0x7fff);
		myc_registry_publish(&registry, &entry, NULL);
		for (int pause = 0; pause < 300; pause++)
			myc_cpu_relax();
		myc_registry_withdraw(&registry, entry.row);
	}
	return NULL;
}

static void concurrent_readers_see_whole_rows_only(void **state)
{
	pthread_t writer;

	(void)state;
	atomic_store(&reader_done, false);
	assert_int_equal(pthread_create(&writer, NULL, writes, NULL), 0);
	for (unsigned found = 0; found < 20000;) {
		struct myc_registry_entry entry;

		if (myc_registry_find(&registry, "subject", &entry))
			continue;
		found++;
		assert_int_equal(entry.endpoint, entry.restarts);
		assert_int_equal(myc_address_slot(entry.address), 5);
	}
	atomic_store_explicit(&reader_done, true, memory_order_relaxed);
	pthread_join(writer, NULL);
}

/* ---- processes ------------------------------------------------------------------------------- */

static void a_process_is_alive_between_start_and_death_of_one_incarnation(void **state)
{
	(void)state;
	assert_false(myc_process_alive(&registry, 2));
	for (uint32_t life = 1; life <= 3; life++) {
		myc_process_started(&registry, 2, "market", 100 + life, 1, life * 1000);
		assert_true(myc_process_alive(&registry, 2));
		assert_int_equal(processes[2].incarnation, life);
		assert_int_equal(processes[2].restarts, life - 1);
		assert_int_equal(processes[2].pid, 100 + life);
		myc_process_dead(&registry, 2);
		assert_false(myc_process_alive(&registry, 2));
	}
	assert_false(myc_process_alive(&registry, MYC_PROCESSES_MAX));
}

/* The exit watch may hear of a child's end before the supervisor notes its start. */
static void a_death_that_came_before_its_start_was_noted_is_not_taken_back(void **state)
{
	(void)state;
	myc_process_started(&registry, 2, "market", 100, 1, 1000);
	myc_process_dead(&registry, 2);
	processes[2].dead_incarnation = 2;
	assert_false(myc_process_alive(&registry, 2));
	myc_process_dead(&registry, 2);
	assert_int_equal(processes[2].dead_incarnation, 2);
	myc_process_started(&registry, 2, "market", 101, 1, 2000);
	assert_false(myc_process_alive(&registry, 2));
	myc_process_started(&registry, 2, "market", 102, 1, 3000);
	assert_true(myc_process_alive(&registry, 2));
}

static void a_supervisor_dead_before_it_said_started_changed_nothing(void **state)
{
	(void)state;
	myc_process_started(&registry, 2, "market", 100, 1, 1000);
	myc_process_dead(&registry, 2);
	points_seen = 0;
	stop_at = 1;
	if (!setjmp(died)) {
		myc_process_started(&registry, 2, "market", 101, 1, 2000);
		fail();
	}
	stop_at = 0;
	assert_false(myc_process_alive(&registry, 2));
	myc_process_started(&registry, 2, "market", 102, 1, 3000);
	assert_int_equal(processes[2].incarnation, 2);
	assert_true(myc_process_alive(&registry, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_published_name_is_found_with_all_it_says, fresh),
		cmocka_unit_test_setup(names_are_checked_and_unique, fresh),
		cmocka_unit_test_setup(a_full_table_refuses_and_still_finds_everyone, fresh),
		cmocka_unit_test_setup(any_mix_of_changes_reads_as_the_model_says, fresh),
		cmocka_unit_test_setup(a_writer_dead_in_publish_leaves_nothing_or_the_whole_row,
				       fresh),
		cmocka_unit_test_setup(a_writer_dead_in_set_state_leaves_the_old_or_the_new_word,
				       fresh),
		cmocka_unit_test_setup(a_writer_dead_in_withdraw_leaves_nothing_or_the_whole_row,
				       fresh),
		cmocka_unit_test_setup(a_torn_row_hides_nobody_behind_it, fresh),
		cmocka_unit_test_setup(a_reader_at_any_point_of_the_writer_sees_no_half_row, fresh),
		cmocka_unit_test_setup(a_writer_at_any_point_of_a_reader_makes_it_read_again,
				       fresh),
		cmocka_unit_test_setup(concurrent_readers_see_whole_rows_only, fresh),
		cmocka_unit_test_setup(
			a_process_is_alive_between_start_and_death_of_one_incarnation, fresh),
		cmocka_unit_test_setup(
			a_death_that_came_before_its_start_was_noted_is_not_taken_back, fresh),
		cmocka_unit_test_setup(a_supervisor_dead_before_it_said_started_changed_nothing,
				       fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
