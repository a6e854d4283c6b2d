/* SPDX-License-Identifier: Apache-2.0 */
/* What yaml.c and yaml_scalar.c share: the document behind a node. */
#ifndef MYC_RUNTIME_YAML_DOCUMENT_H
#define MYC_RUNTIME_YAML_DOCUMENT_H

#include <yaml.h>

#include "runtime/yaml.h"

/* Where a node hangs: below `parent`, as the value of the scalar `key`, or as item `index`. */
struct myc_yaml_place {
	int parent; /* 0 for the root */
	int key;    /* 0 in a sequence */
	unsigned index;
	enum { MYC_YAML_NEW, MYC_YAML_WALKING, MYC_YAML_WALKED } visit;
};

struct myc_yaml {
	char *name; /* of the file */
	yaml_document_t document;
	struct myc_yaml_place *places; /* by node id; place 0 is unused */
};

/* NULL when absent. */
const yaml_node_t *myc_yaml_raw(struct myc_yaml_node node);

#endif
