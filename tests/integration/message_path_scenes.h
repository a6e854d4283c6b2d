/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenes of message_path_test: a kind of message each, and the two actors between which it goes. Included behind
 * what counts there: struct scene, `window`, tick().
 */
#ifndef TESTS_INTEGRATION_MESSAGE_PATH_SCENES_H
#define TESTS_INTEGRATION_MESSAGE_PATH_SCENES_H

/* ---- actors -------------------------------------------------------------------------------------- */

struct side {
	struct myc_ref peer, self;
	uint64_t passed;
	uint8_t payload[4096];
};

/* What a handler returns: there is no room for failures here. */
static int must(int code)
{
	if (code) {
		fprintf(stderr, "  a handler failed: %s\n", strerror(-code));
		_exit(24);
	}
	return 0;
}

static int meet(struct myc_actor *self)
{
	struct side *side = myc_state(self);
	int code = myc_lookup(self, myc_setting(self, "peer", ""), &side->peer);

	return must(code ? code : myc_resolve(self, myc_self(self), &side->self));
}

static int back_and_forth(struct myc_actor *self, const struct myc_message *message)
{
	struct side *side = myc_state(self);

	(void)message;
	tick();
	return must(myc_send(self, &side->peer, ITEM, side->payload, scene->size));
}

static int begin_back_and_forth(struct myc_actor *self)
{
	struct side *side = myc_state(self);
	int code = meet(self);

	for (int i = 0; !code && i < UNDER_WAY; i++)
		code = myc_send(self, &side->peer, ITEM, side->payload, scene->size);
	return must(code);
}

static int pass_on(struct myc_actor *self, const struct myc_message *message)
{
	struct side *side = myc_state(self);

	tick();
	return must(myc_pass(self, &side->peer, message));
}

static int share_and_pass_on(struct myc_actor *self, const struct myc_message *message)
{
	struct side *side = myc_state(self);
	struct myc_body body;

	tick();
	int code = myc_body_keep(self, message, &body);

	if (!code && message->type == GO) { /* the second share: only to be given back */
		myc_body_give(self, &body);
		return 0;
	}
	if (!code)
		code = myc_send_share(self, &side->peer, GO, &body);
	return must(code ? code : myc_send_body(self, &side->peer, ITEM, &body));
}

/* Sends more than there is credit for: pauses, and goes on when right has caught up. */
static int flood(struct myc_actor *self, const struct myc_message *message)
{
	struct side *side = myc_state(self);
	int code = 0;

	(void)message;
	for (int i = 0; !code && i < UNDER_WAY; i++) {
		tick();
		code = myc_send(self, &side->peer, ITEM, side->payload, scene->size);
	}
	return must(code ? code : myc_send(self, &side->self, GO, NULL, 0));
}

/* In turns as fast as it can, so that thousands wait, and more slowly than anybody reads: none. */
static int flood_in_turns(struct myc_actor *self, const struct myc_message *message)
{
	for (int i = 0; i < 600 * UNDER_WAY && window.handled / 16384 % 2; i++)
		myc_cpu_relax();
	return flood(self, message);
}

static int begin_flood(struct myc_actor *self)
{
	struct side *side = myc_state(self);
	int code = meet(self);

	return must(code ? code : myc_send(self, &side->self, GO, NULL, 0));
}

static int only_count(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	tick();
	return 0;
}

/* Slow and fast in turns. */
static int count_slowly(struct myc_actor *self, const struct myc_message *message)
{
	for (int i = 0; i < 100 && window.handled / 16384 % 2 == 0; i++)
		myc_cpu_relax();
	return only_count(self, message);
}

static int ask(struct myc_actor *self)
{
	struct side *side = myc_state(self);

	return myc_ask(self, &side->peer, ITEM, side->payload, scene->size, 10000000000ull, 0,
		       NULL);
}

static int begin_asks(struct myc_actor *self)
{
	int code = meet(self);

	for (int i = 0; !code && i < UNDER_WAY; i++)
		code = ask(self);
	return must(code);
}

static int ask_again(struct myc_actor *self, const struct myc_reply *reply)
{
	tick();
	return must(reply->status ? reply->status : ask(self));
}

static int answer(struct myc_actor *self, const struct myc_message *message)
{
	tick();
	return must(myc_reply(self, message, ITEM, message->payload, message->size));
}

static int begin_timers(struct myc_actor *self)
{
	int code = 0;

	for (int i = 0; !code && i < UNDER_WAY; i++)
		code = myc_timer_start(self, 1000, 0, 0, NULL);
	return must(code);
}

/* Two are started, one fires. */
static int timer_again(struct myc_actor *self, uint64_t cookie)
{
	struct myc_timer timer;

	(void)cookie;
	tick();
	int code = myc_timer_start(self, 1000000000, 0, 0, &timer);

	if (!code)
		code = myc_timer_cancel(self, timer);
	return must(code ? code : myc_timer_start(self, 1000, 0, 0, NULL));
}

static int sin_once(struct myc_actor *self, const struct myc_message *message)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static char pages[1 << 16];

	static bool done;

	if (window.open && !done) {
		done = true;
		char *volatile made = malloc(100);

		free(made);
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		getppid();
		*(volatile char *)&pages[sizeof(pages) / 2] = 1;
	}
	return back_and_forth(self, message);
}

#define SIDE .state_size = sizeof(struct side)
static const struct scene scenes[] = {
	{.name = "messages on one executor",
	 .executors = 1,
	 .windows = 1,
	 .size = 40,
	 .left = {SIDE, .started = begin_back_and_forth, .message = back_and_forth},
	 .right = {SIDE, .started = meet, .message = back_and_forth}},
	{.name = "messages between two executors",
	 .executors = 2,
	 .windows = 2,
	 .size = 40,
	 .left = {SIDE, .started = begin_back_and_forth, .message = back_and_forth},
	 .right = {SIDE, .started = meet, .message = back_and_forth}},
	{.name = "bodies of 256 bytes, copied from where they lie",
	 .executors = 2,
	 .windows = 2,
	 .size = 256,
	 .left = {SIDE, .started = begin_back_and_forth, .message = back_and_forth},
	 .right = {SIDE, .started = meet, .message = back_and_forth}},
	{.name = "bodies of 4 KiB that are passed on",
	 .executors = 2,
	 .windows = 2,
	 .size = 4096,
	 .left = {SIDE, .started = begin_back_and_forth, .message = pass_on},
	 .right = {SIDE, .started = meet, .message = pass_on}},
	{.name = "bodies that are kept, shared and sent",
	 .executors = 2,
	 .windows = 2,
	 .size = 1024,
	 .left = {SIDE, .started = begin_back_and_forth, .message = share_and_pass_on},
	 .right = {SIDE, .started = meet, .message = share_and_pass_on}},
	{.name = "a sender that is paused by its credit, on one executor",
	 .executors = 1,
	 .windows = 1,
	 .size = 8,
	 .credit = 3,
	 .left = {SIDE, .started = begin_flood, .message = flood},
	 .right = {SIDE, .started = meet, .message = only_count}},
	{.name = "a sender that is paused by its credit, between two",
	 .executors = 2,
	 .windows = 2,
	 .size = 8,
	 .left = {SIDE, .started = begin_flood, .message = flood},
	 .right = {SIDE, .started = meet, .message = only_count}},
	{.name = "a mailbox without bounds in which little waits",
	 .executors = 2,
	 .windows = 2,
	 .size = 40,
	 .growth = 65536,
	 .left = {SIDE, .started = begin_back_and_forth, .message = back_and_forth},
	 .right = {SIDE, .started = meet, .message = back_and_forth}},
	{.name = "one in which thousands wait: its chunks, and nothing else",
	 .executors = 2,
	 .windows = 2,
	 .size = 8,
	 .growth = 65536,
	 .grows = true,
	 .messages = 200000,
	 .left = {SIDE, .started = begin_flood, .message = flood_in_turns},
	 .right = {SIDE, .started = meet, .message = count_slowly}},
	{.name = "asks and replies on one executor",
	 .executors = 1,
	 .windows = 1,
	 .size = 40,
	 .left = {SIDE, .started = begin_asks, .reply = ask_again},
	 .right = {SIDE, .started = meet, .message = answer}},
	{.name = "asks and replies between two executors",
	 .executors = 2,
	 .windows = 2,
	 .size = 40,
	 .left = {SIDE, .started = begin_asks, .reply = ask_again},
	 .right = {SIDE, .started = meet, .message = answer}},
	{.name = "timers",
	 .executors = 1,
	 .windows = 1,
	 .left = {SIDE, .started = begin_timers, .timer = timer_again},
	 .right = {SIDE}},
	{.name = "executors that sleep: wakes and waits, and nothing else",
	 .executors = 2,
	 .windows = 2,
	 .size = 40,
	 .sleeps = true,
	 .messages = 20000,
	 .left = {SIDE, .started = begin_back_and_forth, .message = back_and_forth},
	 .right = {SIDE, .started = meet, .message = back_and_forth}},
	{.name = "what must not be there is seen when it is",
	 .executors = 1,
	 .windows = 1,
	 .size = 40,
	 .messages = 1000,
	 .sinful = true,
	 .left = {SIDE, .started = begin_back_and_forth, .message = sin_once},
	 .right = {SIDE, .started = meet, .message = back_and_forth}},
	{.name = "posts of a plain thread",
	 .executors = 1,
	 .windows = 2,
	 .size = 40,
	 .plain = true,
	 .left = {SIDE},
	 .right = {SIDE, .message = only_count}},
};
#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

#endif
