/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct myc_text *text, size_t more)
{
	size_t room = text->room ? text->room : 1024;
	char *bytes;

	if (text->failed)
		return false;
	if (text->size + more < text->room)
		return true;
	while (room <= text->size + more)
		room *= 2;
	bytes = realloc(text->bytes, room);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->room = room;
	return true;
}

void myc_text_add_bytes(struct myc_text *text, const char *bytes, size_t size)
{
	if (!make_room(text, size))
		return;
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
}

void myc_text_add(struct myc_text *text, const char *format, ...)
{
	va_list args, again;
	int size;

	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size >= 0 && make_room(text, (size_t)size)) {
		vsnprintf(text->bytes + text->size, text->room - text->size, format, again);
		text->size += (size_t)size;
	}
	va_end(again);
}

void myc_text_add_json(struct myc_text *text, const char *string)
{
	myc_text_add_bytes(text, "\"", 1);
	for (const char *c = string; *c; c++) {
		if (*c == '"' || *c == '\\')
			myc_text_add(text, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			myc_text_add(text, "\\u%04x", *c);
		else if ((unsigned char)*c >= 0x7f)
			myc_text_add_bytes(text, "?", 1);
		else
			myc_text_add_bytes(text, c, 1);
	}
	myc_text_add_bytes(text, "\"", 1);
}

const char *myc_text_string(const struct myc_text *text)
{
	return text->bytes ? text->bytes : "";
}

void myc_text_free(struct myc_text *text)
{
	free(text->bytes);
	*text = (struct myc_text){0};
}
