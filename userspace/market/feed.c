/* SPDX-License-Identifier: Apache-2.0 */
/* The glue between an endpoint, the arbiters of its channels, and an actor. */
#include "market/feed.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "market/arbiter.h"

#define LEASE_INTERVAL_NS 1000000ull

struct myc_feed {
	struct myc_source source;
	struct myc_actor *actor;
	struct myc_endpoint *endpoint;
	struct myc_process_page *page;
	uint64_t lease_interval_ns, lease_ns;

	/* The batch: packet[at..count) are still to be judged; paused: packet[at] is in the middle. */
	struct myc_packet packet[MYC_BATCH_MAX];
	unsigned count, at;
	bool open, paused, drained;
	bool released;	 /* a held frame waits for done */
	uint64_t events; /* since the last BATCH_END */
	uint16_t last;	 /* channel of the last event */

	uint32_t channels;
	struct myc_arbiter *arbiter[MYC_PROCESS_CHANNELS_MAX];
	struct myc_feed_block *block[MYC_PROCESS_CHANNELS_MAX];
	struct myc_arbiter *by_channel[MYC_CHANNELS_MAX];
};

static struct myc_feed *feed_of(struct myc_source *source)
{
	return (struct myc_feed *)((char *)source - offsetof(struct myc_feed, source));
}

/* ---- what the arbiters call -------------------------------------------------------------------- */

static bool sink_ready(void *context)
{
	const struct myc_feed *feed = context;

	return myc_actor_ready(feed->actor);
}

static int sink_event(void *context, const struct myc_feed_event *event)
{
	struct myc_feed *feed = context;

	feed->events++;
	feed->last = event->channel;
	int failed = myc_actor_feed(feed->actor, event);
	/* State built from the other channels is gone too. */
	for (uint32_t i = 0; failed && event->kind != MYC_FEED_RESUMED && i < feed->channels; i++)
		myc_arbiter_actor_restarted(feed->arbiter[i]);
	return failed;
}

static int sink_hold(void *context, struct myc_packet *packet)
{
	struct myc_feed *feed = context;

	return myc_endpoint_hold(feed->endpoint, packet);
}

static void sink_release(void *context, uint16_t hand)
{
	struct myc_feed *feed = context;

	feed->released = true;
	myc_endpoint_release(feed->endpoint, hand);
}

static uint64_t sink_clock(void *context)
{
	(void)context;
	return myc_clock_ns();
}

/* ---- one turn ---------------------------------------------------------------------------------- */

static void renew_lease(struct myc_feed *feed, uint64_t now)
{
	if (!feed->page || now - feed->lease_ns < feed->lease_interval_ns)
		return;
	feed->lease_ns = now;
	__atomic_store_n(&feed->page->lease_ns, now, __ATOMIC_RELEASE);
}

static void take(struct myc_feed *feed, unsigned budget)
{
	unsigned max = budget < MYC_BATCH_MAX ? budget : MYC_BATCH_MAX;

	for (uint32_t i = 0; i < feed->channels; i++)
		myc_arbiter_look(feed->arbiter[i]);
	feed->count = myc_endpoint_take(feed->endpoint, feed->packet, max);
	feed->drained = feed->count < max;
	feed->open = feed->count > 0;
	feed->at = 0;
}

static bool judge(struct myc_feed *feed, const struct myc_packet *packet, uint64_t now)
{
	struct myc_arbiter *arbiter = NULL;

	if (packet->meta->version == MYC_META_VERSION && packet->meta->channel < MYC_CHANNELS_MAX)
		arbiter = feed->by_channel[packet->meta->channel];
	if (arbiter)
		return myc_arbiter_packet(arbiter, packet, now);
	feed->block[0]->metrics.packets++;
	feed->block[0]->metrics.packets_malformed++;
	return true;
}

/* The open batch, from where it stopped. False: back-pressure again. */
static bool work(struct myc_feed *feed, uint64_t now)
{
	if (feed->paused) {
		struct myc_arbiter *arbiter =
			feed->by_channel[feed->packet[feed->at].meta->channel];
		if (!myc_arbiter_resume(arbiter, now))
			return false;
		feed->paused = false;
		feed->at++;
	}
	for (; feed->at < feed->count; feed->at++) {
		if (!judge(feed, &feed->packet[feed->at], now)) {
			feed->paused = true;
			return false;
		}
	}
	return true;
}

/* The batch is through (or there was none): what is due without packets, frames home, watermarks. */
static void finish(struct myc_feed *feed, uint64_t now)
{
	bool settled = true;

	for (uint32_t i = 0; i < feed->channels; i++)
		settled &= myc_arbiter_settle(feed->arbiter[i], now, feed->drained);
	if (feed->open || feed->released)
		myc_endpoint_done(feed->endpoint);
	feed->open = feed->released = false;
	for (uint32_t i = 0; i < feed->channels; i++)
		myc_arbiter_flush(feed->arbiter[i]);
	if (feed->events && settled && myc_actor_ready(feed->actor)) {
		struct myc_feed_event event = {
			.kind = MYC_FEED_BATCH_END,
			.channel = feed->last,
			.receive_ns = now,
		};
		(void)sink_event(feed, &event);
		feed->events = 0;
	}
}

static unsigned feed_poll(struct myc_source *source, unsigned budget)
{
	struct myc_feed *feed = feed_of(source);
	uint64_t now = myc_clock_ns();
	unsigned before;

	renew_lease(feed, now);
	if (!feed->open)
		take(feed, budget);
	before = feed->at;
	if (feed->open && !work(feed, now))
		return feed->at - before;
	unsigned done = feed->open ? feed->at - before : 0;
	finish(feed, now);
	return done;
}

static bool feed_ready(struct myc_source *source)
{
	struct myc_feed *feed = feed_of(source);

	return feed->open ? myc_actor_ready(feed->actor) : myc_endpoint_ready(feed->endpoint);
}

static uint64_t feed_deadline_ns(struct myc_source *source)
{
	struct myc_feed *feed = feed_of(source);
	uint64_t deadline = feed->page ? feed->lease_ns + feed->lease_interval_ns : UINT64_MAX;

	/* An actor that is not ready wakes its executor by what makes it ready. */
	if (!myc_actor_ready(feed->actor))
		return deadline;
	for (uint32_t i = 0; i < feed->channels; i++) {
		uint64_t due = myc_arbiter_deadline_ns(feed->arbiter[i]);
		deadline = due < deadline ? due : deadline;
	}
	return deadline;
}

static unsigned feed_descriptors(struct myc_source *source, int *fds, unsigned max)
{
	return myc_endpoint_descriptors(feed_of(source)->endpoint, fds, max);
}

/* ---- life -------------------------------------------------------------------------------------- */

int myc_feed_plan(struct myc_region_plan *plan, uint16_t channel)
{
	return myc_region_plan_add(plan, MYC_BLOCK_FEED, channel, sizeof(struct myc_feed_block));
}

static int open_channel(struct myc_feed *feed, const struct myc_feed_opts *opts,
			const struct myc_feed_channel_opts *channel, struct myc_error *error)
{
	struct myc_arbiter_opts arbiter = {
		.sz = sizeof(arbiter),
		.sink = {feed, sink_ready, sink_event, sink_hold, sink_release, sink_clock},
		.lines = channel->lines,
		.reorder_packets = channel->reorder_packets,
		.gap_timeout_ns = channel->gap_timeout_ns,
		.symbols = channel->symbols,
		.symbols_count = channel->symbols_count,
		.report_filtered = opts->report_filtered,
		.from_start = channel->from_start,
	};
	uint64_t size = 0;
	uint32_t at = feed->channels;
	int code;

	if (channel->channel >= MYC_CHANNELS_MAX || feed->by_channel[channel->channel])
		return myc_error_set(error, -EINVAL, "name each channel once, below 256",
				     "channel %u", channel->channel);
	arbiter.block = myc_region_block(opts->region, MYC_BLOCK_FEED, channel->channel, &size);
	if (!arbiter.block || size < sizeof(*arbiter.block))
		return myc_error_set(error, -ENOENT, "plan it with myc_feed_plan()",
				     "the region has no feed block of channel %u",
				     channel->channel);
	code = myc_endpoint_view(feed->endpoint, channel->channel, &arbiter.view);
	if (code)
		return myc_error_set(error, code, "steer the channel to this endpoint",
				     "the endpoint does not know channel %u", channel->channel);
	code = myc_arbiter_open(&feed->arbiter[at], &arbiter);
	if (code)
		return myc_error_set(error, code, "1 to 4 lines, at most 1024 symbols",
				     "channel %u: %u lines, %u symbols", channel->channel,
				     channel->lines, channel->symbols_count);
	feed->block[at] = arbiter.block;
	feed->by_channel[channel->channel] = feed->arbiter[at];
	feed->channels++;
	return 0;
}

int myc_feed_open(struct myc_feed **feed, const struct myc_feed_opts *opts, struct myc_error *error)
{
	struct myc_feed *f;
	int code;

	if (!opts->channels || opts->channels > MYC_PROCESS_CHANNELS_MAX)
		return myc_error_set(error, -EINVAL, "1 to 32 channels", "%u channels",
				     opts->channels);
	f = calloc(1, sizeof(*f));
	if (!f)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for a feed");
	f->source = (struct myc_source){.poll = feed_poll,
					.ready = feed_ready,
					.deadline_ns = feed_deadline_ns,
					.descriptors = feed_descriptors};
	f->actor = opts->actor;
	f->endpoint = opts->endpoint;
	f->page = opts->page;
	f->lease_interval_ns =
		opts->lease_interval_ns ? opts->lease_interval_ns : LEASE_INTERVAL_NS;
	for (uint32_t i = 0; i < opts->channels; i++) {
		code = open_channel(f, opts, &opts->channel[i], error);
		if (code) {
			myc_error_doing(error, "opening channel %u of %u of a feed", i + 1,
					opts->channels);
			myc_feed_close(f);
			return code;
		}
	}
	*feed = f;
	return 0;
}

struct myc_source *myc_feed_source(struct myc_feed *feed)
{
	return &feed->source;
}

/* Held packets stay in the endpoint's hand: they come again to whoever joins it next. */
void myc_feed_close(struct myc_feed *feed)
{
	if (!feed)
		return;
	for (uint32_t i = 0; i < feed->channels; i++)
		myc_arbiter_close(feed->arbiter[i]);
	free(feed);
}
