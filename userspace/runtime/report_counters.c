/* SPDX-License-Identifier: Apache-2.0 */
/* What the executors of a process have counted, for `myc ps`: what was lost and why, and what was late. */
#include <inttypes.h>

#include <mycelium/abi/lane.h>

#include "runtime/report.h"
#include "runtime/report_read.h"

#define LETTER(name, text) #name,
#define FAULT(name, text)  "cut_" #name,
static const char *const letters[] = {MYC_DEAD_LETTERS(LETTER)};
static const char *const faults[] = {MYC_LANE_FAULTS(FAULT)};
#undef LETTER
#undef FAULT

/* X(name in struct myc_executor_words, said in the tree when it is not 0; NULL: not) */
#define COUNTERS(X)                                        \
	X(turns, NULL)                                     \
	X(naps, NULL)                                      \
	X(bells_rung, NULL)                                \
	X(lanes_full, NULL)                                \
	X(outboxed, NULL)                                  \
	X(pended, NULL)                                    \
	X(outbox_dropped, NULL)                            \
	X(mailbox_dropped, NULL)                           \
	X(conflated, "replaced by their key")              \
	X(redirected, "redirected")                        \
	X(timers_missed, "periods of timers missed")       \
	X(shares_ended, "turns ended by an actor's share") \
	X(urgent_sent, "urgent messages sent")             \
	X(lookups_refused, "look-ups refused by schemas")  \
	X(chunks_taken, NULL)                              \
	X(chunks_given, NULL)                              \
	X(chunks_refused, NULL)

struct sums {
#define COUNTER(name, text) uint64_t name;
	COUNTERS(COUNTER)
#undef COUNTER
	uint64_t letter[MYC_DEAD_LETTERS_COUNT], fault[MYC_LANE_FAULTS_COUNT];
};

static void sum_up(const struct myc_view *view, uint32_t process, struct sums *sums)
{
	const struct myc_executor_words *words;

	for (uint32_t e = 0; (words = myc_read_words(view, process, e)); e++) {
#define COUNTER(name, text) sums->name += __atomic_load_n(&words->name, __ATOMIC_RELAXED);
		COUNTERS(COUNTER)
#undef COUNTER
		for (uint32_t w = 0; w < MYC_DEAD_LETTERS_COUNT; w++)
			sums->letter[w] +=
				__atomic_load_n(&words->dead_letters[w], __ATOMIC_RELAXED);
		for (uint32_t f = 0; f < MYC_LANE_FAULTS_COUNT; f++)
			sums->fault[f] += __atomic_load_n(&words->lane_faults[f], __ATOMIC_RELAXED);
	}
}

void myc_report_counters(const struct myc_view *view, uint32_t process, const char *indent,
			 struct myc_text *text)
{
	struct sums sums = {0};
	const char *joint = "";
	uint64_t cut = 0;

	sum_up(view, process, &sums);
	for (uint32_t f = 0; f < MYC_LANE_FAULTS_COUNT; f++)
		cut += sums.fault[f];
	const struct {
		const char *text;
		uint64_t value;
	} said[] = {
		{"dropped as the newest", sums.letter[MYC_DEAD_LETTER_DROPPED_NEWEST]},
		{"dropped as the oldest", sums.letter[MYC_DEAD_LETTER_DROPPED_OLDEST]},
		{"past their deadline", sums.letter[MYC_DEAD_LETTER_EXPIRED]},
#define COUNTER(name, text) {text, sums.name},
		COUNTERS(COUNTER)
#undef COUNTER
			{"lanes cut off", cut},
	};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (!said[i].text || !said[i].value)
			continue;
		myc_text_add(text, "%s%" PRIu64 " %s", *joint ? joint : indent, said[i].value,
			     said[i].text);
		joint = ", ";
	}
	myc_text_add(text, "%s", *joint ? "\n" : "");
}

void myc_report_counters_json(const struct myc_view *view, uint32_t process, struct myc_text *text)
{
	struct sums sums = {0};

	sum_up(view, process, &sums);
	myc_text_add(text, "\"counters\": {");
#define COUNTER(name, said) myc_text_add(text, "\"" #name "\": %" PRIu64 ", ", sums.name);
	COUNTERS(COUNTER)
#undef COUNTER
	for (uint32_t f = 0; f < MYC_LANE_FAULTS_COUNT; f++)
		myc_text_add(text, "\"%s\": %" PRIu64 ", ", faults[f], sums.fault[f]);
	for (uint32_t w = 0; w < MYC_DEAD_LETTERS_COUNT; w++)
		myc_text_add(text, "%s\"%s\": %" PRIu64, w ? ", " : "", letters[w], sums.letter[w]);
	myc_text_add(text, "}");
}
