/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define SUCCESSOR_MS 1000
#define RETRY_US     5000
#define ANSWER_MS    2000 /* a client that does not read its answer for so long loses it */

static int address_of(const char *dir, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(address->sun_path, sizeof(address->sun_path), "%s/control", dir);

	return n >= 0 && (size_t)n < sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

/* ---- server ---------------------------------------------------------------------------------- */

int myc_control_open(struct myc_control *control, const char *dir, struct myc_error *error)
{
	struct sockaddr_un address;
	int err = address_of(dir, &address);

	control->fd = -1;
	for (unsigned i = 0; i < MYC_CONTROL_CLIENTS_MAX; i++)
		control->client[i].fd = -1;
	if (err)
		return myc_error_set(error, err, "use a shorter XDG_RUNTIME_DIR",
				     "%s: too long for a socket", dir);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return myc_error_set(error, -errno, NULL, "socket: %s", strerror(errno));
	unlink(address.sun_path);
	if (bind(control->fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(control->fd, MYC_CONTROL_CLIENTS_MAX)) {
		err = -errno;
		close(control->fd);
		control->fd = -1;
		return myc_error_set(error, err, NULL, "listening at %s: %s", address.sun_path,
				     strerror(-err));
	}
	return 0;
}

static void client_close(struct myc_control_client *client)
{
	close(client->fd);
	client->fd = -1;
}

/* Answers are short and clients local: written at once, in bounded time. */
static void client_answer(struct myc_control_client *client, const char *text, size_t size)
{
	uint64_t deadline = myc_clock_ns() + ANSWER_MS * 1000000ull;

	while (size) {
		ssize_t sent = send(client->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			text += sent;
			size -= (size_t)sent;
			continue;
		}
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			break;
		struct pollfd writable = {.fd = client->fd, .events = POLLOUT};
		if (myc_clock_ns() > deadline || poll(&writable, 1, 50) < 0)
			break;
	}
	client_close(client);
}

static void accept_one(struct myc_control *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ||
	    (peer.uid != 0 && peer.uid != geteuid())) {
		close(fd);
		return;
	}
	for (unsigned i = 0; i < MYC_CONTROL_CLIENTS_MAX; i++)
		if (control->client[i].fd < 0) {
			control->client[i] = (struct myc_control_client){.fd = fd};
			return;
		}
	close(fd);
}

static void serve_client(struct myc_control *control, struct myc_control_client *client)
{
	char *room = client->line + client->used;
	ssize_t got = recv(client->fd, room, sizeof(client->line) - 1 - client->used, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		client_close(client);
		return;
	}
	client->used += (size_t)got;
	client->line[client->used] = '\0';
	char *end = strchr(client->line, '\n');
	if (!end && client->used < sizeof(client->line) - 1)
		return;
	if (end)
		*end = '\0';
	struct myc_text answer = {0};
	control->serving = (int)(client - control->client);
	if (control->request(control->context, client->line, &answer))
		client->stop = true;
	else
		client_answer(client, myc_text_string(&answer), answer.size);
	myc_text_free(&answer);
}

unsigned myc_control_poll_set(const struct myc_control *control, struct pollfd *polled)
{
	unsigned count = 0;

	polled[count++] = (struct pollfd){.fd = control->fd, .events = POLLIN};
	/* Those that wait for the end have said all they had to. */
	for (unsigned i = 0; i < MYC_CONTROL_CLIENTS_MAX; i++)
		if (control->client[i].fd >= 0 && !control->client[i].stop)
			polled[count++] =
				(struct pollfd){.fd = control->client[i].fd, .events = POLLIN};
	return count;
}

void myc_control_serve(struct myc_control *control, const struct pollfd *polled, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!polled[i].revents)
			continue;
		if (polled[i].fd == control->fd) {
			accept_one(control);
			continue;
		}
		for (unsigned c = 0; c < MYC_CONTROL_CLIENTS_MAX; c++)
			if (control->client[c].fd == polled[i].fd)
				serve_client(control, &control->client[c]);
	}
}

void myc_control_reply(struct myc_control *control, int client, const char *text)
{
	if (client >= 0 && control->client[client].fd >= 0)
		client_answer(&control->client[client], text, strlen(text));
}

void myc_control_finish(struct myc_control *control, const char *text)
{
	for (unsigned c = 0; c < MYC_CONTROL_CLIENTS_MAX; c++) {
		struct myc_control_client *client = &control->client[c];

		if (client->fd < 0)
			continue;
		if (client->stop)
			client_answer(client, text, strlen(text));
		else
			client_close(client);
	}
	close(control->fd);
	control->fd = -1;
}

/* ---- client ---------------------------------------------------------------------------------- */

static int read_answer(int fd, int timeout_ms, struct myc_text *answer)
{
	uint64_t deadline = myc_clock_ns() + (uint64_t)timeout_ms * 1000000u;
	char piece[4096];

	for (;;) {
		uint64_t now = myc_clock_ns();
		struct pollfd readable = {.fd = fd, .events = POLLIN};

		if (now >= deadline)
			return -ETIMEDOUT;
		int ready = poll(&readable, 1, (int)((deadline - now) / 1000000u) + 1);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0)
			continue;
		ssize_t got = recv(fd, piece, sizeof(piece), 0);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got)
			return 0;
		if (got > 0)
			myc_text_add_bytes(answer, piece, (size_t)got);
	}
}

/* Does the launcher or the holder live? They have the run directory locked. */
static bool is_held(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB);

	if (fd >= 0)
		close(fd);
	return held;
}

/* A connected socket, or -errno. In a run directory nobody may listen for a moment: a supervisor
 * died and its successor is on its way, which takes as long as it does while there is a holder. */
static int connect_to(const char *dir, int timeout_ms)
{
	uint64_t begun = myc_clock_ns();
	struct sockaddr_un address;
	int err = address_of(dir, &address);

	if (err)
		return err;
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		err = errno == ENOENT || errno == ECONNREFUSED ? -ENOENT : -errno;
		close(fd);
		uint64_t waited_ms = (myc_clock_ns() - begun) / 1000000u;

		if (err != -ENOENT || access(dir, F_OK) ||
		    (waited_ms > SUCCESSOR_MS &&
		     (waited_ms > (uint64_t)timeout_ms || !is_held(dir))))
			return err;
		usleep(RETRY_US);
	}
}

int myc_control_ask(const char *name, const char *line, int timeout_ms, struct myc_text *answer,
		    struct myc_error *error)
{
	char dir[256], request[MYC_CONTROL_LINE_MAX];
	int err = myc_run_dir(name, dir, sizeof(dir), error);

	if (err)
		return err;
	int size = snprintf(request, sizeof(request), "%s\n", line);
	int fd = connect_to(dir, timeout_ms);
	if (fd < 0)
		err = fd;
	else if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
		err = -errno;
	err = err ?: read_answer(fd, timeout_ms, answer);
	err = err || answer->size ? err : -EPIPE;
	if (fd >= 0)
		close(fd);
	if (err == -ENOENT)
		return myc_error_set(error, err, "myc ps lists what runs",
				     "no system called '%s' answers at %s", name, dir);
	if (err == -EPIPE || err == -ECONNRESET)
		return myc_error_set(error, err, "ask again",
				     "system '%s' gave no answer: its supervisor is gone, or busy "
				     "with others",
				     name);
	return err ? myc_error_set(error, err, NULL, "asking system '%s': %s", name, strerror(-err))
		   : 0;
}
