/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a feed needs of dataplane/, core/ and memory/, played in memory: define once in a test
 * program (the library's own are then not linked). One endpoint, one actor, one feed block a channel.
 */
#ifndef TESTS_UNIT_FAKE_ENDPOINT_H
#define TESTS_UNIT_FAKE_ENDPOINT_H

#include <errno.h>
#include <string.h>

#include "common/test.h"
#include "market/feed.h"

#define FAKE_PACKETS_MAX  40000
#define FAKE_CHANNELS_MAX 4

static struct fake {
	struct myc_packet packet[FAKE_PACKETS_MAX]; /* in the ring, in order of arrival */
	uint32_t packets, taken;
	struct myc_packet hand[MYC_BATCH_MAX + MYC_HOLD_MAX]; /* by number; payload NULL = free */
	bool held[MYC_BATCH_MAX + MYC_HOLD_MAX];
	bool open; /* a batch is out */
	uint32_t dones;

	struct myc_feed_block block[FAKE_CHANNELS_MAX];
	struct myc_channel_config config[FAKE_CHANNELS_MAX];
	struct myc_channel_state state[FAKE_CHANNELS_MAX];
	struct myc_filtered_window window[FAKE_CHANNELS_MAX];
	struct myc_locate_filter locate[FAKE_CHANNELS_MAX];
	struct myc_process_page page;

	/* The actor. */
	uint64_t ready_for; /* feed events until it is not ready */
	int (*handle)(const struct myc_feed_event *event);
} fake;

unsigned myc_endpoint_take(struct myc_endpoint *endpoint, struct myc_packet *packets, unsigned max)
{
	unsigned n = 0;

	(void)endpoint;
	assert_false(fake.open);
	for (uint16_t hand = 0; n < max && fake.taken < fake.packets; hand++) {
		if (fake.hand[hand].payload)
			continue;
		packets[n] = fake.packet[fake.taken++];
		packets[n].hand = hand;
		fake.hand[hand] = packets[n++];
	}
	fake.open = n > 0;
	return n;
}

int myc_endpoint_hold(struct myc_endpoint *endpoint, struct myc_packet *packet)
{
	(void)endpoint;
	assert_true(fake.open && fake.hand[packet->hand].payload && !fake.held[packet->hand]);
	fake.held[packet->hand] = true;
	return 0;
}

void myc_endpoint_release(struct myc_endpoint *endpoint, uint16_t hand)
{
	(void)endpoint;
	assert_true(fake.held[hand]);
	fake.held[hand] = false;
}

void myc_endpoint_done(struct myc_endpoint *endpoint)
{
	(void)endpoint;
	fake.dones++;
	fake.open = false;
	for (unsigned i = 0; i < MYC_BATCH_MAX + MYC_HOLD_MAX; i++)
		if (!fake.held[i])
			fake.hand[i].payload = NULL;
}

bool myc_endpoint_ready(struct myc_endpoint *endpoint)
{
	(void)endpoint;
	return fake.taken < fake.packets;
}

unsigned myc_endpoint_descriptors(struct myc_endpoint *endpoint, int *fds, unsigned max)
{
	(void)endpoint;
	(void)fds;
	(void)max;
	return 0;
}

int myc_endpoint_view(struct myc_endpoint *endpoint, uint16_t channel,
		      struct myc_channel_view *view)
{
	(void)endpoint;
	if (channel >= FAKE_CHANNELS_MAX)
		return -ENOENT;
	*view = (struct myc_channel_view){
		.channel = channel,
		.config = &fake.config[channel],
		.state = &fake.state[channel],
		.window = &fake.window[channel],
		.page = &fake.page.channel[channel],
		.locate = &fake.locate[channel],
	};
	return 0;
}

void *myc_region_block(const struct myc_region *region, uint32_t kind, uint32_t index,
		       uint64_t *size)
{
	(void)region;
	if (kind != MYC_BLOCK_FEED || index >= FAKE_CHANNELS_MAX)
		return NULL;
	*size = sizeof(fake.block[index]);
	return &fake.block[index];
}

int myc_region_plan_add(struct myc_region_plan *plan, uint32_t kind, uint32_t index, uint64_t size)
{
	plan->block[plan->count].kind = kind;
	plan->block[plan->count].index = index;
	plan->block[plan->count++].size = size;
	return 0;
}

bool myc_actor_ready(const struct myc_actor *actor)
{
	(void)actor;
	return fake.ready_for > 0;
}

int myc_actor_feed(struct myc_actor *actor, const struct myc_feed_event *event)
{
	(void)actor;
	assert_true(fake.ready_for > 0);
	fake.ready_for--;
	return fake.handle(event);
}

/* A successor's endpoint: what was in the hand comes first, again, in order of arrival. */
static inline void fake_restart(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fake.taken; i++) {
		for (unsigned h = 0; h < MYC_BATCH_MAX + MYC_HOLD_MAX; h++) {
			if (fake.hand[h].payload != fake.packet[i].payload)
				continue;
			fake.packet[n] = fake.packet[i];
			fake.packet[n++].again = true;
			break;
		}
	}
	memmove(&fake.packet[n], &fake.packet[fake.taken],
		(fake.packets - fake.taken) * sizeof(fake.packet[0]));
	fake.packets = n + fake.packets - fake.taken;
	fake.taken = 0;
	fake.open = false;
	memset(fake.hand, 0, sizeof(fake.hand));
	memset(fake.held, 0, sizeof(fake.held));
}

static inline void fake_add(const uint8_t *payload, uint32_t size, const struct myc_meta *meta)
{
	assert_true(fake.packets < FAKE_PACKETS_MAX);
	fake.packet[fake.packets++] =
		(struct myc_packet){.payload = payload, .meta = meta, .payload_size = size};
}

#endif
