/* SPDX-License-Identifier: Apache-2.0 */
#include "common/recording.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/feed.h>

#include "base/clock.h"
#include "common/test.h"

struct recorder_log *recording_new(const struct lab *lab, const char *name, uint64_t records)
{
	size_t size = sizeof(struct recorder_log) + records * sizeof(struct recorder_record);
	int fd = open(lab_path(lab, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	struct recorder_log *log = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(log != MAP_FAILED);
	close(fd);
	log->capacity = records;
	return log;
}

void recording_free(struct recorder_log *log)
{
	munmap(log, sizeof(*log) + log->capacity * sizeof(log->record[0]));
}

json_t *lab_json(const struct lab *lab, const char *name)
{
	json_error_t error;
	json_t *root = json_load_file(lab_path(lab, name), 0, &error);

	if (!root)
		fail_msg("%s:%d: %s", name, error.line, error.text);
	return root;
}

int64_t json_at(const json_t *root, const char *path)
{
	char text[256];
	const json_t *at = root;
	char *save = NULL;

	snprintf(text, sizeof(text), "%s", path);
	for (char *key = strtok_r(text, ".", &save); key; key = strtok_r(NULL, ".", &save))
		at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
				       : json_object_get(at, key);
	if (!json_is_number(at))
		fail_msg("no number at '%s' in the report", path);
	return (int64_t)json_number_value(at);
}

static uint64_t reached(const struct recorder_log *log, uint64_t count)
{
	const struct recorder_record *last = &log->record[count - 1];

	switch (last->kind) {
	case MYC_FEED_MESSAGE:
		return last->sequence + 1;
	case MYC_FEED_IN_DOUBT:
	case MYC_FEED_GAP:
	case MYC_FEED_FILTERED:
		return last->sequence + last->count;
	case MYC_FEED_END:
	case MYC_FEED_RESUMED:
		return last->sequence;
	default:
		return 0;
	}
}

void recording_until(const struct recorder_log *log, uint64_t next, uint32_t timeout_ms)
{
	uint64_t end = myc_clock_ns() + timeout_ms * 1000000ull * test_slowness();

	for (;;) {
		uint64_t count = __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);

		assert_true(count <= log->capacity);
		if (count && reached(log, count) >= next)
			return;
		if (myc_clock_ns() > end)
			fail_msg("after %u ms: %llu events, up to message %llu of %llu", timeout_ms,
				 (unsigned long long)count,
				 (unsigned long long)(count ? reached(log, count) : 0),
				 (unsigned long long)next);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
}

struct recording_sums recording_walk(const struct recorder_log *log)
{
	struct recording_sums sums = {0};
	uint64_t count = __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);
	bool open = false;

	assert_true(count <= log->capacity);
	for (uint64_t i = 0; i < count; i++) {
		const struct recorder_record *r = &log->record[i];
		uint64_t covers = 0;

		switch (r->kind) {
		case MYC_FEED_SESSION:
			sums.sessions++;
			sums.first = sums.next = r->count;
			open = true;
			break;
		case MYC_FEED_MESSAGE:
			covers = 1;
			sums.messages++;
			break;
		case MYC_FEED_GAP:
			covers = r->count;
			sums.gaps++;
			sums.lost += r->count;
			break;
		case MYC_FEED_FILTERED:
			covers = r->count;
			sums.filtered += r->count;
			break;
		case MYC_FEED_IN_DOUBT:
			/* What was in hand may have been recorded before its worker died. */
			sums.in_doubt++;
			if (r->sequence == sums.next)
				covers = r->count;
			else if (r->sequence + r->count != sums.next)
				fail_msg("event %llu: in doubt %llu, but next is %llu",
					 (unsigned long long)i, (unsigned long long)r->sequence,
					 (unsigned long long)sums.next);
			break;
		case MYC_FEED_RESUMED:
			sums.resumed++;
			break;
		case MYC_FEED_END:
			sums.ends++;
			break;
		case MYC_FEED_MALFORMED:
			sums.malformed++;
			break;
		default:
			break;
		}
		if (!covers)
			continue;
		if (!open || r->sequence != sums.next)
			fail_msg("event %llu (kind %u): message %llu, expected %llu",
				 (unsigned long long)i, r->kind, (unsigned long long)r->sequence,
				 (unsigned long long)sums.next);
		sums.next = r->sequence + covers;
	}
	return sums;
}

/* The next of the lost ranges that something later revealed; NULL = none left. */
static const json_t *next_lost(const json_t *ranges, size_t *at)
{
	while (*at < json_array_size(ranges)) {
		const json_t *range = json_array_get(ranges, *at);

		if (!json_is_false(json_object_get(range, "revealed")))
			return range;
		(*at)++;
	}
	return NULL;
}

static bool is_range(const json_t *range, uint64_t first, uint64_t last)
{
	return range && (uint64_t)json_at(range, "first") == first &&
	       (uint64_t)json_at(range, "last") == last;
}

void recording_gaps_are(const struct recorder_log *log, const json_t *truth)
{
	const json_t *ranges =
		json_object_get(json_object_get(truth, "lost_on_all_lines"), "ranges");
	uint64_t count = __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);
	size_t at = 0;

	for (uint64_t i = 0; i < count; i++) {
		const struct recorder_record *r = &log->record[i];
		uint64_t first = r->sequence, last = r->sequence + r->count - 1;

		/* A gap in hand at a kill was told or was not. */
		if (r->kind == MYC_FEED_IN_DOUBT && is_range(next_lost(ranges, &at), first, last))
			at++;
		if (r->kind != MYC_FEED_GAP)
			continue;
		/* Neighbouring gaps are one loss. */
		while (i + 1 < count && r[1].kind == MYC_FEED_GAP && r[1].sequence == last + 1) {
			i++;
			r++;
			last = r->sequence + r->count - 1;
		}
		if (!is_range(next_lost(ranges, &at), first, last))
			fail_msg("event %llu: gap %llu..%llu was not lost on every line",
				 (unsigned long long)i, (unsigned long long)first,
				 (unsigned long long)last);
		at++;
	}
	const json_t *left = next_lost(ranges, &at);
	if (left)
		fail_msg("%zu lost ranges were not reported, the first from %lld on",
			 json_array_size(ranges) - at, (long long)json_at(left, "first"));
}
