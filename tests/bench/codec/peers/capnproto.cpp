/* SPDX-License-Identifier: Apache-2.0 */
/* Cap'n Proto: a builder over memory of its own, used again, then flat to the buffer. Its readers check as they go. */
#include <capnp/message.h>
#include <capnp/serialize.h>

#include "codec.capnp.h"
#include "../measure.h"

static capnp::word scratch[ROOM / sizeof(capnp::word)];

static inline size_t flat(capnp::MessageBuilder &message, uint8_t *to, size_t room)
{
	kj::ArrayOutputStream stream(kj::arrayPtr(to, room));

	capnp::writeMessage(stream, message);
	return stream.getArray().size();
}

static inline kj::ArrayPtr<const capnp::word> words(const uint8_t *from, size_t size)
{
	return kj::arrayPtr((const capnp::word *)from, size / sizeof(capnp::word));
}

/* The scratch space must be zero when it is used again: as much as was used is. */
static size_t used;

#define FRESH(message)                                       \
	memset(scratch, 0, used ? used : sizeof(scratch));   \
	capnp::MallocMessageBuilder message(kj::arrayPtr(scratch, sizeof(scratch) / sizeof(scratch[0])))

static inline size_t order_encode(const struct order *o, uint8_t *to)
{
	FRESH(message);
	Order::Builder b = message.initRoot<Order>();

	b.setClOrdId(kj::arrayPtr((const kj::byte *)o->cl_ord_id, 16));
	b.setAccount(kj::arrayPtr((const kj::byte *)o->account, 16));
	b.setSymbol(kj::arrayPtr((const kj::byte *)o->symbol, 8));
	b.setTransactTime(o->transact_time);
	b.setOrderId(o->order_id);
	b.setPrice(o->price);
	b.setStopPx(o->stop_px);
	b.setOrderQty(o->order_qty);
	b.setMinQty(o->min_qty);
	b.setPartyId(o->party_id);
	b.setStrategyId(o->strategy_id);
	b.setSecurityId(o->security_id);
	b.setFlags(o->flags);
	b.setSide((uint8_t)o->side);
	b.setOrdType((uint8_t)o->ord_type);
	return used = flat(message, to, ORDER_ROOM);
}

static inline bool sizes_hold(Order::Reader &v)
{
	return v.getClOrdId().size() == 16 && v.getAccount().size() == 16 && v.getSymbol().size() == 8;
}

READ int order_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	capnp::FlatArrayMessageReader message(words(from, size));
	Order::Reader v = message.getRoot<Order>();

	if (!sizes_hold(v))
		return 1;
	add_text(sum, v.getClOrdId().begin(), 16);
	add_text(sum, v.getAccount().begin(), 16);
	add_text(sum, v.getSymbol().begin(), 8);
	add(sum, v.getTransactTime());
	add(sum, v.getOrderId());
	add(sum, (uint64_t)v.getPrice());
	add(sum, (uint64_t)v.getStopPx());
	add(sum, v.getOrderQty());
	add(sum, v.getMinQty());
	add(sum, v.getPartyId());
	add(sum, v.getStrategyId());
	add(sum, v.getSecurityId());
	add(sum, v.getFlags());
	add(sum, v.getSide());
	add(sum, v.getOrdType());
	return 0;
}

static Order::Reader order_view[ORDERS];
static Book::Reader book_view[BOOKS];

/* A view that is read for as long as the benchmark likes. */
static inline capnp::FlatArrayMessageReader *lasting(const uint8_t *from, size_t size)
{
	capnp::ReaderOptions options;

	options.traversalLimitInWords = UINT64_MAX;
	return new capnp::FlatArrayMessageReader(words(from, size), options);
}

static inline void order_checked(size_t i)
{
	auto *message = lasting(order_wire[i], order_size[i]);

	order_view[i] = message->getRoot<Order>();
}

static inline int64_t order_one(size_t i)
{
	return HELD(&order_view[i])->getPrice();
}

static inline int order_take(struct order *o, const uint8_t *from, size_t size)
{
	capnp::FlatArrayMessageReader message(words(from, size));
	Order::Reader v = message.getRoot<Order>();

	if (!sizes_hold(v))
		return 1;
	memcpy(o->cl_ord_id, v.getClOrdId().begin(), 16);
	memcpy(o->account, v.getAccount().begin(), 16);
	memcpy(o->symbol, v.getSymbol().begin(), 8);
	o->transact_time = v.getTransactTime();
	o->order_id = v.getOrderId();
	o->price = v.getPrice();
	o->stop_px = v.getStopPx();
	o->order_qty = v.getOrderQty();
	o->min_qty = v.getMinQty();
	o->party_id = v.getPartyId();
	o->strategy_id = v.getStrategyId();
	o->security_id = v.getSecurityId();
	o->flags = v.getFlags();
	o->side = (char)v.getSide();
	o->ord_type = (char)v.getOrdType();
	return 0;
}

static inline size_t book_encode(const struct book *b, uint8_t *to)
{
	FRESH(message);
	Book::Builder root = message.initRoot<Book>();

	root.setTransactTime(b->transact_time);
	root.setEvent(b->event);
	auto list = root.initEntries(b->count);
	for (uint32_t i = 0; i < b->count; i++) {
		const struct entry *x = &b->entry[i];
		auto e = list[i];

		e.setPrice(x->price);
		e.setSize(x->size);
		e.setSecurityId(x->security_id);
		e.setRptSeq(x->rpt_seq);
		e.setOrders(x->orders);
		e.setLevel(x->level);
		e.setAction(x->action);
		e.setType((uint8_t)x->type);
	}
	return used = flat(message, to, ROOM);
}

READ int book_read(const uint8_t *from, size_t size, uint64_t *sum)
{
	capnp::FlatArrayMessageReader message(words(from, size));
	Book::Reader v = message.getRoot<Book>();
	add(sum, v.getTransactTime());
	add(sum, v.getEvent());

	for (auto x : v.getEntries()) {
		add(sum, (uint64_t)x.getPrice());
		add(sum, (uint64_t)(int64_t)x.getSize());
		add(sum, (uint64_t)(int64_t)x.getSecurityId());
		add(sum, x.getRptSeq());
		add(sum, (uint64_t)(int64_t)x.getOrders());
		add(sum, x.getLevel());
		add(sum, x.getAction());
		add(sum, x.getType());
	}
	return 0;
}

static inline void book_checked(size_t i)
{
	auto *message = lasting(book_wire[i], book_size[i]);

	book_view[i] = message->getRoot<Book>();
}

static inline int64_t book_one(size_t i)
{
	return HELD(&book_view[i])->getEntries()[20].getPrice();
}

static inline int book_take(struct book *b, const uint8_t *from, size_t size)
{
	capnp::FlatArrayMessageReader message(words(from, size));
	Book::Reader v = message.getRoot<Book>();
	auto list = v.getEntries();

	if (list.size() > ENTRIES)
		return 1;
	b->transact_time = v.getTransactTime();
	b->event = v.getEvent();
	b->count = list.size();
	struct entry *to = b->entry;
	for (auto x : list)
		*to++ = {x.getPrice(),	x.getSize(),  x.getSecurityId(), x.getRptSeq(),
			 x.getOrders(), x.getLevel(), x.getAction(),	 (char)x.getType()};
	return 0;
}

MEASURE_MAIN
