/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Citizens: actors that use everything there is with each other, at random from a seed, and judge what comes to
 * them. Processes 0 and 1 are good: what their citizens have from one another is right to the last bit, whatever
 * process 2 does; from that one they take anything. Included once, by a test that has `house`.
 *
 *	FIRST	claims its process' topics, reads everybody's, looks at names and groups
 *	SECOND	reads topics in place, watches lives, groups, dead letters
 *	MOVER	is moved between executors: has nothing that stays with one
 *	BOLD	waits for process 2 too, and, when that ends, for its successor; nobody waits for it
 */
#ifndef TESTS_INTEGRATION_SCRIBBLE_CITIZEN_H
#define TESTS_INTEGRATION_SCRIBBLE_CITIZEN_H

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <mycelium/mycelium.h>

enum { GOOD = 2, SCRIBBLER = 2, PROCESSES = 3 };
enum { FIRST, SECOND, MOVER, BOLD, CITIZENS };
enum { ALL = PROCESSES * CITIZENS, COOKIES = 64 };
enum { ORDINARY = 1, URGENT, BRIEF, ASK, PASSED, QUESTION };
enum { TOLERANT, TIMED, KEYED, TOPICS };

#define SOON	   5000000ull	   /* ns: for who may not answer */
#define LONG	   300000000000ull /* for who does */
#define TICK	   500000ull
#define BODY	   1000
#define KEYS	   16
#define DOWNS	   16
#define LONG_WORDS 20 /* of a long answer */
#define FACTOR	   0x9e3779b97f4a7c15ull

/* What may not happen. X(name, text) */
#define WRONGS(X)                                               \
	X(ORDER, "a message is lost, twice or out of order")    \
	X(TORN, "a payload is not what was sent")               \
	X(ANSWER, "an answer that is none, or twice")           \
	X(DOWN, "an end that was none, or twice")               \
	X(TIMER, "a timer before it was due")                   \
	X(TOPIC, "a topic's message is wrong, or out of order") \
	X(NAME, "a name that is there was not found, or wrong") \
	X(GROUP, "a member of a group was not found")           \
	X(CALL, "a plain thread's call went wrong")
enum wrong {
#define WRONG_ENUM(name, text) WRONG_##name,
	WRONGS(WRONG_ENUM)
#undef WRONG_ENUM
		WRONGS_COUNT
};

/* The first that was wrong. */
struct wrong_answer {
	uint64_t cookie, answer, expected; /* expected 0: nothing was asked */
	myc_address asked;
	int32_t status;
	uint32_t size;
	uint8_t kind;
};

/* Of one citizen, in its process' region; it alone writes. */
struct witness {
	uint64_t sent[ALL][2], got[ALL][2]; /* ordinary (asks too), urgent: numbers of the last */
	uint64_t brief[ALL];
	uint64_t wrong[WRONGS_COUNT];
	struct wrong_answer answer;
	uint64_t asked, answered, watched, ended, moves;
	uint64_t scribbled; /* messages, events and answers of the scribbler */
	uint64_t started, ticks;
};

/* In a page of the holder's. */
struct orders {
	uint32_t ending; /* nobody begins anything new */
	uint64_t seed;
};

static struct orders *orders;
static struct witness *witness; /* of this process: CITIZENS of them */
static uint32_t me;

struct note {
	uint32_t from, to;
	uint64_t number, check;
};
struct tick {
	uint64_t topic, key, number, check;
};

struct citizen {
	uint32_t index;
	struct witness *saw;
	uint64_t chance, due_ns;
	struct myc_ref to[ALL];
	uint64_t cookies, expected[COOKIES]; /* by cookie: what is answered, 0 = nothing is asked */
	bool from_good[COOKIES], gathers[COOKIES];
	struct myc_reply_to owed;
	uint64_t owed_number;
	struct myc_monitor monitor[DOWNS];
	myc_address watched[DOWNS]; /* 0: none */
	uint32_t children;
	struct myc_group good;
	uint32_t subscribed; /* bits: topics */
	uint64_t briefs;
	struct myc_publisher topic[TOPICS];
	uint64_t published;
	uint64_t read[PROCESSES * TOPICS], read_key[PROCESSES][KEYS];
};

static uint32_t process_of(uint32_t index)
{
	return index / CITIZENS;
}
static bool good(uint32_t index)
{
	return process_of(index) < GOOD;
}
/* Is it good, and does it wait for good ones only? */
static bool sure(uint32_t index)
{
	return good(index) && index % CITIZENS != BOLD;
}
static myc_address address_of(uint32_t index)
{
	return house_address(process_of(index), index % CITIZENS);
}
/* ALL: none of these. */
static uint32_t index_of(myc_address address)
{
	uint32_t index = myc_address_process(address) * CITIZENS + myc_address_slot(address);

	return index < ALL && address == address_of(index) ? index : ALL;
}
static struct witness *witness_of(uint32_t index)
{
	return (struct witness *)house_user(&house, process_of(index)) + index % CITIZENS;
}
static uint32_t any(struct citizen *citizen, uint32_t bound)
{
	return (uint32_t)(test_random(&citizen->chance) >> 33) % bound;
}
static void wrong(struct citizen *citizen, enum wrong what)
{
	__atomic_fetch_add(&citizen->saw->wrong[what], 1, __ATOMIC_RELAXED);
}
static uint64_t check_of(uint32_t from, uint32_t to, uint64_t number)
{
	return (number + from * ALL + to + 1) * FACTOR;
}
static uint64_t answer_of(uint64_t number)
{
	return number * 3 + 1;
}
/* Short or long; 0: it is none. */
static uint64_t read_answer(const void *payload, uint32_t size)
{
	uint64_t text[LONG_WORDS] = {0};

	if (size != sizeof(text[0]) && size != sizeof(text))
		return 0;
	memcpy(text, payload, size);
	for (uint32_t i = 1; i < size / sizeof(text[0]); i++)
		if (text[i] != text[0] + i)
			return 0;
	return text[0];
}
static bool ending(void)
{
	return __atomic_load_n(&orders->ending, __ATOMIC_RELAXED);
}

/* ---- sending ------------------------------------------------------------------------------------- */

/* May this one wait for that one? Only upwards, so that there is no ring. */
static bool may_wait(const struct citizen *citizen, uint32_t to)
{
	return citizen->index % CITIZENS == BOLD || (to > citizen->index && sure(to));
}

static struct myc_ref *ref_to(struct myc_actor *self, struct citizen *citizen, uint32_t to)
{
	struct myc_ref *ref = &citizen->to[to];

	if (!ref->address && myc_resolve(self, address_of(to), ref))
		memset(ref, 0, sizeof(*ref));
	return ref->address ? ref : NULL;
}

static struct note note_to(const struct citizen *citizen, uint32_t to, bool urgent)
{
	uint64_t number = citizen->saw->sent[to][urgent] + 1;

	return (struct note){.from = citizen->index,
			     .to = to,
			     .number = number,
			     .check = check_of(citizen->index, to, number)};
}

/* `code`: of the send of the next one, or how many went. */
static void has_sent(struct citizen *citizen, uint32_t to, bool urgent, int code)
{
	uint64_t *sent = &citizen->saw->sent[to][urgent];

	if (code > 0)
		__atomic_store_n(sent, *sent + (uint32_t)code, __ATOMIC_RELAXED);
	else if (code == -ESRCH)
		citizen->to[to].address = 0;
}

/* A body holds its note from end to end. */
static void fill(uint8_t *bytes, uint32_t size, const struct note *note)
{
	for (uint32_t at = 0; at + sizeof(*note) <= size; at += sizeof(*note))
		memcpy(bytes + at, note, sizeof(*note));
}

static int send_body(struct myc_actor *self, struct myc_ref *ref, uint16_t type,
		     const struct note *note, uint32_t size, bool share, bool wait)
{
	struct myc_body body;
	int code = myc_body_take(self, size, &body);

	if (code)
		return code;
	fill(body.data, size, note);
	body.size = size;
	if (share)
		code = wait ? myc_send_share(self, ref, type, &body)
			    : myc_try_send_share(self, ref, type, &body);
	else
		code = wait ? myc_send_body(self, ref, type, &body)
			    : myc_try_send_body(self, ref, type, &body);
	if (code || share)
		myc_body_give(self, &body);
	return code;
}

static int send_batch(struct myc_actor *self, struct citizen *citizen, struct myc_ref *ref,
		      uint32_t to)
{
	struct note notes[8];
	uint32_t count = 1 + any(citizen, 8);

	for (uint32_t i = 0; i < count; i++) {
		notes[i] = note_to(citizen, to, false);
		notes[i].number += i;
		notes[i].check = check_of(citizen->index, to, notes[i].number);
	}
	return myc_send_batch(self, ref, ORDINARY, notes, sizeof(notes[0]), count);
}

static int send_ordinary(struct myc_actor *self, struct citizen *citizen, struct myc_ref *ref,
			 uint32_t to)
{
	struct note note = note_to(citizen, to, false);
	bool wait = may_wait(citizen, to) && any(citizen, 2);
	uint32_t size = any(citizen, 2) ? BODY : 96;
	uint8_t large[BODY] = {0};
	int code;

	switch (any(citizen, 7)) {
	case 0:
		return send_batch(self, citizen, ref, to);
	case 6:
		code = send_body(self, ref, PASSED, &note, size, any(citizen, 2), wait);
		return code < 0 ? code : 0;
	case 1:
		code = send_body(self, ref, ORDINARY, &note, size, any(citizen, 2), wait);
		break;
	case 2:
		fill(large, size, &note);
		code = wait ? myc_send(self, ref, ORDINARY, large, size)
			    : myc_try_send(self, ref, ORDINARY, large, size);
		break;
	case 3: /* with a deadline that is far away */
		code = wait ? myc_send_within(self, ref, ORDINARY, &note, sizeof(note),
					      MYC_WITHIN_MAX_NS)
			    : -EAGAIN;
		break;
	default:
		code = wait ? myc_send(self, ref, ORDINARY, &note, sizeof(note))
			    : myc_try_send(self, ref, ORDINARY, &note, sizeof(note));
	}
	return code ? code : 1;
}

/* ---- asking -------------------------------------------------------------------------------------- */

/* A free cookie; COOKIES: none. */
static uint64_t cookie_for(struct citizen *citizen)
{
	for (uint32_t i = 0; i < COOKIES; i++)
		if (!citizen->expected[citizen->cookies++ % COOKIES])
			return (citizen->cookies - 1) % COOKIES;
	return COOKIES;
}

static void asks(struct citizen *citizen, uint64_t cookie, uint64_t expected, bool from_good,
		 bool gathers)
{
	citizen->gathers[cookie] = gathers;
	citizen->expected[cookie] = expected;
	citizen->from_good[cookie] = from_good;
	__atomic_store_n(&citizen->saw->asked, citizen->saw->asked + 1, __ATOMIC_RELAXED);
}

/* A receipt's outcome is one like an answer's, with nothing in it. */
static int ask(struct myc_actor *self, struct citizen *citizen, struct myc_ref *ref, uint32_t to)
{
	struct note note = note_to(citizen, to, false);
	uint64_t cookie = cookie_for(citizen), within = sure(to) ? LONG : SOON;
	uint32_t how = any(citizen, 4);
	int code = -EAGAIN;

	if (cookie == COOKIES)
		return code;
	if (how == 0 && may_wait(citizen, to) && citizen->index % CITIZENS != MOVER)
		code = myc_ask_await(self, ref, ASK, &note, sizeof(note), within, cookie, NULL,
				     NULL);
	else if (how == 1 && may_wait(citizen, to))
		code = myc_send_receipt(self, ref, ORDINARY, &note, sizeof(note), within, cookie,
					NULL);
	else if (how > 1)
		code = myc_try_ask(self, ref, ASK, &note, sizeof(note), within, cookie, NULL);
	if (code)
		return code;
	asks(citizen, cookie, how == 1 ? UINT64_MAX : answer_of(note.number), sure(to), false);
	return 1;
}

/* One of each process, the scribbler too, which may have to wait: the first answer. Questions have no numbers. */
static void gather(struct myc_actor *self, struct citizen *citizen)
{
	struct myc_ref refs[PROCESSES];
	uint64_t cookie = cookie_for(citizen), question = 77;

	for (uint32_t p = 0; p < PROCESSES; p++) {
		struct myc_ref *ref =
			ref_to(self, citizen, p * CITIZENS + (citizen->index + p) % CITIZENS);

		if (!ref)
			return;
		refs[p] = *ref;
	}
	if (cookie != COOKIES && citizen->index % CITIZENS == BOLD &&
	    !myc_gather(self, refs, PROCESSES, 1, QUESTION, &question, sizeof(question), SOON,
			cookie, NULL))
		asks(citizen, cookie, answer_of(question), false, true);
}

static void wrong_answer(struct citizen *citizen, const struct myc_reply *reply, uint64_t expected,
			 uint64_t answer)
{
	if (!citizen->saw->wrong[WRONG_ANSWER])
		citizen->saw->answer = (struct wrong_answer){.cookie = reply->cookie,
							     .answer = answer,
							     .expected = expected,
							     .asked = reply->asked,
							     .status = reply->status,
							     .kind = reply->kind,
							     .size = reply->size};
	wrong(citizen, WRONG_ANSWER);
}

static int citizen_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct citizen *citizen = myc_state(self);
	uint64_t cookie = reply->cookie, expected, answer = 0;

	if (cookie >= COOKIES || !citizen->expected[cookie]) {
		wrong_answer(citizen, reply, 0, 0);
		return 0;
	}
	expected = citizen->expected[cookie];
	if (!reply->status && reply->kind == MYC_REPLY_ONE)
		answer = read_answer(reply->payload, reply->size);
	if (index_of(reply->asked) >= GOOD * CITIZENS)
		citizen->saw->scribbled++;
	else if (citizen->from_good[cookie] &&
		 (reply->status || (expected != UINT64_MAX && answer != expected)))
		wrong_answer(citizen, reply, expected, answer);
	if (citizen->gathers[cookie] && reply->kind != MYC_REPLY_GATHER)
		return 0; /* the whole is to come */
	citizen->expected[cookie] = 0;
	__atomic_store_n(&citizen->saw->answered, citizen->saw->answered + 1, __ATOMIC_RELAXED);
	return 0;
}

/* At once, at the next tick, or by another good one. */
static void answer(struct myc_actor *self, struct citizen *citizen,
		   const struct myc_message *message, uint64_t number)
{
	uint64_t answer = answer_of(number), words[2] = {number, 0};
	struct myc_ref *ref = NULL;
	struct myc_reply_to to;
	uint32_t how = any(citizen, 4), by = any(citizen, GOOD * CITIZENS);

	if (!myc_message_asks(message) || myc_reply_keep(message, &to))
		return;
	if (how == 0 && !citizen->owed.asker) {
		citizen->owed = to;
		citizen->owed_number = number;
		return;
	}
	if (how == 1 && sure(by) && may_wait(citizen, by))
		ref = ref_to(self, citizen, by);
	if (ref && !myc_delegate(self, &to, ref, QUESTION, words, 8))
		return;
	/* Some answers are long. */
	uint64_t text[LONG_WORDS] = {answer};

	for (uint32_t i = 1; i < LONG_WORDS; i++)
		text[i] = answer + i;
	if (number % 3 || myc_reply_send(self, &to, 1, text, sizeof(text)) == -ENOBUFS)
		(void)myc_reply_send(self, &to, 1, text, sizeof(answer));
}

static void pay(struct myc_actor *self, struct citizen *citizen)
{
	uint64_t answer = answer_of(citizen->owed_number);

	if (citizen->owed.asker &&
	    myc_reply_send(self, &citizen->owed, 1, &answer, sizeof(answer)) != -ENOBUFS)
		citizen->owed.asker = 0;
}

/* ---- what comes ---------------------------------------------------------------------------------- */

/* Every byte of it is read, whoever sent it. */
static uint64_t read_all(const void *payload, size_t size)
{
	const uint8_t *bytes = payload;
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	return sum;
}

static void judge(struct citizen *citizen, uint32_t from, const struct myc_message *message)
{
	struct note note, again;

	if (message->size < sizeof(note)) {
		wrong(citizen, WRONG_TORN);
		return;
	}
	memcpy(&note, message->payload, sizeof(note));
	if (message->type != PASSED && (note.from != from || note.to != citizen->index))
		wrong(citizen, WRONG_TORN);
	for (uint32_t at = 0; at + sizeof(note) <= message->size; at += sizeof(note)) {
		memcpy(&again, (const uint8_t *)message->payload + at, sizeof(note));
		if (memcmp(&note, &again, sizeof(note)) != 0 ||
		    note.check != check_of(note.from, note.to, note.number)) {
			wrong(citizen, WRONG_TORN);
			return;
		}
	}
	bool urgent = message->type == URGENT;
	uint64_t *last = &citizen->saw->got[from][urgent];

	if (message->type == PASSED)
		return;
	if (message->type == BRIEF) {
		if (note.number <= citizen->saw->brief[from])
			wrong(citizen, WRONG_ORDER);
		citizen->saw->brief[from] = note.number;
		return;
	}
	if (note.number != *last + 1)
		wrong(citizen, WRONG_ORDER);
	__atomic_store_n(last, note.number, __ATOMIC_RELAXED);
}

static int citizen_message(struct myc_actor *self, const struct myc_message *message)
{
	struct citizen *citizen = myc_state(self);
	uint32_t from = index_of(message->from), onto = any(citizen, GOOD * CITIZENS);
	struct myc_ref *ref;
	uint64_t number = 0;

	(void)read_all(message->payload, message->size);
	if (message->type == QUESTION) {
		if (message->size >= 8)
			memcpy(&number, message->payload, 8);
		answer(self, citizen, message, number);
		return 0;
	}
	if (from >= GOOD * CITIZENS) {
		__atomic_store_n(&citizen->saw->scribbled, citizen->saw->scribbled + 1,
				 __ATOMIC_RELAXED);
	} else {
		judge(citizen, from, message);
		memcpy(&number, (const uint8_t *)message->payload + 8, 8);
	}
	answer(self, citizen, message, number);
	/* Its body goes on as it is. */
	if (message->type == PASSED && from < GOOD * CITIZENS && !ending() &&
	    may_wait(citizen, onto)) {
		ref = ref_to(self, citizen, onto);
		if (ref)
			(void)myc_pass(self, ref, message);
	}
	return 0;
}

/* ---- ends ---------------------------------------------------------------------------------------- */

static int child_started(struct myc_actor *self)
{
	return myc_timer_start(self, 1000, 0, 0, NULL);
}

static int child_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	myc_stop(self);
	return 0;
}

static const struct myc_behaviour child = {
	.name = "child", .started = child_started, .timer = child_timer};

static void watch(struct myc_actor *self, struct citizen *citizen, myc_address whom)
{
	for (uint32_t i = 0; i < DOWNS; i++) {
		if (citizen->watched[i] || myc_monitor(self, whom, 0, &citizen->monitor[i]))
			continue;
		citizen->watched[i] = whom;
		__atomic_store_n(&citizen->saw->watched, citizen->saw->watched + 1,
				 __ATOMIC_RELAXED);
		break;
	}
}

/* A child of its own; now and then one of the scribbler, with a link. */
static void watch_some(struct myc_actor *self, struct citizen *citizen)
{
	const struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &child};
	myc_address address;

	if (citizen->index % CITIZENS == MOVER)
		return;
	if (any(citizen, 4)) {
		if (!myc_spawn_local(self, &opts, &address, NULL))
			watch(self, citizen, address);
		return;
	}
	address = address_of(SCRIBBLER * CITIZENS + any(citizen, CITIZENS));
	if (any(citizen, 2))
		watch(self, citizen, address);
	else if (any(citizen, 2))
		(void)myc_link(self, address);
	else
		(void)myc_unlink(self, address);
}

static int citizen_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct citizen *citizen = myc_state(self);
	uint32_t from = index_of(event->from);

	if (event->kind == MYC_EVENT_DEAD_LETTER)
		return 0;
	if (event->kind == MYC_EVENT_EXIT) { /* links are with the scribbler's only */
		if (from < GOOD * CITIZENS)
			wrong(citizen, WRONG_DOWN);
		return 0;
	}
	for (uint32_t i = 0; i < DOWNS; i++) {
		if (memcmp(&citizen->monitor[i], &event->monitor, sizeof(event->monitor)) != 0 ||
		    !citizen->watched[i])
			continue;
		if (citizen->watched[i] != event->from || from < GOOD * CITIZENS)
			wrong(citizen, WRONG_DOWN);
		citizen->watched[i] = 0;
		__atomic_store_n(&citizen->saw->ended, citizen->saw->ended + 1, __ATOMIC_RELAXED);
		return 0;
	}
	wrong(citizen, WRONG_DOWN);
	return 0;
}

#endif
