/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab: a network namespace pair joined by a veth, a folder for files, and the programs under test
 * run in it. Everything a lab made goes when it is closed, also after a failed assertion (atexit)
 * or SIGTERM; a killed test leaves names starting with "myclab", which the next lab removes.
 */
#ifndef TESTS_COMMON_LAB_H
#define TESTS_COMMON_LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lab {
	char name[24];	    /* tag and process id: a name for systems too */
	char dir[64];	    /* of files */
	char receiver[40];  /* network namespace with `interface`, 10.77.0.1 */
	char sender[40];    /* network namespace with the peer, 10.77.0.2 */
	char interface[16]; /* in the receiver's namespace */
	char peer[16];	    /* in the sender's */
	int queues;
};

/* Makes namespaces and the veth pair with `queues` queues. False (with a line said) when it cannot. */
bool lab_open(struct lab *lab, const char *tag, int queues);
/* The same with two interfaces that are there and wired to each other; they come back to this
 * namespace a little after the close. */
bool lab_open_with(struct lab *lab, const char *tag, const char *interface, const char *peer);
void lab_close(struct lab *lab);

enum lab_side { LAB_HERE, LAB_RECEIVER, LAB_SENDER };

/* Starts a program (found in $BUILD/bin when it has no slash) with NULL-terminated arguments, stdout
 * and stderr to `log` in the lab's folder. The mount namespace stays ours: pins are visible. */
pid_t lab_start(struct lab *lab, enum lab_side side, const char *log, const char *const argv[]);
/* Waits; exit status, 128 + signal, or -1 when the time is over (the process is killed then). */
int lab_wait(pid_t pid, uint32_t timeout_ms);
/* start + wait. */
int lab_run(struct lab *lab, enum lab_side side, const char *log, uint32_t timeout_ms,
	    const char *const argv[]);
/* Packets that the veth pair itself dropped on their way to the receiver: lost on a wire that is to
 * lose nothing, so a test that counts losses must not go on. */
uint64_t lab_wire_drops(const struct lab *lab);
/* "<lab folder>/name", in one of 8 rotating buffers. */
const char *lab_path(const struct lab *lab, const char *name);
/* Writes a file into the lab's folder. */
void lab_write(const struct lab *lab, const char *name, const char *text);
/* The file's text (freed by the caller), or NULL. */
char *lab_read(const struct lab *lab, const char *name);
/* Prints the file's end to stderr: what a failed test shows. */
void lab_show(const struct lab *lab, const char *name);
/* $BUILD, default "build", absolute. */
const char *lab_build(void);

/* Polls until true; false after timeout_ms. */
bool lab_until(bool (*holds)(void *), void *argument, uint32_t timeout_ms);

#endif
