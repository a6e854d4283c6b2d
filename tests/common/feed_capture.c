/* SPDX-License-Identifier: Apache-2.0 */
#include "common/feed_capture.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64

static uint64_t big(const uint8_t *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static uint32_t little32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

/* Ones' complement sum: 0xffff over a range that holds its own right checksum. */
static uint32_t ones(uint32_t sum, const uint8_t *at, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void read_mold(struct feed_packet *packet)
{
	assert_true(packet->size >= 20);
	memcpy(packet->session, packet->payload, 10);
	packet->sequence = big(packet->payload + 10, 8);
	packet->count = (uint16_t)big(packet->payload + 18, 2);
	uint32_t at = 20;

	for (int i = 0; packet->count != 0xffff && i < packet->count; i++) {
		assert_true(at + 2 <= packet->size);
		at += 2 + (uint32_t)big(packet->payload + at, 2);
	}
	assert_int_equal(at, packet->size);
}

static void read_frame(struct feed_packet *packet, const uint8_t *frame, uint32_t size,
		       enum feed_contents contents)
{
	uint32_t at = 12;

	while (big(frame + at, 2) == 0x8100 || big(frame + at, 2) == 0x88a8) {
		assert_true(packet->vlans < 2);
		packet->vlan[packet->vlans++] = (uint16_t)big(frame + at + 2, 2);
		at += 4;
	}
	assert_int_equal(big(frame + at, 2), 0x0800);
	const uint8_t *ip = frame + at + 2, *udp = ip + 20;
	uint32_t udp_size = (uint32_t)big(udp + 4, 2);

	assert_int_equal(ip[0], 0x45);
	assert_int_equal(big(ip + 2, 2), 20 + udp_size);
	assert_int_equal(at + 2 + 20 + udp_size, size);
	assert_int_equal(ip[9], 17);
	assert_int_equal(ones(0, ip, 20), 0xffff);
	if (contents != FEED_FOREIGN) {
		assert_int_not_equal(big(udp + 6, 2), 0);
		assert_int_equal(ones(ones(17 + udp_size, ip + 12, 8), udp, udp_size), 0xffff);
	}
	packet->group = (uint32_t)big(ip + 16, 4);
	packet->port = (uint16_t)big(udp + 2, 2);
	packet->payload = udp + 8;
	packet->size = udp_size - 8;
	if (packet->group >> 28 == 14) {
		assert_int_equal(big(frame, 3), 0x01005e);
		assert_int_equal(big(frame + 3, 3), packet->group & 0x7fffff);
	}
}

void feed_capture_read(struct feed_capture *capture, const char *path, enum feed_contents contents)
{
	*capture = (struct feed_capture){0};
	capture->bytes = (uint8_t *)feed_file(path, &capture->size);
	assert_true(capture->size >= 24);
	uint32_t magic = little32(capture->bytes);
	uint64_t tick = magic == 0xa1b23c4d ? 1 : 1000;

	assert_true(magic == 0xa1b23c4d || magic == 0xa1b2c3d4);
	/* No packet is smaller than its record and headers. */
	capture->packet = calloc(capture->size / 58 + 1, sizeof(*capture->packet));
	assert_non_null(capture->packet);
	for (size_t at = 24; at < capture->size;) {
		const uint8_t *record = capture->bytes + at;
		struct feed_packet *packet = &capture->packet[capture->packets++];

		assert_true(at + 16 <= capture->size);
		uint32_t size = little32(record + 8);

		assert_true(at + 16 + size <= capture->size && size >= 42);
		packet->time_ns = little32(record) * 1000000000ull + little32(record + 4) * tick;
		read_frame(packet, record + 16, size, contents);
		if (contents == FEED_MOLD)
			read_mold(packet);
		at += 16 + size;
	}
}

void feed_capture_free(struct feed_capture *capture)
{
	free(capture->packet);
	free(capture->bytes);
}

static void run_tool(const char *arguments, int err_fd)
{
	const char *build = getenv("BUILD");
	char tool[512], copy[4096], *rest = copy, *argv[ARGUMENTS_MAX] = {tool};
	int argc = 1;

	snprintf(tool, sizeof(tool), "%s/bin/myc-feed", build ? build : "build");
	snprintf(copy, sizeof(copy), "%s", arguments);
	for (char *part; argc < ARGUMENTS_MAX - 1 && (part = strsep(&rest, " "));)
		if (*part)
			argv[argc++] = part;
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	execv(tool, argv);
	_exit(127);
}

int feed_run(const char *arguments, char *err, size_t size)
{
	int pipes[2], status;
	size_t used = 0;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		run_tool(arguments, pipes[1]);
	close(pipes[1]);
	for (ssize_t n; used < size - 1 && (n = read(pipes[0], err + used, size - 1 - used)) > 0;)
		used += (size_t)n;
	err[used] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void feed_make(const char *format, ...)
{
	char arguments[4096], err[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(arguments, sizeof(arguments), format, args);
	va_end(args);
	int code = feed_run(arguments, err, sizeof(err));

	if (code)
		print_error("myc-feed %s: %s", arguments, err);
	assert_int_equal(code, 0);
}

char *feed_file(const char *path, size_t *size)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	char *bytes = malloc((size_t)status.st_size + 1);

	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
	bytes[status.st_size] = '\0';
	close(fd);
	*size = (size_t)status.st_size;
	return bytes;
}

uint64_t feed_number(const char *from, const char *name)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\": ", name);
	const char *at = strstr(from, quoted);

	assert_non_null(at);
	return strtoull(at + strlen(quoted), NULL, 10);
}

static char scratch[] = "/tmp/myc-feed-test.XXXXXX";

const char *feed_scratch(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

int feed_scratch_make(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

int feed_scratch_remove(void **state)
{
	(void)state;
	return nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
