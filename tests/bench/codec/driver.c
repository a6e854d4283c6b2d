/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `make bench-codec`: what myc-gen makes beside a packed C struct, the limit, and its peers, interleaved.
 * Each round plays the whole schedule once; what a contestant prints (measure.h) is one sample of each of its
 * figures. Prints the table and writes build/bench/codec.json; with BARS=1 a missed bar fails.
 *
 *	ROUNDS=n      rounds, 7
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bench.h"

#define ROUNDS 7
#define NAME   64

#define LIMIT "packed struct"
#define OURS  "Mycelium"

static const struct contestant {
	const char *title, *program, *argument;
	bool peer;
} schedule[] = {
	{LIMIT, "struct", "", false},
	{OURS, "mycelium", "", false},
	{"rkyv", "rust", "rkyv", true},
	{OURS, "mycelium", "", false},
	{LIMIT, "struct", "", false},
	{"bincode", "rust", "bincode", true},
	{"FlatBuffers", "flatbuffers", "", true},
	{"Cap'n Proto", "capnproto", "", true},
	{"protobuf-c", "protobuf", "", true},
};
#define CONTESTANTS (sizeof(schedule) / sizeof(schedule[0]))

static const struct operation {
	const char *name;
	double limit; /* of what the struct takes; 0 = no bar */
} operations[] = {
	{"order encode", 1.2},	     {"order validate and read all", 1.5},
	{"order read one field", 0}, {"order decode to a struct", 0},
	{"book encode", 1.2},	     {"book validate and read all", 1.5},
	{"book read one field", 0},  {"book decode to a struct", 0},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static char folder[256];
static double bytes_of[CONTESTANTS][OPERATIONS];

static void figure_name(char *out, size_t size, const struct operation *operation,
			const char *title)
{
	snprintf(out, size, "%s, %s", operation->name, title);
}

/* One line of a contestant: figure TAB ns TAB bytes. */
static void take(struct bench *bench, size_t who, char *line)
{
	char *value = strchr(line, '\t'), name[NAME];
	char *bytes = value ? strchr(value + 1, '\t') : NULL;

	if (!bytes)
		return;
	*value++ = 0;
	for (size_t i = 0; i < OPERATIONS; i++) {
		if (strcmp(line, operations[i].name) != 0)
			continue;
		figure_name(name, sizeof(name), &operations[i], schedule[who].title);
		bench_sample(bench, name, "ns", strtod(value, NULL));
		bytes_of[who][i] = strtod(bytes + 1, NULL);
	}
}

static void leave_out(struct bench *bench, const struct contestant *contestant)
{
	char path[320], why[120] = "", note[160];

	snprintf(path, sizeof(path), "%s/%s.missing", folder, contestant->program);
	FILE *file = fopen(path, "r");
	if (file) {
		if (fgets(why, sizeof(why), file))
			why[strcspn(why, "\n")] = 0;
		fclose(file);
	}
	snprintf(note, sizeof(note), "%s %s", contestant->title, *why ? why : "did not run");
	bench_note(bench, note);
}

static bool play(struct bench *bench, size_t who)
{
	char command[600], line[256];
	bool any = false;

	snprintf(command, sizeof(command), "exec timeout 60 '%s/%s' %s 2>/dev/null", folder,
		 schedule[who].program, schedule[who].argument);
	FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): words of our own */
	if (!pipe)
		return false;
	while (fgets(line, sizeof(line), pipe)) {
		any = true;
		take(bench, who, line);
	}
	return pclose(pipe) == 0 && any;
}

/* The row of ours against the fastest peer, whoever that is in this column. */
static void against_peers(struct bench *bench, const struct operation *operation)
{
	char name[NAME];
	double best = 0, ours;

	for (size_t i = 0; i < CONTESTANTS; i++) {
		figure_name(name, sizeof(name), operation, schedule[i].title);
		double value = schedule[i].peer ? bench_median(bench, name) : 0;
		if (value > 0 && (best <= 0 || value < best))
			best = value;
	}
	figure_name(name, sizeof(name), operation, OURS);
	ours = bench_median(bench, name);
	if (best <= 0 || ours <= 0)
		return;
	figure_name(name, sizeof(name), operation, "Mycelium over the best peer");
	bench_sample(bench, name, "times", ours / best);
	bench_bar(bench, name, BENCH_AT_MOST, 1.05);
}

static void finish_operation(struct bench *bench, size_t i)
{
	char name[NAME], limit[NAME], mode[64];

	figure_name(limit, sizeof(limit), &operations[i], LIMIT);
	for (size_t who = 0; who < CONTESTANTS; who++) {
		figure_name(name, sizeof(name), &operations[i], schedule[who].title);
		double median = bench_median(bench, name);
		if (median <= 0)
			continue;
		snprintf(mode, sizeof(mode), "%.0f bytes, %.1f GB/s", bytes_of[who][i],
			 bytes_of[who][i] / median);
		bench_mode(bench, name, mode);
		if (strcmp(name, limit) != 0)
			bench_raw(bench, name, limit);
	}
	figure_name(name, sizeof(name), &operations[i], OURS);
	if (operations[i].limit > 0)
		bench_bar(bench, name, BENCH_RATIO_AT_MOST, operations[i].limit);
	against_peers(bench, &operations[i]);
}

static void note_versions(struct bench *bench)
{
	char path[320], line[160];

	snprintf(path, sizeof(path), "%s/versions", folder);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		bench_note(bench, line);
	}
	if (file)
		fclose(file);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	const char *text = getenv("ROUNDS"), *slash = strrchr(argv[0], '/');
	int rounds = text ? atoi(text) : ROUNDS;

	(void)argc;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - argv[0]) : 1,
		 slash ? argv[0] : ".");
	bench_begin(&bench, "codec",
		    "an order of 100 bytes, a book of 40 entries; batches in the first-level "
		    "cache, core 1");
	bench_pin(1);
	for (int round = 0; round < rounds; round++) {
		for (size_t who = 0; who < CONTESTANTS; who++) {
			if (!play(&bench, who) && !round)
				leave_out(&bench, &schedule[who]);
		}
	}
	for (size_t i = 0; i < OPERATIONS; i++)
		finish_operation(&bench, i);
	note_versions(&bench);
	return bench_finish(&bench);
}
