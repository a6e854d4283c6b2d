/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of any bytes: read whole and in pieces it gives the same; what was read can be written and read again.
 * The first byte sets the sizes of pieces, and whether checksums are made right. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/frame.h>

#include "base/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 4096

static char text[4 * ROOM + 1024], again[4 * ROOM + 1024];

/* What no fuzzer guesses. */
static void mend(uint8_t *at, size_t left)
{
	struct myc_frame_header header;

	while (left >= sizeof(header)) {
		memcpy(&header, at, sizeof(header));
		if (header.length < sizeof(header) || header.length > left)
			return;
		if (header.flags & MYC_FRAME_CHECKSUM) {
			header.content_check =
				myc_crc32c(0, at + sizeof(header), header.length - sizeof(header));
			header.header_check = myc_crc32c(
				0, &header, offsetof(struct myc_frame_header, header_check));
			memcpy(at, &header, sizeof(header));
		}
		at += header.length;
		left -= header.length;
	}
}

static void within(const void *part, size_t size, const uint8_t *all, size_t all_size)
{
	const uint8_t *at = part;

	if (at < all || size > all_size || (size_t)(at - all) > all_size - size)
		abort();
}

static void write_again(const struct myc_frame *frame)
{
	static uint8_t out[2 * ROOM];
	struct myc_frame copy = *frame, read;
	int bytes = myc_frame_write(&copy, out, sizeof(out));

	if (bytes < MYC_FRAME_HEADER_SIZE || myc_frame_parse(&read, out, (size_t)bytes, 0) ||
	    read.size != (uint32_t)bytes || read.deadline_ns != frame->deadline_ns ||
	    read.priority != frame->priority || read.traced != frame->traced ||
	    memcmp(&read.trace, &frame->trace, sizeof(read.trace)) != 0 || read.to != frame->to ||
	    read.flags != frame->flags || read.body_size != frame->body_size ||
	    (read.body_size && memcmp(read.body, frame->body, read.body_size) != 0))
		abort();
}

/* As the bytes lie together: what the next frame must be, or the error. Moves *at on. */
static int expect(const uint8_t *data, size_t size, size_t *at)
{
	struct myc_frame frame;
	int err = myc_frame_parse(&frame, data + *at, size - *at, ROOM);

	if (!err) {
		within(frame.body, frame.body_size, data + *at, frame.size);
		within(frame.options, frame.options_size, data + *at, frame.size);
		myc_frame_print(&frame, NULL, MYC_SBE_JSON, again, sizeof(again));
		write_again(&frame);
	}
	if (!err || myc_frame_passable(err))
		*at += frame.size;
	return err ?: 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_size)
{
	uint8_t room[ROOM], *stream;
	struct myc_frame_reader reader;
	size_t at = 0, most, size;

	if (!input_size || input_size > 4 * ROOM)
		return 0;
	most = 1 + (input[0] & 0x7f);
	size = input_size - 1;
	stream = malloc(size ? size : 1);
	if (!stream || myc_frame_reader_init(&reader, room, sizeof(room)))
		abort();
	memcpy(stream, input + 1, size);
	if (input[0] & 0x80)
		mend(stream, size);
	for (size_t from = 0; from < size && !reader.dead;) {
		size_t part = size - from < most ? size - from : most, left = part;
		uint8_t *piece = malloc(part);
		const uint8_t *data = piece;
		struct myc_frame frame;
		int got;

		memcpy(piece, stream + from, part);
		while ((got = myc_frame_read(&reader, &data, &left, &frame)) != 0) {
			if (got != expect(stream, size, &at))
				abort();
			if (reader.dead)
				break;
			if (reader.bytes != at)
				abort();
			myc_frame_print(&frame, NULL, MYC_SBE_JSON, text, sizeof(text));
			if (got == 1 && strcmp(text, again) != 0)
				abort();
		}
		free(piece);
		from += part;
	}
	/* nothing was left that could have been read */
	if (!reader.dead &&
	    (myc_frame_reader_end(&reader) ? -ENODATA : 0) != (at < size ? -ENODATA : 0))
		abort();
	free(stream);
	return 0;
}
