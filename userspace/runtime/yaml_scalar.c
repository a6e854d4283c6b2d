/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars of a YAML document as values: texts, numbers, durations, choices. */
#include "runtime/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/yaml_document.h"

int myc_yaml_text(struct myc_yaml_node node, const char **out, struct myc_error *error)
{
	const yaml_node_t *raw = myc_yaml_raw(node);

	*out = NULL;
	if (!raw)
		return 0;
	if (raw->type != YAML_SCALAR_NODE)
		return myc_yaml_refuse(node, error, "write one value after the colon",
				       "not a single value");
	if (!raw->data.scalar.length)
		return myc_yaml_refuse(node, error, "write a value after the colon", "empty");
	*out = (const char *)raw->data.scalar.value;
	return 0;
}

int myc_yaml_string(struct myc_yaml_node node, char *out, size_t size, struct myc_error *error)
{
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	if (strlen(text) >= size)
		return myc_yaml_refuse(node, error, "shorten it", "longer than %zu bytes",
				       size - 1);
	snprintf(out, size, "%s", text);
	return 0;
}

int myc_yaml_name(struct myc_yaml_node node, const char *allowed, char *out, size_t size,
		  struct myc_error *error)
{
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	if (text[strspn(text, allowed)]) {
		char remedy[160];

		snprintf(remedy, sizeof(remedy), "use %s", allowed);
		return myc_yaml_refuse(node, error, remedy, "has a character that a name may not");
	}
	return myc_yaml_string(node, out, size, error);
}

/* Digits only (no sign, no blank, no octal); 0 when it is none. *end is behind the number. */
static bool digits(const char *text, uint64_t *value, const char **end)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	const char *first = base == 16 ? text + 2 : text;
	char *behind;

	if (!strchr(base == 16 ? "0123456789abcdefABCDEF" : "0123456789", *first) || !*first)
		return false;
	errno = 0;
	*value = strtoull(first, &behind, base);
	*end = behind;
	return errno == 0;
}

int myc_yaml_number(struct myc_yaml_node node, uint64_t min, uint64_t max, uint64_t *out,
		    struct myc_error *error)
{
	const char *text, *end;
	char remedy[80];
	uint64_t value;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	snprintf(remedy, sizeof(remedy), "use %llu to %llu", (unsigned long long)min,
		 (unsigned long long)max);
	if (!digits(text, &value, &end) || *end)
		return myc_yaml_refuse(node, error, remedy, "not a number");
	if (value < min || value > max)
		return myc_yaml_refuse(node, error, remedy, "out of range");
	*out = value;
	return 0;
}

int myc_yaml_real(struct myc_yaml_node node, double min, double max, double *out,
		  struct myc_error *error)
{
	const char *text;
	char remedy[80], *end;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	double value = strtod(text, &end);

	snprintf(remedy, sizeof(remedy), "use %g to %g", min, max);
	if (end == text || *end || !isfinite(value))
		return myc_yaml_refuse(node, error, remedy, "not a number");
	if (value < min || value > max)
		return myc_yaml_refuse(node, error, remedy, "out of range");
	*out = value;
	return 0;
}

int myc_yaml_bool(struct myc_yaml_node node, bool *out, struct myc_error *error)
{
	static const char *const names[] = {"true", "yes", "on", "false", "no", "off"};
	unsigned choice = 0;

	if (!myc_yaml_present(node))
		return 0;
	int err = myc_yaml_choice(node, names, 6, &choice, error);
	if (!err)
		*out = choice < 3;
	return err;
}

int myc_yaml_duration(struct myc_yaml_node node, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns,
		      struct myc_error *error)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", 60000000000}};
	const char *text, *unit;
	char remedy[80];
	uint64_t value;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	if (!digits(text, &value, &unit))
		return myc_yaml_refuse(node, error, "write a number and a unit, such as 500ms",
				       "not a duration");
	unit += strspn(unit, " ");
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (!__builtin_mul_overflow(value, units[i].ns, &value) && value >= min_ns &&
		    value <= max_ns) {
			*out_ns = value;
			return 0;
		}
		snprintf(remedy, sizeof(remedy), "use %llu to %llu ns", (unsigned long long)min_ns,
			 (unsigned long long)max_ns);
		return myc_yaml_refuse(node, error, remedy, "out of range");
	}
	return myc_yaml_refuse(node, error, "use ns, us, ms, s or min", "no unit of time");
}

int myc_yaml_choice(struct myc_yaml_node node, const char *const *names, unsigned count,
		    unsigned *out, struct myc_error *error)
{
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(text, names[i])) {
			*out = i;
			return 0;
		}
	return myc_yaml_refuse_name(node, error, names, count, "not known here");
}

int myc_yaml_u32(struct myc_yaml_node node, uint32_t min, uint32_t max, uint32_t *out,
		 struct myc_error *error)
{
	uint64_t value = *out;
	int err = myc_yaml_number(node, min, max, &value, error);

	if (!err)
		*out = (uint32_t)value;
	return err;
}

int myc_yaml_power_of_two(struct myc_yaml_node node, uint32_t min, uint32_t max, uint32_t *out,
			  struct myc_error *error)
{
	int err = myc_yaml_u32(node, min, max, out, error);

	if (!err && myc_yaml_present(node) && (*out & (*out - 1)))
		return myc_yaml_refuse(node, error, "use 64, 128, 256, ...", "not a power of two");
	return err;
}

int myc_yaml_path(struct myc_yaml_node node, const char *folder, char **out,
		  struct myc_error *error)
{
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	free(*out);
	if (asprintf(out, "%s%s%s", text[0] == '/' ? "" : folder, text[0] == '/' ? "" : "/", text) <
	    0) {
		*out = NULL;
		return myc_error_set(error, -ENOMEM, NULL, "no memory");
	}
	return 0;
}
