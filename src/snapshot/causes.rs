//! Why callers wait for a connection, or got none: the four causes there are, each with what speaks for it.

use std::borrow::Cow;
use std::time::Duration;

use crate::event::{ConnId, Stamp};
use crate::text::thousands;

/// A time in which callers waited or got nothing, as it was when that was last so.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhaustion {
    /// Callers have waited since.
    pub since: Stamp,
    /// The moment of everything below.
    pub at: Stamp,
    /// It is over.
    pub over: bool,
    /// Callers queued, at the moment of the snapshot.
    pub waiting: u32,
    /// The longest that any of them had waited at a look.
    pub longest: Duration,
    /// Waits that have ended without a connection, and how.
    pub lost: LostWaits,
    /// The limit.
    pub max: u32,
    /// Connections with holders who do nothing unusual. With a backlog they are its own.
    pub at_work: u32,
    /// Connections lent so lately, with nothing in flight, that it is too early to tell.
    pub unclear: u32,
    /// One of each kind, in the order of [`CauseKind::ALL`].
    pub causes: [Cause; 4],
}

impl Exhaustion {
    /// Nobody waits any more: what speaks for the causes is as it was, and may not be so now.
    pub fn is_past(&self) -> bool {
        self.over || self.waiting == 0
    }

    /// Those that account for most.
    pub fn likely(&self) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(|cause| cause.likely)
    }
}

/// Waits that ended without a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostWaits {
    /// Ran into the blocking timeout.
    pub timeouts: u64,
    /// Refused at once.
    pub refused: u64,
    /// No connection could be opened. An attempt each: see [`again`](Self::again).
    pub failed: u64,
    /// Of those that failed, the ones whose caller has asked again.
    pub again: u64,
}

impl LostWaits {
    /// Each kind there is, in words: `2 timed out`. A caller that asks again is one caller, and several attempts.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let failed = match (self.failed, self.failed.saturating_sub(self.again)) {
            (failed, callers) if self.again == 0 || callers == failed => {
                format!("{} failed", thousands(failed))
            }
            (1, _) => "1 attempt failed".to_owned(),
            (attempts, 0) => format!("{} attempts failed", thousands(attempts)),
            (attempts, callers) => {
                format!("{} failed, after {} attempts", thousands(callers), thousands(attempts))
            }
        };
        let kinds = [
            (self.timeouts, format!("{} timed out", thousands(self.timeouts))),
            (self.refused, format!("{} refused", thousands(self.refused))),
            (self.failed, failed),
        ];
        kinds.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words)
    }
}

/// What callers can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseKind {
    /// Connections that are lent and that nobody uses.
    Leak,
    /// More callers than the pool can serve, each of them quick.
    Backlog,
    /// Connections that cannot be opened.
    FailedConnects,
    /// Connections whose holders wait for a reply.
    SlowCommands,
}

impl CauseKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Leak, Self::Backlog, Self::FailedConnects, Self::SlowCommands];

    /// The words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Backlog => "backlog",
            Self::FailedConnects => "failed connects",
            Self::SlowCommands => "slow commands",
        }
    }
}

/// One of them, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Which.
    pub kind: CauseKind,
    /// The words for what holds of it: no leak is said of what is not held for long enough to be one.
    pub word: &'static str,
    /// Connections of the limit that it accounts for: lent ones, or such as cannot be opened.
    pub slots: u32,
    /// No other accounts for more.
    pub likely: bool,
    /// In numbers, a few words a line.
    pub evidence: Vec<String>,
    /// Who has the connections, worst first.
    pub suspects: Vec<Suspect>,
    /// How many more there are than those.
    pub more: usize,
    /// What to do about it, one line.
    pub advice: Cow<'static, str>,
}

impl Cause {
    /// What to do about it, where there is anything left to do it to: connections that are back need nothing.
    pub fn advice_now(&self) -> Option<&str> {
        let left =
            self.suspects.is_empty() || self.suspects.iter().any(|suspect| suspect.lease == Lease::Out);
        (self.slots > 0 && (left || self.kind != CauseKind::Leak)).then_some(&*self.advice)
    }
}

/// What has become of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Nothing: it is still out.
    Out,
    /// Its connection came back.
    Back,
    /// Its connection was closed.
    Closed,
}

/// A connection that a cause accounts for.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Which.
    pub conn: ConnId,
    /// When it was lent.
    pub since: Stamp,
    /// What has become of that lease since.
    pub lease: Lease,
    /// What speaks against its holder: `out 74.0 s, idle 70.0 s`.
    pub says: String,
    /// Who the holder is, as far as that is known.
    pub who: String,
}
