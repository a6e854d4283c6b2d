/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What executors tell each other about the lives of actors: payloads of slots with these types and
 * MYC_FLOW_NONE. Checked by the receiver like everything from another process. Incarnations are the
 * low 32 bits; a signal that names another one than the present is about somebody who is gone.
 */
#ifndef MYCELIUM_ABI_SIGNAL_H
#define MYCELIUM_ABI_SIGNAL_H

#include <stdint.h>

enum myc_signal_life {
	MYC_SIGNAL_WATCH = 0xff10,   /* tell me when it ends */
	MYC_SIGNAL_LINK = 0xff11,    /* from has linked with to; and tell me */
	MYC_SIGNAL_UNLINK = 0xff12,  /* from has unlinked from to */
	MYC_SIGNAL_REFUSED = 0xff13, /* from's executor has no room for link `mine` of to */
	MYC_SIGNAL_HOLD = 0xff14,    /* for this watcher there is more from who */
	MYC_SIGNAL_DEAD = 0xff15,    /* who has ended, or restarted in place */
	MYC_SIGNAL_EXIT = 0xff16,    /* an exit signal */
	MYC_SIGNAL_CONTROL = 0xff17, /* stop, suspend ... (urgent) */
	MYC_SIGNAL_MOVE = 0xff18,    /* to an executor: a mark, please; who is on its way */
	MYC_SIGNAL_MARK = 0xff19,    /* all that this executor had sent before is before this */
	MYC_SIGNAL_TAKE = 0xff1a,    /* from wants to hold to */
	MYC_SIGNAL_GIVE = 0xff1b,    /* from gives what it holds to another */
	MYC_SIGNAL_SHARE = 0xff1c,   /* the same, and keeps its own */
	MYC_SIGNAL_DROP = 0xff1d,    /* from gives it up */
	MYC_SIGNAL_GIVEN = 0xff1e,   /* to holds it now; or does not */
	MYC_SIGNAL_HOLDERS = 0xff1f, /* a thread asks who holds to */
	MYC_SIGNAL_LIFE_END
};

struct myc_signal_moved { /* MYC_SIGNAL_ASK_MOVED: who has the request now */
	uint64_t whom;
	uint32_t incarnation; /* of its process, before it was passed on */
	uint32_t reserved;
};

struct myc_signal_watch {
	uint64_t who;
	uint32_t incarnation; /* of its process */
	uint32_t restart;     /* of it */
	uint32_t through;     /* whichever it is now */
	uint32_t wants;	      /* enum myc_watch_wants */
	uint64_t watcher;     /* with LAST_STATE, NO_STATE: of the signal's process */
};
enum myc_watch_wants {
	MYC_WATCH_LAST_STATE = 1 << 0, /* to be sent to the watcher */
	MYC_WATCH_UNTOLD = 1 << 1,     /* nobody is told: the watcher is held by it */
	MYC_WATCH_NO_STATE = 1 << 2,   /* nothing but: the last state is not to be sent any more */
};

struct myc_signal_move { /* and MARK */
	uint64_t who;
	uint32_t number;	    /* of the move */
	uint32_t process, executor; /* that says it */
};

struct myc_signal_link { /* and UNLINK, REFUSED */
	uint64_t from, to;
	uint32_t from_incarnation, to_incarnation;
	uint32_t from_restart, to_restart;
	uint32_t mine;	/* from's number of the link, 0: it has given none */
	uint32_t other; /* UNLINK: the last of to's numbers that from knows of, or 0 */
};
_Static_assert(sizeof(struct myc_signal_link) == 40, "a slot's payload");

struct myc_signal_hold {
	uint64_t who, watcher;
};

enum myc_signal_dead_flag {
	MYC_DEAD_FINAL = 1 << 0, /* not just a restart */
	MYC_DEAD_ALL = 1 << 1,	 /* also watchers that were held */
};
struct myc_signal_dead {
	uint64_t who;
	uint32_t restart; /* the one that is over */
	uint32_t kind;
	int32_t code;
	uint32_t flags;
};

struct myc_signal_exit {
	uint64_t from, to;
	uint32_t kind;
	int32_t code;
};

enum myc_control { MYC_CONTROL_SUSPEND = 16, MYC_CONTROL_RESUME = 17 }; /* else enum myc_stop_how */
struct myc_signal_control {
	uint64_t to;
	uint32_t what;
	uint32_t
		watch; /* 1: whose signal it is wants to know of the end, as by WATCH through restarts */
	uint32_t incarnation; /* with watch: of to's process */
	uint32_t reserved;
};

/*
 * Strong references: an entry of the executor of who is held, named by index and generation. `from` is an actor of
 * the signal's process, or its plain threads together (MYC_SLOT_PLAIN, generation 0). Where they are to be answered
 * by a call, TAKE is from one thread's address, with its correlation; the answer's type is MYC_SIGNAL_GIVEN.
 */
struct myc_signal_take {
	uint64_t from, to;
	uint32_t incarnation;	    /* of to's process */
	uint32_t index, generation; /* of from's own entry, which waits for the answer */
	uint32_t reserved;
};
/* HOLDERS is a TAKE whose index says how many references are passed over; the answer has the next ones' holders. */
#define MYC_SIGNAL_HOLDERS_MAX 4
struct myc_signal_holders {
	uint64_t holder[MYC_SIGNAL_HOLDERS_MAX];
	uint32_t references; /* in all */
	uint32_t reserved;
};
_Static_assert(sizeof(struct myc_signal_holders) == 40, "a slot's payload");
struct myc_signal_give { /* and SHARE, DROP (without receiver and cookie) */
	uint64_t from, to;
	uint64_t receiver, cookie;
	uint32_t index, generation;
};
_Static_assert(sizeof(struct myc_signal_give) == 40, "a slot's payload");

/* The slot's correlation is myc_signal_life of `to` when the entry was made. */
struct myc_signal_given {
	uint64_t held, to;
	uint64_t from;	 /* who gave it, 0: it was taken. Refused: to whom it was given */
	uint64_t cookie; /* taken: index << 32 | generation of TAKE */
	uint32_t index, generation; /* index 0: refused, generation is the reason's kind */
};
_Static_assert(sizeof(struct myc_signal_given) == 40, "a slot's payload");

/* A signal under way meets at most so many lives of its receiver. */
static inline uint32_t myc_signal_life(uint32_t life_of_process, uint32_t life_of_actor)
{
	return life_of_process << 16 | (life_of_actor & 0xffff);
}

#endif
