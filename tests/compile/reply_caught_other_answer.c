/* SPDX-License-Identifier: Apache-2.0 */
/* A probe answers an order as a matcher does.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	struct desk_count_block count = {.orders = 1};
	return desk_matcher_order_reply_caught(has->kit, &has->caught, &count);
#else
	struct desk_accepted_block accepted = {.place = 1};
	return desk_matcher_order_reply_caught(has->kit, &has->caught, &accepted);
#endif
}
