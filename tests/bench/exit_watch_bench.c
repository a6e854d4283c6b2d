/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From kill -9 to everybody knowing: the exit watch's word, read by a spinning reader as the
 * steering program and senders read it, against the peer that user space has, a wake-up from poll on
 * the pidfd (what a supervisor needs before it can even begin to tell others). Interleaved runs of
 * the same victim: alone, and with 64 MiB of locked memory to give back, as a worker has.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/bench.h"
#include "common/exit_rig.h"

#define BPFFS	   "/sys/fs/bpf"
#define RUNS	   40
#define LOCKED	   (64u << 20)
#define GIVE_UP_NS 2000000000ull

static struct myc_program *program;
static struct myc_exit_watch *watch;
static uint64_t incarnation;

/* Ready when it has all its memory: it says so by a byte. */
static pid_t victim(size_t memory, int *pidfd)
{
	int ready[2];
	char byte = 0;

	if (pipe(ready))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bench_pin(1);
		if (memory && mmap(NULL, memory, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
			_exit(1);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	bool came = pid > 0 && read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	*pidfd = came ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	return came && *pidfd >= 0 ? pid : -1;
}

/* ns from kill to knowing, or 0 when it failed. */
static uint64_t by_word(size_t memory)
{
	const uint64_t *word = &myc_program_maps(program)->processes[0].dead_incarnation;
	int pidfd;
	pid_t pid = victim(memory, &pidfd);

	if (pid < 0 || myc_exit_watch_register(watch, pidfd, 0, ++incarnation))
		return 0;
	uint64_t before = myc_clock_ns(), took;
	bool flipped;
	kill(pid, SIGKILL);
	do {
		flipped = __atomic_load_n(word, __ATOMIC_ACQUIRE) == incarnation;
		took = myc_clock_ns() - before;
	} while (!flipped && took < GIVE_UP_NS);
	waitpid(pid, NULL, 0);
	close(pidfd);
	return flipped ? took : 0;
}

static uint64_t by_poll(size_t memory)
{
	int pidfd;
	pid_t pid = victim(memory, &pidfd);

	if (pid < 0)
		return 0;
	struct pollfd polled = {.fd = pidfd, .events = POLLIN};
	uint64_t before = myc_clock_ns();
	kill(pid, SIGKILL);
	bool woke = poll(&polled, 1, (int)(GIVE_UP_NS / 1000000)) == 1;
	uint64_t took = myc_clock_ns() - before;
	waitpid(pid, NULL, 0);
	close(pidfd);
	return woke ? took : 0;
}

static int measure(struct bench *bench)
{
	const struct {
		const char *word, *poll;
		size_t memory;
	} victims[] = {
		{"bare process: word flipped", "bare process: pidfd poll woke", 0},
		{"64 MiB process: word flipped", "64 MiB process: pidfd poll woke", LOCKED},
	};

	for (int run = -2; run < RUNS; run++) /* two to warm up */
		for (unsigned v = 0; v < sizeof(victims) / sizeof(victims[0]); v++) {
			uint64_t word = by_word(victims[v].memory),
				 poll = by_poll(victims[v].memory);

			if (!word || !poll)
				return -1;
			if (run < 0)
				continue;
			bench_sample(bench, victims[v].word, "us", (double)word / 1e3);
			bench_sample(bench, victims[v].poll, "us", (double)poll / 1e3);
			bench_raw(bench, victims[v].word, victims[v].poll);
		}
	return 0;
}

int main(void)
{
	static struct bench bench;
	struct myc_error error = {0};

	if (!exit_rig_bpffs()) {
		printf("skipped: BPF and a mount namespace of its own need root\n");
		return 0;
	}
	if (exit_rig_open("mycexit-bench", &program, &watch, &error)) {
		char text[1024];

		myc_error_format(&error, text, sizeof(text));
		fprintf(stderr, "%s\n", text);
		return 1;
	}
	bench_begin(&bench, "exit_watch",
		    "kill -9 to known dead; killer on core 0, victim on core 1");
	bench_pin(0);
	if (measure(&bench)) {
		fprintf(stderr, "a victim could not be made, or its end was not seen\n");
		return 1;
	}
	return bench_finish(&bench);
}
