/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/: what messages look like outside of lanes: frames, and which schemas are spoken. Leans on base/ and
 * memory/ only. */
#include <mycelium/frame.h>

#include <errno.h>

#include "base/crc32c.h"

#define AT(field) __builtin_offsetof(struct myc_frame_header, field)
#define CHECKED	  AT(header_check) /* bytes that it covers */
#define KNOWN	  ((unsigned)(MYC_FRAME_CHECKSUM | MYC_FRAME_HEADED | MYC_FRAME_REPLY))

/* ---- writing -------------------------------------------------------------------------------- */

/* 64 bits, so that what is too long is seen. */
static uint64_t padded(uint64_t length)
{
	return (sizeof(struct myc_frame_option_header) + length + 7) & ~UINT64_C(7);
}

static uint64_t options_size(const struct myc_frame *frame)
{
	uint64_t size = 0;

	if (frame->deadline_ns)
		size += padded(sizeof(uint64_t));
	if (frame->traced)
		size += padded(MYC_FRAME_TRACE_SIZE);
	if (frame->priority)
		size += padded(1);
	for (uint32_t i = 0; i < frame->extra_count; i++)
		size += padded(frame->extra[i].length);
	return size;
}

uint32_t myc_frame_head_size(const struct myc_frame *frame)
{
	return (uint32_t)(MYC_FRAME_HEADER_SIZE + options_size(frame));
}

/* Makes room for an option at *at, moves that on. Returns where its value goes. */
static uint8_t *put_option(uint8_t **at, uint16_t type, uint16_t length)
{
	uint8_t *option = *at;

	memset(option, 0, padded(length));
	myc_sbe_put_uint16_le(option, type);
	myc_sbe_put_uint16_le(option + 2, length);
	*at += padded(length);
	return option + sizeof(struct myc_frame_option_header);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool trace_is_valid(const struct myc_frame_trace *trace)
{
	return !is_zero(trace->trace, sizeof(trace->trace)) &&
	       !is_zero(trace->span, sizeof(trace->span));
}

static int put_options(const struct myc_frame *frame, uint8_t *at)
{
	uint8_t *value;

	if (frame->deadline_ns)
		myc_sbe_put_uint64_le(put_option(&at, MYC_FRAME_DEADLINE, sizeof(uint64_t)),
				      frame->deadline_ns);
	if (frame->traced) {
		if (!trace_is_valid(&frame->trace))
			return -EINVAL;
		value = put_option(&at, MYC_FRAME_TRACE, MYC_FRAME_TRACE_SIZE);
		memcpy(value, frame->trace.trace, sizeof(frame->trace.trace));
		memcpy(value + 16, frame->trace.span, sizeof(frame->trace.span));
		value[24] = frame->trace.flags;
	}
	if (frame->priority)
		*put_option(&at, MYC_FRAME_PRIORITY, 1) = frame->priority;
	for (uint32_t i = 0; i < frame->extra_count; i++) {
		const struct myc_frame_option *extra = &frame->extra[i];

		if (extra->type < MYC_FRAME_OPTION_OWN || extra->type & MYC_FRAME_OPTION_MUST)
			return -EINVAL;
		for (uint32_t j = 0; j < i; j++)
			if (frame->extra[j].type == extra->type)
				return -EINVAL;
		value = put_option(&at, extra->type, extra->length);
		if (extra->length)
			memcpy(value, extra->value, extra->length);
	}
	return 0;
}

int myc_frame_head(const struct myc_frame *frame, void *out, size_t size)
{
	uint64_t options = options_size(frame);
	uint64_t head = MYC_FRAME_HEADER_SIZE + options;
	uint32_t content = 0, header = 0;
	uint8_t *at = out;
	int err;

	if (options > MYC_FRAME_OPTIONS_MAX || head + frame->body_size > MYC_FRAME_MAX)
		return -EMSGSIZE;
	if (size < head)
		return -ENOBUFS;
	err = put_options(frame, at + MYC_FRAME_HEADER_SIZE);
	if (err)
		return err;
	myc_sbe_put_uint32_le(at + AT(magic), MYC_FRAME_MAGIC);
	myc_sbe_put_uint32_le(at + AT(length), (uint32_t)(head + frame->body_size));
	myc_sbe_put_uint16_le(at + AT(format), MYC_FRAME_FORMAT);
	myc_sbe_put_uint16_le(at + AT(flags), frame->flags);
	myc_sbe_put_uint16_le(at + AT(options), (uint16_t)options);
	myc_sbe_put_uint16_le(at + AT(version), frame->version);
	myc_sbe_put_uint32_le(at + AT(schema), frame->schema);
	myc_sbe_put_uint32_le(at + AT(template_id), frame->template_id);
	myc_sbe_put_uint32_le(at + AT(block_length), frame->block_length);
	myc_sbe_put_uint32_le(at + AT(reserved), 0);
	myc_sbe_put_uint64_le(at + AT(from), frame->from);
	myc_sbe_put_uint64_le(at + AT(to), frame->to);
	myc_sbe_put_uint64_le(at + AT(correlation), frame->correlation);
	if (frame->flags & MYC_FRAME_CHECKSUM)
		content = myc_crc32c(myc_crc32c(0, at + MYC_FRAME_HEADER_SIZE, options),
				     frame->body, frame->body_size);
	myc_sbe_put_uint32_le(at + AT(content_check), content);
	if (frame->flags & MYC_FRAME_CHECKSUM)
		header = myc_crc32c(0, at, CHECKED);
	myc_sbe_put_uint32_le(at + AT(header_check), header);
	return (int)head;
}

int myc_frame_iov(const struct myc_frame *frame, void *head, size_t head_size, struct iovec iov[2])
{
	int bytes = myc_frame_head(frame, head, head_size);

	if (bytes < 0)
		return bytes;
	iov[0] = (struct iovec){.iov_base = head, .iov_len = (size_t)bytes};
	iov[1] = (struct iovec){.iov_len = frame->body_size};
	memcpy(&iov[1].iov_base, &frame->body, sizeof(void *)); /* writev writes nothing to it */
	return bytes + (int)frame->body_size;
}

int myc_frame_write(const struct myc_frame *frame, void *out, size_t size)
{
	int head = myc_frame_head(frame, out, size);

	if (head < 0)
		return head;
	if (size - (size_t)head < frame->body_size)
		return -ENOBUFS;
	if (frame->body_size)
		memcpy((uint8_t *)out + head, frame->body, frame->body_size);
	return head + (int)frame->body_size;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Is the header one that can be believed? */
static int check_header(const uint8_t *at, uint32_t max)
{
	uint32_t length = myc_sbe_get_uint32_le(at + AT(length));
	uint32_t options = myc_sbe_get_uint16_le(at + AT(options));
	uint32_t check = myc_sbe_get_uint32_le(at + AT(header_check));

	if (myc_sbe_get_uint16_le(at + AT(flags)) & MYC_FRAME_CHECKSUM) {
		if (check != myc_crc32c(0, at, CHECKED))
			return -EBADMSG;
	} else if (check || myc_sbe_get_uint32_le(at + AT(content_check))) {
		return -EBADMSG;
	}
	if (myc_sbe_get_uint16_le(at + AT(format)) != MYC_FRAME_FORMAT)
		return -EPROTONOSUPPORT;
	if (length > MYC_FRAME_MAX || options % 8 || length < MYC_FRAME_HEADER_SIZE + options)
		return -EBADMSG;
	return length > max ? -EMSGSIZE : 0;
}

static void read_header(struct myc_frame *frame, const uint8_t *at)
{
	memset(frame, 0, sizeof(*frame));
	frame->size = myc_sbe_get_uint32_le(at + AT(length));
	frame->flags = myc_sbe_get_uint16_le(at + AT(flags));
	frame->version = myc_sbe_get_uint16_le(at + AT(version));
	frame->schema = myc_sbe_get_uint32_le(at + AT(schema));
	frame->template_id = myc_sbe_get_uint32_le(at + AT(template_id));
	frame->block_length = myc_sbe_get_uint32_le(at + AT(block_length));
	frame->from = myc_sbe_get_uint64_le(at + AT(from));
	frame->to = myc_sbe_get_uint64_le(at + AT(to));
	frame->correlation = myc_sbe_get_uint64_le(at + AT(correlation));
	frame->options_size = myc_sbe_get_uint16_le(at + AT(options));
	frame->options = at + MYC_FRAME_HEADER_SIZE;
	frame->body = at + MYC_FRAME_HEADER_SIZE + frame->options_size;
	frame->body_size = frame->size - MYC_FRAME_HEADER_SIZE - frame->options_size;
}

bool myc_frame_option_next(const struct myc_frame *frame, uint32_t *at,
			   struct myc_frame_option *option)
{
	const uint8_t *header = (const uint8_t *)frame->options + *at;
	uint32_t left = frame->options_size - *at;

	if (*at >= frame->options_size || left < sizeof(struct myc_frame_option_header))
		return false;
	option->type = myc_sbe_get_uint16_le(header);
	option->length = myc_sbe_get_uint16_le(header + 2);
	option->value = header + sizeof(struct myc_frame_option_header);
	if (padded(option->length) > left)
		return false;
	*at += (uint32_t)padded(option->length);
	return true;
}

/* What this reader knows goes into frame. 0, -EPROTO, -EOPNOTSUPP. */
static int take_option(struct myc_frame *frame, const struct myc_frame_option *option)
{
	const uint8_t *value = option->value;

	switch (option->type & ~MYC_FRAME_OPTION_MUST) {
	case 0:
		return -EPROTO;
	case MYC_FRAME_DEADLINE:
		if (option->length != sizeof(uint64_t) || frame->deadline_ns)
			return -EPROTO;
		frame->deadline_ns = myc_sbe_get_uint64_le(value);
		return frame->deadline_ns ? 0 : -EPROTO;
	case MYC_FRAME_TRACE:
		if (option->length != MYC_FRAME_TRACE_SIZE || frame->traced)
			return -EPROTO;
		frame->traced = true;
		memcpy(frame->trace.trace, value, sizeof(frame->trace.trace));
		memcpy(frame->trace.span, value + 16, sizeof(frame->trace.span));
		frame->trace.flags = value[24];
		return trace_is_valid(&frame->trace) ? 0 : -EPROTO;
	case MYC_FRAME_PRIORITY:
		if (option->length != 1 || frame->priority)
			return -EPROTO;
		frame->priority = value[0];
		return frame->priority ? 0 : -EPROTO;
	default:
		return option->type & MYC_FRAME_OPTION_MUST ? -EOPNOTSUPP : 0;
	}
}

static int read_options(struct myc_frame *frame)
{
	struct myc_frame_option option;
	uint32_t at = 0;
	int unknown = 0, err;

	while (myc_frame_option_next(frame, &at, &option)) {
		uint32_t padding = (uint32_t)padded(option.length) - option.length -
				   (uint32_t)sizeof(struct myc_frame_option_header);

		err = take_option(frame, &option);
		if (err == -EPROTO ||
		    !is_zero((const uint8_t *)option.value + option.length, padding))
			return -EPROTO;
		unknown = unknown ?: err;
	}
	return at == frame->options_size ? unknown : -EPROTO;
}

int myc_frame_parse(struct myc_frame *frame, const void *data, size_t size, uint32_t max)
{
	static const uint8_t magic[4] = {'M', 'Y', 'C', 'F'};
	uint8_t header[MYC_FRAME_HEADER_SIZE];
	int err;

	memset(frame, 0, sizeof(*frame));
	if (size && memcmp(data, magic, size < sizeof(magic) ? size : sizeof(magic)) != 0)
		return -EBADMSG;
	frame->size = MYC_FRAME_HEADER_SIZE;
	if (size < MYC_FRAME_HEADER_SIZE)
		return -EAGAIN;
	memcpy(header, data, sizeof(header));
	err = check_header(header, max ?: MYC_FRAME_MAX);
	if (err)
		return err;
	read_header(frame, data);
	if (size < frame->size) {
		frame->options = frame->body = NULL;
		return -EAGAIN;
	}
	if (frame->flags & MYC_FRAME_CHECKSUM &&
	    myc_sbe_get_uint32_le(header + AT(content_check)) !=
		    myc_crc32c(0, frame->options, frame->size - MYC_FRAME_HEADER_SIZE))
		return -EILSEQ;
	err = read_options(frame);
	if (err)
		return err;
	return frame->flags & MYC_FRAME_FLAGS_MUST & ~KNOWN ? -EOPNOTSUPP : 0;
}
