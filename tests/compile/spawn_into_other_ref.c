/* SPDX-License-Identifier: Apache-2.0 */
/* What is made is a matcher.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(), on_order, on_depth, on_note, on_flush, on_cancel);
DESK_CLERK_BEHAVIOUR(other, MYC_WITH(), on_accepted, on_count, on_note);

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	return desk_matcher_spawn(has->system, &it, NULL, &has->clerk, NULL);
#else
	return desk_matcher_spawn(has->system, &it, NULL, &has->matcher, NULL);
#endif
}
