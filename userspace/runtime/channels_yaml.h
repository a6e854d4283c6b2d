/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `channels:` section, which a topology and myc-load's configuration have in common:
 *
 *	channels:
 *	  - name: itch
 *	    protocol: moldudp64          # moldudp64 | iextp | mdp3 | b3 | memx | deribit | generic
 *	    lines:                       # A, B, ...: up to MYC_LINES_MAX
 *	      - { group: 239.1.1.1, port: 26400, vlan: any, sources: [10.0.0.1] }
 *	      - { address: 10.0.0.2, port: 26400 }       # unicast
 *	    drop_duplicates: true        # below user space's watermark
 *	    reorder_window: 2048         # messages
 *	    orphan: hold                 # hold | pass
 *	    verify_checksum: false       # in user space
 *	    filter: { symbols: [AAPL, MSFT], types_drop: [P, Q, N] }
 *	    filter:                      # SBE: what may be dropped when nobody watches it
 *	      schema: exchange.xml       # as the exchange publishes it; beside this file
 *	      templates: [RefreshBook, 47]
 *	      instrument: SecurityID     # a field of the root block or of groups
 *	      instruments: [1001, 1002]
 *	      keep: { field: EventIndicator, choice: Recovery }  # messages with this bit pass
 *	    generic: { offset: 0, width: 8, byte_order: big }    # protocol generic
 *	    iex: { channel: 1, protocol: 0x8003 }                # protocol iextp
 *	    reorder_packets: 64          # a gap is given up when every line is so far past it
 *	    gap_timeout_ms: 50           # ... or when it is this old
 *	    endpoint: 0                  # only without a runtime, which assigns them
 *
 * What comes out is the steering program's configuration without owners (owner_row and standby_row
 * are MYC_NO_ROW, page_slot 0): the runtime fills those in.
 */
#ifndef MYC_RUNTIME_CHANNELS_YAML_H
#define MYC_RUNTIME_CHANNELS_YAML_H

#include <mycelium/abi/registry.h>
#include <mycelium/abi/steer.h>
#include <mycelium/error.h>

#include "dataplane/steer_user.h"
#include "runtime/yaml.h"

struct myc_channel_symbols {
	uint64_t symbol[MYC_SYMBOLS_MAX]; /* as on the wire: space padded, loaded little-endian */
	uint32_t count;
	struct myc_symbol_filter filter; /* the same as a table; used by IEX-TP and SBE channels */
};

struct myc_channel_spec {
	char name[MYC_NAME_MAX + 1];
	struct myc_yaml_node node; /* for complaints about it; valid until the document is closed */
	uint16_t channel;	   /* index in config.channel[], and of this spec */
	uint16_t lines_count;
	uint32_t binding_first;		     /* line i is config.binding[binding_first + i] */
	struct myc_channel_symbols *symbols; /* watched; NULL = all. SBE: instruments' numbers */
	struct myc_sbe_filter *sbe;	     /* NULL = none */
	uint32_t reorder_packets;	     /* 0 = the feed's default */
	uint64_t gap_timeout_ns;	     /* 0 = the feed's default */
};

struct myc_channels {
	struct myc_steer_config config;
	struct myc_channel_spec spec[MYC_CHANNELS_MAX]; /* config.channels_count */
};

enum myc_channels_use {
	MYC_CHANNELS_OF_ACTORS, /* the owner's endpoint is found by the registry: no `endpoint:` */
	MYC_CHANNELS_STANDALONE,
};

/* Reads the value of `channels:`. What is made is the caller's, and apart from spec[].node does
 * not need the document. -EINVAL with file:line, or -ENOMEM. */
int myc_channels_read(struct myc_channels **channels, struct myc_yaml_node node,
		      enum myc_channels_use use, struct myc_error *error);
void myc_channels_free(struct myc_channels *channels);

#endif
