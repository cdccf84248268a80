//! Immutable rows that every reader reads. The model makes one; the screen, the shell and reports only look.
//!
//! Ages are computed from [`Snapshot::as_of`], never from a clock, so that a paused screen, a report and a replay
//! agree. What the source cannot see is `None` and draws as `–`, never as 0.

mod causes;
mod clients;
mod past;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{
    CloseReason, ConnId, CreateSteps, Holder, NodeId, PoolId, SeenAt, Stamp, Totals, WaitEnd,
};

pub use causes::{Cause, CauseKind, Exhaustion, Lease, LostWaits, Suspect};
pub use clients::{ClientRow, ClientState, GroupBy, GroupRow, Groups, LookRow, NodePoint, NodeRow, Turn};
pub use past::{Past, PastLease};

/// Everything a reader may know, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The moment.
    pub as_of: Stamp,
    /// The same moment on the wall clock, in milliseconds since 1970.
    pub wall_ms: u64,
    /// One row a pool.
    pub pools: Vec<Arc<PoolRow>>,
    /// The pool to show where there is room for one; see [`pool_in_front`](Self::pool_in_front).
    pub front: Option<PoolId>,
    /// One row a connection that exists, in use first, longest held first.
    pub connections: Vec<Arc<ConnectionRow>>,
    /// The server.
    pub server: Arc<ServerRow>,
    /// One row a watched server.
    pub nodes: Vec<Arc<NodeRow>>,
    /// One row a client of these.
    pub clients: Vec<Arc<ClientRow>>,
    /// The clients by what they have in common.
    pub groups: Arc<Groups>,
    /// Judgements that hold now, worst first.
    pub lints: Vec<Arc<LintRow>>,
    /// The last rare events, oldest first.
    pub events: Arc<[EventRow]>,
    /// Events that were dropped because the hub could not keep up.
    pub dropped: u64,
    /// Something was dropped and no source has told the whole since: rows may be missing or stale until one does.
    pub out_of_sync: bool,
    /// The file that all of this is written to, where there is one.
    pub recording: Option<RecordingRow>,
    /// Where in a recording this is from, when it is from one.
    pub tape: Option<Tape>,
}

/// A recording that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingRow {
    /// Bytes written so far.
    pub bytes: u64,
    /// Events that the disk was too slow for: the recording has a gap there.
    pub lost: u64,
    /// Why nothing is written any more, when that is so.
    pub ended: Option<Arc<str>>,
}

/// Where a replay is.
#[derive(Clone, Debug, PartialEq)]
pub struct Tape {
    /// What it does.
    pub motion: Motion,
    /// How many times as fast as it was.
    pub speed: f64,
    /// The recording's last moment, as far as that is known.
    pub end: Option<Stamp>,
    /// Events up to here that the recording lacks.
    pub missing: u64,
    /// What could not be read up to here, in one sentence, safe to show.
    pub damage: Option<Arc<str>>,
    /// Whether anything was met that could not be read, here or further on.
    pub damaged: bool,
}

/// What a replay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Stands still.
    Paused,
    /// Goes on, as fast as it was or at its own speed.
    Playing,
    /// Is on its way to another moment.
    Seeking,
    /// There is no more.
    Ended,
}

impl Snapshot {
    /// The pool that views show: the one that was brought forward, else the first.
    pub fn pool_in_front(&self) -> Option<&Arc<PoolRow>> {
        let front = self.pools.iter().find(|pool| Some(pool.id) == self.front);
        front.or_else(|| self.pools.first())
    }
}

/// One pool.
#[derive(Clone, Debug)]
pub struct PoolRow {
    /// Its id in this run.
    pub id: PoolId,
    /// Its name.
    pub name: String,
    /// Where it connects to.
    pub target: String,
    /// One connection for every caller.
    pub single: bool,
    /// The limit.
    pub max: Option<u32>,
    /// Connections that exist: in use + available.
    pub created: Option<u32>,
    /// Lent out.
    pub in_use: Option<u32>,
    /// Open and idle.
    pub available: Option<u32>,
    /// Being opened.
    pub opening: Option<u32>,
    /// Callers queued.
    pub waiting: Option<u32>,
    /// The caller that has waited longest has done so since.
    pub waiting_since: Option<Stamp>,
    /// Counted since the pool started.
    pub totals: Totals,
    /// Connections closed, by reason, most first.
    pub closed_by: Vec<(CloseReason, u64)>,
    /// Percentiles over the window.
    pub latency: Latency,
    /// One point a second, oldest first.
    pub series: Arc<[SeriesPoint]>,
    /// Why callers wait, or did when they last had to.
    pub exhaustion: Option<Arc<Exhaustion>>,
    /// Whether it is closed.
    pub stopped: bool,
}

/// Percentiles over a sliding window.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// The window's length.
    pub window: Duration,
    /// From asking for a connection to having it, opening one included where that was needed, or to the blocking timeout.
    pub wait: Percentiles,
    /// Holding one.
    pub held: Percentiles,
    /// Opening one.
    pub create: Percentiles,
    /// A command and its reply.
    pub round_trip: Percentiles,
    /// Round trips by command, most used first.
    pub by_command: Vec<(Arc<str>, Percentiles)>,
    /// Round trips as bars: upper edge in nanoseconds, and how many.
    pub histogram: Vec<(u64, u64)>,
}

impl Latency {
    /// What is timed of a pool as a whole, by name, in the order of a lease's life.
    pub fn kinds(&self) -> [(&'static str, Percentiles); 4] {
        [("wait", self.wait), ("create", self.create), ("use", self.held), ("round trip", self.round_trip)]
    }
}

/// A distribution in five numbers. With `count` 0 the rest is nothing and draws as `–`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// How many were seen in the window.
    pub count: u64,
    /// How many were ever seen.
    pub total: u64,
    /// Median, in nanoseconds.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

/// One point of a pool's time series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeriesPoint {
    /// When.
    pub at: Stamp,
    /// Lent out: the most at any look in this second.
    pub in_use: u32,
    /// Ready to lend.
    pub available: u32,
    /// Queued: the most at any look in this second.
    pub waiting: u32,
    /// The limit.
    pub max: u32,
    /// Commands answered in this second.
    pub commands: u64,
    /// The server's `connected_clients`.
    pub clients: Option<u64>,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// Its pool.
    pub pool: PoolId,
    /// Our number.
    pub id: ConnId,
    /// The server's client id.
    pub server_id: Option<u64>,
    /// Our end of the socket.
    pub local: Option<SocketAddr>,
    /// When it was opened; nothing where that was not seen.
    pub opened: Option<Stamp>,
    /// What opening it cost; nothing where that was not seen.
    pub steps: Option<CreateSteps>,
    /// Lent or not.
    pub state: RowState,
    /// Leases granted, the one that is out included.
    pub uses: u64,
    /// Commands sent.
    pub commands: u64,
    /// Last command's name, whoever sent it: see [`last_sent`](Self::last_sent).
    pub last_command: Option<Arc<str>>,
    /// When bytes last moved.
    pub last_active: Stamp,
    /// The oldest unanswered command was sent then.
    pub busy_since: Option<Stamp>,
    /// Its holder has it and does not know yet that the server closed it: since when that is known.
    pub dead_since: Option<Stamp>,
    /// A lint speaks of this connection.
    pub flagged: bool,
    /// Its last leases that are over.
    pub past: Past,
}

impl ConnectionRow {
    /// What it is now, in a word: `available`, `in use`, or `dead` when its holder has what the server closed.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            RowState::InUse { .. } if self.dead_since.is_some() => "dead",
            RowState::InUse { .. } => "in use",
            RowState::Available { .. } => "available",
        }
    }

    /// How long it has been lent, when it is.
    pub fn held_for(&self, as_of: Stamp) -> Option<Duration> {
        match &self.state {
            RowState::InUse { since, .. } => Some(as_of.since(*since)),
            RowState::Available { .. } => None,
        }
    }

    /// The last command that whoever has it now sent on it; of one that nobody has, the last of all. Of a holder that has
    /// sent nothing it is none: the command before is another's.
    pub fn last_sent(&self) -> Option<&str> {
        let theirs = match &self.state {
            RowState::InUse { since, .. } => self.busy_since.is_some() || self.last_active > *since,
            RowState::Available { .. } => true,
        };
        self.last_command.as_deref().filter(|_| theirs)
    }

    /// How long nothing has moved on it and no reply was awaited; of one that is lent, by its holder.
    pub fn idle_for(&self, as_of: Stamp) -> Option<Duration> {
        let since = match &self.state {
            RowState::InUse { since, .. } => self.last_active.max(*since),
            RowState::Available { .. } => self.last_active,
        };
        self.busy_since.is_none().then(|| as_of.since(since))
    }
}

/// Whether a connection is lent, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub enum RowState {
    /// Ready to lend.
    Available {
        /// Since when.
        since: Stamp,
    },
    /// Lent out.
    InUse {
        /// Since when.
        since: Stamp,
        /// To whom.
        holder: Holder,
        /// What pins the lease: MULTI, WATCH, SELECT.
        pinned: Option<Arc<str>>,
    },
}

/// The server behind the pools.
#[derive(Clone, Debug, Default)]
pub struct ServerRow {
    /// `host:port` or a socket path.
    pub target: String,
    /// `redis 7.0.15`, `valkey 9.1.2`, once known.
    pub version: Option<String>,
    /// The fields of `INFO CLIENTS`, in the server's order.
    pub clients: Vec<(String, String)>,
    /// The same reply as it came.
    pub raw: Arc<str>,
    /// When it came.
    pub seen_at: Option<Stamp>,
    /// How long the call took.
    pub took: Option<Duration>,
    /// Why there is no newer one, and when it is tried again.
    pub lost: Option<Lost>,
}

impl ServerRow {
    /// A field of INFO CLIENTS as a number.
    pub fn client_field(&self, name: &str) -> Option<u64> {
        self.clients.iter().find(|(key, _)| key == name)?.1.parse().ok()
    }
}

/// A server that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// One sentence.
    pub error: String,
    /// Since when.
    pub since: Stamp,
    /// When it is tried again.
    pub retry_at: Stamp,
}

/// How bad a judgement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Warn,
    /// Something is lost or will be.
    Bad,
}

/// What is made of a lint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing: it is not raised.
    Off,
    /// It is raised and shown.
    #[default]
    Warn,
    /// The same, and a run that is judged fails by it.
    Fail,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Off, Self::Warn, Self::Fail];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// What stands before the words of a lint that fails a run.
    pub fn mark(self) -> &'static str {
        if self == Self::Fail { "fail: " } else { "" }
    }
}

/// A judgement that holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct LintRow {
    /// Stable name: `leak`.
    pub id: &'static str,
    /// What is made of it: never [`Level::Off`].
    pub level: Level,
    /// How bad.
    pub severity: Severity,
    /// What it speaks of.
    pub about: About,
    /// Evidence in numbers, one line.
    pub evidence: String,
    /// What to do about it, one line.
    pub advice: &'static str,
    /// It has held since.
    pub since: Stamp,
}

/// What a judgement speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// A pool.
    Pool(PoolId),
    /// A connection of a pool.
    Connection(PoolId, ConnId),
    /// A watched server.
    Node(NodeId),
    /// Clients of watched servers that have this in common.
    Group(GroupBy, Arc<str>),
    /// A client of a watched server, by its id.
    Client(NodeId, u64),
}

impl LintRow {
    /// The pool it speaks of, or whose connection that is.
    pub fn pool(&self) -> Option<PoolId> {
        match self.about {
            About::Pool(pool) | About::Connection(pool, _) => Some(pool),
            About::Node(_) | About::Group(..) | About::Client(..) => None,
        }
    }

    /// The pool's connection that it speaks of.
    pub fn conn(&self) -> Option<ConnId> {
        match self.about {
            About::Connection(_, conn) => Some(conn),
            _ => None,
        }
    }

    /// The evidence, marked where the lint fails a run that is judged.
    pub fn said(&self) -> Cow<'_, str> {
        match self.level.mark() {
            "" => Cow::Borrowed(&self.evidence),
            mark => Cow::Owned(format!("{mark}{}", self.evidence)),
        }
    }
}

/// A rare event, for the list of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// When.
    pub at: Stamp,
    /// Which pool, unless it is about a server.
    pub pool: Option<PoolId>,
    /// Which watched server, when it is about one.
    pub node: Option<NodeId>,
    /// What.
    pub what: What,
}

/// What an event row says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A connection was opened, in this time.
    Opened(ConnId, Duration),
    /// A connection was closed.
    Closed(ConnId, CloseReason),
    /// Opening one failed, so often in a row.
    OpenFailed(String, u64),
    /// Waits ended without a connection.
    WaitFailed {
        /// How.
        ended: WaitEnd,
        /// How long all of them were.
        waited: Duration,
        /// Who waited; empty where that is not known.
        who: Arc<str>,
        /// How many in a row.
        times: u64,
    },
    /// A reply was left unread.
    UnreadReply(ConnId, SeenAt, u64, u64),
    /// The limit changed.
    Resized(u32),
    /// The server stopped answering, and says why.
    Lost(String),
    /// It answers again.
    Back,
    /// Clients of a watched server came and went, of those with this in common.
    Clients {
        /// What they have in common: a process or a name, as it came.
        who: Arc<str>,
        /// How many were opened.
        opened: u64,
        /// How many were closed.
        closed: u64,
    },
    /// A server does not let us ask something, in its own words.
    Refused(String, String),
    /// A lint began to hold.
    Raised(&'static str, Severity, String),
    /// A lint holds no longer.
    Cleared(&'static str, String),
}

impl What {
    /// The connection it is about, when it is about one.
    pub fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Opened(id, _) | Self::Closed(id, _) | Self::UnreadReply(id, ..) => Some(*id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_before_a_lease_is_not_its_holders() {
        let (since, holder) = (Stamp(100), Holder::default());
        let available = ConnectionRow {
            pool: PoolId(0),
            id: ConnId(1),
            server_id: None,
            local: None,
            opened: None,
            steps: None,
            state: RowState::Available { since },
            uses: 1,
            commands: 1,
            last_command: Some("GET".into()),
            last_active: Stamp(90),
            busy_since: None,
            dead_since: None,
            flagged: false,
            past: Past::default(),
        };
        assert_eq!(available.last_sent(), Some("GET"));
        let lent = ConnectionRow { state: RowState::InUse { since, holder, pinned: None }, ..available };
        assert_eq!(lent.last_sent(), None);
        assert_eq!(ConnectionRow { last_active: Stamp(101), ..lent.clone() }.last_sent(), Some("GET"));
        assert_eq!(ConnectionRow { busy_since: Some(Stamp(101)), ..lent }.last_sent(), Some("GET"));
    }
}
