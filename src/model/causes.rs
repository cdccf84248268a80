//! Why callers wait: which slots of the pool a leak, a backlog, failed connects and slow commands account for.
//!
//! Each lent connection is counted for one of them, by what its holder does with it. Nothing in flight for as long as
//! callers have waited: a leak, or soon one. A command in flight for [`SLOW`], or one that usually takes that long: a
//! slow command. The others turn over, and are a backlog's only if they and the queue are more than the limit: the
//! healthy half of a pool whose other half leaks is no cause. Slots with no connection in them are the failed
//! connects', as far as connects fail.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::connections::Lent;
use super::lints::exhausted::{CALM, GRACE};
use super::lints::leak::{at_work, leaks, quiet_since};
use super::lints::{self, View, failing_connects, leak, long_hold, sizing};
use super::recent::Span;
use super::waits::Waits;
use crate::event::{Stamp, Totals};
use crate::snapshot::{
    Cause, CauseKind, ConnectionRow, Exhaustion, LostWaits, Percentiles, RowState, Suspect,
};
use crate::text::duration;

/// A command in flight for so long is slow.
const SLOW: Duration = Duration::from_millis(100);

/// How long nothing must have moved on a connection that is to account for a wait: as long as the wait, within these.
const QUIET: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// How far back leases and connects are looked at, in seconds.
const WINDOW: u64 = 10;

/// Opening a connection takes too long when callers have waited so long and none was opened.
const STALLED: Duration = Duration::from_secs(1);

/// Suspects that are named; the rest are counted.
const NAMED: usize = 16;

/// Commands that have a line of evidence.
const COMMANDS: usize = 4;

/// Commands that wait for something on purpose.
const BLOCKING: [&str; 16] = [
    "BLPOP",
    "BRPOP",
    "BLMOVE",
    "BLMPOP",
    "BRPOPLPUSH",
    "BZPOPMIN",
    "BZPOPMAX",
    "BZMPOP",
    "XREAD",
    "XREADGROUP",
    "WAIT",
    "WAITAOF",
    "SUBSCRIBE",
    "PSUBSCRIBE",
    "SSUBSCRIBE",
    "MONITOR",
];

const APART: &str =
    "what blocks on purpose keeps its connection: give it a pool of its own, or a short timeout";

const SLOWNESS: &str =
    "see SLOWLOG GET and LATENCY DOCTOR, read less at once, and give slow work a pool of its own";

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
    let is_back = |suspect: &Suspect| {
        let row = view.connections.get(suspect.conn);
        let still = |row: &ConnectionRow| matches!(row.state, RowState::InUse { since, .. } if since == suspect.since);
        !row.is_some_and(still)
    };
    let suspects = || last.causes.iter().flat_map(|cause| &cause.suspects);
    let news = suspects().any(|suspect| !suspect.back && is_back(suspect));
    if !news && last.over == over && last.waiting == waiting {
        return;
    }
    let last = Arc::make_mut(last);
    (last.over, last.waiting) = (over, waiting);
    for suspect in last.causes.iter_mut().flat_map(|cause| &mut cause.suspects) {
        suspect.back = suspect.back || is_back(suspect);
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
        let left = holder.ended.is_some() || leaks(view, row, since);
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
        leak(view, &parts.kept),
        backlog(view, &parts.at_work, &span),
        connects(view, waited, &span),
        slow(view, &parts.slow, trips),
    ];
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

/// A cause that so many connections are counted for.
fn cause<'a>(
    kind: CauseKind,
    lent: &[Lent<'a>],
    evidence: Vec<String>,
    advice: &'static str,
    says: impl Fn(Lent<'a>) -> String,
) -> Cause {
    let named = lent.iter().take(NAMED);
    let suspects = named.map(|&lent| Suspect {
        conn: lent.0.id,
        since: lent.1,
        back: false,
        says: says(lent),
        who: lints::name(lent.2),
    });
    Cause {
        kind,
        slots: count(lent.len()),
        likely: false,
        evidence,
        suspects: suspects.collect(),
        more: lent.len().saturating_sub(NAMED),
        advice,
    }
}

fn leak(view: &View<'_>, kept: &[Lent<'_>]) -> Cause {
    let threshold = view.options.leak_threshold;
    let ended = kept.iter().filter(|(.., holder)| holder.ended.is_some()).count();
    let over =
        kept.iter().filter(|(row, since, holder)| holder.ended.is_none() && leaks(view, row, *since)).count();
    let lines = [
        (over, format!("{over} over the threshold of {}", duration(threshold))),
        (ended, format!("{ended} left behind: who took it has ended")),
        (kept.len() - over - ended, format!("{} idle, no leak yet", kept.len() - over - ended)),
    ];
    let mut evidence: Vec<_> =
        lines.into_iter().filter(|(number, _)| *number > 0).map(|(_, line)| line).collect();
    if evidence.is_empty() {
        evidence.push("none lent that nobody uses".to_owned());
    }
    cause(CauseKind::Leak, kept, evidence, leak::ADVICE, |(row, since, _)| {
        let idle = duration(view.now.since(quiet_since(row, since)));
        let dead = if row.dead_since.is_some() { ", closed by the server" } else { "" };
        format!("out {}, idle {idle}{dead}", duration(view.now.since(since)))
    })
}

fn slow(view: &View<'_>, slow: &[Lent<'_>], trips: &Trips) -> Cause {
    let mut commands: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for (row, since, _) in slow {
        let command = row.last_sent().unwrap_or("?");
        let (number, longest) = commands.entry(command).or_default();
        *number += 1;
        *longest = view.now.since(row.busy_since.unwrap_or(*since)).max(*longest);
    }
    let on_purpose = commands.keys().all(|command| BLOCKING.contains(command)) && !commands.is_empty();
    let mut commands: Vec<_> = commands.into_iter().collect();
    commands.sort_by_key(|(_, seen)| Reverse(*seen));
    let mut evidence: Vec<_> = commands
        .iter()
        .take(COMMANDS)
        .map(|(command, (number, longest))| {
            let usual = match trips.get(*command) {
                Some(trip) if trip.count > 0 => {
                    let [p50, p99] = [trip.p50, trip.p99].map(|nanos| duration(Duration::from_nanos(nanos)));
                    format!("; p50 {p50}, p99 {p99}")
                }
                Some(_) => "; no reply lately".to_owned(),
                None => String::new(),
            };
            format!("{number} in {command}, up to {}{usual}", duration(*longest))
        })
        .collect();
    if commands.len() > COMMANDS {
        evidence.push(format!("and {} commands more", commands.len() - COMMANDS));
    }
    if evidence.is_empty() {
        evidence.push(format!("none in flight for {}", duration(SLOW)));
    }
    let advice = if on_purpose { APART } else { SLOWNESS };
    cause(CauseKind::SlowCommands, slow, evidence, advice, |(row, since, _)| {
        let command = row.last_sent().unwrap_or("?");
        format!("{command} {}", duration(view.now.since(row.busy_since.unwrap_or(since))))
    })
}

fn backlog(view: &View<'_>, at_work: &[Lent<'_>], span: &Span) -> Cause {
    let (max, waiting) = (view.gauges.max, view.waits.waiting());
    // Who was refused does not wait, and was one too many all the same.
    let wanted = count(at_work.len()).saturating_add(waiting.max(1));
    let is = !at_work.is_empty() && wanted > max;
    let mut evidence = Vec::new();
    if is {
        evidence.push(format!("{} at work + {waiting} waiting, max {max}", at_work.len()));
    } else if at_work.is_empty() {
        // They may be lent all the time, for slow work: the line below tells.
        let still = span.held.count == 0;
        evidence
            .push(if still { "no connection changes hands" } else { "none at quick work now" }.to_owned());
    } else {
        evidence.push(format!("{} at work + {waiting} waiting fit", at_work.len()));
    }
    if span.usual.count > 0 {
        let (held, wait) = (span.usual.mean(), span.wait.mean());
        let rate = span.rate();
        let most = f64::from(max) / held.as_secs_f64().max(f64::EPSILON);
        evidence.push(format!("{rate:.0}/s at {} a use, {most:.0}/s at most", duration(held)));
        if is && !wait.is_zero() {
            let concurrency = rate * (held + wait).as_secs_f64();
            evidence.push(format!("with {} wait, {concurrency:.1} want one at once", duration(wait)));
        }
    }
    let advice = if long_hold::computes(span) { long_hold::ADVICE } else { sizing::RAISE };
    let counted = if is { at_work } else { &[] };
    cause(CauseKind::Backlog, counted, evidence, advice, |(_, since, _)| {
        format!("out {}", duration(view.now.since(since)))
    })
}

fn connects(view: &View<'_>, waited: Waited, span: &Span) -> Cause {
    let gauges = view.gauges;
    let missing = gauges.max.saturating_sub(gauges.in_use.saturating_add(gauges.available));
    let all = span.open_failures.saturating_add(span.opened);
    let stalled = gauges.opening > 0 && span.opened == 0 && waited.longest >= STALLED;
    let mut evidence = Vec::new();
    let mut slots = 0;
    if span.open_failures > 0 {
        // Of what is missing, what failures are of all attempts: one failure among many is no cause.
        let part = u64::from(missing).saturating_mul(span.open_failures).div_ceil(all);
        slots = if span.open_failures.saturating_mul(2) >= all {
            u32::try_from(part).unwrap_or(missing)
        } else {
            0
        };
        evidence.push(format!("{} of {all} failed in the last {WINDOW} s", span.open_failures));
        evidence.extend(view.recent.error().map(str::to_owned));
        evidence.push(format!("{missing} of {} slots have no connection", gauges.max));
    } else if stalled {
        slots = gauges.opening;
        evidence.push(format!("{} opening, none has opened in {WINDOW} s", gauges.opening));
    } else {
        evidence.push(format!("none failed in the last {WINDOW} s"));
        if gauges.opening > 0 {
            evidence.push(format!("{} opening", gauges.opening));
        }
    }
    Cause {
        slots,
        ..cause(CauseKind::FailedConnects, &[], evidence, failing_connects::ADVICE, |_| String::new())
    }
}

#[cfg(test)]
mod tests;
