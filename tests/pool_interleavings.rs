//! Random interleavings of everything that can happen to a pool, on fake connections and in paused time. After each step
//! the pool must add up; at the end it must still have all of its capacity.

mod pool_support;

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::time::Duration;

use pool_support::{FakePool, Fakes, Way, World, fake_pool, in_paused_time, pick, plain, told};
use proptest::prelude::*;
use redis_pooltop::event::{CloseReason, Gauges, PoolEvent, Timed};
use redis_pooltop::pool::{CheckoutError, Lease, PoolConfig};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
enum Step {
    Checkout,
    Cancel(usize),
    Release(usize),
    Discard(usize),
    /// A whole round trip: the reply must be the command's.
    Call(usize),
    /// A round trip cut off after so many polls, and then the lease is dropped.
    Cut(usize, usize),
    /// A reply that nobody asked for.
    Surprise(usize),
    /// The server closes the connection while it is lent.
    KillLent(usize),
    /// The server closes an idle connection: it is lent, marked and given back.
    KillIdle,
    /// How the next connect goes.
    Connect(Way),
    /// How the next ping goes.
    Ping(Way),
    Resize(u32),
    Reset,
    CloseOne(usize),
    Warmup(u32),
    Check,
    Pass(u64),
    Close,
}

fn way() -> impl Strategy<Value = Way> {
    proptest::sample::select(Way::ALL.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Checkout),
        3 => (0..20_usize).prop_map(Step::Cancel),
        6 => (0..20_usize).prop_map(Step::Release),
        2 => (0..20_usize).prop_map(Step::Discard),
        4 => (0..20_usize).prop_map(Step::Call),
        2 => (0..20_usize, 0..3_usize).prop_map(|(n, polls)| Step::Cut(n, polls)),
        1 => (0..20_usize).prop_map(Step::Surprise),
        1 => (0..20_usize).prop_map(Step::KillLent),
        1 => Just(Step::KillIdle),
        4 => way().prop_map(Step::Connect),
        2 => way().prop_map(Step::Ping),
        2 => (1..6_u32).prop_map(Step::Resize),
        1 => Just(Step::Reset),
        1 => (0..20_usize).prop_map(Step::CloseOne),
        1 => (0..6_u32).prop_map(Step::Warmup),
        1 => Just(Step::Check),
        3 => (1..400_u64).prop_map(Step::Pass),
    ]
}

type Outcome = Result<Lease<Fakes>, CheckoutError<String>>;

/// The pool, everything that is under way on it, and what must be true of it.
struct Run {
    pool: FakePool,
    world: Arc<World>,
    events: Receiver<Timed>,
    told_closed: BTreeMap<CloseReason, u64>,
    callers: Vec<JoinHandle<Outcome>>,
    background: Vec<JoinHandle<()>>,
    leases: Vec<Lease<Fakes>>,
    begun: u64,
    /// The most that may exist: the limit, or what was there when it was lowered.
    ceiling: u32,
    commands: u64,
    closed: bool,
}

impl Run {
    fn new(config: PoolConfig) -> Self {
        let ceiling = config.max;
        let (pool, world, events) = fake_pool(config);
        Self {
            pool,
            world,
            events,
            told_closed: BTreeMap::new(),
            callers: Vec::new(),
            background: Vec::new(),
            leases: Vec::new(),
            begun: 0,
            ceiling,
            commands: 0,
            closed: false,
        }
    }

    fn taken(&self) -> Gauges {
        self.pool.status().0
    }

    /// Lets every task run until all wait for time or for each other, and collects what was granted.
    async fn settle(&mut self) {
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
        let mut rest = Vec::new();
        for caller in self.callers.drain(..) {
            if !caller.is_finished() {
                rest.push(caller);
            } else if let Ok(Ok(lease)) = caller.await {
                self.leases.push(lease);
            }
        }
        self.callers = rest;
        self.background.retain(|task| !task.is_finished());
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Checkout => {
                self.begun += 1;
                self.callers.push(tokio::spawn(self.pool.checkout()));
            }
            Step::Cancel(n) => {
                if let Some(caller) = pick(n, &self.callers) {
                    caller.abort();
                }
            }
            Step::Release(n) => drop(self.take_lease(n)),
            Step::Discard(n) => {
                if let Some(lease) = self.take_lease(n) {
                    lease.discard(CloseReason::Asked);
                }
            }
            Step::Call(n) => self.call(n).await,
            Step::Cut(n, polls) => {
                if let Some(lease) = self.take_lease(n) {
                    self.commands += 1;
                    cut(lease, self.commands, polls).await;
                }
            }
            Step::Surprise(n) => {
                if let Some(mut lease) = self.take_lease(n) {
                    lease.surprise(u64::MAX);
                }
            }
            Step::KillLent(n) => {
                if let Some(lease) = pick(n, &self.leases) {
                    lease.dead.store(true, SeqCst);
                }
            }
            Step::KillIdle => self.kill_idle().await,
            Step::Connect(way) => self.world.connects.lock().unwrap().push_back(way),
            Step::Ping(way) => self.world.pings.lock().unwrap().push_back(way),
            Step::Resize(max) => {
                self.pool.resize(max);
                let gauges = self.taken();
                self.ceiling = max.max(gauges.in_use + gauges.available + gauges.opening);
            }
            Step::Reset => {
                self.pool.reset();
            }
            Step::CloseOne(n) => {
                if let Some(lease) = pick(n, &self.leases) {
                    let there = !lease.is_over();
                    assert!(self.pool.close_connection(lease.id()) || !there);
                }
            }
            Step::Warmup(n) => {
                let warmup = self.pool.warmup(n);
                self.background.push(tokio::spawn(async move { drop(warmup.await) }));
            }
            Step::Check => {
                let check = self.pool.health_check();
                self.background.push(tokio::spawn(async move {
                    check.await;
                }));
            }
            Step::Pass(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
            Step::Close => {
                self.closed = true;
                self.pool.close(Duration::ZERO).await;
            }
        }
        self.settle().await;
    }

    fn take_lease(&mut self, n: usize) -> Option<Lease<Fakes>> {
        let count = self.leases.len();
        (count > 0).then(|| self.leases.swap_remove(n % count))
    }

    async fn call(&mut self, n: usize) {
        self.commands += 1;
        let command = self.commands;
        let count = self.leases.len();
        if count == 0 {
            return;
        }
        let lease = &mut self.leases[n % count];
        if !lease.dead.load(SeqCst) {
            assert_eq!(lease.call(command).await, Some(command), "another command's reply");
        }
    }

    async fn kill_idle(&mut self) {
        let gauges = self.taken();
        if gauges.available > 0 && gauges.waiting == 0 {
            self.begun += 1;
            let caller = tokio::spawn(self.pool.checkout());
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            if !caller.is_finished() {
                self.callers.push(caller);
            } else if let Ok(Ok(lease)) = caller.await {
                let dead = lease.dead.clone();
                drop(lease);
                dead.store(true, SeqCst);
            }
        }
    }

    /// What is true after every step.
    fn check(&mut self) {
        self.world.assert_right();
        let (gauges, totals) = self.pool.status();
        let all = gauges.in_use + gauges.available + gauges.opening;
        assert!(all <= self.ceiling, "{gauges:?}, at most {}", self.ceiling);
        // What came back over the limit is closed, and nothing takes its place.
        self.ceiling = gauges.max.max(all.min(self.ceiling));

        let tokens: BTreeSet<_> = self.leases.iter().map(|lease| lease.token).collect();
        assert_eq!(tokens.len(), self.leases.len(), "one connection, two holders");
        let open = self.world.open.lock().unwrap().clone();
        assert!(tokens.is_subset(&open), "a lease without its connection");

        let ended = totals.released + totals.discarded + totals.reclaimed;
        let out = totals.checkouts - ended;
        assert!(out <= u64::from(gauges.in_use), "{gauges:?} {totals:?}");
        let mine = self.leases.len() as u64;
        assert!(out <= mine, "{out} leases out, {mine} held: {totals:?}");
        let stray = mine - out;
        let created = u64::from(gauges.in_use + gauges.available);
        // One that was dropped while it was asked is there until the answer.
        let asked = self.world.pinging.load(SeqCst);
        let there = created + stray..=created + stray + asked;
        assert!(there.contains(&(open.len() as u64)), "{open:?} {gauges:?} {totals:?}");
        assert_eq!(totals.opened - totals.closed, created, "{totals:?}");
        for event in told(&mut self.events) {
            if let PoolEvent::Closed { reason, .. } = event {
                *self.told_closed.entry(reason).or_default() += 1;
            }
        }
        let closed_by: BTreeMap<_, _> = totals.closed_by.iter().collect();
        assert_eq!(closed_by.values().sum::<u64>(), totals.closed, "{totals:?}");
        assert_eq!(closed_by, self.told_closed, "what is counted is what is told");

        let waits = totals.checkouts + totals.timeouts + totals.cancelled + totals.refused + totals.failed;
        assert_eq!(waits, self.begun - self.callers.len() as u64, "each wait ends once: {totals:?}");

        if gauges.waiting > 0 {
            assert!(gauges.available == 0 && all >= gauges.max, "waiting beside what is free: {gauges:?}");
        }
    }

    /// All capacity is still there, and not more.
    async fn finish(mut self) {
        self.leases.clear();
        self.callers.iter().for_each(JoinHandle::abort);
        self.background.iter().for_each(JoinHandle::abort);
        self.settle().await;
        self.world.connects.lock().unwrap().clear();
        self.world.pings.lock().unwrap().clear();
        // A check under way in the background has its time.
        tokio::time::sleep(Duration::from_secs(6)).await;
        self.check();
        let gauges = self.taken();
        assert_eq!((gauges.waiting, gauges.opening), (0, 0), "{gauges:?}");
        if self.closed {
            assert!(matches!(self.pool.checkout().await, Err(CheckoutError::Closed)));
            assert_eq!(self.world.open(), 0);
            return;
        }
        let mut held = Vec::new();
        for _ in 0..gauges.max {
            held.push(self.pool.checkout().await.expect("a slot was lost"));
        }
        assert!(matches!(self.pool.checkout().await, Err(CheckoutError::TimedOut(_))));
        drop(held);
        self.pool.close(Duration::ZERO).await;
        assert_eq!(self.world.open(), 0);
        self.world.assert_right();
    }
}

/// Polls a round trip so often, then drops it and the lease.
async fn cut(mut lease: Lease<Fakes>, command: u64, polls: usize) {
    let mut call = Box::pin(lease.call(command));
    for _ in 0..polls {
        let done = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await;
        if done {
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_adds_up_whatever_happens(
        max in 1..5_u32,
        asks in any::<bool>(),
        pauses in any::<bool>(),
        close in proptest::option::weighted(0.2, 0..80_usize),
        mut steps in proptest::collection::vec(step(), 1..80),
    ) {
        if let Some(at) = close {
            steps.insert(at.min(steps.len()), Step::Close);
        }
        // Asked before every use, or never.
        let health_check_interval = asks.then_some(Duration::ZERO);
        let config = PoolConfig { health_check_interval, blocking_timeout: Duration::from_secs(1), ..plain(max) };
        in_paused_time(async {
            let mut run = Run::new(config);
            *run.world.pause.lock().unwrap() = pauses.then_some(Duration::from_millis(10));
            for step in &steps {
                run.step(step).await;
                run.check();
            }
            run.finish().await;
        });
    }
}
