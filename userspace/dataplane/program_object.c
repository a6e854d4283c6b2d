/* SPDX-License-Identifier: Apache-2.0 */
/* From the embedded object to a loaded program with its maps, and what went wrong on the way. */
#include "dataplane/program_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <bpf/steer.skel.h>

/* State maps have rows for this many more channels, rounded up: a replacement may bring some more,
 * and a window of 64 KiB a channel is not spent for all MYC_CHANNELS_MAX. */
#define CHANNELS_STEP 16

/* The most a 6.1 kernel takes; touched only as far as a log reaches. A shorter one would turn the
 * verifier's verdict into ENOSPC. */
#define VERIFIER_LOG_SIZE (16u << 20)

/* The kernel gives up verifying when a signal is pending, and libbpf asks five times: too few where a timer's or a
 * profiler's come in less time than that takes. Signals are held back meanwhile, and for what cannot be: */
#define LOADS_MAX 10

/* ---- what libbpf and the verifier said ------------------------------------------------------- */

static _Thread_local char libbpf_said[200];

/* Keeps the first warning, which is the cause of those after it: the library itself prints nothing. */
static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !libbpf_said[0]) {
		vsnprintf(libbpf_said, sizeof(libbpf_said), format, args);
		libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	}
	return 0;
}

static bool is_statistics(const char *line)
{
	return !strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth", 11) || !strncmp(line, "--", 2);
}

/* The verifier's verdict is its last line but the statistics; the instruction it is about stands
 * before it. Writes both as one line. Cuts the log up. */
static void decisive_lines(char *log, char *out, size_t size)
{
	const char *last = "", *before = "";

	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		if (line[0] && !is_statistics(line)) {
			before = last;
			last = line;
		}
	snprintf(out, size, "%.90s%s%.150s", before, before[0] ? "; " : "", last);
}

static int explain_load(int err, char *log, struct myc_error *error)
{
	char said[256];

	if (err == -EAGAIN)
		return myc_error_set(error, err, "try again when the machine has calmed down",
				     "the kernel was interrupted while it verified, %d times",
				     5 * LOADS_MAX);
	decisive_lines(log, said, sizeof(said));
	if (err == -EPERM && !said[0])
		return myc_error_set(error, err,
				     "run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
				     "the kernel refuses BPF to this user");
	if (said[0])
		return myc_error_set(error, -EOPNOTSUPP,
				     "use Linux 6.1 or later; if it is, report this with uname -r",
				     "the verifier refuses the program: %s", said);
	return myc_error_set(error, err,
			     "use Linux 6.1 or later with CONFIG_BPF_SYSCALL and "
			     "CONFIG_XDP_SOCKETS",
			     "%s%s%s", strerror(-err), libbpf_said[0] ? ": " : "", libbpf_said);
}

int myc_load_explained(int (*load)(void *context, const struct bpf_object_open_opts *opts),
		       void *context, struct myc_error *error)
{
	char *log = calloc(1, VERIFIER_LOG_SIZE);
	struct bpf_object_open_opts opts = {
		.sz = sizeof(opts),
		.kernel_log_buf = log,
		.kernel_log_size = VERIFIER_LOG_SIZE - 1,
	};

	sigset_t all, before;
	int err = -EAGAIN;

	if (!log) {
		myc_error_set(error, -ENOMEM, NULL, "out of memory");
		return -ENOMEM;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	libbpf_print_fn_t print = libbpf_set_print(keep_warning);
	for (int i = 0; err == -EAGAIN && i < LOADS_MAX; i++) {
		log[0] = libbpf_said[0] = '\0';
		err = load(context, &opts);
	}
	libbpf_set_print(print);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	err = err ? explain_load(err, log, error) : 0;
	free(log);
	return err;
}

/* ---- sizes and contents ---------------------------------------------------------------------- */

static uint32_t channels_room(const struct myc_steer_config *config)
{
	uint32_t rounded =
		(config->channels_count + CHANNELS_STEP - 1) / CHANNELS_STEP * CHANNELS_STEP;

	return rounded ? rounded : CHANNELS_STEP;
}

/* Symbol tables are looked up by channel: as many rows as the last channel with one needs. */
static uint32_t symbols_rows(const struct myc_steer_config *config)
{
	uint32_t rows = 1;

	for (uint32_t i = 0; i < config->channels_count; i++)
		if (config->symbols[i])
			rows = i + 1;
	return rows;
}

static uint32_t sbe_rows(const struct myc_steer_config *config)
{
	uint32_t rows = 1;

	for (uint32_t i = 0; i < config->channels_count; i++)
		if (config->sbe[i])
			rows = i + 1;
	return rows;
}

static int set_sizes(struct steer_bpf *skel, const struct myc_steer_config *config)
{
	uint32_t channels = config->channels_count ? config->channels_count : 1;
	uint32_t room = channels_room(config);
	const struct {
		struct bpf_map *map;
		uint32_t rows;
	} sizes[] = {
		{skel->maps.channels, channels},    {skel->maps.symbols, symbols_rows(config)},
		{skel->maps.state, room},	    {skel->maps.window, room},
		{skel->maps.locate, room},	    {skel->maps.counters, room + 1},
		{skel->maps.sbe, sbe_rows(config)},
	};
	int err = 0;

	for (unsigned i = 0; !err && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		err = bpf_map__set_max_entries(sizes[i].map, sizes[i].rows);
	return err;
}

static int reuse_state(struct steer_bpf *skel, const struct myc_program_object *object)
{
	int err = 0;

	for (unsigned i = MYC_MAPS_CONFIGURATION; !err && i < MYC_MAP_RECEIPT; i++)
		if (object->map[i] >= 0)
			err = bpf_map__reuse_fd(
				bpf_object__find_map_by_name(skel->obj, myc_program_map_name[i]),
				object->map[i]);
	return err;
}

static int fill_bindings(int map, const struct myc_steer_config *config, struct myc_error *error)
{
	struct myc_binding_slot *slots = calloc(MYC_BINDING_SLOTS, sizeof(*slots));

	if (!slots)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	int err = myc_binding_table_build(slots, config);

	if (err == -ENOSPC)
		err = myc_error_set(error, err, "give some lines other ports",
				    "the addresses of too many lines collide in the table");
	else if (err)
		err = myc_error_set(error, err, NULL, "the table of lines: %s", strerror(-err));
	for (uint32_t i = 0; !err && i < MYC_BINDING_SLOTS; i++)
		if (slots[i].used && bpf_map_update_elem(map, &i, &slots[i], BPF_ANY))
			err = myc_error_set(error, -errno, NULL, "writing line %u: %s", i,
					    strerror(errno));
	free(slots);
	return err;
}

static int fill_configuration(const struct myc_program_object *object,
			      const struct myc_steer_config *config, struct myc_error *error)
{
	int err = fill_bindings(object->map[MYC_MAP_BINDINGS], config, error);

	for (uint32_t i = 0; !err && i < config->channels_count; i++) {
		if (bpf_map_update_elem(object->map[MYC_MAP_CHANNELS], &i, &config->channel[i],
					BPF_ANY) ||
		    (config->symbols[i] && bpf_map_update_elem(object->map[MYC_MAP_SYMBOLS], &i,
							       config->symbols[i], BPF_ANY)) ||
		    (config->sbe[i] &&
		     bpf_map_update_elem(object->map[MYC_MAP_SBE], &i, config->sbe[i], BPF_ANY)))
			err = myc_error_set(error, -errno, NULL, "writing channel %u: %s", i,
					    strerror(errno));
	}
	return err;
}

/* One map for each process, so that each can be mapped by its writer alone. Put in by one batch:
 * every change of a map of maps waits for a grace period. */
static int fill_pages(int outer, struct myc_error *error)
{
	struct bpf_map_create_opts opts = {.sz = sizeof(opts), .map_flags = BPF_F_MMAPABLE};
	uint32_t index[MYC_PROCESSES_MAX], count = 0;
	int page[MYC_PROCESSES_MAX], err = 0;

	for (; !err && count < MYC_PROCESSES_MAX; count += !err) {
		index[count] = count;
		page[count] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "myc_page", sizeof(uint32_t),
					     sizeof(struct myc_process_page), 1, &opts);
		err = page[count] < 0 ? -errno : 0;
	}
	uint32_t put = count;
	if (!err && bpf_map_update_batch(outer, index, page, &put, NULL))
		err = -errno;
	while (count--)
		close(page[count]); /* the outer map holds them */
	return err ? myc_error_set(error, err, "raise the limit of open files",
				   "making the process pages: %s", strerror(-err))
		   : 0;
}

static int make_receipt(int *map, struct myc_error *error)
{
	*map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "myc_receipt", sizeof(uint32_t),
			      sizeof(struct myc_program_receipt), 1, NULL);
	return *map >= 0 ? 0
			 : myc_error_set(error, -errno, NULL, "making the receipt: %s",
					 strerror(errno));
}

/* ---- the object ------------------------------------------------------------------------------ */

void myc_object_init(struct myc_program_object *object)
{
	object->program = -1;
	for (unsigned i = 0; i < MYC_MAPS_COUNT; i++)
		object->map[i] = -1;
}

void myc_object_close(struct myc_program_object *object, unsigned from, unsigned to)
{
	if (object->program >= 0)
		close(object->program);
	object->program = -1;
	for (unsigned i = from; i < to; i++) {
		if (object->map[i] >= 0)
			close(object->map[i]);
		object->map[i] = -1;
	}
}

uint32_t myc_map_rows(int map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(map, &info, &size) ? 0 : info.max_entries;
}

/* Descriptors that outlive the skeleton; those that *object has already stay as they are. */
static int take_descriptors(const struct steer_bpf *skel, struct myc_program_object *object,
			    struct myc_error *error)
{
	object->program = fcntl(bpf_program__fd(skel->progs.myc_steer), F_DUPFD_CLOEXEC, 3);
	bool bad = object->program < 0;

	for (unsigned i = 0; i < MYC_MAP_RECEIPT && !bad; i++) {
		if (object->map[i] >= 0)
			continue;
		object->map[i] = fcntl(bpf_map__fd(bpf_object__find_map_by_name(
					       skel->obj, myc_program_map_name[i])),
				       F_DUPFD_CLOEXEC, 3);
		bad = object->map[i] < 0;
	}
	return bad ? myc_error_set(error, -errno, "raise the limit of open files",
				   "keeping descriptors: %s", strerror(errno))
		   : 0;
}

bool myc_config_with_vlan(const struct myc_steer_config *config)
{
	for (uint32_t i = 0; i < config->bindings_count; i++)
		if (config->binding[i].key.vlan != MYC_VLAN_ANY)
			return true;
	return false;
}

int myc_object_open_again(struct myc_object_again *again, const struct myc_program_object *object,
			  bool with_vlan)
{
	int err = 0;

	again->skel = steer_bpf__open();
	if (!again->skel)
		return -errno;
	again->object = again->skel->obj;
	again->skel->rodata->bindings_with_vlan = with_vlan;
	for (unsigned i = 0; !err && i < MYC_MAP_RECEIPT; i++)
		err = bpf_map__reuse_fd(
			bpf_object__find_map_by_name(again->object, myc_program_map_name[i]),
			object->map[i]);
	if (err)
		myc_object_close_again(again);
	return err;
}

void myc_object_close_again(struct myc_object_again *again)
{
	steer_bpf__destroy(again->skel);
	again->skel = NULL;
	again->object = NULL;
}

struct loading {
	struct myc_program_object *object;
	const struct myc_steer_config *config;
	struct steer_bpf *skel;
};

static int load(void *context, const struct bpf_object_open_opts *opts)
{
	struct loading *loading = context;
	const struct myc_steer_config *config = loading->config;

	steer_bpf__destroy(loading->skel);
	struct steer_bpf *skel = loading->skel = steer_bpf__open_opts(opts);

	if (!skel)
		return -errno;
	skel->rodata->bindings_with_vlan = myc_config_with_vlan(config);
	int err = set_sizes(skel, config);
	err = err ? err : reuse_state(skel, loading->object);
	return err ? err : steer_bpf__load(skel);
}

int myc_object_load(struct myc_program_object *object, const struct myc_steer_config *config,
		    struct myc_error *error)
{
	bool first = object->map[MYC_MAP_STATE] < 0;
	struct loading loading = {.object = object, .config = config};
	int err = myc_load_explained(load, &loading, error);

	err = err ? err : take_descriptors(loading.skel, object, error);
	steer_bpf__destroy(loading.skel);
	err = err ? err : fill_configuration(object, config, error);
	if (first) {
		err = err ? err : fill_pages(object->map[MYC_MAP_PAGES], error);
		err = err ? err : make_receipt(&object->map[MYC_MAP_RECEIPT], error);
	}
	if (err)
		myc_object_close(object, 0, first ? MYC_MAPS_COUNT : MYC_MAPS_CONFIGURATION);
	return err;
}
