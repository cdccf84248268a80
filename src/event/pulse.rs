//! What a pool counted since it was last asked: too frequent to be events of their own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CloseReason, ConnId, Holder, Stamp};

/// What a pool counted since its last pulse, with the state at the moment it was taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// The pool's state, all read under one lock.
    pub gauges: Gauges,
    /// Totals since the pool started: a lost pulse loses no count.
    pub totals: Totals,
    /// Wait time of waits that ended in a grant since the last pulse, opening included.
    pub wait: Samples,
    /// Use time of leases that ended since the last pulse.
    pub held: Samples,
    /// Create time of connections opened since the last pulse.
    pub create: Samples,
    /// Round trips since the last pulse, by upper-case command name.
    pub round_trips: Vec<(Arc<str>, Samples)>,
    /// How long commands that never got their answer were in flight until they were given up, since the last pulse.
    #[serde(default)]
    pub unanswered: Samples,
    /// Connections whose row changed since the last pulse, and all that are in use.
    pub connections: Vec<ConnPulse>,
    /// The callers that have waited longest, oldest first, at most [`Pulse::WAITERS`].
    pub waiters: Vec<Waiting>,
}

impl Pulse {
    /// How many waiters a pulse names; `gauges.waiting` counts them all.
    pub const WAITERS: usize = 32;
}

/// A pool's state at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    /// Lent out.
    pub in_use: u32,
    /// Open and idle, ready to lend.
    pub available: u32,
    /// Being dialled or greeted.
    pub opening: u32,
    /// Callers queued for a connection.
    pub waiting: u32,
    /// The limit.
    pub max: u32,
}

/// Totals since the pool started. Each wait and each lease is counted once, by its guarded ending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Connections ever opened.
    pub opened: u64,
    /// Connections closed, for any reason.
    pub closed: u64,
    /// Those, by their reasons.
    pub closed_by: ClosedBy,
    /// Attempts to open one that failed.
    pub open_failures: u64,
    /// Leases granted.
    pub checkouts: u64,
    /// Leases that ended with the connection back in the pool.
    pub released: u64,
    /// Leases that ended with the connection closed.
    pub discarded: u64,
    /// Leases that the pool took back from their holder.
    pub reclaimed: u64,
    /// Grants that had to queue first.
    pub waited: u64,
    /// Waits that ran into the blocking timeout.
    pub timeouts: u64,
    /// Waits whose caller went away.
    pub cancelled: u64,
    /// Waits refused because the pool was exhausted or closed.
    pub refused: u64,
    /// Waits that failed because no connection could be opened.
    pub failed: u64,
    /// Commands that were answered, errors included.
    pub commands: u64,
    /// Commands answered with an error.
    pub error_replies: u64,
    /// Commands that got no answer: timed out or the connection broke.
    pub command_failures: u64,
    /// Commands sent again after a failure.
    pub retries: u64,
    /// Connections found with a reply owed or unread.
    pub unread_replies: u64,
    /// Health checks made, and failed.
    pub health_checks: u64,
    /// Health checks that failed.
    pub health_failures: u64,
}

/// How many connections were closed for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedBy([u64; CloseReason::ALL.len()]);

impl ClosedBy {
    /// So many more.
    pub fn add(&mut self, reason: CloseReason, count: u64) {
        if let Some(known) = self.0.get_mut(reason as usize) {
            *known += count;
        }
    }

    /// Those that happened, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (CloseReason, u64)> {
        CloseReason::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

/// Durations in nanoseconds with how often each was seen: a histogram's non-empty buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples(pub Vec<(u64, u64)>);

/// One connection's row in a pulse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnPulse {
    /// Which.
    pub conn: ConnId,
    /// Lent or not, since when.
    pub state: ConnState,
    /// Leases granted on it, the one that is out included.
    pub uses: u64,
    /// Commands sent on it.
    pub commands: u64,
    /// The last command's name, never its arguments.
    pub last_command: Option<Arc<str>>,
    /// When bytes last moved on it.
    pub last_active: Stamp,
    /// When the oldest command still unanswered was sent.
    pub busy_since: Option<Stamp>,
    /// Lent, with nothing under way, and closed by the other end.
    #[serde(default)]
    pub dead: bool,
}

/// Whether a connection is lent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConnState {
    /// In the pool, ready to lend.
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
        /// MULTI, WATCH or SELECT keep it on this lease.
        pinned: Option<Arc<str>>,
    },
}

/// A queued caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// Queued since.
    pub since: Stamp,
    /// Who.
    pub holder: Holder,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let mut closed_by = ClosedBy::default();
        for (n, reason) in (1..).zip(CloseReason::ALL) {
            closed_by.add(reason, n);
        }
        let expected: Vec<_> = CloseReason::ALL.into_iter().zip(1..).collect();
        assert_eq!(closed_by.iter().collect::<Vec<_>>(), expected);
    }
}
