/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of workers: n actors of one behaviour behind one address.
 *
 *	senders ---- messages, asks, bodies ---> intake --> queue --> worker 0     (an executor)
 *	  ^  |       paused without credit          `- control -'     worker 1     (another)
 *	  |  '--- while the queue is full                             ...
 *	  `------------- replies, straight from the worker -------------'
 *
 * A pool is ordinary actors: the intake, whose address and name senders use like any other's; beside it
 * on the same executor the control actor, which spawns and monitors the workers, gives them jobs and
 * times; and the workers. Every message to the intake is a job. A job is done when the worker's
 * `message` handler returns 0, or, after myc_job_keep, at myc_job_done. The worker sees the message as its
 * sender wrote it: `from` is the sender, an ask is replied to with myc_reply, a body is read where it
 * was written (it is shared, never copied, for as long as the job may have to be given to another).
 *
 * A job's ways, each counted, so that at every moment
 *
 *	accepted = waiting + in_hand + done + in_doubt + discarded (sum over reasons)
 *
 *	accepted --> waiting --> in hand --> done
 *	   |            |  ^        |`--> in doubt: its worker died, or was given up, with it in hand
 *	   `--> discarded  `--------'     and it was given out as often as it may
 *
 * Who asked is told of a discarded job, or one in doubt, at once: his reply has the status below.
 *
 * Workers. One whose handler fails (or that exits, stops, is killed) is replaced, by another in its
 * place: what waits for it goes to that one. The first replacement comes at once, those of a place whose
 * workers die without finishing anything come later and later. A failure of a worker is the pool's affair:
 * it does not take the process with it, as that of an actor beyond its restart limit does (myc run; two in a row of a
 * place that have done nothing are a line in its log, if there is no hook `event`). A
 * worker has no restarts in place, cannot become another behaviour, and cannot put messages aside;
 * `overflow` of its behaviour is not looked at, `settings.full` of the pool is. Its state
 * can be seen and replaced from outside if its codec has `save` and `load` (mycelium/state.h).
 *
 * A handler that never returns holds its executor, and all actors on it, workers or not: nothing can
 * interrupt it but the death of the process. What a pool on *another* executor can do, and does by
 * settings.hang_ns: report it, and give the work to a new worker on an executor where none hangs. The one
 * that hangs is told to die, and does when its handler returns; its job may then have been run twice. A pool
 * whose intake is on the executor that is held sees nothing. So keep workers off it (the default where
 * there is more than one executor).
 *
 * Killed processes: the pool goes with its process, with its queue, its workers and its address; what had
 * been sent to it and was not accepted becomes dead letters. Its owner's next life spawns another; who sends looks
 * it up by name again. Who asked from another process gets -ENOTCONN.
 *
 * Memory is allocated when the pool is spawned, and freed when its system is closed.
 */
#ifndef MYCELIUM_WORKERS_H
#define MYCELIUM_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/ask.h>
#include <mycelium/system.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MYC_WORKERS_MAX		 256
#define MYC_WORKERS_AHEAD_MAX	 16
#define MYC_WORKERS_PRIORITIES	 5
#define MYC_WORKERS_QUEUE_MAX	 (1u << 20)
#define MYC_WORKERS_SETTINGS_MAX 32
#define MYC_WORKERS_ANY		 UINT32_MAX

enum myc_workers_flag {
	/* Each worker has a thread of its own (MYC_SPAWN_THREAD, mycelium/system.h): its handler may block,
	 * and one that hangs holds up nobody else. `executors` is not looked at. */
	MYC_WORKERS_THREADS = 1 << 0,
};

/* Which worker gets a job. */
enum myc_route {
	MYC_ROUTE_SHARED = 0, /* one queue: whoever is idle takes the next */
	/* By key: while a worker has jobs of this key it gets all of them, in order; a key without jobs
	 * belongs to the worker that its hash names */
	MYC_ROUTE_KEY = 1,
	/* By key, while there are jobs of it; a key without jobs to whoever is idle */
	MYC_ROUTE_STICKY = 2,
	MYC_ROUTE_ROUND_ROBIN = 3,
	MYC_ROUTE_LEAST_LOADED = 4, /* fewest jobs waiting and in hand; looks at each worker */
};

/* What happens to a job that comes while as many wait as may. */
enum myc_full {
	MYC_FULL_PAUSE = 0, /* nothing: the intake handles no more, its senders' credit runs out */
	MYC_FULL_DROP_NEWEST = 1, /* it is discarded */
	/* The one that waits longest, of the least important, is discarded; it itself if all that wait
	 * are more important */
	MYC_FULL_DROP_OLDEST = 2,
};

enum myc_discard {
	MYC_DISCARD_TTL = 0,	  /* waited longer than ttl_ns; who asked gets -ETIME */
	MYC_DISCARD_SHED = 1,	  /* the queue was full: -EBUSY */
	MYC_DISCARD_RATE = 2,	  /* more than rate_per_s: -EDQUOT */
	MYC_DISCARD_SHUTDOWN = 3, /* the pool or the system ended first: -ESHUTDOWN */
	MYC_DISCARD_NO_BUFFER =
		4, /* its body could not be kept, for as many others are (three quarters of the system's `loans`): -ENOBUFS */
	MYC_DISCARD_REASONS = 5,
	MYC_DISCARD_IN_DOUBT = 5, /* to the handler `discarded` only: -EOWNERDEAD */
};

/* What can be changed while it runs. Zero: the default. */
struct myc_workers_settings {
	uint32_t workers; /* 0 = 1; up to workers_max */
	uint32_t queue;	  /* jobs that may wait, 0 = queue_max */
	uint32_t
		ahead; /* jobs given to one worker at a time, 0 = 1; at most MYC_WORKERS_AHEAD_MAX */
	uint32_t route; /* enum myc_route */
	uint32_t full;	/* enum myc_full */
	uint32_t
		retries; /* times that a job is given again when it was in hand as its worker died */
	uint32_t rate_per_s; /* of jobs that come in, over any longer time; 0 = any */
	uint32_t burst;	     /* of them at once, 0 = 1 */
	uint64_t ttl_ns;     /* of waiting, for those that wait now as well; 0 = for ever */
	uint64_t hang_ns;    /* a worker that has the same job longer hangs; 0 = never */
	uint32_t
		hang_replace; /* 0: that is told and counted; 1: also given up, and replaced elsewhere */
	uint32_t reserved;
};

/* A job's class: filled from the options, for `classify` to change. */
struct myc_job_class {
	uint64_t key;
	uint32_t priority; /* 0 = first; at most MYC_WORKERS_PRIORITIES - 1 */
	uint32_t retries;
	uint32_t
		worker; /* MYC_WORKERS_ANY: by the route; else this one's, if there is such a one */
};

/* A job that is not done and will not be. Valid until the handler returns. */
struct myc_discarded {
	uint32_t reason; /* enum myc_discard */
	uint32_t priority;
	myc_address from;
	uint64_t key;
	uint64_t waited_ns; /* since it was accepted */
	uint32_t tries;	    /* workers that had it in hand */
	uint16_t type;
	bool asked; /* the sender waits for a reply, and was told */
	uint32_t size;
	const void *payload;
};

enum myc_workers_event_kind {
	MYC_WORKER_DIED = 1,	    /* reason: enum myc_exit_kind, code: of its end */
	MYC_WORKER_HANGS = 2,	    /* since_ns: so long */
	MYC_WORKER_GIVEN_UP = 3,    /* it hangs, and another takes its place */
	MYC_WORKER_NOT_SPAWNED = 4, /* code: why; tried again later */
};

struct myc_workers_event {
	uint32_t kind;	 /* enum myc_workers_event_kind */
	uint32_t worker; /* its place, from 0 */
	myc_address address;
	uint32_t executor, reason;
	int32_t code;
	uint32_t reserved;
	uint64_t since_ns;
};

enum myc_workers_state {
	MYC_WORKERS_RUN = 0,
	MYC_WORKERS_DRAIN = 1, /* accepts what was sent before, and finishes */
	MYC_WORKERS_ENDED = 2,
};

struct myc_workers_numbers {
	uint64_t accepted, waiting, in_hand, done, in_doubt;
	uint64_t discarded[MYC_DISCARD_REASONS];
	uint64_t retried;  /* given again */
	uint64_t died;	   /* workers, for whatever reason but a shrinking or ending pool */
	uint64_t hung;	   /* jobs that were found in hand too long */
	uint64_t given_up; /* workers */
	uint64_t spawned;  /* workers */
	uint64_t untold;   /* askers that could not be told: their timeouts tell them */
	uint64_t alive;	   /* workers, those that leave among them */
	uint64_t leaving;  /* workers that finish what is theirs, and end */
	uint64_t lost;	   /* workers given up that are not dead yet: each holds its executor */
	uint64_t state;	   /* enum myc_workers_state */
};

/* One place of a pool. */
struct myc_worker_numbers {
	myc_address address; /* MYC_NOBODY: being replaced, or none */
	uint64_t executor;
	uint64_t done, waiting, in_hand, died, hung;
	uint64_t leaving;
};

struct myc_workers_opts {
	size_t sz;
	const struct myc_behaviour *behaviour; /* of the workers; lives as long as the system */
	const char *
		name; /* of the intake, at most 39 bytes; the control actor's is NAME.control. NULL = none */
	uint32_t executor;    /* of intake and control (myc_workers_spawn_local: the caller's) */
	uint32_t workers_max; /* 0 = 64; at most MYC_WORKERS_MAX */
	/* Bit e: workers may live on executor e. 0 = on all but the pool's own, or that if it is the only one */
	uint64_t executors;
	/* Jobs that can wait, 0 = 1024; at most MYC_WORKERS_QUEUE_MAX. Of jobs with a body (more than MYC_PAYLOAD_MAX
	 * bytes) each has a buffer of its sender's and a loan of this executor's: raise both (mycelium/system.h), or
	 * senders are refused, and jobs discarded, before the queue is full. */
	uint32_t queue_max;
	/* The key: so many bytes (1 to 8) of the payload from here, little-endian; 0 bytes: key 0.
	 * A payload that ends before has key 0. */
	uint32_t key_offset, key_size;
	/* Levels of priority, 0 = 1; at most MYC_WORKERS_PRIORITIES. With more than one, the byte of the payload
	 * at priority_offset is the level (larger: the last; not there: 0). */
	uint32_t priorities, priority_offset;
	uint32_t
		phase; /* of the shutdown (mycelium/shutdown.h): the pool is drained in it. 0 = none */
	uint32_t flags;			      /* enum myc_workers_flag */
	uint32_t capacity_per_sender;	      /* credit of each sender to the intake, 0 = 64 */
	struct myc_workers_settings settings; /* at first */
	const struct myc_setting
		*worker_settings; /* of each worker, copied; at most MYC_WORKERS_SETTINGS_MAX.
						    * "worker" is its place as well */
	uint32_t worker_settings_count;
	uint64_t
		drain_ns; /* how long draining takes when the intake is stopped or its owner ends, 0 = 5 s */
	uint64_t adapt_ns; /* between calls of `adapt`, 0 = 1 s */
	/*
	 * Hooks, all on the executor of the pool; `self` is the control actor, who may send by it (it is
	 * never paused by that: what finds no credit waits in the executor's outbox), but not to the pool's own
	 * workers: they take what comes from control for jobs. NULL: none.
	 */
	void *context;
	void (*classify)(void *context, const struct myc_message *message,
			 struct myc_job_class *class_);
	void (*discarded)(struct myc_actor *self, void *context, const struct myc_discarded *job);
	void (*event)(struct myc_actor *self, void *context, const struct myc_workers_event *event);
	/* Looks at the numbers and changes settings, if it likes: more workers, a lower limit. What
	 * myc_workers_check refuses is not done. */
	void (*adapt)(void *context, const struct myc_workers_numbers *numbers,
		      struct myc_workers_settings *settings);
};

struct myc_workers;

/* Like myc_spawn: from the controlling thread. Workers are spawned when the control actor starts. */
int myc_workers_spawn(struct myc_system *system, const struct myc_workers_opts *opts,
		      struct myc_workers **workers, struct myc_error *error);
/* Like myc_spawn_local: from a handler. The pool drains when that actor ends or is restarted. */
int myc_workers_spawn_local(struct myc_actor *self, const struct myc_workers_opts *opts,
			    struct myc_workers **workers, struct myc_error *error);

/* Of the intake, to send jobs to; of the control actor, to monitor: it ends when the pool has ended. */
myc_address myc_workers_address(const struct myc_workers *workers);
myc_address myc_workers_control(const struct myc_workers *workers);

/*
 * New settings, all of them, by a message to the control actor. From a plain thread it returns when they
 * hold (-ETIMEDOUT: not within a second), from an actor they hold a moment later. -EINVAL: not possible
 * (myc_workers_check); -ESRCH: the pool has ended; the errors of myc_post, of myc_send.
 * Growing: workers are spawned, keys without jobs may get another worker. Shrinking: the last ones finish
 * what is theirs, keys with jobs among it, and end. A shorter queue discards nothing by itself.
 */
int myc_workers_change(struct myc_workers *workers, const struct myc_workers_settings *settings);
int myc_workers_change_by(struct myc_actor *self, struct myc_workers *workers,
			  const struct myc_workers_settings *settings);
/* 0, or -EINVAL: more than the pool was made for, or no such route, policy. Any thread. */
int myc_workers_check(const struct myc_workers *workers,
		      const struct myc_workers_settings *settings);

/*
 * Ends it, as stopping its intake or control actor does (within drain_ns): sends to the intake fail from now
 * on (-ESRCH), what was sent before is finished, workers are stopped, the control actor ends. What is left
 * after deadline_ns (MYC_FOREVER: none) is discarded (SHUTDOWN) or, in hand, in doubt. A second call can only
 * shorten it. myc_workers_drain waits for the end: 0; -ETIMEDOUT: there were jobs left at the deadline.
 * deadline_ns 0: now.
 */
int myc_workers_drain(struct myc_workers *workers, uint64_t deadline_ns);
int myc_workers_drain_by(struct myc_actor *self, struct myc_workers *workers, uint64_t deadline_ns);

/* All of one moment: after a handler of the pool. Either may be NULL. Any thread, while the system is open. */
void myc_workers_read(const struct myc_workers *workers, struct myc_workers_numbers *numbers,
		      struct myc_workers_settings *settings);
/* -ENOENT: no such place. */
int myc_workers_read_worker(const struct myc_workers *workers, uint32_t worker,
			    struct myc_worker_numbers *numbers);

/* ---- for workers --------------------------------------------------------------------------------- */

/* A job that goes on after the handler. Plain data; may be sent to another actor of the process. */
struct myc_job {
	struct myc_reply_to done;
};

/* In a worker's `message` handler: the job is not done when the handler returns. What the message says
 * is to be copied (myc_reply_keep for the asker, myc_body_keep). -EINVAL: no worker, or no job. */
int myc_job_keep(struct myc_actor *self, struct myc_job *job);
/* The job is done. Of two calls the second is a late reply. Errors of myc_reply_send. */
int myc_job_done(struct myc_actor *self, const struct myc_job *job);

#ifdef __cplusplus
}
#endif
#endif
