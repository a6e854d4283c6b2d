/* SPDX-License-Identifier: Apache-2.0 */
#include "common/steer_vectors.h"

#include "common/sbe_body.h"

#include <stdlib.h>
#include <string.h>

#define PORT(channel)	 .shape.port = RIG_PORT + (channel)
#define LINE_B		 .shape.group = 0xef010102
#define REASON(name)	 .reason = MYC_REASON_##name
#define PASSES(name)	 .reason = MYC_REASON_PASS_##name
#define FLAGS(name)	 .flags = MYC_META_##name
#define SBE_OF(protocol) PORT(RIG_##protocol), .body = SBE
#define WORD(bits)	 (5ull << 56 | (bits))
#define TAG(tag, bits)	 (5ull << 56 | (uint64_t)(tag) << 32 | (bits))
#define TAG1(type, id)	 .shape.tag_type = {type}, .shape.tag = {id}
#define TAG2(t, i, u, j) .shape.tag_type = {t, u}, .shape.tag = {i, j}

/* clang-format off */
const struct vector vectors[] = {
	/* Ethernet, tags (traps 7, 13, 17) */
	{"a plain packet", .says = 100, .then_high = 101, .then_line = 101},
	{"ARP", .shape.ethertype = 0x0806, PASSES(NOT_IP)},
	{"PTP over Ethernet", .shape.ethertype = 0x88f7, PASSES(NOT_IP)},
	{"LLC length field", .shape.ethertype = 0x0100, PASSES(NOT_IP)},
	{"ethertype only", .shape.keep = 14, PASSES(BAD_IP)},
	{"one 802.1Q tag", TAG1(0x8100, 7)},
	{"one 802.1ad tag", TAG1(0x88a8, 7)},
	{"QinQ", TAG2(0x88a8, 7, 0x8100, 8)},
	{"two 802.1Q tags", TAG2(0x8100, 7, 0x8100, 8)},
	{"three tags", .shape.tag_type = {0x8100, 0x8100, 0x8100}, .shape.tag = {1, 2, 3}, PASSES(BAD_ETHERNET)},
	{"cut in the first tag", TAG1(0x8100, 7), .shape.keep = 16, PASSES(BAD_ETHERNET)},
	{"cut in the second tag", TAG2(0x8100, 7, 0x8100, 8), .shape.keep = 20, PASSES(BAD_ETHERNET)},
	{"tagged ARP", TAG1(0x8100, 7), .shape.ethertype = 0x0806, PASSES(NOT_IP)},
	{"priority bits are no part of the VLAN", TAG1(0x8100, 0xf064), PORT(RIG_VLAN), .says_count = 1},
	{"the VLAN's own binding comes first", TAG1(0x8100, 100), PORT(RIG_VLAN), .then_line = 101},
	{"another VLAN takes the binding for any", TAG1(0x8100, 101), PORT(RIG_VLAN), .then_line = 101},
	{"no tag takes the binding for any", PORT(RIG_VLAN)},
	{"the inner tag counts", TAG2(0x88a8, 9, 0x8100, 100), PORT(RIG_VLAN), .then_line = 101},
	{"the outer tag does not", TAG2(0x88a8, 100, 0x8100, 9), PORT(RIG_VLAN), .then_line = 101},

	/* IPv4 (traps 10, 11, 12) */
	{"IPv4 cut in its header", .shape.keep = 33, PASSES(BAD_IP)},
	{"IPv4 with version 5", .shape.version = 5, PASSES(BAD_IP)},
	{"IPv4 with IHL 4", .shape.ihl_said = 4, PASSES(BAD_IP)},
	{"IPv4 with IHL 0", .shape.ihl_said = 16, PASSES(BAD_IP)},
	{"IPv4 options, 4 bytes", .shape.ihl = 6},
	{"IPv4 options, 40 bytes", .shape.ihl = 15},
	{"IPv4 options and two tags", .shape.ihl = 15, TAG2(0x88a8, 7, 0x8100, 8)},
	{"IPv4 options said but not there", .shape.ihl_said = 15, .shape.ip_length = -35, PASSES(BAD_IP)},
	{"IPv4 length beyond the frame", .shape.ip_length = 1, PASSES(BAD_IP)},
	{"IPv4 length far beyond the frame", .shape.ip_length = 9000, PASSES(BAD_IP)},
	{"IPv4 length below its header", .shape.ip_length = -70, PASSES(BAD_IP)},
	{"the frame lost its last byte", .shape.cut = 1, PASSES(BAD_IP)},
	{"first fragment", .shape.fragment = 0x2000, PASSES(FRAGMENT)},
	{"middle fragment", .shape.fragment = 0x2010, PASSES(FRAGMENT)},
	{"last fragment", .shape.fragment = 0x0010, PASSES(FRAGMENT)},
	{"largest fragment offset", .shape.fragment = 0x1fff, PASSES(FRAGMENT)},
	{"don't fragment is no fragment", .shape.fragment = 0x4000},
	{"the reserved bit is no fragment", .shape.fragment = 0x8000},
	{"TCP", .shape.next = 6, PASSES(NOT_UDP)},
	{"IGMP", .shape.next = 2, PASSES(NOT_UDP)},
	{"ICMP", .shape.next = 1, PASSES(NOT_UDP)},

	/* IPv6 (trap 21) */
	{"IPv6", .shape.ipv6 = true},
	{"IPv6 with a tag", .shape.ipv6 = true, TAG1(0x8100, 7)},
	{"IPv6 cut in its header", .shape.ipv6 = true, .shape.keep = 53, PASSES(BAD_IP)},
	{"IPv6 with version 4", .shape.ipv6 = true, .shape.version = 4, PASSES(BAD_IP)},
	{"IPv6 length beyond the frame", .shape.ipv6 = true, .shape.ip_length = 1, PASSES(BAD_IP)},
	{"IPv6 padded", .shape.ipv6 = true, .shape.padding = 9},
	{"IPv6 hop-by-hop", .shape.ipv6 = true, .shape.next_zero = true, PASSES(IPV6_EXTENSION)},
	{"IPv6 routing", .shape.ipv6 = true, .shape.next = 43, PASSES(IPV6_EXTENSION)},
	{"IPv6 fragment", .shape.ipv6 = true, .shape.next = 44, PASSES(IPV6_EXTENSION)},
	{"IPv6 ESP", .shape.ipv6 = true, .shape.next = 50, PASSES(IPV6_EXTENSION)},
	{"IPv6 AH", .shape.ipv6 = true, .shape.next = 51, PASSES(IPV6_EXTENSION)},
	{"IPv6 destination options", .shape.ipv6 = true, .shape.next = 60, PASSES(IPV6_EXTENSION)},
	{"IPv6 mobility", .shape.ipv6 = true, .shape.next = 135, PASSES(IPV6_EXTENSION)},
	{"IPv6 no next header", .shape.ipv6 = true, .shape.next = 59, PASSES(NOT_UDP)},
	{"IPv6 ICMP", .shape.ipv6 = true, .shape.next = 58, PASSES(NOT_UDP)},
	{"IPv6 to a port that only IPv4 has", .shape.ipv6 = true, PORT(RIG_IEX), PASSES(NO_CHANNEL)},

	/* UDP (traps 10, 14) */
	{"UDP length below its header", .shape.udp_length = -59, PASSES(BAD_UDP)},
	{"UDP length 0", .shape.udp_length = -66, PASSES(BAD_UDP)},
	{"UDP length beyond IP's", .shape.udp_length = 1, PASSES(BAD_UDP)},
	{"UDP length beyond IP's, within the frame", .shape.udp_length = 2, .shape.padding = 8, PASSES(BAD_UDP)},
	{"IP without room for UDP", .shape.ip_length = -60, PASSES(BAD_UDP)},
	{"UDP length short of IP's: its end counts", .shape.udp_length = -1, FLAGS(MALFORMED)},
	{"padding is not parsed", .text = "A500", .shape.padding = 11, REASON(FILTERED)},
	{"a heartbeat padded to 60 bytes", .count = -1, .shape.padding = 6, FLAGS(HEARTBEAT)},
	{"an empty UDP payload", .body = RAW, .text = "", FLAGS(MALFORMED), .says_count = -1},

	/* binding and source (traps 15, 16, 17) */
	{"a port that is nobody's", .shape.port = 53, PASSES(NO_CHANNEL)},
	{"a group that is nobody's", .shape.group = 0xef010103, PASSES(NO_CHANNEL)},
	{"a group of the same multicast MAC", .shape.group = 0xee810101, PASSES(NO_CHANNEL)},
	{"the first allowed source", PORT(RIG_ITCH_PLAIN)},
	{"the last allowed source", PORT(RIG_ITCH_PLAIN), .shape.source = 0x0a000004},
	{"a source that is not allowed", PORT(RIG_ITCH_PLAIN), .shape.source = 0x0a000005, PASSES(SOURCE)},
	{"any source where none is named", .shape.source = 0xc0a80001},
	{"line B", LINE_B, .then_line = 101},

	/* MoldUDP64's header (traps 5, 7, 18) */
	{"heartbeat", .count = -1, FLAGS(HEARTBEAT), .then_high = 100},
	{"heartbeat that reveals a lost tail", .count = -1, .sequence = 107, .gap = 7, FLAGS(HEARTBEAT), .then_high = 107},
	{"heartbeat below the watermark is delivered", .count = -1, .sequence = 40, FLAGS(HEARTBEAT)},
	{"heartbeat after a restart", .count = -1, .sequence = 1, .line_next = 9000, .flags = MYC_META_HEARTBEAT | MYC_META_SUSPECT_RESET, .then_line = 9000},
	{"end of session", .count = -2, FLAGS(END_OF_SESSION), .says_count = -1},
	{"end of session that reveals a gap", .count = -2, .sequence = 300, .gap = 200, FLAGS(END_OF_SESSION), .says_count = -1},
	{"heartbeat with bytes behind it", .body = MOLD, .count = -1, .text = "A5", .flags = MYC_META_HEARTBEAT | MYC_META_MALFORMED},
	{"end of session with bytes behind it", .count = -2, .text = "A5", .flags = MYC_META_END_OF_SESSION | MYC_META_MALFORMED, .says_count = -1},
	{"19 bytes", .body = RAW, .text = "SESSION001123456789", FLAGS(MALFORMED), .says_count = -1},
	{"one byte", .body = RAW, .text = "S", FLAGS(MALFORMED), .says_count = -1},
	{"a count that cannot fit", .count = 20, FLAGS(MALFORMED)},
	{"count 0xfffe", .count = 0xfffe, FLAGS(MALFORMED)},
	{"sequence + count beyond 48 bits", .sequence = (1ull << 48) - 1, FLAGS(MALFORMED)},
	{"sequence beyond 48 bits", .sequence = 1ull << 48, FLAGS(MALFORMED)},
	{"sequence + count beyond 64 bits", .sequence = ~0ull, FLAGS(MALFORMED)},
	{"heartbeat beyond 48 bits", .sequence = ~0ull, .count = -1, .flags = MYC_META_HEARTBEAT | MYC_META_MALFORMED},
	{"the last number there is", .sequence = (1ull << 48) - 2, .gap = UINT32_MAX, .then_high = (1ull << 48) - 1},
	{"a malformed packet moves nothing", .count = 20, .high = 150, FLAGS(MALFORMED), .then_high = 150},

	/* sessions and epochs (traps 2, 4) */
	{"another session", .session = "SESSION002", FLAGS(UNKNOWN_SESSION)},
	{"another session in its ninth byte", .session = "SESSION0X1", FLAGS(UNKNOWN_SESSION)},
	{"another session moves nothing", .session = "SESSION002", .sequence = 900, .high = 150, FLAGS(UNKNOWN_SESSION), .then_high = 150},
	{"another session is not filtered", .session = "SESSION002", .text = "A500", FLAGS(UNKNOWN_SESSION)},
	{"another session is no duplicate", .session = "SESSION002", .sequence = 1, FLAGS(UNKNOWN_SESSION)},
	{"heartbeat of another session", .session = "SESSION002", .count = -1, .flags = MYC_META_UNKNOWN_SESSION | MYC_META_HEARTBEAT},
	{"nothing announced", .no_epoch = true, .text = "A500", FLAGS(UNKNOWN_SESSION)},
	{"the next epoch, announced in its own row", .epoch = 6, .sequence = 1, .watermark = 1, .high_old = 5000, .then_high = 2},
	{"an epoch with its low bits 0", .epoch = 8, .text = "A5"},
	{"epoch 65535", .epoch = 65535, .text = "A5"},
	{"epoch 261 shows its low byte", .epoch = 261, .text = "A5"},
	{"no duplicate below the old epoch's high word", .epoch = 6, .watermark = 1, .sequence = 50, .high_old = 5000, .gap = 49},

	/* gaps and order (traps 3, 6) */
	{"in order", .sequence = 150, .high = 150, .then_high = 151},
	{"a gap of one", .sequence = 151, .high = 150, .gap = 1, .then_high = 152},
	{"a gap beyond 32 bits saturates", .sequence = 1ull << 40, .high = 150, .gap = UINT32_MAX},
	{"late but not handled", .sequence = 120, .high = 150, .then_high = 150},
	{"early and filtered", .sequence = 151, .high = 150, .text = "A500", REASON(FILTERED), .then_high = 152},
	{"late and filtered", .sequence = 120, .high = 150, .text = "A500", REASON(FILTERED), .then_high = 150},
	{"the second copy within the reorder window", .sequence = 149, .high = 150, .line_next = 150},

	/* duplicates (traps 2, 3, 4) */
	{"wholly below the watermark", .sequence = 99, REASON(DUPLICATE)},
	{"three messages, the last just below", .sequence = 97, .text = "A5 A5 A5", REASON(DUPLICATE)},
	{"partial overlap passes whole", .sequence = 98, .text = "A5 A5 A5"},
	{"seen but below no watermark: a redirect is no delivery", .sequence = 120, .high = 5000, .line_next = 121},
	{"line B's copy of it likewise", .keep = true, LINE_B, .sequence = 120},
	{"and once more when the ring of both was full", .keep = true, LINE_B, .sequence = 120},
	{"then user space has handled it", .keep = true, LINE_B, .sequence = 120, .watermark = 121, REASON(DUPLICATE)},
	{"a channel that keeps duplicates", PORT(RIG_ITCH_PLAIN), .sequence = 50},
	{"below the watermark, yet the line stepped back", .sequence = 50, .line_next = 5000, .watermark = 5000, FLAGS(SUSPECT_RESET), .then_line = 5000},
	{"just within the reorder window", .sequence = 5000 - 2048, .line_next = 5000, .watermark = 5000, REASON(DUPLICATE)},
	{"just beyond the reorder window", .sequence = 5000 - 2049, .line_next = 5000, .watermark = 5000, FLAGS(SUSPECT_RESET)},
	{"a configured window of 10, within", PORT(RIG_ITCH_REORDER), .sequence = 140, .line_next = 150, .watermark = 150, REASON(DUPLICATE)},
	{"a configured window of 10, beyond", PORT(RIG_ITCH_REORDER), .sequence = 139, .line_next = 150, .watermark = 150, FLAGS(SUSPECT_RESET)},
	{"a suspect line is not filtered", .sequence = 1, .line_next = 9000, .text = "A500", FLAGS(SUSPECT_RESET), .then_window_at = 0},
	{"line A's restart is not line B's", LINE_B, .sequence = 8999, .watermark = 9000, .line_next = 9000, .line_b = 9000, REASON(DUPLICATE)},
	{"line B far behind line A is no restart", LINE_B, .sequence = 120, .line_next = 9000, .high = 9000, .then_line = 121},
	{"a restart ends when user space acknowledges a new epoch", .epoch = 6, .watermark = 1, .sequence = 1, .then_line = 2},
	{"end of session below the watermark is delivered", .count = -2, .sequence = 50, FLAGS(END_OF_SESSION), .says_count = -1},

	/* the locate filter (traps 1, 7, 8) */
	{"unwatched add", .text = "A500", REASON(FILTERED), .then_window_at = 3, .then_window = WORD(1u << 4)},
	{"unwatched F", .text = "F500", REASON(FILTERED)},
	{"unwatched E", .text = "E500", REASON(FILTERED)},
	{"unwatched C", .text = "C500", REASON(FILTERED)},
	{"unwatched X", .text = "X500", REASON(FILTERED)},
	{"unwatched D", .text = "D500", REASON(FILTERED)},
	{"unwatched U", .text = "U500", REASON(FILTERED)},
	{"unwatched P", .text = "P500", REASON(FILTERED)},
	{"unwatched Q", .text = "Q500", REASON(FILTERED)},
	{"unwatched I", .text = "I500", REASON(FILTERED)},
	{"unwatched N", .text = "N500", REASON(FILTERED)},
	{"unwatched Y", .text = "Y500", REASON(FILTERED)},
	{"unwatched J", .text = "J500", REASON(FILTERED)},
	{"unwatched L", .text = "L500", REASON(FILTERED)},
	{"S always passes", .text = "S500"},
	{"V always passes", .text = "V500"},
	{"W always passes", .text = "W500"},
	{"K always passes", .text = "K500"},
	{"R always passes", .text = "R500"},
	{"H always passes", .text = "H500"},
	{"h always passes", .text = "h500"},
	{"O always passes", .text = "O500"},
	{"B always passes", .text = "B500"},
	{"an unknown letter passes", .text = "Z500"},
	{"an unknown type below the letters passes", .text = "1500"},
	{"a type of 0x81 (A with the top bit) passes", .text = "\x81""500:36"},
	{"locate 0 passes", .text = "A0"},
	{"the highest locate is a locate", .text = "A65535", REASON(FILTERED)},
	{"locate 10, the first unwatched", .text = "A10", REASON(FILTERED)},
	{"watched", .text = "A9"},
	{"watched in the last of many", .text = "A500 D600 E700 A5"},
	{"watched in the first of many", .text = "A5 D600 E700 A500"},
	{"many unwatched", .text = "A500 D600 E700 U800", REASON(FILTERED), .then_window_at = 3, .then_window = WORD(0xf0)},
	{"disarmed", .text = "A500", .disarmed = true},
	{"armed for another epoch", .epoch = 6, .watermark = 1, .sequence = 1, .text = "A500"},
	{"a known type too short to have a locate passes", .text = "A500:2"},
	{"a known type shorter than any passes", .text = "A500:18"},
	{"a longer message than known is skipped by its length", .text = "A500:60", REASON(FILTERED)},
	{"a zero-length block passes", .text = "A500:0"},
	{"a zero-length block among others passes", .text = "A500 A500:0 A500"},
	{"one block less than the count says", .text = "A500", .count = 2, FLAGS(MALFORMED)},
	{"one block more than the count says", .text = "A500 A600", .count = 1, FLAGS(MALFORMED)},
	{"the last block cut", .text = "A500 A600", .shape.udp_length = -1, FLAGS(MALFORMED)},
	{"the last block's length cut", .text = "A500 A600", .shape.udp_length = -37, FLAGS(MALFORMED)},
	{"one byte behind the last block", .text = "A500 A600", .shape.udp_length = 1, .shape.ip_length = 1, .shape.padding = 1, FLAGS(MALFORMED)},
	{"a block that runs into the padding", .text = "A500 A600", .shape.udp_length = -2, .shape.ip_length = -2, FLAGS(MALFORMED)},
	{"a block that runs into padding full of what is wanted", .text = "A500 A600 A5", .count = 3, .shape.udp_length = -40, .shape.ip_length = -40, FLAGS(MALFORMED)},
	{"38 adds", .text = "A500", .repeat = 38, REASON(FILTERED), .then_window_at = 4, .then_window = WORD(0x3ff)},
	{"69 deletes", .text = "D500", .repeat = 69, REASON(FILTERED), .then_window_at = 4, .then_window = WORD(0xffffffff)},
	{"103 system events", .text = "S0", .repeat = 103},
	{"128 deletes: all that are walked", .text = "D500", .repeat = 128, REASON(FILTERED), .then_window_at = 7, .then_window = WORD(0xf)},
	{"129 deletes: unlooked", .text = "D500", .repeat = 129, FLAGS(CAPPED)},
	{"726 empty blocks", .text = "A500:0", .repeat = 726, FLAGS(CAPPED)},
	{"the last walked is watched", .text = "D500 D500 D500 D500 D500 D500 D500 D500 D5"},
	{"types dropped by configuration", PORT(RIG_ITCH_TYPES), .text = "P5 Q5", REASON(FILTERED)},
	{"types not dropped by configuration", PORT(RIG_ITCH_TYPES), .text = "P5 I5"},
	{"an add beside a dropped type", PORT(RIG_ITCH_TYPES), .text = "P5 A500"},
	{"a dropped type though watched, or without locate", PORT(RIG_ITCH_BOTH), .text = "P5 P0 A500", REASON(FILTERED)},
	{"a dropped type and a watched add", PORT(RIG_ITCH_BOTH), .text = "P500 A5"},
	{"a dropped type while disarmed", PORT(RIG_ITCH_BOTH), .text = "P5", .disarmed = true, REASON(FILTERED)},
	{"an unwatched add while disarmed", PORT(RIG_ITCH_BOTH), .text = "P5 A500", .disarmed = true},
	{"no filter: nothing is looked at", PORT(RIG_ITCH_PLAIN), .text = "A500"},

	/* the record (trap 1) */
	{"recorded beside what is there", .text = "A500", .window_at = 3, .window = WORD(1), REASON(FILTERED), .then_window_at = 3, .then_window = WORD(0x11)},
	{"recorded already: the other line's copy", .text = "A500", .window_at = 3, .window = WORD(0x10), REASON(FILTERED), .then_window_at = 3, .then_window = WORD(0x10)},
	{"over an older epoch", .text = "A500", .window_at = 3, .window = 4ull << 56 | 7, REASON(FILTERED), .then_window_at = 3, .then_window = WORD(0x10)},
	{"over an older tag", .text = "A500", .sequence = 100 + 8192 * 32, .window_at = 3, .window = WORD(7), REASON(FILTERED), .then_window_at = 3, .then_window = TAG(1, 0x10)},
	{"a newer tag: delivered", .text = "A500", .window_at = 3, .window = TAG(1, 7), .conflict = true, .then_window_at = 3, .then_window = TAG(1, 7)},
	{"a tag newer by wrap: delivered", .text = "A500", .sequence = 0xffffffull * 8192 * 32 + 100, .window_at = 3, .window = TAG(0, 7), .gap = UINT32_MAX, .conflict = true},
	{"across two words", .sequence = 126, .text = "A500 A500 A500 A500", .gap = 26, REASON(FILTERED), .then_window_at = 4, .then_window = WORD(3)},
	{"a newer tag in the second word", .sequence = 126, .text = "A500 A500 A500 A500", .gap = 26, .window_at = 4, .window = TAG(1, 1), .conflict = true},
	{"a whole word", .sequence = 128, .repeat = 32, .text = "D500", REASON(FILTERED), .then_window_at = 4, .then_window = WORD(0xffffffff)},
	{"from a word's last bit over four more", .sequence = 127, .repeat = 128, .text = "D500", REASON(FILTERED), .then_window_at = 7, .then_window = WORD(0x7fffffff)},
	{"the last word, then the first", .sequence = 8192 * 32 - 1, .text = "A500 A500", REASON(FILTERED), .then_window_at = 0, .then_window = TAG(1, 1)},
	{"what was filtered is told", .text = "A500 A500", REASON(FILTERED)},
	{"with the next delivery", .keep = true, .sequence = 102, .filtered = 2},
	{"once", .keep = true, .sequence = 103},

	/* IEX-TP */
	{"TOPS of a watched symbol", PORT(RIG_IEX), .body = IEX, .text = "TAAPL"},
	{"the other watched symbol", PORT(RIG_IEX), .body = IEX, .text = "QZIEXT"},
	{"unwatched quote", PORT(RIG_IEX), .body = IEX, .text = "QIBM", REASON(FILTERED)},
	{"unwatched trade, quote, directory, statuses", PORT(RIG_IEX), .body = IEX, .text = "TIBM QIBM DIBM HIBM IIBM OIBM PIBM EIBM XIBM BIBM AIBM", REASON(FILTERED)},
	{"unwatched DEEP levels", PORT(RIG_IEX), .body = IEX, .text = "8IBM 5IBM", REASON(FILTERED)},
	{"unwatched DEEP+", PORT(RIG_IEX), .body = IEX, .text = "aIBM MIBM RIBM LIBM", REASON(FILTERED)},
	{"a system event passes", PORT(RIG_IEX), .body = IEX, .text = "QIBM S"},
	{"an unknown type passes", PORT(RIG_IEX), .body = IEX, .text = "ZIBM"},
	{"an unknown digit passes", PORT(RIG_IEX), .body = IEX, .text = "4IBM"},
	{"an unknown type above 127 passes", PORT(RIG_IEX), .body = IEX, .text = "\xd4""IBM"},
	{"watched as the last of many", PORT(RIG_IEX), .body = IEX, .text = "QIBM QIBM QIBM TAAPL"},
	{"a symbol that only begins alike", PORT(RIG_IEX), .body = IEX, .text = "QAAPLX", REASON(FILTERED)},
	{"a message too short for a symbol passes", PORT(RIG_IEX), .body = IEX, .text = "QIBM:17"},
	{"IEX heartbeat", PORT(RIG_IEX), .body = IEX, .count = -1, .sequence = 105, .gap = 5, FLAGS(HEARTBEAT)},
	{"IEX duplicate", PORT(RIG_IEX), .body = IEX, .text = "TAAPL", .sequence = 99, REASON(DUPLICATE)},
	{"IEX repacked: partial overlap", PORT(RIG_IEX), .body = IEX, .text = "TAAPL TAAPL TAAPL", .sequence = 98},
	{"IEX restart in the same session", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .sequence = 1, .line_next = 60000, .watermark = 60000, FLAGS(SUSPECT_RESET)},
	{"IEX heartbeat after a restart", PORT(RIG_IEX), .body = IEX, .count = -1, .sequence = 1, .line_next = 60000, .flags = MYC_META_HEARTBEAT | MYC_META_SUSPECT_RESET},
	{"another IEX session", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .iex.session = 8, FLAGS(UNKNOWN_SESSION)},
	{"IEX-TP version 2", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .iex.version = 2, FLAGS(MALFORMED), .says_count = -1, .says = UINT64_MAX},
	{"another IEX protocol", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .iex.protocol = 0x8004, FLAGS(MALFORMED)},
	{"another IEX channel", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .iex.channel = 2, FLAGS(MALFORMED)},
	{"any IEX protocol and channel where none is named", PORT(RIG_IEX_TYPES), .body = IEX, .text = "QIBM", .iex.protocol = 0x8004, .iex.channel = 2},
	{"IEX payload length above the truth", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .iex.payload_length = 1, FLAGS(MALFORMED)},
	{"IEX payload length below the truth", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .iex.payload_length = -1, FLAGS(MALFORMED)},
	{"IEX count above the truth", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .count = 2, FLAGS(MALFORMED)},
	{"IEX count below the truth", PORT(RIG_IEX), .body = IEX, .text = "QIBM QIBM", .count = 1, FLAGS(MALFORMED)},
	{"IEX count 0 with messages", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .count = -1, .flags = MYC_META_HEARTBEAT | MYC_META_MALFORMED},
	{"IEX negative sequence", PORT(RIG_IEX), .body = IEX, .text = "QIBM", .sequence = ~0ull, FLAGS(MALFORMED)},
	{"IEX header cut", PORT(RIG_IEX), .body = RAW, .text = "0123456789012345678901234567890123456789", .shape.udp_length = -1, FLAGS(MALFORMED), .says_count = -1},
	{"IEX, 66 messages", PORT(RIG_IEX), .body = IEX, .text = "OIBM", .repeat = 66, REASON(FILTERED)},
	{"IEX, 129 messages", PORT(RIG_IEX), .body = IEX, .text = "OIBM", .repeat = 129, FLAGS(CAPPED)},
	{"IEX type dropped by configuration", PORT(RIG_IEX_TYPES), .body = IEX, .text = "TAAPL", REASON(FILTERED)},
	{"IEX type not dropped by configuration", PORT(RIG_IEX_TYPES), .body = IEX, .text = "TAAPL QIBM"},
	{"IEX digits are no letters (4 is T less 0x20)", PORT(RIG_IEX_TYPES), .body = IEX, .text = "\x14""AAPL"},

	/* generic (trap 18) */
	{"generic, in order", PORT(RIG_GENERIC32), .body = NUMBER4_AT2},
	{"generic, a gap", PORT(RIG_GENERIC32), .body = NUMBER4_AT2, .sequence = 105, .gap = 5},
	{"generic, a duplicate", PORT(RIG_GENERIC32), .body = NUMBER4_AT2, .sequence = 99, REASON(DUPLICATE)},
	{"generic, wrapped at 2^32", PORT(RIG_GENERIC32), .body = NUMBER4_AT2, .sequence = 3, .watermark = (1ull << 32) + 2, .says = (1ull << 32) + 3, .gap = 1},
	{"generic, late across the wrap", PORT(RIG_GENERIC32), .body = NUMBER4_AT2, .sequence = 0xfffffffe, .watermark = (1ull << 32) + 2, REASON(DUPLICATE)},
	{"generic, too short", PORT(RIG_GENERIC32), .body = RAW, .text = "12345", FLAGS(MALFORMED)},
	{"generic, one byte wraps", PORT(RIG_GENERIC8), .body = NUMBER1, .sequence = 2, .watermark = 255, .says = 258, .gap = 3},
	{"generic, one byte is late", PORT(RIG_GENERIC8), .body = NUMBER1, .sequence = 250, .watermark = 258, .says = 250},
	{"generic, one byte below a watermark of 3", PORT(RIG_GENERIC8), .body = NUMBER1, .sequence = 254, .watermark = 3, .gap = 251},
	{"generic, two bytes", PORT(RIG_GENERIC16), .body = NUMBER2, .sequence = 0x0102, .gap = 0x0102 - 100},
	{"generic, eight bytes", PORT(RIG_GENERIC64), .body = NUMBER8, .sequence = 1ull << 40, .gap = UINT32_MAX},
	{"generic, eight bytes beyond 48 bits", PORT(RIG_GENERIC64), .body = NUMBER8, .sequence = 1ull << 48, FLAGS(MALFORMED)},
	{"generic, nothing announced", PORT(RIG_GENERIC32), .body = NUMBER4_AT2, .no_epoch = true, FLAGS(UNKNOWN_SESSION)},
	{"unsequenced", PORT(RIG_UNSEQUENCED), .body = RAW, .text = "x", FLAGS(UNSEQUENCED), .says_count = 1},
	{"unsequenced and empty", PORT(RIG_UNSEQUENCED), .body = RAW, .text = "", FLAGS(UNSEQUENCED), .says_count = 1},

	/* SBE: headers, numbers, sessions (trap 18) */
	{"MDP3", SBE_OF(MDP3), .text = "b5", .then_high = 101, .then_line = 101},
	{"MDP3 heartbeat: no messages", SBE_OF(MDP3), .text = "", FLAGS(HEARTBEAT), .then_high = 100},
	{"MDP3 cut in its header", PORT(RIG_MDP3), .body = RAW, .text = "12345678901", FLAGS(MALFORMED), .says_count = -1},
	{"MDP3 duplicate", SBE_OF(MDP3), .text = "b5", .sequence = 99, REASON(DUPLICATE)},
	{"MDP3 goes on where 32 bits wrap", SBE_OF(MDP3), .text = "b5", .sequence = 2, .watermark = 0xfffffffe, .gap = 4, .says = 0x100000002},
	{"MDP3 weekly restart", SBE_OF(MDP3), .text = "b500", .sequence = 1, .line_next = 9000, .watermark = 9000, FLAGS(SUSPECT_RESET)},
	{"B3", SBE_OF(B3), .text = "b5", .then_high = 101},
	{"B3 of another sequence version or channel", SBE_OF(B3), .session = "", .text = "b500", FLAGS(UNKNOWN_SESSION)},
	{"B3 heartbeat", SBE_OF(B3), .text = "", FLAGS(HEARTBEAT)},
	{"MEMX, two messages", SBE_OF(MEMX), .text = "b5 d500", .then_high = 102},
	{"MEMX heartbeat", SBE_OF(MEMX), .text = "", FLAGS(HEARTBEAT), .then_high = 100},
	{"MEMX of another session", SBE_OF(MEMX), .session = "", .text = "b500", FLAGS(UNKNOWN_SESSION)},
	{"MEMX with fewer messages than it counts", SBE_OF(MEMX), .text = "b500", .count = 2, FLAGS(MALFORMED)},
	{"MEMX with more messages than it counts", SBE_OF(MEMX), .text = "b500 b500", .count = 1, FLAGS(MALFORMED)},
	{"MEMX with a count that cannot fit", SBE_OF(MEMX), .text = "b500", .count = 250, FLAGS(MALFORMED)},
	{"Deribit", SBE_OF(DERIBIT), .text = "b5"},
	{"Deribit of another channel", SBE_OF(DERIBIT), .session = "", .text = "b500", FLAGS(UNKNOWN_SESSION)},
	{"Deribit with a byte behind it", SBE_OF(DERIBIT), .text = "b500", .shape.udp_length = -1, FLAGS(MALFORMED), .says = UINT64_MAX, .says_count = -1},

	/* SBE: the filter */
	{"an unwatched entry", SBE_OF(MDP3), .text = "b500", REASON(FILTERED), .then_high = 101, .then_window_at = 3, .then_window = WORD(0x10)},
	{"three unwatched entries", SBE_OF(MDP3), .text = "b500,501,502", REASON(FILTERED)},
	{"nine unwatched entries", SBE_OF(MDP3), .text = "b20,21,22,23,24,25,26,27,28", REASON(FILTERED)},
	{"a watched entry, the last of nine", SBE_OF(MDP3), .text = "b20,21,22,23,24,25,26,27,9"},
	{"a watched entry, the fifth of nine", SBE_OF(MDP3), .text = "b20,21,22,23,4,25,26,27,28"},
	{"a watched entry, the first of nine", SBE_OF(MDP3), .text = "b1,21,22,23,24,25,26,27,28"},
	{"three messages of nobody's", SBE_OF(MDP3), .text = "b500,501 o502 s503", REASON(FILTERED)},
	{"the last of three messages is watched", SBE_OF(MDP3), .text = "b500,501 o502 s3"},
	{"the first of three messages is watched", SBE_OF(MDP3), .text = "s3 b500,501 o502"},
	{"an unwatched entry beyond a group of orders", SBE_OF(MDP3), .text = "b500 b501 b502", REASON(FILTERED)},
	{"no entry at all: the end of an event", SBE_OF(MDP3), .text = "b"},
	{"the end of an event behind unwatched ones", SBE_OF(MDP3), .text = "b500 b"},
	{"a null instrument", SBE_OF(MDP3), .text = "sn"},
	{"instrument 0", SBE_OF(MDP3), .text = "s0"},
	{"a null where none is allowed is a number", SBE_OF(MDP3), .text = "bn", REASON(FILTERED)},
	{"a channel reset", SBE_OF(MDP3), .text = "c"},
	{"a channel reset behind unwatched ones", SBE_OF(MDP3), .text = "b500 o501 c"},
	{"a heartbeat message", SBE_OF(MDP3), .text = "h"},
	{"an unknown template", SBE_OF(MDP3), .text = "u"},
	{"an unknown template behind unwatched ones", SBE_OF(MDP3), .text = "b500 u"},
	{"another schema", SBE_OF(MDP3), .text = "b500:x"},
	{"a kept event", SBE_OF(MDP3), .text = "b500:k"},
	{"a kept status", SBE_OF(MDP3), .text = "b500 s501:k"},
	{"a newer version's longer blocks", SBE_OF(MDP3), .text = "b500,501:w", REASON(FILTERED)},
	{"a newer version's longer blocks, watched", SBE_OF(MDP3), .text = "b500,5:w"},
	{"groups or data behind the known ones", SBE_OF(MDP3), .text = "b500:t"},
	{"an older version without the last group", SBE_OF(MDP3), .text = "b500:o", REASON(FILTERED)},
	{"an older version without any group", SBE_OF(MDP3), .text = "o500:o"},
	{"entries that end before the instrument", SBE_OF(MDP3), .text = "b500:s"},
	{"a root block that ends within the instrument", SBE_OF(MDP3), .text = "s500:r"},
	{"a root block that ends before the bit by which is kept", SBE_OF(MDP3), .text = "s500:r o500"},
	{"more entries than the message holds", SBE_OF(MDP3), .text = "b500:c", FLAGS(MALFORMED)},
	{"a message longer than the packet", SBE_OF(MDP3), .text = "b500:+", FLAGS(MALFORMED)},
	{"a message shorter than its groups", SBE_OF(MDP3), .text = "b500:-", FLAGS(MALFORMED)},
	{"a message that runs into the next", SBE_OF(MDP3), .text = "o500:+ b501"},
	{"padding is no message", SBE_OF(MDP3), .text = "b500", .shape.padding = 9, REASON(FILTERED)},
	{"a byte of the packet missing", SBE_OF(MDP3), .text = "b500", .shape.udp_length = -1, FLAGS(MALFORMED)},
	{"a byte behind the last message", SBE_OF(MDP3), .text = "b500", .shape.udp_length = 1, .shape.ip_length = 1, .shape.padding = 1, FLAGS(MALFORMED)},
	{"33 messages of nobody's", SBE_OF(MDP3), .text = "s500", .repeat = 33, REASON(FILTERED)},
	{"28 messages, 42 groups", SBE_OF(MDP3), .text = "o500 b501", .repeat = 14, REASON(FILTERED)},
	{"B3, unwatched", SBE_OF(B3), .text = "b500 e501 s502", REASON(FILTERED)},
	{"B3, watched", SBE_OF(B3), .text = "b500 e501 s2"},
	{"B3, longer blocks", SBE_OF(B3), .text = "b500:w s500:w", REASON(FILTERED)},
	{"B3, groups behind the root do not matter", SBE_OF(B3), .text = "s500:t", REASON(FILTERED)},
	{"B3, a reset", SBE_OF(B3), .text = "b500 c"},
	{"B3, another encoding", SBE_OF(B3), .text = "b500:e", FLAGS(MALFORMED)},
	{"B3, a root block that ends within the instrument", SBE_OF(B3), .text = "e500:r"},
	{"MEMX, unwatched", SBE_OF(MEMX), .text = "b500 d501 b502", REASON(FILTERED), .then_window_at = 3, .then_window = WORD(0x70)},
	{"MEMX, watched", SBE_OF(MEMX), .text = "b500 d9"},
	{"MEMX, more messages than are walked", SBE_OF(MEMX), .text = "d500", .repeat = 129, FLAGS(CAPPED)},
	{"MEMX, session status", SBE_OF(MEMX), .text = "b500 c"},
	{"MEMX, instruments are big-endian", SBE_OF(MEMX), .text = "b1280", REASON(FILTERED)},
	{"MEMX, a message longer than said", SBE_OF(MEMX), .text = "b500:-", FLAGS(MALFORMED)},
	{"Deribit, unwatched", SBE_OF(DERIBIT), .text = "b500 t501,502 b503", REASON(FILTERED)},
	{"256 steps: the end is the last", SBE_OF(DERIBIT), .text = "t500:m", .repeat = 85, REASON(FILTERED)},
	{"257 steps and more", SBE_OF(DERIBIT), .text = "t500:m", .repeat = 86, FLAGS(CAPPED)},
	{"Deribit, watched in a group", SBE_OF(DERIBIT), .text = "b500 t501,6 b503"},
	{"Deribit, watched behind groups", SBE_OF(DERIBIT), .text = "b500 t501,502 b6"},
	{"Deribit, no trades", SBE_OF(DERIBIT), .text = "t"},
	{"Deribit, an instrument's name", SBE_OF(DERIBIT), .text = "b500 i501"},
	{"Deribit, a group more than is known", SBE_OF(DERIBIT), .text = "b500:g"},
	{"Deribit, a variable field", SBE_OF(DERIBIT), .text = "b500:d"},
	{"Deribit, groups within entries", SBE_OF(DERIBIT), .text = "t500:N"},
	{"Deribit, longer blocks", SBE_OF(DERIBIT), .text = "b500:w t500,501:w", REASON(FILTERED)},
	{"Deribit, more entries than there are", SBE_OF(DERIBIT), .text = "t500:c", FLAGS(MALFORMED)},

	/* the owner (DESIGN 3, 8) */
	{"no owner: the channel's endpoint", PORT(RIG_NO_OWNER), .endpoint = RIG_DIRECT, FLAGS(UNKNOWN_SESSION)},
	{"owner starting", .scene = OWNER_STARTING},
	{"owner dead, hold", .scene = OWNER_DEAD},
	{"owner dead, pass", PORT(RIG_ORPHAN_PASS), .scene = OWNER_DEAD, PASSES(ORPHAN)},
	{"owner down, hold", .scene = OWNER_DOWN},
	{"owner down, pass", PORT(RIG_ORPHAN_PASS), .scene = OWNER_DOWN, PASSES(ORPHAN)},
	{"owner never published, hold", .scene = OWNER_FREE, PASSES(ORPHAN)},
	{"owner without an endpoint, hold", .scene = OWNER_NO_ENDPOINT, PASSES(ORPHAN)},
	{"owner never started, pass", PORT(RIG_ORPHAN_PASS), .scene = OWNER_NEVER_STARTED, PASSES(ORPHAN)},
	{"an orphan is passed whole, not filtered", PORT(RIG_ORPHAN_PASS), .scene = OWNER_DEAD, .text = "A500", PASSES(ORPHAN)},
	{"owner alive beside a standby", PORT(RIG_STANDBY_CHANNEL)},
	{"owner dead, standby", PORT(RIG_STANDBY_CHANNEL), .scene = OWNER_DEAD, REASON(REDIRECTED_STANDBY), .endpoint = RIG_STANDBY},
	{"owner down, standby", PORT(RIG_STANDBY_CHANNEL), .scene = OWNER_DOWN, REASON(REDIRECTED_STANDBY), .endpoint = RIG_STANDBY},
	{"owner's lease stale, standby", PORT(RIG_STANDBY_CHANNEL), .scene = OWNER_LEASE_STALE, REASON(REDIRECTED_STANDBY), .endpoint = RIG_STANDBY},
	{"both leases stale: the owner still lives", PORT(RIG_STANDBY_CHANNEL), .scene = BOTH_LEASES_STALE},
	{"owner and standby dead, hold", PORT(RIG_STANDBY_CHANNEL), .scene = OWNER_AND_STANDBY_DEAD},
	{"owner's lease stale, no standby: not looked at", .scene = OWNER_LEASE_STALE},
	{"supervisor gone, owner working", .scene = SUPERVISOR_STALE},
	{"supervisor and owner gone", .scene = SUPERVISOR_AND_OWNER_STALE, PASSES(LEASE)},
	{"supervisor and owner gone: nothing is filtered", .scene = SUPERVISOR_AND_OWNER_STALE, .text = "A500", PASSES(LEASE)},
	{"supervisor and owner gone, standby working", PORT(RIG_STANDBY_CHANNEL), .scene = SUPERVISOR_AND_OWNER_STALE, REASON(REDIRECTED_STANDBY), .endpoint = RIG_STANDBY},
	{"supervisor, owner and standby gone", PORT(RIG_STANDBY_CHANNEL), .scene = ALL_STALE, PASSES(LEASE)},
	{"supervisor gone, a channel without an owner", PORT(RIG_NO_OWNER), .scene = ALL_STALE, .endpoint = RIG_DIRECT, FLAGS(UNKNOWN_SESSION)},
	{"a registry row of a process that is not there", .scene = OWNER_BAD_PROCESS, PASSES(INTERNAL)},
};
/* clang-format on */
const unsigned vectors_count = sizeof(vectors) / sizeof(vectors[0]);

#define LEASE_NS 60000000000ull

static void set_scene(enum scene scene, struct rig *rig, uint64_t now_ns)
{
	const uint64_t stale = now_ns - 3 * LEASE_NS;
	uint64_t *owner = &rig->registry[RIG_OWNER_ROW].state_endpoint;

	rig->system.lease_ns_max = LEASE_NS;
	rig->system.lease_ns = now_ns;
	rig->page[0].lease_ns = now_ns;
	rig->page[1].lease_ns = now_ns;
	switch (scene) {
	case ALL_UP:
		break;
	case OWNER_STARTING:
		*owner = myc_row_word(MYC_ROW_STARTING, RIG_OWNER);
		break;
	case OWNER_AND_STANDBY_DEAD:
		rig->processes[1].dead_incarnation = rig->processes[1].incarnation + 1;
		/* fall through */
	case OWNER_DEAD:
		rig->processes[0].dead_incarnation = rig->processes[0].incarnation;
		break;
	case OWNER_DOWN:
		*owner = myc_row_word(MYC_ROW_DOWN, RIG_OWNER);
		break;
	case OWNER_FREE:
		*owner = 0;
		break;
	case OWNER_NO_ENDPOINT:
		*owner = myc_row_word(MYC_ROW_UP, MYC_NO_ENDPOINT);
		break;
	case OWNER_NEVER_STARTED:
		rig->processes[0].incarnation = 0;
		break;
	case BOTH_LEASES_STALE:
		rig->page[1].lease_ns = stale;
		/* fall through */
	case OWNER_LEASE_STALE:
		rig->page[0].lease_ns = stale;
		break;
	case ALL_STALE:
		rig->page[1].lease_ns = stale;
		/* fall through */
	case SUPERVISOR_AND_OWNER_STALE:
		rig->page[0].lease_ns = stale;
		/* fall through */
	case SUPERVISOR_STALE:
		rig->system.lease_ns = stale;
		break;
	case OWNER_BAD_PROCESS:
		rig->registry[RIG_OWNER_ROW].process = RIG_PROCESSES;
		break;
	}
}

static unsigned vector_channel(const struct vector *vector)
{
	const unsigned channel = vector->shape.port - RIG_PORT;

	return vector->shape.port && channel < RIG_CHANNELS ? channel : RIG_ITCH;
}

void vector_prepare(const struct vector *vector, struct rig *rig, uint64_t now_ns)
{
	const unsigned channel = vector_channel(vector);
	const uint64_t epoch = vector->epoch ? vector->epoch : RIG_EPOCH;
	struct myc_channel_page *page = &rig->page[0].channel[channel];
	struct myc_channel_state *state = &rig->state[channel];

	if (!vector->keep)
		rig_reset(rig);
	set_scene(vector->scene, rig, now_ns);
	memcpy(page->session[epoch & 3], page->session[RIG_EPOCH & 3], sizeof(page->session[0]));
	page->watermark = myc_epoch_word(vector->no_epoch ? 0 : epoch,
					 vector->watermark ? vector->watermark : 100);
	if (vector->disarmed)
		rig->locate[channel].armed = 0;
	if (vector->high)
		state->high = myc_epoch_word(epoch, vector->high);
	if (vector->high_old) {
		state->high = myc_epoch_word(epoch - 1, vector->high_old);
		state->line_next[0] = state->high;
	}
	if (vector->line_next)
		state->line_next[0] = myc_epoch_word(epoch, vector->line_next);
	if (vector->line_b)
		state->line_next[1] = myc_epoch_word(epoch, vector->line_b);
	if (vector->window)
		rig->window[channel].word[vector->window_at] = vector->window;
}

static enum myc_sbe_framing framing_of(const struct vector *vector)
{
	return (enum myc_sbe_framing)(vector_channel(vector) - RIG_MDP3);
}

/* One word of a body: "A500", "A500:18", "QIBM". */
static void add_word(const struct vector *vector, const char *word, unsigned length,
		     struct packet *packet)
{
	char text[256] = {0};
	char *colon;
	int size = -1;

	memcpy(text, word, length < sizeof(text) - 1 ? length : sizeof(text) - 1);
	if (vector->body == SBE) {
		uint8_t bytes[2000];

		packet_bytes(packet, bytes, sbe_word(framing_of(vector), text, bytes));
		return;
	}
	colon = strchr(text, ':');
	if (colon) {
		size = atoi(colon + 1);
		*colon = 0;
	}
	if (vector->body == MOLD)
		packet_itch(packet, text[0], (uint16_t)atoi(text + 1), size);
	else if (vector->body == IEX)
		packet_iex_message(packet, text[0], text + 1, size);
}

static int add_words(const struct vector *vector, struct packet *packet)
{
	const char *text = vector->text				       ? vector->text
			   : vector->count < 0 || vector->body != MOLD ? ""
								       : "A5";
	int words = 0;

	for (int i = 0; i < (vector->repeat ? vector->repeat : 1); i++) {
		for (const char *word = text; *word;) {
			const unsigned length = (unsigned)strcspn(word, " ");

			add_word(vector, word, length, packet);
			words++;
			word += length + (word[length] == ' ');
		}
	}
	return words;
}

static uint16_t written_count(const struct vector *vector, int words)
{
	if (vector->count == 0)
		return (uint16_t)words;
	return vector->count == -1 ? 0 : (uint16_t)(vector->count == -2 ? 0xffff : vector->count);
}

static uint16_t count_words(const struct vector *vector)
{
	struct packet scratch = {.payload = 0};

	return (uint16_t)add_words(vector, &scratch);
}

static void add_number(struct packet *packet, uint64_t number, unsigned width)
{
	packet_bytes(packet, &number, width);
}

void vector_packet(const struct vector *vector, struct packet *packet)
{
	const uint64_t sequence = vector->sequence ? vector->sequence : 100;
	struct packet_shape shape = vector->shape;
	struct packet_iex iex = vector->iex;
	uint8_t *header;
	uint16_t count;

	shape.port = shape.port ? shape.port : RIG_PORT + RIG_ITCH;
	packet_begin(packet, &shape);
	header = packet->bytes + packet->payload;
	switch (vector->body) {
	case MOLD:
		packet_mold(packet, vector->session ? vector->session : RIG_SESSION, sequence, 0);
		count = written_count(vector, add_words(vector, packet));
		header[18] = (uint8_t)(count >> 8);
		header[19] = (uint8_t)count;
		break;
	case IEX:
		iex.protocol = iex.protocol ? iex.protocol : 0x8003;
		iex.channel = iex.channel ? iex.channel : 1;
		iex.session = iex.session ? iex.session : 7;
		iex.sequence = sequence;
		packet_iex(packet, &iex);
		count = written_count(vector, add_words(vector, packet));
		memcpy(header + 14, &count, 2);
		break;
	case SBE:
		packet_sbe(packet, framing_of(vector), vector->session ? 8 : 7, sequence,
			   count_words(vector));
		(void)add_words(vector, packet);
		if (framing_of(vector) == MYC_SBE_DERIBIT)
			myc_store_le16(header, (uint16_t)(packet->size - packet->payload - 8));
		if (framing_of(vector) == MYC_SBE_MEMX && vector->count > 0)
			header[19] = (uint8_t)vector->count;
		break;
	case RAW:
		packet_bytes(packet, vector->text, (uint32_t)strlen(vector->text));
		break;
	case NUMBER1:
		add_number(packet, sequence, 1);
		break;
	case NUMBER2:
		add_number(packet, sequence, 2);
		break;
	case NUMBER8:
		add_number(packet, sequence, 8);
		break;
	case NUMBER4_AT2:
		add_number(packet, 0, 2);
		add_number(packet, __builtin_bswap32((uint32_t)sequence), 4);
		break;
	}
	packet_end(packet);
}

static uint8_t vector_line(const struct vector *vector)
{
	const unsigned inner = vector->shape.tag_type[1] ? 1 : 0;

	if (vector_channel(vector) == RIG_VLAN)
		return (vector->shape.tag[inner] & 0xfff) == 100 ? 0 : 1;
	if (vector->shape.ipv6)
		return 2;
	return vector->shape.group == 0xef010102 ? 1 : 0;
}

static void expect_meta(const struct vector *vector, unsigned channel, struct myc_meta *meta)
{
	const uint64_t epoch = vector->epoch ? vector->epoch : RIG_EPOCH;
	const uint64_t sequence = vector->sequence ? vector->sequence : 100;

	meta->sequence = vector->says == UINT64_MAX ? 0
			 : vector->says		    ? vector->says
			 : vector->body == RAW	    ? 0
						    : sequence;
	meta->gap = vector->gap;
	meta->filtered = vector->filtered;
	meta->channel = (uint16_t)channel;
	if (vector->says_count)
		meta->count = (uint16_t)(vector->says_count < 0 ? 0 : vector->says_count);
	else if (vector->body == MOLD || vector->body == IEX ||
		 (vector->body == SBE && framing_of(vector) == MYC_SBE_MEMX))
		meta->count = written_count(vector, count_words(vector));
	else
		meta->count = vector->body != SBE || count_words(vector);
	meta->version = MYC_META_VERSION;
	meta->line = vector_line(vector);
	meta->epoch = vector->no_epoch || channel == RIG_NO_OWNER ? 0 : (uint8_t)epoch;
	meta->flags = vector->flags;
}

static void expect_facts(const struct vector *vector, const struct expected *expected,
			 uint64_t *fact)
{
	static const struct {
		uint8_t flag;
		enum myc_fact fact;
	} flags[] = {
		{MYC_META_HEARTBEAT, MYC_FACT_HEARTBEAT},
		{MYC_META_END_OF_SESSION, MYC_FACT_END_OF_SESSION},
		{MYC_META_SUSPECT_RESET, MYC_FACT_SUSPECT_RESET},
		{MYC_META_UNKNOWN_SESSION, MYC_FACT_UNKNOWN_SESSION},
		{MYC_META_MALFORMED, MYC_FACT_MALFORMED},
		{MYC_META_CAPPED, MYC_FACT_CAPPED},
	};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		fact[flags[i].fact] = vector->flags & flags[i].flag ? 1 : 0;
	fact[MYC_FACT_GAP] = vector->gap ? 1 : 0;
	fact[MYC_FACT_WINDOW_CONFLICT] = vector->conflict ? 1 : 0;
	if (!(vector->flags & MYC_META_MALFORMED))
		fact[MYC_FACT_MESSAGES_REDIRECTED] = expected->meta.count;
}

void vector_expect(const struct vector *vector, struct expected *expected)
{
	const unsigned channel = vector_channel(vector);
	struct myc_meta meta = {0};

	memset(expected, 0, sizeof(*expected));
	expect_meta(vector, channel, &meta);
	expected->reason = vector->reason;
	expected->row = channel + 1;
	expected->counters.reason[vector->reason] = 1;
	switch (vector->reason) {
	case MYC_REASON_REDIRECTED:
	case MYC_REASON_REDIRECTED_STANDBY:
		expected->action = MYC_STEER_REDIRECT;
		expected->endpoint = vector->endpoint ? vector->endpoint : RIG_OWNER;
		expected->meta = meta;
		expect_facts(vector, expected, expected->counters.fact);
		break;
	case MYC_REASON_FILTERED:
		expected->action = MYC_STEER_DROP;
		expected->counters.fact[MYC_FACT_MESSAGES_FILTERED] = meta.count;
		break;
	case MYC_REASON_DUPLICATE:
		expected->action = MYC_STEER_DROP;
		expected->counters.fact[MYC_FACT_MESSAGES_DUPLICATE] = meta.count;
		break;
	case MYC_REASON_PASS_SOURCE:
	case MYC_REASON_PASS_ORPHAN:
	case MYC_REASON_PASS_LEASE:
	case MYC_REASON_PASS_INTERNAL:
		break;
	default:
		expected->row = 0;
		break;
	}
}

const char *vector_state_wrong(const struct vector *vector, const struct rig *rig)
{
	const unsigned channel = vector_channel(vector);
	const uint64_t epoch = vector->epoch ? vector->epoch : RIG_EPOCH;
	const struct myc_channel_state *state = &rig->state[channel];

	if (vector->then_high && state->high != myc_epoch_word(epoch, vector->then_high))
		return "high word";
	if (vector->then_line &&
	    state->line_next[vector_line(vector)] != myc_epoch_word(epoch, vector->then_line))
		return "line word";
	if (vector->then_window &&
	    rig->window[channel].word[vector->then_window_at] != vector->then_window)
		return "filtered window";
	return NULL;
}
