/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: messages on a stream or in a file, with who, to whom, which schema, deadline and trace around
 * them. The format is docs/FRAME.md.
 *
 *	write:  struct myc_frame -> head (header and options) | body where it lies -> writev
 *	read:   bytes in any pieces -> myc_frame_read -> struct myc_frame, its body in place where it is whole
 *
 * Nothing here allocates, blocks, reads a clock or keeps state outside of what it is given; one thread at a time
 * for one reader. The memory that is read must be private: what another process could write meanwhile is
 * copied first. A process that dies while it writes leaves the beginning of a frame at the end of a file;
 * the reader's `bytes` is where to go on.
 *
 * What is wrong costs as little as can be. Damage behind a header that its checksum vouches for, and what is
 * newer than this reader, cost that frame. A header that cannot be believed ends the stream: where the
 * next frame begins is not known then.
 */
#ifndef MYCELIUM_FRAME_H
#define MYCELIUM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <mycelium/abi/frame.h>
#include <mycelium/address.h>
#include <mycelium/sbe.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_frame_trace {
	uint8_t trace[16]; /* not all 0 */
	uint8_t span[8];   /* not all 0 */
	uint8_t flags;
};

struct myc_frame_option {
	uint16_t type; /* written: MYC_FRAME_OPTION_OWN to 0x7fff */
	uint16_t length;
	const void *value;
};

/* A frame in the host's terms. All zero is a frame without options, checksum and body. */
struct myc_frame {
	uint16_t flags;	  /* enum myc_frame_flag */
	uint16_t version; /* of the schema */
	uint32_t schema, template_id, block_length;
	myc_address from, to;
	uint64_t correlation;
	uint64_t deadline_ns; /* since 1970 UTC; 0 = none */
	uint8_t priority;     /* 0 = ordinary */
	bool traced;
	struct myc_frame_trace trace; /* if traced */
	const void *body;
	uint32_t body_size;
	/* Written: further options, of applications. */
	const struct myc_frame_option *extra;
	uint32_t extra_count;
	/* Read: all options as they lie, for myc_frame_option_next; bytes of the frame. */
	const void *options;
	uint32_t options_size;
	uint32_t size;
};

/* ---- writing ------------------------------------------------------------------------------------ */

/* Bytes in front of the body: 64 and the options. */
uint32_t myc_frame_head_size(const struct myc_frame *frame);

/*
 * Writes header and options. Returns their bytes; the body is to follow as it is (and is read for the checksum
 * only), so that it may lie right behind: encode at out + myc_frame_head_size(), then call this.
 * -ENOBUFS: `size` is too small; -EMSGSIZE: more than MYC_FRAME_MAX in all or MYC_FRAME_OPTIONS_MAX of options;
 * -EINVAL: a trace of zeros, an extra option that is not an application's, or twice the same.
 */
int myc_frame_head(const struct myc_frame *frame, void *out, size_t size);
/* The same, and both parts for writev. Returns the bytes of the frame. */
int myc_frame_iov(const struct myc_frame *frame, void *head, size_t head_size, struct iovec iov[2]);
/* The whole frame, its body copied. Returns its bytes. */
int myc_frame_write(const struct myc_frame *frame, void *out, size_t size);

/* ---- reading ------------------------------------------------------------------------------------ */

/*
 * The frame at the beginning of data. 0: body and options point into data. Nothing behind the frame is looked at.
 *
 * -EAGAIN: it goes on behind `size`; frame->size is how many bytes must be there to know more.
 * The frame is to be passed over, frame->size is its length, the header's fields are right:
 * -EILSEQ: what is behind the header is damaged; -EOPNOTSUPP: a flag or option that must be known is not.
 * There is no way on:
 * -EBADMSG: this is no header of a frame, or a damaged one; -EPROTONOSUPPORT: another format; -EMSGSIZE:
 * longer than max (0 = MYC_FRAME_MAX); -EPROTO: its options are not well-formed.
 */
int myc_frame_parse(struct myc_frame *frame, const void *data, size_t size, uint32_t max);
/* Is this error of myc_frame_parse or myc_frame_read one that costs the frame only? */
bool myc_frame_passable(int error);
const char *myc_frame_error_text(int error);

/* The next option, from the one on that *at says (0 = the first). False: that was all. */
bool myc_frame_option_next(const struct myc_frame *frame, uint32_t *at,
			   struct myc_frame_option *option);

/* Reads a stream that comes in pieces. */
struct myc_frame_reader {
	uint8_t *buffer;     /* the caller's: where a frame that came in pieces is put together */
	uint32_t size;	     /* of it; a frame that is longer ends the stream */
	uint32_t have, need; /* bytes of a begun frame in buffer, and those to know more of it */
	int dead;	     /* not 0: the stream has ended with this error */
	uint64_t frames;     /* read */
	uint64_t damaged, refused; /* passed over: -EILSEQ, -EOPNOTSUPP */
	uint64_t bytes;		   /* of all of these: the place of the next frame */
};

/* -EINVAL: size is less than a header or more than MYC_FRAME_MAX. */
int myc_frame_reader_init(struct myc_frame_reader *reader, void *buffer, size_t size);

/*
 * Takes bytes from *data, moves *data and *left on. 1: a frame, with body and options in that data when they
 * were whole there, else in the reader's buffer until the next call. 0: all is taken, more is needed.
 * Or an error of myc_frame_parse: a passable one once for its frame, with the header's fields in frame; then
 * call again. Any other again and again.
 */
int myc_frame_read(struct myc_frame_reader *reader, const uint8_t **data, size_t *left,
		   struct myc_frame *frame);
/* At the stream's end. 0; -ENODATA: within a frame, reader->have bytes of it came; or as the stream died. */
int myc_frame_reader_end(const struct myc_frame_reader *reader);

/* ---- printing ----------------------------------------------------------------------------------- */

/* All but the body as one line of text or a JSON object, as snprintf: the length it has. `body`: text to stand for the body
 * (as the schema's printer makes it, which is JSON in JSON); NULL = its bytes in hex. */
size_t myc_frame_print(const struct myc_frame *frame, const char *body, enum myc_sbe_format format,
		       char *to, size_t size);

#ifdef __cplusplus
}
#endif
#endif
