/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MYC_GEN_FILTER_H
#define MYC_GEN_FILTER_H

#include "runtime/sbe_schema.h"

/* A myc_schema_compile_t. Reads the schema leniently: it is the exchange's. */
int gen_filter(const struct myc_schema_wish *wish, struct myc_sbe_filter *filter,
	       uint64_t *instrument_max, struct myc_schema_fault *fault);

#endif
