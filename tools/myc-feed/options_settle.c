/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/options_draft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static int contradiction(const struct draft *draft, const char *what, const char *remedy)
{
	return myc_error_set(draft->error, -EINVAL, remedy, "%s", what);
}

int options_check_together(const struct draft *draft)
{
	const struct options *options = draft->options;
	bool capture = options->capture.path;

	if (draft->generate + !!options->itch_path + capture > 1)
		return contradiction(draft, "there is more than one source",
				     "choose one of --generate, --itch, --pcap");
	if (draft->paces > 1)
		return contradiction(draft, "there is more than one pace",
				     "choose one of --speed, --rate, --fast");
	if (draft->outputs != 1)
		return contradiction(draft,
				     draft->outputs ? "there is more than one output"
						    : "there is no output",
				     "choose one of --udp, --interface, --raw, --write");
	if (!capture && (options->capture.frames || options->capture.selected))
		return contradiction(draft, "--frames and --select are about captures",
				     "add --pcap FILE");
	if (!capture && (options->feed.protocol == WIRE_NONE ||
			 (options->itch_path && options->feed.protocol != WIRE_MOLDUDP64)))
		return contradiction(
			draft, "messages need a protocol that carries them",
			"ITCH: moldudp64; a generated day: that or iextp; captures: any");
	if (options->capture.frames && options->output_kind == OPTIONS_UDP)
		return contradiction(draft, "a UDP socket makes frames of its own",
				     "with --frames use --raw or --write");
	if (capture && options->feed.events)
		return contradiction(draft, "a capture's sessions are its own",
				     "leave --session-change and --restart out");
	if (draft->repack && options->feed.protocol == WIRE_NONE)
		return contradiction(draft, "unknown payloads cannot be packed anew",
				     "name their --protocol");
	return 0;
}

static uint64_t to_ns(double value, double unit_ns)
{
	return (uint64_t)(value * unit_ns);
}

static void settle_address(const struct draft *draft, struct frame_address *line, uint32_t index)
{
	const struct options *options = draft->options;
	bool frames = options->output_kind != OPTIONS_UDP;

	line->source = draft->source;
	line->source_port = draft->source_port;
	if (frames && !line->source)
		line->source = htonl(0x0a4d0002); /* 10.77.0.2 */
	if (frames && !line->source_port)
		line->source_port = 31000;
	if (options->output_kind == OPTIONS_FILE)
		memcpy(line->source_mac,
		       (const uint8_t[]){0x02, 0x4d, 0x59, 0x43, 0, (uint8_t)(index + 1)}, 6);
	if (IN_MULTICAST(ntohl(line->group)))
		frame_multicast_mac(line->group, line->destination_mac);
	else if (draft->mac_set)
		memcpy(line->destination_mac, draft->mac, 6);
	else
		memset(line->destination_mac, 0xff, 6);
	memcpy(line->vlan, draft->vlan, sizeof(line->vlan));
	line->vlans = draft->vlans;
	line->ttl = (uint8_t)draft->ttl;
}

static void settle_line(const struct draft *draft, uint32_t i)
{
	struct options *options = draft->options;
	struct feed_opts *feed = &options->feed;
	bool capture = options->capture.path;

	feed->packetizer[i] = (struct packetizer_opts){
		.protocol = feed->protocol,
		.line = (uint8_t)i,
		.repack = draft->repack >> i & 1,
		.as_source = capture,
		.payload_max = (uint32_t)draft->payload,
		.messages_max = (uint32_t)draft->packet_messages,
		.pack_ns = to_ns(draft->pack_us, 1e3),
		.heartbeat_ns = to_ns(draft->heartbeat, 1e9),
		.seed = draft->seed,
	};
	feed->impair[i] = (struct impair_opts){
		.line = (uint8_t)i,
		.loss = draft->loss[i],
		.duplicate = draft->duplicate[i],
		.reorder = draft->reorder[i],
		.reorder_window = (uint32_t)draft->reorder_window,
		.reorder_ns = 2000000,
		.skew_ns = (uint64_t)draft->skew[i],
		.seed = draft->seed,
	};
	settle_address(draft, &options->output.line[i], i);
}

void options_settle(struct draft *draft)
{
	struct options *options = draft->options;
	struct feed_opts *feed = &options->feed;
	bool capture = options->capture.path;

	options->output.redirect = options->output.lines > 0;
	options->capture.frames_any = options->capture.frames && !options->output.redirect;
	options->capture.protocol = feed->protocol;
	if (options->capture.frames)
		options->capture.protocol = feed->protocol = WIRE_NONE;
	if (!options->output.lines) {
		options->output.lines = options->capture.frames ? 1 : 2;
		for (uint32_t i = 0; i < options->output.lines; i++) {
			options->output.line[i].group = htonl(0xef4d0101 + i); /* 239.77.1.1 */
			options->output.line[i].port = 26477;
		}
	}
	if (capture && !draft->end_packets_set)
		feed->end_packets = 0;
	if (capture && !draft->heartbeat_set)
		draft->heartbeat = 0;
	if (feed->protocol == WIRE_NONE) {
		draft->heartbeat = 0;
		feed->end_packets = 0;
	}
	options->generator.seed = draft->seed;
	options->generator.messages = draft->messages_set ? feed->messages_max : 1000000;
	/* A generated day of so many messages ends by itself, with its closing events. */
	if (!capture && !options->itch_path)
		feed->messages_max = 0;
	feed->seconds_max_ns = to_ns(draft->seconds, 1e9);
	feed->wall_ns_max = to_ns(draft->timeout, 1e9);
	feed->live = options->output_kind != OPTIONS_FILE;
	feed->lines = options->output.lines;
	for (uint32_t i = 0; i < feed->lines; i++)
		settle_line(draft, i);
}
