/* SPDX-License-Identifier: Apache-2.0 */
/* Status and counters for people and, as JSON, for programs. */
#ifndef MYC_LOAD_PRINT_H
#define MYC_LOAD_PRINT_H

#include <stdbool.h>

#include "dataplane/program.h"

void print_status(const char *name, const struct myc_program_status *status, bool json);
/* All rows that counted something; -errno when they cannot be read. */
int print_counters(const struct myc_program *program, uint32_t channels, bool json);

#endif
