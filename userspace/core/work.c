/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/outside.h"
#include "core/wait.h"

#define THREADS	    2
#define THREADS_MAX 64

struct item {
	struct myc_outside_work work;
	struct myc_works *works;
	struct myc_actor *actor; /* NULL: cancelled */
	_Atomic bool cancelled;	 /* the same, for the pool's threads */
	bool here;		 /* to be run by the executor itself */
	int64_t result;
	struct item *next;	     /* of the queue, the done or the held ones */
	struct item *after, *before; /* of all that this executor's actors have */
};

struct list {
	struct item *first, *last;
};

/* All but `done` and `any` is the executor's thread's. */
struct myc_works {
	struct myc_executor *executor;
	struct item *all;
	uint32_t count;
	struct list held;     /* done; some wait because their actor does */
	struct list done;     /* under the pool's mutex */
	_Atomic uint32_t any; /* is something in `done`? Release and acquire */
};

struct myc_work_pool {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list queue;
	bool closing;
	uint32_t threads;
	pthread_t thread[THREADS_MAX];
};

static _Thread_local const struct item *in_hand;

static void put(struct list *list, struct item *item)
{
	item->next = NULL;
	if (list->first)
		list->last->next = item;
	else
		list->first = item;
	list->last = item;
}

/* ---- the pool ---------------------------------------------------------------------------------- */

static void *pool_thread(void *argument)
{
	struct myc_work_pool *pool = argument;
	struct item *item;

	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		while (!pool->queue.first && !pool->closing)
			pthread_cond_wait(&pool->more, &pool->mutex);
		item = pool->queue.first;
		if (!item)
			break;
		pool->queue.first = item->next;
		bool closing = pool->closing;

		pthread_mutex_unlock(&pool->mutex);
		in_hand = item;
		if (!closing && !atomic_load_explicit(&item->cancelled, memory_order_relaxed))
			item->result = item->work.run(item->work.argument);
		in_hand = NULL;
		/* Once it is in the list it is the executor's. */
		struct myc_works *works = item->works;

		pthread_mutex_lock(&pool->mutex);
		put(&works->done, item);
		atomic_store_explicit(&works->any, 1, memory_order_release);
		myc_executor_ring(works->executor);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/* Not on the cores that executors are pinned to, unless the system was opened there. */
static int start_thread(struct myc_system *system, struct myc_work_pool *pool)
{
	pthread_attr_t attributes;
	char name[16];
	int code = -pthread_attr_init(&attributes);

	if (code)
		return code;
	code = -pthread_attr_setaffinity_np(&attributes, sizeof(system->cpus), &system->cpus);
	if (!code)
		code = -pthread_create(&pool->thread[pool->threads], &attributes, pool_thread,
				       pool);
	pthread_attr_destroy(&attributes);
	if (code)
		return code;
	snprintf(name, sizeof(name), "%.10s/work", system->name);
	pthread_setname_np(pool->thread[pool->threads++], name);
	return 0;
}

/* Under the system's mutex. */
static int pool_open(struct myc_system *system)
{
	uint32_t threads = system->opts.work_threads ? system->opts.work_threads : THREADS;
	struct myc_work_pool *pool = calloc(1, sizeof(*pool));
	int code = 0;

	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->more, NULL);
	while (!code && pool->threads < threads && pool->threads < THREADS_MAX)
		code = start_thread(system, pool);
	system->work_pool = pool;
	/* One is enough to go on with. */
	if (pool->threads)
		return 0;
	myc_work_pool_close(system);
	return code;
}

void myc_work_pool_close(struct myc_system *system)
{
	struct myc_work_pool *pool = system->work_pool;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->closing = true;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->mutex);
	for (uint32_t i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
	system->work_pool = NULL;
}

/* ---- the executor's ---------------------------------------------------------------------------- */

int myc_works_open(struct myc_executor *executor, struct myc_works **out)
{
	struct myc_system *system = executor->system;
	struct myc_works *works = calloc(1, sizeof(*works));
	int code = 0;

	if (!works)
		return -ENOMEM;
	works->executor = executor;
	pthread_mutex_lock(&system->mutex);
	if (!system->work_pool && !system->workspace.world)
		code = pool_open(system);
	pthread_mutex_unlock(&system->mutex);
	if (code)
		free(works);
	else
		*out = works;
	return code;
}

static void end(struct myc_works *works, struct item *item)
{
	if (item->before)
		item->before->after = item->after;
	else
		works->all = item->after;
	if (item->after)
		item->after->before = item->before;
	works->count--;
	free(item);
}

static void discard(struct myc_works *works, struct item *item)
{
	if (item->work.discard)
		item->work.discard(item->work.argument);
	end(works, item);
}

void myc_works_close(struct myc_works *works)
{
	for (struct item *item = works->all, *next; item; item = next) {
		next = item->after;
		discard(works, item);
	}
	free(works);
}

bool myc_works_have(const struct myc_works *works, const struct myc_actor *actor)
{
	for (const struct item *item = works->all; item; item = item->after)
		if (item->actor == actor)
			return true;
	return false;
}

void myc_works_forget(struct myc_works *works, const struct myc_actor *actor)
{
	for (struct item *item = works->all; item; item = item->after) {
		if (item->actor != actor)
			continue;
		item->actor = NULL;
		atomic_store_explicit(&item->cancelled, true, memory_order_relaxed);
	}
}

static void call(struct myc_works *works, struct item *item)
{
	const struct myc_worked worked = {.cookie = item->work.cookie,
					  .result = item->result,
					  .argument = item->work.argument};
	struct myc_actor *actor = item->actor;
	int (*hook)(struct myc_actor * self, const struct myc_worked *worked_) =
		myc_actor_hook(actor, worked);

	end(works, item);
	int code = hook ? hook(actor, &worked) : 0;

	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

static void collect(struct myc_works *works)
{
	struct myc_work_pool *pool = works->executor->system->work_pool;
	struct list done;

	if (!atomic_load_explicit(&works->any, memory_order_acquire))
		return;
	pthread_mutex_lock(&pool->mutex);
	done = works->done;
	works->done = (struct list){0};
	atomic_store_explicit(&works->any, 0, memory_order_relaxed);
	pthread_mutex_unlock(&pool->mutex);
	for (struct item *item = done.first, *next; item; item = next) {
		next = item->next;
		put(&works->held, item);
	}
}

unsigned myc_works_turn(struct myc_works *works)
{
	struct list held;
	unsigned n = 0;

	collect(works);
	held = works->held;
	works->held = (struct list){0};
	for (struct item *item = held.first, *next; item; item = next) {
		next = item->next;
		if (item->here && !item->cancelled)
			item->result = item->work.run(item->work.argument);
		item->here = false;
		if (item->actor && !myc_outside_may(item->actor)) {
			put(&works->held, item);
			continue;
		}
		n++;
		if (item->actor)
			call(works, item);
		else
			discard(works, item);
	}
	return n;
}

bool myc_works_ready(const struct myc_works *works)
{
	if (atomic_load_explicit(&works->any, memory_order_relaxed))
		return true;
	for (const struct item *item = works->held.first; item; item = item->next)
		if (!item->actor || myc_outside_may(item->actor))
			return true;
	return false;
}

/* ---- for handlers, and for works --------------------------------------------------------------- */

int myc_work(struct myc_actor *self, const struct myc_outside_work *work)
{
	struct myc_executor *executor = self->executor;
	struct myc_outside *outside = myc_outside_of(executor);
	int code = !outside	    ? -ENOMEM
		   : outside->works ? 0
				    : myc_works_open(executor, &outside->works);

	if (code)
		return code;
	struct myc_works *works = outside->works;
	struct myc_work_pool *pool = executor->system->work_pool;
	struct item *item = works->count < MYC_WORKS_MAX ? calloc(1, sizeof(*item)) : NULL;

	if (!item)
		return works->count < MYC_WORKS_MAX ? -ENOMEM : -ENOSPC;
	item->work = *work;
	item->works = works;
	item->actor = self;
	item->after = works->all;
	if (item->after)
		item->after->before = item;
	works->all = item;
	works->count++;
	/* The deterministic runtime has no threads: in a turn to come. */
	item->here = !pool;
	if (item->here) {
		put(&works->held, item);
		return 0;
	}
	pthread_mutex_lock(&pool->mutex);
	put(&pool->queue, item);
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->mutex);
	return 0;
}

bool myc_work_cancelled(void)
{
	return in_hand && atomic_load_explicit(&in_hand->cancelled, memory_order_relaxed);
}
