/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the shared headers (steer.h and below) lean on, for the kernel. platform_user.h gives the
 * same names for user space; a translation unit includes one of the two first, then steer.h.
 *
 * Shared words are single aligned u64s: word_load reads one once, word_exchange is a
 * compare-exchange that returns what it found, word_add a fetching add. All three are full
 * barriers or need none: clang 14 has no others for BPF.
 */
#ifndef MYC_BPF_PLATFORM_BPF_H
#define MYC_BPF_PLATFORM_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "steer_maps.h"

struct steer_host {
	struct xdp_md *context;
};

/* How the host is handed to a function of its own (HOST_GLOBAL), which the verifier wants plain. */
#define HOST_GLOBAL __attribute__((noinline))
typedef struct xdp_md *host_handle_t;

static __always_inline host_handle_t host_handle(const struct steer_host *host)
{
	return host->context;
}

static __always_inline struct steer_host host_of(host_handle_t handle)
{
	return (struct steer_host){.context = handle};
}

struct frame {
	const uint8_t *start;
	const uint8_t *end;
};

/* Packet pointers do not live through a bpf_loop callback: derive them anew where they are used. */
static __always_inline struct frame host_frame(const struct steer_host *host)
{
	return (struct frame){
		.start = (const uint8_t *)(long)host->context->data,
		.end = (const uint8_t *)(long)host->context->data_end,
	};
}

static __always_inline uint64_t host_now(const struct steer_host *host)
{
	(void)host;
	return bpf_ktime_get_ns();
}

static __always_inline bool host_bindings_with_vlan(const struct steer_host *host)
{
	(void)host;
	return bindings_with_vlan;
}

/* host_NAME(host, index): the value, or NULL beyond the map's end. */
#define HOST_MAP(name, map, type)                                                               \
	static __always_inline type *host_##name(const struct steer_host *host, uint32_t index) \
	{                                                                                       \
		(void)host;                                                                     \
		return (type *)bpf_map_lookup_elem(&(map), &index);                             \
	}
HOST_MAP(binding_slot, bindings, const struct myc_binding_slot)
HOST_MAP(channel, channels, const struct myc_channel_config)
HOST_MAP(symbols, symbols, const struct myc_symbol_filter)
HOST_MAP(sbe, sbe, const struct myc_sbe_filter)
HOST_MAP(registry_row, registry, const struct myc_registry_row)
HOST_MAP(process_row, processes, const struct myc_process_row)
HOST_MAP(system, system, const struct myc_system_page)
HOST_MAP(state, state, struct myc_channel_state)
HOST_MAP(window, window, struct myc_filtered_window)
HOST_MAP(locate, locate, const struct myc_locate_filter)
HOST_MAP(counters, counters, struct myc_counters)
#undef HOST_MAP

static __always_inline const struct myc_process_page *host_page(const struct steer_host *host,
								uint32_t process)
{
	uint32_t only = 0;
	void *page = bpf_map_lookup_elem(&pages, &process);

	(void)host;
	return page ? bpf_map_lookup_elem(page, &only) : NULL;
}

static __always_inline void host_loop(uint32_t count, long (*step)(uint32_t, void *), void *context)
{
	bpf_loop(count, (void *)step, context, 0);
}

/* A bound that the verifier sees: clang may not prove it superfluous and take it away. */
#define bounded(value, mask)                                           \
	({                                                             \
		uint64_t bounded_ = (value);                           \
		asm volatile("%0 &= %1" : "+r"(bounded_) : "i"(mask)); \
		bounded_;                                              \
	})

/* Keeps a struct on the stack: as single values, each early exit would set every one of them. */
#define in_memory(pointer) asm volatile("" : : "r"(pointer) : "memory")

#define word_load(word)			(*(const volatile uint64_t *)(word))
#define half_load(word)			(*(const volatile uint32_t *)(word))
#define word_exchange(word, found, new) __sync_val_compare_and_swap(word, found, new)
#define word_add(word, value)		((void)__sync_fetch_and_add(word, value))

/* Unaligned loads from a packet: the kernel's packet pointers allow them. */
#define packet_load16(at) (*(const uint16_t *)(at))
#define packet_load32(at) (*(const uint32_t *)(at))
#define packet_load64(at) (*(const uint64_t *)(at))

#endif
