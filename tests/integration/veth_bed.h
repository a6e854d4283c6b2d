/* SPDX-License-Identifier: Apache-2.0 */
/* A sender in a network namespace of its own, wired to a receiver's that a topology can name. Gone at the exit. */
#ifndef TESTS_INTEGRATION_VETH_BED_H
#define TESTS_INTEGRATION_VETH_BED_H

#include "common/test.h"

#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

static char netns[32], veth[16]; /* namespace and interface of the receiver, 10.99.0.2 */

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static void network_remove(void)
{
	shell("ip netns del %s 2>/dev/null", netns);
}

/* `tag`: what the names begin with. We are the sender. */
static bool network_make(const char *tag)
{
	snprintf(netns, sizeof(netns), "%s-%d", tag, (int)getpid());
	snprintf(veth, sizeof(veth), "%s1", tag);
	if (unshare(CLONE_NEWNET))
		return false;
	atexit(network_remove);
	return !shell("ip netns add %1$s && ip link set lo up && "
		      "ip link add %3$s0 type veth peer name %2$s netns %1$s && "
		      "ip addr add 10.99.0.1/24 dev %3$s0 && ip link set %3$s0 up && "
		      "ip -n %1$s link set lo up && ip -n %1$s addr add 10.99.0.2/24 dev %2$s && "
		      "ip -n %1$s link set %2$s up && "
		      "ip neigh replace 10.99.0.2 dev %3$s0 lladdr "
		      "$(ip -n %1$s -o link show %2$s | sed 's/.*ether \\([^ ]*\\).*/\\1/')",
		      netns, veth, tag);
}

#endif
