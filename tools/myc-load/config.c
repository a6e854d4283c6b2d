/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-load/config.h"

#include <string.h>

#include "runtime/yaml.h"

const char *const config_modes[3] = {
	[MYC_ATTACH_AUTO] = "auto",
	[MYC_ATTACH_NATIVE] = "native",
	[MYC_ATTACH_GENERIC] = "generic",
};

const char *const config_sharings[2] = {
	[MYC_SHARING_EXCLUSIVE] = "exclusive",
	[MYC_SHARING_DISPATCHER] = "dispatcher",
};

static int read_root(struct config *config, struct myc_yaml_node root, struct myc_error *error)
{
	struct myc_yaml_node name, interface, mode, sharing, priority, channels;
	const struct myc_yaml_field fields[] = {
		{"name", &name, false},		{"interface", &interface, false},
		{"mode", &mode, false},		{"sharing", &sharing, false},
		{"priority", &priority, false}, {"channels", &channels, true},
	};
	unsigned choice = MYC_ATTACH_AUTO, share = MYC_SHARING_EXCLUSIVE;
	uint64_t number = 0;
	int err = myc_yaml_fields(root, fields, sizeof(fields) / sizeof(fields[0]), error);

	err = err ? err
		  : myc_yaml_name(name, "abcdefghijklmnopqrstuvwxyz0123456789-", config->name,
				  sizeof(config->name), error);
	err = err ? err
		  : myc_yaml_string(interface, config->interface, sizeof(config->interface), error);
	err = err ? err : myc_yaml_choice(mode, config_modes, 3, &choice, error);
	err = err ? err : myc_yaml_choice(sharing, config_sharings, 2, &share, error);
	err = err ? err : myc_yaml_number(priority, 1, MYC_PRIORITY_MAX, &number, error);
	config->mode = (enum myc_attach_mode)choice;
	config->sharing = (enum myc_sharing)share;
	config->priority = (uint32_t)number;
	return err ? err
		   : myc_channels_read(&config->channels, channels, MYC_CHANNELS_STANDALONE, error);
}

int config_read(struct config *config, const char *path, struct myc_error *error)
{
	struct myc_yaml *yaml;

	memset(config, 0, sizeof(*config));
	int err = myc_yaml_open(&yaml, path, error);
	if (err)
		return err;
	err = read_root(config, myc_yaml_root(yaml), error);
	myc_yaml_close(yaml);
	return err;
}

void config_free(struct config *config)
{
	myc_channels_free(config->channels);
	config->channels = NULL;
}
