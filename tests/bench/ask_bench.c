/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ask and reply: from one ask to its outcome in the asker's hook, through the replier's handler, each ask with a
 * timeout of a second. On one executor also 64 at a time, and a message there and back beside it (a full
 * hop, twice). Between two executors: the round trip, and the raw one of a cache line between the same cores.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "bench/raw_trip.h"

#define RUNS 7
#define ASKS 2000000
#define MANY 64

/* ---- actors ------------------------------------------------------------------------------------ */

struct asker {
	struct myc_ref to;
	uint64_t count, limit, before, many;
	bool timed;
};

static _Atomic uint64_t took_ns;
static _Atomic bool done;

static int answer(struct myc_actor *self, const struct myc_message *message)
{
	if (message->correlation)
		return myc_reply(self, message, 1, message->payload, message->size);
	struct myc_ref *back = myc_state(self);

	if (!back->address)
		myc_resolve(self, message->from, back);
	return myc_send(self, back, 1, message->payload, message->size);
}

static int begin(struct myc_actor *self)
{
	struct asker *asker = myc_state(self);

	asker->limit = strtoull(myc_setting(self, "limit", "0"), NULL, 0);
	asker->many = strtoull(myc_setting(self, "many", "0"), NULL, 0);
	asker->timed = strtoull(myc_setting(self, "timed", "0"), NULL, 0);
	return myc_timer_start(self, 1000000, 0, 0, NULL);
}

static int start(struct myc_actor *self, uint64_t cookie)
{
	struct asker *asker = myc_state(self);
	int code = myc_lookup(self, "replier", &asker->to);

	(void)cookie;
	asker->before = myc_clock_ns();
	if (!asker->many)
		return myc_send(self, &asker->to, 1, &asker->count, 8);
	for (uint64_t i = 0; i < asker->many && !code; i++)
		code = myc_ask(self, &asker->to, 1, &asker->count, 8, 1000000000, 0, NULL);
	return code;
}

static bool count(struct asker *asker)
{
	if (asker->timed) {
		uint64_t now = myc_clock_ns();

		myc_histogram_add(&trips, now - asker->before);
		asker->before = now;
	}
	if (++asker->count < asker->limit)
		return true;
	took_ns = myc_clock_ns() - asker->before;
	done = true;
	return false;
}

static int replied(struct myc_actor *self, const struct myc_reply *reply)
{
	struct asker *asker = myc_state(self);

	if (reply->status)
		abort();
	return count(asker) ? myc_ask(self, &asker->to, 1, reply->payload, 8, 1000000000, 0, NULL)
			    : 0;
}

static int told(struct myc_actor *self, const struct myc_message *message)
{
	struct asker *asker = myc_state(self);

	return count(asker) ? myc_send(self, &asker->to, 1, message->payload, 8) : 0;
}

static const struct myc_behaviour asking = {.name = "asking",
					    .state_size = sizeof(struct asker),
					    .started = begin,
					    .timer = start,
					    .message = told,
					    .reply = replied};
static const struct myc_behaviour replying = {
	.name = "replying", .state_size = sizeof(struct myc_ref), .message = answer};

static void play(uint32_t executors, const char *limit, const char *many, const char *timed)
{
	static const struct myc_executor_opts cores[2] = {{.core = 0, .idle = MYC_IDLE_SPIN},
							  {.core = 1, .idle = MYC_IDLE_SPIN}};
	struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = executors, .executor = cores};
	struct myc_setting settings[] = {
		{"limit", limit},
		{"many", many},
		{"timed", timed},
	};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
				       .behaviour = &asking,
				       .settings = settings,
				       .settings_count = 3};
	struct timespec nap = {.tv_nsec = 1000000};
	struct myc_system *system;

	memset(&trips, 0, sizeof(trips));
	done = false;
	if (myc_system_open(&system, &opts, NULL) || myc_spawn(system, &spawn, NULL, NULL))
		abort();
	spawn = (struct myc_spawn_opts){.sz = sizeof(spawn),
					.behaviour = &replying,
					.name = "replier",
					.executor = executors - 1};
	if (myc_spawn(system, &spawn, NULL, NULL) || myc_system_start(system, NULL))
		abort();
	while (!done)
		nanosleep(&nap, NULL);
	myc_system_stop(system, 1000);
	myc_system_close(system);
}

int main(void)
{
	struct bench bench;

	bench_begin(&bench, "ask",
		    "8-byte request and reply, executors on cores 0 and 1, spinning, 1-2 peers "
		    "polled, metrics on");
	for (int i = 0; i < RUNS; i++) {
		play(1, "2000000", "1", "0");
		bench_sample(&bench, "ask and reply, one executor", "ns", (double)took_ns / ASKS);
		play(1, "2000000", "64", "0");
		bench_sample(&bench, "ask and reply, one executor, 64 at a time", "ns",
			     (double)took_ns / ASKS);
		play(1, "2000000", "0", "0");
		bench_sample(&bench, "message there and back, one executor", "ns",
			     (double)took_ns / ASKS);
		play(2, "200000", "1", "1");
		bench_sample(&bench, "ask and reply, two executors", "ns",
			     (double)myc_histogram_quantile(&trips, 0.5));
		play(2, "200000", "0", "1");
		bench_sample(&bench, "message there and back, two executors", "ns",
			     (double)myc_histogram_quantile(&trips, 0.5));
		bench_sample(&bench, "raw round trip of a line", "ns", raw());
	}
	bench_bar(&bench, "ask and reply, one executor", BENCH_AT_MOST, 40);
	bench_raw(&bench, "ask and reply, one executor", "message there and back, one executor");
	bench_raw(&bench, "ask and reply, two executors", "raw round trip of a line");
	bench_raw(&bench, "message there and back, two executors", "raw round trip of a line");
	return bench_finish(&bench);
}
