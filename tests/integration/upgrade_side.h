/* SPDX-License-Identifier: Apache-2.0 */
/* One generation of both sides of upgrade_test.c, which includes this for each: GENERATION, and P(name) for the
 * names of its header, H(name) for those here. No guard: it is a template. */

/* ---- the sink -------------------------------------------------------------------------------- */

/* What came with version `since` is there when the writer had it, and as it wrote it; else null. */
#define CHECK_LATER(of, view)                                   \
	do {                                                    \
		uint64_t number = P(of##_get_number)(view);     \
		uint32_t writer = P(of##_get_generation)(view); \
                                                                \
		CHECK_VENUE(of, view);                          \
		CHECK_FLAGS(of, view);                          \
		(void)number, (void)writer;                     \
	} while (0)
#if GENERATION >= 1
#define CHECK_VENUE(of, view)                                                                    \
	if (P(of##_has_venue)(view) != (writer >= 1 && number % 3) ||                            \
	    P(of##_get_venue)(view) != (writer >= 1 && number % 3 ? number % 1000 : VENUE_NULL)) \
	wrong(__LINE__)
#else
#define CHECK_VENUE(of, view) (void)0
#endif
#if GENERATION >= 2
#define CHECK_FLAGS(of, view)                                                \
	if (P(of##_has_flags)(view) != (writer >= 2) ||                      \
	    P(of##_get_flags)(view) != (writer >= 2 ? ~number : FLAGS_NULL)) \
	wrong(__LINE__)
#else
#define CHECK_FLAGS(of, view) (void)0
#endif

static int H(on_trade)(struct myc_actor *self, const struct P(trade) * trade,
		       const struct myc_message *message)
{
	(void)self;
	CHECK_LATER(trade, trade);
	came(message, P(trade_get_number)(trade), P(trade_get_generation)(trade), TRADE,
	     GENERATION);
	return 0;
}

static int H(on_batch)(struct myc_actor *self, const struct P(batch) * batch,
		       const struct myc_message *message)
{
	uint64_t n = P(batch_get_number)(batch);
	uint32_t by = P(batch_get_generation)(batch), i = 0;
	struct P(batch_entries) entry;

	(void)self;
	CHECK_LATER(batch, batch);
	P(batch_entries_open)(batch, &entry);
	for (; P(batch_entries_next)(&entry); i++) {
		if (P(batch_entries_get_a)(&entry) != (uint32_t)n + i)
			wrong(__LINE__);
#if GENERATION >= 1
		if (P(batch_entries_get_b)(&entry) != (by >= 1 ? i : UINT16_MAX))
			wrong(__LINE__);
#endif
	}
	if (i != n % 7 || P(batch_get_text)(batch).length != n % 50)
		wrong(__LINE__);
#if GENERATION >= 2
	struct P(batch_more) more;

	if (P(batch_more_count)(batch) != (by >= 2 ? n % 4 : 0) ||
	    P(batch_get_tail)(batch).length != (by >= 2 ? 5 : 0))
		wrong(__LINE__);
	P(batch_more_open)(batch, &more);
	while (P(batch_more_next)(&more))
		if (P(batch_more_get_c)(&more) != n)
			wrong(__LINE__);
#endif
	came(message, n, by, BATCH, GENERATION);
	return 0;
}

static int H(on_note)(struct myc_actor *self, const struct P(note) * note,
		      const struct myc_message *message)
{
	struct myc_sbe_bytes line = P(note_get_line)(note);

	(void)self;
	CHECK_LATER(note, note);
	if (line.length != 48 || memcmp(line.data, LINE, 48) != 0)
		wrong(__LINE__);
	came(message, P(note_get_number)(note), P(note_get_generation)(note), NOTE, GENERATION);
	return 0;
}

static int H(on_ask)(struct myc_actor *self, const struct P(ask) * ask,
		     const struct P(sink_ask_asked) * asked)
{
	struct P(answer_block)
		answer = {.number = P(ask_get_number)(ask), .generation = GENERATION};

	CHECK_LATER(ask, ask);
#if GENERATION >= 1
	answer.venue = answer.number % 3 ? (uint32_t)(answer.number % 1000) : VENUE_NULL;
#endif
#if GENERATION >= 2
	answer.flags = ~answer.number;
#endif
	came(asked->message, answer.number, P(ask_get_generation)(ask), ASK, GENERATION);
	return P(sink_reply)(self, asked, &answer);
}

#if GENERATION >= 1
static int H(on_extra)(struct myc_actor *self, const struct P(extra) * extra,
		       const struct myc_message *message)
{
	uint64_t number = P(extra_get_number)(extra);
	uint32_t writer = P(extra_get_generation)(extra);

	(void)self;
	CHECK_FLAGS(extra, extra);
	(void)writer;
	came(message, number, P(extra_get_generation)(extra), EXTRA, GENERATION);
	return 0;
}
#endif

/* ---- the source ------------------------------------------------------------------------------ */

struct H(source) {
	struct P(sink_ref) to;
	bool found;
};

#if GENERATION == 0
#define LATER
#elif GENERATION == 1
#define LATER .venue = number % 3 ? (uint32_t)(number % 1000) : VENUE_NULL,
#else
#define LATER .venue = number % 3 ? (uint32_t)(number % 1000) : VENUE_NULL, .flags = ~number,
#endif
#define BLOCK(of)                                                 \
	(const struct P(of##_block))                              \
	{                                                         \
		.number = number, .generation = GENERATION, LATER \
	}

static int H(send_batch)(struct myc_actor *self, struct P(sink_ref) * to, uint64_t number)
{
	struct P(batch_draft) draft;
	struct P(batch_entries_encoder) entry;
	int code = P(batch_draft)(self, &draft, 512);

	if (code)
		return code;
	P(batch_store)(&draft.message, &BLOCK(batch));
	P(batch_entries_begin)(&draft.message, &entry, (uint32_t)(number % 7));
	for (uint32_t i = 0; P(batch_entries_add)(&entry); i++) {
		P(batch_entries_set_a)(&entry, (uint32_t)number + i);
#if GENERATION >= 1
		P(batch_entries_set_b)(&entry, (uint16_t)i);
#endif
	}
#if GENERATION >= 2
	struct P(batch_more_encoder) more;

	P(batch_more_begin)(&draft.message, &more, (uint32_t)(number % 4));
	while (P(batch_more_add)(&more))
		P(batch_more_set_c)(&more, number);
#endif
	P(batch_set_text)(&draft.message, LINE LINE, number % 50);
#if GENERATION >= 2
	P(batch_set_tail)(&draft.message, "tails", 5);
#endif
	code = P(sink_try_send)(self, to, &draft);
	if (code)
		P(batch_discard)(self, &draft);
	return code;
}

static int H(send_one)(struct myc_actor *self, struct P(sink_ref) * to, uint64_t number)
{
	switch (number % KINDS) {
	case BATCH:
		return H(send_batch)(self, to, number);
	case NOTE: {
		struct P(note_block) note = BLOCK(note);

		memcpy(note.line, LINE, sizeof(note.line));
		return P(sink_try_send)(self, to, &note);
	}
	case ASK: {
		struct P(ask_block) ask = BLOCK(ask);
		int code = P(sink_try_ask)(self, to, &ask, 50000000, number, NULL);

		side->asked += !code;
		return code;
	}
#if GENERATION >= 1
	case EXTRA: {
		struct P(extra_block) extra = {.number = number, .generation = GENERATION};
#if GENERATION >= 2
		extra.flags = ~number;
#endif
		int code = P(sink_try_send)(self, to, &extra);

		if (code != -EOPNOTSUPP)
			return code;
		side->refused++; /* the sink is older: it gets what it knows */
	}
		__attribute__((fallthrough));
#endif
	default:
		return P(sink_try_send)(self, to, &BLOCK(trade));
	}
}

static int H(tick)(struct myc_actor *self, uint64_t cookie)
{
	struct H(source) *source = myc_state(self);

	(void)cookie;
	if (!source->found)
		source->found = !P(sink_resolve)(self, house_address(1, 1), &source->to, NULL);
	for (int i = 0; i < 16 && source->found && !shared->stop; i++) {
		if (H(send_one)(self, &source->to, side->sent + 1))
			break;
		side->sent++;
	}
	if (shared->stop)
		__atomic_store_n(&side->stopped, 1, __ATOMIC_RELEASE); /* `sent` is the last word */
	return 0;
}

static int H(reply)(struct myc_actor *self, const struct myc_reply *reply)
{
	struct P(sink_ask_answer) answer = P(sink_ask_answer)(reply);

	(void)self;
	if (answer.status == -EBADMSG || answer.status == -EOPNOTSUPP)
		wrong(__LINE__);
	if (answer.status)
		return 0; /* the sink was killed: it may have had the question in hand */
	if (P(answer_get_number)(&answer.message) != reply->cookie)
		wrong(__LINE__);
	CHECK_LATER(answer, &answer.message);
	side->answered[GENERATION][P(answer_get_generation)(&answer.message) % 3]++;
	return 0;
}

#undef CHECK_LATER
#undef CHECK_VENUE
#undef CHECK_FLAGS
#undef LATER
#undef BLOCK
