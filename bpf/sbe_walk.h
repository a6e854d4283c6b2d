/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The filter of SBE feeds: does a message of this packet concern an instrument that is watched?
 * One flat loop over what a packet is made of, so that groups need no loop of their own:
 *
 *	MESSAGE   frame, header, root block           -> GROUP, or MESSAGE at the message's end
 *	GROUP     dimensions                          -> ENTRY, next GROUP, or MESSAGE
 *	ENTRY     the instruments of a few entries    -> ENTRY, next GROUP, or MESSAGE
 *
 * It stops at the first thing that is wanted, or not exactly as the table says (abi/sbe_filter.h).
 */
#ifndef MYC_BPF_SBE_WALK_H
#define MYC_BPF_SBE_WALK_H

#include <mycelium/abi/sbe_filter.h>

#include "sbe.h"
#include "walk.h"

#define SBE_BEYOND 0xffffffffu /* a number that does not lie in the frame */

#define SBE_UNCOUNTED 0x80000000u

enum sbe_at { SBE_MESSAGE, SBE_GROUP, SBE_ENTRY };

/* Small: the stack of all calls together has 512 bytes. */
struct sbe_walk {
	struct steer_host host;
	const struct myc_sbe_filter *table;
	const struct myc_symbol_filter *watched;
	uint32_t at;	  /* offset in the frame of what comes next */
	uint32_t end;	  /* of the payload in the frame */
	uint32_t message; /* end of the present message */
	uint32_t left;	  /* messages not begun yet; from SBE_UNCOUNTED down: nobody said */
	uint32_t result;  /* enum walk_result */
	uint16_t entries; /* of the group, not looked at yet */
	uint16_t stride;
	uint8_t next; /* enum sbe_at */
	uint8_t row;  /* of the present message's template */
	uint8_t group;
	uint8_t named; /* the message named an instrument */
};

static __always_inline const uint8_t *sbe_place(const struct frame *frame, uint32_t at)
{
	return frame->start + bounded(at, WALK_FRAME_MASK);
}

static __always_inline uint32_t sbe_number(const struct frame *frame, uint32_t at,
					   struct myc_sbe_number where, bool big_endian)
{
	const uint8_t *place = sbe_place(frame, at + where.at);

	if (where.width == 2 && place + 2 <= frame->end)
		return big_endian ? BE16(place) : LE16(place);
	if (where.width == 1 && place + 1 <= frame->end)
		return *place;
	return SBE_BEYOND;
}

/* Null, 0 and what lies outside of the frame count as wanted. */
static __always_inline bool sbe_wanted(const struct sbe_walk *walk, const struct frame *frame,
				       uint32_t at, uint8_t width, uint64_t null)
{
	const bool big_endian = walk->table->big_endian;
	const uint8_t *place = sbe_place(frame, at);
	uint64_t value = 0;

	if (width == 4 && place + 4 <= frame->end)
		value = big_endian ? __builtin_bswap32(LE32(place)) : LE32(place);
	else if (width == 8 && place + 8 <= frame->end)
		value = big_endian ? BE64(place) : LE64(place);
	else if (width == 2 && place + 2 <= frame->end)
		value = big_endian ? BE16(place) : LE16(place);
	else if (width == 1 && place + 1 <= frame->end)
		value = *place;
	return value == 0 || value == null || symbol_watched(walk->watched, value);
}

static __always_inline long sbe_stop(struct sbe_walk *walk, enum walk_result result)
{
	walk->result = result;
	return 1;
}

static __always_inline const struct myc_sbe_row *sbe_row(const struct sbe_walk *walk)
{
	return &walk->table->row[bounded(walk->row, MYC_SBE_ROWS - 1)];
}

static __always_inline long sbe_message_end(struct sbe_walk *walk, uint32_t at)
{
	if (!walk->named)
		return sbe_stop(walk, WALK_WANTED);
	if (walk->table->prefix) {
		if (sbe_row(walk)->exact && at != walk->message)
			return sbe_stop(walk, WALK_WANTED);
		at = walk->message;
	}
	walk->at = at;
	walk->next = SBE_MESSAGE;
	return 0;
}

/* The group is through, or there was none. */
static __always_inline long sbe_group_end(struct sbe_walk *walk, uint32_t at)
{
	const uint8_t group = (uint8_t)(walk->group + 1);

	/* A publisher of an older version has fewer groups. */
	if (group >= sbe_row(walk)->groups || (walk->table->prefix && at == walk->message))
		return sbe_message_end(walk, at);
	walk->group = group;
	walk->at = at;
	walk->next = SBE_GROUP;
	return 0;
}

/* Where the message ends, by what is in front of it; SBE_BEYOND: it does not add up. */
static __always_inline uint32_t sbe_framed(const struct sbe_walk *walk, const struct frame *frame,
					   uint32_t at)
{
	const struct myc_sbe_filter *table = walk->table;
	const struct myc_sbe_number first = {0, 2}, second = {2, 2};
	uint32_t length;

	if (!table->prefix)
		return walk->end;
	length = sbe_number(frame, at, first, table->big_endian);
	if (length == SBE_BEYOND || length > walk->end - at ||
	    length + table->prefix_more > walk->end - at)
		return SBE_BEYOND;
	if (table->encoding && sbe_number(frame, at, second, table->big_endian) != table->encoding)
		return SBE_BEYOND;
	return at + length + table->prefix_more;
}

static __always_inline uint32_t sbe_row_find(const struct myc_sbe_filter *table, uint32_t id)
{
	for (uint32_t probe = 0; probe < MYC_SBE_ROW_PROBES; probe++) {
		const uint32_t at = (uint32_t)bounded(id + probe, MYC_SBE_ROWS - 1);
		const struct myc_sbe_row *row = &table->row[at];

		if (!row->used)
			return SBE_BEYOND;
		if (row->template_id == id)
			return at;
	}
	return SBE_BEYOND;
}

/* The root block of the message that walk->row is about: at `body`, `block` bytes. */
static __always_inline long sbe_root(struct sbe_walk *walk, const struct frame *frame,
				     uint32_t body, uint32_t block)
{
	const struct myc_sbe_row *row = sbe_row(walk);
	const struct myc_sbe_number keep = {0, 1};

	if (row->keep_bits &&
	    (row->keep_offset >= block ||
	     sbe_number(frame, body + row->keep_offset, keep, false) & row->keep_bits))
		return sbe_stop(walk, WALK_WANTED);
	walk->named = row->width;
	if (row->width && (row->offset + row->width > block ||
			   sbe_wanted(walk, frame, body + row->offset, row->width, row->null)))
		return sbe_stop(walk, WALK_WANTED);
	walk->group = 0xff; /* before the first */
	return sbe_group_end(walk, body + block);
}

static __always_inline long sbe_message(struct sbe_walk *walk, const struct frame *frame)
{
	const struct myc_sbe_filter *table = walk->table;
	const uint32_t at = walk->at, end = walk->end;
	uint32_t head, block, id, schema, row;

	if (at == end || !walk->left)
		return sbe_stop(walk, at == end && (!walk->left || walk->left > UINT16_MAX)
					      ? WALK_DROPPABLE
					      : WALK_MALFORMED);
	walk->left--;
	walk->message = sbe_framed(walk, frame, at);
	head = at + table->prefix;
	block = sbe_number(frame, head, table->block, table->big_endian);
	id = sbe_number(frame, head, table->template_id, table->big_endian);
	schema = sbe_number(frame, head, table->schema, table->big_endian);
	if (walk->message == SBE_BEYOND || head + table->header > walk->message ||
	    block == SBE_BEYOND || block > walk->message - head - table->header)
		return sbe_stop(walk, WALK_MALFORMED);
	row = sbe_row_find(table, id);
	if (schema != table->schema_id || row == SBE_BEYOND)
		return sbe_stop(walk, WALK_WANTED);
	walk->row = (uint8_t)row;
	if ((table->groups.width &&
	     sbe_number(frame, head, table->groups, table->big_endian) != sbe_row(walk)->groups) ||
	    (table->data.width && sbe_number(frame, head, table->data, table->big_endian)))
		return sbe_stop(walk, WALK_WANTED);
	return sbe_root(walk, frame, head + table->header, block);
}

static __always_inline const struct myc_sbe_group_row *sbe_group_row(const struct sbe_walk *walk)
{
	return &sbe_row(walk)->group[bounded(walk->group, MYC_SBE_GROUPS_MAX - 1)];
}

static __always_inline long sbe_group(struct sbe_walk *walk, const struct frame *frame)
{
	const struct myc_sbe_group_row *row = sbe_group_row(walk);
	const bool big_endian = walk->table->big_endian;
	const uint32_t at = walk->at, body = at + row->dimension;
	const uint32_t length = sbe_number(frame, at, row->length, big_endian);
	const uint32_t count = sbe_number(frame, at, row->count, big_endian);

	if (body > walk->message || length == SBE_BEYOND || count == SBE_BEYOND ||
	    (uint64_t)length * count > walk->message - body)
		return sbe_stop(walk, WALK_MALFORMED);
	if ((row->groups.width && sbe_number(frame, at, row->groups, big_endian)) ||
	    (row->data.width && sbe_number(frame, at, row->data, big_endian)))
		return sbe_stop(walk, WALK_WANTED);
	if (!row->width || !count)
		return sbe_group_end(walk, body + length * count);
	if (row->offset + row->width > length)
		return sbe_stop(walk, WALK_WANTED);
	walk->named = 1;
	walk->at = body;
	walk->entries = (uint16_t)count;
	walk->stride = (uint16_t)length;
	walk->next = SBE_ENTRY;
	return 0;
}

static __always_inline long sbe_entries(struct sbe_walk *walk, const struct frame *frame)
{
	const struct myc_sbe_group_row *row = sbe_group_row(walk);
	const uint8_t width = row->width;
	const uint32_t offset = row->offset, stride = walk->stride;
	const uint64_t null = row->null;
	uint32_t at = walk->at, left = walk->entries;

	for (int i = 0; i < MYC_SBE_STEP; i++) {
		if (sbe_wanted(walk, frame, at + offset, width, null))
			return sbe_stop(walk, WALK_WANTED);
		at += stride;
		left--;
		if (left == 0)
			return sbe_group_end(walk, at);
	}
	walk->at = at;
	walk->entries = (uint16_t)left;
	return 0;
}

static long sbe_step(uint32_t index, void *context)
{
	struct sbe_walk *walk = context;
	const struct frame frame = host_frame(&walk->host);

	(void)index;
	if (walk->next == SBE_ENTRY)
		return sbe_entries(walk, &frame);
	if (walk->next == SBE_GROUP)
		return sbe_group(walk, &frame);
	return sbe_message(walk, &frame);
}

/* What filter_packet asks of an SBE channel. */
struct sbe_job {
	uint32_t channel;
	uint32_t at;	/* offset in the frame of the first message's prefix */
	uint32_t end;	/* of the payload in the frame */
	uint32_t count; /* MEMX: messages; 0 = the packet does not say */
	/* 0, by way of memory that the verifier knows nothing of: kernels before 6.7 look at a loop's
	 * body with the values of its first turn only, and would take the other states for dead. */
	uint32_t nothing;
};

/* Read anew each time: copies of one value would stay linked to each other in the verifier. */
static __always_inline uint32_t nothing(const struct sbe_job *job)
{
	return half_load(&job->nothing);
}

/* enum walk_result. A global function in the kernel, as filter_packet is. */
HOST_GLOBAL int sbe_packet(host_handle_t handle, struct sbe_job *job)
{
	struct sbe_walk walk = {.host = host_of(handle)};

	if (!job)
		return WALK_WANTED;
	walk.table = host_sbe(&walk.host, job->channel);
	walk.watched = host_symbols(&walk.host, job->channel);
	if (!walk.table || !walk.watched)
		return WALK_WANTED;
	walk.at = job->at;
	walk.end = job->end;
	walk.left = job->count ? job->count : SBE_UNCOUNTED;
	walk.message = nothing(job);
	walk.next = (uint8_t)nothing(job);
	walk.row = (uint8_t)nothing(job);
	walk.group = (uint8_t)nothing(job);
	walk.entries = (uint16_t)nothing(job);
	walk.stride = (uint16_t)nothing(job);
	walk.named = (uint8_t)nothing(job);
	walk.result = WALK_CAPPED;
	host_loop(MYC_SBE_STEPS_MAX, sbe_step, &walk);
	return (int)walk.result;
}

#endif
