/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/topic.h"

#include <stdlib.h>

#include "base/bits.h"

bool myc_topic_parameters_fit(const struct myc_topic *head, uint64_t size)
{
	const uint32_t known = MYC_TOPIC_KEYED | MYC_TOPIC_RELIABLE | MYC_TOPIC_TIMED;
	bool keyed = head->flags & MYC_TOPIC_KEYED, reliable = head->flags & MYC_TOPIC_RELIABLE;

	return !(head->flags & ~known) && !(keyed && reliable) &&
	       (reliable || !(head->flags & MYC_TOPIC_TIMED)) && myc_power_of_two(head->slots) &&
	       head->slots <= MYC_TOPIC_SLOTS_MAX && head->payload_max <= MYC_TOPIC_PAYLOAD_MAX &&
	       head->readers <= MYC_TOPIC_READERS_MAX &&
	       (keyed ? myc_power_of_two(head->keys) && head->keys <= MYC_TOPIC_KEYS_MAX
		      : !head->keys) &&
	       myc_topic_size(head) <= size;
}

int myc_topic_init(struct myc_topic *block, uint64_t size, const struct myc_topic *parameters)
{
	if (!myc_topic_parameters_fit(parameters, size))
		return -EINVAL;
	if (block->version)
		return block->version == MYC_TOPIC_VERSION && block->flags == parameters->flags &&
				       block->slots == parameters->slots &&
				       block->payload_max == parameters->payload_max &&
				       block->keys == parameters->keys &&
				       block->readers == parameters->readers &&
				       !memcmp(block->name, parameters->name, sizeof(block->name))
			       ? 0
			       : -EPROTO;
	block->flags = parameters->flags;
	block->slots = parameters->slots;
	block->payload_max = parameters->payload_max;
	block->keys = parameters->keys;
	block->readers = parameters->readers;
	memcpy(block->name, parameters->name, sizeof(block->name));
	/* Release: the parameters. Pairs with myc_topic_check. */
	__atomic_store_n(&block->version, MYC_TOPIC_VERSION, __ATOMIC_RELEASE);
	return 0;
}

int myc_topic_check(const struct myc_topic *block, uint64_t size, struct myc_topic *copy)
{
	if (size < sizeof(*block))
		return -EPROTO;
	uint32_t version = __atomic_load_n(&block->version, __ATOMIC_ACQUIRE);

	if (!version)
		return -EAGAIN;
	memset(copy, 0, sizeof(*copy));
	memcpy(copy, block, offsetof(struct myc_topic, published));
	myc_order_copied(copy);
	return version == MYC_TOPIC_VERSION && myc_topic_parameters_fit(copy, size) ? 0 : -EPROTO;
}

int myc_topic_records_init(struct myc_topic_records *block, uint64_t size, uint32_t records)
{
	if (!records || records > UINT16_MAX || myc_topic_records_size(records) > size)
		return -EINVAL;
	if (block->version)
		return block->version == MYC_TOPIC_VERSION && block->records == records ? 0
											: -EPROTO;
	block->records = records;
	/* Release: the count. Pairs with myc_topic_writer_meet. */
	__atomic_store_n(&block->version, MYC_TOPIC_VERSION, __ATOMIC_RELEASE);
	return 0;
}

/* ---- the writer: opening ----------------------------------------------------------------------- */

/* A predecessor may have died between publishing and counting; or, on a keyed topic, when a value was
 * the last one and not told. Nothing else of it is to be seen. */
static void go_on(struct myc_topic_writer *writer)
{
	uint64_t number = writer->topic->published + 1;

	/* Release: what it counts is there. Pairs with myc_topic_reader_open. */
	if (myc_topic_writer_slot(writer, number)->sequence == number)
		__atomic_store_n(&writer->topic->published, number++, __ATOMIC_RELEASE);
	writer->published = number - 1;
	for (uint32_t i = 0; i < writer->rows; i++) {
		writer->row = i;
		const struct myc_topic_key *row = myc_topic_writer_key(writer);
		const struct myc_topic_value *value = &row->value[row->version % MYC_TOPIC_VALUES];

		if (!row->version || value->number != number)
			continue;
		struct myc_topic_slot *slot = myc_topic_slot_begin(writer);

		__atomic_store_n(&slot->key, row->key, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->row, i, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->size, value->size, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->type, value->type, __ATOMIC_RELAXED);
		myc_topic_slot_publish(writer, slot);
		break;
	}
}

/* Readers that a predecessor had admitted are waited for from the start on. */
static void recall_followers(struct myc_topic_writer *writer)
{
	for (uint32_t i = 0; i < writer->topic->readers; i++) {
		const struct myc_topic_admission *admission = &writer->admission[i];
		struct myc_topic_follower *follower = &writer->follower[i];

		if (!admission->epoch)
			continue;
		follower->reader = admission->reader;
		follower->epoch = admission->epoch;
		follower->done = admission->start;
		/* Until its table is met, which tells. */
		follower->waited_for = writer->topic->flags & MYC_TOPIC_RELIABLE;
		if (follower->waited_for)
			writer->limit = writer->published;
	}
}

int myc_topic_writer_open(struct myc_topic_writer *writer, struct myc_topic *block,
			  const struct myc_topic_writer_opts *opts)
{
	char *base = (char *)block;

	memset(writer, 0, sizeof(*writer));
	writer->topic = block;
	writer->slots = base + myc_topic_slots_offset(block);
	writer->stride = myc_topic_slot_stride(block);
	writer->mask = block->slots - 1;
	writer->payload_max = block->payload_max;
	writer->rows = block->keys;
	writer->keys = base + myc_topic_keys_offset(block);
	writer->key_stride = myc_topic_key_stride(block);
	writer->value_stride = myc_topic_value_stride(block);
	writer->admission = (struct myc_topic_admission *)(void *)(block + 1);
	writer->limit = UINT64_MAX;
	writer->word = myc_topic_word(opts->process, opts->index);
	writer->gone = opts->gone;
	writer->context = opts->context;
	writer->tables_max = opts->tables;
	writer->follower = calloc((size_t)block->readers + 1, sizeof(*writer->follower));
	writer->table = calloc((size_t)opts->tables + 1, sizeof(*writer->table));
	if (!writer->follower || !writer->table) {
		myc_topic_writer_close(writer);
		return -ENOMEM;
	}
	go_on(writer);
	recall_followers(writer);
	return 0;
}

void myc_topic_writer_close(struct myc_topic_writer *writer)
{
	free(writer->follower);
	free(writer->table);
	writer->follower = NULL;
	writer->table = NULL;
}

/* ---- the writer: its readers ------------------------------------------------------------------- */

static const struct myc_topic_record *record_of(const struct myc_topic_table *table, uint32_t i)
{
	return (const struct myc_topic_record *)(const void *)(table->records + 1) + i;
}

int myc_topic_writer_meet(struct myc_topic_writer *writer, uint32_t process, uint32_t executor,
			  const struct myc_topic_records *records, uint64_t size)
{
	if (size < sizeof(*records))
		return -EPROTO;
	if (!__atomic_load_n(&records->version, __ATOMIC_ACQUIRE))
		return -EAGAIN;
	uint32_t count = __atomic_load_n(&records->records, __ATOMIC_RELAXED);

	if (count > UINT16_MAX || myc_topic_records_size(count) > size)
		return -EPROTO;
	if (writer->tables == writer->tables_max)
		return -ENOSPC;
	struct myc_topic_table *table = &writer->table[writer->tables++];

	*table = (struct myc_topic_table){
		.records = records, .count = count, .process = process, .executor = executor};
	/* As if something had changed: what was wished before we met. */
	table->changed = __atomic_load_n(&records->changed, __ATOMIC_RELAXED) - 1;
	table->looked = table->changed;
	for (uint32_t i = 0; i < writer->topic->readers; i++) {
		struct myc_topic_follower *follower = &writer->follower[i];
		uint32_t record = myc_topic_reader_record(follower->reader);

		if (!follower->epoch || record >= count ||
		    follower->reader != myc_topic_reader_word(process, executor, record))
			continue;
		follower->record = record_of(table, record);
		follower->waited_for = follower->waited_for &&
				       __atomic_load_n(&follower->record->wish, __ATOMIC_RELAXED) ==
					       MYC_TOPIC_WISH_WAIT;
	}
	return 0;
}

static void let_go(struct myc_topic_writer *writer, uint32_t i)
{
	struct myc_topic_admission *admission = &writer->admission[i];

	__atomic_store_n(&admission->epoch, 0, __ATOMIC_RELEASE);
	MYC_POINT("topic: admission taken back");
	__atomic_store_n(&admission->reader, 0, __ATOMIC_RELAXED);
	memset(&writer->follower[i], 0, sizeof(writer->follower[i]));
}

static void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* Has the reader ended its attachment? (Until its table is met we cannot know.) */
static bool ended(const struct myc_topic_writer *writer, const struct myc_topic_follower *follower)
{
	const struct myc_topic_record *record = follower->record;

	return record && (__atomic_load_n(&record->topic, __ATOMIC_ACQUIRE) != writer->word ||
			  __atomic_load_n(&record->epoch, __ATOMIC_RELAXED) != follower->epoch);
}

/* Lets it go when its process is gone. A successor may take the record over at the same time: it stores
 * its incarnation, fences, and looks at the admission, as we do the other way round; so either it sees
 * the admission taken back, or we see it and give the admission back. */
static bool let_go_if_gone(struct myc_topic_writer *writer, uint32_t i)
{
	struct myc_topic_follower *follower = &writer->follower[i];

	if (!follower->record || !writer->gone)
		return false;
	uint64_t incarnation = __atomic_load_n(&follower->record->incarnation, __ATOMIC_RELAXED);

	if (!writer->gone(writer->context, myc_topic_reader_process(follower->reader), incarnation))
		return false;
	MYC_POINT("topic: found gone");
	__atomic_store_n(&writer->admission[i].epoch, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&follower->record->incarnation, __ATOMIC_RELAXED) != incarnation) {
		__atomic_store_n(&writer->admission[i].epoch, follower->epoch, __ATOMIC_RELEASE);
		return false;
	}
	let_go(writer, i);
	count(&writer->topic->released);
	return true;
}

/* Loads its cursor. False: one that cannot be. */
static bool look(const struct myc_topic_writer *writer, struct myc_topic_follower *follower)
{
	/* Acquire: the cursor; until then it goes on from start. Pairs with myc_topic_admitted. */
	if (!follower->record ||
	    __atomic_load_n(&follower->record->accepted, __ATOMIC_ACQUIRE) != follower->epoch)
		return true;
	/* Acquire: its reads of the slots come before our writes. Pairs with myc_topic_give_back. */
	uint64_t done = __atomic_load_n(&follower->record->cursor, __ATOMIC_ACQUIRE);

	if (done > writer->published)
		return false;
	if (done > follower->done)
		follower->done = done;
	return true;
}

/* Looks at one cursor. True: it is in the way of the next message. */
static bool in_the_way(struct myc_topic_writer *writer, uint32_t i)
{
	struct myc_topic_follower *follower = &writer->follower[i];

	if (!follower->epoch || !follower->waited_for)
		return false;
	if (ended(writer, follower)) {
		let_go(writer, i);
		return false;
	}
	if (!look(writer, follower)) {
		let_go(writer, i);
		count(&writer->topic->cut);
		return false;
	}
	return writer->published - follower->done > writer->mask && !let_go_if_gone(writer, i);
}

bool myc_topic_writer_room(struct myc_topic_writer *writer)
{
	uint64_t least = UINT64_MAX;

	/* While the one that was in the way still is, the others' lines are left to them. */
	if (in_the_way(writer, writer->slowest)) {
		count(&writer->topic->refused);
		return false;
	}
	for (uint32_t i = 0; i < writer->topic->readers; i++) {
		if (in_the_way(writer, i)) {
			writer->slowest = i;
			count(&writer->topic->refused);
			return false;
		}
		if (writer->follower[i].epoch && writer->follower[i].waited_for &&
		    writer->follower[i].done < least)
			least = writer->follower[i].done;
	}
	writer->limit = least == UINT64_MAX ? UINT64_MAX : least + writer->mask + 1;
	return true;
}

bool myc_topic_writer_overtake(struct myc_topic_writer *writer)
{
	uint32_t i = writer->slowest;

	if (!(writer->topic->flags & MYC_TOPIC_TIMED) || !in_the_way(writer, i))
		return false;
	let_go(writer, i);
	__atomic_store_n(&writer->topic->overtaken, writer->topic->overtaken + 1, __ATOMIC_RELAXED);
	return true;
}

/* Admissions of processes that are gone, when one is needed. */
static uint32_t free_admission(struct myc_topic_writer *writer)
{
	for (uint32_t i = 0; i < writer->topic->readers; i++)
		if (writer->follower[i].epoch && let_go_if_gone(writer, i))
			return i;
	return UINT32_MAX;
}

/* Answers the wish of a record, copied under its sequence lock. 1: admitted; 0: it was, or it is being
 * written and will tell again; -ENOSPC: no admission is free. */
static int admit(struct myc_topic_writer *writer, const struct myc_topic_table *table, uint32_t r)
{
	const struct myc_topic_record *record = record_of(table, r);
	uint64_t reader = myc_topic_reader_word(table->process, table->executor, r);
	uint64_t epoch = __atomic_load_n(&record->epoch, __ATOMIC_RELAXED);
	uint64_t from = __atomic_load_n(&record->from, __ATOMIC_RELAXED);
	uint32_t wish = __atomic_load_n(&record->wish, __ATOMIC_RELAXED);
	uint32_t i, slot = UINT32_MAX;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&record->topic, __ATOMIC_RELAXED) != writer->word || !epoch)
		return 0;
	for (i = writer->topic->readers; i--;) {
		if (!writer->follower[i].epoch)
			slot = i;
		else if (writer->follower[i].reader == reader && writer->follower[i].epoch == epoch)
			return 0;
	}
	if (slot == UINT32_MAX)
		slot = free_admission(writer);
	if (slot == UINT32_MAX)
		return -ENOSPC;
	/* The oldest that the next publication leaves alone. */
	uint64_t slots = writer->mask + 1;
	uint64_t oldest = writer->published >= slots ? writer->published + 1 - slots : 0;
	uint64_t start = from > writer->published ? writer->published : from;

	start = start < oldest ? oldest : start;
	writer->follower[slot] = (struct myc_topic_follower){
		.record = record,
		.reader = reader,
		.epoch = epoch,
		.done = start,
		.waited_for =
			writer->topic->flags & MYC_TOPIC_RELIABLE && wish == MYC_TOPIC_WISH_WAIT,
	};
	if (writer->follower[slot].waited_for && start + slots < writer->limit)
		writer->limit = start + slots;
	__atomic_store_n(&writer->admission[slot].reader, reader, __ATOMIC_RELAXED);
	__atomic_store_n(&writer->admission[slot].start, start, __ATOMIC_RELAXED);
	MYC_POINT("topic: admission written");
	/* Release: start. Pairs with myc_topic_admitted. */
	__atomic_store_n(&writer->admission[slot].epoch, epoch, __ATOMIC_RELEASE);
	MYC_POINT("topic: admitted");
	return 1;
}

unsigned myc_topic_writer_scan(struct myc_topic_writer *writer)
{
	bool changed = false;
	unsigned admitted = 0;

	for (uint32_t t = 0; t < writer->tables; t++)
		changed = changed || __atomic_load_n(&writer->table[t].records->changed,
						     __ATOMIC_RELAXED) != writer->table[t].changed;
	if (!changed)
		return 0;
	for (uint32_t i = 0; i < writer->topic->readers; i++)
		if (writer->follower[i].epoch && ended(writer, &writer->follower[i]))
			let_go(writer, i);
	for (uint32_t t = 0; t < writer->tables; t++) {
		struct myc_topic_table *table = &writer->table[t];
		/* Acquire: the wishes before it. Pairs with tell() of the reader. */
		uint32_t now = __atomic_load_n(&table->records->changed, __ATOMIC_ACQUIRE);
		bool all = true;

		table->looked = now;
		if (now == table->changed)
			continue;
		for (uint32_t r = 0; r < table->count; r++) {
			/* Acquire: the wish. Pairs with myc_topic_attach. */
			if (__atomic_load_n(&record_of(table, r)->topic, __ATOMIC_ACQUIRE) !=
			    writer->word)
				continue;
			int answer = admit(writer, table, r);

			all = all && answer >= 0;
			admitted += answer > 0;
		}
		if (all)
			table->changed = now;
	}
	return admitted;
}

int myc_topic_writer_row(struct myc_topic_writer *writer, uint64_t key)
{
	uint32_t mask = writer->rows - 1, at = myc_topic_key_hash(key, writer->rows);

	for (uint32_t i = 0; i < writer->rows; i++, at = (at + 1) & mask) {
		writer->row = at;
		const struct myc_topic_key *row = myc_topic_writer_key(writer);

		if (!row->version || row->key == key)
			return 0;
	}
	return -ENOSPC;
}
