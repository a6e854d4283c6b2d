/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/channels_yaml.h"

#include "runtime/channels_sbe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

/* Types whose loss leaves a book whole (market-data rules): the only ones a type filter may drop. */
#define ITCH_TYPES_DROPPABLE "PQBINLYJ"
#define IEX_TYPES_DROPPABLE  "QTXBAI"

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_multicast(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, 12) ? address[0] == 0xff : address[12] >> 4 == 0xe;
}

/* IPv4 as ::ffff:a.b.c.d. */
static int read_address(struct myc_yaml_node node, uint8_t out[16], struct myc_error *error)
{
	static const uint8_t zero[16], mapped_zero[16] = {[10] = 0xff, [11] = 0xff};
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	memcpy(out, mapped_zero, 16);
	if (inet_pton(AF_INET, text, out + 12) != 1 && inet_pton(AF_INET6, text, out) != 1)
		return myc_yaml_refuse(node, error, "write it as 239.1.1.1 or ff15::1",
				       "not an IP address");
	if (!memcmp(out, zero, 16) || !memcmp(out, mapped_zero, 16))
		return myc_yaml_refuse(node, error, "name the address that packets are sent to",
				       "the unspecified address");
	return 0;
}

static int read_sources(struct myc_yaml_node node, struct myc_binding *binding,
			struct myc_error *error)
{
	unsigned count;
	int err = myc_yaml_sequence(node, 1, MYC_SOURCES_MAX, &count, error);

	for (unsigned i = 0; !err && i < count; i++) {
		struct myc_yaml_node item = myc_yaml_item(node, i);

		err = read_address(item, binding->source[i], error);
		if (!err && is_multicast(binding->source[i]))
			err = myc_yaml_refuse(item, error, "name the publisher's own address",
					      "a multicast address sends nothing");
	}
	binding->sources_count = (uint8_t)count;
	return err;
}

static int read_vlan(struct myc_yaml_node node, uint16_t *vlan, struct myc_error *error)
{
	const char *text;
	uint64_t number = MYC_VLAN_ANY;
	int err = myc_yaml_text(node, &text, error);

	*vlan = MYC_VLAN_ANY;
	if (err || !text || !strcmp(text, "any"))
		return err;
	if (myc_yaml_number(node, 1, 4094, &number, NULL))
		return myc_yaml_refuse(node, error, "use any, or 1 to 4094", "not a VLAN");
	*vlan = (uint16_t)number;
	return 0;
}

static int check_taken(const struct myc_channels *channels, struct myc_yaml_node node,
		       const struct myc_binding_key *key, struct myc_error *error)
{
	const struct myc_steer_config *config = &channels->config;

	for (uint32_t i = 0; i < config->bindings_count; i++)
		if (!memcmp(&config->binding[i].key, key, sizeof(*key)))
			return myc_yaml_refuse(
				node, error, "give each line an address, port or VLAN of its own",
				"the same address, port and VLAN as line %c of channel '%s'",
				'A' + config->binding[i].value.line,
				channels->spec[config->binding[i].value.channel].name);
	return 0;
}

static int read_line(struct myc_channels *channels, struct myc_channel_spec *spec,
		     struct myc_yaml_node node, struct myc_error *error)
{
	struct myc_yaml_node group, address, port, vlan, sources;
	const struct myc_yaml_field fields[] = {
		{"group", &group, false}, {"address", &address, false}, {"port", &port, true},
		{"vlan", &vlan, false},	  {"sources", &sources, false},
	};
	struct myc_binding_key *key =
		&channels->config.binding[channels->config.bindings_count].key;
	struct myc_binding *value =
		&channels->config.binding[channels->config.bindings_count].value;
	uint64_t number = 0;
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);

	if (!err && myc_yaml_present(group) == myc_yaml_present(address))
		err = myc_yaml_refuse(node, error,
				      "name a multicast 'group:' or a unicast 'address:'",
				      "needs one of 'group' and 'address'");
	err = err ? err : read_address(group, key->address, error);
	err = err ? err : read_address(address, key->address, error);
	if (!err && myc_yaml_present(group) && !is_multicast(key->address))
		err = myc_yaml_refuse(group, error, "use 'address:' for unicast",
				      "not a multicast address");
	if (!err && myc_yaml_present(address) && is_multicast(key->address))
		err = myc_yaml_refuse(address, error, "use 'group:' for multicast",
				      "a multicast address");
	err = err ? err : myc_yaml_number(port, 1, 65535, &number, error);
	err = err ? err : read_vlan(vlan, &key->vlan, error);
	err = err ? err : read_sources(sources, value, error);
	key->port = (uint16_t)number;
	err = err ? err : check_taken(channels, node, key, error);
	if (err)
		return err;
	value->channel = spec->channel;
	value->line = (uint8_t)spec->lines_count++;
	channels->config.bindings_count++;
	return 0;
}

static int read_lines(struct myc_channels *channels, struct myc_channel_spec *spec,
		      struct myc_yaml_node node, struct myc_error *error)
{
	unsigned count;
	int err = myc_yaml_sequence(node, 1, MYC_LINES_MAX, &count, error);

	spec->binding_first = channels->config.bindings_count;
	for (unsigned i = 0; !err && i < count; i++)
		err = read_line(channels, spec, myc_yaml_item(node, i), error);
	return err;
}

/* ---- filter ---------------------------------------------------------------------------------- */

static int read_symbol(struct myc_yaml_node node, struct myc_channel_symbols *symbols,
		       struct myc_error *error)
{
	const char *text;
	char wire[8];
	uint64_t symbol;
	int err = myc_yaml_text(node, &text, error);

	if (err)
		return err;
	memset(wire, ' ', sizeof(wire));
	for (size_t i = 0; text[i]; i++) {
		if (text[i] <= ' ' || text[i] > '~' || i >= sizeof(wire))
			return myc_yaml_refuse(node, error, "write it as on the wire, unpadded",
					       "not 1 to 8 printable characters");
		wire[i] = text[i];
	}
	memcpy(&symbol, wire, sizeof(symbol));
	symbol = le64toh(symbol);
	for (uint32_t i = 0; i < symbols->count; i++)
		if (symbols->symbol[i] == symbol)
			return myc_yaml_refuse(node, error, "keep one", "the symbol is here twice");
	symbols->symbol[symbols->count++] = symbol;
	return 0;
}

static int read_symbols(struct myc_channel_spec *spec, struct myc_yaml_node node,
			struct myc_error *error)
{
	unsigned count;
	int err = myc_yaml_sequence(node, 1, MYC_SYMBOLS_MAX, &count, error);

	if (err || !count)
		return err;
	spec->symbols = calloc(1, sizeof(*spec->symbols));
	if (!spec->symbols)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	for (unsigned i = 0; !err && i < count; i++)
		err = read_symbol(myc_yaml_item(node, i), spec->symbols, error);
	if (!err && myc_symbol_filter_build(&spec->symbols->filter, spec->symbols->symbol,
					    spec->symbols->count))
		err = myc_yaml_refuse(node, error, "watch fewer symbols", "do not fit the table");
	return err;
}

static int read_types_drop(struct myc_channel_config *config, struct myc_yaml_node node,
			   struct myc_error *error)
{
	const char *droppable = config->protocol == MYC_PROTOCOL_MOLDUDP64 ? ITCH_TYPES_DROPPABLE
									   : IEX_TYPES_DROPPABLE;
	unsigned count;
	int err = myc_yaml_sequence(node, 1, (unsigned)strlen(droppable), &count, error);

	for (unsigned i = 0; !err && i < count; i++) {
		struct myc_yaml_node item = myc_yaml_item(node, i);
		const char *text;
		char remedy[80];

		err = myc_yaml_text(item, &text, error);
		if (err)
			break;
		if (text[1] || !strchr(droppable, text[0])) {
			snprintf(remedy, sizeof(remedy),
				 "use letters of %s: books need all the others", droppable);
			return myc_yaml_refuse(item, error, remedy,
					       "not a message type that may be dropped");
		}
		config->type_drop[(uint8_t)text[0] / 64] |= 1ull << ((uint8_t)text[0] % 64);
	}
	return err;
}

static int read_filter(struct myc_channel_config *config, struct myc_channel_spec *spec,
		       struct myc_yaml_node node, struct myc_error *error)
{
	struct myc_yaml_node symbols, types_drop;
	const struct myc_yaml_field fields[] = {
		{"symbols", &symbols, false},
		{"types_drop", &types_drop, false},
	};

	if (!myc_yaml_present(node))
		return 0;
	if (config->protocol == MYC_PROTOCOL_GENERIC)
		return myc_yaml_refuse(node, error, "remove it, or name the protocol",
				       "protocol generic has no messages to filter");
	if (config->protocol > MYC_PROTOCOL_IEXTP)
		return myc_channels_read_schema(config, spec, node, error);
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ? err : read_symbols(spec, symbols, error);
	err = err ? err : read_types_drop(config, types_drop, error);
	if (!err && spec->symbols)
		config->filter = config->protocol == MYC_PROTOCOL_MOLDUDP64 ? MYC_FILTER_LOCATE
									    : MYC_FILTER_SYMBOL;
	return err;
}

/* ---- protocols ------------------------------------------------------------------------------- */

static int read_generic(struct myc_channel_config *config, struct myc_yaml_node node,
			struct myc_error *error)
{
	static const char *const widths[] = {"1", "2", "4", "8"};
	static const char *const orders[] = {"big", "little"};
	struct myc_yaml_node offset, width, byte_order;
	const struct myc_yaml_field fields[] = {
		{"offset", &offset, true},
		{"width", &width, true},
		{"byte_order", &byte_order, false},
	};
	uint64_t number = 0;
	unsigned width_index = 0, order = 0;

	if (!myc_yaml_present(node))
		return 0;
	if (config->protocol != MYC_PROTOCOL_GENERIC)
		return myc_yaml_refuse(node, error, "remove it, or set 'protocol: generic'",
				       "is for protocol generic");
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ? err : myc_yaml_number(offset, 0, 1400, &number, error);
	err = err ? err : myc_yaml_choice(width, widths, COUNT(widths), &width_index, error);
	err = err ? err : myc_yaml_choice(byte_order, orders, COUNT(orders), &order, error);
	if (err)
		return err;
	config->generic_offset = (uint16_t)number;
	config->generic_width = (uint8_t)(1u << width_index);
	if (order == 0)
		config->flags |= MYC_CHANNEL_GENERIC_BIG_ENDIAN;
	return 0;
}

static int read_iex(struct myc_channel_config *config, struct myc_yaml_node node,
		    struct myc_error *error)
{
	struct myc_yaml_node channel, protocol;
	const struct myc_yaml_field fields[] = {
		{"channel", &channel, false},
		{"protocol", &protocol, false},
	};
	uint64_t channel_id = 0, protocol_id = 0;

	if (!myc_yaml_present(node))
		return 0;
	if (config->protocol != MYC_PROTOCOL_IEXTP)
		return myc_yaml_refuse(node, error, "remove it, or set 'protocol: iextp'",
				       "is for protocol iextp");
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ? err : myc_yaml_number(channel, 1, UINT32_MAX, &channel_id, error);
	err = err ? err : myc_yaml_number(protocol, 1, UINT16_MAX, &protocol_id, error);
	config->iex_channel = (uint32_t)channel_id;
	config->iex_protocol = (uint16_t)protocol_id;
	return err;
}

/* ---- channels -------------------------------------------------------------------------------- */

static int read_name(const struct myc_channels *channels, struct myc_channel_spec *spec,
		     struct myc_yaml_node node, struct myc_error *error)
{
	int err = myc_yaml_name(
		node, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-",
		spec->name, sizeof(spec->name), error);

	for (uint32_t i = 0; !err && i < channels->config.channels_count; i++)
		if (!strcmp(channels->spec[i].name, spec->name))
			err = myc_yaml_refuse(node, error, "give it another name",
					      "the name of an earlier channel, on line %u",
					      myc_yaml_line(channels->spec[i].node));
	return err;
}

/* Everything of a channel that is one value. */
static int read_values(struct myc_channel_config *config, struct myc_yaml_node drop_duplicates,
		       struct myc_yaml_node reorder_window, struct myc_yaml_node orphan,
		       struct myc_yaml_node verify_checksum, struct myc_yaml_node endpoint,
		       struct myc_error *error)
{
	static const char *const orphans[] = {"hold", "pass"};
	bool drop = true, verify = false;
	uint64_t window = MYC_REORDER_WINDOW_DEFAULT, row = 0;
	unsigned policy = MYC_ORPHAN_HOLD;
	int err = myc_yaml_bool(drop_duplicates, &drop, error);

	err = err ? err : myc_yaml_number(reorder_window, 1, 1u << 24, &window, error);
	err = err ? err : myc_yaml_choice(orphan, orphans, COUNT(orphans), &policy, error);
	err = err ? err : myc_yaml_bool(verify_checksum, &verify, error);
	err = err ? err : myc_yaml_number(endpoint, 0, MYC_ENDPOINTS_MAX - 1, &row, error);
	config->flags = (uint8_t)((drop ? MYC_CHANNEL_DROP_DUPLICATES : 0) |
				  (verify ? MYC_CHANNEL_VERIFY_CHECKSUM : 0));
	config->reorder_window = (uint32_t)window;
	config->orphan = (uint8_t)policy;
	config->endpoint = (uint16_t)row;
	config->owner_row = MYC_NO_ROW;
	config->standby_row = MYC_NO_ROW;
	return err;
}

/* When the receiver gives a gap up; no business of the steering program. */
static int read_patience(struct myc_channel_spec *spec, struct myc_yaml_node reorder_packets,
			 struct myc_yaml_node gap_timeout_ms, struct myc_error *error)
{
	uint64_t packets = 0, timeout_ms = 0;
	int err = myc_yaml_number(reorder_packets, 1, 65536, &packets, error);

	err = err ? err : myc_yaml_number(gap_timeout_ms, 1, 600000, &timeout_ms, error);
	spec->reorder_packets = (uint32_t)packets;
	spec->gap_timeout_ns = timeout_ms * 1000000;
	return err;
}

static int read_channel(struct myc_channels *channels, struct myc_yaml_node node,
			enum myc_channels_use use, struct myc_error *error)
{
	static const char *const protocols[] = {
		[MYC_PROTOCOL_GENERIC] = "generic", [MYC_PROTOCOL_MOLDUDP64] = "moldudp64",
		[MYC_PROTOCOL_IEXTP] = "iextp",	    [MYC_PROTOCOL_MDP3] = "mdp3",
		[MYC_PROTOCOL_B3] = "b3",	    [MYC_PROTOCOL_MEMX] = "memx",
		[MYC_PROTOCOL_DERIBIT] = "deribit"};
	uint32_t index = channels->config.channels_count;
	struct myc_channel_spec *spec = &channels->spec[index];
	struct myc_channel_config *config = &channels->config.channel[index];
	struct myc_yaml_node name, protocol, lines, drop_duplicates, reorder_window, orphan,
		verify_checksum, filter, generic, iex, reorder_packets, gap_timeout,
		endpoint = {.yaml = node.yaml};
	const struct myc_yaml_field fields[] = {
		{"name", &name, true},
		{"protocol", &protocol, true},
		{"lines", &lines, true},
		{"drop_duplicates", &drop_duplicates, false},
		{"reorder_window", &reorder_window, false},
		{"orphan", &orphan, false},
		{"verify_checksum", &verify_checksum, false},
		{"filter", &filter, false},
		{"generic", &generic, false},
		{"iex", &iex, false},
		{"reorder_packets", &reorder_packets, false},
		{"gap_timeout_ms", &gap_timeout, false},
		{"endpoint", &endpoint, false}, /* last: not known to a topology */
	};
	unsigned protocol_index = 0;
	int err = myc_yaml_fields(node, fields,
				  COUNT(fields) - (use == MYC_CHANNELS_STANDALONE ? 0 : 1), error);

	spec->node = node;
	spec->channel = (uint16_t)index;
	err = err ? err : read_name(channels, spec, name, error);
	err = err ? err
		  : myc_yaml_choice(protocol, protocols, COUNT(protocols), &protocol_index, error);
	config->protocol = (uint8_t)protocol_index;
	err = err ? err
		  : read_values(config, drop_duplicates, reorder_window, orphan, verify_checksum,
				endpoint, error);
	err = err ? err : read_lines(channels, spec, lines, error);
	err = err ? err : read_filter(config, spec, filter, error);
	err = err ? err : read_generic(config, generic, error);
	err = err ? err : read_iex(config, iex, error);
	err = err ? err : read_patience(spec, reorder_packets, gap_timeout, error);
	if (spec->symbols && config->protocol != MYC_PROTOCOL_MOLDUDP64)
		channels->config.symbols[index] = &spec->symbols->filter;
	channels->config.sbe[index] = spec->sbe;
	channels->config.channels_count++;
	return err;
}

int myc_channels_read(struct myc_channels **out, struct myc_yaml_node node,
		      enum myc_channels_use use, struct myc_error *error)
{
	struct myc_channels *channels = calloc(1, sizeof(*channels));
	unsigned count;

	if (!channels)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	int err = myc_yaml_sequence(node, 1, MYC_CHANNELS_MAX, &count, error);
	for (unsigned i = 0; !err && i < count; i++)
		err = read_channel(channels, myc_yaml_item(node, i), use, error);
	if (err) {
		myc_channels_free(channels);
		return err;
	}
	*out = channels;
	return 0;
}

void myc_channels_free(struct myc_channels *channels)
{
	if (!channels)
		return;
	for (uint32_t i = 0; i < channels->config.channels_count; i++) {
		free(channels->spec[i].symbols);
		free(channels->spec[i].sbe);
	}
	free(channels);
}
