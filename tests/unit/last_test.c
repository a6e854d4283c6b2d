/* SPDX-License-Identifier: Apache-2.0 */
/* Last states: DOWN brings them to who asked, of those whose behaviour lets others have them. */
#include "unit/probes.h"

#include <mycelium/state.h>

/* What each DOWN brought. */
static struct down {
	struct myc_signal_event event;
	uint8_t bytes[64];
} downs[4096];
static _Atomic uint32_t downs_count;

static int down_event(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct down *down = &downs[downs_count];

	assert_true(downs_count < 4096);
	down->event = *event;
	if (event->state)
		memcpy(down->bytes, event->state,
		       event->state_size < sizeof(down->bytes) ? event->state_size
							       : sizeof(down->bytes));
	me_of(self)->events++;
	downs_count++;
	return 0;
}

static int watching_message(struct myc_actor *self, const struct myc_message *message)
{
	return probe_message(self, message);
}

static const struct myc_behaviour watching = {.name = "watching",
					      .capacity_per_sender = 16,
					      .init = probe_init,
					      .message = watching_message,
					      .signal = down_event};

/* ---- who ends ------------------------------------------------------------------------------------ */

struct sum {
	uint64_t value;
};

static int sum_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t by;

	if (message->type == NUMBER) {
		memcpy(&by, message->payload, sizeof(by));
		((struct sum *)myc_state(self))->value += by;
	}
	return probe_message(self, message);
}

static int save_sum(struct myc_actor *self, void *bytes, size_t room)
{
	return snprintf(bytes, room, "<%llu>",
			(unsigned long long)((struct sum *)myc_state(self))->value);
}

#define SUM(of, size)                                                               \
	{                                                                           \
		.name = "sum", .state_size = (size), .capacity_per_sender = 16,     \
		.init = probe_init, .message = sum_message, .signal = probe_signal, \
		.stopped = probe_stopped, .codec = (of)                             \
	}

static const struct myc_state_codec plain = {.rights = MYC_STATE_LAST, .version = 8};
static const struct myc_state_codec textual = {.rights = MYC_STATE_LAST, .save = save_sum};
static const struct myc_state_codec secret = {.rights = MYC_STATE_READ | MYC_STATE_REPLACE};
static const struct myc_behaviour plain_sum = SUM(&plain, sizeof(struct sum)),
				  text_sum = SUM(&textual, sizeof(struct sum)),
				  secret_sum = SUM(&secret, sizeof(struct sum)),
				  mute_sum = SUM(NULL, sizeof(struct sum)),
				  large_sum = SUM(&plain, MYC_STATE_MAX - 64),
				  huge_sum = SUM(&plain, 4 * MYC_STATE_MAX);

static int watch_state(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t flags)
{
	return myc_monitor(self, other, MYC_MONITOR_STATE | (uint32_t)flags, &me->monitor[0]);
}

static int watch_only(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t flags)
{
	return myc_monitor(self, other, (uint32_t)flags, &me->monitor[1]);
}

static void fresh(void **state)
{
	begin(state);
	downs_count = 0;
	memset(downs, 0, sizeof(downs));
}

static struct probe *spawn_sum(int where, const struct myc_behaviour *as)
{
	struct probe *who = spawn_as(where, as, NULL, 5);

	number(who, 40);
	number(who, 2);
	wait_until(who->messages == 2);
	return who;
}

static bool tells(uint32_t down, const struct probe *who, uint64_t value)
{
	const struct myc_signal_event *event = &downs[down].event;
	uint64_t is;

	memcpy(&is, downs[down].bytes, sizeof(is));
	return event->kind == MYC_EVENT_DOWN && event->from == who->address && event->state &&
	       event->state_size == sizeof(struct sum) && event->state_version == 8 && is == value;
}

static bool tells_nothing(uint32_t down, const struct probe *who)
{
	const struct myc_signal_event *event = &downs[down].event;

	return event->kind == MYC_EVENT_DOWN && event->from == who->address && !event->state &&
	       !event->state_size;
}

/* ---- cases -------------------------------------------------------------------------------------- */

CASE(a_down_brings_the_last_state_to_who_asked_for_it)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	struct probe *other = spawn_as(HERE, &watching, NULL, 0);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	assert_int_equal(let(watcher, watch_state, who->address, 0), 0); /* again */
	assert_int_equal(let(other, watch_only, who->address, 0), 0);
	settle(watcher, who);
	settle(other, who);
	number(who, 100);
	wait_until(who->messages == 3);
	let(who, leave, reason(MYC_EXIT_USER, 3), 0);
	wait_until(downs_count == 3);
	uint32_t with = 0;

	for (uint32_t i = 0; i < 3; i++) {
		with += tells(i, who, 142);
		assert_true(tells(i, who, 142) || tells_nothing(i, who));
		assert_int_equal(downs[i].event.reason.kind, MYC_EXIT_USER);
	}
	assert_int_equal(with, 2);
	end();
}

CASE(every_orderly_end_tells_it)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);

	for (uint32_t how = MYC_STOP; how <= MYC_STOP_KILL; how++) {
		struct probe *who = spawn_sum(THERE, &plain_sum);

		assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
		settle(watcher, who);
		assert_int_equal(myc_actor_stop(systems[0], who->address, how, SECOND), 0);
		wait_until(downs_count == how);
		assert_true(tells(how - 1, who, 42));
	}
	end();
}

CASE(a_restart_in_place_tells_the_state_that_failed)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	settle(watcher, who);
	let(who, go_wrong, 0, 0);
	wait_until(downs_count == 1);
	assert_true(tells(0, who, 42));
	assert_int_equal(downs[0].event.flags, MYC_EVENT_RESTARTED);
	/* The new life has its own, and needs a new monitor. */
	number(who, 5);
	wait_until(who->messages == 3);
	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	let(who, leave, 0, 0);
	wait_until(downs_count == 2);
	assert_true(tells(1, who, 5));
	end();
}

CASE(a_monitor_through_restarts_is_told_the_last_of_all)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	assert_int_equal(let(watcher, watch_state, who->address, MYC_MONITOR_THROUGH), 0);
	settle(watcher, who);
	let(who, go_wrong, 0, 0);
	wait_until(who->inits == 2);
	number(who, 6);
	wait_until(who->messages == 3);
	let(who, leave, 0, 0);
	wait_until(downs_count == 1);
	assert_true(tells(0, who, 6));
	end();
}

CASE(a_codec_writes_it_but_not_of_who_is_killed)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	struct probe *a = spawn_sum(THERE, &text_sum), *b = spawn_sum(THERE, &text_sum);

	assert_int_equal(let(watcher, watch_state, a->address, 0), 0);
	assert_int_equal(let(watcher, watch_state, b->address, 0), 0);
	settle(watcher, a);
	assert_int_equal(myc_actor_stop(systems[0], a->address, MYC_STOP, SECOND), 0);
	wait_until(downs_count == 1);
	assert_int_equal(downs[0].event.state_size, 4);
	assert_memory_equal(downs[0].bytes, "<42>", 4);
	assert_int_equal(myc_actor_stop(systems[0], b->address, MYC_STOP_KILL, SECOND), 0);
	wait_until(downs_count == 2);
	assert_true(tells_nothing(1, b));
	end();
}

CASE(who_does_not_let_others_tells_nothing)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	const struct myc_behaviour *as[] = {&secret_sum, &mute_sum, &huge_sum};

	for (uint32_t i = 0; i < 3; i++) {
		struct probe *who = spawn_sum(THERE, as[i]);

		assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
		settle(watcher, who);
		let(who, leave, 0, 0);
		wait_until(downs_count == i + 1);
		assert_true(tells_nothing(i, who));
	}
	end();
}

CASE(large_states_come_whole_and_their_buffers_go_home)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);

	for (uint32_t i = 0; i < 12; i++) { /* more than there are large buffers */
		struct probe *who = spawn_sum(THERE, &large_sum);

		assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
		settle(watcher, who);
		let(who, leave, 0, 0);
		wait_until(downs_count == i + 1);
		assert_int_equal(downs[i].event.state_size, MYC_STATE_MAX - 64);
		assert_int_equal(downs[i].bytes[0], 42);
		who->messages = 0;
		probes--; /* its place can be had again */
	}
	end();
}

CASE(it_comes_behind_all_that_was_sent_also_to_a_suspended_watcher)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0), *helper = spawn(HERE);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	assert_int_equal(let(helper, suspend, watcher->address, 0), 0);
	settle(helper, spawn(THERE));
	let(who, talk_and_leave, watcher->address, 5);
	wait_until(ended(who));
	settle(helper, spawn(THERE));
	assert_int_equal(downs_count, 0); /* messages first */
	assert_int_equal(let(helper, resume, watcher->address, 0), 0);
	wait_until(downs_count == 1);
	assert_int_equal(watcher->messages, 5);
	assert_true(tells(0, who, 42));
	end();
}

CASE(of_a_process_that_died_there_is_none)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	process_lives[0][1] = false;
	wait_until(downs_count == 1);
	assert_true(tells_nothing(0, who));
	assert_int_equal(downs[0].event.reason.kind, MYC_EXIT_NOCONNECTION);
	process_lives[0][1] = true;
	end();
}

CASE(watchers_that_come_and_go_do_not_fill_the_table)
{
	watches = 64;
	fresh(state);
	struct probe *who = spawn_sum(THERE, &plain_sum);
	uint32_t at = probes;

	for (uint32_t i = 0; i < 300; i++) {
		probes = at;
		struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);

		assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
		settle(watcher, who);
		let(watcher, leave, 0, 0);
		assert_int_equal(myc_actor_wait(systems[0], watcher->address, SECOND), 0);
	}
	probes = at;
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	let(who, leave, 0, 0);
	wait_until(downs_count == 1);
	assert_true(tells(0, who, 42));
	end();
}

CASE(a_cancelled_monitor_brings_nothing)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0), *other = spawn(THERE);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	assert_int_equal(let(watcher, unwatch, 0, 0), 0);
	let(who, leave, 0, 0);
	assert_int_equal(myc_actor_wait(systems[0], who->address, SECOND), 0);
	settle(watcher, other);
	assert_int_equal(downs_count, 0);
	end();
}

/* How many monitors more the actor's executor has room for. */
static int fill_table(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t most)
{
	struct myc_monitor monitor[64];
	int n = 0;

	(void)me;
	while (n < (int)most && !myc_monitor(self, other, 0, &monitor[n]))
		n++;
	for (int i = 0; i < n; i++)
		if (myc_demonitor(self, monitor[i]))
			return -EIO;
	return n;
}

CASE(a_watcher_that_watches_and_cancels_leaves_nothing)
{
	watches = 64;
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 5);
	struct probe *counter = spawn(THERE), *who = NULL;
	uint32_t at = probes;

	/* One after the other, and none of them ends. */
	for (uint32_t i = 0; i < 100; i++) {
		probes = at;
		probe[at].messages = 0;
		who = spawn_sum(THERE, &plain_sum);
		assert_int_equal(let(watcher, watch_state, who->address, i % 2), 0);
		assert_int_equal(let(watcher, unwatch, 0, 0), 0);
		settle(watcher, who);
	}
	assert_int_equal(let(counter, fill_table, watcher->address, 64), 64);
	/* So does one that is restarted: its monitors are gone. */
	for (uint32_t i = 0; i < 5; i++) {
		probes = at;
		probe[at].messages = 0;
		who = spawn_sum(THERE, &plain_sum);
		assert_int_equal(let(watcher, watch_state, who->address, i % 2), 0);
		settle(watcher, who);
		let(watcher, go_wrong, 0, 0);
		settle(watcher, who);
	}
	assert_int_equal(let(counter, fill_table, watcher->address, 64), 64);
	end();
}

CASE(of_several_monitors_those_that_stay_bring_it)
{
	fresh(state);
	struct probe *watcher = spawn_as(HERE, &watching, NULL, 0);
	struct probe *who = spawn_sum(THERE, &plain_sum);

	/* Two alike, one of another kind: cancelled are one of each. */
	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	assert_int_equal(let(watcher, unwatch, 0, 0), 0);
	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	struct myc_monitor first = watcher->monitor[0];

	assert_int_equal(let(watcher, watch_state, who->address, 0), 0);
	settle(watcher, who);
	watcher->monitor[1] = first;
	assert_int_equal(let(watcher, unwatch, 1, 0), 0);
	settle(watcher, who);
	struct myc_monitor second = watcher->monitor[0];

	assert_int_equal(let(watcher, watch_state, who->address, MYC_MONITOR_THROUGH), 0);
	settle(watcher, who);
	assert_int_equal(let(watcher, unwatch, 0, 0), 0);
	settle(watcher, who);
	let(who, leave, 0, 0);
	wait_until(downs_count == 1);
	assert_true(tells(0, who, 42));
	assert_int_equal(downs[0].event.monitor.index, second.index);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_down_brings_the_last_state_to_who_asked_for_it),
		EVERYWHERE(every_orderly_end_tells_it),
		EVERYWHERE(a_restart_in_place_tells_the_state_that_failed),
		EVERYWHERE(a_monitor_through_restarts_is_told_the_last_of_all),
		EVERYWHERE(a_codec_writes_it_but_not_of_who_is_killed),
		EVERYWHERE(who_does_not_let_others_tells_nothing),
		EVERYWHERE(large_states_come_whole_and_their_buffers_go_home),
		EVERYWHERE(it_comes_behind_all_that_was_sent_also_to_a_suspended_watcher),
		IN(of_a_process_that_died_there_is_none, TWO_PROCESSES),
		EVERYWHERE(watchers_that_come_and_go_do_not_fill_the_table),
		EVERYWHERE(a_cancelled_monitor_brings_nothing),
		EVERYWHERE(a_watcher_that_watches_and_cancels_leaves_nothing),
		EVERYWHERE(of_several_monitors_those_that_stay_bring_it),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
