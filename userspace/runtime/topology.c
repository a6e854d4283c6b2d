/* SPDX-License-Identifier: Apache-2.0 */
/* From a YAML document to a struct myc_topology. What depends on several places of the file is
 * checked in topology_check.c. */
#include "runtime/topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/channels_yaml.h"
#include "runtime/topology_check.h"
#include "runtime/topology_process.h"

#define COUNT(array) (unsigned)(sizeof(array) / sizeof((array)[0]))
#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-"
#define SYSTEM_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* ---- network --------------------------------------------------------------------------------- */

static const char *const kind_names[] = {"none", "xdp", "udp", "file"};

static int read_queues(struct myc_yaml_node node, uint64_t *queues, struct myc_error *error)
{
	unsigned count = 0;
	uint64_t set = 0;
	int err = myc_yaml_sequence(node, 1, MYC_QUEUES_MAX, &count, error);

	for (unsigned i = 0; !err && i < count; i++) {
		struct myc_yaml_node item = myc_yaml_item(node, i);
		uint32_t queue = 0;

		err = myc_yaml_u32(item, 0, MYC_QUEUES_MAX - 1, &queue, error);
		if (!err && set & 1ull << queue)
			err = myc_yaml_refuse(item, error, "name each queue once", "given twice");
		set |= 1ull << queue;
	}
	if (!err && count)
		*queues = set;
	return err;
}

/* Reads the fields that are there, so that it also serves overrides. */
static int read_network(struct myc_yaml_node node, const char *folder,
			struct myc_topology_network *network, struct myc_error *error)
{
	static const char *const modes[] = {"auto", "zerocopy", "copy", "generic"};
	static const char *const waits[] = {"spin", "need-wakeup", "busy-poll", "blocking"};
	static const char *const attaches[] = {"auto", "native", "generic"};
	static const char *const sharings[] = {"exclusive", "dispatcher"};
	struct myc_yaml_node kind, interface, netns, queues, mode, wait, attach, sharing, priority,
		frames, frame_size, rx_ring, join, file, speed;
	const struct myc_yaml_field fields[] = {
		{"kind", &kind, false},
		{"interface", &interface, false},
		{"netns", &netns, false},
		{"queues", &queues, false},
		{"mode", &mode, false},
		{"wait", &wait, false},
		{"attach", &attach, false},
		{"sharing", &sharing, false},
		{"priority", &priority, false},
		{"frames", &frames, false},
		{"frame_size", &frame_size, false},
		{"rx_ring", &rx_ring, false},
		{"join_groups", &join, false},
		{"file", &file, false},
		{"speed", &speed, false},
	};
	unsigned of_kind = network->kind, of_mode = network->mode, of_wait = network->wait,
		 of_attach = network->attach, of_sharing = network->sharing;

	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ?: myc_yaml_choice(kind, kind_names, COUNT(kind_names), &of_kind, error);
	err = err
		      ?: myc_yaml_string(interface, network->interface, sizeof(network->interface),
					 error);
	err = err
		      ?: myc_yaml_name(netns, NAME_CHARS, network->netns, sizeof(network->netns),
				       error);
	err = err ?: read_queues(queues, &network->queues, error);
	err = err ?: myc_yaml_choice(mode, modes, COUNT(modes), &of_mode, error);
	err = err ?: myc_yaml_choice(wait, waits, COUNT(waits), &of_wait, error);
	err = err ?: myc_yaml_choice(attach, attaches, COUNT(attaches), &of_attach, error);
	err = err ?: myc_yaml_choice(sharing, sharings, COUNT(sharings), &of_sharing, error);
	err = err ?: myc_yaml_u32(priority, 1, MYC_PRIORITY_MAX, &network->priority, error);
	err = err ?: myc_yaml_power_of_two(frames, 64, 1 << 20, &network->frames, error);
	err = err ?: myc_yaml_power_of_two(frame_size, 2048, 4096, &network->frame_size, error);
	err = err ?: myc_yaml_power_of_two(rx_ring, 64, 1 << 16, &network->rx_ring, error);
	err = err ?: myc_yaml_bool(join, &network->join_groups, error);
	err = err ?: myc_yaml_path(file, folder, &network->file, error);
	err = err ?: myc_yaml_real(speed, 0, 1e6, &network->speed, error);
	network->kind = (enum myc_dataplane_kind)of_kind;
	network->mode = (enum myc_xsk_mode)of_mode;
	network->wait = (enum myc_wait)of_wait;
	network->attach = (enum myc_attach_mode)of_attach;
	network->sharing = (enum myc_sharing)of_sharing;
	return err;
}

/* ---- supervisor ------------------------------------------------------------------------------ */

static int read_supervisor(struct myc_yaml_node node, struct myc_topology *topology,
			   struct myc_error *error)
{
	static const char *const policies[] = {"report", "fail", "kill"}; /* enum myc_cycles */
	struct myc_yaml_node intensity, period, lease, cycles;
	const struct myc_yaml_field fields[] = {
		{"intensity", &intensity, false},
		{"period_s", &period, false},
		{"lease_ms", &lease, false},
		{"credit_cycles", &cycles, false},
	};
	unsigned policy = topology->cycles;
	uint32_t period_s = (uint32_t)(topology->limit.period_ns / 1000000000u);

	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err
		      ?: myc_yaml_u32(intensity, 0, MYC_INTENSITY_MAX, &topology->limit.intensity,
				      error);
	err = err ?: myc_yaml_u32(period, 1, 86400, &period_s, error);
	err = err ?: myc_yaml_u32(lease, 100, 600000, &topology->lease_ms, error);
	err = err ?: myc_yaml_choice(cycles, policies, COUNT(policies), &policy, error);
	topology->cycles = (enum myc_cycles)policy;
	topology->limit.period_ns = period_s * 1000000000ull;
	return err;
}

/* ---- phases ---------------------------------------------------------------------------------- */

static int read_phase(struct myc_yaml_node node, struct myc_topology *topology,
		      struct myc_error *error)
{
	struct myc_topology_phase *phase = &topology->phase[topology->phases];
	struct myc_yaml_node name, timeout;
	const struct myc_yaml_field fields[] = {
		{"name", &name, true},
		{"timeout_ms", &timeout, false},
	};

	phase->timeout_ms = 5000;
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ?: myc_yaml_name(name, NAME_CHARS, phase->name, sizeof(phase->name), error);
	err = err ?: myc_yaml_u32(timeout, 1, 600000, &phase->timeout_ms, error);
	for (uint32_t i = 0; !err && i < topology->phases; i++)
		if (!strcmp(topology->phase[i].name, phase->name))
			err = myc_yaml_refuse(name, error, "give each phase a name of its own",
					      "there is a phase '%s' already", phase->name);
	topology->phases++;
	return err;
}

static int read_phases(struct myc_yaml_node node, struct myc_topology *topology,
		       struct myc_error *error)
{
	unsigned count = 0;
	int err = myc_yaml_sequence(node, 1, MYC_PHASES_MAX, &count, error);

	for (unsigned i = 0; !err && i < count; i++)
		err = read_phase(myc_yaml_item(node, i), topology, error);
	return err;
}

/* ---- overrides ------------------------------------------------------------------------------- */

static struct myc_topology_actor *actor_named(struct myc_topology *topology, const char *name,
					      size_t length)
{
	for (uint32_t p = 0; p < topology->processes; p++)
		for (uint32_t a = 0; a < topology->process[p].actors; a++) {
			struct myc_topology_actor *actor = &topology->process[p].actor[a];

			if (strlen(actor->name) == length && !memcmp(actor->name, name, length))
				return actor;
		}
	return NULL;
}

/* The value is read as the one line "KEY: VALUE" of a file that is called "--set SECTION". */
static int override_section(struct myc_topology *topology, const char *folder,
			    const struct myc_topology_override *override, const char *key,
			    struct myc_error *error)
{
	struct myc_yaml *yaml;
	char text[512], name[32];
	bool network = !strncmp(override->key, "network.", 8);
	int size = snprintf(text, sizeof(text), "%s: %s\n", key, override->value);

	if (size < 0 || (size_t)size >= sizeof(text))
		return myc_error_set(error, -EINVAL, "shorten it", "--set %s: too long",
				     override->key);
	snprintf(name, sizeof(name), "--set %s", network ? "network" : "supervisor");
	int err = myc_yaml_parse(&yaml, name, text, (size_t)size, error);
	if (err)
		return err;
	err = network ? read_network(myc_yaml_root(yaml), folder, &topology->network, error)
		      : read_supervisor(myc_yaml_root(yaml), topology, error);
	myc_yaml_close(yaml);
	return err;
}

static bool of_section(const struct myc_topology_override *override)
{
	return !strncmp(override->key, "network.", 8) || !strncmp(override->key, "supervisor.", 11);
}

static int override_setting(struct myc_topology *topology,
			    const struct myc_topology_override *override, struct myc_error *error)
{
	/* Names of actors may have dots in them, keys of settings not. */
	const char *dot = strrchr(override->key, '.');
	struct myc_topology_actor *actor =
		dot ? actor_named(topology, override->key, (size_t)(dot - override->key)) : NULL;

	if (!actor || !dot[1])
		return myc_error_set(error, -EINVAL, "use network.KEY, supervisor.KEY or ACTOR.KEY",
				     "--set %s: nothing is called that", override->key);
	return myc_topology_add_setting(actor, dot + 1, override->value, error);
}

/* Sections before the processes are read, since those are checked against the network. */
static int apply_overrides(struct myc_topology *topology, const char *folder, bool sections,
			   const struct myc_topology_override *overrides, unsigned count,
			   struct myc_error *error)
{
	int err = 0;

	for (unsigned i = 0; !err && i < count; i++) {
		const struct myc_topology_override *one = &overrides[i];

		if (of_section(one) != sections)
			continue;
		err = sections ? override_section(topology, folder, one, strchr(one->key, '.') + 1,
						  error)
			       : override_setting(topology, one, error);
	}
	return err;
}

static int override_kind(struct myc_topology_network *network, const char *kind,
			 struct myc_error *error)
{
	for (unsigned i = 0; i < COUNT(kind_names); i++) {
		if (strcmp(kind, kind_names[i]) != 0)
			continue;
		if (network->kind != (enum myc_dataplane_kind)i) {
			network->kind = (enum myc_dataplane_kind)i;
			network->interface[0] = '\0';
			network->netns[0] = '\0';
		}
		return 0;
	}
	return myc_error_set(error, -EINVAL, "use xdp, udp, file or none", "--kind %s: not known",
			     kind);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int read_all(struct myc_topology *topology, struct myc_yaml_node root, const char *folder,
		    const char *kind, const struct myc_topology_override *overrides,
		    unsigned overrides_count, struct myc_error *error)
{
	struct myc_yaml_node system, network, channels, supervisor, phases, processes;
	const struct myc_yaml_field fields[] = {
		{"system", &system, true},	{"network", &network, false},
		{"channels", &channels, false}, {"supervisor", &supervisor, false},
		{"phases", &phases, false},	{"processes", &processes, true},
	};
	unsigned count = 0;

	int err = myc_yaml_fields(root, fields, COUNT(fields), error);
	err = err
		      ?: myc_yaml_name(system, SYSTEM_CHARS, topology->system,
				       sizeof(topology->system), error);
	err = err ?: read_network(network, folder, &topology->network, error);
	if (!err && kind)
		err = override_kind(&topology->network, kind, error);
	err = err
		      ?: myc_channels_read(&topology->channels, channels, MYC_CHANNELS_OF_ACTORS,
					   error);
	err = err ?: read_supervisor(supervisor, topology, error);
	err = err ?: apply_overrides(topology, folder, true, overrides, overrides_count, error);
	err = err ?: myc_topology_check_network(topology, network, error);
	err = err ?: read_phases(phases, topology, error);
	err = err ?: myc_yaml_sequence(processes, 1, MYC_PROCESSES_MAX - 1, &count, error);
	if (err)
		return err;
	topology->process = calloc(count, sizeof(*topology->process));
	if (!topology->process)
		return myc_error_set(error, -ENOMEM, NULL, "no memory");
	topology->processes = count;
	for (unsigned i = 0; !err && i < count; i++)
		err = myc_topology_read_process(myc_yaml_item(processes, i), folder, topology,
						&topology->process[i], error);
	err = err ?: myc_topology_check(topology, processes, error);
	return err ?: apply_overrides(topology, folder, false, overrides, overrides_count, error);
}

int myc_topology_read(struct myc_topology **out, const struct myc_yaml *yaml, const char *folder,
		      const char *kind, const struct myc_topology_override *overrides,
		      unsigned count, struct myc_error *error)
{
	struct myc_topology *topology = calloc(1, sizeof(*topology));

	*out = NULL;
	if (!topology)
		return myc_error_set(error, -ENOMEM, NULL, "no memory");
	topology->network.join_groups = true;
	topology->network.speed = 1;
	topology->limit.intensity = 3;
	topology->limit.period_ns = 5000000000ull;
	topology->lease_ms = 2000;
	int err = read_all(topology, myc_yaml_root(yaml), folder, kind, overrides, count, error);
	if (err) {
		myc_topology_free(topology);
		return err;
	}
	*out = topology;
	return 0;
}

int myc_topology_load(struct myc_topology **topology, const char *path, const char *kind,
		      const struct myc_topology_override *overrides, unsigned count,
		      struct myc_error *error)
{
	const char *slash = strrchr(path, '/');
	struct myc_yaml *yaml;
	int err = myc_yaml_open(&yaml, path, error);

	if (err)
		return err;
	char *folder =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	err = folder ? myc_topology_read(topology, yaml, folder, kind, overrides, count, error)
		     : myc_error_set(error, -ENOMEM, NULL, "no memory");
	free(folder);
	myc_yaml_close(yaml);
	return err;
}

void myc_topology_free(struct myc_topology *topology)
{
	if (!topology)
		return;
	for (uint32_t p = 0; p < topology->processes; p++) {
		struct myc_topology_process *process = &topology->process[p];

		for (uint32_t a = 0; a < process->actors; a++) {
			struct myc_topology_actor *actor = &process->actor[a];

			for (uint32_t s = 0; s < actor->settings; s++) {
				free((char *)actor->setting[s].key);
				free((char *)actor->setting[s].value);
			}
			free(actor->setting);
		}
		free(process->library);
	}
	free(topology->process);
	free(topology->network.file);
	if (topology->channels)
		myc_channels_free(topology->channels);
	free(topology);
}
