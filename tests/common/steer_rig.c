/* SPDX-License-Identifier: Apache-2.0 */
#include "common/steer_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>

#include "bpf/steer.skel.h"
#include "common/packet.h"
#include "common/sbe_body.h"
#include "common/test.h"

#define GROUP_A 0xef010101u
#define GROUP_B 0xef010102u

static struct myc_binding *bind_group(struct myc_steer_config *config, uint32_t group,
				      uint16_t vlan, uint16_t channel, uint8_t line)
{
	const uint32_t index = config->bindings_count++;

	config->binding[index].key.port = (uint16_t)(RIG_PORT + channel);
	config->binding[index].key.vlan = vlan;
	packet_mapped(config->binding[index].key.address, group);
	config->binding[index].value.channel = channel;
	config->binding[index].value.line = line;
	return &config->binding[index].value;
}

static void configure_bindings(struct myc_steer_config *config)
{
	static const uint8_t group6[16] = {0xff, 0x15, [15] = 1};
	struct myc_binding *binding;

	for (uint16_t channel = 0; channel < RIG_CHANNELS; channel++) {
		const bool by_vlan = channel == RIG_VLAN;

		binding = bind_group(config, GROUP_A, MYC_VLAN_ANY, channel, by_vlan ? 1 : 0);
		if (channel == RIG_ITCH_PLAIN) {
			binding->sources_count = 4;
			for (uint32_t i = 0; i < 4; i++)
				packet_mapped(binding->source[i], 0x0a000001 + i);
		}
		if (by_vlan)
			bind_group(config, GROUP_A, 100, channel, 0);
		else
			bind_group(config, GROUP_B, MYC_VLAN_ANY, channel, 1);
	}
	bind_group(config, 0, MYC_VLAN_ANY, RIG_ITCH, 2);
	memcpy(config->binding[config->bindings_count - 1].key.address, group6, sizeof(group6));
}

static void configure_channels(struct rig *rig)
{
	static const uint8_t protocol[RIG_CHANNELS] = {
		[RIG_ITCH] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_ITCH_PLAIN] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_IEX] = MYC_PROTOCOL_IEXTP,
		[RIG_STANDBY_CHANNEL] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_ORPHAN_PASS] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_NO_OWNER] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_ITCH_TYPES] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_VLAN] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_IEX_TYPES] = MYC_PROTOCOL_IEXTP,
		[RIG_ITCH_REORDER] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_ITCH_BOTH] = MYC_PROTOCOL_MOLDUDP64,
		[RIG_MDP3] = MYC_PROTOCOL_MDP3,
		[RIG_B3] = MYC_PROTOCOL_B3,
		[RIG_MEMX] = MYC_PROTOCOL_MEMX,
		[RIG_DERIBIT] = MYC_PROTOCOL_DERIBIT,
	};
	struct myc_channel_config *channel = rig->config->channel;
	const uint64_t watched[] = {iex_symbol("AAPL"), iex_symbol("ZIEXT")};

	for (uint16_t i = 0; i < RIG_CHANNELS; i++) {
		channel[i].protocol = protocol[i];
		channel[i].owner_row = RIG_OWNER_ROW;
		channel[i].standby_row = MYC_NO_ROW;
		channel[i].page_slot = i;
	}
	channel[RIG_ITCH].filter = MYC_FILTER_LOCATE;
	channel[RIG_ITCH].flags = MYC_CHANNEL_DROP_DUPLICATES;
	channel[RIG_IEX].filter = MYC_FILTER_SYMBOL;
	channel[RIG_IEX].flags = MYC_CHANNEL_DROP_DUPLICATES;
	channel[RIG_IEX].iex_protocol = 0x8003;
	channel[RIG_IEX].iex_channel = 1;
	channel[RIG_GENERIC32].flags = MYC_CHANNEL_DROP_DUPLICATES | MYC_CHANNEL_GENERIC_BIG_ENDIAN;
	channel[RIG_GENERIC32].generic_offset = 2;
	channel[RIG_GENERIC32].generic_width = 4;
	channel[RIG_STANDBY_CHANNEL].standby_row = RIG_STANDBY_ROW;
	channel[RIG_ORPHAN_PASS].orphan = MYC_ORPHAN_PASS;
	channel[RIG_NO_OWNER].owner_row = MYC_NO_ROW;
	channel[RIG_NO_OWNER].endpoint = RIG_DIRECT;
	channel[RIG_ITCH_TYPES].type_drop[1] = 1ull << ('P' & 63) | 1ull << ('Q' & 63);
	channel[RIG_GENERIC8].generic_width = 1;
	channel[RIG_GENERIC16].generic_width = 2;
	channel[RIG_GENERIC64].generic_width = 8;
	channel[RIG_IEX_TYPES].type_drop[1] = 1ull << ('T' & 63);
	channel[RIG_ITCH_REORDER].flags = MYC_CHANNEL_DROP_DUPLICATES;
	channel[RIG_ITCH_REORDER].reorder_window = 10;
	channel[RIG_ITCH_BOTH].filter = MYC_FILTER_LOCATE;
	channel[RIG_ITCH_BOTH].type_drop[1] = 1ull << ('P' & 63);
	for (unsigned i = RIG_MDP3; i <= RIG_DERIBIT; i++) {
		channel[i].flags = MYC_CHANNEL_DROP_DUPLICATES;
		channel[i].filter = MYC_FILTER_SBE;
		sbe_table((enum myc_sbe_framing)(i - RIG_MDP3), &rig->sbe[i - RIG_MDP3]);
		rig->config->sbe[i] = &rig->sbe[i - RIG_MDP3];
		rig->config->symbols[i] = &rig->instruments;
	}
	myc_symbol_filter_build(&rig->instruments, (const uint64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9},
				9);
	myc_symbol_filter_build(&rig->symbols, watched, 2);
	rig->config->symbols[RIG_IEX] = &rig->symbols;
}

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		abort();
	return memory;
}

void rig_open_twin(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->program = -1;
	for (int i = 0; i < RIG_ENDPOINTS; i++)
		rig->socket[i] = -1;
	rig->config = zeroed(1, sizeof(*rig->config));
	rig->slots = zeroed(MYC_BINDING_SLOTS, sizeof(*rig->slots));
	rig->registry = zeroed(MYC_REGISTRY_ROWS, sizeof(*rig->registry));
	rig->window = zeroed(RIG_CHANNELS, sizeof(*rig->window));
	rig->locate = zeroed(RIG_CHANNELS, sizeof(*rig->locate));
	rig->config->channels_count = RIG_CHANNELS;
	rig->config->processes_count = RIG_PROCESSES;
	configure_bindings(rig->config);
	configure_channels(rig);
	if (myc_binding_table_build(rig->slots, rig->config) != 0)
		abort();
	for (int i = 0; i < RIG_PROCESSES; i++)
		rig->pages[i] = &rig->page[i];
	rig->twin = (struct myc_steer_tables){
		.config = rig->config,
		.bindings = rig->slots,
		.registry = rig->registry,
		.processes = rig->processes,
		.pages = rig->pages,
		.system = &rig->system,
		.state = rig->state,
		.window = rig->window,
		.locate = rig->locate,
		.counters = rig->counters,
	};
	rig_reset(rig);
}

static void *map_memory(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int fill_configuration(struct rig *rig)
{
	const int bindings = bpf_map__fd(rig->object->maps.bindings);
	int err = 0;

	for (uint32_t i = 0; i < MYC_BINDING_SLOTS && !err; i++)
		if (rig->slots[i].used)
			err = bpf_map_update_elem(bindings, &i, &rig->slots[i], 0);
	for (uint32_t i = 0; i < RIG_CHANNELS && !err; i++) {
		err = bpf_map_update_elem(bpf_map__fd(rig->object->maps.channels), &i,
					  &rig->config->channel[i], 0);
		if (!err && rig->config->symbols[i])
			err = bpf_map_update_elem(bpf_map__fd(rig->object->maps.symbols), &i,
						  rig->config->symbols[i], 0);
		if (!err && rig->config->sbe[i])
			err = bpf_map_update_elem(bpf_map__fd(rig->object->maps.sbe), &i,
						  rig->config->sbe[i], 0);
	}
	return err;
}

static int make_pages(struct rig *rig)
{
	const struct bpf_map_create_opts opts = {.sz = sizeof(opts), .map_flags = BPF_F_MMAPABLE};

	for (uint32_t i = 0; i < RIG_PROCESSES; i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "page", 4,
					sizeof(struct myc_process_page), 1, &opts);
		int err;

		if (fd < 0)
			return fd;
		rig->map_page[i] = map_memory(fd, sizeof(struct myc_process_page));
		err = bpf_map_update_elem(bpf_map__fd(rig->object->maps.pages), &i, &fd, 0);
		close(fd);
		if (err || !rig->map_page[i])
			return -EIO;
	}
	return 0;
}

/* From Linux 7 on an XSKMAP takes only sockets with an RX ring. */
static int make_sockets(struct rig *rig)
{
	const int entries = 64;

	for (uint32_t i = 0; i < RIG_ENDPOINTS; i++) {
		const uint32_t row = i * MYC_QUEUES_MAX;

		rig->socket[i] = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
		if (rig->socket[i] < 0 ||
		    setsockopt(rig->socket[i], SOL_XDP, XDP_RX_RING, &entries, sizeof(entries)))
			return -errno;
		if (bpf_map_update_elem(bpf_map__fd(rig->object->maps.xsks), &row, &rig->socket[i],
					0) != 0)
			return -errno;
	}
	return 0;
}

static int load_object(struct rig *rig, bool vlans)
{
	struct steer_bpf *object = steer_bpf__open();

	rig->object = object;
	if (!object)
		return -errno;
	bpf_map__set_max_entries(object->maps.channels, RIG_CHANNELS);
	bpf_map__set_max_entries(object->maps.symbols, RIG_CHANNELS);
	bpf_map__set_max_entries(object->maps.sbe, RIG_CHANNELS);
	bpf_map__set_max_entries(object->maps.processes, RIG_PROCESSES);
	bpf_map__set_max_entries(object->maps.pages, RIG_PROCESSES);
	bpf_map__set_max_entries(object->maps.state, RIG_CHANNELS);
	bpf_map__set_max_entries(object->maps.window, RIG_CHANNELS);
	bpf_map__set_max_entries(object->maps.locate, RIG_CHANNELS);
	bpf_map__set_max_entries(object->maps.counters, RIG_CHANNELS + 1);
	object->rodata->bindings_with_vlan = vlans;
	return steer_bpf__load(object);
}

static int load(struct rig *rig, bool vlans)
{
	int err = load_object(rig, vlans);

	for (int i = 1; err == -EAGAIN && i < 10; i++) { /* a signal came while it was verified */
		steer_bpf__destroy(rig->object);
		err = load_object(rig, vlans);
	}
	if (err)
		return err;
	const struct steer_bpf *object = rig->object;

	rig->program = bpf_program__fd(object->progs.myc_steer);
	rig->map_registry = map_memory(bpf_map__fd(object->maps.registry),
				       MYC_REGISTRY_ROWS * sizeof(struct myc_registry_row));
	rig->map_processes =
		map_memory(bpf_map__fd(object->maps.processes), sizeof(rig->processes));
	rig->map_system = map_memory(bpf_map__fd(object->maps.system), sizeof(rig->system));
	rig->map_state = map_memory(bpf_map__fd(object->maps.state), sizeof(rig->state));
	rig->map_window =
		map_memory(bpf_map__fd(object->maps.window), RIG_CHANNELS * sizeof(*rig->window));
	rig->map_locate =
		map_memory(bpf_map__fd(object->maps.locate), RIG_CHANNELS * sizeof(*rig->locate));
	if (!rig->map_registry || !rig->map_processes || !rig->map_system || !rig->map_state ||
	    !rig->map_window || !rig->map_locate)
		return -EIO;
	err = fill_configuration(rig);
	err = err ? err : make_pages(rig);
	return err ? err : make_sockets(rig);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN && getenv("V") ? vfprintf(stderr, format, arguments) : 0;
}

int rig_open(struct rig *rig, bool vlans)
{
	int err;

	rig_open_twin(rig);
	libbpf_set_print(quiet);
	err = load(rig, vlans);
	if (err)
		rig_close(rig);
	else
		rig_push(rig);
	return err;
}

void rig_close(struct rig *rig)
{
	if (rig->map_registry)
		munmap(rig->map_registry, MYC_REGISTRY_ROWS * sizeof(struct myc_registry_row));
	if (rig->map_processes)
		munmap(rig->map_processes, sizeof(rig->processes));
	if (rig->map_system)
		munmap(rig->map_system, sizeof(rig->system));
	if (rig->map_state)
		munmap(rig->map_state, sizeof(rig->state));
	if (rig->map_window)
		munmap(rig->map_window, RIG_CHANNELS * sizeof(*rig->window));
	if (rig->map_locate)
		munmap(rig->map_locate, RIG_CHANNELS * sizeof(*rig->locate));
	for (int i = 0; i < RIG_PROCESSES; i++)
		if (rig->map_page[i])
			munmap(rig->map_page[i], sizeof(struct myc_process_page));
	for (int i = 0; i < RIG_ENDPOINTS; i++)
		if (rig->socket[i] >= 0)
			close(rig->socket[i]);
	steer_bpf__destroy(rig->object);
	free(rig->config);
	free(rig->slots);
	free(rig->registry);
	free(rig->window);
	free(rig->locate);
	memset(rig, 0, sizeof(*rig));
}

static void announce(struct rig *rig)
{
	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		struct myc_channel_page *page = &rig->page[0].channel[i];
		uint64_t *session = page->session[RIG_EPOCH & 3];

		if (rig->config->channel[i].protocol == MYC_PROTOCOL_MOLDUDP64)
			memcpy(session, RIG_SESSION, 10);
		else if (rig->config->channel[i].protocol != MYC_PROTOCOL_MDP3)
			session[0] = 7;
		page->watermark = myc_epoch_word(RIG_EPOCH, 100);
		if (rig->config->channel[i].filter == MYC_FILTER_LOCATE) {
			rig->locate[i].armed = 1ull << 63 | RIG_EPOCH;
			rig->locate[i].watched[0] = 0x3fe;
		}
	}
}

void rig_reset(struct rig *rig)
{
	memset(rig->registry, 0, MYC_REGISTRY_ROWS * sizeof(*rig->registry));
	memset(rig->window, 0, RIG_CHANNELS * sizeof(*rig->window));
	memset(rig->locate, 0, RIG_CHANNELS * sizeof(*rig->locate));
	memset(rig->processes, 0, sizeof(rig->processes));
	memset(rig->page, 0, sizeof(rig->page));
	memset(&rig->system, 0, sizeof(rig->system));
	memset(rig->state, 0, sizeof(rig->state));
	memset(rig->counters, 0, sizeof(rig->counters));
	rig->registry[RIG_OWNER_ROW].state_endpoint = myc_row_word(MYC_ROW_UP, RIG_OWNER);
	rig->registry[RIG_OWNER_ROW].process = 0;
	rig->registry[RIG_STANDBY_ROW].state_endpoint = myc_row_word(MYC_ROW_UP, RIG_STANDBY);
	rig->registry[RIG_STANDBY_ROW].process = 1;
	rig->processes[0].incarnation = 3;
	rig->processes[0].dead_incarnation = 2;
	rig->processes[1].incarnation = 1;
	announce(rig);
}

void rig_push(struct rig *rig)
{
	memcpy(rig->map_registry, rig->registry, MYC_REGISTRY_ROWS * sizeof(*rig->registry));
	memcpy(rig->map_processes, rig->processes, sizeof(rig->processes));
	memcpy(rig->map_system, &rig->system, sizeof(rig->system));
	memcpy(rig->map_state, rig->state, sizeof(rig->state));
	memcpy(rig->map_window, rig->window, RIG_CHANNELS * sizeof(*rig->window));
	memcpy(rig->map_locate, rig->locate, RIG_CHANNELS * sizeof(*rig->locate));
	for (int i = 0; i < RIG_PROCESSES; i++)
		memcpy(rig->map_page[i], &rig->page[i], sizeof(rig->page[i]));
	rig_counters_clear(rig);
}

int rig_run_program(struct rig *rig, const uint8_t *frame, uint32_t size, uint32_t meta_before,
		    struct rig_run *run)
{
	uint8_t in[PACKET_MAX + 256] = {0}, out[PACKET_MAX + 512] = {0};
	struct xdp_md before = {.data = meta_before, .data_end = size + meta_before}, after = {0};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = in,
		.data_size_in = size + meta_before,
		.data_out = out,
		.data_size_out = sizeof(out),
		.ctx_in = &before,
		.ctx_size_in = sizeof(before),
		.ctx_out = &after,
		.ctx_size_out = sizeof(after),
		.repeat = 1,
	};
	int err;

	memcpy(in + meta_before, frame, size);
	err = bpf_prog_test_run_opts(rig->program, &opts);
	if (err)
		return err;
	run->action = opts.retval;
	run->has_meta = after.data - after.data_meta == MYC_META_SIZE && meta_before == 0;
	if (run->has_meta)
		memcpy(&run->meta, out, sizeof(run->meta));
	/* Whatever the verdict, the packet itself is untouched. */
	if (opts.data_size_out - (after.data - after.data_meta) != size ||
	    memcmp(out + (after.data - after.data_meta), frame, size) != 0)
		return -EBADMSG;
	return 0;
}

void rig_counters(const struct rig *rig, struct myc_counters *counters)
{
	const int cpus = libbpf_num_possible_cpus();
	struct myc_counters *row = zeroed((size_t)cpus, sizeof(*row));

	memset(counters, 0, (RIG_CHANNELS + 1) * sizeof(*counters));
	for (uint32_t i = 0; i <= RIG_CHANNELS; i++) {
		bpf_map_lookup_elem(bpf_map__fd(rig->object->maps.counters), &i, row);
		for (int cpu = 0; cpu < cpus; cpu++) {
			const uint64_t *from = row[cpu].reason;
			uint64_t *to = counters[i].reason;

			for (size_t word = 0; word < sizeof(*row) / 8; word++)
				to[word] += from[word];
		}
	}
	free(row);
}

void rig_counters_clear(const struct rig *rig)
{
	struct myc_counters *row = zeroed((size_t)libbpf_num_possible_cpus(), sizeof(*row));

	for (uint32_t i = 0; i <= RIG_CHANNELS; i++)
		bpf_map_update_elem(bpf_map__fd(rig->object->maps.counters), &i, row, 0);
	free(row);
}

const char *rig_difference(const struct rig *rig, bool windows_too)
{
	struct myc_counters counters[RIG_CHANNELS + 1];

	rig_counters(rig, counters);
	if (memcmp(counters, rig->counters, sizeof(counters)) != 0)
		return "counters";
	if (memcmp(rig->map_state, rig->state, sizeof(rig->state)) != 0)
		return "channel state";
	if (windows_too &&
	    memcmp(rig->map_window, rig->window, RIG_CHANNELS * sizeof(*rig->window)) != 0)
		return "filtered windows";
	return NULL;
}

bool rig_opened(struct rig *rig, int *exit_code)
{
	const int err = rig_open(rig, true);

	if (err == -EPERM || err == -EACCES)
		printf("loading a BPF program needs root\n");
	else if (err)
		printf("loading the steering program: %s\n", strerror(-err));
	*exit_code = err == -EPERM || err == -EACCES ? TEST_SKIPPED : 1;
	return !err;
}
