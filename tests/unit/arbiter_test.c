/* SPDX-License-Identifier: Apache-2.0 */
/* Arbitration against an independent reference: what arrived on any line, as a set. */
#include "unit/arbiter_sim.h"

#define NUMBERS_MAX 60000

/* What the venue sent and the lines brought, by message number of one session. */
struct reference {
	bool received[NUMBERS_MAX], filtered[NUMBERS_MAX];
	uint64_t last; /* messages 1..last exist */
};

static struct reference reference;

struct traffic {
	uint64_t first, last;
	uint8_t session;
	uint32_t loss;		      /* per mille, each line */
	uint32_t reorder, duplicates; /* packets; per mille */
	uint64_t start;		      /* arrival of its first message */
};

static uint32_t below(struct sim *sim, uint32_t limit)
{
	return (uint32_t)(test_random(&sim->chance) % limit);
}

/* One line's packets of [first, last], cut at random, lost, late and doubled as told. */
static void add_line(struct sim *sim, const struct traffic *t, uint8_t line)
{
	for (uint64_t n = t->first; n <= t->last;) {
		uint16_t count = (uint16_t)(below(sim, 4) ? 1 + below(sim, 3) : 1 + below(sim, 25));
		uint32_t copies = below(sim, 1000) < t->duplicates ? 2 : 1;

		if (n + count > t->last + 1)
			count = (uint16_t)(t->last + 1 - n);
		if (below(sim, 1000) < t->loss)
			copies = 0;
		while (copies--) {
			uint64_t late = t->reorder ? below(sim, t->reorder * 10) : 0;
			sim_build(sim_add(sim, t->start + n * 10 + late), line, t->session, n,
				  count);
		}
		n += count;
		if (!below(sim, 200))
			sim_build(sim_add(sim, t->start + n * 10), line, t->session, n, 0);
	}
}

static void add_heartbeats(struct sim *sim, const struct traffic *t, uint16_t kind, int times)
{
	uint64_t at = t->start + t->last * 10 + 100000;

	for (int i = 0; i < times; i++)
		for (uint8_t line = 0; line < sim->opts.lines; line++)
			sim_build(sim_add(sim, at + (uint64_t)i), line, t->session, t->last + 1,
				  kind);
}

static void learn_reference(const struct sim *sim, uint8_t session, uint64_t last)
{
	memset(&reference, 0, sizeof(reference));
	reference.last = last;
	for (uint32_t i = 0; i < sim->packets; i++) {
		const struct sim_packet *packet = &sim->packet[i];
		uint64_t first = packet->meta.sequence;
		if (packet->payload[9] != session)
			continue;
		for (uint64_t n = first; n < first + packet->meta.count; n++)
			(sim->dropped[i] ? reference.filtered : reference.received)[n] = true;
	}
}

/* Checks the events of one session, beginning at event `at` (its SESSION): every number exactly once,
 * in order, from `first` on. Returns the index after it. */
static uint32_t check_session(const struct sim *sim, uint32_t at, uint64_t first,
			      uint32_t *in_doubt)
{
	uint64_t expected = first, lost = 0;

	for (; at < sim->events; at++) {
		const struct myc_feed_event *e = &sim->event[at];
		if (e->kind == MYC_FEED_SESSION && (expected != first || e->count != first))
			break;
		if (e->kind != MYC_FEED_MESSAGE && e->kind != MYC_FEED_GAP &&
		    e->kind != MYC_FEED_FILTERED && e->kind != MYC_FEED_IN_DOUBT)
			continue;
		assert_int_equal(e->sequence, expected);
		*in_doubt += e->kind == MYC_FEED_IN_DOUBT;
		for (uint64_t n = expected; n < expected + e->count; n++) {
			bool received = reference.received[n], filtered = reference.filtered[n];
			assert_true(n <= reference.last);
			if (e->kind == MYC_FEED_GAP)
				assert_false(received || filtered);
			else if (e->kind == MYC_FEED_FILTERED)
				assert_true(filtered && !sim->interesting(n));
			else
				assert_true(received);
			lost += e->kind == MYC_FEED_GAP;
		}
		expected += e->count;
	}
	assert_int_equal(expected, reference.last + 1);
	assert_true(sim->block.metrics.messages_lost >= lost);
	assert_int_equal(sim->bad_content, 0);
	return at;
}

static void check_counters(const struct sim *sim, uint64_t messages)
{
	const struct myc_feed_metrics *m = &sim->block.metrics;

	assert_int_equal(m->messages_delivered + m->messages_filtered + m->messages_lost +
				 m->messages_in_doubt,
			 messages);
	assert_int_equal(m->next, myc_word_number(sim->page.watermark));
	assert_int_equal(sim->held, 0);
}

static void play_two_lines(uint64_t seed, uint32_t loss, uint32_t unready, uint16_t hold_limit)
{
	struct sim *sim = sim_new(seed, 2);
	struct traffic t = {1, 8000, '1', loss, 16, 20, 0};
	uint32_t crashes = 0, in_doubt = 0;

	sim->opts.from_start = true;
	sim->unready = unready;
	sim->hold_limit = hold_limit;
	add_line(sim, &t, 0);
	add_line(sim, &t, 1);
	add_heartbeats(sim, &t, 0, 2);
	add_heartbeats(sim, &t, MYC_MOLD_END_OF_SESSION, 2);
	sim_run(sim, &crashes, SIM_NO_CRASH);
	learn_reference(sim, '1', t.last);
	if (hold_limit == MYC_HOLD_MAX)
		assert_int_equal(check_session(sim, 0, 1, &in_doubt), sim->events);
	check_counters(sim, t.last);
	assert_int_equal(sim->block.metrics.ends, 1);
	assert_int_equal(sim->block.metrics.sessions, 1);
	if (loss >= 100)
		assert_true(sim->block.metrics.gaps > 0 && sim->block.metrics.gaps_recovered > 0);
	sim_free(sim);
}

static void two_lossy_lines_give_their_union_once_in_order(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 12; seed++) {
		play_two_lines(seed, 0, 0, MYC_HOLD_MAX);
		play_two_lines(seed, 10, 0, MYC_HOLD_MAX);
		play_two_lines(seed, 100, 0, MYC_HOLD_MAX);
	}
}

static void back_pressure_changes_nothing_but_the_time(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 4; seed++)
		play_two_lines(seed, 50, 40, MYC_HOLD_MAX);
}

static void without_room_to_hold_gaps_are_given_up_and_every_number_is_accounted_for(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 6; seed++)
		play_two_lines(seed, 50, 0, (uint16_t)(seed % 5));
}

static void killed_anywhere_nothing_comes_twice_and_only_the_message_in_hand_is_in_doubt(
	void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 8; seed++) {
		for (enum sim_crash where = SIM_IN_READY; where <= SIM_IN_RELEASE; where++) {
			struct sim *sim = sim_new(seed, 2);
			struct traffic t = {1, 6000, '1', 50, 16, 20, 0};
			uint32_t crashes = 0, in_doubt = 0;

			sim->opts.from_start = true;
			sim->crash = where;
			sim->crash_in = below(sim, 50);
			sim->unready = 5;
			add_line(sim, &t, 0);
			add_line(sim, &t, 1);
			add_heartbeats(sim, &t, 0, 2);
			sim_run(sim, &crashes, where);
			learn_reference(sim, '1', t.last);
			check_session(sim, 0, 1, &in_doubt);
			check_counters(sim, t.last);
			assert_true(crashes > 2);
			assert_int_equal(in_doubt, sim->block.metrics.messages_in_doubt);
			if (where != SIM_IN_EVENT)
				assert_int_equal(in_doubt, 0);
			assert_true(in_doubt <= crashes);
			sim_free(sim);
		}
	}
}

/* Every tenth run of 40 messages is of interest. */
static bool one_in_ten(uint64_t number)
{
	return number / 40 % 10 == 3;
}

static void filtered_messages_advance_the_stream_and_are_never_gaps(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 12; seed++) {
		struct sim *sim = sim_new(seed, 2);
		/* Ends in uninteresting messages: only the high word tells of them. */
		struct traffic t = {1, 8000 + seed % 3 * 40, '1', seed % 2 ? 0 : 50, 16, 0, 0};
		uint32_t crashes = 0, in_doubt = 0;
		enum sim_crash crash = seed % 3 ? SIM_NO_CRASH : SIM_IN_EVENT;

		sim->opts.from_start = true;
		sim->interesting = one_in_ten;
		sim->crash = crash;
		add_line(sim, &t, 0);
		add_line(sim, &t, 1);
		sim_run(sim, &crashes, crash);
		learn_reference(sim, '1', t.last);
		/* Lost at the very end on both lines: nobody can know. */
		reference.last = sim->block.metrics.next - 1;
		assert_true(reference.last + 60 > t.last);
		check_session(sim, 0, 1, &in_doubt);
		check_counters(sim, reference.last);
		assert_true(sim->block.metrics.messages_filtered > t.last / 2);
		sim_free(sim);
	}
}

static void a_new_session_is_believed_at_its_second_packet_and_late_packets_do_not_switch_back(
	void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 8; seed++) {
		struct sim *sim = sim_new(seed, 2);
		struct traffic one = {1, 3000, '1', 50, 16, 20, 0};
		struct traffic two = {1, 4000, '2', 50, 16, 20, 40000};
		uint32_t crashes = 0, in_doubt = 0, at;
		enum sim_crash crash = seed % 2 ? SIM_IN_EVENT : SIM_NO_CRASH;

		sim->opts.from_start = true;
		sim->crash = crash;
		add_line(sim, &one, 0);
		add_line(sim, &one, 1);
		add_line(sim, &two, 0);
		add_line(sim, &two, 1);
		add_heartbeats(sim, &two, 0, 2);
		sim_build(sim_add(sim, 15000), 0, 'X', 700, 3); /* a stray one */
		for (uint64_t i = 0; i < 20; i++) {		/* in time, and again much later */
			sim_build(sim_add(sim, (2950 + i) * 10), i & 1, '1', 2950 + i, 1);
			sim_build(sim_add(sim, 50000 + i), i & 1, '1', 2950 + i, 1);
		}
		sim_run(sim, &crashes, crash);
		learn_reference(sim, '1', 3000);
		/* The tail that both lines lost is not revealed by anything. */
		while (!reference.received[reference.last])
			reference.last--;
		at = check_session(sim, 0, 1, &in_doubt);
		learn_reference(sim, '2', 4000);
		assert_int_equal(sim->event[at].kind, MYC_FEED_SESSION);
		assert_int_equal(check_session(sim, at, 1, &in_doubt), sim->events);
		assert_int_equal(sim->block.metrics.sessions, 2);
		assert_int_equal(sim->block.metrics.resets, 0);
		assert_int_equal(myc_word_epoch(sim->page.watermark), 2);
		sim_free(sim);
	}
}

static void a_restart_in_the_same_session_is_a_new_epoch_and_loses_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 12; seed++) {
		struct sim *sim = sim_new(seed, 2);
		struct traffic one = {1, 9000, '1', 0, 4, 0, 0};
		struct traffic two = {1, 5000, '1', 0, 4, 0, 200000};
		uint32_t crashes = 0, at;
		uint64_t expected = 1;

		sim->opts.from_start = true;
		sim->crash = seed % 3 ? SIM_NO_CRASH : SIM_IN_EVENT;
		add_line(sim, &one, 0);
		one.start += 60 * 10; /* line B lags, beyond the restart */
		add_line(sim, &one, 1);
		two.start = 9000 * 10 + 50;
		add_line(sim, &two, 0);
		two.start += 60 * 10;
		add_line(sim, &two, 1);
		sim_run(sim, &crashes, sim->crash);
		assert_int_equal(sim->block.metrics.resets, 1);
		assert_int_equal(sim->block.metrics.sessions, 2);
		assert_int_equal(sim->block.metrics.messages_lost, 0);
		assert_int_equal(sim->bad_content, 0);
		for (at = 0; at < sim->events; at++) {
			const struct myc_feed_event *e = &sim->event[at];
			if (e->kind == MYC_FEED_SESSION && expected > 1) {
				assert_int_equal(expected, 9001);
				expected = 1;
			}
			if (e->kind != MYC_FEED_MESSAGE && e->kind != MYC_FEED_IN_DOUBT)
				continue;
			assert_int_equal(e->sequence, expected);
			expected++;
		}
		assert_int_equal(expected, 5001);
		sim_free(sim);
	}
}

static struct myc_packet packet_of(struct sim *sim, uint32_t index)
{
	return (struct myc_packet){.payload = sim->packet[index].payload,
				   .meta = &sim->packet[index].meta,
				   .payload_size = sim->packet[index].size,
				   .hand = (uint16_t)index};
}

/* Steers and gives the newest packet at once, then ends the round. */
static void give_now(struct sim *sim)
{
	sim->steered = sim->taken = sim->packets;
	sim->in_hand[sim->packets - 1] = true;
	if (sim_steer(sim, &sim->packet[sim->packets - 1]))
		sim_give(sim, sim->packets - 1, false);
	sim_done(sim);
}

static void late_duplicates_are_no_restart(void **state)
{
	struct sim *sim = sim_new(1, 2);

	(void)state;
	sim_open_arbiter(sim);
	for (uint64_t n = 1; n <= 6000; n += 20) {
		sim_build(sim_add(sim, 0), 0, '1', n, 20);
		give_now(sim);
	}
	for (int round = 0; round < 5; round++) {
		/* Two of them, in order, far back, on a line that then goes on. */
		for (uint64_t n = 101; n < 141; n += 20) {
			sim_build(sim_add(sim, 0), 0, '1', n, 20);
			give_now(sim);
		}
		sim_build(sim_add(sim, 0), 0, '1', 6001 + (uint64_t)round, 1);
		give_now(sim);
	}
	assert_int_equal(sim->block.metrics.resets, 0);
	assert_int_equal(sim->block.metrics.messages_delivered, 6005);
	assert_int_equal(sim->held, 0);
	sim_free(sim);
}

static void a_heartbeat_confirms_a_restart_and_a_tail_loss(void **state)
{
	struct sim *sim = sim_new(1, 1);

	(void)state;
	sim_open_arbiter(sim);
	for (uint64_t n = 1; n <= 4000; n += 20) {
		sim_build(sim_add(sim, 0), 0, '1', n, 20);
		give_now(sim);
	}
	sim_build(sim_add(sim, 0), 0, '1', 1, 5);
	give_now(sim);
	assert_int_equal(sim->block.metrics.resets, 0);
	assert_int_equal(sim->held, 1);
	sim_build(sim_add(sim, 0), 0, '1', 9, 0);
	give_now(sim);
	assert_int_equal(sim->block.metrics.resets, 1);
	assert_int_equal(sim->block.metrics.next, 6);
	assert_int_equal(sim->held, 0);
	sim->now_ns += 49000000;
	sim_settle(sim);
	assert_int_equal(sim->block.metrics.messages_lost, 0);
	assert_int_equal(myc_arbiter_deadline_ns(sim->arbiter) <= sim->now_ns + 1000000, 1);
	sim->now_ns += 1000000;
	sim_settle(sim);
	sim_done(sim);
	assert_int_equal(sim->block.metrics.messages_lost, 3);
	assert_int_equal(sim->event[sim->events - 1].kind, MYC_FEED_GAP);
	assert_int_equal(sim->event[sim->events - 1].sequence, 6);
	assert_int_equal(sim->event[sim->events - 1].count, 3);
	sim_free(sim);
}

static void a_stream_is_joined_where_it_is_unless_asked_from_the_start(void **state)
{
	(void)state;
	for (int from_start = 0; from_start < 2; from_start++) {
		struct sim *sim = sim_new(1, 1);
		sim->opts.from_start = from_start;
		sim_open_arbiter(sim);
		sim_build(sim_add(sim, 0), 0, '1', 500, 3);
		give_now(sim);
		sim->now_ns += 60000000;
		sim_settle(sim);
		sim_done(sim);
		assert_int_equal(sim->event[0].kind, MYC_FEED_SESSION);
		assert_int_equal(sim->event[0].count, from_start ? 1 : 500);
		assert_int_equal(sim->block.metrics.messages_lost, from_start ? 499 : 0);
		assert_int_equal(sim->block.metrics.messages_delivered, 3);
		assert_int_equal(sim->page.watermark, myc_epoch_word(1, 503));
		sim_free(sim);
	}
}

static void a_packet_that_does_not_add_up_is_reported_and_nothing_is_taken_from_it(void **state)
{
	struct sim *sim = sim_new(1, 1);

	(void)state;
	sim_open_arbiter(sim);
	sim_build(sim_add(sim, 0), 0, '1', 1, 3);
	give_now(sim);
	for (uint32_t cut = 0; cut < 24; cut++) {
		sim_build(sim_add(sim, 0), 0, '1', 4, 9);
		struct myc_packet packet = packet_of(sim, sim->packets - 1);
		packet.payload_size -= 1 + cut;
		assert_true(myc_arbiter_packet(sim->arbiter, &packet, sim->now_ns));
		assert_int_equal(sim->event[sim->events - 1].kind, MYC_FEED_MALFORMED);
	}
	sim_build(sim_add(sim, 0), 0, '1', 4, 2);
	sim->packet[sim->packets - 1].size++; /* a trailing byte */
	give_now(sim);
	assert_int_equal(sim->block.metrics.packets_malformed, 25);
	assert_int_equal(sim->block.metrics.next, 4);
	sim_build(sim_add(sim, 0), 0, '1', 1ull << 48, 1);
	give_now(sim);
	assert_int_equal(sim->block.metrics.packets_malformed, 26);
	sim_free(sim);
}

static void a_failed_handler_is_told_that_it_resumes_before_the_next_message(void **state)
{
	struct sim *sim = sim_new(1, 1);

	(void)state;
	sim->fail_at = 5;
	sim_open_arbiter(sim);
	sim_build(sim_add(sim, 0), 0, '1', 1, 9);
	give_now(sim);
	assert_int_equal(sim->events, 1 + 9 + 1);
	assert_int_equal(sim->event[6].kind, MYC_FEED_RESUMED);
	assert_int_equal(sim->event[6].sequence, 6);
	assert_int_equal(sim->event[7].sequence, 6);
	assert_int_equal(sim->block.metrics.messages_delivered, 9);
	sim_free(sim);
}

static void a_forged_heartbeat_far_ahead_costs_bounded_work(void **state)
{
	struct sim *sim = sim_new(1, 1);

	(void)state;
	sim_open_arbiter(sim);
	sim_build(sim_add(sim, 0), 0, '1', 1, 3);
	give_now(sim);
	sim_build(sim_add(sim, 0), 0, '1', (1ull << 48) - 1, 0);
	give_now(sim);
	sim->now_ns += 60000000;
	sim_settle(sim);
	assert_int_equal(sim->event[sim->events - 1].kind, MYC_FEED_GAP);
	sim_free(sim);
}

static void a_move_that_was_cut_short_is_made_once(void **state)
{
	(void)state;
	for (enum myc_feed_redo kind = MYC_FEED_REDO_LOST; kind <= MYC_FEED_REDO_FILTERED; kind++) {
		struct sim *sim = sim_new(1, 1);
		struct myc_feed_metrics *m = &sim->block.metrics;

		sim_open_arbiter(sim);
		sim_build(sim_add(sim, 0), 0, '1', 1, 3);
		give_now(sim);
		sim->block.redo_kind = kind;
		sim->block.redo_progress = myc_epoch_word(1, 10);
		sim->block.redo_value = 6;
		sim_restart(sim);
		sim_done(sim);
		assert_int_equal(sim->block.redo_kind, MYC_FEED_REDO_NONE);
		assert_int_equal(m->messages_lost + m->messages_filtered, 6);
		assert_int_equal(m->messages_delivered, 3);
		assert_int_equal(m->next, 10);
		sim_free(sim);
	}
}

static void latencies_have_buckets_without_holes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MYC_FEED_LATENCY_BUCKETS - 1; i++) {
		assert_int_equal(myc_feed_latency_index(myc_feed_latency_most(i)), i);
		assert_int_equal(myc_feed_latency_index(myc_feed_latency_most(i) + 1), i + 1);
	}
	assert_int_equal(myc_feed_latency_index(UINT64_MAX), MYC_FEED_LATENCY_BUCKETS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_lossy_lines_give_their_union_once_in_order),
		cmocka_unit_test(back_pressure_changes_nothing_but_the_time),
		cmocka_unit_test(
			without_room_to_hold_gaps_are_given_up_and_every_number_is_accounted_for),
		cmocka_unit_test(
			killed_anywhere_nothing_comes_twice_and_only_the_message_in_hand_is_in_doubt),
		cmocka_unit_test(filtered_messages_advance_the_stream_and_are_never_gaps),
		cmocka_unit_test(
			a_new_session_is_believed_at_its_second_packet_and_late_packets_do_not_switch_back),
		cmocka_unit_test(a_restart_in_the_same_session_is_a_new_epoch_and_loses_nothing),
		cmocka_unit_test(late_duplicates_are_no_restart),
		cmocka_unit_test(a_heartbeat_confirms_a_restart_and_a_tail_loss),
		cmocka_unit_test(a_stream_is_joined_where_it_is_unless_asked_from_the_start),
		cmocka_unit_test(
			a_packet_that_does_not_add_up_is_reported_and_nothing_is_taken_from_it),
		cmocka_unit_test(a_failed_handler_is_told_that_it_resumes_before_the_next_message),
		cmocka_unit_test(a_forged_heartbeat_far_ahead_costs_bounded_work),
		cmocka_unit_test(a_move_that_was_cut_short_is_made_once),
		cmocka_unit_test(latencies_have_buckets_without_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
