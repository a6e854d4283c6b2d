/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the control plane reads the clock. Handlers use myc_now_ns(self). */
#ifndef MYC_BASE_CLOCK_H
#define MYC_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in ns: the same clock as bpf_ktime_get_ns(). About 17 ns (vDSO). */
static inline uint64_t myc_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void myc_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#endif
}

#endif
