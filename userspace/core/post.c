/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain threads that send: each gets one of a fixed number of attach slots, with lanes of its own,
 * at its first message, and gives it back when it ends.
 */
#include <errno.h>

#include "core/body.h"
#include "core/move.h"
#include "core/wait.h"

/* A thread ended. Its lanes stay for the next one. */
static void detach(void *value)
{
	struct myc_attachment *attachment = value;
	struct myc_system *system = attachment->out.system;

	pthread_mutex_lock(&system->mutex);
	attachment->taken = false;
	pthread_mutex_unlock(&system->mutex);
}

/* Nobody asks for a plain thread's half-sent message: it says itself whether its lane has it. */
static void attach_recover(struct myc_sender *sender)
{
	uint64_t ticket = myc_pool_ticket(&sender->pool);
	uint32_t lane = (uint32_t)(ticket >> 32) - 1;

	myc_sender_recover(sender);
	if (ticket)
		myc_pool_settle(&sender->pool,
				lane < sender->roads && sender->road[lane].peer &&
					(int32_t)(sender->road[lane].lane.head[MYC_RING_ORDINARY] -
						  (uint32_t)ticket) >= 0);
	myc_pool_recovered(&sender->pool);
}

static int attach(struct myc_system *system, struct myc_attachment **out)
{
	struct myc_attachment *attachment = NULL;
	int code = 0;

	pthread_mutex_lock(&system->mutex);
	for (uint32_t i = 0; i < MYC_ATTACH_MAX && !attachment && !code; i++) {
		struct myc_attachment *at = &system->attachment[i];

		if (at->taken)
			continue;
		if (!at->opened) {
			code = myc_sender_open(&at->out, system, system->executors + i);
			if (!code)
				attach_recover(&at->out);
			at->opened = !code;
		}
		if (!code)
			attachment = at;
	}
	if (attachment)
		attachment->taken = true;
	pthread_mutex_unlock(&system->mutex);
	if (!attachment)
		return code ? code : -EUSERS;
	if (pthread_setspecific(system->attach_key, attachment)) {
		detach(attachment);
		return -ENOMEM;
	}
	*out = attachment;
	return 0;
}

int myc_attached(struct myc_system *system, struct myc_attachment **attachment)
{
	if (!__atomic_load_n(&system->attach_key_made, __ATOMIC_ACQUIRE)) {
		int code = 0;

		pthread_mutex_lock(&system->mutex);
		if (!system->attach_key_made)
			code = -pthread_key_create(&system->attach_key, detach);
		if (!code)
			__atomic_store_n(&system->attach_key_made, true, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&system->mutex);
		if (code)
			return code;
	}
	*attachment = pthread_getspecific(system->attach_key);
	return *attachment ? 0 : attach(system, attachment);
}

int myc_attached_sender(struct myc_system *system, struct myc_sender **sender)
{
	struct myc_attachment *attachment;
	int code = myc_attached(system, &attachment);

	if (!code)
		*sender = &attachment->out;
	return code;
}

void myc_attachments_close(struct myc_system *system)
{
	if (system->attach_key_made)
		pthread_key_delete(system->attach_key);
	for (uint32_t i = 0; i < MYC_ATTACH_MAX; i++)
		if (system->attachment[i].opened)
			myc_sender_close(&system->attachment[i].out);
}

int myc_post_from(struct myc_attachment *attachment, myc_address from, myc_address to,
		  uint64_t kind, uint32_t correlation, const void *payload, size_t size)
{
	struct myc_sender *sender = &attachment->out;
	struct myc_ref ref = {.address = to};
	struct myc_flow_out *flow;

	myc_posting_begin(sender);
	int code = myc_sender_resolve(sender, from, to, &ref);

	if (!code)
		code = myc_sender_flow(sender, from, &ref, &flow);
	if (!code && size > MYC_PAYLOAD_MAX) {
		code = myc_body_send_copy(sender, NULL, flow,
					  &(struct myc_body_as){.type = (uint16_t)(kind >> 32),
								.correlation = correlation},
					  payload, size, false);
		goto wake;
	}
	if (!code)
		code = myc_sender_may(sender, flow);
	if (!code)
		myc_sender_put_slow(
			sender, flow, kind,
			myc_slot_from(from ? myc_address_slot(from) : MYC_SLOT_PLAIN, correlation),
			payload, size);
wake:
	myc_posting_end(sender);
	/* Also after -EAGAIN: a new flow wants to be learnt. */
	if (sender->dirty)
		myc_sender_wake(sender);
	return code;
}

int myc_post_try(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
		 size_t size)
{
	struct myc_attachment *attachment;
	int code = type < MYC_TYPE_FRAMEWORK ? myc_attached(system, &attachment) : -EINVAL;

	return code ? code
		    : myc_post_from(attachment, MYC_NOBODY, to,
				    myc_slot_kind(type, (uint8_t)size, 0), 0, payload, size);
}

int myc_post(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
	     size_t size, uint64_t timeout_ns)
{
	struct myc_wait wait = myc_wait_begin(system, timeout_ns);

	for (;;) {
		int code = myc_post_try(system, to, type, payload, size);

		/* ENOSPC: the messages of as many pairs as a lane has entries wait to be handled. */
		if (code != -EAGAIN && code != -ENOBUFS && code != -ENOSPC)
			return code;
		if (!myc_wait_more(&wait))
			return -ETIMEDOUT;
	}
}
