/* SPDX-License-Identifier: Apache-2.0 */
/* Actors with a thread of their own: they block, and hold up nobody; threads come and go with them. */
#include "common/wait.h"

#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>
#include <mycelium/shutdown.h>

#include "base/clock.h"
#include "core/executor.h"

#define SECOND 1000000000ull

enum { BLOCK = 1, ECHO, COUNT, LEAVE, FAIL, SEND, WATCH, DISMISS, SPAWN, ASK };

static struct myc_system *system_;
static sem_t gate;
static _Atomic uint32_t blocked, counted, disorder, begun, ended, replies, downs, spawned;
static _Atomic int status, code;
static _Atomic myc_address child, down_from;
static _Atomic uint32_t down_kind;

static const struct myc_behaviour worker;

static int send_many(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t words[2];
	struct myc_ref to;

	memcpy(words, message->payload, sizeof(words));
	code = myc_resolve(self, words[0], &to);
	for (uint32_t i = 1; i <= words[1] && !code; i++)
		code = myc_send(self, &to, COUNT, &i, sizeof(i));
	return 0;
}

static int spawn_here(struct myc_actor *self)
{
	myc_address address;

	code = myc_spawn_local(self,
			       &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
							.behaviour = &worker,
							.flags = MYC_SPAWN_THREAD},
			       &address, NULL);
	child = code ? MYC_NOBODY : address;
	spawned++;
	return 0;
}

static int on_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t *last = myc_state(self), number;
	struct myc_monitor monitor;
	myc_address address;
	struct myc_ref to;

	switch (message->type) {
	case BLOCK:
		blocked++;
		sem_wait(&gate);
		return 0;
	case ECHO:
		return myc_reply(self, message, ECHO, NULL, 0);
	case COUNT:
		memcpy(&number, message->payload, sizeof(number));
		disorder += number != *last + 1;
		*last = number;
		counted++;
		return 0;
	case LEAVE:
		myc_stop(self);
		return 0;
	case FAIL:
		return -EIO;
	case SEND:
		return send_many(self, message);
	case WATCH:
		memcpy(&address, message->payload, sizeof(address));
		code = myc_monitor(self, address, 0, &monitor);
		spawned++;
		return 0;
	case DISMISS: /* behind what it sent there before: its watch */
		memcpy(&address, message->payload, sizeof(address));
		to = (struct myc_ref){.address = address};
		return myc_send(self, &to, LEAVE, NULL, 0);
	case SPAWN:
		return spawn_here(self);
	case ASK:
		memcpy(&address, message->payload, sizeof(address));
		to = (struct myc_ref){.address = address};
		code = myc_ask(self, &to, ECHO, NULL, 0, 20 * SECOND, 0, NULL);
		if (code)
			replies++;
		return 0;
	default:
		return 0;
	}
}

static int on_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	status = reply->status;
	replies++;
	return 0;
}

static int on_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	down_from = event->from;
	down_kind = event->reason.kind;
	downs++;
	return 0;
}

static int on_started(struct myc_actor *self)
{
	(void)self;
	begun++;
	return 0;
}

static void on_stopped(struct myc_actor *self)
{
	(void)self;
	ended++;
}

static const struct myc_behaviour worker = {.name = "worker",
					    .state_size = 4,
					    .started = on_started,
					    .message = on_message,
					    .reply = on_reply,
					    .signal = on_signal,
					    .stopped = on_stopped};

static void open_with(uint32_t executors, uint32_t threads, bool start)
{
	const struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = executors, .threads = threads};

	sem_init(&gate, 0, 0);
	blocked = counted = disorder = begun = ended = replies = downs = spawned = 0;
	status = code = 0;
	assert_int_equal(myc_system_open(&system_, &opts, NULL), 0);
	if (start)
		assert_int_equal(myc_system_start(system_, NULL), 0);
}

static void close_all(void)
{
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
	sem_destroy(&gate);
}

static int spawn_as(uint32_t flags, const char *name, myc_address *address)
{
	const struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = &worker, .name = name, .flags = flags};

	return myc_spawn(system_, &opts, address, NULL);
}

static myc_address spawn(uint32_t flags)
{
	myc_address address = MYC_NOBODY;

	assert_int_equal(spawn_as(flags, NULL, &address), 0);
	return address;
}

static void post(myc_address to, uint16_t type, const void *payload, size_t size)
{
	assert_int_equal(myc_post(system_, to, type, payload, size, 10 * SECOND), 0);
}

static uint32_t threads_now(void)
{
	DIR *tasks = opendir("/proc/self/task");
	uint32_t n = 0;

	assert_non_null(tasks);
	for (const struct dirent *entry; (entry = readdir(tasks));)
		n += entry->d_name[0] != '.';
	closedir(tasks);
	return n;
}

static bool gone(myc_address address)
{
	return myc_post_try(system_, address, COUNT, NULL, 0) == -ESRCH;
}

/* ---- blocking ---------------------------------------------------------------------------------- */

static void a_handler_that_blocks_holds_up_nobody(void **state)
{
	struct myc_answer answer;

	(void)state;
	open_with(1, 2, true);
	myc_address first = spawn(MYC_SPAWN_THREAD), second = spawn(MYC_SPAWN_THREAD);
	myc_address plain = spawn(0), other = spawn(0);

	post(first, BLOCK, NULL, 0);
	wait_until(blocked == 1);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(myc_call(system_, plain, ECHO, NULL, 0, &answer, 5 * SECOND), 0);
		assert_int_equal(myc_call(system_, second, ECHO, NULL, 0, &answer, 5 * SECOND), 0);
	}
	/* Who sends to it is paused for want of credit, and nobody else. */
	post(plain, SEND, (uint64_t[]){first, 50}, 16);
	assert_int_equal(myc_call(system_, other, ECHO, NULL, 0, &answer, 5 * SECOND), 0);
	assert_int_equal(counted, 0);
	assert_int_equal(myc_call(system_, first, ECHO, NULL, 0, &answer, SECOND / 20), -ETIMEDOUT);
	sem_post(&gate);
	wait_until(counted == 50);
	assert_int_equal(disorder, 0);
	assert_int_equal(myc_call(system_, first, ECHO, NULL, 0, &answer, 5 * SECOND), 0);
	close_all();
}

static void messages_go_both_ways_in_order_beyond_all_credit(void **state)
{
	(void)state;
	open_with(2, 1, true);
	myc_address bound = spawn(MYC_SPAWN_THREAD), plain = spawn(0);

	post(plain, SEND, (uint64_t[]){bound, 1000}, 16);
	wait_until(counted == 1000 || code);
	assert_int_equal(code, 0);
	assert_int_equal(disorder, 0);
	post(bound, SEND, (uint64_t[]){plain, 900}, 16);
	wait_until(counted == 1900);
	assert_int_equal(disorder, 0);
	close_all();
}

/* ---- threads come and go ----------------------------------------------------------------------- */

static void its_thread_is_made_at_the_spawn_and_joined_after_its_end(void **state)
{
	(void)state;
	open_with(1, 3, true);
	uint32_t before = threads_now();

	for (int i = 0; i < 30; i++) {
		myc_address address[3];

		for (int k = 0; k < 3; k++)
			address[k] = spawn(MYC_SPAWN_THREAD);
		wait_until(begun == 3u * (uint32_t)i + 3);
		assert_int_equal(threads_now(), before + 3);
		for (int k = 0; k < 3; k++)
			post(address[k], LEAVE, NULL, 0);
		wait_until(ended == 3u * (uint32_t)i + 3);
		wait_until(threads_now() == before);
	}
	close_all();
}

static void there_can_be_as_many_as_were_declared(void **state)
{
	myc_address address[2], more;

	(void)state;
	open_with(1, 2, true);
	address[0] = spawn(MYC_SPAWN_THREAD);
	address[1] = spawn(MYC_SPAWN_THREAD);
	assert_int_equal(spawn_as(MYC_SPAWN_THREAD, NULL, &more), -ENOSPC);
	post(address[0], LEAVE, NULL, 0);
	wait_until(spawn_as(MYC_SPAWN_THREAD, NULL, &more) == 0);
	assert_int_equal(spawn_as(MYC_SPAWN_THREAD, NULL, &more), -ENOSPC);
	assert_int_equal(spawn_as(1u << 31, NULL, &more), -EINVAL);
	close_all();
	open_with(1, 0, true);
	assert_int_equal(spawn_as(MYC_SPAWN_THREAD, NULL, &more), -ENOSPC);
	close_all();
	const struct myc_system_opts opts = {.sz = sizeof(opts), .threads = 17};

	assert_int_equal(myc_system_open(&system_, &opts, NULL), -EINVAL);
}

static void a_refused_spawn_leaves_its_place_free(void **state)
{
	myc_address address;

	(void)state;
	for (int start = 0; start < 2; start++) {
		open_with(1, 1, start);
		assert_int_equal(spawn_as(0, "taken", &address), 0);
		for (int i = 0; i < 5; i++)
			assert_int_equal(spawn_as(MYC_SPAWN_THREAD, "taken", &address), -EEXIST);
		assert_int_equal(spawn_as(MYC_SPAWN_THREAD, "free", &address), 0);
		if (!start)
			assert_int_equal(myc_system_start(system_, NULL), 0);
		wait_until(begun == 2);
		close_all();
	}
}

static void spawned_before_the_start_it_begins_with_it(void **state)
{
	(void)state;
	open_with(1, 2, false);
	myc_address address = spawn(MYC_SPAWN_THREAD);

	assert_int_equal(begun, 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
	wait_until(begun == 1);
	post(address, BLOCK, NULL, 0);
	wait_until(blocked == 1);
	sem_post(&gate);
	close_all();
	assert_int_equal(ended, 1);
}

static void an_actor_spawns_one_that_may_block(void **state)
{
	(void)state;
	open_with(1, 1, true);
	myc_address plain = spawn(0);

	post(plain, SPAWN, NULL, 0);
	wait_until(spawned == 1);
	assert_int_equal(code, 0);
	wait_until(begun == 2);
	post(child, BLOCK, NULL, 0);
	wait_until(blocked == 1);
	post(plain, SPAWN, NULL, 0);
	wait_until(spawned == 2);
	assert_int_equal(code, -ENOSPC);
	sem_post(&gate);
	close_all();
}

static void it_is_restarted_in_place_and_its_thread_stays(void **state)
{
	(void)state;
	open_with(1, 1, true);
	myc_address address = spawn(MYC_SPAWN_THREAD);

	wait_until(begun == 1);
	uint32_t before = threads_now();

	post(address, FAIL, NULL, 0);
	wait_until(begun == 2);
	assert_int_equal(threads_now(), before);
	for (int i = 0; i < 3; i++)
		post(address, FAIL, NULL, 0);
	/* Beyond its limit it ends, and so does its thread. */
	wait_until(gone(address));
	wait_until(threads_now() == before - 1);
	close_all();
}

/* ---- what comes to those that have ended ------------------------------------------------------- */

static void who_monitors_it_is_told_of_its_end_also_afterwards(void **state)
{
	(void)state;
	open_with(2, 1, true);
	myc_address plain = spawn(0);
	uint32_t at_once = 0;

	for (uint32_t i = 0; i < 10; i++) {
		myc_address address = MYC_NOBODY;

		/* The one before has gone; its thread may be about to. */
		wait_until(spawn_as(MYC_SPAWN_THREAD, NULL, &address) == 0);
		post(plain, WATCH, &address, sizeof(address));
		wait_until(spawned == 2 * i + 1);
		assert_int_equal(code, 0);
		post(plain, DISMISS, &address, sizeof(address));
		wait_until(downs == 2 * i + 1);
		assert_int_equal(down_from, address);
		assert_int_equal(down_kind, MYC_EXIT_NORMAL);
		wait_until(gone(address));
		uint64_t asked = myc_clock_ns();

		post(plain, WATCH, &address, sizeof(address));
		wait_until(downs == 2 * i + 2);
		assert_int_equal(down_kind, MYC_EXIT_NOPROC);
		at_once += myc_clock_ns() - asked < SECOND / 2;
	}
	assert_true(at_once > 0); /* of ten: not when somebody has waited long enough */
	close_all();
}

static void an_ask_that_comes_while_it_ends_is_answered_or_told(void **state)
{
	(void)state;
	open_with(1, 1, true);
	myc_address plain = spawn(0);

	for (uint32_t i = 0; i < 100; i++) {
		myc_address address;

		wait_until(spawn_as(MYC_SPAWN_THREAD, NULL, &address) == 0);
		if (i % 2)
			wait_until(begun == i + 2);
		post(plain, ASK, &address, sizeof(address));
		int sent = myc_post(system_, address, LEAVE, NULL, 0, 10 * SECOND);

		assert_true(!sent || sent == -ESRCH);
		/* Well before the ask's timeout of 20 s. */
		wait_until(replies == i + 1);
		assert_true(status == 0 || status == -ESRCH);
		wait_until(gone(address));
	}
	close_all();
}

/* ---- stopping ---------------------------------------------------------------------------------- */

static void a_stop_waits_for_its_handler(void **state)
{
	struct timespec later = {.tv_nsec = 50000000};

	(void)state;
	open_with(2, 2, true);
	myc_address address = spawn(MYC_SPAWN_THREAD);

	post(address, BLOCK, NULL, 0);
	wait_until(blocked == 1);
	myc_system_request_stop(system_);
	nanosleep(&later, NULL);
	assert_int_equal(ended, 0);
	sem_post(&gate);
	assert_int_equal(myc_system_wait(system_, 10000), 0);
	assert_int_equal(ended, 1);
	myc_address more;

	assert_int_equal(spawn_as(MYC_SPAWN_THREAD, NULL, &more), -ESHUTDOWN);
	myc_system_close(system_);
}

static void who_hangs_is_named(void **state)
{
	struct myc_shutdown result;
	myc_address address, fine, hung[4];

	(void)state;
	open_with(1, 3, true);
	assert_int_equal(spawn_as(MYC_SPAWN_THREAD, "database", &address), 0);
	assert_int_equal(spawn_as(MYC_SPAWN_THREAD, "fine", &fine), 0);
	post(address, BLOCK, NULL, 0);
	wait_until(blocked == 1);
	assert_int_equal(myc_system_shutdown(system_, 100, &result), -ETIMEDOUT);
	assert_int_equal(result.stuck, 1);
	assert_int_equal(result.notes, 1);
	assert_int_equal(result.note[0].what, MYC_SHUTDOWN_STUCK);
	assert_int_equal(result.note[0].actor, address);
	assert_string_equal(result.note[0].name, "database");
	assert_int_equal(myc_system_hung(system_, hung, 4), 1);
	assert_int_equal(hung[0], address);
	assert_int_equal(myc_system_hung(system_, hung, 0), 0);
	sem_post(&gate);
	assert_int_equal(myc_system_wait(system_, 10000), 0);
	assert_int_equal(myc_system_hung(system_, hung, 4), 0);
	myc_system_close(system_);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_that_blocks_holds_up_nobody),
		cmocka_unit_test(messages_go_both_ways_in_order_beyond_all_credit),
		cmocka_unit_test(its_thread_is_made_at_the_spawn_and_joined_after_its_end),
		cmocka_unit_test(there_can_be_as_many_as_were_declared),
		cmocka_unit_test(a_refused_spawn_leaves_its_place_free),
		cmocka_unit_test(spawned_before_the_start_it_begins_with_it),
		cmocka_unit_test(an_actor_spawns_one_that_may_block),
		cmocka_unit_test(it_is_restarted_in_place_and_its_thread_stays),
		cmocka_unit_test(who_monitors_it_is_told_of_its_end_also_afterwards),
		cmocka_unit_test(an_ask_that_comes_while_it_ends_is_answered_or_told),
		cmocka_unit_test(a_stop_waits_for_its_handler),
		cmocka_unit_test(who_hangs_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
