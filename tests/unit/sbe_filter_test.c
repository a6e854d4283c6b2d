/* SPDX-License-Identifier: Apache-2.0 */
/* From a schema file and a topology's wishes to the steering program's table. */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sbe_body.h"
#include "dataplane/steer_user.h"
#include "myc-gen/filter.h"
#include "runtime/channels_yaml.h"

#define SCHEMAS "tests/schemas/good/"

static void compile(uint8_t protocol, const char *file, const char *const *templates,
		    unsigned count, const char *instrument, const char *keep_field,
		    const char *keep_choice, struct myc_sbe_filter *out, uint64_t *most)
{
	const struct myc_schema_wish wish = {
		.file = file,
		.protocol = protocol,
		.instrument = instrument,
		.templates = templates,
		.templates_count = count,
		.keep_field = keep_field,
		.keep_choice = keep_choice,
	};
	struct myc_schema_fault fault = {0};

	if (gen_filter(&wish, out, most, &fault))
		fail_msg("%s", fault.text);
}

/* The tables that the verdicts of steer_vectors.c were written for, by hand. */
static void tables_are_those_written_by_hand(void **state)
{
	struct myc_sbe_filter made, by_hand;
	uint64_t most;

	(void)state;
	compile(MYC_PROTOCOL_MDP3, SCHEMAS "feed_mdp3.xml",
		(const char *[]){"IncrementalRefreshBook", "47", "SecurityStatus"}, 3, "SecurityID",
		"MatchEventIndicator", "RecoveryMsg", &made, &most);
	sbe_table(MYC_SBE_MDP3, &by_hand);
	assert_memory_equal(&made, &by_hand, sizeof(made));
	assert_int_equal(most, UINT32_MAX);

	compile(MYC_PROTOCOL_B3, SCHEMAS "feed_b3.xml",
		(const char *[]){"Order", "EmptyBook", "SnapshotOrders"}, 3, "securityID", NULL,
		NULL, &made, &most);
	sbe_table(MYC_SBE_B3, &by_hand);
	assert_memory_equal(&made, &by_hand, sizeof(made));
	assert_true(most == UINT64_MAX);

	compile(MYC_PROTOCOL_MEMX, SCHEMAS "feed_memx.xml",
		(const char *[]){"OrderAdded", "OrderDeleted"}, 2, "SecurityID", NULL, NULL, &made,
		&most);
	sbe_table(MYC_SBE_MEMX, &by_hand);
	assert_memory_equal(&made, &by_hand, sizeof(made));
	assert_int_equal(most, UINT16_MAX);

	compile(MYC_PROTOCOL_DERIBIT, SCHEMAS "feed_deribit.xml",
		(const char *[]){"book", "trades"}, 2, "instrumentId", NULL, NULL, &made, &most);
	sbe_table(MYC_SBE_DERIBIT, &by_hand);
	assert_memory_equal(&made, &by_hand, sizeof(made));
}

static int read_channel(const char *protocol, const char *filter, struct myc_channels **out,
			char message[1024])
{
	struct myc_error error = {0};
	struct myc_yaml *yaml = NULL;
	static char text[13000];
	int err;

	snprintf(text, sizeof(text),
		 "- name: feed\n"
		 "  protocol: %s\n"
		 "  lines: [ { group: 239.1.1.1, port: 26400 } ]\n"
		 "  filter:\n%s",
		 protocol, filter);
	err = myc_yaml_parse(&yaml, SCHEMAS "desk.yaml", text, strlen(text), &error);
	*out = NULL;
	err = err ? err
		  : myc_channels_read(out, myc_yaml_root(yaml), MYC_CHANNELS_STANDALONE, &error);
	myc_error_format(&error, message, 1024);
	myc_yaml_close(yaml);
	return err;
}

#define MDP3                                                \
	"    schema: feed_mdp3.xml\n"                       \
	"    templates: [IncrementalRefreshBook, 47, 30]\n" \
	"    instrument: SecurityID\n"                      \
	"    keep: { field: MatchEventIndicator, choice: RecoveryMsg }\n"

static void a_topology_names_schema_templates_and_instruments(void **state)
{
	struct myc_sbe_filter by_hand;
	struct myc_channels *channels;
	struct myc_error error = {0};
	char message[1024];

	(void)state;
	if (read_channel("mdp3", MDP3 "    instruments: [5, 0x3e8]\n", &channels, message)) {
		fail_msg("%s", message);
		abort();
	}
	sbe_table(MYC_SBE_MDP3, &by_hand);
	assert_int_equal(channels->config.channel[0].filter, MYC_FILTER_SBE);
	assert_memory_equal(channels->config.sbe[0], &by_hand, sizeof(by_hand));
	assert_int_equal(channels->spec[0].symbols->count, 2);
	assert_int_equal(channels->config.symbols[0]->slot[myc_symbol_hash(1000)], 1000);
	assert_int_equal(myc_steer_config_check(&channels->config, &error), 0);
	myc_channels_free(channels);
}

/* protocol, filter, what the message must have */
static void what_cannot_be_is_refused_with_place_and_remedy(void **state)
{
	static const char *const refused[][3] = {
		{"mdp3", MDP3, "desk.yaml:5: [0].filter: 'instruments' is missing"},
		{"mdp3", MDP3 "    instruments: [0]\n",
		 "desk.yaml:9: [0].filter.instruments[0]: 0: "},
		{"mdp3", MDP3 "    instruments: [4294967296]\n",
		 "4294967296: out of range (use 1 to 4294967295)"},
		{"mdp3", MDP3 "    instruments: [7, 8, 7]\n",
		 "instruments[2]: 7: the instrument is here twice"},
		{"mdp3", MDP3 "    instruments: [7]\n    symbols: [A]\n", "symbols"},
		{"mdp3",
		 "    schema: none.xml\n    templates: [1]\n    instrument: A\n    instruments: "
		 "[1]\n",
		 "desk.yaml:5: [0].filter.schema: none.xml: "},
		{"mdp3",
		 "    schema: ../bad/enum_empty.xml\n    templates: [1]\n    instrument: A\n    "
		 "instruments: [1]\n",
		 "enum_empty.xml:"},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [47, Nothing]\n    instrument: "
		 "SecurityID\n    instruments: [1]\n",
		 "desk.yaml:6: [0].filter.templates[1]: Nothing: "},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [47, 47]\n    instrument: SecurityID\n "
		 "   instruments: [1]\n",
		 "here twice"},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [ChannelReset]\n    instrument: "
		 "SecurityID\n    instruments: [1]\n",
		 "what concerns no one instrument always passes"},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [AdminHeartbeat]\n    instrument: "
		 "SecurityID\n    instruments: [1]\n",
		 "always passes"},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [46]\n    instrument: MDEntryPx\n    "
		 "instruments: [1]\n    keep: { field: Nothing }\n",
		 "desk.yaml:9: [0].filter.keep: no listed template has a field Nothing"},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [46]\n    instrument: SecurityID\n    "
		 "instruments: [1]\n    keep: { field: MatchEventIndicator, choice: Nope }\n",
		 "has no choice Nope"},
		{"mdp3",
		 "    schema: feed_mdp3.xml\n    templates: [46]\n    instrument: SecurityID\n    "
		 "instruments: [1]\n    keep: { field: TransactTime }\n",
		 "has 8 bytes"},
		{"b3",
		 "    schema: feed_memx.xml\n    templates: [10]\n    instrument: SecurityID\n    "
		 "instruments: [1]\n",
		 "the byte order is not that of the frame"},
		{"memx",
		 "    schema: feed_memx.xml\n    templates: [1]\n    instrument: Symbol\n    "
		 "instruments: [1]\n",
		 "no whole number Symbol"},
		{"memx",
		 "    schema: feed_memx.xml\n    templates: [10]\n    instrument: SecurityID\n    "
		 "instruments: [65536]\n",
		 "65536: out of range (use 1 to 65535)"},
		{"deribit",
		 "    schema: feed_deribit.xml\n    templates: [instrument]\n    instrument: "
		 "instrumentId\n    instruments: [1]\n",
		 "does not say where a message ends"},
		{"mdp3",
		 "    schema: groups_nested.xml\n    templates: [1]\n    instrument: nothing\n    "
		 "instruments: [1]\n",
		 "desk.yaml:6: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct myc_channels *channels;
		char message[1024];

		assert_int_equal(read_channel(refused[i][0], refused[i][1], &channels, message),
				 -EINVAL);
		if (!strstr(message, refused[i][2]))
			fail_msg("\"%s\" does not say \"%s\"", message, refused[i][2]);
	}
}

/* As many instruments as there is room for, and one more. */
static void instruments_are_counted(void **state)
{
	static char filter[12000];
	struct myc_channels *channels;
	char message[1024];

	(void)state;
	for (unsigned n = MYC_SYMBOLS_MAX; n <= MYC_SYMBOLS_MAX + 1; n++) {
		size_t at = (size_t)snprintf(filter, sizeof(filter), MDP3 "    instruments: [1");

		for (unsigned i = 2; i <= n; i++)
			at += (size_t)snprintf(filter + at, sizeof(filter) - at, ", %u", i * 7);
		snprintf(filter + at, sizeof(filter) - at, "]\n");
		if (n > MYC_SYMBOLS_MAX) {
			assert_int_equal(read_channel("mdp3", filter, &channels, message), -EINVAL);
			assert_non_null(strstr(message, "has 1025 items (give 1 to 1024)"));
			continue;
		}
		if (read_channel("mdp3", filter, &channels, message)) {
			fail_msg("%s", message);
			abort();
		}
		assert_int_equal(channels->spec[0].symbols->count, n);
		myc_channels_free(channels);
	}
}

/* B3 has two dozen templates that name instruments: all of them go into one table. */
static void templates_of_a_whole_feed_fit(void **state)
{
	char path[] = "/tmp/myc-sbe-filter-XXXXXX", names[MYC_SBE_TEMPLATES_MAX][8];
	const char *templates[MYC_SBE_TEMPLATES_MAX];
	struct myc_sbe_filter filter;
	unsigned used = 0;
	uint64_t most;

	(void)state;
	FILE *file = fdopen(mkstemp(path), "w");
	assert_non_null(file);
	fputs("<sbe:messageSchema xmlns:sbe=\"http://fixprotocol.io/2016/sbe\" package=\"many\" "
	      "id=\"1\" "
	      "version=\"0\"><types><composite name=\"messageHeader\">"
	      "<type name=\"blockLength\" primitiveType=\"uint16\"/><type name=\"templateId\" "
	      "primitiveType=\"uint16\"/><type name=\"schemaId\" primitiveType=\"uint16\"/>"
	      "<type name=\"version\" primitiveType=\"uint16\"/></composite></types>\n",
	      file);
	for (unsigned i = 0; i < MYC_SBE_TEMPLATES_MAX; i++) {
		fprintf(file,
			"<sbe:message name=\"m%u\" id=\"%u\"><field name=\"instrument\" id=\"1\" "
			"type=\"uint32\"/></sbe:message>\n",
			i, 30 + 2 * i);
		snprintf(names[i], sizeof(names[i]), "m%u", i);
		templates[i] = names[i];
	}
	fputs("</sbe:messageSchema>\n", file);
	fclose(file);
	compile(MYC_PROTOCOL_MDP3, path, templates, MYC_SBE_TEMPLATES_MAX, "instrument", NULL, NULL,
		&filter, &most);
	unlink(path);
	for (unsigned i = 0; i < MYC_SBE_ROWS; i++)
		used += filter.row[i].used;
	assert_int_equal(used, MYC_SBE_TEMPLATES_MAX);
}

static void without_a_compiler_schemas_are_refused(void **state)
{
	struct myc_channels *channels;
	char message[1024];

	(void)state;
	myc_schema_compile = NULL;
	assert_int_equal(read_channel("mdp3", MDP3 "    instruments: [5]\n", &channels, message),
			 -EINVAL);
	myc_schema_compile = gen_filter;
	assert_non_null(strstr(message, "no schema compiler"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_those_written_by_hand),
		cmocka_unit_test(a_topology_names_schema_templates_and_instruments),
		cmocka_unit_test(what_cannot_be_is_refused_with_place_and_remedy),
		cmocka_unit_test(instruments_are_counted),
		cmocka_unit_test(templates_of_a_whole_feed_fit),
		cmocka_unit_test(without_a_compiler_schemas_are_refused),
	};

	myc_schema_compile = gen_filter;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
