/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the regions say, for every case at its end:
 *
 *	no lane was cut off: nobody wrote what cannot be
 *	what the executors of a process sent each other was received, message for message
 *	nothing waits in an outbox or a mailbox
 *	no message was in doubt, unless the case ended a place
 */
#include "conformance/world.h"

#include "core/executor.h"

static bool doubt;
static char text[160];

void books_reset(void)
{
	doubt = false;
}

void expect_doubt(void)
{
	doubt = true;
}

bool doubt_expected(void)
{
	return doubt;
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static const struct myc_executor_words *executor_of(uint32_t place, uint32_t *executor)
{
	const struct myc_region *region = way.region(place, executor);

	return region ? myc_region_block(region, MYC_BLOCK_EXECUTOR, *executor, NULL) : NULL;
}

uint64_t counted_dead(enum myc_dead_letter why)
{
	uint64_t sum = 0;

	for (uint32_t p = 0; p < PLACES; p++) {
		uint32_t executor;
		const struct myc_executor_words *words = executor_of(p, &executor);

		sum += words ? load(&words->dead_letters[why]) : 0;
	}
	return sum;
}

uint64_t counted_dead_all(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < MYC_DEAD_LETTERS_COUNT; i++)
		sum += counted_dead((enum myc_dead_letter)i);
	return sum;
}

struct myc_actor_metrics metrics_of(const struct probe *who)
{
	uint32_t executor;
	const struct myc_region *region = way.region(who->place, &executor);
	const struct myc_actor_metrics *metrics =
		myc_region_block(region, MYC_BLOCK_METRICS, 0, NULL);
	const uint64_t *from = (const uint64_t *)&metrics[myc_address_slot(who->address)];
	struct myc_actor_metrics copy = {0};
	uint64_t *to = (uint64_t *)&copy;

	for (size_t i = 0; i < sizeof(copy) / sizeof(*to); i++)
		to[i] = load(&from[i]);
	return copy;
}

bool ended(struct probe *who)
{
	uint32_t executor;
	const struct myc_region *region = way.region(who->place, &executor);
	const struct myc_process_words *words =
		myc_region_block(region, MYC_BLOCK_PROCESS, 0, NULL);
	const struct myc_actor_slot *slot = (const struct myc_actor_slot *)(words + 1);
	uint64_t word =
		__atomic_load_n(&slot[myc_address_slot(who->address)].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) != myc_address_generation(who->address) ||
	       !myc_actor_word_lives(word);
}

/* On the executor's own thread: nobody else may look. Those of attached threads are not looked at. */
static int job_home(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct myc_executor *executor = self->executor;
	const struct myc_workspace *workspace = &executor->system->workspace;
	uint64_t size;
	const struct myc_pools *block = myc_region_block(&workspace->regions[workspace->process],
							 MYC_BLOCK_POOL, executor->index, &size);
	struct myc_pool_shape shape;

	(void)me;
	(void)a;
	if (!block || myc_pool_shape(block, size, &shape))
		return -EPROTO;
	const struct myc_buffer *buffer = (const void *)((const char *)block + shape.headers);

	for (uint32_t b = 0; b < shape.buffers; b++)
		if (buffer[b].out || buffer[b].incarnation)
			return -EAGAIN;
	return 0;
}

static bool home(void)
{
	for (uint32_t p = 0; p < PLACES; p++)
		if (shared->started[p] && let(keeper_of(p), job_home, 0, 0, 0, 0))
			return false;
	return true;
}

void expect_bodies_home(void)
{
	for (int i = 0; i < 1000 && !home(); i++)
		settle();
	assert_true(home());
}

/* Counted by executor `to` of `region` of what came from the other end. */
static uint64_t counted(const struct myc_executor_words *words, uint64_t end)
{
	const char *at = (const char *)(words + 1);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < words->lanes_in; i++, at += myc_lane_in_size(MYC_LANE_FLOWS)) {
		const struct myc_lane_in *half = (const void *)at;
		const uint64_t *flow = (const uint64_t *)(half + 1);

		if (load(&half->cursor.source) != end)
			continue;
		for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++)
			sum += load(&flow[f]) >> 32;
	}
	return sum;
}

/* Sent by executor `from` of a region towards the other end. */
static uint64_t sent(const struct myc_region *region, uint32_t from, uint64_t end)
{
	const struct myc_lanes *lanes = myc_region_block(region, MYC_BLOCK_LANES, from, NULL);
	const uint64_t *directory = (const uint64_t *)(lanes + 1);
	uint64_t sum = 0;

	for (uint32_t lane = 0; lane < lanes->lanes; lane++) {
		const struct myc_flow *flow =
			(const void *)((const char *)lanes + myc_lane_offset(lanes, lane));

		if (load(&directory[lane]) != end)
			continue;
		for (uint32_t f = 0; f < lanes->flows; f++)
			sum += load(&flow[f].sent) >> 32;
	}
	return sum;
}

static const char *sums_wrong(uint32_t p, uint32_t q)
{
	uint32_t from, to;
	const struct myc_region *region = way.region(p, &from);
	const struct myc_executor_words *words = executor_of(q, &to);

	if (!region || region != way.region(q, &to))
		return NULL;
	uint32_t process = way.processes ? p : 0;
	uint64_t out = sent(region, from, myc_lane_end(process, to));
	uint64_t in = counted(words, myc_lane_end(process, from));

	if (out == in)
		return NULL;
	snprintf(text, sizeof(text), "executor %u sent %llu to %u, which counted %llu", from,
		 (unsigned long long)out, to, (unsigned long long)in);
	return text;
}

const char *books_wrong(bool orderly)
{
	for (uint32_t p = 0; p < PLACES; p++) {
		uint32_t executor;
		const struct myc_executor_words *words = executor_of(p, &executor);

		if (!words)
			continue;
		for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
			if (load(&words->lane_faults[i]))
				return "a lane was cut off";
		if (!doubt && load(&words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT]))
			return "a message is in doubt, and nobody died";
		for (uint32_t q = 0; orderly && q < PLACES; q++)
			if (sums_wrong(p, q))
				return text;
	}
	return NULL;
}
