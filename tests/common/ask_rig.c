/* SPDX-License-Identifier: Apache-2.0 */
#include "common/regions.h"

#include "common/ask_rig.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/executor.h"

struct seen rig_seen[SEEN_MAX];
_Atomic uint32_t rig_count, rig_ordered, rig_requests, rig_kept, rig_starts;
_Atomic int rig_code, rig_reply_code;
_Atomic uint32_t rig_refused;
_Atomic bool rig_blocked, rig_dead[2];
_Atomic myc_address rig_gather[16], rig_third;
_Atomic uint32_t rig_gather_count;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct myc_cycle named; /* under lock */

static void note(struct seen what)
{
	pthread_mutex_lock(&lock);
	what.at_ns = myc_clock_ns();
	if (rig_count < SEEN_MAX) {
		rig_seen[rig_count] = what;
		rig_count++;
	}
	pthread_mutex_unlock(&lock);
}

void rig_cycle(struct myc_cycle *cycle)
{
	pthread_mutex_lock(&lock);
	*cycle = named;
	pthread_mutex_unlock(&lock);
}

static int await(struct myc_actor *self, struct myc_ref *to, uint16_t type, const uint64_t *words,
		 size_t size, const struct order_body *body, struct myc_ask *ask)
{
	struct myc_cycle cycle = {0};
	int code = myc_ask_await(self, to, type, words, size, body->timeout_ns, body->cookie, ask,
				 &cycle);

	if (code == -EDEADLK) {
		pthread_mutex_lock(&lock);
		named = cycle;
		pthread_mutex_unlock(&lock);
	}
	return code;
}

/* ---- askers ------------------------------------------------------------------------------------ */

struct asker {
	struct myc_ask last;
};

static int asker_started(struct myc_actor *self)
{
	(void)self;
	rig_starts++;
	return 0;
}

static int gather(struct myc_actor *self, const struct order_body *body, const void *payload,
		  size_t size, struct myc_ask *ask)
{
	struct myc_ref refs[16];

	memset(refs, 0, sizeof(refs));
	for (uint32_t i = 0; i < rig_gather_count; i++)
		refs[i].address = rig_gather[i];
	return myc_gather(self, refs, rig_gather_count, (uint32_t)body->more, (uint16_t)body->type,
			  payload, size, body->timeout_ns, body->cookie, ask);
}

static int flood(struct myc_actor *self, struct myc_ref *to, uint64_t count)
{
	int code = 0;

	for (uint64_t i = 0; i < count && !code; i++)
		code = myc_send(self, to, REQUEST_PLAIN, &i, sizeof(i));
	return code;
}

static int carry_out(struct myc_actor *self, const struct myc_message *message)
{
	struct asker *asker = myc_state(self);
	struct order_body body = {0};

	memcpy(&body, message->payload, message->size);
	struct myc_ref to = {.address = body.to};
	uint64_t words[6] = {body.cookie, body.more};
	uint16_t type = (uint16_t)body.type;
	size_t size = body.size ? body.size : 16;

	if (myc_address_generation(body.to)) /* not of every order is it an address */
		myc_resolve(self, body.to, &to);
	switch ((enum order)message->type) {
	case ORDER_ASK:
		return myc_ask(self, &to, type, words, size, body.timeout_ns, body.cookie,
			       &asker->last);
	case ORDER_TRY:
		return myc_try_ask(self, &to, type, words, size, body.timeout_ns, body.cookie,
				   &asker->last);
	case ORDER_AWAIT:
		return await(self, &to, type, words, size, &body, &asker->last);
	case ORDER_GATHER:
		return gather(self, &body, words, size, &asker->last);
	case ORDER_CANCEL:
		return myc_ask_cancel(self, asker->last);
	case ORDER_TIMER:
		return myc_timer_start(self, body.timeout_ns, 0, body.cookie, NULL);
	case ORDER_FLOOD:
		return flood(self, &to, body.more);
	case ORDER_STOP:
		myc_stop(self);
		return 0;
	case ORDER_NOTE:
		note((struct seen){
			.what = 'm', .who = myc_self(self), .cookie = body.to /* first word */});
		return 0;
	default:
		return 0;
	}
}

static int asker_message(struct myc_actor *self, const struct myc_message *message)
{
	struct asker *asker = myc_state(self);

	if (message->type == ORDER_FAIL)
		return -EIO;
	if (message->type == REQUEST_ECHO)
		return myc_reply(self, message, message->type + 100, message->payload,
				 message->size);
	if (message->type == ORDER_ANSWER_AND_AWAIT) {
		struct myc_ref back = {.address = message->from};

		myc_reply(self, message, 1, NULL, 0);
		struct order_body endless = {.timeout_ns = MYC_FOREVER, .cookie = 77};

		rig_code = await(self, &back, REQUEST_ECHO, NULL, 0, &endless, &asker->last);
		rig_ordered++;
		return 0;
	}
	int code = carry_out(self, message);

	if (message->type != ORDER_NOTE) {
		rig_refused += code == -EDEADLK;
		rig_code = code;
		rig_ordered++;
	}
	return 0;
}

static int asker_timer(struct myc_actor *self, uint64_t cookie)
{
	note((struct seen){.what = 't', .who = myc_self(self), .cookie = cookie});
	return 0;
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct asker *asker = myc_state(self);
	struct seen seen = {.what = 'r',
			    .who = myc_self(self),
			    .cookie = reply->cookie,
			    .status = reply->status,
			    .type = reply->type,
			    .size = reply->size,
			    .kind = reply->kind,
			    .index = reply->index,
			    .answered = reply->answered,
			    .failed = reply->failed,
			    .asked = reply->asked};

	if (reply->payload && reply->size <= sizeof(seen.payload))
		memcpy(seen.payload, reply->payload, reply->size);
	note(seen);
	if (reply->cookie == REPLY_AWAITS) {
		struct myc_ref to = {.address = reply->asked};

		rig_reply_code =
			myc_ask_await(self, &to, REQUEST_ECHO, NULL, 0, MYC_FOREVER, 0, NULL, NULL);
	}
	if (reply->cookie == REPLY_CANCELS)
		rig_reply_code = myc_ask_cancel(self, asker->last);
	return 0;
}

const struct myc_behaviour rig_asker = {.name = "asker",
					.state_size = sizeof(struct asker),
					.started = asker_started,
					.message = asker_message,
					.timer = asker_timer,
					.reply = asker_reply};

/* ---- repliers ---------------------------------------------------------------------------------- */

struct replier {
	struct myc_reply_to kept[64];
	uint32_t count;
	struct myc_reply_to back; /* of the asker that it awaits */
};

static void answer_kept(struct myc_actor *self, struct replier *replier)
{
	for (uint32_t i = 0; i < replier->count; i++)
		rig_reply_code =
			myc_reply_send(self, &replier->kept[i], REQUEST_KEEP + 100, &i, sizeof(i));
	replier->count = 0;
}

static int pass_on(struct myc_actor *self, const struct myc_message *message, const uint64_t *words)
{
	struct myc_ref to = {.address = words[1]};
	uint64_t next[2] = {words[0], rig_third};
	struct myc_reply_to back;
	int code;

	code = myc_reply_keep(message, &back);
	if (!code)
		code = myc_delegate(self, &back, &to,
				    message->type == REQUEST_PASS	 ? REQUEST_FORWARD
				    : message->type == REQUEST_PASS_KEPT ? REQUEST_KEEP
									 : REQUEST_ECHO,
				    next, sizeof(next));
	rig_reply_code = code;
	return 0;
}

static int hand_over(struct myc_actor *self, const struct myc_message *message,
		     const uint64_t *words)
{
	struct myc_ref to = {.address = words[1]};
	struct myc_reply_to back;

	rig_reply_code = myc_reply_keep(message, &back);
	return myc_send(self, &to, REQUEST_HANDED, &back, sizeof(back));
}

static int say(struct myc_actor *self, const struct myc_message *message, uint64_t count)
{
	struct myc_ref to = {.address = message->from};

	for (uint64_t i = 0; i < count; i++) {
		struct order_body body = {.to = i};

		rig_reply_code = myc_send(self, &to, ORDER_NOTE, &body, sizeof(body));
	}
	return myc_reply(self, message, REQUEST_SAY + 100, NULL, 0);
}

static int replier_message(struct myc_actor *self, const struct myc_message *message)
{
	struct replier *replier = myc_state(self);
	uint64_t words[5] = {0};
	struct myc_reply_to back;

	memcpy(words, message->payload, message->size);
	rig_requests++;
	switch ((enum request)message->type) {
	case REQUEST_TWICE:
		myc_reply(self, message, 1, NULL, 0);
		/* fall through */
	case REQUEST_ECHO:
		rig_reply_code = myc_reply(self, message, message->type + 100, message->payload,
					   message->size);
		return 0;
	case REQUEST_KEEP:
		myc_reply_keep(message, &replier->kept[replier->count++ % 64]);
		rig_kept++;
		return 0;
	case REQUEST_ANSWER:
		answer_kept(self, replier);
		return 0;
	case REQUEST_ERROR:
		rig_reply_code = myc_reply_keep(message, &back);
		if (!rig_reply_code)
			rig_reply_code = myc_reply_error(self, &back, (int)(int64_t)words[1]);
		return 0;
	case REQUEST_FORWARD:
	case REQUEST_PASS:
	case REQUEST_PASS_KEPT:
		return pass_on(self, message, words);
	case REQUEST_HAND:
		return hand_over(self, message, words);
	case REQUEST_HANDED:
		memcpy(&back, message->payload, sizeof(back));
		rig_reply_code = myc_reply_send(self, &back, REQUEST_HANDED + 100, NULL, 0);
		return 0;
	case REQUEST_SAY:
		return say(self, message, words[1]);
	case REQUEST_AWAIT_BACK: {
		struct myc_ref to = {.address = message->from};

		myc_reply_keep(message, &replier->back);
		struct order_body endless = {.timeout_ns = MYC_FOREVER};

		rig_reply_code = await(self, &to, REQUEST_ECHO, words, 16, &endless, NULL);
		return rig_reply_code ? myc_reply_send(self, &replier->back, 1, NULL, 0) : 0;
	}
	case REQUEST_BLOCK:
		while (rig_blocked)
			sched_yield();
		if (words[1])
			myc_stop(self);
		return 0;
	case REQUEST_STOP:
		myc_stop(self);
		return 0;
	case REQUEST_SILENCE:
	case REQUEST_PLAIN:
		break;
	}
	return 0;
}

static int replier_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct replier *replier = myc_state(self);

	(void)reply;
	return myc_reply_send(self, &replier->back, 2, NULL, 0);
}

const struct myc_behaviour rig_replier = {.name = "replier",
					  .state_size = sizeof(struct replier),
					  .message = replier_message,
					  .reply = replier_reply};
const struct myc_behaviour rig_narrow = {.name = "narrow",
					 .state_size = sizeof(struct replier),
					 .mailbox_capacity = 2,
					 .capacity_per_sender = 2,
					 .message = replier_message,
					 .reply = replier_reply};

/* ---- beds -------------------------------------------------------------------------------------- */

static bool alive(void *context, uint32_t process)
{
	(void)context;
	return !rig_dead[process];
}

static struct myc_executor_opts sleeping[2];

static void join(struct ask_rig *rig, int side)
{
	struct myc_workspace workspace = {.process = (uint32_t)side,
					  .incarnation = ++rig->incarnation[side],
					  .processes = 2,
					  .regions = rig->region[side],
					  .alive = alive};

	assert_int_equal(myc_system_join(&rig->system[side], &rig->opts, &workspace, NULL), 0);
}

static void open_processes(struct ask_rig *rig)
{
	for (uint32_t i = 0; i < 2; i++)
		regions_plan(rig->region[0], 2, i, &rig->opts, 2);
	join(rig, 0);
	join(rig, 1);
}

void ask_rig_open(struct ask_rig *rig, enum ask_bed bed, const struct myc_system_opts *opts)
{
	memset(rig, 0, sizeof(*rig));
	rig->bed = bed;
	rig->opts = opts ? *opts : (struct myc_system_opts){0};
	rig->opts.sz = sizeof(rig->opts);
	rig->opts.executors = bed == BED_EXECUTORS ? 2 : 1;
	if (!rig->opts.executor) {
		sleeping[0] = sleeping[1] = (struct myc_executor_opts){.core = -1};
		rig->opts.executor = sleeping;
	}
	rig_count = rig_ordered = rig_requests = rig_kept = rig_starts = 0;
	rig_code = rig_reply_code = 0;
	rig_blocked = rig_dead[0] = rig_dead[1] = false;
	rig_gather_count = 0;
	if (bed == BED_PROCESSES) {
		open_processes(rig);
		return;
	}
	assert_int_equal(myc_system_open(&rig->system[0], &rig->opts, NULL), 0);
	rig->system[1] = rig->system[0];
}

myc_address rig_spawn(struct ask_rig *rig, int side, const struct myc_behaviour *behaviour)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = behaviour,
				      .executor = rig->bed == BED_EXECUTORS ? (uint32_t)side : 0};
	myc_address address = 0;

	assert_int_equal(myc_spawn(rig->system[side], &opts, &address, NULL), 0);
	return address;
}

void rig_start(struct ask_rig *rig)
{
	assert_int_equal(myc_system_start(rig->system[0], NULL), 0);
	if (rig->bed == BED_PROCESSES)
		assert_int_equal(myc_system_start(rig->system[1], NULL), 0);
}

void rig_rejoin(struct ask_rig *rig, int side)
{
	myc_system_close(rig->system[side]);
	join(rig, side);
}

void ask_rig_close(struct ask_rig *rig)
{
	assert_int_equal(myc_system_stop(rig->system[0], 10000), 0);
	if (rig->bed != BED_PROCESSES) {
		myc_system_close(rig->system[0]);
		return;
	}
	assert_int_equal(myc_system_stop(rig->system[1], 10000), 0);
	for (int i = 0; i < 2; i++)
		myc_system_close(rig->system[i]);
	regions_unmap(rig->region[0], 2);
}

struct myc_system *rig_system(struct ask_rig *rig, myc_address address)
{
	return rig->system[myc_address_process(address)];
}

void rig_tell(struct ask_rig *rig, myc_address to, uint16_t type, struct order_body body)
{
	assert_int_equal(myc_post(rig_system(rig, to), to, type, &body, sizeof(body), UINT64_MAX),
			 0);
}

int rig_order(struct ask_rig *rig, myc_address asker, enum order order, struct order_body body)
{
	uint32_t before = rig_ordered;

	rig_tell(rig, asker, (uint16_t)order, body);
	wait_until(rig_ordered > before);
	return rig_code;
}

void rig_post(struct ask_rig *rig, myc_address to, enum request request, uint64_t word)
{
	uint64_t words[2] = {0, word};

	assert_int_equal(
		myc_post(rig_system(rig, to), to, (uint16_t)request, words, 16, UINT64_MAX), 0);
}

uint64_t rig_dead_letters(struct ask_rig *rig, enum myc_dead_letter why)
{
	uint64_t sum = 0;

	for (int side = 0; side < (rig->bed == BED_PROCESSES ? 2 : 1); side++)
		for (uint32_t i = 0; i < rig->system[side]->executors; i++)
			sum += __atomic_load_n(
				&rig->system[side]->executor[i].words->dead_letters[why],
				__ATOMIC_RELAXED);
	return sum;
}
