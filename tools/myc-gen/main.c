/* SPDX-License-Identifier: Apache-2.0 */
/* myc-gen: SBE schemas to C headers. docs/man/myc-gen.1 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libxml/parser.h>

#include "myc-gen/emit.h"

enum { EXIT_OTHER = 1, EXIT_INPUT = 2 };

static const char usage[] =
	"usage: myc-gen [OPTIONS] SCHEMA\n"
	"  -o, --output FILE      the C header; - or none: standard output\n"
	"  -p, --prefix NAME      of every C name; else the schema's package\n"
	"  -t, --type-suffix TEXT behind the C names of enums and composites, where they meet "
	"messages'\n"
	"  -l, --lenient          warnings for what real schemas break without harm\n"
	"  -c, --check            check the schema only\n"
	"  -h, --help\n"
	"  -V, --version\n";

struct options {
	const char *output, *prefix, *type_suffix, *schema;
	bool lenient, check;
};

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{"output", required_argument, NULL, 'o'},
		{"prefix", required_argument, NULL, 'p'},
		{"type-suffix", required_argument, NULL, 't'},
		{"lenient", no_argument, NULL, 'l'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "o:p:t:lchV", names, NULL)) != -1) {
		switch (option) {
		case 'o':
			options->output = strcmp(optarg, "-") ? optarg : NULL;
			break;
		case 'p':
			options->prefix = optarg;
			break;
		case 't':
			options->type_suffix = optarg;
			break;
		case 'l':
			options->lenient = true;
			break;
		case 'c':
			options->check = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'V':
			printf("myc-gen " MYC_VERSION "\n");
			exit(0);
		default:
			fputs(usage, stderr);
			return EXIT_INPUT;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return EXIT_INPUT;
	}
	options->schema = argv[optind];
	return 0;
}

static bool is_name(const char *text)
{
	return !text || (*text && !strchr("0123456789", *text) &&
			 !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")]);
}

/* What is no file (a terminal, /dev/full) was not made here, and stays. */
static void remove_half(const char *path)
{
	struct stat at;

	if (!stat(path, &at) && S_ISREG(at.st_mode))
		unlink(path);
}

static int write_to(struct gen_schema *schema, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int bad = 0;

	if (!memory) {
		perror("myc-gen");
		return EXIT_OTHER;
	}
	const char *name = path ? strrchr(path, '/') : NULL;
	gen_emit_header(schema, memory, name ? name + 1 : path ? path : schema->prefix);
	bad |= fclose(memory);
	/* a header that is half written would be taken for a new one by make */
	FILE *file = path ? fopen(path, "w") : stdout;
	bad = bad || !file || fwrite(text, 1, size, file) != size || fflush(file);
	if (path && file)
		bad |= fclose(file);
	if (bad) {
		fprintf(stderr,
			"myc-gen: %s: cannot be written: %s (is there room, and may you write "
			"there?)\n",
			path ? path : "standard output", strerror(errno));
		if (path && file)
			remove_half(path);
		bad = EXIT_OTHER;
	}
	free(text);
	return bad;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	int code = parse(argc, argv, &options);

	if (code)
		return code;
	if (!is_name(options.prefix)) {
		fprintf(stderr,
			"myc-gen: --prefix %s: not a C name in small letters (use a-z, 0-9 and "
			"_)\n",
			options.prefix);
		return EXIT_INPUT;
	}
	struct gen_schema *schema = gen_open(options.prefix, options.type_suffix, options.lenient);
	bool good = gen_compile(schema, options.schema, NULL, 0);
	if (schema->log)
		fputs(schema->log, stderr);
	if (!good)
		code = EXIT_INPUT;
	else if (!options.check)
		code = write_to(schema, options.output);
	gen_close(schema);
	xmlCleanupParser();
	return code;
}
