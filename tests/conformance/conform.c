/* SPDX-License-Identifier: Apache-2.0 */
/* All cases, and the program around them. MYC_CASE=pattern plays some. */
#include "conformance/cases.h"

#include <fnmatch.h>

#include "base/clock.h"

#define CASES_MAX 1024

static const struct conform_case *const tables[] = {
#define TABLE(name) cases_##name,
	CONFORM_TABLES(TABLE)
#undef TABLE
};
enum {
#define TABLE(name) TABLE_##name,
	CONFORM_TABLES(TABLE)
#undef TABLE
		TABLES
};

static int setup(void **state)
{
	(void)state;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	way.failed();
	return 0;
}

static void run(void **state)
{
	const struct conform_case *of = *state;

	uint64_t begun = myc_clock_ns();

	if (of->where != FAR)
		way.play(of, false);
	if (of->where != NEAR)
		way.play(of, true);
	begun = myc_clock_ns() - begun;
	if (begun > SECOND)
		print_message("  %u ms\n", (unsigned)(begun / MS));
}

const struct conform_case *conform_case_at(size_t index)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const struct conform_case *of = tables[t]; of->name; of++)
			if (!index--)
				return of;
	return NULL;
}

static bool is_there(const struct CMUnitTest *tests, size_t count, const char *pattern)
{
	for (size_t i = 0; i < count; i++)
		if (!fnmatch(pattern, tests[i].name, 0))
			return true;
	return false;
}

int conform_main(const struct CMUnitTest *more, size_t more_count)
{
	const char *chosen = getenv("MYC_CASE");
	static struct CMUnitTest tests[CASES_MAX];
	size_t count = 0, elsewhere = 0;

	for (size_t i = 0; i < more_count; i++)
		tests[count++] = more[i];
	for (size_t t = 0; t < TABLES; t++)
		for (const struct conform_case *of = tables[t]; of->name; of++) {
			if ((of->processes && !way.processes) || (of->blocks && !way.threads)) {
				elsewhere++;
				continue;
			}
			if (count == CASES_MAX)
				return 1;
			tests[count++] =
				(struct CMUnitTest){.name = of->name,
						    .test_func = run,
						    .setup_func = setup,
						    .teardown_func = teardown,
						    .initial_state = (void *)(uintptr_t)of};
		}
	print_message(
		"%s: %zu cases; %zu more end a process or block a thread, which cannot be here\n",
		way.name, count, elsewhere);
	if (chosen && !is_there(tests, count, chosen)) {
		print_message("none of them is called '%s'\n", chosen);
		return 1;
	}
	if (chosen)
		cmocka_set_test_filter(chosen);
	return _cmocka_run_group_tests(way.name, tests, count, NULL, NULL);
}
