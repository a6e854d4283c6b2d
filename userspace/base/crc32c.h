/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (Castagnoli; RFC 3720, B.4): by the processor's instruction where it has one. Any thread. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of data, or of what went before with `crc` (0 at first) and data. */
uint32_t myc_crc32c(uint32_t crc, const void *data, size_t size);
/* The same without the instruction. */
uint32_t myc_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
