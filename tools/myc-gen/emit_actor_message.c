/* SPDX-License-Identifier: Apache-2.0 */
/* How a message travels between actors: its block as it is, or, with groups and data, with its header in a
 * buffer of the sender's (a draft). */
#include "myc-gen/emit.h"

/* The length tells which version wrote it: each has more than the one before. */
static void emit_arrived_flat(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;
	char *version = text(e, "%uu", message->steps->version);

	for (const struct gen_step *step = message->steps->next; step; step = step->next)
		version = text(e, "size >= %u ? %uu : %s", step->length, step->version, version);
	if (!message->length)
		out(e,
		    "/* Has no fields; its type is all it says. */\nstruct %s_block {\n\tuint8_t "
		    "nothing;\n};\n\n",
		    c);
	out(e,
	    "/* A view of one that came, whatever the version of who sent it. false: it is "
	    "too short. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK bool %s_arrived_(struct %s *view, const void *payload,\n"
	    "\t\t\t\t\t\t  size_t size)\n{\n",
	    c, c);
	if (message->steps->length)
		out(e,
		    "\tif (__builtin_expect(size < %u, 0))\n\t\treturn "
		    "false;\n",
		    message->steps->length);
	out(e,
	    "\t*view = (struct %s){.at = {.block = (const uint8_t *)payload,\n"
	    "\t\t\t\t     .end = (const uint8_t *)payload + size,\n"
	    "\t\t\t\t     .block_length = (uint32_t)size,\n"
	    "\t\t\t\t     .version = %s,\n"
	    "\t\t\t\t     .groups = MYC_SBE_UNTOLD,\n"
	    "\t\t\t\t     .datas = MYC_SBE_UNTOLD}};\n\treturn true;\n}\n\n",
	    c, version);
}

static void emit_arrived_parts(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;

	out(e,
	    "/* A view of one that came; who sent it may write it still. false: it has no room for "
	    "its block. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK bool %s_arrived_(struct %s *view, const void *payload,\n"
	    "\t\t\t\t\t\t  size_t size)\n{\n"
	    "\treturn !%s_open_bounded(view, payload, size);\n}\n\n",
	    c, c, c);
}

static void emit_draft(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;

	out(e,
	    "/* One that is being written into a buffer of self's executor: begin it, set fields, "
	    "groups and data of\n"
	    " * .message, and send it; then it is its receiver's. Else discard it. */\n"
	    "struct %s_draft {\n\tstruct %s_encoder message;\n\tstruct myc_body body;\n};\n\n",
	    c, c);
	out(e,
	    "/* size: the most that it may become, header included. Errors of myc_body_take; "
	    "-EMSGSIZE: too little. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_draft(struct myc_actor *self, struct %s_draft "
	    "*draft,\n"
	    "\t\t\t\t\t    uint32_t size)\n{\n"
	    "\tint code = myc_body_take(self, size, &draft->body);\n\n"
	    "\tif (!code && %s_begin(&draft->message, draft->body.data, draft->body.size)) {\n"
	    "\t\tmyc_body_give(self, &draft->body);\n\t\tcode = -EMSGSIZE;\n\t}\n"
	    "\treturn code;\n}\n\n",
	    c, c, c);
	out(e,
	    "MYC_SBE_INLINE void %s_discard(struct myc_actor *self, struct %s_draft *draft)\n{\n"
	    "\tmyc_body_give(self, &draft->body);\n}\n\n",
	    c, c);
	out(e,
	    "/* The bytes of one that was begun, with header, anywhere: 0, something went wrong on "
	    "the way. */\n"
	    "MYC_SBE_INLINE size_t %s_written_(struct %s_encoder *message)\n{\n"
	    "\tif (message->s.block != message->w.start + %s_HEADER_LENGTH)\n\t\treturn 0;\n"
	    "\treturn %s_end(message);\n}\n\n",
	    c, c, e->P, c);
}

static void emit_published(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;

	out(e,
	    "/* Of a topic's event. false: it brings no message, or another, or one that cannot "
	    "be. "
	    "*/\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK bool %s_published(struct %s *view,\n"
	    "\t\t\t\t\t\t    const struct myc_topic_event *event)\n{\n"
	    "\treturn event->kind == MYC_TOPIC_MESSAGE && event->type == %s_TEMPLATE_ID &&\n"
	    "\t       %s_arrived_(view, event->payload, event->size);\n}\n\n",
	    c, c, capitals(e, c), c);
}

static void emit_came(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;

	out(e,
	    "#ifdef MYCELIUM_TESTKIT_H\n"
	    "/* Of what a probe caught. false: it is another, or cannot be. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK bool %s_caught(struct %s *view,\n"
	    "\t\t\t\t\t\t const struct myc_testkit_message *caught)\n{\n"
	    "\treturn caught->type == %s_TEMPLATE_ID &&\n"
	    "\t       %s_arrived_(view, caught->payload, caught->size);\n}\n#endif\n\n",
	    c, c, capitals(e, c), c);
}

void emit_actor_message(struct gen_emit *e, const struct gen_block *message)
{
	if (message->groups || message->data) {
		emit_arrived_parts(e, message);
		emit_draft(e, message);
	} else {
		emit_arrived_flat(e, message);
		emit_published(e, message);
	}
	emit_came(e, message);
}
