/* SPDX-License-Identifier: Apache-2.0 */
/* The replier's side of asks (core/ask.h): where replies go, and requests that are passed on. */
#include <errno.h>

#include <mycelium/abi/signal.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/signal.h"

#define ASKER_AT (MYC_PAYLOAD_MAX - sizeof(myc_address)) /* in the payload of a delegated request */

_Static_assert(ASKER_AT == MYC_DELEGATED_MAX, "what is passed on leaves room for the asker");

_Static_assert(offsetof(struct myc_carried, asker) == ASKER_AT, "with a body or without");

/* ---- where to ---------------------------------------------------------------------------------- */

static struct myc_reply_to origin(myc_address from, uint32_t correlation, const void *payload)
{
	struct myc_reply_to to = {.asker = from, .correlation = correlation & ~MYC_ASK_FORWARDED};

	/* Whatever is there: a reply to an ask that nobody made reaches nobody. */
	if (__builtin_expect(correlation & MYC_ASK_FORWARDED, 0))
		memcpy(&to.asker, (const uint8_t *)payload + ASKER_AT, sizeof(to.asker));
	return to;
}

/* Whose request is in hand: a handler sees its body, not its slot. */
static _Thread_local struct myc_carried in_hand;

void myc_ask_in_hand(const struct myc_slot *slot)
{
	memcpy(&in_hand, slot->payload, sizeof(in_hand));
}

static struct myc_reply_to origin_of(const struct myc_message *message)
{
	return origin(message->from, message->correlation,
		      message->body == MYC_HOLD_NONE ? message->payload : &in_hand);
}

int myc_reply_keep(const struct myc_message *message, struct myc_reply_to *to)
{
	if (!message->correlation)
		return -EINVAL;
	*to = origin_of(message);
	return 0;
}

/* To a plain thread: by the executor of its process that answers its calls. */
static int to_thread(struct myc_executor *executor, const struct myc_signal *signal)
{
	const struct myc_system *system = executor->system;
	uint32_t process = myc_address_process(signal->to), slot = myc_address_slot(signal->to);
	const struct myc_process_words *words;
	uint32_t executors;

	if (myc_address_node(signal->to) != system->workspace.node || !slot)
		return -ESRCH;
	words = myc_view_process(system, process, NULL);
	executors = words ? __atomic_load_n(&words->executors, __ATOMIC_RELAXED) : 0;
	if (!executors || executors > MYC_EXECUTORS_MAX)
		return -ESRCH;
	return myc_signal_send_executor(executor, process, (slot - 1) % executors, signal,
					MYC_RING_ORDINARY);
}

static inline int reply_signal(struct myc_executor *executor, struct myc_actor *from,
			       const struct myc_reply_to *to, int status, uint16_t type,
			       const void *payload, size_t size, const struct myc_body *body)
{
	bool thread = myc_address_is_thread(to->asker);
	struct myc_signal signal = {
		.to = to->asker,
		.correlation = to->correlation,
		.size = (uint8_t)size,
		.payload = payload,
		.body = body,
	};

	if (status) {
		signal.type = thread ? MYC_SIGNAL_CALL_ERROR : MYC_SIGNAL_REPLY_ERROR;
		signal.detail = (uint16_t)-status;
	} else {
		signal.type = thread ? MYC_SIGNAL_CALL_REPLY : MYC_SIGNAL_REPLY;
		signal.detail = type;
	}
	if (__builtin_expect(thread, 0))
		return to_thread(executor, &signal);
	return myc_signal_send(executor, from, &signal, MYC_RING_ORDINARY);
}

int myc_reply_signal(struct myc_executor *executor, struct myc_actor *from,
		     const struct myc_reply_to *to, int status, uint16_t type, const void *payload,
		     size_t size, const struct myc_body *body)
{
	return reply_signal(executor, from, to, status, type, payload, size, body);
}

void myc_ask_bounce(struct myc_executor *executor, myc_address from, const struct myc_slot *slot,
		    int status)
{
	struct myc_reply_to to = origin(from, slot->correlation, slot->payload);

	/* Nobody to tell: then it ends by its timeout. */
	(void)myc_reply_status(executor, &to, status);
}

/* ---- replying ---------------------------------------------------------------------------------- */

static inline int reply(struct myc_actor *self, const struct myc_reply_to *to, int status,
			uint16_t type, const void *payload, size_t size,
			const struct myc_body *body)
{
	struct myc_executor *executor = self->executor;
	bool awaited = to->correlation & MYC_ASK_AWAITED;
	int code;

	if (!to->correlation)
		return -EINVAL;
	if (!awaited)
		return reply_signal(executor, self, to, status, type, payload, size, body);
	code = reply_signal(executor, NULL, to, status, type, payload, size, body);
	if (!code)
		myc_ask_answered(executor, to);
	return code;
}

int myc_reply_send(struct myc_actor *self, const struct myc_reply_to *to, uint16_t type,
		   const void *payload, size_t size)
{
	if (type >= MYC_TYPE_FRAMEWORK || !to->correlation)
		return -EINVAL;
	if (size <= MYC_PAYLOAD_MAX)
		return reply(self, to, 0, type, payload, size, NULL);
	struct myc_sender *sender = &self->executor->out;
	struct myc_body body = {.size = (uint32_t)size};
	int code = myc_body_copy(sender, payload, size, &body.hold);

	if (code)
		return code;
	code = reply(self, to, 0, type, NULL, 0, &body);
	if (code)
		myc_pool_give(&sender->pool, body.hold);
	return code;
}

int myc_reply_body(struct myc_actor *self, const struct myc_reply_to *to, uint16_t type,
		   struct myc_body *body)
{
	struct myc_view view;

	if (type >= MYC_TYPE_FRAMEWORK || !to->correlation)
		return -EINVAL;
	if (!body->data || !myc_pool_view(&self->executor->out.pool, body->hold, &view))
		return -ENODATA;
	if (body->size > view.size)
		return -EMSGSIZE;
	int code = reply(self, to, 0, type, NULL, 0, body);

	if (!code)
		body->data = NULL;
	return code;
}

int myc_reply(struct myc_actor *self, const struct myc_message *message, uint16_t type,
	      const void *payload, size_t size)
{
	uint32_t correlation = message->correlation;

	/* The commonest: from one actor of this executor to another. */
	if (correlation && !(correlation & (MYC_ASK_AWAITED | MYC_ASK_FORWARDED)) &&
	    size <= MYC_PAYLOAD_MAX && type < MYC_TYPE_FRAMEWORK &&
	    !myc_address_is_thread(message->from) &&
	    myc_signal_reply_home(self->executor, self, message->from, correlation, type, payload,
				  size))
		return 0;
	struct myc_reply_to to = origin_of(message);

	return myc_reply_send(self, &to, type, payload, size);
}

int myc_reply_error(struct myc_actor *self, const struct myc_reply_to *to, int error)
{
	if (error >= 0 || error < -MYC_ASK_ERROR_MAX)
		return -EINVAL;
	return reply(self, to, error, 0, NULL, 0, NULL);
}

/* ---- passing on -------------------------------------------------------------------------------- */

/* Tells the asker who has its request now. Threads need not know. */
static int moved(struct myc_actor *self, const struct myc_reply_to *to, myc_address whom)
{
	/* Of the life that gets it: a later one does not answer for it. */
	const struct myc_signal_moved passed = {
		.whom = whom,
		.incarnation = (uint32_t)myc_ask_incarnation(self->executor->system,
							     myc_address_process(whom))};
	struct myc_signal signal = {.type = MYC_SIGNAL_ASK_MOVED,
				    .to = to->asker,
				    .correlation = to->correlation,
				    .size = sizeof(passed),
				    .payload = &passed};

	if (myc_address_is_thread(to->asker))
		return 0;
	return myc_signal_send(self->executor, NULL, &signal, MYC_RING_ORDINARY);
}

int myc_ask_passed(struct myc_actor *self, const struct myc_reply_to *asker, myc_address whom)
{
	int code = moved(self, asker, whom);

	if (!code && asker->correlation & MYC_ASK_AWAITED)
		myc_ask_answered(self->executor, asker);
	return code;
}

void myc_ask_redirected(struct myc_actor *self, uint32_t correlation, const void *payload,
			myc_address whom)
{
	struct myc_reply_to to = origin(self->address, correlation, payload);

	(void)moved(self, &to, whom); /* else it ends by its timeout, should `whom` end */
}

/* A request that is passed on: its payload, or a message's body (MYC_HOLD_NONE: none). */
struct passed {
	uint16_t type;
	const void *payload;
	size_t size;
	uint32_t body;
};

static int put(struct myc_actor *self, const struct myc_reply_to *asker, struct myc_ref *to,
	       const struct passed *passed)
{
	const struct myc_body_as as = {.type = passed->type,
				       .correlation = asker->correlation | MYC_ASK_FORWARDED,
				       .asker = asker->asker};
	uint8_t copy[MYC_PAYLOAD_MAX] = {0};

	if (passed->body != MYC_HOLD_NONE) {
		int code =
			myc_body_put(self, to, &as, passed->body, 1, (uint32_t)passed->size, true);

		return code > 0 ? 0 : code;
	}
	if (passed->size > MYC_DELEGATED_MAX)
		return myc_body_put_copy(self, to, &as, passed->payload, passed->size, true);
	if (passed->size)
		memcpy(copy, passed->payload, passed->size);
	memcpy(copy + ASKER_AT, &asker->asker, sizeof(asker->asker));
	return myc_send_asking(self, to, myc_slot_kind(passed->type, (uint8_t)passed->size, 0),
			       as.correlation, copy, sizeof(copy));
}

static int pass_on(struct myc_actor *self, const struct myc_reply_to *asker, struct myc_ref *to,
		   const struct passed *passed)
{
	int code;

	if (passed->size > MYC_POOL_SIZE_MAX)
		return -EMSGSIZE;
	if (passed->type >= MYC_TYPE_FRAMEWORK || !asker->correlation)
		return -EINVAL;
	/* Who has its body has the request, and the asker knows. */
	if (passed->body != MYC_HOLD_NONE &&
	    !myc_pool_weight(&self->executor->out.pool, passed->body))
		return -ENODATA;
	/* Before the request: until it is answered the asker knows whom it awaits. */
	code = moved(self, asker, to->address);
	if (code)
		return code;
	code = put(self, asker, to, passed);
	if (code)
		(void)moved(self, asker, self->address);
	else if (asker->correlation & MYC_ASK_AWAITED)
		myc_ask_answered(self->executor, asker);
	return code;
}

int myc_delegate(struct myc_actor *self, const struct myc_reply_to *asker, struct myc_ref *to,
		 uint16_t type, const void *payload, size_t size)
{
	return pass_on(
		self, asker, to,
		&(struct passed){
			.type = type, .payload = payload, .size = size, .body = MYC_HOLD_NONE});
}

int myc_forward(struct myc_actor *self, const struct myc_message *message, struct myc_ref *to)
{
	struct myc_reply_to asker;
	int code = myc_reply_keep(message, &asker);

	return code ? code
		    : pass_on(self, &asker, to,
			      &(struct passed){.type = message->type,
					       .payload = message->payload,
					       .size = message->size,
					       .body = message->body});
}
