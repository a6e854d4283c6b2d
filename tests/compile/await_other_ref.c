/* SPDX-License-Identifier: Apache-2.0 */
/* An awaited question goes to whom it may concern.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_order_block order = {.quantity = 1};
	return desk_matcher_ask_await(self, &has->clerk, &order, 1, 0, NULL, NULL);
#else
	struct desk_order_block order = {.quantity = 1};
	return desk_matcher_ask_await(self, &has->matcher, &order, 1, 0, NULL, NULL);
#endif
}
