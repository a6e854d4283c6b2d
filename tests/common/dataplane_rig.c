/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include "common/dataplane_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "common/packet.h"
#include "common/wait.h"

static int run(const char *format, unsigned queues)
{
	char command[256];

	snprintf(command, sizeof(command), format, queues, queues, queues, queues);
	return system(command) ? -EIO : 0;
}

int dp_namespace(unsigned queues)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	return run("ip link add " DP_SENDER
		   " numrxqueues %u numtxqueues %u type veth peer name " DP_RECEIVER
		   " numrxqueues %u numtxqueues %u && ip link set " DP_SENDER
		   " up && ip link set " DP_RECEIVER " up && ethtool -K " DP_SENDER
		   " tx off >/dev/null",
		   queues);
}

void dp_config(struct myc_steer_config *config, unsigned channels)
{
	memset(config, 0, sizeof(*config));
	for (unsigned c = 0; c < channels; c++) {
		packet_mapped(config->binding[c].key.address, DP_GROUP);
		config->binding[c].key.port = (uint16_t)(DP_PORT + c);
		config->binding[c].key.vlan = MYC_VLAN_ANY;
		config->binding[c].value.channel = (uint16_t)c;
		config->channel[c].owner_row = MYC_NO_ROW;
		config->channel[c].standby_row = MYC_NO_ROW;
		config->channel[c].endpoint = (uint16_t)c;
		config->channel[c].page_slot = (uint16_t)c;
	}
	config->bindings_count = channels;
	config->channels_count = channels;
	config->processes_count = DP_PROCESSES;
}

void dp_regions(struct dp_rig *rig, const struct myc_dataplane_opts *opts)
{
	for (uint32_t p = 0; p < DP_PROCESSES; p++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_dataplane_plan(opts, p, &plan, NULL), 0);
		rig->region_fd[p] = myc_region_create("dp", &plan, NULL);
		assert_true(rig->region_fd[p] >= 0);
		assert_int_equal(
			myc_region_map(&rig->region[p], rig->region_fd[p], MYC_REGION_OWNER, NULL),
			0);
	}
}

void dp_regions_close(struct dp_rig *rig)
{
	for (uint32_t p = 0; p < DP_PROCESSES; p++) {
		myc_region_unmap(&rig->region[p]);
		close(rig->region_fd[p]);
	}
}

static int open_sender(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_ifindex = (int)if_nametoindex(DP_SENDER)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void dp_open(struct dp_rig *rig, unsigned queues, const struct myc_dataplane_opts *opts)
{
	assert_int_equal(dp_namespace(queues), 0);
	dp_open_here(rig, opts, MYC_SHARING_EXCLUSIVE, 0);
}

void dp_open_here(struct dp_rig *rig, const struct myc_dataplane_opts *opts,
		  enum myc_sharing sharing, uint32_t priority)
{
	const struct myc_program_opts program = {.sz = sizeof(program),
						 .name = "mycdp-test",
						 .interface = DP_RECEIVER,
						 .sharing = sharing,
						 .priority = priority};
	struct myc_error error = {0};

	memset(rig, 0, sizeof(*rig));
	dp_config(&rig->config, opts->endpoints);
	rig->opts = *opts;
	rig->opts.sz = sizeof(rig->opts);
	rig->opts.kind = MYC_DATAPLANE_XDP;
	rig->opts.interface = DP_RECEIVER;
	rig->opts.config = &rig->config;
	myc_program_cleanup(&program, 1, NULL);
	if (myc_program_load(&rig->program, &program, &rig->config, &error))
		fail_msg("load: %s: %s", error.doing, error.cause);
	dp_regions(rig, &rig->opts);
	if (myc_dataplane_open(&rig->dataplane, &rig->opts, rig->program, &error))
		fail_msg("open: %s: %s", error.doing, error.cause);
	if (myc_program_attach(rig->program, &error))
		fail_msg("attach: %s: %s", error.doing, error.cause);
	rig->sender = open_sender();
}

void dp_close(struct dp_rig *rig)
{
	close(rig->sender);
	assert_int_equal(myc_program_unload(rig->program, NULL), 0);
	myc_dataplane_close(rig->dataplane);
	dp_regions_close(rig);
}

struct myc_endpoint *dp_join(struct dp_rig *rig, uint32_t endpoint)
{
	struct myc_endpoint *joined = NULL;
	struct myc_error error = {0};

	if (myc_endpoint_join(&joined, rig->dataplane, endpoint, rig->region, DP_PROCESSES, NULL,
			      &error))
		fail_msg("join: %s: %s", error.doing, error.cause);
	return joined;
}

/* False: the other end's ring is full, of a host that is busy. */
static bool sent(const struct dp_rig *rig, const struct packet *packet)
{
	ssize_t size = send(rig->sender, packet->bytes, packet->size, 0);

	if (size < 0 && errno == ENOBUFS)
		return false;
	assert_int_equal(size, packet->size);
	return true;
}

void dp_send(struct dp_rig *rig, unsigned channel, unsigned flow, uint64_t number)
{
	struct packet packet;
	uint8_t *source;

	packet_begin(&packet, &(struct packet_shape){.port = (uint16_t)(DP_PORT + channel),
						     .group = DP_GROUP});
	packet_bytes(&packet, &number, sizeof(number));
	packet_end(&packet);
	source = packet.bytes + packet.udp;
	source[0] = (uint8_t)(40 + flow % 64);
	source[1] = (uint8_t)(flow * 7);
	wait_until(sent(rig, &packet));
}

void dp_for_host(uint8_t *frame)
{
	static const uint8_t group_mac[ETH_ALEN] = {0x01, 0x00, 0x5e, 0x07, 0x07, 0x07};
	uint8_t *ip = frame + ETH_HLEN;
	uint32_t sum = 0;

	memcpy(frame, group_mac, sizeof(group_mac));
	ip[10] = ip[11] = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

uint64_t dp_redirected(struct dp_rig *rig)
{
	uint64_t redirected = 0;

	for (uint32_t c = 0; c < rig->config.channels_count; c++) {
		struct myc_counters sum;

		assert_int_equal(myc_program_counters(rig->program, c + 1, &sum), 0);
		redirected += sum.reason[MYC_REASON_REDIRECTED];
	}
	return redirected;
}

void dp_ledger(struct dp_rig *rig, struct myc_ledger *ledger)
{
	assert_int_equal(myc_dataplane_ledger(rig->dataplane, rig->region, DP_PROCESSES, ledger),
			 0);
	assert_int_equal(ledger->in_fill + ledger->in_rx + ledger->in_hand + ledger->in_return +
				 ledger->in_completion + ledger->in_kernel,
			 ledger->frames);
	assert_true(ledger->in_kernel <= ledger->frames);
	assert_int_equal(dp_redirected(rig), ledger->handled + ledger->in_hand + ledger->in_rx +
						     ledger->rx_dropped + ledger->rx_ring_full);
}
