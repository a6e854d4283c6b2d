/* SPDX-License-Identifier: Apache-2.0 */
/* Ordered shutdown: phases, deadlines, tasks, and what the result says of who was late. */
#include "common/wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#define SECOND_MS 10000
#define SECOND	  10000000000ull

enum { WORK = 1, BLOCK, SPAWN, PASS };

/* ---- what has happened, in order ----------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char happened[512][40];
static uint32_t count;
static _Atomic uint32_t worked, blocked;
static _Atomic bool hold;

static void happens(const char *what, const char *to)
{
	pthread_mutex_lock(&mutex);
	assert_true(count < 512);
	snprintf(happened[count++], sizeof(happened[0]), "%s %s", what, to);
	pthread_mutex_unlock(&mutex);
}

/* As one line. */
static const char *story(void)
{
	static char line[8192];

	*line = '\0';
	pthread_mutex_lock(&mutex);
	for (uint32_t i = 0; i < count; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s", i ? ", " : "",
			 happened[i]);
	pthread_mutex_unlock(&mutex);
	return line;
}

/* ---- actors ------------------------------------------------------------------------------------- */

static int message(struct myc_actor *self, const struct myc_message *message);

static void stopping(struct myc_actor *self)
{
	struct myc_ref to;

	/* Its last words are heard by who ends later. */
	if (!myc_lookup(self, myc_setting(self, "tells", "nobody"), &to))
		(void)myc_send(self, &to, WORK, NULL, 0);
}

static void stopped(struct myc_actor *self)
{
	happens("-", myc_name(self));
}

static const struct myc_behaviour noted = {
	.name = "noted", .message = message, .stopping = stopping, .stopped = stopped};

static int message(struct myc_actor *self, const struct myc_message *got)
{
	struct myc_spawn_opts child = {.sz = sizeof(child), .behaviour = &noted, .name = "child"};

	if (got->type == BLOCK) {
		blocked++;
		while (hold)
			sched_yield();
	}
	if (got->type == SPAWN) {
		memcpy(&child.phase, got->payload, sizeof(child.phase));
		int code = myc_spawn_local(self, &child, NULL, NULL);

		happens(code ? "refused" : "spawned", code ? strerror(-code) : "child");
	}
	worked++;
	return 0;
}

static struct myc_system *open_system(void)
{
	static const struct myc_executor_opts executor[2] = {{.core = -1}, {.core = -1}};
	struct myc_system *system;

	count = 0;
	worked = blocked = 0;
	hold = false;
	assert_int_equal(
		myc_system_open(&system,
				&(struct myc_system_opts){.sz = sizeof(struct myc_system_opts),
							  .executors = 2,
							  .executor = executor},
				NULL),
		0);
	return system;
}

static uint32_t phase_as(struct myc_system *system, struct myc_phase_opts opts)
{
	uint32_t number = 0;

	opts.sz = sizeof(opts);
	assert_int_equal(myc_system_phase(system, &opts, &number, NULL), 0);
	return number;
}

static uint32_t phase(struct myc_system *system, const char *name)
{
	return phase_as(system, (struct myc_phase_opts){.name = name, .timeout_ms = SECOND_MS});
}

static myc_address spawn(struct myc_system *system, const char *name, uint32_t executor,
			 uint32_t in)
{
	struct myc_setting tells = {"tells", "b"};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = &noted,
				      .name = name,
				      .executor = executor,
				      .phase = in,
				      .settings = &tells,
				      .settings_count = 1};
	myc_address address;

	assert_int_equal(myc_spawn(system, &opts, &address, NULL), 0);
	return address;
}

static void start(struct myc_system *system)
{
	assert_int_equal(myc_system_start(system, NULL), 0);
}

static void post(struct myc_system *system, myc_address to, uint16_t type, uint32_t value)
{
	assert_int_equal(myc_post(system, to, type, &value, sizeof(value), SECOND), 0);
}

/* ---- order ------------------------------------------------------------------------------------- */

static void phases_end_in_the_order_of_their_declaration_and_actors_in_reverse_order_of_start(
	void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first"), second = phase(system, "second");
	struct myc_shutdown result;

	(void)state;
	spawn(system, "rest", 0, 0);
	spawn(system, "2a", 0, second);
	spawn(system, "1a", 1, first);
	spawn(system, "2b", 1, second);
	start(system);
	spawn(system, "1b", 0, first);
	spawn(system, "1c", 1, first);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, &result), 0);
	assert_string_equal(story(), "- 1c, - 1b, - 1a, - 2b, - 2a, - rest");
	assert_int_equal(result.notes + result.killed + result.stuck + result.late + result.failed,
			 0);
	myc_system_close(system);
}

static void last_words_are_heard_by_later_phases(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first"), second = phase(system, "second");

	(void)state;
	spawn(system, "b", 0, second);
	spawn(system, "a", 1, first);
	start(system);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	assert_string_equal(story(), "- a, - b");
	assert_int_equal(worked, 1);
	myc_system_close(system);
}

static void what_was_sent_is_handled_before_a_phase_is_over(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first");
	myc_address a = spawn(system, "a", 0, first);

	(void)state;
	start(system);
	for (uint32_t i = 0; i < 50; i++)
		post(system, a, WORK, 0);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	assert_int_equal(worked, 50);
	myc_system_close(system);
}

static void all_at_once_ends_them_all(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase_as(system, (struct myc_phase_opts){.name = "first",
								  .timeout_ms = SECOND_MS,
								  .how = MYC_STOP,
								  .together = true});
	char name[8];

	(void)state;
	start(system);
	spawn(system, "rest", 0, 0);
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%u", i);
		spawn(system, name, i % 2, first);
	}
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	assert_int_equal(count, 201);
	assert_string_equal(happened[200], "- rest");
	myc_system_close(system);
}

/* ---- who belongs to it -------------------------------------------------------------------------- */

static void an_actors_children_are_of_its_phase_unless_given_another(void **state)
{
	for (uint32_t given = 0; given < 3; given++) {
		struct myc_system *system = open_system();
		uint32_t first = phase(system, "first"), second = phase(system, "second");
		myc_address parent = spawn(system, "parent", 0, first);

		(void)state;
		start(system);
		spawn(system, "2", 1, second);
		post(system, parent, SPAWN, given);
		wait_until(worked == 1);
		assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
		assert_string_equal(story(), given < 2 ? "spawned child, - child, - parent, - 2"
						       : "spawned child, - parent, - child, - 2");
		myc_system_close(system);
	}
}

static void those_that_have_ended_before_are_none_of_its_business(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first");

	(void)state;
	start(system);
	for (uint32_t i = 0; i < 2000; i++) {
		myc_address a = spawn(system, "brief", i % 2, first);

		assert_int_equal(myc_actor_stop(system, a, MYC_STOP_KILL, SECOND), 0);
	}
	spawn(system, "last", 0, first);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	assert_string_equal(story(), "- last");
	myc_system_close(system);
}

static void nobody_is_spawned_into_a_phase_that_has_ended_or_never_was(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first"), more = 0;
	myc_address rest = spawn(system, "rest", 0, 0);
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &noted};
	struct myc_shutdown result = {0};

	(void)state;
	start(system);
	for (opts.phase = first + 1; opts.phase < 1000; opts.phase += 15)
		assert_int_equal(myc_spawn(system, &opts, NULL, NULL), -EINVAL);
	post(system, rest, SPAWN, first + 256);
	wait_until(worked == 1);
	assert_int_equal(myc_phase_stop(system, first, &result), 0);
	assert_int_equal(myc_phase_stop(system, first, &result), -EALREADY);
	assert_int_equal(myc_phase_stop(system, 0, &result), -ENOENT);
	assert_int_equal(myc_phase_stop(system, 2, &result), -ENOENT);
	opts.phase = first;
	assert_int_equal(myc_spawn(system, &opts, NULL, NULL), -ESHUTDOWN);
	post(system, rest, SPAWN, first);
	wait_until(worked == 2);
	assert_int_equal(myc_phase_task(system, first, "", (int (*)(void *))abort, NULL, NULL),
			 -ESHUTDOWN);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	assert_int_equal(
		myc_system_phase(system,
				 &(struct myc_phase_opts){.sz = sizeof(struct myc_phase_opts),
							  .name = "late"},
				 &more, NULL),
		-ESHUTDOWN);
	assert_string_equal(story(), "refused Invalid argument, refused Cannot send after "
				     "transport end, - rest");
	myc_system_close(system);
}

static void one_that_is_spawned_while_its_phase_ends_is_stopped_too(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first");
	myc_address parent = spawn(system, "parent", 0, first);

	(void)state;
	start(system);
	hold = true;
	post(system, parent, BLOCK, 0);
	wait_until(blocked == 1);
	post(system, parent, SPAWN, 0); /* handled by the drain */
	hold = false;
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	assert_string_equal(story(), "spawned child, - parent, - child");
	myc_system_close(system);
}

static void bad_declarations_are_refused(void **state)
{
	struct myc_system *system = open_system();
	struct myc_phase_opts opts = {.sz = sizeof(opts), .name = "x"};
	char name[40];
	uint32_t number;

	(void)state;
	assert_int_equal(myc_system_phase(system, NULL, &number, NULL), -EINVAL);
	opts.sz = 3;
	assert_int_equal(myc_system_phase(system, &opts, &number, NULL), -EINVAL);
	opts.sz = sizeof(opts);
	opts.name = "";
	assert_int_equal(myc_system_phase(system, &opts, &number, NULL), -EINVAL);
	opts.name = "a name that is longer than it may be";
	assert_int_equal(myc_system_phase(system, &opts, &number, NULL), -EINVAL);
	opts.name = "x";
	opts.how = MYC_STOP_KILL;
	assert_int_equal(myc_system_phase(system, &opts, &number, NULL), -EINVAL);
	opts.how = 0;
	for (uint32_t i = 1; i <= MYC_PHASES_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		opts.name = name;
		assert_int_equal(myc_system_phase(system, &opts, &number, NULL), 0);
		assert_int_equal(number, i);
		assert_int_equal(myc_system_phase(system, &opts, &number, NULL),
				 i < MYC_PHASES_MAX ? -EEXIST : -ENOSPC);
	}
	assert_int_equal(myc_phase_task(system, 0, "", (int (*)(void *))abort, NULL, NULL),
			 -EINVAL);
	assert_int_equal(myc_phase_task(system, 1, "", NULL, NULL, NULL), -EINVAL);
	myc_system_close(system);
}

/* ---- deadlines ---------------------------------------------------------------------------------- */

static void who_is_over_the_deadline_is_killed_and_named_and_the_next_phase_begins(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first =
		phase_as(system, (struct myc_phase_opts){.name = "first", .timeout_ms = 300});
	uint32_t second = phase(system, "second");
	struct myc_shutdown result;
	myc_address slow = spawn(system, "slow", 0, first);

	(void)state;
	spawn(system, "2", 1, second);
	spawn(system, "quick", 1, first);
	start(system);
	wait_until(!myc_actor_suspend(system, slow));
	for (uint32_t i = 0; i < 3; i++)
		post(system, slow, WORK, 0);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, &result), -ETIME);
	assert_string_equal(story(), "- quick, - 2");
	assert_int_equal(worked, 0);
	assert_int_equal(result.killed, 1);
	assert_int_equal(result.notes, 1);
	assert_int_equal(result.note[0].what, MYC_SHUTDOWN_KILLED);
	assert_int_equal(result.note[0].phase, first);
	assert_true(result.note[0].actor == slow);
	assert_string_equal(result.note[0].name, "slow");
	myc_system_close(system);
}

static void who_does_not_return_is_named_as_stuck(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first =
		phase_as(system, (struct myc_phase_opts){.name = "first", .timeout_ms = 300});
	uint32_t second = phase(system, "second");
	struct myc_shutdown result;
	myc_address stuck = spawn(system, "stuck", 0, first);

	(void)state;
	spawn(system, "quick", 1, first);
	spawn(system, "2", 1, second);
	start(system);
	hold = true;
	post(system, stuck, BLOCK, 0);
	wait_until(blocked == 1);
	assert_int_equal(myc_system_shutdown(system, 10, &result), -ETIMEDOUT);
	assert_string_equal(story(), "- quick, - 2");
	assert_int_equal(result.killed, 0);
	assert_int_equal(result.stuck, 1);
	assert_int_equal(result.note[0].what, MYC_SHUTDOWN_STUCK);
	assert_string_equal(result.note[0].name, "stuck");
	hold = false;
	assert_int_equal(myc_system_stop(system, SECOND_MS), 0);
	assert_string_equal(story(), "- quick, - 2"); /* killed: not even `stopped` */
	myc_system_close(system);
}

static void more_than_there_is_room_to_note_are_counted(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase_as(
		system,
		(struct myc_phase_opts){.name = "first", .timeout_ms = 300, .together = true});
	struct myc_shutdown result;
	myc_address a[MYC_SHUTDOWN_NOTES + 8];

	(void)state;
	start(system);
	for (uint32_t i = 0; i < MYC_SHUTDOWN_NOTES + 8; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%u", i);
		a[i] = spawn(system, name, i % 2, first);
		wait_until(!myc_actor_suspend(system, a[i]));
	}
	for (uint32_t i = 0; i < MYC_SHUTDOWN_NOTES + 8; i++)
		post(system, a[i], WORK, 0);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, &result), -ETIME);
	assert_int_equal(result.killed, MYC_SHUTDOWN_NOTES + 8);
	assert_int_equal(result.notes, MYC_SHUTDOWN_NOTES);
	assert_string_equal(result.note[0].name, "39"); /* the last one first */
	myc_system_close(system);
}

/* ---- tasks ------------------------------------------------------------------------------------- */

static int task(void *name)
{
	happens("task", name);
	return *(const char *)name == '!' ? -EIO : 0;
}

static _Atomic bool task_left;

static int slow_task(void *name)
{
	while (hold)
		sched_yield();
	happens("late", name);
	task_left = true;
	return 0;
}

static int nothing_to_do(void *context)
{
	(void)context;
	return 0;
}

static void tasks_come_before_the_actors_of_their_phase(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first"), second = phase(system, "second");
	struct myc_shutdown result;

	(void)state;
	spawn(system, "1", 0, first);
	start(system);
	assert_int_equal(myc_phase_task(system, second, "c", task, "c", NULL), 0);
	assert_int_equal(myc_phase_task(system, first, "a", task, "a", NULL), 0);
	assert_int_equal(myc_phase_task(system, first, "bad", task, "!", NULL), 0);
	assert_int_equal(myc_phase_task(system, first, "b", nothing_to_do, NULL, NULL), 0);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, &result), -ETIME);
	assert_string_equal(story(), "task a, task !, - 1, task c");
	assert_int_equal(result.failed, 1);
	assert_int_equal(result.note[0].what, MYC_SHUTDOWN_FAILED);
	assert_int_equal(result.note[0].code, -EIO);
	assert_int_equal(result.note[0].actor, MYC_NOBODY);
	assert_string_equal(result.note[0].name, "bad");
	myc_system_close(system);
}

static void a_task_over_its_deadline_is_left_behind_and_named(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first =
		phase_as(system, (struct myc_phase_opts){.name = "first", .timeout_ms = 50});
	uint32_t second = phase(system, "second");
	struct myc_shutdown result;

	(void)state;
	spawn(system, "1", 0, first);
	spawn(system, "2", 0, second);
	start(system);
	hold = true;
	task_left = false;
	assert_int_equal(myc_phase_task(system, first, "slow", slow_task, "slow", NULL), 0);
	assert_int_equal(myc_phase_task(system, first, "unbegun", task, "unbegun", NULL), 0);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, &result), -ETIME);
	assert_int_equal(result.late, 2);
	assert_int_equal(result.note[0].what, MYC_SHUTDOWN_LATE);
	assert_string_equal(result.note[0].name, "slow");
	assert_string_equal(result.note[1].name, "unbegun");
	/* It took the time of the phase's actor as well. */
	assert_int_equal(result.killed, 1);
	assert_string_equal(result.note[2].name, "1");
	assert_string_equal(story(), "- 2");
	myc_system_close(system);
	hold = false;
	wait_until(task_left);
	assert_string_equal(story(), "- 2, late slow");
}

static void a_system_that_was_not_started_has_nothing_to_wait_for(void **state)
{
	struct myc_system *system = open_system();
	uint32_t first = phase(system, "first");

	(void)state;
	spawn(system, "1", 0, first);
	assert_int_equal(myc_system_shutdown(system, SECOND_MS, NULL), 0);
	myc_system_close(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			phases_end_in_the_order_of_their_declaration_and_actors_in_reverse_order_of_start),
		cmocka_unit_test(last_words_are_heard_by_later_phases),
		cmocka_unit_test(what_was_sent_is_handled_before_a_phase_is_over),
		cmocka_unit_test(all_at_once_ends_them_all),
		cmocka_unit_test(an_actors_children_are_of_its_phase_unless_given_another),
		cmocka_unit_test(those_that_have_ended_before_are_none_of_its_business),
		cmocka_unit_test(nobody_is_spawned_into_a_phase_that_has_ended_or_never_was),
		cmocka_unit_test(one_that_is_spawned_while_its_phase_ends_is_stopped_too),
		cmocka_unit_test(bad_declarations_are_refused),
		cmocka_unit_test(
			who_is_over_the_deadline_is_killed_and_named_and_the_next_phase_begins),
		cmocka_unit_test(who_does_not_return_is_named_as_stuck),
		cmocka_unit_test(more_than_there_is_room_to_note_are_counted),
		cmocka_unit_test(tasks_come_before_the_actors_of_their_phase),
		cmocka_unit_test(a_task_over_its_deadline_is_left_behind_and_named),
		cmocka_unit_test(a_system_that_was_not_started_has_nothing_to_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
