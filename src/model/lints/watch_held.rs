//! `watch-held`: a pipeline of an app keeps a connection in WATCH or MULTI, and nobody goes on with it.
//!
//! Judged once the lease is out for [`OUT`] and quiet for [`QUIET`], as `stuck-transaction` judges pools of our own. A
//! pipeline that was dropped can never go on, which is known at once: it has a connection between two calls only since
//! it watches. It clears with EXEC, DISCARD, UNWATCH or reset, with the next command, and when the connection comes back
//! or is closed.

use super::leak::quiet_since;
use super::stuck_transaction::{OUT, QUIET, in_transaction};
use super::{Finding, Lint, View, name};
use crate::event::How;
use crate::snapshot::{LintRow, RowState, Severity};
use crate::text::duration;

const IDLE: &str =
    "end it on every path, errors too: `with client.pipeline() as p` resets it, in asyncio `async with`";

const DROPPED: &str = "a pipeline that watches has a connection until it is reset: `with client.pipeline() as p`, in asyncio \
                       `async with`, or `await p.reset()` in a `finally`";

/// See the module.
pub(crate) struct WatchHeld;

impl Lint for WatchHeld {
    fn id(&self) -> &'static str {
        "watch-held"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        if view.inside.is_none() {
            return Vec::new();
        }
        let held = view.lingering().filter_map(|(row, since, holder)| {
            let (out, quiet) = (view.now.since(since), view.now.since(quiet_since(row, since)));
            let began = in_transaction(row);
            let (said, severity, advice) = match (holder.ended, began) {
                (Some(ended), _) if holder.how == Some(How::Pipeline) => {
                    let ago = duration(view.now.since(ended));
                    let began = began.unwrap_or("WATCH");
                    (format!("in {began}, its pipeline was dropped {ago} ago"), Severity::Bad, DROPPED)
                }
                (None, Some(began)) if out >= OUT && quiet >= QUIET && row.busy_since.is_none() => {
                    (format!("in {began}, idle {}", duration(quiet)), Severity::Warn, IDLE)
                }
                _ => return None,
            };
            let evidence = format!("{} out {}, {said}  {}", row.id, duration(out), name(holder));
            let evidence = evidence.trim_end().to_owned();
            Some(Finding { conn: Some(row.id), severity, evidence, advice })
        });
        held.collect()
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
    use super::super::stuck_transaction::StuckTransaction;
    use super::*;

    fn watching() -> Bench {
        let mut bench = Bench::of_app(10);
        bench.lend_at(3, s(0), "shop.py:30", "buy", How::Pipeline);
        bench.used(3, s(1), "WATCH");
        bench.pin(3, s(1), "WATCH");
        bench
    }

    #[test]
    fn one_that_nobody_goes_on_with_is_found_and_called_so_once() {
        let bench = watching();
        assert!(bench.ask(&WatchHeld, s(9), false).is_empty());
        let row = bench.raise(&WatchHeld, s(10));
        assert_eq!(row.evidence, "#3 out 10.0 s, in WATCH, idle 9.0 s  shop.py:30 in buy");
        assert_eq!((row.severity, row.advice), (Severity::Warn, IDLE));
        assert!(bench.ask(&StuckTransaction, s(10), false).is_empty(), "that is of pools of our own");
    }

    #[test]
    fn one_that_was_dropped_is_found_at_once() {
        let mut bench = watching();
        bench.unpin(3, s(2));
        bench.leave(3, s(2));
        let row = bench.raise(&WatchHeld, s(3));
        assert_eq!(
            row.evidence,
            "#3 out 3.0 s, in WATCH, its pipeline was dropped 1.0 s ago  shop.py:30 in buy"
        );
        assert_eq!((row.severity, row.advice), (Severity::Bad, DROPPED));
        bench.lend_at(4, s(0), "jobs.py:1", "take", How::Raw);
        bench.leave(4, s(2));
        assert_eq!(
            bench.ask(&WatchHeld, s(3), false).len(),
            1,
            "what was taken by hand is abandoned, no more"
        );
    }

    #[test]
    fn one_that_goes_on_or_waits_for_a_reply_and_a_pool_of_ours_are_none() {
        let mut bench = watching();
        bench.used(3, s(8), "GET");
        assert!(bench.ask(&WatchHeld, s(12), false).is_empty());
        bench.busy(3, s(13), "GET");
        assert!(bench.ask(&WatchHeld, s(60), false).is_empty());
        bench.inside = None;
        bench.used(3, s(60), "GET");
        assert!(bench.ask(&WatchHeld, s(90), false).is_empty());
    }

    #[test]
    fn it_clears_when_the_transaction_ends_or_the_connection_comes_back() {
        let mut bench = watching();
        let row = bench.raise(&WatchHeld, s(10));
        bench.unpin(3, s(11));
        assert!(bench.ask(&WatchHeld, s(11), true).is_empty());
        assert_eq!(bench.ending(&WatchHeld, &row, s(11)), "#3 is out of its transaction, after 1.0 s");
        bench.give_back(3, s(12));
        assert_eq!(bench.ending(&WatchHeld, &row, s(12)), "#3 came back, after 2.0 s");
    }
}
