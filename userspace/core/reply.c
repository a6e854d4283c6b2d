/* SPDX-License-Identifier: Apache-2.0 */
/* The replier's side of asks (core/ask.h): where replies go, and requests that are passed on. */
#include <errno.h>

#include "core/ask.h"
#include "core/signal.h"

#define ASKER_AT  (MYC_PAYLOAD_MAX - sizeof(myc_address)) /* in the payload of a delegated request */
#define ERROR_MAX 4095

_Static_assert(ASKER_AT == MYC_DELEGATED_MAX, "what is passed on leaves room for the asker");

/* ---- where to ---------------------------------------------------------------------------------- */

static struct myc_reply_to origin(myc_address from, uint32_t correlation, const void *payload)
{
	struct myc_reply_to to = {.asker = from, .correlation = correlation & ~MYC_ASK_FORWARDED};

	/* Whatever is there: a reply to an ask that nobody made reaches nobody. Asks have no bodies. */
	if (__builtin_expect(correlation & MYC_ASK_FORWARDED && payload, 0))
		memcpy(&to.asker, (const uint8_t *)payload + ASKER_AT, sizeof(to.asker));
	return to;
}

int myc_reply_keep(const struct myc_message *message, struct myc_reply_to *to)
{
	if (!message->correlation)
		return -EINVAL;
	*to = origin(message->from, message->correlation,
		     message->body == MYC_HOLD_NONE ? message->payload : NULL);
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
			       const void *payload, size_t size)
{
	bool thread = myc_address_is_thread(to->asker);
	struct myc_signal signal = {
		.to = to->asker,
		.correlation = to->correlation,
		.size = (uint8_t)size,
		.payload = payload,
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
		     size_t size)
{
	return reply_signal(executor, from, to, status, type, payload, size);
}

void myc_ask_bounce(struct myc_executor *executor, myc_address from, const struct myc_slot *slot,
		    int status)
{
	struct myc_reply_to to = origin(from, slot->correlation, slot->payload);

	/* Nobody to tell: then it ends by its timeout. */
	(void)myc_reply_signal(executor, NULL, &to, status, 0, NULL, 0);
}

/* ---- replying ---------------------------------------------------------------------------------- */

static inline int reply(struct myc_actor *self, const struct myc_reply_to *to, int status,
			uint16_t type, const void *payload, size_t size)
{
	struct myc_executor *executor = self->executor;
	bool awaited = to->correlation & MYC_ASK_AWAITED;
	int code;

	if (!to->correlation)
		return -EINVAL;
	if (!awaited)
		return reply_signal(executor, self, to, status, type, payload, size);
	code = reply_signal(executor, NULL, to, status, type, payload, size);
	if (!code)
		myc_ask_answered(executor, to);
	return code;
}

int myc_reply_send(struct myc_actor *self, const struct myc_reply_to *to, uint16_t type,
		   const void *payload, size_t size)
{
	if (size > MYC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	return reply(self, to, 0, type, payload, size);
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
	struct myc_reply_to to = origin(message->from, message->correlation,
					message->body == MYC_HOLD_NONE ? message->payload : NULL);

	return myc_reply_send(self, &to, type, payload, size);
}

int myc_reply_error(struct myc_actor *self, const struct myc_reply_to *to, int error)
{
	if (error >= 0 || error < -ERROR_MAX)
		return -EINVAL;
	return reply(self, to, error, 0, NULL, 0);
}

/* ---- passing on -------------------------------------------------------------------------------- */

/* Tells the asker who has its request now. Threads need not know. */
static int moved(struct myc_actor *self, const struct myc_reply_to *to, myc_address whom)
{
	struct myc_signal signal = {.type = MYC_SIGNAL_ASK_MOVED,
				    .to = to->asker,
				    .correlation = to->correlation,
				    .size = sizeof(whom),
				    .payload = &whom};

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

int myc_delegate(struct myc_actor *self, const struct myc_reply_to *asker, struct myc_ref *to,
		 uint16_t type, const void *payload, size_t size)
{
	uint8_t copy[MYC_PAYLOAD_MAX] = {0};
	int code;

	if (size > MYC_DELEGATED_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK || !asker->correlation)
		return -EINVAL;
	/* Before the request: until it is answered the asker knows whom it awaits. */
	code = moved(self, asker, to->address);
	if (code)
		return code;
	if (size)
		memcpy(copy, payload, size);
	memcpy(copy + ASKER_AT, &asker->asker, sizeof(asker->asker));
	code = myc_send_asking(self, to, myc_slot_kind(type, (uint8_t)size, 0),
			       asker->correlation | MYC_ASK_FORWARDED, copy, sizeof(copy));
	if (code)
		(void)moved(self, asker, self->address);
	else if (asker->correlation & MYC_ASK_AWAITED)
		myc_ask_answered(self->executor, asker);
	return code;
}

int myc_forward(struct myc_actor *self, const struct myc_message *message, struct myc_ref *to)
{
	struct myc_reply_to asker;
	int code = myc_reply_keep(message, &asker);

	return code ? code
		    : myc_delegate(self, &asker, to, message->type, message->payload,
				   message->size);
}
