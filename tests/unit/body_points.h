/* SPDX-License-Identifier: Apache-2.0 */
/* core/body.c with the test's points, beside other sources that have functions of the same names. */
#ifndef TESTS_UNIT_BODY_POINTS_H
#define TESTS_UNIT_BODY_POINTS_H

#define publish publish_body
#define take	take_body
#define count	count_body
#define lend	lend_body
#include "core/body.c" /* NOLINT(bugprone-suspicious-include) */
#undef publish
#undef take
#undef count
#undef lend

#endif
