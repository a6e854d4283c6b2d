/* SPDX-License-Identifier: Apache-2.0 */
#include "common/house.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/executor.h"

static uint32_t executors_of(const struct house *house, uint32_t process)
{
	uint32_t executors = house->plan[process].system->executors;

	return executors ? executors : 1;
}

void house_open(struct house *house, const struct house_process *plan, uint32_t processes,
		size_t user_size)
{
	assert_in_range(processes, 1, HOUSE_PROCESSES_MAX);
	house->plan = plan;
	house->processes = processes;
	house->executors = 0;
	for (uint32_t i = 0; i < processes; i++)
		house->executors += executors_of(house, i);
	for (uint32_t i = 0; i < processes; i++) {
		struct myc_region_plan region = {0};
		struct myc_error error;

		assert_int_equal(
			myc_system_plan(&region, plan[i].system, processes, house->executors, NULL),
			0);
		if (user_size)
			assert_int_equal(myc_region_plan_add(&region, MYC_BLOCK_USER, 0, user_size),
					 0);
		house->fd[i] = myc_region_create("house", &region, &error);
		assert_true(house->fd[i] >= 0);
		assert_int_equal(
			myc_region_map(&house->region[i], house->fd[i], MYC_REGION_READER, &error),
			0);
		for (uint32_t e = 0; e < executors_of(house, i); e++)
			house->bell[i][e] = eventfd(0, EFD_NONBLOCK);
		house->incarnation[i] = 0;
		house->pid[i] = 0;
	}
}

void house_watch_exits(struct house *house)
{
	house->dead = mmap(NULL, HOUSE_PROCESSES_MAX * sizeof(*house->dead), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(house->dead != MAP_FAILED);
}

static bool alive(void *context, uint32_t process)
{
	const struct house *house = context;

	return !__atomic_load_n(&house->dead[process], __ATOMIC_RELAXED);
}

static void mark(struct house *house, uint32_t process, bool dead)
{
	if (house->dead)
		__atomic_store_n(&house->dead[process], dead, __ATOMIC_RELAXED);
}

void house_close(struct house *house)
{
	for (uint32_t i = 0; i < house->processes; i++) {
		if (house->pid[i])
			house_kill(house, i);
		myc_region_unmap(&house->region[i]);
		close(house->fd[i]);
		for (uint32_t e = 0; e < executors_of(house, i); e++)
			close(house->bell[i][e]);
	}
	if (house->dead)
		munmap(house->dead, HOUSE_PROCESSES_MAX * sizeof(*house->dead));
	house->dead = NULL;
}

void *house_user(const struct house *house, uint32_t process)
{
	return myc_region_block(&house->region[process], MYC_BLOCK_USER, 0, NULL);
}

static int bell_of(void *context, uint32_t process, uint32_t executor)
{
	const struct house *house = context;

	return process < house->processes && executor < executors_of(house, process)
		       ? house->bell[process][executor]
		       : -1;
}

/* Failures of a worker are exit codes: cmocka is the parent's. */
struct myc_system *house_join(struct house *house, uint32_t process)
{
	struct myc_workspace workspace = {.process = process,
					  .incarnation = house->incarnation[process],
					  .processes = house->processes,
					  .regions = house->region,
					  .bell = bell_of,
					  .alive = house->dead ? alive : NULL,
					  .context = house};
	struct myc_system *system;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no worker */
	myc_region_unmap(&house->region[process]);
	if (myc_region_map(&house->region[process], house->fd[process], MYC_REGION_OWNER, NULL))
		_exit(10);
	if (myc_system_join(&system, house->plan[process].system, &workspace, NULL))
		_exit(11);
	house->plan[process].furnish(house, system, process);
	if (myc_system_start(system, NULL))
		_exit(13);
	return system;
}

void house_spawn(struct house *house, struct myc_system *system, uint32_t process,
		 const struct myc_spawn_opts *opts, uint32_t slot)
{
	myc_address address;

	if (myc_spawn_at(system, opts, slot, (uint32_t)house->incarnation[process] - 1, &address,
			 NULL) ||
	    address != house_address(process, slot))
		_exit(12);
}

void house_start(struct house *house, uint32_t process)
{
	house->incarnation[process]++;
	mark(house, process, false);
	house->pid[process] = fork();
	assert_true(house->pid[process] >= 0);
	if (house->pid[process])
		return;
	house_join(house, process);
	for (;;)
		pause();
}

int house_end(struct house *house, uint32_t process)
{
	int status;

	assert_int_equal(kill(house->pid[process], SIGKILL), 0);
	assert_int_equal(waitpid(house->pid[process], &status, 0), house->pid[process]);
	house->pid[process] = 0;
	mark(house, process, true);
	return status;
}

void house_kill(struct house *house, uint32_t process)
{
	int status = house_end(house, process);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static uint64_t high(const uint64_t *pair)
{
	return myc_pair_high(__atomic_load_n(pair, __ATOMIC_RELAXED));
}

static uint64_t sent_by(const struct house *house, uint32_t from, uint32_t to)
{
	uint64_t sent = 0;

	for (uint32_t e = 0; e < executors_of(house, from); e++) {
		struct myc_lanes *lanes =
			myc_region_block(&house->region[from], MYC_BLOCK_LANES, e, NULL);
		const uint64_t *directory = myc_lanes_directory(lanes);

		for (uint32_t lane = 0; lane < lanes->lanes; lane++) {
			const struct myc_flow *flow =
				(const void *)((const char *)lanes + myc_lane_offset(lanes, lane));
			uint64_t end = __atomic_load_n(&directory[lane], __ATOMIC_RELAXED);

			for (uint32_t f = 0; end && f < lanes->flows; f++)
				if (myc_lane_end_process(end) == to)
					sent += high(&flow[f].sent);
		}
	}
	return sent;
}

static uint64_t counted_by(const struct house *house, uint32_t from, uint32_t to)
{
	uint64_t counted = 0;

	for (uint32_t e = 0; e < executors_of(house, to); e++) {
		const struct myc_executor_words *words =
			myc_region_block(&house->region[to], MYC_BLOCK_EXECUTOR, e, NULL);
		const char *in = (const char *)(words + 1);

		for (uint32_t i = 0; i < words->lanes_in;
		     i++, in += myc_lane_in_size(MYC_LANE_FLOWS)) {
			const struct myc_lane_in *half = (const void *)in;
			const uint64_t *flow = (const uint64_t *)(half + 1);
			uint64_t source = __atomic_load_n(&half->cursor.source, __ATOMIC_RELAXED);

			for (uint32_t f = 0; source && f < MYC_LANE_FLOWS; f++)
				if (myc_lane_end_process(source) == from)
					counted += high(&flow[f]);
		}
	}
	return counted;
}

void house_balance(const struct house *house, uint32_t from, uint32_t to, uint64_t *sent,
		   uint64_t *counted)
{
	*sent = sent_by(house, from, to);
	*counted = counted_by(house, from, to);
}
