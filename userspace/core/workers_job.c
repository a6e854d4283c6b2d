/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a pool: a table, lists through it, and the keys that have some. */
#include "core/workers.h"

#include <errno.h>
#include <stdlib.h>

/* ---- the table --------------------------------------------------------------------------------- */

static void list_empty(struct myc_work_list *lists)
{
	for (uint32_t p = 0; p < MYC_WORKERS_PRIORITIES; p++)
		lists[p] = (struct myc_work_list){MYC_NONE, MYC_NONE};
}

int myc_work_open(struct myc_workers *workers)
{
	/* So many wait, and so many are in hand; those that come back from dead workers were. */
	uint32_t count =
		workers->opts.queue_max + workers->opts.workers_max * MYC_WORKERS_AHEAD_MAX;

	workers->work_count = count;
	while (workers->bucket_mask + 1 < count)
		workers->bucket_mask = 2 * workers->bucket_mask + 1;
	workers->work = calloc(count, sizeof(*workers->work));
	workers->key = calloc(count, sizeof(*workers->key));
	workers->bucket = calloc(workers->bucket_mask + 1, sizeof(*workers->bucket));
	if (!workers->work || !workers->key || !workers->bucket)
		return -ENOMEM;
	for (uint32_t i = 0; i <= workers->bucket_mask; i++)
		workers->bucket[i] = MYC_NONE;
	for (uint32_t i = 0; i < count; i++)
		workers->work[i].next = workers->key[i].next = i + 1 < count ? i + 1 : MYC_NONE;
	list_empty(workers->common);
	list_empty(workers->age);
	for (uint32_t i = 0; i < MYC_WORKERS_MAX; i++) {
		list_empty(workers->place[i].queue);
		workers->place[i].row = MYC_NONE;
		workers->place[i].spawn_at_ns = UINT64_MAX;
	}
	return 0;
}

void myc_work_close(struct myc_workers *workers)
{
	free(workers->work);
	free(workers->key);
	free(workers->bucket);
}

struct myc_work *myc_work_take(struct myc_workers *workers)
{
	uint32_t index = workers->work_free;

	if (index == MYC_NONE)
		return NULL;
	struct myc_work *work = myc_work_at(workers, index);

	workers->work_free = work->next;
	*work = (struct myc_work){.place = MYC_NONE, .key_at = MYC_NONE};
	return work;
}

static void key_leave(struct myc_workers *workers, struct myc_work *work);

void myc_work_free(struct myc_workers *workers, struct myc_work *work)
{
	key_leave(workers, work);
	myc_body_give(workers->control, &work->body);
	work->state = MYC_WORK_FREE;
	work->next = workers->work_free;
	workers->work_free = myc_work_index(workers, work);
}

/* ---- lists ------------------------------------------------------------------------------------- */

static void list_insert(struct myc_workers *workers, struct myc_work_list *list,
			struct myc_work *work, bool in_front)
{
	uint32_t index = myc_work_index(workers, work);
	uint32_t beside = in_front ? list->first : list->last;

	work->next = in_front ? beside : MYC_NONE;
	work->previous = in_front ? MYC_NONE : beside;
	if (beside == MYC_NONE)
		list->first = list->last = index;
	else if (in_front)
		workers->work[beside].previous = list->first = index;
	else
		workers->work[beside].next = list->last = index;
}

void myc_work_list_append(struct myc_workers *workers, struct myc_work_list *list,
			  struct myc_work *work)
{
	list_insert(workers, list, work, false);
}

void myc_work_list_remove(struct myc_workers *workers, struct myc_work_list *list,
			  struct myc_work *work)
{
	if (work->previous == MYC_NONE)
		list->first = work->next;
	else
		workers->work[work->previous].next = work->next;
	if (work->next == MYC_NONE)
		list->last = work->previous;
	else
		workers->work[work->next].previous = work->previous;
}

/* By the time it was accepted: one that comes back is older than most. */
static void age_insert(struct myc_workers *workers, struct myc_work *work)
{
	struct myc_work_list *age = &workers->age[work->priority];
	uint32_t index = myc_work_index(workers, work), older = age->last;

	while (older != MYC_NONE && workers->work[older].accepted_ns > work->accepted_ns)
		older = workers->work[older].older;
	work->older = older;
	work->younger = older == MYC_NONE ? age->first : workers->work[older].younger;
	if (older == MYC_NONE)
		age->first = index;
	else
		workers->work[older].younger = index;
	if (work->younger == MYC_NONE)
		age->last = index;
	else
		workers->work[work->younger].older = index;
}

static void age_remove(struct myc_workers *workers, const struct myc_work *work)
{
	struct myc_work_list *age = &workers->age[work->priority];

	if (work->older == MYC_NONE)
		age->first = work->younger;
	else
		workers->work[work->older].younger = work->younger;
	if (work->younger == MYC_NONE)
		age->last = work->older;
	else
		workers->work[work->younger].older = work->older;
}

static struct myc_work_list *queue_of(struct myc_workers *workers, const struct myc_work *work)
{
	return work->place == MYC_NONE ? &workers->common[work->priority]
				       : &workers->place[work->place].queue[work->priority];
}

static void count_waiting(struct myc_workers *workers, const struct myc_work *work, uint64_t change)
{
	workers->numbers.waiting += change;
	if (work->place == MYC_NONE) {
		if (work->key_at != MYC_NONE)
			workers->key[work->key_at].common += (uint32_t)change;
		return;
	}
	myc_place_numbers(workers, work->place)->waiting += change;
}

void myc_work_queue(struct myc_workers *workers, struct myc_work *work, bool in_front)
{
	work->state = MYC_WORK_WAITS;
	list_insert(workers, queue_of(workers, work), work, in_front);
	age_insert(workers, work);
	count_waiting(workers, work, 1);
}

void myc_work_unqueue(struct myc_workers *workers, struct myc_work *work)
{
	myc_work_list_remove(workers, queue_of(workers, work), work);
	age_remove(workers, work);
	count_waiting(workers, work, UINT64_MAX);
	work->state = MYC_WORK_FREE;
}

/* ---- keys -------------------------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct myc_workers *workers, uint64_t key)
{
	return &workers->bucket[(uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32) &
				workers->bucket_mask];
}

static uint32_t key_find(const struct myc_workers *workers, uint64_t key)
{
	uint32_t at = *bucket_of(workers, key);

	while (at != MYC_NONE && workers->key[at].key != key)
		at = workers->key[at].next;
	return at;
}

const struct myc_work_key *myc_work_key(const struct myc_workers *workers, uint64_t key)
{
	uint32_t at = key_find(workers, key);

	return at == MYC_NONE ? NULL : &workers->key[at];
}

void myc_work_key_join(struct myc_workers *workers, struct myc_work *work)
{
	uint32_t at = key_find(workers, work->key);

	if (at == MYC_NONE) {
		uint32_t *bucket = bucket_of(workers, work->key);

		at = workers->key_free; /* as many as jobs: there is one */
		workers->key_free = workers->key[at].next;
		workers->key[at] =
			(struct myc_work_key){.key = work->key, .place = MYC_NONE, .next = *bucket};
		*bucket = at;
	}
	workers->key[at].jobs++;
	work->key_at = at;
}

static void key_leave(struct myc_workers *workers, struct myc_work *work)
{
	uint32_t at = work->key_at;

	work->key_at = MYC_NONE;
	if (at == MYC_NONE)
		return;
	/* What is left in the common queue is nobody's. */
	if (--workers->key[at].jobs == workers->key[at].common)
		workers->key[at].place = MYC_NONE;
	if (workers->key[at].jobs)
		return;
	uint32_t *link = bucket_of(workers, workers->key[at].key);

	while (*link != at)
		link = &workers->key[*link].next;
	*link = workers->key[at].next;
	workers->key[at].next = workers->key_free;
	workers->key_free = at;
}

void myc_work_key_hold(struct myc_workers *workers, const struct myc_work *work, uint32_t place)
{
	workers->key[work->key_at].place = place;
}
