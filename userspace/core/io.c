/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/outside.h"

#define LOOK_NS	  20000
#define EVENTS	  32
#define CHUNK_MAX (1u << 20)

struct entry {
	struct myc_actor *actor; /* NULL = free */
	uint64_t cookie;
	uint8_t *chunk; /* of a stream */
	uint32_t chunk_size;
	int fd;
	uint32_t events; /* enum myc_fd_event */
	uint32_t generation;
	uint32_t next; /* free: the next free one. Held: the next held one */
	bool held;     /* its actor waits: not in the set */
};

struct myc_io {
	struct entry *entry;
	int set; /* epoll */
	uint32_t count, free, held;
	uint64_t next_ns;
};

int myc_io_open(struct myc_io **out)
{
	struct myc_io *io = calloc(1, sizeof(*io));

	if (!io)
		return -ENOMEM;
	io->entry = calloc(MYC_WATCHED_MAX, sizeof(*io->entry));
	io->set = io->entry ? epoll_create1(EPOLL_CLOEXEC) : -1;
	if (io->set < 0) {
		int code = io->entry ? -errno : -ENOMEM;

		free(io->entry);
		free(io);
		return code;
	}
	for (uint32_t i = 0; i < MYC_WATCHED_MAX; i++) {
		io->entry[i].next = i + 1 < MYC_WATCHED_MAX ? i + 1 : MYC_NONE;
		io->entry[i].generation = 1; /* a handle of zeros is nobody's */
	}
	io->held = MYC_NONE;
	*out = io;
	return 0;
}

/* ---- one watch --------------------------------------------------------------------------------- */

static int set_entry(const struct myc_io *io, const struct entry *entry, int what)
{
	uint32_t index = (uint32_t)(entry - io->entry);
	struct epoll_event event = {.data.u64 = (uint64_t)entry->generation << 32 | index};

	event.events |= entry->events & MYC_FD_READ ? EPOLLIN | EPOLLRDHUP : 0;
	event.events |= entry->events & MYC_FD_WRITE ? EPOLLOUT : 0;
	return epoll_ctl(io->set, what, entry->fd, &event) ? -errno : 0;
}

static void let_go(struct myc_io *io, struct entry *entry)
{
	uint32_t *link = &io->held, index = (uint32_t)(entry - io->entry);

	if (!entry->held)
		return;
	while (*link != index)
		link = &io->entry[*link].next;
	*link = entry->next;
	entry->held = false;
}

/* Its actor waits: out of the set, or what is ready would keep the executor awake. */
static void hold(struct myc_io *io, struct entry *entry)
{
	(void)set_entry(io, entry, EPOLL_CTL_DEL);
	entry->held = true;
	entry->next = io->held;
	io->held = (uint32_t)(entry - io->entry);
}

static void end(struct myc_io *io, struct entry *entry)
{
	if (entry->held)
		let_go(io, entry);
	else
		(void)set_entry(io, entry, EPOLL_CTL_DEL);
	if (entry->events & MYC_FD_CLOSE)
		close(entry->fd);
	free(entry->chunk);
	*entry = (struct entry){.generation = entry->generation + 1, .next = io->free};
	io->free = (uint32_t)(entry - io->entry);
	io->count--;
}

bool myc_io_has(const struct myc_io *io, const struct myc_actor *actor)
{
	for (uint32_t i = 0; io->count && i < MYC_WATCHED_MAX; i++)
		if (io->entry[i].actor == actor)
			return true;
	return false;
}

void myc_io_forget(struct myc_io *io, const struct myc_actor *actor)
{
	for (uint32_t i = 0; io->count && i < MYC_WATCHED_MAX; i++)
		if (io->entry[i].actor == actor)
			end(io, &io->entry[i]);
}

void myc_io_close(struct myc_io *io)
{
	for (uint32_t i = 0; i < MYC_WATCHED_MAX; i++)
		if (io->entry[i].actor)
			end(io, &io->entry[i]);
	close(io->set);
	free(io->entry);
	free(io);
}

/* ---- a look ------------------------------------------------------------------------------------ */

static void call(struct myc_actor *actor, const struct myc_io_event *event)
{
	int (*hook)(struct myc_actor * self, const struct myc_io_event *event_) =
		myc_actor_hook(actor, io);
	int code = hook ? hook(actor, event) : 0;

	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

static uint32_t told(uint32_t events)
{
	return (events & EPOLLIN ? MYC_FD_READ : 0u) | (events & EPOLLOUT ? MYC_FD_WRITE : 0u) |
	       (events & (EPOLLHUP | EPOLLRDHUP) ? MYC_FD_HANGUP : 0u) |
	       (events & EPOLLERR ? MYC_FD_ERROR : 0u);
}

static unsigned ready(struct myc_io *io, struct entry *entry, uint32_t events)
{
	struct myc_actor *actor = entry->actor;
	struct myc_io_event event = {
		.cookie = entry->cookie,
		.watch = {(uint32_t)(entry - io->entry), entry->generation},
		.fd = entry->fd,
		.events = told(events),
	};

	if (entry->chunk) {
		ssize_t got = read(entry->fd, entry->chunk, entry->chunk_size);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		event.status = got < 0 ? -errno : 0;
		event.size = got > 0 ? (uint32_t)got : 0;
		event.data = got > 0 ? entry->chunk : NULL;
		if (got <= 0)
			end(io, entry);
	}
	call(actor, &event);
	return 1;
}

/* Those whose actors go on come into the set again. */
static void resume(struct myc_io *io)
{
	uint32_t *link = &io->held;

	while (*link != MYC_NONE) {
		struct entry *entry = &io->entry[*link];

		if (!myc_outside_may(entry->actor)) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		entry->held = false;
		(void)set_entry(io, entry, EPOLL_CTL_ADD);
		io->next_ns = 0;
	}
}

bool myc_io_ready(const struct myc_io *io)
{
	for (uint32_t at = io->held; at != MYC_NONE; at = io->entry[at].next)
		if (myc_outside_may(io->entry[at].actor))
			return true;
	return false;
}

unsigned myc_io_turn(struct myc_io *io, struct myc_executor *executor)
{
	struct epoll_event event[EVENTS];
	unsigned n = 0;

	if (io->held != MYC_NONE)
		resume(io);
	uint64_t now = myc_executor_now(executor);

	if (!io->count || (now < io->next_ns && !executor->system->workspace.world))
		return 0;
	io->next_ns = now + LOOK_NS;
	int got = epoll_wait(io->set, event, EVENTS, 0);

	for (int i = 0; i < got; i++) {
		struct entry *entry = &io->entry[(uint32_t)event[i].data.u64];

		/* A handler before it may have ended it. */
		if (entry->generation != event[i].data.u64 >> 32 || entry->held)
			continue;
		if (myc_outside_may(entry->actor))
			n += ready(io, entry, event[i].events);
		else
			hold(io, entry);
	}
	return n;
}

int myc_io_descriptor(struct myc_io *io)
{
	io->next_ns = 0; /* who has slept looks at once */
	return io->count ? io->set : -1;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

static struct entry *find(struct myc_actor *self, struct myc_fd watch)
{
	const struct myc_outside *outside = self->executor->outside;
	struct myc_io *io = outside ? outside->io : NULL;

	if (!io || watch.index >= MYC_WATCHED_MAX)
		return NULL;
	struct entry *entry = &io->entry[watch.index];

	return entry->actor == self && entry->generation == watch.generation ? entry : NULL;
}

static int add(struct myc_actor *self, int fd, uint32_t events, uint64_t cookie,
	       struct myc_fd *watch, uint32_t chunk)
{
	struct myc_outside *outside = myc_outside_of(self->executor);
	int code = !outside ? -ENOMEM : outside->io ? 0 : myc_io_open(&outside->io);

	struct myc_io *io = outside ? outside->io : NULL;

	if (!io)
		return code ? code : -ENOMEM;

	if (io->free == MYC_NONE)
		return -ENOSPC;
	struct entry *entry = &io->entry[io->free];
	struct entry made = {.actor = self,
			     .cookie = cookie,
			     .chunk = chunk ? malloc(chunk) : NULL,
			     .chunk_size = chunk,
			     .fd = fd,
			     .events = events,
			     .generation = entry->generation};
	uint32_t next = entry->next;

	if (chunk && !made.chunk)
		return -ENOMEM;
	for (uint32_t i = 0; i < MYC_WATCHED_MAX; i++)
		if (io->entry[i].held && io->entry[i].fd == fd)
			code = -EEXIST;
	*entry = made;
	if (!code)
		code = set_entry(io, entry, EPOLL_CTL_ADD);
	if (code) {
		free(made.chunk);
		*entry = (struct entry){.generation = made.generation, .next = next};
		return code;
	}
	io->free = next;
	io->count++;
	io->next_ns = 0;
	if (watch)
		*watch = (struct myc_fd){(uint32_t)(entry - io->entry), made.generation};
	return 0;
}

int myc_fd_watch(struct myc_actor *self, int fd, uint32_t events, uint64_t cookie,
		 struct myc_fd *watch)
{
	if (events & ~(uint32_t)(MYC_FD_READ | MYC_FD_WRITE | MYC_FD_CLOSE))
		return -EINVAL;
	return add(self, fd, events, cookie, watch, 0);
}

int myc_stream_read(struct myc_actor *self, int fd, uint32_t chunk, uint32_t flags, uint64_t cookie,
		    struct myc_fd *watch)
{
	int status = fcntl(fd, F_GETFL);

	if (!chunk || chunk > CHUNK_MAX || flags & ~(uint32_t)MYC_FD_CLOSE)
		return -EINVAL;
	if (status < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK))
		return -errno;
	return add(self, fd, flags | MYC_FD_READ, cookie, watch, chunk);
}

int myc_fd_change(struct myc_actor *self, struct myc_fd watch, uint32_t events)
{
	struct entry *entry = find(self, watch);

	if (!entry)
		return -ENOENT;
	if (entry->chunk || events & ~(uint32_t)(MYC_FD_READ | MYC_FD_WRITE))
		return -EINVAL;
	entry->events = (entry->events & MYC_FD_CLOSE) | events;
	return entry->held ? 0 : set_entry(self->executor->outside->io, entry, EPOLL_CTL_MOD);
}

int myc_fd_unwatch(struct myc_actor *self, struct myc_fd watch)
{
	struct entry *entry = find(self, watch);

	if (!entry)
		return -ENOENT;
	end(self->executor->outside->io, entry);
	return 0;
}
