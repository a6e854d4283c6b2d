/* SPDX-License-Identifier: Apache-2.0 */
/* The same as a literal.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	return desk_matcher_send(self, &has->matcher, &(struct desk_count_block){.orders = 1});
#else
	return desk_clerk_send(self, &has->clerk, &(struct desk_count_block){.orders = 1});
#endif
}
