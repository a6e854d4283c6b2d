/* SPDX-License-Identifier: Apache-2.0 */
/* A clerk never gets an order.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	struct desk_order_block order = {.quantity = 1};
	struct desk_accepted_block accepted = {.place = 1};
	(void)order, (void)accepted;
	return desk_clerk_expect(has->kit, &has->clerk, &order);
#else
	struct desk_order_block order = {.quantity = 1};
	struct desk_accepted_block accepted = {.place = 1};
	(void)order, (void)accepted;
	return desk_clerk_expect(has->kit, &has->clerk, &accepted);
#endif
}
