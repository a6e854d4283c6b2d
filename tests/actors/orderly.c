/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "orderly" writes its name to the file of its setting when it has stopped; with the setting `slow` it has
 * a message that it never comes to, so that it cannot be drained.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

static int started(struct myc_actor *self)
{
	struct myc_ref me;

	if (!myc_setting(self, "slow", NULL))
		return 0;
	int code = myc_resolve(self, myc_self(self), &me);

	if (!code)
		code = myc_suspend(self, myc_self(self));
	return code ? code : myc_send(self, &me, 1, NULL, 0);
}

static void stopped(struct myc_actor *self)
{
	int fd = open(myc_setting(self, "file", "/dev/null"), O_WRONLY | O_APPEND | O_CLOEXEC);
	char line[64];
	int size = snprintf(line, sizeof(line), "%s\n", myc_name(self));

	if (fd < 0)
		return;
	ssize_t ignored = write(fd, line, (size_t)size);
	(void)ignored;
	close(fd);
}

const struct myc_behaviour myc_behaviour_orderly = {
	.name = "orderly", .started = started, .stopped = stopped};
