/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of dying processes share. */
#ifndef TESTS_CONFORMANCE_DEATH_BED_H
#define TESTS_CONFORMANCE_DEATH_BED_H

#include "conformance/cases.h"

static inline void die_and_return(uint32_t where)
{
	kill_place(where);
	revive_place(where);
}

static inline struct probe *fixed_as(uint32_t where, const struct myc_behaviour *as, reaction react)
{
	struct probe *made = fixed(where, as);

	made->react = react;
	return made;
}

#endif
