/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of what comes from outside share: a system with one actor that does what it is told, on a real
 * executor that sleeps or spins. */
#ifndef TESTS_UNIT_OUTSIDE_BED_H
#define TESTS_UNIT_OUTSIDE_BED_H

#include "common/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/executor.h"

static inline void nap_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- an actor that does what it is told --------------------------------------------------------- */

struct order {
	int (*run)(struct myc_actor *self, const struct order *order);
	uint64_t a, b, c;
};
enum { ORDER = 1 };

static _Atomic uint32_t orders_done, io_calls, worked_calls, starts, io_wrong;
static _Atomic int result;
static _Atomic uint64_t last_cookie;
static _Atomic uint32_t last_events;
static _Atomic int last_status, last_size;
static struct myc_fd watch[8];
static int (*on_io)(struct myc_actor *self, const struct myc_io_event *event);
static int (*on_worked)(struct myc_actor *self, const struct myc_worked *done);
static _Atomic pthread_t executor_thread;

static int started(struct myc_actor *self)
{
	(void)self;
	executor_thread = pthread_self();
	starts++;
	return 0;
}

static int message(struct myc_actor *self, const struct myc_message *message_)
{
	struct order order;

	memcpy(&order, message_->payload, sizeof(order));
	int code = order.run(self, &order);

	result = code;
	orders_done++;
	return code == -ECANCELED ? code : 0;
}

static int io(struct myc_actor *self, const struct myc_io_event *event)
{
	io_wrong += !pthread_equal(pthread_self(), executor_thread);
	last_cookie = event->cookie;
	last_events = event->events;
	last_status = event->status;
	last_size = (int)event->size;
	int code = on_io ? on_io(self, event) : 0;

	io_calls++;
	return code;
}

static int worked(struct myc_actor *self, const struct myc_worked *done)
{
	io_wrong += !pthread_equal(pthread_self(), executor_thread);
	int code = on_worked ? on_worked(self, done) : 0;

	worked_calls++;
	return code;
}

static const struct myc_behaviour outsider = {
	.name = "outsider", .started = started, .message = message, .io = io, .worked = worked};

/* ---- a system ------------------------------------------------------------------------------------ */

static struct myc_system *system_;
static myc_address actor;

static inline int begin(void **state)
{
	struct myc_executor_opts executor = {.core = -1, .idle = (enum myc_idle)(uintptr_t)*state};
	struct myc_system_opts opts = {.sz = sizeof(opts), .executor = &executor};
	struct myc_spawn_opts spawn = {
		.sz = sizeof(spawn), .behaviour = &outsider, .restarts_max = 1000000};

	orders_done = io_calls = worked_calls = starts = io_wrong = 0;
	last_cookie = 0;
	last_events = 0;
	last_status = last_size = 0;
	on_io = NULL;
	on_worked = NULL;
	assert_int_equal(myc_system_open(&system_, &opts, NULL), 0);
	assert_int_equal(myc_spawn(system_, &spawn, &actor, NULL), 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
	wait_until(starts == 1);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	assert_int_equal(io_wrong, 0);
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
	return 0;
}

static inline int tell(int (*run)(struct myc_actor *self, const struct order *order), uint64_t a,
		       uint64_t b, uint64_t c)
{
	struct order order = {run, a, b, c};
	uint32_t before = orders_done;

	assert_int_equal(myc_post(system_, actor, ORDER, &order, sizeof(order), UINT64_MAX), 0);
	wait_until(orders_done > before);
	return result;
}

static inline int do_watch(struct myc_actor *self, const struct order *order)
{
	return myc_fd_watch(self, (int)order->a, (uint32_t)order->b, order->c,
			    &watch[order->c % 8]);
}
static inline int do_change(struct myc_actor *self, const struct order *order)
{
	return myc_fd_change(self, watch[order->a], (uint32_t)order->b);
}
static inline int do_unwatch(struct myc_actor *self, const struct order *order)
{
	return myc_fd_unwatch(self, watch[order->a]);
}
static inline int do_stream(struct myc_actor *self, const struct order *order)
{
	return myc_stream_read(self, (int)order->a, (uint32_t)order->b, MYC_FD_CLOSE, order->c,
			       &watch[order->c % 8]);
}
static inline int do_fail(struct myc_actor *self, const struct order *order)
{
	(void)self;
	(void)order;
	return -ECANCELED;
}
static inline int do_stop(struct myc_actor *self, const struct order *order)
{
	(void)order;
	myc_stop(self);
	return 0;
}

static inline void pair(int fd[2])
{
	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
}

static inline void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static inline bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static inline int take_all(struct myc_actor *self, const struct myc_io_event *event)
{
	char text[64];

	(void)self;
	while (read(event->fd, text, sizeof(text)) > 0)
		;
	return 0;
}

static inline int suspend_it(void)
{
	int code;

	while ((code = myc_actor_suspend(system_, actor)) == -EAGAIN)
		nap_ms(1);
	return code;
}

static inline int resume_it(void)
{
	int code;

	while ((code = myc_actor_resume(system_, actor)) == -EAGAIN)
		nap_ms(1);
	return code;
}

#define IDLE(name, idle)                                                      \
	{                                                                     \
#name ", " #idle, name, begin, end, (void *)(uintptr_t)(idle) \
	}
#define BOTH(name) IDLE(name, MYC_IDLE_SLEEP), IDLE(name, MYC_IDLE_YIELD)

#endif
