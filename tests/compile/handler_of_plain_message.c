/* SPDX-License-Identifier: Apache-2.0 */
/* A question's handler is given who asked.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

__attribute__((unused)) static int plain(struct myc_actor *self, const struct desk_order *order,
					 const struct myc_message *message)
{
	return !self || !order || !message;
}

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), plain, on_depth, on_note, on_flush,
		       on_cancel);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
