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
	return myc_error_set(
		error, -ENODEV,
		"see ip link; netns: of a topology and myc-load --netns enter another namespace",
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
	if (!strcmp(name, "xdp_dispatcher"))
		return myc_error_set(error, -EBUSY,
				     "use sharing dispatcher to stand beside them, or remove them: "
				     "xdp-loader unload INTERFACE --all",
				     "%s has a dispatcher with other XDP programs", interface);
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

/* Into the dispatcher: 0. -ENOTSUP: there can be none here, the receipt's text says why, and nobody
 * is on the interface, so that we may be alone. */
static int share(struct myc_program *program, int index, struct myc_error *error)
{
	struct myc_error why = {0};
	int err = myc_dispatcher_there(index)
			  ? 0
			  : refuse_taken(program->receipt.interface, index, error);

	if (err)
		return err;
	err = myc_dispatcher_attach(program, index, &program->object, &why);
	if (!err)
		return 0;
	if (myc_dispatcher_there(index) || err == -EPERM || err == -ENODEV) {
		if (error)
			*error = why;
		return err;
	}
	snprintf(program->receipt.text, sizeof(program->receipt.text),
		 "; not in a dispatcher: %.120s", why.cause);
	return -ENOTSUP;
}

/* The exclusive ladder. `after`: what the receipt says besides. */
static int attach_alone(struct myc_program *program, int index, const char *after,
			struct myc_error *error);

int myc_attach_link(struct myc_program *program, struct myc_error *error)
{
	struct myc_program_receipt *receipt = &program->receipt;
	char after[160] = "";
	int index = myc_attach_interface(receipt->interface, error);

	if (index < 0)
		return index;
	if (receipt->sharing == MYC_SHARING_DISPATCHER) {
		int err = share(program, index, error);

		if (err != -ENOTSUP)
			return err ? err : -EXDEV;
		snprintf(after, sizeof(after), "%.150s", receipt->text);
		receipt->sharing = MYC_SHARING_EXCLUSIVE;
	}
	return attach_alone(program, index, after, error);
}

static int attach_alone(struct myc_program *program, int index, const char *after,
			struct myc_error *error)
{
	struct myc_program_receipt *receipt = &program->receipt;
	const char *interface = receipt->interface;
	const char *down;
	int link = -EOPNOTSUPP, native = 0;

	int err = refuse_taken(interface, index, error);
	if (err)
		return err;
	down = interface_is_up(interface) ? "" : "; the interface is down: ip link set it up";
	if (receipt->mode != MYC_ATTACH_GENERIC) {
		link = create_link(program->object.program, index, XDP_FLAGS_DRV_MODE);
		if (link >= 0) {
			snprintf(receipt->text, sizeof(receipt->text), "native on %s%s%s",
				 interface, down, after);
			return link;
		}
		if (receipt->mode == MYC_ATTACH_NATIVE || !is_drivers_refusal(link))
			return explain_attach(link, interface, "native", error);
		native = link;
	}
	link = create_link(program->object.program, index, XDP_FLAGS_SKB_MODE);
	if (link < 0)
		return explain_attach(link, interface, "generic", error);
	snprintf(receipt->text, sizeof(receipt->text), "generic on %s; not native: %s%s%s",
		 interface, native ? why_not(native) : "generic was asked for", down, after);
	return link;
}
