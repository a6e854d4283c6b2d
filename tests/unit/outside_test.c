/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and streams that come to actors from outside. */
#include "unit/outside_bed.h"

/* ---- descriptors ----------------------------------------------------------------------------------- */

static void what_is_ready_is_told_to_its_actor(void **state)
{
	int fd[2];

	(void)state;
	pair(fd);
	on_io = take_all;
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ, 5), 0);
	nap_ms(20); /* asleep, where it sleeps */
	for (uint32_t i = 1; i <= 20; i++) {
		put(fd[1], "x");
		wait_until(io_calls == i);
	}
	assert_int_equal(last_cookie, 5);
	assert_int_equal(last_events, MYC_FD_READ);
	nap_ms(5);
	assert_int_equal(io_calls, 20);
	/* Its other end goes. */
	close(fd[1]);
	wait_until(io_calls > 20);
	assert_true(last_events & MYC_FD_HANGUP);
	assert_int_equal(tell(do_unwatch, 5, 0, 0), 0);
	uint32_t calls = io_calls;

	nap_ms(5);
	assert_int_equal(io_calls, calls);
	assert_int_equal(tell(do_unwatch, 5, 0, 0), -ENOENT);
	assert_true(is_open(fd[0]));
	close(fd[0]);
}

static void what_stays_ready_is_told_again(void **state)
{
	int fd[2];

	(void)state;
	pair(fd);
	put(fd[1], "x");
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ | MYC_FD_CLOSE, 1), 0);
	wait_until(io_calls >= 10);
	/* Messages get through all the while. */
	assert_int_equal(tell(do_change, 1, 0, 0), 0);
	uint32_t calls = io_calls;

	nap_ms(5);
	assert_int_equal(io_calls, calls);
	assert_int_equal(tell(do_change, 1, MYC_FD_READ, 0), 0);
	wait_until(io_calls > calls);
	assert_int_equal(tell(do_unwatch, 1, 0, 0), 0);
	assert_false(is_open(fd[0]));
	close(fd[1]);
}

static void room_to_write_is_told(void **state)
{
	static char block[4096];
	int fd[2];

	(void)state;
	pair(fd);
	while (write(fd[1], block, sizeof(block)) > 0)
		;
	assert_int_equal(tell(do_watch, (uint64_t)fd[1], MYC_FD_WRITE, 2), 0);
	nap_ms(5);
	assert_int_equal(io_calls, 0);
	while (read(fd[0], block, sizeof(block)) > 0)
		;
	wait_until(io_calls);
	assert_int_equal(last_events, MYC_FD_WRITE);
	assert_int_equal(tell(do_unwatch, 2, 0, 0), 0);
	close(fd[0]);
	close(fd[1]);
}

static void a_suspended_actor_is_told_later_and_its_executor_sleeps(void **state)
{
	const struct myc_executor_words *words = system_->executor[0].words;
	int fd[2];

	pair(fd);
	on_io = take_all;
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ | MYC_FD_CLOSE, 1), 0);
	assert_int_equal(suspend_it(), 0);
	nap_ms(20);
	put(fd[1], "x");
	nap_ms(20);
	uint64_t turns = __atomic_load_n(&words->naps, __ATOMIC_RELAXED);

	nap_ms(100);
	assert_int_equal(io_calls, 0);
	if ((uintptr_t)*state == MYC_IDLE_SLEEP)
		assert_true(__atomic_load_n(&words->naps, __ATOMIC_RELAXED) - turns < 20);
	/* What happens to it meanwhile: it can be ended while it is held. */
	assert_int_equal(resume_it(), 0);
	wait_until(io_calls == 1);
	assert_int_equal(suspend_it(), 0);
	put(fd[1], "x");
	nap_ms(20);
	assert_int_equal(resume_it(), 0);
	wait_until(io_calls == 2);
	close(fd[1]);
	wait_until(io_calls > 2);
}

static void a_restart_ends_watches_and_closes_what_it_was_given(void **state)
{
	int fd[2], other[2];

	(void)state;
	pair(fd);
	pair(other);
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ | MYC_FD_CLOSE, 1), 0);
	assert_int_equal(tell(do_watch, (uint64_t)other[0], MYC_FD_READ, 2), 0);
	assert_int_equal(tell(do_fail, 0, 0, 0), -ECANCELED);
	wait_until(starts == 2);
	assert_false(is_open(fd[0]));
	assert_true(is_open(other[0]));
	put(other[1], "x");
	nap_ms(10);
	assert_int_equal(io_calls, 0);
	assert_int_equal(tell(do_unwatch, 2, 0, 0), -ENOENT);
	/* The successor may have it again. */
	assert_int_equal(tell(do_watch, (uint64_t)other[0], MYC_FD_READ | MYC_FD_CLOSE, 3), 0);
	wait_until(io_calls > 0);
	tell(do_stop, 0, 0, 0);
	wait_until(!is_open(other[0]));
	close(fd[1]);
	close(other[1]);
}

static int end_the_other(struct myc_actor *self, const struct myc_io_event *event)
{
	uint32_t me = (uint32_t)event->cookie;

	assert_int_equal(myc_fd_unwatch(self, watch[!me]), 0);
	return myc_fd_unwatch(self, watch[me]);
}

static void one_that_is_ended_by_another_in_the_same_look_is_not_told(void **state)
{
	(void)state;
	on_io = end_the_other;
	for (uint32_t round = 1; round <= 50; round++) {
		int fd[2][2];

		for (int i = 0; i < 2; i++)
			pair(fd[i]);
		for (uint64_t i = 0; i < 2; i++)
			assert_int_equal(
				tell(do_watch, (uint64_t)fd[i][0], MYC_FD_READ | MYC_FD_CLOSE, i),
				0);
		/* Both before it looks: it is kept from it. */
		assert_int_equal(suspend_it(), 0);
		put(fd[0][1], "x");
		put(fd[1][1], "x");
		assert_int_equal(resume_it(), 0);
		wait_until(io_calls == round);
		wait_until(!is_open(fd[0][0]) && !is_open(fd[1][0]));
		close(fd[0][1]);
		close(fd[1][1]);
	}
	nap_ms(5);
	assert_int_equal(io_calls, 50);
}

static int watch_too_many(struct myc_actor *self, const struct order *order)
{
	int code = 0, n;

	(void)order;
	for (n = 0; !code; n++) {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (fd < 0)
			return -errno;
		code = myc_fd_watch(self, fd, MYC_FD_READ | MYC_FD_CLOSE, 0, NULL);
		if (code)
			close(fd);
	}
	return code == -ENOSPC ? n - 1 : code;
}

static void what_cannot_be_watched_is_refused(void **state)
{
	struct rlimit limit;
	int fd[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	pair(fd);
	assert_int_equal(tell(do_watch, 9999, MYC_FD_READ, 1), -EBADF);
	assert_int_equal(tell(do_watch, (uint64_t)file, MYC_FD_READ | MYC_FD_CLOSE, 1), -EPERM);
	assert_true(is_open(file)); /* still the caller's */
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], 1u << 4, 1), -EINVAL);
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ | MYC_FD_CLOSE, 1), 0);
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ, 2), -EEXIST);
	assert_int_equal(tell(do_stream, (uint64_t)fd[0], 0, 2), -EINVAL);
	assert_int_equal(tell(do_stream, 9999, 16, 2), -EBADF);
	/* Held, it is known as well. */
	assert_int_equal(suspend_it(), 0);
	put(fd[1], "x");
	nap_ms(20);
	assert_int_equal(resume_it(), 0);
	assert_int_equal(tell(do_watch, (uint64_t)fd[0], MYC_FD_READ, 2), -EEXIST);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > MYC_WATCHED_MAX + 100)
		assert_int_equal(tell(watch_too_many, 0, 0, 0), MYC_WATCHED_MAX - 1);
	tell(do_fail, 0, 0, 0);
	wait_until(starts == 2);
	assert_false(is_open(fd[0]));
	close(fd[1]);
	close(file);
}

/* ---- streams ----------------------------------------------------------------------------------------- */

#define STREAM (1u << 20)
static _Atomic uint32_t streamed, stream_ends, stream_wrong;
static uint32_t chunk_max;

static int take_stream(struct myc_actor *self, const struct myc_io_event *event)
{
	const uint8_t *data = event->data;

	if (!event->size) {
		stream_ends++;
		/* It is over by then. */
		stream_wrong += myc_fd_unwatch(self, event->watch) != -ENOENT;
		return 0;
	}
	stream_wrong += event->size > chunk_max;
	for (uint32_t i = 0; i < event->size; i++)
		stream_wrong += data[i] != (uint8_t)((streamed + i) * 7 + ((streamed + i) >> 8));
	streamed += event->size;
	return 0;
}

static uint32_t feed_stream(int fd, uint32_t from, uint32_t to)
{
	static uint8_t block[10000];
	uint32_t size = to - from < sizeof(block) ? to - from : (uint32_t)sizeof(block);

	for (uint32_t i = 0; i < size; i++)
		block[i] = (uint8_t)((from + i) * 7 + ((from + i) >> 8));
	ssize_t put_ = write(fd, block, 1 + (from * 31) % size);

	return put_ > 0 ? (uint32_t)put_ : 0;
}

static void a_stream_comes_whole_in_order_and_ends_once(void **state)
{
	int fd[2];

	(void)state;
	pair(fd);
	on_io = take_stream;
	streamed = stream_ends = stream_wrong = 0;
	chunk_max = 3000;
	assert_int_equal(tell(do_stream, (uint64_t)fd[0], chunk_max, 1), 0);
	for (uint32_t sent = 0; sent < STREAM;)
		sent += feed_stream(fd[1], sent, STREAM);
	close(fd[1]);
	wait_until(stream_ends == 1);
	assert_int_equal(streamed, STREAM);
	assert_int_equal(stream_wrong, 0);
	assert_int_equal(last_status, 0);
	wait_until(!is_open(fd[0]));
	nap_ms(5);
	assert_int_equal(stream_ends, 1);
}

static void a_slow_actor_leaves_the_rest_of_a_stream_to_the_kernel(void **state)
{
	uint32_t sent = 0, more, before;
	int fd[2];

	(void)state;
	pair(fd);
	on_io = take_stream;
	streamed = stream_ends = stream_wrong = 0;
	chunk_max = 4096;
	assert_int_equal(tell(do_stream, (uint64_t)fd[0], chunk_max, 1), 0);
	assert_int_equal(suspend_it(), 0);
	nap_ms(20);
	before = streamed;
	do {
		more = feed_stream(fd[1], sent, STREAM);
		sent += more;
		if (!more)
			nap_ms(1);
	} while (more);
	nap_ms(20);
	/* The pipe is full, and nothing was read out of it. */
	assert_int_equal(feed_stream(fd[1], sent, STREAM), 0);
	assert_int_equal(streamed, before);
	assert_int_equal(resume_it(), 0);
	while (sent < STREAM)
		sent += feed_stream(fd[1], sent, STREAM);
	close(fd[1]);
	wait_until(stream_ends == 1);
	assert_int_equal(streamed, STREAM);
	assert_int_equal(stream_wrong, 0);
}

static void a_stream_that_breaks_says_why(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	on_io = take_stream;
	streamed = stream_ends = stream_wrong = 0;
	chunk_max = 64;
	put(fd[0], "never read");
	close(fd[1]); /* with something unread: reset */
	assert_int_equal(tell(do_stream, (uint64_t)fd[0], chunk_max, 1), 0);
	wait_until(stream_ends == 1);
	assert_int_equal(last_status, -ECONNRESET);
	wait_until(!is_open(fd[0]));
	assert_int_equal(stream_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(what_is_ready_is_told_to_its_actor),
		BOTH(what_stays_ready_is_told_again),
		BOTH(room_to_write_is_told),
		BOTH(a_suspended_actor_is_told_later_and_its_executor_sleeps),
		BOTH(a_restart_ends_watches_and_closes_what_it_was_given),
		BOTH(one_that_is_ended_by_another_in_the_same_look_is_not_told),
		IDLE(what_cannot_be_watched_is_refused, MYC_IDLE_SLEEP),
		BOTH(a_stream_comes_whole_in_order_and_ends_once),
		BOTH(a_slow_actor_leaves_the_rest_of_a_stream_to_the_kernel),
		IDLE(a_stream_that_breaks_says_why, MYC_IDLE_SLEEP),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
