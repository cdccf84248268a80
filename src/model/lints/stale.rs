//! `stale`: connections died while they lay in the pool.
//!
//! Seen by the health check before one is lent, and in the background. [`DEAD`] within a minute raise it; it clears a
//! minute after the last.

use super::{Finding, Lint, View};
use crate::snapshot::Severity;

/// In seconds.
const WINDOW: u64 = 60;

/// So many raise it: one may be an operator's CLIENT KILL.
const DEAD: u64 = 2;

const ADVICE: &str = "keep max-idle under the server's `timeout` and under what firewalls on the way forget";

/// See the module.
pub(crate) struct Stale;

impl Lint for Stale {
    fn id(&self) -> &'static str {
        "stale"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let span = view.recent.last(view.now, WINDOW);
        if span.health_failures < if holds { 1 } else { DEAD } {
            return Vec::new();
        }
        let (dead, asked) = (span.health_failures, span.health_checks);
        let evidence = format!("{dead} of {asked} health checks in the last {WINDOW} s found it dead");
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: ADVICE }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn checked(bench: &mut Bench, at: u64, dead: u64) {
        bench.tick(s(at), |pulse| {
            pulse.totals.health_checks += 5;
            pulse.totals.health_failures += dead;
        });
    }

    #[test]
    fn two_in_a_minute_raise_it_and_it_clears_a_minute_after_the_last() {
        let mut bench = Bench::new(10);
        checked(&mut bench, 1, 1);
        assert!(bench.ask(&Stale, s(1), false).is_empty(), "one is none");
        checked(&mut bench, 31, 1);
        let want = "2 of 10 health checks in the last 60 s found it dead";
        assert_eq!(bench.raise(&Stale, s(31)).evidence, want);
        assert_eq!(bench.ask(&Stale, s(90), true).len(), 1);
        assert!(bench.ask(&Stale, s(91), true).is_empty());
    }
}
