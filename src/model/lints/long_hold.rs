//! `long-hold`: connections are kept while nothing is in flight on them.
//!
//! Two ways to see it. One lease: out for [`OUT`], quiet for at least the later half of that, and no leak yet, for then
//! `leak` takes over; one that a transaction pins is `stuck-transaction`'s. And all together: the leases that ended
//! lately were held for long on average, many of them each by itself, and commands, answered or not, took less than a
//! tenth of that. One outlier is no average: what took longer than [`OUTLIER`] is left out. It clears when the connection
//! comes back or is used, and when the average falls.

use std::time::Duration;

use super::leak::{at_work, leaks, quiet_since};
use super::stuck_transaction::in_transaction;
use super::{Finding, Lint, View, name};
use crate::model::recent::{LONG, OUTLIER, Span};
use crate::snapshot::{LintRow, RowState, Severity};
use crate::text::duration;

/// How long one lease must be out.
pub(super) const OUT: Duration = OUTLIER;

/// How far back the leases that ended are looked at, in seconds.
const WINDOW: u64 = 60;

/// So many leases of [`LONG`] and more must have ended, and that must be the average of all.
const LEASES: u64 = 20;

pub(crate) const ADVICE: &str = "take what you need, give the connection back, compute, and take one again";

/// See the module.
pub(crate) struct LongHold;

impl Lint for LongHold {
    fn id(&self) -> &'static str {
        "long-hold"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        if view.single {
            return Vec::new();
        }
        let held = view.lingering().filter_map(|(row, since, holder)| {
            let (out, quiet) = (view.now.since(since), view.now.since(quiet_since(row, since)));
            let long = out >= OUT && quiet >= out / 2;
            if !long
                || leaks(view, row, since)
                || holder.ended.is_some()
                || at_work(row)
                || in_transaction(row).is_some()
            {
                return None;
            }
            let evidence =
                format!("{} out {}, idle {}  {}", row.id, duration(out), duration(quiet), name(holder));
            Some(Finding {
                conn: Some(row.id),
                severity: Severity::Warn,
                evidence: evidence.trim_end().to_owned(),
                advice: ADVICE,
            })
        });
        held.chain(on_average(view)).collect()
    }

    fn ending(&self, row: &LintRow, view: &View<'_>) -> String {
        let Some(conn) = row.conn() else { return row.evidence.clone() };
        let ended = match view.connections.get(conn).map(|row| &row.state) {
            Some(RowState::Available { .. }) => "came back",
            Some(RowState::InUse { since, .. }) if view.now.since(*since) >= view.options.leak_threshold => {
                "is still out"
            }
            Some(RowState::InUse { .. }) => "was used again",
            None => "was closed",
        };
        format!("{conn} {ended}, {} after it was called a long hold", duration(view.now.since(row.since)))
    }
}

/// Whether leases are long and commands a small part of them.
pub(crate) fn computes(span: &Span) -> bool {
    let (held, used) = (span.usual, span.flown.nanos);
    span.long.count >= LEASES && held.mean() >= LONG && used.saturating_mul(10) < held.nanos
}

fn on_average(view: &View<'_>) -> Option<Finding> {
    // How long an app's commands take is not told: a worker that waits in BLPOP is not to be taken for one that computes.
    if view.inside.is_some() {
        return None;
    }
    let span = view.recent.last(view.now, WINDOW);
    if !computes(&span) {
        return None;
    }
    let (held, used) = (span.usual, span.flown.nanos);
    let flown = Duration::from_nanos(used / held.count);
    let evidence = format!(
        "{} leases of {} on average, {} of it with a command in flight",
        held.count,
        duration(held.mean()),
        duration(flown)
    );
    Some(Finding { conn: None, severity: Severity::Warn, evidence, advice: ADVICE })
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::super::leak::Leak;
    use super::*;

    fn found(bench: &Bench, now: crate::event::Stamp) -> Vec<String> {
        bench.ask(&LongHold, now, false).into_iter().map(|finding| finding.evidence).collect()
    }

    #[test]
    fn a_quiet_lease_is_long_until_it_is_a_leak() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(10), "worker-2");
        assert!(found(&bench, s(14)).is_empty());
        assert_eq!(found(&bench, s(15)), ["#3 out 5.0 s, idle 5.0 s  worker-2"]);
        for now in 15..100 {
            let both = (found(&bench, s(now)).len(), bench.ask(&Leak, s(now), false).len());
            assert_eq!(both, if now < 40 { (1, 0) } else { (0, 1) }, "at {now} s");
        }
    }

    #[test]
    fn one_at_work_or_used_lately_is_none() {
        let mut bench = Bench::new(10);
        bench.lend(1, s(0), "job");
        bench.busy(1, s(1), "BLPOP");
        bench.lend(2, s(0), "worker");
        bench.used(2, s(6), "GET");
        assert!(found(&bench, s(11)).is_empty());
        assert_eq!(found(&bench, s(12)).len(), 1, "quiet for half of it");
    }

    #[test]
    fn it_clears_when_the_connection_comes_back() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "worker");
        let row = bench.raise(&LongHold, s(6));
        assert_eq!(
            bench.ending(&LongHold, &row, s(30)),
            "#3 is still out, 24.0 s after it was called a long hold"
        );
        bench.give_back(3, s(8));
        assert!(found(&bench, s(8)).is_empty());
        assert_eq!(
            bench.ending(&LongHold, &row, s(8)),
            "#3 came back, 2.0 s after it was called a long hold"
        );
    }

    fn computing(leases: u64, held: u64, flown: u64) -> Option<String> {
        let mut bench = Bench::new(10);
        bench.leases(s(5), leases, Duration::ZERO, Duration::from_millis(held));
        bench.tick(s(5), |pulse| {
            let trips = crate::event::Samples(vec![(flown * 1_000_000, leases)]);
            pulse.round_trips.push(("GET".into(), trips));
        });
        assert!(found(&bench, s(65)).is_empty(), "a minute later it is over");
        found(&bench, s(6)).pop()
    }

    #[test]
    fn leases_that_mostly_compute_are_seen_together() {
        let want = "20 leases of 200 ms on average, 2.00 ms of it with a command in flight";
        assert_eq!(computing(20, 200, 2).as_deref(), Some(want));
        assert_eq!(computing(19, 200, 2), None);
        assert_eq!(computing(20, 200, 20), None, "a tenth of it is work");
        assert_eq!(computing(20, 49, 1), None);
    }

    /// 20 leases of 200 ms, and what else a pulse counted.
    fn beside(change: impl FnOnce(&mut crate::event::Pulse)) -> Option<String> {
        let mut bench = Bench::new(10);
        bench.leases(s(5), 20, Duration::ZERO, Duration::from_millis(200));
        bench.tick(s(5), change);
        found(&bench, s(6)).pop()
    }

    #[test]
    fn a_command_that_was_given_up_was_in_flight_until_then() {
        let samples = |millis: u64| crate::event::Samples(vec![(millis * 1_000_000, 1)]);
        assert!(beside(|pulse| pulse.unanswered = samples(399)).is_some());
        assert_eq!(beside(|pulse| pulse.unanswered = samples(400)), None, "a tenth of it is work");
    }

    #[test]
    fn its_page_has_these_numbers() {
        let page = include_str!("../../../assets/lints/long-hold.md");
        let long = LONG.as_millis();
        for words in [
            format!("out >= {} s    and    quiet >= out / 2\n", OUT.as_secs()),
            format!("ended in the last {WINDOW} s, but for those of\nmore than {} s", OUTLIER.as_secs()),
            format!("{LEASES} or more of {long} ms and more each    and    mean use >= {long} ms\n"),
        ] {
            assert!(page.contains(&words), "{words}");
        }
    }

    #[test]
    fn an_app_whose_round_trips_are_not_told_is_not_judged_by_them() {
        let mut bench = Bench::of_app(10);
        bench.leases(s(5), 100, Duration::ZERO, Duration::from_secs(1));
        assert!(found(&bench, s(6)).is_empty());
        bench.lend_at(3, s(10), "app.py:9", "main", crate::event::How::Raw);
        assert_eq!(found(&bench, s(15)), ["#3 out 5.0 s, idle 5.0 s  app.py:9 in main"]);
    }

    #[test]
    fn one_outlier_moves_no_verdict() {
        let mut bench = Bench::new(10);
        bench.leases(s(5), 300, Duration::ZERO, Duration::from_micros(100));
        for held in [14_000, 22_000, 4_999] {
            bench.leases(s(5), 1, Duration::ZERO, Duration::from_millis(held));
        }
        bench.leases(s(5), 18, Duration::ZERO, Duration::from_secs(1));
        assert!(bench.view(s(6)).recent.last(s(6), WINDOW).usual.mean() > LONG);
        assert!(found(&bench, s(6)).is_empty(), "nineteen are no custom");
        let many = crate::event::Samples(vec![(14_000_000_000, 1)]);
        assert!(beside(|pulse| pulse.unanswered = many.clone()).is_some(), "nor does it hide one");
        assert!(beside(|pulse| pulse.round_trips.push(("BLPOP".into(), many))).is_some());
    }
}
