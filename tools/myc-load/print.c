/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-load/print.h"

#include <stdio.h>
#include <string.h>

#include "myc-load/config.h"

#define REASON_NAME(name, text) #name,
#define REASON_TEXT(name, text) text,
static const char *const reason_names[] = {MYC_REASONS(REASON_NAME)};
static const char *const reason_texts[] = {MYC_REASONS(REASON_TEXT)};
static const char *const fact_names[] = {MYC_FACTS(REASON_NAME)};
static const char *const fact_texts[] = {MYC_FACTS(REASON_TEXT)};

/* Receipts are ours, interface names nearly anything. */
static void print_json_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

void print_status(const char *name, const struct myc_program_status *status, bool json)
{
	const char *mode =
		status->attached == MYC_ATTACH_AUTO ? "" : config_modes[status->attached];

	if (json) {
		printf("{\"name\": \"%s\", \"interface\": ", name);
		print_json_text(status->interface);
		printf(", \"interface_index\": %u, \"attached\": \"%s\", \"link_id\": %u, "
		       "\"program_id\": %u, \"channels\": %u, \"receipt\": ",
		       status->interface_index, mode, status->link_id, status->program_id,
		       status->channels_count);
		print_json_text(status->receipt);
		printf(", \"trust\": ");
		print_json_text(status->trust);
		printf("}\n");
		return;
	}
	printf("%s: %s; program %u", name, status->receipt, status->program_id);
	if (status->link_id)
		printf(", link %u", status->link_id);
	printf(", %u channel%s", status->channels_count, status->channels_count == 1 ? "" : "s");
	if (status->trust[0])
		printf("; sockets, mode auto: %s", status->trust);
	putchar('\n');
}

static void print_group(const char *title, const uint64_t *count, unsigned counts,
			const char *const *names, const char *const *texts, bool json)
{
	bool first = true;

	if (json)
		printf("\"%s\": {", title);
	for (unsigned i = 0; i < counts; i++) {
		if (!count[i])
			continue;
		if (json)
			printf("%s\"%s\": %llu", first ? "" : ", ", names[i],
			       (unsigned long long)count[i]);
		else
			printf("  %12llu  %s\n", (unsigned long long)count[i], texts[i]);
		first = false;
	}
	if (json)
		printf("}");
}

int print_counters(const struct myc_program *program, uint32_t channels, bool json)
{
	for (uint32_t row = 0; row <= channels; row++) {
		struct myc_counters counters;
		uint64_t packets = 0;
		int err = myc_program_counters(program, row, &counters);

		if (err)
			return err;
		for (unsigned i = 0; i < MYC_REASONS_COUNT; i++)
			packets += counters.reason[i];
		if (!packets)
			continue;
		if (json && row)
			printf("{\"channel\": %u, \"packets\": %llu, ", row - 1,
			       (unsigned long long)packets);
		else if (json)
			printf("{\"channel\": null, \"packets\": %llu, ",
			       (unsigned long long)packets);
		else if (row)
			printf("channel %u: %llu packets\n", row - 1, (unsigned long long)packets);
		else
			printf("no channel: %llu packets\n", (unsigned long long)packets);
		print_group("reasons", counters.reason, MYC_REASONS_COUNT, reason_names,
			    reason_texts, json);
		printf("%s", json ? ", " : "");
		print_group("facts", counters.fact, MYC_FACTS_COUNT, fact_names, fact_texts, json);
		printf("%s", json ? "}\n" : "");
	}
	return 0;
}
