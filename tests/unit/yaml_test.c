/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/yaml.h"

/* A small document with every kind of reader behind it; what it reads is compared as text. */
struct reading {
	char name[8], text[16];
	uint64_t number, duration;
	double real;
	bool flag;
	unsigned colour, items;
};

static const char *const colours[] = {"red", "green", "blue"};

static int read_all(struct myc_yaml_node root, struct reading *out, struct myc_error *error)
{
	struct myc_yaml_node name, text, number, duration, real, flag, colour, list, inner, deep;
	const struct myc_yaml_field fields[] = {
		{"name", &name, true},		{"text", &text, false}, {"number", &number, false},
		{"duration", &duration, false}, {"real", &real, false}, {"flag", &flag, false},
		{"colour", &colour, false},	{"list", &list, false}, {"inner", &inner, false},
	};
	const struct myc_yaml_field inner_fields[] = {{"deep", &deep, true}};
	int err = myc_yaml_fields(root, fields, sizeof(fields) / sizeof(fields[0]), error);

	err = err ? err
		  : myc_yaml_name(name, "abcdefghijklmnopqrstuvwxyz", out->name, sizeof(out->name),
				  error);
	err = err ? err : myc_yaml_string(text, out->text, sizeof(out->text), error);
	err = err ? err : myc_yaml_number(number, 1, 65535, &out->number, error);
	err = err ? err : myc_yaml_duration(duration, 1000, 60000000000, &out->duration, error);
	err = err ? err : myc_yaml_real(real, 0, 2.5, &out->real, error);
	err = err ? err : myc_yaml_bool(flag, &out->flag, error);
	err = err ? err : myc_yaml_choice(colour, colours, 3, &out->colour, error);
	err = err ? err : myc_yaml_fields(inner, inner_fields, 1, error);
	err = err ? err : myc_yaml_sequence(list, 1, 3, &out->items, error);
	for (unsigned i = 0; !err && i < out->items; i++) {
		uint64_t item;

		err = myc_yaml_number(myc_yaml_item(list, i), 0, 9, &item, error);
	}
	return err;
}

/* 0, or the error with its whole line in `message`. */
static int read_text(const char *text, size_t size, struct reading *out, char message[1024])
{
	struct myc_error error = {0};
	struct myc_yaml *yaml = NULL;
	int err = myc_yaml_parse(&yaml, "t.yaml", text, size, &error);

	if (!err)
		err = read_all(myc_yaml_root(yaml), out, &error);
	myc_error_format(&error, message, 1024);
	myc_yaml_close(yaml);
	return err;
}

static void every_kind_of_value_is_read(void **state)
{
	static const char text[] = "name: abc\n"
				   "text: \"a b\"\n"
				   "number: 0xff # hexadecimal\n"
				   "duration: 500 ms\n"
				   "real: 1.5\n"
				   "flag: on\n"
				   "colour: blue\n"
				   "list: [1, 2]\n"
				   "inner: { deep: x }\n";
	struct reading got = {0};
	char message[1024];

	(void)state;
	assert_int_equal(read_text(text, sizeof(text) - 1, &got, message), 0);
	assert_string_equal(got.name, "abc");
	assert_string_equal(got.text, "a b");
	assert_int_equal(got.number, 255);
	assert_int_equal(got.duration, 500000000);
	assert_true(got.real == 1.5);
	assert_true(got.flag);
	assert_int_equal(got.colour, 2);
	assert_int_equal(got.items, 2);
}

static void absent_fields_keep_the_callers_defaults(void **state)
{
	struct reading got = {.text = "default", .number = 7, .flag = true, .colour = 1};
	char message[1024];

	(void)state;
	assert_int_equal(read_text("name: a", 7, &got, message), 0);
	assert_string_equal(got.text, "default");
	assert_int_equal(got.number, 7);
	assert_true(got.flag);
	assert_int_equal(got.colour, 1);
	assert_int_equal(got.items, 0);
}

static const struct {
	const char *text, *message;
} broken[] = {
	{"", "t.yaml:1: the file is empty (write a configuration into it)"},
	{"# only a comment\n", "t.yaml:1: the file is empty (write a configuration into it)"},
	{"name", "t.yaml:1: name: not a mapping (write 'key: value' pairs)"},
	{"- a", "t.yaml:1: not a mapping (write 'key: value' pairs)"},
	{"text: x", "t.yaml:1: 'name' is missing (add 'name:')"},
	{"name: a\nnmae: b", "t.yaml:2: nmae: unknown key (did you mean 'name'?)"},
	{"name: a\nwhatever: b", "t.yaml:2: whatever: unknown key (known here: name, text, number, "
				 "duration, real, flag, colour, list, inner)"},
	{"name: a\nname: b", "t.yaml:2: name: the key is here twice, first on line 1 (keep one of "
			     "the two)"},
	{"name: a\ninner: { deep: 1, deep: 2 }",
	 "t.yaml:2: inner: deep: the key is here twice, first on line 2 (keep one of the two)"},
	{"name: a\n? [x]\n: b",
	 "t.yaml:2: a key that is not a word (write a plain word before the colon)"},
	{"name:", "t.yaml:1: name: empty (write a value after the colon)"},
	{"name: [a]", "t.yaml:1: name: not a single value (write one value after the colon)"},
	{"name: A", "t.yaml:1: name: A: has a character that a name may not (use "
		    "abcdefghijklmnopqrstuvwxyz)"},
	{"name: abcdefghi", "t.yaml:1: name: abcdefghi: longer than 7 bytes (shorten it)"},
	{"name: a\n\nnumber: 0", "t.yaml:3: number: 0: out of range (use 1 to 65535)"},
	{"name: a\nnumber: 65536", "t.yaml:2: number: 65536: out of range (use 1 to 65535)"},
	{"name: a\nnumber: -1", "t.yaml:2: number: -1: not a number (use 1 to 65535)"},
	{"name: a\nnumber: 1x", "t.yaml:2: number: 1x: not a number (use 1 to 65535)"},
	{"name: a\nnumber: 0x", "t.yaml:2: number: 0x: not a number (use 1 to 65535)"},
	{"name: a\nnumber: 99999999999999999999",
	 "t.yaml:2: number: 99999999999999999999: not a number (use 1 to 65535)"},
	{"name: a\nreal: 2.6", "t.yaml:2: real: 2.6: out of range (use 0 to 2.5)"},
	{"name: a\nreal: nan", "t.yaml:2: real: nan: not a number (use 0 to 2.5)"},
	{"name: a\nreal: fast", "t.yaml:2: real: fast: not a number (use 0 to 2.5)"},
	{"name: a\nduration: 5",
	 "t.yaml:2: duration: 5: no unit of time (use ns, us, ms, s or min)"},
	{"name: a\nduration: soon",
	 "t.yaml:2: duration: soon: not a duration (write a number and a unit, such as 500ms)"},
	{"name: a\nduration: 2min",
	 "t.yaml:2: duration: 2min: out of range (use 1000 to 60000000000 ns)"},
	{"name: a\nduration: 18446744073709551615 s",
	 "t.yaml:2: duration: 18446744073709551615 s: out of range (use 1000 to 60000000000 ns)"},
	{"name: a\nflag: maybe",
	 "t.yaml:2: flag: maybe: not known here (known here: true, yes, on, false, no, off)"},
	{"name: a\ncolour: gren", "t.yaml:2: colour: gren: not known here (did you mean 'green'?)"},
	{"name: a\nlist: 5", "t.yaml:2: list: 5: not a sequence (write [a, b] or one '- item' a "
			     "line)"},
	{"name: a\nlist: []", "t.yaml:2: list: has 0 items (give 1 to 3)"},
	{"name: a\nlist: [1, 2, 3, 4]", "t.yaml:2: list: has 4 items (give 1 to 3)"},
	{"name: a\nlist:\n  - 1\n  - ten", "t.yaml:4: list[1]: ten: not a number (use 0 to 9)"},
	{"name: a\ninner: {}", "t.yaml:2: inner: 'deep' is missing (add 'deep:')"},
	{"name: a\ninner: { dep: 1 }", "t.yaml:2: inner: dep: unknown key (did you mean 'deep'?)"},
	{"name: a\ntext: \"x\\0y\"", "t.yaml:2: text: x: has a zero byte inside (remove it)"},
	{"name: a\nnumber: \"1\\n2\"", "t.yaml:2: number: 1?2: not a number (use 1 to 65535)"},
	{"name: a\nlist: &x [1, *x]", "t.yaml:2: list: contains an alias of itself (write the "
				      "inner value out instead of the alias)"},
	{"name: *nowhere", "t.yaml:1: found undefined alias near column 7: not YAML (check "
			   "indentation, quotes and brackets there)"},
	{"name: [a", "t.yaml:2: did not find expected ',' or ']' near column 1: not YAML (check "
		     "indentation, quotes and brackets there)"},
	{"name: a\n\tnumber: 1", "t.yaml:2: found a tab character that violates indentation near "
				 "column 1: not YAML (check indentation, quotes and brackets "
				 "there)"},
	{"name: a\n---\nname: b", "t.yaml:3: a second document (keep one, remove the '---')"},
	{"name: \xff", "t.yaml: invalid leading UTF-8 octet at byte 6: not YAML (save it as UTF-8 "
		       "text)"},
};

static void each_fault_names_its_line_field_value_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct reading got = {0};
		char message[1024];

		assert_int_equal(read_text(broken[i].text, strlen(broken[i].text), &got, message),
				 -EINVAL);
		assert_string_equal(message, broken[i].message);
	}
}

static void nesting_and_size_are_bounded(void **state)
{
	char text[512], message[1024];
	struct reading got;

	(void)state;
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	assert_int_equal(read_text(text, 200, &got, message), -EINVAL);
	assert_non_null(strstr(message, "nested deeper than 32 levels (flatten it)"));

	char path[] = "/tmp/mycload-yaml-XXXXXX";
	int fd = mkstemp(path);
	struct myc_yaml *yaml = NULL;
	struct myc_error error;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MYC_YAML_SIZE_MAX + 1), 0);
	close(fd);
	assert_int_equal(myc_yaml_open(&yaml, path, &error), -EINVAL);
	assert_non_null(strstr(error.cause, "larger than 1048576 bytes"));
	unlink(path);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct myc_yaml *yaml = NULL;
	struct myc_error error;

	(void)state;
	assert_int_equal(myc_yaml_open(&yaml, "/nonexistent/x.yaml", &error), -ENOENT);
	assert_string_equal(error.cause, "/nonexistent/x.yaml: No such file or directory");
	assert_int_equal(myc_yaml_open(&yaml, "/tmp", &error), -EISDIR);
}

static void aliases_are_named_by_their_anchor_and_keys_iterate_in_order(void **state)
{
	static const char text[] = "a: &n 70000\nb: *n\nc: { z: 1, y: 2 }\n";
	struct myc_yaml_node a, b, c, value;
	const struct myc_yaml_field fields[] = {{"a", &a, 1}, {"b", &b, 1}, {"c", &c, 1}};
	struct myc_yaml *yaml = NULL;
	struct myc_error error;
	const char *key;
	uint64_t number;
	unsigned count;

	(void)state;
	assert_int_equal(myc_yaml_parse(&yaml, "t", text, sizeof(text) - 1, &error), 0);
	assert_int_equal(myc_yaml_fields(myc_yaml_root(yaml), fields, 3, &error), 0);
	assert_int_equal(myc_yaml_number(b, 0, 9, &number, &error), -EINVAL);
	assert_string_equal(error.cause, "t:1: a: 70000: out of range");
	assert_int_equal(myc_yaml_mapping(c, &count, &error), 0);
	assert_int_equal(count, 2);
	myc_yaml_pair(c, 1, &key, &value);
	assert_string_equal(key, "y");
	assert_int_equal(myc_yaml_number(value, 0, 9, &number, &error), 0);
	assert_int_equal(number, 2);
	myc_yaml_close(yaml);
}

/* Whatever bytes are put in: no crash, and a message with a place when it is refused. */
static void mutated_documents_are_read_or_refused_with_a_message(void **state)
{
	static const char good[] = "name: abc\nnumber: 5\nlist: [1, 2]\ninner: { deep: &a x }\n"
				   "text: *a\nflag: on\ncolour: red\n";
	uint64_t random = test_seed() * 2 + 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct reading got;
		char text[sizeof(good)], message[1024];

		memcpy(text, good, sizeof(good));
		for (uint64_t n = test_random(&random) % 4 + 1; n; n--)
			text[test_random(&random) % (sizeof(good) - 1)] =
				"[]{}:,-&*!|>'\"%#? \n\t\0a0"[test_random(&random) % 24];
		if (read_text(text, sizeof(good) - 1, &got, message))
			assert_memory_equal(message, "t.yaml:", 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_is_read),
		cmocka_unit_test(absent_fields_keep_the_callers_defaults),
		cmocka_unit_test(each_fault_names_its_line_field_value_and_remedy),
		cmocka_unit_test(nesting_and_size_are_bounded),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(aliases_are_named_by_their_anchor_and_keys_iterate_in_order),
		cmocka_unit_test(mutated_documents_are_read_or_refused_with_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
