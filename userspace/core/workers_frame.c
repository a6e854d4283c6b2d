/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Around a worker's handlers: the same behaviour, with hooks that call its own. What a worker has
 * beyond its own state lies behind that.
 *
 * A handler that fails ends the worker with the reason `failed`, as a failure beyond the restart limit
 * does, but is told to nobody but those who watch it: the pool replaces it.
 */
#include <errno.h>
#include <stdlib.h>

#include <mycelium/state.h>

#include "core/ask.h"
#include "core/workers.h"

struct frame {
	const struct myc_behaviour *own;
	struct myc_row *row;
	uint32_t done; /* of the job in hand; 0: none */
	bool kept, broken;
	myc_address control;
};
_Static_assert(sizeof(struct frame) <= 64, "one line behind the state");

static struct frame *frame_of(const struct myc_actor *self)
{
	return (struct frame *)(void *)((char *)self->state + self->behaviour->state_size -
					sizeof(struct frame));
}

static int contain(struct myc_actor *self, int code)
{
	if (code < 0) {
		frame_of(self)->broken = true;
		myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_FAILED, .code = code});
	}
	return 0;
}

static int on_init(struct myc_actor *self)
{
	struct myc_workers *workers = myc_workers_of(self);
	uint32_t row = (uint32_t)strtoul(myc_setting(self, "myc.row", "0"), NULL, 10);
	struct frame *frame = frame_of(self);

	if (!workers || row >= workers->rows)
		return -EINVAL;
	*frame = (struct frame){.own = workers->opts.behaviour,
				.row = &workers->row[row],
				.control = workers->control_address};
	self->pooled = self->of_pool = true;
	return frame->own->init ? contain(self, frame->own->init(self)) : 0;
}

static int on_started(struct myc_actor *self)
{
	struct frame *frame = frame_of(self);

	return frame->broken || !frame->own->started ? 0 : contain(self, frame->own->started(self));
}

static int done(struct myc_actor *self, const struct myc_reply_to *to)
{
	int code = myc_reply_send(self, to, MYC_WORKERS_DONE, NULL, 0);

	/* Control has ended: then the worker does too. */
	return code == -ESRCH ? contain(self, code) : code;
}

static int on_job(struct myc_actor *self, const struct myc_message *message)
{
	struct frame *frame = frame_of(self);
	struct myc_row *row = frame->row;
	const struct myc_handed handed = row->handed[row->taken % MYC_WORKERS_AHEAD_MAX];
	struct myc_message own = *message;

	/* Only this worker writes it. Read after the worker's end, or as a hint. */
	__atomic_store_n(&row->taken, row->taken + 1, __ATOMIC_RELAXED);
	own.from = handed.from;
	own.correlation = handed.correlation;
	own.flags |= handed.flags;
	frame->done = handed.done;
	frame->kept = false;
	int code = frame->own->message ? frame->own->message(self, &own) : 0;

	frame->done = 0;
	if (code < 0)
		return contain(self, code);
	if (frame->kept)
		return 0;
	code = done(self,
		    &(struct myc_reply_to){.asker = frame->control, .correlation = handed.done});
	return contain(self, code);
}

static int on_message(struct myc_actor *self, const struct myc_message *message)
{
	struct frame *frame = frame_of(self);

	if (message->from == frame->control)
		return on_job(self, message);
	return frame->own->message ? contain(self, frame->own->message(self, message)) : 0;
}

static int on_timer(struct myc_actor *self, uint64_t cookie)
{
	return contain(self, frame_of(self)->own->timer(self, cookie));
}

static int on_feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	return contain(self, frame_of(self)->own->feed(self, event));
}

static int on_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	return contain(self, frame_of(self)->own->topic(self, event));
}

static int on_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	return contain(self, frame_of(self)->own->reply(self, reply));
}

static int on_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	return contain(self, frame_of(self)->own->signal(self, event));
}

static int on_group(struct myc_actor *self, const struct myc_group_event *event)
{
	return contain(self, frame_of(self)->own->group(self, event));
}

static int on_life(struct myc_actor *self, const struct myc_life_event *event)
{
	return contain(self, frame_of(self)->own->life(self, event));
}

static int on_idle(struct myc_actor *self)
{
	return contain(self, frame_of(self)->own->idle(self));
}

static int on_io(struct myc_actor *self, const struct myc_io_event *event)
{
	return contain(self, frame_of(self)->own->io(self, event));
}

static int on_worked(struct myc_actor *self, const struct myc_worked *worked)
{
	return contain(self, frame_of(self)->own->worked(self, worked));
}

static int on_undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	return contain(self, frame_of(self)->own->undelivered(self, what));
}

void myc_workers_frame(struct myc_workers *workers)
{
	const struct myc_behaviour *own = workers->opts.behaviour;
	struct myc_behaviour *behaviour = &workers->worker_behaviour;

	*behaviour = *own;
	behaviour->state_size = ((own->state_size + 63) & ~(size_t)63) + 64;
	behaviour->init = on_init;
	behaviour->started = on_started;
	behaviour->message = on_message;
	behaviour->timer = own->timer ? on_timer : NULL;
	behaviour->feed = own->feed ? on_feed : NULL;
	behaviour->topic = own->topic ? on_topic : NULL;
	behaviour->reply = own->reply ? on_reply : NULL;
	behaviour->signal = own->signal ? on_signal : NULL;
	behaviour->group = own->group ? on_group : NULL;
	behaviour->life = own->life ? on_life : NULL;
	behaviour->idle = own->idle ? on_idle : NULL;
	behaviour->io = own->io ? on_io : NULL;
	behaviour->worked = own->worked ? on_worked : NULL;
	behaviour->undelivered = own->undelivered ? on_undelivered : NULL;
	behaviour->redeliver = false;
	/* Jobs come in the order in which they were given, all of them: the pool's queue drops, no mailbox. */
	behaviour->overflow = NULL;
	behaviour->overflow_count = 0;
	/* The memory of its state is not all its own. */
	if (own->codec && (!own->codec->save || !own->codec->load))
		behaviour->codec = NULL;
}

/* ---- for workers ------------------------------------------------------------------------------- */

int myc_job_keep(struct myc_actor *self, struct myc_job *job)
{
	if (!self->pooled || !frame_of(self)->done)
		return -EINVAL;
	struct frame *frame = frame_of(self);

	frame->kept = true;
	*job = (struct myc_job){.done = {.asker = frame->control, .correlation = frame->done}};
	return 0;
}

int myc_job_done(struct myc_actor *self, const struct myc_job *job)
{
	return myc_reply_send(self, &job->done, MYC_WORKERS_DONE, NULL, 0);
}
