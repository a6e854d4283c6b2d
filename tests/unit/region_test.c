/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/region.h"

static int make(struct myc_region_plan *plan)
{
	struct myc_error error;

	memset(plan, 0, sizeof(*plan));
	assert_int_equal(myc_region_plan_add(plan, MYC_BLOCK_USER, 0, 100), 0);
	assert_int_equal(myc_region_plan_add(plan, MYC_BLOCK_USER, 1, 5000), 0);
	int fd = myc_region_create("test", plan, &error);

	assert_true(fd >= 0);
	return fd;
}

static void a_plan_refuses_a_block_twice_and_more_than_its_table(void **state)
{
	struct myc_region_plan plan = {0};

	(void)state;
	for (uint32_t i = 0; i < MYC_REGION_BLOCKS_MAX; i++)
		assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, i, 1), 0);
	assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 999, 1), -ENOSPC);
	plan.count = 1;
	assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, 1), -EEXIST);
	assert_int_equal(myc_region_plan_size(&plan) % 4096, 0);
}

static void blocks_are_found_again_with_what_was_left_in_them(void **state)
{
	struct myc_region_plan plan;
	struct myc_region owner, again, reader;
	uint64_t size;
	int fd = make(&plan);

	(void)state;
	assert_int_equal(myc_region_map(&owner, fd, MYC_REGION_OWNER, NULL), 0);
	char *block = myc_region_block(&owner, MYC_BLOCK_USER, 1, &size);

	assert_non_null(block);
	assert_int_equal(size, 5056);
	assert_int_equal((uintptr_t)block % 64, 0);
	assert_int_equal(block[4999], 0);
	block[4999] = 42;
	myc_region_unmap(&owner);
	assert_int_equal(myc_region_map(&again, fd, MYC_REGION_OWNER, NULL), 0);
	assert_int_equal(((char *)myc_region_block(&again, MYC_BLOCK_USER, 1, NULL))[4999], 42);
	assert_int_equal(myc_region_map(&reader, fd, MYC_REGION_READER, NULL), 0);
	assert_int_equal(((char *)myc_region_block(&reader, MYC_BLOCK_USER, 1, NULL))[4999], 42);
	assert_null(myc_region_block(&again, MYC_BLOCK_USER, 2, NULL));
	myc_region_unmap(&again);
	myc_region_unmap(&reader);
	close(fd);
}

static void a_region_cannot_shrink_grow_or_be_unsealed(void **state)
{
	struct myc_region_plan plan;
	struct stat st;
	int fd = make(&plan);

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, 1 << 26), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	close(fd);
}

static void writing_through_a_readers_mapping_faults(void **state)
{
	struct myc_region_plan plan;
	struct myc_region reader;
	int fd = make(&plan), status;
	pid_t child = fork();

	(void)state;
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		if (myc_region_map(&reader, fd, MYC_REGION_READER, NULL))
			_exit(1);
		*(volatile char *)myc_region_block(&reader, MYC_BLOCK_USER, 0, NULL) = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	close(fd);
}

/* What a hostile creator could hand us: each word of the header changed in turn. */
static void a_header_that_does_not_add_up_is_refused_and_never_leads_outside(void **state)
{
	struct myc_region_plan plan;
	struct myc_region owner, reader;
	uint64_t chance = test_seed() + 77;
	int fd = make(&plan), refused = 0;

	(void)state;
	assert_int_equal(myc_region_map(&owner, fd, MYC_REGION_OWNER, NULL), 0);
	uint64_t *header = owner.base;

	for (int i = 0; i < 2000; i++) {
		uint32_t word = (uint32_t)(test_random(&chance) % (64 / 8 + 6));
		uint64_t before = header[word];

		header[word] = test_random(&chance) >> (test_random(&chance) & 63);
		if (myc_region_map(&reader, fd, MYC_REGION_READER, NULL)) {
			refused++;
		} else {
			for (uint32_t index = 0; index < 2; index++) {
				uint64_t size;
				char *block =
					myc_region_block(&reader, MYC_BLOCK_USER, index, &size);

				if (block && size)
					assert_true(block >= (char *)reader.base &&
						    block + size <=
							    (char *)reader.base + reader.size);
			}
			myc_region_unmap(&reader);
		}
		header[word] = before;
	}
	assert_true(refused > 500);
	myc_region_unmap(&owner);
	close(fd);
}

/* A word of it that its owner writes on later leads a reader nowhere; nor do pages that have no memory. */
static void what_its_owner_makes_of_the_header_leads_no_reader_astray(void **state)
{
	struct myc_region_plan plan = {0};
	struct myc_region owner, reader;
	uint64_t size, chance = test_seed() + 78;

	(void)state;
	assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, 3 * 4096), 0);
	assert_int_equal(myc_region_plan_reserve(&plan, MYC_BLOCK_USER, 0, 4096), 0);
	assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 1, 4096), 0);
	int fd = myc_region_create("table", &plan, NULL);

	assert_int_equal(myc_region_map(&owner, fd, MYC_REGION_OWNER, NULL), 0);
	assert_int_equal(myc_region_map(&reader, fd, MYC_REGION_READER, NULL), 0);
	char *one = myc_region_block(&reader, MYC_BLOCK_USER, 1, NULL);

	for (uint64_t *word = owner.base; word < (uint64_t *)owner.base + 64; word++)
		*word = test_random(&chance);
	assert_non_null(myc_region_block(&owner, MYC_BLOCK_USER, 0, &size));
	assert_int_equal(size, 3 * 4096);
	assert_non_null(myc_region_block(&reader, MYC_BLOCK_USER, 0, &size));
	assert_int_equal(size, 2 * 4096);
	assert_ptr_equal(myc_region_block(&reader, MYC_BLOCK_USER, 1, &size), one);
	assert_int_equal(size, 4096);
	myc_region_unmap(&reader);
	assert_int_equal(myc_region_map(&reader, fd, MYC_REGION_READER, NULL), -EPROTO);
	myc_region_unmap(&owner);
	close(fd);
}

static void who_knows_the_plan_needs_no_header(void **state)
{
	struct myc_region_plan plan, larger;
	struct myc_region owner, again, reader;
	struct myc_error error;
	uint64_t size = 0;
	int fd = make(&plan);

	(void)state;
	assert_int_equal(myc_region_map(&owner, fd, MYC_REGION_OWNER, NULL), 0);
	char *block = myc_region_block(&owner, MYC_BLOCK_USER, 1, NULL);

	block[4999] = 42;
	memset(owner.base, 0xff, 64 + 64);
	assert_int_equal(myc_region_map(&reader, fd, MYC_REGION_READER, &error), -EPROTO);
	assert_int_equal(myc_region_map_planned(&again, fd, MYC_REGION_OWNER, &plan, &error), 0);
	assert_int_equal(myc_region_map_planned(&reader, fd, MYC_REGION_READER, &plan, &error), 0);
	assert_int_equal(block - (char *)owner.base,
			 (char *)myc_region_block(&again, MYC_BLOCK_USER, 1, NULL) -
				 (char *)again.base);
	assert_int_equal(((char *)myc_region_block(&reader, MYC_BLOCK_USER, 1, &size))[4999], 42);
	assert_int_equal(size, 5056);
	assert_null(myc_region_block(&reader, MYC_BLOCK_USER, 2, NULL));
	myc_region_unmap(&reader);
	larger = plan;
	assert_int_equal(myc_region_plan_add(&larger, MYC_BLOCK_USER, 2, 4u << 20), 0);
	assert_int_equal(myc_region_map_planned(&reader, fd, MYC_REGION_READER, &larger, &error),
			 -EPROTO);
	assert_non_null(strstr(error.cause, "too few for the region that was planned"));
	myc_region_unmap(&again);
	myc_region_unmap(&owner);
	close(fd);
}

static void what_is_no_sealed_region_is_refused_with_its_cause(void **state)
{
	struct myc_region region;
	struct myc_error error;
	int fd = memfd_create("empty", MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(fd, 32768), 0);
	assert_int_equal(myc_region_map(&region, fd, MYC_REGION_READER, &error), -EPERM);
	assert_string_equal(error.cause, "region is not sealed");
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(myc_region_map(&region, fd, MYC_REGION_READER, &error), -EPROTO);
	assert_string_equal(error.cause, "not a region: wrong magic");
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	assert_true(myc_region_map(&region, fd, MYC_REGION_READER, &error) < 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_refuses_a_block_twice_and_more_than_its_table),
		cmocka_unit_test(blocks_are_found_again_with_what_was_left_in_them),
		cmocka_unit_test(a_region_cannot_shrink_grow_or_be_unsealed),
		cmocka_unit_test(writing_through_a_readers_mapping_faults),
		cmocka_unit_test(a_header_that_does_not_add_up_is_refused_and_never_leads_outside),
		cmocka_unit_test(what_its_owner_makes_of_the_header_leads_no_reader_astray),
		cmocka_unit_test(who_knows_the_plan_needs_no_header),
		cmocka_unit_test(what_is_no_sealed_region_is_refused_with_its_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
