/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf-check's control: calls a kernel function that no kernel has, so it must not load. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int myc_no_such_kfunc(struct xdp_md *context) __ksym;

SEC("xdp")
int broken(struct xdp_md *context)
{
	return myc_no_such_kfunc(context);
}

char _license[] SEC("license") = "Dual BSD/GPL";
