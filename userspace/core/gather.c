/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathers: many asks with one timeout and one end (core/ask.h). A gather's own entry carries cookie,
 * timeout and counts; the members, one a request, hang on it. Its end frees all: what comes later is late.
 */
#include <errno.h>

#include "core/ask.h"
#include "core/body.h"

static struct myc_ask_entry *own_of(const struct myc_executor *executor,
				    const struct myc_ask_entry *member)
{
	return &executor->asks.entry[member->gather];
}

void myc_gather_free(struct myc_executor *executor, struct myc_ask_entry *own)
{
	while (own->gather)
		myc_ask_free(executor, &executor->asks.entry[own->gather]);
	myc_ask_free(executor, own);
}

void myc_gather_end(struct myc_executor *executor, struct myc_ask_entry *own, int status)
{
	struct myc_actor *actor = own->actor;
	struct myc_reply end = {.cookie = own->cookie,
				.ask.correlation = own->id,
				.kind = MYC_REPLY_GATHER,
				.status = status,
				.answered = own->answered,
				.failed = own->failed};

	myc_gather_free(executor, own);
	myc_ask_outcome(actor, &end);
}

void myc_gather_one(struct myc_executor *executor, struct myc_ask_entry *entry,
		    struct myc_reply *reply)
{
	struct myc_ask_entry *own = own_of(executor, entry);
	struct myc_actor *actor = own->actor;
	uint32_t id = own->id;

	if (reply->status)
		own->failed++;
	else
		own->answered++;
	reply->ask.correlation = id;
	reply->index = entry->index;
	reply->answered = own->answered;
	reply->failed = own->failed;
	myc_ask_free(executor, entry);
	myc_ask_outcome(actor, reply);
	/* The hook may have cancelled it, or failed. */
	if (own->actor != actor || own->id != id)
		return;
	if (own->answered >= own->wanted)
		myc_gather_end(executor, own, 0);
	else if (own->members - own->failed < own->wanted)
		myc_gather_end(executor, own, reply->status ? reply->status : -EPROTO);
}

/* What each member is asked: its payload, or shares of a body. */
struct question {
	uint16_t type;
	const void *payload;
	size_t size;
	uint32_t hold, shares; /* that are left, ours among them */
};

static int put_one(struct myc_actor *self, struct myc_ref *to, struct question *question,
		   uint32_t id)
{
	const struct myc_body_as as = {.type = question->type, .correlation = id};

	if (question->size <= MYC_PAYLOAD_MAX)
		return myc_send_asking(self, to,
				       myc_slot_kind(question->type, (uint8_t)question->size, 0),
				       id, question->payload, question->size);
	int code = myc_body_put(self, to, &as, question->hold, question->shares,
				(uint32_t)question->size, true);

	question->shares -= !code;
	return code > 0 ? 0 : code;
}

/* One member's request. What cannot be sent comes back as an outcome: never from inside the call. */
static int ask_one(struct myc_actor *self, struct myc_ask_entry *own, struct myc_ref *to,
		   struct question *question)
{
	struct myc_executor *executor = self->executor;
	struct myc_ask_entry *entry = myc_ask_take(self, MYC_FOREVER, own->cookie);
	uint32_t index = myc_ask_index(executor, entry);

	myc_ask_whom(executor, entry, to->address);
	entry->gather = myc_ask_index(executor, own);
	entry->index = own->members++;
	entry->place = MYC_ASK_MEMBER;
	entry->before = 0;
	entry->after = own->gather;
	if (own->gather)
		executor->asks.entry[own->gather].before = index;
	own->gather = index;
	int code = put_one(self, to, question, entry->id);

	if (!code)
		return 0;
	struct myc_reply_to us = {.asker = self->address, .correlation = entry->id};

	return myc_reply_status(executor, &us, code);
}

int myc_gather(struct myc_actor *self, struct myc_ref *refs, uint32_t count, uint32_t wanted,
	       uint16_t type, const void *payload, size_t size, uint64_t timeout_ns,
	       uint64_t cookie, struct myc_ask *gather)
{
	struct myc_executor *executor = self->executor;
	struct myc_asks *asks = &executor->asks;
	int code = 0;

	wanted = wanted == MYC_GATHER_ALL ? count : wanted;
	if (size > MYC_POOL_SIZE_MAX)
		return -EMSGSIZE;
	if (!count || !wanted || wanted > count || type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	if (asks->closed)
		return -ESHUTDOWN;
	if (count >= asks->capacity - asks->count)
		return -ENOSPC;
	struct question question = {
		.type = type, .payload = payload, .size = size, .shares = count + 1};

	if (size > MYC_PAYLOAD_MAX)
		code = myc_body_copy(&executor->out, payload, size, &question.hold);
	if (code)
		return code;
	struct myc_ask_entry *own = myc_ask_take(self, timeout_ns, cookie);

	own->is_gather = true;
	own->wanted = (uint16_t)wanted;
	own->members = own->answered = own->failed = 0;
	for (uint32_t i = 0; i < count && !code; i++)
		code = ask_one(self, own, &refs[i], &question);
	if (size > MYC_PAYLOAD_MAX)
		myc_pool_give(&executor->out.pool, question.hold);
	if (code) {
		myc_gather_free(executor, own);
		return code;
	}
	if (gather)
		gather->correlation = own->id;
	return 0;
}
