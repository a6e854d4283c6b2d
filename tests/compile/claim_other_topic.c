/* SPDX-License-Identifier: Apache-2.0 */
/* A topic of other messages.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	return desk_clerk_claim(self, "news", &has->entries);
#else
	return desk_clerk_claim(self, "news", &has->news);
#endif
}
