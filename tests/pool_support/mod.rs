//! Fake connections for tests of the pool: each step of a checkout can go well, fail, take long or never end, and every
//! connection knows whether two callers ever had it at once.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::collections::{BTreeSet, VecDeque};
use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis_pooltop::event::{Clock, Event, PoolEvent, Tap, Timed};
use redis_pooltop::pool::{Connector, Identity, InstrumentedPool, PoolConfig, Pooled, Probe};
use tokio::sync::mpsc::Receiver;

/// How a step goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Ok,
    Error,
    /// Well, after [`SLOW`].
    Slow,
    Never,
}

impl Way {
    pub const ALL: [Way; 4] = [Way::Ok, Way::Error, Way::Slow, Way::Never];
}

/// What a slow step takes, in the test's paused time.
pub const SLOW: Duration = Duration::from_millis(100);

async fn go(way: Way) -> bool {
    match way {
        Way::Ok => true,
        Way::Error => false,
        Way::Slow => {
            tokio::time::sleep(SLOW).await;
            true
        }
        Way::Never => pending().await,
    }
}

/// What the test decides and what the fakes saw.
#[derive(Debug, Default)]
pub struct World {
    /// How the next connects go; well when it is empty.
    pub connects: Mutex<VecDeque<Way>>,
    /// How the next pings go; well when it is empty.
    pub pings: Mutex<VecDeque<Way>>,
    /// Connections that exist, by token.
    pub open: Mutex<BTreeSet<u64>>,
    next: AtomicU64,
    /// Pings under way.
    pub pinging: AtomicU64,
    /// Connects begun.
    pub dialled: AtomicU64,
    /// Nobody is there: every connect fails.
    pub down: AtomicBool,
    /// How long the pool leaves the server alone after a first failure, if at all.
    pub pause: Mutex<Option<Duration>>,
    /// Something happened that must never happen.
    pub wrong: Mutex<Vec<String>>,
}

impl World {
    pub fn wrong(&self, what: impl Into<String>) {
        self.wrong.lock().unwrap().push(what.into());
    }

    pub fn assert_right(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    pub fn open(&self) -> usize {
        self.open.lock().unwrap().len()
    }
}

/// Opens fakes.
#[derive(Clone, Debug, Default)]
pub struct Fakes(pub Arc<World>);

/// A connection that answers each command with the command, in order.
#[derive(Debug)]
pub struct Fake {
    pub token: u64,
    world: Arc<World>,
    /// Sent and not answered by the server yet.
    sent: VecDeque<u64>,
    /// Answered and not read yet.
    arrived: VecDeque<u64>,
    owed: u64,
    pub dead: Arc<AtomicBool>,
    /// Replies that arrive at any time, whoever has the connection.
    pub late: Arc<AtomicU64>,
    pub taint: Option<&'static str>,
}

impl Fake {
    /// Sends a command, and that is all.
    pub fn send(&mut self, command: u64) {
        self.sent.push_back(command);
        self.owed += 1;
    }

    /// The server answers everything.
    pub fn answer(&mut self) {
        self.arrived.append(&mut self.sent);
    }

    /// Reads one reply.
    pub fn receive(&mut self) -> Option<u64> {
        let reply = self.arrived.pop_front()?;
        self.owed = self.owed.saturating_sub(1);
        Some(reply)
    }

    /// A whole round trip, which may be cut off in the middle.
    pub async fn call(&mut self, command: u64) -> Option<u64> {
        self.send(command);
        tokio::task::yield_now().await;
        if self.dead.load(SeqCst) {
            return None;
        }
        self.answer();
        tokio::task::yield_now().await;
        self.receive()
    }

    /// A reply arrives that nobody asked for.
    pub fn surprise(&mut self, reply: u64) {
        self.arrived.push_back(reply);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if !self.world.open.lock().unwrap().remove(&self.token) {
            self.world.wrong(format!("connection {} closed twice", self.token));
        }
    }
}

impl Connector for Fakes {
    type Conn = Fake;
    type Error = String;

    fn connect(&self) -> impl Future<Output = Result<Fake, String>> + Send {
        let world = self.0.clone();
        let way = world.connects.lock().unwrap().pop_front().unwrap_or(Way::Ok);
        async move {
            world.dialled.fetch_add(1, SeqCst);
            if !go(way).await || world.down.load(SeqCst) {
                return Err("no such server".to_owned());
            }
            let token = world.next.fetch_add(1, SeqCst);
            world.open.lock().unwrap().insert(token);
            Ok(Fake {
                token,
                world,
                sent: VecDeque::new(),
                arrived: VecDeque::new(),
                owed: 0,
                dead: Arc::default(),
                late: Arc::default(),
                taint: None,
            })
        }
    }

    fn target(&self) -> String {
        "nowhere:0".to_owned()
    }

    fn pause_after(&self, _error: &String) -> Option<Duration> {
        *self.0.pause.lock().unwrap()
    }
}

impl Pooled for Fake {
    fn identity(&self) -> Identity {
        Identity { server_id: Some(self.token), ..Identity::default() }
    }

    fn probe(&mut self) -> Probe {
        let late = self.late.swap(0, SeqCst);
        self.arrived.extend((0..late).map(|_| u64::MAX));
        if self.dead.load(SeqCst) {
            Probe::Closed
        } else if self.arrived.is_empty() {
            Probe::Quiet
        } else {
            Probe::Unread(8 * self.arrived.len() as u64)
        }
    }

    fn owed(&self) -> u64 {
        self.owed
    }

    fn taint(&self) -> Option<&'static str> {
        self.taint
    }

    async fn ping(&mut self) -> bool {
        let way = self.world.pings.lock().unwrap().pop_front().unwrap_or(Way::Ok);
        let _under_way = UnderWay::begin(&self.world.pinging);
        go(way).await
    }
}

/// Counts for as long as it lives.
struct UnderWay<'a>(&'a AtomicU64);

impl<'a> UnderWay<'a> {
    fn begin(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, SeqCst);
        Self(counter)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

pub type FakePool = InstrumentedPool<Fakes>;

/// A pool of fakes, what decides over them, and the events it tells.
pub fn fake_pool(config: PoolConfig) -> (FakePool, Arc<World>, Receiver<Timed>) {
    let world = Arc::<World>::default();
    let (tap, events) = Tap::channel();
    let pool = InstrumentedPool::new(Fakes(world.clone()), config, Clock::start(), tap);
    (pool, world, events)
}

/// A pool of `max` that never asks, sweeps or expires by itself.
pub fn plain(max: u32) -> PoolConfig {
    PoolConfig { max, health_check_interval: None, ..PoolConfig::default() }
}

/// The events told so far.
pub fn told(events: &mut Receiver<Timed>) -> Vec<PoolEvent> {
    let all = std::iter::from_fn(|| events.try_recv().ok());
    all.filter_map(|timed| match timed.event {
        Event::Pool(_, event) => Some(event),
        Event::Server(_) | Event::Watch(..) | Event::App(_) => None,
    })
    .collect()
}

/// One of them, whatever the number; none of none.
pub fn pick<T>(n: usize, from: &[T]) -> Option<&T> {
    from.get(n.checked_rem(from.len())?)
}

/// Runs it on a clock that moves when everything waits.
pub fn in_paused_time<R>(run: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(run)
}
