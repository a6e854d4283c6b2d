/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite with processes of one workspace as places: conformance/world.h. The test is the holder: it
 * makes regions and bells, forks a worker when a place is first needed, and sends it errands by a
 * socket. Workers end when the test does.
 */
#include "conformance/world.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/executor.h"
#include "core/name.h"

#define LIMIT_NS (60 * SECOND)

struct message {
	errand run; /* NULL: stop in order */
	uint64_t a[ERRAND_WORDS];
	int code;
};

static struct {
	bool open;
	struct myc_system_opts system;
	struct myc_executor_opts executor;
	int fd[PLACES], bell[PLACES];
	int line[PLACES]; /* to the worker */
	struct myc_region region[PLACES];
	uint64_t incarnation[PLACES];
	pid_t pid[PLACES];
	bool stopped[PLACES], dead[PLACES];
	bool care[PLACES]; /* its process is a caretaker, which ends by itself */
	struct probe *fixed[PLACES][SLOTS];
	uint32_t fixed_count[PLACES];
} house;

/* ---- a worker ---------------------------------------------------------------------------------- */

static struct myc_region regions[PLACES];
static uint32_t here;
static struct myc_system *ours;

static int bell_of(void *context, uint32_t process, uint32_t executor)
{
	(void)context;
	return executor ? -1 : house.bell[process];
}

static bool alive(void *context, uint32_t process)
{
	(void)context;
	return process == here || shared->alive[process];
}

/* A name of any place: as the registry would, the rows of probes that live. */
static int find(void *context, const char *name, myc_address *address)
{
	(void)context;
	for (uint32_t i = 0; i < shared->probes; i++) {
		const struct probe *probe = &shared->probe[i];

		*address = __atomic_load_n(&probe->address, __ATOMIC_ACQUIRE);
		if (!*address || !*probe->name || strcmp(probe->name, name) != 0)
			continue;
		const struct myc_actor_slot *slot =
			myc_view_slot(ours, probe->place, myc_address_slot(*address));
		uint64_t word = slot ? __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE) : 0;

		if (slot && myc_actor_word_generation(word) == myc_address_generation(*address) &&
		    myc_actor_word_lives(word))
			return 0;
	}
	return -ENOENT;
}

static void join(uint32_t place)
{
	struct myc_workspace workspace = {.process = place,
					  .incarnation = house.incarnation[place],
					  .processes = PLACES,
					  .regions = regions,
					  .find = find,
					  .alive = alive,
					  .bell = bell_of};

	here = place;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no worker */
	for (uint32_t p = 0; p < PLACES; p++)
		if (myc_region_map(&regions[p], house.fd[p],
				   p == place ? MYC_REGION_OWNER : MYC_REGION_READER, NULL))
			_exit(10);
	house.system.executor = &house.executor;
	if (myc_system_join(&ours, &house.system, &workspace, NULL))
		_exit(11);
	for (uint32_t i = 0; i < house.fixed_count[place] && !house.care[place]; i++) {
		struct probe *probe = house.fixed[place][i];
		const struct myc_spawn_opts opts = spawn_opts(probe, 0);

		if (myc_spawn_at(ours, &opts, i, (uint32_t)house.incarnation[place] - 1,
				 &probe->address, NULL))
			_exit(12);
	}
	if (myc_system_start(ours, NULL))
		_exit(13);
}

static void take_care(void)
{
	myc_system_clear(ours);
	if (myc_system_stop(ours, LIMIT_NS / MS))
		_exit(15);
	myc_system_close(ours);
	_exit(0);
}

static void work(int line)
{
	struct message message;

	while (recv(line, &message, sizeof(message), 0) == (ssize_t)sizeof(message)) {
		message.code = message.run ? message.run(ours, message.a)
					   : myc_system_stop(ours, LIMIT_NS / MS);
		if (send(line, &message, sizeof(message), 0) < 0)
			break;
		if (message.run)
			continue;
		myc_system_close(ours);
		_exit(0);
	}
	_exit(14);
}

static void start(uint32_t place)
{
	int line[2];

	OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line));
	house.incarnation[place]++;
	house.stopped[place] = house.dead[place] = false;
	shared->alive[place] = true;
	shared->started[place] = !house.care[place];
	fflush(NULL);
	house.pid[place] = fork();
	assert_true(house.pid[place] >= 0);
	if (!house.pid[place]) {
		close(line[0]);
		join(place);
		if (house.care[place])
			take_care();
		work(line[1]);
	}
	close(line[1]);
	house.line[place] = line[0];
}

/* ---- the holder -------------------------------------------------------------------------------- */

static bool answered(uint32_t place, struct message *message)
{
	struct pollfd set = {.fd = house.line[place], .events = POLLIN};

	return send(house.line[place], message, sizeof(*message), MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(*message) &&
	       poll(&set, 1, 2 * LIMIT_NS / MS) == 1 &&
	       recv(house.line[place], message, sizeof(*message), 0) == (ssize_t)sizeof(*message);
}

static int do_nothing_there(struct myc_system *system, uint64_t *a)
{
	(void)system;
	(void)a;
	return 0;
}

/* It has joined when it answers. */
static void start_and_wait(uint32_t place)
{
	struct message message = {.run = do_nothing_there};

	start(place);
	if (!answered(place, &message))
		fail_msg("place %u does not answer", place);
}

/* With it those that have actors of the topology: they know each other from the start. */
static void start_first(uint32_t place)
{
	for (uint32_t p = 0; p < PLACES; p++)
		if (!house.incarnation[p] && (p == place || house.fixed_count[p] > 1))
			start_and_wait(p);
}

static int at_place(uint32_t place, errand run, uint64_t *a)
{
	struct message message = {.run = run};

	if (house.dead[place])
		fail_msg("place %u is dead", place);
	if (!house.pid[place])
		start_first(place);
	if (a)
		memcpy(message.a, a, sizeof(message.a));
	if (!answered(place, &message))
		fail_msg("place %u does not answer", place);
	if (a)
		memcpy(a, message.a, sizeof(message.a));
	return message.code;
}

static int do_spawn(struct myc_system *system, uint64_t *a)
{
	struct probe *probe = &shared->probe[a[0]];
	const struct myc_spawn_opts opts = spawn_opts(probe, 0);

	return myc_spawn(system, &opts, &probe->address, NULL);
}

static int spawn_probe(struct probe *probe)
{
	uint64_t a[ERRAND_WORDS] = {probe->index};

	return at_place(probe->place, do_spawn, a);
}

static void fix_probe(struct probe *probe)
{
	uint32_t place = probe->place;

	assert_true(!house.pid[place] && house.fixed_count[place] < SLOTS);
	probe->address = myc_address_make(0, place, house.fixed_count[place], 1);
	house.fixed[place][house.fixed_count[place]++] = probe;
}

static void open_house(const struct world_opts *opts)
{
	memset(&house, 0, sizeof(house));
	house.open = true;
	house.system = opts->system;
	house.executor = opts->executor;
	house.system.executors = 1;
	for (uint32_t p = 0; p < PLACES; p++) {
		struct myc_region_plan plan = {0};

		house.line[p] = house.bell[p] = house.fd[p] = -1;
		OK(myc_system_plan(&plan, &house.system, PLACES, PLACES, NULL));
		house.fd[p] = myc_region_create("conform", &plan, NULL);
		assert_true(house.fd[p] >= 0);
		OK(myc_region_map(&house.region[p], house.fd[p], MYC_REGION_READER, NULL));
		house.bell[p] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(house.bell[p] >= 0);
		fix_probe(keeper_of(p));
	}
}

static void reap(uint32_t place)
{
	int status;

	kill(house.pid[place], SIGKILL);
	assert_int_equal(waitpid(house.pid[place], &status, 0), house.pid[place]);
	close(house.line[place]);
	house.line[place] = -1;
	house.pid[place] = 0;
}

static void stop_house(void)
{
	for (uint32_t p = 0; p < PLACES; p++) {
		struct message message = {0};
		int status;

		if (!house.pid[p])
			continue;
		if (!house.care[p] && !answered(p, &message))
			fail_msg("place %u does not answer", p);
		OK(message.code);
		assert_int_equal(waitpid(house.pid[p], &status, 0), house.pid[p]);
		assert_int_equal(status, 0);
		close(house.line[p]);
		house.line[p] = -1;
		house.pid[p] = 0;
		house.stopped[p] = true;
	}
}

static void close_house(void)
{
	if (!house.open)
		return;
	for (uint32_t p = 0; p < PLACES; p++) {
		if (house.pid[p])
			reap(p);
		myc_region_unmap(&house.region[p]);
		close(house.fd[p]);
		close(house.bell[p]);
	}
	house.open = false;
}

static void note_death(uint32_t place)
{
	shared->alive[place] = shared->started[place] = false;
	house.dead[place] = true;
}

static void kill_one(uint32_t place)
{
	if (!house.pid[place] && house.care[place]) /* it has ended already */
		return;
	if (!house.pid[place])
		start_first(place);
	reap(place);
	note_death(place);
}

static void bury_one(uint32_t place)
{
	assert_true(house.dead[place]);
	house.care[place] = true;
	start(place);
}

static void die(void)
{
	raise(SIGKILL);
}

/* Has it ended by itself? Only where the case says so. */
static void look_for_death(uint32_t place, int options)
{
	int status;

	if (!house.pid[place] || waitpid(house.pid[place], &status, options) != house.pid[place])
		return;
	house.pid[place] = 0;
	close(house.line[place]);
	if (house.care[place] && !status) {
		note_death(place);
		return;
	}
	if (!doubt_expected() || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the process of place %u ended, status %#x", place, status);
	note_death(place);
}

static void died(uint32_t place)
{
	look_for_death(place, 0);
	assert_true(house.dead[place]);
	start_and_wait(place);
}

static bool wait_a_little(uint64_t *turn)
{
	struct timespec nap = {.tv_nsec = 20000};
	uint64_t now = myc_clock_ns();

	*turn = *turn ? *turn : now;
	nanosleep(&nap, NULL);
	for (uint32_t p = 0; p < PLACES; p++)
		look_for_death(p, WNOHANG);
	return now - *turn < LIMIT_NS;
}

static const struct myc_region *region_of(uint32_t place, uint32_t *executor)
{
	*executor = 0;
	return house.open && house.incarnation[place] ? &house.region[place] : NULL;
}

const struct way way = {.name = "processes",
			.processes = true,
			.threads = true,
			.open = open_house,
			.stop = stop_house,
			.close = close_house,
			.failed = close_house,
			.play = conform_play,
			.orderly = true,
			.at = at_place,
			.fix = fix_probe,
			.spawn = spawn_probe,
			.kill = kill_one,
			.revive = start_and_wait,
			.bury = bury_one,
			.die = die,
			.died = died,
			.settle = settle_by_pings,
			.wait = wait_a_little,
			.region = region_of};

int main(void)
{
	return conform_main(NULL, 0);
}
