/* SPDX-License-Identifier: Apache-2.0 */
/* What myc-gen makes of tests/schemas/good/order.xml and book.xml, used as docs/MESSAGES.md ("Speed") says. */
#include "bench/codec/measure.h"

#include <sbe/good/book.h>
#include <sbe/good/order.h>

static struct order_new_order order_view[ORDERS];
static struct book_refresh book_view[BOOKS];

static inline size_t order_encode(const struct order *from, uint8_t *to)
{
	const struct order o = *from;
	struct order_new_order_encoder e;

	if (order_new_order_begin(&e, to, ORDER_ROOM))
		return 0;
	order_new_order_set_cl_ord_id(&e, o.cl_ord_id, 16);
	order_new_order_set_account(&e, o.account, 16);
	order_new_order_set_symbol(&e, o.symbol, 8);
	order_new_order_set_transact_time(&e, o.transact_time);
	order_new_order_set_order_id(&e, o.order_id);
	order_new_order_set_price(&e, o.price);
	order_new_order_set_stop_px(&e, o.stop_px);
	order_new_order_set_order_qty(&e, o.order_qty);
	order_new_order_set_min_qty(&e, o.min_qty);
	order_new_order_set_party_id(&e, o.party_id);
	order_new_order_set_strategy_id(&e, o.strategy_id);
	order_new_order_set_security_id(&e, o.security_id);
	order_new_order_set_flags(&e, o.flags);
	order_new_order_set_side(&e, (enum order_side)o.side);
	order_new_order_set_ord_type(&e, (enum order_ord_type)o.ord_type);
	return order_new_order_end(&e);
}

READ int order_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	struct order_new_order v;

	if (order_new_order_open(&v, from, size))
		return 1;
	add_text(sum, order_new_order_get_cl_ord_id(&v).data, 16);
	add_text(sum, order_new_order_get_account(&v).data, 16);
	add_text(sum, order_new_order_get_symbol(&v).data, 8);
	add(sum, order_new_order_get_transact_time(&v));
	add(sum, order_new_order_get_order_id(&v));
	add(sum, (uint64_t)order_new_order_get_price(&v));
	add(sum, (uint64_t)order_new_order_get_stop_px(&v));
	add(sum, order_new_order_get_order_qty(&v));
	add(sum, order_new_order_get_min_qty(&v));
	add(sum, order_new_order_get_party_id(&v));
	add(sum, order_new_order_get_strategy_id(&v));
	add(sum, order_new_order_get_security_id(&v));
	add(sum, order_new_order_get_flags(&v));
	add(sum, order_new_order_get_side(&v));
	add(sum, order_new_order_get_ord_type(&v));
	return 0;
}

static inline void order_checked(size_t i)
{
	MUST(!order_new_order_open(&order_view[i], order_wire[i], order_size[i]));
}

static inline int64_t order_one(size_t i)
{
	return order_new_order_get_price(HELD(&order_view[i]));
}

static inline int order_take(struct order *to, const uint8_t *from, size_t size)
{
	struct order_new_order v;
	struct order o;
	int error = order_new_order_open(&v, from, size);

	if (error)
		return error;
	memcpy(o.cl_ord_id, order_new_order_get_cl_ord_id(&v).data, 16);
	memcpy(o.account, order_new_order_get_account(&v).data, 16);
	memcpy(o.symbol, order_new_order_get_symbol(&v).data, 8);
	o.transact_time = order_new_order_get_transact_time(&v);
	o.order_id = order_new_order_get_order_id(&v);
	o.price = order_new_order_get_price(&v);
	o.stop_px = order_new_order_get_stop_px(&v);
	o.order_qty = order_new_order_get_order_qty(&v);
	o.min_qty = order_new_order_get_min_qty(&v);
	o.party_id = order_new_order_get_party_id(&v);
	o.strategy_id = order_new_order_get_strategy_id(&v);
	o.security_id = order_new_order_get_security_id(&v);
	o.flags = order_new_order_get_flags(&v);
	o.side = (char)order_new_order_get_side(&v);
	o.ord_type = (char)order_new_order_get_ord_type(&v);
	*to = o;
	return 0;
}

static inline size_t book_encode(const struct book *b, uint8_t *to)
{
	struct book_refresh_encoder e;
	struct book_refresh_entries_encoder g;

	if (book_refresh_begin(&e, to, ROOM))
		return 0;
	book_refresh_set_transact_time(&e, b->transact_time);
	book_refresh_set_event(&e, b->event);
	book_refresh_entries_begin(&e, &g, b->count);
	for (const struct entry *from = b->entry; book_refresh_entries_add(&g); from++) {
		const struct entry x = *from;

		book_refresh_entries_set_price(&g, x.price);
		book_refresh_entries_set_size(&g, x.size);
		book_refresh_entries_set_security_id(&g, x.security_id);
		book_refresh_entries_set_rpt_seq(&g, x.rpt_seq);
		book_refresh_entries_set_orders(&g, x.orders);
		book_refresh_entries_set_level(&g, x.level);
		book_refresh_entries_set_action(&g, (enum book_action)x.action);
		book_refresh_entries_set_entry_type(&g, (enum book_entry_type)x.type);
	}
	return book_refresh_end(&e);
}

READ int book_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	struct book_refresh v;
	struct book_refresh_entries g;

	if (book_refresh_open(&v, from, size))
		return 1;
	add(sum, book_refresh_get_transact_time(&v));
	add(sum, book_refresh_get_event(&v));
	book_refresh_entries_open(&v, &g);
	while (book_refresh_entries_next(&g)) {
		add(sum, (uint64_t)book_refresh_entries_get_price(&g));
		add(sum, (uint64_t)(int64_t)book_refresh_entries_get_size(&g));
		add(sum, (uint64_t)(int64_t)book_refresh_entries_get_security_id(&g));
		add(sum, book_refresh_entries_get_rpt_seq(&g));
		add(sum, (uint64_t)(int64_t)book_refresh_entries_get_orders(&g));
		add(sum, book_refresh_entries_get_level(&g));
		add(sum, book_refresh_entries_get_action(&g));
		add(sum, book_refresh_entries_get_entry_type(&g));
	}
	return 0;
}

static inline void book_checked(size_t i)
{
	MUST(!book_refresh_open(&book_view[i], book_wire[i], book_size[i]));
}

static inline int64_t book_one(size_t i)
{
	struct book_refresh_entries g;

	return book_refresh_entries_at(HELD(&book_view[i]), &g, 20)
		       ? book_refresh_entries_get_price(&g)
		       : 0;
}

static inline int book_take(struct book *b, const uint8_t *from, size_t size)
{
	struct book_refresh v;
	struct book_refresh_entries g;
	int error = book_refresh_open(&v, from, size);

	if (error || book_refresh_entries_count(&v) > ENTRIES)
		return 1;
	b->transact_time = book_refresh_get_transact_time(&v);
	b->event = book_refresh_get_event(&v);
	b->count = book_refresh_entries_count(&v);
	book_refresh_entries_open(&v, &g);
	for (struct entry *to = b->entry; book_refresh_entries_next(&g); to++)
		*to = (struct entry){
			.price = book_refresh_entries_get_price(&g),
			.size = book_refresh_entries_get_size(&g),
			.security_id = book_refresh_entries_get_security_id(&g),
			.rpt_seq = book_refresh_entries_get_rpt_seq(&g),
			.orders = book_refresh_entries_get_orders(&g),
			.level = book_refresh_entries_get_level(&g),
			.action = (uint8_t)book_refresh_entries_get_action(&g),
			.type = (char)book_refresh_entries_get_entry_type(&g),
		};
	return 0;
}

MEASURE_MAIN
