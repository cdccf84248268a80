//! Immutable rows that every reader reads. The model makes one; the screen, the shell and reports only look.
//!
//! Ages are computed from [`Snapshot::as_of`], never from a clock, so that a paused screen, a report and a replay
//! agree. What the source cannot see is `None` and draws as `–`, never as 0.

mod app;
mod causes;
mod clients;
mod connection;
mod events;
mod lints;
mod past;
mod pool;
mod server;
mod slots;

use std::sync::Arc;

use crate::event::{NodeId, PoolId, Stamp};

pub use app::{AppRow, FoundRow, LeftRow, ProcessRow};
pub use causes::{Cause, CauseKind, Exhaustion, Lease, LostWaits, Suspect};
pub use clients::{
    ClientRow, ClientState, GroupBy, GroupRow, Groups, LookRow, NodePoint, NodeRow, REST, Turn, group_words,
};
pub use connection::{ConnectionRow, RowState};
pub use events::{EventRow, What};
pub use lints::{About, Level, LintRow, Severity};
pub use past::{Past, PastLease};
pub use pool::{Latency, Percentiles, PoolRow, SeriesPoint};
pub use server::{Lost, ServerRow};
pub use slots::{Beliefs, Stray, StrayKind, Told};

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
    /// Connections to the server that no pool has, though the server or this process has them.
    pub strays: Arc<[Stray]>,
    /// The server.
    pub server: Arc<ServerRow>,
    /// One row a watched server.
    pub nodes: Vec<Arc<NodeRow>>,
    /// One row a client of these, by server and id. The same slice until one changes.
    pub clients: Arc<[Arc<ClientRow>]>,
    /// The clients by what they have in common.
    pub groups: Arc<Groups>,
    /// The app that reports from inside, where there is one.
    pub app: Option<Arc<AppRow>>,
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

impl Snapshot {
    /// A client of a watched server.
    pub fn client(&self, node: NodeId, id: u64) -> Option<&ClientRow> {
        let at = self.clients.binary_search_by_key(&(node, id), |row| (row.node, row.client.id));
        at.ok().map(|at| &*self.clients[at])
    }

    /// The pool that views show: the one that was brought forward, else the first.
    pub fn pool_in_front(&self) -> Option<&Arc<PoolRow>> {
        let front = self.pools.iter().find(|pool| Some(pool.id) == self.front);
        front.or_else(|| self.pools.first())
    }
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
