/* SPDX-License-Identifier: Apache-2.0 */
/* Topics: mycelium/topic.h. The publisher is HERE; who subscribes may be
 * elsewhere. */
#include "conformance/cases.h"

enum { TOLERANT, RELIABLE, KEYED, TIMED, TOPICS };
enum { SLOTS_OF = 8, PATIENCE = 50 };

static const char *const names[] = {"prices", "orders", "last", "timed"};
static const struct myc_topic_opts topics[TOPICS] = {
	{.name = "prices", .slots = SLOTS_OF},
	{.name = "orders", .slots = SLOTS_OF, .reliable = true},
	{.name = "last", .slots = 16, .keys = 8},
	{.name = "timed", .slots = SLOTS_OF, .reliable = true, .patience_ns = PATIENCE * MS},
};

static void with_topics(struct world_opts *opts)
{
	opts->system.topics = topics;
	opts->system.topics_count = TOPICS;
}

static const struct myc_behaviour reader = {.name = "reader",
					    .capacity_per_sender = 16,
					    .signal = probe_signal,
					    .topic = probe_topic,
					    PROBE_HOOKS};

/* ---- jobs: a claim is in words 4.., a subscription in word 3
 * ---------------------------------- */

static struct myc_publisher claim_of(const struct probe *me, uint64_t topic)
{
	return (struct myc_publisher){.index = (uint32_t)me->word[4 + topic]};
}

static int job_claim(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_publisher topic = {0};
	int code = myc_topic_claim(self, names[a[0]], &topic);

	if (!code)
		me->word[4 + a[0]] = topic.index;
	return code;
}
static int job_release(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_publisher topic = claim_of(me, a[0]);

	myc_topic_release(self, &topic);
	return 0;
}
/* a: topic | keys << 8, first, count, size. word[0]: how many went. */
static int job_publish(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct myc_publisher topic = claim_of(me, a[0] & 0xff);
	uint64_t payload[32], keys = a[0] >> 8, size = a[3] ? a[3] : 8;
	int code = 0;

	for (me->word[0] = 0; me->word[0] < a[2] && !code; me->word[0] += !code) {
		uint64_t number = a[1] + me->word[0];

		fill(payload, number, (uint32_t)(size < sizeof(payload) ? size : sizeof(payload)));
		code = myc_publish(self, &topic, 7, keys ? number % keys : 0, payload, size);
	}
	return code;
}
static int job_reserve(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct myc_publisher topic = claim_of(me, a[0]);
	void *place;
	int code = myc_publish_reserve(self, &topic, 0, &place);

	if (code)
		return code;
	fill(place, a[1], 16);
	return a[2] ? myc_publish_commit(self, &topic, 7, 16) : 0;
}
/* a: topic, flags, cookie, key + 1 (0 = all). */
static int job_subscribe(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t key = a[3] - 1;
	const struct myc_subscribe_opts opts = {.sz = sizeof(opts),
						.flags = (uint32_t)a[1],
						.keys = &key,
						.keys_count = a[3] ? 1 : 0};
	struct myc_subscription subscription = {0};
	int code = myc_subscribe(self, names[a[0]], &opts, a[2], &subscription);

	me->word[3] = subscription.id;
	return code;
}
JOB_OF(job_unsubscribe, myc_unsubscribe(self, (struct myc_subscription){me->word[3]}))
JOB_OF(job_claim_none, myc_topic_claim(self, "nothing", &(struct myc_publisher){0}))
JOB_OF(job_subscribe_none, myc_subscribe(self, "nothing", NULL, 0, &(struct myc_subscription){0}))

static struct probe *publisher(uint64_t topic)
{
	struct probe *made = spawn(HERE);

	OK(let(made, job_claim, topic, 0, 0, 0));
	return made;
}
static int publish(struct probe *who, uint64_t topic, uint64_t first, uint64_t count)
{
	return let(who, job_publish, topic, first, count, 0);
}
static struct probe *subscriber(uint32_t where, uint64_t topic, uint32_t flags)
{
	struct probe *made = spawn_as(where, &reader);

	OK(let(made, job_subscribe, topic, flags, 5, 0));
	settle(); /* the publisher has seen the wish */
	return made;
}

/* The nth message, lost range and so on. */
static const struct seen *event_of(const struct probe *who, uint32_t kind, uint32_t n)
{
	for (;;) {
		uint64_t turn = 0;
		uint32_t found = 0, count = atomic_load_explicit(&who->count, memory_order_acquire);

		for (uint32_t i = 0; i < count; i++)
			if (who->seen[i].what == TOPIC && who->seen[i].kind == kind && found++ == n)
				return &who->seen[i];
		do
			if (!way.wait(&turn))
				fail_msg("event %u of kind %u did not come", n, kind);
		while (atomic_load_explicit(&who->count, memory_order_acquire) == count);
	}
}
static uint32_t events(const struct probe *who, uint32_t kind)
{
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire), n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += who->seen[i].what == TOPIC && who->seen[i].kind == kind;
	return n;
}
static uint64_t lost(const struct probe *who)
{
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		if (who->seen[i].what == TOPIC && who->seen[i].kind == MYC_TOPIC_LOST)
			sum += who->seen[i].failed;
	return sum;
}
static void expect_published(const struct probe *who, uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i <= to - from; i++) {
		const struct seen *seen = event_of(who, MYC_TOPIC_MESSAGE, i);

		assert_int_equal(seen->number, from + i);
		assert_false(seen->torn);
	}
	settle();
	assert_int_equal(events(who, MYC_TOPIC_MESSAGE), to - from + 1);
}

/* ---- publishing
 * --------------------------------------------------------------------------------
 */

CASE(what_is_published_comes_to_every_subscriber_in_order)
{
	struct probe *p = publisher(TOLERANT), *b = subscriber(THERE, TOLERANT, 0),
		     *c = subscriber(ELSEWHERE, TOLERANT, 0), *d = subscriber(THERE, TOLERANT, 0);

	for (uint64_t i = 0; i < 4; i++) {
		OK(publish(p, TOLERANT, 1 + 5 * i, 5));
		UNTIL(events(b, MYC_TOPIC_MESSAGE) == 5 * (i + 1) &&
		      events(c, MYC_TOPIC_MESSAGE) == 5 * (i + 1) &&
		      events(d, MYC_TOPIC_MESSAGE) == 5 * (i + 1));
	}
	expect_published(b, 1, 20);
	expect_published(c, 1, 20);
	expect_published(d, 1, 20);
	const struct seen *seen = event_of(b, MYC_TOPIC_MESSAGE, 3);

	assert_int_equal(seen->index, 5);
	assert_int_equal(seen->type, 7);
	assert_int_equal(seen->answered, 4);
	assert_int_equal(lost(b), 0);
}

CASE(a_topic_has_one_publisher_of_its_own_process)
{
	struct probe *a = publisher(TOLERANT), *b = spawn(HERE);

	RESULT(let(b, job_claim, TOLERANT, 0, 0, 0), -EBUSY);
	RESULT(publish(b, TOLERANT, 1, 1), -EPERM);
	RESULT(let(b, job_claim_none, 0, 0, 0, 0), -ENOENT);
	OK(let(a, job_release, TOLERANT, 0, 0, 0));
	RESULT(publish(a, TOLERANT, 1, 1), -EPERM);
	OK(let(b, job_claim, TOLERANT, 0, 0, 0));
	OK(publish(b, TOLERANT, 1, 1));
	OK(stop_self(b));
	UNTIL(ended(b));
	OK(let(a, job_claim, TOLERANT, 0, 0, 0));
}

CASE(a_payload_has_room_or_is_refused)
{
	struct probe *p = publisher(TOLERANT), *b = subscriber(THERE, TOLERANT, 0);

	OK(let(p, job_publish, TOLERANT, 1, 1, 64));
	RESULT(let(p, job_publish, TOLERANT, 2, 1, 65), -EMSGSIZE);
	OK(let(p, job_publish, TOLERANT, 2, 1, 8));
	expect_published(b, 1, 2);
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 0)->size, 64);
}

CASE(what_was_reserved_and_not_committed_never_was)
{
	struct probe *p = publisher(TOLERANT), *b = subscriber(THERE, TOLERANT, 0);

	OK(let(p, job_reserve, TOLERANT, 1, true, 0));
	OK(let(p, job_reserve, TOLERANT, 99, false, 0));
	OK(let(p, job_reserve, TOLERANT, 2, true, 0));
	expect_published(b, 1, 2);
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 1)->answered, 2);
}

/* ---- subscribing
 * -------------------------------------------------------------------------------
 */

CASE(a_subscription_begins_now_or_with_the_oldest)
{
	struct probe *p = publisher(TOLERANT);

	OK(publish(p, TOLERANT, 1, 3));
	settle();
	struct probe *now = subscriber(THERE, TOLERANT, 0),
		     *old = subscriber(THERE, TOLERANT, MYC_SUBSCRIBE_OLDEST);

	OK(publish(p, TOLERANT, 4, 1));
	expect_published(now, 4, 4);
	expect_published(old, 1, 4);
}

CASE(after_unsubscribe_nothing_comes)
{
	struct probe *p = publisher(TOLERANT), *b = subscriber(THERE, TOLERANT, 0),
		     *c = subscriber(THERE, TOLERANT, 0);

	OK(publish(p, TOLERANT, 1, 1));
	expect_published(b, 1, 1);
	OK(let(b, job_unsubscribe, 0, 0, 0, 0));
	RESULT(let(b, job_unsubscribe, 0, 0, 0, 0), -ENOENT);
	OK(publish(p, TOLERANT, 2, 1));
	expect_published(c, 1, 2);
	assert_int_equal(events(b, MYC_TOPIC_MESSAGE), 1);
}

CASE(what_cannot_be_subscribed_to_is_refused)
{
	struct probe *p = publisher(TOLERANT), *b = spawn_as(THERE, &reader);

	RESULT(let(b, job_subscribe_none, 0, 0, 0, 0), -ENOENT);
	RESULT(let(b, job_subscribe, TOLERANT, MYC_SUBSCRIBE_WAITED_FOR, 0, 0), -EINVAL);
	RESULT(let(p, job_subscribe, TOLERANT, 0, 0, 0), -EINVAL); /* no handler */
}

CASE(a_filter_lets_its_keys_through_only)
{
	struct probe *p = publisher(TOLERANT), *b = spawn_as(THERE, &reader);

	OK(let(b, job_subscribe, TOLERANT, 0, 5, 1 + 1));
	settle();
	for (uint64_t i = 0; i < 3; i++) {
		OK(let(p, job_publish, TOLERANT | 4 << 8, 4 * i, 4, 0));
		settle();
		UNTIL(events(b, MYC_TOPIC_MESSAGE) == i + 1);
		assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, (uint32_t)i)->number, 4 * i + 1);
		assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, (uint32_t)i)->payload, 1);
	}
}

CASE(a_restart_ends_subscriptions_and_claims)
{
	struct probe *p = make(HERE, &plain), *b = make(THERE, &reader), *q = spawn(HERE);

	p->restarts_max = b->restarts_max = 3;
	OK(try_spawn(p));
	OK(try_spawn(b));
	OK(let(p, job_claim, TOLERANT, 0, 0, 0));
	OK(let(b, job_subscribe, TOLERANT, 0, 5, 0));
	settle();
	OK(publish(p, TOLERANT, 1, 1));
	expect_published(b, 1, 1);
	OK(fail_with(p, -EIO));
	event_of(b, MYC_TOPIC_END, 0);
	UNTIL(p->inits == 2);
	RESULT(publish(p, TOLERANT, 2, 1), -EPERM);
	OK(let(q, job_claim, TOLERANT, 0, 0, 0));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	OK(publish(q, TOLERANT, 2, 1));
	settle();
	assert_int_equal(events(b, MYC_TOPIC_MESSAGE), 1);
}

/* ---- tolerant
 * ----------------------------------------------------------------------------------
 */

CASE(a_tolerant_one_holds_nobody_up_and_hears_how_much_it_lost)
{
	struct probe *p = publisher(TOLERANT), *b = subscriber(THERE, TOLERANT, 0);

	OK(publish(p, TOLERANT, 1, 2));
	expect_published(b, 1, 2);
	hold(b);
	OK(publish(p, TOLERANT, 3, 3 * SLOTS_OF));
	settle();
	release(b);
	OK(publish(p, TOLERANT, 3 + 3 * SLOTS_OF, 1));
	UNTIL(events(b, MYC_TOPIC_MESSAGE) + lost(b) == 3 + 3 * SLOTS_OF);
	assert_true(lost(b) > 0);
	const struct seen *last = event_of(b, MYC_TOPIC_MESSAGE, events(b, MYC_TOPIC_MESSAGE) - 1);

	assert_int_equal(last->number, 3 + 3 * SLOTS_OF);
	assert_int_equal(last->answered, 3 + 3 * SLOTS_OF);
}

/* ---- waited for
 * --------------------------------------------------------------------------------
 */

CASE(one_that_is_waited_for_loses_nothing_and_holds_the_publisher_up)
{
	struct probe *p = publisher(RELIABLE),
		     *b = subscriber(THERE, RELIABLE, MYC_SUBSCRIBE_WAITED_FOR);

	event_of(b, MYC_TOPIC_RESUMED, 0);
	hold(b);
	RESULT(publish(p, RELIABLE, 1, 100), -EAGAIN);
	assert_in_range(p->word[0], 1, SLOTS_OF);
	uint64_t went = p->word[0];

	settle();
	RESULT(publish(p, RELIABLE, 999, 1), -EAGAIN);
	release(b);
	UNTIL(events(b, MYC_TOPIC_MESSAGE) == went);
	UNTIL(publish(p, RELIABLE, went + 1, 1) == 0);
	expect_published(b, 1, went + 1);
	assert_int_equal(lost(b), 0);
}

CASE(a_tolerant_one_of_a_reliable_topic_holds_nobody_up)
{
	struct probe *p = publisher(RELIABLE), *b = subscriber(THERE, RELIABLE, 0);

	hold(b);
	OK(publish(p, RELIABLE, 1, 3 * SLOTS_OF));
	settle();
	release(b);
	OK(publish(p, RELIABLE, 3 * SLOTS_OF + 1, 1));
	UNTIL(events(b, MYC_TOPIC_MESSAGE) + lost(b) == 3 * SLOTS_OF + 1);
}

CASE(one_that_is_waited_for_and_ends_holds_nobody_up_any_more)
{
	struct probe *p = publisher(RELIABLE),
		     *b = subscriber(THERE, RELIABLE, MYC_SUBSCRIBE_WAITED_FOR);

	event_of(b, MYC_TOPIC_RESUMED, 0);
	hold(b);
	RESULT(publish(p, RELIABLE, 1, 100), -EAGAIN);
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	UNTIL(ended(b));
	UNTIL(publish(p, RELIABLE, 1, 1) == 0);
}

CASE(patience_ends_and_who_was_in_the_way_hears_what_it_lost)
{
	struct probe *p = publisher(TIMED), *b = subscriber(THERE, TIMED, MYC_SUBSCRIBE_WAITED_FOR),
		     *clock = spawn(HERE);

	event_of(b, MYC_TOPIC_RESUMED, 0);
	hold(b);
	RESULT(publish(p, TIMED, 1, 100), -EAGAIN);
	uint64_t went = p->word[0];

	OK(start_timer(clock, 2 * PATIENCE * MS, 0, 1));
	SAW(clock, TIMER, 1);
	UNTIL(publish(p, TIMED, went + 1, 1) == 0);
	settle();
	release(b);
	UNTIL(events(b, MYC_TOPIC_MESSAGE) + lost(b) == went + 1);
	assert_true(lost(b) > 0);
	/* And it is waited for again. */
	settle();
	hold(b);
	RESULT(publish(p, TIMED, went + 2, 100), -EAGAIN);
	release(b);
}

/* ---- keyed
 * -------------------------------------------------------------------------------------
 */

CASE(of_a_keyed_topic_the_last_value_of_each_key_comes_first)
{
	struct probe *p = publisher(KEYED);

	OK(let(p, job_publish, KEYED | 4 << 8, 1, 20, 0)); /* 17 to 20 are the last */
	struct probe *b = subscriber(THERE, KEYED, 0);
	uint64_t of_key[4] = {0};

	UNTIL(events(b, MYC_TOPIC_MESSAGE) >= 4);
	settle();
	assert_int_equal(events(b, MYC_TOPIC_MESSAGE), 4);
	for (uint32_t i = 0; i < 4; i++)
		of_key[event_of(b, MYC_TOPIC_MESSAGE, i)->payload & 3] =
			event_of(b, MYC_TOPIC_MESSAGE, i)->number;
	for (uint64_t key = 0; key < 4; key++)
		assert_int_equal(of_key[key], key ? 16 + key : 20);
	OK(let(p, job_publish, KEYED | 4 << 8, 21, 1, 0));
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 4)->number, 21);
}

CASE(a_held_one_of_a_keyed_topic_gets_the_last_value_when_it_goes_on)
{
	struct probe *p = publisher(KEYED), *b = subscriber(THERE, KEYED, 0);

	hold(b);
	for (uint64_t i = 0; i < 5; i++)
		OK(let(p, job_publish, KEYED | 2 << 8, 1 + 10 * i, 10, 0));
	settle();
	assert_int_equal(events(b, MYC_TOPIC_MESSAGE), 0);
	release(b);
	UNTIL(events(b, MYC_TOPIC_MESSAGE) >= 2);
	settle();
	uint32_t count = events(b, MYC_TOPIC_MESSAGE);

	assert_in_range(count, 2, 4);
	assert_in_range(event_of(b, MYC_TOPIC_MESSAGE, count - 1)->number, 49, 50);
	assert_in_range(event_of(b, MYC_TOPIC_MESSAGE, count - 2)->number, 49, 50);
}

CASE(a_keyed_topic_has_as_many_keys_as_it_says)
{
	struct probe *p = publisher(KEYED);

	RESULT(let(p, job_publish, KEYED | 100 << 8, 0, 100, 0), -ENOSPC);
	assert_int_equal(p->word[0], 8);
	OK(let(p, job_publish, KEYED | 8 << 8, 0, 8, 0)); /* of keys that are there */
}

CASE(a_keyed_subscription_may_be_to_one_key)
{
	struct probe *p = publisher(KEYED), *b = spawn_as(THERE, &reader);

	OK(let(p, job_publish, KEYED | 4 << 8, 0, 8, 0));
	OK(let(b, job_subscribe, KEYED, 0, 5, 2 + 1));
	settle();
	OK(let(p, job_publish, KEYED | 4 << 8, 8, 4, 0));
	UNTIL(events(b, MYC_TOPIC_MESSAGE) >= 2);
	settle();
	assert_int_equal(events(b, MYC_TOPIC_MESSAGE), 2);
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 0)->number, 6);
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 1)->number, 10);
}

/* ---- ends
 * --------------------------------------------------------------------------------------
 */

CASE(subscribers_hear_that_a_publisher_ends_and_that_another_has_it)
{
	struct probe *p = publisher(TOLERANT), *q = spawn(HERE),
		     *b = subscriber(THERE, TOLERANT, 0);

	OK(publish(p, TOLERANT, 1, 2));
	expect_published(b, 1, 2);
	OK(stop_self(p));
	event_of(b, MYC_TOPIC_END, 0);
	uint32_t resumed = events(b, MYC_TOPIC_RESUMED);

	OK(let(q, job_claim, TOLERANT, 0, 0, 0));
	event_of(b, MYC_TOPIC_RESUMED, resumed);
	OK(publish(q, TOLERANT, 3, 1));
	expect_published(b, 1, 3);
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 2)->answered, 3); /* numbers go on */
}

CASE(a_killed_publishers_topic_stays_readable_and_its_numbers_go_on)
{
	struct probe *p = fixed(HERE, &plain), *b = fixed(THERE, &reader);

	OK(let(p, job_claim, TOLERANT, 0, 0, 0));
	OK(publish(p, TOLERANT, 1, 3));
	kill_place(HERE);
	OK(let(b, job_subscribe, TOLERANT, MYC_SUBSCRIBE_OLDEST, 5, 0));
	UNTIL(events(b, MYC_TOPIC_MESSAGE) == 3);
	revive_place(HERE);
	UNTIL(p->inits == 2);
	RESULT(publish(p, TOLERANT, 4, 1), -EPERM);
	OK(let(p, job_claim, TOLERANT, 0, 0, 0));
	OK(publish(p, TOLERANT, 4, 1));
	expect_published(b, 1, 4);
	assert_int_equal(event_of(b, MYC_TOPIC_MESSAGE, 3)->answered, 4);
}

CASE(a_killed_subscriber_that_was_waited_for_holds_nobody_up)
{
	struct probe *p = fixed(HERE, &plain), *b = fixed(THERE, &reader);

	OK(let(p, job_claim, RELIABLE, 0, 0, 0));
	OK(let(b, job_subscribe, RELIABLE, MYC_SUBSCRIBE_WAITED_FOR, 5, 0));
	event_of(b, MYC_TOPIC_RESUMED, 0);
	hold(b);
	RESULT(publish(p, RELIABLE, 1, 100), -EAGAIN);
	kill_place(THERE);
	UNTIL(publish(p, RELIABLE, 50, 1) == 0);
	revive_place(THERE);
}

#define TOPICAL(case_)	  .opts = with_topics, NAMED(case_)
#define TOPIC_DEAD(case_) .opts = with_topics, DEADLY(case_)
const struct conform_case cases_topic[] = {
	{TOPICAL(what_is_published_comes_to_every_subscriber_in_order)},
	{TOPICAL(a_topic_has_one_publisher_of_its_own_process), .where = NEAR},
	{TOPICAL(a_payload_has_room_or_is_refused)},
	{TOPICAL(what_was_reserved_and_not_committed_never_was)},
	{TOPICAL(a_subscription_begins_now_or_with_the_oldest)},
	{TOPICAL(after_unsubscribe_nothing_comes)},
	{TOPICAL(what_cannot_be_subscribed_to_is_refused)},
	{TOPICAL(a_filter_lets_its_keys_through_only)},
	{TOPICAL(a_restart_ends_subscriptions_and_claims)},
	{TOPICAL(a_tolerant_one_holds_nobody_up_and_hears_how_much_it_lost)},
	{TOPICAL(one_that_is_waited_for_loses_nothing_and_holds_the_publisher_up)},
	{TOPICAL(a_tolerant_one_of_a_reliable_topic_holds_nobody_up)},
	{TOPICAL(one_that_is_waited_for_and_ends_holds_nobody_up_any_more)},
	{TOPICAL(patience_ends_and_who_was_in_the_way_hears_what_it_lost)},
	{TOPICAL(of_a_keyed_topic_the_last_value_of_each_key_comes_first)},
	{TOPICAL(a_held_one_of_a_keyed_topic_gets_the_last_value_when_it_goes_on)},
	{TOPICAL(a_keyed_topic_has_as_many_keys_as_it_says), .where = NEAR},
	{TOPICAL(a_keyed_subscription_may_be_to_one_key)},
	{TOPICAL(subscribers_hear_that_a_publisher_ends_and_that_another_has_it)},
	{TOPIC_DEAD(a_killed_publishers_topic_stays_readable_and_its_numbers_go_on)},
	{TOPIC_DEAD(a_killed_subscriber_that_was_waited_for_holds_nobody_up)},
	{0},
};
