/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bench.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static struct bench_figure *find(struct bench *bench, const char *name)
{
	for (int i = 0; i < bench->figures; i++)
		if (!strcmp(bench->figure[i].name, name))
			return &bench->figure[i];
	return NULL;
}

static struct bench_figure *find_or_add(struct bench *bench, const char *name)
{
	struct bench_figure *figure = find(bench, name);

	if (figure)
		return figure;
	if (bench->figures == BENCH_FIGURES_MAX) {
		fprintf(stderr, "bench %s: more than %d figures\n", bench->name, BENCH_FIGURES_MAX);
		abort();
	}
	figure = &bench->figure[bench->figures++];
	memset(figure, 0, sizeof(*figure));
	snprintf(figure->name, sizeof(figure->name), "%s", name);
	return figure;
}

void bench_begin(struct bench *bench, const char *name, const char *what)
{
	memset(bench, 0, sizeof(*bench));
	snprintf(bench->name, sizeof(bench->name), "%s", name);
	snprintf(bench->what, sizeof(bench->what), "%s", what);
}

void bench_sample(struct bench *bench, const char *name, const char *unit, double value)
{
	struct bench_figure *figure = find_or_add(bench, name);

	snprintf(figure->unit, sizeof(figure->unit), "%s", unit);
	if (figure->runs < BENCH_RUNS_MAX)
		figure->sample[figure->runs++] = value;
}

void bench_bar(struct bench *bench, const char *name, enum bench_bar_kind kind, double bar)
{
	struct bench_figure *figure = find_or_add(bench, name);

	figure->bar_kind = kind;
	figure->bar = bar;
}

void bench_raw(struct bench *bench, const char *name, const char *raw)
{
	struct bench_figure *figure = find_or_add(bench, name);

	snprintf(figure->raw, sizeof(figure->raw), "%s", raw);
}

void bench_mode(struct bench *bench, const char *name, const char *mode)
{
	struct bench_figure *figure = find_or_add(bench, name);

	snprintf(figure->mode, sizeof(figure->mode), "%s", mode);
}

void bench_note(struct bench *bench, const char *note)
{
	if (bench->notes < BENCH_NOTES_MAX)
		snprintf(bench->note[bench->notes++], sizeof(bench->note[0]), "%s", note);
}

void bench_machine(char *out, size_t size)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");

	snprintf(out, size, "an unnamed processor");
	while (file && fgets(line, sizeof(line), file)) {
		const char *name = strstr(line, ": ");

		if (strncmp(line, "model name", 10) != 0 || !name)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(out, size, "%s", name + 2);
		break;
	}
	if (file)
		fclose(file);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorted copy; returns the median. */
static double order(const struct bench_figure *figure, double *sorted)
{
	int n = figure->runs;

	if (!n)
		return 0;
	memcpy(sorted, figure->sample, (size_t)n * sizeof(*sorted));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	return n & 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double bench_median(const struct bench *bench, const char *name)
{
	const struct bench_figure *figure = find((struct bench *)bench, name);
	double sorted[BENCH_RUNS_MAX];

	return figure ? order(figure, sorted) : 0;
}

/* 1 held, 0 missed, -1 no bar. A figure that was never measured misses its bar. */
static int held(const struct bench_figure *figure, double median, double ratio)
{
	switch (figure->bar_kind) {
	case BENCH_AT_MOST:
		return figure->runs && median <= figure->bar;
	case BENCH_AT_LEAST:
		return figure->runs && median >= figure->bar;
	case BENCH_RATIO_AT_LEAST:
		return figure->runs && ratio > 0 && ratio >= figure->bar;
	case BENCH_RATIO_AT_MOST:
		return figure->runs && ratio > 0 && ratio <= figure->bar;
	default:
		return -1;
	}
}

static const char *bar_text(const struct bench_figure *figure, char *out, size_t size)
{
	static const char *const form[] = {"", "<= %g", ">= %g", "ratio >= %g", "ratio <= %g"};

	out[0] = '\0';
	if (figure->bar_kind != BENCH_NO_BAR)
		snprintf(out, size, form[figure->bar_kind], figure->bar);
	return out;
}

/* A string of JSON; what it cannot hold becomes a blank. */
static void put_text(FILE *json, const char *name, const char *text)
{
	fprintf(json, "%s\"", name);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(json, "\\%c", *text);
		else
			fputc((unsigned char)*text < ' ' ? ' ' : *text, json);
	fputc('"', json);
}

/* One row of the table and of the file. Is its bar missed? */
static bool put_figure(const struct bench *bench, const struct bench_figure *figure, FILE *json)
{
	double sorted[BENCH_RUNS_MAX] = {0};
	double median = order(figure, sorted);
	double max = sorted[figure->runs ? figure->runs - 1 : 0];
	double raw = figure->raw[0] ? bench_median(bench, figure->raw) : 0;
	double ratio = raw > 0 ? median / raw : 0;
	int ok = held(figure, median, ratio);
	char bar[32], against[112] = "";

	if (!figure->runs)
		snprintf(against, sizeof(against), "not measured");
	else if (ratio > 0)
		snprintf(against, sizeof(against), "%.2f x %s", ratio, figure->raw);
	bar_text(figure, bar, sizeof(bar));
	printf("  %-52s %12.6g %12.6g %12.6g  %-12s %4d  %s%s%s%s%s%s%s\n", figure->name, median,
	       sorted[0], max, figure->unit, figure->runs, against, ok >= 0 ? "  bar " : "", bar,
	       ok < 0 ? ""
	       : ok   ? " held"
		      : " MISSED",
	       figure->mode[0] ? "  (" : "", figure->mode, figure->mode[0] ? ")" : "");
	put_text(json, "{\"name\": ", figure->name);
	put_text(json, ", \"unit\": ", figure->unit);
	fprintf(json, ", \"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"runs\": %d", median,
		sorted[0], max, figure->runs);
	put_text(json, ", \"raw\": ", figure->raw);
	fprintf(json, ", \"raw_median\": %.6g, \"ratio\": %.4g", raw, ratio);
	put_text(json, ", \"bar\": ", bar);
	fprintf(json, ", \"held\": %s", ok < 0 ? "null" : ok ? "true" : "false");
	put_text(json, ", \"mode\": ", figure->mode);
	fputc('}', json);
	return ok == 0;
}

int bench_finish(struct bench *bench)
{
	const char *named = getenv("MYC_BENCH_DIR");
	const char *dir = named ? named : "build/bench";
	const char *bars = getenv("BARS");
	struct utsname host;
	char path[256];
	int missed = 0;

	uname(&host);
	printf("%s: %s (Linux %s %s)\n", bench->name, bench->what, host.release, host.machine);
	printf("  %-52s %12s %12s %12s  %-12s %4s  %s\n", "", "median", "min", "max", "unit",
	       "runs", "against");
	mkdir("build", 0777);
	if (mkdir(dir, 0777) && errno != EEXIST)
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s.json", dir, bench->name);
	FILE *json = fopen(path, "w");
	if (!json) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	put_text(json, "{\"benchmark\": ", bench->name);
	put_text(json, ", \"what\": ", bench->what);
	put_text(json, ", \"kernel\": ", host.release);
	fprintf(json, ", \"figures\": [");
	for (int i = 0; i < bench->figures; i++) {
		fprintf(json, "%s\n ", i ? "," : "");
		missed += put_figure(bench, &bench->figure[i], json);
	}
	fprintf(json, "\n], \"notes\": [");
	for (int i = 0; i < bench->notes; i++) {
		printf("  %s\n", bench->note[i]);
		put_text(json, i ? ",\n " : "\n ", bench->note[i]);
	}
	fprintf(json, "\n]}\n");
	fclose(json);
	printf("  written to %s\n", path);
	return missed && bars && !strcmp(bars, "1");
}

void bench_pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "bench: cannot pin to core %d: %s\n", core, strerror(errno));
}
