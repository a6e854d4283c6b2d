/* SPDX-License-Identifier: Apache-2.0 */
/* The `filter:` of SBE channels: part of channels_yaml.h. */
#ifndef MYC_RUNTIME_CHANNELS_SBE_H
#define MYC_RUNTIME_CHANNELS_SBE_H

#include "runtime/channels_yaml.h"

int myc_channels_read_schema(struct myc_channel_config *config, struct myc_channel_spec *spec,
			     struct myc_yaml_node node, struct myc_error *error);

#endif
