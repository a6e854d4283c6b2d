/* SPDX-License-Identifier: Apache-2.0 */
/* myc frame: what is in a file of frames (docs/FRAME.md), a line a frame. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mycelium/frame.h>

#include "myc/myc.h"

#define FRAME_MAX (16u << 20) /* memory is touched for frames that come in pieces only */
#define PIECE	  (256u << 10)

struct dump {
	struct myc_frame_reader reader;
	enum myc_sbe_format format;
	char *text;
	size_t room;
};

static int print(struct dump *dump, const struct myc_frame *frame)
{
	size_t length = myc_frame_print(frame, NULL, dump->format, dump->text, dump->room);

	if (length >= dump->room) {
		free(dump->text);
		dump->room = 2 * length + 1;
		dump->text = malloc(dump->room);
		if (!dump->text)
			return -ENOMEM;
		myc_frame_print(frame, NULL, dump->format, dump->text, dump->room);
	}
	puts(dump->text);
	return 0;
}

static int piece(struct dump *dump, const uint8_t *data, size_t left)
{
	struct myc_frame frame;
	int got;

	while ((got = myc_frame_read(&dump->reader, &data, &left, &frame)) != 0) {
		if (got == 1 && print(dump, &frame))
			return -ENOMEM;
		if (got < 0 && !myc_frame_passable(got))
			return 0;
		if (got < 0)
			fprintf(stderr, "myc: byte %llu: %u bytes passed over: %s\n",
				(unsigned long long)(dump->reader.bytes - frame.size), frame.size,
				myc_frame_error_text(got));
	}
	return 0;
}

/* -errno; what is wrong with the frames is in the reader. */
static int dump_file(struct dump *dump, int fd)
{
	uint8_t *data = malloc(PIECE);
	ssize_t bytes = 0;
	int err = data ? 0 : -ENOMEM;

	while (!err && !dump->reader.dead && (bytes = read(fd, data, PIECE)) > 0)
		err = piece(dump, data, (size_t)bytes);
	if (bytes < 0)
		err = -errno;
	free(data);
	return err;
}

int myc_frame_file(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	struct dump dump = {.format = MYC_SBE_TEXT};
	struct myc_error error;
	const char *path;
	uint8_t *room;
	int option, fd, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return myc_complain_usage();
		dump.format = MYC_SBE_JSON;
	}
	if (argc - optind != 1)
		return myc_complain_usage();
	path = argv[optind];
	fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	room = malloc(FRAME_MAX);
	if (fd < 0)
		err = -errno;
	else
		err = room ? myc_frame_reader_init(&dump.reader, room, FRAME_MAX)
				      ?: dump_file(&dump, fd)
			   : -ENOMEM;
	if (fd > STDIN_FILENO)
		close(fd);
	free(room);
	free(dump.text);
	if (err) {
		myc_error_set(&error, err, NULL, "%s: %s", path, strerror(-err));
		return myc_complain(&error);
	}
	err = myc_frame_reader_end(&dump.reader);
	if (err)
		fprintf(stderr, "myc: byte %llu: %s\n", (unsigned long long)dump.reader.bytes,
			myc_frame_error_text(err));
	return err || dump.reader.damaged || dump.reader.refused ? 1 : 0;
}
