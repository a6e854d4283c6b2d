// SPDX-License-Identifier: Apache-2.0
//! What ../measure.h says, in Rust: the same sizes, the same clock, the same lines.
#![allow(dead_code)]

use std::time::{Duration, Instant};

pub const WARM: usize = 10_000;
pub const TRIPS: usize = 100_000;
pub const STREAM: u64 = 2_000_000;
pub const HOPS: u64 = 1_000_000;
pub const RING: usize = 1024;
pub const BATCH: u64 = 64;

#[derive(Clone, Copy, Debug, Default)]
pub struct Message {
    pub word: [u64; 5],
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn ticks() -> u64 {
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
pub fn ticks() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos() as u64)
}

/// ns of one tick, found against the monotonic clock in 20 ms.
pub fn tick_ns() -> f64 {
    let (instant, begun) = (Instant::now(), ticks());
    while instant.elapsed() < Duration::from_millis(20) {}
    let ns = instant.elapsed().as_nanos() as f64;
    ns / (ticks() - begun) as f64
}

extern "C" {
    fn sched_setaffinity(pid: i32, size: usize, mask: *const u64) -> i32;
}

pub fn pin(core: usize) {
    let mask = [1u64 << core; 1];
    if unsafe { sched_setaffinity(0, 8, mask.as_ptr()) } != 0 {
        eprintln!("cannot pin to core {core}: two cores are needed");
        std::process::exit(1);
    }
}

pub fn report(figure: &str, unit: &str, value: f64, mode: &str) {
    println!("{figure}\t{unit}\t{value}\t{mode}");
}

pub fn report_trips(mut ticks: Vec<u64>, tick_ns: f64, mode: &str) {
    ticks.sort_unstable();
    let one_way = |share: f64| ticks[(ticks.len() as f64 * share) as usize] as f64 / 2.0 * tick_ns;
    report("one-way p50", "ns", one_way(0.5), mode);
    report("one-way p99.9", "ns", one_way(0.999), mode);
}

/// Notes the round trips that count.
pub struct Trips {
    seen: usize,
    before: u64,
    pub ticks: Vec<u64>,
}

impl Trips {
    pub fn new() -> Trips {
        // Ones: zeroed memory would be touched, and faulted in, among the samples.
        Trips { seen: 0, before: ticks(), ticks: vec![1; TRIPS] }
    }

    #[inline(always)]
    pub fn back(&mut self) {
        let now = ticks();
        if self.seen >= WARM {
            self.ticks[self.seen - WARM] = now - self.before;
        }
        self.seen += 1;
        self.before = now;
    }
}

/// Counts the messages of a stream from `senders` and times those after the first tenth.
pub struct Stream {
    expected: Vec<u64>,
    count: u64,
    begun: u64,
}

impl Stream {
    pub fn new(senders: usize) -> Stream {
        Stream { expected: vec![0; senders], count: 0, begun: 0 }
    }

    /// The ticks a message took, with the last one.
    #[inline(always)]
    pub fn take(&mut self, message: &Message) -> Option<f64> {
        let sender = message.word[1] as usize;
        assert!(message.word[0] == self.expected[sender], "a message is not the next");
        self.expected[sender] += 1;
        self.count += 1;
        if self.count == STREAM / 10 {
            self.begun = ticks();
        }
        (self.count == STREAM).then(|| (ticks() - self.begun) as f64 / (STREAM - STREAM / 10) as f64)
    }
}

/// Times a loop of hops after its first tenth.
pub struct Hops {
    count: u64,
    begun: u64,
}

impl Hops {
    pub fn new() -> Hops {
        Hops { count: 0, begun: 0 }
    }

    /// True with the last one.
    #[inline(always)]
    pub fn take(&mut self, n: u64) -> bool {
        if self.count >= HOPS / 10 && self.begun == 0 {
            self.begun = ticks();
            self.count = HOPS / 10;
        }
        self.count += n;
        self.count >= HOPS
    }

    pub fn ticks(&self) -> f64 {
        (ticks() - self.begun) as f64 / (self.count - HOPS / 10) as f64
    }
}

/// Resident bytes of this process.
pub fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0.0);
    pages * 4096.0
}
