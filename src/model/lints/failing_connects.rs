//! `failing-connects`: connections cannot be opened.
//!
//! One failure is an event; [`FAILURES`] within [`WINDOW`] seconds are a judgement. So is a single one, [`GRACE`] later,
//! of a pool that has no connection left: a server that refuses the password is asked seldom, and still nothing works.
//! The first clears when there was no failure for [`WINDOW`] seconds, but not while the server is lost and none went
//! well since; the second when one is opened, and after [`KEPT`]
//! where the server answers again and nobody asks.

use std::time::Duration;

use super::{Finding, Lint, View};
use crate::snapshot::{LintRow, Severity};
use crate::text::duration;

/// In seconds.
const WINDOW: u64 = 10;

/// So many raise it.
const FAILURES: u64 = 3;

/// How long a pool without a connection is given to try again.
const GRACE: Duration = Duration::from_secs(1);

/// How long the last word on a server counts that is known to be up.
const KEPT: Duration = Duration::from_secs(60);

pub(crate) const ADVICE: &str =
    "is the server up, the address right, the password good, and room under its maxclients?";

/// See the module.
pub(crate) struct FailingConnects;

impl Lint for FailingConnects {
    fn id(&self) -> &'static str {
        "failing-connects"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let span = view.recent.last(view.now, WINDOW);
        if span.open_failures < if holds { 1 } else { FAILURES } {
            return standing(view).or_else(|| unproven(view, holds)).into_iter().collect();
        }
        let failed = span.open_failures;
        let all = failed.saturating_add(span.opened);
        vec![finding(view, &format!("{failed} of {all} connects failed in the last {WINDOW} s"))]
    }

    fn ending(&self, _row: &LintRow, view: &View<'_>) -> String {
        match view.recent.failing() {
            Some(failing) => format!("none failed for {}", duration(view.now.since(failing.last))),
            None => "a connect has gone well".to_owned(),
        }
    }
}

/// Nobody asks, so that nothing fails, and nothing says that the server is back either.
fn unproven(view: &View<'_>, holds: bool) -> Option<Finding> {
    let failing = view.recent.failing().filter(|_| holds && view.lost)?;
    let ago = duration(view.now.since(failing.last));
    Some(finding(view, &format!("none has gone well since {} failed, the last {ago} ago", failing.count)))
}

fn finding(view: &View<'_>, what: &str) -> Finding {
    let why = view.recent.error().map_or_else(String::new, |error| format!(": {error}"));
    Finding { conn: None, severity: Severity::Bad, evidence: format!("{what}{why}"), advice: ADVICE }
}

/// No connection is left, and the last attempt to open one failed.
fn standing(view: &View<'_>) -> Option<Finding> {
    let created = view.gauges.in_use.saturating_add(view.gauges.available);
    let failing = view.recent.failing().filter(|_| created == 0)?;
    let ago = view.now.since(failing.last);
    if view.now.since(failing.since) < GRACE || (view.server.is_some() && ago >= KEPT) {
        return None;
    }
    let (count, ago) = (failing.count, duration(ago));
    let tried = if count == 1 { "the last connect".to_owned() } else { format!("the last {count} connects") };
    Some(finding(view, &format!("no connection left, and {tried} failed, {ago} ago")))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn failed(bench: &mut Bench, at: u64, count: u64) {
        bench.tick(s(at), |pulse| pulse.totals.open_failures += count);
        bench.recent.open_failed("connection refused");
    }

    #[test]
    fn three_within_ten_seconds_raise_it() {
        let mut bench = Bench::new(10);
        bench.gauges.available = 1;
        failed(&mut bench, 1, 1);
        failed(&mut bench, 12, 2);
        assert!(bench.ask(&FailingConnects, s(12), false).is_empty(), "two, and one of long ago");
        failed(&mut bench, 13, 1);
        bench.tick(s(13), |pulse| pulse.totals.opened += 4);
        let row = bench.raise(&FailingConnects, s(13));
        assert_eq!(row.evidence, "3 of 7 connects failed in the last 10 s: connection refused");
    }

    #[test]
    fn one_is_enough_where_no_connection_is_left() {
        let mut bench = Bench::new(10);
        failed(&mut bench, 5, 1);
        assert!(bench.ask(&FailingConnects, s(5), false).is_empty(), "it may be a blip");
        let row = bench.raise(&FailingConnects, s(6));
        let want = "no connection left, and the last connect failed, 1.0 s ago: connection refused";
        assert_eq!(row.evidence, want);
        failed(&mut bench, 40, 1);
        let row = bench.raise(&FailingConnects, s(99));
        assert!(row.evidence.starts_with("no connection left, and the last 2 connects failed, 59.0 s ago"));
        assert!(bench.ask(&FailingConnects, s(100), true).is_empty(), "the server answers, and nobody asks");
        let mut lost = bench.view(s(100));
        lost.server = None;
        assert_eq!(FailingConnects.evaluate(&lost, true).len(), 1);
        bench.gauges.available = 1;
        assert!(bench.ask(&FailingConnects, s(50), false).is_empty(), "one is left");
        bench.gauges.available = 0;
        bench.tick(s(51), |pulse| pulse.totals.opened += 1);
        assert!(bench.ask(&FailingConnects, s(52), true).is_empty(), "one went well, and was closed");
    }

    #[test]
    fn its_page_has_these_numbers() {
        let page = include_str!("../../../assets/lints/failing-connects.md");
        for words in [
            format!("failed in the last {WINDOW} s >= {FAILURES}\n"),
            format!("every connect failed for {} s or longer\n", GRACE.as_secs()),
            format!("none for {WINDOW} s;"),
            format!("after {} s without another", KEPT.as_secs()),
        ] {
            assert!(page.contains(&words), "{words}");
        }
    }

    #[test]
    fn it_holds_while_the_server_is_lost_and_nothing_has_connected() {
        let mut bench = Bench::new(10);
        bench.gauges.in_use = 2;
        failed(&mut bench, 1, 4);
        let row = bench.raise(&FailingConnects, s(1));
        bench.lost = true;
        assert!(bench.ask(&FailingConnects, s(20), false).is_empty(), "and is not raised by it");
        let found = bench.ask(&FailingConnects, s(20), true).pop().expect("it holds");
        let want = "none has gone well since 4 failed, the last 19.0 s ago: connection refused";
        assert_eq!(found.evidence, want);
        bench.lost = false;
        assert!(bench.ask(&FailingConnects, s(20), true).is_empty());
        assert_eq!(bench.ending(&FailingConnects, &row, s(20)), "none failed for 19.0 s");
        bench.lost = true;
        bench.tick(s(21), |pulse| pulse.totals.opened += 1);
        assert!(bench.ask(&FailingConnects, s(31), true).is_empty());
        assert_eq!(bench.ending(&FailingConnects, &row, s(31)), "a connect has gone well");
    }

    #[test]
    fn it_clears_after_ten_seconds_without_one() {
        let mut bench = Bench::new(10);
        bench.gauges.available = 1;
        failed(&mut bench, 1, 3);
        failed(&mut bench, 5, 1);
        assert_eq!(bench.ask(&FailingConnects, s(14), true).len(), 1);
        assert!(bench.ask(&FailingConnects, s(15), true).is_empty());
    }
}
