/* SPDX-License-Identifier: Apache-2.0 */
/* Captures as a source: pcap, pcapng, gzipped, cut short, corrupt; workers that come and go. */
#include "common/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <zlib.h>

#include "base/clock.h"
#include "common/dataplane_rig.h"
#include "common/packet.h"
#include "dataplane/source.h"

#define PACKETS 1000

static char folder[] = "/tmp/myc-file-test-XXXXXX";
static char path_text[128];

static const struct myc_endpoint_opts endpoints[] = {{.name = "a", .process = 0},
						     {.name = "b", .process = 1}};

static const char *path(const char *name)
{
	snprintf(path_text, sizeof(path_text), "%s/%s", folder, name);
	return path_text;
}

/* Packet i is for channel i & 1 and holds i; every tenth is for nobody. */
static void make_packet(struct packet *packet, uint64_t i)
{
	packet_begin(packet,
		     &(struct packet_shape){.port = (uint16_t)(i % 10 == 9 ? 9 : DP_PORT + (i & 1)),
					    .group = DP_GROUP});
	packet_bytes(packet, &i, sizeof(i));
	packet_end(packet);
}

static void write_pcap(const char *name, int link, unsigned count, unsigned apart_us)
{
	pcap_t *pcap = pcap_open_dead(link, 65535);
	pcap_dumper_t *out = pcap_dump_open(pcap, path(name));

	assert_non_null(out);
	for (unsigned i = 0; i < count; i++) {
		struct packet packet;
		struct pcap_pkthdr header = {.ts = {.tv_sec = 1000 + i * apart_us / 1000000,
						    .tv_usec = i * apart_us % 1000000}};

		make_packet(&packet, i);
		header.caplen = header.len = packet.size;
		pcap_dump((u_char *)out, &header, packet.bytes);
	}
	pcap_dump_close(out);
	pcap_close(pcap);
}

static void put_block(FILE *out, uint32_t type, const void *body, uint32_t size)
{
	uint32_t padded = (size + 3) & ~3u, total = padded + 12;
	static const uint8_t zero[4];

	fwrite(&type, 4, 1, out);
	fwrite(&total, 4, 1, out);
	fwrite(body, 1, size, out);
	fwrite(zero, 1, padded - size, out);
	fwrite(&total, 4, 1, out);
}

static void write_pcapng(const char *name, unsigned count)
{
	static const uint32_t section[] = {0x1a2b3c4d, 1, 0xffffffff, 0xffffffff};
	static const uint32_t interface[] = {DLT_EN10MB, 0};
	FILE *out = fopen(path(name), "w");

	put_block(out, 0x0a0d0d0a, section, sizeof(section));
	put_block(out, 1, interface, sizeof(interface));
	for (unsigned i = 0; i < count; i++) {
		struct {
			uint32_t interface, high, low, captured, size;
			uint8_t bytes[200];
		} block = {.low = i};
		struct packet packet;

		make_packet(&packet, i);
		block.captured = block.size = packet.size;
		memcpy(block.bytes, packet.bytes, packet.size);
		put_block(out, 6, &block, 20 + packet.size);
	}
	fclose(out);
}

/* The first `keep` bytes of a file (all of them with 0), through gzip or not. */
static void copy_file(const char *from, const char *to, long keep, bool gz)
{
	FILE *in = fopen(path(from), "r");
	static char bytes[1 << 20];
	size_t size = fread(bytes, 1, sizeof(bytes), in);

	fclose(in);
	if (keep)
		size = keep > 0 ? (size_t)keep : size + (size_t)keep;
	if (gz) {
		gzFile out = gzopen(path(to), "w");

		assert_int_equal(gzwrite(out, bytes, (unsigned)size), size);
		gzclose(out);
		return;
	}
	FILE *out = fopen(path(to), "w");
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}

static void open_file(struct dp_rig *rig, const char *name, double speed)
{
	struct myc_error error = {0};

	memset(rig, 0, sizeof(*rig));
	dp_config(&rig->config, 2);
	rig->opts = (struct myc_dataplane_opts){.sz = sizeof(rig->opts),
						.kind = MYC_DATAPLANE_FILE,
						.endpoint = endpoints,
						.endpoints = 2,
						.file = path(name),
						.file_speed = speed,
						.config = &rig->config};
	if (myc_dataplane_open(&rig->dataplane, &rig->opts, NULL, &error))
		fail_msg("%s: %s", error.doing, error.cause);
	dp_regions(rig, &rig->opts);
}

static void close_file(struct dp_rig *rig)
{
	myc_dataplane_close(rig->dataplane);
	dp_regions_close(rig);
}

static uint64_t expected(unsigned channel, unsigned count)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < count; i++)
		n += (i & 1) == channel && i % 10 != 9;
	return n;
}

/* Next number of a channel after `number`. */
static uint64_t after(uint64_t number)
{
	return (number + 2) % 10 == 9 ? number + 4 : number + 2;
}

static uint64_t number_of(const struct myc_packet *packet)
{
	uint64_t number;

	assert_int_equal(packet->payload_size, sizeof(number));
	memcpy(&number, packet->payload, sizeof(number));
	return number;
}

static void reads_whole(const char *name)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_ledger ledger;
	struct myc_counters sum;
	uint64_t handled = 0, counted = 0;

	open_file(&rig, name, 0);
	for (unsigned e = 0; e < 2; e++) {
		struct myc_endpoint *endpoint = dp_join(&rig, e);
		uint64_t next = e, got = 0;

		while (!myc_endpoint_exhausted(endpoint)) {
			unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

			for (unsigned i = 0; i < n; i++) {
				assert_int_equal(number_of(&packets[i]), next);
				assert_int_equal(packets[i].meta->channel, e);
				next = after(next);
			}
			got += n;
			myc_endpoint_done(endpoint);
		}
		assert_int_equal(got, expected(e, PACKETS));
		assert_int_equal(myc_endpoint_error(endpoint, NULL), 0);
		handled += got;
		myc_endpoint_leave(endpoint);
	}
	assert_int_equal(myc_dataplane_ledger(rig.dataplane, rig.region, DP_PROCESSES, &ledger), 0);
	assert_int_equal(ledger.handled, handled);
	assert_int_equal(ledger.in_fill, ledger.frames);
	/* Each packet of the file under one reason, though two workers read it. */
	for (uint32_t row = 0; row < 3; row++) {
		assert_int_equal(
			myc_dataplane_counters(rig.dataplane, rig.region, DP_PROCESSES, row, &sum),
			0);
		for (unsigned r = 0; r < MYC_REASONS_COUNT; r++)
			counted += sum.reason[r];
	}
	assert_int_equal(counted, PACKETS);
	close_file(&rig);
}

static void pcap_pcapng_and_gzip_read_alike(void **state)
{
	(void)state;
	write_pcap("a.pcap", DLT_EN10MB, PACKETS, 10);
	write_pcapng("a.pcapng", PACKETS);
	copy_file("a.pcap", "a.pcap.gz", 0, true);
	copy_file("a.pcapng", "a.pcapng.gz", 0, true);
	reads_whole("a.pcap");
	reads_whole("a.pcapng");
	reads_whole("a.pcap.gz");
	reads_whole("a.pcapng.gz");
}

/* As a worker that died between judging packets and putting them on the ring. */
static void judge_in_vain(struct dp_rig *rig, uint64_t packets)
{
	struct myc_twin_block *twin =
		myc_region_block(&rig->region[0], MYC_BLOCK_STEER_STATE, 0, NULL);

	twin->counters[1].reason[MYC_REASON_REDIRECTED] += packets;
}

/* Workers vanish with a batch in hand; each successor is given it again and goes on behind it. */
static void a_restarted_worker_goes_on_where_its_predecessor_was(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX], held;
	struct myc_ledger ledger;
	struct myc_counters sum;
	uint64_t chance = test_seed() + 5, done = 0, next = 0;
	unsigned restarts = 0;

	(void)state;
	write_pcap("a.pcap", DLT_EN10MB, PACKETS, 10);
	open_file(&rig, "a.pcap", 0);
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	while (!myc_endpoint_exhausted(endpoint)) {
		unsigned n = myc_endpoint_take(endpoint, packets, 1 + test_random(&chance) % 64);
		uint64_t number = next;

		for (unsigned i = 0; i < n; i++, number = after(number))
			assert_int_equal(number_of(&packets[i]), number);
		if (n && test_random(&chance) % 2 && restarts < 40) {
			/* Sometimes it held one of them before it died. */
			held = packets[0];
			if (!held.again && restarts % 2)
				assert_int_equal(myc_endpoint_hold(endpoint, &held), 0);
			myc_endpoint_leave(endpoint);
			judge_in_vain(&rig, 3);
			endpoint = dp_join(&rig, 0);
			restarts++;
			continue;
		}
		next = number;
		done += n;
		myc_endpoint_done(endpoint);
	}
	assert_true(restarts > 5);
	assert_int_equal(done, expected(0, PACKETS));
	assert_int_equal(myc_dataplane_ledger(rig.dataplane, rig.region, DP_PROCESSES, &ledger), 0);
	assert_int_equal(myc_dataplane_counters(rig.dataplane, rig.region, DP_PROCESSES, 1, &sum),
			 0);
	assert_int_equal(ledger.unpushed, 3 * restarts);
	assert_int_equal(sum.reason[MYC_REASON_REDIRECTED], ledger.handled + ledger.unpushed);
	myc_endpoint_leave(endpoint);
	close_file(&rig);
}

static void a_file_is_paced_by_its_timestamps(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];

	(void)state;
	write_pcap("slow.pcap", DLT_EN10MB, 21, 10000); /* 200 ms, at twice the speed */
	open_file(&rig, "slow.pcap", 2);
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	uint64_t begun = myc_clock_ns();
	while (!myc_endpoint_exhausted(endpoint)) {
		unsigned n = myc_endpoint_take(endpoint, packets, 64);

		/* Never early: packet i is 10 ms * i / 2 behind the first. */
		for (unsigned i = 0; i < n; i++)
			assert_true(myc_clock_ns() - begun >= number_of(&packets[i]) * 5000000);
		myc_endpoint_done(endpoint);
	}
	assert_true(myc_clock_ns() - begun >= 100000000);
	myc_endpoint_leave(endpoint);
	close_file(&rig);
}

static void refused(const char *name, const char *cause)
{
	struct myc_steer_config *config = calloc(1, sizeof(*config));
	struct myc_dataplane *dataplane = NULL;
	struct myc_error error = {0};

	dp_config(config, 2);
	struct myc_dataplane_opts opts = {.sz = sizeof(opts),
					  .kind = MYC_DATAPLANE_FILE,
					  .endpoint = endpoints,
					  .endpoints = 2,
					  .file = path(name),
					  .config = config};
	assert_true(myc_dataplane_open(&dataplane, &opts, NULL, &error) < 0);
	printf("%s: %s (%s)\n", error.doing, error.cause, error.remedy);
	assert_null(dataplane);
	assert_non_null(strstr(error.cause, path(name)));
	assert_non_null(strstr(error.cause, cause));
	assert_true(error.remedy[0]);
	free(config);
}

static void broken_files_are_refused_with_file_packet_and_cause(void **state)
{
	(void)state;
	write_pcap("a.pcap", DLT_EN10MB, PACKETS, 10);
	write_pcapng("a.pcapng", PACKETS);
	copy_file("a.pcap", "a.pcap.gz", 0, true);
	copy_file("a.pcap", "cut.pcap", -5, false);
	refused("cut.pcap", "packet 1000: truncated dump file");
	copy_file("a.pcap", "header.pcap", 10, false);
	refused("header.pcap", "truncated dump file");
	copy_file("a.pcapng", "cut.pcapng", -7, false);
	refused("cut.pcapng", "packet 1000: ");
	copy_file("a.pcap.gz", "cut.pcap.gz", -2000, false);
	refused("cut.pcap.gz", "the compressed data ends early");
	write_pcap("raw.pcap", DLT_RAW, 3, 10);
	refused("raw.pcap", "not Ethernet");
	refused("missing.pcap", "No such file");
	refused(".", "is a directory");
	FILE *out = fopen(path("text.pcap"), "w");
	fputs("this is no capture at all, only some text\n", out);
	fclose(out);
	refused("text.pcap", "unknown file format");
	fclose(fopen(path("empty.pcap"), "w"));
	refused("empty.pcap", "truncated dump file");
	/* A packet header whose length cannot be. */
	copy_file("a.pcap", "length.pcap", 0, false);
	out = fopen(path("length.pcap"), "r+");
	fseek(out, 24 + 8, SEEK_SET);
	fwrite("\xff\xff\xff\x7f", 1, 4, out);
	fclose(out);
	refused("length.pcap", "packet 1: ");
}

/* The file changes after it was checked: what is left of it is read, then the error is told. */
static void a_file_cut_while_it_is_read_ends_with_an_error(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_error error = {0};
	uint64_t got = 0;

	(void)state;
	write_pcap("a.pcap", DLT_EN10MB, PACKETS, 10);
	open_file(&rig, "a.pcap", 0);
	copy_file("a.pcap", "a.pcap", -5, false);
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	while (!myc_endpoint_exhausted(endpoint)) {
		got += myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);
		myc_endpoint_done(endpoint);
	}
	assert_int_equal(got, expected(0, PACKETS - 1));
	assert_int_equal(myc_endpoint_error(endpoint, &error), -EBADMSG);
	assert_non_null(strstr(error.cause, "packet 1000: truncated dump file"));
	myc_endpoint_leave(endpoint);
	close_file(&rig);
}

static void the_sample_capture_is_sound(void **state)
{
	const char *data = test_data_dir();
	char sample[512];

	(void)state;
	if (!data) {
		puts("no sample data: iex/TOPS16.pcap.gz");
		return;
	}
	snprintf(sample, sizeof(sample), "%s/iex/TOPS16.pcap.gz", data);
	struct myc_steer_config *config = calloc(1, sizeof(*config));
	struct myc_dataplane *dataplane = NULL;
	struct myc_dataplane_opts opts = {.sz = sizeof(opts),
					  .kind = MYC_DATAPLANE_FILE,
					  .endpoint = endpoints,
					  .endpoints = 2,
					  .file = sample,
					  .config = config};
	dp_config(config, 2);
	assert_int_equal(myc_dataplane_open(&dataplane, &opts, NULL, NULL), 0);
	myc_dataplane_close(dataplane);
	free(config);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_pcapng_and_gzip_read_alike),
		cmocka_unit_test(a_restarted_worker_goes_on_where_its_predecessor_was),
		cmocka_unit_test(a_file_is_paced_by_its_timestamps),
		cmocka_unit_test(broken_files_are_refused_with_file_packet_and_cause),
		cmocka_unit_test(a_file_cut_while_it_is_read_ends_with_an_error),
		cmocka_unit_test(the_sample_capture_is_sound),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
