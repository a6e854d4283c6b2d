/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency Kit's ring, one producer and one consumer, elements by value. */
#include <ck_ring.h>

#define RING_MODE "ck_ring SPSC, 40-byte elements"
#include "ring.h"

/* cppcheck-suppress unknownMacro */
CK_RING_PROTOTYPE(message, message)

static ck_ring_t ring[2];
static struct message *buffer[2];

static bool ring_push(int which, const struct message *message)
{
	/* The type says nothing of const; the element is copied. */
	return CK_RING_ENQUEUE_SPSC(message, &ring[which], buffer[which],
				    (struct message *)(uintptr_t)message);
}

static bool ring_pop(int which, struct message *message)
{
	return CK_RING_DEQUEUE_SPSC(message, &ring[which], buffer[which], message);
}

int main(void)
{
	for (int i = 0; i < 2; i++) {
		ck_ring_init(&ring[i], MEASURE_RING);
		buffer[i] = aligned_alloc(64, sizeof(struct message) * MEASURE_RING);
		if (!buffer[i]) {
			fprintf(stderr, "no ring\n");
			return 1;
		}
	}
	ring_course();
	return 0;
}
