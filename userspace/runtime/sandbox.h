/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker gives up before its actors run: capabilities, new privileges, and the system calls
 * by which a process reaches into the kernel or into others. It stays what user it was.
 */
#ifndef MYC_RUNTIME_SANDBOX_H
#define MYC_RUNTIME_SANDBOX_H

#include <mycelium/error.h>

/* Locks what is mapped now (not what comes later). 0; -ENOMEM, -EPERM: not locked, for lack of
 * RLIMIT_MEMLOCK or CAP_IPC_LOCK: the caller may go on. */
int myc_sandbox_lock_memory(void);
/* For good: no capability in any set, no_new_privs, seccomp. Refused calls return EPERM. Call in
 * the process' only thread; threads started later inherit it. */
int myc_sandbox_enter(struct myc_error *error);

#endif
