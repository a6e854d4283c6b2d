/* SPDX-License-Identifier: Apache-2.0 */
/* Probes have types.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	return desk_clerk_probe(has->kit, "clerk", &has->matcher);
#else
	return desk_clerk_probe(has->kit, "clerk", &has->clerk);
#endif
}
