/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four senders and one receiver, in and out counted, while processes are killed with -9 at random: the senders
 * four threads of one process, then a process each. Numbers go inline, every 64th in a body.
 * Two million messages a shape; `make soak` sends a thousand million (MYC_SOAK says how many).
 */
#include "common/house.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"
#include "memory/pool.h"

#define SENDERS	      4
#define KILLS_A_SHAPE 24
#define BODY_EVERY    64
#define BODY_ITEMS    13
#define BURST	      64
#define RETRY_NS      100000

enum { NUMBER = 1, GO = 2 };

/* What is sent. In a body it is repeated to the end. */
struct item {
	uint64_t sender, number;
};

struct sent {
	uint64_t next; /* stored before it is sent: died in between, the number never existed */
	uint64_t reserved[7];
};
struct received {
	uint64_t last; /* number, plus one */
	uint64_t handled, disorder, torn;
	uint64_t reserved[4];
};
struct memory {
	struct sent sent[SENDERS];
	struct received received[SENDERS];
};

static struct house house;
static struct memory *memory; /* in a worker: of its region */
static uint64_t messages_each;

/* ---- actors -------------------------------------------------------------------------------------- */

struct sender {
	struct myc_ref to, self;
	uint64_t index;
};

static int send_one(struct myc_actor *self, struct sender *sender, uint64_t number)
{
	struct item item[BODY_ITEMS];
	size_t size = number % BODY_EVERY ? sizeof(struct item) : sizeof(item);

	for (size_t i = 0; i < size / sizeof(struct item); i++)
		item[i] = (struct item){sender->index, number};
	int code = number % 2 ? myc_try_send(self, &sender->to, NUMBER, item, size) : -EAGAIN;

	return code == -EAGAIN ? myc_send(self, &sender->to, NUMBER, item, size) : code;
}

/* Until the burst is done, its credit is spent (it then pauses), or the receiver is not there. */
static int sender_go(struct myc_actor *self)
{
	struct sender *sender = myc_state(self);
	struct sent *sent = &memory->sent[sender->index];

	if (!sender->to.address && myc_resolve(self, house_address(0, 0), &sender->to)) {
		sender->to.address = 0;
		return myc_timer_start(self, RETRY_NS, 0, 0, NULL);
	}
	for (int i = 0; i < BURST && sent->next < messages_each; i++) {
		uint64_t number = sent->next;

		__atomic_store_n(&sent->next, number + 1, __ATOMIC_RELAXED);
		int code = send_one(self, sender, number);

		if (!code)
			continue;
		__atomic_store_n(&sent->next, number, __ATOMIC_RELAXED);
		if (code == -ESRCH)
			sender->to.address = 0;
		else if (code != -ENOBUFS)
			return code;
		return myc_timer_start(self, RETRY_NS, 0, 0, NULL);
	}
	if (sent->next == messages_each)
		return 0;
	uint32_t life = myc_restarts(self);

	return myc_try_send(self, &sender->self, GO, &life, sizeof(life));
}

static int sender_started(struct myc_actor *self)
{
	struct sender *sender = myc_state(self);

	sender->index = strtoul(myc_setting(self, "sender", ""), NULL, 10);
	return myc_resolve(self, myc_self(self), &sender->self) ? -EIO : sender_go(self);
}

static int sender_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return sender_go(self);
}

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t life;

	memcpy(&life, message->payload, sizeof(life));
	return life == myc_restarts(self) ? sender_go(self) : 0; /* its predecessor's */
}

static int receiver_message(struct myc_actor *self, const struct myc_message *message)
{
	struct item item[BODY_ITEMS];

	(void)self;
	memcpy(item, message->payload, message->size);
	struct received *from = &memory->received[item->sender % SENDERS];

	for (uint32_t i = 1; i < message->size / sizeof(struct item); i++)
		from->torn += !!memcmp(&item[i], &item[0], sizeof(struct item));
	from->torn += message->size != (item->number % BODY_EVERY ? sizeof(*item) : sizeof(item));
	from->disorder += item->number < from->last;
	from->last = item->number + 1;
	__atomic_store_n(&from->handled, from->handled + 1, __ATOMIC_RELAXED);
	return 0;
}

static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct sender),
					    .started = sender_started,
					    .timer = sender_timer,
					    .message = sender_message};
static const struct myc_behaviour receiver = {
	.name = "receiver", .message = receiver_message, .capacity_per_sender = 256};

/* ---- shapes -------------------------------------------------------------------------------------- */

#define ASLEEP_SOON                                        \
	{                                                  \
		.core = -1, .idle_spins = 50, .timers = 64 \
	}
static const struct myc_executor_opts executor_opts[SENDERS] = {ASLEEP_SOON, ASLEEP_SOON,
								ASLEEP_SOON, ASLEEP_SOON};
#define SYSTEM_OPTS(n)                                                                \
	{                                                                             \
		.sz = sizeof(struct myc_system_opts), .executors = (n), .actors = 64, \
		.lane_slots = 512, .lane_urgent_slots = 4, .outbox = 64,              \
		.buffers = {{.size = 256, .count = 64}}, .executor = executor_opts,   \
	}
static const struct myc_system_opts one_executor = SYSTEM_OPTS(1), four_executors = SYSTEM_OPTS(4);

static void spawn_receiver(struct house *own, struct myc_system *system, uint32_t process)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &receiver};

	memory = house_user(own, process);
	house_spawn(own, system, process, &spawn, 0);
}

static void spawn_sender(struct house *own, struct myc_system *system, uint32_t process,
			 uint32_t index, uint32_t executor)
{
	char number[2] = {(char)('0' + index)};
	struct myc_setting setting = {"sender", number};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
				       .behaviour = &sender,
				       .executor = executor,
				       .settings = &setting,
				       .settings_count = 1};

	memory = house_user(own, process);
	house_spawn(own, system, process, &spawn, executor);
}

static void spawn_four(struct house *own, struct myc_system *system, uint32_t process)
{
	for (uint32_t i = 0; i < SENDERS; i++)
		spawn_sender(own, system, process, i, i);
}

static void spawn_one(struct house *own, struct myc_system *system, uint32_t process)
{
	spawn_sender(own, system, process, process - 1, 0);
}

static const struct house_process threads[] = {{&one_executor, spawn_receiver},
					       {&four_executors, spawn_four}};
static const struct house_process processes[] = {{&one_executor, spawn_receiver},
						 {&one_executor, spawn_one},
						 {&one_executor, spawn_one},
						 {&one_executor, spawn_one},
						 {&one_executor, spawn_one}};

/* ---- counting ------------------------------------------------------------------------------------ */

static const struct sent *sent_of(uint32_t index)
{
	const struct memory *own = house_user(&house, house.processes == 2 ? 1 : index + 1);

	return &own->sent[index];
}

static const struct received *received_of(uint32_t index)
{
	const struct memory *own = house_user(&house, 0);

	return &own->received[index];
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint64_t outboxed(uint32_t index)
{
	bool together = house.processes == 2;
	const struct myc_actor_metrics *metrics = myc_region_block(
		&house.region[together ? 1 : index + 1], MYC_BLOCK_METRICS, 0, NULL);

	return load(&metrics[together ? index : 0].outbox_depth);
}

static bool all_counted(void)
{
	for (uint32_t i = 0; i < SENDERS; i++)
		if (load(&sent_of(i)->next) != messages_each || outboxed(i))
			return false;
	for (uint32_t p = 1; p < house.processes; p++) {
		uint64_t sent, counted;

		house_balance(&house, p, 0, &sent, &counted);
		if (sent != counted)
			return false;
	}
	return true;
}

/* Until so many were handled, or there is nothing left; fails when nothing moves for 20 s. */
static void wait_for(uint64_t handled)
{
	uint64_t seen = 0, moved_ns = myc_clock_ns();

	for (;;) {
		struct timespec nap = {.tv_nsec = 50000};
		uint64_t now = 0;

		nanosleep(&nap, NULL);
		for (uint32_t i = 0; i < SENDERS; i++)
			now += load(&received_of(i)->handled);
		if (now >= handled || all_counted())
			return;
		if (now != seen)
			moved_ns = myc_clock_ns();
		seen = now;
		if (myc_clock_ns() - moved_ns > 20000000000ull) {
			print_message("stuck after %" PRIu64 " messages\n", now);
			fail();
		}
	}
}

/* Every weight of every sender's buffers is home, in somebody's ledger or on its way home. */
static void check_weights(void)
{
	for (uint32_t p = 1; p < house.processes; p++)
		for (uint32_t e = 0; e < (house.processes == 2 ? SENDERS : 1); e++) {
			struct myc_census census = {0};
			struct myc_pool_sums sums;
			uint64_t size, found[64];
			const struct myc_pools *block =
				myc_region_block(&house.region[p], MYC_BLOCK_POOL, e, &size);

			assert_int_equal(myc_census_begin(&census, block, size, myc_lane_end(p, e),
							  found, 64),
					 0);
			block = myc_region_block(&house.region[0], MYC_BLOCK_POOL, 0, &size);
			assert_int_equal(
				myc_census_holder(&census, block, size, myc_lane_end(0, 0)), 0);
			assert_int_equal(myc_census_end(&census, &sums), 0);
			assert_int_equal(sums.home + sums.out, sums.total);
		}
}

static void check(const char *shape, uint64_t kills, uint64_t may_be_missing)
{
	const struct myc_actor_metrics *metrics =
		myc_region_block(&house.region[0], MYC_BLOCK_METRICS, 0, NULL);
	const struct myc_executor_words *words =
		myc_region_block(&house.region[0], MYC_BLOCK_EXECUTOR, 0, NULL);
	uint64_t handled = 0, missing = 0;

	for (uint32_t i = 0; i < SENDERS; i++) {
		const struct received *from = received_of(i);

		assert_int_equal(from->disorder, 0); /* nor anything twice */
		assert_int_equal(from->torn, 0);
		assert_true(from->handled <= messages_each);
		handled += from->handled;
		missing += messages_each - from->handled;
	}
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	print_message("  4 %s, %" PRIu64 " kills: %" PRIu64 " sent, %" PRIu64 " handled, %" PRIu64
		      " in doubt, %" PRIu64 " neither\n",
		      shape, kills, SENDERS * messages_each, handled, metrics->in_doubt, missing);
	/* In the sender's or in the receiver's hand when it was killed; all else was handled once. */
	assert_true(missing <= may_be_missing + metrics->in_doubt);
	check_weights();
}

static void soak(const char *shape, const struct house_process *plan, uint32_t processes_count)
{
	uint64_t chance = test_seed() * 2654435761u + 1, all = SENDERS * messages_each;
	uint64_t kills = 1 + KILLS_A_SHAPE * messages_each / 500000, may_be_missing = 0;

	house_open(&house, plan, processes_count, sizeof(struct memory));
	for (uint32_t p = 0; p < processes_count; p++)
		house_start(&house, p);
	for (uint64_t i = 0; i < kills; i++) {
		uint32_t victim = (uint32_t)(test_random(&chance) >> 32) % processes_count;
		struct timespec later = {.tv_nsec = (long)(test_random(&chance) % 300000)};

		wait_for(all / (kills + 1) * (i + 1));
		nanosleep(&later, NULL); /* kills at any instruction, not to wait for anything */
		house_kill(&house, victim);
		house_start(&house, victim);
		may_be_missing += victim && processes_count == 2 ? SENDERS : 1;
	}
	wait_for(UINT64_MAX);
	for (uint32_t p = 0; p < processes_count; p++)
		house_kill(&house, p);
	check(shape, kills, may_be_missing);
	house_close(&house);
}

static void four_threads_killed_at_random_lose_only_what_was_in_hand(void **state)
{
	(void)state;
	soak("threads", threads, 2);
}

static void four_processes_killed_at_random_lose_only_what_was_in_hand(void **state)
{
	(void)state;
	soak("processes", processes, 1 + SENDERS);
}

int main(void)
{
	const char *text = getenv("MYC_SOAK");
	uint64_t messages = text ? strtoull(text, NULL, 10) : 2000000 / TEST_SHORTER;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_threads_killed_at_random_lose_only_what_was_in_hand),
		cmocka_unit_test(four_processes_killed_at_random_lose_only_what_was_in_hand),
	};

	messages_each = messages / SENDERS;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
