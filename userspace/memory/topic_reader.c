/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's end of a topic (memory/topic.h), but for the commonest steps. */
#include "memory/topic.h"

#include <stdlib.h>

#define EVERY_MAX 32 /* messages for which a cursor may stay behind */
#define RETRIES	  64 /* a value overwritten faster than it is looked at */

int myc_topic_reader_open(struct myc_topic_reader *reader, const struct myc_topic *block,
			  uint64_t size)
{
	const char *base = (const char *)block;
	struct myc_topic head;
	int code = myc_topic_check(block, size, &head);

	memset(reader, 0, sizeof(*reader));
	if (code)
		return code;
	reader->topic = block;
	reader->slots = base + myc_topic_slots_offset(&head);
	reader->stride = myc_topic_slot_stride(&head);
	reader->mask = head.slots - 1;
	reader->payload_max = head.payload_max;
	reader->rows = head.keys;
	reader->keys = base + myc_topic_keys_offset(&head);
	reader->key_stride = myc_topic_key_stride(&head);
	reader->value_stride = myc_topic_value_stride(&head);
	reader->admission = (const struct myc_topic_admission *)(const void *)(block + 1);
	reader->admissions = head.readers;
	reader->waited_for = head.flags & MYC_TOPIC_RELIABLE;
	reader->every = head.slots / 4 < EVERY_MAX ? head.slots / 4 : EVERY_MAX;
	reader->every += !reader->every;
	/* Acquire: what it counts is there. Pairs with myc_topic_slot_publish. */
	reader->next = __atomic_load_n(&block->published, __ATOMIC_ACQUIRE);
	if (reader->next >= MYC_TOPIC_WRITING)
		return -EPROTO;
	if (reader->rows) {
		reader->seen = calloc(reader->rows, sizeof(*reader->seen));
		if (!reader->seen)
			return -ENOMEM;
	}
	return 0;
}

void myc_topic_reader_close(struct myc_topic_reader *reader)
{
	free(reader->seen);
	reader->seen = NULL;
}

void myc_topic_reader_rewind(struct myc_topic_reader *reader)
{
	uint64_t slots = reader->mask + 1;
	uint64_t published = __atomic_load_n(&reader->topic->published, __ATOMIC_ACQUIRE);
	uint64_t oldest = published >= slots ? published + 1 - slots : 0;

	if (!reader->record && oldest < reader->next)
		reader->next = oldest;
}

/* ---- attaching --------------------------------------------------------------------------------- */

static struct myc_topic_record *record_at(struct myc_topic_records *records, uint32_t i)
{
	return (struct myc_topic_record *)(void *)(records + 1) + i;
}

/* There is a wish, or an end. */
static void tell(struct myc_topic_records *records)
{
	/* Release: the record. Pairs with myc_topic_writer_scan. */
	__atomic_store_n(&records->changed, records->changed + 1, __ATOMIC_RELEASE);
	MYC_POINT("topic: told");
}

int myc_topic_attach(struct myc_topic_reader *reader, const struct myc_topic_place *place,
		     uint64_t word, enum myc_topic_wish wish, uint64_t from)
{
	if (place->record >= place->records->records)
		return -EINVAL;
	struct myc_topic_record *record = record_at(place->records, place->record);

	if (wish == MYC_TOPIC_WISH_WAIT && !reader->waited_for)
		return -EINVAL;
	if (record->topic)
		return -EBUSY;
	/* topic is 0: a writer that sees one of these sees that, too, or the next epoch. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&record->epoch, record->epoch + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&record->from, from, __ATOMIC_RELAXED);
	__atomic_store_n(&record->incarnation, place->incarnation, __ATOMIC_RELAXED);
	__atomic_store_n(&record->wish, wish, __ATOMIC_RELAXED);
	MYC_POINT("topic: wish written");
	/* Release: the wish. Pairs with myc_topic_writer_scan. */
	__atomic_store_n(&record->topic, word, __ATOMIC_RELEASE);
	MYC_POINT("topic: wished, not told");
	reader->record = NULL; /* not before it is admitted */
	reader->epoch = record->epoch;
	reader->place = *place;
	tell(place->records);
	return 0;
}

/* Finds the answer to the record of this epoch. */
static bool find_admission(struct myc_topic_reader *reader, uint64_t *start)
{
	uint64_t me = myc_topic_reader_word(reader->place.process, reader->place.executor,
					    reader->place.record);

	for (uint32_t i = 0; i < reader->admissions; i++) {
		/* Acquire: start. Pairs with admit() of the writer. */
		if (__atomic_load_n(&reader->admission[i].epoch, __ATOMIC_ACQUIRE) !=
			    reader->epoch ||
		    __atomic_load_n(&reader->admission[i].reader, __ATOMIC_RELAXED) != me)
			continue;
		*start = __atomic_load_n(&reader->admission[i].start, __ATOMIC_RELAXED);
		reader->admitted = i;
		return true;
	}
	return false;
}

int myc_topic_admitted(struct myc_topic_reader *reader)
{
	uint64_t start;

	if (!reader->epoch)
		return -ENOENT;
	if (reader->record)
		return 0;
	if (!find_admission(reader, &start))
		return -EAGAIN;
	struct myc_topic_record *record = record_at(reader->place.records, reader->place.record);
	uint64_t from = record->from;

	reader->lost_now = from < start ? start - from : 0;
	reader->lost += reader->lost_now;
	reader->next = start;
	__atomic_store_n(&record->begun, start, __ATOMIC_RELAXED);
	__atomic_store_n(&record->done, start, __ATOMIC_RELAXED);
	__atomic_store_n(&record->cursor, start, __ATOMIC_RELAXED);
	MYC_POINT("topic: start taken, not accepted");
	/* Release: the cursor. Pairs with look() of the writer. */
	__atomic_store_n(&record->accepted, reader->epoch, __ATOMIC_RELEASE);
	MYC_POINT("topic: accepted");
	reader->record = record;
	reader->given = start;
	return 0;
}

int myc_topic_resume(struct myc_topic_reader *reader, const struct myc_topic_place *place,
		     uint64_t word, uint64_t *from)
{
	uint64_t start;

	if (place->record >= place->records->records)
		return -EINVAL;
	struct myc_topic_record *record = record_at(place->records, place->record);

	if (record->topic != word)
		return -ENOENT;
	reader->record = NULL;
	reader->epoch = record->epoch;
	reader->place = *place;
	__atomic_store_n(&record->incarnation, place->incarnation, __ATOMIC_RELAXED);
	MYC_POINT("topic: taken over");
	/* Either the writer sees this incarnation, or we see that it let go: let_go_if_gone. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* A predecessor that died before it told. */
	tell(place->records);
	if (record->accepted != record->epoch)
		return -EAGAIN;
	*from = record->done;
	if (!find_admission(reader, &start))
		return -ESTALE;
	reader->record = record;
	reader->given = record->cursor;
	reader->next = record->done;
	return record->begun > record->done;
}

void myc_topic_record_free(struct myc_topic_records *records, uint32_t record)
{
	if (record >= records->records)
		return;
	__atomic_store_n(&record_at(records, record)->topic, 0, __ATOMIC_RELEASE);
	MYC_POINT("topic: detached, not told");
	tell(records);
}

void myc_topic_detach(struct myc_topic_reader *reader)
{
	if (!reader->epoch)
		return;
	myc_topic_record_free(reader->place.records, reader->place.record);
	reader->record = NULL;
	reader->epoch = 0;
}

/* ---- what is not a message at the next slot ------------------------------------------------------ */

bool myc_topic_still_admitted(const struct myc_topic_reader *reader)
{
	return __atomic_load_n(&reader->admission[reader->admitted].epoch, __ATOMIC_ACQUIRE) ==
	       reader->epoch;
}

/* `sequence` is of a later round. Goes on half a ring behind the newest, or at it (keyed). */
static int overrun(struct myc_topic_reader *reader, uint64_t later)
{
	uint64_t slots = reader->mask + 1;
	/* Acquire: `later` said that it is no more than one less. Pairs with myc_topic_slot_publish,
	 * by way of the release in myc_topic_slot_begin. */
	uint64_t published = __atomic_load_n(&reader->topic->published, __ATOMIC_ACQUIRE);

	if (published >= MYC_TOPIC_WRITING || published + 1 < later)
		return -EPROTO;
	reader->overruns++;
	if (reader->rows) {
		reader->sweep = 0;
		myc_topic_advance(reader, published);
		return -EOVERFLOW;
	}
	if (reader->record && !myc_topic_still_admitted(reader))
		return -ESTALE;
	published -= slots / 2;
	reader->lost_now = published - reader->next;
	reader->lost += reader->lost_now;
	myc_topic_advance(reader, published);
	return -EOVERFLOW;
}

int myc_topic_next_else(struct myc_topic_reader *reader, uint64_t sequence)
{
	uint64_t number = reader->next + 1, bare = sequence & ~MYC_TOPIC_WRITING;

	if (!sequence || sequence == (number | MYC_TOPIC_WRITING) ||
	    sequence + reader->mask + 1 == number) {
		myc_topic_give_back(reader);
		return 0;
	}
	if (bare <= number || (bare - number) & reader->mask)
		return -EPROTO;
	return overrun(reader, bare);
}

/* ---- keyed ------------------------------------------------------------------------------------- */

/* The last value of a row. 1; 0: the row is free; -EAGAIN; -EPROTO. */
static int value(const struct myc_topic_reader *reader, uint32_t row,
		 struct myc_topic_message *message)
{
	const struct myc_topic_key *key =
		(const struct myc_topic_key *)(const void *)(reader->keys +
							     row * reader->key_stride);

	for (int i = 0; i < RETRIES; i++) {
		/* Acquire: key, header and payload. Pairs with myc_topic_commit. */
		uint64_t version = __atomic_load_n(&key->version, __ATOMIC_ACQUIRE);
		const struct myc_topic_value *last = &key->value[version % MYC_TOPIC_VALUES];

		if (!version)
			return 0;
		MYC_POINT("topic: value found");
		message->key = __atomic_load_n(&key->key, __ATOMIC_RELAXED);
		message->number = __atomic_load_n(&last->number, __ATOMIC_RELAXED);
		message->size = __atomic_load_n(&last->size, __ATOMIC_RELAXED);
		message->type = __atomic_load_n(&last->type, __ATOMIC_RELAXED);
		message->payload =
			(const char *)(key + 1) + version % MYC_TOPIC_VALUES * reader->value_stride;
		message->row = row;
		message->word = &key->version;
		message->expected = version;
		/* While version v + 4 is being written, v + 3 is the last. */
		message->slack = MYC_TOPIC_VALUES - 2;
		if (myc_topic_intact(message))
			return message->size <= reader->payload_max ? 1 : -EPROTO;
	}
	return -EAGAIN;
}

/* Every row once, after an overrun or at the start. 1, 0: through, or an error. */
static int sweep(struct myc_topic_reader *reader, struct myc_topic_message *message)
{
	for (; reader->sweep < reader->rows; reader->sweep++) {
		int code = value(reader, reader->sweep, message);

		if (code < 0)
			return code == -EAGAIN ? 0 : code;
		if (code && message->number > reader->seen[message->row])
			return 1;
	}
	return 0;
}

/* The next notice: 1 with its row; else as myc_topic_next. */
static int notice(struct myc_topic_reader *reader, uint32_t *row, uint64_t *key)
{
	uint64_t number = reader->next + 1;
	const struct myc_topic_slot *slot = myc_topic_reader_slot(reader, number);
	uint64_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);

	if (sequence != number)
		return myc_topic_next_else(reader, sequence);
	*row = __atomic_load_n(&slot->row, __ATOMIC_RELAXED);
	*key = __atomic_load_n(&slot->key, __ATOMIC_RELAXED);
	/* Pairs with the fence in myc_topic_slot_begin. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
	if (sequence != number)
		return myc_topic_next_else(reader, sequence);
	return *row < reader->rows ? 1 : -EPROTO;
}

int myc_topic_next_value(struct myc_topic_reader *reader, struct myc_topic_message *message)
{
	for (uint64_t turn = 0; turn <= reader->mask; turn++) {
		uint32_t row = 0;
		uint64_t key = 0;
		int code = sweep(reader, message);

		if (code || reader->sweep < reader->rows)
			return code;
		code = notice(reader, &row, &key);
		if (code == -EOVERFLOW)
			continue;
		if (code <= 0)
			return code;
		code = value(reader, row, message);
		if (code == -EAGAIN)
			return 0;
		/* The value came before its notice, and may be newer. */
		if (code < 1 || message->key != key || message->number <= reader->next)
			return -EPROTO;
		if (message->number > reader->seen[row])
			return 1;
		myc_topic_advance(reader, reader->next + 1);
	}
	return 0;
}
