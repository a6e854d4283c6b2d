/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wait.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define NAP_NS_MAX 200000

uint64_t myc_system_now(const struct myc_system *system)
{
	const struct myc_world *world = system->workspace.world;

	return world ? world->now(world->context) : myc_clock_ns();
}

struct myc_wait myc_wait_begin(struct myc_system *system, uint64_t timeout_ns)
{
	return (struct myc_wait){.system = system,
				 .begun = myc_system_now(system),
				 .timeout_ns = timeout_ns,
				 .nap = 1000};
}

bool myc_wait_more(struct myc_wait *wait)
{
	const struct myc_world *world = wait->system->workspace.world;
	struct timespec nap = {.tv_nsec = wait->nap};

	if (wait->timeout_ns != UINT64_MAX &&
	    myc_system_now(wait->system) - wait->begun >= wait->timeout_ns)
		return false;
	if (world)
		world->nap(world->context);
	else
		nanosleep(&nap, NULL);
	wait->nap = wait->nap * 2 < NAP_NS_MAX ? wait->nap * 2 : NAP_NS_MAX;
	return true;
}

void myc_executor_ring(const struct myc_executor *executor)
{
	uint64_t one = 1;
	ssize_t written = write(executor->bell, &one, sizeof(one)); /* full: it is rung already */
	(void)written;
}
