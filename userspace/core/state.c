/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/ask.h"
#include "core/exit.h"
#include "core/link.h"
#include "core/signal.h"

_Static_assert(MYC_STATE_WINDOW == MYC_STATE_MAX, "what a state may become has room in a window");

/* ---- windows ----------------------------------------------------------------------------------- */

/* Bytes of a window are written and read as words: the other side may be at it. */
static size_t words_of(size_t size)
{
	return (size + 7) / 8;
}

/* Returns the sequence of what is there now. */
static uint64_t window_write(struct myc_state_window *window, const void *bytes, size_t size)
{
	uint64_t sequence = (window->sequence | 1) + 2, word;

	__atomic_store_n(&window->sequence, sequence, __ATOMIC_RELAXED);
	/* Pairs with the acquire fence in window_read: who copies new words sees the new sequence. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (size_t i = 0; i < words_of(size); i++) {
		size_t rest = size - i * 8;

		word = 0;
		memcpy(&word, (const char *)bytes + i * 8, rest < 8 ? rest : 8);
		__atomic_store_n(&window->word[i], word, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&window->sequence, sequence + 1, __ATOMIC_RELEASE);
	return sequence + 1;
}

/* False: something else is there by now. */
static bool window_read(const struct myc_state_window *window, uint64_t sequence, void *bytes,
			size_t size)
{
	if (sequence & 1 || __atomic_load_n(&window->sequence, __ATOMIC_ACQUIRE) != sequence)
		return false;
	for (size_t i = 0; i < words_of(size); i++) {
		uint64_t word = __atomic_load_n(&window->word[i], __ATOMIC_RELAXED);
		size_t rest = size - i * 8;

		memcpy((char *)bytes + i * 8, &word, rest < 8 ? rest : 8);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&window->sequence, __ATOMIC_RELAXED) == sequence;
}

static struct myc_state_window *window_of(const struct myc_system *system, uint32_t process,
					  uint32_t index)
{
	uint64_t size = 0;
	struct myc_state_window *window =
		process < system->workspace.processes && index <= MYC_EXECUTORS_MAX
			? myc_region_block(&system->workspace.regions[process], MYC_BLOCK_STATE,
					   index, &size)
			: NULL;

	return window && size >= sizeof(*window) ? window : NULL;
}

/* ---- the executor's side ----------------------------------------------------------------------- */

int myc_state_save(struct myc_actor *actor, enum myc_state_right right, void *bytes, size_t room)
{
	const struct myc_state_codec *codec = actor->behaviour->codec;
	size_t size = actor->behaviour->state_size;

	if (!codec || !(codec->rights & right))
		return -EACCES;
	if (codec->save) {
		int code = codec->save(actor, bytes, room);

		return code > 0 && (size_t)code > room ? -EMSGSIZE : code;
	}
	if (size > room)
		return -EMSGSIZE;
	memcpy(bytes, actor->state, size);
	return (int)size;
}

static int load(struct myc_actor *actor, const void *bytes, size_t size, uint32_t version)
{
	const struct myc_state_codec *codec = actor->behaviour->codec;

	if (!codec || !(codec->rights & MYC_STATE_REPLACE))
		return -EACCES;
	if (version != codec->version)
		return -EPROTO;
	if (codec->load) {
		int code = codec->load(actor, bytes, size);

		return code < 0 ? code : 0;
	}
	if (size != actor->behaviour->state_size)
		return -EINVAL;
	memcpy(actor->state, bytes, size);
	return 0;
}

void *myc_state_scratch(struct myc_executor *executor)
{
	if (!executor->state_scratch)
		executor->state_scratch = malloc(MYC_STATE_SCRATCH);
	return executor->state_scratch;
}

static int tell(struct myc_executor *executor, struct myc_actor *actor, struct myc_state_told *told)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	struct myc_state_window *window =
		window_of(executor->system, workspace->process, executor->index);
	void *scratch = myc_state_scratch(executor);

	if (!window || !scratch)
		return -ENOMEM;
	int size = myc_state_save(actor, MYC_STATE_READ, scratch, MYC_STATE_MAX);

	if (size < 0)
		return size;
	*told = (struct myc_state_told){
		.sequence = window_write(window, scratch, (size_t)size),
		.process = workspace->process,
		.executor = executor->index,
		.size = (uint32_t)size,
		.version = actor->behaviour->codec->version,
	};
	return 0;
}

static int take(struct myc_executor *executor, struct myc_actor *actor, uint32_t process,
		const struct myc_signal_state *asked)
{
	const struct myc_state_window *window =
		window_of(executor->system, process, myc_state_window_of_threads());
	void *scratch = myc_state_scratch(executor);

	if (!window || !scratch)
		return -ENOMEM;
	if (asked->size > MYC_STATE_MAX)
		return -EMSGSIZE;
	/* Who asked has given up. */
	if (!window_read(window, asked->sequence, scratch, asked->size))
		return -ETIMEDOUT;
	return load(actor, scratch, asked->size, asked->version);
}

bool myc_state_came(struct myc_executor *executor, const struct myc_inlet *inlet,
		    const struct myc_slot *slot)
{
	uint32_t process = myc_lane_end_process(inlet->source);
	struct myc_signal_state asked;
	struct myc_state_told told = {0};

	if (slot->size != sizeof(asked))
		return false;
	memcpy(&asked, slot->payload, sizeof(asked));
	if (!myc_address_is_thread(asked.asker) || myc_address_process(asked.asker) != process ||
	    (asked.what != MYC_STATE_TELL && asked.what != MYC_STATE_TAKE))
		return false;
	struct myc_actor *actor = myc_link_ours(executor, asked.to);
	bool runs = actor && myc_actor_runs(actor);
	int code = !runs			  ? -ESRCH
		   : asked.what == MYC_STATE_TELL ? tell(executor, actor, &told)
						  : take(executor, actor, process, &asked);
	const struct myc_reply_to to = {.asker = asked.asker, .correlation = slot->correlation};

	/* No room for the reply: the thread's time will be over. */
	(void)myc_reply_signal(executor, NULL, &to, code < 0 ? code : 0, MYC_STATE_TELL, &told,
			       code || asked.what == MYC_STATE_TAKE ? 0 : sizeof(told), NULL);
	if (runs && actor->stop_asked)
		myc_actor_after(actor, 0);
	return true;
}

/* ---- the thread's side ------------------------------------------------------------------------- */

static int send_state(struct myc_attachment *attachment, myc_address from, const void *context)
{
	struct myc_signal_state asked = *(const struct myc_signal_state *)context;
	const struct myc_signal signal = {.type = MYC_SIGNAL_STATE,
					  .size = sizeof(asked),
					  .to = asked.to,
					  .correlation = attachment->call.number,
					  .payload = &asked};

	asked.asker = from;
	return myc_signal_send_plain(&attachment->out, &signal, MYC_RING_URGENT);
}

int myc_state_read(struct myc_system *system, myc_address actor, void *bytes, size_t room,
		   struct myc_state_info *info, uint64_t timeout_ns)
{
	const struct myc_signal_state asked = {.to = actor, .what = MYC_STATE_TELL};
	uint64_t begun = myc_clock_ns(), spent = 0;
	struct myc_state_told told;
	struct myc_answer answer;

	for (;;) {
		int code = myc_call_by(system, actor, send_state, &asked, &answer, NULL, 0,
				       timeout_ns == UINT64_MAX ? timeout_ns : timeout_ns - spent);

		if (code)
			return code;
		if (answer.size != sizeof(told))
			return -EPROTO;
		memcpy(&told, answer.payload, sizeof(told));
		if (info)
			*info = (struct myc_state_info){.size = told.size, .version = told.version};
		if (told.size > room || told.size > MYC_STATE_MAX)
			return -EMSGSIZE;
		const struct myc_state_window *window =
			window_of(system, told.process, told.executor);

		if (told.process != myc_address_process(actor) || !window)
			return -EPROTO;
		if (window_read(window, told.sequence, bytes, told.size))
			return 0;
		/* Somebody else asked meanwhile. */
		spent = myc_clock_ns() - begun;
		if (spent >= timeout_ns)
			return -ETIMEDOUT;
	}
}

int myc_state_replace(struct myc_system *system, myc_address actor, const void *bytes, size_t size,
		      uint32_t version, uint64_t timeout_ns)
{
	struct myc_state_window *window =
		window_of(system, system->workspace.process, myc_state_window_of_threads());
	struct myc_signal_state asked = {
		.to = actor, .what = MYC_STATE_TAKE, .size = (uint32_t)size, .version = version};

	if (size > MYC_STATE_MAX)
		return -EMSGSIZE;
	/* The window is all threads' together, and this is rare. */
	pthread_mutex_lock(&system->states);
	asked.sequence = window_write(window, bytes, size);
	struct myc_answer none;
	int code = myc_call_by(system, actor, send_state, &asked, &none, NULL, 0, timeout_ns);

	/* What comes too late finds nothing. */
	__atomic_store_n(&window->sequence, asked.sequence + 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&system->states);
	return code;
}
