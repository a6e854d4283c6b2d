/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/steer_user.h"

#include <errno.h>
#include <string.h>

int myc_binding_table_build(struct myc_binding_slot *slots, const struct myc_steer_config *config)
{
	memset(slots, 0, MYC_BINDING_SLOTS * sizeof(*slots));
	for (uint32_t i = 0; i < config->bindings_count; i++) {
		const struct myc_binding_key *key = &config->binding[i].key;
		struct myc_binding_slot slot = {
			.port_vlan = key->port | (uint32_t)key->vlan << 16,
			.used = 1,
			.value = config->binding[i].value,
		};
		uint32_t at, probe = 0;

		memcpy(slot.address, key->address, sizeof(slot.address));
		at = myc_binding_hash(slot.address[0], slot.address[1], slot.port_vlan);
		for (; slots[at].used; at = (at + 1) % MYC_BINDING_SLOTS) {
			if (slots[at].port_vlan == slot.port_vlan &&
			    memcmp(slots[at].address, slot.address, sizeof(slot.address)) == 0)
				return -EEXIST;
			if (++probe == MYC_BINDING_PROBES_MAX)
				return -ENOSPC;
		}
		slots[at] = slot;
	}
	return 0;
}
