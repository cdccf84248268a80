//! A pool, and how long things take in it.

use std::sync::Arc;
use std::time::Duration;

use super::Exhaustion;
use crate::event::{CloseReason, Inside, PoolId, Stamp, Totals};

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
    /// What the app that has it tells from inside.
    pub inside: Option<Box<Inside>>,
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
