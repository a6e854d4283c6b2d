/* SPDX-License-Identifier: Apache-2.0 */
#include "core/strong.h"

#include <errno.h>

#include <mycelium/abi/signal.h>
#include <mycelium/strong.h>

#include "core/ask.h"
#include "core/exit.h"
#include "core/link.h"
#include "core/signal.h"
#include "core/wait.h"
#include "core/watch.h"

static const struct myc_exit_reason normal = {.kind = MYC_EXIT_NORMAL};

/* All plain threads of a process, as a holder. */
static myc_address threads_of(const struct myc_system *system, uint32_t process)
{
	return myc_address_make(system->workspace.node, process, MYC_SLOT_PLAIN, 0);
}

static bool from_there(const struct myc_executor *executor, const struct myc_inlet *inlet,
		       myc_address from)
{
	return myc_address_node(from) == executor->system->workspace.node &&
	       myc_address_process(from) == myc_lane_end_process(inlet->source);
}

static uint32_t life_of(const struct myc_actor *actor)
{
	return myc_signal_life((uint32_t)actor->executor->system->workspace.incarnation,
			       myc_actor_shared(actor)->restarts);
}

/* ---- the held one's side ------------------------------------------------------------------------- */

void myc_strong_home(struct myc_actor *held)
{
	const struct myc_watch *entry = held->executor->watches.entry;

	if (!(held->ties.flags & MYC_TIE_WHILE_HELD) || !myc_actor_runs(held))
		return;
	for (uint32_t at = held->ties.owned.first; at; at = entry[at].in[MYC_WATCH_OWNED].next)
		if (entry[at].kind == MYC_WATCH_STRONG)
			return;
	/* From here on nobody takes it: whoever comes later is refused. */
	myc_exit_drain(held, normal);
}

static struct myc_watch *entry_of(struct myc_executor *executor, const struct myc_actor *held,
				  const struct myc_signal_give *named)
{
	struct myc_watches *watches = &executor->watches;

	if (!held || !named->index || named->index > watches->capacity)
		return NULL;
	struct myc_watch *entry = &watches->entry[named->index];

	return entry->owner == held && entry->kind == MYC_WATCH_STRONG &&
			       entry->peer == named->from && entry->generation == named->generation
		       ? entry
		       : NULL;
}

static int answer(struct myc_executor *executor, const struct myc_signal_given *given,
		  uint32_t life)
{
	const struct myc_signal signal = {.type = MYC_SIGNAL_GIVEN,
					  .size = sizeof(*given),
					  .to = given->to,
					  .correlation = life,
					  .payload = given};

	return myc_link_say(executor, &signal);
}

/* Makes the entry of given->to, who is told; life 0: the present one's. -ENOSPC: there is no room. Who calls has seen
 * that there is room for the signals. */
static int enter(struct myc_actor *held, struct myc_signal_given *given, uint32_t life)
{
	struct myc_executor *executor = held->executor;
	struct myc_watch *entry = myc_watch_make(held, MYC_WATCH_STRONG, given->to);

	if (!entry)
		return -ENOSPC;
	/* Its process is not there: the entry is freed when what it had sent has come. */
	if (entry->state == MYC_WATCH_LOST)
		return 0;
	int code = myc_link_watch(executor, entry);

	given->index = (uint32_t)(entry - executor->watches.entry);
	given->generation = entry->generation;
	if (!code)
		code = answer(executor, given,
			      life ? life : myc_signal_life(entry->incarnation, entry->restart));
	if (code) { /* it has ended, or there is no lane */
		myc_watch_free(executor, entry);
		myc_strong_home(held);
	}
	return 0;
}

static bool ends(const struct myc_actor *actor)
{
	return actor->life != MYC_ACTOR_RUNNING || actor->stop_asked ||
	       actor->ties.flags & MYC_TIE_DRAINING;
}

static int refuse(struct myc_executor *executor, struct myc_signal_given *given,
		  enum myc_exit_kind why, uint32_t life)
{
	given->index = 0;
	given->generation = why;
	/* Without a lane there is no way to say so. */
	return answer(executor, given, life) == -ENOBUFS ? -ENOBUFS : 0;
}

/* For a thread of the other process: the answer is a reply. */
static void take_for_thread(struct myc_executor *executor, const struct myc_inlet *inlet,
			    const struct myc_slot *slot, const struct myc_signal_take *take)
{
	const struct myc_reply_to to = {.asker = take->from, .correlation = slot->correlation};
	struct myc_signal_given given = {
		.held = take->to,
		.to = threads_of(executor->system, myc_lane_end_process(inlet->source))};
	struct myc_actor *held = myc_link_ours(executor, take->to);
	bool there = held && !ends(held) &&
		     take->incarnation == (uint32_t)executor->system->workspace.incarnation;
	struct myc_watch *entry = there ? myc_watch_make(held, MYC_WATCH_STRONG, given.to) : NULL;
	int code = !there ? -ESRCH : !entry ? -ENOSPC : 0;

	if (entry) {
		given.index = (uint32_t)(entry - executor->watches.entry);
		given.generation = entry->generation;
	}
	if (!myc_reply_signal(executor, NULL, &to, code, MYC_SIGNAL_GIVEN, &given,
			      code ? 0 : sizeof(given), NULL) ||
	    !entry)
		return;
	myc_watch_free(executor, entry);
	myc_strong_home(held);
}

static int take_came(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_slot *slot, const struct myc_signal_take *take)
{
	struct myc_actor *held;

	if (!from_there(executor, inlet, take->from) || take->from == take->to)
		return -EPROTO;
	if (!myc_signals_room(executor))
		return -ENOBUFS;
	if (myc_address_is_thread(take->from)) {
		take_for_thread(executor, inlet, slot, take);
		return 0;
	}
	int code = myc_link_watched(executor, inlet, take->to, take->incarnation, &held);

	if (code || !held)
		return code; /* it is told of the end, or sees that of the process */
	struct myc_signal_given given = {.held = take->to,
					 .to = take->from,
					 .cookie = (uint64_t)take->index << 32 | take->generation};

	if (ends(held))
		return refuse(executor, &given, MYC_EXIT_NOPROC, slot->correlation);
	return enter(held, &given, slot->correlation)
		       ? refuse(executor, &given, MYC_EXIT_NO_ROOM, slot->correlation)
		       : 0;
}

static int holders_came(struct myc_executor *executor, const struct myc_inlet *inlet,
			const struct myc_slot *slot, const struct myc_signal_take *asked)
{
	const struct myc_reply_to to = {.asker = asked->from, .correlation = slot->correlation};
	const struct myc_watch *entry = executor->watches.entry;
	struct myc_actor *held = myc_link_ours(executor, asked->to);
	struct myc_signal_holders answer = {0};

	if (!from_there(executor, inlet, asked->from) || !myc_address_is_thread(asked->from))
		return -EPROTO;
	if (!myc_signals_room(executor))
		return -ENOBUFS;
	if (asked->incarnation != (uint32_t)executor->system->workspace.incarnation)
		held = NULL;
	for (uint32_t at = held ? held->ties.owned.first : 0; at;
	     at = entry[at].in[MYC_WATCH_OWNED].next) {
		if (entry[at].kind != MYC_WATCH_STRONG)
			continue;
		if (answer.references - asked->index < MYC_SIGNAL_HOLDERS_MAX)
			answer.holder[answer.references - asked->index] = entry[at].peer;
		answer.references++;
	}
	(void)myc_reply_signal(executor, NULL, &to, held ? 0 : -ESRCH, MYC_SIGNAL_HOLDERS, &answer,
			       held ? sizeof(answer) : 0, NULL);
	return 0;
}

static int give_came(struct myc_executor *executor, const struct myc_slot *slot,
		     const struct myc_signal_give *give)
{
	struct myc_actor *held = myc_link_ours(executor, give->to);
	struct myc_watch *entry = entry_of(executor, held, give);
	bool keeps = slot->type == MYC_SIGNAL_SHARE;
	struct myc_signal_given given = {
		.held = give->to, .to = give->receiver, .from = give->from, .cookie = give->cookie};

	if (!entry)
		return 0;
	if (!myc_signals_room(executor))
		return -ENOBUFS;
	if (!keeps)
		myc_watch_free(executor, entry);
	if (!myc_address_generation(give->receiver) || give->receiver == give->to)
		myc_strong_home(held);
	else if (enter(held, &given, 0)) {
		given.to = give->from;
		given.from = give->receiver;
		return refuse(executor, &given, MYC_EXIT_NO_ROOM, slot->correlation);
	}
	return 0;
}

static int drop_came(struct myc_executor *executor, const struct myc_signal_give *drop)
{
	struct myc_actor *held = myc_link_ours(executor, drop->to);
	struct myc_watch *entry = entry_of(executor, held, drop);

	if (!entry)
		return 0;
	myc_watch_free(executor, entry);
	myc_strong_home(held);
	return 0;
}

/* ---- the holder's side --------------------------------------------------------------------------- */

static int give_back(struct myc_executor *executor, const struct myc_signal_given *given)
{
	const struct myc_signal_give drop = {.from = given->to,
					     .to = given->held,
					     .index = given->index,
					     .generation = given->generation};
	const struct myc_signal signal = {
		.type = MYC_SIGNAL_DROP, .size = sizeof(drop), .to = drop.to, .payload = &drop};

	return myc_link_say(executor, &signal) == -ENOBUFS ? -ENOBUFS : 0;
}

/* Is this the answer that it waits for? */
static bool claimed(struct myc_executor *executor, const struct myc_actor *taker,
		    const struct myc_signal_given *given)
{
	struct myc_watches *watches = &executor->watches;
	uint32_t index = (uint32_t)(given->cookie >> 32);

	if (!index || index > watches->capacity)
		return false;
	struct myc_watch *watch = &watches->entry[index];

	if (watch->owner != taker || watch->kind != MYC_WATCH_TAKE ||
	    watch->generation != (uint32_t)given->cookie || watch->peer != given->held ||
	    watch->state == MYC_WATCH_DUE)
		return false;
	myc_watch_free(executor, watch);
	return true;
}

static void tell(struct myc_actor *actor, uint32_t kind, const struct myc_strong *strong,
		 myc_address from, uint64_t cookie, struct myc_exit_reason reason)
{
	const struct myc_signal_event event = {
		.kind = kind, .from = from, .reason = reason, .strong = strong, .cookie = cookie};

	myc_exit_event(actor, &event);
}

void myc_strong_refused(struct myc_actor *taker, myc_address wanted, struct myc_exit_reason reason)
{
	const struct myc_strong strong = {.address = wanted};

	tell(taker, MYC_EVENT_NOT_HELD, &strong, wanted, 0, reason);
}

static int given_came(struct myc_executor *executor, struct myc_inlet *inlet,
		      const struct myc_slot *slot, const struct myc_signal_given *given)
{
	struct myc_actor *actor = myc_link_ours(executor, given->to);
	bool held = given->index, taken = !given->from;
	const struct myc_exit_reason reason = {.kind = held ? 0 : given->generation};
	const struct myc_strong strong = {.address = given->held,
					  .index = given->index,
					  .generation = held ? given->generation : 0};

	if (!from_there(executor, inlet, given->held))
		return -EPROTO;
	if (!actor || !myc_actor_runs(actor) || !myc_actor_hook(actor, signal) ||
	    slot->correlation != life_of(actor) || (taken && !claimed(executor, actor, given)))
		return held ? give_back(executor, given) : 0;
	tell(actor, held ? MYC_EVENT_HELD : MYC_EVENT_NOT_HELD, &strong,
	     taken				   ? given->held
	     : myc_address_generation(given->from) ? given->from
						   : MYC_NOBODY,
	     taken ? 0 : given->cookie, reason);
	return 0;
}

bool myc_strong_unclaimed(struct myc_executor *executor, const struct myc_inlet *inlet,
			  const struct myc_slot *slot)
{
	struct myc_signal_given given;

	if (slot->size != sizeof(given))
		return true;
	memcpy(&given, slot->payload, sizeof(given));
	given.to = threads_of(executor->system, executor->system->workspace.process);
	return !from_there(executor, inlet, given.held) || !give_back(executor, &given);
}

int myc_strong_received(struct myc_executor *executor, struct myc_inlet *inlet,
			const struct myc_slot *slot)
{
	union {
		uint8_t bytes[MYC_LANE_PAYLOAD];
		struct myc_signal_take take;
		struct myc_signal_give give;
		struct myc_signal_given given;
	} is;

	bool take = slot->type == MYC_SIGNAL_TAKE || slot->type == MYC_SIGNAL_HOLDERS;

	if (slot->size != (take ? sizeof(is.take) : sizeof(is.give)))
		return -EPROTO;
	memcpy(is.bytes, slot->payload, sizeof(is.bytes));
	if (slot->type == MYC_SIGNAL_TAKE)
		return take_came(executor, inlet, slot, &is.take);
	if (slot->type == MYC_SIGNAL_HOLDERS)
		return holders_came(executor, inlet, slot, &is.take);
	if (slot->type == MYC_SIGNAL_GIVEN)
		return given_came(executor, inlet, slot, &is.given);
	if (!from_there(executor, inlet, is.give.from))
		return -EPROTO;
	return slot->type == MYC_SIGNAL_DROP ? drop_came(executor, &is.give)
					     : give_came(executor, slot, &is.give);
}

/* ---- for handlers -------------------------------------------------------------------------------- */

int myc_strong_take(struct myc_actor *self, myc_address actor)
{
	struct myc_executor *executor = self->executor;

	if (actor == self->address || !myc_actor_hook(self, signal))
		return -EINVAL;
	struct myc_watch *watch = myc_watch_make(self, MYC_WATCH_TAKE, actor);

	if (!watch)
		return -ENOSPC;
	watch->through = true;
	watch->restart = UINT32_MAX; /* it does not say that others need not */
	const struct myc_signal_take take = {
		.from = self->address,
		.to = actor,
		.incarnation = watch->incarnation,
		.index = (uint32_t)(watch - executor->watches.entry),
		.generation = watch->generation,
	};
	const struct myc_signal signal = {.type = MYC_SIGNAL_TAKE,
					  .size = sizeof(take),
					  .to = actor,
					  .correlation = life_of(self),
					  .payload = &take};
	int code = watch->state == MYC_WATCH_LOST ? -ESRCH : myc_link_say(executor, &signal);

	if (code)
		myc_watch_free(executor, watch);
	return code;
}

static int check(const struct myc_strong *strong, myc_address to)
{
	return !strong->address					      ? -ENOENT
	       : !myc_address_generation(to) || to == strong->address ? -EINVAL
								      : 0;
}

static struct myc_signal_give give_of(myc_address from, const struct myc_strong *strong,
				      myc_address to, uint64_t cookie)
{
	return (struct myc_signal_give){.from = from,
					.to = strong->address,
					.receiver = to,
					.cookie = cookie,
					.index = strong->index,
					.generation = strong->generation};
}

/* Behind what it sent to the actor, and before what it sends then. */
static int send(struct myc_actor *self, uint16_t type, const struct myc_signal_give *give)
{
	const struct myc_signal signal = {.type = type,
					  .size = sizeof(*give),
					  .to = give->to,
					  .correlation = life_of(self),
					  .payload = give};

	return myc_signal_send(self->executor, self, &signal, MYC_RING_ORDINARY);
}

int myc_strong_share(struct myc_actor *self, const struct myc_strong *strong, myc_address to,
		     uint64_t cookie)
{
	const struct myc_signal_give give = give_of(self->address, strong, to, cookie);
	int code = check(strong, to);

	return code ? code : send(self, MYC_SIGNAL_SHARE, &give);
}

int myc_strong_give(struct myc_actor *self, struct myc_strong *strong, myc_address to,
		    uint64_t cookie)
{
	const struct myc_signal_give give = give_of(self->address, strong, to, cookie);
	int code = check(strong, to);

	code = code ? code : send(self, MYC_SIGNAL_GIVE, &give);
	if (!code)
		*strong = (struct myc_strong){0};
	return code;
}

int myc_strong_drop(struct myc_actor *self, struct myc_strong *strong)
{
	const struct myc_signal_give give = give_of(self->address, strong, MYC_NOBODY, 0);
	int code = strong->address ? send(self, MYC_SIGNAL_DROP, &give) : -ENOENT;

	if (code && code != -ESRCH)
		return code;
	*strong = (struct myc_strong){0};
	return 0;
}

/* ---- for plain threads --------------------------------------------------------------------------- */

struct question {
	uint16_t type; /* TAKE, HOLDERS */
	struct myc_signal_take take;
};

static int put_take(struct myc_attachment *attachment, myc_address from, const void *context)
{
	const struct question *question = context;
	struct myc_signal_take take = question->take;
	const struct myc_signal signal = {.type = question->type,
					  .size = sizeof(take),
					  .to = take.to,
					  .correlation = attachment->call.number,
					  .payload = &take};

	take.from = from;
	return myc_signal_send_plain(&attachment->out, &signal, MYC_RING_ORDINARY);
}

static int ask_it(struct myc_system *system, struct question *question, struct myc_answer *answer,
		  uint64_t timeout_ns)
{
	myc_address actor = question->take.to;

	if (myc_address_node(actor) != system->workspace.node ||
	    !myc_process_there(system, myc_address_process(actor), &question->take.incarnation))
		return -ESRCH;
	return myc_call_by(system, actor, put_take, question, answer, NULL, 0, timeout_ns);
}

int myc_strong_holders(struct myc_system *system, myc_address actor, myc_address *holder,
		       uint32_t max, uint32_t *references, uint64_t timeout_ns)
{
	struct question question = {.type = MYC_SIGNAL_HOLDERS, .take.to = actor};
	struct myc_signal_holders some;
	struct myc_answer answer;

	*references = 0;
	do {
		int code = ask_it(system, &question, &answer, timeout_ns);

		if (code)
			return code;
		if (answer.type != MYC_SIGNAL_HOLDERS || answer.size != sizeof(some))
			return -EPROTO;
		memcpy(&some, answer.payload, sizeof(some));
		*references = some.references;
		for (uint32_t i = 0; i < MYC_SIGNAL_HOLDERS_MAX; i++, question.take.index++)
			if (question.take.index < max && question.take.index < some.references)
				holder[question.take.index] = some.holder[i];
	} while (question.take.index < max && question.take.index < *references);
	return 0;
}

int myc_strong_hold(struct myc_system *system, myc_address actor, struct myc_strong *strong,
		    uint64_t timeout_ns)
{
	struct question question = {.type = MYC_SIGNAL_TAKE, .take.to = actor};
	struct myc_signal_given given;
	struct myc_answer answer;
	int code = ask_it(system, &question, &answer, timeout_ns);

	*strong = (struct myc_strong){0};
	if (code)
		return code;
	if (answer.type != MYC_SIGNAL_GIVEN || answer.size != sizeof(given))
		return -EPROTO;
	memcpy(&given, answer.payload, sizeof(given));
	if (given.held != actor)
		return -EPROTO;
	*strong = (struct myc_strong){
		.address = actor, .index = given.index, .generation = given.generation};
	return 0;
}

static int say(struct myc_system *system, uint16_t type, struct myc_strong *strong, myc_address to,
	       uint64_t cookie, uint64_t timeout_ns)
{
	const struct myc_signal_give give =
		give_of(threads_of(system, system->workspace.process), strong, to, cookie);
	const struct myc_signal signal = {
		.type = type, .size = sizeof(give), .to = give.to, .payload = &give};
	struct myc_wait wait = myc_wait_begin(system, timeout_ns);
	struct myc_sender *sender;
	int code = myc_attached_sender(system, &sender);

	while (!code &&
	       (code = myc_signal_send_plain(sender, &signal, MYC_RING_ORDINARY)) == -EAGAIN)
		code = timeout_ns && myc_wait_more(&wait) ? 0 : -EAGAIN;
	return code;
}

int myc_strong_pass(struct myc_system *system, struct myc_strong *strong, myc_address to,
		    uint64_t cookie, uint64_t timeout_ns)
{
	int code = check(strong, to);

	code = code ? code : say(system, MYC_SIGNAL_GIVE, strong, to, cookie, timeout_ns);
	if (!code)
		*strong = (struct myc_strong){0};
	return code;
}

int myc_strong_release(struct myc_system *system, struct myc_strong *strong, uint64_t timeout_ns)
{
	int code = strong->address ? say(system, MYC_SIGNAL_DROP, strong, MYC_NOBODY, 0, timeout_ns)
				   : -ENOENT;

	if (code && code != -ESRCH)
		return code;
	*strong = (struct myc_strong){0};
	return 0;
}
