/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/exit_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <mycelium/abi/exit_watch.h>

#include <bpf/exit_watch.skel.h>

#include "dataplane/program_internal.h"

struct myc_exit_watch {
	int link;
	int registered; /* the map of registrations */
};

struct loading {
	int processes; /* the process table's map */
	struct exit_watch_bpf *skel;
};

static int load_and_attach(void *context, const struct bpf_object_open_opts *opts)
{
	struct loading *loading = context;

	exit_watch_bpf__destroy(loading->skel);
	struct exit_watch_bpf *skel = loading->skel = exit_watch_bpf__open_opts(opts);

	if (!skel)
		return -errno;
	int err = bpf_map__reuse_fd(skel->maps.processes, loading->processes);
	err = err ? err : exit_watch_bpf__load(skel);
	return err ? err : exit_watch_bpf__attach(skel);
}

/* Descriptors that outlive the skeleton. */
static int take_descriptors(const struct exit_watch_bpf *skel, struct myc_exit_watch *watch,
			    struct myc_error *error)
{
	watch->link = fcntl(bpf_link__fd(skel->links.myc_exit_watch), F_DUPFD_CLOEXEC, 3);
	watch->registered = fcntl(bpf_map__fd(skel->maps.registered), F_DUPFD_CLOEXEC, 3);
	return watch->link >= 0 && watch->registered >= 0
		       ? 0
		       : myc_error_set(error, -errno, "raise the limit of open files",
				       "keeping descriptors: %s", strerror(errno));
}

static int pin(const struct myc_exit_watch *watch, const struct myc_program *program,
	       struct myc_error *error)
{
	char path[MYC_PIN_PATH_MAX];
	int lock = myc_pins_lock(program->root, error), err = 0;

	if (lock < 0)
		return lock;
	myc_pins_path(path, program->root, "", program->name, "exit_watch");
	if ((unlink(path) && errno != ENOENT) || bpf_obj_pin(watch->link, path))
		err = myc_error_set(error, -errno, NULL, "pinning %s: %s", path, strerror(errno));
	myc_pins_unlock(program->root, lock);
	return err;
}

int myc_exit_watch_open(struct myc_exit_watch **out, const struct myc_program *program,
			struct myc_error *error)
{
	struct loading loading = {.processes = program->object.map[MYC_MAP_PROCESSES]};
	struct myc_exit_watch *watch = malloc(sizeof(*watch));
	struct myc_error own = {0};

	error = error ? error : &own;
	if (!watch)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	*watch = (struct myc_exit_watch){.link = -1, .registered = -1};
	int err = myc_load_explained(load_and_attach, &loading, error);
	if (err)
		snprintf(error->remedy, sizeof(error->remedy),
			 "Linux 6.1 or later with CONFIG_BPF_EVENTS and CONFIG_DEBUG_INFO_BTF, and "
			 "root or CAP_BPF with CAP_PERFMON");
	err = err ? err : take_descriptors(loading.skel, watch, error);
	exit_watch_bpf__destroy(loading.skel);
	err = err ? err : pin(watch, program, error);
	if (err) {
		myc_exit_watch_close(watch);
		return myc_error_doing(error, "watching for exits of '%s'", program->name);
	}
	*out = watch;
	return 0;
}

int myc_exit_watch_register(const struct myc_exit_watch *watch, int pidfd, uint32_t process,
			    uint64_t incarnation)
{
	const struct myc_exit_registration registration = {
		.incarnation = incarnation,
		.process = process,
	};

	if (process >= MYC_PROCESSES_MAX || !incarnation)
		return -EINVAL;
	return bpf_map_update_elem(watch->registered, &pidfd, &registration, BPF_ANY) ? -errno : 0;
}

void myc_exit_watch_close(struct myc_exit_watch *watch)
{
	if (!watch)
		return;
	if (watch->link >= 0)
		close(watch->link);
	if (watch->registered >= 0)
		close(watch->registered);
	free(watch);
}
