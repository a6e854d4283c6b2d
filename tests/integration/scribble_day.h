/* SPDX-License-Identifier: Apache-2.0 */
/* What a citizen does when its timer fires, and what it hears of topics, names and groups: see scribble_citizen.h. */
#ifndef TESTS_INTEGRATION_SCRIBBLE_DAY_H
#define TESTS_INTEGRATION_SCRIBBLE_DAY_H

#include "integration/scribble_citizen.h"

/* ---- topics, names, groups ----------------------------------------------------------------------- */

static const char *const topic_kinds[TOPICS] = {"tolerant", "timed", "keyed"};

static void topic_name(uint32_t process, uint32_t kind, char name[32])
{
	snprintf(name, 32, "%s.%u", topic_kinds[kind], process);
}

static void publish(struct myc_actor *self, struct citizen *citizen)
{
	uint32_t kind = any(citizen, TOPICS);
	struct tick tick = {.topic = me * TOPICS + kind,
			    .key = any(citizen, KEYS),
			    .number = citizen->published + 1};

	tick.check = check_of((uint32_t)tick.topic, (uint32_t)tick.key, tick.number);
	if (!myc_publish(self, &citizen->topic[kind], 1, tick.key, &tick, sizeof(tick)))
		citizen->published++;
}

static int citizen_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct citizen *citizen = myc_state(self);
	uint32_t topic = (uint32_t)event->cookie, process = topic / TOPICS;
	struct tick tick;

	if (event->kind != MYC_TOPIC_MESSAGE)
		return 0;
	(void)read_all(event->payload, event->size);
	if (process >= GOOD) {
		citizen->saw->scribbled++;
		return 0;
	}
	if (event->size != sizeof(tick)) {
		wrong(citizen, WRONG_TOPIC);
		return 0;
	}
	memcpy(&tick, event->payload, sizeof(tick));
	if (!myc_topic_event_intact(event))
		return 0;
	uint64_t *last = topic % TOPICS == KEYED ? &citizen->read_key[process][tick.key % KEYS]
						 : &citizen->read[topic];

	if (tick.topic != topic || tick.number <= *last ||
	    tick.check != check_of(topic, (uint32_t)tick.key, tick.number))
		wrong(citizen, WRONG_TOPIC);
	*last = tick.number;
	return 0;
}

/* A process that has not joined yet has no topics yet. */
static void subscribe(struct myc_actor *self, struct citizen *citizen)
{
	bool in_place = citizen->index % CITIZENS == SECOND;
	struct myc_subscribe_opts opts = {.sz = sizeof(opts)};
	struct myc_subscription subscription;
	char name[32];

	for (uint32_t topic = 0; topic < PROCESSES * TOPICS; topic++) {
		if (citizen->subscribed & 1u << topic)
			continue;
		opts.flags = topic % TOPICS == TIMED ? MYC_SUBSCRIBE_WAITED_FOR
			     : in_place		     ? MYC_SUBSCRIBE_IN_PLACE
						     : 0;
		topic_name(topic / TOPICS, topic % TOPICS, name);
		if (!myc_subscribe(self, name, &opts, topic, &subscription))
			citizen->subscribed |= 1u << topic;
	}
}

static void citizen_name(uint32_t index, char name[32])
{
	snprintf(name, 32, "citizen.%u.%u", process_of(index), index % CITIZENS);
}

/* Who is there is found, whatever else there is. */
static void look_at_names(struct myc_actor *self, struct citizen *citizen)
{
	static _Thread_local struct myc_name_entry entries[2048];
	uint32_t whom = any(citizen, GOOD * CITIZENS), found = 0, count;
	myc_address address = 0;
	char name[32];

	if (!__atomic_load_n(&witness_of(whom)->started, __ATOMIC_ACQUIRE))
		return;
	citizen_name(whom, name);
	if (myc_whereis(self, "", name, &address) || address != address_of(whom))
		wrong(citizen, WRONG_NAME);
	int all = myc_names(self, NULL, "**", entries, 2048);

	count = all < 0 ? 0 : all > 2048 ? 2048 : (uint32_t)all;
	for (uint32_t i = 0; i < count; i++)
		found += entries[i].address == address_of(whom) && !strcmp(entries[i].name, name) &&
			 !entries[i].registered;
	if (found != 1)
		wrong(citizen, WRONG_NAME);
}

static void look_at_groups(struct myc_actor *self, struct citizen *citizen)
{
	static _Thread_local myc_address members[2048];
	static _Thread_local char names[512][48];
	uint32_t whom = any(citizen, GOOD * CITIZENS), found = 0;

	if (!__atomic_load_n(&witness_of(whom)->started, __ATOMIC_ACQUIRE))
		return;
	int all = myc_group_members(self, "town", "all", MYC_GROUP_ALL, members, 2048);

	for (int i = 0; i < all && i < 2048; i++)
		found += members[i] == address_of(whom);
	if (found != 1)
		wrong(citizen, WRONG_GROUP);
	(void)myc_group_names(self, "town", "*", names, 512);
}

static void come_and_go(struct myc_actor *self, struct citizen *citizen)
{
	uint32_t which = any(citizen, 4), question = 7;
	char group[32], job[32];

	snprintf(group, sizeof(group), "club.%u", which);
	snprintf(job, sizeof(job), "job.%u", which);
	switch (any(citizen, 6)) {
	case 0:
		(void)myc_group_join(self, "town", group);
		break;
	case 1:
		(void)myc_group_leave(self, "town", group);
		break;
	case 2:
		(void)myc_register(self, "jobs", job);
		break;
	case 3:
		(void)myc_unregister(self, "jobs", job);
		break;
	default: /* waits, and is not waited for */
		if (citizen->index % CITIZENS == BOLD)
			(void)myc_group_send_key(self, &citizen->good, which, QUESTION, &question,
						 sizeof(question));
	}
}

static int citizen_group(struct myc_actor *self, const struct myc_group_event *event)
{
	(void)self;
	(void)read_all(event->scope, strlen(event->scope));
	(void)read_all(event->group, strlen(event->group));
	return 0;
}

static int citizen_life(struct myc_actor *self, const struct myc_life_event *event)
{
	(void)self;
	(void)read_all(event->scope, strlen(event->scope));
	(void)read_all(event->name, strlen(event->name));
	return 0;
}

/* ---- a citizen's day ------------------------------------------------------------------------------ */

static void send_some(struct myc_actor *self, struct citizen *citizen)
{
	uint32_t to = any(citizen, ALL), how = any(citizen, 8);
	struct myc_ref *ref = to == citizen->index ? NULL : ref_to(self, citizen, to);
	struct note note = note_to(citizen, to, true);
	int code;

	if (!ref)
		return;
	if (how == 0) {
		code = may_wait(citizen, to) && any(citizen, 2)
			       ? myc_send_urgent(self, ref, URGENT, &note, sizeof(note))
			       : myc_try_send_urgent(self, ref, URGENT, &note, sizeof(note));
		has_sent(citizen, to, true, code ? code : 1);
	} else if (how == 1 && may_wait(citizen, to)) {
		note.number = ++citizen->briefs;
		note.check = check_of(note.from, note.to, note.number);
		(void)myc_send_within(self, ref, BRIEF, &note, sizeof(note),
				      good(to) ? 1000000 : SOON);
	} else if (how <= 3) {
		has_sent(citizen, to, false, ask(self, citizen, ref, to));
	} else {
		has_sent(citizen, to, false, send_ordinary(self, citizen, ref, to));
	}
}

static int citizen_timer(struct myc_actor *self, uint64_t cookie)
{
	struct citizen *citizen = myc_state(self);
	uint32_t slot = citizen->index % CITIZENS;

	(void)cookie;
	if (myc_now_ns(self) < citizen->due_ns)
		wrong(citizen, WRONG_TIMER);
	__atomic_store_n(&citizen->saw->ticks, citizen->saw->ticks + 1, __ATOMIC_RELAXED);
	pay(self, citizen);
	if (!ending()) {
		for (uint32_t i = any(citizen, 8); i > 0; i--)
			send_some(self, citizen);
		if (!any(citizen, 8))
			watch_some(self, citizen);
		if (!any(citizen, 4))
			come_and_go(self, citizen);
		if (!any(citizen, 8))
			gather(self, citizen);
		if (slot == FIRST)
			for (uint32_t i = any(citizen, 8); i > 0; i--)
				publish(self, citizen);
		if (slot <= SECOND && !any(citizen, 16)) {
			subscribe(self, citizen);
			look_at_names(self, citizen);
			look_at_groups(self, citizen);
		}
	}
	uint64_t delay = TICK / 2 + any(citizen, TICK);

	citizen->due_ns = myc_now_ns(self) + delay;
	return myc_timer_start(self, delay, 0, 0, NULL);
}

static int citizen_started(struct myc_actor *self)
{
	struct citizen *citizen = myc_state(self);
	struct myc_group_watch groups;
	struct myc_life_watch lives;
	char name[32];
	int code = 0;

	citizen->index = index_of(myc_self(self));
	citizen->saw = &witness[citizen->index % CITIZENS];
	citizen->chance = (orders->seed + citizen->index * 1000003u) * FACTOR | 1;
	switch (citizen->index % CITIZENS) {
	case FIRST:
		for (uint32_t kind = 0; kind < TOPICS && !code; kind++) {
			topic_name(me, kind, name);
			code = myc_topic_claim(self, name, &citizen->topic[kind]);
		}
		break;
	case SECOND:
		code = myc_group_watch(self, "town", "*", 0, &groups);
		code = code ? code : myc_life_watch(self, NULL, "**", 0, &lives);
		code = code ? code : myc_letters_watch(self, true);
		break;
	case BOLD:
		code = myc_group_open(self, "town", "good", &citizen->good);
		break;
	default:
		break;
	}
	code = code ? code : myc_group_join(self, "town", "all");
	if (!code && good(citizen->index))
		code = myc_group_join(self, "town", "good");
	code = code ? code : myc_trap_exit(self, true);
	if (code)
		return code;
	__atomic_store_n(&citizen->saw->started, 1, __ATOMIC_RELEASE);
	return myc_timer_start(self, TICK, 0, 0, NULL);
}

static const struct myc_state_codec codec = {.rights = MYC_STATE_READ, .version = 1};
static const struct myc_behaviour citizen_behaviour = {.name = "citizen",
						       .state_size = sizeof(struct citizen),
						       .capacity_per_sender = 16,
						       .started = citizen_started,
						       .message = citizen_message,
						       .timer = citizen_timer,
						       .topic = citizen_topic,
						       .reply = citizen_reply,
						       .signal = citizen_signal,
						       .group = citizen_group,
						       .life = citizen_life,
						       .codec = &codec};

#endif
