/* SPDX-License-Identifier: Apache-2.0 */
/* An input file, plain or gzipped, as a stdio stream. */
#ifndef MYC_FEED_INPUT_H
#define MYC_FEED_INPUT_H

#include <mycelium/error.h>
#include <stdio.h>

/* NULL with the cause. Reading fails (ferror, errno) where the compressed data is broken or cut
 * off: input_why says so then. */
FILE *input_open(const char *path, struct myc_error *error);
/* Text for a failed read of a stream of input_open, from its errno. */
const char *input_why(int saved_errno);

#endif
