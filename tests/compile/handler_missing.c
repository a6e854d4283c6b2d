/* SPDX-License-Identifier: Apache-2.0 */
/* Each message has a handler.
 * gcc: macro "DESK_MATCHER_BEHAVIOUR" requires 7 arguments, but only 6 given
 * clang: too few arguments provided to function-like macro invocation */
#include "prelude.h"

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
