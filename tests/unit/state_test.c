/* SPDX-License-Identifier: Apache-2.0 */
/* States read and replaced from outside: rights, codecs, times, who is gone, what others may send. */
#include "unit/probes.h"

#include <pthread.h>

#include <mycelium/abi/state.h>
#include <mycelium/state.h>

#include "core/ask.h"
#include "core/signal.h"

#define SOON  3000000ull
#define WORDS 64

/* ---- actors with states -------------------------------------------------------------------------- */

struct total {
	uint64_t value[WORDS]; /* all the same, but while a handler runs */
};

static int total_message(struct myc_actor *self, const struct myc_message *message)
{
	struct total *total = myc_state(self);
	uint32_t by;

	if (message->type != NUMBER)
		return probe_message(self, message);
	memcpy(&by, message->payload, sizeof(by));
	for (int i = 0; i < WORDS; i++)
		total->value[i] += by;
	return probe_message(self, message);
}

#define TOTAL(of)                                                                               \
	{                                                                                       \
		.name = "total", .state_size = sizeof(struct total), .capacity_per_sender = 16, \
		.init = probe_init, .message = total_message, .signal = probe_signal,           \
		.stopped = probe_stopped, .codec = (of)                                         \
	}

static const struct myc_state_codec plain = {.rights = MYC_STATE_READ | MYC_STATE_REPLACE,
					     .version = 3};
static const struct myc_state_codec readable = {.rights = MYC_STATE_READ};
static const struct myc_behaviour open_total = TOTAL(&plain), read_only = TOTAL(&readable),
				  closed = TOTAL(NULL);

/* As a decimal number; loads what is one only. */
static int save_text(struct myc_actor *self, void *bytes, size_t room)
{
	const struct total *total = myc_state(self);

	return snprintf(bytes, room, "%llu", (unsigned long long)total->value[0]);
}

static int load_text(struct myc_actor *self, const void *bytes, size_t size)
{
	struct total *total = myc_state(self);
	const char *text = bytes;
	uint64_t value = 0;

	if (!size || size > 9)
		return -ERANGE;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EILSEQ;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	for (int i = 0; i < WORDS; i++)
		total->value[i] = value;
	return 0;
}

static int save_nothing(struct myc_actor *self, void *bytes, size_t room)
{
	(void)self, (void)bytes, (void)room;
	return -EBUSY;
}

static const struct myc_state_codec text = {
	.rights = MYC_STATE_READ | MYC_STATE_REPLACE, .save = save_text, .load = load_text};
static const struct myc_state_codec busy = {.rights = MYC_STATE_READ, .save = save_nothing};
static const struct myc_behaviour textual = TOTAL(&text), unable = TOTAL(&busy);

static struct probe *spawn_total(int where, const struct myc_behaviour *as)
{
	return spawn_as(where, as, NULL, 5);
}

static uint64_t value_of(struct probe *who)
{
	struct myc_state_info info;
	struct total total;

	assert_int_equal(
		myc_state_read(systems[0], who->address, &total, sizeof(total), &info, SECOND), 0);
	assert_int_equal(info.size, sizeof(total));
	assert_int_equal(info.version, 3);
	for (int i = 1; i < WORDS; i++)
		assert_true(total.value[i] == total.value[0]);
	return total.value[0];
}

static int set_value(struct probe *who, uint64_t value, uint64_t timeout)
{
	struct total total;

	for (int i = 0; i < WORDS; i++)
		total.value[i] = value;
	return myc_state_replace(systems[0], who->address, &total, sizeof(total), 3, timeout);
}

/* ---- reading and replacing ------------------------------------------------------------------------ */

CASE(a_state_is_read_and_replaced)
{
	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	assert_int_equal(value_of(who), 0);
	number(who, 5);
	number(who, 6);
	wait_until(who->messages == 2);
	assert_int_equal(value_of(who), 11);
	assert_int_equal(set_value(who, 1000, SECOND), 0);
	number(who, 1);
	wait_until(who->messages == 3);
	assert_int_equal(value_of(who), 1001);
	end();
}

CASE(a_codec_says_what_the_state_is_in_bytes)
{
	char bytes[32] = "";
	struct myc_state_info info;

	begin(state);
	struct probe *who = spawn_total(THERE, &textual);

	assert_int_equal(myc_state_replace(systems[0], who->address, "1234", 4, 0, SECOND), 0);
	assert_int_equal(
		myc_state_read(systems[0], who->address, bytes, sizeof(bytes), &info, SECOND), 0);
	assert_int_equal(info.size, 4);
	assert_memory_equal(bytes, "1234", 4);
	/* What it refuses changes nothing. */
	assert_int_equal(myc_state_replace(systems[0], who->address, "12x4", 4, 0, SECOND),
			 -EILSEQ);
	assert_int_equal(myc_state_replace(systems[0], who->address, "", 0, 0, SECOND), -ERANGE);
	assert_int_equal(
		myc_state_read(systems[0], who->address, bytes, sizeof(bytes), NULL, SECOND), 0);
	assert_memory_equal(bytes, "1234", 4);
	end();
}

CASE(without_the_right_nothing_is_told_or_changed)
{
	struct total total = {{0}};

	begin(state);
	struct probe *a = spawn_total(THERE, &read_only), *b = spawn_total(THERE, &closed);
	struct probe *c = spawn_total(THERE, &unable);

	assert_int_equal(
		myc_state_read(systems[0], a->address, &total, sizeof(total), NULL, SECOND), 0);
	assert_int_equal(
		myc_state_replace(systems[0], a->address, &total, sizeof(total), 0, SECOND),
		-EACCES);
	assert_int_equal(
		myc_state_read(systems[0], b->address, &total, sizeof(total), NULL, SECOND),
		-EACCES);
	assert_int_equal(
		myc_state_replace(systems[0], b->address, &total, sizeof(total), 0, SECOND),
		-EACCES);
	assert_int_equal(
		myc_state_read(systems[0], c->address, &total, sizeof(total), NULL, SECOND),
		-EBUSY);
	end();
}

CASE(sizes_and_versions_are_checked)
{
	static uint8_t large[MYC_STATE_MAX + 1];
	struct myc_state_info info = {0};
	struct total total = {{0}};

	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	assert_int_equal(set_value(who, 9, SECOND), 0);
	assert_int_equal(
		myc_state_read(systems[0], who->address, &total, sizeof(total) - 1, &info, SECOND),
		-EMSGSIZE);
	assert_int_equal(info.size, sizeof(total));
	assert_int_equal(
		myc_state_replace(systems[0], who->address, &total, sizeof(total), 4, SECOND),
		-EPROTO);
	assert_int_equal(
		myc_state_replace(systems[0], who->address, &total, sizeof(total) - 1, 3, SECOND),
		-EINVAL);
	assert_int_equal(
		myc_state_replace(systems[0], who->address, large, MYC_STATE_MAX, 3, SECOND),
		-EINVAL);
	assert_int_equal(
		myc_state_replace(systems[0], who->address, large, sizeof(large), 3, SECOND),
		-EMSGSIZE);
	assert_int_equal(value_of(who), 9);
	end();
}

CASE(a_suspended_actor_goes_on_with_the_state_it_was_given)
{
	begin(state);
	struct probe *a = spawn(HERE), *who = spawn_total(THERE, &open_total);

	assert_int_equal(let(a, suspend, who->address, 0), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(let(a, pass_on, who->address, 1), 0);
	settle(a, spawn(THERE));
	assert_int_equal(value_of(who), 0);
	assert_int_equal(set_value(who, 100, SECOND), 0);
	assert_int_equal(let(a, resume, who->address, 0), 0);
	wait_until(who->messages == 4);
	assert_int_equal(value_of(who), 104);
	end();
}

CASE(a_restart_in_place_begins_with_a_state_of_its_own)
{
	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	assert_int_equal(set_value(who, 7, SECOND), 0);
	let(who, go_wrong, 0, 0);
	wait_until(who->inits == 2);
	assert_int_equal(value_of(who), 0);
	end();
}

/* ---- times ----------------------------------------------------------------------------------------- */

CASE(nothing_happens_while_a_handler_runs_nor_after_the_thread_gave_up)
{
	struct total total;

	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	assert_int_equal(value_of(who), 0); /* there is a lane now */
	who->stuck = true;
	number(who, 1);
	wait_until(who->messages == 1);
	assert_int_equal(
		myc_state_read(systems[0], who->address, &total, sizeof(total), NULL, SOON),
		-ETIMEDOUT);
	assert_int_equal(set_value(who, 50, SOON), -ETIMEDOUT);
	who->stuck = false;
	number(who, 1);
	wait_until(who->messages == 2);
	assert_int_equal(value_of(who), 2);
	end();
}

static _Atomic bool enough;
static _Atomic uint32_t reads;

static void *read_on(void *who)
{
	while (!enough) {
		(void)value_of(who);
		reads++;
	}
	return NULL;
}

CASE(threads_see_whole_states_while_the_actor_and_others_change_them)
{
	pthread_t thread[3];

	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	enough = false;
	reads = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_on, who), 0);
	for (uint32_t i = 0; i < 200; i++) {
		number(who, 1);
		assert_int_equal(set_value(who, i, SECOND), 0);
	}
	wait_until(reads > 100);
	enough = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	end();
}

/* ---- who is gone ------------------------------------------------------------------------------------ */

CASE(of_those_who_are_not_there_nothing_is_read)
{
	struct total total;

	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	assert_int_equal(value_of(who), 0);
	let(who, leave, 0, 0);
	assert_int_equal(myc_actor_wait(systems[0], who->address, SECOND), 0);
	assert_int_equal(
		myc_state_read(systems[0], who->address, &total, sizeof(total), NULL, SECOND),
		-ESRCH);
	assert_int_equal(set_value(who, 1, SECOND), -ESRCH);
	/* Another generation of a slot that is in use. */
	struct probe *next = spawn_total(THERE, &open_total);

	assert_int_equal(value_of(next), 0);
	next->address++;
	assert_int_equal(set_value(next, 1, SECOND), -ESRCH);
	next->address--;
	assert_int_equal(value_of(next), 0);
	end();
}

static void *dies_soon(void *unused)
{
	(void)unused;
	nanosleep(&(struct timespec){.tv_nsec = SOON}, NULL);
	process_lives[0][1] = false;
	return NULL;
}

CASE(a_thread_that_waits_for_a_process_that_dies_is_told)
{
	struct total total;
	pthread_t thread;

	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);

	assert_int_equal(value_of(who), 0);
	who->stuck = true;
	number(who, 1);
	wait_until(who->messages == 1);
	assert_int_equal(pthread_create(&thread, NULL, dies_soon, NULL), 0);
	assert_int_equal(
		myc_state_read(systems[0], who->address, &total, sizeof(total), NULL, SECOND),
		-ENOTCONN);
	assert_int_equal(pthread_join(thread, NULL), 0);
	process_lives[0][1] = true;
	who->stuck = false;
	wait_until(!myc_post_try(who->system, who->address, SETTLE, NULL, 0));
	end();
}

/* ---- whatever another process says ------------------------------------------------------------------ */

static uint64_t strange(const struct myc_executor_words *words)
{
	return __atomic_load_n(&words->dead_letters[MYC_DEAD_LETTER_FRAMEWORK_TYPE],
			       __ATOMIC_RELAXED);
}

CASE(requests_that_cannot_be_are_refused)
{
	begin(state);
	struct probe *who = spawn_total(THERE, &open_total);
	struct myc_sender *sender;
	const struct myc_executor_words *words =
		myc_region_block(&region[1][1], MYC_BLOCK_EXECUTOR, 0, NULL);
	myc_address thread = myc_address_make(0, 0, 1, 0);
	struct myc_signal_state asked[] = {
		{.to = who->address, .asker = thread, .what = 9},
		{.to = who->address, .asker = myc_address_make(0, 1, 1, 0), .what = MYC_STATE_TELL},
		{.to = who->address, .asker = who->address, .what = MYC_STATE_TELL},
		{.to = who->address, .what = MYC_STATE_TELL},
		/* These are answered: to nobody who waits. */
		{.to = who->address, .asker = thread, .what = MYC_STATE_TAKE, .size = UINT32_MAX},
		{.to = who->address,
		 .asker = thread,
		 .what = MYC_STATE_TAKE,
		 .sequence = 2,
		 .size = sizeof(struct total),
		 .version = 3},
		{.to = 12345, .asker = thread, .what = MYC_STATE_TELL},
	};

	assert_int_equal(set_value(who, 4, SECOND), 0);
	assert_int_equal(myc_attached_sender(systems[0], &sender), 0);
	uint64_t before = strange(words);

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct myc_signal signal = {.type = MYC_SIGNAL_STATE,
						  .size = i ? sizeof(asked[i]) : 39,
						  .to = who->address,
						  .correlation = 77,
						  .payload = &asked[i]};

		wait_until(!myc_signal_send_plain(sender, &signal, MYC_RING_URGENT));
	}
	assert_int_equal(value_of(who), 4);
	assert_int_equal(strange(words) - before, 4);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_state_is_read_and_replaced),
		EVERYWHERE(a_codec_says_what_the_state_is_in_bytes),
		EVERYWHERE(without_the_right_nothing_is_told_or_changed),
		EVERYWHERE(sizes_and_versions_are_checked),
		EVERYWHERE(a_suspended_actor_goes_on_with_the_state_it_was_given),
		EVERYWHERE(a_restart_in_place_begins_with_a_state_of_its_own),
		EVERYWHERE(nothing_happens_while_a_handler_runs_nor_after_the_thread_gave_up),
		EVERYWHERE(threads_see_whole_states_while_the_actor_and_others_change_them),
		EVERYWHERE(of_those_who_are_not_there_nothing_is_read),
		IN(a_thread_that_waits_for_a_process_that_dies_is_told, TWO_PROCESSES),
		IN(requests_that_cannot_be_are_refused, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
