/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a schema file to what the steering program knows of it (abi/sbe_filter.h). The schema
 * compiler is myc-gen's; it leans on libxml2, which the library does without. So programs that read
 * topologies (myc, myc-load) bring it along and say so before they read one.
 */
#ifndef MYC_RUNTIME_SBE_SCHEMA_H
#define MYC_RUNTIME_SBE_SCHEMA_H

#include <stdint.h>

#include <mycelium/abi/sbe_filter.h>

struct myc_schema_wish {
	const char *file;
	uint8_t protocol;	      /* enum myc_protocol: the frame around messages */
	const char *instrument;	      /* a field's name, as the schema has it */
	const char *const *templates; /* that may be dropped: names or ids */
	unsigned templates_count;     /* 1..MYC_SBE_TEMPLATES_MAX */
	const char *keep_field;	      /* NULL, or: messages with this bit set pass */
	const char *keep_choice;      /* of a set; NULL: any bit of a field of one byte */
};

enum myc_schema_part { MYC_SCHEMA_FILE, MYC_SCHEMA_TEMPLATE, MYC_SCHEMA_KEEP };

/* What is wrong, and with which part of the wish. */
struct myc_schema_fault {
	enum myc_schema_part part;
	unsigned index; /* of the template */
	char text[400];
	const char *remedy;
};

/* 0, or -EINVAL with the fault. *instrument_max: the greatest number an instrument can have. */
typedef int (*myc_schema_compile_t)(const struct myc_schema_wish *wish,
				    struct myc_sbe_filter *filter, uint64_t *instrument_max,
				    struct myc_schema_fault *fault);

/* NULL until a program sets it, once, before its first thread: schemas are then refused. */
extern myc_schema_compile_t myc_schema_compile;

#endif
