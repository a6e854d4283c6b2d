/* SPDX-License-Identifier: Apache-2.0 */
/* A topic of a clerk's messages carries no orders.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_order_block order = {.quantity = 1};
	struct desk_accepted_block accepted = {.place = 1};
	(void)order, (void)accepted;
	return desk_clerk_publish(self, &has->news, 1, &order);
#else
	struct desk_order_block order = {.quantity = 1};
	struct desk_accepted_block accepted = {.place = 1};
	(void)order, (void)accepted;
	return desk_clerk_publish(self, &has->news, 1, &accepted);
#endif
}
