/* SPDX-License-Identifier: Apache-2.0 */
/* Three generations of a schema: what each writes each reads, also when groups and data that it does not
 * know lie between those that it knows. */
#include <string.h>

#include "common/test.h"

#include <sbe/generations/generation0.h>
#include <sbe/generations/generation1.h>
#include <sbe/generations/generation2.h>

#define ROOM 1024

static void same(struct myc_sbe_bytes bytes, const char *text)
{
	assert_int_equal(bytes.length, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.length);
}

/* ---- writers: the same values, as far as the generation has them ----------------------------- */

static size_t write0(uint8_t *to)
{
	struct generation0_report_encoder report;
	struct generation0_report_g_encoder g;

	assert_int_equal(generation0_report_begin(&report, to, ROOM), 0);
	generation0_report_set_a(&report, 1000);
	generation0_report_g_begin(&report, &g, 3);
	for (uint8_t i = 0; generation0_report_g_add(&g); i++)
		generation0_report_g_set_b(&g, i);
	generation0_report_set_x(&report, "xx", 2);
	return generation0_report_end(&report);
}

#define NEWER(P)                                                           \
	static void P##_h(struct P##_report_encoder *report)               \
	{                                                                  \
		struct P##_report_h_encoder h;                             \
		struct P##_report_h_k_encoder k;                           \
                                                                           \
		P##_report_h_begin(report, &h, 2);                         \
		for (uint8_t i = 0; P##_report_h_add(&h); i++) {           \
			P##_report_h_set_e(&h, 70u + i);                   \
			P##_report_h_k_begin(&h, &k, i + 1u);              \
			while (P##_report_h_k_add(&k))                     \
				P##_report_h_k_set_f(&k, 9);               \
			P##_report_h_set_y(&h, "yyy", 3);                  \
		}                                                          \
		P##_report_set_x(report, "xx", 2);                         \
		P##_report_set_z(report, "zzzz", 4);                       \
	}                                                                  \
	static void P##_h_is(const struct P##_report *report)              \
	{                                                                  \
		struct P##_report_h h;                                     \
		uint8_t i = 0;                                             \
                                                                           \
		P##_report_h_open(report, &h);                             \
		for (; P##_report_h_next(&h); i++) {                       \
			assert_int_equal(P##_report_h_get_e(&h), 70 + i);  \
			assert_int_equal(P##_report_h_k_count(&h), i + 1); \
			same(P##_report_h_get_y(&h), "yyy");               \
		}                                                          \
		assert_int_equal(i, 2);                                    \
		same(P##_report_get_z(report), "zzzz");                    \
	}
NEWER(generation1)
NEWER(generation2)

static size_t write1(uint8_t *to)
{
	struct generation1_report_encoder report;
	struct generation1_report_g_encoder g;

	assert_int_equal(generation1_report_begin(&report, to, ROOM), 0);
	generation1_report_set_a(&report, 1000);
	generation1_report_set_c(&report, 2000);
	generation1_report_g_begin(&report, &g, 3);
	for (uint8_t i = 0; generation1_report_g_add(&g); i++) {
		generation1_report_g_set_b(&g, i);
		generation1_report_g_set_d(&g, 50u + i);
	}
	generation1_h(&report);
	return generation1_report_end(&report);
}

static size_t write2(uint8_t *to)
{
	struct generation2_report_encoder report;
	struct generation2_report_g_encoder g;
	struct generation2_report_g_m_encoder m;

	assert_int_equal(generation2_report_begin(&report, to, ROOM), 0);
	generation2_report_set_a(&report, 1000);
	generation2_report_set_c(&report, 2000);
	generation2_report_set_j(&report, 0.5);
	generation2_report_g_begin(&report, &g, 3);
	for (uint8_t i = 0; generation2_report_g_add(&g); i++) {
		generation2_report_g_set_b(&g, i);
		generation2_report_g_set_d(&g, 50u + i);
		generation2_report_g_m_begin(&g, &m, i);
		while (generation2_report_g_m_add(&m))
			generation2_report_g_m_set_n(&m, 4);
		generation2_report_g_set_o(&g, "ooooo", 5);
	}
	generation2_h(&report);
	return generation2_report_end(&report);
}

static size_t (*const writers[])(uint8_t *to) = {write0, write1, write2};

/* ---- readers ----------------------------------------------------------------------------------- */

static void read0(const uint8_t *data, size_t size)
{
	struct generation0_report report;
	struct generation0_report_g g;
	uint8_t i = 0;

	assert_int_equal(generation0_report_open(&report, data, size), 0);
	assert_int_equal(generation0_report_size(&report), size);
	assert_int_equal(generation0_report_get_a(&report), 1000);
	generation0_report_g_open(&report, &g);
	for (; generation0_report_g_next(&g); i++)
		assert_int_equal(generation0_report_g_get_b(&g), i);
	assert_int_equal(i, 3);
	same(generation0_report_get_x(&report), "xx");
}

static void read1(const uint8_t *data, size_t size, unsigned writer)
{
	struct generation1_report report;
	struct generation1_report_g g;
	uint8_t i = 0;

	assert_int_equal(generation1_report_open(&report, data, size), 0);
	assert_int_equal(generation1_report_size(&report), size);
	assert_int_equal(generation1_report_has_c(&report), writer >= 1);
	assert_int_equal(generation1_report_get_c(&report), writer >= 1 ? 2000 : 65535);
	generation1_report_g_open(&report, &g);
	for (; generation1_report_g_next(&g); i++) {
		assert_int_equal(generation1_report_g_get_b(&g), i);
		assert_int_equal(generation1_report_g_get_d(&g),
				 writer >= 1 ? 50u + i : UINT32_MAX);
	}
	assert_int_equal(i, 3);
	if (writer >= 1)
		generation1_h_is(&report);
	else
		assert_int_equal(generation1_report_h_count(&report), 0);
	same(generation1_report_get_x(&report), "xx");
}

static void read2(const uint8_t *data, size_t size, unsigned writer)
{
	struct generation2_report report;
	struct generation2_report_g g;
	uint8_t i = 0;

	assert_int_equal(generation2_report_open(&report, data, size), 0);
	assert_int_equal(generation2_report_size(&report), size);
	assert_int_equal(generation2_report_has_j(&report), writer >= 2);
	generation2_report_g_open(&report, &g);
	for (; generation2_report_g_next(&g); i++) {
		assert_int_equal(generation2_report_g_get_b(&g), i);
		assert_int_equal(generation2_report_g_m_count(&g), writer >= 2 ? i : 0);
		same(generation2_report_g_get_o(&g), writer >= 2 ? "ooooo" : "");
	}
	assert_int_equal(i, 3);
	if (writer >= 1)
		generation2_h_is(&report);
	same(generation2_report_get_x(&report), "xx");
}

static void each_generation_reads_what_each_writes(void **state)
{
	uint8_t data[ROOM];

	(void)state;
	for (unsigned writer = 0; writer < 3; writer++) {
		size_t size = writers[writer](data);

		assert_int_not_equal(size, 0);
		read0(data, size);
		read1(data, size, writer);
		read2(data, size, writer);
	}
}

static void unknown_parts_that_do_not_fit_are_refused(void **state)
{
	uint8_t data[ROOM];
	size_t size = write2(data);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct generation0_report report;
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, data, cut);
		assert_int_not_equal(generation0_report_open(&report, exact, cut), 0);
		free(exact);
	}
}

static void a_new_program_writes_for_an_old_one(void **state)
{
	uint8_t data[ROOM], old[ROOM];
	struct generation2_report_encoder report;
	struct generation2_report_g_encoder g;
	struct generation2_report_h_encoder h;

	(void)state;
	assert_int_equal(generation2_report_begin_version(&report, data, ROOM, 0), 0);
	generation2_report_set_a(&report, 1000);
	generation2_report_set_c(&report, 2000);
	generation2_report_g_begin(&report, &g, 3);
	for (uint8_t i = 0; generation2_report_g_add(&g); i++) {
		generation2_report_g_set_b(&g, i);
		generation2_report_g_set_d(&g, 50u + i);
	}
	generation2_report_set_x(&report, "xx", 2);
	size_t size = generation2_report_end(&report);
	assert_int_equal(size, write0(old));
	assert_memory_equal(data, old, size);

	/* what the old one cannot have is an error, not a loss */
	assert_int_equal(generation2_report_begin_version(&report, data, ROOM, 0), 0);
	assert_false(generation2_report_h_begin(&report, &h, 1));
	assert_int_equal(generation2_report_end(&report), 0);
	assert_int_equal(report.w.error, MYC_SBE_VERSION);
	assert_int_equal(generation2_report_begin_version(&report, data, ROOM, 3), MYC_SBE_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_generation_reads_what_each_writes),
		cmocka_unit_test(unknown_parts_that_do_not_fit_are_refused),
		cmocka_unit_test(a_new_program_writes_for_an_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
