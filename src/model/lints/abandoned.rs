//! `abandoned`: a connection whose taker has ended and that never came back: nobody is left who would give it back.
//!
//! The source says when a holder's command, job or scope ended, and whether the lease was to outlive it; this lint knows
//! nothing else of how a lease was made. It clears when the connection comes back or is closed.

use super::{Finding, Lint, View, name};
use crate::snapshot::{LintRow, RowState, Severity};
use crate::text::duration;

const ADVICE: &str = "who took it has ended and cannot give it back: keep the lease where its work is, so that it ends \
                      with that; now: POOL RESET";

/// See the module.
pub(crate) struct Abandoned;

impl Lint for Abandoned {
    fn id(&self) -> &'static str {
        "abandoned"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let left = view.lingering().filter_map(|(row, since, holder)| {
            let alone = view.now.since(holder.ended?);
            let out = duration(view.now.since(since));
            let evidence =
                format!("{} out {out}, its taker ended {} ago  {}", row.id, duration(alone), name(holder));
            Some(Finding {
                conn: Some(row.id),
                severity: Severity::Bad,
                evidence: evidence.trim_end().to_owned(),
                advice: ADVICE,
            })
        });
        left.collect()
    }

    fn ending(&self, row: &LintRow, view: &View<'_>) -> String {
        let Some(conn) = row.conn() else { return row.evidence.clone() };
        let ended = match view.connections.get(conn).map(|row| &row.state) {
            Some(RowState::Available { .. }) => "came back",
            Some(RowState::InUse { .. }) => "has another holder",
            None => "was closed",
        };
        format!("{conn} {ended}, {} after it was called abandoned", duration(view.now.since(row.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::Stamp;

    fn found(bench: &Bench, now: Stamp) -> Vec<String> {
        bench.ask(&Abandoned, now, false).into_iter().map(|finding| finding.evidence).collect()
    }

    #[test]
    fn a_lease_whose_taker_has_ended_is_abandoned() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(1), "POOL LEAK 1");
        assert!(found(&bench, s(600)).is_empty(), "however long it is out");
        bench.leave(3, s(5));
        assert_eq!(found(&bench, s(75)), ["#3 out 74.0 s, its taker ended 70.0 s ago  POOL LEAK 1"]);
    }

    #[test]
    fn one_whose_taker_works_or_gave_it_back_is_none() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(1), "job 2");
        bench.lend(4, s(1), "job 3");
        bench.leave(3, s(5));
        bench.give_back(3, s(5));
        bench.busy(4, s(6), "BLPOP");
        assert!(found(&bench, s(600)).is_empty());
    }

    #[test]
    fn it_clears_when_the_connection_comes_back_or_is_closed() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "job 2");
        bench.leave(3, s(1));
        let row = bench.raise(&Abandoned, s(2));
        bench.give_back(3, s(9));
        assert!(found(&bench, s(9)).is_empty());
        assert_eq!(bench.ending(&Abandoned, &row, s(9)), "#3 came back, 7.0 s after it was called abandoned");
        bench.close(3);
        assert_eq!(
            bench.ending(&Abandoned, &row, s(9)),
            "#3 was closed, 7.0 s after it was called abandoned"
        );
    }
}
