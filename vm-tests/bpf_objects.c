/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads every BPF object of the build as libbpf does for the library, and says for each program what
 * the verifier had to do: "stat OBJECT PROGRAM INSTRUCTIONS STATES". A program that needs more than
 * MYC_NEAR instructions of the kernel's million is an error, as is one refused. The control, which
 * cannot load, must not.
 *
 *	bpf_objects [--broken]      --broken: the control counts as an object, so this fails
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define LOG_SIZE   (16u << 20)
#define LOG_STATS  4 /* the verifier's closing line only */
#define MYC_NEAR   500000
#define STATS_LINE "processed %u insns (limit %*u) max_states_per_insn %*u total_states %u"

static char warnings[4096];

static int keep_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(warnings);

	if (level == LIBBPF_WARN && used < sizeof(warnings) - 1)
		vsnprintf(warnings + used, sizeof(warnings) - used, format, args);
	return 0;
}

/* The verifier's verdict is at the end of its log. */
static const char *last_lines(const char *log)
{
	const char *at = log + strlen(log);

	for (int lines = 0; at > log; at--)
		if (at[-1] == '\n' && ++lines > 12)
			break;
	return at;
}

/* Each program of an object has a log of its own; programs are few. */
#define PROGRAMS_MAX 8

static int say_statistics(const char *name, struct bpf_object *object, char *const *log)
{
	struct bpf_program *program;
	unsigned i = 0;
	int bad = 0;

	bpf_object__for_each_program (program, object) {
		unsigned instructions = 0, states = 0;
		const char *line = i < PROGRAMS_MAX ? strstr(log[i], "processed ") : NULL;

		if (!line || sscanf(line, STATS_LINE, &instructions, &states) != 2) {
			printf("FAILED: the verifier said nothing of %s\n",
			       bpf_program__name(program));
			bad = 1;
		}
		printf("stat %s %s %u %u\n", name, bpf_program__name(program), instructions,
		       states);
		if (instructions > MYC_NEAR) {
			printf("FAILED: %s takes %u of the verifier's million instructions\n",
			       bpf_program__name(program), instructions);
			bad = 1;
		}
		i++;
	}
	return bad;
}

static int load_one(const char *path, char *const *log)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	unsigned i = 0;
	int err = object ? 0 : -errno;

	warnings[0] = '\0';
	if (!err)
		bpf_object__for_each_program (program, object)
			if (i < PROGRAMS_MAX) {
				log[i][0] = '\0';
				bpf_program__set_log_level(program, LOG_STATS);
				bpf_program__set_log_buf(program, log[i++], LOG_SIZE);
			}
	err = err ? err : bpf_object__load(object);
	if (err)
		printf("refused %s: %s\n%s%s\n", name, strerror(-err), warnings,
		       i ? last_lines(log[0]) : "");
	else
		err = say_statistics(name, object, log);
	bpf_object__close(object);
	return err != 0;
}

static int load_all(const char *build, char *const *log)
{
	char pattern[256];
	glob_t found;
	int bad = 0;

	snprintf(pattern, sizeof(pattern), "%s/bpf/*.bpf.o", build);
	if (glob(pattern, 0, NULL, &found)) {
		printf("FAILED: no BPF object at %s\n", pattern);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		bad |= load_one(found.gl_pathv[i], log);
	globfree(&found);
	return bad;
}

int main(int argc, char **argv)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	bool broken = argc > 1 && !strcmp(argv[1], "--broken");
	char control[256], *log[PROGRAMS_MAX];

	char *room = calloc(PROGRAMS_MAX, LOG_SIZE);
	if (!room)
		return 1;
	for (unsigned i = 0; i < PROGRAMS_MAX; i++)
		log[i] = room + (size_t)i * LOG_SIZE;
	libbpf_set_print(keep_warnings);
	int bad = load_all(build, log);
	snprintf(control, sizeof(control), "%s/vm-tests/broken.bpf.o", build);
	int refused = load_one(control, log);
	if (!refused) {
		puts("FAILED: the control, which cannot load, did: this proves nothing");
		bad = 1;
	}
	free(room);
	if (broken)
		return bad | refused;
	return bad;
}
