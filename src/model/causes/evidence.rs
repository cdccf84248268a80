//! What speaks for each of the four causes, in numbers, and whom it names.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::{SLOW, Trips, WINDOW, Waited, count};
use crate::event::ConnId;
use crate::event::waiting::waits_on_purpose;
use crate::model::connections::Lent;
use crate::model::lints::leak::{leaks, quiet_since};
use crate::model::lints::{self, View, failing_connects, leak, long_hold, sizing};
use crate::model::recent::Span;
use crate::snapshot::{Cause, CauseKind, Lease, Suspect};
use crate::text::duration;

/// Connections that nobody uses and that are no leak, or none yet.
const UNUSED: &str = "held unused";

/// Opening a connection takes too long when callers have waited so long and none was opened.
const STALLED: Duration = Duration::from_secs(1);

/// Suspects that are named; the rest are counted.
pub(super) const NAMED: usize = 16;

/// Commands that have a line of evidence.
const COMMANDS: usize = 4;

pub(super) const APART: &str =
    "what blocks on purpose keeps its connection: give it a pool of its own, or a short timeout";

pub(super) const SLOWNESS: &str =
    "see SLOWLOG GET and LATENCY DOCTOR, read less at once, and give slow work a pool of its own";

/// A cause that so many connections are counted for.
fn cause<'a>(
    kind: CauseKind,
    lent: &[Lent<'a>],
    evidence: Vec<String>,
    advice: impl Into<Cow<'static, str>>,
    says: impl Fn(Lent<'a>) -> String,
) -> Cause {
    let named = lent.iter().take(NAMED);
    let suspects = named.map(|&lent| Suspect {
        conn: lent.0.id,
        since: lent.1,
        lease: Lease::Out,
        says: says(lent),
        who: lints::name(lent.2),
    });
    Cause {
        kind,
        word: kind.words(),
        slots: count(lent.len()),
        likely: false,
        evidence,
        suspects: suspects.collect(),
        more: lent.len().saturating_sub(NAMED),
        advice: advice.into(),
    }
}

pub(super) fn leak(view: &View<'_>, kept: &[Lent<'_>]) -> Cause {
    let threshold = view.options.leak_threshold;
    let ended = kept.iter().filter(|(.., holder)| holder.ended.is_some()).count();
    let alive = || kept.iter().filter(|(.., holder)| holder.ended.is_none());
    let over = alive().filter(|(row, since, _)| leaks(view, row, *since)).count();
    let dead =
        alive().filter(|(row, since, _)| row.dead_since.is_some() && !leaks(view, row, *since)).count();
    let idle = kept.len() - over - ended - dead;
    let lines = [
        (over, format!("{over} over the threshold of {}", duration(threshold))),
        (ended, format!("{ended} left behind: who took it has ended")),
        (dead, format!("{dead} dead: closed by the server")),
        (idle, format!("{idle} idle, below the threshold")),
    ];
    let mut evidence: Vec<_> =
        lines.into_iter().filter(|(number, _)| *number > 0).map(|(_, line)| line).collect();
    if evidence.is_empty() {
        evidence.push("none lent that nobody uses".to_owned());
    }
    let advice = match kept.first() {
        Some(_) if ended == kept.len() && view.inside.is_some() => lints::abandoned::PYTHON.into(),
        Some((row, ..)) if ended == kept.len() => abandoned(row.id),
        _ => view.advice(leak::ADVICE, leak::PYTHON).into(),
    };
    let mut cause = cause(CauseKind::Leak, kept, evidence, advice, |(row, since, _)| {
        let (out, quiet) = (view.now.since(since), view.now.since(quiet_since(row, since)));
        match row.dead_since {
            Some(died) => format!("out {}, dead for {}", duration(out), duration(view.now.since(died))),
            None => format!("out {}, idle {}", duration(out), duration(quiet)),
        }
    });
    if over + ended == 0 && !kept.is_empty() {
        cause.word = UNUSED;
    }
    cause
}

/// What to do about connections that nobody is left to give back.
fn abandoned(conn: ConnId) -> Cow<'static, str> {
    format!(
        "nobody is left to give it back: POOL CLOSE {} frees that slot only; POOL RESET takes all back, working ones \
         too; then keep the lease where its work is",
        conn.0
    )
    .into()
}

/// Advice that names a connection names one that is still out.
pub(super) fn advise_again(cause: &mut Cause) {
    let out = cause.suspects.iter().find(|suspect| suspect.lease == Lease::Out);
    if let (Cow::Owned(_), Some(out)) = (&cause.advice, out) {
        cause.advice = abandoned(out.conn);
    }
}

/// What is lent is no cause where the limit was not reached.
pub(super) fn acquit(cause: &mut Cause) {
    if cause.slots > 0 {
        cause.evidence.push("below the limit: no cause".to_owned());
    }
    (cause.slots, cause.more, cause.word) = (0, 0, cause.kind.words());
    cause.suspects.clear();
}

pub(super) fn slow(view: &View<'_>, slow: &[Lent<'_>], trips: &Trips) -> Cause {
    let mut commands: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for (row, since, _) in slow {
        let command = row.last_sent().unwrap_or("?");
        let (number, longest) = commands.entry(command).or_default();
        *number += 1;
        *longest = view.now.since(row.busy_since.unwrap_or(*since)).max(*longest);
    }
    let on_purpose = commands.keys().all(|command| waits_on_purpose(command)) && !commands.is_empty();
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

pub(super) fn backlog(view: &View<'_>, at_work: &[Lent<'_>], span: &Span) -> Cause {
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
        let held = duration(held);
        evidence.push(if span.blocking > 0 {
            // That is waiting, not work, and says nothing of how many there could be.
            format!("{rate:.0}/s, lent for {held} each, blocking or unanswered commands included")
        } else if is {
            format!("{rate:.0}/s, lent for {held} each, {most:.0}/s at most")
        } else {
            format!("{rate:.0}/s, lent for {held} each")
        });
        if is && span.blocking == 0 && !wait.is_zero() {
            let concurrency = rate * (span.usual.mean() + wait).as_secs_f64();
            evidence.push(format!("with {} wait, {concurrency:.1} want one at once", duration(wait)));
        }
    }
    let advice = if long_hold::computes(span) { long_hold::ADVICE } else { sizing::RAISE };
    let counted = if is { at_work } else { &[] };
    cause(CauseKind::Backlog, counted, evidence, advice, |(_, since, _)| {
        format!("out {}", duration(view.now.since(since)))
    })
}

pub(super) fn connects(view: &View<'_>, waited: Waited, span: &Span) -> Cause {
    let gauges = view.gauges;
    let missing = gauges.max.saturating_sub(gauges.in_use.saturating_add(gauges.available));
    let all = span.open_failures.saturating_add(span.opened);
    let stalled = gauges.opening > 0 && span.opened == 0 && waited.longest >= STALLED;
    let mut evidence = Vec::new();
    let mut slots = 0;
    if span.open_failures > 0 {
        // One failure among many is no cause of what is missing.
        slots = if span.open_failures.saturating_mul(2) >= all { missing } else { 0 };
        if slots == 0 && waited.lost.failed > 0 && span.opened == 0 {
            slots = 1;
        }
        evidence.push(format!("{} of {all} failed in the last {WINDOW} s", span.open_failures));
        evidence.extend(view.recent.error().map(str::to_owned));
        evidence.push(format!("{missing} of {} slots have no connection", gauges.max));
    } else if waited.lost.failed > 0 && span.opened == 0 {
        slots = missing.max(1);
        evidence.push(format!("{} got a connect error", waited.lost.failed));
        evidence.extend(view.recent.error().map(str::to_owned));
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
