/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How states go between a thread that asks and the actor's executor: through a window in the writer's
 * region, which the other copies. One for each executor (what its actors' states are, index = executor), one for the
 * plain threads of a process (what they are to become, index MYC_EXECUTORS_MAX).
 *
 * A sequence lock: odd while it is written. The sequence of what was written goes by the signal or its
 * reply; who copies looks at it before and after, and refuses what has another.
 */
#ifndef MYCELIUM_ABI_STATE_H
#define MYCELIUM_ABI_STATE_H

#include <stdint.h>

#define MYC_STATE_WINDOW 65536

struct myc_state_window {
	uint64_t sequence;
	uint64_t reserved[7];
	uint64_t word[MYC_STATE_WINDOW / 8];
};
_Static_assert(sizeof(struct myc_state_window) == 64 + MYC_STATE_WINDOW, "layout");

#define MYC_SIGNAL_STATE 0xff30 /* slot type: struct myc_signal_state, urgent */

enum myc_state_what { MYC_STATE_TELL = 1, MYC_STATE_TAKE = 2 };
struct myc_signal_state {
	uint64_t to;
	uint64_t asker;		/* the thread's address: of the same process as the lane */
	uint64_t sequence;	/* TAKE: of that process' threads' window */
	uint32_t what;		/* enum myc_state_what */
	uint32_t size, version; /* TAKE */
	uint32_t reserved;
};
_Static_assert(sizeof(struct myc_signal_state) == 40, "a slot's payload");

/* The reply to TELL; of type MYC_STATE_TELL. */
struct myc_state_told {
	uint64_t sequence; /* of the executor's window */
	uint32_t process, executor;
	uint32_t size, version;
};

#endif
