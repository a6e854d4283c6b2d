/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an owner's weights are. Every word is read with the eyes of a successor: what is half done
 * counts as what recovery would make of it, so that the sums hold between any two stores.
 */
#include "memory/pool.h"

static const struct myc_loan *loans_of(const struct myc_pools *block,
				       const struct myc_pool_shape *shape)
{
	return (const void *)((const char *)block + shape->loan);
}

static const struct myc_return_cursor *cursors_of(const struct myc_pools *block,
						  const struct myc_pool_shape *shape)
{
	return (const void *)((const char *)block + shape->cursors);
}

int myc_census_begin(struct myc_census *census, const struct myc_pools *block, uint64_t size,
		     uint64_t owner, uint64_t *found, uint32_t found_size)
{
	if (size < sizeof(*block) || myc_pool_shape(block, size, &census->shape))
		return -EPROTO;
	if (found_size < census->shape.buffers)
		return -ENOSPC;
	census->block = block;
	census->owner = owner;
	census->found = found;
	census->strange = 0;
	memset(found, 0, census->shape.buffers * sizeof(*found));
	return 0;
}

static void add(struct myc_census *census, uint32_t name, uint32_t generation, uint32_t weight)
{
	const struct myc_pool_shape *shape = &census->shape;
	uint32_t c = myc_buffer_class(name), index = myc_buffer_index(name);
	const struct myc_buffer *buffer =
		(const void *)((const char *)census->block + shape->headers);

	if (!weight)
		return;
	if (c >= shape->classes || index >= shape->size_class[c].count) {
		census->strange += weight;
		return;
	}
	uint32_t header = shape->size_class[c].first + index;

	if (buffer[header].generation == generation)
		census->found[header] += weight;
	else
		census->strange += weight;
}

void myc_census_message(struct myc_census *census, const struct myc_reference *reference)
{
	if (myc_lane_end(reference->process, reference->source) == census->owner)
		add(census, reference->buffer, reference->generation, reference->weight);
}

/* What the owner has read of a ring of this holder. */
static uint64_t returns_read(const struct myc_census *census, uint64_t holder)
{
	const struct myc_return_cursor *cursor = cursors_of(census->block, &census->shape);
	const struct myc_pool_redo *redo = &census->block->redo;

	for (uint32_t i = 0; i < census->shape.peers; i++) {
		if (cursor[i].source != holder)
			continue;
		bool half = redo->commit >> 48 == i &&
			    cursor[i].next + 1 == (redo->commit & 0xffffffffffffull);

		return cursor[i].next + half;
	}
	return 0;
}

static bool was_published(const struct myc_census *census, uint64_t holder, uint64_t ticket)
{
	return census->published && census->published(census->context, holder, ticket);
}

static uint32_t loan_weight(const struct myc_census *census, const struct myc_pools *block,
			    const struct myc_pool_shape *shape, uint64_t holder, uint32_t index)
{
	const struct myc_loan *loan = &loans_of(block, shape)[index];
	const struct myc_pool_intent *intent = &block->intent;
	uint32_t what = intent->what;

	if (!loan->state)
		return 0;
	if ((what == MYC_POOL_HOME || what == MYC_POOL_MERGE) && intent->other == index)
		return 0;
	if (what == MYC_POOL_MERGE && intent->target == index)
		return intent->after;
	if (what == MYC_POOL_LEND_LOAN && intent->target == index)
		return was_published(census, holder, intent->ticket) ? intent->after
								     : intent->before;
	if (myc_loan_kind(loan->state) == MYC_LOAN_RETURNING) {
		uint64_t number = myc_loan_number(loan->state);
		uint32_t ring = myc_loan_ring(loan->state);
		const struct myc_return *slot = (const void *)((const char *)block + shape->rings);

		if (ring < shape->peers && number &&
		    slot[(uint64_t)ring * shape->slots + ((number - 1) & (shape->slots - 1))]
				    .sequence >= number)
			return 0;
	}
	return loan->weight;
}

int myc_census_holder(struct myc_census *census, const struct myc_pools *block, uint64_t size,
		      uint64_t holder)
{
	struct myc_pool_shape shape;

	if (size < sizeof(*block) || myc_pool_shape(block, size, &shape))
		return -EPROTO;
	const struct myc_loan *loan = loans_of(block, &shape);
	const uint64_t *word = (const void *)((const char *)block + shape.directory);
	const struct myc_return *slot = (const void *)((const char *)block + shape.rings);
	uint64_t read = returns_read(census, holder);

	for (uint32_t i = 0; i < shape.loans; i++)
		if (loan[i].owner == census->owner)
			add(census, loan[i].buffer, loan[i].generation,
			    loan_weight(census, block, &shape, holder, i));
	for (uint32_t r = 0; r < shape.peers; r++)
		for (uint32_t i = 0; word[r] == census->owner && i < shape.slots; i++) {
			const struct myc_return *entry = &slot[(uint64_t)r * shape.slots + i];

			if (entry->sequence > read)
				add(census, entry->buffer, entry->generation, entry->weight);
		}
	return 0;
}

bool myc_census_credited(const struct myc_pools *block, uint64_t size, uint64_t origin)
{
	struct myc_pool_shape shape;

	if (size < sizeof(*block) || myc_pool_shape(block, size, &shape))
		return false;
	const struct myc_loan *loan = loans_of(block, &shape);

	for (uint32_t i = 0; i < shape.loans; i++)
		if (loan[i].state && loan[i].origin == origin)
			return true;
	return false;
}

/* What of this buffer is out, once what is half done is done. */
static uint32_t weight_out(const struct myc_census *census, uint32_t header)
{
	const struct myc_pools *block = census->block;
	const struct myc_buffer *buffer =
		(const void *)((const char *)block + census->shape.headers);
	const struct myc_pool_intent *intent = &block->intent;
	const struct myc_pool_redo *redo = &block->redo;
	uint32_t ring = (uint32_t)(redo->commit >> 48);

	if (redo->commit && ring < census->shape.peers && redo->change >> 32 == header &&
	    cursors_of(block, &census->shape)[ring].next + 1 == (redo->commit & 0xffffffffffffull))
		return (uint32_t)redo->change;
	if (intent->target == header && intent->what == MYC_POOL_HOME)
		return intent->after;
	if (intent->target == header && intent->what == MYC_POOL_LEND_OWN)
		return was_published(census, census->owner, intent->ticket) ? intent->after
									    : intent->before;
	return buffer[header].out;
}

int myc_census_end(struct myc_census *census, struct myc_pool_sums *sums)
{
	int code = census->strange ? -EUCLEAN : 0;

	*sums = (struct myc_pool_sums){.buffers = census->shape.buffers,
				       .total = (uint64_t)census->shape.buffers * MYC_WEIGHT_FULL,
				       .wrong = MYC_POOL_NONE};
	for (uint32_t i = 0; i < census->shape.buffers; i++) {
		uint32_t out = weight_out(census, i);

		sums->out += out;
		sums->found += census->found[i];
		sums->buffers_out += out != 0;
		if (census->found[i] == out && out <= MYC_WEIGHT_FULL)
			continue;
		if (sums->wrong == MYC_POOL_NONE)
			sums->wrong = i;
		code = -EUCLEAN;
	}
	sums->found += census->strange;
	sums->home = sums->total - sums->out;
	return code;
}
