/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/steer_user.h"

#include <errno.h>
#include <string.h>

#include "../../bpf/platform_user.h"

#include "../../bpf/judge.h"

/* From the datagram on: judge, count, translate. Metadata always has room here, and whether the
 * endpoint has a socket is the caller's business. */
static void steer(const struct steer_host *host, const struct datagram *datagram,
		  enum myc_reason reason, struct myc_steer_result *result)
{
	struct verdict verdict = {0};
	struct myc_counters *counts;

	memset(result, 0, sizeof(*result));
	if (reason == GO_ON) {
		result->payload_offset = (uint16_t)datagram->offset;
		result->payload_size = (uint16_t)datagram->size;
		reason = steer_judge(host, datagram, &verdict);
	}
	if (reason == MYC_REASON_REDIRECTED || reason == MYC_REASON_REDIRECTED_STANDBY) {
		if (verdict.endpoint >= MYC_ENDPOINTS_MAX)
			reason = MYC_REASON_PASS_NO_SOCKET;
	}
	counts = verdict.counters ? verdict.counters : host_counters(host, 0);
	if (counts)
		verdict_count(&verdict, counts, reason);
	result->reason = reason;
	switch (reason) {
	case MYC_REASON_REDIRECTED:
	case MYC_REASON_REDIRECTED_STANDBY:
		result->action = MYC_STEER_REDIRECT;
		result->endpoint = (uint16_t)verdict.endpoint;
		result->meta = verdict.meta;
		break;
	case MYC_REASON_FILTERED:
	case MYC_REASON_DUPLICATE:
		result->action = MYC_STEER_DROP;
		break;
	default:
		result->action = MYC_STEER_PASS;
		break;
	}
}

void myc_steer_frame(struct myc_steer_tables *tables, const uint8_t *frame, uint32_t size,
		     uint64_t now_ns, struct myc_steer_result *result)
{
	const struct steer_host host = {
		.tables = tables,
		.frame = {.start = frame, .end = frame + size},
		.now_ns = now_ns,
	};
	struct datagram datagram = {0};
	const enum myc_reason reason = datagram_parse(host.frame, &datagram);

	steer(&host, &datagram, reason, result);
}

void myc_steer_payload(struct myc_steer_tables *tables, const struct myc_binding_key *key,
		       const uint8_t source[16], const uint8_t *payload, uint32_t size,
		       uint64_t now_ns, struct myc_steer_result *result)
{
	const struct steer_host host = {
		.tables = tables,
		.frame = {.start = payload, .end = payload + size},
		.now_ns = now_ns,
	};
	struct datagram datagram = {.port = key->port, .vlan = key->vlan, .size = size};

	memcpy(datagram.destination, key->address, sizeof(datagram.destination));
	memcpy(datagram.source, source, sizeof(datagram.source));
	steer(&host, &datagram, GO_ON, result);
}

int myc_frame_payload(const uint8_t *frame, uint32_t size, uint32_t *offset, uint32_t *payload_size)
{
	struct datagram datagram;

	if (datagram_parse((struct frame){.start = frame, .end = frame + size}, &datagram) != GO_ON)
		return -EBADMSG;
	*offset = datagram.offset;
	*payload_size = datagram.size;
	return 0;
}
