//! The pool on Redis connections: how they are opened and asked, and commands with their round trips counted.

use std::sync::Weak;
use std::time::Duration;

use super::connector::{Connector, Identity, Line, Pooled, Probe};
use super::core::Work;
use super::failure::CommandError;
use super::lease::Lease;
use super::{InstrumentedPool, PoolConfig};
use crate::event::{Bound, Clock, CloseReason, ConnId, Stamp, Tap, nanos};
use crate::net::{self, ConnectError, ConnectOptions, Connection, IoError, IoErrorKind};
use crate::resp::Value;

/// After a refused password, how long the server is left alone.
const AUTH_PAUSE: Duration = Duration::from_secs(1);

/// After any other failure, at first. A thousand callers must not mean a thousand attempts at once on a server that is
/// gone, nor on one that is full, takes no TLS or is none.
const PAUSE: Duration = Duration::from_millis(10);

/// What a lease counted is told this often while it stays out.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(100);

/// A pool of connections to one Redis or Valkey server.
pub type RedisPool = InstrumentedPool<RedisConnector>;

/// A lease on one of them.
pub type RedisLease = Lease<RedisConnector>;

/// Opens connections to one server.
#[derive(Clone, Debug)]
pub struct RedisConnector {
    options: ConnectOptions,
}

impl RedisConnector {
    /// To the server these options name.
    pub fn new(options: ConnectOptions) -> Self {
        Self { options }
    }

    /// Where and as whom it connects.
    pub fn options(&self) -> &ConnectOptions {
        &self.options
    }
}

impl Connector for RedisConnector {
    type Conn = Connection;
    type Error = ConnectError;

    fn connect(&self) -> impl Future<Output = Result<Connection, ConnectError>> + Send {
        Connection::open(&self.options)
    }

    fn target(&self) -> String {
        format!("{}/{}", self.options.target(), self.options.database)
    }

    fn pause_after(&self, error: &ConnectError) -> Option<Duration> {
        Some(if error.is_auth() { AUTH_PAUSE } else { PAUSE })
    }

    fn reply_bound(&self) -> Bound {
        self.options.socket_timeout.into()
    }

    fn tidy(&self, conn: &mut Connection) {
        if conn.socket_timeout() != self.options.socket_timeout {
            conn.set_socket_timeout(self.options.socket_timeout);
        }
    }
}

impl Line for net::Wire {
    fn cut(&self) {
        net::Wire::cut(self);
    }

    fn is_closed(&self) -> bool {
        net::Wire::is_closed(self)
    }
}

impl Pooled for Connection {
    fn identity(&self) -> Identity {
        Identity { server_id: self.server_id(), local: self.local_addr(), steps: self.steps() }
    }

    #[inline]
    fn probe(&mut self) -> Probe {
        match Connection::probe(self) {
            net::Probe::Quiet => Probe::Quiet,
            net::Probe::Unread(bytes) => Probe::Unread(bytes as u64),
            net::Probe::Closed => Probe::Closed,
        }
    }

    #[inline]
    fn owed(&self) -> u64 {
        Connection::owed(self)
    }

    #[inline]
    fn taint(&self) -> Option<&'static str> {
        Connection::taint(self)
    }

    fn line(&self) -> Option<Weak<dyn Line>> {
        Some(self.wire())
    }

    /// Any answer but that we are strangers is one: a server that loads its data, or forbids PING, is there.
    async fn ping(&mut self) -> bool {
        match self.call(&["PING"]).await {
            Ok(value) => !value.error().is_some_and(|text| text.starts_with(b"NOAUTH")),
            Err(_) => false,
        }
    }
}

impl RedisPool {
    /// A pool on the server these options name. It opens nothing yet.
    pub fn redis(options: ConnectOptions, config: PoolConfig, clock: Clock, tap: Tap) -> Self {
        Self::new(RedisConnector::new(options), config, clock, tap)
    }
}

impl RedisLease {
    /// Sends one command and gives its reply, and counts the round trip by the command's name. When it times out, is
    /// dropped before its reply, or finds the connection broken, the connection is closed as the lease ends, so that a
    /// late reply reaches nobody, and nothing more can be sent on it.
    pub async fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, CommandError> {
        if let Some(reason) = self.ended() {
            return Err(CommandError::Ended(reason));
        }
        let running = Running::begin(self, args);
        let outcome = running.lease.call(args).await;
        running.end(outcome)
    }

    /// Like [`command`](Self::command), with a time of its own for the reply instead of the socket timeout; `None` waits
    /// for ever, as blocking commands need.
    pub async fn command_within<A: AsRef<[u8]>>(
        &mut self,
        args: &[A],
        limit: Option<Duration>,
    ) -> Result<Value, CommandError> {
        self.set_socket_timeout(limit);
        // What may take as long as it likes waits for something else than its turn: no pipeline saves that.
        self.member_mut().work.streak.cut();
        let outcome = self.command(args).await;
        self.member_mut().work.streak.cut();
        let usual = self.inner.connector.options().socket_timeout;
        self.set_socket_timeout(usual);
        outcome
    }

    /// Puts a command into the buffer whose replies keep coming, and counts the connection as busy from now on: what
    /// listens for as long as it lives is not forgotten.
    pub fn begin_stream<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        let now = self.inner.clock.now();
        let command = args.first().map(AsRef::as_ref).unwrap_or_default();
        let (inner, member) = self.parts();
        let name = member.recent.id(command, &inner.names);
        member.vitals.sent(name, now);
        self.send(args);
    }

    /// Counts now what its commands did, which is otherwise counted with a later one or at the lease's end: for who looks
    /// at the numbers while keeping it.
    pub fn tell(&mut self) {
        let now = self.inner.clock.now();
        self.tell_at(now);
    }

    /// What a command that went wrong did to the lease: it ends with its connection closed.
    #[cold]
    pub(super) fn broke(&mut self, error: IoError) -> CommandError {
        let reason = match error.kind() {
            IoErrorKind::Timeout => CloseReason::Timeout,
            IoErrorKind::Protocol(_) | IoErrorKind::Unexpected => CloseReason::Protocol,
            _ => CloseReason::Broken,
        };
        self.spoilt = Some(self.taken_back().unwrap_or(reason));
        self.explain(error)
    }

    /// Why nothing can be sent any more, if so.
    pub(super) fn ended(&self) -> Option<CloseReason> {
        self.spoilt.or_else(|| self.taken_back())
    }

    /// What an error of the connection itself, used beside [`command`](Self::command), means to its holder.
    pub fn explain(&self, error: IoError) -> CommandError {
        match self.taken_back() {
            Some(reason) => CommandError::Reclaimed { reason, sent: error.sent() },
            None if error.sent() => CommandError::Unknown(error),
            None => CommandError::NotSent(error),
        }
    }
}

/// A command on its way. Dropped before its end, its caller went away.
struct Running<'a> {
    lease: &'a mut RedisLease,
    name: super::names::NameId,
    sent: Stamp,
    ended: bool,
}

impl<'a> Running<'a> {
    #[inline]
    fn begin<A: AsRef<[u8]>>(lease: &'a mut RedisLease, args: &[A]) -> Self {
        let sent = lease.inner.clock.now();
        let command = args.first().map(AsRef::as_ref).unwrap_or_default();
        let (inner, member) = lease.parts();
        let name = member.recent.id(command, &inner.names);
        member.vitals.sent(name, sent);
        member.work.streak.sent(sent);
        Self { lease, name, sent, ended: false }
    }

    #[inline]
    fn end(mut self, outcome: Result<Value, IoError>) -> Result<Value, CommandError> {
        self.ended = true;
        let now = self.lease.inner.clock.now();
        let member = self.lease.member_mut();
        let value = match outcome {
            Ok(value) => value,
            Err(error) => return Err(self.fail(error, now)),
        };
        member.vitals.settled(now);
        member.work.answered(self.name, nanos(now.since(self.sent)), &value);
        member.work.streak.answered(now, nanos(now.since(self.sent)), self.name);
        if member.work.trips.len() >= Work::TRIPS || now.since(member.told) > TELL_EVERY {
            self.lease.tell_at(now);
        }
        Ok(value)
    }

    #[cold]
    fn fail(&mut self, error: IoError, now: Stamp) -> CommandError {
        let member = self.lease.member_mut();
        match error.kind() {
            IoErrorKind::Busy => {
                member.vitals.settled(now);
                return CommandError::Busy;
            }
            IoErrorKind::NoReply => {
                member.vitals.settled(now);
                member.work.commands += 1;
                return CommandError::NoReply;
            }
            _ => {}
        }
        member.given_up(now);
        member.work.failures += 1;
        self.lease.broke(error)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = self.lease.inner.clock.now();
            let member = self.lease.member_mut();
            member.given_up(now);
            member.work.failures += 1;
            self.lease.spoilt = Some(CloseReason::Cancelled);
        }
    }
}

/// What a command of the pool is allowed, beside its arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandOptions {
    /// Whether it changes nothing, so that it may be sent again even where it may have been executed. `None` looks in
    /// the pool's own short list of such commands.
    pub read_only: Option<bool>,
    /// How long its reply may take, where that is not the socket timeout; see
    /// [`command_within`](RedisLease::command_within).
    pub limit: Option<Option<Duration>>,
    /// A person waits for it: where a connection must be opened that is tried at once, as in
    /// [`checkout_at_once`](InstrumentedPool::checkout_at_once).
    pub at_once: bool,
}

/// A command that was answered, an error reply included, and what that cost.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The answer.
    pub value: Value,
    /// The connection it ran on.
    pub conn: ConnId,
    /// From asking for that connection to having it, opening it included where there was none.
    pub waited: Duration,
    /// How many connections were lent when it was granted, with this one.
    pub in_use: u32,
    /// From sending to the reply.
    pub round_trip: Duration,
}

/// What one attempt cost.
pub(super) struct Cost {
    pub(super) conn: ConnId,
    pub(super) waited: Duration,
    pub(super) in_use: u32,
    pub(super) round_trip: Duration,
}

impl Default for Cost {
    fn default() -> Self {
        Self { conn: ConnId(0), waited: Duration::ZERO, in_use: 0, round_trip: Duration::ZERO }
    }
}

impl RedisPool {
    /// Borrows a connection for one command. What is safe to try again is tried again, after a growing random pause:
    /// connections that could not be opened, commands of which nothing was sent, replies that say "later" (`LOADING`,
    /// `TRYAGAIN`, `MASTERDOWN`, `CLUSTERDOWN`), and read-only commands whose connection broke. A command that may have
    /// changed something is never sent twice. While the pool leaves a server alone that could not be reached, no retry
    /// comes before the end of that.
    #[track_caller]
    pub fn command<'a, A: AsRef<[u8]> + Sync>(
        &self,
        args: &'a [A],
    ) -> impl Future<Output = Result<Value, CommandError>> + Send + use<'a, A> {
        let tag = self.tag(std::panic::Location::caller());
        super::retry::command(self.inner().clone(), tag, args, CommandOptions::default(), None)
    }

    /// Like [`command`](Self::command), with a label for the holder and options; tells what the answered attempt cost.
    #[track_caller]
    pub fn command_as<'a, A: AsRef<[u8]> + Sync>(
        &self,
        label: std::sync::Arc<str>,
        args: &'a [A],
        options: CommandOptions,
    ) -> impl Future<Output = Result<Ran, CommandError>> + Send + use<'a, A> {
        let tag = self.tag(std::panic::Location::caller()).called(label);
        let inner = self.inner().clone();
        async move {
            let mut cost = Cost::default();
            let value = super::retry::command(inner, tag, args, options, Some(&mut cost)).await?;
            let Cost { conn, waited, in_use, round_trip } = cost;
            Ok(Ran { value, conn, waited, in_use, round_trip })
        }
    }
}
