//! `sequential`: many commands on one lease, one after the other with nothing in between but their round trips.
//!
//! A pipeline sends such commands at once and waits once. A run counts from [`COMMANDS`] on, when its holder did little
//! beside waiting, and lasted [`TOOK`]. Commands that block, and those whose next step needs the reply before it, are no
//! pipeline's business. It clears a minute after the last such run.

use std::time::Duration;

use super::{Finding, Lint, View, name};
use crate::event::Run;
use crate::event::waiting::waits_on_purpose;
use crate::snapshot::{LintRow, Severity};
use crate::text::{duration, thousands};

/// A shorter run is not worth a pipeline.
const COMMANDS: u64 = 100;

/// Nor is one that took less.
const TOOK: Duration = Duration::from_millis(5);

/// Of the time on the way so much may be spent between two commands; who spends more computes.
const OWN: u32 = 2;

/// Each needs the reply before it.
const ONE_BY_ONE: [&str; 4] = ["SCAN", "HSCAN", "SSCAN", "ZSCAN"];

const ADVICE: &str = "send those that do not need the reply before them as one batch: a pipeline waits for one round \
                      trip, not for each";

/// See the module.
pub(crate) struct Sequential;

fn is_worth_a_pipeline(run: &Run) -> bool {
    run.commands >= COMMANDS
        && run.took >= TOOK
        && run.between.saturating_mul(OWN) <= run.took
        && !run.command.as_deref().is_some_and(|last| ONE_BY_ONE.contains(&last) || waits_on_purpose(last))
}

impl Lint for Sequential {
    fn id(&self) -> &'static str {
        "sequential"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let run = view.runs.longest(view.now).filter(|run| is_worth_a_pipeline(run));
        let found = run.map(|run| {
            let last = run.command.as_deref().map_or_else(String::new, |last| format!(", last {last}"));
            let evidence = format!(
                "{} commands one by one in {}{last}: each waited {} for its reply  {}",
                thousands(run.commands),
                duration(run.took.saturating_add(run.between)),
                duration(run.took / u32::try_from(run.commands).unwrap_or(u32::MAX).max(1)),
                name(&run.holder)
            );
            let evidence = evidence.trim_end().to_owned();
            Finding { conn: None, severity: Severity::Warn, evidence, advice: ADVICE }
        });
        found.into_iter().collect()
    }

    fn ending(&self, row: &LintRow, _view: &View<'_>) -> String {
        format!("none for a minute; the last: {}", row.evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::Holder;

    fn run(commands: u64, took: u64, between: u64, last: &str) -> Run {
        let holder = Holder { label: Some("import".into()), ..Holder::default() };
        let (took, between) = (Duration::from_millis(took), Duration::from_millis(between));
        Run { commands, took, between, command: Some(last.into()), holder }
    }

    fn found(run: &Run) -> Option<String> {
        let mut bench = Bench::new(10);
        bench.ran(s(5), run);
        bench.ask(&Sequential, s(5), false).pop().map(|finding| finding.evidence)
    }

    #[test]
    fn a_long_run_with_nothing_between_is_found() {
        let evidence =
            "1,000 commands one by one in 85.0 ms, last SET: each waited 0.08 ms for its reply  import";
        assert_eq!(found(&run(1_000, 80, 5, "SET")).as_deref(), Some(evidence));
        assert!(found(&run(100, 5, 2, "SET")).is_some());
    }

    #[test]
    fn what_a_pipeline_does_not_help_is_none() {
        assert_eq!(found(&run(99, 80, 5, "SET")), None, "few");
        assert_eq!(found(&run(1_000, 4, 1, "SET")), None, "over in no time");
        assert_eq!(found(&run(1_000, 80, 41, "SET")), None, "it computes in between");
        assert_eq!(found(&run(1_000, 80, 5, "SCAN")), None, "each needs the cursor before it");
        assert_eq!(found(&run(1_000, 80, 5, "BLPOP")), None, "it waits for others");
    }

    #[test]
    fn it_clears_a_minute_after_the_last_run() {
        let mut bench = Bench::new(10);
        bench.ran(s(5), &run(1_000, 80, 5, "SET"));
        bench.ran(s(30), &run(500, 80, 5, "GET"));
        let row = bench.raise(&Sequential, s(5));
        let at = |now| bench.ask(&Sequential, s(now), true).pop().map(|finding| finding.evidence);
        assert!(at(64).is_some_and(|evidence| evidence.starts_with("1,000")));
        assert!(at(65).is_some_and(|evidence| evidence.starts_with("500")), "the next longest");
        assert!(at(89).is_some() && at(90).is_none());
        assert!(bench.ending(&Sequential, &row, s(90)).starts_with("none for a minute; the last: 1,000"));
    }
}
