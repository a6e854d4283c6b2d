/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/groups.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

static bool is_ipv4(const struct myc_binding_key *key)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return !memcmp(key->address, mapped, sizeof(mapped));
}

socklen_t myc_binding_address(const struct myc_binding_key *key, struct sockaddr_storage *address)
{
	memset(address, 0, sizeof(*address));
	if (is_ipv4(key)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)address;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(key->port);
		memcpy(&v4->sin_addr, key->address + 12, 4);
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(key->port);
	memcpy(&v6->sin6_addr, key->address, 16);
	return sizeof(*v6);
}

bool myc_binding_is_multicast(const struct myc_binding_key *key)
{
	return is_ipv4(key) ? (key->address[12] & 0xf0) == 0xe0 : key->address[0] == 0xff;
}

static int join(int fd, const struct sockaddr_storage *address, socklen_t size,
		unsigned interface_index)
{
	const bool v4 = address->ss_family == AF_INET;
	const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, off = 0;
	struct group_req request = {.gr_interface = interface_index};

	memcpy(&request.gr_group, address, size);
	if (setsockopt(fd, level, MCAST_JOIN_GROUP, &request, sizeof(request)))
		return -errno;
	/* Only what came by this membership, not by another socket's on another interface. */
	if (setsockopt(fd, level, v4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, &off, sizeof(off)))
		return -errno;
	return 0;
}

static const char *socket_remedy(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another process has this address and port without SO_REUSEADDR";
	case -EADDRNOTAVAIL:
		return "the address is not this host's: correct it, or give the interface the "
		       "address";
	case -ENODEV:
		return "name an interface that has a route for the group";
	case -ENOBUFS:
		return "raise net.ipv4.igmp_max_memberships";
	case -EACCES:
		return "ports below 1024 need CAP_NET_BIND_SERVICE";
	case -EMFILE:
		return "raise the limit of open files (ulimit -n)";
	default:
		return NULL;
	}
}

int myc_binding_socket(const struct myc_binding_key *key, unsigned interface_index,
		       struct myc_error *error)
{
	struct sockaddr_storage address;
	socklen_t size = myc_binding_address(key, &address);
	const int on = 1;
	char text[INET6_ADDRSTRLEN];
	const char *doing = "opening a UDP socket";
	int err;

	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err = -errno;
		goto out_error;
	}
	doing = "binding";
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, size)) {
		err = -errno;
		goto out_close;
	}
	doing = "joining the group";
	err = myc_binding_is_multicast(key) ? join(fd, &address, size, interface_index) : 0;
	if (!err)
		return fd;
out_close:
	close(fd);
out_error:
	inet_ntop(address.ss_family, is_ipv4(key) ? key->address + 12 : key->address, text,
		  sizeof(text));
	myc_error_set(error, err, socket_remedy(err), "%s port %u: %s", text, key->port,
		      strerror(-err));
	myc_error_doing(error, "%s", doing);
	return err;
}

uint32_t myc_binding_buffer(int fd, uint32_t bytes)
{
	int size = (int)bytes;
	socklen_t length = sizeof(size);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &length))
		return 0;
	return (uint32_t)size / 2; /* the kernel doubles it, for its own bookkeeping */
}

uint32_t myc_binding_dropped(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) ? 0 : info[SK_MEMINFO_DROPS];
}

static int refuse_all(int fd)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog filter = {.len = 1, .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ? -errno : 0;
}

int myc_groups_open(struct myc_groups *groups, const char *interface,
		    const struct myc_steer_config *config, struct myc_error *error)
{
	unsigned index = if_nametoindex(interface);

	groups->count = 0;
	for (uint32_t i = 0; i < config->bindings_count; i++) {
		const struct myc_binding_key *key = &config->binding[i].key;

		if (!myc_binding_is_multicast(key))
			continue;
		int fd = myc_binding_socket(key, index, error);
		int err = fd < 0 ? fd : refuse_all(fd);
		if (fd >= 0)
			groups->fd[groups->count++] = fd;
		if (err) {
			if (fd >= 0)
				myc_error_set(error, err, NULL, "attaching a filter: %s",
					      strerror(-err));
			myc_groups_close(groups);
			return myc_error_doing(error, "holding the groups on %s", interface);
		}
	}
	return 0;
}

void myc_groups_close(struct myc_groups *groups)
{
	while (groups->count)
		close(groups->fd[--groups->count]);
}

uint64_t myc_groups_refused(const struct myc_groups *groups)
{
	uint64_t refused = 0;

	for (uint32_t i = 0; i < groups->count; i++)
		refused += myc_binding_dropped(groups->fd[i]);
	return refused;
}
