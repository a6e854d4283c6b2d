/* SPDX-License-Identifier: Apache-2.0 */
/* A clerk is not looked up into a matcher's ref.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	return desk_clerk_lookup(self, "clerk", &has->matcher, &has->error);
#else
	return desk_clerk_lookup(self, "clerk", &has->clerk, &has->error);
#endif
}
