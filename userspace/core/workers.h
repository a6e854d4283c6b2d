/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside a pool of workers (mycelium/workers.h).
 *
 *	workers.c        making one, the public functions, what others may read
 *	workers_ask.c    what others may read of it, and tell it
 *	workers_job.c    jobs: the table, queues, keys
 *	workers_flow.c   a job's way: in, out, to a worker, back
 *	workers_life.c   places and their workers: spawned, dead, hanging; resizing, draining; time
 *	workers_frame.c  around a worker's handlers
 *
 * Everything is private memory of one process, and of one thread, that of the pool's executor: intake and
 * control actor live there. Two exceptions: a `row`, by which control and a worker on another executor
 * know of each other's progress, and `shared`, which anybody may read.
 *
 * A *place* is one of the n workers as senders and keys know it; a *row* is one spawned actor in it. When it
 * dies the place gets another row; one that hangs keeps its row until it is dead, so that nothing it
 * may still read is used again.
 *
 * What goes between control and worker:
 *
 *	control: row->handed[given % AHEAD], then the message --lane--> worker: taken++, handler
 *	control: reply hook  <------- a reply, which needs no credit -- worker: done
 *
 * The reply is to an ask that control took without sending it: it reaches control whatever it does.
 */
#ifndef MYC_CORE_WORKERS_H
#define MYC_CORE_WORKERS_H

#include <mycelium/body.h>
#include <mycelium/link.h>
#include <mycelium/workers.h>

#include "core/executor.h"

#define MYC_WORKERS_DONE 1 /* type of a worker's reply to control */
enum myc_workers_message { MYC_WORKERS_CHANGE = 1, MYC_WORKERS_END = 2 };

/* First and last of a list of jobs, MYC_NONE: empty. */
struct myc_work_list {
	uint32_t first, last;
};

enum myc_work_state { MYC_WORK_FREE = 0, MYC_WORK_WAITS, MYC_WORK_IN_HAND };

struct myc_work {
	uint64_t accepted_ns, key;
	struct myc_reply_to asker; /* correlation 0: nobody asks */
	struct myc_body body;	   /* data NULL: none */
	myc_address from;
	uint64_t payload[MYC_PAYLOAD_MAX / 8];
	uint32_t size;
	uint16_t type;
	uint8_t state; /* enum myc_work_state */
	uint8_t priority;
	bool chosen;	 /* its place, by `classify` */
	uint32_t place;	 /* whose it is; MYC_NONE: anybody's */
	uint32_t key_at; /* its key's entry; MYC_NONE: has none */
	uint32_t tries, retries;
	uint32_t next, previous; /* in its place's queue, or its row's hand */
	uint32_t younger, older; /* of those that wait, by priority */
	uint32_t ask, number;	 /* in hand: control's ask; row->given before it */
};

/* A key with jobs: some of its place, the younger ones perhaps still in the common queue. */
struct myc_work_key {
	uint64_t key;
	uint32_t place; /* MYC_NONE: all are in the common queue */
	uint32_t jobs, common;
	uint32_t next; /* in its bucket, or free */
};

struct myc_handed {
	myc_address from;
	uint32_t correlation; /* of the asker */
	uint32_t done;	      /* of control's ask */
	uint8_t flags;	      /* enum myc_message_flag */
};

enum myc_row_state {
	MYC_ROW_FREE = 0,
	MYC_ROW_WORKS,
	MYC_ROW_LEAVES,	  /* told to stop */
	MYC_ROW_GIVEN_UP, /* hung, and told to die */
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): one line is the worker's alone */
struct myc_row {
	/* Control writes an entry before it publishes the job's message; the worker reads it after it took
	 * that: the lane pairs them. */
	struct myc_handed handed[MYC_WORKERS_AHEAD_MAX];
	/* The worker's: messages it has begun with. */
	_Alignas(64) uint32_t taken;
	/* Control's. */
	_Alignas(64) myc_address address;
	struct myc_ref ref;
	struct myc_monitor monitor;
	struct myc_work_list hand; /* oldest first */
	uint32_t in_hand, given, place, executor;
	uint64_t since_ns; /* the oldest in hand is so since */
	uint32_t told;	   /* number + 1 of the job it was found to hang with */
	uint8_t state;	   /* enum myc_row_state */
};

struct myc_place {
	struct myc_work_list queue[MYC_WORKERS_PRIORITIES];
	uint32_t row;	      /* MYC_NONE: dead, or never was */
	uint32_t in_vain;     /* ends in a row without a job done */
	uint64_t spawn_at_ns; /* without a row: when to try; UINT64_MAX: it is not to have one */
	struct myc_worker_numbers numbers;
};

/* What anybody reads: one writer, the pool's executor; words by relaxed stores between two counts. */
struct myc_workers_shared {
	uint64_t count;	  /* odd: being written */
	uint64_t changes; /* of settings */
	struct myc_workers_numbers numbers;
	struct myc_workers_settings settings;
	struct myc_worker_numbers place[MYC_WORKERS_MAX];
};

struct myc_workers {
	struct myc_workers *next; /* of the system */
	struct myc_system *system;
	uint32_t number; /* in the system */
	struct myc_workers_opts opts;
	char name[MYC_NAME_SIZE];
	struct myc_behaviour intake_behaviour, worker_behaviour;
	struct myc_setting *worker_settings; /* one allocation with its strings */
	myc_address intake_address, control_address, owner;
	struct myc_actor *intake, *control; /* when they have started */
	struct myc_workers_shared *shared;

	struct myc_workers_settings settings;
	struct myc_workers_numbers numbers;
	bool settings_changed;
	uint64_t changed[MYC_WORKERS_MAX / 64]; /* bits: places whose numbers did */

	struct myc_work *work;
	uint32_t work_count, work_free;
	struct myc_work_list common[MYC_WORKERS_PRIORITIES]; /* anybody's */
	struct myc_work_list age[MYC_WORKERS_PRIORITIES];    /* of all that wait, oldest first */
	struct myc_work_key *key;
	uint32_t *bucket, bucket_mask, key_free;

	struct myc_place place[MYC_WORKERS_MAX];
	struct myc_row *row;
	uint32_t rows, turn; /* turn: for round robin, and who is looked at first */

	struct myc_timer timer;
	uint64_t timer_ns; /* of it; UINT64_MAX: none runs */
	uint64_t bucket_level,
		bucket_ns; /* of the leaky bucket, in jobs times 1e9; when it was so */
	uint64_t adapt_at_ns, again_at_ns; /* UINT64_MAX: not */
	uint64_t deadline_ns;
	bool draining, intake_told, intake_gone;
	bool closed;	   /* the deadline is over, all is discarded */
	bool shrinking;	   /* places may have to go */
	_Atomic bool late; /* something was left at the deadline */
};

/* ---- jobs -------------------------------------------------------------------------------------- */

int myc_work_open(struct myc_workers *workers);
void myc_work_close(struct myc_workers *workers);
static inline struct myc_work *myc_work_at(const struct myc_workers *workers, uint32_t index)
{
	return &workers->work[index];
}
static inline uint32_t myc_work_index(const struct myc_workers *workers,
				      const struct myc_work *work)
{
	return (uint32_t)(work - workers->work);
}
/* A free entry; NULL: all are in use. */
struct myc_work *myc_work_take(struct myc_workers *workers);
/* Its body, key and entry are free. Neither queued nor in hand. */
void myc_work_free(struct myc_workers *workers, struct myc_work *work);
/* Into the queue of work->place, or the common one; in front: before those of its priority. */
void myc_work_queue(struct myc_workers *workers, struct myc_work *work, bool in_front);
void myc_work_unqueue(struct myc_workers *workers, struct myc_work *work);
/* NULL: there are no jobs of this key. */
const struct myc_work_key *myc_work_key(const struct myc_workers *workers, uint64_t key);
/* This one is of its key's jobs too, before it is queued; until it is freed. */
void myc_work_key_join(struct myc_workers *workers, struct myc_work *work);
/* The key's jobs that are not in the common queue are all of this place. */
void myc_work_key_hold(struct myc_workers *workers, const struct myc_work *work, uint32_t place);
void myc_work_list_append(struct myc_workers *workers, struct myc_work_list *list,
			  struct myc_work *work);
void myc_work_list_remove(struct myc_workers *workers, struct myc_work_list *list,
			  struct myc_work *work);

/* ---- a job's way ------------------------------------------------------------------------------- */

void myc_workers_accept(struct myc_workers *workers, const struct myc_message *message);
/* Not done, and will not be: counted, told, freed. */
void myc_workers_discard(struct myc_workers *workers, struct myc_work *work,
			 enum myc_discard reason);
/* A worker's reply, or what stands for it. */
void myc_workers_replied(struct myc_workers *workers, const struct myc_reply *reply);
/* Gives the place's worker what it can take. */
void myc_workers_pump(struct myc_workers *workers, uint32_t place);
void myc_workers_pump_all(struct myc_workers *workers);
/* The row's worker is no more, or given up: what it had in hand waits again, or is in doubt. `exact`: what it
 * has not begun with it will not begin with. */
void myc_workers_take_back(struct myc_workers *workers, struct myc_row *row, bool exact);
/* A leaving place without a worker: what waits for it goes to others, in order. */
void myc_workers_reroute(struct myc_workers *workers, uint32_t place);

/* ---- places ------------------------------------------------------------------------------------ */

void myc_workers_begin(struct myc_workers *workers);
void myc_workers_down(struct myc_workers *workers, const struct myc_signal_event *event);
void myc_workers_tick(struct myc_workers *workers);
/* UINT64_MAX: never. */
static inline uint64_t myc_workers_later(uint64_t at_ns, uint64_t ns)
{
	return ns < UINT64_MAX - at_ns ? at_ns + ns : UINT64_MAX;
}
/* Looks again no later than this. */
void myc_workers_look_at(struct myc_workers *workers, uint64_t at_ns);
/* After anything: intake open or not, leaving places, the end; tells what others read. */
void myc_workers_after(struct myc_workers *workers);
void myc_workers_apply(struct myc_workers *workers, const struct myc_workers_settings *settings);
void myc_workers_end(struct myc_workers *workers, uint64_t deadline_ns);
/* Somebody stops the control actor: the pool drains. */
void myc_workers_asked_to_end(struct myc_actor *control);
/* The control actor's last call: nothing is left without a name. */
void myc_workers_leave_nothing(struct myc_workers *workers);
static inline bool myc_place_leaves(const struct myc_workers *workers, uint32_t place)
{
	return place >= workers->settings.workers;
}
static inline struct myc_row *myc_place_row(const struct myc_workers *workers, uint32_t place)
{
	uint32_t row = workers->place[place].row;

	return row == MYC_NONE ? NULL : &workers->row[row];
}

/* Its numbers change: they are told after the handler. */
static inline struct myc_worker_numbers *myc_place_numbers(struct myc_workers *workers,
							   uint32_t place)
{
	workers->changed[place / 64] |= 1ull << place % 64;
	return &workers->place[place].numbers;
}

/* ---- the rest ---------------------------------------------------------------------------------- */

void myc_workers_publish(struct myc_workers *workers);
void myc_workers_frame(struct myc_workers *workers); /* fills worker_behaviour */
/* The pool with this number in the actor's system, by its setting; NULL: none. */
struct myc_workers *myc_workers_of(const struct myc_actor *self);
void myc_workers_close_all(struct myc_system *system);

#endif
