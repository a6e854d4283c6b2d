/* SPDX-License-Identifier: Apache-2.0 */
/* Of an interface: actors made and found by it, and probes of tests. */
#include "myc-gen/emit_actor.h"

/* ---- making and finding -------------------------------------------------------------------- */

static void emit_spawn(const struct interface *i)
{
	struct gen_emit *e = i->e;
	static const char *const ways[][2] = {{"spawn", "struct myc_system *system"},
					      {"spawn_local", "struct myc_actor *self"}};

	for (int w = 0; w < 2; w++) {
		const char *first = w ? "self" : "system";

		out(e,
		    "MYC_SBE_INLINE int %s_%s_(%s, const struct %s_behaviour *behaviour,\n"
		    "\t\tconst struct myc_spawn_opts *opts, struct %s_ref *ref, struct myc_error "
		    "*error)\n{\n"
		    "\tstruct myc_spawn_opts with = {.sz = sizeof(with)};\n"
		    "\tmyc_address address = MYC_NOBODY;\n\n\tif (opts)\n\t\twith = *opts;\n"
		    "\twith.behaviour = &behaviour->as;\n"
		    "\tint code = myc_%s(%s, &with, &address, error);\n\n"
		    "\t*ref = (struct %s_ref){.ref = {.address = address}, .version = "
		    "%s_interface.version};\n"
		    "\treturn code;\n}\n",
		    i->c, ways[w][0], ways[w][1], i->c, i->c, ways[w][0], first, i->c, i->c);
		out(e,
		    "/* Makes an actor, as myc_%s; opts->behaviour is not looked at, opts may be "
		    "NULL. */\n"
		    "#define %s_%s(%s, behaviour, opts, to, error) \\\n"
		    "\t_Generic((void (*)(__typeof__(%s), MYC_TYPED_AS(behaviour), "
		    "__typeof__(to)))0, \\\n"
		    "\t\tvoid (*)(%s *, const struct %s_behaviour *, struct %s_ref *): "
		    "%s_%s_)(%s, behaviour, opts, to, error)\n\n",
		    ways[w][0], i->c, ways[w][0], first, first,
		    w ? "struct myc_actor" : "struct myc_system", i->c, i->c, i->c, ways[w][0],
		    first);
	}
	out(e,
	    "/* As myc_become, of the same interface. */\n"
	    "#define %s_become(self, behaviour) \\\n"
	    "\t_Generic((behaviour), const struct %s_behaviour *: \\\n"
	    "\t\tmyc_become)(self, &(behaviour)->as)\n\n",
	    i->c, i->c);
}

static void emit_find(const struct interface *i)
{
	struct gen_emit *e = i->e;
	static const char *const ways[][3] = {
		{"lookup", "const char *name", "name"},
		{"resolve", "myc_address address", "address"},
	};

	for (int w = 0; w < 2; w++) {
		out(e,
		    "MYC_SBE_INLINE int %s_%s_(struct myc_actor *self, %s,\n"
		    "\t\tstruct %s_ref *to, struct myc_error *error)\n{\n"
		    "\treturn myc_typed_%s(self, &%s_interface, %s, &to->ref, &to->version, "
		    "error);\n}\n",
		    i->c, ways[w][0], ways[w][1], i->c, ways[w][0], i->c, ways[w][2]);
		out(e,
		    "/* A ref by %s, if the actor has this interface. -EPROTOTYPE: it has another, "
		    "which the error names;\n"
		    " * else as myc_%s. */\n"
		    "#define %s_%s(self, %s, to, error) \\\n"
		    "\t_Generic((to), struct %s_ref *: %s_%s_)(self, %s, to, error)\n\n",
		    ways[w][2], ways[w][0], i->c, ways[w][0], ways[w][2], i->c, i->c, ways[w][0],
		    ways[w][2]);
	}
}

/* The probe answers a question that it caught. */
static void emit_reply_caught(const struct interface *i, const struct gen_accept *accept)
{
	struct gen_emit *e = i->e;
	const struct gen_block *answer = accept->answer;
	char *name = text(e, "%s_%s", i->c, accept->message->short_name);
	char *T = capitals(e, answer->c_name);

	out(e,
	    "MYC_SBE_INLINE int %s_reply_caught_(struct myc_testkit *kit,\n"
	    "\t\tconst struct myc_testkit_message *caught, %sanswer)\n{\n\t(void)answer;\n"
	    "\treturn caught->type != %s_TEMPLATE_ID ? -EINVAL :\n"
	    "\t       myc_testkit_reply(kit, caught, %s_TEMPLATE_ID, %s);\n}\n",
	    name, as_message(e, answer), capitals(e, accept->message->c_name), T,
	    answer->length ? text(e, "answer, %s_BLOCK_LENGTH", T) : "NULL, 0");
	out(e,
	    "/* As myc_testkit_reply. -EINVAL: what was caught is another message, or asks "
	    "nothing. */\n"
	    "#define %s_reply_caught(kit, caught, ...) \\\n"
	    "\t_Generic((void (*)(MYC_TYPED_AS(caught), MYC_TYPED_AS((__VA_ARGS__))))0",
	    name);
	emit_choice(i, text(e, "const struct myc_testkit_message *, %s", as_message(e, answer)),
		    text(e, "%s_reply_caught_", name));
	out(e, ")(kit, caught, (__VA_ARGS__))\n");
}

static void emit_testkit(const struct interface *i)
{
	struct gen_emit *e = i->e;
	bool any = false;

	out(e,
	    "#ifdef MYCELIUM_TESTKIT_H\n"
	    "MYC_SBE_INLINE int %s_probe_(struct myc_testkit *kit, const char *name, struct %s_ref "
	    "*probe)\n{\n"
	    "\t*probe = (struct %s_ref){.version = %s_interface.version};\n"
	    "\treturn myc_testkit_probe_as(kit, name, &%s_interface, &probe->ref.address);\n}\n"
	    "/* A probe that is found as an actor with this interface. */\n"
	    "#define %s_probe(kit, name, probe) \\\n"
	    "\t_Generic((probe), struct %s_ref *: %s_probe_)(kit, name, probe)\n",
	    i->c, i->c, i->c, i->c, i->c, i->c, i->c, i->c);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		const struct gen_block *message = accept->message;

		if (accept->answer)
			emit_reply_caught(i, accept);
		if (has_parts(message))
			continue;
		out(e,
		    "MYC_SBE_INLINE int %s_expect_%s_(struct myc_testkit *kit, const struct %s_ref "
		    "*probe,\n\t\t%smessage)\n{\n"
		    "\tstruct myc_testkit_want want = {.probe = probe->ref.address,\n"
		    "\t\t.type = %s_TEMPLATE_ID, .payload = %s, .size = %u};\n\n"
		    "\t(void)message;\n\treturn myc_testkit_expect(kit, &want, NULL);\n}\n",
		    i->c, message->short_name, i->c, as_message(e, message),
		    capitals(e, message->c_name), message->length ? "message" : "NULL",
		    message->length);
		any = true;
	}
	if (any)
		out(e,
		    "/* As myc_testkit_expect: the next message of the probe says this. */\n"
		    "#define %s_expect(kit, probe, ...) \\\n"
		    "\t_Generic((void (*)(MYC_TYPED_AS(probe), MYC_TYPED_AS((__VA_ARGS__))))0",
		    i->c);
	for (const struct gen_accept *accept = i->of->accepts; accept; accept = accept->next) {
		if (!has_parts(accept->message))
			emit_choice(i,
				    text(e, "const struct %s_ref *, %s", i->c,
					 as_message(e, accept->message)),
				    text(e, "%s_expect_%s_", i->c, accept->message->short_name));
	}
	out(e, "%s#endif\n\n", any ? ")(kit, probe, (__VA_ARGS__))\n" : "");
}

void emit_actor_make(const struct interface *i)
{
	emit_spawn(i);
	emit_find(i);
	emit_testkit(i);
}
