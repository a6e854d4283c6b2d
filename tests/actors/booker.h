/* SPDX-License-Identifier: Apache-2.0 */
/* What the booker actor writes: a file that outlives its process, read by the tests. */
#ifndef TESTS_ACTORS_BOOKER_H
#define TESTS_ACTORS_BOOKER_H

#include <stdint.h>

struct booker_log {
	uint64_t messages; /* given to the book */
	uint64_t unknown, duplicate, refused, malformed;
	uint64_t ends; /* of session; stored last */
};

#endif
