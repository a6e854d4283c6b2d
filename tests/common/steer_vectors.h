/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of packets: what each looks like, what is known when it comes, and what must become of
 * it. Unless a vector says otherwise the tables are fresh (rig_reset): epoch 5 announced from 100.
 *
 * A body is written in words. MoldUDP64: "A500 A5 S0" = messages of these types and locates (1..9
 * are watched); "A5:10" = with a length of 10. IEX: "TAAPL QIBM" = types and symbols (AAPL and
 * ZIEXT are watched). SBE: sbe_body.h (instruments 1 to 9 are watched), by the channel's protocol.
 * `count` 0 = as many as there are words.
 */
#ifndef TESTS_COMMON_STEER_VECTORS_H
#define TESTS_COMMON_STEER_VECTORS_H

#include "common/packet.h"
#include "common/steer_rig.h"

enum body {
	MOLD,	 /* sequence, count, messages */
	IEX,	 /* likewise */
	RAW,	 /* the bytes of `text` */
	NUMBER1, /* `sequence` little-endian */
	NUMBER2,
	NUMBER8,
	NUMBER4_AT2, /* big-endian behind two bytes */
	SBE,	     /* sequence, messages */
};

/* How the registry and the leases stand. */
enum scene {
	ALL_UP,
	OWNER_STARTING,
	OWNER_DEAD, /* by the exit watch */
	OWNER_DOWN, /* by the supervisor */
	OWNER_FREE, /* row never published */
	OWNER_NO_ENDPOINT,
	OWNER_NEVER_STARTED, /* incarnation 0 */
	OWNER_LEASE_STALE,
	BOTH_LEASES_STALE, /* owner's and standby's */
	SUPERVISOR_STALE,  /* owner's lease fresh */
	SUPERVISOR_AND_OWNER_STALE,
	ALL_STALE, /* supervisor, owner and standby */
	OWNER_AND_STANDBY_DEAD,
	OWNER_BAD_PROCESS, /* row names a process that is not there */
};

struct vector {
	const char *name;
	struct packet_shape shape;
	enum body body;
	const char *text;
	const char *session; /* NULL = the announced */
	uint64_t sequence;
	int count;  /* as written; 0 = true, -1 = 0, -2 = end of session */
	int repeat; /* the text's words so many times */
	/* before */
	struct packet_iex iex; /* protocol and channel 0 = 0x8003 and 1 */
	uint64_t watermark;    /* 0 = 100 */
	uint64_t high;	       /* in this epoch; 0 = none */
	uint64_t high_old;     /* of the epoch before */
	uint64_t line_next;    /* of line A */
	uint64_t line_b;
	uint64_t window_at; /* this word of the window ... */
	uint64_t window;    /* ... holds this */
	enum scene scene;
	uint16_t epoch; /* announced; 0 = RIG_EPOCH */
	bool keep;	/* what the vector before left behind */
	bool no_epoch;
	bool disarmed;
	/* after */
	bool conflict;
	uint16_t endpoint; /* 0 = RIG_OWNER */
	uint8_t flags;
	enum myc_reason reason;
	uint32_t gap;
	uint32_t filtered;
	int says_count;		 /* meta.count; 0 = count, -1 = 0 */
	uint64_t says;		 /* meta.sequence; 0 = sequence */
	uint64_t then_high;	 /* 0 = not looked at */
	uint64_t then_line;	 /* of the packet's line */
	uint64_t then_window_at; /* with then_window */
	uint64_t then_window;
};

extern const struct vector vectors[];
extern const unsigned vectors_count;

/* What must become of the vector's packet. */
struct expected {
	enum myc_reason reason;
	enum myc_steer_action action;
	uint16_t endpoint;
	struct myc_meta meta;	      /* of a redirect; receive_ns is 0 */
	uint32_t row;		      /* the only counter row that changes ... */
	struct myc_counters counters; /* ... by this */
};
void vector_expect(const struct vector *vector, struct expected *expected);
/* NULL, or what is wrong in the channel's state afterwards. */
const char *vector_state_wrong(const struct vector *vector, const struct rig *rig);

void vector_prepare(const struct vector *vector, struct rig *rig, uint64_t now_ns);
void vector_packet(const struct vector *vector, struct packet *packet);

#endif
