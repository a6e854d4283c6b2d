// SPDX-License-Identifier: Apache-2.0
// The C++ Actor Framework (0.17): event-based actors on its work-stealing scheduler. On one thread with one
// worker; across cores with two workers, which CAF neither pins nor keeps from parking a detached actor,
// so its one-way figure is one of parked threads.
#include <atomic>
#include <vector>

#include <sys/wait.h>

#include <caf/all.hpp>

#include "../measure.h"

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(::message)

namespace
{

using hop_atom = caf::atom_constant<caf::atom("hop")>;
using go_atom = caf::atom_constant<caf::atom("go")>;
using ask_atom = caf::atom_constant<caf::atom("ask")>;

constexpr int parked_warm = 200, parked_trips = 3000;
constexpr uint64_t asks = 500000;
constexpr size_t actors = 100000;

std::atomic<bool> done;
uint64_t result_ticks;
std::vector<uint64_t> trips;
std::atomic<size_t> started;
std::vector<caf::actor> residents;

void wait_until_done()
{
	while (!done)
		usleep(500);
	done = false;
}

class config : public caf::actor_system_config
{
      public:
	explicit config(size_t workers)
	{
		set("scheduler.policy", caf::atom("stealing"));
		set("scheduler.max-threads", workers);
		// Workers poll and never sleep.
		set("work-stealing.aggressive-poll-attempts", size_t{1} << 60);
	}
};

// ---- hop ------------------------------------------------------------------------------------------

struct counter {
	uint64_t count = 0, begun = 0;
	uint64_t expected[4] = {0};
};

caf::behavior echo(caf::event_based_actor *self)
{
	return {[self](hop_atom, const message &hop) {
		self->send(caf::actor_cast<caf::actor>(self->current_sender()), hop_atom::value,
			   hop);
	}};
}

caf::behavior hopper(caf::stateful_actor<counter> *self, const caf::actor &other)
{
	self->send(other, hop_atom::value, message{});
	return {[=](hop_atom, const message &hop) {
		auto &state = self->state;

		if ((state.count += 2) == MEASURE_HOPS_WARM)
			state.begun = measure_ticks();
		if (state.count >= MEASURE_HOPS) {
			result_ticks = measure_ticks() - state.begun;
			done = true;
			self->quit();
			return;
		}
		self->send(other, hop_atom::value, hop);
	}};
}

// ---- streams and tells ------------------------------------------------------------------------------

caf::behavior drinker(caf::stateful_actor<counter> *self)
{
	return {[=](go_atom) {
			self->send(caf::actor_cast<caf::actor>(self->current_sender()),
				   go_atom::value);
		},
		[=](hop_atom, const message &flood) {
			auto &state = self->state;

			if (flood.word[0] != state.expected[flood.word[1]]++) {
				fprintf(stderr, "a message is not the next\n");
				exit(1);
			}
			if (++state.count == MEASURE_STREAM_WARM)
				state.begun = measure_ticks();
			if (state.count == MEASURE_STREAM) {
				result_ticks = measure_ticks() - state.begun;
				done = true;
			}
		}};
}

// Mailboxes are unbounded and an actor with messages goes on without end, so the drinker gives credit:
// `windows` times 64 are on their way at most.
caf::behavior pourer(caf::stateful_actor<counter> *self, const caf::actor &to, uint64_t index,
		     uint64_t limit, int windows)
{
	for (int i = 0; i < windows; i++)
		self->send(self, go_atom::value);
	return {[=](go_atom) {
		auto &state = self->state;

		for (int i = 0; i < MEASURE_BATCH && state.count < limit; i++)
			self->send(to, hop_atom::value, message{{state.count++, index, 0, 0, 0}});
		if (state.count < limit)
			self->send(to, go_atom::value);
		else
			self->quit();
	}};
}

double stream(caf::actor_system &system, uint64_t senders, int windows)
{
	auto to = system.spawn(drinker);

	for (uint64_t i = 0; i < senders; i++)
		system.spawn(pourer, to, i, MEASURE_STREAM / senders, windows);
	wait_until_done();
	caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
	return static_cast<double>(result_ticks) * measure_tick_ns() /
	       (MEASURE_STREAM - MEASURE_STREAM_WARM);
}

// ---- asks -------------------------------------------------------------------------------------------

caf::behavior answerer(caf::event_based_actor *)
{
	return {[](ask_atom, const message &question) { return question; }};
}

void ask_next(caf::stateful_actor<counter> *self, const caf::actor &other)
{
	self->request(other, caf::infinite, ask_atom::value, message{}).then([=](const message &) {
		auto &state = self->state;

		if (++state.count == asks / 10)
			state.begun = measure_ticks();
		if (state.count < asks) {
			ask_next(self, other);
			return;
		}
		result_ticks = measure_ticks() - state.begun;
		done = true;
	});
}

caf::behavior asker(caf::stateful_actor<counter> *self, const caf::actor &other)
{
	ask_next(self, other);
	return {[](go_atom) {}};
}

// ---- spawn ------------------------------------------------------------------------------------------

caf::behavior resident(caf::event_based_actor *)
{
	if (++started == actors) {
		result_ticks = measure_ticks();
		done = true;
	}
	return {[](hop_atom, const message &) {}};
}

void spawn_all(caf::event_based_actor *self)
{
	for (size_t i = 0; i < actors; i++)
		residents.push_back(self->spawn(resident));
}

void measure_spawn(caf::actor_system &system)
{
	const char *mode = "100,000 event-based actors, one worker, core 0";

	residents.reserve(actors);
	uint64_t resident_before = measure_resident(), begun = measure_ticks();

	system.spawn(spawn_all);
	wait_until_done();
	measure_report("spawn until started", "ns/actor",
		       static_cast<double>(result_ticks - begun) * measure_tick_ns() / actors,
		       mode);
	measure_report("idle actor", "bytes",
		       static_cast<double>(measure_resident() - resident_before) / actors, mode);
}

// ---- one way, parked --------------------------------------------------------------------------------

caf::behavior tripper(caf::stateful_actor<counter> *self, const caf::actor &other)
{
	measure_pin(0);
	self->state.begun = measure_ticks();
	self->send(other, hop_atom::value, message{});
	return {[=](hop_atom, const message &hop) {
		auto &state = self->state;
		uint64_t now = measure_ticks();

		if (state.count >= parked_warm)
			trips.push_back(now - state.begun);
		state.begun = now;
		if (++state.count < parked_warm + parked_trips) {
			self->send(other, hop_atom::value, hop);
			return;
		}
		done = true;
		self->quit();
	}};
}

caf::behavior pinned_echo(caf::event_based_actor *self)
{
	measure_pin(1);
	return echo(self);
}

void on_one_thread()
{
	measure_pin(0); // its threads inherit it
	auto &system = *new caf::actor_system{*new config{1}};
	const char *mode = "event-based actors, one worker that polls, core 0";

	auto other = system.spawn(echo);
	system.spawn(hopper, other);
	wait_until_done();
	measure_report("hop, same thread", "ns/message",
		       static_cast<double>(result_ticks) * measure_tick_ns() /
			       (MEASURE_HOPS - MEASURE_HOPS_WARM),
		       mode);
	measure_report("tell, same thread", "ns/message", stream(system, 1, 1), mode);
	system.spawn(asker, system.spawn(answerer));
	wait_until_done();
	measure_report("ask, same thread", "ns/ask",
		       static_cast<double>(result_ticks) * measure_tick_ns() / (asks - asks / 10),
		       mode);
	measure_spawn(system);
}

void on_two()
{
	auto &system = *new caf::actor_system{*new config{2}};
	const char *mode = "event-based actors, two workers that poll and steal, cores 0+1, 1024 "
			   "on their way a sender";

	measure_report("stream 1 to 1", "ns/message",
		       stream(system, 1, MEASURE_RING / MEASURE_BATCH), mode);
	measure_report("stream 4 to 1", "ns/message",
		       stream(system, 4, MEASURE_RING / MEASURE_BATCH), mode);
}

void parked()
{
	auto *sleepy = new config{1};
	sleepy->set("work-stealing.aggressive-poll-attempts", size_t{0});
	auto &system = *new caf::actor_system{*sleepy};

	trips.reserve(parked_trips);
	auto other = system.spawn<caf::detached>(pinned_echo);
	system.spawn<caf::detached>(tripper, other);
	wait_until_done();
	caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
	measure_report_trips(trips.data(), trips.size(), "",
			     "detached actors, threads PARKED between messages, cores 0+1");
}

// In a process of its own, which then ends as it is: a system waits for its actors when it is deleted.
bool apart(void (*part)())
{
	int status = 1;
	pid_t child = fork();

	if (!child) {
		part();
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

} // namespace

int main()
{
	measure_tick_ns();
	return apart(on_one_thread) && apart(on_two) && apart(parked) ? 0 : 1;
}
