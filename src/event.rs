//! The one shared vocabulary: what a source can say happened, and when.
//!
//! Sources and the pool make events, the hub feeds them to the model in one order, and a recording holds exactly
//! that order. Nothing here does I/O or reads a clock but [`Clock`], which its owner passes on.

mod app;
mod clients;
mod pulse;
mod site;
mod slots;
mod tap;
pub mod waiting;
pub mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

pub use app::{AppEvent, Ending, How, Inside, Left, ProcId, ProcessEvent, ProcessFacts, Reporting};
pub use clients::{
    CLIENTS, Client, Exact, Look, NodeConfig, NodeFacts, NodeId, Owner, PIECE, Process, Refused, WatchEvent,
    Whose,
};
pub use pulse::{
    Bound, Bounds, ClosedBy, ConnPulse, ConnState, Gauges, PastLease, Pulse, Run, Samples, Totals, Waiting,
};
pub use site::Site;
pub use slots::{Slots, Socket, TcpState};
pub use tap::{PulseSource, Tap};

/// Which pool an event is about, within one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PoolId(pub u32);

/// Our own number for a connection: never used twice in a run, unlike the server's client id across a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnId(pub u64);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A moment, in nanoseconds since the run's [`Clock`] started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Time from `earlier` to `self`; zero when the order is the other way round.
    pub fn since(self, earlier: Stamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Stamp {
    type Output = Stamp;
    fn add(self, by: Duration) -> Stamp {
        Stamp(self.0.saturating_add(nanos(by)))
    }
}

/// Nanoseconds of a duration, saturating: 584 years is enough for a lease.
pub fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}

/// The run's one source of [`Stamp`]s: a monotonic clock with a wall-clock origin for display.
///
/// It reads the processor's own counter where that runs evenly, and the system's monotonic clock elsewhere: two reads
/// are the greater part of what a lease costs, and the system's take nearly three times as long.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    counter: &'static quanta::Clock,
    origin: u64,
    wall: SystemTime,
}

/// Calibrated against the system's clock when the first [`Clock`] starts: a millisecond, 200 at the very most.
static COUNTER: LazyLock<quanta::Clock> = LazyLock::new(quanta::Clock::new);

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let counter = &*COUNTER;
        Self { counter, origin: counter.raw(), wall: SystemTime::now() }
    }

    /// Now.
    #[inline]
    pub fn now(&self) -> Stamp {
        Stamp(self.counter.delta_as_nanos(self.origin, self.counter.raw()))
    }

    /// The wall-clock time of a stamp.
    pub fn wall(&self, at: Stamp) -> SystemTime {
        self.wall + Duration::from_nanos(at.0)
    }
}

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// When it happened.
    pub at: Stamp,
    /// What happened.
    pub event: Event,
}

/// What a source says happened. A big pulse is boxed so that rare transitions stay small in the channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Something about one pool.
    Pool(PoolId, PoolEvent),
    /// Something about the server behind the pools.
    Server(ServerEvent),
    /// Something about a watched server and its clients.
    Watch(NodeId, WatchEvent),
    /// Something about an app that reports from inside.
    App(AppEvent),
}

/// What can happen to a pool. Checkouts and releases are too many to be events: they arrive counted in a [`Pulse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PoolEvent {
    /// The pool exists now.
    Started(PoolFacts),
    /// Its limit changed while it ran.
    Resized {
        /// The new limit.
        max: u32,
    },
    /// A connection is open and greeted.
    Opened(Opened),
    /// A connection could not be opened.
    OpenFailed {
        /// One sentence, from the dial or the server.
        error: String,
    },
    /// A connection is gone.
    Closed {
        /// Which.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// A connection came back, or was about to be lent, with a reply that nobody had read.
    UnreadReply {
        /// Which.
        conn: ConnId,
        /// Where it was seen.
        seen: SeenAt,
        /// Replies owed: sent minus read, as far as that can be counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owed: Option<u64>,
        /// Bytes received and not read, as far as the client library lets them be seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
        /// Who had it, as far as known.
        #[serde(skip_serializing_if = "Option::is_none")]
        holder: Option<Holder>,
    },
    /// A wait ended without a connection.
    WaitFailed {
        /// How it ended; never `Granted`.
        ended: WaitEnd,
        /// How long it had waited.
        #[serde(with = "wire::nanos")]
        waited: Duration,
        /// Who waited.
        holder: Holder,
    },
    /// What the pool counted since the last pulse.
    Pulse(Box<Pulse>),
    /// A connection that a parent process opened is used by its fork too: each reads the other's replies.
    Shared {
        /// Which.
        conn: ConnId,
        /// Who uses it in the fork.
        holder: Holder,
    },
    /// The pool was given up, or its process ended: what it had left, just before it stops.
    Left(Box<Left>),
    /// The pool is closed and every connection with it.
    Stopped,
}

/// What does not change while a pool lives, but for its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolFacts {
    /// The pool's name, as shown and exported.
    pub name: String,
    /// Where it connects to, with no secret in it: `127.0.0.1:6379/0`.
    pub target: String,
    /// The limit at the start.
    pub max: u32,
    /// Commands queue on one connection instead of taking their own.
    pub single: bool,
    /// A lease out and idle for longer is called a leak, where this pool has a threshold of its own.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "wire::nanos::option")]
    pub leak_threshold: Option<Duration>,
    /// What the app that has it tells from inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Box<Inside>>,
}

/// A connection that was opened, and what that cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Our number for it.
    pub conn: ConnId,
    /// The server's client id, where the server told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_id: Option<u64>,
    /// Our end of the socket, the other join key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddr>,
    /// The steps of opening it.
    pub steps: CreateSteps,
}

/// Where the create time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSteps {
    /// Name look-up and connect.
    #[serde(with = "wire::nanos")]
    pub dial: Duration,
    /// TLS, where there is any.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "wire::nanos::option")]
    pub tls: Option<Duration>,
    /// HELLO, AUTH, SELECT and the rest.
    #[serde(with = "wire::nanos")]
    pub handshake: Duration,
}

impl CreateSteps {
    /// The create time: all steps together.
    pub fn total(&self) -> Duration {
        // A recording may claim anything.
        self.dial.saturating_add(self.tls.unwrap_or_default()).saturating_add(self.handshake)
    }
}

/// Who has a lease, or waits for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The shell's command or job, or the label of a scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Arc<str>>,
    /// `path/file.rs:LINE` of the call that asked for it, or a script's `line 3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Arc<str>>,
    /// The runtime's task id, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<u64>,
    /// The stack of the call that asked for it, where the pool keeps those: a frame a line, innermost first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<Arc<str>>,
    /// The function of that place, where its language tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<Arc<str>>,
    /// Through what it was taken, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// When the command, job or scope that took it ended and left it behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Stamp>,
}

/// Why a connection was closed: the closed vocabulary of endings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// A reply was still owed or unread when it came back or was about to be lent.
    UnreadReply,
    /// A command on it timed out, so a late reply may still come.
    Timeout,
    /// The caller went away in the middle of a command.
    Cancelled,
    /// The socket failed or the server closed it.
    Broken,
    /// It sent something that is not RESP, or over the caps.
    Protocol,
    /// A health check failed.
    Unhealthy,
    /// It was idle longer than the pool keeps idle connections, or there were more than `max-idle`.
    Idle,
    /// It was older than `max-lifetime`.
    Expired,
    /// The limit was lowered below it.
    Resized,
    /// It came back in a state that cannot be lent again: subscribed, in MONITOR, replies off, a changed user.
    Tainted,
    /// `POOL CLOSE id`, or the caller asked for it to be discarded.
    Asked,
    /// `POOL RESET` dropped it.
    Reset,
    /// The pool closed.
    PoolClosed,
}

impl CloseReason {
    /// All of them, in their order.
    pub const ALL: [Self; 13] = [
        Self::UnreadReply,
        Self::Timeout,
        Self::Cancelled,
        Self::Broken,
        Self::Protocol,
        Self::Unhealthy,
        Self::Idle,
        Self::Expired,
        Self::Resized,
        Self::Tainted,
        Self::Asked,
        Self::Reset,
        Self::PoolClosed,
    ];

    /// The word shown and exported.
    pub fn word(self) -> &'static str {
        match self {
            Self::UnreadReply => "unread-reply",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Broken => "broken",
            Self::Protocol => "protocol",
            Self::Unhealthy => "unhealthy",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::Resized => "resized",
            Self::Tainted => "tainted",
            Self::Asked => "asked",
            Self::Reset => "reset",
            Self::PoolClosed => "pool-closed",
        }
    }
}

/// Where an unread reply was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenAt {
    /// When its holder gave it back.
    Release,
    /// When it was about to be lent again.
    Checkout,
}

/// How a wait ended. Every wait ends exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitEnd {
    /// A connection was lent.
    Granted,
    /// The blocking timeout ran out.
    TimedOut,
    /// The caller went away.
    Cancelled,
    /// The pool fails at once when exhausted, or is closed.
    Refused,
    /// A connection could not be opened.
    Failed,
}

/// What is known of the server, and when that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerEvent {
    /// An INFO reply, whole as it came: the model parses it and keeps it raw.
    Info {
        /// The bulk string, decoded lossily and capped.
        raw: Arc<str>,
        /// How long the call took.
        #[serde(with = "wire::nanos")]
        took: Duration,
    },
    /// What server and kernel believe of the pools' connections.
    Slots(Box<Slots>),
    /// The server does not answer.
    Lost {
        /// One sentence.
        error: String,
        /// When it will be tried again.
        retry_at: Stamp,
    },
}
