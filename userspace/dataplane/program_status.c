/* SPDX-License-Identifier: Apache-2.0 */
/* What is loaded and attached, asked of the kernel: names, status. */
#include "dataplane/program_internal.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "dataplane/nic.h"

int myc_program_list(const char *bpffs, char (*names)[MYC_PROGRAM_NAME_MAX + 1], unsigned max)
{
	char root[MYC_PIN_PATH_MAX];
	const struct dirent *entry;
	unsigned count = 0;

	snprintf(root, sizeof(root), "%s/mycelium", bpffs ? bpffs : "/sys/fs/bpf");
	DIR *dir = opendir(root);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (count < max && (entry = readdir(dir))) {
		const char *name = entry->d_name[0] == '_' ? entry->d_name + 1 : entry->d_name;
		unsigned known = 0;

		if (name[0] == '.' || strlen(name) > MYC_PROGRAM_NAME_MAX)
			continue;
		while (known < count && strcmp(names[known], name) != 0)
			known++;
		if (known == count)
			snprintf(names[count++], MYC_PROGRAM_NAME_MAX + 1, "%.*s",
				 MYC_PROGRAM_NAME_MAX, name);
	}
	closedir(dir);
	return (int)count;
}

/* Asks the interface itself: it must be in the caller's network namespace. */
static enum myc_attach_mode mode_of(const struct bpf_link_info *info)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};

	if (bpf_xdp_query((int)info->xdp.ifindex, 0, &query))
		return MYC_ATTACH_AUTO;
	if (query.drv_prog_id == info->prog_id)
		return MYC_ATTACH_NATIVE;
	return query.skb_prog_id == info->prog_id ? MYC_ATTACH_GENERIC : MYC_ATTACH_AUTO;
}

int myc_program_status(const struct myc_program *program, struct myc_program_status *status,
		       struct myc_error *error)
{
	struct bpf_prog_info info = {0};
	struct bpf_link_info link;
	uint32_t size = sizeof(info);

	memset(status, 0, sizeof(*status));
	if (bpf_obj_get_info_by_fd(program->object.program, &info, &size))
		return myc_error_set(error, -errno, NULL, "asking for the program: %s",
				     strerror(errno));
	status->program_id = info.id;
	status->channels_count = myc_map_rows(program->object.map[MYC_MAP_CHANNELS]);
	snprintf(status->interface, sizeof(status->interface), "%s", program->receipt.interface);
	snprintf(status->receipt, sizeof(status->receipt), "%s", program->receipt.text);
	const uint32_t in_dispatcher = myc_program_dispatched(program, &status->attached);
	if (in_dispatcher) {
		status->program_id = in_dispatcher;
		status->interface_index = if_nametoindex(status->interface);
		myc_trust_say(status->interface, status->trust, sizeof(status->trust));
		return 0;
	}
	status->attached = MYC_ATTACH_AUTO;
	if (program->link < 0)
		return 0;
	int err = myc_link_info(program->link, &link);
	if (err)
		return myc_error_set(error, err, NULL, "asking for the link: %s", strerror(-err));
	status->link_id = link.id;
	status->program_id = link.prog_id;
	status->interface_index = link.xdp.ifindex;
	if (!link.xdp.ifindex) {
		snprintf(status->receipt, sizeof(status->receipt),
			 "not attached: the interface went away");
		return 0;
	}
	status->attached = mode_of(&link);
	if (status->attached != MYC_ATTACH_AUTO) /* the interface may have been renamed */
		if_indextoname(link.xdp.ifindex, status->interface);
	if (status->attached != MYC_ATTACH_AUTO)
		myc_trust_say(status->interface, status->trust, sizeof(status->trust));
	return 0;
}
