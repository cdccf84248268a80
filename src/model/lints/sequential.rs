//! `sequential`: many commands on one lease, each sent after the reply to the one before: a pipeline would wait once.
//!
//! Judged by what leases came to in the last [`WINDOW`] seconds: at least [`COMMANDS`] commands, [`EACH`] of them a
//! lease, and most of the time that leases were out spent waiting for one reply at a time. The round trips of a pipeline
//! overlap, so that they come to much more than that time. It clears when there was no more such use for as long.

use super::{Finding, Lint, View};
use crate::snapshot::Severity;
use crate::text::{duration, thousands};

/// In seconds.
const WINDOW: u64 = 10;

/// So many commands raise it.
const COMMANDS: u64 = 200;

/// So many of them in a lease.
const EACH: u64 = 50;

const ADVICE: &str = "send commands that do not need each other's replies as one pipeline";

/// See the module.
pub(crate) struct Sequential;

impl Lint for Sequential {
    fn id(&self) -> &'static str {
        "sequential"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let span = view.recent.last(view.now, WINDOW);
        let (trips, held) = (span.round_trip, span.held);
        if trips.count < COMMANDS || held.count == 0 || trips.count / held.count < EACH {
            return Vec::new();
        }
        // A tenth more, for commands of leases that are still out.
        let in_turn = trips.nanos.saturating_mul(2) >= held.nanos
            && trips.nanos.saturating_mul(10) <= held.nanos.saturating_mul(11);
        if !in_turn {
            return Vec::new();
        }
        let evidence = format!(
            "{} commands in {} leases, one after the other: {} a reply, {} a lease",
            thousands(trips.count),
            thousands(held.count),
            duration(trips.mean()),
            duration(held.mean())
        );
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: ADVICE }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::Samples;

    /// Leases of 50 ms, each with so many commands that took so many microseconds.
    fn used(leases: u64, commands: u64, micros: u64) -> Bench {
        let mut bench = Bench::new(10);
        bench.tick(s(1), |_| {});
        bench.tick(s(20), |pulse| {
            pulse.totals.checkouts += leases;
            pulse.held.0.push((50_000_000, leases));
            pulse.round_trips.push(("SET".into(), Samples(vec![(micros * 1_000, leases * commands)])));
        });
        bench
    }

    #[test]
    fn many_commands_in_turn_raise_it_and_it_clears_when_they_are_over() {
        let bench = used(2, 1_000, 46);
        let row = bench.raise(&Sequential, s(20));
        let want = "2,000 commands in 2 leases, one after the other: 0.05 ms a reply, 50.0 ms a lease";
        assert_eq!(row.evidence, want);
        assert!(bench.ask(&Sequential, s(30), true).is_empty());
    }

    #[test]
    fn a_pipeline_a_few_a_lease_and_a_holder_that_computes_are_none() {
        // Each round trip of a pipeline is counted from the batch's start.
        for bench in [used(2, 1_000, 25_000), used(100, 49, 1_000), used(2, 99, 500), used(2, 1_000, 20)] {
            assert!(bench.ask(&Sequential, s(20), false).is_empty());
        }
    }
}
