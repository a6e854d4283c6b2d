/* SPDX-License-Identifier: Apache-2.0 */
/* Weak references (mycelium/recipient.h): what the slot and the process said, and whether they still do. */
#include <mycelium/recipient.h>

#include "core/executor.h"
#include "core/watch.h"

/* What there is at this address now. -ESRCH: nobody. */
static int look(const struct myc_system *system, myc_address address, struct myc_weak *weak)
{
	const struct myc_actor_slot *slot =
		myc_address_node(address) == system->workspace.node
			? myc_view_slot(system, myc_address_process(address),
					myc_address_slot(address))
			: NULL;

	*weak = (struct myc_weak){.address = address};
	if (!slot || !myc_process_there(system, myc_address_process(address), &weak->incarnation))
		return -ESRCH;
	/* Pairs with the release when the slot was given: its restarts are right. */
	uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);

	weak->restarts = __atomic_load_n(&slot->restarts, __ATOMIC_RELAXED);
	return myc_actor_word_generation(word) == myc_address_generation(address) &&
			       myc_actor_word_lives(word)
		       ? 0
		       : -ESRCH;
}

int myc_weak_of(struct myc_actor *self, myc_address address, struct myc_weak *weak)
{
	return look(self->executor->system, address, weak);
}

int myc_weak_upgrade(struct myc_actor *self, const struct myc_weak *weak, uint32_t flags,
		     struct myc_ref *ref)
{
	struct myc_weak now;
	int code = look(self->executor->system, weak->address, &now);

	if (code)
		return code;
	if (!(flags & MYC_WEAK_RESTARTED) &&
	    (now.incarnation != weak->incarnation || now.restarts != weak->restarts))
		return -ESTALE;
	return myc_resolve(self, weak->address, ref);
}
