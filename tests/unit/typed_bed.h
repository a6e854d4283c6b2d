/* SPDX-License-Identifier: Apache-2.0 */
/* A typed matcher of one process, and a client of another that does what a test says, in the deterministic runtime. */
#ifndef TESTS_UNIT_TYPED_BED_H
#define TESTS_UNIT_TYPED_BED_H

#include <string.h>

#include "common/test.h"
#include <mycelium/letter.h>
#include <mycelium/testkit.h>

#include <sbe/actors/desk.h>

#include "core/executor.h"
#include "core/testkit.h"

static struct myc_testkit *kit;

/* ---- the matcher --------------------------------------------------------------------------------- */

static struct {
	uint32_t orders, depths, notes, flushes, cancels;
	uint64_t order_id, cancelled;
	uint32_t quantity, account, instrument, levels;
	bool has_account;
	int64_t prices;
	char comment[256], text[64];
	bool later;
	struct desk_matcher_order_later kept;
} m;

static inline int on_order(struct myc_actor *self, const struct desk_order *order,
			   const struct desk_matcher_order_asked *asked)
{
	struct desk_accepted_block answer = {.order_id = desk_order_get_order_id(order),
					     .place = ++m.orders};

	m.order_id = answer.order_id;
	m.quantity = desk_order_get_quantity(order);
	m.account = desk_order_get_account(order);
	m.has_account = desk_order_has_account(order);
	if (!asked->message->correlation) {
		assert_int_equal(desk_matcher_order_keep(asked, &m.kept), -EINVAL);
		assert_int_equal(desk_matcher_reply(self, asked, &answer), -EINVAL);
		return 0;
	}
	if (m.later)
		return desk_matcher_order_keep(asked, &m.kept);
	return desk_matcher_reply(self, asked, &answer);
}

static inline int on_depth(struct myc_actor *self, const struct desk_depth *depth,
			   const struct myc_message *message)
{
	struct desk_depth_levels level;
	struct myc_sbe_bytes comment = desk_depth_get_comment(depth);

	(void)self;
	assert_int_equal(message->type, DESK_DEPTH_TEMPLATE_ID);
	m.depths++;
	m.instrument = desk_depth_get_instrument(depth);
	m.levels = 0;
	m.prices = 0;
	desk_depth_levels_open(depth, &level);
	for (; desk_depth_levels_next(&level); m.levels++)
		m.prices += desk_depth_levels_get_price(&level);
	memcpy(m.comment, comment.data, comment.length);
	m.comment[comment.length] = 0;
	return 0;
}

static inline int on_note(struct myc_actor *self, const struct desk_note *note,
			  const struct myc_message *message)
{
	(void)self;
	assert_true(message->size >= sizeof(struct desk_note_block));
	m.notes++;
	m.order_id = desk_note_get_order_id(note);
	memcpy(m.text, desk_note_get_text(note).data, DESK_NOTE_TEXT_LENGTH);
	return 0;
}

static struct desk_matcher_ref second; /* set: orders go on to it */
static inline int on_order_of_first(struct myc_actor *self, const struct desk_order *order,
				    const struct desk_matcher_order_asked *asked)
{
	m.orders += 100;
	m.order_id = desk_order_get_order_id(order);
	return desk_matcher_forward(self, asked, &second);
}

static inline int on_flush(struct myc_actor *self, const struct desk_flush *flush,
			   const struct desk_matcher_flush_asked *asked)
{
	(void)flush;
	m.flushes++;
	if (m.later)
		assert_int_equal(desk_matcher_reply(self, &m.kept,
						    &(struct desk_accepted_block){.place = 77}),
				 0);
	return asked->message->correlation
		       ? desk_matcher_reply(self, asked,
					    &(struct desk_count_block){.orders = m.orders})
		       : 0;
}

static inline int on_cancel(struct myc_actor *self, const struct desk_cancel *cancel,
			    const struct myc_message *message)
{
	(void)self;
	(void)message;
	m.cancels++;
	m.cancelled = desk_cancel_get_order_id(cancel);
	return 0;
}

static inline int begun(struct myc_actor *self)
{
	(void)self;
	return 0;
}

DESK_MATCHER_BEHAVIOUR(matcher, MYC_WITH(.mailbox_capacity = 64, .init = begun), on_order, on_depth,
		       on_note, on_flush, on_cancel);

static inline int find_second(struct myc_actor *self)
{
	return desk_matcher_lookup(self, "second", &second, NULL);
}
DESK_MATCHER_BEHAVIOUR(first, MYC_WITH(.started = find_second), on_order_of_first, on_depth,
		       on_note, on_flush, on_cancel);

static inline int other_order(struct myc_actor *self, const struct desk_order *order,
			      const struct desk_matcher_order_asked *asked)
{
	(void)self;
	(void)order;
	(void)asked;
	m.orders += 1000;
	return 0;
}
DESK_MATCHER_BEHAVIOUR(shut, MYC_WITH(), other_order, on_depth, on_note, on_flush, on_cancel);

static inline int to_shut(struct myc_actor *self, const struct desk_cancel *cancel,
			  const struct myc_message *message)
{
	(void)cancel;
	(void)message;
	return desk_matcher_become(self, &shut);
}
DESK_MATCHER_BEHAVIOUR(changing, MYC_WITH(), on_order, on_depth, on_note, on_flush, to_shut);

/* ---- the client: does what a test says ------------------------------------------------------------ */

static int (*step)(struct myc_actor *self);
static struct desk_matcher_ref to;
static struct myc_error error;
static int status = 1;
static struct desk_accepted_block answered;
static uint64_t counted;

static inline int client_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	status = step(self);
	return 0;
}

static inline int client_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	if (reply->cookie == 1) {
		struct desk_matcher_order_answer answer = desk_matcher_order_answer(reply);

		status = answer.status;
		if (!status)
			desk_accepted_load(&answer.message, &answered);
	} else {
		struct desk_matcher_flush_answer answer = desk_matcher_flush_answer(reply);

		status = answer.status;
		if (!status)
			counted = desk_count_get_orders(&answer.message);
	}
	return 0;
}

static const struct myc_behaviour client = {
	.name = "client", .message = client_message, .reply = client_reply};
static myc_address client_address;

static inline int look_up(struct myc_actor *self)
{
	return desk_matcher_lookup(self, "matcher", &to, &error);
}

static inline void go(int (*what)(struct myc_actor *self), int expected)
{
	step = what;
	status = 1;
	assert_int_equal(myc_testkit_post(kit, client_address, 1, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(status, expected);
}

static inline void spawn(uint32_t process, const struct myc_behaviour *behaviour, const char *name,
			 myc_address *address)
{
	static struct myc_spawn_opts opts[8];
	static uint32_t used;
	struct myc_spawn_opts *is = &opts[used++ % 8];

	*is = (struct myc_spawn_opts){.sz = sizeof(*is), .behaviour = behaviour, .name = name};
	assert_int_equal(myc_testkit_spawn(kit, process, is, address), 0);
}

static inline int begin_with(const struct myc_behaviour *behaviour)
{
	myc_address address;

	memset(&m, 0, sizeof(m));
	assert_int_equal(
		myc_testkit_open(&kit,
				 &(struct myc_testkit_opts){.sz = sizeof(struct myc_testkit_opts),
							    .processes = 2},
				 &error),
		0);
	spawn(1, behaviour, "matcher", &address);
	spawn(0, &client, "client", &client_address);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	return 0;
}

static inline int begin(void **state)
{
	(void)state;
	begin_with(&matcher.as);
	go(look_up, 0);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	myc_testkit_close(kit);
	return 0;
}

static inline uint64_t letters(enum myc_dead_letter why)
{
	const struct myc_system *system = kit->process[1].system;

	return __atomic_load_n(&system->executor[0].words->dead_letters[why], __ATOMIC_RELAXED);
}

/* ---- what it is told --------------------------------------------------------------------------- */

static inline int send_order(struct myc_actor *self)
{
	return desk_matcher_send(
		self, &to,
		&(struct desk_order_block){.order_id = 1ull << 40, .quantity = 200, .account = 9});
}

static inline int urgent_cancel(struct myc_actor *self)
{
	struct desk_cancel_block cancel = {.order_id = 2};

	return desk_matcher_send_urgent(self, &to, &cancel);
}

static inline void fill(struct desk_depth_encoder *depth, uint32_t levels)
{
	struct desk_depth_levels_encoder level;

	desk_depth_set_instrument(depth, 42);
	desk_depth_levels_begin(depth, &level, levels);
	for (int i = 1; desk_depth_levels_add(&level); i++) {
		desk_depth_levels_set_price(&level, i);
		desk_depth_levels_set_size(&level, 300);
	}
	desk_depth_set_comment(depth, "opening", 7);
}

#endif
