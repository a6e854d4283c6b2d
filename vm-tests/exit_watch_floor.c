/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaches the exit watch's object and lets processes end: prints "exit watch: ..." and exits 0 only
 * if each turned dead with its last thread and not before. By libbpf alone, so that it tells a kernel's
 * refusal from a defect of ours; the whole behaviour is tests/bpf/exit_watch_test.c's.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <mycelium/abi/exit_watch.h>
#include <mycelium/abi/registry.h>

static int processes, registered;

static uint64_t dead(uint32_t row)
{
	struct myc_process_row value = {0};

	return bpf_map_lookup_elem(processes, &row, &value) ? ~0ull : value.dead_incarnation;
}

static int go[2], ready[2];

static void *until_told(void *unused)
{
	char byte = 0;

	if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
		_exit(1);
	syscall(SYS_exit, 0);
	return unused;
}

/* A process whose main thread ends at once and whose other thread waits to be told. */
static pid_t start(uint32_t row, uint64_t incarnation)
{
	struct myc_exit_registration value = {.incarnation = incarnation, .process = row};
	pthread_t thread;
	char byte;

	if (pipe(go) || pipe(ready))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		int own = (int)syscall(SYS_pidfd_open, getpid(), 0);

		if (bpf_map_update_elem(registered, &own, &value, BPF_ANY) ||
		    pthread_create(&thread, NULL, until_told, NULL))
			_exit(1);
		syscall(SYS_exit, 0);
	}
	close(ready[1]);
	return pid > 0 && read(ready[0], &byte, 1) == 1 ? pid : -1;
}

static int ends(uint32_t row, int kills)
{
	uint64_t incarnation = 3 + row;
	pid_t pid = start(row, incarnation);

	if (pid < 0 || dead(row))
		return 1;
	if (kills ? kill(pid, SIGKILL) != 0 : write(go[1], "g", 1) != 1)
		return 1;
	if (waitpid(pid, NULL, 0) != pid)
		return 1;
	return dead(row) != incarnation;
}

int main(void)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	char path[256];

	snprintf(path, sizeof(path), "%s/bpf/exit_watch.bpf.o", build);
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program =
		object ? bpf_object__find_program_by_name(object, "myc_exit_watch") : NULL;

	if (!program || bpf_object__load(object) || !bpf_program__attach(program)) {
		puts("FAILED: the exit watch cannot be attached");
		return 1;
	}
	processes = bpf_object__find_map_fd_by_name(object, "processes");
	registered = bpf_object__find_map_fd_by_name(object, "registered");
	int bad = ends(1, 0) || ends(2, 1) || dead(0);

	puts(bad ? "FAILED: a death was missed" : "exit watch: deaths seen");
	return bad;
}
