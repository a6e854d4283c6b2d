/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asks of a random world (random_world.h): questions and answers in bodies or without, to one or many, awaited,
 * passed on and on, answered late, twice or never, cancelled. What one actor was asked and another is shown is in no pair's
 * order: its note says whom it was for.
 */
#ifndef TESTS_CONFORMANCE_RANDOM_ASKS_H
#define TESTS_CONFORMANCE_RANDOM_ASKS_H

#define OF_MANY	 ACTORS		/* as whom it is for */
#define AWAIT_NS (ASK_NS / 100) /* nothing else is handled meanwhile */

/* A note, and BODY bytes in all that it names. */
static void write_large(void *bytes, const struct note *note)
{
	memset(bytes, (int)note->check, BODY);
	memcpy(bytes, note, sizeof(*note));
}

static int take_large(struct myc_actor *self, const struct note *note, struct myc_body *body)
{
	int code = myc_body_take(self, BODY, body);

	if (code)
		return code;
	write_large(body->data, note);
	body->size = BODY;
	return 0;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static int ask_body(struct myc_actor *self, struct myc_ref *to, const struct note *note,
		    uint64_t cookie, struct myc_ask *ask)
{
	struct myc_body body;
	int code = take_large(self, note, &body);

	if (code)
		return code;
	code = myc_ask_body(self, to, TYPE, &body, ASK_NS, cookie, ask);
	if (code)
		myc_body_give(self, &body);
	return code;
}

/* All of higher numbers. */
static int ask_many(struct myc_actor *self, uint32_t me, struct note *note, uint64_t cookie,
		    struct myc_ask *ask)
{
	struct peer *peer = myc_state(self);
	uint32_t count = world.actors - me - 1;
	uint8_t large[BODY];

	for (uint32_t to = me + 1; to < world.actors; to++)
		if (!peer->to[to].address && myc_resolve(self, world.address[to], &peer->to[to]))
			return -ESRCH;
	if (!count)
		return -ESRCH;
	note->to = OF_MANY;
	write_large(large, note);
	world.gathers++;
	return myc_gather(self, &peer->to[me + 1], count, any(2) ? MYC_GATHER_ALL : 1 + any(count),
			  TYPE, large, any(2) ? BODY : sizeof(*note), ASK_NS, cookie, ask);
}

static void ask_some(struct myc_actor *self, uint32_t hops)
{
	struct peer *peer = myc_state(self);
	uint32_t me = index_of(self), to = any(world.actors), how = any(8);
	uint64_t cookie = peer->cookies;
	struct note note = {.from = me, .to = to, .sequence = world.sent[me][to] + 1, .hops = hops};
	size_t size = how == 1 ? BODY : sizeof(note);
	struct myc_ask ask;
	uint8_t large[BODY];
	int code;

	if (cookie == COOKIES ||
	    (!peer->to[to].address && myc_resolve(self, world.address[to], &peer->to[to])))
		return;
	note.check = (uint32_t)world.asked * 7 % 251;
	write_large(large, &note);
	if (how == 2)
		code = ask_many(self, me, &note, cookie, &ask);
	else if (to <= me)
		code = myc_try_ask(self, &peer->to[to], TYPE, large, size, ASK_NS, cookie, &ask);
	else if (how == 3)
		code = myc_ask_await(self, &peer->to[to], TYPE, large, size, AWAIT_NS, cookie, &ask,
				     NULL);
	else if (how == 0)
		code = ask_body(self, &peer->to[to], &note, cookie, &ask);
	else
		code = myc_ask(self, &peer->to[to], TYPE, large, size, ASK_NS, cookie, &ask);
	if (code)
		return;
	world.awaits += how == 3 && to > me;
	peer->cookies++;
	peer->newest = ask;
	peer->newest_cookie = cookie;
	world.asked++;
	world.asking[me][cookie] = true;
	world.many[me][cookie] = how == 2;
	world.check[me][cookie] = note.check;
	world.sent[me][to] += how != 2;
}

/* The newest, which either has had its outcome or has none now. */
static void cancel_some(struct myc_actor *self)
{
	struct peer *peer = myc_state(self);
	bool *asking = &world.asking[index_of(self)][peer->newest_cookie];

	if (!peer->cookies)
		return;
	world.no_ask += *asking != !myc_ask_cancel(self, peer->newest);
	world.cancels += *asking;
	*asking = false;
}

/* ---- answering --------------------------------------------------------------------------------- */

/* In a body: the question's own, or one of ours. */
static void answer_in_body(struct myc_actor *self, const struct myc_reply_to *to,
			   const struct note *note, struct myc_body *body)
{
	if (!body->data && take_large(self, note, body))
		return;
	if (myc_reply_body(self, to, TYPE, body))
		myc_body_give(self, body);
}

/* `body`: the question's, which we have; data NULL: none. It is not ours after this. */
static void answer_as(struct myc_actor *self, const struct myc_reply_to *to,
		      const struct note *note, struct myc_body *body)
{
	uint32_t how = any(5);
	uint8_t large[BODY];

	write_large(large, note);
	if (!how)
		myc_reply_error(self, to, -EACCES);
	else if (how < 4)
		myc_reply_send(self, to, TYPE, large,
			       how == 1	  ? 0
			       : how == 2 ? sizeof(*note)
					  : BODY);
	else
		answer_in_body(self, to, note, body);
	if (!any(8)) /* too much: it is late */
		myc_reply_send(self, to, TYPE, large, any(2) ? BODY : 0);
	myc_body_give(self, body);
}

/* To a higher number: nobody has it twice. */
static int pass_on(struct myc_actor *self, const struct myc_message *message,
		   const struct myc_reply_to *asker, const struct note *note)
{
	struct peer *peer = myc_state(self);
	uint32_t me = index_of(self), to = me + 1 + any(world.actors - me);
	uint8_t large[BODY];
	int code;

	if (to >= world.actors)
		return -ESRCH;
	if (!peer->to[to].address && myc_resolve(self, world.address[to], &peer->to[to]))
		return -ESRCH;
	write_large(large, note);
	if (any(2))
		code = myc_forward(self, message, &peer->to[to]);
	else
		code = myc_delegate(self, asker, &peer->to[to], TYPE, large,
				    any(2) ? BODY : sizeof(*note));
	world.passed += !code;
	/* It has it no more. */
	if (!code && message->body != MYC_HOLD_NONE && any(4) == 0)
		(void)myc_forward(self, message, &peer->to[to]);
	return code;
}

/* Some reply, some pass it on, some say it later, some leave it to the timeout. */
static void answer(struct myc_actor *self, const struct myc_message *message)
{
	struct peer *peer = myc_state(self);
	struct myc_body body = {.data = NULL};
	struct myc_reply_to to;
	uint32_t how = any(8);
	struct note note;

	if (!myc_message_asks(message) || !how || myc_reply_keep(message, &to))
		return;
	memcpy(&note, message->payload, sizeof(note));
	if (how < 3 && !pass_on(self, message, &to, &note))
		return;
	if (message->body != MYC_HOLD_NONE)
		(void)myc_body_keep(self, message, &body);
	if (how == 3 && !peer->owes && !world.ending) {
		peer->owes = true;
		peer->owed_to = to;
		peer->owed = note;
		peer->owed_body = body;
		return;
	}
	answer_as(self, &to, &note, &body);
}

static void pay(struct myc_actor *self)
{
	struct peer *peer = myc_state(self);

	if (peer->owes)
		answer_as(self, &peer->owed_to, &peer->owed, &peer->owed_body);
	peer->owes = false;
}

/* ---- outcomes ---------------------------------------------------------------------------------- */

/* It goes on, to somebody whom its question was not for, or stays for a moment. */
static void use_answer(struct myc_actor *self, const struct myc_reply *reply, uint32_t asked)
{
	struct peer *peer = myc_state(self);
	uint32_t to = any(world.actors);
	struct myc_body body;

	if (any(3) || myc_reply_body_keep(self, reply, &body))
		return;
	world.kept++;
	if (to == asked || !peer->to[to].address ||
	    myc_try_send_body(self, &peer->to[to], AGAIN, &body))
		myc_body_give(self, &body);
}

static int peer_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	uint32_t me = index_of(self);
	uint64_t cookie = reply->cookie % COOKIES;
	bool *asking = &world.asking[me][cookie];
	const uint8_t *bytes = reply->payload;
	struct note note;

	world.outcomes++;
	world.no_ask += !*asking || (reply->kind == MYC_REPLY_GATHER && !world.many[me][cookie]);
	*asking = world.many[me][cookie] && reply->kind != MYC_REPLY_GATHER;
	if (reply->size) {
		memcpy(&note, bytes, sizeof(note));
		world.torn += note.from != me || note.check != world.check[me][cookie];
		for (uint32_t i = sizeof(note); i < reply->size; i++)
			world.torn += bytes[i] != note.check;
		world.large += reply->size == BODY;
		use_answer(self, reply, note.to);
	}
	if (*asking && !any(10)) {
		world.no_ask += myc_ask_cancel(self, reply->ask) != 0;
		*asking = false;
	}
	return 0;
}

#endif
