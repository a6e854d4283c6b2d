/* SPDX-License-Identifier: Apache-2.0 */
/* For cases of requests and replies that do not fit into a slot: who asks so, and looks at what comes. The usual pools:
 * 32 of 256 bytes, 8 of 4096. */
#ifndef TESTS_CONFORMANCE_LARGE_BED_H
#define TESTS_CONFORMANCE_LARGE_BED_H

#include "conformance/cases.h"

#define LARGEST 4096
#define HALF	1000
#define CROWD	12

static _Thread_local uint64_t large[LARGEST / 8 + 1];

/* ---- asking and answering ---------------------------------------------------------------------- */

enum { ASK, TRY_ASK, AWAIT, ASK_BODY };

/* a: address, size, cookie (also the request's number), how. */
static inline int job_ask(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	struct myc_body body;
	int code = myc_resolve(self, a[0], &ref);

	if (!code && a[1] <= LARGEST)
		fill(large, a[2], (uint32_t)a[1]);
	if (code)
		return code;
	switch (a[3]) {
	case ASK:
		return myc_ask(self, &ref, REQUEST, large, a[1], LONG, a[2], &me->ask[0]);
	case TRY_ASK:
		return myc_try_ask(self, &ref, REQUEST, large, a[1], LONG, a[2], &me->ask[0]);
	case AWAIT:
		return myc_ask_await(self, &ref, REQUEST, large, a[1], LONG, a[2], &me->ask[0],
				     NULL);
	default:
		code = myc_body_take(self, (uint32_t)a[1], &body);
		if (code)
			return code;
		body.size = (uint32_t)a[1];
		memcpy(body.data, large, a[1]);
		code = myc_ask_body(self, &ref, REQUEST, &body, LONG, a[2], &me->ask[0]);
		if (!!body.data != !!code) /* ours no more, but for an error */
			return -EIO;
		myc_body_give(self, &body);
		return code;
	}
}

static inline int ask_sized(struct probe *who, const struct probe *other, uint32_t size,
			    uint64_t cookie, uint64_t how)
{
	return let(who, job_ask, other->address, size, cookie, how);
}

/* Counts what is not whole. */
static inline int looks(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	(void)self;
	me->word[7] += !reply->status && !filled(reply->payload, reply->size);
	return 0;
}

static inline struct probe *asker(void)
{
	struct probe *made = spawn(HERE);

	made->on_reply = looks;
	return made;
}

static inline void expect_whole(const struct probe *a, uint32_t n, uint32_t size, uint64_t number)
{
	const struct seen *reply = nth(a, REPLY, n);

	assert_int_equal(reply->status, 0);
	assert_int_equal(reply->size, size);
	assert_int_equal(reply->payload, number);
	assert_int_equal(a->word[7], 0);
}

static inline int forwards_to(struct myc_actor *self, struct probe *me,
			      const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, me->word[0], &ref);

	code = code ? code : myc_forward(self, message, &ref);
	/* Its body has gone on. */
	if (!code && message->body != UINT32_MAX)
		me->word[1] = (uint64_t)myc_forward(self, message, &ref);
	me->messages++;
	return code;
}

static inline int job_reply_kept(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	fill(large, a[1], (uint32_t)a[2]);
	return myc_reply_send(self, &me->kept[a[0]], ANSWER, large, a[2]);
}

#endif
