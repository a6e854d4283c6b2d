/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <unistd.h>

const char *test_data_dir(void)
{
	const char *named = getenv("MYC_DATA");

	if (named)
		return access(named, R_OK) == 0 ? named : NULL;
	return access("../shared/data/INDEX.md", R_OK) == 0 ? "../shared/data" : NULL;
}
