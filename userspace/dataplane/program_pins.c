/* SPDX-License-Identifier: Apache-2.0 */
/* Pins in the bpffs: where they lie, the lock over them, and their making, moving and removing. */
#include "dataplane/program_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

#define BPFFS_DEFAULT "/sys/fs/bpf"
#define BPFFS_MAX     (MYC_PIN_PATH_MAX - 96) /* room for /mycelium/_NAME/commit/processes */

const char *const myc_program_map_name[MYC_MAPS_COUNT] = {
	[MYC_MAP_BINDINGS] = "bindings", [MYC_MAP_CHANNELS] = "channels",
	[MYC_MAP_SYMBOLS] = "symbols",	 [MYC_MAP_SBE] = "sbe",
	[MYC_MAP_REGISTRY] = "registry", [MYC_MAP_PROCESSES] = "processes",
	[MYC_MAP_SYSTEM] = "system",	 [MYC_MAP_PAGES] = "pages",
	[MYC_MAP_STATE] = "state",	 [MYC_MAP_WINDOW] = "window",
	[MYC_MAP_LOCATE] = "locate",	 [MYC_MAP_COUNTERS] = "counters",
	[MYC_MAP_XSKS] = "xsks",	 [MYC_MAP_RECEIPT] = "receipt",
};

/* ---- the file system ------------------------------------------------------------------------- */

static bool mounts_differ_from(pid_t pid)
{
	struct stat own, other;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return !stat("/proc/self/ns/mnt", &own) && !stat(path, &other) &&
	       own.st_ino != other.st_ino;
}

/* A mount made in a private mount namespace, as `ip netns exec` makes one, dies with it. Process 1
 * may be hidden from us; our parent is then the one before `ip netns exec`. */
static bool mounts_are_private(void)
{
	return mounts_differ_from(1) || mounts_differ_from(getppid());
}

static int mount_bpffs(const char *path, struct myc_error *error)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return myc_error_set(error, -errno, "make the directory, or mount sysfs on /sys",
				     "%s: %s", path, strerror(errno));
	if ((unsigned long)fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mounts_are_private())
		return myc_error_set(error, -ENXIO,
				     "enter the network namespace by nsenter --net or --netns: ip "
				     "netns exec hides the bpffs",
				     "%s is no bpffs in this private mount namespace", path);
	if (!mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return 0;
	return myc_error_set(error, -errno,
			     errno == EPERM ? "run as root, or mount it before: mount -t bpf bpf "
					      "/sys/fs/bpf"
					    : "the kernel needs CONFIG_BPF_SYSCALL",
			     "mounting a bpffs on %s: %s", path, strerror(errno));
}

static int check_name(const char *name, struct myc_error *error)
{
	size_t size = name ? strlen(name) : 0;

	if (size && size <= MYC_PROGRAM_NAME_MAX && name[0] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size)
		return 0;
	return myc_error_set(error, -EINVAL, "use 1 to 31 of a-z, 0-9 and -, not - first",
			     "'%.40s' is not a system's name", name ? name : "");
}

int myc_pins_root(const struct myc_program_opts *opts, char root[MYC_PIN_PATH_MAX],
		  struct myc_error *error)
{
	const char *bpffs = opts->bpffs ? opts->bpffs : BPFFS_DEFAULT;
	int err = check_name(opts->name, error);

	if (err)
		return err;
	if (strlen(bpffs) > BPFFS_MAX)
		return myc_error_set(error, -ENAMETOOLONG, "mount the bpffs on a shorter path",
				     "%.40s...: longer than %d bytes", bpffs, BPFFS_MAX);
	snprintf(root, MYC_PIN_PATH_MAX, "%s/mycelium", bpffs);
	return mount_bpffs(bpffs, error);
}

void myc_pins_path(char out[MYC_PIN_PATH_MAX], const char *root, const char *stage,
		   const char *name, const char *leaf)
{
	snprintf(out, MYC_PIN_PATH_MAX, "%.*s/%s%s%s%s", BPFFS_MAX + 16, root, stage, name,
		 leaf ? "/" : "", leaf ? leaf : "");
}

/* ---- the lock -------------------------------------------------------------------------------- */

int myc_pins_lock(const char *root, struct myc_error *error)
{
	for (;;) {
		struct stat held, named;

		if (mkdir(root, 0700) && errno != EEXIST)
			break;
		int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			break;
		while (flock(fd, LOCK_EX))
			if (errno != EINTR) {
				int err = -errno;

				close(fd);
				return myc_error_set(error, err, NULL, "locking %s: %s", root,
						     strerror(-err));
			}
		/* Whoever had the lock before may have removed the directory. */
		if (!fstat(fd, &held) && !stat(root, &named) && held.st_ino == named.st_ino)
			return fd;
		close(fd);
	}
	return myc_error_set(error, -errno,
			     errno == EACCES || errno == EPERM ? "run as root" : NULL, "%s: %s",
			     root, strerror(errno));
}

void myc_pins_unlock(const char *root, int lock)
{
	rmdir(root); /* refused while a system is pinned, as it should be */
	close(lock);
}

/* ---- directories of pins --------------------------------------------------------------------- */

static int remove_below(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err == -ENOENT ? 0 : err;
	}
	while (!err && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!unlinkat(fd, entry->d_name, 0))
			continue;
		err = errno == EISDIR || errno == EPERM ? remove_below(fd, entry->d_name) : -errno;
	}
	closedir(dir);
	return err ? err : unlinkat(at, name, AT_REMOVEDIR) ? -errno : 0;
}

int myc_pins_remove(const char *path, struct myc_error *error)
{
	int err = remove_below(AT_FDCWD, path);

	return err ? myc_error_set(error, err, NULL, "removing %s: %s", path, strerror(-err)) : 0;
}

static int pin(int fd, const char *dir, const char *name, struct myc_error *error)
{
	char path[MYC_PIN_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!bpf_obj_pin(fd, path))
		return 0;
	return myc_error_set(error, -errno, errno == EPERM ? "run as root, or with CAP_BPF" : NULL,
			     "pinning %s: %s", path, strerror(errno));
}

int myc_pins_put(const char *dir, const struct myc_program_object *object, unsigned from,
		 unsigned to, struct myc_error *error)
{
	int err = 0;

	if (mkdir(dir, 0700))
		return myc_error_set(error, -errno, NULL, "making %s: %s", dir, strerror(errno));
	for (unsigned i = from; !err && i < to; i++)
		err = pin(object->map[i], dir, myc_program_map_name[i], error);
	return err ? err : pin(object->program, dir, "program", error);
}

static int get(int *fd, const char *dir, const char *name, struct myc_error *error)
{
	char path[MYC_PIN_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	*fd = bpf_obj_get(path);
	if (*fd >= 0)
		return 0;
	return myc_error_set(error, -errno,
			     errno == ENOENT ? "clean the name up and load it anew"
					     : "run as root, or with CAP_BPF",
			     "opening the pin %s: %s", path, strerror(errno));
}

int myc_pins_get(const char *dir, struct myc_program_object *object, struct myc_error *error)
{
	int err = get(&object->program, dir, "program", error);

	for (unsigned i = 0; !err && i < MYC_MAPS_COUNT; i++)
		err = get(&object->map[i], dir, myc_program_map_name[i], error);
	return err;
}

/* 0 also when it was moved before. */
static int move(const char *from, const char *to, const char *name, struct myc_error *error)
{
	char old[MYC_PIN_PATH_MAX + 16], new[MYC_PIN_PATH_MAX + 16];

	snprintf(old, sizeof(old), "%s/%s", from, name);
	snprintf(new, sizeof(new), "%s/%s", to, name);
	if (!rename(old, new) || errno == ENOENT)
		return 0;
	return myc_error_set(error, -errno, NULL, "renaming %s to %s: %s", old, new,
			     strerror(errno));
}

int myc_pins_move(const char *from, const char *to, struct myc_error *error)
{
	int err = 0;

	for (unsigned i = 0; !err && i < MYC_MAPS_COUNT; i++)
		err = move(from, to, myc_program_map_name[i], error);
	err = err ? err : move(from, to, "program", error);
	return err ? err : myc_pins_remove(from, error);
}
