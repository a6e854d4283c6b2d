/* SPDX-License-Identifier: Apache-2.0 */
/* States, read and replaced from outside, and told at the end: mycelium/state.h, MYC_MONITOR_STATE. */
#include "conformance/cases.h"

enum { VERSION = 7, SIZE = 64, REFUSED = 999 };

/* Numbers are added to the first word of the state. */
static int adds(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t number;

	if (message->type == NUMBER) {
		memcpy(&number, message->payload, sizeof(number));
		*(uint64_t *)myc_state(self) += number;
	}
	return probe_message(self, message);
}

/* A word of bytes, twice the state. */
static int save(struct myc_actor *self, void *bytes, size_t room)
{
	uint64_t twice = 2 * *(uint64_t *)myc_state(self);

	if (twice == 2 * REFUSED)
		return -EBUSY;
	if (room >= sizeof(twice))
		memcpy(bytes, &twice, sizeof(twice));
	return sizeof(twice);
}
static int load(struct myc_actor *self, const void *bytes, size_t size)
{
	uint64_t twice;

	if (size != sizeof(twice))
		return -ERANGE;
	memcpy(&twice, bytes, sizeof(twice));
	if (twice % 2)
		return -EILSEQ;
	*(uint64_t *)myc_state(self) = twice / 2;
	return 0;
}

static const struct myc_state_codec all = {.rights = MYC_STATE_READ | MYC_STATE_REPLACE |
						     MYC_STATE_LAST,
					   .version = VERSION},
				    reading = {.rights = MYC_STATE_READ, .version = VERSION},
				    replacing = {.rights = MYC_STATE_REPLACE, .version = VERSION},
				    twice = {.rights = MYC_STATE_READ | MYC_STATE_REPLACE |
						       MYC_STATE_LAST,
					     .version = VERSION,
					     .save = save,
					     .load = load};

#define SUM(codec_)                                                                               \
	{                                                                                         \
		.name = "sum", .capacity_per_sender = 16, .state_size = SIZE, .init = probe_init, \
		.started = probe_started, .message = adds, .reply = probe_reply,                  \
		.timer = probe_timer, .stopping = probe_stopping, .stopped = probe_stopped,       \
		.signal = probe_signal, .codec = (codec_)                                         \
	}
static const struct myc_behaviour open_sum = SUM(&all), read_only = SUM(&reading),
				  write_only = SUM(&replacing), closed = SUM(NULL),
				  coded = SUM(&twice);

/* a: address, room, timeout; out: first word, size, version. */
static int do_read(struct myc_system *system, uint64_t *a)
{
	uint64_t bytes[512] = {0};
	struct myc_state_info info = {0};
	int code = myc_state_read(system, a[0], bytes, a[1], &info, a[2]);

	a[3] = bytes[0];
	a[4] = info.size;
	a[5] = info.version;
	return code;
}
/* a: address, size, timeout, first word, version. */
static int do_replace(struct myc_system *system, uint64_t *a)
{
	static uint64_t bytes[MYC_STATE_MAX / 8 + 1];

	bytes[0] = a[3];
	return myc_state_replace(system, a[0], bytes, a[1], (uint32_t)a[4], a[2]);
}

static uint64_t size_read, version_read;
static int read_sized(const struct probe *who, uint64_t room, uint64_t timeout_ns, uint64_t *value)
{
	uint64_t a[ERRAND_WORDS] = {who->address, room, timeout_ns};
	int code = at(HERE, do_read, a);

	*value = a[3];
	size_read = a[4];
	version_read = a[5];
	return code;
}
static uint64_t value_of(const struct probe *who)
{
	uint64_t value;

	OK(read_sized(who, 512, LONG, &value));
	return value;
}
static int replace_sized(const struct probe *who, uint64_t value, uint64_t size, uint32_t version)
{
	uint64_t a[ERRAND_WORDS] = {who->address, size, LONG, value, version};

	return at(HERE, do_replace, a);
}
static int replace(const struct probe *who, uint64_t value)
{
	return replace_sized(who, value, SIZE, VERSION);
}

static struct probe *sum(uint32_t where, const struct myc_behaviour *behaviour)
{
	struct probe *made = make(where, behaviour);

	made->restarts_max = 3;
	OK(try_spawn(made));
	return made;
}

/* ---- reading and replacing --------------------------------------------------------------------- */

CASE(a_state_is_read_and_replaced_and_its_actor_goes_on_with_it)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &open_sum);

	assert_int_equal(value_of(b), 0);
	OK(send_many(a, b, 1, 4));
	SAW(b, MESSAGE, 4);
	assert_int_equal(value_of(b), 10);
	assert_int_equal(size_read, SIZE);
	assert_int_equal(version_read, VERSION);
	OK(replace(b, 1000));
	OK(send_number(a, b, 5));
	SAW(b, MESSAGE, 5);
	assert_int_equal(value_of(b), 1005);
}

CASE(a_state_without_the_right_is_neither_told_nor_changed)
{
	struct probe *r = sum(THERE, &read_only), *w = sum(THERE, &write_only),
		     *c = sum(THERE, &closed);
	uint64_t value;

	RESULT(replace(r, 5), -EACCES);
	assert_int_equal(value_of(r), 0);
	RESULT(read_sized(w, 512, LONG, &value), -EACCES);
	OK(replace(w, 5));
	RESULT(read_sized(c, 512, LONG, &value), -EACCES);
	RESULT(replace(c, 5), -EACCES);
}

CASE(a_codec_says_what_the_bytes_are)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &coded);

	OK(send_number(a, b, 4));
	SAW(b, MESSAGE, 1);
	assert_int_equal(value_of(b), 8);
	assert_int_equal(size_read, 8);
	OK(replace_sized(b, 20, 8, VERSION));
	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 2);
	assert_int_equal(value_of(b), 22);
}

CASE(what_load_refuses_changes_nothing)
{
	struct probe *b = sum(THERE, &coded);

	OK(replace_sized(b, 20, 8, VERSION));
	RESULT(replace_sized(b, 21, 8, VERSION), -EILSEQ);
	RESULT(replace_sized(b, 22, 9, VERSION), -ERANGE);
	RESULT(replace_sized(b, 22, 0, VERSION), -ERANGE);
	assert_int_equal(value_of(b), 20);
	assert_false(ended(b));
	assert_int_equal(b->inits, 1);
}

CASE(what_save_refuses_is_not_read)
{
	struct probe *b = sum(THERE, &coded);
	uint64_t value;

	OK(replace_sized(b, 2 * REFUSED, 8, VERSION));
	RESULT(read_sized(b, 512, LONG, &value), -EBUSY);
	OK(replace_sized(b, 2, 8, VERSION));
	assert_int_equal(value_of(b), 2);
}

CASE(bytes_of_another_version_or_size_are_refused)
{
	struct probe *b = sum(THERE, &open_sum);

	OK(replace(b, 9));
	RESULT(replace_sized(b, 1, SIZE, VERSION + 1), -EPROTO);
	RESULT(replace_sized(b, 1, SIZE - 1, VERSION), -EINVAL);
	RESULT(replace_sized(b, 1, SIZE + 1, VERSION), -EINVAL);
	RESULT(replace_sized(b, 1, MYC_STATE_MAX, VERSION), -EINVAL);
	RESULT(replace_sized(b, 1, MYC_STATE_MAX + 1, VERSION), -EMSGSIZE);
	assert_int_equal(value_of(b), 9);
}

CASE(without_room_for_it_only_the_size_is_told)
{
	struct probe *b = sum(THERE, &open_sum);
	uint64_t value;

	OK(replace(b, 9));
	RESULT(read_sized(b, SIZE - 1, LONG, &value), -EMSGSIZE);
	assert_int_equal(size_read, SIZE);
	OK(read_sized(b, SIZE, LONG, &value));
	assert_int_equal(value, 9);
}

CASE(it_happens_before_messages_that_wait_and_while_it_is_suspended)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &open_sum);

	hold_with(a, b, 4);
	assert_int_equal(value_of(b), 0);
	OK(replace(b, 100));
	assert_int_equal(value_of(b), 100);
	assert_int_equal(b->messages, 0);
	release(b);
	SAW(b, MESSAGE, 4);
	assert_int_equal(value_of(b), 110);
}

CASE(it_happens_while_its_actor_is_paused)
{
	struct probe *b = sum(THERE, &open_sum), *c = spawn_as(HERE, &narrow);

	hold(c);
	OK(send_many(b, c, 1, 20));
	UNTIL(metrics_of(b).outbox_depth > 0);
	OK(replace(b, 55));
	assert_int_equal(value_of(b), 55);
	release(c);
	expect_numbers(c, 1, 20);
}

CASE(of_one_that_has_ended_nothing_is_read)
{
	struct probe *b = sum(THERE, &open_sum);
	uint64_t value;

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(read_sized(b, 512, LONG, &value), -ESRCH);
	RESULT(replace(b, 1), -ESRCH);
}

CASE(a_restart_begins_with_a_state_of_its_own)
{
	struct probe *b = sum(THERE, &open_sum);

	OK(replace(b, 77));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	assert_int_equal(value_of(b), 0);
}

CASE(of_a_dead_process_nothing_is_read_and_its_successor_begins_anew)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &open_sum);
	uint64_t value;

	OK(send_number(a, b, 5));
	SAW(b, MESSAGE, 1);
	assert_int_equal(value_of(b), 5);
	kill_place(THERE);
	int code = read_sized(b, 512, 20 * MS, &value);

	assert_true(code == -ENOTCONN || code == -ESRCH || code == -ETIMEDOUT);
	revive_place(THERE);
	UNTIL(b->inits == 2);
	assert_int_equal(value_of(b), 0);
}

/* ---- the last state ---------------------------------------------------------------------------- */

static int watch_state(struct probe *who, const struct probe *other, uint32_t flags)
{
	int code = let(who, watch_job(), other->address, MYC_MONITOR_STATE | flags, 0, 0);

	settle();
	return code;
}

static bool tells(const struct probe *who, uint32_t n, uint64_t value, uint32_t size)
{
	const struct seen *seen = nth(who, SIGNAL, n);

	return seen->event.state && seen->event.state_size == size &&
	       seen->event.state_version == VERSION && seen->payload == value;
}

CASE(a_down_brings_the_last_state_to_who_asked_for_it_only)
{
	struct probe *a = spawn(HERE), *w = spawn(ELSEWHERE), *b = sum(THERE, &open_sum);

	OK(watch_state(a, b, 0));
	OK(watch(w, b, 0));
	OK(send_many(a, b, 1, 4));
	SAW(b, MESSAGE, 4);
	OK(leave(b, WHY(MYC_EXIT_USER, 3)));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_USER, 3));
	assert_true(tells(a, 0, 10, SIZE));
	assert_true(is_down(nth(w, SIGNAL, 0), b, MYC_EXIT_USER, 3));
	assert_null(nth(w, SIGNAL, 0)->event.state);
	settle();
	assert_int_equal(a->signals, 1);
	expect_bodies_home();
}

CASE(every_orderly_end_tells_it_and_a_kill_without_a_save)
{
	struct probe *a = spawn(HERE);

	for (uint32_t how = MYC_STOP; how <= MYC_STOP_KILL; how++) {
		struct probe *b = sum(THERE, &open_sum);

		OK(watch_state(a, b, 0));
		OK(send_number(a, b, 40 + how));
		SAW(b, MESSAGE, 1);
		OK(send_stop(keeper_of(b->place), b, how));
		UNTIL(ended(b));
		assert_true(tells(a, how - 1, 40 + how, SIZE));
	}
}

CASE(a_save_writes_the_last_state_but_not_of_one_that_is_killed)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &coded), *c = sum(THERE, &coded);

	OK(watch_state(a, b, 0));
	OK(send_number(a, b, 4));
	SAW(b, MESSAGE, 1);
	OK(stop_self(b));
	assert_true(tells(a, 0, 8, 8));
	OK(watch_state(a, c, 0));
	OK(send_stop(a, c, MYC_STOP_KILL));
	assert_true(is_down(nth(a, SIGNAL, 1), c, MYC_EXIT_KILLED, 0));
	assert_null(nth(a, SIGNAL, 1)->event.state);
}

CASE(who_does_not_let_others_have_it_tells_nothing)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &read_only), *c = sum(THERE, &closed);

	OK(watch_state(a, b, 0));
	OK(watch_state(a, c, 0));
	OK(stop_self(b));
	assert_null(nth(a, SIGNAL, 0)->event.state);
	OK(stop_self(c));
	assert_null(nth(a, SIGNAL, 1)->event.state);
}

CASE(a_restart_tells_the_state_that_failed)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &open_sum);

	OK(watch_state(a, b, 0));
	OK(send_number(a, b, 42));
	SAW(b, MESSAGE, 1);
	settle(); /* its credit is there */
	OK(fail_with(b, -EIO));
	assert_int_equal(nth(a, SIGNAL, 0)->event.flags, MYC_EVENT_RESTARTED);
	assert_true(tells(a, 0, 42, SIZE));
	UNTIL(b->inits == 2);
	assert_int_equal(value_of(b), 0);
}

CASE(a_monitor_through_restarts_is_told_the_last_of_all)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &open_sum);

	OK(watch_state(a, b, MYC_MONITOR_THROUGH));
	OK(send_number(a, b, 42));
	SAW(b, MESSAGE, 1);
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	OK(send_number(a, b, 6));
	SAW(b, MESSAGE, 2);
	OK(stop_self(b));
	assert_true(tells(a, 0, 6, SIZE));
	settle();
	assert_int_equal(a->signals, 1);
}

CASE(a_suspended_watcher_is_told_the_state_too)
{
	struct probe *a = spawn(HERE), *b = sum(THERE, &open_sum);

	OK(watch_state(a, b, 0));
	hold(a);
	OK(replace(b, 33));
	OK(stop_self(b));
	assert_true(tells(a, 0, 33, SIZE));
	release(a);
}

CASE(the_down_of_a_dead_process_brings_none)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &open_sum);

	OK(watch_state(a, b, 0));
	kill_place(THERE);
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_NOCONNECTION, 0));
	assert_null(nth(a, SIGNAL, 0)->event.state);
	revive_place(THERE);
}

const struct conform_case cases_state[] = {
	{NAMED(a_state_is_read_and_replaced_and_its_actor_goes_on_with_it)},
	{NAMED(a_state_without_the_right_is_neither_told_nor_changed)},
	{NAMED(a_codec_says_what_the_bytes_are)},
	{NAMED(what_load_refuses_changes_nothing)},
	{NAMED(what_save_refuses_is_not_read)},
	{NAMED(bytes_of_another_version_or_size_are_refused)},
	{NAMED(without_room_for_it_only_the_size_is_told)},
	{NAMED(it_happens_before_messages_that_wait_and_while_it_is_suspended)},
	{NAMED(it_happens_while_its_actor_is_paused)},
	{NAMED(of_one_that_has_ended_nothing_is_read)},
	{NAMED(a_restart_begins_with_a_state_of_its_own)},
	{DEADLY(of_a_dead_process_nothing_is_read_and_its_successor_begins_anew)},
	{NAMED(a_down_brings_the_last_state_to_who_asked_for_it_only)},
	{NAMED(every_orderly_end_tells_it_and_a_kill_without_a_save)},
	{NAMED(a_save_writes_the_last_state_but_not_of_one_that_is_killed)},
	{NAMED(who_does_not_let_others_have_it_tells_nothing)},
	{NAMED(a_restart_tells_the_state_that_failed)},
	{NAMED(a_monitor_through_restarts_is_told_the_last_of_all)},
	{NAMED(a_suspended_watcher_is_told_the_state_too)},
	{DEADLY(the_down_of_a_dead_process_brings_none)},
	{0},
};
