/* SPDX-License-Identifier: Apache-2.0 */
/* An order is not answered by a count.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, const struct desk_matcher_order_asked *asked);
int f(struct myc_actor *self, const struct desk_matcher_order_asked *asked)
{
#ifdef WRONG
	struct desk_accepted_block accepted = {.place = 1};
	struct desk_count_block count = {0};
	(void)count, (void)accepted;
	return desk_matcher_reply(self, asked, &count);
#else
	struct desk_accepted_block accepted = {.place = 1};
	struct desk_count_block count = {0};
	(void)count, (void)accepted;
	return desk_matcher_reply(self, asked, &accepted);
#endif
}
