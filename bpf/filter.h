/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May this packet go? Only when every message of it is droppable (walk.h, sbe_walk.h) and its numbers are in
 * the channel's filtered window, so that the receiver knows what it did not get.
 */
#ifndef MYC_BPF_FILTER_H
#define MYC_BPF_FILTER_H

#include "sbe_walk.h"
#include "walk.h"

/* What the filter is asked, and what it has to say besides. */
struct filter_job {
	uint64_t epoch;
	uint64_t sequence;
	uint32_t channel;
	uint32_t count;
	uint32_t at;		  /* offset in the frame of the first message's length */
	uint32_t end;		  /* of the payload in the frame */
	uint32_t flags;		  /* out: enum myc_meta_flag */
	uint32_t window_conflict; /* out: droppable, but could not be recorded */
};

/* Puts [sequence, sequence + count) into the filtered window. False: another CPU was there, or a
 * word is already used for newer messages; the packet must be delivered. */
static __always_inline bool window_record(struct myc_filtered_window *record, uint64_t epoch,
					  uint64_t sequence, uint32_t count)
{
	for (int i = 0; i < MYC_WALK_MAX / 32 + 1; i++) {
		const uint32_t first = (uint32_t)sequence & 31;
		const uint32_t here = count < 32 - first ? count : 32 - first;
		const uint32_t bits = (uint32_t)(((1ull << here) - 1) << first);
		uint64_t *word = &record->word[bounded(sequence / 32, MYC_WINDOW_WORDS - 1)];
		const uint64_t base = myc_window_word(epoch, sequence, 0);
		const uint64_t seen = word_load(word);
		const uint64_t other = seen ^ base;
		/* Tags are 24 bits that wrap: serial comparison. */
		const int32_t newer =
			(int32_t)(((uint32_t)(seen >> 32) - (uint32_t)(base >> 32)) << 8);
		uint64_t recorded = base | bits;

		if (other >> 32 == 0)
			recorded = seen | bits;
		else if (other >> 56 == 0 && newer > 0)
			return false;
		if (recorded != seen && word_exchange(word, seen, recorded) != seen)
			return false;
		count -= here;
		sequence += here;
		if (count == 0)
			return true;
	}
	return false;
}

/* Without this there is no use in asking. */
static __always_inline bool config_filters(const struct myc_channel_config *config)
{
	return config->filter != MYC_FILTER_NONE || config->type_drop[1] != 0;
}

static __always_inline enum walk_result filter_walk(const struct myc_channel_config *config,
						    host_handle_t handle,
						    const struct filter_job *job)
{
	struct walk walk = {.host = host_of(handle)};

	if (config->filter == MYC_FILTER_SBE) {
		struct sbe_job ask = {
			.channel = job->channel,
			.at = job->at,
			.end = job->end,
			.count = config->protocol == MYC_PROTOCOL_MEMX ? job->count : 0,
		};

		if (job->count > MYC_WALK_MAX || job->end > WALK_FRAME_MASK)
			return WALK_CAPPED;
		return (enum walk_result)sbe_packet(handle, &ask);
	}
	if (!walk_begin(&walk, config, job->channel, job->epoch))
		return WALK_WANTED;
	if (job->count > MYC_WALK_MAX || job->end > WALK_FRAME_MASK)
		return WALK_CAPPED;
	walk.at = job->at;
	walk.end = job->end;
	return walk_packet(&walk, config->protocol, job->count);
}

/*
 * 1 = recorded, drop it. A global function in the kernel: the verifier looks at it once, not once
 * for each way that leads to it.
 */
HOST_GLOBAL int filter_packet(host_handle_t handle, struct filter_job *job)
{
	const struct steer_host host = host_of(handle);
	const struct myc_channel_config *config;
	struct myc_filtered_window *record;

	if (!job)
		return 0;
	config = host_channel(&host, job->channel);
	if (!config)
		return 0;
	switch (filter_walk(config, handle, job)) {
	case WALK_CAPPED:
		job->flags = MYC_META_CAPPED;
		return 0;
	case WALK_MALFORMED:
		job->flags = MYC_META_MALFORMED;
		return 0;
	case WALK_DROPPABLE:
		break;
	default:
		return 0;
	}
	record = host_window(&host, job->channel);
	if (record && window_record(record, job->epoch, job->sequence, job->count))
		return 1;
	job->window_conflict = 1;
	return 0;
}

#endif
