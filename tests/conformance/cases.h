/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of cases, a file each; a row without a name ends one. */
#ifndef TESTS_CONFORMANCE_CASES_H
#define TESTS_CONFORMANCE_CASES_H

#include "conformance/jobs.h"

#define CONFORM_TABLES(X)  \
	X(send)            \
	X(credit)          \
	X(body)            \
	X(body_on)         \
	X(ask)             \
	X(reply)           \
	X(gather)          \
	X(large)           \
	X(large_wait)      \
	X(await)           \
	X(monitor)         \
	X(link)            \
	X(stop)            \
	X(suspend)         \
	X(death)           \
	X(death_hand)      \
	X(caretaker)       \
	X(books)           \
	X(timer)           \
	X(spawn)           \
	X(become)          \
	X(stash)           \
	X(overflow)        \
	X(overflow_outbox) \
	X(urgent)          \
	X(within)          \
	X(letter)          \
	X(state)           \
	X(reference)       \
	X(strong)          \
	X(holder)          \
	X(holder_process)  \
	X(keyed_timer)     \
	X(group)           \
	X(registry)        \
	X(topic)           \
	X(workers)         \
	X(workers_large)   \
	X(breaker)         \
	X(cycle)           \
	X(thread)          \
	X(share)           \
	X(shutdown)        \
	X(unbounded)

#define TABLE(name) extern const struct conform_case cases_##name[];
CONFORM_TABLES(TABLE)
#undef TABLE

#endif
