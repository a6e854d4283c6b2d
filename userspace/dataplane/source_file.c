/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture as an intake: pcap or pcapng (libpcap), plain or gzipped (zlib, which reads plain files
 * too). Each endpoint reads the file for itself and keeps what the twin gives to it.
 */
#include "dataplane/source.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <pcap/pcap.h>
#include <zlib.h>

#include "base/clock.h"

#define BUFFER_BYTES (256u << 10)

struct file_source {
	gzFile gz;
	pcap_t *pcap;
	char path[256];
	char gz_trouble[96]; /* what zlib said, when reading failed */
	double speed;
	/* Pacing: the first packet after (re)start went out at started_ns. */
	uint64_t started_ns, first_ns;
	const struct pcap_pkthdr *header; /* read, not yet due; NULL = none */
	const uint8_t *data;
	bool ended;
};

/* ---- reading ------------------------------------------------------------------------------- */

static ssize_t read_gz(void *cookie, char *buffer, size_t size)
{
	struct file_source *file = cookie;
	int n = gzread(file->gz, buffer, (unsigned)size);
	int code = Z_OK;
	const char *text = gzerror(file->gz, &code);

	/* A file cut short inside its compressed stream gives what there is, then Z_BUF_ERROR. */
	if (n < 0 || (n == 0 && code != Z_OK && code != Z_STREAM_END)) {
		snprintf(file->gz_trouble, sizeof(file->gz_trouble), "%s",
			 code == Z_BUF_ERROR ? "the compressed data ends early" : text);
		errno = EIO;
		return -1;
	}
	return n;
}

static int close_gz(void *cookie)
{
	struct file_source *file = cookie;

	gzclose(file->gz);
	file->gz = NULL;
	return 0;
}

static int refuse_header(struct file_source *file, const char *pcap_text, struct myc_error *error)
{
	const char *text = file->gz_trouble[0] ? file->gz_trouble : pcap_text;

	return myc_error_set(error, -EBADMSG, "give a pcap or pcapng file, plain or gzipped",
			     "%s: %s", file->path, text);
}

static int open_capture(struct file_source *file, const char *path, struct myc_error *error)
{
	static const cookie_io_functions_t functions = {.read = read_gz, .close = close_gz};
	char text[PCAP_ERRBUF_SIZE] = "";
	struct stat status;

	snprintf(file->path, sizeof(file->path), "%s", path);
	if (!stat(path, &status) && S_ISDIR(status.st_mode))
		return myc_error_set(error, -EISDIR, "name a file", "%s: is a directory", path);
	file->gz = gzopen(path, "re");
	if (!file->gz) {
		int err = errno ? -errno : -ENOMEM;

		return myc_error_set(error, err, "name a pcap or pcapng file", "%s: %s", path,
				     strerror(-err));
	}
	gzbuffer(file->gz, BUFFER_BYTES);
	FILE *stream = fopencookie(file, "r", functions);
	if (!stream) {
		close_gz(file);
		return myc_error_set(error, -ENOMEM, NULL, "%s: out of memory", path);
	}
	setvbuf(stream, NULL, _IOFBF, BUFFER_BYTES);
	file->pcap =
		pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!file->pcap) {
		fclose(stream);
		return refuse_header(file, text, error);
	}
	if (pcap_datalink(file->pcap) == DLT_EN10MB)
		return 0;
	const char *link = pcap_datalink_val_to_name(pcap_datalink(file->pcap));
	myc_error_set(error, -EBADMSG, "capture on an Ethernet interface, not on `any`",
		      "%s: its packets are %s, not Ethernet", path,
		      link ? link : "of a kind unknown");
	pcap_close(file->pcap);
	file->pcap = NULL;
	return -EBADMSG;
}

/* 1 = a packet, 0 = the end, -EBADMSG with the cause in `error`. `number` counts from 0. */
static int read_packet(struct file_source *file, uint64_t number, struct pcap_pkthdr **header,
		       const uint8_t **data, struct myc_error *error)
{
	int got = pcap_next_ex(file->pcap, header, data);

	if (got == 1)
		return 1;
	if (got == PCAP_ERROR_BREAK)
		return 0;
	return myc_error_set(error, -EBADMSG, "capture or copy it again; check it with capinfos",
			     "%s: packet %llu: %s", file->path, (unsigned long long)number + 1,
			     file->gz_trouble[0] ? file->gz_trouble : pcap_geterr(file->pcap));
}

int myc_source_file_check(const char *path, struct myc_error *error)
{
	struct file_source file = {0};
	struct pcap_pkthdr *header;
	const uint8_t *data;
	uint64_t number = 0;
	int err = open_capture(&file, path, error);

	if (err)
		return err;
	while ((err = read_packet(&file, number, &header, &data, error)) == 1)
		number++;
	pcap_close(file.pcap);
	return err;
}

/* ---- the intake ---------------------------------------------------------------------------- */

static uint64_t packet_ns(const struct pcap_pkthdr *header)
{
	/* Nanoseconds: so it was opened. */
	return (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
}

/* The next packet is there and due at now_ns. `number` = its position in the file. */
static bool next_due(struct myc_intake *intake, uint64_t number, uint64_t now_ns)
{
	struct file_source *file = intake->from;

	if (!file->header && !file->ended) {
		struct pcap_pkthdr *header;
		struct myc_error error;
		int got = read_packet(file, number, &header, &file->data, &error);

		if (got < 0) {
			memcpy(intake->block->error_cause, error.cause, sizeof(error.cause));
			intake->block->error_code = got;
		}
		file->ended = got != 1;
		file->header = got == 1 ? header : NULL;
		if (got == 1 && !file->first_ns) {
			file->first_ns = packet_ns(header);
			file->started_ns = now_ns;
		}
	}
	if (!file->header || file->speed <= 0)
		return file->header;
	uint64_t at = packet_ns(file->header);
	double behind = at > file->first_ns ? (double)(at - file->first_ns) / file->speed : 0;
	return (double)(now_ns - file->started_ns) >= behind;
}

static void judge(struct myc_intake *intake, uint32_t i, uint64_t now_ns)
{
	struct file_source *file = intake->from;
	struct myc_steer_result result;
	uint8_t *frame = myc_intake_frame(intake, i);
	uint32_t size = file->header->caplen;

	if (size > myc_intake_room(intake)) {
		intake->block->packets_oversize++;
		return;
	}
	memcpy(frame, file->data, size);
	myc_steer_frame(&intake->tables, frame, size, now_ns, &result);
	if (result.action != MYC_STEER_REDIRECT)
		return;
	if (result.endpoint != intake->endpoint) {
		intake->block->packets_elsewhere++;
		return;
	}
	myc_intake_push(intake, i, result.payload_offset, result.payload_size, &result.meta);
}

static void pump(struct myc_intake *intake)
{
	struct file_source *file = intake->from;
	uint64_t position = intake->block->position;
	uint64_t now_ns = myc_clock_ns();
	uint32_t used = 0;

	if (file->ended || myc_ring_waiting(&intake->queue.rx))
		return;
	uint32_t n = myc_intake_begin(intake, MYC_INTAKE_BATCH);
	while (used < n && next_due(intake, position + used, now_ns)) {
		judge(intake, used, now_ns);
		file->header = NULL;
		used++;
	}
	if (used)
		myc_intake_commit(intake, used, position + used);
}

static bool ready(struct myc_intake *intake)
{
	return !((struct file_source *)intake->from)->ended &&
	       next_due(intake, intake->block->position, myc_clock_ns());
}

static bool ended(const struct myc_intake *intake)
{
	return ((const struct file_source *)intake->from)->ended;
}

static unsigned descriptors(const struct myc_intake *intake, int *fds, unsigned max)
{
	(void)intake;
	(void)fds;
	(void)max;
	return 0;
}

static void close_source(struct myc_intake *intake)
{
	struct file_source *file = intake->from;

	if (file->pcap)
		pcap_close(file->pcap);
	free(file);
	intake->from = NULL;
}

static const struct myc_intake_ops file_ops = {
	.pump = pump,
	.ready = ready,
	.ended = ended,
	.descriptors = descriptors,
	.close = close_source,
};

/* A successor goes on behind the packets its predecessor had judged. */
static int skip_to(struct file_source *file, uint64_t position, struct myc_error *error)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;

	for (uint64_t i = 0; i < position; i++) {
		int got = read_packet(file, i, &header, &data, error);

		if (got < 0)
			return got;
		if (!got)
			return myc_error_set(error, -EBADMSG,
					     "do not change a file while it is read",
					     "%s: it ends before packet %llu, where it was read to",
					     file->path, (unsigned long long)position);
	}
	return 0;
}

int myc_source_file_open(struct myc_intake *intake, const char *path, double speed,
			 struct myc_error *error)
{
	struct file_source *file = calloc(1, sizeof(*file));

	if (!file)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	file->speed = speed;
	intake->from = file;
	intake->ops = &file_ops;
	/* What ended the file for a predecessor ends it here too; the endpoint closes us on error. */
	int err = open_capture(file, path, error);
	return err ? err : skip_to(file, intake->block->position, error);
}
