/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A million messages of each kind without an allocation, a lock, a syscall or a page fault. A scene is a child
 * process with two actors, traced by the test: each thread that handles messages opens a window when it is
 * warm and closes it a million later. Syscalls in the window are seen by the tracer, page faults by the
 * kernel's count for the thread, allocations and locks by standing before the C library's.
 */
#include "common/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"

#define WARM	 20000
#define MESSAGES (1000000 / TEST_SHORTER)
#define MARK	 9999 /* no syscall: a sign for the tracer */

enum mark { OPEN, CLOSE, TOLD };

/* What the traced tell the test. */
struct told {
	uint64_t allocations, locks, faults;
	uint64_t chunks; /* that a mailbox without bounds has asked for */
};
static struct told *told;

enum { ITEM = 1, GO = 2 };
#define UNDER_WAY 16 /* at most so many of each kind at a time */

struct scene {
	const char *name;
	struct myc_behaviour left, right; /* left begins */
	uint32_t executors;		  /* the right one is on the last */
	uint32_t windows;		  /* threads that count */
	uint32_t size;			  /* of what is sent */
	uint32_t credit;		  /* of right's senders, 0 = the default */
	uint32_t messages;		  /* 0 = MESSAGES */
	uint32_t growth;		  /* right has a mailbox without bounds */
	bool plain;			  /* a plain thread posts to right */
	bool sleeps;			  /* executors sleep as soon as nothing is there */
	bool grows;			  /* and it grows in the window */
	bool sinful;			  /* it does once what the others must not do */
};
static const struct scene *scene;

static uint64_t messages(void)
{
	return scene->messages ? scene->messages : MESSAGES;
}

/* ---- before the C library ------------------------------------------------------------------------ */

static _Thread_local struct {
	bool open;
	uint64_t handled, allocations, locks, faults;
} window;

/* A sanitizer stands there itself, touches pages of its own as it goes, and ThreadSanitizer's locks wait: then
 * allocations are not counted, page faults and futexes may be its. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED(type, name, real, parameters, arguments) \
	type real parameters;                            \
	type name parameters;                            \
	type name parameters                             \
	{                                                \
		window.allocations += window.open;       \
		return real arguments;                   \
	}
/* NOLINTBEGIN: the C library's own names for its own functions */
COUNTED(void *, malloc, __libc_malloc, (size_t size), (size))
COUNTED(void *, calloc, __libc_calloc, (size_t n, size_t size), (n, size))
COUNTED(void *, realloc, __libc_realloc, (void *old, size_t size), (old, size))
COUNTED(void *, aligned_alloc, __libc_memalign, (size_t align, size_t size), (align, size))
/* NOLINTEND */
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static int (*real)(pthread_mutex_t *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	window.locks += window.open;
	return real(mutex);
}
#define ALLOCATIONS_SEEN 1
#define SANITIZED	 false
#else
#define ALLOCATIONS_SEEN 0
#define SANITIZED	 true
#endif

static uint64_t faults_of_thread(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

static const struct myc_executor_words *right_words;

/* A message was handled by this thread (or sent, by a plain one). */
static void tick(void)
{
	if (++window.handled == WARM) {
		window.faults = faults_of_thread();
		syscall(MARK, OPEN);
		window.open = true;
	} else if (window.handled == WARM + messages()) {
		window.open = false;
		syscall(MARK, CLOSE);
		window.faults = faults_of_thread() - window.faults;
		__atomic_fetch_add(&told->allocations, window.allocations, __ATOMIC_RELAXED);
		__atomic_fetch_add(&told->locks, window.locks, __ATOMIC_RELAXED);
		__atomic_fetch_add(&told->faults, window.faults, __ATOMIC_RELAXED);
		if (right_words)
			told->chunks = right_words->chunks_taken;
		syscall(MARK, TOLD);
	}
}

#include "integration/message_path_scenes.h"

/* ---- a scene ------------------------------------------------------------------------------------- */

static const struct myc_executor_opts sleeping[2] = {{.core = -1, .idle_spins = 1},
						     {.core = -1, .idle_spins = 1}};
/* All messages wait for their turn. */
static const struct myc_executor_opts shared[2] = {
	{.core = -1, .idle = MYC_IDLE_PAUSE, .share = 64},
	{.core = -1, .idle = MYC_IDLE_PAUSE, .share = 64}};
static const struct myc_executor_opts spinning[2] = {{.core = -1, .idle = MYC_IDLE_PAUSE},
						     {.core = -1, .idle = MYC_IDLE_PAUSE}};

static myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
			 const char *name, const char *peer, uint32_t executor)
{
	struct myc_setting setting = {"peer", peer};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = behaviour,
				      .name = name,
				      .executor = executor,
				      .settings = &setting,
				      .settings_count = 1};
	myc_address address;

	if (myc_spawn(system, &opts, &address, NULL))
		_exit(21);
	return address;
}

static void play(void)
{
	static struct myc_behaviour left, right;
	struct myc_system_opts opts = {.sz = sizeof(opts),
				       .executors = scene->executors,
				       .lane_slots = 1024,
				       .growth = scene->growth,
				       .executor = scene->sleeps		    ? sleeping
						   : scene->growth && !scene->grows ? shared
										    : spinning};
	struct myc_system *system;
	uint8_t payload[MYC_PAYLOAD_MAX] = {0};

	left = scene->left;
	right = scene->right;
	left.name = "left";
	right.name = "right";
	right.capacity_per_sender = scene->credit;
	right.grows_to = scene->growth;
	if (myc_system_open(&system, &opts, NULL))
		_exit(20);
	myc_address to = spawn(system, &right, "right", "left", scene->executors - 1);

	if (scene->growth)
		right_words = system->executor[scene->executors - 1].words;
	spawn(system, &left, "left", "right", 0);
	if (myc_system_start(system, NULL))
		_exit(22);
	while (scene->plain && window.handled < WARM + messages()) {
		int code = myc_post_try(system, to, ITEM, payload, scene->size);

		if (!code)
			tick();
		else if (code != -EAGAIN)
			_exit(23);
	}
	for (;;)
		pause();
}

#define THREADS_MAX 16
static struct {
	pid_t thread[THREADS_MAX];	  /* whose window is open */
	uint64_t windows;		  /* closed and told */
	uint64_t wakes, syscalls, number; /* in windows; others than wakes and waits, the last */
	uint64_t growths;
} trace;

/* Replaces one thread by another, 0 = none. */
static bool replace(pid_t old, pid_t new)
{
	for (int i = 0; i < THREADS_MAX; i++)
		if (trace.thread[i] == old) {
			trace.thread[i] = new;
			return true;
		}
	return false;
}

static void at_syscall(pid_t thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (info.entry.nr != MARK) {
		if (!replace(thread, thread) || (SANITIZED && info.entry.nr == SYS_futex))
			return;
		bool waits = info.entry.nr == SYS_ppoll || info.entry.nr == SYS_read;

		if (scene->grows && (info.entry.nr == SYS_madvise || info.entry.nr == SYS_munlock ||
				     info.entry.nr == SYS_mprotect)) {
			trace.growths++;
		} else if (scene->sleeps && (waits || info.entry.nr == SYS_write)) {
			trace.wakes += !waits;
		} else {
			trace.syscalls++;
			trace.number = info.entry.nr;
		}
		return;
	}
	if (info.entry.args[0] == OPEN)
		replace(0, thread);
	else if (info.entry.args[0] == CLOSE)
		replace(thread, 0);
	else
		trace.windows++;
}

/* Until all windows have closed. False: the child ended, with this status. */
static bool follow(pid_t child, int *status)
{
	while (trace.windows < scene->windows) {
		pid_t thread = waitpid(-1, status, __WALL);

		if (thread < 0 || WIFEXITED(*status) || WIFSIGNALED(*status)) {
			if (thread == child || thread < 0)
				return false;
			continue;
		}
		int signal = WSTOPSIG(*status);

		if (signal == (SIGTRAP | 0x80)) {
			at_syscall(thread);
			signal = 0;
		} else if (signal == SIGTRAP || signal == SIGSTOP) {
			signal = 0; /* a new thread */
		}
		ptrace(PTRACE_SYSCALL, thread, 0, signal);
	}
	return true;
}

static void costs_nothing_but_itself(void **state)
{
	int status = 0;

	scene = *state;
	*told = (struct told){0};
	memset(&trace, 0, sizeof(trace));
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		play();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, 0,
				PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL),
			 0);
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	bool whole = follow(child, &status);

	kill(child, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	print_message("  %" PRIu64 " windows of %" PRIu64 ": %" PRIu64 " allocations, %" PRIu64
		      " locks, %" PRIu64 " page faults, %" PRIu64 " wakes, %" PRIu64
		      " other syscalls (last %" PRIu64 ")\n",
		      trace.windows, messages(), told->allocations, told->locks, told->faults,
		      trace.wakes, trace.syscalls, trace.number);
	if (!whole)
		fail_msg("the scene ended with status 0x%x", (unsigned)status);
	if (scene->sinful) {
		assert_int_equal(told->allocations, ALLOCATIONS_SEEN);
		assert_int_equal(told->locks, ALLOCATIONS_SEEN);
		assert_true(told->faults >= 1);
		assert_int_equal(trace.syscalls, 1);
		assert_int_equal(trace.number, SYS_getppid);
		return;
	}
	assert_int_equal(told->allocations, 0);
	assert_int_equal(told->locks, 0);
	assert_int_equal(trace.syscalls, 0);
	assert_true(!scene->growth || told->chunks);
	if (scene->grows) {
		/* Five calls a chunk, four when it goes. Its pages, and those of tables that it begins. */
		print_message("  %" PRIu64 " chunks, %" PRIu64 " calls for them\n", told->chunks,
			      trace.growths);
		assert_true(told->chunks > 4 && trace.growths && trace.growths <= 9 * told->chunks);
		assert_true(SANITIZED || told->faults <= told->chunks * (32 + 3 * 2));
	} else {
		assert_true(SANITIZED || !told->faults);
	}
	/* One at most for each message. */
	assert_true(trace.wakes <= scene->windows * messages());
	assert_true(!scene->sleeps || trace.wakes > 0);
}

int main(void)
{
	struct CMUnitTest tests[SCENES];

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < SCENES; i++)
		tests[i] = (struct CMUnitTest){.name = scenes[i].name,
					       .test_func = costs_nothing_but_itself,
					       .initial_state = (void *)(uintptr_t)&scenes[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
