/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending one of two processes that are killed with -9 at random: it sends numbers to the keeper, some with a body, and
 * remembers in its region which is next. Included where these are: struct memory with `next`, `house`, `memory`,
 * SENDER and KEEPER, NUMBER and GO, MESSAGES, BURST (numbers sent in a row), BODY (bytes), BODY_EVERY.
 */
#ifndef TESTS_INTEGRATION_NUMBERS_BED_H
#define TESTS_INTEGRATION_NUMBERS_BED_H

static struct memory *memory_of(uint32_t process)
{
	return house_user(&house, process);
}

/* ---- the sender ---------------------------------------------------------------------------------- */

struct sender {
	struct myc_ref peer, self;
};

static int later(struct myc_actor *self)
{
	return myc_timer_set(self, 0, 20000, 0) ? -EIO : 0;
}

static int sender_go(struct myc_actor *self)
{
	struct sender *state = myc_state(self);
	uint64_t words[BODY / 8];

	if (!state->peer.address && myc_resolve(self, house_address(KEEPER, 0), &state->peer)) {
		memset(&state->peer, 0, sizeof(state->peer));
		return later(self);
	}
	for (int i = 0; i < BURST && memory->next < MESSAGES; i++) {
		uint64_t number = memory->next;

		for (uint32_t w = 0; w < BODY / 8; w++)
			words[w] = number;
		/* Stored first: died between here and the send, the number never existed. */
		__atomic_store_n(&memory->next, number + 1, __ATOMIC_RELAXED);
		int code = myc_try_send(self, &state->peer, NUMBER, words,
					number % BODY_EVERY ? 8 : BODY);

		if (!code)
			continue;
		memory->next = number;
		if (code == -ESRCH)
			state->peer.address = 0;
		else if (code != -EAGAIN && code != -ENOBUFS)
			return code;
		return later(self);
	}
	if (memory->next < MESSAGES)
		myc_try_send(self, &state->self, GO, NULL, 0);
	return 0;
}

static int sender_started(struct myc_actor *self)
{
	return myc_resolve(self, myc_self(self), &((struct sender *)myc_state(self))->self)
		       ?: sender_go(self);
}

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	return sender_go(self);
}

static int sender_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return sender_go(self);
}

static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct sender),
					    .started = sender_started,
					    .message = sender_message,
					    .timer = sender_timer};

#endif
