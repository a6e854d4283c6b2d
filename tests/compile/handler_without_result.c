/* SPDX-License-Identifier: Apache-2.0 */
/* A handler says whether it failed.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

__attribute__((unused)) static void silent(struct myc_actor *self, const struct desk_cancel *cancel,
					   const struct myc_message *message)
{
	(void)self, (void)cancel, (void)message;
}

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       silent);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
