/* SPDX-License-Identifier: Apache-2.0 */
/* Urgent messages have no bodies.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, struct has *has);
int f(struct myc_actor *self, struct has *has)
{
#ifdef WRONG
	struct desk_note_block note = {.order_id = 1};
	return desk_matcher_send_urgent(self, &has->matcher, &note);
#else
	struct desk_note_block note = {.order_id = 1};
	return desk_matcher_send(self, &has->matcher, &note);
#endif
}
