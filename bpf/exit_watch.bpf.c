/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The exit watch: when the last thread of a registered process ends, its incarnation becomes the
 * dead incarnation of its row. The steering program, every sender and every monitor read that word.
 *
 * The tracepoint fires in each thread that ends, after the group's count of live threads was
 * lowered and before the process can be reaped: so the thread that finds 0 is one of the last, and
 * no thread of the group returns to user space any more. Kernels disagree on what follows the task
 * among its arguments (6.16 added one), therefore nothing but the task is used.
 *
 * The registration is the group leader's: that task stays until the whole group has ended, also
 * when its own thread ended long before. An execve by another thread than the first puts that one
 * in the leader's place, without the registration; the supervisor's word after reaping is then the
 * only one, as it is on 6.1 when the storage is just being changed on the same CPU.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <mycelium/abi/exit_watch.h>

#include "process_map.h"

/* What is used of the kernel's own structs; the loader finds the offsets in the running kernel. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads of the group that have not ended */
};

struct task_struct {
	struct task_struct *group_leader;
	struct signal_struct *signal;
};

#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct myc_exit_registration);
} registered SEC(".maps");

/* The other writer is the supervisor after reaping, so a lost exchange means that this incarnation,
 * or a later one, was stored: two losses in a row would take two more deaths meanwhile. */
#define EXCHANGES_MAX 4

static __always_inline void raise_dead(uint64_t *word, uint64_t incarnation)
{
	for (int i = 0; i < EXCHANGES_MAX; i++) {
		uint64_t found = *(const volatile uint64_t *)word;

		if (found >= incarnation ||
		    __sync_val_compare_and_swap(word, found, incarnation) == found)
			return;
	}
}

SEC("tp_btf/sched_process_exit")
int myc_exit_watch(const uint64_t *arguments)
{
	struct task_struct *task = (struct task_struct *)arguments[0];
	const struct myc_exit_registration *registration;
	struct myc_process_row *row;

	if (task->signal->live.counter != 0)
		return 0;
	registration = bpf_task_storage_get(&registered, task->group_leader, NULL, 0);
	if (!registration || !registration->incarnation)
		return 0;
	row = bpf_map_lookup_elem(&processes, &registration->process);
	if (row)
		raise_dead(&row->dead_incarnation, registration->incarnation);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
