//! The instrumented pool: exclusive leases on connections to one server, and an account of every one of them.
//!
//! - Connections are lent last in, first out, so that those not needed grow idle and can be closed.
//! - At most `max` exist or are being opened. When all are lent, callers queue in order up to the blocking timeout, or
//!   fail at once.
//! - A [`Lease`] ends exactly once: released when it is dropped, discarded with a reason, or reclaimed by the pool. A
//!   wait ends exactly once: granted, timed out, cancelled, refused or failed.
//! - Any future of this module may be dropped at any await: no slot is lost, no connection is shared, and no caller
//!   ever reads another's reply. A connection with a reply owed or unread is closed, never lent again.
//! - `in use + available + opening ≤ max` at all times. When the limit is lowered below what is lent, those leases
//!   stay until they end, their connections are closed then, and nothing new is granted meanwhile.
//!
//! What a pool does is told to a [`Tap`] as rare events, and once a tick as one [`Pulse`](crate::event::Pulse) through
//! its [`pulse_source`](InstrumentedPool::pulse_source). A pool without a hub takes [`Tap::nowhere`].
//!
//! ```
//! use redis_pooltop::event::{Clock, Tap};
//! use redis_pooltop::net::ConnectOptions;
//! use redis_pooltop::pool::{PoolConfig, RedisPool};
//! use redis_pooltop::{demo, resp::Value};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = demo::Server::start().await?;
//! let options = ConnectOptions::from_url(&server.url())?;
//! let config = PoolConfig { name: "app".into(), max: 10, ..PoolConfig::default() };
//! let pool = RedisPool::redis(options, config, Clock::start(), Tap::nowhere());
//!
//! // One command on a connection of its own, tried again where that is safe.
//! pool.command(&["SET", "greeting", "hello"]).await?;
//!
//! // Several on the same one. It goes back when the lease is dropped.
//! let mut lease = pool.checkout_as("report".into()).await?;
//! let value = lease.command(&["GET", "greeting"]).await?;
//! assert_eq!(value, Value::Bulk("hello".into()));
//!
//! // Many at once, for the price of one round trip: replies come in order.
//! let replies = lease.pipeline(&[vec!["INCR", "visits"], vec!["GET", "greeting"]]).await?;
//! assert_eq!(replies, [Value::Integer(1), Value::Bulk("hello".into())]);
//! drop(lease);
//!
//! let (gauges, totals) = pool.status();
//! assert_eq!((gauges.in_use, gauges.available, totals.checkouts), (0, 1, 2));
//!
//! // Many callers on one connection: a clone for each task.
//! let shared = pool.multiplexed();
//! let (a, b) = tokio::join!(shared.command(&["GET", "greeting"]), shared.command(&["DEL", "visits"]));
//! assert_eq!((a?, b?), (Value::Bulk("hello".into()), Value::Integer(1)));
//! assert_eq!(pool.status().1.opened, 1);
//! # Ok(())
//! # }
//! ```

mod backoff;
mod checkout;
mod config;
mod connector;
mod error;
mod failure;
mod guards;
mod health;
mod holder;
mod inner;
mod lease;
mod multiplex;
mod names;
mod pipeline;
mod pulse;
mod redis;
mod retry;
mod scope;
mod stack;
mod sync;
mod vitals;
mod warmup;

#[cfg(feature = "shuttle")]
#[doc(hidden)]
pub mod core;
#[cfg(not(feature = "shuttle"))]
mod core;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub use config::{OnExhausted, PoolConfig};
pub use connector::{Connector, Identity, Line, Pooled, Probe};
pub use error::{CheckoutError, Shortage};
pub use failure::{CommandError, PipelineError};
pub use health::Health;
pub use lease::Lease;
pub use multiplex::Multiplexed;
pub use redis::{CommandOptions, Ran, RedisConnector, RedisLease, RedisPool};
pub use warmup::Warmed;

use crate::event::{Clock, ConnId, Gauges, PoolEvent, PoolFacts, PoolId, PulseSource, Tap, Totals};
use holder::Tag;
use inner::Inner;

/// A pool of any kind of connection. Clones are handles on the same pool; when the last is gone the pool closes, and
/// leases still out are closed as they end.
pub struct InstrumentedPool<C: Connector> {
    handle: Arc<Handle<C>>,
}

/// What all clones share, so that the last one can close the pool.
struct Handle<C: Connector>(Arc<Inner<C>>);

impl<C: Connector> Drop for Handle<C> {
    fn drop(&mut self) {
        self.0.shut();
        self.0.stop();
    }
}

impl<C: Connector> Clone for InstrumentedPool<C> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone() }
    }
}

impl<C: Connector> fmt::Debug for InstrumentedPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (gauges, _) = self.inner().core.status();
        f.debug_struct("InstrumentedPool").field("id", &self.id()).field("gauges", &gauges).finish()
    }
}

impl<C: Connector> InstrumentedPool<C> {
    /// A pool that opens nothing yet. In a tokio runtime it sweeps its idle connections in the background, until it is
    /// closed or the last handle is gone; elsewhere it only looks at them when they are lent or come back.
    pub fn new(connector: C, config: PoolConfig, clock: Clock, tap: Tap) -> Self {
        let inner = Arc::new(Inner::new(connector, config, clock, tap));
        let config = inner.config();
        let facts = PoolFacts {
            name: config.name,
            target: inner.connector.target(),
            max: config.max,
            single: config.single,
            leak_threshold: config.leak_threshold,
            inside: None,
        };
        inner.emit(clock.now(), PoolEvent::Started(facts));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(health::sweep(Arc::downgrade(&inner)));
        }
        Self { handle: Arc::new(Handle(inner)) }
    }

    fn inner(&self) -> &Arc<Inner<C>> {
        &self.handle.0
    }

    /// Who calls, with the stack where the pool keeps those.
    #[inline]
    fn tag(&self, caller: &'static Location<'static>) -> Tag {
        Tag::here(caller).traced(self.inner().traces.load(Relaxed))
    }

    /// Which pool it is in events.
    pub fn id(&self) -> PoolId {
        self.inner().id
    }

    /// Where its connections go.
    pub fn connector(&self) -> &C {
        &self.inner().connector
    }

    /// Borrows a connection: one from the shelf, a new one while there is room, or the next that comes back. The
    /// caller's line is remembered as its holder, and its task where there is one.
    #[track_caller]
    pub fn checkout(
        &self,
    ) -> impl Future<Output = Result<Lease<C>, CheckoutError<C::Error>>> + Send + use<C> {
        checkout::checkout(self.inner().clone(), self.tag(Location::caller()), false)
    }

    /// Like [`checkout`](Self::checkout), with a label for the holder beside the caller's line: a job, a request, the
    /// command typed.
    #[track_caller]
    pub fn checkout_as(
        &self,
        label: Arc<str>,
    ) -> impl Future<Output = Result<Lease<C>, CheckoutError<C::Error>>> + Send + use<C> {
        let tag = self.tag(Location::caller()).called(label);
        checkout::checkout(self.inner().clone(), tag, false)
    }

    /// Like [`checkout_as`](Self::checkout_as), for a person who has just asked: when a connection must be opened, that
    /// is tried even where others are told what went wrong a moment ago.
    #[track_caller]
    pub fn checkout_at_once(
        &self,
        label: Arc<str>,
    ) -> impl Future<Output = Result<Lease<C>, CheckoutError<C::Error>>> + Send + use<C> {
        let tag = self.tag(Location::caller()).called(label);
        checkout::checkout(self.inner().clone(), tag, true)
    }

    /// The state and the totals, read together.
    pub fn status(&self) -> (Gauges, Totals) {
        self.inner().core.status()
    }

    /// The settings in force.
    pub fn config(&self) -> PoolConfig {
        self.inner().config()
    }

    /// Changes settings, live. A new limit takes effect at once, as with [`resize`](Self::resize); the name and `single`
    /// stay as they are.
    pub fn set(&self, change: impl FnOnce(&mut PoolConfig)) {
        self.inner().configure(change);
    }

    /// A new limit: raised, callers that wait are served at once; lowered, idle connections over it are closed now, and
    /// lent ones when they come back. At least 1, and 1 in single mode. Returns the limit in force.
    pub fn resize(&self, max: u32) -> u32 {
        self.set(|config| config.max = max);
        self.inner().setting(|config| config.max)
    }

    /// Opens connections side by side until `n` exist, or as many as there is room for. After a failed attempt it begins
    /// with a single one.
    pub fn warmup(&self, n: u32) -> impl Future<Output = Warmed<C::Error>> + Send + use<C> {
        let inner = self.inner().clone();
        async move { inner.warm(n).await }
    }

    /// Asks every idle connection now, and closes those that do not answer.
    pub fn health_check(&self) -> impl Future<Output = Health> + Send + use<C> {
        self.inner().clone().check(Duration::ZERO)
    }

    /// Drops every connection, as after a failover, idle or lent: all are closed now. The leases of lent ones end as
    /// reclaimed, a command in flight on one fails with [`CommandError::Reclaimed`], and its holder can send nothing more
    /// on it. Returns how many there were.
    pub fn reset(&self) -> usize {
        let now = self.inner().clock.now();
        let closing = self.inner().core.reset(now);
        let dropped = closing.gone.len();
        self.inner().finish(closing, now);
        dropped
    }

    /// Closes one connection now, idle or lent, as [`reset`](Self::reset) closes all. `false` when the pool has none of
    /// that number.
    pub fn close_connection(&self, conn: ConnId) -> bool {
        let now = self.inner().clock.now();
        let Some(closing) = self.inner().core.close_one(conn, now) else { return false };
        self.inner().finish(closing, now);
        true
    }

    /// Closes the pool: callers that wait and new ones are refused, idle connections are closed, and leases have `grace`
    /// to end before they are taken back. Returns how many had to be.
    pub async fn close(&self, grace: Duration) -> usize {
        let inner = self.inner();
        inner.shut();
        // Running out of grace is no error: what is left is taken back.
        let _ = tokio::time::timeout(grace, inner.drain()).await;
        let now = inner.clock.now();
        let closing = inner.core.reclaim(now);
        let reclaimed = closing.gone.len();
        inner.finish(closing, now);
        inner.stop();
        reclaimed
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.inner().core.is_closed()
    }

    /// What a hub asks once a tick; see [`Hub::attach`](crate::hub::Hub::attach). It does not keep the pool alive.
    pub fn pulse_source(&self) -> Arc<dyn PulseSource> {
        Arc::new(pulse::Source(Arc::downgrade(self.inner())))
    }
}
