/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "myc-gen/filter.h"
#include "myc/myc.h"
#include "runtime/control.h"

#define ASKED_MAX 5
#define RETRY_US  20000

struct command {
	const char *name, *usage;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"run",
	 "TOPOLOGY [-d|--detach] [--kind xdp|udp|file|none] [--set KEY=VALUE]...\n"
	 "          [--report FILE] [--log FILE] [--until-exhausted]",
	 myc_run},
	{"check", "TOPOLOGY [--kind xdp|udp|file|none] [--set KEY=VALUE]...", myc_check},
	{"ps", "[NAME] [--json]", myc_ps},
	{"letters", "[NAME] [--json]", myc_letters},
	{"schemas", "[NAME] [--json]", myc_schemas_of},
	{"state", "ACTOR [NAME] [--out FILE | --replace FILE [--version N]]", myc_state_of},
	{"suspend", "ACTOR [NAME]", myc_suspend_actor},
	{"resume", "ACTOR [NAME]", myc_resume_actor},
	{"move", "ACTOR EXECUTOR [NAME]", myc_move_actor},
	{"holders", "ACTOR [NAME] [--json]", myc_holders_of},
	{"stop", "[NAME] [--timeout SECONDS]", myc_stop_system},
	{"frame", "FILE|- [--json]", myc_frame_file},
};

static const struct command *running;

int myc_complain(const struct myc_error *error)
{
	char text[1024];

	myc_error_format(error, text, sizeof(text));
	fprintf(stderr, "myc: %s\n", text);
	return myc_exit_code(error->code);
}

int myc_complain_usage(void)
{
	fprintf(stderr, "usage: myc %s %s\n", running->name, running->usage);
	return 2;
}

int myc_args_set(struct myc_topology_args *args, char *text, struct myc_error *error)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return myc_error_set(error, -EINVAL, "write --set KEY=VALUE", "--set %s: no %s",
				     text, equals ? "key" : "value");
	if (args->overrides == MYC_OVERRIDES_MAX)
		return myc_error_set(error, -EINVAL, "change the file instead",
				     "more than %d times --set", MYC_OVERRIDES_MAX);
	*equals = '\0';
	args->override[args->overrides++] =
		(struct myc_topology_override){.key = text, .value = equals + 1};
	return 0;
}

int myc_args_load(const struct myc_topology_args *args, struct myc_topology **topology,
		  struct myc_layout **layout, struct myc_error *error)
{
	int err = myc_topology_load(topology, args->path, args->kind, args->override,
				    args->overrides, error);

	if (err)
		return err;
	err = myc_topology_check_libraries(*topology, error);
	bool says_where = err && error->doing[0];

	err = err ?: myc_layout_make(layout, *topology, error);
	if (!err)
		return 0;
	if (!says_where)
		myc_error_doing(error, "%s", args->path);
	myc_topology_free(*topology);
	return err;
}

struct names {
	char name[MYC_SYSTEM_NAME_MAX + 1];
	unsigned count;
};

static void note_name(void *context, const char *name)
{
	struct names *names = context;

	snprintf(names->name, sizeof(names->name), "%s", name);
	names->count++;
}

int myc_name_of(const char *given, char *out, size_t size, struct myc_error *error)
{
	struct names names = {.count = 0};

	if (!given) {
		myc_run_dir_each(note_name, &names);
		if (names.count != 1)
			return myc_error_set(
				error, -EINVAL, names.count ? "name one; myc ps lists them" : NULL,
				names.count ? "several systems run" : "no system runs");
		given = names.name;
	}
	if (strlen(given) >= size || strchr(given, '/') || given[0] == '.')
		return myc_error_set(error, -EINVAL, "myc ps lists what runs",
				     "'%s' is not the name of a system", given);
	snprintf(out, size, "%s", given);
	return 0;
}

int myc_query(const char *name, const char *line, int timeout_ms, struct myc_text *answer,
	      struct myc_error *error)
{
	int err = 0;

	for (unsigned i = 0; i < ASKED_MAX; i++) {
		err = myc_control_ask(name, line, timeout_ms, answer, error);
		if (err != -EPIPE && err != -ECONNRESET)
			break;
		myc_text_free(answer);
		usleep(RETRY_US);
	}
	return err;
}

static int help(FILE *out)
{
	fprintf(out, "myc: runs systems of actors (version " MYC_VERSION ")\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  myc %s %s\n", commands[i].name, commands[i].usage);
	fprintf(out, "  myc --version\nsee myc(1), myc-topology(5)\n");
	return out == stdout ? 0 : 2;
}

static bool is_help(const char *argument)
{
	return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static int run(int argc, char **argv)
{
	static char called[16]; /* getopt's complaints begin with it */

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i])) {
			printf("usage: myc %s %s\nsee myc(1)\n", running->name, running->usage);
			return 0;
		}
	snprintf(called, sizeof(called), "myc %s", running->name);
	argv[0] = called;
	int code = running->run(argc, argv);

	/* What was not written was not said. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "myc: standard output: %s\n", strerror(errno));
		code = code ? code : 1;
	}
	return code;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr);
	myc_schema_compile = gen_filter;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		running = &commands[i];
		if (!strcmp(argv[1], running->name))
			return run(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "help") || is_help(argv[1]))
		return help(stdout);
	if (!strcmp(argv[1], "--version")) {
		printf("myc " MYC_VERSION "\n");
		return 0;
	}
	fprintf(stderr, "myc: no command '%s'\n", argv[1]);
	return help(stderr);
}
