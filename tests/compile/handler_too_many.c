/* SPDX-License-Identifier: Apache-2.0 */
/* And no other has one.
 * gcc: macro "DESK_MATCHER_BEHAVIOUR" passed 8 arguments, but takes just 7
 * clang: too many arguments provided to function-like macro invocation */
#include "prelude.h"

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel, on_count);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
