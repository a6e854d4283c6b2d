/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare lane: what a ring costs when nothing is above it, built with the library's flags. Two
 * processes, a region each, that its owner writes and the other maps read-only; payload and sequence
 * in one line, 1,024 slots or as many as the argument says; the receiver says how far it is every 32
 * messages.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>

#include "measure.h"

#define TRIPS	   (MEASURE_WARM + MEASURE_TRIPS)
#define CURSOR_LAG 32
#define MODE	   "processes, spin, cores 0+1, 1 lane polled, no dispatch, no credit"

/* Writer: the region's owner. sequence n + 1 = message n is complete. */
struct slot {
	_Alignas(64) uint64_t header[2];
	struct message message;
	_Atomic uint64_t sequence;
};
_Static_assert(sizeof(struct slot) == 64, "one cache line");

struct region {
	_Alignas(128) _Atomic uint64_t cursor; /* of the other's ring: slots before it are free */
	_Alignas(128) struct slot ring[];      /* out */
};

struct end {
	uint64_t slots; /* a power of two */
	struct region *own;
	struct region *peer; /* read-only */
	uint64_t sent, room; /* room: the other's cursor, as last read */
	uint64_t received;
};

/* By words: a wide load from words just written would wait until they have left the store buffer. */
static inline void copy(struct message *to, const struct message *from)
{
	for (int i = 0; i < 5; i++)
		to->word[i] = from->word[i];
}

static inline void push(struct end *end, const struct message *message)
{
	while (end->sent - end->room >= end->slots)
		/* Acquire: the slots are read. Pairs with the release in pop. */
		end->room = atomic_load_explicit(&end->peer->cursor, memory_order_acquire);
	struct slot *slot = &end->own->ring[end->sent & (end->slots - 1)];

	slot->header[0] = slot->header[1] = end->sent;
	copy(&slot->message, message);
	/* Release: the message. Pairs with the acquire in pop. */
	atomic_store_explicit(&slot->sequence, ++end->sent, memory_order_release);
}

static inline void pop(struct end *end, struct message *message)
{
	struct slot *slot = &end->peer->ring[end->received & (end->slots - 1)];

	while (atomic_load_explicit(&slot->sequence, memory_order_acquire) != end->received + 1)
		;
	copy(message, &slot->message);
	if (++end->received % CURSOR_LAG == 0)
		atomic_store_explicit(&end->own->cursor, end->received, memory_order_release);
}

static void answer(struct end *end)
{
	struct message message;

	for (int i = 0; i < TRIPS; i++) {
		pop(end, &message);
		push(end, &message);
	}
	for (uint64_t i = 0; i < MEASURE_STREAM; i++) {
		pop(end, &message);
		if (message.word[0] != i) {
			fprintf(stderr, "message %llu came as %llu\n", (unsigned long long)i,
				(unsigned long long)message.word[0]);
			_exit(1);
		}
		if (i == MEASURE_STREAM_WARM || i + 1 == MEASURE_STREAM) {
			/* When the stream was warm, and its end. */
			message.word[0] = measure_ticks();
			push(end, &message);
		}
	}
}

static void ask(struct end *end)
{
	static uint64_t sample[MEASURE_TRIPS];
	struct message message = {{0}}, last;
	measure_touch(sample, MEASURE_TRIPS);
	uint64_t before = measure_ticks();

	for (int i = 0; i < TRIPS; i++) {
		push(end, &message);
		pop(end, &message);
		uint64_t now = measure_ticks();

		if (i >= MEASURE_WARM)
			sample[i - MEASURE_WARM] = now - before;
		before = now;
	}
	for (uint64_t i = 0; i < MEASURE_STREAM; i++) {
		message.word[0] = i;
		push(end, &message);
	}
	pop(end, &message);
	pop(end, &last);
	measure_report_trips(sample, MEASURE_TRIPS, "", MODE);
	measure_report("stream 1 to 1", "ns/message",
		       (double)(last.word[0] - message.word[0]) * measure_tick_ns() /
			       (MEASURE_STREAM - MEASURE_STREAM_WARM - 1),
		       MODE);
}

static struct region *map(int fd, size_t size, int protection)
{
	void *at = mmap(NULL, size, protection, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (at == MAP_FAILED) {
		fprintf(stderr, "cannot map the lane: %s\n", strerror(errno));
		exit(1);
	}
	return at;
}

int main(int argc, char **argv)
{
	uint64_t slots = argc > 1 ? strtoull(argv[1], NULL, 10) : MEASURE_RING;
	size_t size = sizeof(struct region) + slots * sizeof(struct slot);
	int fd[2];

	for (int i = 0; i < 2; i++) {
		fd[i] = memfd_create("lane", MFD_CLOEXEC);
		if (fd[i] < 0 || ftruncate(fd[i], (off_t)size)) {
			fprintf(stderr, "no memory for a lane: %s\n", strerror(errno));
			return 1;
		}
	}
	pid_t parent = getpid(), child = fork();
	int me = !child, status = 1;

	if (child < 0)
		return 1;
	if (me && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	measure_pin(me);
	struct end end = {.slots = slots,
			  .own = map(fd[me], size, PROT_READ | PROT_WRITE),
			  .peer = map(fd[!me], size, PROT_READ)};

	if (me) {
		answer(&end);
		_exit(0);
	}
	ask(&end);
	waitpid(child, &status, 0);
	return status != 0;
}
