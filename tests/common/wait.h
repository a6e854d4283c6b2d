/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for what another thread or process does. */
#ifndef TESTS_COMMON_WAIT_H
#define TESTS_COMMON_WAIT_H

#include <stdbool.h>
#include <time.h>

#include "common/test.h"

/* Ends as soon as the condition holds; fails after 20 seconds in which it did not. */
#define wait_until(condition)                                                 \
	do {                                                                  \
		struct timespec nap_ = {.tv_nsec = 50000};                    \
		bool held_ = false;                                           \
		for (int i_ = 0; i_ < 400000 && !(held_ = (condition)); i_++) \
			nanosleep(&nap_, NULL);                               \
		assert_true(held_);                                           \
	} while (0)

#endif
