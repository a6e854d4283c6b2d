/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The steering program: market data to the AF_XDP socket of the actor that owns its channel. */
#include "steer_maps.h"

SEC("xdp")
int myc_steer(struct xdp_md *context)
{
	__u32 row = 0;
	struct myc_counters *counts = bpf_map_lookup_elem(&counters, &row);

	(void)context;
	if (counts)
		counts->reason[MYC_REASON_PASS_NO_CHANNEL]++;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
