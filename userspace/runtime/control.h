/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: <run dir>/control, a stream; one line in, text out, closed by the server.
 *
 *	"ps"         the tree, for people
 *	"ps json"    the same as JSON
 *	"letters"    dead letters, for people; "letters json": as JSON; "schemas" likewise
 *	"state ACTOR"		an actor's state: "ok VERSION SIZE", then its bytes in hexadecimal
 *	"replace ACTOR VERSION HEX"	these bytes become it
 *	"suspend ACTOR", "resume ACTOR"	ACTOR: a name of the topology, or an address
 *	"move ACTOR EXECUTOR"	to another executor of its process
 *	"holders ACTOR"		who holds strong references to it: "ok", then for people; "holders ACTOR json": as JSON
 *	"stop"       stops the system; the answer comes when every process has ended: the ledger,
 *	             then a line "ok" or "failed: ..."
 *	else         "error: ..."
 *
 * What is not done is answered "invalid: ..." where what was asked for cannot be (no such actor or executor, bytes that
 * are no state), else "error: ...".
 *
 * Only root and the user that runs the system are answered (SO_PEERCRED). The run directory is
 * /run/mycelium/NAME for root, else $XDG_RUNTIME_DIR/mycelium/NAME, else /tmp/mycelium-UID/NAME,
 * mode 0700. It is locked (flock) as long as the launcher or the holder lives.
 */
#ifndef MYC_RUNTIME_CONTROL_H
#define MYC_RUNTIME_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdbool.h>

#include <mycelium/error.h>

#include "base/text.h"

#define MYC_CONTROL_CLIENTS_MAX 8
#define MYC_CONTROL_LINE_MAX	8320 /* a state to replace: 4096 bytes in hexadecimal */

/* ---- run directory --------------------------------------------------------------------------- */

/* Path of the run directory of system `name` for this user, into out[size]. -ENAMETOOLONG. */
int myc_run_dir(const char *name, char *out, size_t size, struct myc_error *error);
/* Makes and locks it; returns its descriptor, which is the lock. *stale: it was there already, so
 * a system of this name ended without cleaning up. -EEXIST: the name is taken. */
int myc_run_dir_take(const char *name, char *out, size_t size, bool *stale,
		     struct myc_error *error);
/* Empties and removes it. The lock goes with the descriptor. */
void myc_run_dir_remove(const char *dir);
/* Names of systems with a run directory of this user: calls one for each. */
void myc_run_dir_each(void (*one)(void *context, const char *name), void *context);

/* ---- server: the supervisor, in its loop ----------------------------------------------------- */

struct myc_control_client {
	int fd;	   /* -1 = free */
	bool stop; /* waits for the end, or for a reply */
	size_t used;
	char line[MYC_CONTROL_LINE_MAX];
};

struct myc_control {
	int fd;
	struct myc_control_client client[MYC_CONTROL_CLIENTS_MAX];
	/* Answers a request line into `answer`. True: not now, at myc_control_finish(). */
	bool (*request)(void *context, const char *line, struct myc_text *answer);
	void *context;
	int serving; /* index of the client whose request is being answered */
};

/* Listens in `dir`, taking the place of a dead predecessor's socket. */
int myc_control_open(struct myc_control *control, const char *dir, struct myc_error *error);
/* Fills up to 1 + MYC_CONTROL_CLIENTS_MAX entries; returns how many. */
unsigned myc_control_poll_set(const struct myc_control *control, struct pollfd *polled);
void myc_control_serve(struct myc_control *control, const struct pollfd *polled, unsigned count);
/* The answer to a client that waits. */
void myc_control_reply(struct myc_control *control, int client, const char *text);
/* Sends `text` to every client that waits for the end, and closes all. */
void myc_control_finish(struct myc_control *control, const char *text);

/* ---- client ---------------------------------------------------------------------------------- */

/* Sends the line and reads the answer to its end, at most timeout_ms. -ENOENT: no such system
 * runs; -EPIPE, -ECONNRESET: there was no answer, since its supervisor died or has others to serve; -ETIMEDOUT. */
int myc_control_ask(const char *name, const char *line, int timeout_ms, struct myc_text *answer,
		    struct myc_error *error);

#endif
