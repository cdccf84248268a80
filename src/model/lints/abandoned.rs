//! `abandoned`: a connection whose taker has ended and that never came back: nobody is left who would give it back.
//!
//! The source says when a holder's command, job or scope ended, and whether the lease was to outlive it; this lint knows
//! nothing else of how a lease was made. It clears when the connection comes back or is closed.

use super::{Finding, Lint, View, name};
use crate::event::How;
use crate::snapshot::{LintRow, RowState, Severity};
use crate::text::duration;

const ADVICE: &str = "who took it has ended and cannot give it back: keep the lease where its work is, so that it ends \
                      with that; now: POOL RESET";

pub(crate) const PYTHON: &str = "what had it was collected and cannot give it back: close it before it is dropped, on every path: \
                                 `with`, in asyncio `async with`, or a `finally`";

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
            let (what, ended) = match (view.inside, holder.how) {
                (None, _) => ("taker", "ended"),
                (Some(_), Some(How::PubSub)) => ("PubSub", "was collected"),
                (Some(_), Some(How::Pipeline)) => ("pipeline", "was collected"),
                (Some(_), _) => ("owner", "was collected"),
            };
            let (alone, who) = (duration(alone), name(holder));
            let evidence = format!("{} out {out}, its {what} {ended} {alone} ago  {who}", row.id);
            Some(Finding {
                conn: Some(row.id),
                severity: Severity::Bad,
                evidence: evidence.trim_end().to_owned(),
                advice: view.advice(ADVICE, PYTHON),
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
    fn of_an_app_it_says_what_was_collected() {
        let words = [(How::PubSub, "PubSub"), (How::Pipeline, "pipeline"), (How::Raw, "owner")];
        for (how, word) in words {
            let mut bench = Bench::of_app(10);
            bench.lend_at(3, s(1), "app.py:9", "main", how);
            bench.leave(3, s(2));
            let row = bench.raise(&Abandoned, s(3));
            let want = format!("#3 out 2.0 s, its {word} was collected 1.0 s ago  app.py:9 in main");
            assert_eq!((row.evidence, row.advice), (want, PYTHON));
        }
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
