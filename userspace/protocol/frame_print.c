/* SPDX-License-Identifier: Apache-2.0 */
/* A frame for people and scripts. */
#include <mycelium/frame.h>

static void number(struct myc_sbe_out *out, const char *name, uint64_t value)
{
	if (!value)
		return;
	myc_sbe_out_key(out, name);
	myc_sbe_out_unsigned(out, value);
}

/* Addresses are read in hex everywhere; no number of JSON holds 64 bits everywhere. */
static void address(struct myc_sbe_out *out, const char *name, myc_address value)
{
	uint8_t bytes[8];

	if (!value)
		return;
	myc_sbe_put_uint64_be(bytes, value);
	myc_sbe_out_key(out, name);
	myc_sbe_out_hex(out, (struct myc_sbe_bytes){bytes, sizeof(bytes)});
}

static void flags(struct myc_sbe_out *out, uint16_t value)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{MYC_FRAME_CHECKSUM, "checksum"},
		{MYC_FRAME_HEADED, "headed"},
		{MYC_FRAME_REPLY, "reply"},
		{MYC_FRAME_URGENT, "urgent"},
		{MYC_FRAME_REDELIVERED, "redelivered"},
	};

	if (!value)
		return;
	myc_sbe_out_open(out, "flags", '[');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(value & names[i].flag))
			continue;
		myc_sbe_out_key(out, NULL);
		myc_sbe_out_string(out, (struct myc_sbe_bytes){(const uint8_t *)names[i].name,
							       strlen(names[i].name)});
		value &= (uint16_t)~names[i].flag;
	}
	if (value) {
		myc_sbe_out_key(out, NULL);
		myc_sbe_out_unsigned(out, value);
	}
	myc_sbe_out_close(out, ']');
}

static void trace(struct myc_sbe_out *out, const struct myc_frame_trace *of)
{
	myc_sbe_out_open(out, "trace", '{');
	myc_sbe_out_key(out, "id");
	myc_sbe_out_hex(out, (struct myc_sbe_bytes){of->trace, sizeof(of->trace)});
	myc_sbe_out_key(out, "span");
	myc_sbe_out_hex(out, (struct myc_sbe_bytes){of->span, sizeof(of->span)});
	myc_sbe_out_key(out, "flags");
	myc_sbe_out_unsigned(out, of->flags);
	myc_sbe_out_close(out, '}');
}

/* Those of which frame has no member. */
static void options(struct myc_sbe_out *out, const struct myc_frame *frame)
{
	struct myc_frame_option option;
	uint32_t at = 0;
	bool open = false;

	while (frame->options && myc_frame_option_next(frame, &at, &option)) {
		if ((option.type & ~MYC_FRAME_OPTION_MUST) <= MYC_FRAME_PRIORITY)
			continue;
		if (!open)
			myc_sbe_out_open(out, "options", '[');
		open = true;
		myc_sbe_out_open(out, NULL, '{');
		myc_sbe_out_key(out, "type");
		myc_sbe_out_unsigned(out, option.type);
		myc_sbe_out_key(out, "value");
		myc_sbe_out_hex(out, (struct myc_sbe_bytes){option.value, option.length});
		myc_sbe_out_close(out, '}');
	}
	if (open)
		myc_sbe_out_close(out, ']');
}

size_t myc_frame_print(const struct myc_frame *frame, const char *body, enum myc_sbe_format format,
		       char *to, size_t size)
{
	struct myc_sbe_out out = {.to = to, .size = size, .format = format};

	if (size)
		*to = 0;
	if (format == MYC_SBE_JSON)
		myc_sbe_out_open(&out, NULL, '{');
	address(&out, "from", frame->from);
	address(&out, "to", frame->to);
	number(&out, "schema", frame->schema);
	number(&out, "version", frame->version);
	myc_sbe_out_key(&out, "template");
	myc_sbe_out_unsigned(&out, frame->template_id);
	number(&out, "block", frame->block_length);
	flags(&out, frame->flags);
	number(&out, "correlation", frame->correlation);
	number(&out, "deadline", frame->deadline_ns);
	number(&out, "priority", frame->priority);
	if (frame->traced)
		trace(&out, &frame->trace);
	options(&out, frame);
	myc_sbe_out_key(&out, "body");
	if (body)
		myc_sbe_out_raw(&out, body);
	else
		myc_sbe_out_hex(&out, (struct myc_sbe_bytes){frame->body, frame->body_size});
	if (format == MYC_SBE_JSON)
		myc_sbe_out_close(&out, '}');
	return out.length;
}
