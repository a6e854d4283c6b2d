/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: the shared memory of a system, one memfd for each process. memory/ leans on base only.
 *
 * A region is created by the holder, sized and laid out once, sealed against shrinking and growing,
 * mode 0400. Its owner maps it read-write, everyone else read-only; descriptors are closed after
 * that. Inside, things are named by offset; blocks are found again by (kind, index) after a restart,
 * with what the predecessor left in them.
 *
 *	struct myc_region_plan plan = { 0 };
 *	myc_region_plan_add(&plan, MYC_BLOCK_LANES, 0, size);   // before creation, in any order
 *	fd = myc_region_create("book", &plan, error);
 *	...fork...
 *	myc_region_map(&region, fd, MYC_REGION_OWNER, error);
 *	p = myc_region_block(&region, MYC_BLOCK_LANES, 0, &size);
 */
#ifndef MYC_MEMORY_REGION_H
#define MYC_MEMORY_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/error.h>

#define MYC_REGION_MAGIC      0x6d79636567696f6eull /* "mycegion" */
#define MYC_REGION_VERSION    1
#define MYC_REGION_BLOCKS_MAX 768

enum myc_block_kind {
	MYC_BLOCK_FREE = 0,
	MYC_BLOCK_PROCESS = 1,	/* struct of core/: control words, slots of actors */
	MYC_BLOCK_EXECUTOR = 2, /* index = executor: cursors, progress, asleep word, local queue */
	MYC_BLOCK_LANES = 3,	/* index = executor: lanes out */
	MYC_BLOCK_HAND = 4,	/* index = endpoint: struct myc_hand (dataplane/) */
	MYC_BLOCK_RETURN_RING =
		5,	    /* index = endpoint * 64 + queue: frames on their way to the keeper */
	MYC_BLOCK_FEED = 6, /* index = channel: struct of market/, progress and held packets */
	MYC_BLOCK_STEER_STATE = 7, /* sources without XDP: channel state, windows, counters */
	MYC_BLOCK_SOURCE = 8,	   /* sources without XDP: frames, file position */
	MYC_BLOCK_METRICS = 9,	   /* an array by actor slot: counters */
	MYC_BLOCK_STATUS = 15,	   /* an array by actor slot: lines of text */
	MYC_BLOCK_REGISTRY = 10,   /* supervisor's region, without BPF: rows, processes, pages */
	MYC_BLOCK_KEEPER =
		11, /* index = queue: struct myc_keeper (dataplane/), in the keeper's region */
	MYC_BLOCK_POOL =
		12, /* index = source: struct myc_pools, message buffers and their ledger */
	MYC_BLOCK_TOPIC = 13,	      /* index = topic of this process: struct myc_topic */
	MYC_BLOCK_TOPIC_RECORDS = 14, /* index = executor: what it reads elsewhere */
	MYC_BLOCK_CONTROL = 16,	      /* runtime/: struct myc_worker_control */
	MYC_BLOCK_PAGE = 17,	      /* without BPF: struct myc_process_page of this process */
	MYC_BLOCK_STATE = 20, /* index = executor, or MYC_EXECUTORS_MAX: struct myc_state_window */
	MYC_BLOCK_LETTERS = 19,	   /* index = executor: struct myc_letters */
	MYC_BLOCK_SUPERVISOR = 18, /* supervisor's region: struct myc_supervisor_notes */
	MYC_BLOCK_MAILBOX = 21,	   /* core/: rows of overflow rules (abi/lane.h) */
	MYC_BLOCK_DIRECTORY = 30,  /* struct myc_directory: names and groups of its actors */
	MYC_BLOCK_SCHEMAS = 41,	   /* struct myc_schemas: what its process speaks */
	MYC_BLOCK_ORDER = 22,	   /* runtime/: struct myc_order, struct myc_order_result */
	MYC_BLOCK_INTERFACE = 40,  /* core/: rows of interfaces (abi/lane.h) */
	MYC_BLOCK_USER = 64,	   /* first kind free for applications and tests */
};

struct myc_region_plan {
	uint32_t count;
	struct {
		uint32_t kind, index;
		uint64_t size;
		uint64_t
			reserve; /* bytes at its end that have no memory until the owner asks for it */
		uint32_t node; /* + 1: NUMA node that its memory should be on; 0 = any */
	} block[MYC_REGION_BLOCKS_MAX];
};

/* Adds a block of `size` bytes (rounded up to 64). -ENOSPC, -EEXIST (same kind and index). */
int myc_region_plan_add(struct myc_region_plan *plan, uint32_t kind, uint32_t index, uint64_t size);

/* The memory of this block, which was added, is to be on this NUMA node, as far as it has pages of its own. -ENOENT. */
int myc_region_plan_node(struct myc_region_plan *plan, uint32_t kind, uint32_t index,
			 uint32_t node);

/*
 * The last `size` bytes of this block, which was added, are address space only: nobody can read or write them until
 * the owner has given a part of them memory, and other processes never. They begin at a page. (In huge pages, which
 * are the region's from the start, they are memory like the rest.) -ENOENT, -EINVAL: more than it has, no pages.
 */
int myc_region_plan_reserve(struct myc_region_plan *plan, uint32_t kind, uint32_t index,
			    uint64_t size);

/* Bytes the region will have, a multiple of the page size. */
uint64_t myc_region_plan_size(const struct myc_region_plan *plan);

/* Makes the memfd (huge pages when the pool has room, else ordinary), zeroed, laid out, sealed.
 * Returns the descriptor (close-on-exec), or -errno. */
int myc_region_create(const char *name, const struct myc_region_plan *plan,
		      struct myc_error *error);

enum myc_region_role { MYC_REGION_OWNER, MYC_REGION_READER };

struct myc_region_table; /* of the blocks, as it was when the region was mapped */

struct myc_region {
	void *base;
	uint64_t size;
	enum myc_region_role role;
	bool huge; /* in huge pages */
	/* Ours alone: what the owner makes of the one in the region leads nobody astray. Copies of this struct share
	 * it, and one of them is unmapped. */
	struct myc_region_table *table;
};

/* Maps and populates, all but reserves; checks magic, version and block table (the descriptor may come from another
 * process). The descriptor stays the caller's. */
int myc_region_map(struct myc_region *region, int fd, enum myc_region_role role,
		   struct myc_error *error);
/* The same where the plan that it was made by is known: its header, which its owner may have written over since, is not
 * looked at. -EPROTO: it is smaller than that. */
int myc_region_map_planned(struct myc_region *region, int fd, enum myc_region_role role,
			   const struct myc_region_plan *plan, struct myc_error *error);
void myc_region_unmap(struct myc_region *region);
/* Whole pages of a reserve, by the region's owner: memory for them, there when this returns (zeroed, or what a
 * predecessor left; a write faults no more), and back. -ENOMEM and others: the kernel has none to give. `again`: a
 * predecessor's, what is there is there. Calls of the kernel, some microseconds for each 64 KiB. */
int myc_region_grow(const struct myc_region *region, void *at, uint64_t size, bool again);
void myc_region_shrink(const struct myc_region *region, void *at, uint64_t size);
/* NULL when there is no such block. Its address is 64-byte aligned. To readers its reserve is not a part of it. */
void *myc_region_block(const struct myc_region *region, uint32_t kind, uint32_t index,
		       uint64_t *size);

#endif
