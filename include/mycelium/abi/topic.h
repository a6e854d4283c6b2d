/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics: one writer, many readers in any process of the host. A topic lies in its writer's region;
 * a reader that wants to be waited for (or woken) has a record in its own. Every word has one writer,
 * named beside it; the other side maps it read-only and checks what it loads.
 *
 *   writer's region                                reader's region
 *   struct myc_topic: parameters                   struct myc_topic_records, one a reading executor
 *     published, counters                            struct myc_topic_record, one an attachment:
 *     admissions  ------- answer ------------------>   which topic, from where (wish)
 *     keys (keyed topics only)                         cursor, progress
 *     slots: header and payload
 *
 * Message number n (1, 2, ...) lies in slot (n - 1) & (slots - 1), which bears n as its sequence when the
 * message is complete, n | MYC_TOPIC_WRITING while it is being written, and is 0 before the first round.
 *
 * A keyed topic keeps the last value of each key: the payload lies in the key's own row of
 * MYC_TOPIC_VALUES buffers, used in turn, and the slots only tell what changed, in order.
 *
 * Pairs of release store and acquire load:
 *   slot.sequence     (writer) -> reader: header and payload are complete
 *   key.version       (writer) -> reader: key, value header and payload are complete
 *   topic.published   (writer) -> reader: a bound of what was overrun
 *   record.cursor     (reader) -> writer: its reads of those messages are over, slots may be reused
 *   record.topic      (reader) -> writer: the wish is complete
 *   record.accepted   (reader) -> writer: the cursor is this attachment's
 *   records.changed   (reader) -> writer: there are wishes, or ends
 *   admission.epoch   (writer) -> reader: start is complete
 *   topic.tenure      (writer) -> reader: since is that tenure's
 * Pairs of fences (what the sequence locks of slots and values hang on): the writer stores
 * "being written" (or the version before), a release fence, then the bytes; the reader loads the bytes,
 * an acquire fence, then the word again. A reader that saw one new byte sees the word changed.
 */
#ifndef MYCELIUM_ABI_TOPIC_H
#define MYCELIUM_ABI_TOPIC_H

#include <stdint.h>

#define MYC_TOPIC_VERSION     2
#define MYC_TOPIC_PAYLOAD_MAX 65536u
#define MYC_TOPIC_SLOTS_MAX   (1u << 20)
#define MYC_TOPIC_KEYS_MAX    (1u << 20)
#define MYC_TOPIC_READERS_MAX 1024u /* attached ones, of one topic */
#define MYC_TOPIC_NAME_SIZE   40u   /* with its 0 */
#define MYC_TOPIC_VALUES      4u    /* buffers of a key: the last value and the three before */
#define MYC_TOPIC_WRITING     (1ull << 63)

enum myc_topic_flag {
	MYC_TOPIC_RELIABLE = 1 << 0, /* the writer waits for attached readers that ask for it */
	MYC_TOPIC_KEYED = 1 << 1,    /* last value a key; never waits, so not with the others */
	MYC_TOPIC_TIMED = 1 << 2,    /* waits, but not for ever: with RELIABLE */
};

/* Head of a MYC_BLOCK_TOPIC block. The first line is constant once laid out; the second has the
 * writer's words, stored with every message; the third is what readers look at beside every message, and is
 * seldom written. Then follow admissions, keys, slots, each padded to 64 bytes. */
struct myc_topic {
	uint32_t version; /* MYC_TOPIC_VERSION, written last; 0 = not laid out yet */
	uint32_t flags;
	uint32_t slots;			/* a power of two */
	uint32_t payload_max;		/* bytes */
	uint32_t keys;			/* a power of two; 0 = not keyed */
	uint32_t readers;		/* admissions */
	char name[MYC_TOPIC_NAME_SIZE]; /* zero-terminated, unique in the workspace */
	/* writer, a line of its own */
	uint64_t published; /* messages complete; may be one behind the slots */
	uint64_t refused;   /* publications that found the ring full */
	uint64_t released;  /* admissions taken back: their process was gone */
	uint64_t cut;	    /* admissions taken back: a cursor that cannot be */
	uint64_t overtaken; /* admissions taken back: waited for as long as it may be (TIMED) */
	uint64_t reserved1[3];
	/* writer, a line of its own */
	uint64_t tenure;   /* odd: an actor publishes; counts claims and ends. Stored last */
	uint64_t since;	   /* messages up to this one are of tenures before */
	uint32_t executor; /* of the last that claimed it: who is told of wishes */
	uint32_t reserved2[11];
};
_Static_assert(sizeof(struct myc_topic) == 192, "three cache lines");

/* Writer: the topic's. Answers a record's wish; its messages are kept from `start` on. */
struct myc_topic_admission {
	uint64_t reader; /* myc_topic_reader_word; 0 = free */
	uint64_t epoch;	 /* the record's when it was admitted; 0 = taken back. Stored last */
	uint64_t start;	 /* messages up to this one are not for it */
	uint64_t reserved;
};
_Static_assert(sizeof(struct myc_topic_admission) == 32, "layout");

/* Header of a message. Writer: the topic's. `payload_max` bytes follow unless the topic is keyed. */
struct myc_topic_slot {
	uint64_t sequence;
	uint64_t key;
	uint32_t size; /* of the payload, bytes */
	uint32_t type;
	uint32_t row; /* keyed: index of the key */
	uint32_t reserved;
};
_Static_assert(sizeof(struct myc_topic_slot) == 32, "half a line is left for small payloads");

struct myc_topic_value {
	uint64_t number; /* of the message that brought it */
	uint32_t size;
	uint32_t type;
};

/* A key's row. Writer: the topic's. Value v (1, 2, ...) lies in buffer v % MYC_TOPIC_VALUES; the
 * buffers, `payload_max` each, padded to 64 bytes, follow. */
struct myc_topic_key {
	uint64_t version; /* values so far; 0 = a free row. Stored last */
	uint64_t key;	  /* constant once version is not 0 */
	uint64_t reserved[6];
	struct myc_topic_value value[MYC_TOPIC_VALUES];
};
_Static_assert(sizeof(struct myc_topic_key) == 128, "two cache lines");

static inline uint64_t myc_topic_pad(uint64_t size)
{
	return (size + 63) & ~63ull;
}
static inline uint64_t myc_topic_slot_stride(const struct myc_topic *topic)
{
	return myc_topic_pad(sizeof(struct myc_topic_slot) +
			     (topic->keys ? 0 : topic->payload_max));
}
static inline uint64_t myc_topic_value_stride(const struct myc_topic *topic)
{
	return myc_topic_pad(topic->payload_max);
}
static inline uint64_t myc_topic_key_stride(const struct myc_topic *topic)
{
	return sizeof(struct myc_topic_key) + MYC_TOPIC_VALUES * myc_topic_value_stride(topic);
}
static inline uint64_t myc_topic_keys_offset(const struct myc_topic *topic)
{
	return sizeof(*topic) +
	       myc_topic_pad((uint64_t)topic->readers * sizeof(struct myc_topic_admission));
}
static inline uint64_t myc_topic_slots_offset(const struct myc_topic *topic)
{
	return myc_topic_keys_offset(topic) + topic->keys * myc_topic_key_stride(topic);
}
static inline uint64_t myc_topic_size(const struct myc_topic *topic)
{
	return myc_topic_slots_offset(topic) + topic->slots * myc_topic_slot_stride(topic);
}

/* First row to look in for a key; then the next ones, cyclically. A free row ends the search. */
static inline uint32_t myc_topic_key_hash(uint64_t key, uint32_t keys)
{
	key = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(key >> 32) & (keys - 1);
}

/* ---- the readers' side ------------------------------------------------------------------------- */

#define MYC_TOPIC_FROM_NEXT UINT64_MAX /* wish: what is published from now on */

enum myc_topic_wish {
	MYC_TOPIC_WISH_KNOWN = 0, /* to be known (and woken), not waited for */
	MYC_TOPIC_WISH_WAIT = 1,  /* a reliable topic's writer waits for it */
};

/* An attachment. Writer of all: the reading executor. */
struct myc_topic_record {
	/* the wish: read by the topic's writer after `changed` told so */
	uint64_t topic;	      /* myc_topic_word; 0 = free or being written. Stored last */
	uint64_t epoch;	      /* counts the attachments of this record */
	uint64_t from;	      /* go on after this message, or MYC_TOPIC_FROM_NEXT */
	uint64_t incarnation; /* of the reader's process */
	uint32_t wish;	      /* enum myc_topic_wish */
	uint32_t reserved[7];
	/* the cursor: read by the topic's writer when its ring looks full */
	uint64_t cursor;   /* messages up to this one are done with; stored now and then */
	uint64_t accepted; /* epoch that the cursor belongs to */
	uint64_t reserved1[6];
	/* the progress: read by recovery only */
	uint64_t done;	/* messages up to this one are done with */
	uint64_t begun; /* the last one taken in hand; more than done: it is in doubt */
	uint64_t reserved2[6];
};
_Static_assert(sizeof(struct myc_topic_record) == 192, "three cache lines");

/* Head of a MYC_BLOCK_TOPIC_RECORDS block; `records` records follow. */
struct myc_topic_records {
	uint32_t version; /* MYC_TOPIC_VERSION, written last; 0 = not laid out yet */
	uint32_t records;
	uint32_t changed; /* counts wishes and ends */
	uint32_t reserved[13];
};
_Static_assert(sizeof(struct myc_topic_records) == 64, "one cache line");

static inline uint64_t myc_topic_records_size(uint32_t records)
{
	return sizeof(struct myc_topic_records) +
	       (uint64_t)records * sizeof(struct myc_topic_record);
}

static inline uint64_t myc_topic_word(uint32_t process, uint32_t index)
{
	return 1ull << 63 | (uint64_t)(process & 0xffff) << 32 | index;
}
static inline uint64_t myc_topic_reader_word(uint32_t process, uint32_t executor, uint32_t record)
{
	return 1ull << 63 | (uint64_t)(process & 0xffff) << 32 |
	       (uint64_t)(executor & 0xffff) << 16 | (record & 0xffff);
}
static inline uint32_t myc_topic_reader_process(uint64_t word)
{
	return (uint32_t)(word >> 32) & 0xffff;
}
static inline uint32_t myc_topic_reader_executor(uint64_t word)
{
	return (uint32_t)(word >> 16) & 0xffff;
}
static inline uint32_t myc_topic_reader_record(uint64_t word)
{
	return (uint32_t)word & 0xffff;
}

#endif
