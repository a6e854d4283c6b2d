/* SPDX-License-Identifier: Apache-2.0 */
/* core/signal.c with the test's points, beside other sources that have functions of the same names. */
#ifndef TESTS_UNIT_SIGNAL_POINTS_H
#define TESTS_UNIT_SIGNAL_POINTS_H

#define put   put_signal
#define queue queue_signal
#define late  late_reply
#include "core/signal.c" /* NOLINT(bugprone-suspicious-include) */
#undef put
#undef queue
#undef late

#endif
