/* SPDX-License-Identifier: Apache-2.0 */
/* A matcher stays one.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(), on_order, on_depth, on_note, on_flush, on_cancel);
DESK_CLERK_BEHAVIOUR(other, MYC_WITH(), on_accepted, on_count, on_note);

int f(struct myc_actor *self);
int f(struct myc_actor *self)
{
#ifdef WRONG
	return desk_matcher_become(self, &other);
#else
	return desk_matcher_become(self, &it);
#endif
}
