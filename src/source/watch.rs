//! The watcher of a server's clients: one named connection of its own that asks for INFO and CLIENT LIST and says what
//! is new in them.
//!
//! INFO comes at the screen's interval. CLIENT LIST is heavy: it comes at most once a second, and so much more seldom
//! that it costs the server less than one per cent of its main thread. Where the server refuses one of them, the other
//! goes on. The watcher ends with its guard, and no failure of the server ends it.

mod churn;
mod cost;
mod kill;
mod lists;
mod look;
mod members;
mod nodes;
mod own;
mod owners;
mod refusals;
mod round;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::kill::Killed;
use self::look::Looking;
pub use self::nodes::{NODES, Nodes, watch_all};
use self::own::Own;
use self::owners::{Owners, Us};
use self::refusals::{Asked, Refusals};
use super::asking::{ANSWER, SELDOM, SHORTEST, Silence, gone, patience, peer};
use super::process::Resolver;
use crate::event::{Clock, Event, Exact, NodeFacts, NodeId, PulseSource, Stamp, Tap, WatchEvent};
use crate::net::{ConnectOptions, Connection, OBSERVER};
use crate::resp::Caps;

/// How often INFO is asked for, unless told otherwise.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// The longest CLIENT LIST that is taken, and the longest other answer.
const CAPS: Caps = Caps { bulk: 64 << 20, items: 1 << 10, depth: 8, line: 64 << 10, bytes: 65 << 20 };

/// A server that is being watched. Dropping it ends that and closes the connection.
#[derive(Debug)]
pub struct ClientWatch {
    node: NodeId,
    options: ConnectOptions,
    orders: Arc<watch::Sender<Orders>>,
    own: Arc<Own>,
    greeted: watch::Receiver<Option<Greeted>>,
    task: JoinHandle<()>,
}

/// What was learnt of a server when it was last reached.
#[derive(Clone, Copy, Debug)]
struct Greeted {
    mode: Mode,
    /// Its end of the connection.
    peer: Option<SocketAddr>,
}

/// What kind of server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Alone,
    Cluster,
    Sentinel,
}

/// What the watcher is to do.
#[derive(Clone, Copy, Debug)]
struct Orders {
    interval: Duration,
    /// How often a look was asked for at once.
    looks: u64,
    /// How often a whole look was asked for.
    wholes: u64,
}

impl ClientWatch {
    /// Which server it is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The time between two INFOs.
    pub fn interval(&self) -> Duration {
        self.orders.borrow().interval
    }

    /// Changes the time between two INFOs, and what CLIENT LIST takes at least, from the next one on.
    pub fn set_interval(&self, interval: Duration) {
        self.orders.send_modify(|orders| orders.interval = interval);
    }

    /// Looks as soon as half of the time to the next look has passed, asks again what was refused, and tries a lost server at once.
    pub fn look_now(&self) {
        self.orders.send_modify(|orders| orders.looks += 1);
    }

    /// What the hub attaches: it keeps nothing running.
    pub fn source(&self) -> Arc<dyn PulseSource> {
        Arc::new(Resync(self.orders.clone()))
    }

    /// Has the server close these clients, by a connection of its own; never this program's own ones.
    pub fn kill(&self, clients: Vec<Exact>) -> impl Future<Output = Killed> + Send + use<> {
        kill::kill(self.options.clone(), self.own.clone(), clients)
    }
}

impl Drop for ClientWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PulseSource for ClientWatch {
    fn pulse(&self, _: Stamp) -> Option<Event> {
        None
    }

    fn resync(&self) {
        self.orders.send_modify(|orders| orders.wholes += 1);
    }
}

struct Resync(Arc<watch::Sender<Orders>>);

impl PulseSource for Resync {
    fn pulse(&self, _: Stamp) -> Option<Event> {
        None
    }

    fn resync(&self) {
        self.0.send_modify(|orders| orders.wholes += 1);
    }
}

/// Starts watching a server on the current runtime.
///
/// # Panics
/// Outside of a tokio runtime, as [`tokio::spawn`] does.
pub fn watch(
    options: ConnectOptions,
    node: NodeId,
    interval: Duration,
    tap: Tap,
    clock: Clock,
) -> ClientWatch {
    let facts = NodeFacts { target: options.target(), found: None };
    start(options, facts, interval, Say { node, tap, clock }, Arc::default())
}

/// The same with a resolver of processes that others use too, for a server that was perhaps found and not named.
fn start(
    options: ConnectOptions,
    facts: NodeFacts,
    interval: Duration,
    say: Say,
    resolver: Arc<Mutex<Resolver>>,
) -> ClientWatch {
    let node = say.node;
    let (orders, changes) = watch::channel(Orders { interval, looks: 0, wholes: 0 });
    let (told, greeted) = watch::channel(None);
    let options = ConnectOptions { client_name: Some(OBSERVER.to_owned()), database: 0, ..options };
    let own = Arc::<Own>::default();
    let poller = Poller {
        answer: options.socket_timeout.unwrap_or(ANSWER),
        options: options.clone(),
        say,
        facts,
        orders: changes,
        own: own.clone(),
        greeted: told,
        refusals: Refusals::default(),
        looking: Looking::default(),
        owners: Owners::new(resolver),
        failures: 0,
        wholes: 0,
        looks: 0,
    };
    ClientWatch { node, options, orders: Arc::new(orders), own, greeted, task: tokio::spawn(poller.run()) }
}

/// Where what was learnt goes.
#[derive(Clone, Debug)]
struct Say {
    node: NodeId,
    tap: Tap,
    clock: Clock,
}

impl Say {
    fn now(&self) -> Stamp {
        self.clock.now()
    }

    fn at(&self, at: Stamp, event: WatchEvent) {
        self.tap.emit(at, Event::Watch(self.node, event));
    }

    fn say(&self, event: WatchEvent) {
        self.at(self.now(), event);
    }
}

struct Poller {
    options: ConnectOptions,
    answer: Duration,
    say: Say,
    facts: NodeFacts,
    orders: watch::Receiver<Orders>,
    own: Arc<Own>,
    greeted: watch::Sender<Option<Greeted>>,
    refusals: Refusals,
    looking: Looking,
    owners: Owners,
    /// Failures in a row.
    failures: u32,
    /// How many of the orders of each kind were followed.
    wholes: u64,
    looks: u64,
}

/// When what is due.
struct Due {
    /// When last anything was asked.
    asked: Instant,
    info: Instant,
    look: Instant,
    /// No look that was asked for comes before.
    decent: Instant,
}

impl Poller {
    async fn run(mut self) {
        self.say.say(WatchEvent::Started(self.facts.clone()));
        loop {
            let silence = self.observe().await;
            let wait = patience(self.failures, silence.denied);
            self.failures = self.failures.saturating_add(1);
            let retry_at = self.say.now() + wait;
            self.say.say(WatchEvent::Lost { error: silence.error, retry_at });
            self.wait_for_retry(wait).await;
        }
    }

    /// Whoever asks for a look will not wait for a server that may be back.
    async fn wait_for_retry(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = changed(&mut self.orders) => {
                    let looks = self.orders.borrow().looks;
                    if looks != std::mem::replace(&mut self.looks, looks) {
                        return;
                    }
                }
            }
        }
    }

    /// Asks on one connection until that fails.
    async fn observe(&mut self) -> Silence {
        let mut connection = match Connection::open(&self.options).await {
            Ok(connection) => connection,
            Err(error) => return error.into(),
        };
        connection.set_caps(CAPS);
        self.greeted.send_replace(Some(Greeted::by(&connection)));
        let _ours = connection.server_id().map(|id| self.own.opened(id));
        self.looking.begin();
        let us = Us { id: connection.server_id(), local: connection.local_addr() };
        self.owners.begin(peer(&connection), us, &self.options.endpoint);
        match self.ask_on(&mut connection).await {
            Ok(never) => match never {},
            Err(silence) => silence,
        }
    }

    async fn ask_on(&mut self, connection: &mut Connection) -> Result<std::convert::Infallible, Silence> {
        let now = Instant::now();
        let mut due = Due { asked: now, info: now, look: now, decent: now };
        let mut first = true;
        loop {
            let asked = Instant::now();
            let look = due.look <= asked;
            self.follow_wholes(look);
            let next = self.round(connection, look, first).await?;
            (self.failures, first) = (0, false);
            due.asked = asked;
            due.info = asked + self.interval();
            if look {
                due.look = asked + next.max(self.interval());
                // A look that was refused has cost next to nothing.
                let refused = self.refusals.again(Asked::List).is_some();
                due.decent = asked + if refused { INTERVAL / 2 } else { next / 2 };
            }
            self.rest(connection, &mut due).await?;
        }
    }

    fn interval(&self) -> Duration {
        self.orders.borrow().interval.clamp(SHORTEST, SELDOM)
    }

    /// Events were dropped, perhaps also the one that said that this server is watched.
    fn follow_wholes(&mut self, look: bool) {
        let wholes = self.orders.borrow().wholes;
        if look && wholes != std::mem::replace(&mut self.wholes, wholes) {
            self.looking.forget();
        }
    }

    /// Waits until something is due, and hears at once when the server goes away meanwhile.
    async fn rest(&mut self, connection: &mut Connection, due: &mut Due) -> Result<(), Silence> {
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due.info.min(due.look)) => return Ok(()),
                () = changed(&mut self.orders) => {
                    let orders = *self.orders.borrow_and_update();
                    due.info = due.asked + orders.interval.clamp(SHORTEST, SELDOM);
                    if orders.looks != std::mem::replace(&mut self.looks, orders.looks) {
                        self.refusals.ask_again();
                        due.look = due.look.min(due.decent);
                    }
                }
                silence = gone(connection, &self.options) => return Err(silence),
            }
        }
    }
}

impl Greeted {
    fn by(connection: &Connection) -> Self {
        let mode = match connection.greeting().mode.as_deref() {
            Some("cluster") => Mode::Cluster,
            Some("sentinel") => Mode::Sentinel,
            _ => Mode::Alone,
        };
        Self { mode, peer: peer(connection) }
    }
}

/// Waits for other orders. When the guard is gone, this task is about to be.
async fn changed(orders: &mut watch::Receiver<Orders>) {
    if orders.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
