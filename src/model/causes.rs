//! Why callers wait: which slots of the pool a leak, a backlog, failed connects and slow commands account for.
//!
//! Each lent connection is counted for one of them, by what its holder does with it. Nothing in flight for as long as
//! callers have waited: a leak, or soon one. A command in flight for [`SLOW`], or one that usually takes that long: a
//! slow command. The others turn over, and are a backlog's only if they and the queue are more than the limit: the
//! healthy half of a pool whose other half leaks is no cause. Slots with no connection in them are the failed
//! connects', as far as connects fail. Where callers get connect errors below the limit, nothing else is a cause,
//! however many connections others hold.

mod evidence;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::connections::Lent;
use super::lints::View;
use super::lints::exhausted::{CALM, GRACE};
use super::lints::leak::{at_work, leaks, quiet_since};
use super::recent::Span;
use super::waits::Waits;
use crate::event::{Stamp, Totals};
use crate::snapshot::{
    Cause, CauseKind, ConnectionRow, Exhaustion, Lease, LostWaits, Percentiles, RowState, Suspect,
};

/// A command in flight for so long is slow.
const SLOW: Duration = Duration::from_millis(100);

/// How long nothing must have moved on a connection that is to account for a wait: as long as the wait, within these.
const QUIET: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// How far back leases and connects are looked at, in seconds.
const WINDOW: u64 = 10;

/// Round trips of the commands that are in flight.
pub(crate) type Trips = BTreeMap<Arc<str>, Percentiles>;

/// Keeps the exhaustion that is, or the last one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// Lost waits by the last look.
    seen: Option<LostWaits>,
    /// The same when the exhaustion began.
    before: LostWaits,
    last: Option<Arc<Exhaustion>>,
}

impl Watch {
    /// What holds, or held last.
    pub(crate) fn exhaustion(&self) -> Option<Arc<Exhaustion>> {
        self.last.clone()
    }

    /// Whether callers wait, or have lost a wait since the last look.
    pub(crate) fn has_news(&self, waits: &Waits, totals: &Totals) -> bool {
        waits.waiting() > 0 || self.seen != Some(lost(totals))
    }

    /// Looks at the pool again. What is over stays as it was when callers still waited: that is what explains it.
    pub(crate) fn look(&mut self, view: &View<'_>, totals: &Totals, trips: &Trips) {
        let lost = lost(totals);
        let recent = view.waits.recently_lost();
        let first = LostWaits {
            timeouts: lost.timeouts.saturating_sub(recent.timeouts),
            refused: lost.refused.saturating_sub(recent.refused),
            ..lost
        };
        let before = self.seen.replace(lost).unwrap_or(first);
        let waited = view.waits.oldest().map_or(Duration::ZERO, |since| view.now.since(since));
        let current = self.last.take_if(|last| !last.over);
        let waits = view.waits.waiting() > 0 && (current.is_some() || waited >= GRACE);
        if !waits && lost == before {
            // Nobody waits: the old one stays, or has just ended.
            self.last = current.or(self.last.take());
            if let Some(last) = &mut self.last {
                settle(last, view);
            }
            return;
        }
        if current.is_none() {
            self.before = before;
        }
        let since = current.as_ref().map_or_else(|| view.waits.oldest().unwrap_or(view.now), |it| it.since);
        let longest = current.map_or(waited, |it| it.longest.max(waited));
        let lost = LostWaits {
            timeouts: lost.timeouts.saturating_sub(self.before.timeouts),
            refused: lost.refused.saturating_sub(self.before.refused),
            failed: lost.failed.saturating_sub(self.before.failed),
            again: lost.again.saturating_sub(self.before.again),
        };
        self.last = Some(Arc::new(judge(view, trips, Waited { since, longest, lost })));
    }
}

fn lost(totals: &Totals) -> LostWaits {
    let Totals { timeouts, refused, failed, failed_again: again, .. } = *totals;
    LostWaits { timeouts, refused, failed, again }
}

/// Brings what nobody waits for any more up to date: that it is over, and which connections are back.
fn settle(last: &mut Arc<Exhaustion>, view: &View<'_>) {
    let over = last.over || view.now.since(last.at) >= CALM;
    let waiting = view.waits.waiting();
    let suspects = || last.causes.iter().flat_map(|cause| &cause.suspects);
    let news = suspects().any(|suspect| lease(suspect, view) != suspect.lease);
    if !news && last.over == over && last.waiting == waiting {
        return;
    }
    let last = Arc::make_mut(last);
    (last.over, last.waiting) = (over, waiting);
    for suspect in last.causes.iter_mut().flat_map(|cause| &mut cause.suspects) {
        suspect.lease = lease(suspect, view);
    }
    last.causes.iter_mut().for_each(evidence::advise_again);
}

/// What has become of a lease. What ended it stays so, whatever becomes of the connection.
fn lease(suspect: &Suspect, view: &View<'_>) -> Lease {
    let still =
        |row: &ConnectionRow| matches!(row.state, RowState::InUse { since, .. } if since == suspect.since);
    match view.connections.get(suspect.conn) {
        _ if suspect.lease != Lease::Out => suspect.lease,
        Some(row) if still(row) => Lease::Out,
        // A source that lists only what is lent tells nothing of what came back.
        None if view.connections.is_closed(suspect.conn) => Lease::Closed,
        _ => Lease::Back,
    }
}

/// How callers have fared.
#[derive(Clone, Copy, Debug)]
struct Waited {
    since: Stamp,
    longest: Duration,
    lost: LostWaits,
}

/// The lent connections by what they account for, longest first.
#[derive(Default)]
struct Parts<'a> {
    kept: Vec<Lent<'a>>,
    slow: Vec<Lent<'a>>,
    at_work: Vec<Lent<'a>>,
    unclear: u32,
}

fn parts<'a>(view: &View<'a>, trips: &Trips, longest: Duration, span: &Span) -> Parts<'a> {
    let quiet_for = longest.clamp(QUIET[0], QUIET[1]);
    // Who computes between two commands, or before the first, is quiet for part of a usual use.
    let usual = (span.usual.count > 0).then(|| (span.usual.mean() * 4).max(GRACE));
    let mut parts = Parts::default();
    for lent in view.connections.in_use() {
        let (row, since, holder) = lent;
        let quiet = view.now.since(quiet_since(row, since));
        // On what is dead nothing happens any more.
        let left = holder.ended.is_some() || row.dead_since.is_some() || leaks(view, row, since);
        if left || (!at_work(row) && quiet >= quiet_for) {
            parts.kept.push(lent);
        } else if at_work(row) && is_slow(row, view.now, trips) {
            parts.slow.push(lent);
        } else if row.busy_since.is_some() || usual.is_some_and(|usual| quiet <= usual) {
            parts.at_work.push(lent);
        } else {
            parts.unclear = parts.unclear.saturating_add(1);
        }
    }
    parts.kept.sort_by_key(|(row, since, _)| (*since, row.id));
    parts.slow.sort_by_key(|(row, since, _)| (row.busy_since.unwrap_or(*since), row.id));
    parts.at_work.sort_by_key(|(row, since, _)| (*since, row.id));
    parts
}

fn is_slow(row: &ConnectionRow, now: Stamp, trips: &Trips) -> bool {
    let usual = row.last_sent().and_then(|command| trips.get(command)).map_or(0, |trip| trip.p50);
    // One that listens has nothing in flight, and waits all the same.
    row.busy_since.is_none_or(|since| now.since(since) >= SLOW) || Duration::from_nanos(usual) >= SLOW
}

fn judge(view: &View<'_>, trips: &Trips, waited: Waited) -> Exhaustion {
    let span = view.recent.last(view.now, WINDOW);
    let parts = parts(view, trips, waited.longest, &span);
    let mut causes = [
        evidence::leak(view, &parts.kept),
        evidence::backlog(view, &parts.at_work, &span),
        evidence::connects(view, waited, &span),
        evidence::slow(view, &parts.slow, trips),
    ];
    let failing = span.open_failures > 0 || waited.lost.failed > 0;
    let connects = |cause: &Cause| cause.kind == CauseKind::FailedConnects;
    if failing && view.gauges.in_use < view.gauges.max && causes.iter().any(|it| connects(it) && it.slots > 0)
    {
        // There was a slot for every caller, and no connection for it.
        causes.iter_mut().filter(|cause| !connects(cause)).for_each(evidence::acquit);
    }
    let most = causes.iter().map(|cause| cause.slots).max().unwrap_or_default();
    for cause in &mut causes {
        cause.likely = most > 0 && cause.slots == most;
    }
    Exhaustion {
        since: waited.since,
        at: view.now,
        over: false,
        waiting: view.waits.waiting(),
        longest: waited.longest,
        lost: waited.lost,
        max: view.gauges.max,
        at_work: count(parts.at_work.len()),
        unclear: parts.unclear,
        causes,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
