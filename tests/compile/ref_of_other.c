/* SPDX-License-Identifier: Apache-2.0 */
/* Refs are structs: one of another interface cannot be assigned.
 * gcc: incompatible types when assigning to type
 * clang: assigning to 'struct desk_matcher_ref' from incompatible type */
#include "prelude.h"

int f(struct has *has, const struct desk_matcher_ref *other);
int f(struct has *has, const struct desk_matcher_ref *other)
{
#ifdef WRONG
	has->matcher = has->clerk;
	return 0;
#else
	has->matcher = *other;
	return 0;
#endif
}
