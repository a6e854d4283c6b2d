/* SPDX-License-Identifier: Apache-2.0 */
/* Packets into a capture file (pcap, nanoseconds, Ethernet), all lines in order of time. The same
 * options and seed make the same bytes. */
#include "myc-feed/output.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS 1000000000u

struct output_pcap {
	struct output output;
	struct output_opts opts;
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	const char *path;
	uint16_t ids[FEED_LINES_MAX];
	uint8_t frame[PACKET_BYTES_MAX + FRAME_HEADERS_MAX];
};

static int pcap_send(struct output *output, const struct packet *packet, struct myc_error *error)
{
	struct output_pcap *file = (struct output_pcap *)output;
	uint32_t size = output_frame(&file->opts, packet, file->ids, file->frame);
	uint64_t at = file->opts.epoch_ns + packet->time_ns;
	struct pcap_pkthdr header = {
		.ts = {.tv_sec = (time_t)(at / NS), .tv_usec = (suseconds_t)(at % NS)},
		.caplen = size,
		.len = size,
	};

	pcap_dump((u_char *)file->dumper, &header, file->frame);
	if (ferror(pcap_dump_file(file->dumper)))
		return myc_error_set(error, -EIO, "make room on that file system",
				     "%s: writing failed: %s", file->path, strerror(errno));
	return 0;
}

/* The file is buffered until it closes: nobody waits for it meanwhile. */
static int pcap_nothing(struct output *output, struct myc_error *error)
{
	(void)output;
	(void)error;
	return 0;
}

static int pcap_finish(struct output *output, struct myc_error *error)
{
	struct output_pcap *file = (struct output_pcap *)output;
	int err = 0;

	if (pcap_dump_flush(file->dumper))
		err = myc_error_set(error, -EIO, "make room on that file system",
				    "%s: writing failed: %s", file->path, strerror(errno));
	pcap_dump_close(file->dumper);
	pcap_close(file->pcap);
	free(file);
	return err;
}

int output_pcap_open(struct output **output, const char *path, const struct output_opts *opts,
		     struct myc_error *error)
{
	struct output_pcap *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	file->output =
		(struct output){.send = pcap_send, .flush = pcap_nothing, .close = pcap_finish};
	file->opts = *opts;
	file->path = path;
	file->pcap =
		pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_NANO);
	if (!file->pcap) {
		err = myc_error_set(error, -ENOMEM, NULL, "out of memory");
		goto out_free;
	}
	errno = 0;
	file->dumper = pcap_dump_open(file->pcap, path);
	if (!file->dumper) {
		err = myc_error_set(error, errno ? -errno : -EIO, "name a file that can be written",
				    "%s", pcap_geterr(file->pcap));
		goto out_pcap;
	}
	*output = &file->output;
	return 0;

out_pcap:
	pcap_close(file->pcap);
out_free:
	free(file);
	return err;
}
