/* SPDX-License-Identifier: Apache-2.0 */
/* A thread has no self: it posts.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	struct desk_order_block order = {.quantity = 1};
	return desk_matcher_send(has->system, &has->matcher, &order);
#else
	struct desk_order_block order = {.quantity = 1};
	return desk_matcher_post(has->system, &has->matcher, &order, 1);
#endif
}
