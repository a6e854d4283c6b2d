/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *const protocol_names[] = {
	[WIRE_NONE] = "none", [WIRE_MOLDUDP64] = "moldudp64", [WIRE_IEXTP] = "iextp"};
static const char *const begin_names[] = {[TRUTH_START] = "start",
					  [TRUTH_SESSION_CHANGE] = "session change",
					  [TRUTH_RESTART] = "restart"};

int report_open(struct report *report)
{
	return truth_lost_on_all(&report->feed->truth, &report->lost);
}

void report_close(struct report *report)
{
	truth_ranges_close(&report->lost);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void group_name(const struct frame_address *address, char name[32])
{
	char group[INET_ADDRSTRLEN] = "";

	inet_ntop(AF_INET, &address->group, group, sizeof(group));
	snprintf(name, 32, "%s:%u", group, address->port);
}

static void text_line(const struct report *report, uint32_t i, FILE *out)
{
	const struct impair_counters *c = &report->feed->line[i].impair.counters;
	char group[32];

	group_name(&report->addresses->line[i], group);
	fprintf(out,
		"line %c  %-22s %10" PRIu64 " packets %11" PRIu64 " messages sent; %" PRIu64
		" packets (%" PRIu64 " messages) dropped on purpose, %" PRIu64
		" sent twice, %" PRIu64 " reordered, %" PRIu64 " heartbeats\n",
		(char)('A' + i), group, c->packets_passed, c->messages_passed, c->packets_dropped,
		c->messages_dropped, c->packets_duplicated, c->packets_reordered,
		c->heartbeats_passed);
}

void report_text(const struct report *report, FILE *out)
{
	const struct feed *feed = report->feed;
	uint64_t hidden = truth_messages(&report->lost, false);

	fprintf(out,
		"%s to %s: %" PRIu64 " messages in %" PRIu64 " packets a line, seed %" PRIu64
		", %.3f s (%.3f s on the feed's clock), ended by %s\n",
		report->source, report->output, feed->messages,
		feed->line[0].impair.counters.packets_made, report->seed,
		seconds(feed->ended_wall_ns - feed->started_wall_ns),
		seconds(feed->now_ns - feed->first_ns), feed->ended_by);
	for (uint32_t i = 0; i < feed->opts.lines; i++)
		text_line(report, i, out);
	fprintf(out, "lost on every line: %" PRIu64 " messages in %" PRIu64 " ranges",
		truth_messages(&report->lost, true) + hidden, report->lost.count);
	if (hidden)
		fprintf(out, ", %" PRIu64 " of them with nothing behind that tells of them",
			hidden);
	fputc('\n', out);
	if (feed->truth.runs > 1)
		fprintf(out, "sessions and restarts: %u\n", feed->truth.runs);
	if (feed->source->skipped)
		fprintf(out, "captured packets that are not of this feed: %" PRIu64 "\n",
			feed->source->skipped);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* File names come from the command line: quotes and control characters are escaped. */
static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void json_line(const struct report *report, uint32_t i, FILE *out)
{
	const struct impair_counters *c = &report->feed->line[i].impair.counters;
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		{"packets_made", c->packets_made},
		{"packets_sent", c->packets_passed},
		{"packets_dropped", c->packets_dropped},
		{"packets_duplicated", c->packets_duplicated},
		{"packets_reordered", c->packets_reordered},
		{"messages_made", c->messages_made},
		{"messages_sent", c->messages_passed},
		{"messages_dropped", c->messages_dropped},
		{"messages_duplicated", c->messages_duplicated},
		{"heartbeats_sent", c->heartbeats_passed},
		{"heartbeats_dropped", c->heartbeats_dropped},
		{"ends_sent", c->ends_passed},
	};
	char group[32];

	group_name(&report->addresses->line[i], group);
	fprintf(out, "%s\n    {\"line\": \"%c\", \"group\": \"%s\"", i ? "," : "", (char)('A' + i),
		group);
	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
		fprintf(out, ", \"%s\": %" PRIu64, fields[f].name, fields[f].value);
	fputc('}', out);
}

static void json_run(const struct truth_run *run, bool first, FILE *out)
{
	fprintf(out, "%s\n    {\"session\": ", first ? "" : ",");
	json_string(out, run->session);
	fprintf(out,
		", \"begin\": \"%s\", \"first\": %" PRIu64 ", \"next\": %" PRIu64
		", \"revealed_next\": %" PRIu64 "}",
		begin_names[run->begin], run->first, run->next, run->revealed_next);
}

static void json_lost(const struct truth_ranges *lost, FILE *out)
{
	fprintf(out,
		"  \"lost_on_all_lines\": {\"messages\": %" PRIu64 ", \"unrevealed\": %" PRIu64
		", \"ranges\": [",
		truth_messages(lost, true) + truth_messages(lost, false),
		truth_messages(lost, false));
	for (uint64_t i = 0; i < lost->count; i++)
		fprintf(out,
			"%s\n    {\"run\": %u, \"first\": %" PRIu64 ", \"last\": %" PRIu64
			", \"revealed\": %s}",
			i ? "," : "", lost->range[i].run, lost->range[i].first, lost->range[i].last,
			lost->range[i].revealed ? "true" : "false");
	fputs("]}\n", out);
}

static void json(const struct report *report, FILE *out)
{
	const struct feed *feed = report->feed;

	fputs("{\n  \"source\": ", out);
	json_string(out, report->source);
	fputs(",\n  \"output\": ", out);
	json_string(out, report->output);
	fprintf(out,
		",\n  \"protocol\": \"%s\",\n  \"seed\": %" PRIu64 ",\n  \"messages\": %" PRIu64
		",\n  \"skipped_packets\": %" PRIu64 ",\n  \"feed_ns\": %" PRIu64
		",\n  \"wall_ns\": %" PRIu64 ",\n  \"ended_by\": \"%s\",\n  \"lines\": [",
		protocol_names[feed->opts.protocol], report->seed, feed->messages,
		feed->source->skipped, feed->now_ns - feed->first_ns,
		feed->ended_wall_ns - feed->started_wall_ns, feed->ended_by);
	for (uint32_t i = 0; i < feed->opts.lines; i++)
		json_line(report, i, out);
	fputs("],\n  \"runs\": [", out);
	for (uint32_t i = 0; i < feed->truth.runs; i++)
		json_run(&feed->truth.run[i], i == 0, out);
	fputs("],\n", out);
	json_lost(&report->lost, out);
	fputs("}\n", out);
}

static int refused(const char *path, struct myc_error *error)
{
	return myc_error_set(error, -errno, "name a file that can be written", "--report %s: %s",
			     path, strerror(errno));
}

int report_check(const char *path, struct myc_error *error)
{
	bool is_new = access(path, F_OK) != 0;
	FILE *out = fopen(path, "ae");

	if (!out)
		return refused(path, error);
	fclose(out);
	if (is_new)
		unlink(path);
	return 0;
}

int report_json(const struct report *report, const char *path, struct myc_error *error)
{
	FILE *out = fopen(path, "we");
	int failed;

	if (!out)
		return refused(path, error);
	json(report, out);
	failed = ferror(out);
	failed |= fclose(out);
	if (failed)
		return myc_error_set(error, -EIO, "make room on that file system",
				     "%s: writing failed", path);
	return 0;
}
