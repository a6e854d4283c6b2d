/* SPDX-License-Identifier: Apache-2.0 */
/* The publishing half of topics (core/topic_actor.h), and their blocks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/thread.h"
#include "core/topic_actor.h"

#define SLOTS	      4096
#define SLOTS_LARGE   1024 /* of payloads beyond SMALL */
#define SMALL	      256
#define PAYLOAD_MAX   64
#define READERS	      64
#define READINGS      32
#define EXECUTORS_FEW 32 /* with more, records for readers are planned only when asked for */
#define TOPICS_MAX    64

/* ---- blocks ------------------------------------------------------------------------------------ */

static uint32_t readings(const struct myc_system_opts *opts)
{
	if (opts->readings)
		return opts->readings;
	return myc_executors_all(opts) <= EXECUTORS_FEW ? READINGS : 0;
}

/* Of options that were checked. */
static void parameters(const struct myc_topic_opts *opts, struct myc_topic *head)
{
	memset(head, 0, sizeof(*head));
	head->flags = (opts->keys ? MYC_TOPIC_KEYED : 0u) |
		      (opts->reliable ? MYC_TOPIC_RELIABLE : 0u) |
		      (opts->patience_ns ? MYC_TOPIC_TIMED : 0u);
	head->payload_max = opts->payload_max ? opts->payload_max : PAYLOAD_MAX;
	head->slots = opts->slots ? opts->slots : head->payload_max <= SMALL ? SLOTS : SLOTS_LARGE;
	head->keys = opts->keys;
	head->readers = opts->readers ? opts->readers : READERS;
	memcpy(head->name, opts->name, strlen(opts->name) + 1);
}

/* A number of topic i: at most `max`, a power of two where it is to be. */
static int check_number(uint32_t i, const struct myc_topic_opts *opts, const char *field,
			uint32_t value, uint32_t max, bool power, struct myc_error *error)
{
	char remedy[64];

	if (value <= max && !(power && value & (value - 1)))
		return 0;
	snprintf(remedy, sizeof(remedy), "use %sat most %u", power ? "a power of two, " : "", max);
	return myc_error_set(error, -EINVAL, remedy, "the option topics[%u].%s of '%s' is %u", i,
			     field, opts->name, value);
}

static int check_topic(uint32_t i, const struct myc_topic_opts *opts, struct myc_error *error)
{
	if (!opts->name || !*opts->name || strlen(opts->name) >= MYC_TOPIC_NAME_SIZE)
		return myc_error_set(error, -EINVAL, "use 1 to 39 bytes",
				     "the option topics[%u].name is '%s'", i,
				     opts->name ? opts->name : "");
	int code = check_number(i, opts, "slots", opts->slots, MYC_TOPIC_SLOTS_MAX, true, error);

	code = code ? code
		    : check_number(i, opts, "payload_max", opts->payload_max, MYC_TOPIC_PAYLOAD_MAX,
				   false, error);
	code = code ? code
		    : check_number(i, opts, "keys", opts->keys, MYC_TOPIC_KEYS_MAX, true, error);
	code = code ? code
		    : check_number(i, opts, "readers", opts->readers, MYC_TOPIC_READERS_MAX, false,
				   error);
	if (!code && opts->keys && opts->reliable)
		return myc_error_set(error, -EINVAL,
				     "leave one out: a topic with keys waits for nobody",
				     "the options topics[%u].keys and .reliable of '%s' are both "
				     "set",
				     i, opts->name);
	if (!code && opts->patience_ns && !opts->reliable)
		return myc_error_set(error, -EINVAL, "set reliable too",
				     "the option topics[%u].patience_ns of '%s' is set, and it is "
				     "not reliable",
				     i, opts->name);
	return code;
}

int myc_topics_check(const struct myc_system_opts *opts, struct myc_error *error)
{
	int code = 0;

	if (opts->topics_count > TOPICS_MAX || (opts->topics_count && !opts->topics))
		return myc_error_set(error, -EINVAL, "use at most 64, and set topics",
				     "the option topics_count is %u%s", opts->topics_count,
				     opts->topics ? "" : ", and topics is NULL");
	for (uint32_t i = 0; i < opts->topics_count && !code; i++) {
		code = check_topic(i, &opts->topics[i], error);
		for (uint32_t other = 0; other < i && !code; other++)
			if (!strcmp(opts->topics[i].name, opts->topics[other].name))
				code = myc_error_set(
					error, -EEXIST, "give each topic a name of its own",
					"the options topics[%u].name and topics[%u].name are both "
					"'%s'",
					other, i, opts->topics[i].name);
	}
	return code;
}

int myc_topics_plan(struct myc_region_plan *plan, const struct myc_system_opts *opts)
{
	uint32_t records = readings(opts);
	struct myc_topic head;
	int code = 0;

	for (uint32_t i = 0; i < opts->topics_count && !code; i++) {
		parameters(&opts->topics[i], &head);
		code = myc_region_plan_add(plan, MYC_BLOCK_TOPIC, i, myc_topic_size(&head));
	}
	for (uint32_t i = 0; i < myc_executors_all(opts) && records && !code; i++)
		code = myc_region_plan_add(plan, MYC_BLOCK_TOPIC_RECORDS, i,
					   myc_topic_records_size(records));
	return code;
}

/* What a predecessor read is read by nobody now. */
static int open_records(struct myc_system *system)
{
	const struct myc_region *own = &system->workspace.regions[system->workspace.process];
	uint32_t count = readings(&system->opts);

	for (uint32_t i = 0; i < myc_executors_all(&system->opts) && count; i++) {
		uint64_t size = 0;
		struct myc_topic_records *records =
			myc_region_block(own, MYC_BLOCK_TOPIC_RECORDS, i, &size);
		int code = records ? myc_topic_records_init(records, size, count) : -EPROTO;

		if (code)
			return code;
		for (uint32_t r = 0; r < count; r++)
			if (((struct myc_topic_record *)(records + 1))[r].topic)
				myc_topic_record_free(records, r);
	}
	return 0;
}

static bool gone(void *context, uint32_t process, uint64_t incarnation)
{
	const struct myc_system *system = context;
	const struct myc_process_words *words = myc_view_process(system, process, NULL);

	if (words && __atomic_load_n(&words->incarnation, __ATOMIC_RELAXED) != incarnation)
		return true;
	return myc_known_dead(system, process);
}

/* All tables of the workspace; those that are not laid out yet are met when they are. */
static int find_tables(struct myc_system *system, struct myc_publication *publication)
{
	const struct myc_workspace *workspace = &system->workspace;
	struct myc_topic_unmet table = {0};

	publication->unmet = calloc((size_t)workspace->processes * MYC_EXECUTORS_MAX,
				    sizeof(*publication->unmet));
	publication->peer =
		calloc((size_t)workspace->processes * MYC_EXECUTORS_MAX, sizeof(struct myc_peer *));
	if (!publication->unmet || !publication->peer)
		return -ENOMEM;
	for (; table.process < workspace->processes; table.process++)
		for (table.executor = 0; table.executor < MYC_EXECUTORS_MAX; table.executor++) {
			table.records = myc_region_block(&workspace->regions[table.process],
							 MYC_BLOCK_TOPIC_RECORDS, table.executor,
							 &table.size);
			if (!table.records)
				break;
			publication->unmet[publication->unmets++] = table;
		}
	return 0;
}

static bool meet(struct myc_publication *publication)
{
	bool met = false;

	for (uint32_t i = 0; i < publication->unmets;) {
		struct myc_topic_unmet *table = &publication->unmet[i];

		if (myc_topic_writer_meet(&publication->writer, table->process, table->executor,
					  table->records, table->size) == -EAGAIN) {
			i++;
			continue;
		}
		/* Met, or not to be read: never again. */
		*table = publication->unmet[--publication->unmets];
		met = true;
	}
	return met;
}

/* Counts a claim or an end, for readers. */
static void turn_tenure(struct myc_publication *publication)
{
	struct myc_topic *block = publication->block;

	__atomic_store_n(&block->since, publication->writer.published, __ATOMIC_RELAXED);
	/* Release: since, and all that was published before. Pairs with tenure() of subscribers. */
	__atomic_store_n(&block->tenure, block->tenure + 1, __ATOMIC_RELEASE);
}

static int open_one(struct myc_system *system, uint32_t index)
{
	const struct myc_region *own = &system->workspace.regions[system->workspace.process];
	struct myc_publication *publication = &system->publication[index];
	struct myc_topic head;
	uint64_t size = 0;

	parameters(&system->opts.topics[index], &head);
	publication->patience_ns = system->opts.topics[index].patience_ns;
	publication->block = myc_region_block(own, MYC_BLOCK_TOPIC, index, &size);
	int code = publication->block ? myc_topic_init(publication->block, size, &head) : -EPROTO;

	if (!code)
		code = find_tables(system, publication);
	if (!code)
		code = myc_topic_writer_open(
			&publication->writer, publication->block,
			&(struct myc_topic_writer_opts){.process = system->workspace.process,
							.index = index,
							.tables = publication->unmets,
							.gone = gone,
							.context = system});
	if (code)
		return code;
	/* A predecessor's actor had it. */
	if (publication->block->tenure & 1)
		turn_tenure(publication);
	return 0;
}

int myc_topics_open(struct myc_system *system, struct myc_error *error)
{
	int code = open_records(system);

	if (!code && system->opts.topics_count) {
		system->publication =
			calloc(system->opts.topics_count, sizeof(*system->publication));
		code = system->publication ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; i < system->opts.topics_count && !code; i++) {
		system->publications = i + 1;
		code = open_one(system, i);
	}
	return code ? myc_error_set(error, code, "plan the region with the options the system gets",
				    "topics: %s", strerror(-code))
		    : 0;
}

void myc_topics_close(struct myc_system *system)
{
	for (uint32_t i = 0; i < system->publications; i++) {
		myc_topic_writer_close(&system->publication[i].writer);
		free(system->publication[i].unmet);
		free(system->publication[i].peer);
	}
	free(system->publication);
}

/* ---- who is to be woken ------------------------------------------------------------------------ */

static void wake_peers(struct myc_sender *sender, const struct myc_publication *publication)
{
	for (uint32_t i = 0; i < publication->peers; i++)
		if (!(publication->peer[i]->dirty & MYC_PEER_MESSAGE))
			myc_sender_dirty(sender, publication->peer[i], MYC_PEER_MESSAGE);
}

static void find_peers(struct myc_executor *executor, struct myc_publication *publication)
{
	publication->peers = 0;
	for (uint32_t i = 0; i < publication->block->readers; i++) {
		const struct myc_topic_follower *follower = &publication->writer.follower[i];
		uint32_t at = 0;
		struct myc_peer *peer =
			follower->epoch
				? myc_sender_peer(&executor->out,
						  myc_topic_reader_process(follower->reader),
						  myc_topic_reader_executor(follower->reader))
				: NULL;

		while (at < publication->peers && publication->peer[at] != peer)
			at++;
		if (peer && peer->dirty != MYC_PEER_OURSELVES && at == publication->peers)
			publication->peer[publication->peers++] = peer;
	}
}

static void scan_one(struct myc_executor *executor, struct myc_publication *publication)
{
	bool met = publication->unmets && meet(publication);

	if (!myc_topic_writer_scan(&publication->writer) && !met)
		return;
	find_peers(executor, publication);
	/* Who was admitted waits for that. */
	wake_peers(&executor->out, publication);
}

void myc_publications_scan(struct myc_executor *executor)
{
	for (struct myc_publication *at = executor->topics->published; at; at = at->next)
		scan_one(executor, at);
}

bool myc_publications_ready(const struct myc_executor *executor)
{
	for (const struct myc_publication *at = executor->topics->published; at; at = at->next) {
		for (uint32_t u = 0; u < at->unmets; u++)
			if (__atomic_load_n(&at->unmet[u].records->version, __ATOMIC_ACQUIRE))
				return true;
		for (uint32_t t = 0; t < at->writer.tables; t++) {
			const struct myc_topic_table *table = &at->writer.table[t];

			/* Wishes that could not be granted stay: they are looked at again now and then. */
			if (__atomic_load_n(&table->records->changed, __ATOMIC_ACQUIRE) !=
			    table->looked)
				return true;
		}
	}
	return false;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

static struct myc_publication *claimed(struct myc_actor *self, const struct myc_publisher *topic)
{
	struct myc_system *system = self->executor->system;
	uint32_t index = topic->index - 1;

	if (__builtin_expect(index >= system->publications, 0))
		return NULL;
	struct myc_publication *publication = &system->publication[index];

	return __builtin_expect(__atomic_load_n(&publication->owner, __ATOMIC_RELAXED) == self, 1)
		       ? publication
		       : NULL;
}

/* Somebody is in the way. True: no more, he had his time. */
static bool overtaken(struct myc_actor *self, struct myc_publication *publication)
{
	uint64_t now = myc_executor_now(self->executor);

	if (!publication->patience_ns)
		return false;
	if (!publication->refused_ns)
		publication->refused_ns = now;
	return now - publication->refused_ns >= publication->patience_ns &&
	       myc_topic_writer_overtake(&publication->writer);
}

static void release(struct myc_executor *executor, struct myc_publication *publication)
{
	struct myc_publication **link = &executor->topics->published;

	while (*link != publication)
		link = &(*link)->next;
	*link = publication->next;
	turn_tenure(publication);
	wake_peers(&executor->out, publication);
	/* Release: the writer's end. Pairs with myc_topic_claim. */
	__atomic_store_n(&publication->owner, NULL, __ATOMIC_RELEASE);
}

void myc_publications_end(struct myc_actor *actor)
{
	struct myc_publication *next;

	for (struct myc_publication *at = actor->executor->topics->published; at; at = next) {
		next = at->next;
		if (at->owner == actor)
			release(actor->executor, at);
	}
}

int myc_topic_claim(struct myc_actor *self, const char *name, struct myc_publisher *topic)
{
	struct myc_executor *executor = self->executor;
	struct myc_system *system = executor->system;
	struct myc_topics *topics = myc_topics_of(executor);
	uint32_t i = 0;

	topic->index = 0;
	while (i < system->publications && strcmp(system->publication[i].block->name, name) != 0)
		i++;
	if (i == system->publications)
		return -ENOENT;
	if (!topics)
		return -ENOMEM;
	struct myc_publication *publication = &system->publication[i];
	struct myc_actor *nobody = NULL;

	if (!__atomic_compare_exchange_n(&publication->owner, &nobody, self, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return -EBUSY;
	self->has_topics = true;
	publication->reserved = false;
	publication->next = topics->published;
	topics->published = publication;
	__atomic_store_n(&publication->block->executor, executor->index, __ATOMIC_RELAXED);
	turn_tenure(publication);
	meet(publication);
	myc_topic_writer_scan(&publication->writer);
	find_peers(executor, publication);
	wake_peers(&executor->out, publication);
	topic->index = i + 1;
	return 0;
}

void myc_topic_release(struct myc_actor *self, struct myc_publisher *topic)
{
	struct myc_publication *publication = claimed(self, topic);

	if (publication)
		release(self->executor, publication);
	topic->index = 0;
}

int myc_publish(struct myc_actor *self, const struct myc_publisher *topic, uint32_t type,
		uint64_t key, const void *payload, size_t size)
{
	struct myc_publication *publication = claimed(self, topic);

	if (!publication)
		return -EPERM;
	publication->reserved = false;
	int code;

	while ((code = myc_topic_publish(&publication->writer, key, type, payload, size)) ==
		       -EAGAIN &&
	       overtaken(self, publication))
		;
	if (code)
		return code;
	publication->refused_ns = 0;
	wake_peers(&self->executor->out, publication);
	return 0;
}

int myc_publish_reserve(struct myc_actor *self, const struct myc_publisher *topic, uint64_t key,
			void **place)
{
	struct myc_publication *publication = claimed(self, topic);

	if (!publication)
		return -EPERM;
	int code;

	while ((code = myc_topic_reserve(&publication->writer, key, place)) == -EAGAIN &&
	       overtaken(self, publication))
		;
	publication->reserved = !code;
	if (!code)
		publication->refused_ns = 0;
	return code;
}

int myc_publish_commit(struct myc_actor *self, const struct myc_publisher *topic, uint32_t type,
		       size_t size)
{
	struct myc_publication *publication = claimed(self, topic);

	if (!publication)
		return -EPERM;
	if (!publication->reserved)
		return -EINVAL;
	int code = myc_topic_commit(&publication->writer, type, size);

	publication->reserved = code != 0;
	if (!code)
		wake_peers(&self->executor->out, publication);
	return code;
}
