/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outside.h"

#include <stdlib.h>

struct myc_outside *myc_outside_of(struct myc_executor *executor)
{
	if (!executor->outside)
		executor->outside = calloc(1, sizeof(*executor->outside));
	return executor->outside;
}

unsigned myc_outside_turn(struct myc_executor *executor)
{
	const struct myc_outside *outside = executor->outside;
	unsigned n = 0;

	if (outside->io)
		n += myc_io_turn(outside->io, executor);
	if (outside->works)
		n += myc_works_turn(outside->works);
	return n;
}

bool myc_outside_ready(const struct myc_executor *executor)
{
	const struct myc_outside *outside = executor->outside;

	return (outside->io && myc_io_ready(outside->io)) ||
	       (outside->works && myc_works_ready(outside->works));
}

int myc_outside_descriptor(struct myc_executor *executor)
{
	return executor->outside->io ? myc_io_descriptor(executor->outside->io) : -1;
}

bool myc_outside_has(const struct myc_actor *actor)
{
	const struct myc_outside *outside = actor->executor->outside;

	return outside && ((outside->io && myc_io_has(outside->io, actor)) ||
			   (outside->works && myc_works_have(outside->works, actor)));
}

void myc_outside_forget(struct myc_actor *actor)
{
	const struct myc_outside *outside = actor->executor->outside;

	if (outside && outside->io)
		myc_io_forget(outside->io, actor);
	if (outside && outside->works)
		myc_works_forget(outside->works, actor);
}

void myc_outside_close(struct myc_executor *executor)
{
	struct myc_outside *outside = executor->outside;

	if (!outside)
		return;
	if (outside->io)
		myc_io_close(outside->io);
	if (outside->works)
		myc_works_close(outside->works);
	free(outside);
	executor->outside = NULL;
}
