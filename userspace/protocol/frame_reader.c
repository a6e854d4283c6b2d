/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out of a stream. What came whole is read where it is; what came in pieces is put together in the
 * reader's buffer, which holds the beginning of one frame and nothing else:
 *
 *	empty -- less than a frame came --> begun -- the rest came --> frame, empty
 *	  any -- no way on --> dead
 */
#include <mycelium/frame.h>

#include <errno.h>

int myc_frame_reader_init(struct myc_frame_reader *reader, void *buffer, size_t size)
{
	memset(reader, 0, sizeof(*reader));
	if (size < MYC_FRAME_HEADER_SIZE || size > MYC_FRAME_MAX)
		return -EINVAL;
	reader->buffer = buffer;
	reader->size = (uint32_t)size;
	return 0;
}

/* What parse said of bytes at the reader's place is counted. */
static int judge(struct myc_frame_reader *reader, const struct myc_frame *frame, int err)
{
	if (err && !myc_frame_passable(err)) {
		reader->dead = err;
		return err;
	}
	reader->frames += !err;
	reader->damaged += err == -EILSEQ;
	reader->refused += err == -EOPNOTSUPP;
	reader->bytes += frame->size;
	return err ?: 1;
}

/* Moves what is needed to know more of the begun frame into the buffer, as far as it is there. */
static void gather(struct myc_frame_reader *reader, const uint8_t **data, size_t *left)
{
	uint32_t missing = reader->need - reader->have;
	uint32_t bytes = *left < missing ? (uint32_t)*left : missing;

	if (!bytes)
		return;
	memcpy(reader->buffer + reader->have, *data, bytes);
	reader->have += bytes;
	*data += bytes;
	*left -= bytes;
}

int myc_frame_read(struct myc_frame_reader *reader, const uint8_t **data, size_t *left,
		   struct myc_frame *frame)
{
	int err;

	if (reader->dead)
		return reader->dead;
	if (!reader->have) {
		if (!*left)
			return 0;
		err = myc_frame_parse(frame, *data, *left, reader->size);
		if (err != -EAGAIN) {
			err = judge(reader, frame, err);
			if (!reader->dead) {
				*data += frame->size;
				*left -= frame->size;
			}
			return err;
		}
		reader->need = frame->size;
	}
	for (;;) {
		gather(reader, data, left);
		if (reader->have < reader->need)
			return 0;
		err = myc_frame_parse(frame, reader->buffer, reader->have, reader->size);
		if (err != -EAGAIN)
			break;
		reader->need = frame->size;
	}
	err = judge(reader, frame, err);
	if (!reader->dead)
		reader->have = 0;
	return err;
}

int myc_frame_reader_end(const struct myc_frame_reader *reader)
{
	if (reader->dead)
		return reader->dead;
	return reader->have ? -ENODATA : 0;
}

bool myc_frame_passable(int error)
{
	return error == -EILSEQ || error == -EOPNOTSUPP;
}

const char *myc_frame_error_text(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case -EAGAIN:
		return "the frame goes on";
	case -EILSEQ:
		return "what is behind the header is damaged";
	case -EOPNOTSUPP:
		return "a flag or option that must be known is not";
	case -EBADMSG:
		return "no header of a frame, or a damaged one";
	case -EPROTONOSUPPORT:
		return "another format of frames";
	case -EMSGSIZE:
		return "the frame is longer than allowed";
	case -EPROTO:
		return "options that are not well-formed";
	case -ENODATA:
		return "the stream ends within a frame";
	case -ENOBUFS:
		return "the buffer is too small";
	case -EINVAL:
		return "a value that the format does not allow";
	default:
		return "no error of frames";
	}
}
