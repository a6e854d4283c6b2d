/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit watch in the kernel (bpf/exit_watch.bpf.c): the end of a registered process' last
 * thread turns its row dead in the process table, without any process of user space acting.
 *
 *	open (load, attach, pin)  ->  register each process before it runs  ->  close
 *
 * Owner: the holder of an XDP system. The link is pinned as <bpffs>/mycelium/NAME/exit_watch, under
 * the loader's lock; the program holds its maps. myc_program_unload and myc_program_cleanup take the
 * pin away with the directory; the watch ends when the last descriptor of it is closed too.
 *
 * A kill -9 of the holder leaves the pin: the workers, which die after it, still turn dead, and
 * steering passes to the host at once. Killed between attaching and pinning nothing is left, for
 * nothing else holds the link. A pin that is there already is one of a dead holder (a name is
 * loaded once) and is replaced. The death of a supervisor changes nothing: it has no part in this.
 *
 * Where the kernel refuses tracing programs, opening fails with the cause, and the word is written
 * by the supervisor after reaping, as it is, again, with the watch.
 */
#ifndef MYC_DATAPLANE_EXIT_WATCH_H
#define MYC_DATAPLANE_EXIT_WATCH_H

#include <mycelium/error.h>
#include <stdint.h>

#include "dataplane/program.h"

struct myc_exit_watch;

/* Watches for the process table of a loaded program; *program may be closed afterwards. The caller
 * closes it. -EOPNOTSUPP, -EPERM ...: the kernel refuses; the error tells why. */
int myc_exit_watch_open(struct myc_exit_watch **watch, const struct myc_program *program,
			struct myc_error *error);

/*
 * From the return on, the end of the process behind the pidfd makes `incarnation` the dead one of
 * the row. Registering again replaces. 0 or -errno: -ESRCH, -ENOENT it is reaped already; -EINVAL
 * a row beyond the table, or incarnation 0. What ended before is not noticed: a process that must
 * not be missed registers itself, by a pidfd of its own. Any process that has the watch.
 */
int myc_exit_watch_register(const struct myc_exit_watch *watch, int pidfd, uint32_t process,
			    uint64_t incarnation);

/* Closes the descriptors; what is pinned stays. NULL is allowed. */
void myc_exit_watch_close(struct myc_exit_watch *watch);

#endif
