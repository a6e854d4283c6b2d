/* SPDX-License-Identifier: Apache-2.0 */
/* Plain threads that stop, suspend and wait for actors: they say it by a signal, and look at the slot. */
#include <errno.h>

#include <mycelium/abi/signal.h>

#include "core/move.h"
#include "core/signal.h"
#include "core/wait.h"
#include "core/watch.h"

int myc_signal_send_plain(struct myc_sender *sender, const struct myc_signal *signal,
			  enum myc_lane_ring ring)
{
	struct myc_road *road;
	int code;

	myc_posting_begin(sender);
	code = myc_sender_road(sender, signal->to, &road);
	if (!code && myc_move_on_its_way(sender->system, signal->to))
		code = -EAGAIN;
	if (!code && myc_road_full(sender, road, ring)) {
		code = -EAGAIN;
		/* A new lane: its receiver is to look for it. */
		if (!road->lane.cursor)
			myc_sender_dirty(sender, road->peer, MYC_PEER_MESSAGE);
	}
	if (!code) {
		uint64_t mark = ring == MYC_RING_ORDINARY ? myc_lane_mark(&road->lane) : 0;

		myc_lane_push(&road->lane, ring,
			      myc_slot_kind(signal->type, signal->size, 0) | mark,
			      myc_slot_to(myc_address_slot(signal->to),
					  myc_address_generation(signal->to), MYC_FLOW_NONE),
			      myc_slot_from(MYC_SLOT_PLAIN, signal->correlation), signal->payload,
			      signal->size);
		if (ring == MYC_RING_URGENT)
			myc_lane_pushed_urgent(&road->lane);
		myc_sender_dirty(sender, road->peer, MYC_PEER_MESSAGE);
	}
	myc_posting_end(sender);
	if (sender->dirty)
		myc_sender_wake(sender);
	return code;
}

/* Is it there, its process too, as it was? *life: of the process; 0 = any, it is set then. */
static bool there(const struct myc_system *system, myc_address actor, uint32_t *life)
{
	const struct myc_actor_slot *slot =
		myc_address_node(actor) == system->workspace.node
			? myc_view_slot(system, myc_address_process(actor), myc_address_slot(actor))
			: NULL;
	uint32_t incarnation;

	if (!slot || !myc_process_there(system, myc_address_process(actor), &incarnation) ||
	    (*life && *life != incarnation))
		return false;
	*life = incarnation;
	/* Acquire: its handlers are done. Pairs with the release in myc_actor_set_life. */
	uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) == myc_address_generation(actor) &&
	       myc_actor_word_lives(word);
}

static int control(struct myc_system *system, myc_address actor, uint32_t what, uint32_t *life)
{
	const struct myc_signal_control control = {.to = actor, .what = what};
	const struct myc_signal signal = {.type = MYC_SIGNAL_CONTROL,
					  .size = sizeof(control),
					  .to = actor,
					  .payload = &control};
	struct myc_sender *sender;
	int code = there(system, actor, life) ? myc_attached_sender(system, &sender) : -ESRCH;

	return code ? code : myc_signal_send_plain(sender, &signal, MYC_RING_URGENT);
}

/* ---- waiting ----------------------------------------------------------------------------------- */

int myc_actor_wait(struct myc_system *system, myc_address actor, uint64_t timeout_ns)
{
	struct myc_wait wait = myc_wait_begin(system, timeout_ns);
	uint32_t life = 0; /* of its process; 0 = not seen yet */

	while (there(system, actor, &life))
		if (!myc_wait_more(&wait))
			return -ETIMEDOUT;
	return 0;
}

static int stop(struct myc_system *system, myc_address actor, uint32_t what, uint64_t timeout_ns)
{
	struct myc_wait wait = myc_wait_begin(system, timeout_ns);
	uint32_t life = 0;
	int code;

	while ((code = control(system, actor, what, &life)) == -EAGAIN && timeout_ns)
		if (!myc_wait_more(&wait))
			return -EAGAIN;
	while (!code && timeout_ns && there(system, actor, &life))
		if (!myc_wait_more(&wait))
			return -ETIMEDOUT;
	return code;
}

/* ---- for plain threads ------------------------------------------------------------------------- */

int myc_actor_stop(struct myc_system *system, myc_address actor, uint32_t how, uint64_t timeout_ns)
{
	uint32_t what = how & ~(uint32_t)MYC_STOP_ELSE_KILL;

	if (what < MYC_STOP || what > MYC_STOP_KILL)
		return -EINVAL;
	int code = stop(system, actor, what, timeout_ns);

	if (code != -ETIMEDOUT || !(how & MYC_STOP_ELSE_KILL))
		return code;
	code = stop(system, actor, MYC_STOP_KILL, timeout_ns);
	/* -ESRCH: it has ended meanwhile; it was told to stop, so it is not -EAGAIN that counts. */
	return code == -ESRCH ? 0 : code == -EAGAIN ? -ETIMEDOUT : code;
}

int myc_actor_suspend(struct myc_system *system, myc_address actor)
{
	uint32_t life = 0;

	return control(system, actor, MYC_CONTROL_SUSPEND, &life);
}

int myc_actor_resume(struct myc_system *system, myc_address actor)
{
	uint32_t life = 0;

	return control(system, actor, MYC_CONTROL_RESUME, &life);
}
