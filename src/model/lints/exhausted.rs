//! `exhausted`: the limit is reached and callers queue for a connection, or lately gave up doing so.
//!
//! A queue of some milliseconds is how a bounded pool works: a wait counts once it is [`GRACE`] old, a timeout or a
//! refusal at once. Only queueing counts: an open that is slow is no want of connections. It clears when there is room
//! again, or no queue was seen for [`CALM`]; callers that got nothing are told of while they are news, as what was.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::leak::leaks;
use super::{Finding, Lint, View, name, place};
use crate::event::{ConnId, Holder, Stamp};
use crate::model::waits::RECENT_SECONDS;
use crate::snapshot::Severity;
use crate::text::duration;

/// How old the oldest wait must be.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// How long there must have been no queue.
pub(crate) const CALM: Duration = Duration::from_secs(2);

/// Lines of an app that are named.
const LINES: usize = 3;

/// How long an app's lease is out before it is listed.
const LISTED: Duration = Duration::from_millis(100);

// What key shows the causes is not known here: the screen says it, by its own table of keys.
const ADVICE: &str =
    "see the four causes and who holds the connections: return leaks, shorten long holds, or raise max";

const PYTHON: &str = "give back what those lines hold, hold it for less time, or raise max_connections; a BlockingConnectionPool waits \
                      instead of failing";

const OVER: &str = "there is room again, and the four causes say what it was: return leaks, shorten long holds, or raise max";

/// See the module.
pub(crate) struct Exhausted;

impl Lint for Exhausted {
    fn id(&self) -> &'static str {
        "exhausted"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let queue = queue(view);
        let lost = lost(view);
        let full = taken(view) >= view.gauges.max;
        let restless = holds && full && view.waits.last_queue().is_some_and(|at| view.now.since(at) < CALM);
        if queue.is_none() && lost.is_none() && !restless {
            return Vec::new();
        }
        // What is over is no alarm: it is still worth knowing who got nothing.
        let (severity, advice) = if full {
            (Severity::Bad, view.advice(ADVICE, PYTHON))
        } else {
            (Severity::Warn, view.advice(OVER, PYTHON))
        };
        // A queue that comes and goes has waiters too, each for a moment.
        let now = queue.is_none().then(|| match view.waits.waiting() {
            0 => "nobody waits now".to_owned(),
            waiting => format!("{waiting} waiting"),
        });
        // Who has got a connection since is not whom they waited for.
        let pressed = view.waits.last_lost().max(view.waits.last_queue());
        let then = pressed.filter(|_| queue.is_none() && view.waits.waiting() == 0);
        let said: Vec<_> = [queue, lost, now].into_iter().flatten().collect();
        let evidence = match holders(view, then) {
            Some(holders) => format!("{}: {holders}", said.join(", ")),
            None => said.join(", "),
        };
        vec![Finding { conn: None, severity, evidence, advice }]
    }
}

/// Slots that are not free.
fn taken(view: &View<'_>) -> u32 {
    view.gauges.in_use.saturating_add(view.gauges.opening)
}

/// `3 waiting 1.2 s`, once they wait long enough and every slot is taken; `3 waiting` where it is not known that one of them
/// does, and only that there has been a queue for so long.
fn queue(view: &View<'_>) -> Option<String> {
    let waited = view.now.since(view.waits.oldest()?);
    let known = view.waits.longest().map_or_else(String::new, |_| format!(" {}", duration(waited)));
    (taken(view) >= view.gauges.max && waited >= GRACE)
        .then(|| format!("{} waiting{known}", view.waits.waiting()))
}

/// `4 timed out in the last 10 s`.
fn lost(view: &View<'_>) -> Option<String> {
    let waits = view.waits;
    let calm = |at: Option<Stamp>| at.is_none_or(|at| view.now.since(at) >= CALM);
    let room = taken(view) < view.gauges.max;
    if room && waits.is_served() && calm(waits.last_lost()) && calm(waits.last_queue()) {
        return None;
    }
    let lost = waits.recently_lost();
    let parts: Vec<_> = [(lost.timeouts, "timed out"), (lost.refused, "refused")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, how)| format!("{count} {how}"))
        .collect();
    (!parts.is_empty()).then(|| format!("{} in the last {RECENT_SECONDS} s", parts.join(" and ")))
}

/// `7 held, 5 by worker-2 (longest #3 74.2 s); 1 leak, 6 busy with BLPOP`: who first, as a narrow screen cuts the rest.
/// Where callers waited `then` and do so no more, it is of who has had a connection since: nothing where that is nobody.
fn holders(view: &View<'_>, then: Option<Stamp>) -> Option<String> {
    let in_use = || view.connections.in_use().filter(|(_, since, _)| then.is_none_or(|then| *since <= then));
    let mut said = match (then, in_use().count()) {
        (None, _) => format!("{} held", view.gauges.in_use),
        (Some(_), 0) => return None,
        (Some(_), held) => format!("{held} still held"),
    };
    let mut parts = Vec::new();
    let longest = |since: Stamp, conn: ConnId| format!("longest {conn} {}", duration(view.now.since(since)));
    // How many each has out, and the one that is out longest.
    let mut by: BTreeMap<String, (usize, (Stamp, ConnId))> = BTreeMap::new();
    for (row, since, holder) in in_use() {
        let (count, oldest) = by.entry(who(holder)).or_insert((0, (since, row.id)));
        *count += 1;
        *oldest = (since, row.id).min(*oldest);
    }
    // One of many holders tells no more than who has had its own longest.
    let mut most: Vec<_> = by.iter().collect();
    most.sort_by_key(|(_, (count, oldest))| (Reverse(*count), *oldest));
    // Of an app several lines are named: none of them can be asked.
    most.truncate(if view.inside.is_some() { LINES } else { 1 });
    for (who, (count, (since, conn))) in &most {
        let who = if who.is_empty() { String::new() } else { format!("{count} by {who} ") };
        let _ = write!(said, ", {who}({})", longest(*since, *conn));
    }
    let first = most.first().copied();
    let listed = u32::try_from(view.connections.in_use().count()).unwrap_or(u32::MAX);
    if let Some(young) = view.gauges.in_use.checked_sub(listed).filter(|young| *young > 0)
        && view.inside.is_some()
        && then.is_none()
    {
        parts.push(format!("{young} for less than {}", duration(LISTED)));
    }
    // As many as have a row of their own.
    let leaked = in_use().filter(|(row, since, _)| leaks(view, row, *since)).count();
    match leaked {
        0 => {}
        1 => parts.push("1 leak".to_owned()),
        _ => parts.push(format!("{leaked} leaks")),
    }
    let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, ..) in in_use().filter(|(row, ..)| row.busy_since.is_some()) {
        if let Some(command) = row.last_sent() {
            *busy.entry(command).or_default() += 1;
        }
    }
    if let Some((command, count)) = busy.into_iter().max_by_key(|(_, count)| *count) {
        parts.push(format!("{count} busy with {command}"));
    }
    let oldest = by.iter().min_by_key(|(_, (_, oldest))| *oldest);
    if let Some((who, (_, (since, conn)))) = oldest.filter(|oldest| Some(*oldest) != first) {
        parts.push(format!("{} {who}", longest(*since, *conn)).trim_end().to_owned());
    }
    if view.gauges.opening > 0 && then.is_none() {
        parts.push(format!("{} opening", view.gauges.opening));
    }
    Some(if parts.is_empty() { said } else { format!("{said}; {}", parts.join(", ")) })
}

/// Who holds or waits: of an app the line, whichever of its threads or tasks it was.
fn who(holder: &Holder) -> String {
    let line = place(holder).filter(|_| holder.function.is_some());
    line.unwrap_or_else(|| name(holder))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::How;

    fn found(bench: &Bench, now: Stamp, holds: bool) -> Option<String> {
        bench.ask(&Exhausted, now, holds).pop().map(|finding| finding.evidence)
    }

    fn full() -> Bench {
        let mut bench = Bench::new(2);
        bench.lend(3, s(0), "worker-2");
        bench.lend(4, s(70), "job 4");
        bench.busy(4, s(71), "BLPOP");
        bench
    }

    #[test]
    fn it_says_who_waits_and_who_holds() {
        let mut bench = full();
        bench.queue(3, s(73), s(74));
        let want = "3 waiting 1.2 s: 2 held, 1 by worker-2 (longest #3 74.2 s); 1 leak, 1 busy with BLPOP";
        assert_eq!(found(&bench, Stamp(74_200_000_000), false).as_deref(), Some(want));
    }

    #[test]
    fn who_has_most_comes_first_and_who_has_one_longest_is_told_of() {
        let mut bench = Bench::new(3);
        bench.lend(3, s(0), "worker-2");
        bench.lend(4, s(70), "job");
        bench.lend(5, s(71), "job");
        bench.queue(3, s(73), s(75));
        let said = found(&bench, s(75), false).expect("a queue");
        let want = "3 waiting 2.0 s: 3 held, 2 by job (longest #4 5.0 s); 1 leak, longest #3 75.0 s worker-2";
        assert_eq!(said, want);
    }

    #[test]
    fn of_an_app_the_lines_that_hold_are_named_whatever_their_threads() {
        let mut bench = Bench::of_app(8);
        for conn in 0..5 {
            bench.lend_at(conn, s(70), "app.py:10", "export", How::Raw);
        }
        bench.lend_at(6, s(71), "app.py:20", "report", How::Pipeline);
        bench.gauges.in_use = 8;
        bench.lose(s(75), 0, 4);
        let row = bench.raise(&Exhausted, s(75));
        let want = "4 refused in the last 10 s, nobody waits now: 6 still held, \
                    5 by app.py:10 in export (longest #0 5.0 s), 1 by app.py:20 in report (longest #6 4.0 s)";
        assert_eq!((row.evidence.as_str(), row.advice), (want, PYTHON));
        bench.queue(3, s(73), s(75));
        let said = found(&bench, s(75), false).expect("a queue");
        assert!(said.contains(": 8 held, 5 by app.py:10 in export "), "{said}");
        assert!(said.ends_with("; 2 for less than 100 ms"), "{said}");
    }

    #[test]
    fn what_is_busy_is_no_leak_however_long_it_is_out() {
        let mut bench = Bench::new(2);
        bench.lend(3, s(0), "worker-2");
        bench.lend(4, s(0), "job 4");
        bench.busy(4, s(1), "BLPOP");
        bench.queue(1, s(73), s(75));
        let said = found(&bench, s(75), false).expect("a queue");
        assert!(said.ends_with("; 1 leak, 1 busy with BLPOP"), "{said}");
        bench.used(3, s(74), "GET");
        let said = found(&bench, s(75), false).expect("a queue");
        assert!(said.ends_with("; 1 busy with BLPOP"), "{said}");
    }

    #[test]
    fn a_queue_is_none_before_the_grace_or_while_a_slot_is_free() {
        let mut bench = full();
        bench.queue(3, s(73), s(73));
        assert_eq!(found(&bench, s(73) + Duration::from_millis(99), false), None);
        assert!(found(&bench, s(73) + GRACE, false).is_some());
        bench.gauges.max = 3;
        assert_eq!(found(&bench, s(75), false), None);
    }

    #[test]
    fn a_queue_that_comes_and_goes_is_told_with_its_number() {
        let mut bench = full();
        bench.queue(3, s(73), s(73));
        let said = found(&bench, s(73) + Duration::from_millis(50), true).expect("it held a moment ago");
        assert!(said.starts_with("3 waiting: 2 held, "), "{said}");
    }

    #[test]
    fn a_queue_whose_callers_change_is_as_old_as_none_of_them() {
        let mut bench = Bench::new(2);
        bench.gauges.opening = 2;
        for at in 1..=14 {
            bench.crowd(5, s(at));
        }
        assert_eq!(found(&bench, s(14), false).as_deref(), Some("5 waiting: 0 held; 2 opening"));
    }

    #[test]
    fn connections_being_opened_count_against_the_limit() {
        let mut bench = Bench::new(2);
        bench.gauges.opening = 2;
        bench.queue(5, s(1), s(3));
        assert_eq!(found(&bench, s(3), false).as_deref(), Some("5 waiting 2.0 s: 0 held; 2 opening"));
    }

    #[test]
    fn timeouts_and_refusals_raise_it_without_a_queue() {
        let mut bench = Bench::new(2);
        bench.lose(s(1), 4, 0);
        let want = "4 timed out in the last 10 s, nobody waits now";
        assert_eq!(found(&bench, s(1), false).as_deref(), Some(want));
        bench.lose(s(2), 0, 1);
        let want = "4 timed out and 1 refused in the last 10 s, nobody waits now";
        assert_eq!(found(&bench, s(2), false).as_deref(), Some(want));
    }

    #[test]
    fn once_there_is_room_it_is_over_and_who_got_nothing_is_what_was() {
        let mut bench = full();
        bench.queue(3, s(70), s(74));
        bench.queue(0, s(74), s(75));
        assert!(found(&bench, s(75), true).is_some(), "every slot is still taken");
        // As after POOL RESET.
        bench.gauges.in_use = 0;
        assert_eq!(found(&bench, s(75), true), None);
        bench.lose(s(75), 1, 0);
        let row = bench.raise(&Exhausted, s(75));
        assert_eq!((row.severity, row.advice), (Severity::Warn, OVER));
        bench.gauges.in_use = 2;
        let row = bench.raise(&Exhausted, s(75));
        assert_eq!((row.severity, row.advice), (Severity::Bad, ADVICE));
        for advice in [ADVICE, OVER] {
            assert!(!advice.contains("F2"), "keys are bound elsewhere, and may be bound anew: {advice}");
        }
    }

    #[test]
    fn who_has_got_a_connection_since_is_not_blamed_and_being_served_clears_it() {
        let mut bench = Bench::new(2);
        bench.lend(3, s(0), "worker-2");
        bench.lend(4, s(0), "job 1");
        bench.lose(s(75), 1, 0);
        let said = found(&bench, s(75), false).expect("one got nothing");
        assert!(said.contains("nobody waits now: 2 still held, "), "{said}");
        bench.give_back(3, s(76));
        bench.give_back(4, s(76));
        bench.lend_again(4, s(77), "job 2");
        let said = found(&bench, s(77), true);
        assert_eq!(said.as_deref(), Some("1 timed out in the last 10 s, nobody waits now"));
        assert!(found(&bench, s(80), true).is_some(), "nobody was seen to get one");
        bench.serve(s(77));
        assert!(found(&bench, s(75) + CALM, true).is_none());
        assert!(found(&bench, s(76), true).is_some(), "too early to tell");
        bench.lose(s(81), 1, 0);
        assert!(found(&bench, s(84), true).is_some(), "another, and nobody served since");
    }

    #[test]
    fn it_clears_once_there_was_no_queue_for_a_while() {
        let mut bench = full();
        bench.queue(3, s(70), s(74));
        bench.queue(0, s(74), s(75));
        let want =
            "nobody waits now: 2 still held, 1 by worker-2 (longest #3 75.0 s); 1 leak, 1 busy with BLPOP";
        assert_eq!(found(&bench, s(75), true).as_deref(), Some(want));
        assert_eq!(found(&bench, s(75), false), None, "and is not raised by what is over");
        assert_eq!(found(&bench, s(76), true), None);
    }
}
