/* SPDX-License-Identifier: Apache-2.0 */
/* An order is answered by an accepted.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	struct desk_order_block order = {.quantity = 1};
	struct desk_accepted_block accepted = {.place = 1};
	struct desk_count_block count = {0};
	(void)count, (void)accepted;
	return desk_matcher_call(has->system, &has->matcher, &order, &count, 1);
#else
	struct desk_order_block order = {.quantity = 1};
	struct desk_accepted_block accepted = {.place = 1};
	struct desk_count_block count = {0};
	(void)count, (void)accepted;
	return desk_matcher_call(has->system, &has->matcher, &order, &accepted, 1);
#endif
}
