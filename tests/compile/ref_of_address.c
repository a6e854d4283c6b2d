/* SPDX-License-Identifier: Apache-2.0 */
/* An address says nothing of what its actor accepts.
 * gcc: invalid initializer
 * clang: initializing 'struct desk_matcher_ref' with an expression of incompatible type */
#include "prelude.h"

int f(struct myc_actor *self, myc_address address);
int f(struct myc_actor *self, myc_address address)
{
#ifdef WRONG
	struct desk_matcher_ref ref = address;

	return ref.ref.address != 0;
#else
	struct desk_matcher_ref ref;

	return desk_matcher_resolve(self, address, &ref, NULL);
#endif
}
