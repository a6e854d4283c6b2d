/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steering program: market data to the AF_XDP socket of the actor that owns its channel, and
 * whatever is not positively ours to the host's own stack. Judging is in judge.h, shared with the
 * user-space twin; here is what only a kernel does: metadata, redirect, verdict.
 *
 * A VLAN tag that the NIC stripped is invisible here (the kfunc that reads it came with 6.8 and
 * depends on the driver): switch RX VLAN offload off where bindings name a VLAN.
 */
#include "platform_bpf.h"

#include "judge.h"

/* Gives the room in front of the packet back: the host's stack gets it as it came. */
static __always_inline void metadata_withdraw(struct xdp_md *context)
{
	bpf_xdp_adjust_meta(context, MYC_META_SIZE);
}

/* Metadata, written last, then the redirect. A packet without its metadata must not be redirected:
 * the reader would take the frame's previous header for its own. */
static __always_inline enum myc_reason deliver(struct xdp_md *context,
					       const struct verdict *verdict,
					       enum myc_reason reason)
{
	const uint32_t queue = context->rx_queue_index;
	struct myc_meta *meta;

	if (queue >= MYC_QUEUES_MAX || verdict->endpoint >= MYC_ENDPOINTS_MAX)
		return MYC_REASON_PASS_NO_SOCKET;
	/* Another program's metadata, or a driver without any: ours would not lie at packet - 32. */
	if (context->data_meta != context->data ||
	    bpf_xdp_adjust_meta(context, -MYC_META_SIZE) != 0)
		return MYC_REASON_PASS_NO_METADATA;
	meta = (struct myc_meta *)(long)context->data_meta;
	if ((void *)(meta + 1) > (void *)(long)context->data) {
		metadata_withdraw(context);
		return MYC_REASON_PASS_NO_METADATA;
	}
	*meta = verdict->meta;
	if (bpf_redirect_map(&xsks, verdict->endpoint * MYC_QUEUES_MAX + queue, XDP_PASS) ==
	    XDP_REDIRECT)
		return reason;
	metadata_withdraw(context);
	return MYC_REASON_PASS_NO_SOCKET;
}

SEC("xdp")
int myc_steer(struct xdp_md *context)
{
	const struct steer_host host = {.context = context};
	struct datagram datagram = {0};
	struct verdict verdict = {0};
	struct myc_counters *counts;
	enum myc_reason reason;

	in_memory(&datagram);
	in_memory(&verdict);
	reason = datagram_parse(host_frame(&host), &datagram);
	if (reason == GO_ON)
		reason = steer_judge(&host, &datagram, &verdict);
	if (reason == MYC_REASON_REDIRECTED || reason == MYC_REASON_REDIRECTED_STANDBY)
		reason = deliver(context, &verdict, reason);
	counts = verdict.counters ? verdict.counters : host_counters(&host, 0);
	if (counts)
		verdict_count(&verdict, counts, reason);
	switch (reason) {
	case MYC_REASON_REDIRECTED:
	case MYC_REASON_REDIRECTED_STANDBY:
		return XDP_REDIRECT;
	case MYC_REASON_FILTERED:
	case MYC_REASON_DUPLICATE:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
