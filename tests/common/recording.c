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
	case MYC_FEED_IN_DOUBT:
		return last->sequence + 1;
	case MYC_FEED_GAP:
	case MYC_FEED_FILTERED:
		return last->sequence + last->count;
	case MYC_FEED_END:
		return last->sequence;
	default:
		return 0;
	}
}

void recording_until(const struct recorder_log *log, uint64_t next, uint32_t timeout_ms)
{
	uint64_t end = myc_clock_ns() + timeout_ms * 1000000ull;

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
			/* The message may have been recorded before its worker died. */
			sums.in_doubt++;
			if (r->sequence == sums.next)
				covers = 1;
			else if (r->sequence + 1 != sums.next)
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

void recording_gaps_are(const struct recorder_log *log, const json_t *truth)
{
	const json_t *ranges =
		json_object_get(json_object_get(truth, "lost_on_all_lines"), "ranges");
	size_t at = 0, n = json_array_size(ranges);
	uint64_t first = 0, last = 0; /* of neighbouring gap events, joined */
	uint64_t count = __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);

	for (uint64_t i = 0; i <= count; i++) {
		const struct recorder_record *r = &log->record[i];
		bool gap = i < count && r->kind == MYC_FEED_GAP;

		if (gap && last && r->sequence == last + 1) {
			last += r->count;
			continue;
		}
		if (last && (gap || i == count)) {
			while (at < n && json_is_false(json_object_get(json_array_get(ranges, at),
								       "revealed")))
				at++;
			if (at == n)
				fail_msg("gap %llu..%llu was not lost", (unsigned long long)first,
					 (unsigned long long)last);
			assert_int_equal(first, json_at(json_array_get(ranges, at), "first"));
			assert_int_equal(last, json_at(json_array_get(ranges, at), "last"));
			at++;
			last = 0;
		}
		if (gap) {
			first = r->sequence;
			last = r->sequence + r->count - 1;
		}
	}
	while (at < n && json_is_false(json_object_get(json_array_get(ranges, at), "revealed")))
		at++;
	if (at != n)
		fail_msg("%zu lost ranges were not reported, the first from %lld on", n - at,
			 (long long)json_at(json_array_get(ranges, at), "first"));
}
