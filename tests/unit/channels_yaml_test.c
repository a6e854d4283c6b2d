/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "common/packet.h"
#include "runtime/channels_yaml.h"

/* Reads a document that is the sequence itself. The whole message line in `message`. */
static int read_channels(const char *text, enum myc_channels_use use, struct myc_channels **out,
			 char message[1024])
{
	struct myc_error error = {0};
	struct myc_yaml *yaml = NULL;
	int err = myc_yaml_parse(&yaml, "c.yaml", text, strlen(text), &error);

	if (!err)
		err = myc_channels_read(out, myc_yaml_root(yaml), use, &error);
	myc_error_format(&error, message, 1024);
	myc_yaml_close(yaml);
	return err;
}

static struct myc_channels *must_read(const char *text)
{
	struct myc_channels *channels = NULL;
	struct myc_error error = {0};
	char message[1024];

	if (read_channels(text, MYC_CHANNELS_STANDALONE, &channels, message) || !channels) {
		fail_msg("%s", message);
		abort();
	}
	if (myc_steer_config_check(&channels->config, &error))
		fail_msg("%s", error.cause);
	return channels;
}

static void a_whole_channel_becomes_the_programs_configuration(void **state)
{
	struct myc_channels *channels =
		must_read("- name: itch\n"
			  "  protocol: moldudp64\n"
			  "  lines:\n"
			  "    - { group: 239.1.1.1, port: 26400, vlan: any, sources: [10.0.0.1, "
			  "10.0.0.2] }\n"
			  "    - { group: 239.1.1.2, port: 26401, vlan: 100 }\n"
			  "  drop_duplicates: false\n"
			  "  reorder_window: 64\n"
			  "  orphan: pass\n"
			  "  verify_checksum: yes\n"
			  "  filter: { symbols: [AAPL, MSFT], types_drop: [P, Q, N] }\n"
			  "  endpoint: 7\n");
	const struct myc_channel_config *config = &channels->config.channel[0];
	const struct myc_channel_spec *spec = &channels->spec[0];
	uint8_t address[16];

	(void)state;
	assert_int_equal(channels->config.channels_count, 1);
	assert_int_equal(channels->config.bindings_count, 2);
	assert_int_equal(config->protocol, MYC_PROTOCOL_MOLDUDP64);
	assert_int_equal(config->filter, MYC_FILTER_LOCATE);
	assert_int_equal(config->orphan, MYC_ORPHAN_PASS);
	assert_int_equal(config->flags, MYC_CHANNEL_VERIFY_CHECKSUM);
	assert_int_equal(config->owner_row, MYC_NO_ROW);
	assert_int_equal(config->standby_row, MYC_NO_ROW);
	assert_int_equal(config->endpoint, 7);
	assert_int_equal(config->reorder_window, 64);
	assert_int_equal(config->type_drop[1],
			 1ull << ('P' - 64) | 1ull << ('Q' - 64) | 1ull << ('N' - 64));
	assert_null(channels->config.symbols[0]);

	assert_string_equal(spec->name, "itch");
	assert_int_equal(spec->lines_count, 2);
	assert_int_equal(spec->binding_first, 0);
	assert_int_equal(spec->symbols->count, 2);
	assert_int_equal(spec->symbols->symbol[0], iex_symbol("AAPL"));
	assert_int_equal(spec->symbols->symbol[1], iex_symbol("MSFT"));

	packet_mapped(address, 0xef010101);
	assert_memory_equal(channels->config.binding[0].key.address, address, 16);
	assert_int_equal(channels->config.binding[0].key.port, 26400);
	assert_int_equal(channels->config.binding[0].key.vlan, MYC_VLAN_ANY);
	assert_int_equal(channels->config.binding[0].value.sources_count, 2);
	packet_mapped(address, 0x0a000002);
	assert_memory_equal(channels->config.binding[0].value.source[1], address, 16);
	assert_int_equal(channels->config.binding[1].key.vlan, 100);
	assert_int_equal(channels->config.binding[1].value.line, 1);
	myc_channels_free(channels);
}

static void defaults_and_the_other_protocols(void **state)
{
	struct myc_channels *channels =
		must_read("- name: tops\n"
			  "  protocol: iextp\n"
			  "  lines: [{ group: ff15::1, port: 10378 }]\n"
			  "  filter: { symbols: [SPY] }\n"
			  "  iex: { channel: 1, protocol: 0x8003 }\n"
			  "- name: other\n"
			  "  protocol: generic\n"
			  "  lines: [{ address: 10.0.0.9, port: 10378 }]\n"
			  "  generic: { offset: 4, width: 4, byte_order: little }\n"
			  "- name: raw\n"
			  "  protocol: generic\n"
			  "  lines: [{ address: 10.0.0.9, port: 1 }]\n"
			  "- name: big\n"
			  "  protocol: generic\n"
			  "  lines: [{ address: 10.0.0.9, port: 2 }]\n"
			  "  generic: { offset: 0, width: 8 }\n");
	const struct myc_channel_config *config = channels->config.channel;
	struct myc_symbol_filter filter;

	(void)state;
	assert_int_equal(config[0].filter, MYC_FILTER_SYMBOL);
	assert_int_equal(config[0].iex_channel, 1);
	assert_int_equal(config[0].iex_protocol, 0x8003);
	assert_int_equal(config[0].flags, MYC_CHANNEL_DROP_DUPLICATES);
	assert_int_equal(config[0].orphan, MYC_ORPHAN_HOLD);
	assert_int_equal(config[0].reorder_window, MYC_REORDER_WINDOW_DEFAULT);
	assert_int_equal(myc_symbol_filter_build(&filter, (uint64_t[]){iex_symbol("SPY")}, 1), 0);
	assert_memory_equal(channels->config.symbols[0], &filter, sizeof(filter));
	assert_int_equal(config[1].generic_offset, 4);
	assert_int_equal(config[1].generic_width, 4);
	assert_int_equal(config[1].flags & MYC_CHANNEL_GENERIC_BIG_ENDIAN, 0);
	assert_int_equal(config[2].generic_width, 0);
	assert_int_equal(config[3].generic_width, 8);
	assert_int_equal(config[3].flags & MYC_CHANNEL_GENERIC_BIG_ENDIAN,
			 MYC_CHANNEL_GENERIC_BIG_ENDIAN);
	assert_int_equal(channels->spec[3].binding_first, 3);
	assert_int_equal(channels->config.binding[3].value.channel, 3);
	myc_channels_free(channels);
}

/* A good channel of three lines, to be spoilt by what follows; a channel of one spoilt line. */
#define HEAD(protocol)                                                                           \
	"- name: a\n  protocol: " protocol "\n"					/* lines 1, 2 */ \
	"  lines: [{ group: 239.1.1.1, port: 5 }]\n"				/* line 3 */
#define LINE(line) "- name: a\n  protocol: generic\n  lines:\n    - " line "\n" /* line 4 */

static const struct {
	const char *text, *message;
} broken[] = {
	{"a: b", "c.yaml:1: not a sequence (write [a, b] or one '- item' a line)"},
	{"[]", "c.yaml:1: has 0 items (give 1 to 256)"},
	{"- a", "c.yaml:1: [0]: a: not a mapping (write 'key: value' pairs)"},
	{"- protocol: generic", "c.yaml:1: [0]: 'name' is missing (add 'name:')"},
	{"- name: a", "c.yaml:1: [0]: 'protocol' is missing (add 'protocol:')"},
	{"- name: a\n  protocol: generic", "c.yaml:1: [0]: 'lines' is missing (add 'lines:')"},
	{"- name: a b\n  protocol: generic\n  lines: []",
	 "c.yaml:1: [0].name: a b: has a character that a name may not (use "
	 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-)"},
	{"- name: a23456789012345678901234567890123456789012345678\n  protocol: generic\n"
	 "  lines: []",
	 "c.yaml:1: [0].name: a23456789012345678901234567890123456789012345678: longer than 47 "
	 "bytes (shorten it)"},
	{"- name: a\n  protocol: moldudp46\n  lines: []",
	 "c.yaml:2: [0].protocol: moldudp46: not known here (did you mean 'moldudp64'?)"},
	{"- name: a\n  protocol: generic\n  lines: []",
	 "c.yaml:3: [0].lines: has 0 items (give 1 to 4)"},
	{"- name: a\n  protocol: generic\n  lines: 239.1.1.1",
	 "c.yaml:3: [0].lines: 239.1.1.1: not a sequence (write [a, b] or one '- item' a line)"},
	{LINE("{ port: 5 }"),
	 "c.yaml:4: [0].lines[0]: needs one of 'group' and 'address' (name a multicast 'group:' or "
	 "a unicast 'address:')"},
	{LINE("{ group: 239.1.1.1, address: 10.0.0.1, port: 5 }"),
	 "c.yaml:4: [0].lines[0]: needs one of 'group' and 'address' (name a multicast 'group:' or "
	 "a unicast 'address:')"},
	{LINE("{ group: 239.1.1.1 }"), "c.yaml:4: [0].lines[0]: 'port' is missing (add 'port:')"},
	{LINE("{ group: 239.1.1.1, port: 0 }"),
	 "c.yaml:4: [0].lines[0].port: 0: out of range (use 1 to 65535)"},
	{LINE("{ group: 239.1.1.1, port: 70000 }"),
	 "c.yaml:4: [0].lines[0].port: 70000: out of range (use 1 to 65535)"},
	{LINE("{ group: 239.1.1, port: 5 }"),
	 "c.yaml:4: [0].lines[0].group: 239.1.1: not an IP address (write it as 239.1.1.1 or "
	 "ff15::1)"},
	{LINE("{ group: 10.0.0.1, port: 5 }"),
	 "c.yaml:4: [0].lines[0].group: 10.0.0.1: not a multicast address (use 'address:' for "
	 "unicast)"},
	{LINE("{ address: 239.1.1.1, port: 5 }"),
	 "c.yaml:4: [0].lines[0].address: 239.1.1.1: a multicast address (use 'group:' for "
	 "multicast)"},
	{LINE("{ address: ff15::1, port: 5 }"),
	 "c.yaml:4: [0].lines[0].address: ff15::1: a multicast address (use 'group:' for "
	 "multicast)"},
	{LINE("{ address: 0.0.0.0, port: 5 }"),
	 "c.yaml:4: [0].lines[0].address: 0.0.0.0: the unspecified address (name the address that "
	 "packets are sent to)"},
	{LINE("{ group: 239.1.1.1, port: 5, vlan: 0 }"),
	 "c.yaml:4: [0].lines[0].vlan: 0: not a VLAN (use any, or 1 to 4094)"},
	{LINE("{ group: 239.1.1.1, port: 5, vlan: 4095 }"),
	 "c.yaml:4: [0].lines[0].vlan: 4095: not a VLAN (use any, or 1 to 4094)"},
	{LINE("{ group: 239.1.1.1, port: 5, vlan: all }"),
	 "c.yaml:4: [0].lines[0].vlan: all: not a VLAN (use any, or 1 to 4094)"},
	{LINE("{ group: 239.1.1.1, port: 5, sources: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, "
	      "1.1.1.5] }"),
	 "c.yaml:4: [0].lines[0].sources: has 5 items (give 1 to 4)"},
	{LINE("{ group: 239.1.1.1, port: 5, sources: [x] }"),
	 "c.yaml:4: [0].lines[0].sources[0]: x: not an IP address (write it as 239.1.1.1 or "
	 "ff15::1)"},
	{LINE("{ group: 239.1.1.1, port: 5, sources: [239.1.1.1] }"),
	 "c.yaml:4: [0].lines[0].sources[0]: 239.1.1.1: a multicast address sends nothing (name "
	 "the publisher's own address)"},
	{LINE("{ group: 239.1.1.1, prot: 5 }"),
	 "c.yaml:4: [0].lines[0]: prot: unknown key (did you mean 'port'?)"},
	{LINE("{ group: 239.1.1.1, port: 5 }\n    - { group: 239.1.1.1, port: 5 }"),
	 "c.yaml:5: [0].lines[1]: the same address, port and VLAN as line A of channel 'a' (give "
	 "each line an address, port or VLAN of its own)"},
	{HEAD("generic") "- name: a\n  protocol: generic\n"
			 "  lines: [{ group: 239.1.1.1, port: 6 }]",
	 "c.yaml:4: [1].name: a: the name of an earlier channel, on line 1 (give it another "
	 "name)"},
	{HEAD("generic") "- name: b\n  protocol: generic\n"
			 "  lines: [{ group: 239.1.1.1, port: 5 }]",
	 "c.yaml:6: [1].lines[0]: the same address, port and VLAN as line A of channel 'a' (give "
	 "each line an address, port or VLAN of its own)"},
	{HEAD("generic") "  drop_duplicates: 1",
	 "c.yaml:4: [0].drop_duplicates: 1: not known here (known here: true, yes, on, false, no, "
	 "off)"},
	{HEAD("generic") "  drop_duplicate: true",
	 "c.yaml:4: [0]: drop_duplicate: unknown key (did you mean 'drop_duplicates'?)"},
	{HEAD("generic") "  reorder_window: 0",
	 "c.yaml:4: [0].reorder_window: 0: out of range (use 1 to 16777216)"},
	{HEAD("generic") "  reorder_window: many",
	 "c.yaml:4: [0].reorder_window: many: not a number (use 1 to 16777216)"},
	{HEAD("generic") "  orphan: drop",
	 "c.yaml:4: [0].orphan: drop: not known here (known here: hold, pass)"},
	{HEAD("generic") "  endpoint: 64",
	 "c.yaml:4: [0].endpoint: 64: out of range (use 0 to 63)"},
	{HEAD("generic") "  filter: { symbols: [AAPL] }",
	 "c.yaml:4: [0].filter: protocol generic has no messages to filter (remove it, or name the "
	 "protocol)"},
	{HEAD("moldudp64") "  filter: { symbols: [] }",
	 "c.yaml:4: [0].filter.symbols: has 0 items (give 1 to 1024)"},
	{HEAD("moldudp64") "  filter: { symbols: [TOOLONGNAME] }",
	 "c.yaml:4: [0].filter.symbols[0]: TOOLONGNAME: not 1 to 8 printable characters (write it "
	 "as on the wire, unpadded)"},
	{HEAD("moldudp64") "  filter: { symbols: [A, \"B \"] }",
	 "c.yaml:4: [0].filter.symbols[1]: B : not 1 to 8 printable characters (write it as on the "
	 "wire, unpadded)"},
	{HEAD("moldudp64") "  filter: { symbols: [A, B, A] }",
	 "c.yaml:4: [0].filter.symbols[2]: A: the symbol is here twice (keep one)"},
	{HEAD("moldudp64") "  filter: { types_drop: [P, D] }",
	 "c.yaml:4: [0].filter.types_drop[1]: D: not a message type that may be dropped (use "
	 "letters of PQBINLYJ: books need all the others)"},
	{HEAD("iextp") "  filter: { types_drop: ['8'] }",
	 "c.yaml:4: [0].filter.types_drop[0]: 8: not a message type that may be dropped (use "
	 "letters of QTXBAI: books need all the others)"},
	{HEAD("moldudp64") "  filter: { types_drop: [PQ] }",
	 "c.yaml:4: [0].filter.types_drop[0]: PQ: not a message type that may be dropped (use "
	 "letters of PQBINLYJ: books need all the others)"},
	{HEAD("moldudp64") "  filter: { symbol: [A] }",
	 "c.yaml:4: [0].filter: symbol: unknown key (did you mean 'symbols'?)"},
	{HEAD("moldudp64") "  generic: { offset: 0, width: 8 }",
	 "c.yaml:4: [0].generic: is for protocol generic (remove it, or set 'protocol: generic')"},
	{HEAD("generic") "  generic: { offset: 0 }",
	 "c.yaml:4: [0].generic: 'width' is missing (add 'width:')"},
	{HEAD("generic") "  generic: { offset: 0, width: 3 }",
	 "c.yaml:4: [0].generic.width: 3: not known here (known here: 1, 2, 4, 8)"},
	{HEAD("generic") "  generic: { offset: 1401, width: 4 }",
	 "c.yaml:4: [0].generic.offset: 1401: out of range (use 0 to 1400)"},
	{HEAD("generic") "  generic: { offset: 0, width: 4, byte_order: middle }",
	 "c.yaml:4: [0].generic.byte_order: middle: not known here (known here: big, little)"},
	{HEAD("moldudp64") "  iex: { channel: 1 }",
	 "c.yaml:4: [0].iex: is for protocol iextp (remove it, or set 'protocol: iextp')"},
	{HEAD("iextp") "  iex: { channel: 0 }",
	 "c.yaml:4: [0].iex.channel: 0: out of range (use 1 to 4294967295)"},
	{HEAD("iextp") "  iex: { protocol: 0x18003 }",
	 "c.yaml:4: [0].iex.protocol: 0x18003: out of range (use 1 to 65535)"},
};

static void each_fault_names_its_line_field_value_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct myc_channels *channels = NULL;
		char message[1024];

		assert_int_equal(
			read_channels(broken[i].text, MYC_CHANNELS_STANDALONE, &channels, message),
			-EINVAL);
		assert_string_equal(message, broken[i].message);
		assert_null(channels);
	}
}

static void a_topologys_channels_do_not_name_endpoints(void **state)
{
	struct myc_channels *channels = NULL;
	char message[1024];

	(void)state;
	assert_int_equal(read_channels(HEAD("generic") "  endpoint: 3", MYC_CHANNELS_OF_ACTORS,
				       &channels, message),
			 -EINVAL);
	assert_non_null(strstr(message, "c.yaml:4: [0]: endpoint: unknown key (known here: "));
}

static void the_largest_section_fits(void **state)
{
	size_t size = 256 * 400, used = 0;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < MYC_CHANNELS_MAX; i++) {
		used += (size_t)snprintf(text + used, size - used,
					 "- name: c%d\n  protocol: generic\n  lines:\n", i);
		for (int line = 0; line < MYC_LINES_MAX; line++)
			used += (size_t)snprintf(text + used, size - used,
						 "    - { group: 239.1.%d.%d, port: 5 }\n", line,
						 i);
	}
	struct myc_channels *channels = must_read(text);
	assert_int_equal(channels->config.channels_count, MYC_CHANNELS_MAX);
	assert_int_equal(channels->config.bindings_count, MYC_BINDINGS_MAX);
	myc_channels_free(channels);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_channel_becomes_the_programs_configuration),
		cmocka_unit_test(defaults_and_the_other_protocols),
		cmocka_unit_test(each_fault_names_its_line_field_value_and_remedy),
		cmocka_unit_test(a_topologys_channels_do_not_name_endpoints),
		cmocka_unit_test(the_largest_section_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
