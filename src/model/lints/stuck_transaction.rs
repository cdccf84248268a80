//! `stuck-transaction`: MULTI or WATCH keeps a connection, and nobody goes on with it.
//!
//! Judged once the lease is out for [`OUT`] and quiet for [`QUIET`]. It clears with EXEC, DISCARD or UNWATCH, with the
//! next command, and when the connection comes back or is closed. A leak it may be as well: this says why.

use std::time::Duration;

use super::leak::quiet_since;
use super::{Finding, Lint, View, name};
use crate::snapshot::{ConnectionRow, LintRow, RowState, Severity};
use crate::text::duration;

/// How long the lease must be out.
pub(super) const OUT: Duration = Duration::from_secs(10);

/// How long nothing may have moved.
pub(super) const QUIET: Duration = Duration::from_secs(5);

const ADVICE: &str = "end it on every path, errors too: EXEC, DISCARD or UNWATCH; a pipeline in `with` does";

/// See the module.
pub(crate) struct StuckTransaction;

/// What began the transaction that keeps a connection.
pub(super) fn in_transaction(row: &ConnectionRow) -> Option<&str> {
    let RowState::InUse { pinned: Some(pinned), .. } = &row.state else { return None };
    ["MULTI", "WATCH"].into_iter().find(|began| **pinned == **began)
}

impl Lint for StuckTransaction {
    fn id(&self) -> &'static str {
        "stuck-transaction"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        // That of an app's pipelines is `watch-held`.
        if view.inside.is_some() {
            return Vec::new();
        }
        let stuck = view.lingering().filter_map(|(row, since, holder)| {
            let (out, quiet) = (view.now.since(since), view.now.since(quiet_since(row, since)));
            let began = in_transaction(row)?;
            if out < OUT || quiet < QUIET || row.busy_since.is_some() {
                return None;
            }
            let (out, quiet) = (duration(out), duration(quiet));
            let evidence = format!("{} in {began}, out {out}, idle {quiet}  {}", row.id, name(holder));
            Some(Finding {
                conn: Some(row.id),
                severity: Severity::Warn,
                evidence: evidence.trim_end().to_owned(),
                advice: ADVICE,
            })
        });
        stuck.collect()
    }

    fn ending(&self, row: &LintRow, view: &View<'_>) -> String {
        let Some(conn) = row.conn() else { return row.evidence.clone() };
        let ended = match view.connections.get(conn) {
            None => "was closed",
            Some(row) if matches!(row.state, RowState::Available { .. }) => "came back",
            Some(row) if in_transaction(row).is_none() => "is out of its transaction",
            Some(_) => "went on",
        };
        format!("{conn} {ended}, after {}", duration(view.now.since(row.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn watching() -> Bench {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "worker");
        bench.used(3, s(1), "WATCH");
        bench.pin(3, s(1), "WATCH");
        bench
    }

    #[test]
    fn it_raises_when_nobody_goes_on() {
        let bench = watching();
        assert!(bench.ask(&StuckTransaction, s(9), false).is_empty());
        let row = bench.raise(&StuckTransaction, s(10));
        assert_eq!(row.evidence, "#3 in WATCH, out 10.0 s, idle 9.0 s  worker");
    }

    #[test]
    fn one_that_goes_on_and_a_pin_that_is_no_transaction_are_none() {
        let mut bench = watching();
        bench.used(3, s(8), "GET");
        assert!(bench.ask(&StuckTransaction, s(12), false).is_empty());
        bench.pin(3, s(8), "SELECT");
        assert!(bench.ask(&StuckTransaction, s(60), false).is_empty());
    }

    #[test]
    fn it_clears_when_the_connection_comes_back() {
        let mut bench = watching();
        let row = bench.raise(&StuckTransaction, s(10));
        bench.give_back(3, s(12));
        assert!(bench.ask(&StuckTransaction, s(12), true).is_empty());
        assert_eq!(bench.ending(&StuckTransaction, &row, s(12)), "#3 came back, after 2.0 s");
    }
}
