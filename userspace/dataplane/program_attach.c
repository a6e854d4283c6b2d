/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching to an interface: the ladder native, generic, and what stands in the way. */
#include "dataplane/program_internal.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own; some drivers let it out */
#endif

int myc_attach_interface(const char *interface, struct myc_error *error)
{
	if (!interface || !interface[0])
		return myc_error_set(error, -EINVAL, "name one: interface: eth1",
				     "no interface is named");
	if (strlen(interface) >= IFNAMSIZ)
		return myc_error_set(error, -EINVAL, "see ip link",
				     "interface '%.40s': longer than %d bytes", interface,
				     IFNAMSIZ - 1);
	unsigned index = if_nametoindex(interface);
	if (index)
		return (int)index;
	return myc_error_set(error, -ENODEV,
			     "see ip link; enter another network namespace by --netns",
			     "no interface '%s' in this network namespace", interface);
}

static bool interface_is_up(const char *interface)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	up = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &request) && (request.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return up;
}

/* The name of a loaded program, for people. */
static void program_name(uint32_t id, char out[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(out, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		snprintf(out, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

static int refuse_taken(const char *interface, int index, struct myc_error *error)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};
	char name[BPF_OBJ_NAME_LEN];
	uint32_t id;

	if (bpf_xdp_query(index, 0, &query) || query.attach_mode == XDP_ATTACHED_NONE)
		return 0;
	id = query.attach_mode == XDP_ATTACHED_MULTI && query.drv_prog_id ? query.drv_prog_id
	     : query.attach_mode == XDP_ATTACHED_MULTI			  ? query.skb_prog_id
									  : query.prog_id;
	program_name(id, name);
	return myc_error_set(error, -EBUSY,
			     strcmp(name, "myc_steer")
				     ? "remove it: ip link set dev INTERFACE xdp off, or stop its "
				       "owner"
				     : "unload that system first: see myc-load status",
			     "%s has an XDP program already: '%s', id %u", interface, name, id);
}

/* Why this driver would not: one phrase. */
static const char *why_not(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
	case -ENOTSUPP:
		return "its driver has no XDP";
	case -ERANGE:
	case -E2BIG:
		return "its MTU is too large for its driver's XDP";
	case -EINVAL:
		return "its driver refuses the present settings (LRO, MTU or queues)";
	case -ENOMEM:
	case -ENOSPC:
		return "its driver has no queues left for XDP";
	default:
		return strerror(-err);
	}
}

static int create_link(int program, int index, uint32_t flags)
{
	struct bpf_link_create_opts opts = {.sz = sizeof(opts), .flags = flags};
	int fd = bpf_link_create(program, index, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

static int explain_attach(int err, const char *interface, const char *mode, struct myc_error *error)
{
	switch (err) {
	case -EPERM:
		return myc_error_set(error, err, "run as root, or with CAP_NET_ADMIN and CAP_BPF",
				     "the kernel refuses to attach to %s", interface);
	case -EBUSY:
	case -EEXIST:
		return myc_error_set(error, err, "remove it: ip link set dev INTERFACE xdp off",
				     "another XDP program came to %s first", interface);
	case -ENODEV:
		return myc_error_set(error, err, "see ip link", "%s went away", interface);
	default:
		return myc_error_set(error, err,
				     strcmp(mode, "native")
					     ? "use another interface"
					     : "use mode auto or generic, ip link set mtu 1500, or "
					       "ethtool -K INTERFACE lro off",
				     "no %s XDP on %s: %s", mode, interface, why_not(err));
	}
}

/* Is it the interface's driver that does not want, so that the next rung is worth a try? */
static bool is_drivers_refusal(int err)
{
	return err != -EPERM && err != -EBUSY && err != -EEXIST && err != -ENODEV;
}

int myc_attach_link(struct myc_program *program, struct myc_error *error)
{
	struct myc_program_receipt *receipt = &program->receipt;
	const char *interface = receipt->interface;
	int index = myc_attach_interface(interface, error);
	const char *down;
	int link = -EOPNOTSUPP, native = 0;

	if (index < 0)
		return index;
	int err = refuse_taken(interface, index, error);
	if (err)
		return err;
	down = interface_is_up(interface) ? "" : "; the interface is down: ip link set it up";
	if (receipt->mode != MYC_ATTACH_GENERIC) {
		link = create_link(program->object.program, index, XDP_FLAGS_DRV_MODE);
		if (link >= 0) {
			snprintf(receipt->text, sizeof(receipt->text), "native on %s%s", interface,
				 down);
			return link;
		}
		if (receipt->mode == MYC_ATTACH_NATIVE || !is_drivers_refusal(link))
			return explain_attach(link, interface, "native", error);
		native = link;
	}
	link = create_link(program->object.program, index, XDP_FLAGS_SKB_MODE);
	if (link < 0)
		return explain_attach(link, interface, "generic", error);
	snprintf(receipt->text, sizeof(receipt->text), "generic on %s; not native: %s%s", interface,
		 native ? why_not(native) : "generic was asked for", down);
	return link;
}
