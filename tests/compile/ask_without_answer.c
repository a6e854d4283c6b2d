/* SPDX-License-Identifier: Apache-2.0 */
/* A cancel is told, not asked.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_cancel_block cancel = {.order_id = 1};
	return desk_matcher_ask(self, &has->matcher, &cancel, 1, 0, NULL);
#else
	struct desk_cancel_block cancel = {.order_id = 1};
	return desk_matcher_send(self, &has->matcher, &cancel);
#endif
}
