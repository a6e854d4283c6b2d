/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c: structs on the stack to pack, unpacked ones from an allocator that is a bump in an array, so that
 * malloc is not what is measured. */
#include "codec.pb-c.h"
#include "../measure.h"

static uint8_t heap[1 << 16] __attribute__((aligned(64)));
static size_t heap_used;

static void *bump(void *unused, size_t size)
{
	void *at = heap + heap_used;

	(void)unused;
	heap_used += (size + 15) & ~(size_t)15;
	MUST(heap_used <= sizeof(heap));
	return at;
}

static void nothing(void *unused, void *pointer)
{
	(void)unused;
	(void)pointer;
}

static ProtobufCAllocator allocator = {bump, nothing, NULL};

static inline size_t order_encode(const struct order *o, uint8_t *to)
{
	Order m = ORDER__INIT;

	m.cl_ord_id = (ProtobufCBinaryData){16, (uint8_t *)o->cl_ord_id};
	m.account = (ProtobufCBinaryData){16, (uint8_t *)o->account};
	m.symbol = (ProtobufCBinaryData){8, (uint8_t *)o->symbol};
	m.transact_time = o->transact_time;
	m.order_id = o->order_id;
	m.price = o->price;
	m.stop_px = o->stop_px;
	m.order_qty = o->order_qty;
	m.min_qty = o->min_qty;
	m.party_id = o->party_id;
	m.strategy_id = o->strategy_id;
	m.security_id = o->security_id;
	m.flags = o->flags;
	m.side = (uint8_t)o->side;
	m.ord_type = (uint8_t)o->ord_type;
	return order__pack(&m, to);
}

static inline Order *order_unpacked(const uint8_t *from, size_t size)
{
	heap_used = 0;
	Order *m = order__unpack(&allocator, size, from);
	return m && m->cl_ord_id.len == 16 && m->account.len == 16 && m->symbol.len == 8 ? m : NULL;
}

READ int order_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	const Order *m = order_unpacked(from, size);

	if (!m)
		return 1;
	add_text(sum, m->cl_ord_id.data, 16);
	add_text(sum, m->account.data, 16);
	add_text(sum, m->symbol.data, 8);
	add(sum, m->transact_time);
	add(sum, m->order_id);
	add(sum, (uint64_t)m->price);
	add(sum, (uint64_t)m->stop_px);
	add(sum, m->order_qty);
	add(sum, m->min_qty);
	add(sum, m->party_id);
	add(sum, m->strategy_id);
	add(sum, m->security_id);
	add(sum, m->flags);
	add(sum, m->side);
	add(sum, m->ord_type);
	return 0;
}

/* There is no way to one field but through all of them. */
static inline void order_checked(size_t i)
{
	(void)i;
}

static inline int64_t order_one(size_t i)
{
	return order_unpacked(HELD(order_wire[i]), order_size[i])->price;
}

static inline int order_take(struct order *o, const uint8_t *from, size_t size)
{
	const Order *m = order_unpacked(from, size);

	if (!m)
		return 1;
	memcpy(o->cl_ord_id, m->cl_ord_id.data, 16);
	memcpy(o->account, m->account.data, 16);
	memcpy(o->symbol, m->symbol.data, 8);
	o->transact_time = m->transact_time;
	o->order_id = m->order_id;
	o->price = m->price;
	o->stop_px = m->stop_px;
	o->order_qty = m->order_qty;
	o->min_qty = m->min_qty;
	o->party_id = m->party_id;
	o->strategy_id = m->strategy_id;
	o->security_id = m->security_id;
	o->flags = (uint16_t)m->flags;
	o->side = (char)m->side;
	o->ord_type = (char)m->ord_type;
	return 0;
}

static inline size_t book_encode(const struct book *b, uint8_t *to)
{
	Book m = BOOK__INIT;
	Entry entry[ENTRIES], *list[ENTRIES];

	m.transact_time = b->transact_time;
	m.event = b->event;
	m.n_entries = b->count;
	m.entries = list;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct entry *x = &b->entry[i];

		entry__init(&entry[i]);
		list[i] = &entry[i];
		entry[i].price = x->price;
		entry[i].size = x->size;
		entry[i].security_id = x->security_id;
		entry[i].rpt_seq = x->rpt_seq;
		entry[i].orders = x->orders;
		entry[i].level = x->level;
		entry[i].action = x->action;
		entry[i].type = (uint8_t)x->type;
	}
	return book__pack(&m, to);
}

static inline Book *book_unpacked(const uint8_t *from, size_t size)
{
	heap_used = 0;
	Book *m = book__unpack(&allocator, size, from);
	return m && m->n_entries <= ENTRIES ? m : NULL;
}

READ int book_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	const Book *m = book_unpacked(from, size);

	if (!m)
		return 1;
	add(sum, m->transact_time);
	add(sum, m->event);
	for (size_t i = 0; i < m->n_entries; i++) {
		const Entry *x = m->entries[i];

		add(sum, (uint64_t)x->price);
		add(sum, (uint64_t)(int64_t)x->size);
		add(sum, (uint64_t)(int64_t)x->security_id);
		add(sum, x->rpt_seq);
		add(sum, (uint64_t)(int64_t)x->orders);
		add(sum, x->level);
		add(sum, x->action);
		add(sum, x->type);
	}
	return 0;
}

static inline void book_checked(size_t i)
{
	(void)i;
}

static inline int64_t book_one(size_t i)
{
	return book_unpacked(HELD(book_wire[i]), book_size[i])->entries[20]->price;
}

static inline int book_take(struct book *b, const uint8_t *from, size_t size)
{
	const Book *m = book_unpacked(from, size);

	if (!m)
		return 1;
	b->transact_time = m->transact_time;
	b->event = (uint8_t)m->event;
	b->count = (uint32_t)m->n_entries;
	for (size_t i = 0; i < m->n_entries; i++) {
		const Entry *x = m->entries[i];

		b->entry[i] = (struct entry){x->price,		 x->size,      x->security_id,
					     x->rpt_seq,	 x->orders,    (uint8_t)x->level,
					     (uint8_t)x->action, (char)x->type};
	}
	return 0;
}

MEASURE_MAIN
