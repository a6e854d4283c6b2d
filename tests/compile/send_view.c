/* SPDX-License-Identifier: Apache-2.0 */
/* A view is read by; what is sent is a block.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_order view = {0};
	struct desk_order_block block = {0};
	desk_order_load(&view, &block);
	return desk_matcher_send(self, &has->matcher, &view);
#else
	struct desk_order view = {0};
	struct desk_order_block block = {0};
	desk_order_load(&view, &block);
	return desk_matcher_send(self, &has->matcher, &block);
#endif
}
