/* SPDX-License-Identifier: Apache-2.0 */
/* myc state, suspend, resume, move, holders: one actor of a running system, from outside. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "myc/myc.h"
#include "runtime/control.h"

#define TIMEOUT_MS   6000
#define REPLACED_MAX 4096

/* Asks; 0 and the answer after "ok", or the exit code of what went wrong. */
static int ask(const char *system, const char *line, struct myc_text *answer, const char **rest)
{
	char name[MYC_SYSTEM_NAME_MAX + 1];
	struct myc_error error;

	if (myc_name_of(system, name, sizeof(name), &error) ||
	    myc_control_ask(name, line, TIMEOUT_MS, answer, &error))
		return myc_complain(&error);
	*rest = myc_text_string(answer);
	if (!strncmp(*rest, "ok", 2)) {
		*rest += 2;
		return 0;
	}
	bool invalid = !strncmp(*rest, "invalid: ", 9);

	if (invalid)
		*rest += 9;
	else if (!strncmp(*rest, "error: ", 7))
		*rest += 7;
	fprintf(stderr, "myc: %s", *rest);
	return invalid ? 2 : 1;
}

static int complain_of_file(const char *option, const char *path, int code)
{
	struct myc_error error;

	myc_error_set(&error, code, "name another file", "%s %s: %s", option, path,
		      strerror(-code));
	return myc_complain(&error);
}

static void dump(const uint8_t *bytes, uint32_t size)
{
	for (uint32_t at = 0; at < size; at += 16) {
		printf("%06x ", at);
		for (uint32_t i = 0; i < 16; i++)
			at + i < size ? printf(" %02x", bytes[at + i]) : printf("   ");
		printf("  ");
		for (uint32_t i = 0; i < 16 && at + i < size; i++)
			putchar(bytes[at + i] >= ' ' && bytes[at + i] < 127 ? bytes[at + i] : '.');
		putchar('\n');
	}
}

static int show(const char *text, const char *out)
{
	unsigned version = 0, size = 0, byte;
	int at = 0;

	if (sscanf(text, "%u %u %n", &version, &size, &at) != 2 ||
	    strlen(text + at) < 2 * (size_t)size) {
		fprintf(stderr, "myc: an answer that cannot be\n");
		return 1;
	}
	uint8_t *bytes = malloc(size ? size : 1);
	int code = 0;

	if (!bytes) {
		fprintf(stderr, "myc: out of memory\n");
		return 1;
	}
	for (uint32_t i = 0; i < size; i++) {
		char pair[3] = {text[at + 2 * (int)i], text[at + 2 * (int)i + 1], '\0'};

		byte = (unsigned)strtoul(pair, NULL, 16);
		bytes[i] = (uint8_t)byte;
	}
	FILE *file = out ? fopen(out, "we") : NULL;
	bool written = file && fwrite(bytes, 1, size, file) == size;

	if (file && fclose(file))
		written = false;
	if (out && !written)
		code = complain_of_file("--out", out, -errno);
	if (!code)
		printf("version %u, %u bytes\n", version, size);
	if (!code && !out)
		dump(bytes, size);
	free(bytes);
	return code;
}

static int replace(const char *actor, const char *system, const char *path, unsigned version)
{
	char line[MYC_CONTROL_LINE_MAX];
	uint8_t bytes[REPLACED_MAX + 1];
	struct myc_text answer = {0};
	const char *rest = "";
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	int err = !file || ferror(file) ? -errno : 0;

	if (file)
		fclose(file);
	if (err)
		return complain_of_file("--replace", path, err);
	if (size > REPLACED_MAX) {
		fprintf(stderr, "myc: --replace %s: more than 4096 bytes\n", path);
		return 2;
	}
	int at = snprintf(line, sizeof(line), "replace %s %u ", actor, version);

	for (size_t i = 0; i < size; i++)
		at += snprintf(line + at, sizeof(line) - (size_t)at, "%02x", bytes[i]);
	int code = ask(system, line, &answer, &rest);

	myc_text_free(&answer);
	return code;
}

int myc_state_of(int argc, char **argv)
{
	static const struct option options[] = {{"out", required_argument, NULL, 'o'},
						{"replace", required_argument, NULL, 'r'},
						{"version", required_argument, NULL, 'v'},
						{0}};
	const char *out = NULL, *with = NULL, *rest = "";
	struct myc_text answer = {0};
	char line[128], *end;
	long version = -1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'o')
			out = optarg;
		else if (option == 'r')
			with = optarg;
		else if (option == 'v')
			version = strtol(optarg, &end, 10);
		else
			return myc_complain_usage();
		if (option == 'v' && (end == optarg || *end || version < 0 || version > UINT32_MAX))
			return myc_complain_usage();
	}
	if (argc == optind || argc - optind > 2 || (out && with) || (version >= 0 && !with) ||
	    strlen(argv[optind]) > 63 || strchr(argv[optind], ' '))
		return myc_complain_usage();
	const char *system = argv[optind + 1];

	if (with)
		return replace(argv[optind], system, with, version < 0 ? 0 : (unsigned)version);
	snprintf(line, sizeof(line), "state %s", argv[optind]);
	int code = ask(system, line, &answer, &rest);

	if (!code)
		code = show(rest, out);
	myc_text_free(&answer);
	return code;
}

/* has_json: the command knows --json. */
static int order(int argc, char **argv, const char *word, bool has_json)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	struct myc_text answer = {0};
	const char *rest = "", *json = "";
	char line[128];
	int option;

	while ((option = getopt_long(argc, argv, "", options + !has_json, NULL)) != -1) {
		if (option != 'j')
			return myc_complain_usage();
		json = " json";
	}
	if (argc == optind || argc - optind > 2 || strlen(argv[optind]) > 63 ||
	    strchr(argv[optind], ' '))
		return myc_complain_usage();
	snprintf(line, sizeof(line), "%s %s%s", word, argv[optind], json);
	int code = ask(argv[optind + 1], line, &answer, &rest);

	if (!code && *rest == ' ')
		fputs(rest + 1, stdout);
	myc_text_free(&answer);
	return code;
}

int myc_holders_of(int argc, char **argv)
{
	return order(argc, argv, "holders", true);
}

int myc_suspend_actor(int argc, char **argv)
{
	return order(argc, argv, "suspend", false);
}

int myc_resume_actor(int argc, char **argv)
{
	return order(argc, argv, "resume", false);
}

int myc_move_actor(int argc, char **argv)
{
	struct myc_text answer = {0};
	const char *rest = "";
	char line[128], *end = "";

	if (argc < 3 || argc > 4 || strlen(argv[1]) > 63 || strchr(argv[1], ' ') ||
	    argv[1][0] == '-' || argv[2][0] < '0' || argv[2][0] > '9')
		return myc_complain_usage();
	unsigned long executor = strtoul(argv[2], &end, 10);

	if (*end || executor > UINT32_MAX)
		return myc_complain_usage();
	snprintf(line, sizeof(line), "move %s %lu", argv[1], executor);
	int code = ask(argv[3], line, &answer, &rest);

	myc_text_free(&answer);
	return code;
}
