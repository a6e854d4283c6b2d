/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process table: one map that the steering program reads and the exit watch writes. */
#ifndef MYC_BPF_PROCESS_MAP_H
#define MYC_BPF_PROCESS_MAP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <mycelium/abi/registry.h>
#include <mycelium/abi/steer.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_PROCESSES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct myc_process_row);
} processes SEC(".maps");

#endif
