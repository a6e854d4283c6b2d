/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source: something outside the actor system that an executor polls each turn (an AF_XDP
 * endpoint, a descriptor, a control word). Owned by whoever registers it; used only on the
 * executor's thread after the executor has started.
 */
#ifndef MYC_CORE_SOURCE_H
#define MYC_CORE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct myc_source {
	/* Does up to `budget` units of work, returns how many were done (0 = nothing there). */
	unsigned (*poll)(struct myc_source *source, unsigned budget);
	/* Is something there? Called after the executor announced that it is asleep. */
	bool (*ready)(struct myc_source *source);
	/* CLOCK_MONOTONIC at which poll wants to be called though nothing came; UINT64_MAX = never. */
	uint64_t (*deadline_ns)(struct myc_source *source);
	/* Descriptors that become readable when something comes: fills at most `max`, returns how
	 * many there are. NULL or 0 = none: the executor must not sleep while this source is open. */
	unsigned (*descriptors)(struct myc_source *source, int *fds, unsigned max);
	bool timed; /* nothing comes to it but the time of deadline_ns: it has no descriptors, and keeps nobody awake */
	struct myc_source *next;
};

#endif
