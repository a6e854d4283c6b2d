/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, for answers and reports of the control plane. Zero-initialised = empty. When
 * memory runs out it stops growing and says so in `failed`; nothing else needs checking. */
#ifndef MYC_BASE_TEXT_H
#define MYC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct myc_text {
	char *bytes; /* zero-terminated, or NULL when empty */
	size_t size, room;
	bool failed;
};

void myc_text_add(struct myc_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void myc_text_add_bytes(struct myc_text *text, const char *bytes, size_t size);
/* `string` as a JSON string with its quotes; bytes that are not ASCII become '?'. */
void myc_text_add_json(struct myc_text *text, const char *string);
/* Never NULL. */
const char *myc_text_string(const struct myc_text *text);
void myc_text_free(struct myc_text *text);

#endif
