/* SPDX-License-Identifier: Apache-2.0 */
#include <mycelium/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int myc_error_set(struct myc_error *error, int code, const char *remedy, const char *format, ...)
{
	va_list args;

	if (!error)
		return code;
	error->code = code;
	error->doing[0] = '\0';
	snprintf(error->remedy, sizeof(error->remedy), "%s", remedy ? remedy : "");
	va_start(args, format);
	vsnprintf(error->cause, sizeof(error->cause), format, args);
	va_end(args);
	return code;
}

int myc_error_doing(struct myc_error *error, const char *format, ...)
{
	if (!error)
		return -EIO;

	char text[sizeof(error->doing)];
	char before[sizeof(error->doing)];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(before, error->doing, sizeof(before));
	/* An over-long chain loses its innermost text; the cause stays whole. */
	int n = snprintf(error->doing, sizeof(error->doing), "%s", text);
	if (before[0] && n >= 0 && (size_t)n < sizeof(error->doing))
		snprintf(error->doing + n, sizeof(error->doing) - (size_t)n, ": %s", before);
	return error->code;
}

int myc_error_format(const struct myc_error *error, char *out, size_t size)
{
	return snprintf(out, size, "%s%s%s%s%s%s", error->doing, error->doing[0] ? ": " : "",
			error->cause, error->remedy[0] ? " (" : "", error->remedy,
			error->remedy[0] ? ")" : "");
}
