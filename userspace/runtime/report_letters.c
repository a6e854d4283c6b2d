/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters of a system, for `myc letters`: counts by reason, and the newest with who, what and why. */
#include <inttypes.h>
#include <stdio.h>

#include <mycelium/abi/lane.h>

#include "base/clock.h"
#include "core/process.h"
#include "runtime/report.h"
#include "runtime/report_read.h"

#define SHOWN 64

#define NAME(name, text) #name,
static const char *const names[] = {MYC_DEAD_LETTERS(NAME)};
#undef NAME

static void add_counts(const struct myc_view *view, uint32_t process,
		       uint64_t count[MYC_DEAD_LETTERS_COUNT])
{
	const struct myc_executor_words *words;

	for (uint32_t e = 0; (words = myc_read_words(view, process, e)); e++) {
		for (uint32_t w = 0; w < MYC_DEAD_LETTERS_COUNT; w++)
			count[w] += __atomic_load_n(&words->dead_letters[w], __ATOMIC_RELAXED);
	}
}

uint64_t myc_report_letters_of(const struct myc_view *view, uint32_t process)
{
	uint64_t count[MYC_DEAD_LETTERS_COUNT] = {0}, sum = 0;

	add_counts(view, process, count);
	for (uint32_t w = 0; w < MYC_DEAD_LETTERS_COUNT; w++)
		sum += count[w];
	return sum;
}

void myc_report_growth_of(const struct myc_view *view, uint32_t process,
			  struct myc_report_growth *growth)
{
	const struct myc_executor_words *words;

	*growth = (struct myc_report_growth){0};
	for (uint32_t e = 0; (words = myc_read_words(view, process, e)); e++) {
		growth->limit += __atomic_load_n(&words->growth, __ATOMIC_RELAXED);
		growth->room +=
			(uint64_t)__atomic_load_n(&words->chunks, __ATOMIC_RELAXED) * MYC_CHUNK;
		growth->room_max +=
			__atomic_load_n(&words->chunks_max, __ATOMIC_RELAXED) * MYC_CHUNK;
		growth->refused += __atomic_load_n(&words->chunks_refused, __ATOMIC_RELAXED);
	}
}

/* The topology's name of an actor, else its address. */
static const char *who(const struct myc_run *run, myc_address address, char *out, size_t size)
{
	uint32_t process = myc_address_process(address), slot = myc_address_slot(address);

	if (address == MYC_NOBODY)
		return "-";
	if (process < run->topology->processes && slot < run->topology->process[process].actors)
		return run->topology->process[process].actor[slot].name;
	snprintf(out, size, "%#" PRIx64, address);
	return out;
}

static double ago(const struct myc_letter *letter)
{
	uint64_t now = myc_clock_ns();

	return letter->time_ns < now ? (double)(now - letter->time_ns) / 1e9 : 0;
}

void myc_report_letters(const struct myc_run *run, const struct myc_view *view,
			struct myc_text *text)
{
	uint64_t count[MYC_DEAD_LETTERS_COUNT] = {0};
	struct myc_letter letter[SHOWN];
	uint32_t shown = myc_letters_collect(view->region, view->processes, letter, SHOWN);
	bool any = false;

	for (uint32_t p = 0; p < view->processes; p++)
		add_counts(view, p, count);
	for (uint32_t w = 0; w < MYC_DEAD_LETTERS_COUNT; w++) {
		if (!count[w])
			continue;
		myc_text_add(text, "%10" PRIu64 "  %s\n", count[w], myc_letter_why(w));
		any = true;
	}
	if (!any)
		myc_text_add(text, "no dead letters\n");
	for (uint32_t i = 0; i < shown; i++) {
		char from[24], to[24];

		myc_text_add(text, "%9.3f s ago  %s -> %s  type %u, %u bytes%s: %s\n",
			     ago(&letter[i]), who(run, letter[i].from, from, sizeof(from)),
			     who(run, letter[i].to, to, sizeof(to)), letter[i].type, letter[i].size,
			     letter[i].asked ? ", asked" : "", myc_letter_why(letter[i].why));
	}
}

void myc_report_letters_json(const struct myc_run *run, const struct myc_view *view,
			     struct myc_text *text)
{
	uint64_t count[MYC_DEAD_LETTERS_COUNT] = {0};
	struct myc_letter letter[SHOWN];
	uint32_t shown = myc_letters_collect(view->region, view->processes, letter, SHOWN);

	for (uint32_t p = 0; p < view->processes; p++)
		add_counts(view, p, count);
	myc_text_add(text, "{\"counts\": {");
	for (uint32_t w = 0; w < MYC_DEAD_LETTERS_COUNT; w++)
		myc_text_add(text, "%s\"%s\": %" PRIu64, w ? ", " : "", names[w], count[w]);
	myc_text_add(text, "}, \"letters\": [");
	for (uint32_t i = 0; i < shown; i++) {
		char from[24], to[24];
		uint8_t why = letter[i].why;

		myc_text_add(text, "%s\n {\"ago_s\": %.6f, \"from\": ", i ? "," : "",
			     ago(&letter[i]));
		myc_text_add_json(text, who(run, letter[i].from, from, sizeof(from)));
		myc_text_add(text, ", \"to\": ");
		myc_text_add_json(text, who(run, letter[i].to, to, sizeof(to)));
		myc_text_add(text,
			     ", \"from_address\": \"%#" PRIx64 "\", \"to_address\": \"%#" PRIx64
			     "\", \"type\": %u, \"size\": %u, \"asked\": %s, \"why\": \"%s\"}",
			     letter[i].from, letter[i].to, letter[i].type, letter[i].size,
			     letter[i].asked ? "true" : "false",
			     why < MYC_DEAD_LETTERS_COUNT ? names[why] : "?");
	}
	myc_text_add(text, "]}\n");
}
