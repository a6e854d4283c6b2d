/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor that writes down every feed event it is given, in order, into a file that survives it.
 * Settings: log (path of an existing file of the wanted size), delay_ns (busy time for each message).
 */
#include "actors/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

struct recorder {
	struct recorder_log *log;
	uint64_t delay_ns;
};

static int recorder_init(struct myc_actor *self)
{
	struct recorder *recorder = myc_state(self);
	const char *path = myc_setting(self, "log", NULL);
	struct stat stat;

	recorder->delay_ns = strtoull(myc_setting(self, "delay_ns", "0"), NULL, 10);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) || (size_t)stat.st_size < sizeof(struct recorder_log)) {
		close(fd);
		return -EINVAL;
	}
	recorder->log = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (recorder->log == MAP_FAILED)
		return -errno;
	recorder->log->capacity = ((uint64_t)stat.st_size - sizeof(struct recorder_log)) /
				  sizeof(struct recorder_record);
	recorder->log->starts++;
	return 0;
}

static void spend(uint64_t ns)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((uint64_t)(now.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
		       (uint64_t)begin.tv_nsec <
	       ns);
}

static int recorder_feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	struct recorder *recorder = myc_state(self);
	struct recorder_log *log = recorder->log;
	uint64_t checksum = 0xcbf29ce484222325ull;

	if (event->kind == MYC_FEED_HEARTBEAT) {
		log->heartbeats++;
		return 0;
	}
	if (event->kind == MYC_FEED_BATCH_END)
		return 0;
	if (event->kind == MYC_FEED_MESSAGE || event->kind == MYC_FEED_PACKET)
		for (uint32_t i = 0; i < event->size; i++)
			checksum = (checksum ^ event->data[i]) * 0x100000001b3ull;
	if (log->count < log->capacity)
		log->record[log->count] = (struct recorder_record){
			.sequence = event->sequence,
			.count = event->count,
			.checksum = checksum,
			.size = event->size,
			.channel = event->channel,
			.kind = event->kind,
			.line = event->line,
		};
	/* Pairs with the reading test's acquire: a counted record is whole. */
	__atomic_store_n(&log->count, log->count + 1, __ATOMIC_RELEASE);
	if (recorder->delay_ns)
		spend(recorder->delay_ns);
	while (__atomic_load_n(&log->stalled, __ATOMIC_ACQUIRE))
		spend(10000);
	return 0;
}

static void recorder_status(struct myc_actor *self, struct myc_status *status)
{
	const struct recorder *recorder = myc_state(self);

	snprintf(status->text, sizeof(status->text), "%llu events",
		 (unsigned long long)recorder->log->count);
}

const struct myc_behaviour myc_behaviour_recorder = {
	.name = "recorder",
	.state_size = sizeof(struct recorder),
	.init = recorder_init,
	.feed = recorder_feed,
	.status = recorder_status,
};
