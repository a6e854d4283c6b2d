/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/jobs.h"

#define FLOOD_MAX 4096

/* ---- payloads ---------------------------------------------------------------------------------- */

static uint8_t byte_of(uint64_t number, uint32_t i)
{
	return (uint8_t)(number * 31 + i * 7 + (i >> 8));
}

void fill(void *payload, uint64_t number, uint32_t size)
{
	uint8_t *bytes = payload;

	for (uint32_t i = sizeof(number); i < size; i++)
		bytes[i] = byte_of(number, i);
	memcpy(bytes, &number, size < sizeof(number) ? size : sizeof(number));
}

bool filled(const void *payload, uint32_t size)
{
	const uint8_t *bytes = payload;
	uint64_t number;

	if (size < sizeof(number))
		return true;
	memcpy(&number, payload, sizeof(number));
	for (uint32_t i = sizeof(number); i < size; i++)
		if (bytes[i] != byte_of(number, i))
			return false;
	return true;
}

/* ---- sending ----------------------------------------------------------------------------------- */

int do_send_type(struct myc_actor *self, myc_address to, uint16_t type, uint64_t number)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	return code ? code : myc_send(self, &ref, type, &number, sizeof(number));
}

static int send_body(struct myc_actor *self, struct myc_ref *ref, enum how how, uint64_t number,
		     uint32_t size)
{
	struct myc_body body;
	int code = myc_body_take(self, size, &body);
	bool shares = how == SHARE || how == TRY_SHARE;

	if (code)
		return code;
	fill(body.data, number, size);
	body.size = size;
	code = how == COPY_BODY	 ? myc_send_body(self, ref, NUMBER, &body)
	       : how == TRY_BODY ? myc_try_send_body(self, ref, NUMBER, &body)
	       : how == SHARE	 ? myc_send_share(self, ref, NUMBER, &body)
				 : myc_try_send_share(self, ref, NUMBER, &body);
	if (code || shares)
		myc_body_give(self, &body);
	return code;
}

int do_send(struct myc_actor *self, struct probe *me, myc_address to, enum how how, uint64_t number,
	    uint32_t size)
{
	static _Thread_local uint64_t payload[BODY_MAX / 8 + 2];
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	if (code)
		return code;
	if (how > TRY)
		return send_body(self, &ref, how, number, size);
	if (size > sizeof(payload))
		return -EOVERFLOW;
	fill(payload, number, size);
	return how == TRY ? myc_try_send(self, &ref, NUMBER, payload, size)
			  : myc_send(self, &ref, NUMBER, payload, size);
}

static int job_send(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	return do_send(self, me, a[0], (enum how)a[1], a[2], (uint32_t)a[3]);
}

int send_sized(struct probe *from, const struct probe *to, enum how how, uint64_t number,
	       uint32_t size)
{
	return let(from, job_send, to->address, how, number, size);
}

int send_number(struct probe *from, const struct probe *to, uint64_t number)
{
	return send_sized(from, to, SEND, number, sizeof(number));
}

static int job_urgent(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	return code ? code : myc_send_urgent(self, &ref, NUMBER, &a[1], 8);
}
int send_urgent(struct probe *from, const struct probe *to, uint64_t number)
{
	return let(from, job_urgent, to->address, number, 0, 0);
}

/* Credit of an actor of another executor is granted when it has seen the pair. */
int try_number(struct probe *from, const struct probe *to, uint64_t number)
{
	return send_sized(from, to, TRY, number, sizeof(number));
}

static int job_many(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 0; i < a[2] && !code; i++)
		code = do_send(self, me, a[0], SEND, a[1] + i, sizeof(i));
	return code;
}

int send_many(struct probe *from, const struct probe *to, uint64_t first, uint64_t count)
{
	return let(from, job_many, to->address, first, count, 0);
}

static int job_flood(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (me->word[0] = 0; me->word[0] < FLOOD_MAX; me->word[0]++) {
		code = do_send(self, me, a[0], TRY, a[1] + me->word[0], sizeof(a[1]));
		if (code)
			break;
	}
	return code;
}

int try_flood(struct probe *from, const struct probe *to, uint64_t first)
{
	return let(from, job_flood, to->address, first, 0, 0);
}

int do_nothing(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)self;
	(void)me;
	(void)a;
	return 0;
}

/* ---- lives ------------------------------------------------------------------------------------- */

struct myc_exit_reason why_of(uint64_t packed)
{
	return (struct myc_exit_reason){.kind = (uint32_t)packed, .code = (int32_t)(packed >> 32)};
}

JOB_OF(job_watch, myc_monitor(self, a[0], (uint32_t)a[1], &me->monitor[a[2]]))
JOB_OF(job_unwatch, myc_demonitor(self, me->monitor[a[0]]))
JOB_OF(job_tie, myc_link(self, a[0]))
JOB_OF(job_untie, myc_unlink(self, a[0]))
JOB_OF(job_trap, myc_trap_exit(self, a[0]))
JOB_OF(job_leave, (myc_exit(self, why_of(a[0])), 0))
JOB_OF(job_stop, (myc_stop(self), 0))
JOB_OF(job_fail, (atomic_store(&me->handler_code, (int)a[0]), 0))
JOB_OF(job_send_exit, myc_exit_send(self, a[0], why_of(a[1])))
JOB_OF(job_send_stop, myc_stop_send(self, a[0], (uint32_t)a[1]))
JOB_OF(job_suspend, myc_suspend(self, a[0]))
JOB_OF(job_resume, myc_resume(self, a[0]))

/* Until the other's executor knows of it, an end is one of nobody: noproc. */
static int known(int code)
{
	if (!code)
		settle();
	return code;
}
job watch_job(void)
{
	return job_watch;
}
int watch(struct probe *who, const struct probe *other, uint32_t slot)
{
	return known(let(who, job_watch, other->address, 0, slot, 0));
}
int watch_through(struct probe *who, const struct probe *other, uint32_t slot)
{
	return known(let(who, job_watch, other->address, MYC_MONITOR_THROUGH, slot, 0));
}
int unwatch(struct probe *who, uint32_t slot)
{
	return let(who, job_unwatch, slot, 0, 0, 0);
}
int tie(struct probe *who, const struct probe *other)
{
	return known(let(who, job_tie, other->address, 0, 0, 0));
}
int untie(struct probe *who, const struct probe *other)
{
	return let(who, job_untie, other->address, 0, 0, 0);
}
int trap(struct probe *who, bool on)
{
	return let(who, job_trap, on, 0, 0, 0);
}
int leave(struct probe *who, uint64_t why)
{
	return let(who, job_leave, why, 0, 0, 0);
}
int stop_self(struct probe *who)
{
	return let(who, job_stop, 0, 0, 0, 0);
}
int fail_with(struct probe *who, int code)
{
	return let(who, job_fail, (uint64_t)(int64_t)code, 0, 0, 0);
}
int send_exit(struct probe *who, const struct probe *other, uint64_t why)
{
	return let(who, job_send_exit, other->address, why, 0, 0);
}
int send_stop(struct probe *who, const struct probe *other, uint32_t how)
{
	return let(who, job_send_stop, other->address, how, 0, 0);
}
job stop_job(void)
{
	return job_send_stop;
}
job fail_job(void)
{
	return job_fail;
}
job stop_self_job(void)
{
	return job_stop;
}
int suspend(struct probe *who, const struct probe *other)
{
	return let(who, job_suspend, other->address, 0, 0, 0);
}
int resume(struct probe *who, const struct probe *other)
{
	return let(who, job_resume, other->address, 0, 0, 0);
}

void hold_with(struct probe *other, struct probe *who, uint64_t count)
{
	hold(who);
	OK(send_many(other, who, 1, count));
	settle();
}

void hold_draining(struct probe *other, struct probe *who, uint64_t count)
{
	hold(who);
	OK(send_many(other, who, 1, count));
	OK(send_stop(other, who, MYC_STOP_DRAIN));
	settle();
}

void hold_met(struct probe *other, struct probe *who)
{
	OK(send_number(other, who, 1));
	SAW(who, MESSAGE, 1);
	settle();
	hold(who);
}

static int job_look_up(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref = {0};
	char name[MYC_PAYLOAD_MAX];

	memcpy(name, a, 32);
	name[32] = 0;
	int code = myc_lookup(self, name, &ref);

	me->word[0] = code ? MYC_NOBODY : ref.address;
	return code;
}

int look_up(struct probe *who, const char *name)
{
	uint64_t a[5] = {0};

	assert_true(strlen(name) <= 32);
	memcpy(a, name, strlen(name));
	return let(who, job_look_up, a[0], a[1], a[2], a[3]);
}

/* ---- asks -------------------------------------------------------------------------------------- */

static int job_ask(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	uint32_t how = (uint32_t)(a[3] >> 32);
	uint16_t type = (uint16_t)a[3];
	struct myc_ask *kept = &me->ask[a[2] % SLOTS];
	int code = myc_resolve(self, a[0], &ref);

	if (code)
		return code;
	return how == 0	  ? myc_ask(self, &ref, type, &a[2], 8, a[1], a[2], kept)
	       : how == 1 ? myc_try_ask(self, &ref, type, &a[2], 8, a[1], a[2], kept)
			  : myc_ask_await(self, &ref, type, &a[2], 8, a[1], a[2], kept, &me->cycle);
}

job ask_job(void)
{
	return job_ask;
}
int ask(struct probe *who, const struct probe *other, uint64_t timeout_ns, uint64_t cookie)
{
	return let(who, job_ask, other->address, timeout_ns, cookie, REQUEST);
}
int ask_type(struct probe *who, const struct probe *other, uint16_t type, uint64_t cookie)
{
	return let(who, job_ask, other->address, LONG, cookie, type);
}
int try_ask(struct probe *who, const struct probe *other, uint64_t cookie)
{
	return let(who, job_ask, other->address, LONG, cookie, REQUEST | 1ull << 32);
}
int await(struct probe *who, const struct probe *other, uint64_t timeout_ns, uint64_t cookie)
{
	return let(who, job_ask, other->address, timeout_ns, cookie, REQUEST | 2ull << 32);
}

JOB_OF(job_cancel, myc_ask_cancel(self, me->ask[a[0]]))
int cancel(struct probe *who, uint32_t slot)
{
	return let(who, job_cancel, slot, 0, 0, 0);
}

/* a: probes' indices, a byte each from 1; count and wanted; timeout; cookie. */
static int job_gather(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref[SLOTS];
	uint32_t count = (uint32_t)(a[1] >> 32), wanted = (uint32_t)a[1];

	for (uint32_t i = 0; i < count && i < SLOTS; i++) {
		myc_address to = shared->probe[(a[0] >> 8 * i & 0xff) - 1].address;

		/* One that is gone fails as a member. */
		if (myc_resolve(self, to, &ref[i]))
			ref[i] = (struct myc_ref){.address = to};
	}
	return myc_gather(self, ref, count, wanted, REQUEST, &a[3], 8, a[2], a[3],
			  &me->ask[a[3] % SLOTS]);
}

int gather(struct probe *who, struct probe *const *others, uint32_t count, uint32_t wanted,
	   uint64_t timeout_ns, uint64_t cookie)
{
	uint64_t packed = 0;

	assert_true(count <= SLOTS);
	for (uint32_t i = 0; i < count; i++)
		packed |= ((uint64_t)others[i]->index + 1) << 8 * i;
	return let(who, job_gather, packed, (uint64_t)count << 32 | wanted, timeout_ns, cookie);
}

int echoes(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	int code = notes(self, me, message);

	if (!code && myc_message_asks(message))
		code = myc_reply(self, message, ANSWER, message->payload, message->size);
	return code;
}

int keeps(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	if (myc_message_asks(message)) {
		int code = myc_reply_keep(message, &me->kept[me->kept_count % 64]);

		if (code)
			return code;
		me->kept_count++;
	}
	return notes(self, me, message);
}

int ignores(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	(void)self;
	(void)message;
	me->messages++;
	return 0;
}

struct probe *replier(uint32_t where, reaction react)
{
	struct probe *made = spawn(where);

	made->react = react;
	return made;
}

int replies_sized(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	uint8_t payload[MYC_PAYLOAD_MAX + 8];
	uint64_t size;

	memcpy(&size, message->payload, sizeof(size));
	fill(payload, 7, (uint32_t)size);
	me->word[0] = (uint64_t)myc_reply(self, message, ANSWER, payload, size);
	me->messages++;
	return 0;
}

int timed_ask(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	me->word[0] = myc_now_ns(self);
	return code ? code
		    : myc_ask(self, &ref, REQUEST, NULL, 0, a[1], a[2], &me->ask[a[2] % SLOTS]);
}

JOB_OF(job_answer, myc_reply_send(self, &me->kept[a[0]], ANSWER, &a[1], 8))
JOB_OF(job_refuse, myc_reply_error(self, &me->kept[a[0]], (int)a[1]))

static int job_delegate(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[1], &ref);

	return code ? code : myc_delegate(self, &me->kept[a[0]], &ref, ASKED, &a[2], 8);
}

int answer_kept(struct probe *who, uint32_t slot, uint64_t number)
{
	return let(who, job_answer, slot, number, 0, 0);
}
int refuse_kept(struct probe *who, uint32_t slot, int error)
{
	return let(who, job_refuse, slot, (uint64_t)(int64_t)error, 0, 0);
}
int delegate_kept(struct probe *who, uint32_t slot, const struct probe *to)
{
	return let(who, job_delegate, slot, to->address, 77, 0);
}

/* ---- a word that a reaction looks at ------------------------------------------------------------ */

static int job_word(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)self;
	me->word[a[0]] = a[1];
	return 0;
}

void set_word(struct probe *who, uint32_t slot, uint64_t value)
{
	assert_int_equal(let(who, job_word, slot, value, 0, 0), 0);
}

/* ---- timers ------------------------------------------------------------------------------------ */

JOB_OF(job_timer, myc_timer_start(self, a[0], a[1], a[2], &me->timer[a[2]]))
JOB_OF(job_untimer, myc_timer_cancel(self, me->timer[a[0]]))

int start_timer(struct probe *who, uint64_t delay_ns, uint64_t period_ns, uint32_t slot)
{
	return let(who, job_timer, delay_ns, period_ns, slot, 0);
}

void let_pass(uint64_t ns)
{
	struct probe *clock = keeper_of(HERE);
	uint32_t before = clock->timers;

	OK(start_timer(clock, ns, 0, 1));
	SAW(clock, TIMER, before + 1);
}
int stop_timer(struct probe *who, uint32_t slot)
{
	return let(who, job_untimer, slot, 0, 0, 0);
}
