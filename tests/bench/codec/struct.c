/* SPDX-License-Identifier: Apache-2.0 */
/* The limit: packed C structs, copied, nothing checked. */
#include "bench/codec/measure.h"

struct __attribute__((packed)) frame {
	uint16_t block_length, template_id, schema_id, version;
};

struct __attribute__((packed)) packed_order {
	struct frame frame;
	char cl_ord_id[16], account[16], symbol[8];
	uint64_t transact_time, order_id;
	int64_t price, stop_px;
	uint64_t order_qty;
	uint32_t min_qty, party_id, strategy_id, security_id;
	uint16_t flags;
	char side, ord_type;
};
_Static_assert(sizeof(struct packed_order) == 108, "100 bytes and a header");

struct __attribute__((packed)) packed_entry {
	int64_t price;
	int32_t size, security_id;
	uint32_t rpt_seq;
	int32_t orders;
	uint8_t level, action;
	char type;
};

struct __attribute__((packed)) packed_book {
	struct frame frame;
	uint64_t transact_time;
	uint8_t event;
	uint16_t entry_length, count;
	struct packed_entry entry[ENTRIES];
};

static inline size_t order_encode(const struct order *o, uint8_t *to)
{
	struct packed_order *p = (struct packed_order *)to;

	p->frame = (struct frame){100, 98, 162, 0};
	memcpy(p->cl_ord_id, o->cl_ord_id, 16);
	memcpy(p->account, o->account, 16);
	memcpy(p->symbol, o->symbol, 8);
	p->transact_time = o->transact_time;
	p->order_id = o->order_id;
	p->price = o->price;
	p->stop_px = o->stop_px;
	p->order_qty = o->order_qty;
	p->min_qty = o->min_qty;
	p->party_id = o->party_id;
	p->strategy_id = o->strategy_id;
	p->security_id = o->security_id;
	p->flags = o->flags;
	p->side = o->side;
	p->ord_type = o->ord_type;
	return sizeof(*p);
}

READ int order_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	const struct packed_order *p = (const struct packed_order *)from;

	(void)size;
	add_text(sum, p->cl_ord_id, 16);
	add_text(sum, p->account, 16);
	add_text(sum, p->symbol, 8);
	add(sum, p->transact_time);
	add(sum, p->order_id);
	add(sum, (uint64_t)p->price);
	add(sum, (uint64_t)p->stop_px);
	add(sum, p->order_qty);
	add(sum, p->min_qty);
	add(sum, p->party_id);
	add(sum, p->strategy_id);
	add(sum, p->security_id);
	add(sum, p->flags);
	add(sum, (uint8_t)p->side);
	add(sum, (uint8_t)p->ord_type);
	return 0;
}

static inline void order_checked(size_t i)
{
	(void)i;
}

static inline int64_t order_one(size_t i)
{
	return ((const struct packed_order *)HELD(order_wire[i]))->price;
}

static inline int order_take(struct order *o, const uint8_t *from, size_t size)
{
	const struct packed_order *p = (const struct packed_order *)from;

	(void)size;
	memcpy(o->cl_ord_id, p->cl_ord_id, 16);
	memcpy(o->account, p->account, 16);
	memcpy(o->symbol, p->symbol, 8);
	o->transact_time = p->transact_time;
	o->order_id = p->order_id;
	o->price = p->price;
	o->stop_px = p->stop_px;
	o->order_qty = p->order_qty;
	o->min_qty = p->min_qty;
	o->party_id = p->party_id;
	o->strategy_id = p->strategy_id;
	o->security_id = p->security_id;
	o->flags = p->flags;
	o->side = p->side;
	o->ord_type = p->ord_type;
	return 0;
}

static inline size_t book_encode(const struct book *b, uint8_t *to)
{
	struct packed_book *p = (struct packed_book *)to;

	p->frame = (struct frame){9, 46, 163, 0};
	p->transact_time = b->transact_time;
	p->event = b->event;
	p->entry_length = sizeof(struct packed_entry);
	p->count = (uint16_t)b->count;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct entry *x = &b->entry[i];
		struct packed_entry *e = &p->entry[i];

		e->price = x->price;
		e->size = x->size;
		e->security_id = x->security_id;
		e->rpt_seq = x->rpt_seq;
		e->orders = x->orders;
		e->level = x->level;
		e->action = x->action;
		e->type = x->type;
	}
	return offsetof(struct packed_book, entry) + b->count * sizeof(struct packed_entry);
}

READ int book_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	const struct packed_book *p = (const struct packed_book *)from;
	add(sum, p->transact_time);
	add(sum, p->event);

	(void)size;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct packed_entry *e = &p->entry[i];

		add(sum, (uint64_t)e->price);
		add(sum, (uint64_t)(int64_t)e->size);
		add(sum, (uint64_t)(int64_t)e->security_id);
		add(sum, e->rpt_seq);
		add(sum, (uint64_t)(int64_t)e->orders);
		add(sum, e->level);
		add(sum, e->action);
		add(sum, (uint8_t)e->type);
	}
	return 0;
}

static inline void book_checked(size_t i)
{
	(void)i;
}

static inline int64_t book_one(size_t i)
{
	return ((const struct packed_book *)HELD(book_wire[i]))->entry[20].price;
}

static inline int book_take(struct book *b, const uint8_t *from, size_t size)
{
	const struct packed_book *p = (const struct packed_book *)from;

	(void)size;
	b->transact_time = p->transact_time;
	b->event = p->event;
	b->count = p->count;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct packed_entry *e = &p->entry[i];

		b->entry[i] = (struct entry){e->price,	e->size,  e->security_id, e->rpt_seq,
					     e->orders, e->level, e->action,	  e->type};
	}
	return 0;
}

MEASURE_MAIN
