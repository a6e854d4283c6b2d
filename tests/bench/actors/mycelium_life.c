/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of many actors: an actor spawns a million, what an idle one weighs, each answers once. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "mycelium.h"

#define MANY	1000000
#define WINDOW	256 /* questions on their way at a time */
#define STEP	64  /* of them sent a turn */
#define SECONDS 10  /* that each half of it may take */

/* ---- the million ------------------------------------------------------------------------------- */

static uint64_t started_count;

static int resident_started(struct myc_actor *self)
{
	(void)self;
	started_count++; /* all on one executor */
	return 0;
}

static int resident_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref asker;
	int code = myc_resolve(self, message->from, &asker);

	if (!code)
		code = myc_send(self, &asker, TRIP, message->payload, message->size);
	return code ? stage_failed(code) : 0;
}

static const struct myc_behaviour resident = {.name = "resident",
					      .state_size = 8,
					      .mailbox_capacity = 1,
					      .capacity_per_sender = 1,
					      .started = resident_started,
					      .message = resident_message};

/* ---- their parent ------------------------------------------------------------------------------ */

static myc_address *population;

struct parent {
	struct myc_ref self;
	uint64_t asked, answered, before;
	bool going; /* a GO_ON is on its way */
};

static int parent_spawn(struct myc_actor *self)
{
	struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = &resident, .restarts_max = MYC_RESTARTS_NONE};
	uint64_t before = measure_ticks();

	for (uint64_t i = 0; i < MANY; i++) {
		int code = myc_spawn_local(self, &opts, &population[i], NULL);

		if (code)
			return stage_failed(code);
	}
	stage->ticks = measure_ticks() - before;
	if (started_count != MANY)
		return stage_failed(-EPROTO);
	stage_done();
	return 0;
}

static int parent_ask(struct myc_actor *self)
{
	struct parent *parent = myc_state(self);

	for (int i = 0; i < STEP && parent->asked < MANY; i++) {
		const struct message question = {{parent->asked}};
		struct myc_ref to;

		if (parent->asked - parent->answered >= WINDOW)
			return 0; /* an answer goes on */
		int code = myc_resolve(self, population[parent->asked], &to);

		if (!code)
			code = myc_try_send(self, &to, TRIP, &question, sizeof(question));
		if (code == -EAGAIN)
			break;
		if (code)
			return stage_failed(code);
		parent->asked++;
	}
	if (parent->asked == MANY || parent->going)
		return 0;
	parent->going = true;
	return myc_send(self, &parent->self, GO_ON, NULL, 0);
}

static int parent_on_answer(struct myc_actor *self, const struct message *answer)
{
	struct parent *parent = myc_state(self);

	if (answer->word[0] != parent->answered)
		return stage_failed(-EPROTO);
	if (++parent->answered == MANY) {
		stage->ticks = measure_ticks() - parent->before;
		stage_done();
		return 0;
	}
	return parent->going ? 0 : parent_ask(self);
}

static int parent_message(struct myc_actor *self, const struct myc_message *message)
{
	struct parent *parent = myc_state(self);

	switch (message->type) {
	case HELLO:
		return parent_spawn(self);
	case READY:
		parent->before = measure_ticks();
		if (myc_resolve(self, myc_self(self), &parent->self))
			return stage_failed(-ENOSPC);
		return parent_ask(self);
	case GO_ON:
		parent->going = false;
		return parent_ask(self);
	case TRIP:
		if (message->size != sizeof(struct message))
			return stage_failed(-EPROTO);
		return parent_on_answer(self, message->payload);
	default:
		return stage_failed(-EPROTO);
	}
}

static const struct myc_behaviour parent = {.name = "parent",
					    .state_size = sizeof(struct parent),
					    .mailbox_capacity = 4 * WINDOW,
					    .message = parent_message};

/* ---- the system -------------------------------------------------------------------------------- */

static struct myc_system *open_system(myc_address *address)
{
	static const struct myc_executor_opts executor = {
		.core = 1, .idle = MYC_IDLE_SPIN, .states_kib = MANY / 16};
	struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = 1, .actors = MANY + 1, .executor = &executor};
	struct myc_spawn_opts first = {
		.sz = sizeof(first), .behaviour = &parent, .restarts_max = MYC_RESTARTS_NONE};
	struct myc_system *system;
	struct myc_error error = {0};

	scene_must(myc_system_open(&system, &opts, &error), &error);
	scene_must(myc_spawn(system, &first, address, &error), &error);
	scene_must(myc_system_start(system, &error), &error);
	return system;
}

/* Tells the parent and waits until that is done: -errno when it does not come to an end. */
static int have_done(struct myc_system *system, myc_address to, uint16_t type)
{
	struct timespec until;
	int code = myc_post(system, to, type, NULL, 0, UINT64_MAX);

	if (code)
		return code;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SECONDS;
	while (sem_timedwait(&stage->done, &until))
		if (errno != EINTR)
			return -ETIMEDOUT;
	return atomic_load_explicit(&stage->failed, memory_order_relaxed);
}

void play_spawn(void)
{
	myc_address address;

	measure_pin(0);
	sem_init(&stage->done, 0, 0);
	population = mmap(NULL, MANY * sizeof(*population), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (population == MAP_FAILED) {
		perror("no memory for addresses");
		exit(1);
	}
	uint64_t resident_before = measure_resident();
	struct myc_system *system = open_system(&address);
	int code = have_done(system, address, HELLO);

	if (code) {
		printf("# a million actors: left out, %s\n", strerror(-code));
		return;
	}
	measure_report("spawn until started", "ns/actor",
		       (double)stage->ticks * measure_tick_ns() / MANY,
		       "1,000,000 by an actor, one executor, spin, core 1");
	measure_report("idle actor", "bytes", (double)(measure_resident() - resident_before) / MANY,
		       "resident, system with 1,000,000 of them, all included");
	code = have_done(system, address, READY);
	if (code)
		printf("# one million alive, each answers: left out, %s\n", strerror(-code));
	else
		measure_report("one million alive, each answers", "ns/actor",
			       (double)stage->ticks * measure_tick_ns() / MANY,
			       "one executor, spin, core 1, question and answer");
	/* The process ends now: an orderly end of a million actors is not what is measured. */
}
