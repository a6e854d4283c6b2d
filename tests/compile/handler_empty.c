/* SPDX-License-Identifier: Apache-2.0 */
/* None can be left out.
 * gcc: expected expression before
 * clang: expected expression */
#include "prelude.h"

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, , on_note, on_flush,
		       on_cancel);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
