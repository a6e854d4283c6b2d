/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/program.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "dataplane/nic.h"
#include "dataplane/program_internal.h"

#define LINK_WAIT_MS 15000

static bool exists(const char *path)
{
	struct stat status;

	return !stat(path, &status);
}

/* ---- an opened program ----------------------------------------------------------------------- */

static struct myc_program *program_new(const struct myc_program_opts *opts, struct myc_error *error)
{
	struct myc_program *program = calloc(1, sizeof(*program));

	if (!program) {
		myc_error_set(error, -ENOMEM, NULL, "out of memory");
		return NULL;
	}
	if (myc_pins_root(opts, program->root, error)) {
		free(program);
		return NULL;
	}
	snprintf(program->name, sizeof(program->name), "%s", opts->name);
	myc_object_init(&program->object);
	program->link = -1;
	for (unsigned i = 0; i < MYC_PROCESSES_MAX; i++)
		program->page[i] = -1;
	return program;
}

void myc_program_close(struct myc_program *program)
{
	if (!program)
		return;
	myc_program_unmap(&program->maps);
	myc_object_close(&program->object, 0, MYC_MAPS_COUNT);
	if (program->link >= 0)
		close(program->link);
	for (unsigned i = 0; i < MYC_PROCESSES_MAX; i++)
		if (program->page[i] >= 0)
			close(program->page[i]);
	free(program);
}

static int program_path(const struct myc_program *program, const char *leaf,
			char out[MYC_PIN_PATH_MAX])
{
	myc_pins_path(out, program->root, "", program->name, leaf);
	return exists(out);
}

static int write_receipt(const struct myc_program *program, struct myc_error *error)
{
	uint32_t row = 0;

	if (!bpf_map_update_elem(program->object.map[MYC_MAP_RECEIPT], &row, &program->receipt,
				 BPF_ANY))
		return 0;
	return myc_error_set(error, -errno, NULL, "writing the receipt: %s", strerror(errno));
}

static int read_receipt(struct myc_program *program, struct myc_error *error)
{
	uint32_t row = 0;

	if (bpf_map_lookup_elem(program->object.map[MYC_MAP_RECEIPT], &row, &program->receipt))
		return myc_error_set(error, -errno, NULL, "reading the receipt: %s",
				     strerror(errno));
	program->receipt.interface[sizeof(program->receipt.interface) - 1] = '\0';
	program->receipt.text[sizeof(program->receipt.text) - 1] = '\0';
	return 0;
}

/* ---- repair ---------------------------------------------------------------------------------- */

static uint32_t pinned_program_id(const char *dir)
{
	char path[MYC_PIN_PATH_MAX + 16];
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd;

	snprintf(path, sizeof(path), "%s/program", dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.id = 0;
	close(fd);
	return info.id;
}

int myc_link_info(int link, struct bpf_link_info *info)
{
	uint32_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(link, info, &size) ? -errno : 0;
}

/* The pinned link: its descriptor, or -1. A link whose interface went away is not attached. */
static int open_link(const char *path, struct bpf_link_info *info)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0 && myc_link_info(fd, info)) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? -1 : fd;
}

/* The interface in whose dispatcher the system pinned in `dir` may be, and its pinned map `name`; 0 =
 * it is in none. */
static int dispatcher_of(const char *dir, const char *name, int *map)
{
	char path[MYC_PIN_PATH_MAX + 24];
	struct myc_program_receipt receipt = {0};
	uint32_t row = 0;

	*map = -1;
	snprintf(path, sizeof(path), "%s/receipt", dir);
	int fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	int err = bpf_map_lookup_elem(fd, &row, &receipt);
	close(fd);
	receipt.interface[sizeof(receipt.interface) - 1] = '\0';
	int index = err || receipt.sharing != MYC_SHARING_DISPATCHER
			    ? 0
			    : (int)if_nametoindex(receipt.interface);
	if (!index)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	*map = bpf_obj_get(path);
	return *map < 0 ? 0 : index;
}

/* Is a program that uses this pinned map in its dispatcher? */
static bool is_dispatched(const char *dir, const char *name)
{
	int map, index = dispatcher_of(dir, name, &map);
	bool there = index && myc_dispatcher_find(index, map, NULL);

	if (map >= 0)
		close(map);
	return there;
}

static int leave_dispatcher(const char *dir, struct myc_error *error)
{
	int map, index = dispatcher_of(dir, myc_program_map_name[MYC_MAP_XSKS], &map);
	int err = index ? myc_dispatcher_detach(index, map, 0, error) : 0;

	if (map >= 0)
		close(map);
	return err;
}

/*
 * Finishes or discards what a replacement left that was killed. It had taken effect when the link
 * runs the program of new/, or the dispatcher one over its maps, or when new/ had become commit/.
 */
static int repair(const char *root, const char *name, struct myc_error *error)
{
	char dir[MYC_PIN_PATH_MAX], fresh[MYC_PIN_PATH_MAX], commit[MYC_PIN_PATH_MAX],
		link_path[MYC_PIN_PATH_MAX], staged[MYC_PIN_PATH_MAX];
	struct bpf_link_info info;

	myc_pins_path(dir, root, "", name, NULL);
	myc_pins_path(fresh, root, "", name, "new");
	myc_pins_path(commit, root, "", name, "commit");
	myc_pins_path(link_path, root, "", name, "link");
	myc_pins_path(staged, root, "_", name, NULL);
	int err = myc_pins_remove(staged, error);
	if (!err && exists(fresh)) {
		uint32_t id = pinned_program_id(fresh);
		int link = open_link(link_path, &info);

		if (link >= 0)
			close(link);
		if ((id && link >= 0 && info.prog_id == id) || is_dispatched(dir, "new/channels")) {
			if (rename(fresh, commit))
				err = myc_error_set(error, -errno, NULL, "renaming %s: %s", fresh,
						    strerror(errno));
		} else {
			err = myc_pins_remove(fresh, error);
		}
	}
	if (!err && exists(commit))
		err = myc_pins_move(commit, dir, error);
	return err;
}

/* ---- load and open --------------------------------------------------------------------------- */

/* Makes everything in _NAME and gives it its name as the last step. */
static int pin_load(struct myc_program *program, struct myc_error *error)
{
	char staged[MYC_PIN_PATH_MAX], dir[MYC_PIN_PATH_MAX];

	myc_pins_path(staged, program->root, "_", program->name, NULL);
	program_path(program, NULL, dir);
	int err = write_receipt(program, error);
	err = err ? err : myc_pins_put(staged, &program->object, 0, MYC_MAPS_COUNT, error);
	if (!err && rename(staged, dir))
		err = myc_error_set(error, -errno, NULL, "renaming %s to %s: %s", staged, dir,
				    strerror(errno));
	if (err)
		myc_pins_remove(staged, NULL);
	return err;
}

static int load_locked(struct myc_program *program, const struct myc_steer_config *config,
		       struct myc_error *error)
{
	char dir[MYC_PIN_PATH_MAX];
	int err = repair(program->root, program->name, error);

	if (!err && program_path(program, NULL, dir))
		err = myc_error_set(error, -EEXIST, "replace it, unload it, or take another name",
				    "a system '%s' is loaded already", program->name);
	err = err ? err : myc_object_load(&program->object, config, error);
	err = err ? err : myc_maps_open_pages(program, error);
	err = err ? err : myc_maps_create(program, error);
	return err ? err : pin_load(program, error);
}

int myc_program_load(struct myc_program **out, const struct myc_program_opts *opts,
		     const struct myc_steer_config *config, struct myc_error *error)
{
	struct myc_error own = {0};
	int err = myc_steer_config_check(config, error);

	if (err)
		return err;
	error = error ? error : &own;
	if (opts->interface) {
		err = myc_attach_interface(opts->interface, error);
		if (err < 0)
			return myc_error_doing(error, "loading '%s'", opts->name);
	}
	struct myc_program *program = program_new(opts, error);
	if (!program)
		return error->code;
	if (opts->interface)
		snprintf(program->receipt.interface, sizeof(program->receipt.interface), "%s",
			 opts->interface);
	program->receipt.mode = opts->mode;
	program->receipt.sharing = opts->sharing;
	program->receipt.priority = opts->priority;
	program->receipt.with_vlan = myc_config_with_vlan(config);
	snprintf(program->receipt.text, sizeof(program->receipt.text), "loaded, not attached");
	int lock = myc_pins_lock(program->root, error);
	err = lock < 0 ? lock : load_locked(program, config, error);
	if (lock >= 0)
		myc_pins_unlock(program->root, lock);
	if (err) {
		myc_program_close(program);
		return myc_error_doing(error, "loading '%s'", opts->name);
	}
	*out = program;
	return 0;
}

static int open_locked(struct myc_program *program, struct myc_error *error)
{
	char dir[MYC_PIN_PATH_MAX], path[MYC_PIN_PATH_MAX];
	struct bpf_link_info info;

	if (!program_path(program, NULL, dir))
		return myc_error_set(error, -ENOENT, "see myc-load status for what is",
				     "no system '%s' is loaded", program->name);
	int err = repair(program->root, program->name, error);
	err = err ? err : myc_pins_get(dir, &program->object, error);
	err = err ? err : read_receipt(program, error);
	err = err ? err : myc_maps_open_pages(program, error);
	err = err ? err : myc_maps_create(program, error);
	program_path(program, "link", path);
	program->link = open_link(path, &info);
	return err;
}

int myc_program_open(struct myc_program **out, const struct myc_program_opts *opts,
		     struct myc_error *error)
{
	struct myc_error own = {0};

	error = error ? error : &own;
	struct myc_program *program = program_new(opts, error);
	if (!program)
		return error->code;
	int lock = myc_pins_lock(program->root, error);
	int err = lock < 0 ? lock : open_locked(program, error);
	if (lock >= 0)
		myc_pins_unlock(program->root, lock);
	if (!err && opts->interface)
		snprintf(program->receipt.interface, sizeof(program->receipt.interface), "%s",
			 opts->interface);
	if (!err && opts->mode != MYC_ATTACH_AUTO)
		program->receipt.mode = opts->mode;
	if (!err && opts->sharing != MYC_SHARING_EXCLUSIVE)
		program->receipt.sharing = opts->sharing;
	if (!err && opts->priority)
		program->receipt.priority = opts->priority;
	if (err) {
		myc_program_close(program);
		return err;
	}
	*out = program;
	return 0;
}

/* ---- attach and replace ---------------------------------------------------------------------- */

/* Our program's id in the interface's dispatcher; 0 = it is in none. */
uint32_t myc_program_dispatched(const struct myc_program *program, enum myc_attach_mode *mode)
{
	unsigned index = program->receipt.sharing == MYC_SHARING_DISPATCHER
				 ? if_nametoindex(program->receipt.interface)
				 : 0;

	return index ? myc_dispatcher_find((int)index, program->object.map[MYC_MAP_XSKS], mode) : 0;
}

static int attach_locked(struct myc_program *program, struct myc_error *error)
{
	char path[MYC_PIN_PATH_MAX];
	struct bpf_link_info info;

	program_path(program, "link", path);
	int link = open_link(path, &info);
	if ((link >= 0 && info.xdp.ifindex) || myc_program_dispatched(program, NULL)) {
		if (link >= 0)
			close(link);
		return myc_error_set(error, -EBUSY, "unload it first, or replace it",
				     "it is attached already");
	}
	if (link >= 0) { /* its interface went away */
		close(link);
		unlink(path);
	}
	link = myc_attach_link(program, error);
	if (link == -EXDEV)
		return write_receipt(program, error);
	if (link < 0)
		return link;
	/* A crash before the pin detaches again: nothing else holds the link. */
	int err = write_receipt(program, error);
	if (!err && bpf_obj_pin(link, path))
		err = myc_error_set(error, -errno, NULL, "pinning %s: %s", path, strerror(errno));
	if (err) {
		close(link);
		return err;
	}
	if (program->link >= 0)
		close(program->link);
	program->link = link;
	return 0;
}

int myc_program_attach(struct myc_program *program, struct myc_error *error)
{
	struct myc_error own = {0};

	error = error ? error : &own;
	const bool running = myc_nic_running(program->receipt.interface);
	int lock = myc_pins_lock(program->root, error);
	int err = lock < 0 ? lock : attach_locked(program, error);
	if (lock >= 0)
		myc_pins_unlock(program->root, lock);
	/* A driver that took its link down for this is waited for; one without a link is not. */
	if (!err && running)
		myc_nic_settle(program->receipt.interface, LINK_WAIT_MS);
	return err ? myc_error_doing(error, "attaching '%s' to %s", program->name,
				     program->receipt.interface)
		   : 0;
}

int myc_program_detach(struct myc_program *program, struct myc_error *error)
{
	if (myc_program_dispatched(program, NULL))
		return myc_dispatcher_detach((int)if_nametoindex(program->receipt.interface),
					     program->object.map[MYC_MAP_XSKS], 0, error);
	if (program->link < 0 || !bpf_link_detach(program->link))
		return 0;
	return myc_error_set(error, -errno, "see myc-load status", "detaching '%s' from %s: %s",
			     program->name, program->receipt.interface, strerror(errno));
}

/* In a dispatcher: the new one in, then the old out, so that no packet meets neither. */
static int swap_dispatched(struct myc_program *program, const struct myc_program_object *fresh,
			   struct myc_error *error)
{
	int index = (int)if_nametoindex(program->receipt.interface);
	int err = myc_dispatcher_attach(program, index, fresh, error);

	return err ? err
		   : myc_dispatcher_detach(
			     index, program->object.map[MYC_MAP_XSKS],
			     myc_dispatcher_find(index, fresh->map[MYC_MAP_CHANNELS], NULL), error);
}

/* The one step from the old program to the new. */
static int swap(struct myc_program *program, const struct myc_program_object *fresh,
		struct myc_error *error)
{
	if (myc_program_dispatched(program, NULL))
		return swap_dispatched(program, fresh, error);
	struct bpf_link_update_opts opts = {
		.sz = sizeof(opts),
		.flags = BPF_F_REPLACE,
		.old_prog_fd = (uint32_t)program->object.program,
	};
	struct bpf_link_info info;

	/* Without a link, or with one whose interface went away, there is nothing to swap. */
	if (program->link < 0 || myc_link_info(program->link, &info) || !info.xdp.ifindex)
		return 0;
	if (!bpf_link_update(program->link, fresh->program, &opts))
		return 0;
	return myc_error_set(error, -errno,
			     errno == EPERM ? "open the system anew: somebody else replaced it"
					    : "the old program goes on; see the kernel's log",
			     "updating the link: %s", strerror(errno));
}

/* Moves the pins of the program in force to their places. A crash or failure in here is made good
 * by the next open, replace or cleanup. */
static int publish(const struct myc_program *program, const char *staged, struct myc_error *error)
{
	char dir[MYC_PIN_PATH_MAX], committed[MYC_PIN_PATH_MAX];

	program_path(program, NULL, dir);
	program_path(program, "commit", committed);
	if (!rename(staged, committed))
		return myc_pins_move(committed, dir, error);
	return myc_error_set(error, -errno, "it is in force; clean up by opening it anew",
			     "renaming %s: %s", staged, strerror(errno));
}

static int replace_locked(struct myc_program *program, const struct myc_steer_config *config,
			  struct myc_error *error)
{
	struct myc_program_object fresh = program->object;
	uint32_t room = myc_map_rows(program->object.map[MYC_MAP_STATE]);
	char staged[MYC_PIN_PATH_MAX];

	fresh.program = -1;
	for (unsigned i = 0; i < MYC_MAPS_CONFIGURATION; i++)
		fresh.map[i] = -1;
	if (config->channels_count > room)
		return myc_error_set(error, -ENOSPC, "unload it and load it anew",
				     "%u channels, but its state was made for %u",
				     config->channels_count, room);
	int err = repair(program->root, program->name, error);
	err = err ? err : myc_object_load(&fresh, config, error);
	if (err)
		return err;
	const uint32_t with_vlan = program->receipt.with_vlan;
	program->receipt.with_vlan = myc_config_with_vlan(config);
	program_path(program, "new", staged);
	err = myc_pins_put(staged, &fresh, 0, MYC_MAPS_CONFIGURATION, error);
	err = err ? err : swap(program, &fresh, error);
	if (err) {
		program->receipt.with_vlan = with_vlan;
		myc_pins_remove(staged, NULL);
		myc_object_close(&fresh, 0, MYC_MAPS_CONFIGURATION);
		return err;
	}
	myc_object_close(&program->object, 0, MYC_MAPS_CONFIGURATION);
	program->object = fresh;
	err = publish(program, staged, error);
	return err ? err : write_receipt(program, error);
}

int myc_program_replace(struct myc_program *program, const struct myc_steer_config *config,
			struct myc_error *error)
{
	struct myc_error own = {0};

	error = error ? error : &own;
	int err = myc_steer_config_check(config, error);
	if (err)
		return err;
	int lock = myc_pins_lock(program->root, error);
	err = lock < 0 ? lock : replace_locked(program, config, error);
	if (lock >= 0)
		myc_pins_unlock(program->root, lock);
	return err ? myc_error_doing(error, "replacing '%s'", program->name) : 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Detached even where another process holds the link, then nameless, then gone. */
static int remove_locked(const char *root, const char *name, struct myc_error *error)
{
	char dir[MYC_PIN_PATH_MAX], staged[MYC_PIN_PATH_MAX], path[MYC_PIN_PATH_MAX];
	struct bpf_link_info info;

	myc_pins_path(dir, root, "", name, NULL);
	myc_pins_path(staged, root, "_", name, NULL);
	myc_pins_path(path, root, "", name, "link");
	int link = open_link(path, &info);
	if (link >= 0) {
		if (info.xdp.ifindex)
			bpf_link_detach(link); /* fails only when the interface is going away */
		close(link);
	}
	int err = leave_dispatcher(dir, error);
	err = err ? err : myc_pins_remove(staged, error);
	if (!err && rename(dir, staged) && errno != ENOENT)
		err = myc_error_set(error, -errno, NULL, "renaming %s: %s", dir, strerror(errno));
	return err ? err : myc_pins_remove(staged, error);
}

int myc_program_unload(struct myc_program *program, struct myc_error *error)
{
	struct myc_error own = {0};

	error = error ? error : &own;
	int lock = myc_pins_lock(program->root, error);
	int err = lock < 0 ? lock : remove_locked(program->root, program->name, error);
	if (lock >= 0)
		myc_pins_unlock(program->root, lock);
	if (err)
		return myc_error_doing(error, "unloading '%s'", program->name);
	myc_program_close(program);
	return 0;
}

static int cleanup_locked(const char *root, const char *name, int force, struct myc_error *error)
{
	char path[MYC_PIN_PATH_MAX];
	struct bpf_link_info info;
	int err = repair(root, name, error);

	if (err)
		return err;
	myc_pins_path(path, root, "", name, "link");
	int link = open_link(path, &info);
	if (link >= 0)
		close(link);
	myc_pins_path(path, root, "", name, NULL);
	if (((link >= 0 && info.xdp.ifindex) ||
	     is_dispatched(path, myc_program_map_name[MYC_MAP_XSKS])) &&
	    !force)
		return myc_error_set(error, -EBUSY, "unload it, or clean up by force",
				     "'%s' is attached to an interface and steering", name);
	return remove_locked(root, name, error);
}

int myc_program_cleanup(const struct myc_program_opts *opts, int force, struct myc_error *error)
{
	char root[MYC_PIN_PATH_MAX];
	int err = myc_pins_root(opts, root, error);

	if (err)
		return err;
	if (!exists(root))
		return 0;
	int lock = myc_pins_lock(root, error);
	if (lock < 0)
		return lock;
	err = cleanup_locked(root, opts->name, force, error);
	myc_pins_unlock(root, lock);
	return err;
}
