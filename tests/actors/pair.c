/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors of the runtime's tests. "ping" sends a number to "pong" each millisecond, "pong" answers;
 * "sleeper" sleeps in its handler for as long as `sleep_ms` says, again and again; "counter" counts what its feeds bring; "naughty" tries what a worker must not do; "failing" fails
 * as its settings say. What they saw is in their status line.
 */
#include <errno.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#define MILLISECOND 1000000ull
#define PING	    1
#define PONG	    2

struct ping {
	struct myc_ref pong;
	uint64_t sent, answered, refused;
};

static int ping_started(struct myc_actor *self)
{
	struct myc_timer timer;

	return myc_timer_start(self, MILLISECOND, MILLISECOND, 0, &timer);
}

static int ping_timer(struct myc_actor *self, uint64_t cookie)
{
	struct ping *ping = myc_state(self);

	(void)cookie;
	if (!ping->pong.address && myc_lookup(self, myc_setting(self, "to", "pong"), &ping->pong))
		return 0;
	uint64_t next = ping->sent + 1;
	if (myc_try_send(self, &ping->pong, PING, &next, sizeof(next)))
		ping->refused++;
	else
		ping->sent = next;
	return 0;
}

static int ping_message(struct myc_actor *self, const struct myc_message *message)
{
	struct ping *ping = myc_state(self);

	ping->answered += message->type == PONG;
	return 0;
}

static void ping_status(struct myc_actor *self, struct myc_status *status)
{
	const struct ping *ping = myc_state(self);

	snprintf(status->text, sizeof(status->text), "answered=%llu restarts=%u",
		 (unsigned long long)ping->answered, myc_restarts(self));
}

const struct myc_behaviour myc_behaviour_ping = {
	.name = "ping",
	.state_size = sizeof(struct ping),
	.started = ping_started,
	.timer = ping_timer,
	.message = ping_message,
	.status = ping_status,
};

struct sleeper {
	uint32_t naps;
};

static int sleeper_started(struct myc_actor *self)
{
	struct myc_timer timer;

	return myc_timer_start(self, MILLISECOND, MILLISECOND, 0, &timer);
}

static int sleeper_timer(struct myc_actor *self, uint64_t cookie)
{
	struct sleeper *sleeper = myc_state(self);
	uint64_t ms = strtoull(myc_setting(self, "sleep_ms", "10"), NULL, 10);
	struct timespec nap = {.tv_sec = (time_t)(ms / 1000),
			       .tv_nsec = (long)(ms % 1000 * MILLISECOND)};

	(void)cookie;
	nanosleep(&nap, NULL);
	sleeper->naps++;
	return 0;
}

static void sleeper_status(struct myc_actor *self, struct myc_status *status)
{
	const struct sleeper *sleeper = myc_state(self);

	snprintf(status->text, sizeof(status->text), "naps=%u", sleeper->naps);
}

const struct myc_behaviour myc_behaviour_sleeper = {
	.name = "sleeper",
	.state_size = sizeof(struct sleeper),
	.started = sleeper_started,
	.timer = sleeper_timer,
	.status = sleeper_status,
};

struct pong {
	struct myc_ref back;
	uint64_t seen;
};

static int pong_message(struct myc_actor *self, const struct myc_message *message)
{
	struct pong *pong = myc_state(self);

	pong->seen++;
	if (pong->back.address != message->from && myc_resolve(self, message->from, &pong->back))
		return 0;
	myc_try_send(self, &pong->back, PONG, message->payload, message->size);
	return 0;
}

static void pong_status(struct myc_actor *self, struct myc_status *status)
{
	const struct pong *pong = myc_state(self);

	snprintf(status->text, sizeof(status->text), "seen=%llu restarts=%u",
		 (unsigned long long)pong->seen, myc_restarts(self));
}

static const struct myc_state_codec pong_codec = {.rights = MYC_STATE_READ | MYC_STATE_REPLACE,
						  .version = 5};

const struct myc_behaviour myc_behaviour_pong = {
	.name = "pong",
	.codec = &pong_codec,
	.state_size = sizeof(struct pong),
	.message = pong_message,
	.status = pong_status,
};

struct counter {
	uint64_t messages, gaps, lost, in_doubt, resumed, last;
	uint64_t backward; /* sequences that did not grow: a message given twice */
};

static int counter_feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	struct counter *counter = myc_state(self);

	switch (event->kind) {
	case MYC_FEED_MESSAGE:
		counter->messages++;
		counter->backward += event->sequence <= counter->last;
		counter->last = event->sequence;
		break;
	case MYC_FEED_GAP:
		counter->gaps++;
		counter->lost += event->count;
		break;
	case MYC_FEED_IN_DOUBT:
		counter->in_doubt++;
		break;
	case MYC_FEED_RESUMED:
		counter->resumed++;
		break;
	case MYC_FEED_SESSION:
		counter->last = 0;
		break;
	default:
		break;
	}
	return 0;
}

static void counter_status(struct myc_actor *self, struct myc_status *status)
{
	const struct counter *counter = myc_state(self);

	snprintf(status->text, sizeof(status->text),
		 "messages=%llu last=%llu gaps=%llu lost=%llu in_doubt=%llu resumed=%llu "
		 "backward=%llu",
		 (unsigned long long)counter->messages, (unsigned long long)counter->last,
		 (unsigned long long)counter->gaps, (unsigned long long)counter->lost,
		 (unsigned long long)counter->in_doubt, (unsigned long long)counter->resumed,
		 (unsigned long long)counter->backward);
}

const struct myc_behaviour myc_behaviour_counter = {
	.name = "counter",
	.state_size = sizeof(struct counter),
	.feed = counter_feed,
	.status = counter_status,
};

/* Each letter of its status is one thing tried: upper case = it was refused. */
static void naughty_status(struct myc_actor *self, struct myc_status *status)
{
	char *const argv[] = {"/bin/true", NULL};
	bool bpf, mounted, traced, executed;

	(void)self;
	bpf = !(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	mounted = !(mount("none", "/mnt", "tmpfs", 0, NULL) < 0 && errno == EPERM);
	traced = !(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
	executed = !(execve("/bin/true", argv, NULL) < 0 && errno == EPERM);
	snprintf(status->text, sizeof(status->text), "tried %c%c%c%c%c", bpf ? 'b' : 'B',
		 mounted ? 'm' : 'M', traced ? 't' : 'T', executed ? 'e' : 'E',
		 prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 'P' : 'p');
}

const struct myc_behaviour myc_behaviour_naughty = {
	.name = "naughty",
	.status = naughty_status,
};

/* how: "init" fails in init; the others after 50 ms: "hang" never ends a turn, "segv" faults, "quit"
 * ends the process with code 0, "handler" fails each time. */
static int failing_init(struct myc_actor *self)
{
	return strcmp(myc_setting(self, "how", ""), "init") ? 0 : -EIO;
}

static int failing_started(struct myc_actor *self)
{
	struct myc_timer timer;

	return myc_timer_start(self, 50 * MILLISECOND, 50 * MILLISECOND, 0, &timer);
}

static int failing_timer(struct myc_actor *self, uint64_t cookie)
{
	const char *how = myc_setting(self, "how", "");

	(void)cookie;
	if (!strcmp(how, "hang"))
		for (;;)
			pause();
	if (!strcmp(how, "segv")) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit code of it */
		raise(SIGSEGV);
	}
	if (!strcmp(how, "quit"))
		_exit(0);
	return strcmp(how, "handler") ? 0 : -EIO;
}

const struct myc_behaviour myc_behaviour_failing = {
	.name = "failing",
	.init = failing_init,
	.started = failing_started,
	.timer = failing_timer,
};
