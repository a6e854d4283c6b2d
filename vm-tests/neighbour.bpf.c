/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another program for the same interface: counts what it sees and passes it on. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int neighbour(struct xdp_md *context)
{
	__u32 row = 0;
	__u64 *count = bpf_map_lookup_elem(&seen, &row);

	if (!context)
		return XDP_ABORTED;
	if (count)
		__sync_fetch_and_add(count, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
