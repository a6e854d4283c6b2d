/* SPDX-License-Identifier: Apache-2.0 */
/* Actors that go on with other handlers: in the test kit, where each step is seen. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

enum { SAY = 1, GO, GO_OVER, BACK, FAIL, STOP, PLAN };
enum { FIRST, RED, GREEN, BLUE, COLOURS };

/* What happened, a letter each: entered r, left R, messages by colour 1r.. as text. */
static char story[512];
static int last_code;
static bool entered_fails, change_in_entered, change_in_left;
static const struct myc_behaviour colour[COLOURS];
static struct myc_testkit *kit;

static void tell(const char *text)
{
	size_t at = strlen(story);

	assert_true(at + strlen(text) < sizeof(story));
	snprintf(story + at, sizeof(story) - at, "%s", text);
}

static int step(struct myc_actor *self, const struct myc_message *message, const char *who)
{
	uint32_t to = 0;

	if (message->size == sizeof(to))
		memcpy(&to, message->payload, sizeof(to));
	switch (message->type) {
	case SAY:
		tell(who);
		return 0;
	case GO:
		last_code = myc_become(self, to < COLOURS ? &colour[to] : NULL);
		return last_code;
	case GO_OVER:
		last_code = myc_become_over(self, &colour[to]);
		return 0;
	case BACK:
		last_code = myc_unbecome(self);
		return 0;
	case FAIL:
		return -EIO;
	case STOP:
		myc_stop(self);
		return 0;
	case PLAN:
		return myc_timer_start(self, 1000, 0, to, NULL);
	}
	return 0;
}

static int first_message(struct myc_actor *self, const struct myc_message *message)
{
	return step(self, message, "1");
}
static int red_message(struct myc_actor *self, const struct myc_message *message)
{
	return step(self, message, "r");
}
static int green_message(struct myc_actor *self, const struct myc_message *message)
{
	return step(self, message, "g");
}
static int first_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	tell("t1");
	return 0;
}
static int red_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	tell("tr");
	return 0;
}
static int first_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	tell(event->kind == MYC_EVENT_DOWN ? "d1" : "?");
	return 0;
}
static int green_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	tell(event->kind == MYC_EVENT_DOWN ? "dg" : "?");
	return 0;
}
static int first_entered(struct myc_actor *self)
{
	(void)self;
	tell("+1");
	return 0;
}
static int red_entered(struct myc_actor *self)
{
	tell("+r");
	assert_ptr_equal(myc_behaviour_now(self), &colour[RED]);
	if (change_in_entered)
		assert_int_equal(myc_become(self, &colour[GREEN]), -EBUSY);
	if (change_in_entered)
		assert_int_equal(myc_unbecome(self), -EBUSY);
	return entered_fails ? -EPERM : 0;
}
static void red_left(struct myc_actor *self)
{
	tell("-r");
	assert_ptr_equal(myc_behaviour_now(self), &colour[RED]);
	if (change_in_left)
		assert_int_equal(myc_become_over(self, &colour[GREEN]), -EBUSY);
}
static void first_left(struct myc_actor *self)
{
	assert_ptr_equal(myc_behaviour_now(self), &colour[FIRST]);
	tell("-1");
}
static int first_init(struct myc_actor *self)
{
	assert_ptr_equal(myc_behaviour_now(self), &colour[FIRST]);
	assert_int_equal(*(uint64_t *)myc_state(self), 0);
	*(uint64_t *)myc_state(self) = 7;
	tell("init ");
	return 0;
}
static int not_called(struct myc_actor *self)
{
	(void)self;
	tell("(never)");
	return 0;
}
static void never(struct myc_actor *self)
{
	not_called(self);
}
static void first_stopping(struct myc_actor *self)
{
	(void)self;
	tell(" stopping");
}
static void first_stopped(struct myc_actor *self)
{
	assert_int_equal(*(uint64_t *)myc_state(self), 7);
	tell(" stopped");
}

static const struct myc_behaviour colour[COLOURS] = {
	[FIRST] = {.name = "first",
		   .state_size = sizeof(uint64_t),
		   .init = first_init,
		   .message = first_message,
		   .timer = first_timer,
		   .signal = first_signal,
		   .entered = first_entered,
		   .left = first_left,
		   .stopping = first_stopping,
		   .stopped = first_stopped},
	/* The frame of its life is the first's, whatever these say. */
	[RED] = {.name = "red",
		 .state_size = 4096,
		 .init = not_called,
		 .started = not_called,
		 .stopping = never,
		 .stopped = never,
		 .message = red_message,
		 .timer = red_timer,
		 .entered = red_entered,
		 .left = red_left},
	[GREEN] = {.name = "green", .message = green_message, .signal = green_signal},
	[BLUE] = {.name = "blue"},
};

/* ---- a kit with one of them ---------------------------------------------------------------------- */

static myc_address actor;

static int begin(void **state)
{
	const struct myc_testkit_opts opts = {.sz = sizeof(opts)};
	static const struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
						    .behaviour = &colour[FIRST]};

	(void)state;
	memset(story, 0, sizeof(story));
	last_code = 0;
	entered_fails = change_in_entered = change_in_left = false;
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &actor), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	myc_testkit_close(kit);
	return 0;
}

static int post(uint16_t type, uint32_t to)
{
	assert_int_equal(myc_testkit_post(kit, actor, type, &to, sizeof(to)), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	return last_code;
}

#define story_is(text)                            \
	do {                                      \
		assert_string_equal(story, text); \
		story[0] = '\0';                  \
	} while (0)

static void the_next_message_comes_to_the_new_handlers(void **state)
{
	(void)state;
	post(SAY, 0);
	post(GO, RED);
	post(SAY, 0);
	post(GO, GREEN);
	post(SAY, 0);
	story_is("init 1-1+rr-rg");
	assert_int_equal(post(BACK, 0), 0);
	post(SAY, 0);
	story_is("+11");
	assert_int_equal(post(BACK, 0), -ENOENT);
	story_is("");
}

static void messages_of_one_turn_are_parted_by_a_change(void **state)
{
	uint32_t red = RED;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(myc_testkit_post(kit, actor, SAY, NULL, 0), 0);
	assert_int_equal(myc_testkit_post(kit, actor, GO, &red, sizeof(red)), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(myc_testkit_post(kit, actor, SAY, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	story_is("init 111-1+rrrr");
}

static void what_a_state_leaves_out_is_the_firsts(void **state)
{
	(void)state;
	post(GO, BLUE);
	post(SAY, 0);
	post(PLAN, 0);
	assert_int_equal(myc_testkit_advance(kit, 2000), 0);
	story_is("init -11t1");
	post(GO, RED);
	post(PLAN, 0);
	assert_int_equal(myc_testkit_advance(kit, 2000), 0);
	story_is("+rtr");
}

static void a_timer_started_before_fires_in_the_new_state(void **state)
{
	(void)state;
	post(PLAN, 0);
	post(GO, RED);
	assert_int_equal(myc_testkit_advance(kit, 2000), 0);
	story_is("init -1+rtr");
}

static void over_and_back_are_a_stack_of_eight(void **state)
{
	(void)state;
	for (int i = 0; i < MYC_BEHAVIOURS_MAX; i++)
		assert_int_equal(post(GO_OVER, i % 2 ? RED : GREEN), 0);
	story[0] = '\0';
	assert_int_equal(post(GO_OVER, GREEN), -ENOSPC);
	post(SAY, 0);
	story_is("r");
	/* In place of the topmost there is always room. */
	assert_int_equal(post(GO, GREEN), 0);
	post(SAY, 0);
	story_is("-rg");
	for (int i = MYC_BEHAVIOURS_MAX - 1; i > 0; i--) {
		assert_int_equal(post(BACK, 0), 0);
		story[0] = '\0';
		post(SAY, 0);
		story_is((i - 1) % 2 ? "r" : "g");
	}
	assert_int_equal(post(BACK, 0), 0);
	post(SAY, 0);
	story_is("+11");
	assert_int_equal(post(BACK, 0), -ENOENT);
}

static void a_restart_goes_back_to_the_first_without_leaving(void **state)
{
	(void)state;
	post(GO_OVER, GREEN);
	post(GO_OVER, RED);
	post(FAIL, 0);
	story_is("init -1+rinit ");
	post(SAY, 0);
	assert_int_equal(post(BACK, 0), -ENOENT);
	story_is("1");
	/* The whole stack is there again. */
	for (int i = 0; i < MYC_BEHAVIOURS_MAX; i++)
		assert_int_equal(post(GO_OVER, GREEN), 0);
}

static void an_entered_that_fails_fails_the_handler_that_asked(void **state)
{
	(void)state;
	entered_fails = true;
	assert_int_equal(post(GO, RED), -EPERM);
	story_is("init -1+rinit ");
	/* Who does not pass it on is where he wanted to be. */
	assert_int_equal(post(GO_OVER, RED), -EPERM);
	post(SAY, 0);
	story_is("-1+rr");
}

static void hooks_cannot_change_it_again(void **state)
{
	(void)state;
	change_in_entered = change_in_left = true;
	assert_int_equal(post(GO, RED), 0);
	assert_int_equal(post(GO, GREEN), 0);
	post(SAY, 0);
	story_is("init -1+r-rg");
}

static void nothing_to_become_is_refused(void **state)
{
	(void)state;
	assert_int_equal(post(GO, COLOURS), -EINVAL);
	story_is("init init "); /* the handler passed it on */
}

static void its_end_is_framed_by_the_first(void **state)
{
	(void)state;
	post(GO, RED);
	post(STOP, 0);
	story_is("init -1+r stopping stopped");
}

/* ---- signals --------------------------------------------------------------------------------------- */

static myc_address other;

static int watcher_started(struct myc_actor *self)
{
	struct myc_monitor monitor;

	return myc_monitor(self, other, 0, &monitor);
}

static const struct myc_behaviour mortal = {.name = "mortal", .message = first_message};

static void down_in(uint32_t to, const char *expected)
{
	static struct myc_behaviour watcher;
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &mortal};
	myc_address first = actor;

	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &other), 0);
	watcher = colour[FIRST];
	watcher.started = watcher_started;
	watcher.left = NULL;
	watcher.state_size = 0;
	watcher.init = NULL;
	watcher.stopped = NULL;
	spawn.behaviour = &watcher;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &actor), 0);
	post(GO, to);
	story[0] = '\0';
	assert_int_equal(myc_testkit_post(kit, other, STOP, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	story_is(expected);
	actor = first;
}

static void monitors_and_links_stay_and_come_to_the_current_handler(void **state)
{
	(void)state;
	down_in(GREEN, "dg");
}

static void a_state_without_a_signal_handler_loses_no_down(void **state)
{
	(void)state;
	down_in(BLUE, "d1");
}

/* ---- crash ----------------------------------------------------------------------------------------- */

static void a_successor_process_starts_with_the_first(void **state)
{
	(void)state;
	post(GO, RED);
	story[0] = '\0';
	assert_int_equal(myc_testkit_crash(kit, 0), 0);
	post(SAY, 0);
	story_is("init 1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_next_message_comes_to_the_new_handlers),
		CASE(messages_of_one_turn_are_parted_by_a_change),
		CASE(what_a_state_leaves_out_is_the_firsts),
		CASE(a_timer_started_before_fires_in_the_new_state),
		CASE(over_and_back_are_a_stack_of_eight),
		CASE(a_restart_goes_back_to_the_first_without_leaving),
		CASE(an_entered_that_fails_fails_the_handler_that_asked),
		CASE(hooks_cannot_change_it_again),
		CASE(nothing_to_become_is_refused),
		CASE(its_end_is_framed_by_the_first),
		CASE(monitors_and_links_stay_and_come_to_the_current_handler),
		CASE(a_state_without_a_signal_handler_loses_no_down),
		CASE(a_successor_process_starts_with_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
