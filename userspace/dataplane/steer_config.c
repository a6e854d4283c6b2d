/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/steer_user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/platform_user.h"

#include "../../bpf/judge.h"

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

int myc_symbol_filter_build(struct myc_symbol_filter *filter, const uint64_t *symbols,
			    uint32_t count)
{
	memset(filter, 0, sizeof(*filter));
	if (count > MYC_SYMBOLS_MAX)
		return -ENOSPC;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = myc_symbol_hash(symbols[i]);

		while (filter->slot[at] != 0 && filter->slot[at] != symbols[i])
			at = (at + 1) % (2 * MYC_SYMBOLS_MAX);
		filter->slot[at] = symbols[i];
	}
	return 0;
}

/* The types that a channel's protocol lets go whatever their instrument, word by word. */
static uint64_t droppable_types(uint8_t protocol, unsigned word)
{
	if (word != 1)
		return 0;
	switch (protocol) {
	case MYC_PROTOCOL_MOLDUDP64:
		return ITCH_DROPPABLE_TYPES;
	case MYC_PROTOCOL_IEXTP:
		return IEX_DROPPABLE_TYPES1;
	default:
		return 0;
	}
}

static int binding_check(const struct myc_steer_config *config, uint32_t index,
			 struct myc_error *error)
{
	static const uint8_t none[16];
	const struct myc_binding_key *key = &config->binding[index].key;
	const struct myc_binding *value = &config->binding[index].value;

	if (memcmp(key->address, none, sizeof(none)) == 0)
		return myc_error_set(error, -EINVAL, "name the group or host address",
				     "binding %u: no destination address", index);
	if (key->port == 0)
		return myc_error_set(error, -EINVAL, "use 1 to 65535", "binding %u: port 0", index);
	if (key->vlan > VLAN_ID_MASK && key->vlan != MYC_VLAN_ANY)
		return myc_error_set(error, -EINVAL, "use 0 (untagged) to 4095, or none for any",
				     "binding %u: %u is not a VLAN", index, key->vlan);
	if (value->channel >= config->channels_count)
		return myc_error_set(error, -EINVAL, NULL,
				     "binding %u: channel %u of only %u channels", index,
				     value->channel, config->channels_count);
	if (value->line >= MYC_LINES_MAX)
		return myc_error_set(error, -EINVAL, "a channel has at most 4 lines",
				     "binding %u: line %u", index, value->line);
	if (value->sources_count > MYC_SOURCES_MAX)
		return myc_error_set(error, -EINVAL, "list at most 4 source addresses, or none",
				     "binding %u: %u source addresses", index,
				     value->sources_count);
	return 0;
}

static int filter_check(const struct myc_steer_config *config, uint32_t index,
			struct myc_error *error)
{
	const struct myc_channel_config *channel = &config->channel[index];
	const bool sbe = channel->filter == MYC_FILTER_SBE;
	const bool symbols = channel->filter == MYC_FILTER_SYMBOL || sbe;

	if (channel->filter > MYC_FILTER_SBE)
		return myc_error_set(error, -EINVAL, NULL, "channel %u: filter %u is unknown",
				     index, channel->filter);
	if (channel->filter == MYC_FILTER_LOCATE && channel->protocol != MYC_PROTOCOL_MOLDUDP64)
		return myc_error_set(error, -EINVAL, "filter other protocols otherwise",
				     "channel %u: the locate filter is for ITCH over MoldUDP64",
				     index);
	if (sbe && channel->protocol < MYC_PROTOCOL_MDP3)
		return myc_error_set(error, -EINVAL, "use the protocol's own filter",
				     "channel %u: the schema filter is for SBE", index);
	if (sbe != (config->sbe[index] != NULL))
		return myc_error_set(
			error, -EINVAL, "give both or neither",
			"channel %u: a schema filter without its table, or the reverse", index);
	if (symbols && !sbe && channel->protocol != MYC_PROTOCOL_IEXTP)
		return myc_error_set(error, -EINVAL, "for ITCH use the locate filter",
				     "channel %u: the symbol filter is for IEX-TP", index);
	if (symbols != (config->symbols[index] != NULL))
		return myc_error_set(
			error, -EINVAL, "give both or neither",
			"channel %u: a symbol filter without its symbols, or the reverse", index);
	for (unsigned word = 0; word < 4; word++)
		if (channel->type_drop[word] & ~droppable_types(channel->protocol, word))
			return myc_error_set(
				error, -EINVAL,
				"drop only types that neither book nor session depends on",
				"channel %u: message types that must not be dropped alone", index);
	return 0;
}

static int owner_check(const struct myc_steer_config *config, uint32_t index,
		       struct myc_error *error)
{
	const struct myc_channel_config *channel = &config->channel[index];

	if (channel->owner_row == MYC_NO_ROW) {
		if (channel->standby_row != MYC_NO_ROW)
			return myc_error_set(error, -EINVAL, "name the owner as well",
					     "channel %u: a standby without an owner", index);
		if (channel->endpoint >= MYC_ENDPOINTS_MAX)
			return myc_error_set(error, -EINVAL, "use 0 to 63",
					     "channel %u: endpoint %u", index, channel->endpoint);
		return 0;
	}
	if (channel->owner_row >= MYC_REGISTRY_ROWS ||
	    (channel->standby_row != MYC_NO_ROW && channel->standby_row >= MYC_REGISTRY_ROWS))
		return myc_error_set(error, -EINVAL, NULL,
				     "channel %u: owner or standby beyond the registry", index);
	if (channel->standby_row == channel->owner_row)
		return myc_error_set(error, -EINVAL, "name another actor as the standby",
				     "channel %u: its owner is its own standby", index);
	if (channel->page_slot >= MYC_PROCESS_CHANNELS_MAX)
		return myc_error_set(error, -EINVAL, "a process owns at most 32 channels",
				     "channel %u: slot %u of its owner's page", index,
				     channel->page_slot);
	if (config->processes_count == 0)
		return myc_error_set(error, -EINVAL, NULL,
				     "channel %u has an owner, but there is no process", index);
	return 0;
}

static int channel_check(const struct myc_steer_config *config, uint32_t index,
			 struct myc_error *error)
{
	const struct myc_channel_config *channel = &config->channel[index];
	const uint8_t flags = MYC_CHANNEL_DROP_DUPLICATES | MYC_CHANNEL_GENERIC_BIG_ENDIAN |
			      MYC_CHANNEL_VERIFY_CHECKSUM;
	const uint8_t width = channel->generic_width;
	int err;

	if (channel->protocol > MYC_PROTOCOL_DERIBIT)
		return myc_error_set(error, -EINVAL, NULL, "channel %u: protocol %u is unknown",
				     index, channel->protocol);
	if (channel->orphan > MYC_ORPHAN_PASS || channel->flags & ~flags)
		return myc_error_set(error, -EINVAL, NULL,
				     "channel %u: unknown orphan policy or flags", index);
	if (width > 8 || (width & (width - 1)) != 0)
		return myc_error_set(error, -EINVAL, "use 1, 2, 4 or 8 bytes, or 0 for none",
				     "channel %u: a sequence of %u bytes", index, width);
	if (channel->generic_offset > GENERIC_OFFSET_MASK)
		return myc_error_set(error, -EINVAL, "use 0 to 2047",
				     "channel %u: sequence at offset %u", index,
				     channel->generic_offset);
	err = filter_check(config, index, error);
	return err ? err : owner_check(config, index, error);
}

/* Through the table itself, which finds both duplicates and keys that collide too often. */
static int keys_check(const struct myc_steer_config *config, struct myc_error *error)
{
	struct myc_binding_slot *slots = malloc(MYC_BINDING_SLOTS * sizeof(*slots));
	int err;

	if (!slots)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for the binding table");
	err = myc_binding_table_build(slots, config);
	free(slots);
	if (err == -EEXIST)
		return myc_error_set(error, err, "give each line its own group, port or VLAN",
				     "two bindings have the same address, port and VLAN");
	if (err)
		return myc_error_set(error, err, "change one of the ports",
				     "the bindings' addresses and ports collide in the table");
	return 0;
}

int myc_steer_config_check(const struct myc_steer_config *config, struct myc_error *error)
{
	int err;

	if (config->channels_count == 0 || config->channels_count > MYC_CHANNELS_MAX ||
	    config->bindings_count > MYC_BINDINGS_MAX ||
	    config->processes_count > MYC_PROCESSES_MAX)
		return myc_error_set(
			error, -EINVAL, "1 to 256 channels, up to 1024 bindings and 64 processes",
			"%u channels, %u bindings, %u processes", config->channels_count,
			config->bindings_count, config->processes_count);
	for (uint32_t i = 0; i < config->channels_count; i++) {
		err = channel_check(config, i, error);
		if (err)
			return err;
	}
	for (uint32_t i = 0; i < config->bindings_count; i++) {
		err = binding_check(config, i, error);
		if (err)
			return err;
	}
	return keys_check(config, error);
}
