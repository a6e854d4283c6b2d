/* SPDX-License-Identifier: Apache-2.0 */
/* Broken topologies: each a one-line cause with its place and remedy. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "runtime/channels_yaml.h"
#include "runtime/layout.h"
#include "runtime/library.h"
#include "runtime/topology.h"

#define LINES_A	  "lines: [ { group: 239.1.1.1, port: 26400 } ]"
#define LINES_B	  "lines: [ { group: 239.1.1.2, port: 26400 } ]"
#define CHANNEL	  "channels: [ { name: itch, protocol: moldudp64, " LINES_A " } ]\n"
#define UDP	  "network: { kind: udp }\n"
#define ACTOR	  "{ name: a, behaviour: b }"
#define PROCESS	  "processes: [ { name: p, library: l.so, actors: [ " ACTOR " ] } ]\n"
#define BEFORE	  "system: s\n"
#define FED(name) "{ name: " name ", behaviour: b, feeds: [ itch ] }"

/* The message must start with the place and contain the rest. */
static const struct broken {
	const char *text;
	const char *place;
	const char *says;
} broken[] = {
	/* the whole */
	{"", "t.yaml:1:", "empty"},
	{"[ 1, 2 ]\n", "t.yaml:1:", "mapping"},
	{"system: s\n", "t.yaml:1:", "processes"},
	{PROCESS, "t.yaml:1:", "system"},
	{BEFORE PROCESS "colour: red\n", "t.yaml:3: colour", "unknown key"},
	{BEFORE PROCESS "system: t\n", "t.yaml:3: system", "twice"},
	{BEFORE "netwrok: { kind: udp }\n" PROCESS, "t.yaml:2: netwrok", "network"},
	{BEFORE "processes: [ { name: p\n", "t.yaml:", ""},
	{BEFORE "\tprocesses: 1\n", "t.yaml:2:", ""},
	/* system */
	{"system: Demo\n" PROCESS, "t.yaml:1: system: Demo", "abc"},
	{"system: under_score\n" PROCESS, "t.yaml:1: system", "abc"},
	{"system: ''\n" PROCESS, "t.yaml:1: system", "empty"},
	{"system: abcdefghijabcdefghijabcdefghijab\n" PROCESS, "t.yaml:1: system", "31"},
	{"system: [ a ]\n" PROCESS, "t.yaml:1: system", "single value"},
	/* network */
	{BEFORE "network: { kind: upd }\n" PROCESS, "t.yaml:2: network.kind: upd", "udp"},
	{BEFORE "network: { kind: xdp }\n" PROCESS, "t.yaml:2: network", "no interface"},
	{BEFORE "network: { kind: file }\n" PROCESS, "t.yaml:2: network", "no file"},
	{BEFORE "network: { kind: xdp, interface: abcdefghijklmnopq }\n" PROCESS,
	 "t.yaml:2: network.interface", "15"},
	{BEFORE "network: { kind: udp, queues: [ 64 ] }\n" PROCESS,
	 "t.yaml:2: network.queues[0]: 64", "0 to 63"},
	{BEFORE "network: { kind: udp, queues: [ 1, 1 ] }\n" PROCESS,
	 "t.yaml:2: network.queues[1]: 1", "twice"},
	{BEFORE "network: { kind: udp, queues: [] }\n" PROCESS, "t.yaml:2: network.queues", ""},
	{BEFORE "network: { kind: udp, queues: 0 }\n" PROCESS, "t.yaml:2: network.queues", ""},
	{BEFORE "network: { kind: udp, mode: fast }\n" PROCESS, "t.yaml:2: network.mode: fast",
	 "zerocopy"},
	{BEFORE "network: { kind: udp, wait: busy }\n" PROCESS, "t.yaml:2: network.wait: busy", ""},
	{BEFORE "network: { kind: udp, attach: offload }\n" PROCESS,
	 "t.yaml:2: network.attach: offload", "native"},
	{BEFORE "network: { kind: udp, sharing: beside }\n" PROCESS,
	 "t.yaml:2: network.sharing: beside", "dispatcher"},
	{BEFORE "network: { kind: udp, priority: 0 }\n" PROCESS, "t.yaml:2: network.priority: 0",
	 "1 to 65535"},
	{BEFORE "network: { kind: udp, frames: 1000 }\n" PROCESS, "t.yaml:2: network.frames: 1000",
	 "power of two"},
	{BEFORE "network: { kind: udp, frames: 32 }\n" PROCESS, "t.yaml:2: network.frames: 32",
	 "64 to"},
	{BEFORE "network: { kind: udp, frame_size: 1024 }\n" PROCESS,
	 "t.yaml:2: network.frame_size: 1024", "2048 to 4096"},
	{BEFORE "network: { kind: file, file: x.pcap, speed: -1 }\n" PROCESS,
	 "t.yaml:2: network.speed: -1", "0 to"},
	{BEFORE "network: { kind: udp, join_groups: perhaps }\n" PROCESS,
	 "t.yaml:2: network.join_groups: perhaps", "true"},
	{BEFORE "network: { kind: udp, interfaces: eth0 }\n" PROCESS,
	 "t.yaml:2: network: interfaces", "did you mean 'interface'"},
	/* channels: more in the loader's own tests */
	{BEFORE UDP "channels: [ { name: itch, protocol: moldudp64 } ]\n" PROCESS,
	 "t.yaml:3:", "lines"},
	{BEFORE UDP "channels: [ { name: itch, protocol: mold, " LINES_A " } ]\n" PROCESS,
	 "t.yaml:3: channels[0].protocol: mold", "moldudp64"},
	{BEFORE UDP "channels: [ { name: itch, protocol: moldudp64, " LINES_A
		    ", reorder_packets: 0 } ]\n" PROCESS,
	 "t.yaml:3: channels[0].reorder_packets: 0", "1 to"},
	{BEFORE UDP "channels: [ { name: itch, protocol: moldudp64, " LINES_A
		    ", endpoint: 1 } ]\n" PROCESS,
	 "t.yaml:3: channels[0]: endpoint", "unknown key"},
	{BEFORE UDP CHANNEL PROCESS, "t.yaml:3: channels[0].name: itch", "no actor is fed"},
	/* supervisor */
	{BEFORE "supervisor: { intensity: 1001 }\n" PROCESS, "t.yaml:2: supervisor.intensity: 1001",
	 "0 to 1000"},
	{BEFORE "supervisor: { period_s: 0 }\n" PROCESS, "t.yaml:2: supervisor.period_s: 0",
	 "1 to 86400"},
	{BEFORE "supervisor: { lease_ms: 50 }\n" PROCESS, "t.yaml:2: supervisor.lease_ms: 50",
	 "100 to"},
	{BEFORE "supervisor: { credit_cycles: break }\n" PROCESS,
	 "t.yaml:2: supervisor.credit_cycles", "report"},
	{BEFORE "supervisor: { strategy: one_for_all }\n" PROCESS, "t.yaml:2: supervisor: strategy",
	 "unknown key"},
	/* processes */
	{BEFORE "processes: []\n", "t.yaml:2: processes", ""},
	{BEFORE "processes: { name: p }\n", "t.yaml:2: processes", ""},
	{BEFORE "processes: [ { library: l.so, actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0]", "name"},
	{BEFORE "processes: [ { name: p, actors: [ " ACTOR " ] } ]\n", "t.yaml:2: processes[0]",
	 "library"},
	{BEFORE "processes: [ { name: p, library: l.so } ]\n", "t.yaml:2: processes[0]", "actors"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [] } ]\n",
	 "t.yaml:2: processes[0].actors", ""},
	{BEFORE "processes: [ { name: p q, library: l.so, actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].name: p q", "use"},
	{BEFORE "processes: [ { name: p, library: l.so, restart: always, actors: [ " ACTOR
		" ] } ]\n",
	 "t.yaml:2: processes[0].restart: always", "permanent"},
	{BEFORE "processes: [ { name: p, library: l.so, shutdown_ms: 0, actors: [ " ACTOR
		" ] } ]\n",
	 "t.yaml:2: processes[0].shutdown_ms: 0", "1 to"},
	{BEFORE "processes: [ { name: p, library: l.so, slots: 1048513, actors: [ " ACTOR "] } ]\n",
	 "t.yaml:2: processes[0].slots: 1048513", "64 to 1048512"},
	{BEFORE "processes: [ { name: p, library: l.so, lane_slots: 100, actors: [ " ACTOR
		" ] } ]\n",
	 "t.yaml:2: processes[0].lane_slots: 100", "power of two"},
	{BEFORE "processes:\n- { name: p, library: l.so, actors: [ " ACTOR " ] }\n"
		"- { name: p, library: l.so, actors: [ { name: c, behaviour: b } ] }\n",
	 "t.yaml:4: processes[1].name: p", "line 3"},
	/* sizes */
	{BEFORE
	 "processes: [ { name: p, library: l.so, buffers: [ { size: 256 } ], actors: [ " ACTOR
	 " ] } ]\n",
	 "t.yaml:2: processes[0].buffers[0]", "count"},
	{BEFORE "processes: [ { name: p, library: l.so, buffers: [ { size: 100, count: 1 } ], "
		"actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].buffers[0].size: 100", "multiple of 64"},
	{BEFORE "processes: [ { name: p, library: l.so, buffers: [ { size: 256, count: 1 }, "
		"{ size: 256, count: 2 } ], actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].buffers[1].size: 256", "smallest first"},
	{BEFORE "processes: [ { name: p, library: l.so, buffers: [ { size: 256, count: 0 } ], "
		"actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].buffers[0].count: 0", "1 to"},
	{BEFORE "processes: [ { name: p, library: l.so, directory: 65537, actors: [ " ACTOR
		" ] } ]\n",
	 "t.yaml:2: processes[0].directory: 65537", "1 to 65536"},
	{BEFORE
	 "processes: [ { name: p, library: l.so, executors: [ { asks: 65536 } ], actors: [ " ACTOR
	 " ] } ]\n",
	 "t.yaml:2: processes[0].executors[0].asks: 65536", "1 to 65535"},
	/* topics */
	{BEFORE "processes: [ { name: p, library: l.so, topics: [ { slots: 8 } ], actors: [ " ACTOR
		" ] } ]\n",
	 "t.yaml:2: processes[0].topics[0]", "name"},
	{BEFORE "processes: [ { name: p, library: l.so, topics: [ { name: x, slots: 100 } ], "
		"actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].topics[0].slots: 100", "power of two"},
	{BEFORE
	 "processes: [ { name: p, library: l.so, topics: [ { name: x, payload_max: 65537 } ], "
	 "actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].topics[0].payload_max: 65537", "1 to 65536"},
	{BEFORE
	 "processes: [ { name: p, library: l.so, topics: [ { name: x, keys: 8, reliable: yes "
	 "} ], actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].topics[0].keys: 8", "reliable"},
	{BEFORE "processes: [ { name: p, library: l.so, topics: [ { name: x, patience: 5 ms } ], "
		"actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].topics[0].patience: 5 ms", "reliable: true"},
	{BEFORE "processes:\n- { name: p, library: l.so, topics: [ { name: x } ], actors: [ " ACTOR
		" ] }\n- { name: q, library: l.so, topics: [ { name: x } ], actors: [ { name: c, "
		"behaviour: b } ] }\n",
	 "t.yaml:4: processes[1].topics[0].name: x", "process 'p'"},
	/* executors */
	{BEFORE
	 "processes: [ { name: p, library: l.so, executors: [ { core: 4000 } ], actors: [ " ACTOR
	 " ] } ]\n",
	 "t.yaml:2: processes[0].executors[0].core: 4000", "no such core"},
	{BEFORE
	 "processes: [ { name: p, library: l.so, executors: [ { core: x } ], actors: [ " ACTOR
	 " ] } ]\n",
	 "t.yaml:2: processes[0].executors[0].core: x", "not a number"},
	{BEFORE
	 "processes: [ { name: p, library: l.so, executors: [ { node: 63 } ], actors: [ " ACTOR
	 " ] } ]\n",
	 "t.yaml:2: processes[0].executors[0].node: 63", "no such NUMA node"},
	{BEFORE "processes: [ { name: p, library: l.so, executors: [ { core: 0, node: 0 } ], "
		"actors: [ " ACTOR " ] } ]\n",
	 "t.yaml:2: processes[0].executors[0].node: 0", "core or a node"},
	{BEFORE
	 "processes: [ { name: p, library: l.so, executors: [ { idle: nap } ], actors: [ " ACTOR
	 " ] } ]\n",
	 "t.yaml:2: processes[0].executors[0].idle: nap", "sleep"},
	{BEFORE
	 "processes:\n"
	 "- { name: p, library: l.so, executors: [ { core: 0, idle: spin } ], actors: [ " ACTOR
	 " ] }\n"
	 "- { name: q, library: l.so, executors: [ { core: 0, idle: pause } ], actors: [ { "
	 "name: c, behaviour: b } ] }\n",
	 "t.yaml:4: processes[1].executors[0].core: 0", "line 3 spins"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b, "
		"executor: 1 } ] } ]\n",
	 "t.yaml:2: processes[0].actors[0].executor: 1", "0 to 0"},
	/* actors */
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a } ] } ]\n",
	 "t.yaml:2: processes[0].actors[0]", "behaviour"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: 'a b', behaviour: b } ] "
		"} ]\n",
	 "t.yaml:2: processes[0].actors[0].name: a b", "use"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b-c } ] } "
		"]\n",
	 "t.yaml:2: processes[0].actors[0].behaviour: b-c", "use"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: network, behaviour: b } "
		"] } ]\n",
	 "t.yaml:2: processes[0].actors[0].name: network", "reserved"},
	{BEFORE "processes:\n- name: p\n  library: l.so\n  actors: [ " ACTOR ",\n    " ACTOR " ]\n",
	 "t.yaml:6: processes[0].actors[1].name: a", "line 5"},
	{BEFORE "processes:\n- { name: p, library: l.so, actors: [ " ACTOR " ] }\n"
		"- { name: q, library: l.so, actors: [ " ACTOR " ] }\n",
	 "t.yaml:4: processes[1].actors[0].name: a", "line 3"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b, "
		"settings: [ x ] } ] } ]\n",
	 "t.yaml:2: processes[0].actors[0].settings", "mapping"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b, "
		"settings: { k: [ x ] } } ] } ]\n",
	 "t.yaml:2: processes[0].actors[0].settings.k", "single value"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b, "
		"intensity: 0 } ] } ]\n",
	 "t.yaml:2: processes[0].actors[0].intensity: 0", "1 to"},
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b, "
		"phase: gates } ] } ]\n",
	 "t.yaml:2: processes[0].actors[0].phase: gates", "describe it under phases:"},
	{BEFORE "phases: [ { name: gates } ]\n"
		"processes: [ { name: p, library: l.so, actors: [ { name: a, behaviour: b, "
		"phase: gate } ] } ]\n",
	 "t.yaml:3: processes[0].actors[0].phase: gate", "gates"},
	{BEFORE "phases: [ { name: gates }, { name: gates } ]\n" PROCESS,
	 "t.yaml:2: phases[1].name: gates", "name of its own"},
	{BEFORE "phases: [ { timeout_ms: 5 } ]\n" PROCESS, "t.yaml:2: phases[0]", "name"},
	{BEFORE "phases: [ { name: g, timeout_ms: 0 } ]\n" PROCESS,
	 "t.yaml:2: phases[0].timeout_ms: 0", "1 to"},
	/* feeds */
	{BEFORE "processes: [ { name: p, library: l.so, actors: [ " FED("a") " ] } ]\n",
	 "t.yaml:2: processes[0].actors[0].feeds[0]: itch", "describe it under channels:"},
	{BEFORE UDP CHANNEL "processes: [ { name: p, library: l.so, actors: [ { name: a, "
			    "behaviour: b, feeds: [ itchy ] } ] } ]\n",
	 "t.yaml:4: processes[0].actors[0].feeds[0]: itchy", "itch"},
	{BEFORE CHANNEL "processes: [ { name: p, library: l.so, actors: [ " FED("a") " ] } ]\n",
	 "t.yaml:3: processes[0].actors[0].feeds", "no network"},
	{BEFORE UDP CHANNEL
	 "processes:\n- name: p\n  library: l.so\n  actors:\n  - " FED("a") "\n  - " FED("c") "\n",
	 "t.yaml:9: processes[0].actors[1].feeds[0]: itch", "actor 'a' on line 8"},
	{BEFORE UDP CHANNEL "processes: [ { name: p, library: l.so, actors: [ { name: a, "
			    "behaviour: b, feeds: [ itch, itch ] } ] } ]\n",
	 "t.yaml:4: processes[0].actors[0].feeds[1]: itch", "already"},
};

static int read_text(const char *text, const char *kind,
		     const struct myc_topology_override *overrides, unsigned count,
		     struct myc_topology **topology, struct myc_error *error)
{
	struct myc_yaml *yaml;
	int err = myc_yaml_parse(&yaml, "t.yaml", text, strlen(text), error);

	if (err)
		return err;
	err = myc_topology_read(topology, yaml, "dir", kind, overrides, count, error);
	myc_yaml_close(yaml);
	return err;
}

static void each_broken_topology_is_one_line_with_place_cause_and_remedy(void **state)
{
	unsigned wrong = 0;

	(void)state;
	assert_true(sizeof(broken) / sizeof(broken[0]) >= 60);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		const struct broken *one = &broken[i];
		struct myc_topology *topology = NULL;
		struct myc_error error = {0};
		char text[1100];
		int err = read_text(one->text, NULL, NULL, 0, &topology, &error);

		myc_error_format(&error, text, sizeof(text));
		if (err == -EINVAL && !strncmp(text, one->place, strlen(one->place)) &&
		    strstr(text, one->says) && !strchr(text, '\n') && error.remedy[0])
			continue;
		print_message("case %zu gave %d: %s\n   expected %s ... %s\n", i, err, text,
			      one->place, one->says);
		myc_topology_free(topology);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* One that is right. */
static struct myc_topology *must_read(const char *text, const char *kind,
				      const struct myc_topology_override *overrides, unsigned count)
{
	struct myc_topology *topology = NULL;

	if (read_text(text, kind, overrides, count, &topology, NULL))
		abort();
	return topology;
}

static const char whole[] =
	"system: demo\n"
	"network: { kind: udp, interface: veth1, queues: [0, 2], wait: blocking, frames: 4096 }\n"
	"channels:\n"
	"  - { name: itch, protocol: moldudp64, " LINES_A ", gap_timeout_ms: 20 }\n"
	"  - { name: tops, protocol: iextp, " LINES_B ", reorder_packets: 8 }\n"
	"supervisor: { intensity: 5, period_s: 9, lease_ms: 700, credit_cycles: fail }\n"
	"processes:\n"
	"  - name: market\n"
	"    restart: transient\n"
	"    shutdown_ms: 250\n"
	"    library: ./libbook.so\n"
	"    executors: [ { core: 0, idle: yield, batch: 32, share: 8, share_us: 250 }, { node: 0, "
	"asks: 4096, signals: 2048, watches: 128, states_kib: 64 } ]\n"
	"    buffers: [ { size: 128, count: 4096 }, { size: 4096, count: 16 } ]\n"
	"    loans: 5000\n"
	"    readings: 8\n"
	"    directory: 300\n"
	"    work_threads: 3\n"
	"    topics: [ { name: prices, keys: 64, payload_max: 8 }, { name: fills, slots: 256, "
	"reliable: "
	"true, patience: 5 ms } ]\n"
	"    actors:\n"
	"      - { name: book, behaviour: book, executor: 1, feeds: [itch], settings: { symbol: "
	"AAPL "
	"} }\n"
	"      - { name: tape, behaviour: tape, feeds: [tops], report_filtered: true }\n"
	"  - name: trade\n"
	"    library: /abs/libtrade.so\n"
	"    actors: [ { name: strategy, behaviour: strategy } ]\n";

static void a_whole_topology_reads_as_written(void **state)
{
	struct myc_topology *t = NULL;

	(void)state;
	t = must_read(whole, NULL, NULL, 0);
	assert_string_equal(t->system, "demo");
	assert_int_equal(t->network.kind, MYC_DATAPLANE_UDP);
	assert_true(t->network.queues == 5);
	assert_int_equal(t->network.wait, MYC_WAIT_BLOCKING);
	assert_int_equal(t->network.frames, 4096);
	assert_int_equal(t->limit.intensity, 5);
	assert_true(t->limit.period_ns == 9000000000ull);
	assert_int_equal(t->lease_ms, 700);
	assert_int_equal(t->cycles, MYC_CYCLES_FAIL);
	assert_int_equal(t->processes, 2);
	assert_int_equal(t->endpoints, 2);
	const struct myc_topology_process *p = &t->process[0];
	assert_int_equal(p->restart, MYC_TRANSIENT);
	assert_int_equal(p->shutdown_ms, 250);
	assert_string_equal(p->library, "dir/./libbook.so");
	assert_int_equal(p->executors, 2);
	assert_int_equal(p->executor[0].core, 0);
	assert_int_equal(p->executor[0].batch, 32);
	assert_int_equal(p->executor[0].share, 8);
	assert_int_equal(p->executor[0].share_ns, 250000);
	assert_int_equal(p->executor[1].share_ns, 0);
	assert_int_equal(p->executor[1].core, -1);
	assert_int_equal(p->executor[1].node, 1);
	assert_int_equal(p->executor[1].idle, MYC_IDLE_SLEEP);
	assert_int_equal(p->executor[1].asks, 4096);
	assert_int_equal(p->executor[1].signals, 2048);
	assert_int_equal(p->executor[1].watches, 128);
	assert_int_equal(p->executor[1].states_kib, 64);
	assert_int_equal(p->topics, 2);
	assert_string_equal(p->topic_name[0], "prices");
	assert_int_equal(p->topic[0].keys, 64);
	assert_int_equal(p->topic[0].payload_max, 8);
	assert_int_equal(p->topic[1].slots, 256);
	assert_true(p->topic[1].reliable && p->topic[1].patience_ns == 5000000);
	assert_int_equal(p->actor[0].executor, 1);
	assert_int_equal(p->actor[0].feeds, 1);
	assert_int_equal(p->actor[0].endpoint, 0);
	assert_string_equal(p->actor[0].setting[0].value, "AAPL");
	assert_int_equal(p->actor[1].feed[0], 1);
	assert_true(p->actor[1].report_filtered);
	assert_string_equal(t->process[1].library, "/abs/libtrade.so");
	assert_int_equal(t->process[1].actor[0].endpoint, MYC_NO_ENDPOINT);
	assert_true(t->channels->spec[0].gap_timeout_ns == 20000000);
	assert_int_equal(t->channels->spec[1].reorder_packets, 8);
	myc_topology_free(t);
}

static void the_command_line_changes_network_supervisor_and_settings(void **state)
{
	static const struct myc_topology_override overrides[] = {
		{"network.frames", "128"}, {"network.queues", "[3]"}, {"supervisor.intensity", "0"},
		{"book.symbol", "MSFT"},   {"strategy.limit", "10"},
	};
	struct myc_topology *t = NULL;
	struct myc_error error;

	(void)state;
	assert_int_equal(read_text(whole, "xdp", overrides, 5, &t, &error), -EINVAL);
	assert_non_null(strstr(error.cause, "no interface")); /* the file's was for udp */
	t = must_read(whole, "udp", overrides, 5);
	assert_string_equal(t->network.interface, "veth1");
	assert_int_equal(t->network.frames, 128);
	assert_true(t->network.queues == 8);
	assert_int_equal(t->limit.intensity, 0);
	assert_string_equal(t->process[0].actor[0].setting[0].value, "MSFT");
	assert_int_equal(t->process[0].actor[0].settings, 1);
	assert_string_equal(t->process[1].actor[0].setting[0].key, "limit");
	myc_topology_free(t);
	assert_int_equal(read_text(whole, NULL,
				   &(struct myc_topology_override){"network.frames", "100"}, 1, &t,
				   &error),
			 -EINVAL);
	assert_non_null(strstr(error.cause, "--set network:1: frames: 100"));
	assert_int_equal(
		read_text(whole, NULL, &(struct myc_topology_override){"x.y", "1"}, 1, &t, &error),
		-EINVAL);
}

static void a_layout_gives_rows_endpoints_and_owners(void **state)
{
	struct myc_topology *t = NULL;
	struct myc_layout *layout = NULL;
	struct myc_error error;

	(void)state;
	t = must_read(whole, NULL, NULL, 0);
	if (myc_layout_make(&layout, t, &error))
		abort();
	const struct myc_steer_config *config = layout->dataplane.config;
	assert_int_equal(config->channel[0].owner_row, layout->row[0][0]);
	assert_int_equal(config->channel[1].owner_row, layout->row[0][1]);
	assert_int_equal(layout->system[0].buffers[0].size, 128);
	assert_int_equal(layout->system[0].buffers[0].count, 4096);
	assert_int_equal(layout->system[0].buffers[1].size, 4096);
	assert_int_equal(layout->system[0].buffers[1].count, 16);
	assert_int_equal(layout->system[0].buffers[2].size, 0);
	assert_int_equal(layout->system[0].loans, 5000);
	assert_int_equal(layout->system[0].readings, 8);
	assert_int_equal(layout->system[0].directory, 300);
	assert_int_equal(layout->system[0].work_threads, 3);
	assert_int_equal(layout->system[1].buffers[0].size, 0);
	assert_int_equal(layout->system[0].topics_count, 2);
	assert_string_equal(layout->system[0].topics[1].name, "fills");
	assert_true(layout->system[0].topics[1].reliable);
	assert_int_equal(layout->system[1].topics_count, 0);
	assert_int_equal(config->channel[0].page_slot, 0);
	assert_int_equal(config->channel[1].page_slot, 1);
	assert_int_equal(layout->endpoint[1].process, 0);
	assert_string_equal(layout->endpoint[1].name, "tape");
	struct myc_registry_entry entry;
	myc_layout_entry(layout, 1, 0, &entry);
	assert_true(entry.address == myc_address_make(0, 1, 0, 1));
	assert_string_equal(entry.name, "strategy");
	myc_layout_free(layout);
	myc_topology_free(t);
}

static void libraries_and_behaviours_are_checked_before_the_start(void **state)
{
	struct myc_topology *t = NULL;
	struct myc_error error;
	char text[512];

	(void)state;
	t = must_read(whole, NULL, NULL, 0);
	assert_int_equal(myc_topology_check_libraries(t, &error), -ENOENT);
	assert_non_null(strstr(error.cause, "dir/./libbook.so"));
	myc_topology_free(t);

	const char *named = getenv("BUILD"), *build = named ? named : "build";
	static const struct {
		const char *behaviour, *feeds, *says;
		int code;
	} table[] = {
		{"ping", "", "", 0},
		{"pinng", "", "no symbol myc_behaviour_pinng", -ENOENT},
		{"ping", ", feeds: [itch]", "behaviour ping takes none", -EINVAL},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text),
			 BEFORE "%s%sprocesses: [ { name: p, library: %s, actors: [ { name: a, "
				"behaviour: %s%s } ] } ]\n",
			 table[i].feeds[0] ? UDP : "", table[i].feeds[0] ? CHANNEL : "", "pair.so",
			 table[i].behaviour, table[i].feeds);
		t = must_read(text, NULL, NULL, 0);
		free(t->process[0].library);
		assert_true(asprintf(&t->process[0].library, "%s/tests/actors/pair.so", build) > 0);
		assert_int_equal(myc_topology_check_libraries(t, &error), table[i].code);
		if (table[i].code)
			assert_non_null(strstr(error.cause, table[i].says));
		myc_topology_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_broken_topology_is_one_line_with_place_cause_and_remedy),
		cmocka_unit_test(a_whole_topology_reads_as_written),
		cmocka_unit_test(the_command_line_changes_network_supervisor_and_settings),
		cmocka_unit_test(a_layout_gives_rows_endpoints_and_owners),
		cmocka_unit_test(libraries_and_behaviours_are_checked_before_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
