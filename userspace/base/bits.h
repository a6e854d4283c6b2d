/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MYC_BASE_BITS_H
#define MYC_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool myc_power_of_two(uint32_t value)
{
	return value && !(value & (value - 1));
}

#endif
