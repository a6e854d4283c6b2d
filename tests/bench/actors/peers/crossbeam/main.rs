// SPDX-License-Identifier: Apache-2.0
//! crossbeam-channel, bounded: a channel, not an actor, so nothing is dispatched. Its try_ calls, spinning:
//! threads never park.
#[path = "../measure.rs"]
mod measure;

use crossbeam_channel::{bounded, Receiver, Sender};
use measure::*;

const MODE: &str = "threads, try and spin, cores 0+1, 1 channel polled, bounded 1024, no dispatch";

#[inline(always)]
fn push(to: &Sender<Message>, message: Message) {
    while to.try_send(message).is_err() {
        std::hint::spin_loop();
    }
}

#[inline(always)]
fn pop(from: &Receiver<Message>) -> Message {
    loop {
        match from.try_recv() {
            Ok(message) => return message,
            Err(_) => std::hint::spin_loop(),
        }
    }
}

fn one_way(tick_ns: f64) {
    let (there, arrivals) = bounded(RING);
    let (back, answers) = bounded(RING);
    let other = std::thread::spawn(move || {
        pin(1);
        for _ in 0..WARM + TRIPS {
            push(&back, pop(&arrivals));
        }
    });
    let mut trips = Trips::new();
    for _ in 0..WARM + TRIPS {
        push(&there, Message::default());
        pop(&answers);
        trips.back();
    }
    other.join().unwrap();
    report_trips(trips.ticks, tick_ns, MODE);
}

/// From `senders` clones on one thread, in turn.
fn stream(senders: usize, tick_ns: f64) {
    let (to, from) = bounded(RING);
    let other = std::thread::spawn(move || {
        pin(1);
        let mut stream = Stream::new(senders);
        loop {
            if let Some(ticks) = stream.take(&pop(&from)) {
                return ticks;
            }
        }
    });
    let clones: Vec<Sender<Message>> = (0..senders).map(|_| to.clone()).collect();
    for i in 0..STREAM / senders as u64 {
        for (sender, to) in clones.iter().enumerate() {
            push(to, Message { word: [i, sender as u64, 0, 0, 0] });
        }
    }
    let ns = other.join().unwrap() * tick_ns;
    report(&format!("stream {senders} to 1"), "ns/message", ns, MODE);
}

fn alone(batch: u64) -> f64 {
    let (to, from) = bounded(RING);
    let mut hops = Hops::new();
    loop {
        for i in 0..batch {
            push(&to, Message { word: [i; 5] });
        }
        for i in 0..batch {
            assert!(pop(&from).word[0] == i);
        }
        if hops.take(batch) {
            return hops.ticks();
        }
    }
}

fn main() {
    let tick_ns = tick_ns();
    pin(0);
    one_way(tick_ns);
    stream(1, tick_ns);
    stream(4, tick_ns);
    let mode = "one thread, core 0, push and pop, bounded 1024, no dispatch";
    report("hop, same thread", "ns/message", alone(1) * tick_ns, mode);
    let mode = "one thread, core 0, 64 pushed, 64 popped, bounded 1024, no dispatch";
    report("tell, same thread", "ns/message", alone(BATCH) * tick_ns, mode);
}
