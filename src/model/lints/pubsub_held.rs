//! `pubsub-held`: a subscriber keeps a connection that it does not need.
//!
//! A `PubSub` of redis-py takes a connection for its life. Subscribed it is at work, however long. Without a subscription,
//! out for [`OUT`] and quiet for [`QUIET`], it holds the connection for nothing; and one that was dropped can never give
//! it back, which is known at once (`abandoned` says so as well). It clears when it subscribes again, and when the
//! connection comes back or is closed.

use std::time::Duration;

use super::leak::quiet_since;
use super::{Finding, Lint, View, name};
use crate::event::How;
use crate::snapshot::{ConnectionRow, LintRow, RowState, Severity};
use crate::text::duration;

/// How long the lease must be out.
const OUT: Duration = Duration::from_secs(10);

/// How long nothing may have moved.
const QUIET: Duration = Duration::from_secs(5);

const KEPT: &str =
    "close it when its last subscription is over: `pubsub.close()`, `await pubsub.aclose()`, or `with`";

const DROPPED: &str = "close it before it is dropped, on every path: `with client.pubsub() as p`, in asyncio `async with`; or \
                       `await p.aclose()` in a `finally`";

/// See the module.
pub(crate) struct PubSubHeld;

/// Whether somebody is subscribed on it.
pub(super) fn is_subscribed(row: &ConnectionRow) -> bool {
    matches!(&row.state, RowState::InUse { pinned: Some(pinned), .. } if **pinned == *"SUBSCRIBE")
}

impl Lint for PubSubHeld {
    fn id(&self) -> &'static str {
        "pubsub-held"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let held = view.lingering().filter_map(|(row, since, holder)| {
            if holder.how != Some(How::PubSub) {
                return None;
            }
            let (out, quiet) = (view.now.since(since), view.now.since(quiet_since(row, since)));
            let (said, severity, advice) = match holder.ended {
                Some(ended) => {
                    let ago = duration(view.now.since(ended));
                    (format!("its PubSub was dropped {ago} ago"), Severity::Bad, DROPPED)
                }
                None if is_subscribed(row) || out < OUT || quiet < QUIET => return None,
                None => (format!("no subscription, idle {}", duration(quiet)), Severity::Warn, KEPT),
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
            Some(row) if is_subscribed(row) => "is subscribed again",
            Some(_) => "was used again",
        };
        format!("{conn} {ended}, after {}", duration(view.now.since(row.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::abandoned::Abandoned;
    use super::super::bench::{Bench, s};
    use super::super::leak::Leak;
    use super::super::long_hold::LongHold;
    use super::*;

    fn listening() -> Bench {
        let mut bench = Bench::of_app(10);
        bench.lend_at(3, s(0), "news.py:12", "listen", How::PubSub);
        bench.used(3, s(1), "SUBSCRIBE");
        bench.pin(3, s(1), "SUBSCRIBE");
        bench
    }

    #[test]
    fn one_that_is_kept_without_a_subscription_is_found() {
        let mut bench = listening();
        bench.used(3, s(20), "UNSUBSCRIBE");
        bench.unpin(3, s(20));
        assert!(bench.ask(&PubSubHeld, s(24), false).is_empty());
        let row = bench.raise(&PubSubHeld, s(25));
        assert_eq!(row.evidence, "#3 out 25.0 s, no subscription, idle 5.0 s  news.py:12 in listen");
        assert_eq!((row.severity, row.advice), (Severity::Warn, KEPT));
    }

    #[test]
    fn one_that_is_subscribed_or_begins_is_none_and_other_lints_have_nothing_to_say() {
        let mut bench = listening();
        // It asks whether its connection is alive, which is no subscription's end.
        bench.used(3, s(2), "PING");
        for now in [9, 60, 6_000] {
            assert!(bench.ask(&PubSubHeld, s(now), false).is_empty());
            assert!(
                bench.ask(&Leak, s(now), false).is_empty() && bench.ask(&LongHold, s(now), false).is_empty()
            );
        }
        bench.lend_at(4, s(0), "news.py:40", "late", How::PubSub);
        assert!(bench.ask(&PubSubHeld, s(9), false).is_empty(), "it is about to subscribe");
        // By hand it is another matter: that is a leak by the time.
        bench.lend_at(5, s(0), "jobs.py:1", "take", How::Raw);
        assert!(
            bench
                .ask(&PubSubHeld, s(60), false)
                .iter()
                .all(|found| found.conn != Some(crate::event::ConnId(5)))
        );
    }

    #[test]
    fn one_that_was_dropped_is_found_at_once_subscribed_or_not() {
        let mut bench = listening();
        bench.leave(3, s(3));
        let row = bench.raise(&PubSubHeld, s(4));
        assert_eq!(row.evidence, "#3 out 4.0 s, its PubSub was dropped 1.0 s ago  news.py:12 in listen");
        assert_eq!((row.severity, row.advice), (Severity::Bad, DROPPED));
        assert_eq!(bench.ask(&Abandoned, s(4), false).len(), 1);
    }

    #[test]
    fn it_clears_when_it_subscribes_again_and_when_the_connection_comes_back() {
        let mut bench = listening();
        bench.unpin(3, s(2));
        let row = bench.raise(&PubSubHeld, s(20));
        bench.pin(3, s(21), "SUBSCRIBE");
        assert!(bench.ask(&PubSubHeld, s(22), true).is_empty());
        assert_eq!(bench.ending(&PubSubHeld, &row, s(22)), "#3 is subscribed again, after 2.0 s");
        bench.give_back(3, s(23));
        assert_eq!(bench.ending(&PubSubHeld, &row, s(23)), "#3 came back, after 3.0 s");
    }
}
