//! What every handle, lease and background task of one pool shares, and how the core's decisions become effects:
//! events told, connections closed and callers woken, always after the lock is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::backoff::Backoff;
use super::config::{OnExhausted, PoolConfig};
use super::connector::{Connector, Pooled, Probe};
use super::core::{Closing, Core, Hists, Item, Limits, Returned, Work};
use super::guards::OpenError;
use super::holder::Tag;
use super::names::{Names, Recent};
use super::vitals::Vitals;
use crate::event::{
    Clock, CloseReason, ConnId, Event, Opened, PoolEvent, PoolId, SeenAt, Stamp, Tap, WaitEnd, nanos,
};

/// Connections that are opened at a time. A listener's queue is short (511 in Redis by default, 128 in many kernels),
/// and a connection that finds it full is tried again only after a second.
const DIALS: u32 = 128;

/// A connection that has not answered a check by then is of no use.
pub(super) const PING_LIMIT: Duration = Duration::from_secs(5);

static NEXT_POOL: AtomicU32 = AtomicU32::new(1);
static NEXT_CONN: AtomicU64 = AtomicU64::new(1);

/// A connection with what the pool keeps about it. Its place in memory never changes.
#[derive(Debug)]
pub(crate) struct Member<C> {
    pub(crate) id: ConnId,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) work: Work,
    /// When `work` was last told.
    pub(crate) told: Stamp,
    pub(crate) recent: Recent,
    pub(crate) conn: C,
}

impl<C> Member<C> {
    /// What is in flight on it gets no answer any more: until now it was work.
    pub(crate) fn given_up(&mut self, now: Stamp) {
        if let Some(since) = self.vitals.busy_since() {
            self.work.unanswered.push(nanos(now.since(since)));
        }
        self.vitals.settled(now);
    }
}

/// A boxed member moves as one word.
pub(crate) type Slot<C> = Box<Member<C>>;

impl<C> Item for Slot<C> {
    #[inline]
    fn work(&mut self) -> &mut Work {
        &mut self.work
    }
}

/// Aligned so that the count of leases on it, which every lease changes, is on another cache line than what every lease
/// reads.
#[repr(align(64))]
pub(crate) struct Inner<C: Connector> {
    pub(crate) id: PoolId,
    pub(crate) core: Core<Slot<C::Conn>>,
    pub(crate) connector: C,
    pub(crate) clock: Clock,
    pub(crate) tap: Tap,
    pub(crate) names: Names,
    config: Mutex<PoolConfig>,
    /// `backtraces` of the settings, without their lock.
    pub(crate) traces: AtomicBool,
    pub(crate) backoff: Backoff<C::Error>,
    /// Emptied histograms, to be swapped in at the next pulse.
    pub(crate) spare: Mutex<Hists>,
    pub(crate) resync: AtomicBool,
    /// `Stopped` was told.
    stopped: AtomicBool,
    /// Told when something closed while the pool is closing.
    pub(crate) drained: Notify,
}

impl<C: Connector> Inner<C> {
    pub(crate) fn new(connector: C, config: PoolConfig, clock: Clock, tap: Tap) -> Self {
        let config = config.settled();
        Self {
            id: PoolId(NEXT_POOL.fetch_add(1, Relaxed)),
            core: Core::new(limits(&config)),
            connector,
            clock,
            tap,
            names: Names::default(),
            traces: AtomicBool::new(config.backtraces),
            config: Mutex::new(config),
            backoff: Backoff::default(),
            spare: Mutex::default(),
            resync: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            drained: Notify::new(),
        }
    }

    pub(crate) fn config(&self) -> PoolConfig {
        self.config.lock().clone()
    }

    /// Reads one setting without copying all.
    pub(crate) fn setting<R>(&self, read: impl FnOnce(&PoolConfig) -> R) -> R {
        read(&self.config.lock())
    }

    /// Changes settings; what follows from a new limit happens at once.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut PoolConfig)) {
        let now = self.clock.now();
        let (closing, resized) = {
            let mut config = self.config.lock();
            let mut next = config.clone();
            change(&mut next);
            next.name.clone_from(&config.name);
            next.single = config.single;
            let next = next.settled();
            let resized = (next.max != config.max).then_some(next.max);
            let limits = limits(&next);
            self.traces.store(next.backtraces, Relaxed);
            *config = next;
            // The limits go in under the settings' lock, so that two changes at once leave both the same.
            (self.core.set_limits(now, limits), resized)
        };
        if let Some(max) = resized {
            self.emit(now, PoolEvent::Resized { max });
        }
        self.finish(closing, now);
    }

    pub(crate) fn emit(&self, at: Stamp, event: PoolEvent) {
        self.tap.emit(at, Event::Pool(self.id, event));
    }

    pub(crate) fn closed(&self, conn: ConnId, reason: CloseReason, at: Stamp) {
        self.emit(at, PoolEvent::Closed { conn, reason });
        self.drained.notify_waiters();
    }

    /// Carries out what the core decided about many connections.
    pub(crate) fn finish(&self, closing: Closing<Slot<C::Conn>>, at: Stamp) {
        // First the old connections go, then new ones may be opened in their place.
        drop(closing.items);
        for vitals in closing.taken {
            vitals.cut();
        }
        closing.wakes.wake();
        for (conn, reason) in closing.gone {
            self.closed(conn, reason, at);
        }
    }

    /// Carries out what the core decided about a connection that came back.
    #[inline]
    pub(crate) fn returned(&self, returned: Returned<Slot<C::Conn>>, at: Stamp) {
        match returned {
            Returned::Kept(wakes) => wakes.wake(),
            Returned::Closed(member, reason, wakes) => {
                wakes.wake();
                let id = member.id;
                drop(member);
                self.closed(id, reason, at);
            }
            Returned::Stray(member) => drop(member),
        }
    }

    /// Ends a connection that is not on the shelf, and its lease with it. An uncounted one was nobody's lease.
    pub(crate) fn discard(&self, key: usize, mut member: Slot<C::Conn>, reason: CloseReason, at: Stamp) {
        let id = member.id;
        let wakes = self.core.discard(key, id, reason, at, &mut member.work);
        drop(member);
        if let Some(wakes) = wakes {
            wakes.wake();
            self.closed(id, reason, at);
        }
        if reason == CloseReason::Broken {
            self.drop_the_dead(at);
        }
    }

    /// After one connection broke, looks at the idle ones too: a server that went away took them all.
    fn drop_the_dead(&self, at: Stamp) {
        let closing = self.core.prune(at, |member| member.conn.probe() == Probe::Closed);
        self.finish(closing, at);
    }

    /// Counts and tells a reply that nobody had read.
    pub(crate) fn unread(&self, member: &mut Member<C::Conn>, seen: SeenAt, tag: Option<&Tag>, at: Stamp) {
        self.core.found_unread();
        let bytes = match member.conn.probe() {
            Probe::Unread(bytes) => bytes,
            Probe::Quiet | Probe::Closed => 0,
        };
        let (conn, owed, bytes) = (member.id, Some(member.conn.owed()), Some(bytes));
        let holder = tag.map(Tag::holder);
        self.emit(at, PoolEvent::UnreadReply { conn, seen, owed, bytes, holder });
    }

    /// Why a connection from the shelf must not be lent, if so. It never blocks.
    #[inline]
    pub(crate) fn unfit(member: &mut Member<C::Conn>) -> Option<CloseReason> {
        match member.conn.probe() {
            Probe::Closed => Some(CloseReason::Broken),
            Probe::Unread(_) => Some(CloseReason::UnreadReply),
            Probe::Quiet => (member.conn.owed() != 0).then_some(CloseReason::UnreadReply),
        }
    }

    /// Opens a connection, where the pause after a failure allows it or the caller is too `eager` to mind.
    pub(crate) async fn open(&self, eager: bool) -> Result<Slot<C::Conn>, OpenError<C::Error>> {
        let turn = self.backoff.turn(eager).await.map_err(OpenError::Paused)?;
        let outcome = self.connector.connect().await;
        let now = self.clock.now();
        match outcome {
            Ok(conn) => {
                turn.succeeded();
                Ok(Box::new(Member {
                    id: ConnId(NEXT_CONN.fetch_add(1, Relaxed)),
                    vitals: Arc::new(Vitals::opened(now).reached_by(conn.line())),
                    work: Work::default(),
                    told: now,
                    recent: Recent::default(),
                    conn,
                }))
            }
            Err(error) => {
                turn.failed(error.clone(), self.connector.pause_after(&error), fastrand::f64());
                self.emit(now, PoolEvent::OpenFailed { error: error.to_string() });
                Err(OpenError::Connect(error))
            }
        }
    }

    /// Tells of a connection that is open now.
    pub(crate) fn opened(&self, opened: Opened, at: Stamp) {
        self.emit(at, PoolEvent::Opened(opened));
    }

    /// Closes a connection that was opened for nothing.
    pub(crate) fn unwanted(&self, member: Slot<C::Conn>, reason: CloseReason, at: Stamp) {
        let id = member.id;
        drop(member);
        self.closed(id, reason, at);
    }

    /// A wait ended without a connection.
    pub(crate) fn wait_failed(&self, ended: WaitEnd, waited: Duration, queued: bool, tag: &Tag, at: Stamp) {
        self.core.wait_failed(ended, waited, queued);
        self.emit(at, PoolEvent::WaitFailed { ended, waited, holder: tag.holder() });
    }

    /// Closes the pool for whoever still wants something of it.
    pub(crate) fn shut(&self) {
        let now = self.clock.now();
        let closing = self.core.close(now);
        self.finish(closing, now);
    }

    /// Until no connection is left.
    pub(crate) async fn drain(&self) {
        loop {
            // Registered before looking, so that what closes in between is not missed.
            let closed = self.drained.notified();
            if self.core.is_empty() {
                return;
            }
            closed.await;
        }
    }

    /// Tells once that nothing is left.
    pub(crate) fn stop(&self) {
        if !self.stopped.swap(true, Relaxed) {
            self.emit(self.clock.now(), PoolEvent::Stopped);
        }
    }
}

fn limits(config: &PoolConfig) -> Limits {
    Limits {
        max: config.max,
        dials: DIALS,
        wait: config.on_exhausted == OnExhausted::Wait,
        stale_after: config.health_check_interval.map_or(u64::MAX, nanos),
        lifetime: config.max_lifetime.map_or(u64::MAX, nanos),
    }
}
