/* SPDX-License-Identifier: Apache-2.0 */
/* A function that wants a matcher is not given a clerk.
 * gcc: incompatible type for argument 1
 * clang: passing 'struct desk_clerk_ref' to parameter of incompatible type */
#include "prelude.h"

__attribute__((unused)) static int g(struct desk_matcher_ref ref)
{
	return ref.ref.address != 0;
}

int f(struct has *has);
int f(struct has *has)
{
#ifdef WRONG
	return g(has->clerk);
#else
	return g(has->matcher);
#endif
}
