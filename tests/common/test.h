/* SPDX-License-Identifier: Apache-2.0 */
/* What every test includes first: cmocka and the few helpers all tests share. */
#ifndef TESTS_COMMON_TEST_H
#define TESTS_COMMON_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A test program that lacks a privilege exits with this, having said why on its last line. */
#define TEST_SKIPPED 77

/* Simulations without threads go this much shorter under a sanitizer, which makes them as much
 * longer and finds no more in the thousandth round. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SHORTER 8
#else
#define TEST_SHORTER 1
#endif

/* The seed of this run: MYC_SEED, or 1. Printed by test_failed_with_seed on failure. */
static inline uint64_t test_seed(void)
{
	const char *text = getenv("MYC_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

/* How many times slower than usual this machine is: MYC_SLOW, else 1, and 6 where a sanitizer watches each access.
 * An emulated guest is; tests then send at that fraction of their pace, do less of the same, and wait that much
 * longer. */
static inline unsigned test_slowness(void)
{
	const char *text = getenv("MYC_SLOW");
	unsigned usual = TEST_SHORTER > 1 ? 6 : 1;
	unsigned long times = text ? strtoul(text, NULL, 10) : usual;

	return times >= 1 && times <= 100 ? (unsigned)times : usual;
}

/* xorshift64*: the tests' own chance, from their seed. The state must not be 0. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* Folder of the sample data, or NULL: MYC_DATA, else ../shared/data beside the checkout. Tests that need it say so and count as not applicable. */
const char *test_data_dir(void);

#endif
