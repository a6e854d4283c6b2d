/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/control.h"

#define TRIES 16

/* The folder that holds all run directories of this user. */
static int base_dir(char *out, size_t size)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int n;

	if (geteuid() == 0)
		n = snprintf(out, size, "/run/mycelium");
	else if (xdg && xdg[0] == '/')
		n = snprintf(out, size, "%s/mycelium", xdg);
	else
		n = snprintf(out, size, "/tmp/mycelium-%u", geteuid());
	return n >= 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

int myc_run_dir(const char *name, char *out, size_t size, struct myc_error *error)
{
	char base[256];
	int n, err = base_dir(base, sizeof(base));

	if (!err) {
		n = snprintf(out, size, "%s/%s", base, name);
		if (n < 0 || (size_t)n >= size)
			err = -ENAMETOOLONG;
	}
	return err ? myc_error_set(error, err, "use a shorter XDG_RUNTIME_DIR",
				   "the path of the run directory is too long")
		   : 0;
}

/* A folder in /tmp that another user made beforehand is not ours to use. */
static int make_private(const char *path, struct myc_error *error)
{
	struct stat is;

	if (mkdir(path, 0700) && errno != EEXIST)
		return myc_error_set(error, -errno, "set XDG_RUNTIME_DIR to a folder of yours",
				     "making %s: %s", path, strerror(errno));
	if (lstat(path, &is) || !S_ISDIR(is.st_mode) || is.st_uid != geteuid() ||
	    is.st_mode & (S_IWGRP | S_IWOTH))
		return myc_error_set(error, -EACCES, "remove it",
				     "%s is not a folder of ours alone", path);
	return 0;
}

/* Locks what is at `path` now: between open and lock a finishing owner may have removed it. */
static int lock_dir(const char *path, const char *name, struct myc_error *error)
{
	for (int i = 0; i < TRIES; i++) {
		struct stat opened, named;
		int fd;

		if (make_private(path, error))
			return error ? error->code : -EACCES;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			close(fd);
			char remedy[96];
			snprintf(remedy, sizeof(remedy), "myc stop %s, or use another name", name);
			return myc_error_set(error, -EEXIST, remedy,
					     "a system called '%s' runs already", name);
		}
		if (!fstat(fd, &opened) && !stat(path, &named) && opened.st_ino == named.st_ino)
			return fd;
		close(fd);
	}
	return myc_error_set(error, -EAGAIN, "try again", "%s comes and goes", path);
}

int myc_run_dir_take(const char *name, char *out, size_t size, bool *stale, struct myc_error *error)
{
	char base[256];
	struct stat is;
	int err = myc_run_dir(name, out, size, error);

	if (err)
		return err;
	base_dir(base, sizeof(base));
	err = make_private(base, error);
	if (err)
		return err;
	*stale = !stat(out, &is);
	return lock_dir(out, name, error);
}

void myc_run_dir_remove(const char *dir)
{
	char path[256];
	DIR *listing = opendir(dir);
	struct dirent *entry;

	while (listing && (entry = readdir(listing))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) < (int)sizeof(path))
			unlink(path);
	}
	if (listing)
		closedir(listing);
	rmdir(dir);
	/* The folder of all run directories, when this was the last. */
	snprintf(path, sizeof(path), "%s", dir);
	char *slash = strrchr(path, '/');
	if (slash) {
		*slash = '\0';
		rmdir(path);
	}
}

void myc_run_dir_each(void (*one)(void *context, const char *name), void *context)
{
	char base[256];
	struct dirent *entry;
	DIR *listing = base_dir(base, sizeof(base)) ? NULL : opendir(base);

	while (listing && (entry = readdir(listing)))
		if (entry->d_name[0] != '.')
			one(context, entry->d_name);
	if (listing)
		closedir(listing);
}
