/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder have around them: tests/conformance/compile_test.sh. */
#ifndef TESTS_COMPILE_PRELUDE_H
#define TESTS_COMPILE_PRELUDE_H

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "desk.h"

static inline int on_order(struct myc_actor *self, const struct desk_order *order,
			   const struct desk_matcher_order_asked *asked)
{
	struct desk_accepted_block accepted = {.order_id = desk_order_get_order_id(order)};

	return desk_matcher_reply(self, asked, &accepted);
}
static inline int on_depth(struct myc_actor *self, const struct desk_depth *depth,
			   const struct myc_message *message)
{
	return !self || !depth || !message;
}
static inline int on_note(struct myc_actor *self, const struct desk_note *note,
			  const struct myc_message *message)
{
	return !self || !note || !message;
}
static inline int on_flush(struct myc_actor *self, const struct desk_flush *flush,
			   const struct desk_matcher_flush_asked *asked)
{
	return !self || !flush || !asked;
}
static inline int on_cancel(struct myc_actor *self, const struct desk_cancel *cancel,
			    const struct myc_message *message)
{
	return !self || !cancel || !message;
}
static inline int on_accepted(struct myc_actor *self, const struct desk_accepted *accepted,
			      const struct myc_message *message)
{
	return !self || !accepted || !message;
}
static inline int on_count(struct myc_actor *self, const struct desk_count *count,
			   const struct myc_message *message)
{
	return !self || !count || !message;
}

/* What a handler has, say. */
struct has {
	struct desk_matcher_ref matcher;
	struct desk_clerk_ref clerk;
	struct myc_ref untyped;
	struct myc_system *system;
	struct myc_testkit *kit;
	struct myc_testkit_message caught;
	struct desk_clerk_topic news;
	struct desk_matcher_topic entries;
	struct myc_error error;
};

#endif
