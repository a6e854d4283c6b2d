/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry in user space: look-ups without a syscall for everyone, changes by the one writer.
 * May lean on base, memory, core, protocol. The table itself: mycelium/abi/registry.h. It is given
 * to us mapped; whether a BPF map or a region is behind it makes no difference here.
 */
#ifndef MYC_REGISTRY_REGISTRY_H
#define MYC_REGISTRY_REGISTRY_H

#include <mycelium/abi/registry.h>
#include <mycelium/address.h>
#include <mycelium/error.h>

struct myc_registry {
	struct myc_registry_row *rows;	   /* MYC_REGISTRY_ROWS */
	struct myc_process_row *processes; /* MYC_PROCESSES_MAX of abi/steer.h */
};

/* A consistent copy of a row. */
struct myc_registry_entry {
	myc_address address;
	uint32_t row, process, executor, restarts, parent_row;
	enum myc_row_state state;
	uint16_t endpoint;
	char name[MYC_NAME_MAX + 1];
	char behaviour[24];
};

/* Readers, any process, any thread. -ENOENT; -EAGAIN when the row kept changing (writer died
 * half-way: the next supervisor repairs it). */
int myc_registry_find(const struct myc_registry *registry, const char *name,
		      struct myc_registry_entry *entry);
int myc_registry_read(const struct myc_registry *registry, uint32_t row,
		      struct myc_registry_entry *entry);
int myc_process_alive(const struct myc_registry *registry, uint32_t process);

/* The writer only. A name is 1..47 bytes of [A-Za-z0-9._/-]. -EEXIST: taken, -ENOSPC: full.
 * `entry->row` is set by publish. */
int myc_registry_publish(struct myc_registry *registry, struct myc_registry_entry *entry,
			 struct myc_error *error);
void myc_registry_set_state(struct myc_registry *registry, uint32_t row, enum myc_row_state state,
			    uint32_t restarts);
void myc_registry_withdraw(struct myc_registry *registry, uint32_t row);
/* A new supervisor, its predecessor reaped: finishes or undoes half-written rows; returns how many. */
unsigned myc_registry_repair(struct myc_registry *registry);

void myc_process_started(struct myc_registry *registry, uint32_t process, const char *name,
			 uint32_t pid, uint32_t executors, uint64_t now_ns);
void myc_process_dead(struct myc_registry *registry, uint32_t process);

#endif
