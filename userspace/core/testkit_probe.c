/* SPDX-License-Identifier: Apache-2.0 */
/* The test kit's other half: probes, expectations, and telling what happened. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/testkit.h"

/* ---- text -------------------------------------------------------------------------------------- */

static void append(FILE *out, const struct myc_kit_event *event)
{
	static const char *const name[] = {"begin", "message", "timer", "turn", "delay", "crash"};

	fprintf(out, "  %6llu  +%llu ns  %u/%u  %s", (unsigned long long)event->number,
		(unsigned long long)event->now_ns, event->process, event->executor,
		name[event->kind]);
	if (event->actor)
		fprintf(out, "  actor %u/%u", myc_address_process(event->actor),
			myc_address_slot(event->actor));
	if (event->kind == MYC_KIT_MESSAGE)
		fprintf(out, "  type %u, %u bytes, from %u/%u%s", event->type & 0xffff, event->size,
			myc_address_process(event->detail), myc_address_slot(event->detail),
			event->type >> 16 & MYC_MESSAGE_REDELIVERED ? ", again" : "");
	else if (event->kind != MYC_KIT_BEGIN)
		fprintf(out, "  %llu", (unsigned long long)event->detail);
	fputc('\n', out);
}

static void tell(struct myc_testkit *kit, FILE *out)
{
	uint64_t kept = kit->events < kit->opts.trace ? kit->events : kit->opts.trace;

	fprintf(out,
		"seed %llu (MYC_SEED=%llu replays it), hash %016llx, the last %llu of %llu "
		"events:\n",
		(unsigned long long)kit->seed, (unsigned long long)kit->seed,
		(unsigned long long)kit->hash, (unsigned long long)kept,
		(unsigned long long)kit->events);
	for (uint64_t i = kit->events - kept; i < kit->events; i++)
		append(out, &kit->trace[i % kit->opts.trace]);
}

static FILE *text_begin(struct myc_testkit *kit)
{
	free(kit->text);
	kit->text = NULL;
	return open_memstream(&kit->text, &kit->text_size);
}

__attribute__((format(printf, 3, 4))) static int fail(struct myc_testkit *kit, int code,
						      const char *format, ...)
{
	FILE *out = text_begin(kit);
	va_list arguments;

	if (!out)
		return code;
	va_start(arguments, format);
	vfprintf(out, format, arguments);
	va_end(arguments);
	fputc('\n', out);
	tell(kit, out);
	fclose(out);
	return code;
}

const char *myc_testkit_failure(struct myc_testkit *kit)
{
	return kit->text ? kit->text : "";
}

const char *myc_testkit_trace(struct myc_testkit *kit)
{
	FILE *out = text_begin(kit);

	if (!out)
		return "";
	tell(kit, out);
	fclose(out);
	return kit->text ? kit->text : "";
}

uint64_t myc_testkit_hash(const struct myc_testkit *kit)
{
	return kit->hash;
}

uint64_t myc_testkit_seed(const struct myc_testkit *kit)
{
	return kit->seed;
}

/* ---- probes ------------------------------------------------------------------------------------ */

static int catch (struct myc_actor *self, const struct myc_message *message)
{
	struct myc_testkit *kit = self->executor->system->workspace.world->context;
	struct myc_kit_caught *caught = calloc(1, sizeof(*caught) + message->size);

	if (!caught)
		return -ENOMEM;
	if (message->size)
		memcpy(caught->payload, message->payload, message->size);
	caught->message = (struct myc_testkit_message){
		.probe = self->address,
		.from = message->from,
		.at_ns = kit->now_ns,
		.size = message->size,
		.correlation = message->correlation,
		.type = message->type,
		.flags = message->flags,
		.payload = caught->payload,
	};
	(void)myc_reply_keep(message, &caught->message.asked);
	if (kit->caught_last)
		kit->caught_last->next = caught;
	else
		kit->caught = caught;
	kit->caught_last = caught;
	return 0;
}

void myc_kit_probes_close(struct myc_testkit *kit)
{
	while (kit->caught) {
		struct myc_kit_caught *next = kit->caught->next;

		free(kit->caught);
		kit->caught = next;
	}
	free(kit->probe_name);
	free(kit->probe_behaviour);
	free(kit->text);
}

int myc_testkit_probe(struct myc_testkit *kit, const char *name, myc_address *probe)
{
	return myc_testkit_probe_as(kit, name, NULL, probe);
}

int myc_testkit_probe_as(struct myc_testkit *kit, const char *name,
			 const struct myc_interface *interface, myc_address *probe)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts)};

	if (kit->probes == MYC_SLOTS_FIXED)
		return -ENOSPC;
	kit->probe_behaviour[kit->probes] =
		(struct myc_behaviour){.name = "probe", .message = catch, .interface = interface};
	opts.behaviour = &kit->probe_behaviour[kit->probes];
	if (name) {
		if (strlen(name) >= MYC_NAME_SIZE)
			return -EINVAL;
		snprintf(kit->probe_name[kit->probes], sizeof(kit->probe_name[0]), "%s", name);
		opts.name = kit->probe_name[kit->probes];
	}
	int code = myc_testkit_spawn(kit, 0, &opts, probe);

	if (!code)
		kit->probe[kit->probes++] = *probe;
	return code;
}

/* ---- what probes do ---------------------------------------------------------------------------- */

/* Between two turns the test's thread is that of every executor. NULL: not there. */
static struct myc_actor *probe_of(struct myc_testkit *kit, myc_address address)
{
	struct myc_actor *actor;
	bool known = false;

	for (uint32_t i = 0; i < kit->probes; i++)
		known = known || kit->probe[i] == address;
	if (!known || kit->in_turn || !myc_kit_alive(&kit->process[0]))
		return NULL;
	actor = &kit->process[0].system->actor[myc_address_slot(address)];
	if (!myc_actor_runs(actor)) /* it begins in its executor's next turn */
		(void)myc_testkit_run_until_idle(kit);
	if (!myc_kit_alive(&kit->process[0]))
		return NULL;
	actor = &kit->process[0].system->actor[myc_address_slot(address)];
	return actor->address == address && myc_actor_runs(actor) ? actor : NULL;
}

static int answer(struct myc_testkit *kit, const struct myc_testkit_message *message, int error,
		  uint16_t type, const void *payload, size_t size)
{
	struct myc_actor *probe = probe_of(kit, message->probe);

	if (!probe)
		return -ESRCH;
	if (!message->asked.correlation)
		return -EINVAL;
	myc_kit_wake_all(kit);
	return error ? myc_reply_error(probe, &message->asked, error)
		     : myc_reply_send(probe, &message->asked, type, payload, size);
}

int myc_testkit_reply(struct myc_testkit *kit, const struct myc_testkit_message *message,
		      uint16_t type, const void *payload, size_t size)
{
	return answer(kit, message, 0, type, payload, size);
}

int myc_testkit_reply_error(struct myc_testkit *kit, const struct myc_testkit_message *message,
			    int error)
{
	return error ? answer(kit, message, error, 0, NULL, 0) : -EINVAL;
}

int myc_testkit_send(struct myc_testkit *kit, myc_address probe, myc_address to, uint16_t type,
		     const void *payload, size_t size)
{
	for (uint32_t turns = 0; turns < kit->opts.turns_max; turns++) {
		/* Looked up each time: its process may crash while we wait. */
		struct myc_actor *self = probe_of(kit, probe);
		struct myc_ref ref;
		int code = self ? myc_resolve(self, to, &ref) : -ESRCH;

		if (!code)
			code = myc_try_send(self, &ref, type, payload, size);
		myc_kit_wake_all(kit);
		if (code != -EAGAIN && code != -ENOBUFS)
			return code;
		myc_testkit_step(kit);
	}
	return -ETIME;
}

/* NULL: no more topics. */
static struct myc_kit_claim *claim_of(struct myc_testkit *kit, myc_address probe, const char *topic)
{
	for (uint32_t i = 0; i < kit->claims; i++)
		if (kit->claim[i].probe == probe && !strcmp(kit->claim[i].topic, topic))
			return &kit->claim[i];
	if (kit->claims == MYC_KIT_CLAIMS_MAX || strlen(topic) >= MYC_TOPIC_NAME_SIZE)
		return NULL;
	struct myc_kit_claim *claim = &kit->claim[kit->claims++];

	*claim = (struct myc_kit_claim){.probe = probe};
	snprintf(claim->topic, sizeof(claim->topic), "%s", topic);
	return claim;
}

int myc_testkit_publish(struct myc_testkit *kit, myc_address probe, const char *topic,
			uint32_t type, uint64_t key, const void *payload, size_t size)
{
	struct myc_actor *self = probe_of(kit, probe);
	struct myc_kit_claim *claim = self ? claim_of(kit, probe, topic) : NULL;

	if (!claim)
		return self ? -ENOSPC : -ESRCH;
	int code = myc_publish(self, &claim->publisher, type, key, payload, size);

	if (code == -EPERM) { /* not yet, or its process has died since */
		code = myc_topic_claim(self, topic, &claim->publisher);
		code = code ? code : myc_publish(self, &claim->publisher, type, key, payload, size);
	}
	myc_kit_wake_all(kit);
	return code;
}

/* ---- expectations ------------------------------------------------------------------------------ */

static int rule(struct myc_testkit *kit, myc_address probe, uint16_t type, bool allowed)
{
	if (kit->rules == MYC_KIT_RULES_MAX)
		return -ENOSPC;
	kit->rule[kit->rules++] =
		(struct myc_kit_rule){.probe = probe, .type = type, .allowed = allowed};
	return 0;
}

int myc_testkit_allow(struct myc_testkit *kit, myc_address probe, uint16_t type)
{
	return rule(kit, probe, type, true);
}

int myc_testkit_disallow(struct myc_testkit *kit, myc_address probe, uint16_t type)
{
	return rule(kit, probe, type, false);
}

/* The latest rule counts; NULL: none. */
static const struct myc_kit_rule *rule_of(const struct myc_testkit *kit,
					  const struct myc_testkit_message *message)
{
	for (uint32_t i = kit->rules; i-- > 0;)
		if (kit->rule[i].probe == message->probe && kit->rule[i].type == message->type)
			return &kit->rule[i];
	return NULL;
}

static bool fits(const struct myc_testkit_want *want, const struct myc_testkit_message *message)
{
	return message->type == want->type &&
	       (!want->payload || (message->size == want->size &&
				   !memcmp(message->payload, want->payload, want->size))) &&
	       (!want->is || want->is(message, want->context));
}

/* Runs, and looks for what must not be. */
static int settle(struct myc_testkit *kit)
{
	int code = myc_testkit_run_until_idle(kit);

	if (code)
		return fail(kit, code, "not idle after %u turns", kit->opts.turns_max);
	for (struct myc_kit_caught *at = kit->caught; at; at = at->next) {
		const struct myc_kit_rule *is = at->taken ? NULL : rule_of(kit, &at->message);

		if (is && !is->allowed)
			return fail(kit, -EBADMSG, "probe %u got type %u, which is disallowed",
				    myc_address_slot(at->message.probe), at->message.type);
	}
	return 0;
}

int myc_testkit_expect(struct myc_testkit *kit, const struct myc_testkit_want *want,
		       struct myc_testkit_message *message)
{
	int code = settle(kit);

	if (code)
		return code;
	for (struct myc_kit_caught *at = kit->caught; at; at = at->next) {
		if (at->taken || at->message.probe != want->probe)
			continue;
		if (fits(want, &at->message)) {
			at->taken = true;
			if (message)
				*message = at->message;
			return 0;
		}
		if (!want->any_order && !rule_of(kit, &at->message))
			return fail(kit, -ENOMSG,
				    "probe %u expected type %u; first came type %u, %u bytes%s",
				    myc_address_slot(want->probe), want->type, at->message.type,
				    at->message.size,
				    at->message.type == want->type ? " (another content)" : "");
	}
	return fail(kit, -ENOMSG, "probe %u expected type %u, which did not come",
		    myc_address_slot(want->probe), want->type);
}

int myc_testkit_expect_none(struct myc_testkit *kit, myc_address probe)
{
	int code = settle(kit);

	for (struct myc_kit_caught *at = kit->caught; !code && at; at = at->next)
		if (!at->taken && at->message.probe == probe && !rule_of(kit, &at->message))
			code = fail(kit, -EEXIST,
				    "probe %u expected nothing; type %u came, %u bytes",
				    myc_address_slot(probe), at->message.type, at->message.size);
	return code;
}
