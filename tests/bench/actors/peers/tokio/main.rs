// SPDX-License-Identifier: Apache-2.0
//! tokio: a task that owns the receiving half of an mpsc channel is the actor. `tokio bounded` or
//! `tokio unbounded`. Across cores: a current-thread runtime on each; tasks try and yield, so that no
//! thread ever parks. On one thread: recv().await, as people write it.
#[path = "../measure.rs"]
mod measure;

use measure::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};

const ACTORS: usize = 100_000;
const WAKES: usize = 200;

/// What both kinds of channel have in common.
trait Kind: 'static {
    const MODE: &'static str;
    type Sender: Clone + Send + Sync;
    type Receiver: Send;
    fn make() -> (Self::Sender, Self::Receiver);
    /// False when full.
    fn try_send(to: &Self::Sender, message: Message) -> bool;
    fn try_recv(from: &mut Self::Receiver) -> Option<Message>;
}

struct Bounded;
struct Unbounded;

impl Kind for Bounded {
    const MODE: &'static str = "mpsc bounded 1024";
    type Sender = mpsc::Sender<Message>;
    type Receiver = mpsc::Receiver<Message>;
    fn make() -> (Self::Sender, Self::Receiver) {
        mpsc::channel(RING)
    }
    #[inline(always)]
    fn try_send(to: &Self::Sender, message: Message) -> bool {
        to.try_send(message).is_ok()
    }
    #[inline(always)]
    fn try_recv(from: &mut Self::Receiver) -> Option<Message> {
        from.try_recv().ok()
    }
}

impl Kind for Unbounded {
    const MODE: &'static str = "mpsc unbounded";
    type Sender = mpsc::UnboundedSender<Message>;
    type Receiver = mpsc::UnboundedReceiver<Message>;
    fn make() -> (Self::Sender, Self::Receiver) {
        mpsc::unbounded_channel()
    }
    #[inline(always)]
    fn try_send(to: &Self::Sender, message: Message) -> bool {
        to.send(message).is_ok()
    }
    #[inline(always)]
    fn try_recv(from: &mut Self::Receiver) -> Option<Message> {
        from.try_recv().ok()
    }
}

/// To the back of the queue at once: tokio's own yield_now() waits for a pass of the driver.
#[derive(Default)]
struct Again(bool);

impl Future for Again {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn again() -> Again {
    Again::default()
}

async fn push<K: Kind>(to: &K::Sender, message: Message) {
    while !K::try_send(to, message) {
        again().await;
    }
}

async fn pop<K: Kind>(from: &mut K::Receiver) -> Message {
    loop {
        if let Some(message) = K::try_recv(from) {
            return message;
        }
        again().await;
    }
}

/// A current-thread runtime of this thread.
fn run<F: Future>(main: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(main)
}

fn one_way<K: Kind>(tick_ns: f64, mode: &str) {
    let (there, mut arrivals) = K::make();
    let (back, mut answers) = K::make();
    let other = std::thread::spawn(move || {
        pin(1);
        run(async move {
            tokio::spawn(async move {
                for _ in 0..WARM + TRIPS {
                    let message = pop::<K>(&mut arrivals).await;
                    push::<K>(&back, message).await;
                }
            })
            .await
            .unwrap();
        });
    });
    let trips = run(async move {
        tokio::spawn(async move {
            let mut trips = Trips::new();
            for _ in 0..WARM + TRIPS {
                push::<K>(&there, Message::default()).await;
                pop::<K>(&mut answers).await;
                trips.back();
            }
            trips
        })
        .await
        .unwrap()
    });
    other.join().unwrap();
    report_trips(trips.ticks, tick_ns, mode);
}

/// From `senders` tasks of one thread.
fn stream<K: Kind>(senders: usize, tick_ns: f64, mode: &str) {
    let (to, mut from) = K::make();
    let other = std::thread::spawn(move || {
        pin(1);
        run(async move {
            tokio::spawn(async move {
                let mut stream = Stream::new(senders);
                loop {
                    if let Some(ticks) = stream.take(&pop::<K>(&mut from).await) {
                        return ticks;
                    }
                }
            })
            .await
            .unwrap()
        })
    });
    run(async move {
        let tasks: Vec<_> = (0..senders)
            .map(|sender| {
                let to = to.clone();
                tokio::spawn(async move {
                    for i in 0..STREAM / senders as u64 {
                        push::<K>(&to, Message { word: [i, sender as u64, 0, 0, 0] }).await;
                        if (i + 1) % BATCH == 0 {
                            again().await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let ns = other.join().unwrap() * tick_ns;
    report(&format!("stream {senders} to 1"), "ns/message", ns, mode);
}

fn bounded<T>() -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
    mpsc::channel(RING)
}

async fn send_bounded<T>(to: &mpsc::Sender<T>, message: T) -> bool {
    to.send(message).await.is_ok()
}

fn unbounded<T>() -> (mpsc::UnboundedSender<T>, mpsc::UnboundedReceiver<T>) {
    mpsc::unbounded_channel()
}

async fn send_unbounded<T>(to: &mpsc::UnboundedSender<T>, message: T) -> bool {
    to.send(message).is_ok()
}

/// Tasks of one thread: recv().await and send, whose types differ between the two kinds.
macro_rules! one_thread {
    ($name:ident, $make:ident, $send:ident) => {
        mod $name {
            use super::*;

            /// Two tasks answer each other.
            pub async fn hop() -> f64 {
                let (to_a, mut a) = $make::<Message>();
                let (to_b, mut b) = $make::<Message>();
                tokio::spawn(async move {
                    while let Some(message) = b.recv().await {
                        if !$send(&to_a, message).await {
                            break;
                        }
                    }
                });
                tokio::spawn(async move {
                    let mut hops = Hops::new();
                    $send(&to_b, Message::default()).await;
                    while let Some(message) = a.recv().await {
                        if hops.take(2) {
                            break;
                        }
                        $send(&to_b, message).await;
                    }
                    hops.ticks()
                })
                .await
                .unwrap()
            }

            /// 64 sent, then the other's turn.
            pub async fn tell() -> f64 {
                let (to, mut from) = $make::<Message>();
                let actor = tokio::spawn(async move {
                    let mut hops = Hops::new();
                    while from.recv().await.is_some() {
                        if hops.take(1) {
                            break;
                        }
                    }
                    hops.ticks()
                });
                tokio::spawn(async move {
                    loop {
                        for i in 0..BATCH {
                            if !$send(&to, Message { word: [i; 5] }).await {
                                return;
                            }
                        }
                        again().await;
                    }
                });
                actor.await.unwrap()
            }

            /// The question carries a oneshot for the answer.
            pub async fn ask() -> f64 {
                let (to, mut from) = $make::<(Message, oneshot::Sender<Message>)>();
                tokio::spawn(async move {
                    while let Some((message, answer)) = from.recv().await {
                        let _ = answer.send(message);
                    }
                });
                tokio::spawn(async move {
                    let mut hops = Hops::new();
                    while !hops.take(1) {
                        let (answer, reply) = oneshot::channel();
                        $send(&to, (Message::default(), answer)).await;
                        reply.await.unwrap();
                    }
                    hops.ticks()
                })
                .await
                .unwrap()
            }

            /// Until the last has started: ticks an actor, bytes an actor.
            pub async fn spawn() -> (f64, f64) {
                let started = Arc::new(AtomicUsize::new(0));
                let mut addresses = Vec::with_capacity(ACTORS);
                let before = resident();
                let begun = ticks();
                for _ in 0..ACTORS {
                    let (to, mut from) = $make::<Message>();
                    let started = started.clone();
                    tokio::spawn(async move {
                        started.fetch_add(1, Ordering::Relaxed);
                        while from.recv().await.is_some() {}
                    });
                    addresses.push(to);
                }
                while started.load(Ordering::Relaxed) < ACTORS {
                    again().await;
                }
                let spawned = (ticks() - begun) as f64;
                (spawned / ACTORS as f64, (resident() - before) / ACTORS as f64)
            }
        }
    };
}

one_thread!(of_bounded, bounded, send_bounded);
one_thread!(of_unbounded, unbounded, send_unbounded);

/// A task that waits in recv().await on core 1 is sent something every 2 ms: the runtime's thread parks.
fn wake(tick_ns: f64) {
    let (to, mut from) = unbounded::<Message>();
    let other = std::thread::spawn(move || {
        pin(1);
        run(async move {
            tokio::spawn(async move {
                let mut late = Vec::with_capacity(WAKES);
                while let Some(stamp) = from.recv().await {
                    late.push(ticks() - stamp.word[0]);
                }
                late
            })
            .await
            .unwrap()
        })
    });
    for _ in 0..WAKES {
        let begun = std::time::Instant::now();
        while begun.elapsed().as_millis() < 2 {}
        to.send(Message { word: [ticks(), 0, 0, 0, 0] }).unwrap();
    }
    drop(to);
    let mut late = other.join().unwrap();
    late.sort_unstable();
    let mode = "task in recv().await, runtime parked, woken from core 0, on core 1, 2 ms apart";
    report("woken and handling, p50", "ns", late[WAKES / 2] as f64 * tick_ns, mode);
}

fn across<K: Kind>(tick_ns: f64) {
    let mode = format!("tasks, try and yield, cores 0+1, 1 channel polled, {}", K::MODE);
    one_way::<K>(tick_ns, &mode);
    stream::<K>(1, tick_ns, &mode);
    stream::<K>(4, tick_ns, &mode);
}

fn main() {
    let tick_ns = tick_ns();
    let is_bounded = std::env::args().nth(1).as_deref() != Some("unbounded");
    pin(0);
    if is_bounded {
        across::<Bounded>(tick_ns);
    } else {
        across::<Unbounded>(tick_ns);
        wake(tick_ns);
    }
    let kind = if is_bounded { Bounded::MODE } else { Unbounded::MODE };
    let mode = format!("current-thread runtime, core 0, recv().await, {kind}");
    // A runtime each, so that none inherits another's tasks.
    let (hop, tell, ask, (spawn, bytes)) = if is_bounded {
        (run(of_bounded::hop()), run(of_bounded::tell()), run(of_bounded::ask()), run(of_bounded::spawn()))
    } else {
        (
            run(of_unbounded::hop()),
            run(of_unbounded::tell()),
            run(of_unbounded::ask()),
            run(of_unbounded::spawn()),
        )
    };
    report("hop, same thread", "ns/message", hop * tick_ns, &mode);
    report("tell, same thread", "ns/message", tell * tick_ns, &mode);
    report("ask, same thread", "ns/ask", ask * tick_ns, &mode);
    let mode = format!("100,000 tasks with a channel each, current-thread runtime, core 0, {kind}");
    report("spawn until started", "ns/actor", spawn * tick_ns, &mode);
    report("idle actor", "bytes", bytes, &mode);
}
