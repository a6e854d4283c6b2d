/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics: one writer publishes to any number of readers, in any process of the host. The layout, who
 * writes what and what pairs with what are in mycelium/abi/topic.h. Here are the two private ends.
 *
 * A payload is written once, into the ring; readers read it there, or copy it out. A reader is
 *   tolerant   the writer does not know it, or need not: it may be overrun. It then learns exactly how
 *              many messages it lost and goes on half a ring behind the newest
 *   waited for attached to a reliable topic: the writer refuses (-EAGAIN) what would overrun it
 * A timed topic's writer waits so long for a reader and then takes its admission back: the reader is overrun
 * like a tolerant one (so it reads as one does), finds -ESTALE, and attaches anew.
 * A keyed topic keeps the last value of every key; its readers get each key's newest value, what lay
 * between is conflated, and nothing is lost by being slow.
 *
 * In place: until myc_topic_intact said yes *after* the reading, a tolerant reader may have seen bytes of
 * two messages: nothing read so may be used as index, pointer or length unchecked, nor have had an
 * effect. What is read should be read by myc_topic_word (atomic: no data race by the letter of C11);
 * plain reads race with the writer by the letter, and cannot be trusted before intact, which is all
 * that this protocol asks of them. A reader that is waited for is not overwritten; plain reads are right.
 *
 *	while ((code = myc_topic_next(&reader, &message)) > 0) {
 *		use(message.payload, message.size);         // or myc_topic_copy
 *		if (myc_topic_intact(&message))
 *			myc_topic_done(&reader, &message);
 *	}                                           // not intact: next tells how many were lost
 *
 * An end belongs to one thread. Killed: what was published stays readable, what was not never was; the
 * writer's successor (myc_topic_writer_open) goes on with the next number, the reader's (resume) with
 * the message that was in hand, which it is told of. Steps on shared words are inline or in topic.c, with
 * MYC_POINT between them for tests.
 *
 * Single writers: a dead reader's record is its successor's (or the caretaker's) to write, the answer to it
 * in the topic is the topic writer's, who takes it back when the ring is full on account of a process that
 * is gone. So a dead reader holds nobody up, and nobody writes another's region.
 */
#ifndef MYC_MEMORY_TOPIC_H
#define MYC_MEMORY_TOPIC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <mycelium/abi/topic.h>

#include "memory/order.h"

/* Large payloads are copied 64 bytes a step by instructions that the language knows nothing of; tests that
 * stop between words, and the sanitizers, want every word to be seen. */
#if defined(__x86_64__) && !defined(MYC_POINT) && !defined(__SANITIZE_THREAD__) && \
	!defined(__SANITIZE_ADDRESS__)
#define MYC_TOPIC_STEP 64u
#endif

#ifndef MYC_POINT
#define MYC_POINT(name) ((void)0)
#endif

/* ---- the layout -------------------------------------------------------------------------------- */

/* Owner: lays the block out once; a successor finds it and leaves it. -EINVAL: parameters cannot be, or
 * the block is too small; -EPROTO: it is another topic. Of `parameters`: flags, slots, payload_max,
 * keys, readers. */
bool myc_topic_parameters_fit(const struct myc_topic *head, uint64_t size);
int myc_topic_init(struct myc_topic *block, uint64_t size, const struct myc_topic *parameters);
/* Reader: a checked copy of the parameters of another's. -EAGAIN: not laid out yet; -EPROTO. */
int myc_topic_check(const struct myc_topic *block, uint64_t size, struct myc_topic *copy);

int myc_topic_records_init(struct myc_topic_records *block, uint64_t size, uint32_t records);

/* ---- the writer's end -------------------------------------------------------------------------- */

/* An admission, and what the writer knows of its reader. */
struct myc_topic_follower {
	const struct myc_topic_record *record; /* NULL: its table was not met yet */
	uint64_t reader;		       /* myc_topic_reader_word; 0 = free */
	uint64_t epoch;
	uint64_t done; /* its cursor as last loaded, never less */
	bool waited_for;
};

struct myc_topic_table {
	const struct myc_topic_records *records;
	uint32_t count;
	uint32_t process, executor;
	uint32_t changed; /* as last seen, when all its wishes were granted */
	uint32_t looked;  /* as last seen */
};

struct myc_topic_writer {
	char *slots;
	uint64_t stride, mask;
	uint64_t published;
	uint64_t limit; /* last number that nobody waited for is in the way of, as last looked */
	uint32_t payload_max;
	uint32_t rows; /* 0 = not keyed */
	struct myc_topic *topic;
	/* keyed: the row in hand */
	char *keys;
	uint64_t key_stride, value_stride;
	uint32_t row;
	/* readers */
	struct myc_topic_admission *admission;
	struct myc_topic_follower *follower; /* one an admission */
	uint32_t slowest;		     /* the one that was in the way last time */
	struct myc_topic_table *table;
	uint32_t tables, tables_max;
	uint64_t word; /* myc_topic_word */
	/* Has that incarnation of a process ended (and is not to be waited for any more)? */
	bool (*gone)(void *context, uint32_t process, uint64_t incarnation);
	void *context;
};

struct myc_topic_writer_opts {
	uint32_t process, index; /* which topic it is: myc_topic_word */
	uint32_t tables;	 /* most tables of records that it will meet */
	bool (*gone)(void *context, uint32_t process, uint64_t incarnation); /* NULL: nobody ever */
	void *context;
};

/* Owner, after myc_topic_init: goes on where a predecessor stopped. -ENOMEM. */
int myc_topic_writer_open(struct myc_topic_writer *writer, struct myc_topic *block,
			  const struct myc_topic_writer_opts *opts);
void myc_topic_writer_close(struct myc_topic_writer *writer);
/* Makes a process' table of records known; all that exist before the first publication, so that readers
 * a predecessor had admitted are not waited for in vain. -EAGAIN: not laid out yet; -EPROTO: does not
 * add up; -ENOSPC. */
int myc_topic_writer_meet(struct myc_topic_writer *writer, uint32_t process, uint32_t executor,
			  const struct myc_topic_records *records, uint64_t size);
/* Admits who wishes it and lets go who has ended. Cheap when nothing changed; now and then, not between
 * reserve and commit. Returns how many were admitted. Admissions all taken: the wish waits. */
unsigned myc_topic_writer_scan(struct myc_topic_writer *writer);
/* Looks at the cursors. False: the next message would overrun a reader that is waited for (counted). */
bool myc_topic_writer_room(struct myc_topic_writer *writer);
/* After it: waits no more for the one that is in the way. False: nobody is, or the topic is not TIMED. */
bool myc_topic_writer_overtake(struct myc_topic_writer *writer);
/* keyed: finds or takes the row of a key. -ENOSPC: all rows are other keys'. */
int myc_topic_writer_row(struct myc_topic_writer *writer, uint64_t key);

/* Whole steps of MYC_TOPIC_STEP bytes; returns how many bytes that were. The compiler neither sees an
 * access nor moves one across; the processor (x86) keeps stores and loads each in their order. */
static inline size_t myc_topic_copy_steps(void *to, const void *from, size_t size)
{
#ifdef MYC_TOPIC_STEP
	size_t end = size & ~(size_t)(MYC_TOPIC_STEP - 1);

	for (size_t at = 0; at < end; at += MYC_TOPIC_STEP)
		__asm__ __volatile__("movups (%1), %%xmm0\n\t"
				     "movups 16(%1), %%xmm1\n\t"
				     "movups 32(%1), %%xmm2\n\t"
				     "movups 48(%1), %%xmm3\n\t"
				     "movups %%xmm0, (%0)\n\t"
				     "movups %%xmm1, 16(%0)\n\t"
				     "movups %%xmm2, 32(%0)\n\t"
				     "movups %%xmm3, 48(%0)"
				     :
				     : "r"((char *)to + at), "r"((const char *)from + at)
				     : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
	return end;
#else
	(void)to;
	(void)from;
	(void)size;
	return 0;
#endif
}

/* Bytes into shared memory that may be read at the same time: word by word, relaxed, so that there is no
 * data race. The last word is padded with zeros; buffers have room for it. */
static inline void myc_topic_store(void *to, const void *from, size_t size)
{
	size_t at = myc_topic_copy_steps(to, from, size);
	uint64_t *word = (uint64_t *)to;
	uint64_t value;

	for (; size - at >= sizeof(value); at += sizeof(value)) {
		memcpy(&value, (const char *)from + at, sizeof(value));
		__atomic_store_n(&word[at / sizeof(value)], value, __ATOMIC_RELAXED);
		MYC_POINT("topic: a word stored");
	}
	if (at == size)
		return;
	value = 0;
	memcpy(&value, (const char *)from + at, size - at);
	__atomic_store_n(&word[at / sizeof(value)], value, __ATOMIC_RELAXED);
	MYC_POINT("topic: the last word stored");
}

static inline void myc_topic_load(void *to, const void *from, size_t size)
{
	size_t at = myc_topic_copy_steps(to, from, size);
	const uint64_t *word = (const uint64_t *)from;
	uint64_t value;

	for (; size - at >= sizeof(value); at += sizeof(value)) {
		value = __atomic_load_n(&word[at / sizeof(value)], __ATOMIC_RELAXED);
		memcpy((char *)to + at, &value, sizeof(value));
		MYC_POINT("topic: a word loaded");
	}
	if (at == size)
		return;
	value = __atomic_load_n(&word[at / sizeof(value)], __ATOMIC_RELAXED);
	memcpy((char *)to + at, &value, size - at);
}

static inline struct myc_topic_slot *myc_topic_writer_slot(const struct myc_topic_writer *writer,
							   uint64_t number)
{
	return (struct myc_topic_slot *)(void *)(writer->slots +
						 ((number - 1) & writer->mask) * writer->stride);
}

static inline struct myc_topic_key *myc_topic_writer_key(const struct myc_topic_writer *writer)
{
	return (struct myc_topic_key *)(void *)(writer->keys + writer->row * writer->key_stride);
}

/* From here on the slot's last message is gone, and its next one not there. */
static inline struct myc_topic_slot *myc_topic_slot_begin(struct myc_topic_writer *writer)
{
	uint64_t number = writer->published + 1;
	struct myc_topic_slot *slot = myc_topic_writer_slot(writer, number);

	/* Release: who sees it sees `published` no more than one behind. */
	__atomic_store_n(&slot->sequence, number | MYC_TOPIC_WRITING, __ATOMIC_RELEASE);
	/* Pairs with the fence in myc_topic_intact. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	MYC_POINT("topic: slot taken");
	return slot;
}

static inline void myc_topic_slot_publish(struct myc_topic_writer *writer,
					  struct myc_topic_slot *slot)
{
	uint64_t number = ++writer->published;

	MYC_POINT("topic: written, not published");
	/* Release: header and payload. Pairs with the acquire load in myc_topic_next. */
	__atomic_store_n(&slot->sequence, number, __ATOMIC_RELEASE);
	MYC_POINT("topic: published, not counted");
	/* Release: for who is overrun; pairs with the acquire load in topic.c, overrun(). */
	__atomic_store_n(&writer->topic->published, number, __ATOMIC_RELEASE);
	MYC_POINT("topic: counted");
}

/* Gives the place of the next message's payload (payload_max bytes), to be written and then committed;
 * reserving again without commit takes the same place. -EAGAIN: a reader that is waited for is a ring
 * behind; -ENOSPC: a new key and no row left. Died before the commit: it never was. */
static inline int myc_topic_reserve(struct myc_topic_writer *writer, uint64_t key, void **payload)
{
	if (__builtin_expect(writer->published >= writer->limit, 0) &&
	    !myc_topic_writer_room(writer))
		return -EAGAIN;
	if (writer->rows) {
		int code = myc_topic_writer_row(writer, key);

		if (code)
			return code;
		struct myc_topic_key *row = myc_topic_writer_key(writer);
		uint64_t version = row->version + 1;

		/* The version before is out before a byte of this one: pairs with the fence in
		 * myc_topic_intact. */
		__atomic_thread_fence(__ATOMIC_RELEASE);
		__atomic_store_n(&row->key, key, __ATOMIC_RELAXED);
		*payload = (char *)(row + 1) + version % MYC_TOPIC_VALUES * writer->value_stride;
		return 0;
	}
	struct myc_topic_slot *slot = myc_topic_slot_begin(writer);

	__atomic_store_n(&slot->key, key, __ATOMIC_RELAXED);
	*payload = slot + 1;
	return 0;
}

/* Publishes what was reserved. -EMSGSIZE: nothing was. */
static inline int myc_topic_commit(struct myc_topic_writer *writer, uint32_t type, size_t size)
{
	struct myc_topic_slot *slot = myc_topic_writer_slot(writer, writer->published + 1);

	if (size > writer->payload_max)
		return -EMSGSIZE;
	if (writer->rows) {
		struct myc_topic_key *row = myc_topic_writer_key(writer);
		uint64_t version = row->version + 1;
		struct myc_topic_value *value = &row->value[version % MYC_TOPIC_VALUES];

		__atomic_store_n(&value->number, writer->published + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&value->size, (uint32_t)size, __ATOMIC_RELAXED);
		__atomic_store_n(&value->type, type, __ATOMIC_RELAXED);
		MYC_POINT("topic: value written, not the last");
		/* Release: key, header and payload. Pairs with the acquire load in topic.c, value(). */
		__atomic_store_n(&row->version, version, __ATOMIC_RELEASE);
		MYC_POINT("topic: the last value, not told");
		slot = myc_topic_slot_begin(writer);
		__atomic_store_n(&slot->key, row->key, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->row, writer->row, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&slot->size, (uint32_t)size, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->type, type, __ATOMIC_RELAXED);
	myc_topic_slot_publish(writer, slot);
	return 0;
}

/* Both, with the one copy. */
static inline int myc_topic_publish(struct myc_topic_writer *writer, uint64_t key, uint32_t type,
				    const void *payload, size_t size)
{
	void *place;

	if (size > writer->payload_max)
		return -EMSGSIZE;
	int code = myc_topic_reserve(writer, key, &place);

	if (code)
		return code;
	myc_topic_store(place, payload, size);
	return myc_topic_commit(writer, type, size);
}

/* ---- a reader's end ---------------------------------------------------------------------------- */

/* The record that a reader attaches by. */
struct myc_topic_place {
	struct myc_topic_records *records;
	uint32_t record;
	uint32_t process, executor;
	uint64_t incarnation; /* of the process */
};

struct myc_topic_reader {
	const char *slots;
	uint64_t stride, mask;
	uint64_t next; /* messages up to this one are done with */
	uint32_t payload_max;
	uint32_t rows; /* 0 = not keyed */
	bool waited_for;
	struct myc_topic_record *record; /* NULL: not attached */
	const struct myc_topic *topic;
	/* keyed */
	const char *keys;
	uint64_t key_stride, value_stride;
	uint64_t *seen; /* number of each row's last value that was done */
	uint32_t sweep; /* rows before it were looked at since the last overrun */
	/* attached */
	const struct myc_topic_admission *admission; /* `admissions` of them */
	uint32_t admissions, admitted;
	uint64_t epoch;
	uint64_t given; /* cursor as last stored */
	uint64_t every; /* it is stored after so many messages */
	struct myc_topic_place place;
	/* what it missed */
	uint64_t lost;	   /* messages, in all (stream) */
	uint64_t lost_now; /* by the last overrun */
	uint64_t overruns;
};

/* What myc_topic_next found. Header fields are a checked copy; the payload lies in the topic. */
struct myc_topic_message {
	const void *payload;
	uint64_t number, key;
	uint32_t size, type;
	uint32_t row; /* keyed */
	/* It is intact while *word - expected is at most slack. */
	uint64_t slack, expected;
	const uint64_t *word;
};

/* A tolerant reader of another's topic (or one's own), from the next message on. A keyed topic's gets
 * every key's last value first. -EAGAIN, -EPROTO: see myc_topic_check; -ENOMEM. */
int myc_topic_reader_open(struct myc_topic_reader *reader, const struct myc_topic *block,
			  uint64_t size);
/* Gives up its memory; detach first. */
void myc_topic_reader_close(struct myc_topic_reader *reader);
/* From the oldest message that is not about to be overwritten. */
void myc_topic_reader_rewind(struct myc_topic_reader *reader);

/* Wishes to be admitted: to go on after message `from` (MYC_TOPIC_FROM_NEXT: what comes from now).
 * `word`: myc_topic_word of the topic. -EBUSY: the record is in use; -EINVAL: to be waited for by a topic
 * that waits for nobody. Then myc_topic_admitted until it is not -EAGAIN. */
int myc_topic_attach(struct myc_topic_reader *reader, const struct myc_topic_place *place,
		     uint64_t word, enum myc_topic_wish wish, uint64_t from);
/* 0: admitted; nothing after reader->next is lost from now on if it is waited for. What was overwritten
 * between `from` and the admission is in lost_now and lost. -EAGAIN: the writer has not looked yet, or has
 * no admission free. -ENOENT: not attached. */
int myc_topic_admitted(struct myc_topic_reader *reader);
/* Admitted, and not let go since. */
bool myc_topic_still_admitted(const struct myc_topic_reader *reader);
/* A successor, with its predecessor's record: 0: goes on; 1: goes on, and message next + 1 was in hand;
 * -EAGAIN: not admitted yet, see myc_topic_admitted; -ESTALE: the admission was taken back, *from is
 * where it was (attach again after detach); -ENOENT: this record is not attached to this topic. */
int myc_topic_resume(struct myc_topic_reader *reader, const struct myc_topic_place *place,
		     uint64_t word, uint64_t *from);
/* The record is free again. Also by the caretaker, for a dead process' record. */
void myc_topic_detach(struct myc_topic_reader *reader);
void myc_topic_record_free(struct myc_topic_records *records, uint32_t record);

/* The parts of myc_topic_next that are not its commonest case. */
int myc_topic_next_else(struct myc_topic_reader *reader, uint64_t sequence);
int myc_topic_next_value(struct myc_topic_reader *reader, struct myc_topic_message *message);

/* After reading: was all of it that message's? */
static inline bool myc_topic_intact(const struct myc_topic_message *message)
{
	/* Pairs with the release fences of the writer: had we seen a byte of a later message, the word
	 * would show it. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	MYC_POINT("topic: read, not checked");
	return __atomic_load_n(message->word, __ATOMIC_RELAXED) - message->expected <=
	       message->slack;
}

/* Word i of the payload, read in place without a data race. Beyond the size: 0. */
static inline uint64_t myc_topic_word_at(const struct myc_topic_message *message, uint32_t i)
{
	if (i >= (message->size + 7) / 8)
		return 0;
	return __atomic_load_n((const uint64_t *)message->payload + i, __ATOMIC_RELAXED);
}

/* Copies the payload out (message->size bytes). False: it was overwritten meanwhile. */
static inline bool myc_topic_copy(const struct myc_topic_message *message, void *to)
{
	myc_topic_load(to, message->payload, message->size);
	return myc_topic_intact(message);
}

static inline const struct myc_topic_slot *myc_topic_reader_slot(
	const struct myc_topic_reader *reader, uint64_t number)
{
	return (const struct myc_topic_slot *)(const void *)(reader->slots +
							     ((number - 1) & reader->mask) *
								     reader->stride);
}

/* Is there something for myc_topic_next (a message, an overrun, a fault)? */
static inline bool myc_topic_ready(const struct myc_topic_reader *reader)
{
	uint64_t number = reader->next + 1;
	uint64_t sequence =
		__atomic_load_n(&myc_topic_reader_slot(reader, number)->sequence, __ATOMIC_RELAXED);

	return reader->sweep < reader->rows ||
	       (sequence && sequence != (number | MYC_TOPIC_WRITING) &&
		sequence + reader->mask + 1 != number);
}

/* Lets the writer have the slots of what is done. Every so many messages by itself, and when there is
 * nothing more. */
static inline void myc_topic_give_back(struct myc_topic_reader *reader)
{
	if (!reader->record || reader->given == reader->next)
		return;
	reader->given = reader->next;
	/* Release: our reads of the payloads. Pairs with the acquire load in topic.c, look(). */
	__atomic_store_n(&reader->record->cursor, reader->next, __ATOMIC_RELEASE);
	MYC_POINT("topic: cursor stored");
}

static inline void myc_topic_advance(struct myc_topic_reader *reader, uint64_t next)
{
	reader->next = next;
	if (!reader->record)
		return;
	myc_order_for_successor();
	__atomic_store_n(&reader->record->done, next, __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("topic: done");
	if (next - reader->given >= reader->every)
		myc_topic_give_back(reader);
}

/* 1: a message; it comes again until done. 0: none there, or a whole ring came while one was
 * read: who wants to sleep asks myc_topic_ready.
 * -EOVERFLOW: overrun: lost_now messages are lost, go on by calling again. -ESTALE: overrun, and the
 * admission had been taken back: detach and attach again. -EPROTO: the topic holds what cannot be; use it
 * no more. */
static inline int myc_topic_next(struct myc_topic_reader *reader, struct myc_topic_message *message)
{
	if (reader->rows)
		return myc_topic_next_value(reader, message);
	for (uint64_t tries = 0; tries <= reader->mask; tries++) {
		uint64_t number = reader->next + 1;
		const struct myc_topic_slot *slot = myc_topic_reader_slot(reader, number);
		/* Pairs with the release store in myc_topic_slot_publish. */
		uint64_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);

		if (sequence != number)
			return myc_topic_next_else(reader, sequence);
		MYC_POINT("topic: found");
		message->number = message->expected = number;
		message->slack = 0;
		message->row = 0;
		message->word = &slot->sequence;
		message->key = __atomic_load_n(&slot->key, __ATOMIC_RELAXED);
		message->size = __atomic_load_n(&slot->size, __ATOMIC_RELAXED);
		message->type = __atomic_load_n(&slot->type, __ATOMIC_RELAXED);
		message->payload = slot + 1;
		if (!myc_topic_intact(message))
			continue;
		if (message->size > reader->payload_max)
			return -EPROTO;
		if (reader->record)
			__atomic_store_n(&reader->record->begun, number, __ATOMIC_RELAXED);
		MYC_POINT("topic: in hand");
		return 1;
	}
	return 0;
}

static inline void myc_topic_done(struct myc_topic_reader *reader,
				  const struct myc_topic_message *message)
{
	if (!reader->rows) {
		myc_topic_advance(reader, message->number);
		return;
	}
	reader->seen[message->row] = message->number;
	if (reader->sweep < reader->rows)
		reader->sweep = message->row + 1;
	else
		myc_topic_advance(reader, reader->next + 1);
}

#endif
