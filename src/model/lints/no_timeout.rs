//! `no-timeout`: by the pool's own settings somebody may wait for ever: for a reply, or for a connection.
//!
//! A server that falls silent without closing its connections then holds a caller, its connection, and soon the whole
//! pool. It clears when the settings change.

use super::{Finding, Lint, View};
use crate::event::Bound;
use crate::snapshot::{LintRow, Severity};
use crate::text::duration;

const ADVICE: &str = "set an operation timeout (--socket-timeout) above the slowest command, and a bounded wait \
                      (--blocking-timeout); blocking commands bring a time of their own";

const PYTHON: &str = "give the client a socket_timeout above its slowest command, and a BlockingConnectionPool a timeout; blocking \
                      commands bring a time of their own";

/// See the module.
pub(crate) struct NoTimeout;

impl Lint for NoTimeout {
    fn id(&self) -> &'static str {
        "no-timeout"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let bounds = view.bounds;
        if ![bounds.reply, bounds.wait].contains(&Bound::Unbounded) {
            return Vec::new();
        }
        let words =
            [("a reply", bounds.reply), ("a connection", bounds.wait)].map(|(what, bound)| match bound {
                Bound::Unknown => None,
                Bound::Unbounded => Some(format!("{what} is waited for without a limit")),
                Bound::Within(limit) if limit.is_zero() => Some(format!("{what} is not waited for")),
                Bound::Within(limit) => Some(format!("{what} is waited for {} at most", duration(limit))),
            });
        let evidence = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: view.advice(ADVICE, PYTHON) }]
    }

    fn ending(&self, row: &LintRow, _view: &View<'_>) -> String {
        format!("the settings have limits now; before: {}", row.evidence)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::Bounds;

    const FIVE: Bound = Bound::Within(Duration::from_secs(5));

    fn found(reply: Bound, wait: Bound) -> Option<String> {
        let mut bench = Bench::new(10);
        bench.bounds = Bounds { wait, reply };
        bench.ask(&NoTimeout, s(1), false).pop().map(|finding| finding.evidence)
    }

    #[test]
    fn a_wait_without_a_limit_is_found_and_the_other_is_named() {
        let evidence = "a reply is waited for without a limit, a connection is waited for 5.0 s at most";
        assert_eq!(found(Bound::Unbounded, FIVE).as_deref(), Some(evidence));
        let evidence = "a reply is waited for 5.0 s at most, a connection is waited for without a limit";
        assert_eq!(found(FIVE, Bound::Unbounded).as_deref(), Some(evidence));
        let evidence = "a reply is waited for without a limit";
        assert_eq!(found(Bound::Unbounded, Bound::Unknown).as_deref(), Some(evidence));
        let evidence = "a reply is waited for without a limit, a connection is not waited for";
        assert_eq!(found(Bound::Unbounded, Bound::Within(Duration::ZERO)).as_deref(), Some(evidence));
    }

    #[test]
    fn limits_of_any_length_and_what_is_not_known_are_none() {
        let day = Bound::Within(Duration::from_secs(86_400));
        for (reply, wait) in
            [(FIVE, FIVE), (day, day), (Bound::Unknown, FIVE), (Bound::Unknown, Bound::Unknown)]
        {
            assert_eq!(found(reply, wait), None, "{reply:?} {wait:?}");
        }
    }

    #[test]
    fn it_clears_when_the_settings_have_limits() {
        let mut bench = Bench::new(10);
        bench.bounds.reply = Bound::Unbounded;
        let row = bench.raise(&NoTimeout, s(1));
        bench.bounds.reply = FIVE;
        assert!(bench.ask(&NoTimeout, s(2), true).is_empty());
        let ending = bench.ending(&NoTimeout, &row, s(2));
        assert_eq!(ending, "the settings have limits now; before: a reply is waited for without a limit");
    }
}
