/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The user-space side of platform_bpf.h, which says what each name means: maps are plain memory. */
#ifndef MYC_BPF_PLATFORM_USER_H
#define MYC_BPF_PLATFORM_USER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/cdefs.h>

#include "dataplane/steer_user.h"

struct frame {
	const uint8_t *start;
	const uint8_t *end;
};

struct steer_host {
	const struct myc_steer_tables *tables;
	struct frame frame;
	uint64_t now_ns;
};

#define HOST_GLOBAL static
typedef const struct steer_host *host_handle_t;

static __always_inline host_handle_t host_handle(const struct steer_host *host)
{
	return host;
}

static __always_inline struct steer_host host_of(host_handle_t handle)
{
	return *handle;
}

static __always_inline struct frame host_frame(const struct steer_host *host)
{
	return host->frame;
}

static __always_inline uint64_t host_now(const struct steer_host *host)
{
	return host->now_ns;
}

static __always_inline bool host_bindings_with_vlan(const struct steer_host *host)
{
	(void)host;
	return true;
}

#define HOST_TABLE(name, type, table, count)                                                    \
	static __always_inline type *host_##name(const struct steer_host *host, uint32_t index) \
	{                                                                                       \
		return index < (count) ? &host->tables->table[index] : NULL;                    \
	}
HOST_TABLE(binding_slot, const struct myc_binding_slot, bindings, MYC_BINDING_SLOTS)
HOST_TABLE(channel, const struct myc_channel_config, config->channel,
	   host->tables->config->channels_count)
HOST_TABLE(registry_row, const struct myc_registry_row, registry, MYC_REGISTRY_ROWS)
HOST_TABLE(process_row, const struct myc_process_row, processes,
	   host->tables->config->processes_count)
HOST_TABLE(system, const struct myc_system_page, system, 1u)
HOST_TABLE(state, struct myc_channel_state, state, host->tables->config->channels_count)
HOST_TABLE(window, struct myc_filtered_window, window, host->tables->config->channels_count)
HOST_TABLE(locate, const struct myc_locate_filter, locate, host->tables->config->channels_count)
HOST_TABLE(counters, struct myc_counters, counters, host->tables->config->channels_count + 1)
#undef HOST_TABLE

static __always_inline const struct myc_symbol_filter *host_symbols(const struct steer_host *host,
								    uint32_t index)
{
	const struct myc_steer_config *config = host->tables->config;

	return index < config->channels_count ? config->symbols[index] : NULL;
}

static __always_inline const struct myc_sbe_filter *host_sbe(const struct steer_host *host,
							     uint32_t index)
{
	const struct myc_steer_config *config = host->tables->config;

	return index < config->channels_count ? config->sbe[index] : NULL;
}

static __always_inline const struct myc_process_page *host_page(const struct steer_host *host,
								uint32_t process)
{
	return process < host->tables->config->processes_count ? host->tables->pages[process]
							       : NULL;
}

static __always_inline void host_loop(uint32_t count, long (*step)(uint32_t, void *), void *context)
{
	for (uint32_t i = 0; i < count && step(i, context) == 0; i++)
		;
}

#define bounded(value, mask) ((uint64_t)(value) & (mask))

/* Acquire: a worker writes a session row before the watermark word that announces its epoch. */
#define word_load(word)			__atomic_load_n(word, __ATOMIC_ACQUIRE)
#define half_load(word)			__atomic_load_n(word, __ATOMIC_ACQUIRE)
#define word_exchange(word, found, new) __sync_val_compare_and_swap(word, found, new)
#define word_add(word, value)		((void)__atomic_fetch_add(word, value, __ATOMIC_RELAXED))

#define PACKET_LOAD(bits)                                                          \
	static __always_inline uint##bits##_t packet_load##bits(const uint8_t *at) \
	{                                                                          \
		uint##bits##_t value;                                              \
                                                                                   \
		memcpy(&value, at, sizeof(value));                                 \
		return value;                                                      \
	}
PACKET_LOAD(16)
PACKET_LOAD(32)
PACKET_LOAD(64)
#undef PACKET_LOAD

#endif
