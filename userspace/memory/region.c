/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/region.h"

#include "base/numa.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define HUGE_PAGE  (2ull << 20)
#define SMALL_PAGE 4096ull

/* At offset 0. Writer: the holder, before the region is given to anyone. */
struct region_header {
	uint64_t magic;
	uint32_t version;
	uint32_t blocks;
	uint64_t size;
	uint64_t reserved[5];
	struct region_entry {
		uint32_t kind, index;
		uint64_t offset; /* from the start of the region, a multiple of 64 */
		uint64_t size;
		uint64_t reserve; /* of it, at its end; from a page on */
	} block[MYC_REGION_BLOCKS_MAX];
};
struct myc_region_table {
	uint32_t blocks;
	struct region_entry block[];
};
_Static_assert(sizeof(struct region_header) == 64 + 32 * MYC_REGION_BLOCKS_MAX, "layout");
_Static_assert(sizeof(struct region_header) % 64 == 0, "the first block is aligned");

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

int myc_region_plan_add(struct myc_region_plan *plan, uint32_t kind, uint32_t index, uint64_t size)
{
	if (plan->count >= MYC_REGION_BLOCKS_MAX || size > INT64_MAX / MYC_REGION_BLOCKS_MAX)
		return -ENOSPC;
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->block[i].kind == kind && plan->block[i].index == index)
			return -EEXIST;
	plan->block[plan->count].kind = kind;
	plan->block[plan->count].index = index;
	plan->block[plan->count].size = round_up(size, 64);
	plan->block[plan->count].reserve = 0;
	plan->block[plan->count].node = 0;
	plan->count++;
	return 0;
}

int myc_region_plan_node(struct myc_region_plan *plan, uint32_t kind, uint32_t index, uint32_t node)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->block[i].kind != kind || plan->block[i].index != index)
			continue;
		plan->block[i].node = node + 1;
		return 0;
	}
	return -ENOENT;
}

int myc_region_plan_reserve(struct myc_region_plan *plan, uint32_t kind, uint32_t index,
			    uint64_t size)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->block[i].kind != kind || plan->block[i].index != index)
			continue;
		if (size % SMALL_PAGE || size > plan->block[i].size)
			return -EINVAL;
		plan->block[i].reserve = size;
		return 0;
	}
	return -ENOENT;
}

/* Where a block begins that may not before `offset`: so that its reserve is whole pages. */
static uint64_t begins(const struct myc_region_plan *plan, uint32_t i, uint64_t offset)
{
	uint64_t before = plan->block[i].size - plan->block[i].reserve;

	return plan->block[i].reserve ? round_up(offset + before, SMALL_PAGE) - before : offset;
}

uint64_t myc_region_plan_size(const struct myc_region_plan *plan)
{
	uint64_t size = sizeof(struct region_header);

	for (uint32_t i = 0; i < plan->count; i++)
		size = begins(plan, i, size) + plan->block[i].size;
	return round_up(size, SMALL_PAGE);
}

/* A sized descriptor and its first mapping. Huge pages are reserved by the mapping, so only a
 * mapping tells whether the pool has room. */
static int sized_memfd(const char *name, uint64_t size, unsigned huge, void **base)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | huge);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) == 0) {
		*base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (*base != MAP_FAILED)
			return fd;
	}
	int code = -errno;

	close(fd);
	return code;
}

/* Where the blocks of a plan lie. */
static void place_blocks(struct region_entry *block, const struct myc_region_plan *plan)
{
	uint64_t offset = sizeof(struct region_header);

	for (uint32_t i = 0; i < plan->count; i++) {
		offset = begins(plan, i, offset);
		block[i] = (struct region_entry){.kind = plan->block[i].kind,
						 .index = plan->block[i].index,
						 .offset = offset,
						 .size = plan->block[i].size,
						 .reserve = plan->block[i].reserve};
		offset += plan->block[i].size;
	}
}

static void lay_out(struct region_header *header, const struct myc_region_plan *plan, uint64_t size)
{
	place_blocks(header->block, plan);
	header->blocks = plan->count;
	header->size = size;
	header->version = MYC_REGION_VERSION;
	header->magic = MYC_REGION_MAGIC;
}

/* Before anything but the header is touched: the policy stays with the memory. A kernel that refuses it has its
 * reasons, and the memory is good all the same. */
static void place(const struct region_header *header, const struct myc_region_plan *plan,
		  uint64_t page)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->block[i].node)
			(void)myc_numa_prefer((char *)header + header->block[i].offset,
					      header->block[i].size, page, plan->block[i].node - 1);
}

int myc_region_create(const char *name, const struct myc_region_plan *plan, struct myc_error *error)
{
	uint64_t size = myc_region_plan_size(plan);
	void *base = NULL;
	int fd = -ENOMEM;

	if (size >= HUGE_PAGE)
		fd = sized_memfd(name, round_up(size, HUGE_PAGE), MFD_HUGETLB, &base);
	if (fd >= 0)
		size = round_up(size, HUGE_PAGE);
	else
		fd = sized_memfd(name, size, 0, &base);
	if (fd < 0 || !base)
		return myc_error_set(error, fd,
				     "give the system more memory, or smaller capacities",
				     "region '%s': no %llu bytes of shared memory: %s", name,
				     (unsigned long long)size, strerror(-fd));
	lay_out(base, plan, size);
	place(base, plan, size % HUGE_PAGE ? SMALL_PAGE : HUGE_PAGE);
	munmap(base, size);
	if (fchmod(fd, 0400) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	int code = -errno;

	close(fd);
	return myc_error_set(error, code, NULL, "region '%s': sealing it: %s", name,
			     strerror(-code));
}

/* Copied first: the owner may be hostile and change it while we look. */
static int entry_copy(const struct myc_region *region, uint32_t i, struct region_entry *entry)
{
	const struct region_header *header = region->base;

	memcpy(entry, &header->block[i], sizeof(*entry));
	__asm__ __volatile__("" : : "r"(entry) : "memory"); /* what is checked is what is used */
	if (entry->offset < sizeof(*header) || entry->offset % 64 || entry->size > region->size ||
	    entry->offset > region->size - entry->size || entry->reserve > entry->size ||
	    (entry->reserve && (entry->offset + entry->size - entry->reserve) % SMALL_PAGE))
		return -EPROTO;
	return 0;
}

static struct myc_region_table *table_make(uint32_t blocks, struct myc_error *error)
{
	struct myc_region_table *table = malloc(sizeof(*table) + blocks * sizeof(table->block[0]));

	if (table)
		table->blocks = blocks;
	else
		myc_error_set(error, -ENOMEM, NULL, "no memory for a region's table");
	return table;
}

/* What is looked at of the header from now on is this copy of its table: blocks in their order, none in another. */
static int header_check(struct myc_region *region, struct myc_error *error)
{
	const struct region_header *header = region->base;
	uint64_t begin = sizeof(*header);
	struct myc_region_table *table;
	uint32_t blocks;

	if (region->size < sizeof(*header))
		return myc_error_set(error, -EPROTO, NULL, "%llu bytes are too few for a region",
				     (unsigned long long)region->size);
	if (header->magic != MYC_REGION_MAGIC)
		return myc_error_set(error, -EPROTO, NULL, "not a region: wrong magic");
	if (header->version != MYC_REGION_VERSION)
		return myc_error_set(error, -EPROTO, "run one version of Mycelium in one system",
				     "region has version %u, this library knows %u",
				     header->version, MYC_REGION_VERSION);
	blocks = __atomic_load_n(&header->blocks, __ATOMIC_RELAXED);
	if (blocks > MYC_REGION_BLOCKS_MAX || header->size != region->size)
		return myc_error_set(error, -EPROTO, NULL, "region's header does not add up");
	table = table_make(blocks, error);
	if (!table)
		return -ENOMEM;
	region->table = table;
	for (uint32_t i = 0; i < blocks; i++) {
		if (entry_copy(region, i, &table->block[i]) || table->block[i].offset < begin)
			return myc_error_set(error, -EPROTO, NULL,
					     "block %u lies outside its region", i);
		begin = table->block[i].offset + table->block[i].size;
	}
	return 0;
}

/* Made by this plan: what stands in the header by now does not matter. */
static int plan_check(struct myc_region *region, const struct myc_region_plan *plan,
		      struct myc_error *error)
{
	if (myc_region_plan_size(plan) > region->size)
		return myc_error_set(error, -EPROTO, NULL,
				     "%llu bytes are too few for the region that was planned",
				     (unsigned long long)region->size);
	region->table = table_make(plan->count, error);
	if (!region->table)
		return -ENOMEM;
	place_blocks(region->table->block, plan);
	return 0;
}

/* What is between reserves is there from now on, as far as there is memory; these are nobody's yet. */
static int populate(const struct myc_region *region)
{
	char *base = region->base;
	uint64_t done = 0;

	for (uint32_t i = 0; i < region->table->blocks; i++) {
		const struct region_entry *entry = &region->table->block[i];
		uint64_t end = entry->offset + entry->size, begin = end - entry->reserve;

		end -= end % SMALL_PAGE;
		if (region->huge || !entry->reserve || begin < done || end <= begin)
			continue;
		if (mprotect(base + begin, end - begin, PROT_NONE))
			return -errno;
		(void)madvise(base + done, begin - done, MADV_POPULATE_READ);
		done = end;
	}
	(void)madvise(base + done, region->size - done, MADV_POPULATE_READ);
	return 0;
}

int myc_region_grow(const struct myc_region *region, void *at, uint64_t size, bool again)
{
	if (region->huge)
		return 0;
	if (mprotect(at, size, PROT_READ | PROT_WRITE))
		return -errno;
	if (!madvise(at, size, MADV_POPULATE_WRITE) || again)
		return 0;
	int code = -errno;

	mprotect(at, size, PROT_NONE);
	return code;
}

void myc_region_shrink(const struct myc_region *region, void *at, uint64_t size)
{
	if (region->huge)
		return;
	/* Neither what is locked nor what cannot be written is given back. */
	if (mprotect(at, size, PROT_READ | PROT_WRITE))
		return;
	munlock(at, size);
	madvise(at, size, MADV_REMOVE);
	mprotect(at, size, PROT_NONE);
}

static bool in_huge_pages(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC;
}

int myc_region_map_planned(struct myc_region *region, int fd, enum myc_region_role role,
			   const struct myc_region_plan *plan, struct myc_error *error)
{
	int protection = role == MYC_REGION_OWNER ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	memset(region, 0, sizeof(*region));
	if (seals < 0 || fstat(fd, &st))
		return myc_error_set(error, -errno, NULL, "not a region: %s", strerror(errno));
	/* Else whoever has the descriptor could shrink it under us: SIGBUS. */
	if ((seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW))
		return myc_error_set(error, -EPERM, NULL, "region is not sealed");
	region->size = (uint64_t)st.st_size;
	region->role = role;
	region->huge = in_huge_pages(fd);
	region->base = mmap(NULL, region->size, protection, MAP_SHARED, fd, 0);
	if (region->base == MAP_FAILED) {
		region->base = NULL;
		return myc_error_set(error, -errno, NULL, "mapping a region: %s", strerror(errno));
	}
	int code = plan ? plan_check(region, plan, error) : header_check(region, error);

	if (!code) {
		code = populate(region);
		if (code)
			myc_error_set(error, code, NULL, "the reserves of a region: %s",
				      strerror(-code));
	}
	if (code)
		myc_region_unmap(region);
	return code;
}

int myc_region_map(struct myc_region *region, int fd, enum myc_region_role role,
		   struct myc_error *error)
{
	return myc_region_map_planned(region, fd, role, NULL, error);
}

void myc_region_unmap(struct myc_region *region)
{
	if (region->base)
		munmap(region->base, region->size);
	free(region->table);
	memset(region, 0, sizeof(*region));
}

void *myc_region_block(const struct myc_region *region, uint32_t kind, uint32_t index,
		       uint64_t *size)
{
	for (uint32_t i = 0; region->table && i < region->table->blocks; i++) {
		const struct region_entry *entry = &region->table->block[i];

		if (entry->kind != kind || entry->index != index)
			continue;
		if (size)
			*size = entry->size -
				(region->role == MYC_REGION_OWNER ? 0 : entry->reserve);
		return (char *)region->base + entry->offset;
	}
	return NULL;
}
