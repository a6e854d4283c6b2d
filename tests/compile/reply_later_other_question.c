/* SPDX-License-Identifier: Apache-2.0 */
/* A question that was kept keeps its type.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, const struct desk_matcher_order_later *later);
int f(struct myc_actor *self, const struct desk_matcher_order_later *later)
{
#ifdef WRONG
	struct desk_accepted_block accepted = {.place = 1};
	struct desk_count_block count = {0};
	(void)count, (void)accepted;
	return desk_matcher_reply(self, later, &count);
#else
	struct desk_accepted_block accepted = {.place = 1};
	struct desk_count_block count = {0};
	(void)count, (void)accepted;
	return desk_matcher_reply(self, later, &accepted);
#endif
}
