/* SPDX-License-Identifier: Apache-2.0 */
/* Frames by the test vectors of docs/FRAME.md, read and written; each truncated, split and damaged everywhere. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include <mycelium/frame.h>

#include "base/crc32c.h"
#include "common/test.h"

#define VECTORS_MAX 64
#define BYTES_MAX   512

enum kind { IS, READS, REFUSED };

static struct vector {
	char title[128], said[512];
	enum kind kind;
	uint8_t bytes[BYTES_MAX];
	size_t size;
} vector[VECTORS_MAX];
static unsigned vectors;

static int error_of(const char *name)
{
	static const struct {
		const char *name;
		int error;
	} names[] = {
		{"EAGAIN", -EAGAIN},	 {"EBADMSG", -EBADMSG},
		{"EILSEQ", -EILSEQ},	 {"EOPNOTSUPP", -EOPNOTSUPP},
		{"EPROTO", -EPROTO},	 {"EPROTONOSUPPORT", -EPROTONOSUPPORT},
		{"EMSGSIZE", -EMSGSIZE},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name))
			return names[i].error;
	fail_msg("no error %s", name);
	return 0;
}

static void take_line(struct vector *v, char *line)
{
	static const char *const kinds[] = {"is ", "reads ", "refused "};
	char *end;

	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#') {
		snprintf(v->title, sizeof(v->title), "%.100s", line + 2);
		return;
	}
	for (unsigned k = IS; k <= REFUSED; k++)
		if (!strncmp(line, kinds[k], strlen(kinds[k]))) {
			v->kind = (enum kind)k;
			snprintf(v->said, sizeof(v->said), "%.500s", line + strlen(kinds[k]));
			return;
		}
	for (char *at = line; *at; at = end + (*end == ' ')) {
		unsigned long byte = strtoul(at, &end, 16);

		assert_true(end == at + 2 && v->size < BYTES_MAX);
		v->bytes[v->size++] = (uint8_t)byte;
	}
}

static int read_document(void **state)
{
	FILE *file = fopen("docs/FRAME.md", "r");
	char line[1024];
	bool inside = false;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strcmp(line, "```vector\n")) {
			assert_true(vectors < VECTORS_MAX);
			inside = true;
		} else if (inside && !strcmp(line, "```\n")) {
			inside = false;
			vectors++;
		} else if (inside) {
			take_line(&vector[vectors], line);
		}
	}
	fclose(file);
	return 0;
}

/* Bytes in memory of exactly their size, so that the sanitizers see a read behind it. */
static uint8_t *exact(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	return copy;
}

static void each_vector_is_read_as_it_says(void **state)
{
	char text[1024];

	(void)state;
	assert_true(vectors >= 20);
	for (unsigned i = 0; i < vectors; i++) {
		const struct vector *v = &vector[i];
		uint8_t *data = exact(v->bytes, v->size);
		struct myc_frame frame;
		int err = myc_frame_parse(&frame, data, v->size, 0);

		print_message("%s\n", v->title);
		if (v->kind == REFUSED) {
			assert_int_equal(err, error_of(v->said));
		} else {
			assert_int_equal(err, 0);
			assert_int_equal(frame.size, v->size);
			myc_frame_print(&frame, NULL, MYC_SBE_JSON, text, sizeof(text));
			assert_string_equal(text, v->said);
		}
		free(data);
	}
}

static uint64_t integer(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static size_t from_hex(const json_t *text, void *out, size_t size)
{
	const char *at = json_string_value(text);
	size_t n = at ? strlen(at) / 2 : 0;

	assert_true(n <= size);
	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		assert_int_equal(sscanf(at + 2 * i, "%2x", &byte), 1);
		((uint8_t *)out)[i] = (uint8_t)byte;
	}
	return n;
}

static myc_address address_of(const json_t *text)
{
	return json_string_value(text) ? strtoull(json_string_value(text), NULL, 16) : 0;
}

static uint16_t flags_of(const json_t *list)
{
	static const struct {
		const char *name;
		uint16_t flag;
	} names[] = {
		{"checksum", 0x1}, {"headed", 0x2},	   {"reply", 0x4},
		{"urgent", 0x100}, {"redelivered", 0x200},
	};
	unsigned flags = 0;
	size_t at;
	const json_t *item;

	json_array_foreach(list, at,
			   item) for (size_t i = 0; i < 5;
				      i++) if (!strcmp(json_string_value(item), names[i].name))
		flags |= names[i].flag;
	return (uint16_t)flags;
}

/* The frame that a line of JSON describes; what it points to lies in room. */
struct room {
	uint8_t body[BYTES_MAX], value[4][64];
	struct myc_frame_option extra[4];
};

static void frame_of(const char *said, struct myc_frame *frame, struct room *room)
{
	json_t *object = json_loads(said, 0, NULL), *trace, *item;
	size_t at;

	assert_non_null(object);
	trace = json_object_get(object, "trace");
	*frame = (struct myc_frame){
		.flags = flags_of(json_object_get(object, "flags")),
		.version = (uint16_t)integer(object, "version"),
		.schema = (uint32_t)integer(object, "schema"),
		.template_id = (uint32_t)integer(object, "template"),
		.block_length = (uint32_t)integer(object, "block"),
		.from = address_of(json_object_get(object, "from")),
		.to = address_of(json_object_get(object, "to")),
		.correlation = integer(object, "correlation"),
		.deadline_ns = integer(object, "deadline"),
		.priority = (uint8_t)integer(object, "priority"),
		.traced = trace != NULL,
		.body = room->body,
		.extra = room->extra,
	};
	frame->body_size =
		(uint32_t)from_hex(json_object_get(object, "body"), room->body, sizeof(room->body));
	from_hex(json_object_get(trace, "id"), frame->trace.trace, 16);
	from_hex(json_object_get(trace, "span"), frame->trace.span, 8);
	frame->trace.flags = (uint8_t)integer(trace, "flags");
	json_array_foreach(json_object_get(object, "options"), at, item)
	{
		assert_true(at < 4);
		room->extra[at] = (struct myc_frame_option){
			.type = (uint16_t)integer(item, "type"),
			.length = (uint16_t)from_hex(json_object_get(item, "value"),
						     room->value[at], sizeof(room->value[at])),
			.value = room->value[at],
		};
		frame->extra_count++;
	}
	json_decref(object);
}

static void each_vector_is_written_as_it_says(void **state)
{
	unsigned written = 0;

	(void)state;
	for (unsigned i = 0; i < vectors; i++) {
		const struct vector *v = &vector[i];
		uint8_t out[BYTES_MAX], head[BYTES_MAX];
		struct myc_frame frame;
		struct iovec iov[2];
		struct room room;

		if (v->kind != IS)
			continue;
		frame_of(v->said, &frame, &room);
		memset(out, 0xee, sizeof(out));
		assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), v->size);
		assert_memory_equal(out, v->bytes, v->size);
		assert_int_equal(out[v->size], 0xee);
		for (size_t less = 0; less < v->size; less++)
			assert_int_equal(myc_frame_write(&frame, out, less), -ENOBUFS);
		/* in two parts, the body where it is */
		assert_int_equal(myc_frame_iov(&frame, head, sizeof(head), iov), v->size);
		assert_ptr_equal(iov[1].iov_base, frame.body);
		assert_int_equal(iov[0].iov_len, myc_frame_head_size(&frame));
		assert_int_equal(iov[0].iov_len + iov[1].iov_len, v->size);
		assert_memory_equal(head, v->bytes, iov[0].iov_len);
		assert_memory_equal(iov[1].iov_base, v->bytes + iov[0].iov_len, iov[1].iov_len);
		/* and behind a body that was encoded in its place */
		memcpy(out + iov[0].iov_len, room.body, frame.body_size);
		frame.body = out + iov[0].iov_len;
		assert_int_equal(myc_frame_head(&frame, out, iov[0].iov_len), iov[0].iov_len);
		assert_memory_equal(out, v->bytes, v->size);
		written++;
	}
	assert_true(written >= 5);
}

static void a_frame_that_is_cut_anywhere_asks_for_more(void **state)
{
	(void)state;
	for (unsigned i = 0; i < vectors; i++) {
		const struct vector *v = &vector[i];

		for (size_t size = 0; v->kind != REFUSED && size < v->size; size++) {
			uint8_t *data = exact(v->bytes, size);
			struct myc_frame frame;

			assert_int_equal(myc_frame_parse(&frame, data, size, 0), -EAGAIN);
			assert_int_equal(frame.size, size < MYC_FRAME_HEADER_SIZE
							     ? MYC_FRAME_HEADER_SIZE
							     : v->size);
			assert_null(frame.body);
			free(data);
		}
	}
}

static void with_a_checksum_each_wrong_bit_is_found(void **state)
{
	unsigned flipped = 0;

	(void)state;
	for (unsigned i = 0; i < vectors; i++) {
		const struct vector *v = &vector[i];

		if (v->kind == REFUSED || !(v->bytes[10] & MYC_FRAME_CHECKSUM))
			continue;
		for (size_t bit = 0; bit < 8 * v->size; bit++, flipped++) {
			uint8_t *data = exact(v->bytes, v->size);
			struct myc_frame frame;
			int err;

			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			err = myc_frame_parse(&frame, data, v->size, 0);
			assert_int_equal(err, bit / 8 < MYC_FRAME_HEADER_SIZE ? -EBADMSG : -EILSEQ);
			free(data);
		}
	}
	assert_true(flipped > 2000);
}

/* All vectors after each other, those between that are passed over too. */
static uint8_t stream[VECTORS_MAX * BYTES_MAX];
static size_t stream_size;
static const struct vector *streamed[VECTORS_MAX];
static unsigned streamed_count;

static void make_stream(void)
{
	stream_size = streamed_count = 0;
	for (unsigned i = 0; i < vectors; i++) {
		const struct vector *v = &vector[i];

		if (v->kind == REFUSED && !myc_frame_passable(error_of(v->said)))
			continue;
		memcpy(stream + stream_size, v->bytes, v->size);
		stream_size += v->size;
		streamed[streamed_count++] = v;
	}
}

/* Gives a piece to the reader, checks all that comes of it from *next on. */
static void give(struct myc_frame_reader *reader, const uint8_t *piece, size_t size, unsigned *next)
{
	const uint8_t *data = piece;
	struct myc_frame frame;
	char text[1024];
	size_t left = size;
	int got;

	while ((got = myc_frame_read(reader, &data, &left, &frame)) != 0) {
		const struct vector *v = streamed[*next];

		assert_true(*next < streamed_count);
		(*next)++;
		if (v->kind == REFUSED) {
			assert_int_equal(got, error_of(v->said));
			continue;
		}
		assert_int_equal(got, 1);
		myc_frame_print(&frame, NULL, MYC_SBE_JSON, text, sizeof(text));
		assert_string_equal(text, v->said);
		/* in place where it came whole */
		if (frame.size <= (size_t)(data - piece) && !reader->have &&
		    (const uint8_t *)frame.body >= piece &&
		    (const uint8_t *)frame.body <= piece + size)
			assert_ptr_equal((const uint8_t *)frame.body + frame.body_size, data);
		else
			assert_true((const uint8_t *)frame.body >= reader->buffer &&
				    (const uint8_t *)frame.body <= reader->buffer + reader->size);
	}
	assert_int_equal(left, 0);
}

static void a_stream_may_be_split_at_any_byte(void **state)
{
	uint8_t room[BYTES_MAX];
	struct myc_frame_reader reader;

	(void)state;
	make_stream();
	for (size_t split = 0; split <= stream_size; split++) {
		uint8_t *first = exact(stream, split);
		uint8_t *second = exact(stream + split, stream_size - split);
		unsigned next = 0;

		assert_int_equal(myc_frame_reader_init(&reader, room, sizeof(room)), 0);
		give(&reader, first, split, &next);
		assert_int_equal(myc_frame_reader_end(&reader), reader.have ? -ENODATA : 0);
		assert_int_equal(reader.bytes + reader.have, split);
		give(&reader, second, stream_size - split, &next);
		assert_int_equal(next, streamed_count);
		assert_int_equal(myc_frame_reader_end(&reader), 0);
		assert_int_equal(reader.bytes, stream_size);
		assert_int_equal(reader.frames + reader.damaged + reader.refused, streamed_count);
		free(first);
		free(second);
	}
}

static void a_stream_may_come_in_pieces_of_any_size(void **state)
{
	uint8_t room[BYTES_MAX];
	struct myc_frame_reader reader;
	uint64_t seed = test_seed();

	(void)state;
	make_stream();
	for (size_t most = 1; most < 200; most++) {
		unsigned next = 0;

		assert_int_equal(myc_frame_reader_init(&reader, room, sizeof(room)), 0);
		for (size_t at = 0, size; at < stream_size; at += size) {
			size = most < 100 ? most : 1 + test_random(&seed) % most;
			size = size < stream_size - at ? size : stream_size - at;
			uint8_t *piece = exact(stream + at, size);

			give(&reader, piece, size, &next);
			free(piece);
		}
		assert_int_equal(next, streamed_count);
		assert_int_equal(myc_frame_reader_end(&reader), 0);
	}
}

static void a_stream_that_has_died_stays_dead(void **state)
{
	unsigned died = 0;

	(void)state;
	for (unsigned i = 0; i < vectors; i++) {
		const struct vector *v = &vector[i];

		if (v->kind != REFUSED || myc_frame_passable(error_of(v->said)) ||
		    error_of(v->said) == -EAGAIN)
			continue;
		for (size_t most = 1; most <= v->size; most++) {
			uint8_t room[BYTES_MAX];
			struct myc_frame_reader reader;
			struct myc_frame frame;
			const uint8_t *data = vector[0].bytes;
			size_t left = vector[0].size;
			int got = 0;

			assert_int_equal(myc_frame_reader_init(&reader, room, sizeof(room)), 0);
			assert_int_equal(myc_frame_read(&reader, &data, &left, &frame), 1);
			for (size_t at = 0; at < v->size && !got; at += most) {
				data = v->bytes + at;
				left = most < v->size - at ? most : v->size - at;
				got = myc_frame_read(&reader, &data, &left, &frame);
			}
			assert_int_equal(got, error_of(v->said));
			data = vector[0].bytes;
			left = vector[0].size;
			assert_int_equal(myc_frame_read(&reader, &data, &left, &frame), got);
			assert_int_equal(left, vector[0].size);
			assert_int_equal(myc_frame_reader_end(&reader), got);
			assert_int_equal(reader.frames, 1);
			assert_int_equal(reader.bytes, vector[0].size);
		}
		died++;
	}
	assert_true(died >= 8);
}

static void what_is_longer_than_the_room_is_not_awaited(void **state)
{
	struct myc_frame frame = {.template_id = 1, .body = stream, .body_size = 37};
	uint8_t out[128], room[100];
	struct myc_frame_reader reader;
	int size = myc_frame_write(&frame, out, sizeof(out));
	const uint8_t *data = out;
	size_t left = MYC_FRAME_HEADER_SIZE;

	(void)state;
	assert_int_equal(size, 101);
	assert_int_equal(myc_frame_parse(&frame, out, 101, 101), 0);
	assert_int_equal(myc_frame_parse(&frame, out, 101, 100), -EMSGSIZE);
	assert_int_equal(myc_frame_reader_init(&reader, room, 63), -EINVAL);
	assert_int_equal(myc_frame_reader_init(&reader, room, (size_t)MYC_FRAME_MAX + 1), -EINVAL);
	assert_int_equal(myc_frame_reader_init(&reader, room, sizeof(room)), 0);
	assert_int_equal(myc_frame_read(&reader, &data, &left, &frame), -EMSGSIZE);
	/* a header that claims a gigabyte costs no memory; beyond that it is none */
	memset(out + 4, 0, 4);
	out[7] = 0x40;
	assert_int_equal(myc_frame_parse(&frame, out, 101, 0), -EAGAIN);
	assert_int_equal(frame.size, MYC_FRAME_MAX);
	out[4] = 1;
	assert_int_equal(myc_frame_parse(&frame, out, 101, 0), -EBADMSG);
}

static void what_the_format_has_no_room_for_is_not_written(void **state)
{
	static uint8_t out[70000], value[65535];
	struct myc_frame_option extra[2] = {{.type = 0x4000, .length = 65520, .value = value}};
	struct myc_frame frame = {.extra = extra, .extra_count = 1}, read;

	(void)state;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), 64 + 65528);
	assert_int_equal(myc_frame_parse(&read, out, 64 + 65528, 0), 0);
	extra[0].length = 65525;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), -EMSGSIZE);
	extra[0] = (struct myc_frame_option){.type = 0x3fff};
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), -EINVAL);
	extra[0].type = 0xc000;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), -EINVAL);
	extra[0].type = extra[1].type = 0x4000;
	frame.extra_count = 2;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), -EINVAL);
	extra[1].type = 0x4001;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), 64 + 16);
	frame = (struct myc_frame){.traced = true};
	frame.trace.trace[0] = 1;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), -EINVAL);
	frame = (struct myc_frame){.traced = true};
	frame.trace.span[0] = 1;
	assert_int_equal(myc_frame_write(&frame, out, sizeof(out)), -EINVAL);
	frame = (struct myc_frame){.body = out, .body_size = MYC_FRAME_MAX - 63};
	assert_int_equal(myc_frame_head(&frame, out, sizeof(out)), -EMSGSIZE);
}

static void text_that_finds_no_room_is_cut(void **state)
{
	char whole[1024], text[1024];
	struct myc_frame frame;

	(void)state;
	for (unsigned i = 0; i < vectors; i++) {
		if (vector[i].kind == REFUSED)
			continue;
		assert_int_equal(
			myc_frame_parse(&frame, vector[i].bytes, vector[i].size, MYC_FRAME_MAX), 0);
		size_t length = myc_frame_print(&frame, "x", MYC_SBE_TEXT, whole, sizeof(whole));

		assert_int_equal(length, strlen(whole));
		assert_non_null(strstr(whole, "body=x"));
		for (size_t size = 0; size <= length; size++) {
			text[size] = '?';
			assert_int_equal(myc_frame_print(&frame, "x", MYC_SBE_TEXT, text, size),
					 length);
			assert_int_equal(text[size], '?');
			if (size)
				assert_memory_equal(text, whole, size - 1);
		}
	}
}

static void crc32c_is_that_of_its_standard(void **state)
{
	/* RFC 3720, B.4, and RFC 7143, A.4 */
	static const uint8_t read_pdu[48] = {0x01,	  0xc0,	       [16] = 0x14, [22] = 0x04,
					     [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
	uint8_t bytes[32], turned[32];
	uint64_t seed = test_seed();

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		bytes[i] = (uint8_t)i;
		turned[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(myc_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(myc_crc32c(0, "", 0), 0);
	assert_int_equal(myc_crc32c(0, bytes, 32), 0x46dd794e);
	assert_int_equal(myc_crc32c(0, turned, 32), 0x113fdb5c);
	assert_int_equal(myc_crc32c(0, read_pdu, sizeof(read_pdu)), 0xd9963a56);
	memset(bytes, 0, 32);
	assert_int_equal(myc_crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(myc_crc32c(0, bytes, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 1000; i++) {
		size_t size = test_random(&seed) % 300, part = size ? test_random(&seed) % size : 0;
		size_t from = test_random(&seed) % 8;

		for (size_t j = 0; j < size; j++)
			stream[from + j] = (uint8_t)test_random(&seed);
		uint32_t crc = myc_crc32c_portable(0, stream + from, size);

		assert_int_equal(myc_crc32c(0, stream + from, size), crc);
		assert_int_equal(myc_crc32c(myc_crc32c(0, stream + from, part),
					    stream + from + part, size - part),
				 crc);
		assert_int_equal(myc_crc32c_portable(myc_crc32c_portable(0, stream + from, part),
						     stream + from + part, size - part),
				 crc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vector_is_read_as_it_says),
		cmocka_unit_test(each_vector_is_written_as_it_says),
		cmocka_unit_test(a_frame_that_is_cut_anywhere_asks_for_more),
		cmocka_unit_test(with_a_checksum_each_wrong_bit_is_found),
		cmocka_unit_test(a_stream_may_be_split_at_any_byte),
		cmocka_unit_test(a_stream_may_come_in_pieces_of_any_size),
		cmocka_unit_test(a_stream_that_has_died_stays_dead),
		cmocka_unit_test(what_is_longer_than_the_room_is_not_awaited),
		cmocka_unit_test(what_the_format_has_no_room_for_is_not_written),
		cmocka_unit_test(text_that_finds_no_room_is_cut),
		cmocka_unit_test(crc32c_is_that_of_its_standard),
	};

	return cmocka_run_group_tests(tests, read_document, NULL);
}
