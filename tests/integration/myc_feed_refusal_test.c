/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input to myc-feed: one line that names the cause and the remedy, the right exit code, and
 * nothing half-made left. */
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zlib.h>

#include "common/feed_capture.h"

#define OUT "out"

/* Exactly one line, which has both texts in it; no output file. */
static void check_refusal(const char *arguments, int code, const char *cause, const char *remedy)
{
	char err[4096];
	int got = feed_run(arguments, err, sizeof(err));
	char *end = strchr(err, '\n');

	if (got != code || !strstr(err, cause) || !strstr(err, remedy) || !end || end[1])
		fail_msg("myc-feed %s: exit %d (not %d), '%s' has not both '%s' and '%s'",
			 arguments, got, code, err, cause, remedy);
	assert_int_not_equal(access(feed_scratch(OUT), F_OK), 0);
}

static void impossible_usage_is_refused_by_name(void **state)
{
	static const struct {
		const char *arguments, *cause, *remedy;
	} cases[] = {
		{"--messages 100", "there is no output", "--write"},
		{"--write x --udp", "more than one output", "--raw"},
		{"--fast --rate 10 --udp", "more than one pace", "--speed"},
		{"--itch a --pcap b --udp", "more than one source", "--itch"},
		{"--no-such --udp", "--no-such: no such option", "--help"},
		{"--udp more", "more: no such argument", "--help"},
		{"--udp --messages", "--messages: its value is missing", "--help"},
		{"--udp --loss 101", "--loss: '101' is not possible", "0 to 100"},
		{"--udp --loss 1,2,3,4,5", "--loss", "four lines"},
		{"--udp --loss nan", "--loss: 'nan'", "0 to 100"},
		{"--udp --reorder-window 65", "--reorder-window: '65'", "1 to 64"},
		{"--udp --line 239.1.1.1", "--line: '239.1.1.1'", "239.77.1.1:26477"},
		{"--udp --line 239.1.1.300:5", "--line: '239.1.1.300:5'", "IPv4 address"},
		{"--udp --line 239.1.1.1:70000", "'70000'", "1 to 65535"},
		{"--udp --session 12345678901", "--session", "1 to 10 characters"},
		{"--udp --repack E", "--repack: 'E'", "A, B, C or D"},
		{"--udp --vlan 1,2,3", "--vlan", "one or two"},
		{"--udp --vlan 4096", "'4096'", "0 to 4095"},
		{"--udp --mac 12", "--mac: '12'", "six bytes"},
		{"--udp --messages 5 --symbols 5", "make no day", "two messages a symbol"},
		{"--udp --payload 9001", "--payload: '9001'", "40 to 9000"},
		{"--udp --restart 1", "--restart: '1'", "from 2"},
		{"--udp --frames", "about captures", "--pcap"},
		{"--udp --itch x --protocol iextp", "carries them", "moldudp64"},
		{"--udp --protocol none", "carries them", "iextp"},
		{"--udp --protocol iextp --messages 9 --symbols 4", "make no day",
		 "message a symbol"},
		{"--udp --protocol fix", "--protocol: 'fix'", "iextp"},
		{"--udp --pcap x --frames", "frames of its own", "--raw"},
		{"--udp --pcap x --restart 5", "sessions are its own", "--restart"},
		{"--udp --pcap x --protocol none --repack B", "packed anew", "--protocol"},
		{"--interface mycnone0", "'mycnone0'", "ip link"},
		{"--raw mycnone0", "'mycnone0'", "ip link"},
		{"--udp --source 192.0.2.77", "192.0.2.77", "--source"},
		{"--itch /nowhere/file --udp", "/nowhere/file: No such file", "can be read"},
		{"--pcap / --udp", "Is a directory", "can be read"},
		{"--write /nowhere/file", "/nowhere/file", "can be written"},
		{"--udp --report /nowhere/file", "--report /nowhere/file", "can be written"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refusal(cases[i].arguments, 2, cases[i].cause, cases[i].remedy);
}

static void write_file(const char *path, const char *bytes, size_t size)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void refuse_file(const char *option, const char *path, const char *cause, const char *remedy)
{
	char arguments[512];

	snprintf(arguments, sizeof(arguments), "%s %s --write %s", option, path, feed_scratch(OUT));
	check_refusal(arguments, 2, cause, remedy);
}

/* A change to a good file, and what it must be called. */
struct damage {
	long cut; /* not 0: the file is this long only, or (negative) so much shorter */
	size_t at;
	size_t size;
	const char *bytes; /* put there */
	const char *cause, *remedy;
};

static void refuse_damaged(const char *option, const char *good, const struct damage *damage)
{
	size_t size;
	char *bytes = feed_file(good, &size);
	size_t cut = damage->cut > 0 ? (size_t)damage->cut : size - (size_t)-damage->cut;

	assert_true(damage->at + damage->size <= size && cut <= size);
	memcpy(bytes + damage->at, damage->bytes, damage->size);
	write_file(feed_scratch("bad"), bytes, cut);
	refuse_file(option, feed_scratch("bad"), damage->cause, damage->remedy);
	free(bytes);
}

static void broken_captures_are_refused_with_their_packet(void **state)
{
	/* Offsets: 24 file header, 16 record header, 42 Ethernet to UDP, 20 MoldUDP64. */
	static const struct damage damages[] = {
		{.bytes = "\1\2\3\4",
		 .size = 4,
		 .cause = "unknown file format",
		 .remedy = "pcapng"},
		{.cut = 3, .bytes = "", .cause = "truncated", .remedy = "pcapng"},
		{.cut = 20, .bytes = "", .cause = "truncated", .remedy = "pcapng"},
		{.cut = 24, .bytes = "", .cause = "none of its 0 packets", .remedy = "tcpdump"},
		{.cut = 30, .bytes = "", .cause = "packet 1: truncated", .remedy = "again"},
		{.cut = -5, .bytes = "", .cause = ": truncated", .remedy = "--messages"},
		{.at = 20, .bytes = "\x71", .size = 1, .cause = "link type", .remedy = "Ethernet"},
		{.at = 32, .bytes = "\1\1\1\1", .size = 4, .cause = "packet 1", .remedy = "again"},
		{.at = 36,
		 .bytes = "\xff\xff",
		 .size = 2,
		 .cause = "snap length",
		 .remedy = "again"},
		{.at = 40 + 42 + 18,
		 .bytes = "\0\7",
		 .size = 2,
		 .cause = "packet 1: message",
		 .remedy = "again"},
		{.at = 40 + 42 + 18,
		 .bytes = "\0\0",
		 .size = 2,
		 .cause = "left over",
		 .remedy = "again"},
		{.at = 40 + 42 + 20,
		 .bytes = "\xff",
		 .size = 1,
		 .cause = "runs past",
		 .remedy = "again"},
		{.at = 40 + 42 + 10,
		 .bytes = "\xff\xff\xff\xff\xff\xff\xff\xff",
		 .size = 8,
		 .cause = "overflows",
		 .remedy = "again"},
	};

	(void)state;
	feed_make(
		"--symbols 1 --messages 40 --line 239.77.1.1:26477 --packet-messages 1 --write %s",
		feed_scratch("good"));
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		refuse_damaged("--pcap", feed_scratch("good"), &damages[i]);
	refuse_file("--select 239.9.9.9:9 --pcap", feed_scratch("good"), "is of this feed",
		    "--select");
	refuse_file("--protocol iextp --pcap", feed_scratch("good"),
		    "packet 1: 34 bytes of payload, the IEX-TP header", "again");
	refuse_file("--payload 40 --protocol moldudp64 --pcap", feed_scratch("good"),
		    "fit no packet", "--payload");
}

/* Messages one after another as BinaryFILE: S 'O' and A, with true or all-zero lengths. */
static size_t make_binaryfile(char *file, int messages, int zero)
{
	size_t at = 0;

	for (int i = 0; i < messages; i++) {
		int size = i ? 36 : 12;

		memset(file + at, 0, (size_t)size + 2);
		file[at + 1] = (char)(zero ? 0 : size);
		file[at + 2] = i ? 'A' : 'S';
		at += (size_t)size + 2;
	}
	return at;
}

static void broken_binaryfiles_are_refused_with_message_and_offset(void **state)
{
	static const struct damage framed[] = {
		{.cut = 1,
		 .bytes = "",
		 .cause = "message 1 at offset 0: the file ends",
		 .remedy = "ITCH 5.0"},
		{.cut = 9,
		 .bytes = "",
		 .cause = "message 1 at offset 0: the file ends",
		 .remedy = "ITCH 5.0"},
		{.cut = -1,
		 .bytes = "",
		 .cause = "message 3 at offset 52: the file ends",
		 .remedy = "--messages 2"},
		{.at = 14,
		 .bytes = "\x7f",
		 .size = 1,
		 .cause = "message 2 at offset 14: its length",
		 .remedy = "--messages 1"},
		{.at = 14,
		 .bytes = "\0\0",
		 .size = 2,
		 .cause = "message 2 at offset 14: its length is 0",
		 .remedy = "--messages 1"},
		{.at = 15,
		 .bytes = "\14",
		 .size = 1,
		 .cause = "type 0x41 has 36 bytes, this one 12",
		 .remedy = "--messages 1"},
		{.at = 16,
		 .bytes = "\1",
		 .size = 1,
		 .cause = "0x01 is no message type",
		 .remedy = "--messages 1"},
		{.at = 21,
		 .bytes = "\xff",
		 .size = 1,
		 .cause = "midnight",
		 .remedy = "--messages 1"},
	};
	static const struct damage zero[] = {
		{.at = 16,
		 .bytes = "~",
		 .size = 1,
		 .cause = "its type is unknown",
		 .remedy = "--messages 1"},
		{.at = 15,
		 .bytes = "\x24",
		 .size = 1,
		 .cause = "lengths are all 0",
		 .remedy = "--messages 1"},
		{.cut = -30,
		 .bytes = "",
		 .cause = "message 3 at offset 52: the file ends",
		 .remedy = "--messages 2"},
	};
	char file[256] = "";

	(void)state;
	write_file(feed_scratch("framed"), file, make_binaryfile(file, 3, 0));
	write_file(feed_scratch("zero"), file, make_binaryfile(file, 3, 1));
	feed_make("--itch %s --write %s", feed_scratch("framed"), feed_scratch("fine"));
	feed_make("--itch %s --write %s", feed_scratch("zero"), feed_scratch("fine"));
	for (size_t i = 0; i < sizeof(framed) / sizeof(framed[0]); i++)
		refuse_damaged("--itch", feed_scratch("framed"), &framed[i]);
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		refuse_damaged("--itch", feed_scratch("zero"), &zero[i]);
	write_file(feed_scratch("empty"), "", 0);
	refuse_file("--itch", feed_scratch("empty"), "the file ends", "ITCH 5.0");
	refuse_file("--pcap", feed_scratch("empty"), "truncated", "pcapng");
}

static void broken_gzip_is_refused_as_such(void **state)
{
	size_t size, packed_size;

	(void)state;
	feed_make("--symbols 5 --messages 50000 --write %s", feed_scratch("good"));
	char *bytes = feed_file(feed_scratch("good"), &size);
	gzFile gz = gzopen(feed_scratch("packed"), "wb");

	assert_non_null(gz);
	assert_int_equal(gzwrite(gz, bytes, (unsigned)size), size);
	assert_int_equal(gzclose(gz), Z_OK);
	char *packed = feed_file(feed_scratch("packed"), &packed_size);

	write_file(feed_scratch("cut"), packed, packed_size / 2);
	refuse_file("--pcap", feed_scratch("cut"), "the gzip data is cut off", "--messages");
	/* The checksum in the trailer (RFC 1952, 2.3.1): broken data may decode to something. */
	memset(packed + packed_size - 8, 0x55, 4);
	write_file(feed_scratch("bad"), packed, packed_size);
	refuse_file("--pcap", feed_scratch("bad"), "the gzip data is broken", "--messages");
	free(packed);
	free(bytes);
}

static void a_missing_privilege_has_its_own_exit_code(void **state)
{
	(void)state;
	/* Also for root: programs started from here on do without it. */
	prctl(PR_CAPBSET_DROP, CAP_NET_RAW);
	check_refusal("--raw lo", 3, "Operation not permitted", "root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_usage_is_refused_by_name),
		cmocka_unit_test(broken_captures_are_refused_with_their_packet),
		cmocka_unit_test(broken_binaryfiles_are_refused_with_message_and_offset),
		cmocka_unit_test(broken_gzip_is_refused_as_such),
		cmocka_unit_test(a_missing_privilege_has_its_own_exit_code),
	};

	return cmocka_run_group_tests(tests, feed_scratch_make, feed_scratch_remove);
}
