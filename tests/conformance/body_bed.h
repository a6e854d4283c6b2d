/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of bodies share. */
#ifndef TESTS_CONFORMANCE_BODY_BED_H
#define TESTS_CONFORMANCE_BODY_BED_H

#include "conformance/cases.h"

static inline int job_give(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	myc_body_give(self, &me->body[a[0]]);
	return 0;
}

#endif
