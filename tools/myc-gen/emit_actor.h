/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of emit_actor have in common: one interface on its way to C. */
#ifndef MYC_GEN_EMIT_ACTOR_H
#define MYC_GEN_EMIT_ACTOR_H

#include "myc-gen/emit.h"

struct interface {
	struct gen_emit *e;
	const struct gen_interface *of;
	const char *c, *C; /* desk_book, DESK_BOOK */
};

static inline bool has_parts(const struct gen_block *message)
{
	return message->groups || message->data;
}

static inline char *as_message(struct gen_emit *e, const struct gen_block *message)
{
	return text(e, "const struct %s_block *", message->c_name);
}

/* The type of what is given over, by which a way is chosen. */
static inline void emit_choice(const struct interface *i, const char *types, const char *function)
{
	out(i->e, ", \\\n\t\tvoid (*)(%s): %s", types, function);
}

/* emit_actor_make.c: actors made and found, and what tests need. */
void emit_actor_make(const struct interface *i);
/* emit_actor_topic.c: topics that carry its messages. */
void emit_actor_topic(const struct interface *i);

#endif
