/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steering program's maps, at their full size; the loader may lower max_entries before load.
 *
 * Configuration (bindings, channels, symbols, settings) is filled before the program is attached
 * and never changed: each load has its own. The others are state: one set, shared by every load
 * under the same pin directory, so that a replacement goes on where its predecessor was.
 */
#ifndef MYC_BPF_STEER_MAPS_H
#define MYC_BPF_STEER_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <mycelium/abi/registry.h>
#include <mycelium/abi/sbe_filter.h>
#include <mycelium/abi/steer.h>

#include "process_map.h"

/* ---- configuration: one set a load ----------------------------------------------------------- */

/* struct myc_binding_slot: see myc_binding_table_build. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_BINDING_SLOTS);
	__type(key, __u32);
	__type(value, struct myc_binding_slot);
} bindings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX);
	__type(key, __u32);
	__type(value, struct myc_channel_config);
} channels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX);
	__type(key, __u32);
	__type(value, struct myc_symbol_filter);
} symbols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX);
	__type(key, __u32);
	__type(value, struct myc_sbe_filter);
} sbe SEC(".maps");

/* Does any binding name a VLAN? Without one the exact look-up, which comes first, is left out. */
const volatile __u8 bindings_with_vlan = 1;

/* ---- state: one set, shared by every load; the process table too ----------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_REGISTRY_ROWS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct myc_registry_row);
} registry SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct myc_system_page);
} system SEC(".maps");

/* One map for each process, so that each can be mapped by its writer alone. */
struct process_page_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct myc_process_page));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MYC_PROCESSES_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, struct process_page_map);
} pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct myc_channel_state);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct myc_filtered_window);
} window SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct myc_locate_filter);
} locate SEC(".maps");

/* Row 0: packets of no channel; row c + 1: channel c. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MYC_CHANNELS_MAX + 1);
	__type(key, __u32);
	__type(value, struct myc_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MYC_ENDPOINTS_MAX *MYC_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

#endif
