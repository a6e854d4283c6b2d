/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `make bench-actors`: Mycelium's actors beside the machine's limits and its peers, interleaved. Each
 * round plays the whole schedule once; what a contestant prints (measure.h) is one sample of each of
 * its figures. Prints the table and writes build/bench/actors.json; with BARS=1 a missed bar fails.
 *
 *	ROUNDS=n      rounds, 5
 *	ONLY=text     only contestants whose name or command contains it (bars of the others are missed)
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bench.h"

#define ROUNDS	      5
#define LIMIT_SECONDS 30 /* of one contestant */
#define ENTRIES_MAX   192
#define NOTES_MAX     48

/* ---- who plays what ---------------------------------------------------------------------------- */

#define IN     "Mycelium, threads"
#define ACROSS "Mycelium, processes"
#define LINE   "raw hand-over"
#define LANE   "bare lane"
#define LONG   "bare lane of 4096"
#define FUTEX  "raw futex"

static const struct contestant {
	const char *title;
	const char *program, *argument;
} schedule[] = {
	/* Pairs, so that in-process and across processes meet the same weather. */
	{LINE, "raw", "line"},
	{IN, "mycelium", "one-way-threads"},
	{ACROSS, "mycelium", "one-way-processes"},
	{LANE, "lane", NULL},
	{IN, "mycelium", "one-way-threads"},
	{ACROSS, "mycelium", "one-way-processes"},
	{LINE, "raw", "line"},
	{IN, "mycelium", "one-way-threads"},
	{ACROSS, "mycelium", "one-way-processes"},
	{IN, "mycelium", "threads"},
	{ACROSS, "mycelium", "processes"},
	{LANE, "lane", NULL},
	{LONG, "lane", "4096"},
	{IN, "mycelium", "timers"},
	{IN, "mycelium", "spawn"},
	{FUTEX, "raw", "futex"},
	{IN, "mycelium", "sleep"},
	{IN, "mycelium", "topics"},
	{"tokio mpsc bounded", "tokio", "bounded"},
	{"tokio mpsc unbounded", "tokio", "unbounded"},
	{"crossbeam-channel", "crossbeam", NULL},
	{LINE, "raw", "line"},
	{"CAF", "caf", NULL},
	{"DPDK rte_ring", "rte_ring", NULL},
	{"Concurrency Kit", "ck_ring", NULL},
};
#define SCHEDULE_SIZE (sizeof(schedule) / sizeof(schedule[0]))

#define PAIRS "one-way p50, processes / threads"

/* The order of the table; `limit` is the figure's raw limit (what LINE, LANE, ... measured). */
static const struct kind {
	const char *figure;
	const char *limit;
} kinds[] = {
	{"one-way p50", "one-way p50: " LINE},
	{"one-way p99.9", "one-way p99.9: " LINE},
	{PAIRS, NULL},
	{"one-way p50, 8 peers", "one-way p50: " LINE},
	{"one-way p99.9, 8 peers", "one-way p99.9: " LINE},
	{"one-way p50, 64 peers", "one-way p50: " LINE},
	{"one-way p99.9, 64 peers", "one-way p99.9: " LINE},
	{"stream 1 to 1", "one-way p50: " LINE},
	{"stream 1 to 1 by the lane", "stream 1 to 1: " LANE},
	{"stream 4 to 1", "one-way p50: " LINE},
	{"one-way p50, 256 B by reference", "one-way p50: " LINE},
	{"one-way p99.9, 256 B by reference", "one-way p99.9: " LINE},
	{"one-way p50, 4096 B by reference", "one-way p50: " LINE},
	{"one-way p99.9, 4096 B by reference", "one-way p99.9: " LINE},
	{"hop, same thread", NULL},
	{"tell, same thread", NULL},
	{"tell, same thread, 16 at random", NULL},
	{"ask, same thread", NULL},
	{"spawn until started", NULL},
	{"idle actor", NULL},
	{"one million alive, each answers", NULL},
	{"broadcast to 1, each", "a loop of sends to 1, each: " IN},
	{"broadcast to 8, each", "a loop of sends to 8, each: " IN},
	{"broadcast to 64, each", "a loop of sends to 64, each: " IN},
	{"a loop of sends to 1, each", NULL},
	{"a loop of sends to 8, each", NULL},
	{"a loop of sends to 64, each", NULL},
	{"broadcast to 64 readers, copies", NULL},
	{"timer start, from none to 100,000", NULL},
	{"timer start", NULL},
	{"timer cancel", NULL},
	{"timer late by, p50", "bare clock late by, p50: " IN},
	{"timer late by, p99", "bare clock late by, p99: " IN},
	{"timer late by over 2 us", "bare clock late by over 2 us: " IN},
	{"bare clock late by, p50", NULL},
	{"bare clock late by, p99", NULL},
	{"bare clock late by over 2 us", NULL},
	{"sleeping executor, idle CPU", NULL},
	{"woken and handling, p50", "woken and handling, p50: " FUTEX},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
	const char *name;
	enum bench_bar_kind kind;
	double bar;
} bars[] = {
	{"one-way p50: " IN, BENCH_RATIO_AT_MOST, 1.2},
	{"one-way p50: " ACROSS, BENCH_RATIO_AT_MOST, 1.2},
	{"one-way p99.9: " IN, BENCH_RATIO_AT_MOST, 2.5},
	{"one-way p99.9: " ACROSS, BENCH_RATIO_AT_MOST, 2.5},
	{PAIRS ": " ACROSS, BENCH_AT_MOST, 1.10},
	{"stream 1 to 1: " IN, BENCH_RATIO_AT_MOST, 0.10},
	{"stream 1 to 1: " ACROSS, BENCH_RATIO_AT_MOST, 0.10},
	{"stream 1 to 1 by the lane: " IN, BENCH_RATIO_AT_MOST, 1.35},
	{"stream 1 to 1 by the lane: " ACROSS, BENCH_RATIO_AT_MOST, 1.35},
	{"stream 4 to 1: " IN, BENCH_RATIO_AT_MOST, 0.15},
	{"stream 4 to 1: " ACROSS, BENCH_RATIO_AT_MOST, 0.15},
	{"hop, same thread: " IN, BENCH_AT_MOST, 10},
	{"tell, same thread: " IN, BENCH_AT_MOST, 10},
	{"ask, same thread: " IN, BENCH_AT_MOST, 40},
	{"spawn until started: " IN, BENCH_AT_MOST, 150},
	{"idle actor: " IN, BENCH_AT_MOST, 512},
	/* Any time will do: the bar is that they all answer. */
	{"one million alive, each answers: " IN, BENCH_AT_MOST, 1e6},
	{"broadcast to 64 readers, copies: " IN, BENCH_AT_MOST, 2},
	{"timer start, from none to 100,000: " IN, BENCH_AT_MOST, 60},
	{"timer start: " IN, BENCH_AT_MOST, 60},
	{"timer cancel: " IN, BENCH_AT_MOST, 60},
	{"timer late by, p99: " IN, BENCH_AT_MOST, 2000},
	/* What a core loses to interrupts, no executor has; what it adds to that may not be much. */
	{"timer late by over 2 us: " IN, BENCH_RATIO_AT_MOST, 1.5},
	{"sleeping executor, idle CPU: " IN, BENCH_AT_MOST, 1},
	{"woken and handling, p50: " IN, BENCH_RATIO_AT_MOST, 1.3},
};

/* ---- what they said ---------------------------------------------------------------------------- */

static struct entry {
	char figure[72], unit[24], mode[128];
	const char *title;
	double value[BENCH_RUNS_MAX];
	int values;
} entry[ENTRIES_MAX];
static int entries;

static char note[NOTES_MAX][160];
static int notes;

static void add_note(const char *title, const char *text)
{
	char line[160];

	snprintf(line, sizeof(line), "%s: %s", title, text);
	for (int i = 0; i < notes; i++)
		if (!strcmp(note[i], line))
			return;
	if (notes < NOTES_MAX)
		snprintf(note[notes++], sizeof(note[0]), "%s", line);
}

static struct entry *find_entry(const char *figure, const char *title)
{
	for (int i = 0; i < entries; i++)
		if (!strcmp(entry[i].figure, figure) && !strcmp(entry[i].title, title))
			return &entry[i];
	return NULL;
}

static void add_value(const char *figure, const char *title, const char *unit, double value,
		      const char *mode)
{
	struct entry *at = find_entry(figure, title);

	if (!at && entries < ENTRIES_MAX) {
		at = &entry[entries++];
		snprintf(at->figure, sizeof(at->figure), "%s", figure);
		snprintf(at->unit, sizeof(at->unit), "%s", unit);
		snprintf(at->mode, sizeof(at->mode), "%s", mode);
		at->title = title;
	}
	if (at && at->values < BENCH_RUNS_MAX)
		at->value[at->values++] = value;
}

/* figure TAB unit TAB value TAB mode, or "# note". */
static void take_line(const struct contestant *who, char *line)
{
	char *field[4] = {line};
	char *end;

	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#') {
		add_note(who->title, line + strspn(line, "# "));
		return;
	}
	for (int i = 1; i < 4; i++) {
		field[i] = strchr(field[i - 1], '\t');
		if (!field[i]) {
			add_note(who->title, line);
			return;
		}
		*field[i]++ = '\0';
	}
	double value = strtod(field[2], &end);

	if (end == field[2] || *end) {
		add_note(who->title, "printed a value that is none");
		return;
	}
	add_value(field[0], who->title, field[1], value, field[3]);
	if (!strcmp(field[0], "stream 1 to 1"))
		add_value("stream 1 to 1 by the lane", who->title, field[1], value, field[3]);
}

/* The last of both is one pair. */
static void take_pair(void)
{
	const struct entry *in = find_entry("one-way p50", IN);
	const struct entry *across = find_entry("one-way p50", ACROSS);

	if (in && across && in->values == across->values)
		add_value(PAIRS, ACROSS, "ratio",
			  across->value[across->values - 1] / in->value[in->values - 1],
			  "pairs, one right after the other");
}

/* ---- playing ----------------------------------------------------------------------------------- */

static char folder[256];

static FILE *start(const struct contestant *who, pid_t *child)
{
	char path[320];
	int ends[2];

	snprintf(path, sizeof(path), "%s/%s", folder, who->program);
	if (pipe(ends))
		return NULL;
	*child = fork();
	if (*child < 0) {
		close(ends[0]);
		close(ends[1]);
		return NULL;
	}
	if (!*child) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		alarm(LIMIT_SECONDS); /* survives the exec */
		execl(path, who->program, who->argument, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static bool there(const struct contestant *who)
{
	char path[320], text[160] = "was not built";

	snprintf(path, sizeof(path), "%s/%s", folder, who->program);
	if (!access(path, X_OK))
		return true;
	/* The build says why. */
	snprintf(path, sizeof(path), "%s/%s.missing", folder, who->program);
	FILE *file = fopen(path, "r");

	if (file) {
		if (fgets(text, sizeof(text), file))
			text[strcspn(text, "\n")] = '\0';
		fclose(file);
	}
	add_note(who->title, text);
	return false;
}

static void play(const struct contestant *who)
{
	char line[512], text[96];
	pid_t child;
	int status = 0;

	if (!there(who))
		return;
	FILE *said = start(who, &child);

	if (!said) {
		add_note(who->title, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), said))
		take_line(who, line);
	fclose(said);
	waitpid(child, &status, 0);
	if (!status)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(text, sizeof(text), "%s %s did not end within %d s", who->program,
			 who->argument ? who->argument : "", LIMIT_SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s %s ended by signal %d", who->program,
			 who->argument ? who->argument : "", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "%s %s ended with %d", who->program,
			 who->argument ? who->argument : "", WEXITSTATUS(status));
	add_note(who->title, text);
}

static bool wanted(const struct contestant *who, const char *only)
{
	return !only || strstr(who->title, only) || strstr(who->program, only) ||
	       (who->argument && strstr(who->argument, only));
}

/* ---- the table --------------------------------------------------------------------------------- */

static void tell(struct bench *bench, const struct kind *kind, const struct entry *at)
{
	char name[sizeof(at->figure) + 32];

	snprintf(name, sizeof(name), "%s: %s", at->figure, at->title);
	for (int i = 0; i < at->values; i++)
		bench_sample(bench, name, at->unit, at->value[i]);
	bench_mode(bench, name, at->mode);
	if (kind->limit && strcmp(kind->limit, name) != 0)
		bench_raw(bench, name, kind->limit);
}

static bool barred(const char *figure, const char *title)
{
	char name[128];

	snprintf(name, sizeof(name), "%s: %s", figure, title);
	for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++)
		if (!strcmp(bars[i].name, name))
			return true;
	return false;
}

/* Of this kind; a figure that was not measured stands there too, and misses its bar. */
static void set_bars(struct bench *bench, const char *figure)
{
	size_t length = strlen(figure);

	for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++)
		if (!strncmp(bars[i].name, figure, length) && bars[i].name[length] == ':')
			bench_bar(bench, bars[i].name, bars[i].kind, bars[i].bar);
}

static void put_in_order(struct bench *bench)
{
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t s = 0; s < SCHEDULE_SIZE; s++) {
			struct entry *at = find_entry(kinds[k].figure, schedule[s].title);

			if (!at || !at->values)
				continue;
			/* The lane's own row stands under "stream 1 to 1"; others' need no second. */
			if (strcmp(kinds[k].figure, "stream 1 to 1 by the lane") != 0 ||
			    barred(at->figure, at->title))
				tell(bench, &kinds[k], at);
			at->values = 0; /* told */
		}
		set_bars(bench, kinds[k].figure);
	}
	for (int i = 0; i < entries; i++)
		if (entry[i].values)
			tell(bench, &(struct kind){0}, &entry[i]);
	for (int i = 0; i < notes; i++)
		bench_note(bench, note[i]);
}

/* Versions, as the build found them: a line each. */
static void note_versions(void)
{
	char path[320], line[160];

	snprintf(path, sizeof(path), "%s/versions", folder);
	FILE *file = fopen(path, "r");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		add_note("version", line);
	}
	fclose(file);
}

/* The contestants lie beside this program. */
static void find_folder(const char *program)
{
	snprintf(folder, sizeof(folder), "%s", program);
	char *slash = strrchr(folder, '/');

	if (slash)
		*slash = '\0';
	else
		snprintf(folder, sizeof(folder), ".");
}

int main(int argc, char **argv)
{
	static struct bench bench;
	const char *only = getenv("ONLY"), *text = getenv("ROUNDS");
	int rounds = text ? atoi(text) : ROUNDS;
	char machine[80], what[160];

	find_folder(argc ? argv[0] : "");
	bench_machine(machine, sizeof(machine));
	snprintf(what, sizeof(what), "40-byte messages, %d rounds, cores 0 and 1 of %s", rounds,
		 machine);
	bench_begin(&bench, "actors", what);
	note_versions();
	for (int round = 0; round < rounds; round++) {
		fprintf(stderr, "round %d of %d\n", round + 1, rounds);
		for (size_t i = 0; i < SCHEDULE_SIZE; i++) {
			if (!wanted(&schedule[i], only))
				continue;
			play(&schedule[i]);
			if (schedule[i].argument &&
			    !strcmp(schedule[i].argument, "one-way-processes"))
				take_pair();
		}
	}
	put_in_order(&bench);
	return bench_finish(&bench);
}
