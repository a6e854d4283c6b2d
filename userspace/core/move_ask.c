/* SPDX-License-Identifier: Apache-2.0 */
/* Who wants an actor to move: asks its executor for it, and waits. See core/move.h. */
#include <errno.h>

#include "core/move.h"
#include "core/wait.h"

#define ABORT_NS 1000000000u

int myc_move_ask(struct myc_system *system, myc_address address, uint32_t executor)
{
	uint32_t slot = myc_address_slot(address);
	struct myc_move *move = &system->move;

	if (executor >= system->opts.executors)
		return -EINVAL;
	if (myc_address_node(address) != system->workspace.node ||
	    myc_address_process(address) != system->workspace.process || slot >= system->slots)
		return -ESRCH;
	pthread_mutex_lock(&system->mutex);
	if (myc_move_state(system) != MYC_MOVE_IDLE) {
		pthread_mutex_unlock(&system->mutex);
		return -EBUSY;
	}
	uint64_t word = __atomic_load_n(&system->slot[slot].word, __ATOMIC_ACQUIRE);
	uint32_t from = myc_actor_word_home(word);
	int code = myc_actor_word_generation(word) != myc_address_generation(address) ||
				   !myc_actor_word_lives(word)
			   ? -ESRCH
		   : from >= system->opts.executors ? -EOPNOTSUPP
						    : 0;

	move->stays = code == -EOPNOTSUPP ? MYC_STAYS_THREAD : MYC_STAYS_NOT;

	if (!code && from != executor) {
		move->address = address;
		move->from = from;
		move->to = executor;
		move->actor = NULL;
		move->number++;
		__atomic_store_n(&move->abort, false, __ATOMIC_RELAXED);
		myc_move_set(move, MYC_MOVE_ASKED);
		myc_executor_ring(&system->executor[from]);
	} else if (!code) {
		move->code = 0;
	}
	pthread_mutex_unlock(&system->mutex);
	return code;
}

/* Until `until_ns`, then it is called off, which takes a moment. */
static int wait_for(struct myc_system *system, uint64_t until_ns)
{
	struct myc_move *move = &system->move;
	struct myc_wait wait = myc_wait_begin(system, UINT64_MAX);

	while (myc_move_state(system) != MYC_MOVE_IDLE) {
		uint64_t now = myc_system_now(system);

		if (now >= until_ns)
			__atomic_store_n(&move->abort, true, __ATOMIC_RELEASE);
		/* Its executor is in a long handler. */
		if (now >= until_ns && now - until_ns >= ABORT_NS)
			return -ETIMEDOUT;
		(void)myc_wait_more(&wait);
	}
	return move->code;
}

int myc_move(struct myc_system *system, myc_address address, uint32_t executor, uint64_t timeout_ns,
	     struct myc_error *error)
{
	struct myc_move *move = &system->move;
	uint64_t now = myc_system_now(system);
	uint64_t until_ns = timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
	struct myc_wait wait = myc_wait_begin(system, timeout_ns);
	int code;

	while (pthread_mutex_trylock(&move->callers))
		if (!myc_wait_more(&wait))
			return myc_move_error(error, -EBUSY, address, MYC_STAYS_NOT, 0);
	/* Busy: who asked before us has given up, and it goes on. */
	while ((code = myc_move_ask(system, address, executor)) == -EBUSY && myc_wait_more(&wait))
		;
	if (!code)
		code = wait_for(system, until_ns);
	if (code) {
		bool idle = myc_move_state(system) == MYC_MOVE_IDLE;

		myc_move_error(error, code, address,
			       idle ? (enum myc_move_stays)move->stays : MYC_STAYS_HANDLER,
			       idle ? move->stays_at : 0);
	}
	pthread_mutex_unlock(&move->callers);
	return code;
}
