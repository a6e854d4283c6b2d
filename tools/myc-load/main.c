/* SPDX-License-Identifier: Apache-2.0 */
/* myc-load: the steering program without a supervisor. docs/man/myc-load.1 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/program.h"
#include "myc-gen/filter.h"
#include "myc-load/config.h"
#include "myc-load/print.h"

enum { EXIT_OTHER = 1, EXIT_INPUT = 2, EXIT_PRIVILEGE = 3, EXIT_TAKEN = 4 };

#define SYSTEMS_MAX 64

static const char usage[] =
	"usage: myc-load COMMAND [OPTIONS] [ARGUMENT]\n"
	"  load CONFIG      load and pin, do not attach\n"
	"  attach NAME      attach what is loaded\n"
	"  up CONFIG        load and attach\n"
	"  replace CONFIG   swap program and configuration in one step\n"
	"  status [NAME]    what is loaded and attached, where and how\n"
	"  counters NAME    packets by verdict\n"
	"  unload NAME      detach, remove every pin\n"
	"  cleanup [NAME]   remove what a crash left (of all systems without NAME)\n"
	"options:\n"
	"  --name NAME --interface IF --mode auto|native|generic   instead of the CONFIG's\n"
	"  --sharing exclusive|dispatcher --priority N             likewise\n"
	"  --netns NAME|PATH   enter that network namespace first\n"
	"  --bpffs DIR         instead of /sys/fs/bpf\n"
	"  --json              status, counters: one JSON object a line\n"
	"  --force             cleanup: detach too\n"
	"  -h --help --version\n";

struct options {
	const char *name, *interface, *netns, *bpffs;
	enum myc_attach_mode mode;
	enum myc_sharing sharing;
	uint32_t priority; /* 0 = not given */
	bool has_mode, has_sharing, json, force;
	const char *argument; /* NULL = none */
};

static int exit_code(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case EINVAL:
	case ENOENT:
	case ENODEV:
	case EISDIR:
	case ENOTDIR:
	case ENAMETOOLONG:
		return EXIT_INPUT;
	case EPERM:
	case EACCES:
	case EOPNOTSUPP:
	case ENOSYS:
	case ENXIO:
		return EXIT_PRIVILEGE;
	case EBUSY:
	case EEXIST:
		return EXIT_TAKEN;
	default:
		return EXIT_OTHER;
	}
}

static int fail(const struct myc_error *error)
{
	char line[1024];

	myc_error_format(error, line, sizeof(line));
	fprintf(stderr, "myc-load: %s\n", line);
	return exit_code(error->code);
}

static struct myc_program_opts program_opts(const struct options *options)
{
	return (struct myc_program_opts){
		.sz = sizeof(struct myc_program_opts),
		.name = options->name ? options->name : options->argument,
		.bpffs = options->bpffs,
		.interface = options->interface,
		.mode = options->mode,
		.sharing = options->sharing,
		.priority = options->priority,
	};
}

/* ---- commands: 0 or -errno with the error filled ---------------------------------------------- */

/* The file's values where the command line has none. */
static int read_config(const struct options *options, struct config *config,
		       struct myc_program_opts *opts, struct myc_error *error)
{
	int err = config_read(config, options->argument, error);

	if (err)
		return err;
	*opts = program_opts(options);
	opts->name = options->name ? options->name : config->name;
	opts->mode = options->has_mode ? options->mode : config->mode;
	opts->sharing = options->has_sharing ? options->sharing : config->sharing;
	opts->priority = options->priority ? options->priority : config->priority;
	if (!opts->interface && config->interface[0])
		opts->interface = config->interface;
	if (opts->name[0])
		return 0;
	return myc_error_set(error, -EINVAL, "add 'name:' to the file, or --name",
			     "%s: the system has no name", options->argument);
}

static int say_status(const struct myc_program *program, const char *name, bool json,
		      struct myc_error *error)
{
	struct myc_program_status status;
	int err = myc_program_status(program, &status, error);

	if (!err)
		print_status(name, &status, json);
	return err;
}

static int load(const struct options *options, bool attach, struct myc_error *error)
{
	struct config config;
	struct myc_program_opts opts;
	struct myc_program *program = NULL;
	int err = read_config(options, &config, &opts, error);

	if (!err && attach && !opts.interface)
		err = myc_error_set(error, -EINVAL, "add 'interface:' to the file, or --interface",
				    "%s: no interface is named", options->argument);
	err = err ? err : myc_program_load(&program, &opts, &config.channels->config, error);
	if (!err && attach) {
		err = myc_program_attach(program, error);
		if (err && !myc_program_unload(program, NULL))
			program = NULL;
	}
	err = err ? err : say_status(program, opts.name, options->json, error);
	myc_program_close(program);
	config_free(&config);
	return err;
}

static int run_load(const struct options *options, struct myc_error *error)
{
	return load(options, false, error);
}

static int run_up(const struct options *options, struct myc_error *error)
{
	return load(options, true, error);
}

static int run_replace(const struct options *options, struct myc_error *error)
{
	struct config config;
	struct myc_program_opts opts;
	struct myc_program *program = NULL;
	int err = read_config(options, &config, &opts, error);

	opts.interface = NULL; /* it stays where it is attached, as it is attached */
	opts.sharing = MYC_SHARING_EXCLUSIVE;
	opts.priority = 0;
	err = err ? err : myc_program_open(&program, &opts, error);
	err = err ? err : myc_program_replace(program, &config.channels->config, error);
	err = err ? err : say_status(program, opts.name, options->json, error);
	myc_program_close(program);
	config_free(&config);
	return err;
}

static int run_attach(const struct options *options, struct myc_error *error)
{
	struct myc_program_opts opts = program_opts(options);
	struct myc_program *program = NULL;
	int err = myc_program_open(&program, &opts, error);

	err = err ? err : myc_program_attach(program, error);
	err = err ? err : say_status(program, opts.name, options->json, error);
	myc_program_close(program);
	return err;
}

/* Runs for the named system, or for each there is. */
static int for_each(const struct options *options, struct myc_error *error,
		    int (*each)(const struct options *, const struct myc_program_opts *,
				struct myc_error *))
{
	char names[SYSTEMS_MAX][MYC_PROGRAM_NAME_MAX + 1];
	struct myc_program_opts opts = program_opts(options);

	if (opts.name)
		return each(options, &opts, error);
	int count = myc_program_list(options->bpffs, names, SYSTEMS_MAX);
	if (count < 0)
		return myc_error_set(error, count, "run as root", "listing the pins: %s",
				     strerror(-count));
	int err = 0;
	for (int i = 0; !err && i < count; i++) {
		opts.name = names[i];
		err = each(options, &opts, error);
	}
	return err;
}

static int status_one(const struct options *options, const struct myc_program_opts *opts,
		      struct myc_error *error)
{
	struct myc_program *program = NULL;
	int err = myc_program_open(&program, opts, error);

	err = err ? err : say_status(program, opts->name, options->json, error);
	myc_program_close(program);
	return err;
}

static int run_status(const struct options *options, struct myc_error *error)
{
	return for_each(options, error, status_one);
}

/* Without a name, systems that work are left alone without a complaint. */
static int cleanup_one(const struct options *options, const struct myc_program_opts *opts,
		       struct myc_error *error)
{
	int err = myc_program_cleanup(opts, options->force, error);

	return err == -EBUSY && !options->argument && !options->name ? 0 : err;
}

static int run_cleanup(const struct options *options, struct myc_error *error)
{
	return for_each(options, error, cleanup_one);
}

static int run_unload(const struct options *options, struct myc_error *error)
{
	struct myc_program_opts opts = program_opts(options);
	struct myc_program *program = NULL;
	int err = myc_program_open(&program, &opts, error);

	if (err)
		return err;
	err = myc_program_unload(program, error);
	if (err)
		myc_program_close(program);
	return err;
}

static int run_counters(const struct options *options, struct myc_error *error)
{
	struct myc_program_opts opts = program_opts(options);
	struct myc_program *program = NULL;
	struct myc_program_status status;
	int err = myc_program_open(&program, &opts, error);

	err = err ? err : myc_program_status(program, &status, error);
	if (!err) {
		err = print_counters(program, status.channels_count, options->json);
		if (err)
			myc_error_set(error, err, NULL, "reading the counters: %s", strerror(-err));
	}
	myc_program_close(program);
	return err;
}

static const struct command {
	const char *name;
	enum { ARGUMENT_MAY, ARGUMENT_MUST } argument;
	int (*run)(const struct options *options, struct myc_error *error);
} commands[] = {
	{"load", ARGUMENT_MUST, run_load},     {"attach", ARGUMENT_MUST, run_attach},
	{"up", ARGUMENT_MUST, run_up},	       {"replace", ARGUMENT_MUST, run_replace},
	{"status", ARGUMENT_MAY, run_status},  {"counters", ARGUMENT_MUST, run_counters},
	{"unload", ARGUMENT_MUST, run_unload}, {"cleanup", ARGUMENT_MAY, run_cleanup},
};

/* ---- the command line ------------------------------------------------------------------------ */

/* Enters the namespace only: `ip netns exec` would hide the bpffs as well. */
static int enter_netns(const char *netns, struct myc_error *error)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s%s", strchr(netns, '/') ? "" : "/run/netns/", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return myc_error_set(error, -errno, "see ip netns list", "network namespace %s: %s",
				     path, strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		err = myc_error_set(error, -errno,
				    errno == EPERM ? "run as root" : "name a network namespace",
				    "entering %s: %s", path, strerror(errno));
	close(fd);
	return err;
}

static int parse_mode(const char *text, struct options *options, struct myc_error *error)
{
	for (unsigned i = 0; i < sizeof(config_modes) / sizeof(config_modes[0]); i++)
		if (!strcmp(text, config_modes[i])) {
			options->mode = (enum myc_attach_mode)i;
			options->has_mode = true;
			return 0;
		}
	return myc_error_set(error, -EINVAL, "use auto, native or generic", "--mode %.40s", text);
}

static int parse_sharing(const char *text, struct options *options, struct myc_error *error)
{
	for (unsigned i = 0; i < sizeof(config_sharings) / sizeof(config_sharings[0]); i++)
		if (!strcmp(text, config_sharings[i])) {
			options->sharing = (enum myc_sharing)i;
			options->has_sharing = true;
			return 0;
		}
	return myc_error_set(error, -EINVAL, "use exclusive or dispatcher", "--sharing %.40s",
			     text);
}

static int parse_priority(const char *text, struct options *options, struct myc_error *error)
{
	char *end;
	unsigned long priority = strtoul(text, &end, 10);

	if (!*text || *end || text[0] == '-' || !priority || priority > MYC_PRIORITY_MAX)
		return myc_error_set(error, -EINVAL, "use 1 to 65535", "--priority %.40s", text);
	options->priority = (uint32_t)priority;
	return 0;
}

static int parse(int argc, char **argv, struct options *options, struct myc_error *error)
{
	static const struct option known[] = {
		{"name", required_argument, NULL, 'n'},
		{"interface", required_argument, NULL, 'i'},
		{"mode", required_argument, NULL, 'm'},
		{"sharing", required_argument, NULL, 's'},
		{"priority", required_argument, NULL, 'p'},
		{"netns", required_argument, NULL, 'N'},
		{"bpffs", required_argument, NULL, 'b'},
		{"json", no_argument, NULL, 'j'},
		{"force", no_argument, NULL, 'f'},
		{NULL, 0, NULL, 0},
	};
	int err = 0, option;

	opterr = 0;
	while (!err && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (option) {
		case 'n':
			options->name = optarg;
			break;
		case 'i':
			options->interface = optarg;
			break;
		case 'm':
			err = parse_mode(optarg, options, error);
			break;
		case 's':
			err = parse_sharing(optarg, options, error);
			break;
		case 'p':
			err = parse_priority(optarg, options, error);
			break;
		case 'N':
			options->netns = optarg;
			break;
		case 'b':
			options->bpffs = optarg;
			break;
		case 'j':
			options->json = true;
			break;
		case 'f':
			options->force = true;
			break;
		default:
			err = myc_error_set(error, -EINVAL, "see myc-load --help",
					    "%.40s: no such option, or its value is missing",
					    argv[optind - 1]);
		}
	if (!err && optind < argc)
		options->argument = argv[optind++];
	if (!err && optind < argc)
		err = myc_error_set(error, -EINVAL, "see myc-load --help", "%.40s is one too many",
				    argv[optind]);
	return err;
}

static int run(const struct command *command, int argc, char **argv, struct myc_error *error)
{
	struct options options = {0};
	int err = parse(argc, argv, &options, error);

	if (!err && command->argument == ARGUMENT_MUST && !options.argument)
		err = myc_error_set(error, -EINVAL, "see myc-load --help",
				    "%s: what? An argument is missing", command->name);
	if (!err && options.netns)
		err = enter_netns(options.netns, error);
	return err ? err : command->run(&options, error);
}

int main(int argc, char **argv)
{
	struct myc_error error = {0};

	myc_schema_compile = gen_filter;
	if (argc < 2) {
		fputs(usage, stderr);
		return EXIT_INPUT;
	}
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(usage, stdout);
			return 0;
		}
	if (!strcmp(argv[1], "--version")) {
		printf("myc-load " MYC_VERSION "\n");
		return 0;
	}
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1, &error) ? fail(&error) : 0;
	myc_error_set(&error, -EINVAL, "see myc-load --help", "no command '%.40s'", argv[1]);
	return fail(&error);
}
