/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes without bounds: no sender is refused but by a full lane, memory comes and goes in counted chunks, the
 * bounds that were written down hold, neighbours keep what is theirs, and a kernel without memory loses nothing.
 */
#include "probes.h"

#include <mycelium/mailbox.h>
#include <mycelium/workers.h>

#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/executor.h"

#define MANY  8000u
#define LIMIT 16384u

static _Atomic bool no_memory; /* the kernel has none */
static _Atomic uint32_t asked; /* for some, and got none */

int madvise(void *at, size_t size, int advice)
{
	if (advice == MADV_POPULATE_WRITE && no_memory) {
		asked++;
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, at, size, advice);
}

/* Numbers come from 1 on, in order. */
static int grower_message(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = me_of(self);
	uint32_t value;

	if (message->type != NUMBER)
		return probe_message(self, message);
	memcpy(&value, message->payload, sizeof(value));
	if (value == me->messages + 1)
		me->messages++;
	else
		me->timers++; /* out of order */
	return 0;
}

static const struct myc_behaviour grower = {.name = "grower",
					    .grows_to = MYC_GROWS_FREELY,
					    .init = probe_init,
					    .message = grower_message,
					    .stopped = probe_stopped};
static struct probe *spawn_grower(int where)
{
	return spawn_as(where, &grower, NULL, MYC_RESTARTS_NONE);
}

static void start(void **state)
{
	to_grow = LIMIT;
	begin(state);
}

/* Sends from `first` on what goes at once, `count` at most; what is refused must not be for want of credit, with
 * `free`. The number that went is in me->timers. */
struct flood {
	struct myc_ref ref;
	uint32_t next, spent;
};
static struct flood flood[PROBES];

static int flood_from(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t last)
{
	struct flood *mine = &flood[me->index];
	int code = mine->ref.address == to ? 0 : myc_resolve(self, to, &mine->ref);

	while (!code && mine->next < last) {
		uint32_t value = mine->next + 1;

		/* The first waits for the pair's first credit. */
		code = mine->next ? myc_try_send(self, &mine->ref, NUMBER, &value, sizeof(value))
				  : myc_send(self, &mine->ref, NUMBER, &value, sizeof(value));
		mine->next += !code;
	}
	if (code == -EAGAIN && mine->next > 1) {
		const struct myc_flow_out *flow =
			&self->executor->out.flow_table[mine->ref.flow - 1];

		mine->spent += !flow->outboxed &&
			       __atomic_load_n(flow->limit_word, __ATOMIC_RELAXED) == flow->sent;
	}
	return code == -EAGAIN ? 0 : code;
}

/* Until `last` has gone, or, with `stuck`, nothing goes any more, though its executor takes turns. */
static void send_all(struct probe *from, const struct probe *to, uint32_t last, bool stuck)
{
	struct flood *mine = &flood[from->index];
	struct probe *beside = stuck ? spawn(THERE) : NULL;

	for (uint32_t same = 0; mine->next < last && (!stuck || same < 50); same++) {
		uint32_t before = mine->next;

		assert_int_equal(let(from, flood_from, to->address, last), 0);
		if (mine->next != before)
			same = 0;
		else if (stuck)
			assert_int_equal(let(beside, nothing, 0, 0), 0);
		else /* who sleeps without a bell looks every millisecond */
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
}

static struct myc_mailbox_depth depth_of(const struct probe *who)
{
	struct myc_mailbox_depth depth;

	assert_int_equal(myc_mailbox_depth(systems[0], who->address, &depth), 0);
	return depth;
}

static struct myc_mailbox_growth growth_of(const struct probe *who)
{
	struct myc_mailbox_growth grown;

	assert_int_equal(myc_mailbox_growth(systems[0], who->address, &grown), 0);
	return grown;
}

static struct myc_executor *executor_of(const struct probe *who)
{
	const uint64_t *word = &who->system->slot[myc_address_slot(who->address)].word;

	return &who->system->executor[myc_actor_word_home(__atomic_load_n(word, __ATOMIC_ACQUIRE))];
}

/* Pages of the executor's chunks that are memory. */
static uint64_t resident(const struct probe *who)
{
	const struct myc_executor *executor = executor_of(who);
	const char *at = (const char *)&executor->pending[executor->growth.first];
	static unsigned char page[LIMIT * sizeof(struct myc_pending) / 4096];
	uint64_t pages = 0;

	assert_int_equal(mincore((void *)(uintptr_t)at, sizeof(page) * 4096, page), 0);
	for (size_t i = 0; i < sizeof(page); i++)
		pages += page[i] & 1;
	return pages;
}

/* ---- cases ------------------------------------------------------------------------------------- */

CASE(what_waits_is_not_refused_for_credit_and_memory_comes_and_goes)
{
	start(state);
	memset(flood, 0, sizeof(flood));
	struct probe *from = spawn(HERE), *to = spawn_grower(THERE);

	assert_int_equal(let(from, suspend, to->address, 0), 0);
	assert_int_equal(resident(to), 0);
	send_all(from, to, MANY, false);
	wait_until(depth_of(to).waiting == MANY);
	assert_int_equal(flood[from->index].spent, 0);
	struct myc_mailbox_growth grown = growth_of(to);

	assert_int_equal(grown.limit, LIMIT);
	assert_in_range(grown.room, MANY, MANY + 2 * MYC_MAILBOX_CHUNK);
	assert_int_equal(grown.room, (grown.taken - grown.given) * MYC_MAILBOX_CHUNK);
	assert_int_equal(grown.room_max, grown.room);
	assert_int_equal(grown.refused, 0);
	assert_int_equal(resident(to), grown.room * sizeof(struct myc_pending) / 4096);
	assert_int_equal(let(from, resume, to->address, 0), 0);
	wait_until(to->messages == MANY);
	wait_until(growth_of(to).room <= MYC_MAILBOX_CHUNK);
	wait_until(resident(to) == growth_of(to).room * sizeof(struct myc_pending) / 4096);
	assert_int_equal(to->timers, 0);
	assert_int_equal(depth_of(to).waiting_max, MANY);
	assert_int_equal(growth_of(to).room_max, grown.room_max);
	/* And again, from what is left. */
	flood[from->index].next = 0;
	to->messages = 0;
	assert_int_equal(let(from, suspend, to->address, 0), 0);
	send_all(from, to, MANY, false);
	wait_until(depth_of(to).waiting == MANY);
	assert_int_equal(let(from, resume, to->address, 0), 0);
	wait_until(to->messages == MANY);
	assert_int_equal(to->timers, 0);
	end();
}

static int slow_message(struct myc_actor *self, const struct myc_message *message)
{
	nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
	return grower_message(self, message);
}

CASE(who_is_slow_does_not_keep_its_sender_waiting)
{
	struct myc_behaviour slow = grower;

	slow.message = slow_message;
	start(state);
	memset(flood, 0, sizeof(flood));
	struct probe *from = spawn(HERE), *to = spawn_as(THERE, &slow, NULL, MYC_RESTARTS_NONE);

	send_all(from, to, MANY, false);
	assert_true(to->messages < MANY / 2);
	assert_int_equal(flood[from->index].spent, 0);
	wait_until(to->messages == MANY);
	assert_int_equal(to->timers, 0);
	assert_true(growth_of(to).room_max >= MANY / 4);
	end();
}

CASE(one_bound_that_was_written_down_is_of_the_mailbox)
{
	struct myc_behaviour hundred = grower;

	hundred.grows_to = 100;
	start(state);
	memset(flood, 0, sizeof(flood));
	struct probe *from = spawn(HERE), *to = spawn_as(THERE, &hundred, NULL, MYC_RESTARTS_NONE);

	assert_int_equal(let(from, suspend, to->address, 0), 0);
	send_all(from, to, 1000, true);
	assert_in_range(flood[from->index].next, 100, 101);
	assert_int_equal(let(from, resume, to->address, 0), 0);
	send_all(from, to, 1000, false);
	wait_until(to->messages == 1000);
	assert_int_equal(to->timers, 0);
	end();
}

CASE(the_other_is_of_all_that_an_executor_runs_and_neighbours_have_theirs)
{
	start(state);
	memset(flood, 0, sizeof(flood));
	struct probe *from = spawn(HERE), *other = spawn(HERE);
	struct probe *to = spawn_grower(THERE), *second = spawn_grower(THERE);
	struct probe *bounded = spawn(THERE);

	assert_int_equal(let(from, suspend, to->address, 0), 0);
	assert_int_equal(let(from, suspend, second->address, 0), 0);
	assert_int_equal(let(from, suspend, bounded->address, 0), 0);
	send_all(from, to, 2 * LIMIT, true);
	/* One credit of each pair is sure; what idle ones were granted is not there for others. */
	assert_in_range(flood[from->index].next, LIMIT - 1024, LIMIT + 4);
	struct flood full = flood[from->index];

	send_all(other, second, 1000, true);
	assert_in_range(flood[other->index].next, 1, 1000);
	/* A bounded one has its own room, and no more than that. */
	flood[other->index].next = 0;
	send_all(other, bounded, 1000, true);
	assert_int_equal(flood[other->index].next, 16);
	assert_true(growth_of(to).room <= LIMIT);
	assert_int_equal(let(from, resume, to->address, 0), 0);
	flood[from->index] = full;
	send_all(from, to, 2 * LIMIT, false);
	wait_until(to->messages == 2 * LIMIT);
	assert_int_equal(to->timers, 0);
	assert_int_equal(let(from, resume, bounded->address, 0), 0);
	wait_until(bounded->messages == 16);
	end();
}

CASE(without_memory_messages_stay_where_they_are_until_there_is_some)
{
	start(state);
	memset(flood, 0, sizeof(flood));
	asked = 0;
	struct probe *from = spawn(HERE), *to = spawn_grower(THERE);

	assert_int_equal(let(from, suspend, to->address, 0), 0);
	send_all(from, to, 1000, false);
	no_memory = true;
	send_all(from, to, MANY, true);
	wait_until(asked);
	assert_true(flood[from->index].next < 1000 + 4 * MYC_MAILBOX_CHUNK);
	wait_until(growth_of(to).refused);
	assert_true(growth_of(to).room <= 2 * MYC_MAILBOX_CHUNK);
	/* Its room for what it has goes on to be used. */
	assert_int_equal(let(from, resume, to->address, 0), 0);
	wait_until(to->messages == flood[from->index].next);
	send_all(from, to, MANY / 2, false);
	assert_int_equal(let(from, suspend, to->address, 0), 0);
	send_all(from, to, MANY, true);
	no_memory = false;
	send_all(from, to, MANY, false);
	assert_int_equal(let(from, resume, to->address, 0), 0);
	wait_until(to->messages == MANY);
	assert_int_equal(to->timers, 0);
	end();
}

CASE(one_that_ends_leaves_dead_letters_and_no_memory)
{
	start(state);
	memset(flood, 0, sizeof(flood));
	struct probe *from = spawn(HERE), *to = spawn_grower(THERE), *rest = spawn_grower(THERE);
	const struct myc_executor_words *words = executor_of(to)->words;

	assert_int_equal(let(from, suspend, to->address, 0), 0);
	send_all(from, to, MANY, false);
	wait_until(depth_of(to).waiting == MANY);
	assert_int_equal(let(from, send_stop, to->address, MYC_STOP_KILL), 0);
	wait_until(__atomic_load_n(&words->dead_letters[MYC_DEAD_LETTER_NO_ACTOR],
				   __ATOMIC_RELAXED) == MANY);
	wait_until(growth_of(rest).room <= MYC_MAILBOX_CHUNK);
	/* What was counted as granted to it is there for others. */
	flood[from->index].next = 0;
	assert_int_equal(let(from, suspend, rest->address, 0), 0);
	send_all(from, rest, LIMIT - 1024, false);
	assert_int_equal(let(from, resume, rest->address, 0), 0);
	wait_until(rest->messages == LIMIT - 1024);
	end();
}

/* Past what it was granted, as a sender that has gone wrong does. */
static int send_on_regardless(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t count)
{
	struct flood *mine = &flood[me->index];
	struct myc_flow_out *flow = &self->executor->out.flow_table[mine->ref.flow - 1];
	uint32_t value = 0;
	int code = 0;

	(void)to;
	flow->open = flow->limit = flow->sent + (uint32_t)count;
	while (!code && count--)
		code = myc_try_send(self, &mine->ref, NUMBER, &value, sizeof(value));
	return code;
}

CASE(who_sends_more_than_was_granted_is_cut_off_and_others_are_not)
{
	struct myc_behaviour hundred = grower;

	hundred.grows_to = 100;
	start(state);
	memset(flood, 0, sizeof(flood));
	struct probe *from = spawn(HERE), *to = spawn_as(THERE, &hundred, NULL, MYC_RESTARTS_NONE);
	struct probe *near = spawn(THERE);
	const struct myc_executor_words *words = executor_of(to)->words;

	assert_int_equal(let(from, suspend, to->address, 0), 0);
	send_all(from, to, 1000, true);
	uint32_t sent = flood[from->index].next;

	assert_int_equal(let(from, send_on_regardless, to->address, 5), 0);
	wait_until(__atomic_load_n(&words->lane_faults[MYC_LANE_FAULT_CREDIT], __ATOMIC_RELAXED));
	assert_int_equal(depth_of(to).waiting, sent);
	assert_int_equal(let(near, resume, to->address, 0), 0);
	wait_until(to->messages == sent);
	assert_int_equal(to->timers, 0);
	/* Its share is others' now. */
	assert_int_equal(let(near, suspend, to->address, 0), 0);
	send_all(near, to, 1000, true);
	assert_in_range(flood[near->index].next, 40, 101);
	end();
}

CASE(what_cannot_be_is_refused)
{
	static const struct myc_overflow none = {.last = UINT16_MAX};
	struct myc_behaviour with = grower;
	struct myc_error error = {0};
	struct myc_workers *pool = NULL;
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &with};

	/* What cannot be is said, wherever. */
	begin(state);
	assert_int_equal(myc_spawn(systems[0], &opts, NULL, &error), -EINVAL);
	end();
	start(state);
	with.capacity_per_sender = 1;
	assert_int_equal(myc_spawn(systems[0], &opts, NULL, &error), -EINVAL);
	with.capacity_per_sender = 0;
	with.mailbox_capacity = 1;
	assert_int_equal(myc_spawn(systems[0], &opts, NULL, &error), -EINVAL);
	with.mailbox_capacity = 0;
	with.overflow = &none;
	with.overflow_count = 1;
	assert_int_equal(myc_spawn(systems[0], &opts, NULL, &error), -EINVAL);
	with.overflow_count = 0;
	with.grows_to = 0;
	with.mailbox_capacity = 7;
	opts.grows_to = 10;
	assert_int_equal(myc_spawn(systems[0], &opts, NULL, &error), -EINVAL);
	with.mailbox_capacity = 0;
	assert_int_equal(myc_spawn(systems[0], &opts, NULL, &error), 0);
	const struct myc_workers_opts workers = {.sz = sizeof(workers), .behaviour = &grower};

	assert_int_equal(myc_workers_spawn(systems[0], &workers, &pool, &error), -EINVAL);
	struct myc_mailbox_growth grown;

	assert_int_equal(myc_mailbox_growth(systems[0], MYC_NOBODY, &grown), -ESRCH);
	assert_int_equal(myc_mailbox_growth(systems[0], UINT64_MAX, &grown), -ESRCH);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(what_waits_is_not_refused_for_credit_and_memory_comes_and_goes),
		EVERYWHERE(who_is_slow_does_not_keep_its_sender_waiting),
		EVERYWHERE(one_bound_that_was_written_down_is_of_the_mailbox),
		EVERYWHERE(the_other_is_of_all_that_an_executor_runs_and_neighbours_have_theirs),
		EVERYWHERE(without_memory_messages_stay_where_they_are_until_there_is_some),
		EVERYWHERE(one_that_ends_leaves_dead_letters_and_no_memory),
		IN(who_sends_more_than_was_granted_is_cut_off_and_others_are_not, TWO_EXECUTORS),
		IN(who_sends_more_than_was_granted_is_cut_off_and_others_are_not, TWO_PROCESSES),
		IN(what_cannot_be_is_refused, ONE_EXECUTOR),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
