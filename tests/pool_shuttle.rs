//! The slot and waiter core under a scheduler that tries thousands of interleavings of threads at every lock:
//! `cargo test --features shuttle --test pool_shuttle`.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use redis_pooltop::event::{CloseReason, ConnId, Gauges, Stamp, WaitEnd};
use redis_pooltop::pool::core::{
    Arrival, Core, Held, Item, Limits, Returned, Tag, Take, Ticket, Unwanted, Vitals, Work,
};
use shuttle::future::block_on;
use shuttle::sync::Arc;
use shuttle::thread;

/// Interleavings tried of each scenario.
const TRIES: usize = 2_000;

/// A connection that knows whether somebody has it.
#[derive(Debug)]
struct Token {
    lent: Arc<AtomicBool>,
    work: Work,
}

impl Item for Token {
    fn work(&mut self) -> &mut Work {
        &mut self.work
    }
}

struct Pool {
    core: Core<Token>,
    next: AtomicU64,
    now: AtomicU64,
}

impl Pool {
    fn new(max: u32) -> Arc<Self> {
        let limits = Limits { max, dials: 128, wait: true, stale_after: u64::MAX, lifetime: u64::MAX };
        Arc::new(Self { core: Core::new(limits), next: AtomicU64::new(1), now: AtomicU64::new(1) })
    }

    fn now(&self) -> Stamp {
        Stamp(self.now.fetch_add(1, SeqCst))
    }

    fn gauges(&self) -> Gauges {
        let gauges = self.core.status().0;
        assert!(gauges.in_use + gauges.available + gauges.opening <= gauges.max, "{gauges:?}");
        gauges
    }

    /// A whole checkout. `None` when the pool is closed.
    fn take(&self) -> Option<Held<Token>> {
        let tag = Tag::default();
        let mut take = self.core.take(self.now(), &tag);
        loop {
            take = match take {
                Take::Conn(held) => return Some(lend(held)),
                Take::Open(generation) => return self.open(generation),
                Take::Queue(ticket) => block_on(self.granted(ticket)),
                Take::Closed | Take::Exhausted => return None,
            }
        }
    }

    async fn granted(&self, ticket: Ticket) -> Take<Token> {
        poll_fn(|cx| self.core.poll(ticket, cx.waker())).await
    }

    fn open(&self, mut generation: u64) -> Option<Held<Token>> {
        loop {
            // Dialling: anything may happen meanwhile.
            thread::yield_now();
            let id = ConnId(self.next.fetch_add(1, SeqCst));
            let token = Token { lent: Arc::default(), work: Work::default() };
            let (now, tag) = (self.now(), Tag::default());
            let vitals = std::sync::Arc::new(Vitals::opened(now));
            let arrival = Arrival { id, vitals: &vitals, generation, now, took: Duration::ZERO, tag: &tag };
            match self.core.arrived(token, &arrival, Duration::ZERO, false) {
                Ok((held, wakes)) => {
                    wakes.wake();
                    return Some(lend(held));
                }
                Err(Unwanted::Outdated(_, current)) => generation = current,
                Err(Unwanted::Closed(_)) => return None,
            }
        }
    }

    fn release(&self, held: Held<Token>) {
        assert!(held.item.lent.swap(false, SeqCst), "released and not lent");
        settle(self.core.release(held.key, held.id, held.item, self.now()));
    }

    fn discard(&self, mut held: Held<Token>) {
        let mut work = std::mem::take(&mut held.item.work);
        if let Some(wakes) = self.core.discard(held.key, held.id, CloseReason::Asked, self.now(), &mut work) {
            wakes.wake();
        }
    }

    /// Joins the queue, and goes away whether or not something was granted meanwhile.
    fn give_up(&self) {
        let take = self.core.take(self.now(), &Tag::default());
        thread::yield_now();
        settle(self.core.give_back(take, self.now()));
        self.core.wait_failed(WaitEnd::Cancelled, Duration::ZERO, true);
    }
}

fn settle(returned: Returned<Token>) {
    match returned {
        Returned::Kept(wakes) | Returned::Closed(_, _, wakes) => wakes.wake(),
        Returned::Stray(_) => {}
    }
}

fn lend(held: Held<Token>) -> Held<Token> {
    assert!(!held.item.lent.swap(true, SeqCst), "one connection, two holders");
    held
}

/// What one thread does.
type Thread = fn(&Pool);

/// Runs these on a thread each, and looks whether all of the pool is there after them. A waiter that is never woken is a
/// deadlock, which the scheduler reports.
fn together(max: u32, threads: &[Thread]) {
    let pool = Pool::new(max);
    let running: Vec<_> = threads
        .iter()
        .map(|run| {
            let (pool, run) = (pool.clone(), *run);
            thread::spawn(move || run(&pool))
        })
        .collect();
    for thread in running {
        thread.join().unwrap();
    }
    let gauges = pool.gauges();
    assert_eq!((gauges.in_use, gauges.opening, gauges.waiting), (0, 0, 0), "{gauges:?}");
    if !pool.core.is_closed() {
        let all: Vec<_> = (0..gauges.max).filter_map(|_| pool.take()).collect();
        assert_eq!(all.len(), gauges.max as usize);
        assert_eq!(pool.gauges().in_use, gauges.max);
    }
}

fn use_twice(pool: &Pool) {
    for _ in 0..2 {
        if let Some(held) = pool.take() {
            pool.gauges();
            thread::yield_now();
            pool.release(held);
        }
    }
}

fn use_up(pool: &Pool) {
    if let Some(held) = pool.take() {
        thread::yield_now();
        pool.discard(held);
    }
}

fn give_up(pool: &Pool) {
    pool.give_up();
}

fn fail_to_open(pool: &Pool) {
    let take = pool.core.take(pool.now(), &Tag::default());
    match take {
        Take::Open(_) => {
            thread::yield_now();
            pool.core.not_opened(pool.now(), true).wake();
        }
        other => settle(pool.core.give_back(other, pool.now())),
    }
}

fn reset(pool: &Pool) {
    let closing = pool.core.reset(pool.now());
    closing.wakes.wake();
}

fn close(pool: &Pool) {
    let closing = pool.core.close(pool.now());
    closing.wakes.wake();
    thread::yield_now();
    let closing = pool.core.reclaim(pool.now());
    closing.wakes.wake();
}

#[test]
fn a_slot_is_handed_from_one_to_the_next() {
    shuttle::check_random(|| together(1, &[use_twice, use_twice, use_twice]), TRIES);
}

#[test]
fn who_goes_away_takes_no_slot_along() {
    shuttle::check_random(|| together(1, &[use_twice, give_up, give_up, use_twice]), TRIES);
    shuttle::check_random(|| together(2, &[use_twice, give_up, use_up, use_twice]), TRIES);
}

#[test]
fn a_broken_connection_leaves_its_slot() {
    shuttle::check_random(|| together(1, &[use_up, use_up, use_twice]), TRIES);
    shuttle::check_random(|| together(2, &[fail_to_open, use_up, use_twice, fail_to_open]), TRIES);
}

#[test]
fn a_reset_frees_what_is_lent_and_counts_it_once() {
    shuttle::check_random(|| together(1, &[use_twice, reset, use_twice]), TRIES);
    shuttle::check_random(|| together(2, &[use_up, reset, use_twice, give_up]), TRIES);
}

#[test]
fn closing_lets_nobody_wait() {
    shuttle::check_random(|| together(1, &[use_twice, use_twice, close]), TRIES);
    shuttle::check_random(|| together(2, &[use_up, use_twice, give_up, close]), TRIES);
}

/// Fewer tries, but each with as few switches as possible: bugs that need just two or three are found here.
#[test]
fn few_switches_find_nothing_either() {
    let scenarios: [(u32, &[Thread]); 4] = [
        (1, &[use_twice, give_up, use_up]),
        (1, &[use_twice, reset, give_up]),
        (2, &[use_twice, fail_to_open, use_up, close]),
        (1, &[fail_to_open, use_twice, give_up]),
    ];
    for (max, threads) in scenarios {
        shuttle::check_pct(move || together(max, threads), TRIES / 4, 3);
    }
}
