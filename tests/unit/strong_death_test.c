/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strong reference is somebody's or home, wherever either side is killed, once or twice, and whoever of them comes back.
 *
 *	process 0: desk  --take--> HELD, bumps, give to user-->  process 1: book, while it is held
 *	                                                                    user: HELD, a bump, later drop
 *
 * In the end nobody holds the book, and the book's present life has ended if it was ever held.
 */
#include "unit/two_lives.h"

/* The code under test, with its points. */
#include "unit/signal_points.h"

#define BUMPS	  3
#define LIVES	  8
#define TAKES_MAX 12

enum { BUMP = 1 };

/* What the world outside has seen; it outlives both. By the book's life. */
static struct {
	uint32_t told[LIVES], bumped[LIVES], ended[LIVES], takes;
	/* Who thinks that he holds it; of which life of his own and of the book's. */
	struct {
		uint64_t own, books;
	} holds[2];
} world;

static myc_address book_address, user_address;

/* ---- actors ------------------------------------------------------------------------------------ */

/* Handles begin elsewhere in each life: core/watch.c. */
static uint32_t life_of_book(const struct myc_strong *strong)
{
	for (uint32_t life = 0; life < LIVES; life++)
		if (strong->generation - life * 0x9e3779b1u < 10000)
			return life;
	assert_true(false);
	return 0;
}

static void told(uint32_t who, uint64_t own, const struct myc_strong *strong)
{
	uint32_t life = life_of_book(strong);

	world.told[life]++;
	world.holds[who].own = own;
	world.holds[who].books = life;
	/* Who is told holds it: it cannot have ended by itself. */
	if (life == bed.process[1].incarnation)
		assert_int_equal(world.ended[life], 0);
}

static int bump(struct myc_actor *self, const struct myc_strong *strong)
{
	struct myc_ref to;
	int code = myc_resolve(self, strong->address, &to);

	return code ? 0 : myc_send(self, &to, BUMP, NULL, 0);
}

static int desk_take(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	/* What a former life of its was told of is on its way home. */
	if (!world.told[bed.process[1].incarnation] && world.takes++ < TAKES_MAX)
		(void)myc_strong_take(self, book_address);
	return 0;
}

static int desk_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct myc_strong strong;

	death_point("heard");
	if (event->kind == MYC_EVENT_DOWN)
		return event->reason.kind == MYC_EXIT_NOCONNECTION ? death_later(self) : 0;
	if (event->kind != MYC_EVENT_HELD)
		return event->reason.kind == MYC_EXIT_NOCONNECTION ? death_later(self) : 0;
	strong = *event->strong;
	told(0, bed.process[0].incarnation, &strong);
	assert_int_equal(myc_monitor(self, strong.address, 0, NULL), 0);
	for (uint32_t i = 0; i < BUMPS; i++)
		(void)bump(self, &strong);
	(void)myc_strong_give(self, &strong, user_address, 7);
	world.holds[0].own = 0;
	return 0;
}

struct user {
	struct myc_strong book;
};

static int user_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct user *user = myc_state(self);

	assert_int_equal(event->kind, MYC_EVENT_HELD);
	assert_int_equal(event->cookie, 7);
	death_point("heard");
	user->book = *event->strong;
	told(1, bed.process[1].incarnation, &user->book);
	(void)bump(self, &user->book);
	return myc_timer_start(self, 500000, 0, 0, NULL) < 0 ? -EIO : 0;
}

static int user_timer(struct myc_actor *self, uint64_t cookie)
{
	struct user *user = myc_state(self);

	(void)cookie;
	world.holds[1].own = 0;
	assert_int_equal(myc_strong_drop(self, &user->book), 0);
	return 0;
}

static int book_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	world.bumped[bed.process[1].incarnation] += message->type == BUMP;
	return 0;
}

static void book_stopping(struct myc_actor *self)
{
	uint64_t life = bed.process[1].incarnation;

	assert_int_equal(self->ties.reason, MYC_EXIT_NORMAL);
	world.ended[life]++;
	for (uint32_t who = 0; who < 2; who++)
		assert_false(world.holds[who].own && !bed.process[who].dead &&
			     world.holds[who].own == bed.process[who].incarnation &&
			     world.holds[who].books == life);
}

static const struct myc_behaviour desk = {
	.name = "desk", .started = death_later, .timer = desk_take, .signal = desk_signal};
static const struct myc_behaviour user = {.name = "user",
					  .state_size = sizeof(struct user),
					  .timer = user_timer,
					  .signal = user_signal};
static const struct myc_behaviour book = {
	.name = "book", .message = book_message, .stopping = book_stopping};

static void furnish(struct myc_system *system, uint32_t process, uint64_t incarnation)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = process ? &book : &desk};
	uint32_t restarts = (uint32_t)incarnation - 1;
	myc_address address;

	assert_true(incarnation < LIVES);
	opts.flags = process ? MYC_SPAWN_WHILE_HELD : 0;
	assert_int_equal(myc_spawn_at(system, &opts, 0, restarts, &address, NULL), 0);
	if (!process)
		return;
	book_address = address;
	opts.flags = 0;
	opts.behaviour = &user;
	assert_int_equal(myc_spawn_at(system, &opts, 1, restarts, &user_address, NULL), 0);
}

/* ---- lives ------------------------------------------------------------------------------------- */

static void fresh(void)
{
	memset(&world, 0, sizeof(world));
}

static void ended(void)
{
	const struct myc_executor *executor = &bed.process[1].system->executor[0];
	uint64_t life = bed.process[1].incarnation;
	uint32_t held = 0;

	for (uint32_t i = 1; i <= executor->watches.capacity; i++)
		held += executor->watches.entry[i].state != MYC_WATCH_FREE &&
			executor->watches.entry[i].kind == MYC_WATCH_STRONG;
	assert_int_equal(held, 0);
	assert_true(world.ended[life] <= 1);
	if (world.told[life])
		assert_int_equal(world.ended[life], 1);
	else if (!world.ended[life])
		assert_true(myc_actor_runs(&bed.process[1].system->actor[0]));
}

static void check(void)
{
	/* The book lives on when the desk dies: some life of that has given it, or its death was the end. */
	if (bed.victim == 0)
		assert_int_equal(world.ended[1], 1);
	if (!bed.deaths) {
		assert_int_equal(world.told[1], 2);
		assert_int_equal(world.bumped[1], BUMPS + 1);
		assert_int_equal(world.ended[1], 1);
	}
}

static struct death_play of = {.system = DEATH_SYSTEM(64, 4),
			       .furnish = furnish,
			       .fresh = fresh,
			       .ended = ended,
			       .check = check,
			       .points_min = 30,
			       .seconds = 4};

static void what_a_dead_holder_held_is_home(void **state)
{
	(void)state;
	death_all(&of, 0, false);
}

static void who_was_held_in_a_former_life_is_nobodys(void **state)
{
	(void)state;
	death_all(&of, 1, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_dead_holder_held_is_home),
		cmocka_unit_test(who_was_held_in_a_former_life_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
