/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/feed.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define END_EVERY_NS 1000000u /* between two end-of-session packets of a line */

static volatile sig_atomic_t interrupted;

void feed_interrupt(void)
{
	interrupted = 1;
}

static int wait_for_turn(void *context, struct packet *packet)
{
	struct feed_line *line = context;

	packet_push(&line->waiting, packet);
	return 0;
}

void feed_init(struct feed *feed, const struct feed_opts *opts, struct source *source,
	       struct output *output)
{
	*feed = (struct feed){
		.opts = *opts, .source = source, .output = output, .identity = opts->identity};
	feed->truth.lines = opts->lines;
	for (uint32_t i = 0; i < opts->lines; i++) {
		struct feed_line *line = &feed->line[i];
		struct packet_sink to_merge = {.take = wait_for_turn, .context = line};
		struct packet_sink to_impair = {.take = impair_take, .context = &line->impair};

		impair_init(&line->impair, &opts->impair[i], &feed->pool, &feed->truth, to_merge);
		packetizer_init(&line->packetizer, &opts->packetizer[i], &feed->pool, to_impair);
	}
}

/* ---- out: merge by time, pace --------------------------------------------------------------- */

/* Waits until the packet's time has come. Packets that are late go out together in a batch. */
static int pace(struct feed *feed, uint64_t time_ns, struct myc_error *error)
{
	uint64_t since = time_ns > feed->first_ns ? time_ns - feed->first_ns : 0;

	if (!feed->opts.live || feed->opts.pace == FEED_PACE_FAST)
		return 0;
	if (feed->opts.pace == FEED_PACE_CLOCK)
		since = (uint64_t)((double)since / feed->opts.speed);

	uint64_t due = feed->started_wall_ns + since;

	if (due <= myc_clock_ns())
		return 0;
	int err = feed->output->flush(feed->output, error);
	struct timespec until = {.tv_sec = (time_t)(due / 1000000000u),
				 .tv_nsec = (long)(due % 1000000000u)};

	while (!err && !interrupted &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	return err;
}

static struct feed_line *earliest(struct feed *feed)
{
	struct feed_line *found = NULL;

	for (uint32_t i = 0; i < feed->opts.lines; i++) {
		struct feed_line *line = &feed->line[i];

		if (line->waiting.first &&
		    (!found || line->waiting.first->time_ns < found->waiting.first->time_ns))
			found = line;
	}
	return found;
}

/* Sends what no line can get ahead of any more: all up to and with `until_ns`. */
static int drain(struct feed *feed, uint64_t until_ns, struct myc_error *error)
{
	struct feed_line *line;
	int err = 0;

	while (!err && (line = earliest(feed)) && line->waiting.first->time_ns <= until_ns) {
		struct packet *packet = packet_pop(&line->waiting);

		err = pace(feed, packet->time_ns, error);
		if (!err)
			err = feed->output->send(feed->output, packet, error);
		packet_free(&feed->pool, packet);
	}
	return err;
}

/* ---- in: sessions --------------------------------------------------------------------------- */

static int begin_run(struct feed *feed, enum truth_begin begin, uint64_t sequence, uint64_t offset)
{
	char name[24];
	uint32_t run = feed->truth.runs;
	int err;

	wire_session_name(feed->opts.protocol, &feed->identity, name);
	err = truth_begin(&feed->truth, name, begin, sequence);
	for (uint32_t i = 0; !err && i < feed->opts.lines; i++) {
		struct feed_line *line = &feed->line[i];

		err = packetizer_begin(&line->packetizer, &feed->identity, run, sequence, offset,
				       feed->now_ns);
		/* Nothing of the old space overtakes the new one on its own line. */
		if (!err)
			err = impair_flush(&line->impair);
	}
	feed->begun = true;
	return err;
}

static int flush_lines(struct feed *feed)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < feed->opts.lines; i++) {
		err = packetizer_flush(&feed->line[i].packetizer, feed->now_ns);
		if (!err)
			err = impair_flush(&feed->line[i].impair);
	}
	return err;
}

static int send_idle(struct feed *feed, uint64_t send_ns, bool end)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < feed->opts.lines; i++)
		err = packetizer_idle(&feed->line[i].packetizer, feed->now_ns, send_ns, end);
	return err;
}

static int end_session(struct feed *feed)
{
	/* Late packets first: an end of session is the last thing of its session. */
	int err = flush_lines(feed);

	for (uint32_t copy = 0; !err && copy < feed->opts.end_packets; copy++) {
		feed->now_ns += END_EVERY_NS;
		err = send_idle(feed, 0, true);
	}
	return err;
}

/* Session changes and restarts that were asked for at this message. */
static int apply_events(struct feed *feed)
{
	int err = 0;

	while (!err && feed->next_event < feed->opts.events &&
	       feed->opts.event[feed->next_event].at <= feed->messages + 1) {
		enum truth_begin begin = feed->opts.event[feed->next_event++].begin;

		if (begin == TRUTH_SESSION_CHANGE) {
			err = end_session(feed);
			wire_session_next(feed->opts.protocol, &feed->identity);
		}
		if (!err)
			err = begin_run(feed, begin, 1, 0);
	}
	return err;
}

/* Messages that the capture itself lacks: no line has them. */
static int lost_in_source(struct feed *feed, uint64_t next, uint64_t sequence)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < feed->opts.lines; i++)
		err = truth_lost(&feed->truth, i, feed->truth.runs - 1, next, sequence - next);
	return err;
}

/* A captured item says where in which session it is: follows it. */
static int follow_capture(struct feed *feed, const struct item *item)
{
	uint64_t next = feed->begun ? feed->truth.run[feed->truth.runs - 1].next : 0;

	if (!feed->begun ||
	    !wire_same_session(feed->opts.protocol, &feed->identity, item->identity)) {
		enum truth_begin begin = feed->begun ? TRUTH_SESSION_CHANGE : TRUTH_START;

		feed->identity = *item->identity;
		return begin_run(feed, begin, item->sequence, item->offset);
	}
	if (item->sequence < next)
		return begin_run(feed, TRUTH_RESTART, item->sequence, item->offset);
	if (item->sequence == next)
		return 0;
	feed->truth.run[feed->truth.runs - 1].next = item->sequence;
	int err = flush_lines(feed);

	return err ? err : lost_in_source(feed, next, item->sequence);
}

/* ---- in: items ------------------------------------------------------------------------------ */

static int item_to_lines(struct feed *feed, const struct item *item)
{
	int err = 0;

	if (item->kind == ITEM_HEARTBEAT || item->kind == ITEM_END)
		return send_idle(feed, item->send_ns, item->kind == ITEM_END);
	for (uint32_t i = 0; !err && i < feed->opts.lines; i++) {
		struct packetizer *packetizer = &feed->line[i].packetizer;

		err = item->kind == ITEM_MESSAGE ? packetizer_message(packetizer, item)
						 : packetizer_opaque(packetizer, item);
	}
	if (!err) {
		feed->messages++;
		feed->truth.run[feed->truth.runs - 1].next++;
	}
	return err;
}

static int advance_lines(struct feed *feed)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < feed->opts.lines; i++) {
		err = packetizer_advance(&feed->line[i].packetizer, feed->now_ns);
		if (!err)
			err = impair_advance(&feed->line[i].impair, feed->now_ns);
	}
	return err;
}

/* Takes one item through all lines; its time becomes the feed's. */
static int take_item(struct feed *feed, struct item *item, struct myc_error *error)
{
	/* Ends of session have taken some time of their own. */
	if (item->time_ns < feed->now_ns)
		item->time_ns = feed->now_ns;
	feed->now_ns = item->time_ns;

	int err = feed->begun ? advance_lines(feed) : 0;

	if (!err && item->identity)
		err = follow_capture(feed, item);
	else if (!err && !feed->begun)
		err = begin_run(feed, TRUTH_START, 1, 0);
	if (!err && item->kind == ITEM_MESSAGE)
		err = apply_events(feed);
	if (!err)
		err = item_to_lines(feed, item);
	if (err == -EMSGSIZE)
		return myc_error_set(error, -EINVAL, "raise --payload, or choose another source",
				     "message %llu has %u bytes, which fit no packet",
				     (unsigned long long)feed->messages + 1, item->size);
	if (err)
		return myc_error_set(error, err, NULL, "message %llu: %s",
				     (unsigned long long)feed->messages + 1, strerror(-err));
	return drain(feed, feed->now_ns, error);
}

/* Why to stop before this item, or NULL. */
static const char *limit_reached(const struct feed *feed, const struct item *item)
{
	const struct feed_opts *opts = &feed->opts;

	if (interrupted)
		return "interrupted";
	if (opts->packets_max && feed->line[0].impair.counters.packets_made >= opts->packets_max)
		return "--packets";
	if (opts->seconds_max_ns && item->time_ns - feed->first_ns >= opts->seconds_max_ns)
		return "--seconds";
	if (opts->live && opts->wall_ns_max &&
	    myc_clock_ns() - feed->started_wall_ns >= opts->wall_ns_max)
		return "--timeout";
	return NULL;
}

static int finish(struct feed *feed, struct myc_error *error)
{
	int err = feed->begun ? end_session(feed) : 0;

	if (err)
		return myc_error_set(error, err, NULL, "ending the session: %s", strerror(-err));
	err = drain(feed, UINT64_MAX, error);
	return err ? err : feed->output->flush(feed->output, error);
}

int feed_run(struct feed *feed, struct myc_error *error)
{
	struct item item = {0};
	int err;

	feed->started_wall_ns = myc_clock_ns();
	feed->ended_by = "source";
	for (;;) {
		/* Before it is read: what lies behind may be the broken part of a file. */
		if (feed->opts.messages_max && feed->messages == feed->opts.messages_max) {
			feed->ended_by = "--messages";
			err = 0;
			break;
		}
		err = feed->source->next(feed->source, &item, error);
		if (err != 1)
			break;
		if (!feed->begun)
			feed->first_ns = feed->now_ns = item.time_ns;
		if (feed->opts.pace == FEED_PACE_RATE)
			item.time_ns = feed->first_ns +
				       (uint64_t)((double)feed->messages * 1e9 / feed->opts.rate);
		const char *limit = limit_reached(feed, &item);

		if (limit) {
			feed->ended_by = limit;
			err = 0;
			break;
		}
		err = take_item(feed, &item, error);
		if (err)
			break;
	}
	if (!err)
		err = finish(feed, error);
	feed->ended_wall_ns = myc_clock_ns();
	return err;
}

void feed_close(struct feed *feed)
{
	for (uint32_t i = 0; i < feed->opts.lines; i++) {
		struct feed_line *line = &feed->line[i];
		struct packet *packet;

		for (uint32_t late = 0; late < line->impair.late_count; late++)
			packet_free(&feed->pool, line->impair.late[late].packet);
		while ((packet = packet_pop(&line->waiting)))
			packet_free(&feed->pool, packet);
		if (line->packetizer.open)
			packet_free(&feed->pool, line->packetizer.open);
	}
	packet_pool_close(&feed->pool);
	truth_close(&feed->truth);
}
