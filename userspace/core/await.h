/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who awaits whom, so that nobody awaits itself through others. Each actor has an edge in its slot row
 * (waits_on and awaited, abi/lane.h), written by its executor only:
 *
 *	asker 1: waits_on = 2      asker 2: waits_on = 3      asker 3: waits_on = 1
 *	         fence                      fence                      fence
 *	         follow the edges           follow the edges           follow the edges
 *	         back at 1: refused         back at 2: refused         back at 3: refused
 *
 * The fences are sequentially consistent, so they have one order. The store of each asker's edge is
 * before its fence, and the loads of the one whose fence is the last are after all the others' fences: it
 * sees every edge of the cycle, and is refused. Earlier ones may see it too: then several are refused. Taken
 * back is an edge only by its writer: refused, answered, timed out, restarted, ended.
 *
 * An edge that is old (its answer is on its way) may still be seen. Where it leads back to the walker, who gave
 * that answer, the walker knows: `answered`. Elsewhere it may refuse an ask that would have been
 * answered; it never lets a cycle through.
 *
 * Steps are inline for the interleaving tests (memory/lane.h). A killed process' edges stay in its
 * region until it starts again; walks do not follow edges of the dead.
 */
#ifndef MYC_CORE_AWAIT_H
#define MYC_CORE_AWAIT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/abi/lane.h>
#include <mycelium/address.h>
#include <mycelium/ask.h>

#ifndef MYC_POINT
#define MYC_POINT(name) ((void)0)
#endif

/* After it, and only then, the asker follows the edges. */
static inline void myc_await_publish(struct myc_actor_slot *row, uint32_t id, myc_address whom)
{
	__atomic_store_n(&row->awaited, id, __ATOMIC_RELAXED);
	/* Release: the id. Pairs with myc_await_edge. */
	__atomic_store_n(&row->waits_on, whom, __ATOMIC_RELEASE);
	MYC_POINT("await: published");
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	MYC_POINT("await: fenced");
}

static inline void myc_await_end(struct myc_actor_slot *row)
{
	__atomic_store_n(&row->waits_on, MYC_NOBODY, __ATOMIC_RELAXED);
	MYC_POINT("await: over");
}

/* Whom the actor with this address awaits, and by which ask; MYC_NOBODY: nobody, or it is gone. */
static inline myc_address myc_await_edge(const struct myc_actor_slot *row, myc_address address,
					 uint32_t *id)
{
	uint64_t word = __atomic_load_n(&row->word, __ATOMIC_RELAXED);
	myc_address whom = __atomic_load_n(&row->waits_on, __ATOMIC_ACQUIRE);

	*id = __atomic_load_n(&row->awaited, __ATOMIC_RELAXED);
	MYC_POINT("await: edge read");
	if (myc_actor_word_generation(word) != myc_address_generation(address) ||
	    myc_actor_word_state(word) == MYC_ACTOR_FREE)
		return MYC_NOBODY;
	return whom;
}

/* What a walk needs to know of its surroundings. */
struct myc_await_view {
	const void *context;
	/* The row of an address, NULL: there is none, or its process is dead. */
	const struct myc_actor_slot *(*row)(const void *context, myc_address address);
	/* Has the walker answered this ask of theirs, or passed it on? */
	bool (*answered)(const void *context, myc_address asker, uint32_t id);
};

/* Follows the edges from `whom` on, whom `self` is about to await. 0, -EDEADLK: they lead back, by
 * *cycle; -ELOOP: too many. What other processes wrote is followed with care: any value ends it. */
static inline int myc_await_walk(const struct myc_await_view *view, myc_address self,
				 myc_address whom, struct myc_cycle *cycle)
{
	myc_address last = self;
	uint32_t id = 0;

	for (cycle->count = 0; cycle->count < MYC_CYCLE_MAX;) {
		cycle->address[cycle->count++] = last;
		if (whom == self)
			return last != self && view->answered(view->context, last, id) ? 0
										       : -EDEADLK;
		const struct myc_actor_slot *row = view->row(view->context, whom);

		last = whom;
		whom = row ? myc_await_edge(row, last, &id) : MYC_NOBODY;
		if (whom == MYC_NOBODY)
			return 0;
	}
	return -ELOOP;
}

#endif
