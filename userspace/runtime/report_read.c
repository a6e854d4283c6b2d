/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/report_read.h"

#include <string.h>

#include <mycelium/abi/lane.h>

#include "memory/order.h"

#define NAME(name, text) #name,
#define TEXT(name, text) text,
const char *const myc_reason_names[MYC_REASONS_COUNT] = {MYC_REASONS(NAME)};
const char *const myc_reason_texts[MYC_REASONS_COUNT] = {MYC_REASONS(TEXT)};
const char *const myc_fact_names[MYC_FACTS_COUNT] = {MYC_FACTS(NAME)};

void myc_read_actor(const struct myc_view *view, uint32_t process, uint32_t slot,
		    struct myc_actor_metrics *metrics, struct myc_status *status)
{
	uint64_t size = 0;
	const struct myc_actor_metrics *block =
		myc_region_block(&view->region[process], MYC_BLOCK_METRICS, 0, &size);

	memset(metrics, 0, sizeof(*metrics));
	if (block && size / sizeof(*block) > slot)
		memcpy(metrics, &block[slot], sizeof(*metrics));
	if (!status)
		return;
	const struct myc_status *lines =
		myc_region_block(&view->region[process], MYC_BLOCK_STATUS, 0, &size);

	memset(status, 0, sizeof(*status));
	if (lines && size / sizeof(*lines) > slot)
		memcpy(status, &lines[slot], sizeof(*status));
	myc_order_copied(status);
	status->text[sizeof(status->text) - 1] = '\0';
}

const struct myc_executor_words *myc_read_words(const struct myc_view *view, uint32_t process,
						uint32_t executor)
{
	uint64_t size = 0;
	const struct myc_executor_words *words =
		executor < MYC_EXECUTORS_MAX ? myc_region_block(&view->region[process],
								MYC_BLOCK_EXECUTOR, executor, &size)
					     : NULL;

	return size >= sizeof(*words) ? words : NULL;
}

uint32_t myc_read_executor(const struct myc_view *view, uint32_t process, uint32_t slot,
			   uint32_t fallback)
{
	uint64_t size = 0;
	const struct myc_process_words *words =
		myc_region_block(&view->region[process], MYC_BLOCK_PROCESS, 0, &size);

	if (!words || size < sizeof(*words) ||
	    (size - sizeof(*words)) / sizeof(struct myc_actor_slot) <= slot)
		return fallback;
	const struct myc_actor_slot *at = (const struct myc_actor_slot *)(const void *)(words + 1);
	uint64_t word = __atomic_load_n(&at[slot].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_lives(word) ? myc_actor_word_home(word) : fallback;
}

void myc_read_feed(const struct myc_view *view, uint32_t process, uint16_t channel,
		   struct myc_feed_metrics *metrics)
{
	uint64_t size = 0;
	const struct myc_feed_metrics *block =
		myc_region_block(&view->region[process], MYC_BLOCK_FEED, channel, &size);

	memset(metrics, 0, sizeof(*metrics));
	if (block && size >= sizeof(*block))
		memcpy(metrics, block, sizeof(*metrics));
}

int myc_read_counters(const struct myc_run *run, const struct myc_view *view, uint32_t row,
		      struct myc_counters *sum)
{
	return myc_dataplane_counters(run->dataplane, view->region, view->processes, row, sum);
}

void myc_read_traffic(const struct myc_run *run, const struct myc_view *view,
		      struct myc_traffic *traffic)
{
	const struct myc_ledger *ledger = &traffic->ledger;

	memset(traffic, 0, sizeof(*traffic));
	if (!run->dataplane)
		return;
	for (uint32_t row = 0; row <= run->layout->dataplane.config->channels_count; row++) {
		struct myc_counters one;

		if (myc_read_counters(run, view, row, &one))
			return;
		for (uint32_t r = 0; r < MYC_REASONS_COUNT; r++) {
			traffic->all.reason[r] += one.reason[r];
			traffic->seen += one.reason[r];
		}
		for (uint32_t f = 0; f < MYC_FACTS_COUNT; f++)
			traffic->all.fact[f] += one.fact[f];
	}
	if (myc_dataplane_ledger(run->dataplane, view->region, view->processes, &traffic->ledger))
		return;
	traffic->present = true;
	traffic->redirected = traffic->all.reason[MYC_REASON_REDIRECTED] +
			      traffic->all.reason[MYC_REASON_REDIRECTED_STANDBY];
	traffic->adds_up = traffic->redirected == ledger->handled + ledger->in_hand +
							  ledger->in_rx + ledger->rx_dropped +
							  ledger->rx_ring_full + ledger->unpushed;
}
