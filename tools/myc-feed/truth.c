/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/truth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int truth_begin(struct truth *truth, const char *session, enum truth_begin begin, uint64_t first)
{
	struct truth_run *run = reallocarray(truth->run, truth->runs + 1, sizeof(*truth->run));

	if (!run)
		return -ENOMEM;
	truth->run = run;
	run += truth->runs++;
	*run = (struct truth_run){
		.begin = begin, .first = first, .next = first, .revealed_next = first};
	snprintf(run->session, sizeof(run->session), "%s", session);
	return 0;
}

static int ranges_append(struct truth_ranges *ranges, struct truth_range range)
{
	if (!ranges->range || ranges->count == ranges->room) {
		uint64_t room = ranges->room ? 2 * ranges->room : 64;
		struct truth_range *grown =
			reallocarray(ranges->range, room, sizeof(*ranges->range));

		if (!grown)
			return -ENOMEM;
		ranges->range = grown;
		ranges->room = room;
	}
	ranges->range[ranges->count++] = range;
	return 0;
}

int truth_lost(struct truth *truth, uint32_t line, uint32_t run, uint64_t first, uint64_t count)
{
	struct truth_ranges *lost = &truth->lost[line];
	struct truth_range *last = lost->count ? &lost->range[lost->count - 1] : NULL;

	if (!count)
		return 0;
	if (last && last->run == run && last->last + 1 == first) {
		last->last += count;
		return 0;
	}
	return ranges_append(
		lost, (struct truth_range){.run = run, .first = first, .last = first + count - 1});
}

void truth_sent(struct truth *truth, uint32_t run, uint64_t next)
{
	if (truth->run[run].revealed_next < next)
		truth->run[run].revealed_next = next;
}

static bool before(const struct truth_range *one, const struct truth_range *other)
{
	return one->run < other->run || (one->run == other->run && one->last < other->last);
}

static int intersect(const struct truth_ranges *left, const struct truth_ranges *right,
		     struct truth_ranges *both)
{
	uint64_t l = 0, r = 0;

	while (l < left->count && r < right->count) {
		const struct truth_range *a = &left->range[l], *b = &right->range[r];
		struct truth_range common = {
			.run = a->run,
			.first = a->first > b->first ? a->first : b->first,
			.last = a->last < b->last ? a->last : b->last,
		};

		if (a->run == b->run && common.first <= common.last && ranges_append(both, common))
			return -ENOMEM;
		if (before(a, b))
			l++;
		else
			r++;
	}
	return 0;
}

/* Marks what a receiver can know of, splitting a range that is known in part. */
static int split_revealed(const struct truth *truth, const struct truth_ranges *from,
			  struct truth_ranges *to)
{
	int err = 0;

	for (uint64_t i = 0; !err && i < from->count; i++) {
		struct truth_range range = from->range[i], rest = range;
		uint64_t next = truth->run[range.run].revealed_next;

		range.revealed = range.first < next;
		if (range.revealed && range.last >= next) {
			rest.first = next;
			range.last = next - 1;
			err = ranges_append(to, range);
			range = rest;
		}
		if (!err)
			err = ranges_append(to, range);
	}
	return err;
}

int truth_lost_on_all(const struct truth *truth, struct truth_ranges *ranges)
{
	struct truth_ranges common = {0};
	int err = 0;

	*ranges = (struct truth_ranges){0};
	for (uint64_t i = 0; !err && i < truth->lost[0].count; i++)
		err = ranges_append(&common, truth->lost[0].range[i]);
	for (uint32_t line = 1; !err && line < truth->lines; line++) {
		struct truth_ranges next = {0};

		err = intersect(&common, &truth->lost[line], &next);
		truth_ranges_close(&common);
		common = next;
	}
	if (!err)
		err = split_revealed(truth, &common, ranges);
	truth_ranges_close(&common);
	return err;
}

uint64_t truth_messages(const struct truth_ranges *ranges, bool revealed)
{
	uint64_t messages = 0;

	for (uint64_t i = 0; i < ranges->count; i++)
		if (ranges->range[i].revealed == revealed)
			messages += ranges->range[i].last - ranges->range[i].first + 1;
	return messages;
}

void truth_ranges_close(struct truth_ranges *ranges)
{
	free(ranges->range);
	*ranges = (struct truth_ranges){0};
}

void truth_close(struct truth *truth)
{
	for (uint32_t line = 0; line < FEED_LINES_MAX; line++)
		truth_ranges_close(&truth->lost[line]);
	free(truth->run);
	*truth = (struct truth){0};
}
