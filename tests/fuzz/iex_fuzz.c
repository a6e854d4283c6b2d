/* SPDX-License-Identifier: Apache-2.0 */
/* IEX-TP payloads of any bytes, their messages as TOPS and DEEP. */
#include <stdlib.h>

#include <mycelium/market/deep.h>
#include <mycelium/market/iextp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct myc_iextp segment;
	const uint8_t *message;
	uint32_t length, blocks = 0;
	char text[600];

	if (myc_iextp_read(&segment, data, (uint32_t)size))
		return 0;
	bool whole = myc_iextp_check(&segment) == 0;
	while ((message = myc_blocks_next(&segment.blocks, false, &length))) {
		if (message < data || message + length > data + size)
			abort();
		myc_tops_print(text, sizeof(text), message, length);
		myc_deep_print(text, sizeof(text), message, length);
		blocks++;
	}
	if (whole && blocks != segment.count)
		abort();
	return 0;
}
