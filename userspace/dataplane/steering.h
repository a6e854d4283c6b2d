/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that a feed and the steering stage share for one channel, wherever they live: BPF maps
 * when the program runs in the kernel, plain memory when its user-space twin runs in the worker.
 */
#ifndef MYC_DATAPLANE_STEERING_H
#define MYC_DATAPLANE_STEERING_H

#include <mycelium/abi/steer.h>

struct myc_channel_view {
	uint16_t channel;
	const struct myc_channel_config *config;
	const struct myc_channel_state *state;	  /* written by the program */
	const struct myc_filtered_window *window; /* written by the program */
	struct myc_channel_page *page;		  /* written by the owning worker (we) */
	struct myc_locate_filter
		*locate; /* written by the owning worker; NULL without that filter */
};

#endif
