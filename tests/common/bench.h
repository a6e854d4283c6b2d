/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every benchmark prints: a table on stdout and build/bench/NAME.json, a record a figure
 * (name, unit, median, min, max, runs, raw limit, ratio, bar, held). With BARS=1 in the environment
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

#include <stdint.h>

#define BENCH_FIGURES_MAX 64
#define BENCH_RUNS_MAX	  64

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
	char raw[72]; /* name of the figure that is its raw limit or peer, "" = none */
};

struct bench {
	char name[48];
	char what[160];
	struct bench_figure figure[BENCH_FIGURES_MAX];
	int figures;
};

void bench_begin(struct bench *bench, const char *name, const char *what);
void bench_sample(struct bench *bench, const char *figure, const char *unit, double value);
/* Absolute bars are on the median; RATIO bars on median / median of the raw figure. */
void bench_bar(struct bench *bench, const char *figure, enum bench_bar_kind kind, double bar);
void bench_raw(struct bench *bench, const char *figure, const char *raw_figure);
double bench_median(const struct bench *bench, const char *figure);
/* Prints the table, writes the JSON into $MYC_BENCH_DIR (default build/bench). 0, or 1: see above. */
int bench_finish(struct bench *bench);

/* Pins the calling thread; says so and goes on when it cannot. */
void bench_pin(int core);

#endif
