/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: what two executors (threads of one process, or of two processes of a host) share to
 * exchange messages. Every word here has one writer, named beside it; the other side maps it
 * read-only, copies what it reads and checks the copy.
 *
 *   sender's region                              receiver's region
 *   struct myc_lanes (one a source executor)     struct myc_executor_words
 *     directory: a word a lane  ---- found by ->   struct myc_lane_in, one a lane that was found
 *     lane: flows, slots, urgent slots               cursor line    (read by the sender)
 *                                                    progress line  (read by recovery only)
 *                                                    counted[flow]  (handled; read by both)
 *                                                    limit[flow]    (credit; read by the sender)
 *
 * Pairs of release store and acquire load:
 *   slot.sequence      (sender)   -> receiver: header and payload are complete
 *   cursor             (receiver) -> sender: the slots before it may be written again
 *   flow.epoch         (sender)   -> receiver: from, to and base are complete (sequence lock)
 *   process changed[]  (sender)   -> receiver: directory words and flows written before it
 *   cursor.source      (receiver) -> sender: this myc_lane_in is that lane's
 *   cursor.cut         (receiver) -> sender: limits and next are those to mend the lane by
 *   lanes.incarnation  (sender)   -> receiver: lanes that were cut are mended
 *   asleep             (sleeper)  -- sequentially consistent fences on both sides, see core/wake.h
 *   waits_on           (asker)    -- sequentially consistent fences on all sides, see core/await.h
 *   metrics waits      (sender)   -- the same, see core/cycle.h
 *
 * Positions and counts are 32 bits and wrap; they are compared by their difference.
 */
#ifndef MYCELIUM_ABI_LANE_H
#define MYCELIUM_ABI_LANE_H

#include <stdint.h>

#define MYC_LANE_VERSION       1
#define MYC_LANE_PAYLOAD       40
#define MYC_LANE_FLOWS	       512   /* flows of one lane */
#define MYC_LANE_SLOTS_MAX     32768 /* of one ring */
#define MYC_LOCAL_SLOTS	       256   /* an executor's lane to itself */
#define MYC_EXECUTORS_MAX      64    /* of one process */
#define MYC_ATTACH_MAX	       8     /* plain threads of one process that send */
#define MYC_SOURCES_OF_PROCESS (MYC_EXECUTORS_MAX + MYC_ATTACH_MAX)
#define MYC_TYPE_FRAMEWORK     0xff00u /* types from here on are the framework's */
#define MYC_SLOT_REFERENCE     0x80    /* slot.flags: the payload is a struct myc_reference */
#define MYC_SLOT_URGENT_BEFORE 0x40    /* slot.flags: urgent ones came before: look there first */
#define MYC_SLOT_DEADLINE      0x10 /* slot.flags: not after `correlation`, in MYC_DEADLINE_BIT ticks */
#define MYC_DEADLINE_BIT       16   /* 2^16 ns of CLOCK_MONOTONIC; compared by their difference */
#define MYC_SLOT_RECEIPT       0x20 /* slot.flags: its sender wants to know that it was taken */
#define MYC_FLOW_NONE	       0xffffu	   /* slot.flow of a signal: needs no credit */
#define MYC_SLOT_PLAIN	       0xffffffffu /* slot.from of a plain thread */
#define MYC_CREDIT_MAX	       (1u << 25)  /* that a flow can have */
#define MYC_SLOTS_FIXED	       64	   /* actor slots given by number, before the free ones */

/*
 * One message. The sequence of message number n (0, 1, ...) of a ring is n + 1 (mod 2^32); it is
 * written last. An empty slot has the sequence of one round before, or 0.
 */
struct myc_slot {
	union {
		struct {
			uint32_t sequence;
			uint16_t type;	      /* below MYC_TYPE_FRAMEWORK: the application's */
			uint8_t size;	      /* of payload, 0..MYC_LANE_PAYLOAD */
			uint8_t flags;	      /* enum myc_message_flag, MYC_SLOT_* */
			uint32_t to;	      /* destination's actor slot */
			uint16_t generation;  /* low 16 bits of the destination's generation */
			uint16_t flow;	      /* index in the lane's flow table */
			uint32_t from;	      /* sender's actor slot, or MYC_SLOT_PLAIN */
			uint32_t correlation; /* of an ask: MYC_ASK_*; 0 = none */
			uint8_t payload[MYC_LANE_PAYLOAD];
		};
		/* The same as it is written and read (little-endian): the header is three words. */
		uint64_t word[8];
	};
};
_Static_assert(sizeof(struct myc_slot) == 64, "one cache line");
_Static_assert(__builtin_offsetof(struct myc_slot, payload) == 24, "24 bytes of header");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words and fields agree");

/* The header's words: what it is (the number is added when it is published), for whom, from whom. */
static inline uint64_t myc_slot_kind(uint16_t type, uint8_t size, uint8_t flags)
{
	return ((uint64_t)size << 16 | (uint64_t)flags << 24 | type) << 32;
}
static inline uint16_t myc_slot_kind_type(uint64_t kind)
{
	return (uint16_t)(kind >> 32);
}
static inline uint8_t myc_slot_kind_size(uint64_t kind)
{
	return (uint8_t)(kind >> 48);
}
static inline uint8_t myc_slot_kind_flags(uint64_t kind)
{
	return (uint8_t)(kind >> 56);
}
static inline uint64_t myc_slot_to(uint32_t slot, uint32_t generation, uint32_t flow)
{
	return slot | (uint64_t)(generation & 0xffff) << 32 | (uint64_t)flow << 48;
}
static inline uint64_t myc_slot_from(uint32_t slot, uint32_t correlation)
{
	return slot | (uint64_t)correlation << 32;
}

/*
 * Asks. correlation: who waits, and for what; not 0. MYC_ASK_ID is the asker's own number for it, which comes
 * back in the reply; the other bits tell the replier something.
 *
 * A plain thread that asks has the address (its process, attach slot + 1, generation 0): no actor's.
 * Its replies go to executor (attach slot mod number of executors) of its process.
 */
#define MYC_ASK_ID	  0x3fffffffu
#define MYC_ASK_AWAITED	  0x40000000u /* the asker handles no messages until the reply */
#define MYC_ASK_FORWARDED 0x80000000u /* the asker's address is in the last 8 bytes of payload[] */

/* Slot types of signals: of the framework, with MYC_FLOW_NONE. */
enum myc_signal_type {
	/* Answers to an ask. In the header's place of the generation: the reply's type, or its errno, 1..4095. A reply
	 * may have MYC_SLOT_REFERENCE, as a message. */
	MYC_SIGNAL_REPLY = 0xff00,
	MYC_SIGNAL_REPLY_ERROR = 0xff01,
	/* The same for a plain thread's call; the slot is that of its address. */
	MYC_SIGNAL_CALL_REPLY = 0xff02,
	MYC_SIGNAL_CALL_ERROR = 0xff03,
	/* A request was passed on: struct myc_signal_moved. */
	MYC_SIGNAL_ASK_MOVED = 0xff04,
};

/* A flow: (sending actor, receiving actor, ordinary or urgent). Writer: the source executor. epoch is odd
 * while from, to and base are being written, 0 = never used; its top bit: of the urgent ring. `sent` = count << 32 | position of the last message:
 * recovery sees from the position whether the newest published message is counted. */
struct myc_flow {
	uint64_t from; /* myc_address; 0 = a plain thread */
	uint64_t to;   /* myc_address; 0 = free */
	uint64_t sent;
	uint32_t epoch; /* MYC_FLOW_URGENT | number */
	/* Count at which the pair got the entry: what was granted up to there and not used goes back. At
	 * most 2^30 behind what was handled, else counts that wrapped could look like it. */
	uint32_t base;
};
_Static_assert(sizeof(struct myc_flow) == 32, "layout");

#define MYC_FLOW_URGENT 0x80000000u
#define MYC_URGENT_PER_SENDER \
	4 /* credit of an urgent flow, unless the receiver gives its others less */

/* Head of a MYC_BLOCK_LANES block. Constant once the owner joined first. Then follow
 * uint64_t directory[lanes] (padded to 64 bytes), the lane to oneself (local_slots; for a plain
 * thread an ordinary one) and lanes - 1 ordinary lanes; a lane is flows, slots, urgent slots. */
struct myc_lanes {
	uint32_t version; /* MYC_LANE_VERSION, written last; 0 = not laid out yet */
	uint32_t lanes;
	uint32_t slots;	       /* ordinary slots, a power of two */
	uint32_t urgent_slots; /* a power of two */
	uint32_t local_slots;  /* ordinary slots of lane 0, a power of two */
	uint32_t flows;
	/* Of the owner that has opened these lanes, and mended those that were cut. Stored with release,
	 * each start anew; all else here is constant. */
	uint64_t incarnation;
	/* Of a plain thread: odd while it is sending. Stored with a fence behind it, then with release; see core/move.h. */
	uint32_t posting;
	uint32_t reserved[7];
};
_Static_assert(sizeof(struct myc_lanes) == 64, "layout");

/* A directory word: 0 = no lane yet; else who is at its other end. Also cursor.source. */
static inline uint64_t myc_lane_end(uint32_t process, uint32_t executor)
{
	return 1ull << 63 | (uint64_t)process << 16 | executor;
}
static inline uint32_t myc_lane_end_process(uint64_t word)
{
	return (uint32_t)(word >> 16) & 0xffff;
}
static inline uint32_t myc_lane_end_executor(uint64_t word)
{
	return (uint32_t)word & 0xffff;
}

static inline uint64_t myc_lane_size(const struct myc_lanes *lanes, uint32_t slots)
{
	return (uint64_t)lanes->flows * sizeof(struct myc_flow) +
	       ((uint64_t)slots + lanes->urgent_slots) * sizeof(struct myc_slot);
}
static inline uint64_t myc_lane_offset(const struct myc_lanes *lanes, uint32_t index)
{
	uint64_t first = sizeof(*lanes) + (((uint64_t)lanes->lanes * 8 + 63) & ~63ull);

	return !index ? first
		      : first + myc_lane_size(lanes, lanes->local_slots) +
				(index - 1) * myc_lane_size(lanes, lanes->slots);
}

/* The receiver's half of a lane. Writer of all: the receiving executor. */
struct myc_lane_cursor {
	uint64_t source;  /* myc_lane_end of the sender; 0 = free. Stored once, with release */
	uint32_t next[2]; /* ordinary, urgent: messages before it are consumed, slots free */
	/* The sender's incarnation when its lane was cut off; 0 = it is not. What was granted and not
	 * used is then taken back (limit = received), next is where reception stopped, and the lane is
	 * dead until the sender's next incarnation has mended it: myc_lane_out_mend. */
	uint64_t cut;
	uint32_t reserved[10];
};
_Static_assert(sizeof(struct myc_lane_cursor) == 64, "one cache line");

/* Numbers of messages. begun = done: all up to it are done. Else number `begun` is in hand and all before it are
 * done: beginning the next says so of the one before. */
struct myc_lane_progress {
	union {
		struct {
			uint32_t done, begun;
		};
		uint64_t both; /* done | begun << 32 */
	} ring[2];
	uint64_t reserved[6];
};
_Static_assert(sizeof(struct myc_lane_progress) == 64, "one cache line");

/* uint64_t counted[flows] and uint32_t limit[flows] follow. counted = handled << 32 | position in the
 * lane of the last one counted. The sender may send while its count is below limit. */
struct myc_lane_in {
	struct myc_lane_cursor cursor;
	struct myc_lane_progress progress;
};

static inline uint64_t myc_lane_in_size(uint32_t flows)
{
	return sizeof(struct myc_lane_in) + (uint64_t)flows * (4 + 8);
}

/* ---- executor block (MYC_BLOCK_EXECUTOR) --------------------------------------------------- */

/* Why a message reached nobody. X(name, text) */
#define MYC_DEAD_LETTERS(X)                                                   \
	X(NO_ACTOR, "its actor is gone")                                      \
	X(IN_DOUBT, "was in hand when the process died")                      \
	X(FRAMEWORK_TYPE, "a framework type this version knows not")          \
	X(OUTBOX_NO_ACTOR, "its actor went while it was in the outbox")       \
	X(LANE_CUT, "was in the outbox for a lane that its receiver cut off") \
	X(LATE_REPLY, "a reply that nobody waits for (any more)")             \
	X(CREDIT_CYCLE, "closed a cycle of spent credit")                     \
	X(DROPPED_NEWEST, "no more could wait, and it was the newest")        \
	X(DROPPED_OLDEST, "was the oldest when no more could wait")           \
	X(REDIRECT, "was redirected too often, or to nobody")                 \
	X(EXPIRED, "its time was over before it was handled")                 \
	X(SCHEMA, "its sender's process speaks a schema that disagrees")      \
	X(NOT_ACCEPTED, "its actor's interface has no such message")          \
	X(MALFORMED, "is not what its type says")

enum myc_dead_letter {
#define MYC_DEAD_LETTER_ENUM(name, text) MYC_DEAD_LETTER_##name,
	MYC_DEAD_LETTERS(MYC_DEAD_LETTER_ENUM)
#undef MYC_DEAD_LETTER_ENUM
		MYC_DEAD_LETTERS_COUNT
};

/* Why a lane was cut off: what its sender wrote there. X(name, text) */
#define MYC_LANE_FAULTS(X)                                         \
	X(SEQUENCE, "a slot's sequence is none that can be there") \
	X(SIZE, "payload size beyond a slot")                      \
	X(FLAGS, "undefined flag")                                 \
	X(FLOW, "flow unknown, or not this receiver's")            \
	X(ADDRESS, "slot or generation is not the flow's")         \
	X(CREDIT, "more messages than were granted")               \
	X(REFERENCE, "a reference that cannot be")                 \
	X(LAYOUT, "lane block does not add up")

enum myc_lane_fault {
#define MYC_LANE_FAULT_ENUM(name, text) MYC_LANE_FAULT_##name,
	MYC_LANE_FAULTS(MYC_LANE_FAULT_ENUM)
#undef MYC_LANE_FAULT_ENUM
		MYC_LANE_FAULTS_COUNT
};

/* Head of the block. Writer of all: the executor. Then follow lanes_in times struct myc_lane_in,
 * pending and outbox entries; then the marks of chunks, a word each (1: messages may be there), padded to an entry,
 * and at a page's begin the chunks, of MYC_CHUNK pending entries each. Those are memory only while they are marked. */
struct myc_executor_words {
	/* read by senders */
	uint32_t asleep; /* bit 0 asleep, bit 1 waits for credit too, the rest counts sleeps */
	uint32_t sleeps; /* 1 = this executor may sleep: senders must look at asleep */
	uint32_t lanes_in;
	uint32_t flows;
	uint32_t pending;
	uint32_t outbox; /* entries: its capacity and one more */
	uint32_t growth; /* entries that mailboxes without bounds may have, whole chunks */
	uint32_t chunks; /* of them that are memory */
	uint32_t reserved[8];
	/* counters: since the region was made */
	uint64_t turns, naps, bells_rung, lanes_full, outboxed, pended;
	uint64_t dead_letters[16]; /* enum myc_dead_letter */
	uint64_t lane_faults[8];   /* enum myc_lane_fault: lanes cut off */
	uint64_t timers_missed;	   /* periods that had passed when their timer fired */
	uint64_t conflated;	   /* replaced by a newer one with the same key */
	uint64_t redirected;	   /* sent to whom their receiver named */
	uint64_t outbox_dropped;   /* given up or replaced before they were in a lane */
	uint64_t mailbox_dropped;  /* the same by their receiver's rules, where it has them wait */
	uint64_t shares_ended;	   /* actors that had more messages than their share */
	/* Memory of mailboxes without bounds: chunks that it asked for and got, gave back, had at most, was
	 * refused. */
	uint64_t chunks_taken, chunks_given, chunks_max, chunks_refused;
	uint64_t urgent_sent;	  /* of messages_sent of its actors, those that were urgent */
	uint64_t lookups_refused; /* resolutions by its actors: schemas that do not go together */
	uint64_t reserved_counters[6];
};
_Static_assert(sizeof(struct myc_executor_words) == 448, "layout");
_Static_assert(MYC_DEAD_LETTERS_COUNT <= 16 && MYC_LANE_FAULTS_COUNT <= 8, "counter rows are full");

/* A message that waits in its receiver's executor: its actor is paused, or has put it aside (core/stash.h).
 * Stored last: order = arrival << 2 | state; a begun one is in doubt after a crash, a dropped one is done
 * with. */
enum myc_pending_state {
	MYC_PENDING_FREE = 0,
	MYC_PENDING_QUEUED = 1,
	MYC_PENDING_BEGUN = 2,
	MYC_PENDING_STASHED = 3,
};
struct myc_pending {
	uint64_t order;
	uint64_t from;	   /* myc_address of the sender, checked */
	uint32_t lane_in;  /* index it came by */
	uint32_t ring;	   /* 0 ordinary, 1 urgent */
	uint32_t position; /* its number there, from 1 */
	uint32_t stash;	   /* of the process that put it aside: enum myc_stash_flag */
	/* A body that its former handling had credited: origin of that loan. Else 0. */
	uint64_t credited;
	/* Before it is counted: 2^32 + what its flow's count is with it, so that a successor sees whether it
	 * was. Those of a flow need not be counted in the order of their positions. Else 0. */
	uint64_t counting;
	uint64_t key;	  /* under the rule: of what newer ones replace it */
	uint32_t rule;	  /* of its behaviour's overflow rules, from 1; 0 = none */
	uint32_t dropped; /* not 0: given up, 1 + enum myc_dead_letter or MYC_CONFLATED */
	struct myc_slot slot;
};
_Static_assert(sizeof(struct myc_pending) == 128, "two cache lines");

#define MYC_CHUNK 1024 /* pending entries of a mailbox without bounds that come and go at once */

/* Entries that their marks take the place of. */
static inline uint32_t myc_chunk_marks(uint32_t growth)
{
	return (uint32_t)((growth / MYC_CHUNK * sizeof(uint32_t) + sizeof(struct myc_pending) - 1) /
			  sizeof(struct myc_pending));
}

#define MYC_CONFLATED MYC_DEAD_LETTERS_COUNT /* not a dead letter: a newer one is there */

/* A message that waits in its sender's executor for credit. order: stored last, 0 = free; arrival << 2 |
 * revision: one that replaces another has its arrival, and the next revision (mod 4).
 * position: stored before it is published in the lane; tells recovery whether it was. */
struct myc_outbox_entry {
	uint64_t order;
	uint32_t lane;	   /* index in the directory */
	uint32_t position; /* number it is being published as, 0 = not yet */
	/* Of the first of a flow: index + 1 of another flow's that its actor waits for, as metrics.waits. */
	uint32_t next_wait;
	uint32_t rule; /* of its receiver's, from 1; 0 = none */
	uint64_t
		cycle; /* mark of a cycle of waits that its executor saw it in, and since when (ns) */
	uint64_t cycle_ns;
	uint64_t key;	  /* as in struct myc_pending */
	uint32_t lenient; /* 1: does not pause its sender */
	uint32_t dropped; /* 1: is done with; 2: and its body, lent, goes home by itself */
	uint32_t why;	  /* then: as in struct myc_pending */
	uint32_t reserved;
	struct myc_slot slot;
};
_Static_assert(sizeof(struct myc_outbox_entry) == 128, "two cache lines");

/* ---- process block (MYC_BLOCK_PROCESS) ----------------------------------------------------- */

enum myc_actor_state {
	MYC_ACTOR_FREE = 0,
	MYC_ACTOR_STARTING = 1,
	MYC_ACTOR_RUNNING = 2,
	MYC_ACTOR_STOPPING = 3,
	MYC_ACTOR_MOVING = 5, /* on its way to another executor: nothing is sent to it meanwhile */
	MYC_ACTOR_ENDED = 4,  /* nobody's; what it sent and who watches it are being seen to */
};

/* Writer: the controlling thread while state is FREE or STARTING and before the executor adopted
 * the actor, then that executor. */
struct myc_actor_slot {
	/* generation 24 (low) | executor 8 | state 8 | home 8 | overflow row 8, interface row 8, 0 = none. Senders compare the
	 * low half at each message: the executor is MYC_EXECUTOR_NONE when none are taken (free, ended,
	 * draining). Home is whose it is, or was, then; signals go there. */
	uint64_t word;
	uint32_t restarts;
	uint32_t awaited;  /* MYC_ASK_ID of the ask that waits_on is about */
	uint64_t waits_on; /* address whose reply it awaits; 0 = nobody's. See core/await.h */
};

#define MYC_EXECUTOR_NONE   0xff
#define MYC_ACTOR_WORD_ROWS 0xffff000000000000ull

static inline uint64_t myc_actor_word(uint32_t generation, uint32_t executor, uint32_t state)
{
	return (uint64_t)(generation & 0xffffff) | (uint64_t)(executor & 0xff) << 24 |
	       (uint64_t)(state & 0xff) << 32;
}
static inline uint32_t myc_actor_word_generation(uint64_t word)
{
	return (uint32_t)word & 0xffffff;
}
static inline uint32_t myc_actor_word_executor(uint64_t word)
{
	return (uint32_t)(word >> 24) & 0xff;
}
static inline uint32_t myc_actor_word_state(uint64_t word)
{
	return (uint32_t)(word >> 32) & 0xff;
}
static inline uint32_t myc_actor_word_home(uint64_t word)
{
	uint32_t executor = myc_actor_word_executor(word);

	return executor != MYC_EXECUTOR_NONE ? executor : (uint32_t)(word >> 40) & 0xff;
}
static inline int myc_actor_word_lives(uint64_t word)
{
	uint32_t state = myc_actor_word_state(word);

	return state != MYC_ACTOR_FREE && state != MYC_ACTOR_ENDED;
}

static inline uint32_t myc_actor_word_overflow(uint64_t word)
{
	return (uint32_t)(word >> 48) & 0xff;
}
static inline uint32_t myc_actor_word_interface(uint64_t word)
{
	return (uint32_t)(word >> 56);
}

/* Head of the block; `slots` times struct myc_actor_slot follow. */
struct myc_process_words {
	uint32_t version; /* MYC_LANE_VERSION, written last; 0 = not laid out yet */
	uint32_t slots;
	uint32_t executors;
	uint32_t sources; /* executors and attach slots */
	uint64_t incarnation;
	uint64_t reserved[5];
	/* Counts lanes and flows that source executor i made. Writer: that source. */
	uint32_t changed[MYC_SOURCES_OF_PROCESS];
	uint32_t reserved1[8];
};
_Static_assert(sizeof(struct myc_process_words) == 384, "layout");

/* ---- mailbox block (MYC_BLOCK_MAILBOX): rows of overflow rules ------------------------------- */

/* Read by senders whose credit is spent: copied, and every value taken for what it can be. Writer: whoever
 * spawns the first actor with these rules, under the process' lock, before the actor's word names the row. */
#define MYC_OVERFLOW_RULES 8
#define MYC_OVERFLOW_ROWS  63 /* of one process, from 1 */

struct myc_overflow_words {
	uint16_t first, last; /* types */
	uint16_t policy;      /* enum myc_overflow_policy */
	uint16_t key_offset, key_size;
	uint16_t reserved;
	uint32_t keep; /* never 0 */
	char to[48];   /* name */
};
_Static_assert(sizeof(struct myc_overflow_words) == 64, "one cache line");

struct myc_overflow_row {
	uint32_t rules; /* of them in use; 0 = the row is free */
	uint32_t reserved[15];
	struct myc_overflow_words rule[MYC_OVERFLOW_RULES];
};

/* ---- interface block (MYC_BLOCK_INTERFACE): what its actors accept ---------------------------- */

/* Named by the actors' words, from 1. Writer: whoever spawns the first actor with it, under the process' lock,
 * before the actor's word names the row; who joins clears all. Readers copy it and look at the word again. */
#define MYC_INTERFACE_ROWS 255

struct myc_interface_row {
	uint32_t schema;
	uint16_t id; /* 0 = the row is free */
	uint16_t version;
	uint64_t reserved;
	char name[48]; /* zero-terminated, for people */
};
_Static_assert(sizeof(struct myc_interface_row) == 64, "one cache line");

#endif
