/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <mycelium/breaker.h>

#define FAILURES_MAX	5
#define CALL_TIMEOUT_NS 1000000000u
#define RESET_NS	1000000000u
#define RESET_NS_MAX	60000000000u
#define BACKOFF_PERCENT 200
#define PERCENT		100

int myc_breaker_init(struct myc_breaker *breaker, const struct myc_breaker_opts *given)
{
	struct myc_breaker_opts opts = {.sz = sizeof(opts)};

	if (given && given->sz < offsetof(struct myc_breaker_opts, failure))
		return -EINVAL;
	if (given)
		memcpy(&opts, given, given->sz < sizeof(opts) ? given->sz : sizeof(opts));
	opts.failures_max = opts.failures_max ? opts.failures_max : FAILURES_MAX;
	opts.call_timeout_ns = opts.call_timeout_ns ? opts.call_timeout_ns : CALL_TIMEOUT_NS;
	opts.reset_ns = opts.reset_ns ? opts.reset_ns : RESET_NS;
	opts.reset_ns_max = opts.reset_ns_max ? opts.reset_ns_max : RESET_NS_MAX;
	opts.backoff_percent = opts.backoff_percent ? opts.backoff_percent : BACKOFF_PERCENT;
	if (opts.backoff_percent < PERCENT)
		return -EINVAL;
	if (opts.reset_ns_max < opts.reset_ns)
		opts.reset_ns_max = opts.reset_ns;
	*breaker = (struct myc_breaker){.opts = opts, .reset_ns = opts.reset_ns};
	return 0;
}

static uint64_t later(uint64_t now, uint64_t delay)
{
	return delay < UINT64_MAX - now ? now + delay : UINT64_MAX;
}

static void turn(struct myc_actor *self, struct myc_breaker *breaker, enum myc_breaker_state state)
{
	enum myc_breaker_state from = breaker->state;

	breaker->state = state;
	breaker->failures = 0;
	breaker->trial = 0;
	if (breaker->opts.changed)
		breaker->opts.changed(self, breaker, from);
}

static void open_it(struct myc_actor *self, struct myc_breaker *breaker)
{
	breaker->until_ns = later(myc_now_ns(self), breaker->reset_ns);
	breaker->opened++;
	turn(self, breaker, MYC_BREAKER_OPEN);
}

/* A trial failed: by so much longer until the next. */
static void grow(struct myc_breaker *breaker)
{
	const struct myc_breaker_opts *opts = &breaker->opts;
	uint64_t whole = breaker->reset_ns / PERCENT, rest = breaker->reset_ns % PERCENT;

	/* Not reset_ns * percent: it may be beyond 64 bits. */
	if (whole >= opts->reset_ns_max / opts->backoff_percent) {
		breaker->reset_ns = opts->reset_ns_max;
		return;
	}
	breaker->reset_ns = whole * opts->backoff_percent + rest * opts->backoff_percent / PERCENT;
	if (breaker->reset_ns > opts->reset_ns_max)
		breaker->reset_ns = opts->reset_ns_max;
}

static void failed(struct myc_actor *self, struct myc_breaker *breaker, bool trial)
{
	if (breaker->state == MYC_BREAKER_CLOSED &&
	    ++breaker->failures >= breaker->opts.failures_max) {
		open_it(self, breaker);
	} else if (breaker->state == MYC_BREAKER_HALF_OPEN && trial) {
		grow(breaker);
		open_it(self, breaker);
	}
}

static void succeeded(struct myc_actor *self, struct myc_breaker *breaker, bool trial)
{
	breaker->failures = 0;
	if (breaker->state != MYC_BREAKER_HALF_OPEN || !trial)
		return;
	breaker->reset_ns = breaker->opts.reset_ns;
	turn(self, breaker, MYC_BREAKER_CLOSED);
}

bool myc_breaker_lets(const struct myc_actor *self, const struct myc_breaker *breaker)
{
	if (breaker->state == MYC_BREAKER_CLOSED)
		return true;
	if (breaker->state == MYC_BREAKER_HALF_OPEN && !breaker->trial)
		return true;
	return myc_now_ns(self) >= breaker->until_ns;
}

int myc_breaker_ask(struct myc_actor *self, struct myc_breaker *breaker, struct myc_ref *to,
		    uint16_t type, const void *payload, size_t size, uint64_t cookie,
		    struct myc_ask *ask)
{
	struct myc_ask made;

	if (!myc_breaker_lets(self, breaker)) {
		breaker->refused++;
		return -ECONNREFUSED;
	}
	if (breaker->state == MYC_BREAKER_OPEN)
		turn(self, breaker, MYC_BREAKER_HALF_OPEN);
	/* The hook that was told may have asked: then the trial is out. */
	if (breaker->state != MYC_BREAKER_CLOSED && !myc_breaker_lets(self, breaker)) {
		breaker->refused++;
		return -ECONNREFUSED;
	}
	int code = myc_ask(self, to, type, payload, size, breaker->opts.call_timeout_ns, cookie,
			   &made);

	if (code) {
		if (code != -ESRCH)
			return code;
		breaker->asks++;
		breaker->failed++;
		failed(self, breaker, true);
		return code;
	}
	breaker->asks++;
	if (breaker->state == MYC_BREAKER_HALF_OPEN) {
		breaker->trial = made.correlation;
		breaker->until_ns = later(myc_now_ns(self), breaker->opts.call_timeout_ns);
	}
	if (ask)
		*ask = made;
	return 0;
}

void myc_breaker_reply(struct myc_actor *self, struct myc_breaker *breaker,
		       const struct myc_reply *reply)
{
	bool trial = breaker->trial && reply->ask.correlation == breaker->trial;
	bool bad = breaker->opts.failure ? breaker->opts.failure(reply) : reply->status != 0;

	if (trial)
		breaker->trial = 0;
	if (bad)
		breaker->failed++;
	else
		breaker->successes++;
	if (reply->status == -ESHUTDOWN)
		return;
	if (bad)
		failed(self, breaker, trial);
	else
		succeeded(self, breaker, trial);
}
