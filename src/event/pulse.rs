//! What a pool counted since it was last asked: too frequent to be events of their own.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CloseReason, ConnId, Holder, Stamp};

/// What a pool counted since its last pulse, with the state at the moment it was taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// The pool's state, all read under one lock.
    pub gauges: Gauges,
    /// Totals since the pool started: a lost pulse loses no count.
    pub totals: Totals,
    /// Wait time of waits that ended in a grant or ran into the timeout since the last pulse, opening included.
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
    /// The longest run of commands since the last pulse, where there was one worth telling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// How long anything may take, by the settings in force.
    #[serde(default, skip_serializing_if = "Bounds::are_unknown")]
    pub bounds: Bounds,
    /// Of a source that lists leases from some age on and rows as they change, how many leases it did not list: what it
    /// lists none of is not gone for that. Nothing where every row is told by somebody who knows them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<u32>,
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
    /// Of them those that nobody waited for: a warm-up's.
    #[serde(default)]
    pub warmed: u64,
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
    /// Callers that had to queue, whether they got a connection or not.
    pub waited: u64,
    /// Waits that ran into the blocking timeout.
    pub timeouts: u64,
    /// Waits whose caller went away.
    pub cancelled: u64,
    /// Waits refused because the pool was exhausted or closed.
    pub refused: u64,
    /// Waits that failed because no connection could be opened: one for each attempt of a command.
    pub failed: u64,
    /// Of those, the ones whose command made another attempt: the others are callers that got nothing.
    #[serde(default)]
    pub failed_again: u64,
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

/// Commands sent on one lease one after the other, each soon after the reply before it: within its round trip, or a
/// millisecond where that is longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// How many.
    pub commands: u64,
    /// Their round trips together.
    #[serde(with = "super::wire::nanos")]
    pub took: Duration,
    /// The time between a reply and the next command, all together.
    #[serde(with = "super::wire::nanos")]
    pub between: Duration,
    /// The last command's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Arc<str>>,
    /// Who had the lease.
    pub holder: Holder,
}

/// The longest that a pool lets something take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    /// The source does not know.
    #[default]
    Unknown,
    /// For ever.
    Unbounded,
    /// So long.
    Within(#[serde(with = "super::wire::nanos")] Duration),
}

impl From<Option<Duration>> for Bound {
    fn from(limit: Option<Duration>) -> Self {
        limit.map_or(Self::Unbounded, Self::Within)
    }
}

/// The settings that keep anybody from waiting for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The wait for a connection.
    pub wait: Bound,
    /// The wait for a reply.
    pub reply: Bound,
}

impl Bounds {
    fn are_unknown(&self) -> bool {
        *self == Self::default()
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_command: Option<Arc<str>>,
    /// When bytes last moved on it.
    pub last_active: Stamp,
    /// When the oldest command still unanswered was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_since: Option<Stamp>,
    /// Lent, with nothing under way, and closed by the other end.
    #[serde(default)]
    pub dead: bool,
    /// The lease on it that was released last, once it is over: of many between two pulses only that one is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<PastLease>,
}

/// A lease that was released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastLease {
    /// Lent since.
    pub since: Stamp,
    /// Released.
    pub until: Stamp,
    /// Who had it.
    pub holder: Holder,
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
        #[serde(skip_serializing_if = "Option::is_none")]
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
