//! `failing-connects`: connections cannot be opened.
//!
//! One failure is an event; [`FAILURES`] within [`WINDOW`] seconds are a judgement. It clears when there was none for
//! as long.

use super::{Finding, Lint, View};
use crate::snapshot::Severity;

/// In seconds.
const WINDOW: u64 = 10;

/// So many raise it.
const FAILURES: u64 = 3;

const ADVICE: &str = "is the server up, the address right, the password good, and room under its maxclients?";

/// See the module.
pub(crate) struct FailingConnects;

impl Lint for FailingConnects {
    fn id(&self) -> &'static str {
        "failing-connects"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let span = view.recent.last(view.now, WINDOW);
        if span.open_failures < if holds { 1 } else { FAILURES } {
            return Vec::new();
        }
        let failed = span.open_failures;
        let all = failed.saturating_add(span.opened);
        let why = view.recent.error().map_or_else(String::new, |error| format!(": {error}"));
        let evidence = format!("{failed} of {all} connects failed in the last {WINDOW} s{why}");
        vec![Finding { conn: None, severity: Severity::Bad, evidence, advice: ADVICE }]
    }
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
        failed(&mut bench, 1, 1);
        failed(&mut bench, 12, 2);
        assert!(bench.ask(&FailingConnects, s(12), false).is_empty(), "two, and one of long ago");
        failed(&mut bench, 13, 1);
        bench.tick(s(13), |pulse| pulse.totals.opened += 4);
        let row = bench.raise(&FailingConnects, s(13));
        assert_eq!(row.evidence, "3 of 7 connects failed in the last 10 s: connection refused");
    }

    #[test]
    fn it_clears_after_ten_seconds_without_one() {
        let mut bench = Bench::new(10);
        failed(&mut bench, 1, 3);
        failed(&mut bench, 5, 1);
        assert_eq!(bench.ask(&FailingConnects, s(14), true).len(), 1);
        assert!(bench.ask(&FailingConnects, s(15), true).is_empty());
    }
}
