/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who gets a channel's packets: its owner by the registry, else the standby, else by policy.
 *
 *	owner alive, and (no standby, or its lease is fresh) ........ owner
 *	standby alive, lease fresh ................................... standby
 *	supervisor's and owner's leases both stale ................... PASS_LEASE
 *	owner alive (its lease is stale, but there is nobody else) .. owner
 *	policy HOLD, owner published ................................. owner's ring, it is restarting
 *	else ......................................................... PASS_ORPHAN
 */
#ifndef MYC_BPF_ROUTE_H
#define MYC_BPF_ROUTE_H

#include <mycelium/abi/registry.h>
#include <mycelium/abi/steer.h>

#include "parse.h"

struct route {
	const struct myc_process_page *page; /* the owner's, NULL = it has none */
	uint32_t endpoint;
};

/* What the registry and the process table say about an actor. */
struct candidate {
	const struct myc_process_page *page;
	uint32_t endpoint;
	bool published;
	bool alive;
};

static __always_inline bool candidate_read(const struct steer_host *host, uint32_t row_index,
					   struct candidate *out)
{
	const struct myc_registry_row *row = host_registry_row(host, row_index);
	const struct myc_process_row *process;
	uint64_t word, incarnation;
	uint32_t process_index;
	uint8_t row_state;

	if (!row)
		return false;
	word = word_load(&row->state_endpoint);
	process_index = half_load(&row->process);
	process = host_process_row(host, process_index);
	if (!process)
		return false;
	row_state = myc_row_word_state(word);
	incarnation = word_load(&process->incarnation);
	out->endpoint = myc_row_word_endpoint(word);
	out->published = row_state != MYC_ROW_FREE && out->endpoint < MYC_ENDPOINTS_MAX;
	out->alive = out->published && (row_state == MYC_ROW_UP || row_state == MYC_ROW_STARTING) &&
		     word_load(&process->dead_incarnation) < incarnation;
	out->page = host_page(host, process_index);
	return true;
}

/* Signed: a lease renewed on another CPU just after our clock read is not stale. */
static __always_inline bool lease_fresh(uint64_t lease_ns, uint64_t now, uint64_t lease_ns_max)
{
	return lease_ns_max == 0 || (int64_t)(now - lease_ns) <= (int64_t)lease_ns_max;
}

static __always_inline bool page_fresh(const struct myc_process_page *page, uint64_t now,
				       uint64_t lease_ns_max)
{
	return lease_fresh(page ? word_load(&page->lease_ns) : 0, now, lease_ns_max);
}

static __always_inline enum myc_reason route_find(const struct steer_host *host,
						  const struct myc_channel_config *config,
						  uint64_t now, struct route *route)
{
	const struct myc_system_page *supervisor = host_system(host, 0);
	struct candidate owner, standby;
	uint64_t supervisor_ns, lease_ns_max;
	bool supervised, has_standby, fresh;

	if (config->owner_row == MYC_NO_ROW) {
		route->page = NULL;
		route->endpoint = config->endpoint;
		return MYC_REASON_REDIRECTED;
	}
	if (!supervisor || !candidate_read(host, config->owner_row, &owner))
		return MYC_REASON_PASS_INTERNAL;
	route->page = owner.page;
	route->endpoint = owner.endpoint;

	supervisor_ns = word_load(&supervisor->lease_ns);
	lease_ns_max = word_load(&supervisor->lease_ns_max);
	supervised = supervisor_ns == 0 || lease_fresh(supervisor_ns, now, lease_ns_max);
	has_standby = config->standby_row != MYC_NO_ROW;
	fresh = (supervised && !has_standby) || page_fresh(owner.page, now, lease_ns_max);
	if (owner.alive && fresh)
		return MYC_REASON_REDIRECTED;
	if (has_standby) {
		if (!candidate_read(host, config->standby_row, &standby))
			return MYC_REASON_PASS_INTERNAL;
		if (standby.alive && page_fresh(standby.page, now, lease_ns_max)) {
			route->endpoint = standby.endpoint;
			return MYC_REASON_REDIRECTED_STANDBY;
		}
	}
	if (!supervised && !fresh)
		return MYC_REASON_PASS_LEASE;
	if (owner.alive || (owner.published && config->orphan == MYC_ORPHAN_HOLD))
		return MYC_REASON_REDIRECTED;
	return MYC_REASON_PASS_ORPHAN;
}

#endif
