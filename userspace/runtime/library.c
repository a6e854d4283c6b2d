/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int myc_library_open(const struct myc_topology_process *process,
		     const struct myc_behaviour *behaviours[MYC_PROCESS_ACTORS_MAX],
		     struct myc_error *error)
{
	void *library;

	if (access(process->library, R_OK))
		return myc_error_set(error, -ENOENT, "build it, or correct library:",
				     "process '%s': library %s: %s", process->name,
				     process->library, strerror(errno));
	library = dlopen(process->library, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return myc_error_set(error, -EINVAL,
				     "link it as a shared object, with all that it needs",
				     "process '%s': %s", process->name, dlerror());
	for (uint32_t a = 0; a < process->actors; a++) {
		const struct myc_topology_actor *actor = &process->actor[a];
		char symbol[32 + MYC_BEHAVIOUR_NAME_MAX];

		snprintf(symbol, sizeof(symbol), "myc_behaviour_%s", actor->behaviour);
		behaviours[a] = dlsym(library, symbol);
		if (!behaviours[a])
			return myc_error_set(error, -ENOENT,
					     "export it (not static; in C++ extern \"C\"), or "
					     "correct behaviour:",
					     "actor '%s' on line %u: no symbol %s in %s",
					     actor->name, actor->line, symbol, process->library);
		if (actor->feeds && !behaviours[a]->feed)
			return myc_error_set(
				error, -EINVAL, "give the behaviour a feed handler",
				"actor '%s' on line %u: has feeds, but behaviour %s takes none",
				actor->name, actor->line, actor->behaviour);
	}
	return 0;
}

/* The child's whole answer is one struct myc_error through a pipe. */
static int check_one(const struct myc_topology_process *process, struct myc_error *error)
{
	struct myc_error answer = {0};
	int fds[2], status;

	if (pipe2(fds, O_CLOEXEC))
		return myc_error_set(error, -errno, NULL, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return myc_error_set(error, err, NULL, "fork: %s", strerror(-err));
	}
	if (!pid) {
		const struct myc_behaviour *behaviours[MYC_PROCESS_ACTORS_MAX];

		myc_library_open(process, behaviours, &answer);
		_exit(write(fds[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close(fds[1]);
	ssize_t got = read(fds[0], &answer, sizeof(answer));
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got != sizeof(answer))
		return myc_error_set(error, -EINVAL, "look at the library's constructors",
				     "process '%s': loading %s ended the process", process->name,
				     process->library);
	if (answer.code && error)
		*error = answer;
	return answer.code;
}

int myc_topology_check_libraries(const struct myc_topology *topology, struct myc_error *error)
{
	int err = 0;

	for (uint32_t p = 0; !err && p < topology->processes; p++)
		err = check_one(&topology->process[p], error);
	return err;
}
