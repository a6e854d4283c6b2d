/* SPDX-License-Identifier: Apache-2.0 */
/* A question goes on to somebody who accepts it.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has, const struct desk_matcher_order_asked *asked);
int f(struct myc_actor *self, struct has *has, const struct desk_matcher_order_asked *asked)
{
#ifdef WRONG
	return desk_matcher_forward(self, asked, &has->clerk);
#else
	return desk_matcher_forward(self, asked, &has->matcher);
#endif
}
