/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint: where one actor's packets arrive, with one socket on every queue they can arrive
 * on. Packets are handled in their frames; the same interface is served by AF_XDP rings, by UDP
 * sockets and by a capture file, so that what is above cannot tell.
 *
 * Dataplane may lean on base, memory, core, protocol, registry, transport.
 *
 *	n = myc_endpoint_take(e, packets, 64);
 *	for each packet: handle it, or myc_endpoint_hold() it for later
 *	myc_endpoint_done(e);                       // the others' frames go home
 *	... later: myc_endpoint_release(e, held)    // goes home with the next done
 *
 * What a kill -9 leaves: the hand (struct myc_hand, in the owner's region) lists every frame that
 * was taken and not yet given back, with the ring indices that tell how far the exchange with the
 * kernel had got. The successor's first takes return those packets again, in order, marked
 * `again`; what is above knows from its own progress which messages of them were handled.
 */
#ifndef MYC_DATAPLANE_ENDPOINT_H
#define MYC_DATAPLANE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/abi/meta.h>
#include <mycelium/error.h>

#define MYC_BATCH_MAX 64  /* packets of one take */
#define MYC_HOLD_MAX  512 /* packets held beyond a batch, an endpoint */

struct myc_endpoint;

struct myc_packet {
	const uint8_t *payload; /* UDP payload, in its frame */
	const struct myc_meta *meta;
	uint32_t payload_size;
	uint16_t hand; /* its entry in the hand */
	bool again;    /* was in a dead predecessor's hand */
};

/* Takes up to max (<= MYC_BATCH_MAX) packets out of the rings. Any taken before must be done. */
unsigned myc_endpoint_take(struct myc_endpoint *endpoint, struct myc_packet *packets, unsigned max);
/* Keeps this packet of the present batch beyond done. -ENOSPC: MYC_HOLD_MAX are held. On success
 * packet->hand names its new entry; payload and meta stay where they are. */
int myc_endpoint_hold(struct myc_endpoint *endpoint, struct myc_packet *packet);
/* A held packet (by its `hand`) is finished with; its frame goes home with the next done. */
void myc_endpoint_release(struct myc_endpoint *endpoint, uint16_t hand);
/* The batch is finished: all frames of it that are not held, and all released, go home. */
void myc_endpoint_done(struct myc_endpoint *endpoint);
/* Anything waiting in a ring (or socket, or file)? */
bool myc_endpoint_ready(struct myc_endpoint *endpoint);
/* Descriptors to wait on; see struct myc_source. Returns 0 with spin policies. */
unsigned myc_endpoint_descriptors(struct myc_endpoint *endpoint, int *fds, unsigned max);

#endif
