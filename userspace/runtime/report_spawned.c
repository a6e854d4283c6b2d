/* SPDX-License-Identifier: Apache-2.0 */
/* Actors that were spawned by others: their slots come behind the topology's. All together, and those with a name. */
#include <inttypes.h>
#include <string.h>

#include "core/process.h"
#include "runtime/report.h"
#include "runtime/report_read.h"

#define NAMED_MAX 256 /* looked at: of the topology too */
#define LINES_MAX 16  /* of the tree */

struct spawned {
	uint64_t alive;
	struct myc_actor_metrics sum; /* mailbox_depth_max: the highest */
	struct myc_named named[NAMED_MAX];
	uint32_t named_count;
};

static void add(struct spawned *spawned, const struct myc_actor_metrics *m)
{
	struct myc_actor_metrics *sum = &spawned->sum;

	spawned->alive++;
	sum->messages += m->messages;
	sum->messages_sent += m->messages_sent;
	sum->sends_refused += m->sends_refused;
	sum->restarts += m->restarts;
	sum->mailbox_depth += m->mailbox_depth;
	sum->outbox_depth += m->outbox_depth;
	sum->in_doubt += m->in_doubt;
	if (m->mailbox_depth_max > sum->mailbox_depth_max)
		sum->mailbox_depth_max = m->mailbox_depth_max;
}

static void look(const struct myc_run *run, const struct myc_view *view, uint32_t process,
		 struct spawned *spawned)
{
	uint32_t first = run->topology->process[process].actors, kept = 0;
	uint64_t size = 0;
	const struct myc_actor_metrics *block =
		myc_region_block(&view->region[process], MYC_BLOCK_METRICS, 0, &size);
	struct myc_actor_metrics m;

	memset(spawned, 0, sizeof(*spawned));
	for (uint64_t slot = first; block && slot < size / sizeof(*block); slot++) {
		/* Metrics of one that has ended stay until its slot is used again. */
		if (!__atomic_load_n(&block[slot].address, __ATOMIC_RELAXED) ||
		    myc_read_executor(view, process, (uint32_t)slot, UINT32_MAX) == UINT32_MAX)
			continue;
		myc_read_actor(view, process, (uint32_t)slot, &m, NULL);
		add(spawned, &m);
	}
	uint32_t count = myc_named_collect(&view->region[process], spawned->named, NAMED_MAX);

	for (uint32_t i = 0; i < count; i++)
		if (myc_address_slot(spawned->named[i].address) >= first)
			spawned->named[kept++] = spawned->named[i];
	spawned->named_count = kept;
}

/* The metrics of one that has a name; false: it has ended since. */
static bool read_named(const struct myc_view *view, uint32_t process, const struct myc_named *named,
		       struct myc_actor_metrics *m)
{
	myc_read_actor(view, process, myc_address_slot(named->address), m, NULL);
	return m->address == named->address;
}

void myc_report_spawned(const struct myc_run *run, const struct myc_view *view, uint32_t process,
			const char *indent, struct myc_text *text)
{
	struct spawned spawned;
	struct myc_actor_metrics m;

	look(run, view, process, &spawned);
	if (!spawned.alive)
		return;
	myc_text_add(text,
		     "%s%" PRIu64 " spawned: messages %" PRIu64 ", sent %" PRIu64
		     ", mailboxes %" PRIu64 " (one's most %" PRIu64 "), restarts %" PRIu64,
		     indent, spawned.alive, spawned.sum.messages, spawned.sum.messages_sent,
		     spawned.sum.mailbox_depth, spawned.sum.mailbox_depth_max,
		     spawned.sum.restarts);
	if (spawned.sum.sends_refused)
		myc_text_add(text, ", refused %" PRIu64, spawned.sum.sends_refused);
	if (spawned.sum.in_doubt)
		myc_text_add(text, ", in doubt %" PRIu64, spawned.sum.in_doubt);
	myc_text_add(text, "\n");
	for (uint32_t i = 0; i < spawned.named_count && i < LINES_MAX; i++)
		if (read_named(view, process, &spawned.named[i], &m))
			myc_text_add(text,
				     "%s  %s  %#" PRIx64 "  messages %" PRIu64 ", sent %" PRIu64
				     ", mailbox %" PRIu64 ", restarts %" PRIu64 "\n",
				     indent, spawned.named[i].name, m.address, m.messages,
				     m.messages_sent, m.mailbox_depth, m.restarts);
	if (spawned.named_count > LINES_MAX)
		myc_text_add(text, "%s  and %u more with names\n", indent,
			     spawned.named_count - LINES_MAX);
}

static void json_counts(const struct myc_actor_metrics *m, struct myc_text *text)
{
	myc_text_add(text,
		     "\"messages\": %" PRIu64 ", \"messages_sent\": %" PRIu64
		     ", \"sends_refused\": %" PRIu64 ", \"restarts\": %" PRIu64
		     ", \"mailbox_depth\": %" PRIu64 ", \"mailbox_depth_max\": %" PRIu64
		     ", \"outbox_depth\": %" PRIu64 ", \"in_doubt\": %" PRIu64,
		     m->messages, m->messages_sent, m->sends_refused, m->restarts, m->mailbox_depth,
		     m->mailbox_depth_max, m->outbox_depth, m->in_doubt);
}

void myc_report_spawned_json(const struct myc_run *run, const struct myc_view *view,
			     uint32_t process, bool runs, struct myc_text *text)
{
	struct spawned spawned = {0};
	struct myc_actor_metrics m;
	bool some = false;

	if (runs)
		look(run, view, process, &spawned);
	myc_text_add(text, "{\"alive\": %" PRIu64 ", ", spawned.alive);
	json_counts(&spawned.sum, text);
	myc_text_add(text, ", \"named\": [");
	for (uint32_t i = 0; i < spawned.named_count; i++) {
		if (!read_named(view, process, &spawned.named[i], &m))
			continue;
		myc_text_add(text, "%s{\"name\": ", some ? ", " : "");
		myc_text_add_json(text, spawned.named[i].name);
		myc_text_add(text, ", \"address\": \"%#" PRIx64 "\", ", m.address);
		json_counts(&m, text);
		myc_text_add(text, "}");
		some = true;
	}
	myc_text_add(text, "]}");
}
