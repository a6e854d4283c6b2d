/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/impair.h"

#include <errno.h>

void impair_init(struct impair *impair, const struct impair_opts *opts, struct packet_queue *pool,
		 struct truth *truth, struct packet_sink sink)
{
	uint64_t line = opts->line;

	*impair = (struct impair){
		.opts = *opts,
		.pool = pool,
		.truth = truth,
		.sink = sink,
		.loss = chance_seeded(opts->seed, 200 + line),
		.duplicate = chance_seeded(opts->seed, 300 + line),
		.reorder = chance_seeded(opts->seed, 400 + line),
	};
}

static int pass(struct impair *impair, struct packet *packet, uint64_t now_ns)
{
	struct impair_counters *counters = &impair->counters;

	/* Packets that were late leave at the time of what pushed them out: never back in time. */
	if (now_ns < impair->last_ns)
		now_ns = impair->last_ns;
	impair->last_ns = now_ns;
	packet->time_ns = now_ns + impair->opts.skew_ns;
	counters->packets_passed++;
	counters->messages_passed += packet->count;
	counters->heartbeats_passed += packet->kind == PACKET_HEARTBEAT;
	counters->ends_passed += packet->kind == PACKET_END;
	truth_sent(impair->truth, packet->run, packet->sequence + packet->count);
	return impair->sink.take(impair->sink.context, packet);
}

/* Lets go of late packets, in the order they came, that `due` by index or time. */
static int release(struct impair *impair, uint64_t index, uint64_t now_ns)
{
	uint32_t kept = 0;
	int err = 0;

	for (uint32_t i = 0; i < impair->late_count; i++) {
		struct impair_late late = impair->late[i];

		if (err || (late.due_packet > index && late.due_ns > now_ns)) {
			impair->late[kept++] = late;
			continue;
		}
		err = pass(impair, late.packet, late.due_ns < now_ns ? late.due_ns : now_ns);
	}
	impair->late_count = kept;
	return err;
}

int impair_advance(struct impair *impair, uint64_t now_ns)
{
	/* By time only: no packet has come. */
	return impair->late_count ? release(impair, impair->index ? impair->index - 1 : 0, now_ns)
				  : 0;
}

int impair_flush(struct impair *impair)
{
	return release(impair, UINT64_MAX, impair->last_ns);
}

/* Keeps a packet back so that 1 to reorder_window of the next packets overtake it. */
static void delay(struct impair *impair, struct packet *packet, uint64_t index)
{
	uint64_t behind = 1 + chance_next(&impair->reorder) % impair->opts.reorder_window;

	impair->late[impair->late_count++] = (struct impair_late){
		.packet = packet,
		.due_packet = index + behind,
		.due_ns = packet->time_ns + impair->opts.reorder_ns,
	};
}

static int drop(struct impair *impair, struct packet *packet)
{
	struct impair_counters *counters = &impair->counters;
	int err = truth_lost(impair->truth, packet->line, packet->run, packet->sequence,
			     packet->count);

	counters->packets_dropped++;
	counters->messages_dropped += packet->count;
	counters->heartbeats_dropped += packet->kind == PACKET_HEARTBEAT;
	packet_free(impair->pool, packet);
	return err;
}

int impair_take(void *context, struct packet *packet)
{
	struct impair *impair = context;
	const struct impair_opts *opts = &impair->opts;
	struct impair_counters *counters = &impair->counters;
	bool lost = chance_hits(&impair->loss, opts->loss) && packet->kind != PACKET_END;
	bool twice = chance_hits(&impair->duplicate, opts->duplicate);
	bool late = chance_hits(&impair->reorder, opts->reorder);
	uint64_t index = impair->index++;
	uint64_t now_ns = packet->time_ns;
	int err = 0;

	counters->packets_made++;
	counters->messages_made += packet->count;
	if (lost) {
		err = drop(impair, packet);
		return err ? err : release(impair, index, now_ns);
	}
	if (twice) {
		struct packet *copy = packet_copy(impair->pool, packet);

		if (!copy)
			return -ENOMEM;
		counters->packets_duplicated++;
		counters->messages_duplicated += packet->count;
		delay(impair, copy, index);
	}
	if (late) {
		counters->packets_reordered++;
		delay(impair, packet, index);
		return release(impair, index, now_ns);
	}
	err = pass(impair, packet, now_ns);
	return err ? err : release(impair, index, now_ns);
}
