/* SPDX-License-Identifier: Apache-2.0 */
/* Orders from the control socket: state, replace, suspend, resume, move, holders; and the phases of a stop. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/shutdown.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/order.h"
#include "runtime/supervisor.h"

#define ANSWER_NS (3000 * MYC_NS_PER_MS)

/* ---- what is asked for ------------------------------------------------------------------------- */

/* A name of the topology, or an address. False: nobody is called that. */
static bool find(const struct myc_supervisor *supervisor, const char *name, uint32_t *process,
		 uint64_t *address)
{
	const struct myc_topology *topology = supervisor->run->topology;
	char *end;

	for (uint32_t p = 0; p < topology->processes; p++)
		for (uint32_t a = 0; a < topology->process[p].actors; a++) {
			struct myc_registry_entry entry;

			if (strcmp(topology->process[p].actor[a].name, name) != 0)
				continue;
			myc_layout_entry(supervisor->run->layout, p, a, &entry);
			*process = p;
			*address = entry.address;
			return true;
		}
	if (strncmp(name, "0x", 2) != 0)
		return false;
	*address = strtoull(name, &end, 16);
	*process = myc_address_process(*address);
	return !*end && *process < topology->processes;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* " VERSION HEX" of a replacement. */
static bool read_bytes(const char *text, struct myc_order *order)
{
	char *at;

	order->version = (uint32_t)strtoul(text, &at, 10);
	if (at == text || *at++ != ' ')
		return false;
	for (; at[0] && order->size < MYC_ORDER_STATE_MAX; at += 2) {
		int high = nibble(at[0]), low = at[1] ? nibble(at[1]) : -1;

		if (high < 0 || low < 0)
			return false;
		order->bytes[order->size++] = (uint8_t)(high << 4 | low);
	}
	return !*at;
}

/* " EXECUTOR" of a move. */
static bool read_executor(const char *text, struct myc_order *order)
{
	char *end;

	if (text[0] != ' ' || text[1] < '0' || text[1] > '9')
		return false;
	unsigned long executor = strtoul(text + 1, &end, 10);

	order->executor = executor < UINT32_MAX ? (uint32_t)executor : UINT32_MAX;
	return !*end;
}

static bool read_order(const char *line, char name[64], struct myc_order *order, bool *json)
{
	static const char *const words[] = {
		[MYC_ORDER_SUSPEND] = "suspend ", [MYC_ORDER_RESUME] = "resume ",
		[MYC_ORDER_STATE] = "state ",	  [MYC_ORDER_REPLACE] = "replace ",
		[MYC_ORDER_MOVE] = "move ",	  [MYC_ORDER_HOLDERS] = "holders "};

	for (uint32_t what = MYC_ORDER_SUSPEND; what <= MYC_ORDER_HOLDERS; what++) {
		if (!words[what] || strncmp(line, words[what], strlen(words[what])) != 0)
			continue;
		line += strlen(words[what]);
		size_t length = strcspn(line, " ");

		if (!length || length > 63)
			return false;
		memcpy(name, line, length);
		name[length] = '\0';
		order->what = what;
		line += length;
		if (what == MYC_ORDER_MOVE)
			return read_executor(line, order);
		*json = what == MYC_ORDER_HOLDERS && !strcmp(line, " json");
		if (*json)
			return true;
		return what == MYC_ORDER_REPLACE ? *line == ' ' && read_bytes(line + 1, order)
						 : !*line;
	}
	return false;
}

enum myc_order_asked myc_supervisor_order(struct myc_supervisor *supervisor, const char *line,
					  struct myc_text *answer)
{
	struct myc_order order = {0};
	uint32_t process;
	char name[64];
	bool json = false;

	if (!read_order(line, name, &order, &json))
		return MYC_ORDER_NONE;
	if (!find(supervisor, name, &process, &order.actor)) {
		myc_text_add(answer, "invalid: no actor is called '%s' (myc ps lists them)\n",
			     name);
		return MYC_ORDER_ANSWERED;
	}
	struct myc_child *child = &supervisor->notes->child[process];
	struct myc_order_wait *wait = &supervisor->order[process];

	if (wait->number || supervisor->notes->phase != MYC_PHASE_RUNNING ||
	    child->state != MYC_CHILD_UP) {
		myc_text_add(answer, "error: its process is %s: try again\n",
			     wait->number ? "carrying out another order" : "not up");
		return MYC_ORDER_ANSWERED;
	}
	order.incarnation = child->incarnation;
	*wait = (struct myc_order_wait){.number =
						myc_order_give(&supervisor->view, process, &order),
					.client = supervisor->control.serving,
					.until_ns = myc_clock_ns() + ANSWER_NS,
					.what = order.what,
					.json = json};
	if (!wait->number) {
		myc_text_add(answer, "error: the region has no place for orders\n");
		return MYC_ORDER_ANSWERED;
	}
	myc_child_order(supervisor, process);
	return MYC_ORDER_AWAITED;
}

/* ---- what came of it ---------------------------------------------------------------------------- */

static void say_holder(const struct myc_supervisor *supervisor, uint64_t holder,
		       uint32_t references, struct myc_text *text)
{
	uint32_t slot = myc_address_slot(holder);
	const struct myc_topology_process *process =
		&supervisor->run->topology->process[myc_address_process(holder)];

	if (!myc_address_generation(holder))
		myc_text_add(text, "  threads of process %s", process->name);
	else if (slot < process->actors)
		myc_text_add(text, "  %s", process->actor[slot].name);
	else
		myc_text_add(text, "  %#" PRIx64 " in process %s", holder, process->name);
	if (references > 1)
		myc_text_add(text, ", %u times", references);
	myc_text_add(text, "\n");
}

/* Threads have neither name nor address, spawned actors no name. */
static void say_holder_json(const struct myc_supervisor *supervisor, uint64_t holder,
			    uint32_t references, bool first, struct myc_text *text)
{
	uint32_t slot = myc_address_slot(holder);
	const struct myc_topology_process *process =
		&supervisor->run->topology->process[myc_address_process(holder)];
	bool actor = myc_address_generation(holder) != 0;
	char address[24] = "";

	if (actor)
		snprintf(address, sizeof(address), "%#" PRIx64, holder);
	myc_text_add(text, "%s{\"process\": ", first ? "" : ", ");
	myc_text_add_json(text, process->name);
	myc_text_add(text, ", \"name\": ");
	myc_text_add_json(text, actor && slot < process->actors ? process->actor[slot].name : "");
	myc_text_add(text, ", \"address\": \"%s\", \"references\": %u}", address, references);
}

/* Each holder once. */
static void say_holders(const struct myc_supervisor *supervisor,
			const struct myc_order_result *result, bool json, struct myc_text *text)
{
	uint32_t known = result->size / (uint32_t)sizeof(uint64_t);
	uint64_t holder[MYC_ORDER_HOLDERS_MAX];
	bool first = true;

	known = known < MYC_ORDER_HOLDERS_MAX ? known : MYC_ORDER_HOLDERS_MAX;
	memcpy(holder, result->bytes, known * sizeof(*holder));
	myc_text_add(text, json ? "ok {\"references\": %u, \"holders\": [" : "ok %u reference%s\n",
		     result->version, result->version == 1 ? "" : "s");
	for (uint32_t i = 0; i < known; i++) {
		uint32_t references = 1;

		if (!holder[i] ||
		    myc_address_process(holder[i]) >= supervisor->run->topology->processes)
			continue;
		for (uint32_t j = i + 1; j < known; j++) {
			references += holder[j] == holder[i];
			holder[j] = holder[j] == holder[i] ? 0 : holder[j];
		}
		if (json)
			say_holder_json(supervisor, holder[i], references, first, text);
		else
			say_holder(supervisor, holder[i], references, text);
		first = false;
	}
	if (json)
		myc_text_add(text, "]}\n");
	else if (result->version > known)
		myc_text_add(text, "  and others\n");
}

/* Why an order was not carried out. */
static const char *why(uint32_t what, int code)
{
	if (code == MYC_ORDER_NO_CODE)
		return "its process says what cannot be: its memory is spoilt (restart it)";
	if (what == MYC_ORDER_REPLACE && code == -EINVAL)
		return "the bytes are no state of it";
	switch (code) {
	case -EACCES:
		return "its behaviour does not let others (give it a codec, mycelium/state.h)";
	case -ESRCH:
		return "no actor has this address (myc ps lists them)";
	case -EPROTO:
		return "the bytes are of another version than its codec (--version)";
	default:
		return strerror(-code);
	}
}

/* Is it what was asked for that cannot be? */
static bool invalid(uint32_t what, int code)
{
	return code == -ESRCH || (what == MYC_ORDER_MOVE && code == -EINVAL) ||
	       (what == MYC_ORDER_REPLACE &&
		(code == -EINVAL || code == -EPROTO || code == -EMSGSIZE));
}

static void say_result(const struct myc_supervisor *supervisor, const struct myc_order_wait *wait,
		       const struct myc_order_result *result, struct myc_text *text)
{
	if (result->code) {
		char words[MYC_ORDER_TEXT_MAX] = "";

		if (wait->what == MYC_ORDER_MOVE && result->code != MYC_ORDER_NO_CODE)
			myc_order_text(result, words);
		myc_text_add(text, "%s%s\n",
			     invalid(wait->what, result->code) ? "invalid: " : "error: ",
			     words[0] ? words : why(wait->what, result->code));
		return;
	}
	if (wait->what == MYC_ORDER_HOLDERS) {
		say_holders(supervisor, result, wait->json, text);
		return;
	}
	if (wait->what != MYC_ORDER_STATE) {
		myc_text_add(text, "ok\n");
		return;
	}
	myc_text_add(text, "ok %u %u\n", result->version, result->size);
	for (uint32_t i = 0; i < result->size; i++)
		myc_text_add(text, "%02x", result->bytes[i]);
	myc_text_add(text, "\n");
}

void myc_supervisor_orders_step(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	static struct myc_order_result result;

	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++) {
		struct myc_order_wait *wait = &supervisor->order[p];
		struct myc_text text = {0};

		if (!wait->number || wait->client < 0)
			continue;
		if (myc_order_result(&supervisor->view, p, wait->number, &result))
			say_result(supervisor, wait, &result, &text);
		else if (!myc_child_runs(&supervisor->notes->child[p]))
			myc_text_add(&text, "error: its process died\n");
		else if (now_ns > wait->until_ns)
			myc_text_add(&text, "error: it has not come to it in time\n");
		else
			continue;
		myc_control_reply(&supervisor->control, wait->client, myc_text_string(&text));
		myc_text_free(&text);
		*wait = (struct myc_order_wait){0};
	}
}

/* ---- phases of a stop ---------------------------------------------------------------------------- */

static void note_late(struct myc_supervisor *supervisor, uint32_t process, const char *what)
{
	const struct myc_topology *topology = supervisor->run->topology;
	const char *phase = topology->phase[supervisor->notes->stop_phase - 1].name;

	myc_log_warn("phase '%s', process '%s': %s", phase, topology->process[process].name, what);
	myc_text_add(&supervisor->late, "phase '%s': %s\n", phase, what);
}

/* True: this worker has ended the phase, or will not. */
static bool phase_over(struct myc_supervisor *supervisor, uint32_t process, uint64_t now_ns)
{
	static struct myc_order_result result;
	struct myc_order_wait *wait = &supervisor->order[process];

	if (!wait->number)
		return true;
	if (myc_order_result(&supervisor->view, process, wait->number, &result)) {
		char text[MYC_ORDER_TEXT_MAX];

		myc_order_text(&result, text);
		if (text[0])
			note_late(supervisor, process, text);
	} else if (myc_child_runs(&supervisor->notes->child[process])) {
		if (now_ns <= wait->until_ns)
			return false;
		note_late(supervisor, process, "its process did not answer");
	}
	*wait = (struct myc_order_wait){0};
	return true;
}

static void give_phase(struct myc_supervisor *supervisor, uint32_t process, uint64_t now_ns)
{
	const struct myc_child *child = &supervisor->notes->child[process];
	uint64_t phase = supervisor->notes->stop_phase;
	uint64_t timeout_ms = supervisor->run->topology->phase[phase - 1].timeout_ms;
	const struct myc_order order = {.incarnation = child->incarnation,
					.what = MYC_ORDER_PHASE,
					.phase = (uint32_t)phase};

	if (child->state != MYC_CHILD_UP)
		return;
	supervisor->order[process] = (struct myc_order_wait){
		.number = myc_order_give(&supervisor->view, process, &order),
		/* For its actors, for the stuck ones, and to answer. */
		.until_ns = now_ns + (timeout_ms + 2 * MYC_SHUTDOWN_KILL_MS) * MYC_NS_PER_MS,
		.what = MYC_ORDER_PHASE,
		.client = -1};
	myc_child_order(supervisor, process);
}

bool myc_supervisor_phases_step(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	struct myc_supervisor_notes *notes = supervisor->notes;
	uint32_t processes = myc_run_processes(supervisor->run);
	bool over = true;

	if (notes->stop_phase > supervisor->run->topology->phases)
		return true;
	if (!notes->stop_phase)
		notes->stop_phase = 1;
	for (uint32_t p = 0; p < processes; p++) {
		if (supervisor->order[p].number && supervisor->order[p].client >= 0)
			return false; /* somebody's order comes first */
	}
	if (supervisor->stop_phase_given != notes->stop_phase) {
		for (uint32_t p = 0; p < processes && supervisor->run->topology->phases; p++)
			give_phase(supervisor, p, now_ns);
		supervisor->stop_phase_given = notes->stop_phase;
	}
	for (uint32_t p = 0; p < processes; p++)
		over = phase_over(supervisor, p, now_ns) && over;
	if (!over)
		return false;
	notes->stop_phase++;
	return notes->stop_phase > supervisor->run->topology->phases;
}
