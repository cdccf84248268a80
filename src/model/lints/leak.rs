//! `leak`: a connection that is out longer than the threshold while nothing happens on it.
//!
//! A long hold is not a leak: a lease that waits for a reply (`BLPOP q 0`), listens to a subscription, or was used a
//! moment ago, has a holder at work; a subscriber or a client of one connection holds it for its life. So a lease is judged only once it was out for the whole threshold and quiet for
//! at least the later half of it. It clears when the connection comes back, is closed, or is used again.

use super::pubsub_held::is_subscribed;
use super::{Finding, Lint, View, name};
use crate::event::waiting::LISTENING;
use crate::event::{How, Stamp};
use crate::snapshot::{ConnectionRow, LintRow, RowState, Severity};
use crate::text::duration;

pub(crate) const ADVICE: &str = "if you hold it by hand, POOL RELEASE; else POOL RESET now, and give it back on every path, errors \
                      too: a guard, `with` or `finally`";

pub(crate) const PYTHON: &str = "give it back on every path, errors too: `pool.release(conn)` in a `finally`; clients, locks and \
                                 pipelines in `with` do so, in asyncio `async with`";

const DEAD: &str = "the server closed it and nothing can be sent on it: release it, or POOL RESET drops it; then see \
                    why its holder kept it";

/// See the module.
pub(crate) struct Leak;

/// When the lease last had a sign of life: bytes, or its beginning.
pub(crate) fn quiet_since(row: &ConnectionRow, out_since: Stamp) -> Stamp {
    row.last_active.max(out_since)
}

pub(crate) fn at_work(row: &ConnectionRow) -> bool {
    let listening = row.last_sent().is_some_and(|last| LISTENING.contains(&last)) || is_subscribed(row);
    row.busy_since.is_some()
        || listening
        || row.holder().and_then(|holder| holder.how).is_some_and(How::holds_for_life)
}

/// Whether this lease is a leak.
pub(crate) fn leaks(view: &View<'_>, row: &ConnectionRow, since: Stamp) -> bool {
    let threshold = view.options.leak_threshold;
    let (out, quiet) = (view.now.since(since), view.now.since(quiet_since(row, since)));
    !at_work(row) && out >= threshold && quiet >= threshold / 2
}

impl Lint for Leak {
    fn id(&self) -> &'static str {
        "leak"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let mut leaks: Vec<_> = view.lingering().filter(|(row, since, _)| leaks(view, row, *since)).collect();
        leaks.sort_by_key(|(row, since, _)| (*since, row.id));
        leaks
            .into_iter()
            .map(|(row, since, holder)| {
                let out = duration(view.now.since(since));
                let idle = duration(view.now.since(quiet_since(row, since)));
                let dead = if row.dead_since.is_some() { ", closed by the server" } else { "" };
                let evidence = format!("{} out {out}, idle {idle}{dead}  {}", row.id, name(holder));
                Finding {
                    conn: Some(row.id),
                    severity: Severity::Bad,
                    evidence: evidence.trim_end().to_owned(),
                    advice: if row.dead_since.is_some() { DEAD } else { view.advice(ADVICE, PYTHON) },
                }
            })
            .collect()
    }

    fn ending(&self, leak: &LintRow, view: &View<'_>) -> String {
        let Some(conn) = leak.conn() else { return leak.evidence.clone() };
        let row = view.connections.get(conn);
        if let Some(over) =
            row.and_then(|row| row.past.newest()).filter(|over| over.until >= Some(leak.since))
            && let Some(held) = over.held()
        {
            return format!(
                "{conn} returned after {}: slow, not lost  {}",
                duration(held),
                name(&over.holder)
            )
            .trim_end()
            .to_owned();
        }
        let ended = match row.map(|row| &row.state) {
            Some(RowState::Available { .. }) => "came back",
            Some(RowState::InUse { .. }) => "was used again",
            None => "was closed",
        };
        format!("{conn} {ended}, {} after it was called a leak", duration(view.now.since(leak.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::ConnId;

    fn found(bench: &Bench, now: Stamp) -> Vec<String> {
        bench.ask(&Leak, now, false).into_iter().map(|finding| finding.evidence).collect()
    }

    #[test]
    fn it_raises_at_the_threshold_and_not_before() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(1), "worker-2");
        assert!(found(&bench, s(30)).is_empty());
        assert_eq!(found(&bench, s(31)), ["#3 out 30.0 s, idle 30.0 s  worker-2"]);
    }

    #[test]
    fn it_gives_the_time_since_it_was_last_used() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(1), "worker-2");
        bench.used(3, s(4), "GET");
        assert_eq!(found(&bench, s(75)), ["#3 out 74.0 s, idle 71.0 s  worker-2"]);
    }

    #[test]
    fn a_lease_at_work_is_none_however_long_it_is_out() {
        let mut bench = Bench::new(10);
        bench.lend(1, s(0), "job 4");
        bench.busy(1, s(2), "BLPOP");
        bench.lend(2, s(0), "listener");
        bench.used(2, s(1), "SUBSCRIBE");
        bench.lend(3, s(0), "worker");
        bench.used(3, s(590), "GET");
        assert!(found(&bench, s(600)).is_empty());
        assert_eq!(found(&bench, s(605)).len(), 1, "quiet for half the threshold");
    }

    #[test]
    fn it_clears_when_the_connection_comes_back_and_says_how_long_it_was() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "worker-2");
        let row = bench.raise(&Leak, s(30));
        bench.give_back(3, s(42));
        assert!(found(&bench, s(42)).is_empty());
        assert_eq!(bench.ending(&Leak, &row, s(42)), "#3 returned after 42.0 s: slow, not lost  worker-2");
        bench.close(3);
        assert_eq!(bench.ending(&Leak, &row, s(43)), "#3 was closed, 13.0 s after it was called a leak");
    }

    #[test]
    fn one_that_is_used_again_was_no_leak_whatever_leases_were_before() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "worker-1");
        bench.give_back(3, s(9));
        bench.lend(4, s(1), "worker-2");
        bench.lend_again(3, s(10), "worker-2");
        let row = bench.ask(&Leak, s(41), false).pop().expect("the newer one, too");
        assert_eq!(row.conn, Some(ConnId(3)));
        let row = bench.raise(&Leak, s(41));
        bench.used(3, s(50), "GET");
        assert_eq!(bench.ending(&Leak, &row, s(50)), "#3 was used again, 9.0 s after it was called a leak");
    }

    #[test]
    fn one_that_the_server_closed_is_called_dead_and_not_asked_back() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "worker-2");
        let row = bench.raise(&Leak, s(208));
        assert_eq!((row.evidence.as_str(), row.advice), ("#3 out 3m 28s, idle 3m 28s  worker-2", ADVICE));
        bench.die(3, s(208));
        let row = bench.raise(&Leak, s(208));
        assert_eq!(row.evidence, "#3 out 3m 28s, idle 3m 28s, closed by the server  worker-2");
        assert_eq!(row.advice, DEAD);
    }

    #[test]
    fn a_lease_of_an_app_is_named_by_line_and_function_and_has_advice_in_its_language() {
        let mut bench = Bench::of_app(10);
        bench.lend_at(3, s(0), "jobs.py:88", "worker", How::Raw);
        let row = bench.raise(&Leak, s(30));
        assert_eq!(
            (row.evidence.as_str(), row.advice),
            ("#3 out 30.0 s, idle 30.0 s  jobs.py:88 in worker", PYTHON)
        );
        assert!(!PYTHON.contains("POOL"), "an app's own pool takes no command of ours");
        for how in [How::PubSub, How::Single, How::Monitor] {
            let mut bench = Bench::of_app(10);
            bench.lend_at(3, s(0), "jobs.py:88", "worker", how);
            assert!(bench.ask(&Leak, s(600), false).is_empty(), "{how:?} holds for life");
        }
    }

    #[test]
    fn the_longest_out_comes_first() {
        let mut bench = Bench::new(10);
        bench.lend(1, s(5), "b");
        bench.lend(2, s(1), "a");
        let conns: Vec<_> = bench.ask(&Leak, s(60), false).into_iter().map(|f| f.conn).collect();
        assert_eq!(conns, [Some(ConnId(2)), Some(ConnId(1))]);
    }
}
