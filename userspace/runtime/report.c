/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "market/arbiter.h"
#include "runtime/channels_yaml.h"
#include "runtime/report_read.h"

#define NS_PER_S 1e9

const char *myc_child_state_name(uint64_t state)
{
	static const char *const names[] = {"new",   "forking",	   "starting",
					    "up",    "restarting", "stopping",
					    "ended", "ending",	   "ending"};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static const char *row_state_name(enum myc_row_state state)
{
	static const char *const names[] = {"free", "starting", "up", "down"};

	return names[state];
}

static const char *kind_name(const struct myc_run *run)
{
	static const char *const names[] = {"none", "xdp", "udp", "file"};

	return names[run->topology->network.kind];
}

/* State of an actor as the registry has it; DOWN when its row cannot be read. */
static enum myc_row_state actor_state(const struct myc_run *run, const struct myc_view *view,
				      uint32_t process, uint32_t slot)
{
	struct myc_registry_entry entry;

	if (myc_registry_read(&view->registry, run->layout->row[process][slot], &entry))
		return MYC_ROW_DOWN;
	return entry.state;
}

static double seconds_since(uint64_t then_ns)
{
	uint64_t now = myc_clock_ns();

	return then_ns && then_ns < now ? (double)(now - then_ns) / NS_PER_S : 0;
}

static bool runs(uint64_t state)
{
	return state == MYC_CHILD_STARTING || state == MYC_CHILD_UP ||
	       state == MYC_CHILD_STOPPING || state == MYC_CHILD_CLEARING;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* Upper bound of the bucket in which this share of the feed's latencies lies. */
static double latency_us(const struct myc_feed_metrics *m, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)m->latency_count), seen = 0;
	uint32_t i = 0;

	while (i < MYC_FEED_LATENCY_BUCKETS - 1 && (seen += m->latency_bucket[i]) <= wanted)
		i++;
	return (double)myc_feed_latency_most(i) / 1000;
}

static void tree_feed(const struct myc_run *run, const struct myc_view *view, uint32_t process,
		      uint16_t channel, const char *indent, struct myc_text *text)
{
	struct myc_feed_metrics m;

	myc_read_feed(view, process, channel, &m);
	myc_text_add(text,
		     "%s     feed %s: packets %" PRIu64 ", messages %" PRIu64 ", duplicate %" PRIu64
		     ", filtered %" PRIu64 ", gaps %" PRIu64 " (%" PRIu64
		     " lost), in doubt %" PRIu64 ", next %" PRIu64,
		     indent, run->topology->channels->spec[channel].name, m.packets,
		     m.messages_delivered, m.messages_duplicate, m.messages_filtered, m.gaps,
		     m.messages_lost, m.messages_in_doubt, m.next);
	if (m.latency_count)
		myc_text_add(text, ", receive to handler p50 %.1f us, p99 %.1f us",
			     latency_us(&m, 0.5), latency_us(&m, 0.99));
	myc_text_add(text, "\n");
}

static void tree_actor(const struct myc_run *run, const struct myc_view *view, uint32_t process,
		       uint32_t slot, bool last_process, struct myc_text *text)
{
	const struct myc_topology_process *of = &run->topology->process[process];
	const struct myc_topology_actor *actor = &of->actor[slot];
	bool last = slot + 1 == of->actors;
	struct myc_registry_entry entry;
	struct myc_actor_metrics m;
	struct myc_status status;
	char indent[16];

	myc_layout_entry(run->layout, process, slot, &entry);
	myc_read_actor(view, process, slot, &m, &status);
	myc_text_add(text,
		     "%s  %s %s  %s  %#" PRIx64 "  messages %" PRIu64 ", sent %" PRIu64
		     ", mailbox %" PRIu64 ", restarts %" PRIu64,
		     last_process ? " " : "│", last ? "└─" : "├─", actor->name,
		     row_state_name(actor_state(run, view, process, slot)), entry.address,
		     m.messages, m.messages_sent, m.mailbox_depth, m.restarts);
	if (m.sends_refused)
		myc_text_add(text, ", refused %" PRIu64, m.sends_refused);
	if (m.feed_events)
		myc_text_add(text, ", feed events %" PRIu64, m.feed_events);
	if (m.in_doubt)
		myc_text_add(text, ", in doubt %" PRIu64, m.in_doubt);
	myc_text_add(text, "%s%s\n", status.text[0] ? "  " : "", status.text);
	snprintf(indent, sizeof(indent), "%s  %s", last_process ? " " : "│", last ? " " : "│");
	for (uint32_t f = 0; f < actor->feeds; f++)
		tree_feed(run, view, process, actor->feed[f], indent, text);
}

static void tree_process(const struct myc_run *run, const struct myc_view *view, uint32_t process,
			 struct myc_text *text)
{
	const struct myc_topology_process *topology = &run->topology->process[process];
	const struct myc_process_row *row = &view->registry.processes[process];
	const struct myc_child *child = &myc_view_notes(view)->child[process];
	bool last = process + 1 == run->topology->processes;

	myc_text_add(text, "%s %s  %s", last ? "└─" : "├─", topology->name,
		     myc_child_state_name(child->state));
	if (runs(child->state))
		myc_text_add(text, "  pid %u  %.1f s", row->pid, seconds_since(row->started_ns));
	for (uint32_t e = 0; e < topology->executors; e++)
		if (topology->executor[e].core >= 0)
			myc_text_add(text, "%s%d", e ? "," : "  core ", topology->executor[e].core);
	myc_text_add(text, "  restarts %u", row->restarts);
	if (child->adopted)
		myc_text_add(text, "  adopted %" PRIu64, child->adopted);
	if (child->stalls)
		myc_text_add(text, "  stalls %" PRIu64, child->stalls);
	uint64_t letters = myc_report_letters_of(view, process);

	if (letters)
		myc_text_add(text, "  dead letters %" PRIu64, letters);
	struct myc_report_growth growth;

	myc_report_growth_of(view, process, &growth);
	if (growth.limit)
		myc_text_add(text, "  mailbox room %" PRIu64 " (most %" PRIu64 " of %" PRIu64 ")",
			     growth.room, growth.room_max, growth.limit);
	if (growth.refused)
		myc_text_add(text, ", refused %" PRIu64 " times", growth.refused);
	myc_text_add(text, "\n");
	myc_report_counters(view, process, last ? "     " : "│    ", text);
	for (uint32_t a = 0; a < topology->actors; a++)
		tree_actor(run, view, process, a, last, text);
	if (runs(child->state))
		myc_report_spawned(run, view, process, last ? "     " : "│    ", text);
}

static void tree_network(const struct myc_run *run, struct myc_text *text)
{
	struct myc_program_status status;

	if (run->program && !myc_program_status(run->program, &status, NULL))
		myc_text_add(text, "   program %u, link %u on %s: %s\n", status.program_id,
			     status.link_id, status.interface, status.receipt);
	if (run->deaths_seen[0])
		myc_text_add(text, "   deaths seen %s\n", run->deaths_seen);
	for (uint32_t q = 0; run->dataplane && q < MYC_QUEUES_MAX; q++) {
		const char *receipt = myc_dataplane_receipt(run->dataplane, q);

		if (receipt && receipt[0])
			myc_text_add(text, "   queue %u: %s\n", q, receipt);
		if (!run->program) /* one receipt says it all without queues */
			break;
	}
}

void myc_report_tree(const struct myc_run *run, const struct myc_view *view, struct myc_text *text)
{
	static const char *const phases[] = {"starting", "running", "stopping", "stopped"};
	const struct myc_supervisor_notes *notes = myc_view_notes(view);

	myc_text_add(
		text, "%s  %s  %.1f s  network %s%s%s  supervisor %" PRIu64 "  cold starts %u\n",
		run->topology->system, phases[notes->phase & 3], seconds_since(notes->started_ns),
		kind_name(run), run->topology->network.interface[0] ? " " : "",
		run->topology->network.interface, notes->incarnation, run->cold_starts);
	tree_network(run, text);
	for (uint32_t p = 0; p < run->topology->processes; p++)
		tree_process(run, view, p, text);
	myc_report_ledger(run, view, text);
}

bool myc_report_ledger(const struct myc_run *run, const struct myc_view *view,
		       struct myc_text *text)
{
	struct myc_traffic traffic;
	const struct myc_ledger *ledger = &traffic.ledger;
	const char *joint = "=";

	if (!run->dataplane)
		return true;
	myc_read_traffic(run, view, &traffic);
	if (!traffic.present) {
		myc_text_add(text, "counters cannot be read\n");
		return false;
	}
	myc_text_add(text, "packets: %" PRIu64 " seen", traffic.seen);
	for (uint32_t r = 0; r < MYC_REASONS_COUNT; r++) {
		if (!traffic.all.reason[r])
			continue;
		myc_text_add(text, " %s %" PRIu64 " (%s)", joint, traffic.all.reason[r],
			     myc_reason_texts[r]);
		joint = "+";
	}
	myc_text_add(text,
		     "\nledger: %" PRIu64 " redirected %s %" PRIu64 " handled + %" PRIu64
		     " in hand + %" PRIu64 " in rings",
		     traffic.redirected, traffic.adds_up ? "=" : "!=", ledger->handled,
		     ledger->in_hand, ledger->in_rx);
	if (run->program)
		myc_text_add(text,
			     " + %" PRIu64 " dropped by sockets + %" PRIu64 " for a full ring\n",
			     ledger->rx_dropped, ledger->rx_ring_full);
	else
		myc_text_add(text, " + %" PRIu64 " of killed workers\n", ledger->unpushed);
	if (ledger->lost_before)
		myc_text_add(text,
			     "lost before: %" PRIu64 " dropped by full sockets, never judged\n",
			     ledger->lost_before);
	return traffic.adds_up;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_string(struct myc_text *text, const char *key, const char *value)
{
	myc_text_add(text, "\"%s\": ", key);
	myc_text_add_json(text, value);
}

static void json_feed(const struct myc_run *run, const struct myc_view *view, uint32_t process,
		      uint16_t channel, struct myc_text *text)
{
	struct myc_feed_metrics m;

	myc_read_feed(view, process, channel, &m);
#define FIELD(name)           \
	{                     \
#name, m.name \
	}
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		FIELD(packets),
		FIELD(packets_duplicate),
		FIELD(packets_malformed),
		FIELD(packets_held),
		FIELD(heartbeats),
		FIELD(messages_delivered),
		FIELD(messages_duplicate),
		FIELD(messages_filtered),
		FIELD(messages_lost),
		FIELD(messages_in_doubt),
		FIELD(gaps),
		FIELD(gaps_recovered),
		FIELD(sessions),
		FIELD(resets),
		FIELD(ends),
		FIELD(window_unknown),
		FIELD(latency_count),
		FIELD(latency_sum_ns),
		FIELD(next),
		FIELD(epoch),
	};
#undef FIELD
	myc_text_add(text, "{");
	json_string(text, "channel", run->topology->channels->spec[channel].name);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		myc_text_add(text, ", \"%s\": %" PRIu64, fields[i].name, fields[i].value);
	myc_text_add(text, ", \"latency_bucket\": [");
	for (size_t i = 0; i < sizeof(m.latency_bucket) / sizeof(m.latency_bucket[0]); i++)
		myc_text_add(text, "%s%" PRIu64, i ? "," : "", m.latency_bucket[i]);
	myc_text_add(text, "]}");
}

static void json_actor(const struct myc_run *run, const struct myc_view *view, uint32_t process,
		       uint32_t slot, struct myc_text *text)
{
	const struct myc_topology_actor *actor = &run->topology->process[process].actor[slot];
	struct myc_registry_entry entry;
	struct myc_actor_metrics m;
	struct myc_status status;

	myc_layout_entry(run->layout, process, slot, &entry);
	myc_read_actor(view, process, slot, &m, &status);
	myc_text_add(text, "\n    {");
	json_string(text, "name", actor->name);
	myc_text_add(text, ", ");
	json_string(text, "behaviour", actor->behaviour);
	myc_text_add(text,
		     ", \"address\": \"%#" PRIx64 "\", \"state\": \"%s\", \"executor\": %u"
		     ", \"messages\": %" PRIu64 ", \"messages_sent\": %" PRIu64
		     ", \"sends_refused\": %" PRIu64 ", \"timers\": %" PRIu64
		     ", \"feed_events\": %" PRIu64 ", \"restarts\": %" PRIu64
		     ", \"mailbox_depth\": %" PRIu64 ", \"mailbox_depth_max\": %" PRIu64
		     ", \"outbox_depth\": %" PRIu64 ", \"in_doubt\": %" PRIu64
		     ", \"paused_ns\": %" PRIu64 ", \"stuck\": %" PRIu64 ", \"cycles\": %u"
		     ", \"topic_events\": %" PRIu64 ", \"topic_lost\": %" PRIu64 ", ",
		     entry.address, row_state_name(actor_state(run, view, process, slot)),
		     myc_read_executor(view, process, slot, actor->executor), m.messages,
		     m.messages_sent, m.sends_refused, m.timers, m.feed_events, m.restarts,
		     m.mailbox_depth, m.mailbox_depth_max, m.outbox_depth, m.in_doubt, m.paused_ns,
		     m.stuck, m.cycles, m.topic_events, m.topic_lost);
	json_string(text, "status", status.text);
	myc_text_add(text, ", \"feeds\": [");
	for (uint32_t f = 0; f < actor->feeds; f++) {
		myc_text_add(text, f ? ", " : "");
		json_feed(run, view, process, actor->feed[f], text);
	}
	myc_text_add(text, "]}");
}

static void json_process(const struct myc_run *run, const struct myc_view *view, uint32_t process,
			 struct myc_text *text)
{
	const struct myc_topology_process *topology = &run->topology->process[process];
	const struct myc_process_row *row = &view->registry.processes[process];
	const struct myc_child *child = &myc_view_notes(view)->child[process];

	struct myc_report_growth growth;

	myc_report_growth_of(view, process, &growth);
	myc_text_add(text, "\n  {");
	json_string(text, "name", topology->name);
	myc_text_add(text,
		     ", \"growth\": {\"limit\": %" PRIu64 ", \"room\": %" PRIu64
		     ", \"room_max\": %" PRIu64 ", \"refused\": %" PRIu64 "}",
		     growth.limit, growth.room, growth.room_max, growth.refused);
	myc_text_add(text,
		     ", \"state\": \"%s\", \"pid\": %u, \"incarnation\": %" PRIu64
		     ", \"restarts\": %u, \"adopted\": %" PRIu64 ", \"stalls\": %" PRIu64
		     ", \"dead_letters\": %" PRIu64 ", \"uptime_s\": %.3f, \"cores\": [",
		     myc_child_state_name(child->state), runs(child->state) ? row->pid : 0,
		     row->incarnation, row->restarts, child->adopted, child->stalls,
		     myc_report_letters_of(view, process),
		     runs(child->state) ? seconds_since(row->started_ns) : 0);
	for (uint32_t e = 0; e < topology->executors; e++)
		myc_text_add(text, "%s%d", e ? ", " : "", topology->executor[e].core);
	myc_text_add(text, "], ");
	myc_report_counters_json(view, process, text);
	myc_text_add(text, ", \"actors\": [");
	for (uint32_t a = 0; a < topology->actors; a++) {
		myc_text_add(text, a ? "," : "");
		json_actor(run, view, process, a, text);
	}
	myc_text_add(text, "], \"spawned\": ");
	myc_report_spawned_json(run, view, process, runs(child->state), text);
	myc_text_add(text, "}");
}

static void json_counters(const struct myc_counters *counters, struct myc_text *text)
{
	uint64_t sum = 0;

	myc_text_add(text, "\"reasons\": {");
	for (uint32_t r = 0; r < MYC_REASONS_COUNT; r++) {
		sum += counters->reason[r];
		myc_text_add(text, "%s\"%s\": %" PRIu64, r ? ", " : "", myc_reason_names[r],
			     counters->reason[r]);
	}
	myc_text_add(text, "}, \"sum\": %" PRIu64 ", \"facts\": {", sum);
	for (uint32_t f = 0; f < MYC_FACTS_COUNT; f++)
		myc_text_add(text, "%s\"%s\": %" PRIu64, f ? ", " : "", myc_fact_names[f],
			     counters->fact[f]);
	myc_text_add(text, "}");
}

static void json_traffic(const struct myc_run *run, const struct myc_view *view,
			 struct myc_text *text)
{
	const struct myc_channels *channels = run->topology->channels;
	struct myc_traffic t;
	const struct myc_ledger *l = &t.ledger;

	myc_read_traffic(run, view, &t);
	myc_text_add(text, ",\n \"counters\": {");
	json_counters(&t.all, text);
	myc_text_add(text, ", \"channels\": [");
	for (uint32_t c = 0; c < channels->config.channels_count; c++) {
		struct myc_counters one = {{0}, {0}};

		myc_read_counters(run, view, c + 1, &one);
		myc_text_add(text, "%s\n  {", c ? "," : "");
		json_string(text, "channel", channels->spec[c].name);
		myc_text_add(text, ", ");
		json_counters(&one, text);
		myc_text_add(text, "}");
	}
	myc_text_add(text,
		     "]},\n \"ledger\": {\"redirected\": %" PRIu64 ", \"handled\": %" PRIu64
		     ", \"in_hand\": %" PRIu64 ", \"in_rx\": %" PRIu64 ", \"rx_dropped\": %" PRIu64
		     ", \"rx_ring_full\": %" PRIu64 ", \"rx_invalid\": %" PRIu64
		     ", \"fill_ring_empty\": %" PRIu64 ", \"unpushed\": %" PRIu64
		     ", \"lost_before\": %" PRIu64 ", \"not_delivered\": %" PRIu64
		     ", \"frames\": %" PRIu64 ", \"in_fill\": %" PRIu64 ", \"in_return\": %" PRIu64
		     ", \"in_completion\": %" PRIu64 ", \"in_kernel\": %" PRIu64
		     ", \"adds_up\": %s}",
		     t.redirected, l->handled, l->in_hand, l->in_rx, l->rx_dropped, l->rx_ring_full,
		     l->rx_invalid, l->fill_ring_empty, l->unpushed, l->lost_before,
		     l->not_delivered, l->frames, l->in_fill, l->in_return, l->in_completion,
		     l->in_kernel, t.adds_up ? "true" : "false");
}

static void json_network(const struct myc_run *run, struct myc_text *text)
{
	struct myc_program_status status;
	bool first = true;

	myc_text_add(text, "\"network\": {\"kind\": \"%s\", ", kind_name(run));
	json_string(text, "interface", run->topology->network.interface);
	if (run->program && !myc_program_status(run->program, &status, NULL)) {
		myc_text_add(text, ", \"program_id\": %u, \"link_id\": %u, ", status.program_id,
			     status.link_id);
		json_string(text, "attached", status.receipt);
	}
	if (run->deaths_seen[0]) {
		myc_text_add(text, ", ");
		json_string(text, "deaths_seen", run->deaths_seen);
	}
	myc_text_add(text, ", \"receipts\": [");
	for (uint32_t q = 0; run->dataplane && q < MYC_QUEUES_MAX; q++) {
		const char *receipt = myc_dataplane_receipt(run->dataplane, q);

		if (!receipt)
			continue;
		myc_text_add(text, first ? "" : ", ");
		myc_text_add_json(text, receipt);
		first = false;
		if (!run->program) /* one receipt says it all without queues */
			break;
	}
	myc_text_add(text, "]}");
}

void myc_report_json(const struct myc_run *run, const struct myc_view *view, struct myc_text *text)
{
	static const char *const phases[] = {"starting", "running", "stopping", "stopped"};
	const struct myc_supervisor_notes *notes = myc_view_notes(view);
	char why[1024] = "";

	if (notes->error.code)
		myc_error_format(&notes->error, why, sizeof(why));
	myc_text_add(text, "{");
	json_string(text, "system", run->topology->system);
	myc_text_add(text,
		     ", \"phase\": \"%s\", \"uptime_s\": %.3f, \"cold_starts\": %u"
		     ", \"holder\": {\"pid\": %d}, \"supervisor\": {\"pid\": %d"
		     ", \"incarnation\": %" PRIu64 ", \"rows_repaired\": %" PRIu64
		     "}, \"restarts\": %" PRIu64 ", ",
		     phases[notes->phase & 3], seconds_since(notes->started_ns), run->cold_starts,
		     (int)getppid(), (int)getpid(), notes->incarnation, notes->repaired,
		     notes->window.count);
	json_string(text, "error", why);
	myc_text_add(text, ",\n ");
	json_network(run, text);
	myc_text_add(text, ",\n \"processes\": [");
	for (uint32_t p = 0; p < run->topology->processes; p++) {
		myc_text_add(text, p ? "," : "");
		json_process(run, view, p, text);
	}
	myc_text_add(text, "]");
	if (run->dataplane)
		json_traffic(run, view, text);
	myc_text_add(text, "}\n");
}
