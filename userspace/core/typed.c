/* SPDX-License-Identifier: Apache-2.0 */
#include "core/typed.h"

#include <stdio.h>

#include <mycelium/abi/buffer.h>

#include "core/letter.h"
#include "core/watch.h"

_Static_assert(MYC_INTERFACE_ROWS == MYC_INTERFACES_MAX, "as the header says");
_Static_assert(sizeof(((struct myc_interface_row *)0)->name) == MYC_INTERFACE_NAME_SIZE,
	       "and here");

#define WORDS (sizeof(struct myc_interface_row) / sizeof(uint64_t))

/* ---- rows -------------------------------------------------------------------------------------- */

int myc_typed_open(struct myc_system *system)
{
	const struct myc_workspace *workspace = &system->workspace;
	uint64_t size = 0;

	system->interface = myc_region_block(&workspace->regions[workspace->process],
					     MYC_BLOCK_INTERFACE, 0, &size);
	if (!system->interface || size < MYC_INTERFACE_ROWS * sizeof(*system->interface))
		return -EPROTO;
	for (uint32_t i = 0; i < MYC_INTERFACE_ROWS; i++)
		__atomic_store_n(&system->interface[i].id, 0, __ATOMIC_RELAXED);
	return 0;
}

uint32_t myc_typed_row(struct myc_system *system, const struct myc_interface *interface)
{
	struct myc_interface_row wanted = {
		.schema = interface->schema, .id = interface->id, .version = interface->version};
	uint64_t word[WORDS];

	snprintf(wanted.name, sizeof(wanted.name), "%s", interface->name ? interface->name : "?");
	memcpy(word, &wanted, sizeof(word));
	for (uint32_t i = 0; i < MYC_INTERFACE_ROWS; i++) {
		struct myc_interface_row *row = &system->interface[i];

		if (row->id && memcmp(row, &wanted, sizeof(wanted)) != 0)
			continue;
		if (row->id)
			return i + 1;
		/* Who sees a word of it sees that the words of the predecessor's actors are taken back.
		 * Pairs with the fence in myc_interface_of. */
		__atomic_thread_fence(__ATOMIC_RELEASE);
		for (size_t w = WORDS; w-- > 0;)
			__atomic_store_n((uint64_t *)(void *)row + w, word[w], __ATOMIC_RELAXED);
		return i + 1;
	}
	return 0;
}

/* ---- looking ----------------------------------------------------------------------------------- */

/* Another process' memory: whatever stands there is made into an answer that can be. */
int myc_interface_of(struct myc_actor *self, myc_address address, struct myc_interface_seen *seen)
{
	const struct myc_system *system = self->executor->system;
	uint32_t process = myc_address_process(address), incarnation;
	const struct myc_actor_slot *slot =
		myc_address_node(address) == system->workspace.node
			? myc_view_slot(system, process, myc_address_slot(address))
			: NULL;
	uint64_t copy[WORDS], size = 0;

	*seen = (struct myc_interface_seen){0};
	if (!slot || !myc_process_there(system, process, &incarnation))
		return -ESRCH;
	/* Acquire: the row. Pairs with the release when the slot was given. */
	uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
	uint32_t number = myc_actor_word_interface(word);
	int none = myc_actor_word_state(word) == MYC_ACTOR_STARTING ? -EAGAIN : 0;

	if (myc_actor_word_generation(word) != myc_address_generation(address) ||
	    !myc_actor_word_lives(word))
		return -ESRCH;
	if (!number)
		return none;
	const struct myc_interface_row *row = myc_region_block(&system->workspace.regions[process],
							       MYC_BLOCK_INTERFACE, 0, &size);

	if (!row || size < MYC_INTERFACE_ROWS * sizeof(*row))
		return none;
	for (size_t w = 0; w < WORDS; w++)
		copy[w] = __atomic_load_n((const uint64_t *)(const void *)&row[number - 1] + w,
					  __ATOMIC_RELAXED);
	/* Pairs with the fence in myc_typed_row. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (myc_actor_word_interface(__atomic_load_n(&slot->word, __ATOMIC_RELAXED)) != number)
		return -EAGAIN;
	struct myc_interface_row is;

	memcpy(&is, copy, sizeof(is));
	if (!is.id) /* its process was killed, and its successor is about to make it again */
		return -EAGAIN;
	*seen = (struct myc_interface_seen){
		.schema = is.schema, .id = is.id, .version = is.version};
	memcpy(seen->name, is.name, sizeof(seen->name) - 1);
	return 0;
}

static bool same(const struct myc_interface_seen *seen, const struct myc_interface *interface)
{
	return seen->id == interface->id && seen->schema == interface->schema;
}

/* name NULL: it was resolved by its address. */
static int check(struct myc_actor *self, const struct myc_interface *interface, const char *name,
		 const struct myc_ref *ref, uint32_t *version, struct myc_error *error)
{
	struct myc_interface_seen seen;
	int code = myc_interface_of(self, ref->address, &seen);
	char who[64];

	if (name)
		snprintf(who, sizeof(who), "actor '%.47s'", name);
	else
		snprintf(who, sizeof(who), "actor %016llx", (unsigned long long)ref->address);
	if (code)
		return myc_error_set(error, code, "try again", "%s is %s", who,
				     code == -EAGAIN ? "being started" : "not there any more");
	if (!seen.id)
		return myc_error_set(
			error, -EPROTOTYPE, "make it with the interface's behaviour macro",
			"%s declares no interface, and %s (schema %u, interface %u, "
			"version %u) is wanted",
			who, interface->name, interface->schema, interface->id, interface->version);
	if (!same(&seen, interface))
		return myc_error_set(error, -EPROTOTYPE, "look another name up, or use its type",
				     "%s accepts %s (schema %u, interface %u, version %u), not %s "
				     "(schema %u, interface %u, version %u)",
				     who, seen.name, seen.schema, seen.id, seen.version,
				     interface->name, interface->schema, interface->id,
				     interface->version);
	*version = seen.version;
	return 0;
}

int myc_typed_lookup(struct myc_actor *self, const struct myc_interface *interface,
		     const char *name, struct myc_ref *ref, uint32_t *version,
		     struct myc_error *error)
{
	struct myc_ref found;
	int code = myc_lookup(self, name, &found);

	if (code)
		return myc_error_set(error, code, "spawn it, or try again when it has been",
				     "actor '%.47s' (%s) is not found", name, interface->name);
	code = check(self, interface, name, &found, version, error);
	if (!code)
		*ref = found;
	return code;
}

int myc_typed_resolve(struct myc_actor *self, const struct myc_interface *interface,
		      myc_address address, struct myc_ref *ref, uint32_t *version,
		      struct myc_error *error)
{
	struct myc_ref found;
	int code = myc_resolve(self, address, &found);

	if (code)
		return myc_error_set(error, code, NULL, "actor %016llx (%s) cannot be reached",
				     (unsigned long long)address, interface->name);
	code = check(self, interface, NULL, &found, version, error);
	if (!code)
		*ref = found;
	return code;
}

bool myc_typed_since(struct myc_actor *self, const struct myc_ref *ref,
		     const struct myc_interface *interface, uint32_t since, uint32_t *version)
{
	struct myc_interface_seen seen;

	if (!myc_interface_of(self, ref->address, &seen) && same(&seen, interface))
		*version = seen.version;
	return *version >= since;
}

/* ---- what cannot be handled -------------------------------------------------------------------- */

int myc_typed_refuse(struct myc_actor *self, const struct myc_message *message, int error)
{
	struct myc_reference reference = {.size = message->size};
	struct myc_slot slot = {.type = message->type,
				.size = sizeof(reference),
				.flags = message->flags | MYC_SLOT_REFERENCE,
				.correlation = message->correlation};
	struct myc_reply_to to;

	memcpy(slot.payload, &reference, sizeof(reference)); /* whose size the letter tells */
	myc_letter_note(self->executor,
			error == -EBADMSG ? MYC_DEAD_LETTER_MALFORMED
					  : MYC_DEAD_LETTER_NOT_ACCEPTED,
			message->from, self->address, &slot);
	if (myc_message_asks(message) && !myc_reply_keep(message, &to))
		(void)myc_reply_error(self, &to, error);
	return 0;
}
