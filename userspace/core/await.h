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
 * A chain also leads through actors that wait for credit: core/cycle.h.
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

/* One edge: whom somebody waits for, and what tells this wait from his others: an ask's id, the order of an outbox
 * entry. */
struct myc_edge {
	myc_address whom;
	uint64_t mark;
	bool credit;
	uint32_t at; /* where it was found: core/cycle.c */
};

/* What a walk needs to know of its surroundings. */
struct myc_await_view {
	const void *context;
	/* The row of an address, NULL: there is none, or its process is dead. */
	const struct myc_actor_slot *(*row)(const void *context, myc_address address);
	/* Has the walker answered this ask of theirs, or passed it on? */
	bool (*answered)(const void *context, myc_address asker, uint32_t id);
	/* Waits for credit, see core/cycle.h; NULL: are not followed. The one that is at wait->at, `next`: behind it
	 * (0: the first). False: none, or none that counts. */
	bool (*credit)(const void *context, myc_address address, bool next, struct myc_edge *wait);
};

/* Where a walk is: what cycle->address[i] waits for. */
struct myc_walk {
	uint32_t depth;
	struct myc_edge wait[MYC_CYCLE_MAX];
};

static inline bool myc_await_read(const struct myc_await_view *view, myc_address address,
				  struct myc_edge *wait)
{
	const struct myc_actor_slot *row = view->row(view->context, address);
	uint32_t id = 0;

	*wait = (struct myc_edge){.whom = row ? myc_await_edge(row, address, &id) : MYC_NOBODY,
				  .mark = id};
	return wait->whom != MYC_NOBODY;
}

/* The next edge of the actor that the walk is at: the ask that it awaits, then those of credit. */
static inline bool myc_walk_next(const struct myc_await_view *view, struct myc_walk *walk,
				 const struct myc_cycle *cycle)
{
	struct myc_edge *wait = &walk->wait[walk->depth];

	return view->credit && view->credit(view->context, cycle->address[walk->depth], true, wait);
}

/* Are all the edges there that were seen, now that the last has been? Then all were there at once. */
static inline bool myc_walk_again(const struct myc_await_view *view, const struct myc_walk *walk,
				  const struct myc_cycle *cycle)
{
	bool credit = false;

	for (uint32_t i = 0; i <= walk->depth; i++)
		credit |= walk->wait[i].credit;
	for (uint32_t i = 0; credit && i <= walk->depth; i++) {
		struct myc_edge now = walk->wait[i];

		if (now.credit ? !view->credit(view->context, cycle->address[i], false, &now)
			       : !myc_await_read(view, cycle->address[i], &now))
			return false;
		if (now.whom != walk->wait[i].whom || now.mark != walk->wait[i].mark)
			return false;
	}
	return true;
}

/* Is the edge that the walk is at the one back to its start? */
static inline bool myc_walk_closed(const struct myc_await_view *view, const struct myc_walk *walk,
				   const struct myc_cycle *cycle)
{
	const struct myc_edge *last = &walk->wait[walk->depth];

	if (last->whom != cycle->address[0])
		return false;
	if (walk->depth && !last->credit &&
	    view->answered(view->context, cycle->address[walk->depth], (uint32_t)last->mark))
		return false;
	return myc_walk_again(view, walk, cycle);
}

static inline bool myc_walk_met(const struct myc_cycle *cycle, uint32_t depth, myc_address whom)
{
	for (uint32_t i = 0; i <= depth; i++)
		if (cycle->address[i] == whom)
			return true;
	return false;
}

/* Follows the edges from `first` on, which `self` has or is about to have; of an actor that has several,
 * each. 0, -EDEADLK: they lead back, by *cycle and *walk; -ELOOP: too many awaited asks; deeper
 * credit is not followed. What other processes wrote is followed with care: any value ends it. */
static inline int myc_await_walk(const struct myc_await_view *view, myc_address self,
				 const struct myc_edge *first, struct myc_walk *walk,
				 struct myc_cycle *cycle)
{
	walk->depth = 0;
	walk->wait[0] = *first;
	cycle->address[0] = self;
	for (;;) {
		uint32_t depth = walk->depth;
		myc_address whom = walk->wait[depth].whom;

		cycle->count = depth + 1;
		if (myc_walk_closed(view, walk, cycle))
			return -EDEADLK;
		if (!myc_walk_met(cycle, depth, whom)) {
			if (cycle->count < MYC_CYCLE_MAX) {
				walk->depth = depth + 1;
				cycle->address[walk->depth] = whom;
				if (myc_await_read(view, whom, &walk->wait[walk->depth]) ||
				    myc_walk_next(view, walk, cycle))
					continue;
				walk->depth = depth;
			} else if (!walk->wait[depth].credit) {
				return -ELOOP;
			}
		}
		while (!walk->depth || !myc_walk_next(view, walk, cycle))
			if (!walk->depth--)
				return 0;
	}
}

#endif
