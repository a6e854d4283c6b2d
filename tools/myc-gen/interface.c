/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces of actors: their messages by name, and whether these can travel between actors. A message
 * without groups and data goes as its root block alone, so that its reader knows the version by the length; one
 * with them goes with its header, in a buffer. */
#include <string.h>

#include "myc-gen/model.h"

#define TYPES_MAX   0xff00u /* MYC_TYPE_FRAMEWORK: message types from here on are the framework's */
#define VERSION_MAX 0xffffu

static const struct gen_block *message_named(const struct gen_schema *schema, const char *name)
{
	const struct gen_block *message = schema->messages;

	while (message && strcmp(message->name, name) != 0)
		message = message->next;
	return message;
}

/* A reader that only knows how long the block is must know by that which fields there are. */
static void check_flat(struct gen_schema *schema, const struct gen_accept *accept,
		       const struct gen_block *message)
{
	const struct gen_step *step = message->steps;

	for (; step->next; step = step->next) {
		if (step->next->length <= step->length)
			gen_error(schema, &accept->where, "message", message->name,
				  "its block is as long in version %u as before, and readers tell "
				  "versions by the length; put new fields behind all others",
				  step->next->version);
	}
	if (message->length > step->length)
		gen_error(schema, &accept->where, "message", message->name,
			  "its block ends with %u bytes of padding, and readers tell versions by "
			  "the length; leave blockLength out",
			  message->length - step->length);
}

static void check_parts(struct gen_schema *schema, const struct gen_accept *accept,
			const struct gen_block *message)
{
	uint32_t first = GEN_NONE;

	for (const struct gen_block *group = message->groups; group; group = group->next)
		first = group->since < first ? group->since : first;
	for (const struct gen_field *data = message->data; data; data = data->next)
		first = data->since < first ? data->since : first;
	if (first)
		gen_error(schema, &accept->where, "message", message->name,
			  "had no groups and data before version %u and went as its block alone; "
			  "add a message instead",
			  first);
}

static void check_message(struct gen_schema *schema, const struct gen_accept *accept,
			  const struct gen_block *message, bool asks)
{
	if (message->id >= TYPES_MAX)
		gen_error(schema, &message->where, "id", NULL,
			  "%u, and types of actors' messages end at %u; lower it", message->id,
			  TYPES_MAX - 1);
	if (message->groups || message->data)
		check_parts(schema, accept, message);
	else
		check_flat(schema, accept, message);
	if (asks && (message->groups || message->data))
		gen_error(schema, &accept->where, "answer", accept->answer_name,
			  "%s has groups or data; a question and its answer have fields only",
			  message->name);
}

static void bind_accept(struct gen_schema *schema, struct gen_interface *interface,
			struct gen_accept *accept)
{
	accept->message = message_named(schema, accept->message_name);
	if (!accept->message) {
		gen_error(schema, &accept->where, "message", accept->message_name,
			  "no such message; name one of this schema");
		return;
	}
	if (accept->since < accept->message->since)
		accept->since = accept->message->since;
	for (const struct gen_accept *other = interface->accepts; other != accept;
	     other = other->next) {
		if (other->message == accept->message)
			gen_error(schema, &accept->where, "message", accept->message_name,
				  "accepted in line %ld already; remove one", other->where.line);
	}
	check_message(schema, accept, accept->message, accept->answer_name);
	if (!accept->answer_name)
		return;
	accept->answer = message_named(schema, accept->answer_name);
	if (!accept->answer)
		gen_error(schema, &accept->where, "answer", accept->answer_name,
			  "no such message; name one of this schema");
	else
		check_message(schema, accept, accept->answer, true);
}

static void bind_interface(struct gen_schema *schema, struct gen_interface *interface)
{
	if (!interface->id)
		gen_error(schema, &interface->where, "id", "0",
			  "stands for actors without an interface; use 1 to 65535");
	for (const struct gen_interface *other = schema->interfaces; other != interface;
	     other = other->next) {
		if (other->id == interface->id)
			gen_error(schema, &interface->where, "id", NULL,
				  "%u, as <interface name=\"%s\"> in line %ld has; give it "
				  "another",
				  other->id, other->name, other->where.line);
	}
	if (!interface->accepts)
		gen_error(schema, &interface->where, NULL, NULL,
			  "accepts nothing; give it an <accepts message=\"...\">");
	for (struct gen_accept *accept = interface->accepts; accept; accept = accept->next)
		bind_accept(schema, interface, accept);
}

void gen_interfaces(struct gen_schema *schema)
{
	struct gen_interface *interface = schema->interfaces;

	if (!interface)
		return;
	if (schema->big_endian)
		gen_error(schema, &schema->where, "byteOrder", "bigEndian",
			  "actors send blocks as they lie in memory; write littleEndian, or keep "
			  "interfaces in a schema of their own");
	if (schema->version > VERSION_MAX)
		gen_error(schema, &schema->where, "version", NULL,
			  "%u, and interfaces have versions up to %u; lower it", schema->version,
			  VERSION_MAX);
	for (; interface; interface = interface->next)
		bind_interface(schema, interface);
}
