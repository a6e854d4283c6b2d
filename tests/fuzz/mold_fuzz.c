/* SPDX-License-Identifier: Apache-2.0 */
/* MoldUDP64 payloads of any bytes: a packet that checks out has exactly its count of blocks. */
#include <stdlib.h>

#include <mycelium/market/moldudp64.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct myc_mold mold;
	struct myc_mold_request request;
	const uint8_t *message;
	uint32_t length, blocks = 0;
	size_t bytes = MYC_MOLD_HEADER_SIZE;

	myc_mold_request_read(&request, data, (uint32_t)size);
	if (myc_mold_read(&mold, data, (uint32_t)size))
		return 0;
	bool whole = myc_mold_check(&mold) == 0;
	while ((message = myc_blocks_next(&mold.blocks, true, &length))) {
		if (message < data || message + length > data + size)
			abort();
		bytes += 2 + length;
		blocks++;
	}
	if (whole && (blocks != mold.count || bytes != size))
		abort();
	return 0;
}
