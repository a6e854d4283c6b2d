/* SPDX-License-Identifier: Apache-2.0 */
/* Nor be NULL.
 * gcc: lvalue required as unary '&' operand|lvalue required as unary .&. operand
 * clang: cannot take the address of an rvalue */
#include "prelude.h"

#ifdef WRONG
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, NULL, on_note, on_flush,
		       on_cancel);
#else
DESK_MATCHER_BEHAVIOUR(it, MYC_WITH(.mailbox_capacity = 8), on_order, on_depth, on_note, on_flush,
		       on_cancel);
#endif
