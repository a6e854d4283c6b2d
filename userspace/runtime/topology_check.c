/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/topology_check.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "base/numa.h"
#include "runtime/channels_yaml.h"

int myc_topology_check_core(struct myc_yaml_node node, uint32_t core, struct myc_error *error)
{
	cpu_set_t allowed;
	char remedy[96];
	unsigned last = 0;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return 0; /* more cores than a cpu_set_t holds: pinning itself will tell */
	if (core < CPU_SETSIZE && CPU_ISSET(core, &allowed))
		return 0;
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed))
			last = i;
	snprintf(remedy, sizeof(remedy), "this process may use %d cores, the last is %u",
		 CPU_COUNT(&allowed), last);
	return myc_yaml_refuse(node, error, remedy, "no such core here");
}

int myc_topology_read_node(struct myc_yaml_node node, struct myc_executor_opts *executor,
			   struct myc_error *error)
{
	uint64_t number;

	if (!myc_yaml_present(node))
		return 0;
	int err = myc_yaml_number(node, 0, MYC_NUMA_NODES_MAX - 1, &number, error);

	if (err)
		return err;
	if (executor->core >= 0)
		return myc_yaml_refuse(node, error, "give it a core or a node",
				       "the core says it already");
	if (!myc_numa_has_cores(myc_numa(), (uint32_t)number))
		return myc_yaml_refuse(node, error, "see lscpu",
				       "no such NUMA node with cores here");
	executor->node = (uint32_t)number + 1;
	return 0;
}

int myc_topology_read_thread(struct myc_yaml_node node, struct myc_topology_process *process,
			     struct myc_topology_actor *actor, struct myc_error *error)
{
	int err = myc_yaml_bool(node, &actor->thread, error);

	if (err || !actor->thread)
		return err;
	if (actor->feeds)
		return myc_yaml_refuse(node, error, "feed another actor, who sends it on",
				       "what feeds an actor may not be blocked");
	if (process->threads++ == MYC_THREADS_MAX)
		return myc_yaml_refuse(node, error, "use another process",
				       "more than %d actors with threads of their own",
				       MYC_THREADS_MAX);
	return 0;
}

int myc_topology_check_network(const struct myc_topology *topology, struct myc_yaml_node node,
			       struct myc_error *error)
{
	const struct myc_topology_network *network = &topology->network;

	/* The node is absent when the kind came from the command line. */
	if (network->kind == MYC_DATAPLANE_XDP && !network->interface[0]) {
		if (!myc_yaml_present(node))
			return myc_error_set(error, -EINVAL, "use --set network.interface=NAME",
					     "network: kind xdp has no interface");
		return myc_yaml_refuse(node, error, "add interface: NAME, or use kind: udp",
				       "kind xdp has no interface");
	}
	if (network->kind == MYC_DATAPLANE_FILE && !network->file) {
		if (!myc_yaml_present(node))
			return myc_error_set(error, -EINVAL, "use --set network.file=PATH",
					     "network: kind file has no file");
		return myc_yaml_refuse(node, error, "add file: PATH of a pcap or pcapng file",
				       "kind file has no file");
	}
	return 0;
}

/* ---- across processes ------------------------------------------------------------------------ */

static struct myc_yaml_node field(struct myc_yaml_node mapping, const char *name)
{
	struct myc_yaml_node value = {0};
	unsigned count = 0;
	const char *key;

	if (myc_yaml_mapping(mapping, &count, NULL))
		return value;
	for (unsigned i = 0; i < count; i++) {
		struct myc_yaml_node found;

		myc_yaml_pair(mapping, i, &key, &found);
		if (!strcmp(key, name))
			return found;
	}
	return value;
}

static struct myc_yaml_node actor_node(struct myc_yaml_node processes, uint32_t process,
				       uint32_t actor)
{
	return myc_yaml_item(field(myc_yaml_item(processes, process), "actors"), actor);
}

/* Every actor of the topology in the file's order; false at the end. */
struct walk {
	uint32_t process, actor;
};

static const struct myc_topology_actor *walk_actor(const struct myc_topology *topology,
						   struct walk *walk)
{
	while (walk->process < topology->processes &&
	       walk->actor == topology->process[walk->process].actors) {
		walk->process++;
		walk->actor = 0;
	}
	return walk->process < topology->processes
		       ? &topology->process[walk->process].actor[walk->actor]
		       : NULL;
}

static int check_names(const struct myc_topology *topology, struct myc_yaml_node processes,
		       struct myc_error *error)
{
	for (uint32_t i = 0; i < topology->processes; i++)
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(topology->process[i].name, topology->process[k].name))
				return myc_yaml_refuse(field(myc_yaml_item(processes, i), "name"),
						       error, "use another name",
						       "a process on line %u has this name",
						       topology->process[k].line);
	const struct myc_topology_actor *one, *other;

	for (struct walk i = {0}; (one = walk_actor(topology, &i)); i.actor++)
		for (struct walk k = {0}; (other = walk_actor(topology, &k)) != one; k.actor++)
			if (!strcmp(one->name, other->name))
				return myc_yaml_refuse(
					field(actor_node(processes, i.process, i.actor), "name"),
					error, "use another name",
					"an actor on line %u has this name", other->line);
	return 0;
}

static int check_process_channels(const struct myc_topology *topology,
				  struct myc_yaml_node processes, struct myc_error *error)
{
	for (uint32_t p = 0; p < topology->processes; p++) {
		uint32_t channels = 0;

		for (uint32_t a = 0; a < topology->process[p].actors; a++)
			channels += topology->process[p].actor[a].feeds;
		if (channels > MYC_PROCESS_CHANNELS_MAX)
			return myc_yaml_refuse(field(myc_yaml_item(processes, p), "name"), error,
					       "spread them over several processes",
					       "fed from %u channels, more than %d", channels,
					       MYC_PROCESS_CHANNELS_MAX);
	}
	return 0;
}

static int check_channels(const struct myc_topology *topology, struct myc_yaml_node processes,
			  struct myc_error *error)
{
	const struct myc_topology_actor *owner[MYC_CHANNELS_MAX] = {NULL};
	const struct myc_topology_actor *actor;

	for (struct walk i = {0}; (actor = walk_actor(topology, &i)); i.actor++)
		for (uint32_t f = 0; f < actor->feeds; f++) {
			if (owner[actor->feed[f]])
				return myc_yaml_refuse(
					myc_yaml_item(
						field(actor_node(processes, i.process, i.actor),
						      "feeds"),
						f),
					error, "feed one actor and let it send to the other",
					"actor '%s' on line %u is fed from it already",
					owner[actor->feed[f]]->name, owner[actor->feed[f]]->line);
			owner[actor->feed[f]] = actor;
		}
	if (topology->network.kind == MYC_DATAPLANE_NONE)
		return 0;
	for (uint32_t c = 0; c < topology->channels->config.channels_count; c++)
		if (!owner[c])
			return myc_yaml_refuse(field(topology->channels->spec[c].node, "name"),
					       error, "name it in an actor's feeds:",
					       "no actor is fed from this channel");
	return check_process_channels(topology, processes, error);
}

/* Two threads that never give a core away would halve each other: refused, not warned of. */
static int check_cores(const struct myc_topology *topology, struct myc_yaml_node processes,
		       struct myc_error *error)
{
	struct {
		const char *process;
		unsigned line;
		bool spins;
	} user[CPU_SETSIZE] = {{NULL, 0, false}};

	for (uint32_t p = 0; p < topology->processes; p++)
		for (uint32_t e = 0; e < topology->process[p].executors; e++) {
			const struct myc_executor_opts *executor =
				&topology->process[p].executor[e];
			int core = executor->core;

			if (core < 0 ||
			    (executor->idle != MYC_IDLE_SPIN && executor->idle != MYC_IDLE_PAUSE))
				continue;
			if (user[core].spins)
				return myc_yaml_refuse(
					field(myc_yaml_item(field(myc_yaml_item(processes, p),
								  "executors"),
							    e),
					      "core"),
					error, "use another core, or idle: yield or sleep",
					"an executor of process '%s' on line %u spins on this core",
					user[core].process, user[core].line);
			user[core].spins = true;
			user[core].process = topology->process[p].name;
			user[core].line = topology->process[p].line;
		}
	return 0;
}

int myc_topology_check(const struct myc_topology *topology, struct myc_yaml_node processes,
		       struct myc_error *error)
{
	int err = check_names(topology, processes, error);

	err = err ?: check_channels(topology, processes, error);
	return err ?: check_cores(topology, processes, error);
}

/* ---- the machine ----------------------------------------------------------------------------- */

int myc_topology_check_privilege(const struct myc_topology *topology, struct myc_error *error)
{
	static const struct {
		cap_value_t value, instead;
		const char *name;
	} needed[] = {
		{CAP_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		{CAP_NET_RAW, CAP_NET_RAW, "CAP_NET_RAW"},
		{CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF"},
	};
	char missing[64] = "";
	cap_t caps;

	if (topology->network.kind != MYC_DATAPLANE_XDP)
		return 0;
	caps = cap_get_proc();
	if (!caps)
		return myc_error_set(error, -EPERM, NULL, "cannot read our capabilities: %s",
				     strerror(errno));
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		cap_flag_value_t one = CAP_CLEAR, other = CAP_CLEAR;

		cap_get_flag(caps, needed[i].value, CAP_EFFECTIVE, &one);
		cap_get_flag(caps, needed[i].instead, CAP_EFFECTIVE, &other);
		if (one == CAP_SET || other == CAP_SET)
			continue;
		size_t used = strlen(missing);
		snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? ", " : "",
			 needed[i].name);
	}
	cap_free(caps);
	if (!missing[0])
		return 0;
	return myc_error_set(error, -EPERM, "run as root, or use kind: udp",
			     "network kind xdp needs %s", missing);
}
