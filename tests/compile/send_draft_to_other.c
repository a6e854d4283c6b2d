/* SPDX-License-Identifier: Apache-2.0 */
/* A draft has a type too.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_depth_draft draft;
	if (desk_depth_draft(self, &draft, 256))
		return -1;
	return desk_clerk_send(self, &has->clerk, &draft);
#else
	struct desk_depth_draft draft;
	if (desk_depth_draft(self, &draft, 256))
		return -1;
	return desk_matcher_send(self, &has->matcher, &draft);
#endif
}
