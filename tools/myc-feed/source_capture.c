/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture (pcap, pcapng; plain or gzipped) taken apart: into messages with the numbers and packet
 * boundaries that they had, into payloads, or as whole frames. Other traffic in it is counted and
 * left out; a packet of the feed that does not add up ends the run, by name.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "myc-feed/frame.h"
#include "myc-feed/input.h"
#include "myc-feed/source.h"

#define NS 1000000000u

struct capture {
	struct source source;
	struct source_capture_opts opts;
	pcap_t *pcap;
	uint64_t packets;  /* read */
	uint64_t taken;	   /* of this feed */
	uint64_t messages; /* given on; opaque payloads count as one */
	uint64_t last_ns;
	/* The packet in hand: its header and what is left of its messages. */
	struct wire_header header;
	const uint8_t *at;
	uint32_t left;
};

static int broken(struct capture *capture, struct myc_error *error, const char *what)
{
	char remedy[80] = "capture it again";

	if (capture->messages)
		snprintf(remedy, sizeof(remedy), "--messages %llu replays what is before it",
			 (unsigned long long)capture->messages);
	return myc_error_set(error, -EBADMSG, remedy, "%s: packet %llu: %s", capture->opts.path,
			     (unsigned long long)capture->packets, what);
}

static int read_packet(struct capture *capture, struct pcap_pkthdr **header, const u_char **frame,
		       struct myc_error *error)
{
	errno = 0;
	int got = pcap_next_ex(capture->pcap, header, frame);
	int saved = errno;

	if (got == PCAP_ERROR_BREAK) {
		if (capture->taken)
			return 0;
		return myc_error_set(error, -EBADMSG,
				     "see with tcpdump -r what is in it; --select must name a "
				     "group and port of it",
				     "%s: none of its %llu packets is of this feed",
				     capture->opts.path, (unsigned long long)capture->packets);
	}
	capture->packets++;
	if (got != 1)
		return broken(capture, error,
			      saved == EPIPE || saved == EILSEQ ? input_why(saved)
								: pcap_geterr(capture->pcap));
	if ((*header)->caplen < (*header)->len)
		return broken(capture, error, "only its beginning was captured (snap length)");
	if ((*header)->caplen > PACKET_BYTES_MAX)
		return broken(capture, error, "larger than a jumbo frame");
	return 1;
}

static bool of_this_feed(const struct source_capture_opts *opts, const struct frame_udp *udp)
{
	return !opts->selected || (udp->group == opts->group && udp->port == opts->port);
}

/* The next packet that is of the feed; its frame stays until the next call. */
static int next_packet(struct capture *capture, struct item *item, struct frame_udp *udp,
		       struct myc_error *error)
{
	struct pcap_pkthdr *header;
	const u_char *frame;
	int got;

	for (; (got = read_packet(capture, &header, &frame, error)) == 1;
	     capture->source.skipped++) {
		bool is_udp = frame_find_udp(frame, header->caplen, udp);

		if (is_udp ? of_this_feed(&capture->opts, udp) : capture->opts.frames_any)
			break;
	}
	if (got != 1)
		return got;

	uint64_t at = (uint64_t)header->ts.tv_sec * NS + (uint64_t)header->ts.tv_usec;

	capture->taken++;
	capture->last_ns = at > capture->last_ns ? at : capture->last_ns;
	*item = (struct item){
		.kind = ITEM_OPAQUE,
		.time_ns = capture->last_ns,
		.data = frame,
		.size = header->caplen,
		.payload_at = udp->payload_at ? udp->payload_at : 1,
	};
	if (!capture->opts.frames) {
		item->data += udp->payload_at;
		item->size = udp->payload_size;
		item->payload_at = 0;
	}
	return 1;
}

/* The next message of the packet in hand. */
static void next_message(struct capture *capture, struct item *item)
{
	struct wire_header *header = &capture->header;
	uint32_t size = wire_get_length(capture->opts.protocol, capture->at);

	*item = (struct item){
		.kind = ITEM_MESSAGE,
		.ends_packet = capture->left == 1,
		.time_ns = capture->last_ns,
		.send_ns = header->send_ns,
		.sequence = header->sequence,
		.offset = header->offset,
		.data = capture->at + WIRE_BLOCK_SIZE,
		.size = size,
		.identity = &header->identity,
	};
	capture->messages++;
	header->sequence++;
	header->offset += WIRE_BLOCK_SIZE + size;
	capture->at += WIRE_BLOCK_SIZE + size;
	capture->left--;
}

static int capture_next(struct source *source, struct item *item, struct myc_error *error)
{
	struct capture *capture = (struct capture *)source;
	enum wire_protocol protocol = capture->opts.protocol;
	struct myc_error wire_error;
	struct frame_udp udp = {0};

	if (capture->left) {
		next_message(capture, item);
		return 1;
	}
	int got = next_packet(capture, item, &udp, error);

	if (got == 1 && protocol == WIRE_NONE)
		capture->messages++;
	if (got != 1 || protocol == WIRE_NONE)
		return got;
	if (wire_parse(protocol, item->data, item->size, &capture->header, &wire_error))
		return broken(capture, error, wire_error.cause);
	capture->at = item->data + wire_header_size(protocol);
	capture->left = capture->header.count;
	if (capture->left) {
		next_message(capture, item);
		return 1;
	}
	item->kind = capture->header.kind == PACKET_END ? ITEM_END : ITEM_HEARTBEAT;
	item->send_ns = capture->header.send_ns;
	item->sequence = capture->header.sequence;
	item->offset = capture->header.offset;
	item->identity = &capture->header.identity;
	return 1;
}

static void capture_close(struct source *source)
{
	struct capture *capture = (struct capture *)source;

	pcap_close(capture->pcap);
	free(capture);
}

static int open_pcap(struct capture *capture, struct myc_error *error)
{
	const char *path = capture->opts.path;
	char text[PCAP_ERRBUF_SIZE];
	FILE *stream = input_open(path, error);

	if (!stream)
		return error ? error->code : -EINVAL;
	errno = 0;
	capture->pcap =
		pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!capture->pcap) {
		int saved = errno;

		fclose(stream);
		return myc_error_set(error, -EBADMSG,
				     "name a pcap or pcapng file, plain or gzipped", "%s: %s", path,
				     saved == EPIPE || saved == EILSEQ ? input_why(saved) : text);
	}
	if (pcap_datalink(capture->pcap) != DLT_EN10MB) {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(capture->pcap));

		myc_error_set(error, -EBADMSG, "capture on the Ethernet interface itself",
			      "%s: its link type is %s, not Ethernet", path,
			      name ? name : "unknown");
		pcap_close(capture->pcap);
		return -EBADMSG;
	}
	return 0;
}

int source_capture_open(struct source **source, const struct source_capture_opts *opts,
			struct myc_error *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (!capture)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	capture->source.next = capture_next;
	capture->source.close = capture_close;
	capture->opts = *opts;
	int err = open_pcap(capture, error);

	if (err) {
		free(capture);
		return err;
	}
	*source = &capture->source;
	return 0;
}
