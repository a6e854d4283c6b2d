/* SPDX-License-Identifier: Apache-2.0 */
/* The topics of a process, as the topology file declares them (runtime/topology_topics.h). */
#include "runtime/topology_topics.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAME_CHARS                   \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define PATIENCE_NS_MAX 600000000000u

static int read_size(struct myc_yaml_node node, uint32_t max, bool power, uint32_t *out,
		     struct myc_error *error)
{
	uint64_t value = *out;
	int err = myc_yaml_number(node, 1, max, &value, error);

	*out = (uint32_t)value;
	if (!err && power && myc_yaml_present(node) && (value & (value - 1)))
		return myc_yaml_refuse(node, error, "use 64, 128, 256, ...", "not a power of two");
	return err;
}

/* Names are the workspace's. */
static int check_name(const struct myc_topology *topology, struct myc_yaml_node node,
		      const char *name, struct myc_error *error)
{
	for (uint32_t p = 0; p < topology->processes; p++)
		for (uint32_t i = 0; i < topology->process[p].topics; i++)
			if (!strcmp(topology->process[p].topic_name[i], name))
				return myc_yaml_refuse(node, error, "give each topic its own name",
						       "process '%s' has a topic of this name",
						       topology->process[p].name);
	return 0;
}

static int read_topic(struct myc_yaml_node node, const struct myc_topology *topology,
		      struct myc_topology_process *process, struct myc_error *error)
{
	struct myc_topic_opts *topic = &process->topic[process->topics];
	char *text = process->topic_name[process->topics];
	struct myc_yaml_node name, slots, payload, keys, readers, reliable, patience;
	const struct myc_yaml_field fields[] = {
		{"name", &name, true},
		{"slots", &slots, false},
		{"payload_max", &payload, false},
		{"keys", &keys, false},
		{"readers", &readers, false},
		{"reliable", &reliable, false},
		{"patience", &patience, false},
	};
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);

	err = err ?: myc_yaml_name(name, NAME_CHARS, text, MYC_TOPIC_NAME_SIZE, error);
	err = err ?: check_name(topology, name, text, error);
	err = err ?: read_size(slots, MYC_TOPIC_SLOTS_MAX, true, &topic->slots, error);
	err = err ?: read_size(payload, MYC_TOPIC_PAYLOAD_MAX, false, &topic->payload_max, error);
	err = err ?: read_size(keys, MYC_TOPIC_KEYS_MAX, true, &topic->keys, error);
	err = err ?: read_size(readers, MYC_TOPIC_READERS_MAX, false, &topic->readers, error);
	err = err ?: myc_yaml_bool(reliable, &topic->reliable, error);
	err = err ?: myc_yaml_duration(patience, 1, PATIENCE_NS_MAX, &topic->patience_ns, error);
	if (!err && topic->keys && topic->reliable)
		return myc_yaml_refuse(keys, error,
				       "leave one out: a topic with keys waits for nobody",
				       "a reliable topic has no keys");
	if (!err && topic->patience_ns && !topic->reliable)
		return myc_yaml_refuse(patience, error, "set reliable: true",
				       "only a reliable topic has patience");
	return err;
}

int myc_topology_read_topics(struct myc_yaml_node node, const struct myc_topology *topology,
			     struct myc_topology_process *process, struct myc_error *error)
{
	unsigned count = 0;
	int err = myc_yaml_sequence(node, 1, MYC_PROCESS_TOPICS_MAX, &count, error);

	for (unsigned i = 0; !err && i < count; i++) {
		err = read_topic(myc_yaml_item(node, i), topology, process, error);
		process->topics += !err;
	}
	return err;
}
