/* SPDX-License-Identifier: Apache-2.0 */
/*
 * myc-feed: an exchange on a bench. The packets that flow through it:
 *
 *	source -> packetizer (one a line) -> impairment (one a line) -> merge by time -> output
 *	(items)                (packets)            loss, dup, reorder                    pace
 *
 * Everything up to the output is a function of the options and the seed: the clock in it is the
 * feed's own. One thread. A kill -9 leaves nothing but what was sent and a cut capture file.
 *
 * A packet is born in the pool of its line, belongs to whoever holds it, and goes back by
 * packet_free.
 */
#ifndef MYC_FEED_PACKET_H
#define MYC_FEED_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_LINES_MAX	 4
#define PACKET_BYTES_MAX 9216 /* a jumbo frame; larger captured packets are refused by name */

enum packet_kind {
	PACKET_DATA,
	PACKET_HEARTBEAT,
	PACKET_END,    /* end of session */
	PACKET_OPAQUE, /* nothing is known about its contents */
};

struct packet {
	struct packet *next;
	uint64_t time_ns;  /* when it leaves, feed's clock */
	uint64_t sequence; /* of its first message; heartbeat, end: the next to come */
	uint32_t run;	   /* sequence space it belongs to: index into the truth's runs */
	uint16_t count;	   /* messages in it */
	uint8_t line;
	uint8_t kind; /* enum packet_kind */
	uint32_t
		payload_at; /* where the UDP payload starts in bytes; not 0: bytes is a whole captured frame */
	uint32_t size; /* of all bytes */
	uint8_t bytes[PACKET_BYTES_MAX];
};

/* First in, first out; also the free list. */
struct packet_queue {
	struct packet *first;
	struct packet *last;
};

void packet_push(struct packet_queue *queue, struct packet *packet);
struct packet *packet_pop(struct packet_queue *queue);

/* NULL: out of memory. Contents are those of an earlier packet, `next` is NULL. */
struct packet *packet_new(struct packet_queue *pool);
/* A copy without the unused bytes; NULL: out of memory. */
struct packet *packet_copy(struct packet_queue *pool, const struct packet *packet);
void packet_free(struct packet_queue *pool, struct packet *packet);
void packet_pool_close(struct packet_queue *pool);

/* Where a packet goes next. Takes the packet over. 0 or -ENOMEM. */
struct packet_sink {
	int (*take)(void *context, struct packet *packet);
	void *context;
};

/* xorshift64*: chance comes from the seed alone. */
struct chance {
	uint64_t state;
};

/* `purpose` separates streams of one seed: lines, loss, reorder ... */
static inline struct chance chance_seeded(uint64_t seed, uint64_t purpose)
{
	uint64_t x = seed + 0x9e3779b97f4a7c15ull * (purpose + 1); /* splitmix64 */

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	x ^= x >> 31;
	return (struct chance){.state = x ? x : 1};
}

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t x = chance->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	chance->state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* True with probability `share` (0..1). Draws even when share is 0, so that changing one rate does
 * not move the dice of another. */
static inline bool chance_hits(struct chance *chance, double share)
{
	return (double)(chance_next(chance) >> 11) * 0x1.0p-53 < share;
}

#endif
