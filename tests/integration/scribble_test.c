/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that scribbles random words over its region while it and others work, with everything on: see
 * scribble_citizen.h. Nobody else is harmed: none crashes or hangs, nothing among the others is lost, wrong or late
 * for ever; who scribbles is cut off, under a name.
 *
 *	holder ── fork ──> good, good, scribbler    three processes of citizens
 *	       ── fork ──> pen                      writes into the scribbler's region, from a mapping of its own, whether
 *	                                            or not the scribbler has crashed on what it finds there
 *
 * Two seconds from fixed seeds; MYC_SCRIBBLE=n: for n seconds, `make soak` does. MYC_SEED=n: only that seed.
 */
#include "common/house.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/executor.h"
#include "memory/pool.h"

static struct house house;

#include "integration/scribble_citizen.h"
#include "integration/scribble_day.h"

#define PEN_NS	60000000ull
#define PATIENT 30000000000ull

/* ---- processes ------------------------------------------------------------------------------------ */

static const struct myc_executor_opts executor_opts[2] = {
	{.core = -1, .idle_spins = 50, .timers = 256, .signals = 512, .asks = 256, .watches = 256},
	{.core = -1, .idle_spins = 50, .timers = 256, .signals = 512, .asks = 256, .watches = 256}};
#define TOPICS_OF(process)                                                      \
	{                                                                       \
		{.name = "tolerant." #process, .slots = 64},                    \
			{.name = "timed." #process,                             \
			 .slots = 64,                                           \
			 .reliable = true,                                      \
			 .patience_ns = 1000000},                               \
			{.name = "keyed." #process, .slots = 64, .keys = KEYS}, \
	}
static const struct myc_topic_opts topics[PROCESSES][TOPICS] = {TOPICS_OF(0), TOPICS_OF(1),
								TOPICS_OF(2)};
#define SYSTEM_OF(process)                                                                     \
	{                                                                                      \
		.sz = sizeof(struct myc_system_opts), .executors = 2, .actors = 128,           \
		.lane_slots = 64, .lane_urgent_slots = 8, .outbox = 128, .pending = 512,       \
		.buffers = {{128, 128}, {1024, 128}}, .loans = 256, .executor = executor_opts, \
		.topics = topics[process], .topics_count = TOPICS, .directory = 64,            \
		.growth = MYC_MAILBOX_CHUNK                                                    \
	}
static const struct myc_system_opts system_opts[PROCESSES] = {SYSTEM_OF(0), SYSTEM_OF(1),
							      SYSTEM_OF(2)};

/* A plain thread of the first process: moves, asks, looks at what there is to see of others. */
static void *plain_thread(void *context)
{
	static struct myc_letter letters[256];
	static uint8_t bytes[MYC_STATE_MAX];
	struct myc_system *system = context;
	struct citizen *judge = myc_state(myc_system_actor(system, house_address(0, FIRST)));
	struct myc_mailbox_depth depth;
	struct myc_mailbox_growth growth;
	struct myc_answer answer;
	uint64_t text[LONG_WORDS];
	struct myc_error error;

	for (uint64_t round = 1;; round++) {
		myc_address whom = address_of((uint32_t)(round % ALL));
		bool of_good = sure((uint32_t)(round % ALL)) &&
			       __atomic_load_n(&witness_of((uint32_t)(round % ALL))->started,
					       __ATOMIC_ACQUIRE);
		int code;

		if (!myc_move(system, house_address(0, MOVER), (uint32_t)round % 2, SOON, NULL))
			__atomic_store_n(&witness[MOVER].moves, witness[MOVER].moves + 1,
					 __ATOMIC_RELAXED);
		code = myc_call_into(system, whom, QUESTION, &round, sizeof(round), &answer, text,
				     sizeof(text), of_good ? LONG : SOON);
		if (of_good && !ending() &&
		    (code || read_answer(text, answer.size) != answer_of(round)))
			wrong(judge, WRONG_CALL);
		(void)myc_post_receipt(system, whom, QUESTION, &round, sizeof(round), SOON);
		(void)myc_mailbox_depth(system, whom, &depth);
		(void)myc_mailbox_growth(system, whom, &growth);
		(void)myc_letters_recent(system, letters, 256);
		(void)myc_state_read(system, whom, bytes, sizeof(bytes), NULL, SOON);
		(void)myc_schemas_disagree(system, SCRIBBLER, &error);
		if (!of_good) {
			(void)myc_actor_suspend(system, whom);
			(void)myc_actor_resume(system, whom);
		}
	}
	return NULL;
}

static void furnish(struct house *own, struct myc_system *system, uint32_t process)
{
	pthread_t thread;

	me = process;
	witness = house_user(own, process);
	/* The test's own handler is for the test's own faults. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	if (process == SCRIBBLER) {
		close(STDERR_FILENO);
		prctl(PR_SET_DUMPABLE, 0); /* it is to crash */
	}
	for (uint32_t i = 0; i < CITIZENS; i++) {
		char name[32];
		struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
					       .behaviour = &citizen_behaviour,
					       .name = name,
					       .executor = i % 2};

		citizen_name(process * CITIZENS + i, name);
		house_spawn(own, system, process, &spawn, i);
	}
	if (!process && pthread_create(&thread, NULL, plain_thread, system))
		_exit(15);
}

static const struct house_process plan[PROCESSES] = {
	{&system_opts[0], furnish}, {&system_opts[1], furnish}, {&system_opts[2], furnish}};

/* ---- the pen -------------------------------------------------------------------------------------- */

/* A word like those that are there, or not at all. */
static uint64_t some_word(uint64_t *chance, const uint64_t *word, uint64_t words, uint64_t is)
{
	uint64_t any_word = test_random(chance);

	switch (test_random(chance) >> 61) {
	case 0:
		return any_word;
	case 1:
		return any_word >> (test_random(chance) & 63);
	case 2: /* a bit */
		return is ^ 1ull << (any_word & 63);
	case 3:
		return is + (any_word & 1 ? 1 : UINT64_MAX);
	case 4:
		return __atomic_load_n(&word[any_word % words], __ATOMIC_RELAXED);
	case 5: /* from nearby: another field, another slot */
		return __atomic_load_n(&word[any_word % (words < 16 ? words : 16)],
				       __ATOMIC_RELAXED);
	case 6:
		return any_word & 1 ? UINT64_MAX : 0;
	default: /* half of it */
		return (is & 0xffffffff00000000ull) | (uint32_t)any_word;
	}
}

struct part {
	uint64_t *word;
	uint64_t words;
};

static const uint32_t kinds[] = {MYC_BLOCK_LANES,	  MYC_BLOCK_POOL,      MYC_BLOCK_TOPIC,
				 MYC_BLOCK_TOPIC_RECORDS, MYC_BLOCK_PROCESS,   MYC_BLOCK_METRICS,
				 MYC_BLOCK_EXECUTOR,	  MYC_BLOCK_DIRECTORY, MYC_BLOCK_MAILBOX,
				 MYC_BLOCK_LETTERS,	  MYC_BLOCK_STATE,     MYC_BLOCK_SCHEMAS,
				 MYC_BLOCK_INTERFACE};
#define KINDS ((uint32_t)(sizeof(kinds) / sizeof(*kinds)))

/* Every other seed all of them and the table of blocks; else those of one kind. */
static bool everything(uint64_t seed)
{
	return seed % 2;
}

static uint32_t parts_of(const struct myc_region *region, uint64_t seed, struct part *part)
{
	uint32_t n = 0;
	uint64_t size;

	for (uint32_t k = 0; k < KINDS; k++) {
		if (!everything(seed) && k != (seed / 2 + KINDS - 1) % KINDS)
			continue;
		for (uint32_t i = 0; i <= MYC_SOURCES_OF_PROCESS; i++) {
			part[n].word = myc_region_block(region, kinds[k], i, &size);
			/* An executor's chunks are no memory. */
			if (kinds[k] == MYC_BLOCK_EXECUTOR && part[n].word)
				size -= MYC_MAILBOX_CHUNK * sizeof(struct myc_pending);
			part[n].words = size / 8;
			n += part[n].word && size >= 8;
		}
	}
	if (everything(seed)) {
		part[n].word = region->base;
		part[n++].words = (64 + 32 * MYC_REGION_BLOCKS_MAX) / 8;
	}
	return n;
}

/* One that is in use, if there are many. */
static uint64_t *some_place(uint64_t *chance, const struct part *part)
{
	uint64_t *word = part->word;

	for (uint32_t i = 0; i < 64 && (!i || !*word); i++)
		word = &part->word[test_random(chance) % part->words];
	return word;
}

/* First here and there, also for moments only, so that what is behind the first check is met, and then all of it. */
static void scribble(uint64_t seed)
{
	static struct part part[KINDS * (MYC_SOURCES_OF_PROCESS + 1) + 1];
	uint64_t chance = seed * FACTOR | 1, until = myc_clock_ns() + PEN_NS;
	struct timespec nap = {.tv_nsec = 20000};
	struct myc_region region;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (myc_region_map(&region, house.fd[SCRIBBLER], MYC_REGION_OWNER, NULL))
		_exit(14);
	uint32_t parts = parts_of(&region, seed, part);

	while (myc_clock_ns() < until) {
		uint64_t *word[8], was[8];

		for (uint32_t i = 0; i < 8; i++) {
			const struct part *at = &part[test_random(&chance) % parts];

			word[i] = some_place(&chance, at);
			was[i] = *word[i];
			__atomic_store_n(word[i], some_word(&chance, at->word, at->words, was[i]),
					 __ATOMIC_RELAXED);
		}
		/* Half of them soon are what they were: who looks twice sees both. */
		if (test_random(&chance) >> 63)
			nanosleep(&nap, NULL);
		for (uint32_t i = 0; i < 8; i += 2)
			__atomic_store_n(word[i], was[i], __ATOMIC_RELAXED);
	}
	for (uint32_t p = 0; p < parts; p++)
		for (uint64_t i = 0; i < part[p].words; i++)
			__atomic_store_n(&part[p].word[i], test_random(&chance), __ATOMIC_RELAXED);
	_exit(0);
}

/* ---- the holder ----------------------------------------------------------------------------------- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void both_live(void)
{
	int status;

	for (uint32_t p = 0; p < GOOD; p++)
		if (waitpid(house.pid[p], &status, WNOHANG)) {
			house.pid[p] = 0;
			fail_msg("seed %" PRIu64 ": process %u ended: %s %d", orders->seed, p,
				 WIFSIGNALED(status) ? "signal" : "code",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		}
}

/* What citizens `of` have of `from`, in all. */
static uint64_t had(bool of_good, bool from_good)
{
	uint64_t all = 0;

	for (uint32_t of = 0; of < ALL; of++)
		for (uint32_t from = 0; from < ALL; from++)
			if (good(of) == of_good && good(from) == from_good && of != from)
				all += load(&witness_of(of)->got[from][0]) +
				       load(&witness_of(of)->got[from][1]);
	return all;
}

static uint64_t scribbled(void)
{
	uint64_t all = 0;

	for (uint32_t of = 0; of < GOOD * CITIZENS; of++)
		all += load(&witness_of(of)->scribbled);
	return all;
}

/* Is there nothing on its way among the good any more? Prints what is. */
static bool at_rest(bool print)
{
	uint32_t on_way = 0;

	for (uint32_t of = 0; of < GOOD * CITIZENS; of++) {
		const struct witness *saw = witness_of(of);

		if (!sure(of))
			continue;
		for (uint32_t to = 0; to < 2 * GOOD * CITIZENS; to++) {
			uint64_t sent = load(&saw->sent[to / 2][to % 2]),
				 got = load(&witness_of(to / 2)->got[of][to % 2]);

			if (!sure(to / 2) || sent == got)
				continue;
			on_way++;
			if (print)
				print_message("  %u -> %u: %" PRIu64 " sent, %" PRIu64 " came\n",
					      of, to / 2, sent, got);
		}
		uint64_t answers = load(&saw->asked) - load(&saw->answered),
			 ends = load(&saw->watched) - load(&saw->ended);

		on_way += answers || ends;
		if (print && (answers || ends))
			print_message("  citizen %u waits for %" PRIu64 " answers, %" PRIu64
				      " ends\n",
				      of, answers, ends);
	}
	return !on_way;
}

#define EVENTUALLY(condition, what)                                                   \
	do {                                                                          \
		uint64_t until_ns = myc_clock_ns() + PATIENT;                         \
		struct timespec nap = {.tv_nsec = 200000};                            \
                                                                                      \
		while (!(condition)) {                                                \
			nanosleep(&nap, NULL);                                        \
			both_live();                                                  \
			if (myc_clock_ns() > until_ns) {                              \
				at_rest(true);                                        \
				fail_msg("seed %" PRIu64 ": %s", orders->seed, what); \
			}                                                             \
		}                                                                     \
	} while (0)

static void print_answer(const struct wrong_answer *answer)
{
	print_message("  cookie %" PRIu64 ", asked %" PRIx64
		      ": status %d, kind %u, %u bytes, %" PRIu64 ", expected %" PRIu64 "\n",
		      answer->cookie, answer->asked, answer->status, answer->kind, answer->size,
		      answer->answer, answer->expected);
}

static void nothing_went_wrong(void)
{
	static const char *const text[] = {
#define WRONG_TEXT(name, text) text,
		WRONGS(WRONG_TEXT)};
	bool well = true;

	for (uint32_t of = 0; of < GOOD * CITIZENS; of++) {
		const struct myc_actor_metrics *metrics =
			myc_region_block(&house.region[process_of(of)], MYC_BLOCK_METRICS, 0, NULL);

		if (metrics[of % CITIZENS].restarts ||
		    metrics[of % CITIZENS].address != address_of(of)) {
			print_message("  citizen %u was restarted, or ended\n", of);
			well = false;
		}
		for (uint32_t i = 0; i < WRONGS_COUNT; i++)
			if (load(&witness_of(of)->wrong[i])) {
				print_message("  citizen %u: %s (%" PRIu64 " times)\n", of, text[i],
					      witness_of(of)->wrong[i]);
				well = false;
			}
		if (witness_of(of)->wrong[WRONG_ANSWER])
			print_answer(&witness_of(of)->answer);
	}
	if (!well)
		fail_msg("seed %" PRIu64 ": others were harmed", orders->seed);
}

/* Have they cut off every lane of the scribbler's? */
static bool all_cut(void)
{
	for (uint32_t e = 0; e < 2 * GOOD; e++) {
		const struct myc_executor_words *words =
			myc_region_block(&house.region[e / 2], MYC_BLOCK_EXECUTOR, e % 2, NULL);
		const char *at = (const char *)(words + 1);

		for (uint32_t i = 0; i < words->lanes_in;
		     i++, at += myc_lane_in_size(MYC_LANE_FLOWS)) {
			const struct myc_lane_in *in = (const void *)at;

			if (load(&in->cursor.source) &&
			    myc_lane_end_process(load(&in->cursor.source)) == SCRIBBLER &&
			    !load(&in->cursor.cut))
				return false;
		}
	}
	return true;
}

static struct {
	uint64_t rounds, among_good, from_scribbler, crashes, moves;
	uint64_t faults[MYC_LANE_FAULTS_COUNT];
} total;

static void add_up(void)
{
	total.rounds++;
	total.among_good += had(true, true);
	total.from_scribbler += scribbled();
	total.moves += load(&witness_of(MOVER)->moves);
	for (uint32_t e = 0; e < 2 * GOOD; e++) {
		const struct myc_executor_words *words =
			myc_region_block(&house.region[e / 2], MYC_BLOCK_EXECUTOR, e % 2, NULL);

		for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
			total.faults[i] += load(&words->lane_faults[i]);
	}
}

static void round_of(uint64_t seed)
{
	int status;

	orders->seed = seed;
	orders->ending = 0;
	memset(&house, 0, sizeof(house));
	house_open(&house, plan, PROCESSES, CITIZENS * sizeof(struct witness));
	house_watch_exits(&house);
	for (uint32_t p = 0; p < PROCESSES; p++)
		house_start(&house, p);
	EVENTUALLY(had(true, true) > 200 && scribbled() > 100 && had(false, true) > 100,
		   "they do not begin");
	uint64_t before = had(true, true);
	pid_t pen = fork();

	if (!pen)
		scribble(seed);
	assert_int_equal(waitpid(pen, &status, 0), pen);
	assert_int_equal(status, 0);
	both_live();
	EVENTUALLY(had(true, true) > before + 200, "nobody goes on");
	if (everything(seed) || kinds[(seed / 2 + KINDS - 1) % KINDS] == MYC_BLOCK_LANES)
		EVENTUALLY(all_cut(), "a lane of the scribbler is not cut off");
	/* It may well have crashed on its own garbage, and so may its successor. */
	for (int lives = 0; lives < 2; lives++) {
		if (lives)
			house_start(&house, SCRIBBLER);
		nanosleep(&(struct timespec){.tv_nsec = lives * 20000000}, NULL);
		status = house_end(&house, SCRIBBLER);
		total.crashes += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
	}
	before = had(true, true);
	uint64_t moves = load(&witness_of(MOVER)->moves);

	EVENTUALLY(had(true, true) > before + 200 && load(&witness_of(MOVER)->moves) > moves,
		   "nobody goes on when it has ended");
	__atomic_store_n(&orders->ending, 1, __ATOMIC_RELAXED);
	EVENTUALLY(at_rest(false), "something of the good ones' is lost, or still on its way");
	nothing_went_wrong();
	add_up();
	for (uint32_t p = 0; p < GOOD; p++)
		house_kill(&house, p);
	house_close(&house);
}

static const char *const fault_text[] = {
#define FAULT_TEXT(name, text) text,
	MYC_LANE_FAULTS(FAULT_TEXT)};

static void who_scribbles_is_cut_off_and_harms_nobody(void **state)
{
	const char *given = getenv("MYC_SCRIBBLE");
	uint64_t seconds = given ? strtoull(given, NULL, 10) : 2;
	uint64_t until = myc_clock_ns() + seconds * 1000000000u, seed = test_seed();

	(void)state;
	orders = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(orders != MAP_FAILED);
	do
		round_of(seed++);
	while (!getenv("MYC_SEED") && (total.rounds < 3 || myc_clock_ns() < until));
	print_message(
		"  %" PRIu64 " rounds, %" PRIu64 " messages among the good, %" PRIu64
		" things of the scribbler, %" PRIu64 " crashes of its own, %" PRIu64 " moves\n",
		total.rounds, total.among_good, total.from_scribbler, total.crashes, total.moves);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		if (total.faults[i])
			print_message("  cut off %" PRIu64 " times: %s\n", total.faults[i],
				      fault_text[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_scribbles_is_cut_off_and_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
