/* SPDX-License-Identifier: Apache-2.0 */
/* What is there before a vector's packet comes, the packet, and what must become of it. */
#include "common/steer_vectors.h"

#include "common/sbe_body.h"

#include <stdlib.h>
#include <string.h>

#define LEASE_NS 60000000000ull

static void set_scene(enum scene scene, struct rig *rig, uint64_t now_ns)
{
	const uint64_t stale = now_ns - 3 * LEASE_NS;
	uint64_t *owner = &rig->registry[RIG_OWNER_ROW].state_endpoint;

	rig->system.lease_ns_max = LEASE_NS;
	rig->system.lease_ns = now_ns;
	rig->page[0].lease_ns = now_ns;
	rig->page[1].lease_ns = now_ns;
	switch (scene) {
	case ALL_UP:
		break;
	case OWNER_STARTING:
		*owner = myc_row_word(MYC_ROW_STARTING, RIG_OWNER);
		break;
	case OWNER_AND_STANDBY_DEAD:
		rig->processes[1].dead_incarnation = rig->processes[1].incarnation + 1;
		/* fall through */
	case OWNER_DEAD:
		rig->processes[0].dead_incarnation = rig->processes[0].incarnation;
		break;
	case OWNER_DOWN:
		*owner = myc_row_word(MYC_ROW_DOWN, RIG_OWNER);
		break;
	case OWNER_FREE:
		*owner = 0;
		break;
	case OWNER_NO_ENDPOINT:
		*owner = myc_row_word(MYC_ROW_UP, MYC_NO_ENDPOINT);
		break;
	case OWNER_NEVER_STARTED:
		rig->processes[0].incarnation = 0;
		break;
	case BOTH_LEASES_STALE:
		rig->page[1].lease_ns = stale;
		/* fall through */
	case OWNER_LEASE_STALE:
		rig->page[0].lease_ns = stale;
		break;
	case ALL_STALE:
		rig->page[1].lease_ns = stale;
		/* fall through */
	case SUPERVISOR_AND_OWNER_STALE:
		rig->page[0].lease_ns = stale;
		/* fall through */
	case SUPERVISOR_STALE:
		rig->system.lease_ns = stale;
		break;
	case OWNER_BAD_PROCESS:
		rig->registry[RIG_OWNER_ROW].process = RIG_PROCESSES;
		break;
	}
}

static unsigned vector_channel(const struct vector *vector)
{
	const unsigned channel = vector->shape.port - RIG_PORT;

	return vector->shape.port && channel < RIG_CHANNELS ? channel : RIG_ITCH;
}

void vector_prepare(const struct vector *vector, struct rig *rig, uint64_t now_ns)
{
	const unsigned channel = vector_channel(vector);
	const uint64_t epoch = vector->epoch ? vector->epoch : RIG_EPOCH;
	struct myc_channel_page *page = &rig->page[0].channel[channel];
	struct myc_channel_state *state = &rig->state[channel];

	if (!vector->keep)
		rig_reset(rig);
	set_scene(vector->scene, rig, now_ns);
	memcpy(page->session[epoch & 3], page->session[RIG_EPOCH & 3], sizeof(page->session[0]));
	page->watermark = myc_epoch_word(vector->no_epoch ? 0 : epoch,
					 vector->watermark ? vector->watermark : 100);
	if (vector->disarmed)
		rig->locate[channel].armed = 0;
	if (vector->high)
		state->high = myc_epoch_word(epoch, vector->high);
	if (vector->high_old) {
		state->high = myc_epoch_word(epoch - 1, vector->high_old);
		state->line_next[0] = state->high;
	}
	if (vector->line_next)
		state->line_next[0] = myc_epoch_word(epoch, vector->line_next);
	if (vector->line_b)
		state->line_next[1] = myc_epoch_word(epoch, vector->line_b);
	if (vector->window)
		rig->window[channel].word[vector->window_at] = vector->window;
}

static enum myc_sbe_framing framing_of(const struct vector *vector)
{
	return (enum myc_sbe_framing)(vector_channel(vector) - RIG_MDP3);
}

/* One word of a body: "A500", "A500:18", "QIBM". */
static void add_word(const struct vector *vector, const char *word, unsigned length,
		     struct packet *packet)
{
	char text[256] = {0};
	char *colon;
	int size = -1;

	memcpy(text, word, length < sizeof(text) - 1 ? length : sizeof(text) - 1);
	if (vector->body == SBE) {
		uint8_t bytes[2000];

		packet_bytes(packet, bytes, sbe_word(framing_of(vector), text, bytes));
		return;
	}
	colon = strchr(text, ':');
	if (colon) {
		size = atoi(colon + 1);
		*colon = 0;
	}
	if (vector->body == MOLD)
		packet_itch(packet, text[0], (uint16_t)atoi(text + 1), size);
	else if (vector->body == IEX)
		packet_iex_message(packet, text[0], text + 1, size);
}

static int add_words(const struct vector *vector, struct packet *packet)
{
	const char *text = vector->text				       ? vector->text
			   : vector->count < 0 || vector->body != MOLD ? ""
								       : "A5";
	int words = 0;

	for (int i = 0; i < (vector->repeat ? vector->repeat : 1); i++) {
		for (const char *word = text; *word;) {
			const unsigned length = (unsigned)strcspn(word, " ");

			add_word(vector, word, length, packet);
			words++;
			word += length + (word[length] == ' ');
		}
	}
	return words;
}

static uint16_t written_count(const struct vector *vector, int words)
{
	if (vector->count == 0)
		return (uint16_t)words;
	return vector->count == -1 ? 0 : (uint16_t)(vector->count == -2 ? 0xffff : vector->count);
}

static uint16_t count_words(const struct vector *vector)
{
	struct packet scratch = {.payload = 0};

	return (uint16_t)add_words(vector, &scratch);
}

static void add_number(struct packet *packet, uint64_t number, unsigned width)
{
	packet_bytes(packet, &number, width);
}

void vector_packet(const struct vector *vector, struct packet *packet)
{
	const uint64_t sequence = vector->sequence ? vector->sequence : 100;
	struct packet_shape shape = vector->shape;
	struct packet_iex iex = vector->iex;
	uint8_t *header;
	uint16_t count;

	shape.port = shape.port ? shape.port : RIG_PORT + RIG_ITCH;
	packet_begin(packet, &shape);
	header = packet->bytes + packet->payload;
	switch (vector->body) {
	case MOLD:
		packet_mold(packet, vector->session ? vector->session : RIG_SESSION, sequence, 0);
		count = written_count(vector, add_words(vector, packet));
		header[18] = (uint8_t)(count >> 8);
		header[19] = (uint8_t)count;
		break;
	case IEX:
		iex.protocol = iex.protocol ? iex.protocol : 0x8003;
		iex.channel = iex.channel ? iex.channel : 1;
		iex.session = iex.session ? iex.session : 7;
		iex.sequence = sequence;
		packet_iex(packet, &iex);
		count = written_count(vector, add_words(vector, packet));
		memcpy(header + 14, &count, 2);
		break;
	case SBE:
		packet_sbe(packet, framing_of(vector), vector->session ? 8 : 7, sequence,
			   count_words(vector));
		(void)add_words(vector, packet);
		if (framing_of(vector) == MYC_SBE_DERIBIT)
			myc_store_le16(header, (uint16_t)(packet->size - packet->payload - 8));
		if (framing_of(vector) == MYC_SBE_MEMX && vector->count > 0)
			header[19] = (uint8_t)vector->count;
		break;
	case RAW:
		packet_bytes(packet, vector->text, (uint32_t)strlen(vector->text));
		break;
	case NUMBER1:
		add_number(packet, sequence, 1);
		break;
	case NUMBER2:
		add_number(packet, sequence, 2);
		break;
	case NUMBER8:
		add_number(packet, sequence, 8);
		break;
	case NUMBER4_AT2:
		add_number(packet, 0, 2);
		add_number(packet, __builtin_bswap32((uint32_t)sequence), 4);
		break;
	}
	packet_end(packet);
}

static uint8_t vector_line(const struct vector *vector)
{
	const unsigned inner = vector->shape.tag_type[1] ? 1 : 0;

	if (vector_channel(vector) == RIG_VLAN)
		return (vector->shape.tag[inner] & 0xfff) == 100 ? 0 : 1;
	if (vector->shape.ipv6)
		return 2;
	return vector->shape.group == 0xef010102 ? 1 : 0;
}

static void expect_meta(const struct vector *vector, unsigned channel, struct myc_meta *meta)
{
	const uint64_t epoch = vector->epoch ? vector->epoch : RIG_EPOCH;
	const uint64_t sequence = vector->sequence ? vector->sequence : 100;

	meta->sequence = vector->says == UINT64_MAX ? 0
			 : vector->says		    ? vector->says
			 : vector->body == RAW	    ? 0
						    : sequence;
	meta->gap = vector->gap;
	meta->filtered = vector->filtered;
	meta->channel = (uint16_t)channel;
	if (vector->says_count)
		meta->count = (uint16_t)(vector->says_count < 0 ? 0 : vector->says_count);
	else if (vector->body == MOLD || vector->body == IEX ||
		 (vector->body == SBE && framing_of(vector) == MYC_SBE_MEMX))
		meta->count = written_count(vector, count_words(vector));
	else
		meta->count = vector->body != SBE || count_words(vector);
	meta->version = MYC_META_VERSION;
	meta->line = vector_line(vector);
	meta->epoch = vector->no_epoch || channel == RIG_NO_OWNER ? 0 : (uint8_t)epoch;
	meta->flags = vector->flags;
}

static void expect_facts(const struct vector *vector, const struct expected *expected,
			 uint64_t *fact)
{
	static const struct {
		uint8_t flag;
		enum myc_fact fact;
	} flags[] = {
		{MYC_META_HEARTBEAT, MYC_FACT_HEARTBEAT},
		{MYC_META_END_OF_SESSION, MYC_FACT_END_OF_SESSION},
		{MYC_META_SUSPECT_RESET, MYC_FACT_SUSPECT_RESET},
		{MYC_META_UNKNOWN_SESSION, MYC_FACT_UNKNOWN_SESSION},
		{MYC_META_MALFORMED, MYC_FACT_MALFORMED},
		{MYC_META_CAPPED, MYC_FACT_CAPPED},
	};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		fact[flags[i].fact] = vector->flags & flags[i].flag ? 1 : 0;
	fact[MYC_FACT_GAP] = vector->gap ? 1 : 0;
	fact[MYC_FACT_WINDOW_CONFLICT] = vector->conflict ? 1 : 0;
	if (!(vector->flags & MYC_META_MALFORMED))
		fact[MYC_FACT_MESSAGES_REDIRECTED] = expected->meta.count;
}

void vector_expect(const struct vector *vector, struct expected *expected)
{
	const unsigned channel = vector_channel(vector);
	struct myc_meta meta = {0};

	memset(expected, 0, sizeof(*expected));
	expect_meta(vector, channel, &meta);
	expected->reason = vector->reason;
	expected->row = channel + 1;
	expected->counters.reason[vector->reason] = 1;
	switch (vector->reason) {
	case MYC_REASON_REDIRECTED:
	case MYC_REASON_REDIRECTED_STANDBY:
		expected->action = MYC_STEER_REDIRECT;
		expected->endpoint = vector->endpoint ? vector->endpoint : RIG_OWNER;
		expected->meta = meta;
		expect_facts(vector, expected, expected->counters.fact);
		break;
	case MYC_REASON_FILTERED:
		expected->action = MYC_STEER_DROP;
		expected->counters.fact[MYC_FACT_MESSAGES_FILTERED] = meta.count;
		break;
	case MYC_REASON_DUPLICATE:
		expected->action = MYC_STEER_DROP;
		expected->counters.fact[MYC_FACT_MESSAGES_DUPLICATE] = meta.count;
		break;
	case MYC_REASON_PASS_SOURCE:
	case MYC_REASON_PASS_ORPHAN:
	case MYC_REASON_PASS_LEASE:
	case MYC_REASON_PASS_INTERNAL:
		break;
	default:
		expected->row = 0;
		break;
	}
}

const char *vector_state_wrong(const struct vector *vector, const struct rig *rig)
{
	const unsigned channel = vector_channel(vector);
	const uint64_t epoch = vector->epoch ? vector->epoch : RIG_EPOCH;
	const struct myc_channel_state *state = &rig->state[channel];

	if (vector->then_high && state->high != myc_epoch_word(epoch, vector->then_high))
		return "high word";
	if (vector->then_line &&
	    state->line_next[vector_line(vector)] != myc_epoch_word(epoch, vector->then_line))
		return "line word";
	if (vector->then_window &&
	    rig->window[channel].word[vector->then_window_at] != vector->then_window)
		return "filtered window";
	return NULL;
}
