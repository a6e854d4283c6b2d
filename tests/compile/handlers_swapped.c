/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers stand in the order of the interface.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_note, on_depth, on_flush,
		       on_cancel);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
