/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SBE_RANDOM_H
#define TESTS_SBE_RANDOM_H

#include <stdint.h>
#include <stdio.h>

/* A good schema of package "rSEED": the same for the same seed. */
void random_schema(FILE *out, uint64_t seed);

#endif
