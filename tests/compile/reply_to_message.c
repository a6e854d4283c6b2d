/* SPDX-License-Identifier: Apache-2.0 */
/* Only a question is answered.
 * gcc: selector of type .* is not compatible with any association
 * clang: not compatible with any generic association type */
#include "prelude.h"

int f(struct myc_actor *self, const struct desk_matcher_order_asked *asked,
      const struct myc_message *message);
int f(struct myc_actor *self, const struct desk_matcher_order_asked *asked,
      const struct myc_message *message)
{
#ifdef WRONG
	struct desk_accepted_block accepted = {.place = 1};
	return desk_matcher_reply(self, message, &accepted);
#else
	struct desk_accepted_block accepted = {.place = 1};
	return message ? desk_matcher_reply(self, asked, &accepted) : 0;
#endif
}
