/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces of actors in C. The rules of C are the check: sends are _Generic over the types of all their
 * arguments, without default; a behaviour's macro takes a handler for each message, no more and no less. */
#include <string.h>

#include "myc-gen/emit_actor.h"

#define SLOT	    40u /* MYC_PAYLOAD_MAX */
#define LATER_WORDS 64u /* of an answer, beyond what this version knows */

/* ---- what it is ---------------------------------------------------------------------------- */

static void emit_identity(const struct interface *i)
{
	struct gen_emit *e = i->e;
	const char *package = e->schema->package && *e->schema->package ? e->schema->package : e->p;

	out(e, "/* ---- %s, an interface ", i->c);
	for (size_t n = strlen(i->c); n < 74; n++)
		out(e, "-");
	out(e, " */\n\n");
	comment(e, 0, text(e, "%s", i->of->name), i->of->description, 0, GEN_NONE);
	out(e,
	    "static const struct myc_interface %s_interface __attribute__((unused)) = {\n"
	    "\t.name = %s, .schema = %s_SCHEMA_ID, .id = %u, .version = %u};\n\n",
	    i->c, quoted(e, text(e, "%s.%s", package, i->of->name)), e->P, i->of->id,
	    e->schema->version);
	out(e,
	    "/* An actor that accepts it: as struct myc_ref, of which .ref is one. version: of the "
	    "interface, as far\n"
	    " * as it is known. */\n"
	    "struct %s_ref {\n\tstruct myc_ref ref;\n\tuint32_t version;\n\tuint32_t "
	    "reserved;\n};\n\n"
	    "/* Made by %s_BEHAVIOUR. */\n"
	    "struct %s_behaviour {\n\tstruct myc_behaviour as;\n};\n\n",
	    i->c, i->C, i->c);
}

/* ---- one message --------------------------------------------------------------------------- */

static void emit_since(const struct interface *i, const struct gen_accept *accept)
{
	if (accept->since)
		out(i->e,
		    "\tif (__builtin_expect(to->version < %u, 0) &&\n"
		    "\t    !myc_typed_since(self, &to->ref, &%s_interface, %u, &to->version))\n"
		    "\t\treturn -EOPNOTSUPP;\n",
		    accept->since, i->c, accept->since);
}

/* "message, SIZE" */
static char *payload(const struct interface *i, const struct gen_block *message)
{
	if (!message->length)
		return text(i->e, "NULL, 0");
	return text(i->e, "message, %s_BLOCK_LENGTH", capitals(i->e, message->c_name));
}

/* name: of the function behind myc_; more: parameters and arguments behind the message. */
static void emit_way(const struct interface *i, const struct gen_accept *accept, const char *name,
		     const char *parameters, const char *arguments)
{
	struct gen_emit *e = i->e;
	const struct gen_block *message = accept->message;

	out(e,
	    "MYC_SBE_INLINE int %s_%s_%s_(struct myc_actor *self, struct %s_ref *to,\n"
	    "\t\t%smessage%s)\n{\n\t(void)message;\n",
	    i->c, name, message->short_name, i->c, as_message(e, message), parameters);
	emit_since(i, accept);
	out(e, "\treturn myc_%s(self, &to->ref, %s_TEMPLATE_ID, %s%s);\n}\n", name,
	    capitals(e, message->c_name), payload(i, message), arguments);
}

#define ASK_PARAMETERS ",\n\t\tuint64_t timeout_ns, uint64_t cookie, struct myc_ask *made"
#define ASK_ARGUMENTS  ",\n\t\t\ttimeout_ns, cookie, made"

static void emit_flat(const struct interface *i, const struct gen_accept *accept)
{
	struct gen_emit *e = i->e;
	const struct gen_block *message = accept->message;

	emit_way(i, accept, "send", "", "");
	emit_way(i, accept, "try_send", "", "");
	emit_way(i, accept, "send_within", ", uint64_t ttl_ns", ", ttl_ns");
	if (message->length <= SLOT)
		emit_way(i, accept, "send_urgent", "", "");
	out(e,
	    "MYC_SBE_INLINE int %s_post_%s_(struct myc_system *system, const struct %s_ref *to,\n"
	    "\t\t%smessage, uint64_t timeout_ns)\n{\n\t(void)message;\n"
	    "\treturn myc_post(system, to->ref.address, %s_TEMPLATE_ID, %s, timeout_ns);\n}\n",
	    i->c, message->short_name, i->c, as_message(e, message), capitals(e, message->c_name),
	    payload(i, message));
	if (!accept->answer)
		return;
	emit_way(i, accept, "ask", ASK_PARAMETERS, ASK_ARGUMENTS);
	emit_way(i, accept, "try_ask", ASK_PARAMETERS, ASK_ARGUMENTS);
	emit_way(i, accept, "ask_await", ASK_PARAMETERS ", struct myc_cycle *cycle",
		 ASK_ARGUMENTS ", cycle");
}

/* With groups or data: a draft goes as it lies, what was encoded elsewhere is copied. */
static void emit_parts_way(const struct interface *i, const struct gen_accept *accept,
			   const char *try)
{
	struct gen_emit *e = i->e;
	const struct gen_block *message = accept->message;
	const char *m = message->short_name, *c = message->c_name, *T = capitals(e, c);

	out(e,
	    "MYC_SBE_INLINE int %s_%ssend_%s_draft_(struct myc_actor *self, struct %s_ref *to,\n"
	    "\t\tstruct %s_draft *message)\n{\n"
	    "\tsize_t size = message->body.data ? %s_written_(&message->message) : 0;\n\n"
	    "\tif (!size)\n\t\treturn -EBADMSG;\n",
	    i->c, try, m, i->c, c, c);
	emit_since(i, accept);
	out(e,
	    "\tmessage->body.size = (uint32_t)size;\n"
	    "\treturn myc_%ssend_body(self, &to->ref, %s_TEMPLATE_ID, &message->body);\n}\n",
	    try, T);
	out(e,
	    "MYC_SBE_INLINE int %s_%ssend_%s_(struct myc_actor *self, struct %s_ref *to,\n"
	    "\t\tstruct %s_encoder *message)\n{\n\tsize_t size = %s_written_(message);\n\n"
	    "\tif (!size)\n\t\treturn -EBADMSG;\n",
	    i->c, try, m, i->c, c, c);
	emit_since(i, accept);
	out(e, "\treturn myc_%ssend(self, &to->ref, %s_TEMPLATE_ID, message->w.start, size);\n}\n",
	    try, T);
}

static void emit_parts(const struct interface *i, const struct gen_accept *accept)
{
	struct gen_emit *e = i->e;
	const char *c = accept->message->c_name;

	emit_parts_way(i, accept, "");
	emit_parts_way(i, accept, "try_");
	out(e,
	    "MYC_SBE_INLINE int %s_post_%s_(struct myc_system *system, const struct %s_ref *to,\n"
	    "\t\tstruct %s_encoder *message, uint64_t timeout_ns)\n{\n"
	    "\tsize_t size = %s_written_(message);\n\n"
	    "\treturn !size ? -EBADMSG\n"
	    "\t\t     : myc_post(system, to->ref.address, %s_TEMPLATE_ID, message->w.start,\n"
	    "\t\t\t\tsize, timeout_ns);\n}\n",
	    i->c, accept->message->short_name, i->c, c, c, capitals(e, c));
}

/* ---- answers ------------------------------------------------------------------------------- */

static void emit_load(const struct interface *i, const struct gen_block *answer, const char *to)
{
	if (answer->length)
		out(i->e, "\t%s_load(&view, %s);\n", answer->c_name, to);
}

static void emit_answer(const struct interface *i, const struct gen_accept *accept)
{
	struct gen_emit *e = i->e;
	const struct gen_block *answer = accept->answer;
	char *name = text(e, "%s_%s", i->c, accept->message->short_name);
	char *T = capitals(e, answer->c_name);
	char *data = answer->length ? text(e, "answer, %s_BLOCK_LENGTH", T) : text(e, "NULL, 0");

	out(e,
	    "/* Who asked, while the question is handled; and for later: plain data, may be kept. "
	    "*/\n"
	    "struct %s_asked {\n\tconst struct myc_message *message;\n};\n"
	    "struct %s_later {\n\tstruct myc_reply_to to;\n};\n"
	    "/* -EINVAL: it was told, not asked. */\n"
	    "MYC_SBE_INLINE int %s_keep(const struct %s_asked *asked, struct %s_later *later)\n{\n"
	    "\treturn myc_reply_keep(asked->message, &later->to);\n}\n",
	    name, name, name, name, name);
	out(e,
	    "MYC_SBE_INLINE int %s_reply_(struct myc_actor *self, const struct %s_asked *to,\n"
	    "\t\t%sanswer)\n{\n\t(void)answer;\n"
	    "\treturn myc_reply(self, to->message, %s_TEMPLATE_ID, %s);\n}\n",
	    name, name, as_message(e, answer), T, data);
	out(e,
	    "MYC_SBE_INLINE int %s_reply_later_(struct myc_actor *self, const struct %s_later "
	    "*to,\n\t\t%sanswer)\n{\n\t(void)answer;\n"
	    "\treturn myc_reply_send(self, &to->to, %s_TEMPLATE_ID, %s);\n}\n\n",
	    name, name, as_message(e, answer), T, data);
	out(e,
	    "/* What came of it: .status as in struct myc_reply, or -EBADMSG: not such an answer; "
	    "with 0 .message\n"
	    " * can be read until the hook returns. */\n"
	    "struct %s_answer {\n\tint status;\n\tstruct %s message;\n};\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK struct %s_answer %s_answer(const struct myc_reply "
	    "*reply)\n{\n"
	    "\tstruct %s_answer answer = {.status = reply->status};\n\n"
	    "\tif (!answer.status &&\n\t    (reply->type != %s_TEMPLATE_ID ||\n"
	    "\t     !%s_arrived_(&answer.message, reply->payload, reply->size)))\n"
	    "\t\tanswer.status = -EBADMSG;\n\treturn answer;\n}\n\n",
	    name, answer->c_name, name, name, name, T, answer->c_name);
	out(e,
	    "MYC_SBE_INLINE int %s_call_(struct myc_system *system, const struct %s_ref *to,\n"
	    "\t\t%smessage, struct %s_block *answer, uint64_t timeout_ns)\n{\n"
	    "\tstruct myc_answer came;\n\tstruct %s view;\n"
	    "\t/* A later version's may be longer. */\n"
	    "\tuint64_t memory[%s_BLOCK_LENGTH / 8 + %u];\n"
	    "\tint code = myc_call_into(system, to->ref.address, %s_TEMPLATE_ID, %s, &came,\n"
	    "\t\t\t\t memory, sizeof(memory), timeout_ns);\n\n"
	    "\t(void)message, (void)answer;\n\tif (code)\n\t\treturn code;\n"
	    "\tif (came.type != %s_TEMPLATE_ID || !%s_arrived_(&view, memory, came.size))\n"
	    "\t\treturn -EBADMSG;\n",
	    name, i->c, as_message(e, accept->message), answer->c_name, answer->c_name, T,
	    LATER_WORDS, capitals(e, accept->message->c_name), payload(i, accept->message), T,
	    answer->c_name);
	emit_load(i, answer, "answer");
	out(e, "\treturn 0;\n}\n\n");
}

/* ---- macros over all messages -------------------------------------------------------------- */

/* name(self, to, message ARGUMENTS); about: a comment line. */
static void emit_macro(const struct interface *i, const char *name, const char *about, bool asks,
		       const char *more)
{
	struct gen_emit *e = i->e;
	bool post = !strcmp(name, "post");
	const char *who = post ? "system" : "self";
	bool last = !*more, urgent = !strcmp(name, "send_urgent");
	bool flat = urgent || !strcmp(name, "send_within");

	out(e, "/* %s */\n#define %s_%s(%s, to, %s%s) \\\n", about, i->c, name, who,
	    last ? "..." : "message", more);
	const char *message = last ? "(__VA_ARGS__)" : "(message)";

	out(e, "\t_Generic((void (*)(__typeof__(%s), %s(to), MYC_TYPED_AS(%s)))0", who,
	    post ? "MYC_TYPED_AS" : "__typeof__", message);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		const char *m = accept->message->short_name, *c = accept->message->c_name;
		char *begin = post ? text(e, "struct myc_system *, const struct %s_ref *", i->c)
				   : text(e, "struct myc_actor *, struct %s_ref *", i->c);
		bool parts = has_parts(accept->message);

		if ((asks && !accept->answer) || (urgent && accept->message->length > SLOT) ||
		    (flat && parts))
			continue;
		emit_choice(
			i,
			text(e, "%s, const struct %s_%s *", begin, c, parts ? "encoder" : "block"),
			text(e, "%s_%s_%s_", i->c, name, m));
		if (parts && !post)
			emit_choice(i, text(e, "%s, const struct %s_draft *", begin, c),
				    text(e, "%s_%s_%s_draft_", i->c, name, m));
	}
	out(e, ")(%s, to, %s%s)\n\n", who, message, more);
}

static bool any_asks(const struct interface *i)
{
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		if (accept->answer)
			return true;
	}
	return false;
}

/* A message without groups and data, of at most so many bytes? */
static bool any_flat(const struct interface *i, uint32_t most)
{
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		if (!has_parts(accept->message) && accept->message->length <= most)
			return true;
	}
	return false;
}

static void emit_reply(const struct interface *i)
{
	struct gen_emit *e = i->e;

	out(e,
	    "/* Answers: to is an _asked or a _later. As myc_reply. */\n"
	    "#define %s_reply(self, to, ...) \\\n"
	    "\t_Generic((void (*)(__typeof__(self), MYC_TYPED_AS(to), "
	    "MYC_TYPED_AS((__VA_ARGS__))))0",
	    i->c);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		char *name = text(e, "%s_%s", i->c, accept->message->short_name);

		if (!accept->answer)
			continue;
		emit_choice(i,
			    text(e, "struct myc_actor *, const struct %s_asked *, %s", name,
				 as_message(e, accept->answer)),
			    text(e, "%s_reply_", name));
		emit_choice(i,
			    text(e, "struct myc_actor *, const struct %s_later *, %s", name,
				 as_message(e, accept->answer)),
			    text(e, "%s_reply_later_", name));
	}
	out(e, ")(self, to, (__VA_ARGS__))\n\n");
	out(e,
	    "/* Passes a question in hand on to another actor of the interface, which owes the "
	    "answer "
	    "then. As\n"
	    " * myc_forward. */\n"
	    "#define %s_forward(self, asked, to) \\\n"
	    "\t_Generic((void (*)(__typeof__(self), MYC_TYPED_AS(asked), __typeof__(to)))0",
	    i->c);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		char *name = text(e, "%s_%s", i->c, accept->message->short_name);

		if (accept->answer)
			emit_choice(
				i,
				text(e,
				     "struct myc_actor *, const struct %s_asked *, struct %s_ref *",
				     name, i->c),
				"myc_forward");
	}
	out(e, ")(self, (asked)->message, &(to)->ref)\n\n");
	out(e,
	    "/* Asks from a plain thread, as myc_call; the answer is copied into *answer, what an "
	    "older actor left\n"
	    " * out is null. */\n"
	    "#define %s_call(system, to, message, answer, timeout_ns) \\\n"
	    "\t_Generic((void (*)(__typeof__(system), MYC_TYPED_AS(to), MYC_TYPED_AS(message), "
	    "__typeof__(answer)))0",
	    i->c);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		if (accept->answer)
			emit_choice(i,
				    text(e,
					 "struct myc_system *, const struct %s_ref *, %s, "
					 "struct %s_block *",
					 i->c, as_message(e, accept->message),
					 accept->answer->c_name),
				    text(e, "%s_%s_call_", i->c, accept->message->short_name));
	}
	out(e, ")(system, to, message, answer, timeout_ns)\n\n");
}

static void emit_macros(const struct interface *i)
{
	emit_macro(i, "send",
		   "As myc_send; a draft: as myc_send_body. -EBADMSG: it was not written to "
		   "its end.\n * -EOPNOTSUPP: its actor is of an older version, which has not "
		   "this message.",
		   false, "");
	emit_macro(i, "try_send", "The same as myc_try_send.", false, "");
	if (any_flat(i, UINT32_MAX))
		emit_macro(i, "send_within", "The same as myc_send_within.", false, ", ttl_ns");
	if (any_flat(i, SLOT))
		emit_macro(i, "send_urgent", "The same as myc_send_urgent.", false, "");
	emit_macro(i, "post", "From a plain thread, as myc_post.", false, ", timeout_ns");
	if (!any_asks(i))
		return;
	emit_macro(i, "ask", "Asks, as myc_ask; the answer comes to the reply hook, see _answer.",
		   true, ", timeout_ns, cookie, ask");
	emit_macro(i, "try_ask", "The same as myc_try_ask.", true, ", timeout_ns, cookie, ask");
	emit_macro(i, "ask_await", "The same as myc_ask_await.", true,
		   ", timeout_ns, cookie, ask, cycle");
	emit_reply(i);
}

/* ---- behaviour ----------------------------------------------------------------------------- */

static void emit_take(const struct interface *i, const struct gen_accept *accept)
{
	struct gen_emit *e = i->e;
	char *name = text(e, "%s_%s", i->c, accept->message->short_name);
	char *last = accept->answer ? text(e, "const struct %s_asked *asked", name)
				    : text(e, "const struct myc_message *message");

	comment(e, 0, text(e, "Handles one, as the message hook of a behaviour does"),
		accept->description, accept->since, accept->deprecated);
	out(e, "typedef int %s_handler(struct myc_actor *self, const struct %s *,\n\t\t%s);\n",
	    name, accept->message->c_name, last);
	out(e,
	    "MYC_SBE_INLINE int %s_take_(struct myc_actor *self, const struct myc_message "
	    "*message,\n"
	    "\t\t%s_handler *handler)\n{\n\tstruct %s view;\n\n"
	    "\tif (__builtin_expect(!%s_arrived_(&view, message->payload, message->size), 0))\n"
	    "\t\treturn myc_typed_refuse(self, message, -EBADMSG);\n",
	    name, name, accept->message->c_name, accept->message->c_name);
	if (accept->answer)
		out(e,
		    "\tstruct %s_asked asked = {message};\n\n\treturn handler(self, &view, "
		    "&asked);\n}\n\n",
		    name);
	else
		out(e, "\treturn handler(self, &view, message);\n}\n\n");
}

static void emit_behaviour(const struct interface *i)
{
	struct gen_emit *e = i->e;

	out(e,
	    "/*\n * Defines `const struct %s_behaviour name`: a handler for each message, in the "
	    "schema's order, and what\n"
	    " * else a struct myc_behaviour has (not name, message, interface) as MYC_WITH(..). "
	    "Dispatch is by a jump\n * on the message's template.\n */\n#define "
	    "%s_BEHAVIOUR(name_, with_",
	    i->c, i->C);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next)
		out(e, ", on_%s", accept->message->short_name);
	out(e, ") \\\n\tstatic int name_##_message_(struct myc_actor *self, \\\n"
	       "\t\t\t\t   const struct myc_message *message) \\\n\t{ \\\n"
	       "\t\tswitch (message->type) { \\\n");
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		char *name = text(e, "%s_%s", i->c, accept->message->short_name);

		out(e,
		    "\t\tcase %s_TEMPLATE_ID: \\\n\t\t\treturn %s_take_(self, message, \\\n"
		    "\t\t\t\t_Generic(&(on_%s), %s_handler *: (on_%s))); \\\n",
		    capitals(e, accept->message->c_name), name, accept->message->short_name, name,
		    accept->message->short_name);
	}
	out(e,
	    "\t\tdefault: \\\n\t\t\treturn myc_typed_refuse(self, message, -EOPNOTSUPP); \\\n"
	    "\t\t} \\\n\t} \\\n\textern const struct %s_behaviour name_; \\\n"
	    "\tconst struct %s_behaviour name_ = {{.name = #name_, .message = name_##_message_, "
	    "\\\n"
	    "\t\t.interface = &%s_interface, with_}}\n\n",
	    i->c, i->c, i->c);
}

/* ---- all ----------------------------------------------------------------------------------- */

static bool is_used(const struct gen_schema *schema, const struct gen_block *message)
{
	for (const struct gen_interface *at = schema->interfaces; at; at = at->next) {
		for (const struct gen_accept *accept = at->accepts; accept; accept = accept->next) {
			if (accept->message == message || accept->answer == message)
				return true;
		}
	}
	return false;
}

static void emit_interface(struct gen_emit *e, const struct gen_interface *interface)
{
	const struct interface i = {e, interface, interface->c_name,
				    capitals(e, interface->c_name)};

	emit_identity(&i);
	for (const struct gen_accept *accept = interface->accepts; accept; accept = accept->next) {
		if (has_parts(accept->message))
			emit_parts(&i, accept);
		else
			emit_flat(&i, accept);
		out(e, "\n");
		if (accept->answer)
			emit_answer(&i, accept);
		emit_take(&i, accept);
	}
	emit_macros(&i);
	emit_behaviour(&i);
	emit_actor_topic(&i);
	emit_actor_make(&i);
}

void emit_actors(struct gen_emit *e)
{
	const struct gen_schema *schema = e->schema;

	if (!schema->interfaces)
		return;
	out(e, "\n/* ==== actors (docs/TYPED.md); include <mycelium/testkit.h> before this for "
	       "what tests need ==== */\n\n#include <mycelium/typed.h>\n\n");
	for (const struct gen_block *message = schema->messages; message; message = message->next) {
		if (is_used(schema, message))
			emit_actor_message(e, message);
	}
	for (const struct gen_interface *at = schema->interfaces; at; at = at->next)
		emit_interface(e, at);
}
