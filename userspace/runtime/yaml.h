/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading YAML so that every complaint names its place: "feed.yaml:12: channels[0].lines[1].port:
 * 70000: not in 1 to 65535 (use a UDP port)". A thin layer over libyaml's document and its marks.
 *
 * runtime/ turns topologies into running processes; it may lean on every other folder.
 *
 * A document is parsed and checked as a whole by open: one document, no key twice in a mapping, no
 * alias inside its own anchor, nothing nested deeper than MYC_YAML_DEPTH_MAX, at most
 * MYC_YAML_SIZE_MAX bytes. After that nodes are handed out by value. They are valid until close,
 * as are texts from them. One thread at a time.
 *
 * Readers of an absent node (an optional field that is not in the file) return 0 and leave *out as
 * it was, so that the caller's default stands. All failures are -EINVAL unless said.
 */
#ifndef MYC_RUNTIME_YAML_H
#define MYC_RUNTIME_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/error.h>

#define MYC_YAML_DEPTH_MAX 32
#define MYC_YAML_SIZE_MAX  (1u << 20)

struct myc_yaml;

struct myc_yaml_node {
	const struct myc_yaml *yaml;
	int id; /* 0 = absent */
};

/* Reads and checks a file. -ENOENT, -EACCES, ... when it cannot be read, -EINVAL when it is wrong. */
int myc_yaml_open(struct myc_yaml **yaml, const char *path, struct myc_error *error);
/* The same for a text in memory; `name` stands for the file in messages. Nothing is kept of text. */
int myc_yaml_parse(struct myc_yaml **yaml, const char *name, const char *text, size_t size,
		   struct myc_error *error);
void myc_yaml_close(struct myc_yaml *yaml);
struct myc_yaml_node myc_yaml_root(const struct myc_yaml *yaml);

/* Line of the node in its file, from 1. */
unsigned myc_yaml_line(struct myc_yaml_node node);
static inline bool myc_yaml_present(struct myc_yaml_node node)
{
	return node.id != 0;
}

/* "file:line: field: value: <format>" as cause (value of scalars only), and the remedy (or NULL).
 * Returns -EINVAL. */
int myc_yaml_refuse(struct myc_yaml_node node, struct myc_error *error, const char *remedy,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same with "did you mean ...?" as remedy when one of the `count` names is near the node's
 * text, else the list of names. Returns -EINVAL. */
int myc_yaml_refuse_name(struct myc_yaml_node node, struct myc_error *error,
			 const char *const *names, unsigned count, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* ---- mappings and sequences ------------------------------------------------------------------ */

struct myc_yaml_field {
	const char *name;
	struct myc_yaml_node *node; /* set to the value, or to absent */
	bool required;
};

/* Takes a mapping apart. Unknown keys are refused with the nearest known name as a hint, as are
 * missing required ones. An absent `mapping` makes every field absent. */
int myc_yaml_fields(struct myc_yaml_node mapping, const struct myc_yaml_field *fields,
		    unsigned count, struct myc_error *error);
/* Free mappings: how many pairs, and the pair at `index` in the file's order. */
int myc_yaml_mapping(struct myc_yaml_node mapping, unsigned *count, struct myc_error *error);
void myc_yaml_pair(struct myc_yaml_node mapping, unsigned index, const char **key,
		   struct myc_yaml_node *value);

/* Sequences of min to max items; an absent one has *count 0 whatever the min. */
int myc_yaml_sequence(struct myc_yaml_node sequence, unsigned min, unsigned max, unsigned *count,
		      struct myc_error *error);
struct myc_yaml_node myc_yaml_item(struct myc_yaml_node sequence, unsigned index);

/* ---- scalars --------------------------------------------------------------------------------- */

/* Text of a scalar: not empty, no zero bytes (both refused), NULL when absent. */
int myc_yaml_text(struct myc_yaml_node node, const char **out, struct myc_error *error);
/* The same copied into out[size]; longer is refused. */
int myc_yaml_string(struct myc_yaml_node node, char *out, size_t size, struct myc_error *error);
/* A name: 1 to size - 1 bytes of the characters in `allowed`, copied into out[size]. */
int myc_yaml_name(struct myc_yaml_node node, const char *allowed, char *out, size_t size,
		  struct myc_error *error);
/* Decimal, or hexadecimal with 0x; in min..max. */
int myc_yaml_number(struct myc_yaml_node node, uint64_t min, uint64_t max, uint64_t *out,
		    struct myc_error *error);
int myc_yaml_u32(struct myc_yaml_node node, uint32_t min, uint32_t max, uint32_t *out,
		 struct myc_error *error);
int myc_yaml_power_of_two(struct myc_yaml_node node, uint32_t min, uint32_t max, uint32_t *out,
			  struct myc_error *error);
/* A path of the file, made relative to where we run; absolute ones stay. *out is freed, and malloc'd anew. */
int myc_yaml_path(struct myc_yaml_node node, const char *folder, char **out,
		  struct myc_error *error);
int myc_yaml_real(struct myc_yaml_node node, double min, double max, double *out,
		  struct myc_error *error);
/* true, false, yes, no, on, off. */
int myc_yaml_bool(struct myc_yaml_node node, bool *out, struct myc_error *error);
/* A number with its unit (ns, us, ms, s, min), as ns; in min..max ns. */
int myc_yaml_duration(struct myc_yaml_node node, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns,
		      struct myc_error *error);
/* One of `count` names; *out is its index. */
int myc_yaml_choice(struct myc_yaml_node node, const char *const *names, unsigned count,
		    unsigned *out, struct myc_error *error);

#endif
