/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>

#define KERNEL(major, minor) ((major)*1000u + (minor))
#define SETTLE_STEP_MS	     20
#define SETTLE_STEADY	     5 /* steps in a row: a link that is about to go is not taken for up */

/* ---- the trust table ------------------------------------------------------------------------- */

/* Rows of a driver in the order of kernels. */
static const struct myc_trust table[] = {
	{"veth", 0, false, "its driver has no zero-copy: vm-tests on 6.1 to 7.3"},
	{"igb", 0, false, "EOPNOTSUPP: vm-tests on 6.1 and 6.12"},
	{"igb", KERNEL(6, 18), true, "contents compared: vm-tests on 6.18 and 7.3"},
	{"virtio_net", 0, false, "EOPNOTSUPP: vm-tests on 6.1 and 6.12"},
	{"virtio_net", KERNEL(6, 18), true, "contents compared: vm-tests on 6.18 and 7.3"},
	{"ixgbe", KERNEL(6, 1), true, "the kernel's own source; not run by us"},
	{"i40e", KERNEL(6, 1), true, "the kernel's own source; not run by us"},
	{"ice", KERNEL(6, 1), true, "the kernel's own source; not run by us"},
	{"igc", KERNEL(6, 1), true, "the kernel's own source; not run by us"},
	{"mlx5_core", KERNEL(6, 1), true, "the kernel's own source; not run by us"},
};

uint32_t myc_kernel_version(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return KERNEL(major, minor);
}

const struct myc_trust *myc_trust_find(const char *driver, uint32_t kernel)
{
	const struct myc_trust *found = NULL;

	if (!kernel)
		kernel = myc_kernel_version();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].driver, driver) && table[i].kernel <= kernel)
			found = &table[i];
	return found;
}

void myc_trust_say(const char *interface, char *out, size_t size)
{
	char driver[MYC_DRIVER_NAME];
	const uint32_t kernel = myc_kernel_version();

	myc_nic_driver(interface, driver);
	const struct myc_trust *trust = myc_trust_find(driver, kernel);
	snprintf(out, size, "%s on %u.%u: %s (%s)", driver[0] ? driver : "no driver", kernel / 1000,
		 kernel % 1000, trust && trust->zerocopy ? "zero-copy" : "copy",
		 trust ? trust->source : "not in the trust table");
}

/* ---- the interface ---------------------------------------------------------------------------- */

static int ask(const char *interface, unsigned long request, struct ifreq *ifreq)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(ifreq->ifr_name, sizeof(ifreq->ifr_name), "%s", interface);
	int err = ioctl(fd, request, ifreq) ? -errno : 0;
	close(fd);
	return err;
}

void myc_nic_driver(const char *interface, char driver[MYC_DRIVER_NAME])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifreq = {.ifr_data = (void *)&info};

	driver[0] = '\0';
	if (!ask(interface, SIOCETHTOOL, &ifreq))
		snprintf(driver, MYC_DRIVER_NAME, "%.*s", (int)sizeof(info.driver) - 1,
			 info.driver);
}

uint32_t myc_nic_queues(const char *interface)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifreq = {.ifr_data = (void *)&channels};

	if (ask(interface, SIOCETHTOOL, &ifreq))
		return 1;
	uint32_t queues = channels.combined_count + channels.rx_count;
	return queues ? queues : 1;
}

bool myc_nic_running(const char *interface)
{
	struct ifreq ifreq = {0};

	return !ask(interface, SIOCGIFFLAGS, &ifreq) && (ifreq.ifr_flags & IFF_UP) &&
	       (ifreq.ifr_flags & IFF_RUNNING);
}

int myc_nic_settle(const char *interface, uint32_t timeout_ms)
{
	const struct timespec pause = {.tv_nsec = SETTLE_STEP_MS * 1000000};
	unsigned steady = 0;

	for (uint32_t waited = 0; waited <= timeout_ms; waited += SETTLE_STEP_MS) {
		steady = myc_nic_running(interface) ? steady + 1 : 0;
		if (steady == SETTLE_STEADY)
			return waited <= (SETTLE_STEADY - 1) * SETTLE_STEP_MS ? 0 : (int)waited;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
