/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NASDAQ BinaryFILE ("BinaryFILE Format Specification"): each ITCH 5.0 message behind a 2-byte
 * big-endian length. There are files in the wild whose lengths are all 0: when the first is, the
 * type gives each length. Elsewhere a length of 0 is the format's own end mark.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/market/itch50.h>

#include "myc-feed/input.h"
#include "myc-feed/source.h"

#define DAY_NS	    (24ull * 3600 * 1000000000)
#define MESSAGE_MAX 1450

struct binaryfile {
	struct source source;
	FILE *stream;
	const char *path;
	bool zero_lengths;
	uint64_t messages;
	uint64_t offset; /* of the message in hand, its length included */
	uint64_t last_ns;
	uint8_t message[MESSAGE_MAX];
};

static int broken(struct binaryfile *file, struct myc_error *error, const char *what)
{
	char remedy[80] = "name a file of ITCH 5.0 messages";

	if (file->messages)
		snprintf(remedy, sizeof(remedy), "--messages %llu replays what is before it",
			 (unsigned long long)file->messages);
	return myc_error_set(error, -EBADMSG, remedy, "%s: message %llu at offset %llu: %s",
			     file->path, (unsigned long long)file->messages + 1,
			     (unsigned long long)file->offset, what);
}

/* 1, or 0 at the very end of the file. A part of what was wanted is an error. */
static int take(struct binaryfile *file, void *to, size_t size, bool may_end,
		struct myc_error *error)
{
	errno = 0;
	size_t got = fread(to, 1, size, file->stream);

	if (got == size)
		return 1;
	if (ferror(file->stream))
		return broken(file, error, input_why(errno));
	if (got == 0 && may_end)
		return 0;
	return broken(file, error, "the file ends inside it");
}

static int check_type(struct binaryfile *file, uint32_t size, struct myc_error *error)
{
	uint32_t known = myc_itch_length(file->message[0]);
	char text[80];

	if (known ? size < known : size < MYC_ITCH_HEADER_SIZE) {
		snprintf(text, sizeof(text), "type 0x%02x has %u bytes, this one %u",
			 file->message[0], known ? known : MYC_ITCH_HEADER_SIZE, size);
		return broken(file, error, text);
	}
	if (file->message[0] < ' ' || file->message[0] > '~') {
		snprintf(text, sizeof(text), "0x%02x is no message type", file->message[0]);
		return broken(file, error, text);
	}
	if (myc_itch_timestamp(file->message) >= DAY_NS)
		return broken(file, error, "its time is later than midnight");
	return 0;
}

/* Reads one message behind its length: its size, 0 = the end mark, or an error. */
static int take_message(struct binaryfile *file, uint32_t length, struct myc_error *error)
{
	int got;

	if (file->zero_lengths) {
		if (length)
			return broken(file, error,
				      "a length among messages whose lengths are all 0");
		got = take(file, file->message, 1, false, error);
		if (got < 0)
			return got;
		length = myc_itch_length(file->message[0]);
		if (!length)
			return broken(file, error, "its type is unknown, so its length is, too");
		got = take(file, file->message + 1, length - 1, false, error);
	} else {
		if (length > MESSAGE_MAX)
			return broken(file, error, "its length is more than a packet holds");
		if (length == 0) {
			if (fgetc(file->stream) == EOF && !ferror(file->stream))
				return 0;
			return broken(file, error, "its length is 0 before the end");
		}
		got = take(file, file->message, length, false, error);
	}
	return got < 0 ? got : (int)length;
}

static int binaryfile_next(struct source *source, struct item *item, struct myc_error *error)
{
	struct binaryfile *file = (struct binaryfile *)source;
	uint8_t prefix[2];
	int got = take(file, prefix, sizeof(prefix), file->messages > 0, error);

	if (got <= 0)
		return got;
	if (!file->messages)
		file->zero_lengths = myc_load_be16(prefix) == 0;

	int size = take_message(file, myc_load_be16(prefix), error);

	if (size <= 0)
		return size;
	if (check_type(file, (uint32_t)size, error))
		return -EBADMSG;

	uint64_t stamp = myc_itch_timestamp(file->message);

	file->last_ns = stamp > file->last_ns ? stamp : file->last_ns;
	*item = (struct item){
		.kind = ITEM_MESSAGE,
		.time_ns = file->last_ns,
		.send_ns = stamp,
		.data = file->message,
		.size = (uint32_t)size,
	};
	file->messages++;
	file->offset += sizeof(prefix) + (uint32_t)size;
	return 1;
}

static void binaryfile_close(struct source *source)
{
	struct binaryfile *file = (struct binaryfile *)source;

	fclose(file->stream);
	free(file);
}

int source_binaryfile_open(struct source **source, const char *path, struct myc_error *error)
{
	struct binaryfile *file = calloc(1, sizeof(*file));

	if (!file)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	file->source.next = binaryfile_next;
	file->source.close = binaryfile_close;
	file->source.epoch_ns = SOURCE_EPOCH_NS;
	file->path = path;
	file->stream = input_open(path, error);
	if (!file->stream) {
		free(file);
		return error ? error->code : -EINVAL;
	}
	*source = &file->source;
	return 0;
}
