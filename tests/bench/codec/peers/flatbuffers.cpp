/* SPDX-License-Identifier: Apache-2.0 */
/* FlatBuffers: strings for the texts, a vector of structs for the entries; one builder, used again. */
#include "codec_generated.h"
#include "../measure.h"

static flatbuffers::FlatBufferBuilder builder(ROOM);

static inline size_t finished(uint8_t *to)
{
	memcpy(to, builder.GetBufferPointer(), builder.GetSize());
	return builder.GetSize();
}

static inline size_t order_encode(const struct order *o, uint8_t *to)
{
	builder.Clear();
	auto id = builder.CreateString(o->cl_ord_id, 16), account = builder.CreateString(o->account, 16),
	     symbol = builder.CreateString(o->symbol, 8);
	builder.Finish(fb::CreateOrder(builder, id, account, symbol, o->transact_time, o->order_id, o->price,
				       o->stop_px, o->order_qty, o->min_qty, o->party_id, o->strategy_id,
				       o->security_id, o->flags, (uint8_t)o->side, (uint8_t)o->ord_type));
	return finished(to);
}

static inline const fb::Order *order_verified(const uint8_t *from, size_t size)
{
	flatbuffers::Verifier verifier(from, size);

	if (!verifier.VerifyBuffer<fb::Order>(nullptr))
		return nullptr;
	const fb::Order *v = flatbuffers::GetRoot<fb::Order>(from);
	if (!v->cl_ord_id() || v->cl_ord_id()->size() != 16 || !v->account() || v->account()->size() != 16 ||
	    !v->symbol() || v->symbol()->size() != 8)
		return nullptr;
	return v;
}

READ int order_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	const fb::Order *v = order_verified(from, size);

	if (!v)
		return 1;
	add_text(sum, v->cl_ord_id()->data(), 16);
	add_text(sum, v->account()->data(), 16);
	add_text(sum, v->symbol()->data(), 8);
	add(sum, v->transact_time());
	add(sum, v->order_id());
	add(sum, (uint64_t)v->price());
	add(sum, (uint64_t)v->stop_px());
	add(sum, v->order_qty());
	add(sum, v->min_qty());
	add(sum, v->party_id());
	add(sum, v->strategy_id());
	add(sum, v->security_id());
	add(sum, v->flags());
	add(sum, v->side());
	add(sum, v->ord_type());
	return 0;
}

static inline void order_checked(size_t i)
{
	MUST(order_verified(order_wire[i], order_size[i]));
}

static inline int64_t order_one(size_t i)
{
	return flatbuffers::GetRoot<fb::Order>(HELD(order_wire[i]))->price();
}

static inline int order_take(struct order *o, const uint8_t *from, size_t size)
{
	const fb::Order *v = order_verified(from, size);

	if (!v)
		return 1;
	memcpy(o->cl_ord_id, v->cl_ord_id()->data(), 16);
	memcpy(o->account, v->account()->data(), 16);
	memcpy(o->symbol, v->symbol()->data(), 8);
	o->transact_time = v->transact_time();
	o->order_id = v->order_id();
	o->price = v->price();
	o->stop_px = v->stop_px();
	o->order_qty = v->order_qty();
	o->min_qty = v->min_qty();
	o->party_id = v->party_id();
	o->strategy_id = v->strategy_id();
	o->security_id = v->security_id();
	o->flags = v->flags();
	o->side = (char)v->side();
	o->ord_type = (char)v->ord_type();
	return 0;
}

static inline size_t book_encode(const struct book *b, uint8_t *to)
{
	fb::Entry *entries;

	builder.Clear();
	auto vector = builder.CreateUninitializedVectorOfStructs<fb::Entry>(b->count, &entries);
	for (uint32_t i = 0; i < b->count; i++) {
		const struct entry *x = &b->entry[i];

		entries[i] = fb::Entry(x->price, x->size, x->security_id, x->rpt_seq, x->orders, x->level, x->action,
				       (uint8_t)x->type);
	}
	builder.Finish(fb::CreateBook(builder, b->transact_time, b->event, vector));
	return finished(to);
}

static inline const fb::Book *book_verified(const uint8_t *from, size_t size)
{
	flatbuffers::Verifier verifier(from, size);

	if (!verifier.VerifyBuffer<fb::Book>(nullptr))
		return nullptr;
	const fb::Book *v = flatbuffers::GetRoot<fb::Book>(from);
	return v->entries() && v->entries()->size() <= ENTRIES ? v : nullptr;
}

READ int book_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	const fb::Book *v = book_verified(from, size);

	if (!v)
		return 1;
	add(sum, v->transact_time());
	add(sum, v->event());
	for (const fb::Entry *x : *v->entries()) {
		add(sum, (uint64_t)x->price());
		add(sum, (uint64_t)(int64_t)x->size());
		add(sum, (uint64_t)(int64_t)x->security_id());
		add(sum, x->rpt_seq());
		add(sum, (uint64_t)(int64_t)x->orders());
		add(sum, x->level());
		add(sum, x->action());
		add(sum, x->type());
	}
	return 0;
}

static inline void book_checked(size_t i)
{
	MUST(book_verified(book_wire[i], book_size[i]));
}

static inline int64_t book_one(size_t i)
{
	return flatbuffers::GetRoot<fb::Book>(HELD(book_wire[i]))->entries()->Get(20)->price();
}

static inline int book_take(struct book *b, const uint8_t *from, size_t size)
{
	const fb::Book *v = book_verified(from, size);

	if (!v)
		return 1;
	b->transact_time = v->transact_time();
	b->event = v->event();
	b->count = v->entries()->size();
	struct entry *to = b->entry;
	for (const fb::Entry *x : *v->entries())
		*to++ = {x->price(),  x->size(),  x->security_id(), x->rpt_seq(),
			 x->orders(), x->level(), x->action(),	    (char)x->type()};
	return 0;
}

MEASURE_MAIN
