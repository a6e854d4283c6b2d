/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that carry the messages of an interface: those without groups and data. */
#include "myc-gen/emit_actor.h"

static void emit_claim(const struct interface *i)
{
	out(i->e,
	    "/* A topic that carries these messages: as struct myc_publisher, of which .publisher "
	    "is "
	    "one. */\n"
	    "struct %s_topic {\n\tstruct myc_publisher publisher;\n};\n"
	    "MYC_SBE_INLINE int %s_claim_(struct myc_actor *self, const char *name, struct "
	    "%s_topic "
	    "*topic)\n{\n"
	    "\treturn myc_topic_claim(self, name, &topic->publisher);\n}\n"
	    "/* As myc_topic_claim. */\n"
	    "#define %s_claim(self, name, topic) \\\n"
	    "\t_Generic((topic), struct %s_topic *: %s_claim_)(self, name, topic)\n",
	    i->c, i->c, i->c, i->c, i->c, i->c);
}

void emit_actor_topic(const struct interface *i)
{
	struct gen_emit *e = i->e;
	bool any = false;

	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		const struct gen_block *message = accept->message;

		if (has_parts(message))
			continue;
		if (!any)
			emit_claim(i);
		any = true;
		out(e,
		    "MYC_SBE_INLINE int %s_publish_%s_(struct myc_actor *self, const struct "
		    "%s_topic *topic,\n\t\tuint64_t key, %smessage)\n{\n\t(void)message;\n"
		    "\treturn myc_publish(self, &topic->publisher, %s_TEMPLATE_ID, key, %s, "
		    "%u);\n}\n",
		    i->c, message->short_name, i->c, as_message(e, message),
		    capitals(e, message->c_name), message->length ? "message" : "NULL",
		    message->length);
	}
	if (!any)
		return;
	out(e,
	    "/* Publishes a message, as myc_publish; its readers have it by its _published. */\n"
	    "#define %s_publish(self, topic, key, ...) \\\n"
	    "\t_Generic((void (*)(__typeof__(self), MYC_TYPED_AS(topic), "
	    "MYC_TYPED_AS((__VA_ARGS__))))0",
	    i->c);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		if (!has_parts(accept->message))
			emit_choice(i,
				    text(e, "struct myc_actor *, const struct %s_topic *, %s", i->c,
					 as_message(e, accept->message)),
				    text(e, "%s_publish_%s_", i->c, accept->message->short_name));
	}
	out(e, ")(self, topic, key, (__VA_ARGS__))\n\n");
}
