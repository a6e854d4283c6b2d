/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes are set up and run here: a system of threads, or one of two processes. */
#include "mycelium.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <mycelium/abi/lane.h>

#include "core/process.h"

#define PROCESSES    2
#define EXECUTORS    2
#define STOP_MS	     1000
#define PENDING_MANY 2048 /* of an executor, when there are many */

struct stage *stage;

/* ---- for actors -------------------------------------------------------------------------------- */

void stage_done(void)
{
	sem_post(&stage->done);
}

int stage_failed(int code)
{
	atomic_store_explicit(&stage->failed, code, memory_order_relaxed);
	stage_done();
	return code;
}

uint64_t scene_setting(const struct myc_actor *self, const char *key)
{
	return strtoull(myc_setting(self, key, "0"), NULL, 0);
}

int scene_first(struct myc_actor *self, struct myc_ref *ref)
{
	int code = myc_resolve(self, scene_setting(self, "first"), ref);

	if (!code)
		return 0;
	if (code != -ESRCH) /* else its process is still starting */
		return stage_failed(code);
	code = myc_timer_start(self, 1000000, 0, 0, NULL);
	return code ? stage_failed(code) : -EAGAIN;
}

/* ---- systems ----------------------------------------------------------------------------------- */

void scene_must(int code, const struct myc_error *error)
{
	char text[1024];

	if (!code)
		return;
	myc_error_format(error, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
	exit(1);
}

static void executor_opts(const struct scene *scene, uint32_t first, struct myc_executor_opts *out,
			  uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = first + i;

		if (scene->executor)
			out[i] = scene->executor[at];
		else
			out[i] = (struct myc_executor_opts){
				.core = at < EXECUTORS ? (int)at : -1,
				.idle = at < EXECUTORS ? MYC_IDLE_SPIN : MYC_IDLE_SLEEP};
		out[i].timers = scene->timers;
	}
}

static myc_address spawn(struct myc_system *system, const struct scene *scene, uint32_t index,
			 uint32_t executor, const myc_address *first)
{
	char text[4][24];
	struct myc_setting setting[4] = {
		{"first", text[0]}, {"second", text[1]}, {"index", text[2]}, {"peers", text[3]}};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = scene->cast[index].behaviour,
				      .executor = executor,
				      .restarts_max = MYC_RESTARTS_NONE,
				      .settings = setting,
				      .settings_count = 4};
	struct myc_error error = {0};
	myc_address address;

	snprintf(text[0], sizeof(text[0]), "%llu", (unsigned long long)first[0]);
	snprintf(text[1], sizeof(text[1]), "%llu", (unsigned long long)first[1]);
	snprintf(text[2], sizeof(text[2]), "%u", index);
	snprintf(text[3], sizeof(text[3]), "%u", scene->peers);
	scene_must(myc_spawn(system, &opts, &address, &error), &error);
	return address;
}

static void wait_for_the_end(void)
{
	while (sem_wait(&stage->done) && errno == EINTR)
		;
}

static void say_hello(struct myc_system *system, const myc_address *to)
{
	for (int i = 0; i < 2; i++) {
		int code = myc_post(system, to[i], HELLO, NULL, 0, UINT64_MAX);

		if (code)
			stage_failed(code);
	}
}

static void run_threads(const struct scene *scene)
{
	uint32_t executors = scene->executors ? scene->executors : EXECUTORS;
	struct myc_executor_opts executor[MYC_EXECUTORS_MAX];
	struct myc_system_opts opts = {.sz = sizeof(opts),
				       .executors = executors,
				       .actors = scene->actors,
				       .pending = executors > EXECUTORS ? PENDING_MANY : 0,
				       .executor = executor,
				       .topics = scene->topics,
				       .topics_count = scene->topics_count};
	struct myc_system *system;
	struct myc_error error = {0};
	myc_address address[2] = {0};

	executor_opts(scene, 0, executor, executors);
	scene_must(myc_system_open(&system, &opts, &error), &error);
	for (uint32_t i = 0; i < scene->cast_size; i++) {
		myc_address made = spawn(system, scene, i, scene->cast[i].executor, address);

		if (i < 2)
			address[i] = made;
	}
	scene_must(myc_system_start(system, &error), &error);
	if (scene->post_a_hello)
		say_hello(system, address);
	wait_for_the_end();
	myc_system_stop(system, STOP_MS);
	myc_system_close(system);
}

/* One of the two processes: which = 1 has the cast's first, on core 1. */
static void run_process(const struct scene *scene, const int *fds, uint32_t which)
{
	struct myc_executor_opts executor;
	struct myc_system_opts opts = {.sz = sizeof(opts), .executors = 1, .executor = &executor};
	struct myc_region regions[PROCESSES];
	struct myc_workspace workspace = {
		.process = which, .incarnation = 1, .processes = PROCESSES, .regions = regions};
	const myc_address first[2] = {myc_address_make(0, 1, MYC_SLOTS_FIXED, 1)};
	struct myc_system *system;
	struct myc_error error = {0};

	executor_opts(scene, which, &executor, 1);
	for (uint32_t i = 0; i < PROCESSES; i++)
		scene_must(myc_region_map(&regions[i], fds[i],
					  i == which ? MYC_REGION_OWNER : MYC_REGION_READER,
					  &error),
			   &error);
	scene_must(myc_system_join(&system, &opts, &workspace, &error), &error);
	for (uint32_t i = which ? 0 : 1; i < (which ? 1 : scene->cast_size); i++)
		spawn(system, scene, i, 0, first);
	scene_must(myc_system_start(system, &error), &error);
	if (which)
		for (;;) /* until killed */
			pause();
	wait_for_the_end();
	myc_system_stop(system, STOP_MS);
	myc_system_close(system);
	for (uint32_t i = 0; i < PROCESSES; i++)
		myc_region_unmap(&regions[i]);
}

static void run_processes(const struct scene *scene)
{
	struct myc_system_opts opts = {.sz = sizeof(opts)};
	struct myc_error error = {0};
	int fds[PROCESSES];

	for (uint32_t i = 0; i < PROCESSES; i++) {
		struct myc_region_plan plan = {0};

		if (myc_system_plan(&plan, &opts, PROCESSES, PROCESSES, NULL)) {
			fprintf(stderr, "no plan for a region\n");
			exit(1);
		}
		fds[i] = myc_region_create("bench", &plan, &error);
		scene_must(fds[i] < 0 ? fds[i] : 0, &error);
	}
	pid_t parent = getpid(), child = fork();

	if (child < 0) {
		perror("fork");
		exit(1);
	}
	if (!child) {
		if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent)
			run_process(scene, fds, 1);
		_exit(1);
	}
	run_process(scene, fds, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (uint32_t i = 0; i < PROCESSES; i++)
		close(fds[i]);
}

int scene_run(const struct scene *scene)
{
	memset(stage, 0, sizeof(*stage));
	sem_init(&stage->done, 1, 0);
	if (scene->processes)
		run_processes(scene);
	else
		run_threads(scene);
	return atomic_load_explicit(&stage->failed, memory_order_relaxed);
}

/* ---- which ------------------------------------------------------------------------------------- */

static void one_way_threads(void)
{
	play_one_way(false, 1);
}

static void one_way_processes(void)
{
	play_one_way(true, 1);
}

static void threads(void)
{
	play_one_way(false, 8);
	play_one_way(false, 64);
	play_stream(false, 1);
	play_stream(false, 4);
	play_hop();
	play_tell();
	play_scatter();
	play_ask();
	play_bodies(false);
}

static void processes(void)
{
	play_stream(true, 1);
	play_stream(true, 4);
	play_bodies(true);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*play)(void);
	} scene[] = {
		{"one-way-threads", one_way_threads},
		{"one-way-processes", one_way_processes},
		{"threads", threads},
		{"processes", processes},
		{"spawn", play_spawn},
		{"timers", play_timers},
		{"sleep", play_sleep},
		{"topics", play_topics},
	};

	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (stage == MAP_FAILED) {
		perror("no memory for the stage");
		return 1;
	}
	measure_tick_ns();
	for (size_t i = 0; i < sizeof(scene) / sizeof(scene[0]); i++) {
		if (argc != 2 || strcmp(argv[1], scene[i].name) != 0)
			continue;
		scene[i].play();
		return 0;
	}
	fprintf(stderr, "usage: mycelium SCENE; scenes:");
	for (size_t i = 0; i < sizeof(scene) / sizeof(scene[0]); i++)
		fprintf(stderr, " %s", scene[i].name);
	fprintf(stderr, "\n");
	return 2;
}
