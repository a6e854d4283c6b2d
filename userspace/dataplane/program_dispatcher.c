/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our program beside others, under libxdp's dispatcher. There it runs as a second instance over the
 * same maps, of type EXT, which libxdp loads, attaches and pins (below the bpffs of /sys/fs/bpf).
 *
 * Which of an interface's programs is ours is told by the map it redirects through, not by a record:
 * so a kill -9 between any two steps leaves nothing unknown.
 */
#include "dataplane/program_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#define MAPS_OF_PROGRAM 32
#define PROGRAMS_MAX	16 /* a dispatcher has 10 places */
#define PRIORITY_LIBXDP 50

/* ---- what libxdp says ------------------------------------------------------------------------ */

static _Thread_local char libxdp_said[160];

static int keep_warning(enum libxdp_print_level level, const char *format, va_list args)
{
	if (level == LIBXDP_WARN && !libxdp_said[0]) {
		vsnprintf(libxdp_said, sizeof(libxdp_said), format, args);
		libxdp_said[strcspn(libxdp_said, "\n")] = '\0';
	}
	return 0;
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

struct quiet {
	libxdp_print_fn_t libxdp;
	libbpf_print_fn_t libbpf;
};

static struct quiet quiet(void)
{
	libxdp_said[0] = '\0';
	return (struct quiet){libxdp_set_print(keep_warning), libbpf_set_print(say_nothing)};
}

static void loud(struct quiet before)
{
	libxdp_set_print(before.libxdp);
	libbpf_set_print(before.libbpf);
}

/* ---- which is ours --------------------------------------------------------------------------- */

static uint32_t id_of_map(int map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(map, &info, &size) ? 0 : info.id;
}

static bool uses_map(uint32_t program_id, uint32_t map_id)
{
	uint32_t ids[MAPS_OF_PROGRAM] = {0}, size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = MAPS_OF_PROGRAM,
				     .map_ids = (uint64_t)(unsigned long)ids};
	int fd = bpf_prog_get_fd_by_id(program_id);
	bool uses = false;

	if (fd < 0)
		return false;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_OF_PROGRAM; i++)
			uses = uses || ids[i] == map_id;
	close(fd);
	return uses;
}

/* Ids of the interface's dispatched programs that use `map`. */
static unsigned find(int interface, int map, uint32_t found[PROGRAMS_MAX],
		     enum myc_attach_mode *mode)
{
	const uint32_t map_id = id_of_map(map);
	struct quiet before = quiet();
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(interface);
	unsigned count = 0;

	if (!libxdp_get_error(all) && all) {
		if (!xdp_multiprog__is_legacy(all) && map_id)
			for (struct xdp_program *one = xdp_multiprog__next_prog(NULL, all);
			     one && count < PROGRAMS_MAX; one = xdp_multiprog__next_prog(one, all))
				if (uses_map(xdp_program__id(one), map_id))
					found[count++] = xdp_program__id(one);
		if (mode)
			*mode = xdp_multiprog__attach_mode(all) == XDP_MODE_SKB ? MYC_ATTACH_GENERIC
										: MYC_ATTACH_NATIVE;
		xdp_multiprog__close(all);
	}
	loud(before);
	return count;
}

uint32_t myc_dispatcher_find(int interface, int map, enum myc_attach_mode *mode)
{
	uint32_t found[PROGRAMS_MAX];

	return find(interface, map, found, mode) ? found[0] : 0;
}

bool myc_dispatcher_there(int interface)
{
	struct quiet before = quiet();
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(interface);
	bool there = false;

	if (!libxdp_get_error(all) && all) {
		there = !xdp_multiprog__is_legacy(all);
		xdp_multiprog__close(all);
	}
	loud(before);
	return there;
}

/* ---- in and out ------------------------------------------------------------------------------ */

static int take_out(int interface, uint32_t id)
{
	struct xdp_program *one = xdp_program__from_id(id);
	int err = (int)libxdp_get_error(one);

	if (err)
		return err;
	for (enum xdp_attach_mode mode = XDP_MODE_NATIVE; mode <= XDP_MODE_SKB; mode++) {
		err = xdp_program__detach(one, interface, mode, 0);
		if (!err)
			break;
	}
	xdp_program__close(one);
	return err;
}

int myc_dispatcher_detach(int interface, int map, uint32_t but, struct myc_error *error)
{
	uint32_t found[PROGRAMS_MAX];
	unsigned count = find(interface, map, found, NULL);
	struct quiet before = quiet();
	int err = 0;

	for (unsigned i = 0; !err && i < count; i++)
		if (found[i] != but)
			err = take_out(interface, found[i]);
	loud(before);
	return err ? myc_error_set(error, err, "see xdp-loader status",
				   "leaving the dispatcher: %s%s%s", strerror(-err),
				   libxdp_said[0] ? ": " : "", libxdp_said)
		   : 0;
}

/* One rung. libxdp falls back by itself to our program alone, without a dispatcher: that is undone,
 * since our own way of being alone has a link that outlives us. */
static int try_mode(struct xdp_program *one, int interface, enum xdp_attach_mode mode)
{
	int err = xdp_program__attach(one, interface, mode, 0);

	if (err || myc_dispatcher_there(interface))
		return err;
	xdp_program__detach(one, interface, mode, 0);
	return -ENOTSUP;
}

int myc_dispatcher_attach(struct myc_program *program, int interface,
			  const struct myc_program_object *object, struct myc_error *error)
{
	struct myc_program_receipt *receipt = &program->receipt;
	const uint32_t priority = receipt->priority ? receipt->priority : PRIORITY_LIBXDP;
	struct myc_object_again again;
	struct quiet before = quiet();
	int err = myc_object_open_again(&again, object, receipt->with_vlan);

	if (err) {
		loud(before);
		return myc_error_set(error, err, NULL, "opening the program again: %s",
				     strerror(-err));
	}
	struct xdp_program *one = xdp_program__from_bpf_obj(again.object, "xdp");
	err = (int)libxdp_get_error(one);
	if (!err) {
		bool native = receipt->mode != MYC_ATTACH_GENERIC;

		err = xdp_program__set_run_prio(one, priority);
		err = err ? err : try_mode(one, interface, native ? XDP_MODE_NATIVE : XDP_MODE_SKB);
		if (err == -EOPNOTSUPP && receipt->mode == MYC_ATTACH_AUTO) {
			native = false;
			err = try_mode(one, interface, XDP_MODE_SKB);
		}
		if (!err)
			snprintf(receipt->text, sizeof(receipt->text),
				 "%s on %s, in a dispatcher at priority %u",
				 native ? "native" : "generic", receipt->interface, priority);
		xdp_program__close(one);
	}
	loud(before);
	myc_object_close_again(&again);
	if (!err)
		return 0;
	return myc_error_set(error, err,
			     "use sharing exclusive; or a libxdp from 1.5.5 on, whose dispatcher "
			     "takes programs that write metadata",
			     "the dispatcher does not take the program: %s%s%s", strerror(-err),
			     libxdp_said[0] ? ": " : "", libxdp_said);
}
