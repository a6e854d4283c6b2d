/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>

int myc_sandbox_lock_memory(void)
{
	return mlockall(MCL_CURRENT) ? -errno : 0;
}

static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int err = 0;

	if (!none)
		return -ENOMEM;
	/* The bounding set needs a capability to change: first, and only when we have it. */
	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++)
		cap_drop_bound(cap);
	if (cap_reset_ambient() && errno != EINVAL)
		err = -errno;
	if (!err && cap_set_proc(none))
		err = -errno;
	cap_free(none);
	return err;
}

/* A list of what is refused, since actors may need any ordinary call. */
static int refuse_calls(void)
{
	static const int refused[] = {
		SCMP_SYS(bpf),
		SCMP_SYS(perf_event_open),
		SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(kcmp),
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(mount),
		SCMP_SYS(umount2),
		SCMP_SYS(pivot_root),
		SCMP_SYS(chroot),
		SCMP_SYS(setns),
		SCMP_SYS(unshare),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(delete_module),
		SCMP_SYS(kexec_load),
		SCMP_SYS(reboot),
		SCMP_SYS(swapon),
		SCMP_SYS(swapoff),
		SCMP_SYS(open_by_handle_at),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(keyctl),
		SCMP_SYS(add_key),
		SCMP_SYS(request_key),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; !err && i < sizeof(refused) / sizeof(refused[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int myc_sandbox_enter(struct myc_error *error)
{
	int err = drop_capabilities();

	if (err)
		return myc_error_set(error, err, NULL, "dropping capabilities: %s", strerror(-err));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return myc_error_set(error, -errno, NULL, "no_new_privs: %s", strerror(errno));
	err = refuse_calls();
	if (err)
		return myc_error_set(error, err, "use a kernel with CONFIG_SECCOMP_FILTER",
				     "seccomp: %s", strerror(-err));
	return 0;
}
