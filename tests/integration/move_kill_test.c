/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes killed with -9 while an actor of one of them moves from executor to executor: the mover's or the sender's,
 * at each named point of a move, and at random. Whatever was there when they died, at most the message in hand is in
 * doubt; nothing else is lost, doubled or out of order, and the actor is on one of its executors.
 *
 *	process 0   `wanderer`, on three executors by turns, moved by a thread of the process as often as it can
 *	process 1   two senders, one that waits for credit and one that tries again
 */
#include "common/house.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

/* The core's own, with its named points: where a process dies. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/move.c"
#include "core/outbox.c"
/* NOLINTEND(bugprone-suspicious-include) */

#include <mycelium/mycelium.h>

#define MESSAGES  30000u /* of each sender */
#define BURST	  40	 /* more than the credit */
#define EXECUTORS 3
#define SENDERS	  2
#define SECOND	  1000000000ull
#define RANDOM	  8 /* kills at any instruction */

enum { NUMBER = 1 };

static const char *const points[] = {"move: closed",	   "move: marked",   "move: handed",
				     "move: taken",	   "move: done",     "move: left",
				     "move: opened again", "outbox: follows"};
#define POINTS ((uint32_t)(sizeof(points) / sizeof(*points)))

/* Outlives the processes, in the region of each. */
struct memory {
	uint64_t next[SENDERS]; /* number being sent, or to be sent next */
	uint64_t last[SENDERS], handled[SENDERS], disorder;
	uint64_t moves, at; /* at: executors where it has handled something, bits */
	uint64_t died[POINTS];
	uint8_t seen[SENDERS][MESSAGES];
};
/* In a page that the holder writes: where the next is to die. POINTS = nowhere. */
static struct orders {
	uint32_t die_at, after;
} * orders;

static struct house house;
static uint32_t me;
static struct memory *memory;

static struct memory *memory_of(uint32_t process)
{
	return house_user(&house, process);
}

static void point(const char *name)
{
	uint32_t at = orders ? __atomic_load_n(&orders->die_at, __ATOMIC_RELAXED) : POINTS;

	if (at >= POINTS || strcmp(name, points[at]) != 0 ||
	    __atomic_fetch_sub(&orders->after, 1, __ATOMIC_RELAXED) != 1)
		return;
	memory->died[at]++;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* ---- who moves ----------------------------------------------------------------------------------- */

static int wanderer_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t words[2];

	memcpy(words, message->payload, sizeof(words));
	memory->disorder += words[1] < memory->last[words[0]];
	memory->last[words[0]] = words[1] + 1;
	memory->seen[words[0]][words[1]]++;
	memory->at |= 1ull << self->executor->index;
	__atomic_store_n(&memory->handled[words[0]], memory->handled[words[0]] + 1,
			 __ATOMIC_RELAXED);
	return 0;
}

static const struct myc_behaviour wanderer = {
	.name = "wanderer", .capacity_per_sender = 16, .message = wanderer_message};

static void *move_on(void *context)
{
	struct myc_system *system = context;

	for (uint32_t to = 0;; to = (to + 1) % EXECUTORS) {
		/* Some have too little time, and are called off on the way. */
		int code = myc_move(system, house_address(0, 0), to, to ? SECOND : 30000, NULL);

		if (!code)
			__atomic_store_n(&memory->moves, memory->moves + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* ---- who sends ----------------------------------------------------------------------------------- */

struct sender {
	struct myc_ref to;
	uint64_t index;
};

static int sender_timer(struct myc_actor *self, uint64_t cookie)
{
	struct sender *sender = myc_state(self);

	(void)cookie;
	if (!sender->to.address && myc_resolve(self, house_address(0, 0), &sender->to)) {
		sender->to.address = 0;
		return 0;
	}
	for (int i = 0; i < BURST && memory->next[sender->index] < MESSAGES; i++) {
		const uint64_t words[2] = {sender->index, memory->next[sender->index]};

		/* Stored first: died between here and the send, the number never existed. */
		__atomic_store_n(&memory->next[sender->index], words[1] + 1, __ATOMIC_RELAXED);
		int code = sender->index
				   ? myc_send(self, &sender->to, NUMBER, words, sizeof(words))
				   : myc_try_send(self, &sender->to, NUMBER, words, sizeof(words));

		if (code == -EAGAIN || code == -ESRCH || code == -ENOBUFS) {
			memory->next[sender->index] = words[1];
			if (code == -ESRCH)
				sender->to.address = 0;
			return 0;
		}
		if (code)
			return code;
	}
	return 0;
}

static int sender_started(struct myc_actor *self)
{
	struct sender *sender = myc_state(self);

	sender->index = myc_address_slot(myc_self(self));
	return myc_timer_start(self, SECOND / 200, SECOND / 200, 0, NULL);
}

static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct sender),
					    .started = sender_started,
					    .timer = sender_timer};

/* ---- workers ------------------------------------------------------------------------------------- */

static const struct myc_executor_opts executor_opts[EXECUTORS] = {{.core = -1, .idle_spins = 50},
								  {.core = -1, .idle_spins = 50},
								  {.core = -1, .idle_spins = 50}};
static const struct myc_system_opts mover_opts = {.sz = sizeof(mover_opts),
						  .executors = EXECUTORS,
						  .actors = 64,
						  .lane_slots = 64,
						  .executor = executor_opts};
static const struct myc_system_opts sender_opts = {.sz = sizeof(sender_opts),
						   .actors = 64,
						   .lane_slots = 64,
						   .outbox = 64,
						   .executor = executor_opts};

static void furnish_mover(struct house *own, struct myc_system *system, uint32_t process)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &wanderer};
	pthread_t thread;

	me = process;
	memory = memory_of(me);
	house_spawn(own, system, process, &spawn, 0);
	/* It asks as soon as the system runs. */
	if (pthread_create(&thread, NULL, move_on, system))
		_exit(15);
}

static void furnish_senders(struct house *own, struct myc_system *system, uint32_t process)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};

	me = process;
	memory = memory_of(me);
	for (uint32_t i = 0; i < SENDERS; i++)
		house_spawn(own, system, process, &spawn, i);
}

static const struct house_process plan[2] = {{&mover_opts, furnish_mover},
					     {&sender_opts, furnish_senders}};

/* ---- the holder ---------------------------------------------------------------------------------- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint64_t handled(void)
{
	return load(&memory_of(0)->handled[0]) + load(&memory_of(0)->handled[1]);
}

static void nap(long ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

/* Both have begun with messages and moves. */
static void wait_for_traffic(void)
{
	uint64_t before = handled(), moves = load(&memory_of(0)->moves);

	for (int i = 0; i < 200000; i++) {
		if ((handled() > before + 20 && load(&memory_of(0)->moves) > moves + 1) ||
		    handled() >= 2ull * MESSAGES - 100)
			return;
		nap(100000);
	}
	fail_msg("stuck: %" PRIu64 " handled, %" PRIu64 " moves", handled() - before,
		 load(&memory_of(0)->moves) - moves);
}

static void wait_for_rest(void)
{
	for (int i = 0; i < 600000; i++) {
		uint64_t sent, counted;

		house_balance(&house, 1, 0, &sent, &counted);
		if (load(&memory_of(1)->next[0]) == MESSAGES &&
		    load(&memory_of(1)->next[1]) == MESSAGES && sent == counted)
			return;
		nap(100000);
	}
	fail_msg("it does not come to rest: %" PRIu64 " %" PRIu64 " sent, %" PRIu64 " handled",
		 load(&memory_of(1)->next[0]), load(&memory_of(1)->next[1]), handled());
}

/* The point is reached in the mover, or in the sender whose outbox follows. True: it died there. */
static bool dies_at(uint32_t at, uint32_t after)
{
	uint32_t victim = !strncmp(points[at], "outbox", 6);
	uint64_t before = load(&memory_of(victim)->died[at]);
	bool died = false;

	__atomic_store_n(&orders->after, after, __ATOMIC_RELAXED);
	__atomic_store_n(&orders->die_at, at, __ATOMIC_RELAXED);
	for (int i = 0; i < 20000 && !died; i++) {
		died = load(&memory_of(victim)->died[at]) != before;
		nap(100000);
	}
	__atomic_store_n(&orders->die_at, POINTS, __ATOMIC_RELAXED);
	house_kill(&house, victim); /* dead already, or at random */
	house_start(&house, victim);
	return died;
}

static void killed_at_any_point_of_a_move_one_message_at_most_is_in_doubt(void **state)
{
	uint64_t chance = test_seed() * 2654435761u + 1;
	uint32_t kills = 0, died[POINTS] = {0}, missing = 0, twice = 0;

	(void)state;
	orders = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(orders != MAP_FAILED);
	orders->die_at = POINTS;
	house_open(&house, plan, 2, sizeof(struct memory));
	house_start(&house, 0);
	house_start(&house, 1);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t at = 0; at < POINTS; at++) {
			wait_for_traffic();
			died[at] += dies_at(at, 1 + (uint32_t)(test_random(&chance) % 3));
			kills++;
		}
	for (uint32_t i = 0; i < RANDOM; i++) {
		uint32_t victim = test_random(&chance) >> 40 & 1;

		wait_for_traffic();
		nap((long)(uint32_t)(test_random(&chance) % 2000000));
		house_kill(&house, victim);
		house_start(&house, victim);
		kills++;
	}
	wait_for_rest();
	house_kill(&house, 0);
	house_kill(&house, 1);
	const struct memory *mover = memory_of(0);
	const struct myc_actor_metrics *metrics =
		myc_region_block(&house.region[0], MYC_BLOCK_METRICS, 0, NULL);

	for (uint32_t s = 0; s < SENDERS; s++)
		for (uint32_t i = 0; i < MESSAGES; i++) {
			missing += !mover->seen[s][i];
			twice += mover->seen[s][i] > 1;
		}
	print_message("  %" PRIu64 " handled, %" PRIu64 " moves, %u kills, %" PRIu64
		      " in doubt, %u never came\n",
		      mover->handled[0] + mover->handled[1], mover->moves, kills, metrics->in_doubt,
		      missing);
	for (uint32_t at = 0; at < POINTS; at++)
		print_message("  died %u times at \"%s\"\n", died[at], points[at]);
	assert_int_equal(mover->disorder, 0);
	assert_int_equal(twice, 0);
	/* Each death leaves one in hand at most: in a handler, or between the number and its sending. */
	assert_true(missing <= kills);
	assert_true(missing <= metrics->in_doubt + kills);
	assert_int_equal(mover->at, (1u << EXECUTORS) - 1);
	for (uint32_t at = 0; at < POINTS; at++)
		assert_true(died[at] > 0);
	for (uint32_t e = 0; e < EXECUTORS; e++) {
		const struct myc_executor_words *words =
			myc_region_block(&house.region[0], MYC_BLOCK_EXECUTOR, e, NULL);

		for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
			assert_int_equal(words->lane_faults[i], 0);
		for (int i = 0; i < 16; i++)
			assert_true(words->dead_letters[i] <= kills);
	}
	house_close(&house);
	munmap(orders, sizeof(*orders));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_point_of_a_move_one_message_at_most_is_in_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
