/* SPDX-License-Identifier: Apache-2.0 */
/* A clerk is no matcher.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_order_block order = {.quantity = 1};
	return desk_matcher_send(self, &has->clerk, &order);
#else
	struct desk_order_block order = {.quantity = 1};
	return desk_matcher_send(self, &has->matcher, &order);
#endif
}
