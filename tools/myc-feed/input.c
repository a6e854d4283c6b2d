/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static ssize_t gz_read(void *cookie, char *buffer, size_t size)
{
	int n = gzread(cookie, buffer, size > 1 << 20 ? 1 << 20 : (unsigned)size);
	int code = Z_OK;

	gzerror(cookie, &code);
	/* What was cut off or broken is an error even where some bytes still came. */
	if (n < 0 || (n == 0 && code == Z_BUF_ERROR)) {
		if (code != Z_ERRNO)
			errno = code == Z_BUF_ERROR ? EPIPE : EILSEQ;
		return -1;
	}
	return n;
}

static int gz_close(void *cookie)
{
	return gzclose(cookie) == Z_OK ? 0 : -1;
}

const char *input_why(int saved_errno)
{
	switch (saved_errno) {
	case EPIPE:
		return "the gzip data is cut off";
	case EILSEQ:
		return "the gzip data is broken";
	default:
		return strerror(saved_errno);
	}
}

FILE *input_open(const char *path, struct myc_error *error)
{
	struct stat status;
	gzFile gz = NULL;
	int code = 0;

	if (stat(path, &status))
		code = errno;
	else if (S_ISDIR(status.st_mode))
		code = EISDIR;
	else if (!(gz = gzopen(path, "rb")))
		code = errno ? errno : ENOMEM;
	if (code) {
		myc_error_set(error, -code, "name a file that is there and can be read", "%s: %s",
			      path, strerror(code));
		return NULL;
	}
	gzbuffer(gz, 1 << 18);

	FILE *stream =
		fopencookie(gz, "rb", (cookie_io_functions_t){.read = gz_read, .close = gz_close});

	if (!stream) {
		gzclose(gz);
		myc_error_set(error, -ENOMEM, NULL, "out of memory");
	}
	return stream;
}
