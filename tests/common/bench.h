/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every benchmark prints: a table on stdout and build/bench/NAME.json, a record a figure
 * (name, unit, median, min, max, runs, raw limit, ratio, bar, held, mode). With BARS=1 in the environment
 * bench_finish returns 1 when a bar is missed.
 *
 *	struct bench bench;
 *	bench_begin(&bench, "itch", "1 M generated messages from memory, core 1");
 *	for (run...) bench_sample(&bench, "decode and book", "ns/message", value);
 *	bench_bar(&bench, "decode and book", BENCH_AT_MOST, 60);
 *	bench_raw(&bench, "decode and book", "decode only");     // the figure that is its limit
 *	return bench_finish(&bench);
 */
#ifndef TESTS_COMMON_BENCH_H
#define TESTS_COMMON_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_FIGURES_MAX 160
#define BENCH_RUNS_MAX	  64
#define BENCH_NOTES_MAX	  48

enum bench_bar_kind {
	BENCH_NO_BAR,
	BENCH_AT_MOST,
	BENCH_AT_LEAST,
	BENCH_RATIO_AT_LEAST,
	BENCH_RATIO_AT_MOST
};

struct bench_figure {
	char name[72];
	char unit[24];
	double sample[BENCH_RUNS_MAX];
	int runs;
	enum bench_bar_kind bar_kind;
	double bar;
	char raw[72];	/* name of the figure that is its raw limit or peer, "" = none */
	char mode[128]; /* how it was measured, "" = as `what` says */
};

struct bench {
	char name[48];
	char what[160];
	struct bench_figure figure[BENCH_FIGURES_MAX];
	int figures;
	char note[BENCH_NOTES_MAX][160];
	int notes;
};

void bench_begin(struct bench *bench, const char *name, const char *what);
void bench_sample(struct bench *bench, const char *figure, const char *unit, double value);
/* Absolute bars are on the median; RATIO bars on median / median of the raw figure. */
void bench_bar(struct bench *bench, const char *figure, enum bench_bar_kind kind, double bar);
void bench_raw(struct bench *bench, const char *figure, const char *raw_figure);
/* How this figure was measured: idle strategy, cores, ... Its row ends with it. */
void bench_mode(struct bench *bench, const char *figure, const char *mode);
/* A line below the table: a version, what was left out and why. */
void bench_note(struct bench *bench, const char *note);
/* The processor's name, as the kernel has it. */
void bench_machine(char *out, size_t size);
double bench_median(const struct bench *bench, const char *figure);
/* Prints the table, writes the JSON into $MYC_BENCH_DIR (default build/bench). 0, or 1: see above. */
int bench_finish(struct bench *bench);

/* Pins the calling thread; says so and goes on when it cannot. */
void bench_pin(int core);

#endif
