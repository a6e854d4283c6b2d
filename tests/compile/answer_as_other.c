/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to an order is not one to a flush.
 * gcc: invalid initializer
 * clang: initializing 'struct desk_matcher_flush_answer' with an expression of incompatible type */
#include "prelude.h"

int f(const struct myc_reply *reply);
int f(const struct myc_reply *reply)
{
#ifdef WRONG
	struct desk_matcher_flush_answer answer = desk_matcher_order_answer(reply);

	return answer.status;
#else
	struct desk_matcher_order_answer answer = desk_matcher_order_answer(reply);

	return answer.status;
#endif
}
