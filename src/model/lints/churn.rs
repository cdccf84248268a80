//! `churn`: connections are opened for a moment and closed again, as a client for each request does.
//!
//! [`CLOSED`] connections that lived for less than five seconds, closed on purpose in at least three of the last
//! [`WINDOW`] seconds. One burst that is closed at once is none. It clears at half of that.

use super::{Finding, Lint, View};
use crate::model::recent::BRIEF;
use crate::snapshot::Severity;
use crate::text::{duration, thousands};

/// In seconds.
const WINDOW: u64 = 10;

/// So many raise it.
const CLOSED: u64 = 10;

/// In so many different seconds.
const SPREAD: u64 = 3;

const ADVICE: &str = "keep one client or pool for the program's life, and a higher max-idle or max-lifetime";

const PYTHON: &str =
    "keep one client for the process's life and share it: its pool keeps connections open between commands";

/// See the module.
pub(crate) struct Churn;

impl Lint for Churn {
    fn id(&self) -> &'static str {
        "churn"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let span = view.recent.last(view.now, WINDOW);
        let enough = if holds { CLOSED / 2 } else { CLOSED };
        if span.brief.count < enough || (!holds && span.brief_seconds < SPREAD) {
            return Vec::new();
        }
        let evidence = format!(
            "{} closed in the last {WINDOW} s within {} s of opening, {} old on average",
            thousands(span.brief.count),
            BRIEF.as_secs(),
            duration(span.brief.mean())
        );
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: view.advice(ADVICE, PYTHON) }]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::CloseReason;

    fn close(bench: &mut Bench, at: u64, count: u64, lived: u64) {
        for _ in 0..count {
            bench.recent.closed(s(at), Duration::from_millis(lived), CloseReason::Asked);
        }
    }

    #[test]
    fn short_lives_at_a_rate_raise_it() {
        let mut bench = Bench::new(10);
        for at in 1..=5 {
            close(&mut bench, at, 2, 20);
        }
        let row = bench.raise(&Churn, s(5));
        assert_eq!(row.evidence, "10 closed in the last 10 s within 5 s of opening, 20.0 ms old on average");
    }

    #[test]
    fn one_burst_long_lives_and_a_few_are_none() {
        let mut bench = Bench::new(10);
        close(&mut bench, 1, 50, 20);
        assert!(bench.ask(&Churn, s(1), false).is_empty(), "all at once");
        let mut bench = Bench::new(10);
        for at in 1..=9 {
            close(&mut bench, at, 1, 20);
            close(&mut bench, at, 5, 5_000);
        }
        assert!(bench.ask(&Churn, s(9), false).is_empty());
    }

    #[test]
    fn it_clears_at_half_the_rate() {
        let mut bench = Bench::new(10);
        for at in 1..=5 {
            close(&mut bench, at, 2, 20);
        }
        assert_eq!(bench.ask(&Churn, s(12), true).len(), 1);
        assert!(bench.ask(&Churn, s(13), true).is_empty());
    }
}
