/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes without bounds: what waits is not refused, survives, and its memory comes and goes. */
#include <mycelium/mailbox.h>

#include "conformance/jobs.h"

#define MANY 3000u

static const struct myc_behaviour boundless = {
	.name = "boundless", .grows_to = MYC_GROWS_FREELY, .signal = probe_signal, PROBE_HOOKS};

/* Numbers in order from word[0] + 1 on; they are too many to be noted. */
static int counts(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	uint64_t number = 0;

	(void)self;
	if (message->size >= sizeof(number))
		memcpy(&number, message->payload, sizeof(number));
	if (message->type != NUMBER || number != me->word[0] + 1)
		atomic_fetch_add(&shared->wrong, 1);
	me->word[0] = number;
	me->messages++;
	return 0;
}

static void with_room(struct world_opts *opts)
{
	opts->system.growth = 8 * MYC_MAILBOX_CHUNK;
}

static struct probe *grower(struct probe *made)
{
	made->react = counts;
	return made;
}

/* Sends what goes; what does not goes after a while. */
static void send_up_to(struct probe *from, const struct probe *to, uint64_t *next, uint64_t last)
{
	while (*next <= last) {
		int code = try_flood(from, to, *next);

		assert_true(code == -EAGAIN || !code);
		*next += from->word[0];
		settle();
	}
}

/* Nothing more goes. */
static void send_until_refused(struct probe *from, const struct probe *to, uint64_t *next)
{
	for (uint32_t same = 0; same < 3; same++) {
		RESULT(try_flood(from, to, *next), -EAGAIN);
		if (from->word[0])
			same = 0;
		*next += from->word[0];
		settle();
	}
}

static int do_growth(struct myc_system *system, uint64_t *a)
{
	struct myc_mailbox_growth growth;
	int code = myc_mailbox_growth(system, a[0], &growth);

	a[1] = growth.room;
	a[2] = growth.room_max;
	a[3] = growth.limit;
	a[4] = growth.taken - growth.given;
	return code;
}

static uint64_t room_of(const struct probe *who, uint64_t *most)
{
	uint64_t a[ERRAND_WORDS] = {who->address};

	OK(way.at(who->place, do_growth, a));
	if (most)
		*most = a[2];
	assert_true(a[1] <= a[3] && a[2] <= a[3]);
	return a[1];
}

CASE(what_waits_in_a_mailbox_without_bounds_is_not_refused)
{
	struct probe *a = spawn(HERE), *b = grower(spawn_as(THERE, &boundless));
	uint64_t next = 2, most;

	OK(send_number(a, b, 1));
	UNTIL(b->messages == 1);
	hold(b);
	send_up_to(a, b, &next, MANY);
	settle();
	assert_true(metrics_of(b).mailbox_depth == next - 2);
	assert_true(room_of(b, &most) >= next - 2);
	release(b);
	UNTIL(b->messages == next - 1);
	assert_int_equal(metrics_of(b).mailbox_depth, 0);
}

CASE(its_memory_goes_back_when_it_is_empty)
{
	struct probe *a = spawn(HERE), *b = grower(spawn_as(THERE, &boundless));
	uint64_t next = 2, most;

	OK(send_number(a, b, 1));
	hold(b);
	send_up_to(a, b, &next, MANY);
	release(b);
	UNTIL(b->messages == next - 1);
	UNTIL(room_of(b, &most) <= MYC_MAILBOX_CHUNK);
	assert_true(most >= MANY);
}

CASE(at_its_end_a_mailbox_without_bounds_is_a_bounded_one)
{
	struct probe *a = spawn(HERE), *b = grower(spawn_as(THERE, &boundless));
	uint64_t next = 2;

	OK(send_number(a, b, 1));
	hold(b);
	send_until_refused(a, b, &next);
	assert_true(next > 6 * MYC_MAILBOX_CHUNK && next < 8 * MYC_MAILBOX_CHUNK + 16);
	uint64_t full = next;

	release(b);
	UNTIL(b->messages == full - 1);
	send_up_to(a, b, &next, full + MANY);
	UNTIL(b->messages == next - 1);
}

CASE(others_of_its_executor_keep_their_credit)
{
	struct probe *a = spawn(HERE), *b = grower(spawn_as(THERE, &boundless));
	struct probe *c = spawn(THERE);
	uint64_t next = 2;

	OK(send_number(a, b, 1));
	OK(send_number(a, c, 1));
	SAW(c, MESSAGE, 1);
	hold(b);
	hold(c);
	send_until_refused(a, b, &next);
	RESULT(try_flood(a, c, 2), -EAGAIN);
	assert_int_equal(a->word[0], 16);
	release(c);
	expect_numbers(c, 1, 17);
	release(b);
	UNTIL(b->messages == next - 1);
}

CASE(one_that_ends_leaves_all_that_waited_as_dead_letters)
{
	struct probe *a = spawn(HERE), *b = grower(spawn_as(THERE, &boundless));
	uint64_t next = 2;

	OK(send_number(a, b, 1));
	UNTIL(b->messages == 1);
	hold(b);
	send_up_to(a, b, &next, MANY);
	settle();
	OK(send_stop(a, b, MYC_STOP_KILL));
	UNTIL(ended(b));
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == next - 2);
	assert_int_equal(counted_dead_all(), next - 2);
}

CASE(a_sent_message_waits_for_room_in_the_lane_only)
{
	struct probe *a = spawn(HERE), *b = grower(spawn_as(THERE, &boundless));

	hold(b);
	/* What its lane has no room for pauses it; it goes on though nothing is handled. */
	for (uint64_t first = 1; first < 2000; first += 100)
		OK(send_many(a, b, first, 100));
	UNTIL(metrics_of(b).mailbox_depth == 2000);
	assert_int_equal(metrics_of(a).outbox_depth, 0);
	release(b);
	UNTIL(b->messages == 2000);
}

CASE(without_room_in_the_system_no_mailbox_grows)
{
	struct probe *made = make(HERE, &boundless);

	RESULT(try_spawn(made), -EINVAL);
}

CASE(what_waits_without_bounds_survives_its_process)
{
	struct probe *a = fixed(HERE, &plain), *b = grower(fixed(THERE, &boundless));
	uint64_t next = 2;

	hold_met(a, b);
	send_up_to(a, b, &next, MANY);
	settle();
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(b->messages == next - 1);
	UNTIL(room_of(b, NULL) <= MYC_MAILBOX_CHUNK);
	send_up_to(a, b, &next, 2 * MANY);
	UNTIL(b->messages == next - 1);
}

CASE(it_survives_its_senders_process_too)
{
	struct probe *a = fixed(THERE, &plain), *b = grower(fixed(HERE, &boundless));
	uint64_t next = 2;

	OK(send_number(a, b, 1));
	UNTIL(b->messages == 1);
	hold(b);
	send_up_to(a, b, &next, MANY);
	settle();
	kill_place(THERE);
	release(b);
	UNTIL(b->messages == next - 1);
	revive_place(THERE);
}

const struct conform_case cases_unbounded[] = {
	{NAMED(what_waits_in_a_mailbox_without_bounds_is_not_refused), .opts = with_room},
	{NAMED(its_memory_goes_back_when_it_is_empty), .opts = with_room},
	{NAMED(at_its_end_a_mailbox_without_bounds_is_a_bounded_one), .opts = with_room},
	{NAMED(others_of_its_executor_keep_their_credit), .opts = with_room},
	{NAMED(one_that_ends_leaves_all_that_waited_as_dead_letters), .opts = with_room},
	{NAMED(a_sent_message_waits_for_room_in_the_lane_only), .opts = with_room},
	{NAMED(without_room_in_the_system_no_mailbox_grows), .where = NEAR},
	{DEADLY(what_waits_without_bounds_survives_its_process), .opts = with_room},
	{DEADLY(it_survives_its_senders_process_too), .opts = with_room},
	{0},
};
