/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/stash.h"

void myc_become_first(struct myc_actor *actor)
{
	if (!actor->changed)
		return;
	actor->changed = false;
	actor->more->becomes = 0;
	actor->more->changing = false;
	actor->more->changed_in = 0;
	actor->message = actor->behaviour->message ? actor->behaviour->message : myc_actor_ignore;
}

/* Of who has become something: whether a change was in the handler that puts its message aside has to be known. */
static int on_message(struct myc_actor *self, const struct myc_message *message)
{
	int (*hook)(struct myc_actor * self, const struct myc_message *message) =
		myc_actor_hook(self, message);

	self->more->handlers++;
	return hook ? hook(self, message) : myc_actor_ignore(self, message);
}

/* From the current one to the top of a stack of `becomes`, whose top is `top` if that is not NULL. */
static int change(struct myc_actor *self, uint32_t becomes, const struct myc_behaviour *top)
{
	struct myc_actor_more *more = self->more;

	if (more->changing)
		return -EBUSY;
	more->changing = true;
	if (myc_actor_now(self)->left)
		myc_actor_now(self)->left(self);
	if (top)
		more->become[becomes - 1] = top;
	more->becomes = becomes;
	self->changed = becomes;
	self->message = on_message;
	more->changed_in = more->handlers + 1;
	myc_stash_give_back(self, UINT32_MAX, true);
	int code = myc_actor_now(self)->entered ? myc_actor_now(self)->entered(self) : 0;

	more->changing = false;
	return code < 0 ? code : 0;
}

static int become(struct myc_actor *self, const struct myc_behaviour *behaviour, bool over)
{
	const struct myc_world *world = self->executor->system->workspace.world;
	struct myc_actor_more *more = myc_actor_more(self);

	if (!behaviour)
		return -EINVAL;
	if (self->pooled) /* its jobs are counted around its own handlers */
		return -EPERM;
	if (world)
		behaviour = world->behaviour(world->context, behaviour);
	if (!more || !behaviour)
		return -ENOMEM;
	if (over && more->becomes == MYC_BEHAVIOURS_MAX)
		return -ENOSPC;
	return change(self, over || !more->becomes ? more->becomes + 1 : more->becomes, behaviour);
}

int myc_become(struct myc_actor *self, const struct myc_behaviour *behaviour)
{
	return become(self, behaviour, false);
}

int myc_become_over(struct myc_actor *self, const struct myc_behaviour *behaviour)
{
	return become(self, behaviour, true);
}

int myc_unbecome(struct myc_actor *self)
{
	return self->changed ? change(self, self->more->becomes - 1, NULL) : -ENOENT;
}

const struct myc_behaviour *myc_behaviour_now(const struct myc_actor *self)
{
	const struct myc_world *world = self->executor->system->workspace.world;

	return world ? world->original(myc_actor_now(self)) : myc_actor_now(self);
}
