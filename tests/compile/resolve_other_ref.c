/* SPDX-License-Identifier: Apache-2.0 */
/* The same by address.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	return desk_clerk_resolve(self, has->untyped.address, &has->matcher, NULL);
#else
	return desk_clerk_resolve(self, has->untyped.address, &has->clerk, NULL);
#endif
}
