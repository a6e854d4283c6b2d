/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads each BPF object named, as libbpf does for the library, and prints a row a program:
 * "row OBJECT PROGRAM VERIFIED_INSNS", or "refused OBJECT: why". Exits 0 only if all were loaded.
 * Built statically for the guest of bpf-check.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define LOG_SIZE (16u << 20)

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

static int load_one(const char *path, char *log)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = LOG_SIZE - 1);
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct bpf_object *object = bpf_object__open_file(path, &opts);
	struct bpf_program *program;
	int err = object ? bpf_object__load(object) : -errno;

	if (err) {
		printf("refused %s: %s\n%s%s", name, strerror(-err), warnings, last_lines(log));
		bpf_object__close(object);
		return 1;
	}
	bpf_object__for_each_program (program, object) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			err = 1;
		printf("row %s %s %u\n", name, bpf_program__name(program), info.verified_insns);
	}
	bpf_object__close(object);
	return err;
}

int main(int argc, char **argv)
{
	char *log = calloc(1, LOG_SIZE);
	int bad = argc < 2;

	if (!log)
		return 1;
	libbpf_set_print(keep_warnings);
	for (int i = 1; i < argc; i++) {
		log[0] = '\0';
		warnings[0] = '\0';
		bad |= load_one(argv[i], log);
	}
	free(log);
	return bad;
}
