/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * Configuration and state of the steering program: what user space writes for it, what it writes
 * for user space. The same structs are the maps' values in the kernel and plain memory for the
 * user-space twin (sources without XDP).
 *
 * Three kinds of words, by writer:
 *   configuration  written before the program is attached, then never (a change is a new program
 *                  with new configuration maps, put in place by one atomic link update)
 *   process page   written by one worker, read by the program (struct myc_process_page)
 *   channel state  written by the program on any CPU: single aligned u64 words changed by
 *                  compare-exchange or fetching adds only; read by anyone
 */
#ifndef MYCELIUM_ABI_STEER_H
#define MYCELIUM_ABI_STEER_H

#include <stdint.h>

#define MYC_CHANNELS_MAX	 256  /* channels of one program */
#define MYC_BINDINGS_MAX	 1024 /* (group, port, VLAN) entries of one program */
#define MYC_LINES_MAX		 4    /* lines (A, B, ...) of one channel */
#define MYC_SOURCES_MAX		 4    /* allowed source addresses of one binding */
#define MYC_QUEUES_MAX		 64 /* RX queues of one interface; XSKMAP row = endpoint * this + queue */
#define MYC_ENDPOINTS_MAX	 64   /* endpoints of one program */
#define MYC_PROCESS_CHANNELS_MAX 32   /* channels owned by one process */
#define MYC_PROCESSES_MAX	 64   /* worker processes of one system on this host */
#define MYC_SYMBOLS_MAX		 1024 /* watched symbols of one channel (table is twice that) */
#define MYC_WALK_MAX		 128  /* messages of a packet that the filter walks */
#define MYC_WINDOW_WORDS	 8192 /* filtered window: words a channel, 32 messages each */
#define MYC_REORDER_WINDOW_DEFAULT \
	(64 * 32) /* messages a line may step back before it is a suspected restart */

#define MYC_VLAN_ANY 0xffff
#define MYC_NO_ROW   0xffffffffu

/* ---- configuration ------------------------------------------------------------------------ */

enum myc_protocol {
	MYC_PROTOCOL_GENERIC = 0,   /* sequence at an offset, or none */
	MYC_PROTOCOL_MOLDUDP64 = 1, /* MoldUDP64 1.00 carrying ITCH 5.0 */
	MYC_PROTOCOL_IEXTP = 2,	    /* IEX-TP 1.25 carrying TOPS or DEEP */
	/* SBE: framings of mycelium/market/sbe_packet.h. All but MEMX number packets. */
	MYC_PROTOCOL_MDP3 = 3,
	MYC_PROTOCOL_B3 = 4,
	MYC_PROTOCOL_MEMX = 5,
	MYC_PROTOCOL_DERIBIT = 6,
};

/* Key of the binding map. IPv4 as ::ffff:a.b.c.d; port in host order; vlan = VID or MYC_VLAN_ANY. */
struct myc_binding_key {
	uint8_t address[16];
	uint16_t port;
	uint16_t vlan;
};
_Static_assert(sizeof(struct myc_binding_key) == 20, "layout");

/* One line of a channel: where its packets are sent to and who may send them. */
struct myc_binding {
	uint16_t channel;
	uint8_t line;
	uint8_t sources_count; /* 0 = any source */
	uint8_t reserved[4];
	uint8_t source[MYC_SOURCES_MAX][16]; /* IPv4 as ::ffff:a.b.c.d */
};
_Static_assert(sizeof(struct myc_binding) == 72, "layout");

/*
 * The binding map is an open-addressed table in an array: a hash map's look-up alone would cost a
 * third of the program's time. Linear probing from myc_binding_hash(), at most
 * MYC_BINDING_PROBES_MAX slots; an unused slot ends the search.
 */
#define MYC_BINDING_SLOTS      (4 * MYC_BINDINGS_MAX)
#define MYC_BINDING_PROBES_MAX 32

struct myc_binding_slot {
	uint64_t address[2]; /* the key's address as two words of memory order */
	uint32_t port_vlan;  /* port | vlan << 16 */
	uint32_t used;	     /* 0 = free */
	struct myc_binding value;
};
_Static_assert(sizeof(struct myc_binding_slot) == 96, "layout");

static inline __attribute__((always_inline)) uint32_t myc_binding_hash(uint64_t address0,
								       uint64_t address1,
								       uint32_t port_vlan)
{
	uint64_t mixed = (address0 * 0x9e3779b97f4a7c15ull + address1) * 0xff51afd7ed558ccdull;

	mixed = ((mixed ^ mixed >> 32) + port_vlan) * 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)(mixed >> 52); /* 12 bits: 0..MYC_BINDING_SLOTS - 1 */
}

/* What to do with packets of a channel whose owner (and standby) cannot take them. */
enum myc_orphan_policy {
	MYC_ORPHAN_HOLD = 0, /* into the owner's ring all the same: it is being restarted */
	MYC_ORPHAN_PASS = 1, /* XDP_PASS, to the host's own stack */
};

enum myc_filter {
	MYC_FILTER_NONE = 0,
	MYC_FILTER_LOCATE =
		1, /* ITCH: struct myc_locate_filter, live only while armed for the epoch */
	MYC_FILTER_SYMBOL = 2, /* IEX: struct myc_symbol_filter */
	MYC_FILTER_SBE = 3, /* struct myc_sbe_filter; instruments in a struct myc_symbol_filter */
};

enum myc_channel_flag {
	MYC_CHANNEL_DROP_DUPLICATES = 1 << 0, /* below user space's watermark only */
	MYC_CHANNEL_GENERIC_BIG_ENDIAN = 1 << 1,
	MYC_CHANNEL_VERIFY_CHECKSUM = 1 << 2, /* in user space, when the UDP checksum is not 0 */
};

struct myc_channel_config {
	uint8_t protocol; /* enum myc_protocol */
	uint8_t filter;	  /* enum myc_filter */
	uint8_t orphan;	  /* enum myc_orphan_policy */
	uint8_t flags;	  /* enum myc_channel_flag */
	uint32_t
		owner_row; /* registry row of the owner, MYC_NO_ROW = endpoint below, unconditionally */
	uint32_t standby_row;	 /* or MYC_NO_ROW */
	uint16_t endpoint;	 /* of the owner when owner_row is MYC_NO_ROW */
	uint16_t page_slot;	 /* index into the owner's myc_process_page.channel[] */
	uint32_t reorder_window; /* messages; 0 = MYC_REORDER_WINDOW_DEFAULT */
	uint16_t generic_offset; /* of the sequence in the UDP payload */
	uint8_t generic_width;	 /* 1, 2, 4, 8; 0 = no sequence: pass all */
	uint8_t reserved0;
	uint32_t iex_channel;  /* IEX-TP ChannelID that must match, 0 = any */
	uint16_t iex_protocol; /* IEX-TP MessageProtocolID that must match, 0 = any */
	uint16_t reserved1;
	uint64_t type_drop
		[4]; /* bit t set: messages of type t may be filtered whatever their instrument */
};
_Static_assert(sizeof(struct myc_channel_config) == 64, "one cache line");

/* IEX: open addressing, linear probing from myc_symbol_hash(); 0 = empty slot. Symbols are the
 * eight bytes of the wire (space padded), loaded little-endian. SBE: the instruments' numbers. */
struct myc_symbol_filter {
	uint64_t slot[2 * MYC_SYMBOLS_MAX];
};

static inline __attribute__((always_inline)) uint32_t myc_symbol_hash(uint64_t symbol)
{
	return (uint32_t)((symbol * 0x9e3779b97f4a7c15ull) >> 53); /* 11 bits: 0..2047 */
}

/* ITCH: bit per stock locate. Written by the owner as it learns the directory; the program uses
 * it only while armed (1 << 63 | epoch) is set for the current epoch. Writer: the owning worker. */
struct myc_locate_filter {
	uint64_t armed;
	uint64_t reserved[7];
	uint64_t watched[65536 / 64];
};

/* ---- epoch words --------------------------------------------------------------------------- */

/* One u64: epoch 16 | number 48. Message numbers above 2^48 are refused as malformed. */
#define MYC_SEQUENCE_BITS 48
#define MYC_SEQUENCE_MASK ((1ull << MYC_SEQUENCE_BITS) - 1)

static inline __attribute__((always_inline)) uint64_t myc_epoch_word(uint64_t epoch,
								     uint64_t number)
{
	return epoch << MYC_SEQUENCE_BITS | (number & MYC_SEQUENCE_MASK);
}

static inline __attribute__((always_inline)) uint16_t myc_word_epoch(uint64_t word)
{
	return (uint16_t)(word >> MYC_SEQUENCE_BITS);
}

static inline __attribute__((always_inline)) uint64_t myc_word_number(uint64_t word)
{
	return word & MYC_SEQUENCE_MASK;
}

/* ---- process page: what a worker writes for the program ------------------------------------- */

/*
 * Sessions are longer than a word, so they are announced by epoch: the worker writes row
 * (epoch & 3), then stores the watermark word with the new epoch (release). The program loads the
 * watermark word once and compares the packet's session with row (its epoch & 3) only; a row is
 * reused three epochs later.
 * MoldUDP64: session[0] = bytes 0..7, session[1] = bytes 8..9, little-endian loads of the wire.
 * IEX-TP: session[0] = SessionID, session[1] = 0. Epoch 0 = nothing announced: pass everything.
 * MDP 3.0: both 0. B3: session[0] = channel | sequence version << 16. MEMX: its session.
 * Deribit: its channel.
 */
struct myc_channel_page {
	uint64_t watermark; /* epoch word; every message below is handled, filtered or given up */
	uint64_t session[4][2];
	uint64_t reserved[7];
};
_Static_assert(sizeof(struct myc_channel_page) == 128, "layout");

struct myc_process_page {
	uint64_t
		lease_ns; /* CLOCK_MONOTONIC of the last renewal; every executor turn, at most each 1 ms */
	uint64_t reserved[15];
	struct myc_channel_page channel[MYC_PROCESS_CHANNELS_MAX];
};
_Static_assert(sizeof(struct myc_process_page) == 4224, "layout");

/* ---- channel state: written by the program on any CPU -------------------------------------- */

struct myc_channel_state {
	uint64_t high;		   /* epoch word: highest next message number seen on any line */
	uint64_t filtered_pending; /* messages filtered since the last delivery */
	uint64_t line_next[MYC_LINES_MAX]; /* epoch word a line: its own next; serves flags only */
	uint64_t line_packets[MYC_LINES_MAX];
	uint64_t reserved[6];
};
_Static_assert(sizeof(struct myc_channel_state) == 128, "layout");

/*
 * The filtered window: message s is recorded in word (s / 32) mod MYC_WINDOW_WORDS, bit s mod 32.
 * A word is {epoch 8, tag 24, bits 32} from the top; tag = (s / 32 / MYC_WINDOW_WORDS) mod 2^24.
 * Changed by compare-exchange only. A newer tag (serial comparison) or a lost race: the packet is
 * passed instead. The reader takes a word of another epoch or tag for "unknown", never "filtered".
 */
struct myc_filtered_window {
	uint64_t word[MYC_WINDOW_WORDS];
};

static inline __attribute__((always_inline)) uint64_t myc_window_word(uint64_t epoch,
								      uint64_t sequence,
								      uint32_t bits)
{
	return (epoch & 0xff) << 56 | ((sequence / 32 / MYC_WINDOW_WORDS) & 0xffffff) << 32 | bits;
}

static inline __attribute__((always_inline)) uint32_t myc_window_index(uint64_t sequence)
{
	return (uint32_t)(sequence / 32) % MYC_WINDOW_WORDS;
}

/* ---- verdicts ------------------------------------------------------------------------------ */

/*
 * Why a packet went where it went. Each packet counts under exactly one reason, so the sum over
 * reasons is the number of packets seen. X(name, text)
 */
#define MYC_REASONS(X)                                                                           \
	X(REDIRECTED, "handed to an endpoint")                                                   \
	X(REDIRECTED_STANDBY, "handed to the standby's endpoint")                                \
	X(FILTERED, "every message uninteresting: recorded, then dropped")                       \
	X(DUPLICATE, "below the receiver's watermark: dropped")                                  \
	X(PASS_NOT_IP, "not IP")                                                                 \
	X(PASS_NOT_UDP, "IP, but not UDP")                                                       \
	X(PASS_FRAGMENT, "IP fragment")                                                          \
	X(PASS_IPV6_EXTENSION, "IPv6 with extension headers")                                    \
	X(PASS_BAD_ETHERNET, "frame shorter than its Ethernet and VLAN headers, or over 2 tags") \
	X(PASS_BAD_IP, "IP header or length wrong")                                              \
	X(PASS_BAD_UDP, "UDP header or length wrong")                                            \
	X(PASS_NO_CHANNEL, "UDP, but no channel listens there")                                  \
	X(PASS_SOURCE, "a channel's group and port, but not from an allowed source")             \
	X(PASS_ORPHAN, "no live owner, and the channel's policy is pass")                        \
	X(PASS_LEASE, "supervisor and owner are gone for longer than the lease")                 \
	X(PASS_NO_SOCKET, "no socket of the endpoint on this queue")                             \
	X(PASS_NO_METADATA, "no room for metadata")                                              \
	X(PASS_INTERNAL, "configuration maps inconsistent")

enum myc_reason {
#define MYC_REASON_ENUM(name, text) MYC_REASON_##name,
	MYC_REASONS(MYC_REASON_ENUM)
#undef MYC_REASON_ENUM
		MYC_REASONS_COUNT
};

/* Facts about delivered packets, counted beside the verdict (a packet may count under several). */
#define MYC_FACTS(X)                                                           \
	X(HEARTBEAT, "heartbeats")                                             \
	X(END_OF_SESSION, "end of session")                                    \
	X(SUSPECT_RESET, "line stepped back")                                  \
	X(UNKNOWN_SESSION, "session not announced")                            \
	X(MALFORMED, "not understood, delivered flagged")                      \
	X(CAPPED, "too many messages to filter, delivered")                    \
	X(GAP, "early: beyond the next expected")                              \
	X(WINDOW_CONFLICT, "droppable, but its record lost a race: delivered") \
	X(MESSAGES_REDIRECTED, "messages in redirected packets")               \
	X(MESSAGES_FILTERED, "messages in filtered packets")                   \
	X(MESSAGES_DUPLICATE, "messages in dropped duplicates")

enum myc_fact {
#define MYC_FACT_ENUM(name, text) MYC_FACT_##name,
	MYC_FACTS(MYC_FACT_ENUM)
#undef MYC_FACT_ENUM
		MYC_FACTS_COUNT
};

/* Value of the per-CPU counter map; row 0 = packets of no channel, row c + 1 = channel c. */
struct myc_counters {
	uint64_t reason[24]; /* enum myc_reason, packets */
	uint64_t fact[16];   /* enum myc_fact */
};
_Static_assert(MYC_REASONS_COUNT <= 24 && MYC_FACTS_COUNT <= 16, "counter rows are full");
_Static_assert(sizeof(struct myc_counters) == 320, "layout");

/* Whole-system words the program reads. Writer: the supervisor. */
struct myc_system_page {
	uint64_t
		lease_ns; /* CLOCK_MONOTONIC of the supervisor's last renewal; 0 = no lease kept (myc-load alone) */
	uint64_t
		lease_ns_max; /* steering turns into XDP_PASS when both this and the owner's lease are older */
	uint64_t reserved[6];
};
_Static_assert(sizeof(struct myc_system_page) == 64, "layout");

#endif
