/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: asks of plain threads (core/ask.h). A thread has no lanes in; an executor of its process takes
 * the reply and wakes it. One call a thread at a time:
 *
 *	        thread: begins              executor: takes the reply       writes it, wakes
 *	IDLE ---------------------> WAITING --------------------> TAKEN ------------------> DONE
 *	  ^                            | thread: timeout                                     |
 *	  +----------------------------+<---------------------- thread: reads it ------------+
 *
 * The word holds the call's number too, so that a step out of WAITING is one of this call: a reply of
 * an earlier one finds another number and is late. DONE is stored with release after the answer, and
 * loaded with acquire before it is read; so are WAITING and the state before it. Where the answer is to lie is the
 * thread's until WAITING, and from DONE or IDLE on: TAKEN is waited for.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/ask.h"
#include "core/thread.h"
#include "core/wait.h"

#define LOOK_NS 100000000u /* between looks whether the other process lives */

enum { IDLE, WAITING, TAKEN, DONE };

static uint64_t word_of(uint32_t number, uint32_t state)
{
	return (uint64_t)number << 32 | state;
}

static bool step(struct myc_call *call, uint32_t number, uint32_t from, uint32_t to)
{
	uint64_t expected = word_of(number, from);

	return __atomic_compare_exchange_n(&call->word, &expected, word_of(number, to), false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* The half of the word that holds the state. */
static uint32_t *state_of(struct myc_call *call)
{
	return (uint32_t *)(void *)&call->word;
}

/* ---- the executor's side ----------------------------------------------------------------------- */

static bool answer(struct myc_call *call, uint32_t number, int status,
		   const struct myc_reply *reply)
{
	if (!step(call, number, WAITING, TAKEN))
		return false;
	call->status = status;
	call->type = reply->type;
	call->size = reply->size;
	if (!status && reply->size > call->capacity)
		call->status = -EMSGSIZE;
	else if (!status && reply->size)
		memcpy(call->memory, reply->payload, reply->size);
	__atomic_store_n(&call->word, word_of(number, DONE), __ATOMIC_RELEASE);
	syscall(SYS_futex, state_of(call), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return true;
}

bool myc_call_answer(struct myc_system *system, const struct myc_slot *slot, int status,
		     const struct myc_reply *reply)
{
	return slot->to && slot->to <= MYC_ATTACH_MAX &&
	       answer(&system->attachment[slot->to - 1].call, slot->correlation & MYC_ASK_ID,
		      status, reply);
}

void myc_calls_end(struct myc_executor *executor)
{
	struct myc_system *system = executor->system;

	if (myc_thread_is(executor))
		return;
	__atomic_store_n(&executor->calls_ended, true, __ATOMIC_RELAXED);
	/* Pairs with the fence in myc_call: it sees calls_ended, or we see that it waits. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = executor->index; i < MYC_ATTACH_MAX; i += system->opts.executors) {
		struct myc_call *call = &system->attachment[i].call;
		uint64_t word = __atomic_load_n(&call->word, __ATOMIC_RELAXED);

		(void)answer(call, (uint32_t)(word >> 32), -ESHUTDOWN, &(struct myc_reply){0});
	}
}

/* ---- the thread's side ------------------------------------------------------------------------- */

static uint64_t left(const struct myc_system *system, uint64_t until)
{
	uint64_t now = until == MYC_FOREVER ? 0 : myc_system_now(system);

	return now < until ? until - now : 0;
}

/* False: this machine's time passes, wait by its means. */
static bool world_naps(const struct myc_system *system)
{
	const struct myc_world *world = system->workspace.world;

	if (world)
		world->nap(world->context);
	return world;
}

/* Whose life the call is for. */
struct callee {
	uint32_t process;
	uint64_t incarnation; /* when the request went */
	bool restarted;	      /* at the last look: what it had sent has come since */
};

static bool gone(const struct myc_system *system, struct callee *callee)
{
	bool before = callee->restarted;

	if (callee->process == system->workspace.process)
		return false;
	callee->restarted = myc_ask_incarnation(system, callee->process) != callee->incarnation;
	return before || myc_known_dead(system, callee->process);
}

/* Sends by the rules of myc_post. While the process is dead nobody gives credit: what lies with one that
 * comes again must not keep the call for ever. */
static int request(struct myc_attachment *attachment, myc_address from, struct callee *callee,
		   int (*put)(struct myc_attachment *attachment, myc_address from,
			      const void *context),
		   const void *context, uint64_t until)
{
	struct myc_system *system = attachment->out.system;
	struct myc_wait wait = myc_wait_begin(system, left(system, until));

	for (;;) {
		callee->incarnation = myc_ask_incarnation(system, callee->process);
		int code = put(attachment, from, context);

		if (code != -EAGAIN && code != -ENOSPC && code != -ENOBUFS)
			return code;
		if (myc_known_dead(system, callee->process))
			return -ENOTCONN;
		if (__atomic_load_n(state_of(&attachment->call), __ATOMIC_RELAXED) != WAITING)
			return 0; /* ended already: the system stops */
		if (!myc_wait_more(&wait))
			return -ETIMEDOUT;
	}
}

/* Until DONE: 0; or what ended it. */
static int wait_for(struct myc_system *system, struct myc_call *call, struct callee callee,
		    uint64_t until)
{
	for (;;) {
		uint64_t word = __atomic_load_n(&call->word, __ATOMIC_ACQUIRE);
		uint64_t rest = left(system, until);
		int why = !rest ? -ETIMEDOUT : gone(system, &callee) ? -ENOTCONN : 0;

		if ((uint32_t)word == DONE)
			return 0;
		/* TAKEN: the answer is being written, a moment. */
		if (why && (uint32_t)word == WAITING && step(call, call->number, WAITING, IDLE))
			return why;
		if (world_naps(system))
			continue;
		rest = rest && rest < LOOK_NS ? rest : LOOK_NS;
		struct timespec wait = {.tv_nsec = (long)rest};

		syscall(SYS_futex, state_of(call), FUTEX_WAIT_PRIVATE, (uint32_t)word, &wait, NULL,
			0);
	}
}

int myc_call_by(struct myc_system *system, myc_address to,
		int (*put)(struct myc_attachment *attachment, myc_address from,
			   const void *context),
		const void *context, struct myc_answer *out, void *memory, size_t capacity,
		uint64_t timeout_ns)
{
	uint64_t now = timeout_ns == MYC_FOREVER ? 0 : myc_system_now(system);
	uint64_t until = now + timeout_ns < now ? MYC_FOREVER : now + timeout_ns;
	struct callee callee = {.process = myc_address_process(to)};
	struct myc_attachment *attachment;
	int code;

	code = myc_attached(system, &attachment);
	if (code)
		return code;
	uint32_t index = (uint32_t)(attachment - system->attachment);
	struct myc_call *call = &attachment->call;
	myc_address from =
		myc_address_make(system->workspace.node, system->workspace.process, index + 1, 0);
	/* Not a predecessor's numbers, and not 0. */
	uint32_t incarnation = (uint32_t)system->workspace.incarnation & 3;

	call->memory = memory ? memory : out->payload;
	call->capacity = memory ? capacity : sizeof(out->payload);
	call->number = ((call->number + 1) & 0x0fffffff) | incarnation << 28;
	call->number += !call->number;
	__atomic_store_n(&call->word, word_of(call->number, WAITING), __ATOMIC_RELEASE);
	/* Pairs with the fence in myc_calls_end. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&system->executor[index % system->opts.executors].calls_ended,
			    __ATOMIC_RELAXED))
		code = -ESHUTDOWN;
	if (!code)
		code = request(attachment, from, &callee, put, context, until);
	if (code && step(call, call->number, WAITING, IDLE))
		return code;
	code = wait_for(system, call, callee, until);
	if (code)
		return code;
	out->type = call->type;
	out->size = call->size;
	return call->status;
}

struct message {
	myc_address to;
	uint64_t kind;
	const void *payload;
	size_t size;
};

static int put_message(struct myc_attachment *attachment, myc_address from, const void *context)
{
	const struct message *message = context;

	return myc_post_from(attachment, from, message->to, message->kind, attachment->call.number,
			     message->payload, message->size);
}

static int call(struct myc_system *system, myc_address to, uint16_t type, uint8_t flags,
		const void *payload, size_t size, struct myc_answer *out, void *memory,
		size_t capacity, uint64_t timeout_ns)
{
	const struct message message = {.to = to,
					.kind = myc_slot_kind(type, (uint8_t)size, flags),
					.payload = payload,
					.size = size};
	struct myc_answer unseen = {0};

	out = out ? out : &unseen;
	if (size > (flags ? MYC_PAYLOAD_MAX : MYC_POOL_SIZE_MAX))
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	int code =
		myc_call_by(system, to, put_message, &message, out, memory, capacity, timeout_ns);

	return !code && out->type >= MYC_TYPE_FRAMEWORK ? -EPROTO : code;
}

int myc_call_message(struct myc_system *system, myc_address to, uint16_t type, uint8_t flags,
		     const void *payload, size_t size, struct myc_answer *out, uint64_t timeout_ns)
{
	return call(system, to, type, flags, payload, size, out, NULL, 0, timeout_ns);
}

int myc_call(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
	     size_t size, struct myc_answer *out, uint64_t timeout_ns)
{
	return call(system, to, type, 0, payload, size, out, NULL, 0, timeout_ns);
}

int myc_call_into(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
		  size_t size, struct myc_answer *out, void *memory, size_t capacity,
		  uint64_t timeout_ns)
{
	char none; /* NULL is myc_call's */

	return call(system, to, type, 0, payload, size, out, memory ? memory : &none,
		    memory ? capacity : 0, timeout_ns);
}
