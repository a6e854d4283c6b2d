/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/topology_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/abi/directory.h>
#include <mycelium/abi/lane.h>

#include "runtime/channels_yaml.h"
#include "runtime/topology_check.h"
#include "runtime/topology_topics.h"

#define COUNT(array)  (unsigned)(sizeof(array) / sizeof((array)[0]))
#define NAME_CHARS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-"
#define SYMBOL_CHARS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define SIZE_MAX_SLOT (1u << 20)
#define SLOTS_MAX     (SIZE_MAX_SLOT - MYC_PROCESS_ACTORS_MAX) /* beside the fixed ones */

/* ---- actors ---------------------------------------------------------------------------------- */

int myc_topology_add_setting(struct myc_topology_actor *actor, const char *key, const char *value,
			     struct myc_error *error)
{
	struct myc_setting *setting = NULL;

	for (uint32_t i = 0; i < actor->settings && !setting; i++)
		if (!strcmp(actor->setting[i].key, key))
			setting = &actor->setting[i];
	if (!setting) {
		if (actor->settings == MYC_ACTOR_SETTINGS_MAX)
			return myc_error_set(error, -EINVAL, "use fewer",
					     "actor '%s' has more than %d settings", actor->name,
					     MYC_ACTOR_SETTINGS_MAX);
		struct myc_setting *grown =
			realloc(actor->setting, (actor->settings + 1) * sizeof(*grown));
		if (!grown)
			return myc_error_set(error, -ENOMEM, NULL, "no memory");
		actor->setting = grown;
		setting = &grown[actor->settings];
		setting->value = NULL;
		setting->key = strdup(key);
		if (!setting->key)
			return myc_error_set(error, -ENOMEM, NULL, "no memory");
		actor->settings++;
	}
	char *copy = strdup(value);
	if (!copy)
		return myc_error_set(error, -ENOMEM, NULL, "no memory");
	free((char *)setting->value);
	setting->value = copy;
	return 0;
}

static int read_settings(struct myc_yaml_node node, struct myc_topology_actor *actor,
			 struct myc_error *error)
{
	unsigned count = 0;
	int err = myc_yaml_mapping(node, &count, error);

	for (unsigned i = 0; !err && i < count; i++) {
		const char *key, *text = NULL;
		struct myc_yaml_node value;

		myc_yaml_pair(node, i, &key, &value);
		err = myc_yaml_text(value, &text, error);
		err = err ?: myc_topology_add_setting(actor, key, text, error);
	}
	return err;
}

static int channel_of(const struct myc_channels *channels, struct myc_yaml_node node,
		      uint16_t *channel, struct myc_error *error)
{
	const char *names[MYC_CHANNELS_MAX];
	unsigned index = 0;
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	if (err)
		return err;
	if (!channels->config.channels_count)
		return myc_yaml_refuse(node, error,
				       "describe it under channels:", "no such channel");
	for (uint32_t i = 0; i < channels->config.channels_count; i++)
		names[i] = channels->spec[i].name;
	for (; index < channels->config.channels_count; index++)
		if (!strcmp(text, names[index]))
			break;
	if (index == channels->config.channels_count)
		return myc_yaml_refuse_name(node, error, names, channels->config.channels_count,
					    "no such channel");
	*channel = (uint16_t)index;
	return 0;
}

static int read_feeds(struct myc_yaml_node node, struct myc_topology *topology,
		      struct myc_topology_actor *actor, struct myc_error *error)
{
	unsigned count = 0;
	int err = myc_yaml_sequence(node, 1, MYC_PROCESS_CHANNELS_MAX, &count, error);

	for (unsigned i = 0; !err && i < count; i++)
		err = channel_of(topology->channels, myc_yaml_item(node, i), &actor->feed[i],
				 error);
	if (err || !count)
		return err;
	if (topology->network.kind == MYC_DATAPLANE_NONE)
		return myc_yaml_refuse(node, error, "set network: kind: xdp, udp or file",
				       "there is no network to be fed from");
	if (topology->endpoints == MYC_ENDPOINTS_MAX)
		return myc_yaml_refuse(node, error, "feed several channels to one actor",
				       "more than %d actors are fed", MYC_ENDPOINTS_MAX);
	actor->feeds = count;
	actor->endpoint = (uint16_t)topology->endpoints++;
	return 0;
}

static int phase_of(const struct myc_topology *topology, struct myc_yaml_node node, uint32_t *phase,
		    struct myc_error *error)
{
	const char *names[MYC_PHASES_MAX];
	const char *text = NULL;
	int err = myc_yaml_text(node, &text, error);

	if (err || !text)
		return err;
	for (uint32_t i = 0; i < topology->phases; i++) {
		names[i] = topology->phase[i].name;
		if (!strcmp(names[i], text)) {
			*phase = i + 1;
			return 0;
		}
	}
	return topology->phases
		       ? myc_yaml_refuse_name(node, error, names, topology->phases, "no such phase")
		       : myc_yaml_refuse(node, error, "describe it under phases:", "no such phase");
}

static int read_actor(struct myc_yaml_node node, struct myc_topology *topology,
		      struct myc_topology_process *process, struct myc_topology_actor *actor,
		      struct myc_error *error)
{
	struct myc_yaml_node name, behaviour, executor, thread, feeds, settings, filtered,
		from_start, intensity, period, phase;
	const struct myc_yaml_field fields[] = {
		{"name", &name, true},
		{"behaviour", &behaviour, true},
		{"executor", &executor, false},
		{"feeds", &feeds, false},
		{"settings", &settings, false},
		{"thread", &thread, false},
		{"report_filtered", &filtered, false},
		{"from_start", &from_start, false},
		{"intensity", &intensity, false},
		{"period_s", &period, false},
		{"phase", &phase, false},
	};
	uint32_t period_s = 0;

	actor->endpoint = MYC_NO_ENDPOINT;
	actor->line = myc_yaml_line(node);
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ?: myc_yaml_name(name, NAME_CHARS, actor->name, sizeof(actor->name), error);
	err = err
		      ?: myc_yaml_name(behaviour, SYMBOL_CHARS, actor->behaviour,
				       sizeof(actor->behaviour), error);
	err = err ?: myc_yaml_u32(executor, 0, process->executors - 1, &actor->executor, error);
	err = err ?: read_feeds(feeds, topology, actor, error);
	err = err ?: myc_topology_read_thread(thread, process, actor, error);
	err = err ?: read_settings(settings, actor, error);
	err = err ?: myc_yaml_bool(filtered, &actor->report_filtered, error);
	err = err ?: myc_yaml_bool(from_start, &actor->from_start, error);
	err = err ?: myc_yaml_u32(intensity, 1, MYC_INTENSITY_MAX, &actor->restarts_max, error);
	err = err ?: phase_of(topology, phase, &actor->phase, error);
	err = err ?: myc_yaml_u32(period, 1, 86400, &period_s, error);
	actor->restarts_window_ns = period_s * 1000000000ull;
	if (!err && (!strcmp(actor->name, "network") || !strcmp(actor->name, "supervisor")))
		err = myc_yaml_refuse(name, error, "use another name",
				      "reserved for changes by --set");
	return err;
}

/* ---- executors ------------------------------------------------------------------------------- */

/* A core's number; -1 = not pinned, as in struct myc_executor_opts. */
static int read_core(struct myc_yaml_node node, int *core, struct myc_error *error)
{
	uint32_t number = 0;
	const char *text;
	int err = myc_yaml_text(node, &text, error);

	*core = -1;
	if (err || !text || !strcmp(text, "-1"))
		return err;
	err = myc_yaml_u32(node, 0, 4095, &number, error);
	err = err ?: myc_topology_check_core(node, number, error);
	*core = (int)number;
	return err;
}

static int read_executor(struct myc_yaml_node node, struct myc_executor_opts *executor,
			 struct myc_error *error)
{
	static const char *const idles[] = {"sleep", "spin", "pause", "yield"};
	struct myc_yaml_node core, numa, idle, spins, batch, timers, share, share_us, signals, asks,
		watches, states;
	uint32_t of_share_us = 0;
	const struct myc_yaml_field fields[] = {
		{"core", &core, false},	      {"node", &numa, false},
		{"idle", &idle, false},	      {"idle_spins", &spins, false},
		{"batch", &batch, false},     {"timers", &timers, false},
		{"share", &share, false},     {"share_us", &share_us, false},
		{"asks", &asks, false},	      {"signals", &signals, false},
		{"watches", &watches, false}, {"states_kib", &states, false},
	};
	unsigned of_idle = MYC_IDLE_SLEEP;

	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ?: read_core(core, &executor->core, error);
	err = err ?: myc_topology_read_node(numa, executor, error);
	err = err ?: myc_yaml_choice(idle, idles, COUNT(idles), &of_idle, error);
	err = err ?: myc_yaml_u32(spins, 1, UINT32_MAX, &executor->idle_spins, error);
	err = err ?: myc_yaml_u32(batch, 1, 4096, &executor->batch, error);
	err = err ?: myc_yaml_u32(timers, 1, SIZE_MAX_SLOT, &executor->timers, error);
	err = err ?: myc_yaml_u32(share, 1, 4096, &executor->share, error);
	err = err ?: myc_yaml_u32(asks, 1, UINT16_MAX, &executor->asks, error);
	err = err ?: myc_yaml_u32(signals, 1, SIZE_MAX_SLOT, &executor->signals, error);
	err = err ?: myc_yaml_u32(watches, 1, SIZE_MAX_SLOT, &executor->watches, error);
	err = err ?: myc_yaml_u32(states, 1, SIZE_MAX_SLOT, &executor->states_kib, error);
	err = err ?: myc_yaml_u32(share_us, 1, 1000000, &of_share_us, error);
	executor->share_ns = of_share_us * 1000ull;
	executor->idle = (enum myc_idle)of_idle;
	return err;
}

/* ---- the process ----------------------------------------------------------------------------- */

/* Buffers for bodies, by size: as struct myc_system_opts has them. */
static int read_buffers(struct myc_yaml_node node, struct myc_topology_process *process,
			struct myc_error *error)
{
	unsigned classes = 0;
	int err = myc_yaml_sequence(node, 1, MYC_POOL_CLASSES, &classes, error);

	for (unsigned i = 0; !err && i < classes; i++) {
		struct myc_yaml_node size, count;
		const struct myc_yaml_field fields[] = {{"size", &size, true},
							{"count", &count, true}};
		uint32_t *bytes = &process->buffers[i].size;

		err = myc_yaml_fields(myc_yaml_item(node, i), fields, COUNT(fields), error);
		err = err ?: myc_yaml_u32(size, 64, SIZE_MAX_SLOT, bytes, error);
		err = err
			      ?: myc_yaml_u32(count, 1, SIZE_MAX_SLOT, &process->buffers[i].count,
					      error);
		if (!err && (*bytes % 64 || (i && *bytes <= process->buffers[i - 1].size)))
			err = myc_yaml_refuse(size, error, "the smallest first, as 64, 256, 1024",
					      *bytes % 64 ? "not a multiple of 64"
							  : "not larger than the one before");
	}
	return err;
}

static int read_sizes(struct myc_yaml_node loans, struct myc_yaml_node readings,
		      struct myc_yaml_node directory, struct myc_yaml_node work_threads,
		      struct myc_topology_process *process, struct myc_error *error)
{
	int err = myc_yaml_u32(loans, 1, SIZE_MAX_SLOT, &process->loans, error);

	err = err ?: myc_yaml_u32(readings, 1, 4096, &process->readings, error);
	err = err ?: myc_yaml_u32(directory, 1, MYC_DIRECTORY_ROWS_MAX, &process->directory, error);
	return err ?: myc_yaml_u32(work_threads, 1, 64, &process->work_threads, error);
}

int myc_topology_read_process(struct myc_yaml_node node, const char *folder,
			      struct myc_topology *topology, struct myc_topology_process *process,
			      struct myc_error *error)
{
	static const char *const restarts[] = {"permanent", "transient", "temporary"};
	struct myc_yaml_node name, restart, shutdown, library, executors, actors, slots, lane,
		outbox, growth, topics, buffers, loans, readings, directory, work_threads;
	const struct myc_yaml_field fields[] = {
		{"name", &name, true},
		{"restart", &restart, false},
		{"shutdown_ms", &shutdown, false},
		{"library", &library, true},
		{"executors", &executors, false},
		{"actors", &actors, true},
		{"slots", &slots, false},
		{"lane_slots", &lane, false},
		{"outbox", &outbox, false},
		{"growth", &growth, false},
		{"topics", &topics, false},
		{"buffers", &buffers, false},
		{"loans", &loans, false},
		{"readings", &readings, false},
		{"directory", &directory, false},
		{"work_threads", &work_threads, false},
	};
	unsigned count = 0, of_restart = MYC_PERMANENT;

	process->shutdown_ms = 1000;
	process->line = myc_yaml_line(node);
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);
	err = err ?: myc_yaml_name(name, NAME_CHARS, process->name, sizeof(process->name), error);
	err = err ?: myc_yaml_choice(restart, restarts, COUNT(restarts), &of_restart, error);
	err = err ?: myc_yaml_u32(shutdown, 1, 600000, &process->shutdown_ms, error);
	err = err ?: myc_yaml_path(library, folder, &process->library, error);
	err = err ?: myc_yaml_u32(slots, MYC_PROCESS_ACTORS_MAX, SLOTS_MAX, &process->slots, error);
	err = err
		      ?: myc_yaml_power_of_two(lane, 64, MYC_LANE_SLOTS_MAX, &process->lane_slots,
					       error);
	err = err ?: myc_yaml_u32(outbox, 1, SIZE_MAX_SLOT, &process->outbox, error);
	err = err ?: myc_yaml_u32(growth, 1, 1 << 24, &process->growth, error);
	err = err ?: read_buffers(buffers, process, error);
	err = err ?: read_sizes(loans, readings, directory, work_threads, process, error);
	err = err ?: myc_topology_read_topics(topics, topology, process, error);
	process->restart = (enum myc_restart)of_restart;

	err = err ?: myc_yaml_sequence(executors, 1, MYC_PROCESS_EXECUTORS_MAX, &count, error);
	process->executors = count ? count : 1;
	process->executor[0].core = -1;
	for (unsigned i = 0; !err && i < count; i++)
		err = read_executor(myc_yaml_item(executors, i), &process->executor[i], error);

	err = err ?: myc_yaml_sequence(actors, 1, MYC_PROCESS_ACTORS_MAX, &count, error);
	for (unsigned i = 0; !err && i < count; i++, process->actors++)
		err = read_actor(myc_yaml_item(actors, i), topology, process, &process->actor[i],
				 error);
	/* One whose reading failed may hold settings already. */
	if (err && process->actors < MYC_PROCESS_ACTORS_MAX)
		process->actors++;
	return err;
}
