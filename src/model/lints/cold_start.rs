//! `cold-start`: callers had to wait for a burst of connections to be opened.
//!
//! [`OPENED`] connections within two seconds, at least half of those that exist, while at least as many callers took
//! one. What a warm-up opened cost nobody anything and is not counted, however soon the load followed it. It is news
//! for [`WINDOW`] seconds.

use super::{Finding, Lint, View};
use crate::model::recent::Span;
use crate::snapshot::Severity;
use crate::text::{duration, thousands};

/// In seconds.
const WINDOW: u64 = 10;

/// So many raise it.
const OPENED: u64 = 8;

const ADVICE: &str = "open connections before the load: --warmup N here, N concurrent PINGs in redis-py";

const PYTHON: &str = "open connections before the load: as many PINGs at once as it needs, in asyncio by `gather`, when the app starts";

/// See the module.
pub(crate) struct ColdStart;

/// Connections that were opened for somebody who waited.
fn met(span: &Span) -> u64 {
    span.opened.saturating_sub(span.warmed)
}

impl Lint for ColdStart {
    fn id(&self) -> &'static str {
        "cold-start"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        if met(&view.recent.last(view.now, WINDOW)) < OPENED {
            return Vec::new();
        }
        let spans = (0..WINDOW).map(|ago| view.recent.between(view.now, ago + 2, ago));
        let burst = spans.max_by_key(met).unwrap_or_default();
        let opened = met(&burst);
        let exist = u64::from(view.gauges.in_use) + u64::from(view.gauges.available);
        if opened < OPENED || burst.checkouts < opened || opened.saturating_mul(2) < exist {
            return Vec::new();
        }
        let command = match burst.round_trip {
            told if told.count > 0 => format!("; a command takes {}", duration(told.mean())),
            _ => String::new(),
        };
        let evidence = format!(
            "{} opened in 2 s for {} checkouts, {} each{command}",
            thousands(opened),
            thousands(burst.checkouts),
            duration(burst.create.mean()),
        );
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: view.advice(ADVICE, PYTHON) }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn burst(opened: u64, checkouts: u64, available: u32) -> Bench {
        let mut bench = Bench::new(100);
        bench.tick(s(1), |_| {});
        bench.tick(s(20), |pulse| {
            pulse.gauges.available = available;
            pulse.totals.opened += opened;
            pulse.totals.checkouts += checkouts;
            pulse.create.0.push((2_200_000, opened));
            pulse.round_trips.push(("GET".into(), crate::event::Samples(vec![(100_000, checkouts)])));
        });
        bench
    }

    #[test]
    fn a_burst_of_opens_under_load_raises_it_and_is_news_for_ten_seconds() {
        let bench = burst(8, 40, 8);
        let want = "8 opened in 2 s for 40 checkouts, 2.20 ms each; a command takes 0.10 ms";
        assert_eq!(bench.raise(&ColdStart, s(20)).evidence, want);
        assert_eq!(bench.raise(&ColdStart, s(29)).evidence, want);
        assert!(bench.ask(&ColdStart, s(30), true).is_empty());
    }

    #[test]
    fn what_a_command_takes_is_said_where_it_is_known() {
        let mut bench = Bench::of_app(100);
        bench.tick(s(1), |_| {});
        bench.tick(s(20), |pulse| {
            (pulse.gauges.available, pulse.totals.opened, pulse.totals.checkouts) = (50, 50, 50);
            pulse.create.0.push((2_200_000, 50));
        });
        let row = bench.raise(&ColdStart, s(20));
        assert_eq!(
            (row.evidence.as_str(), row.advice),
            ("50 opened in 2 s for 50 checkouts, 2.20 ms each", PYTHON)
        );
    }

    #[test]
    fn a_warm_up_is_none_though_the_load_follows_at_once() {
        let mut bench = burst(50, 400, 50);
        assert_eq!(bench.ask(&ColdStart, s(20), false).len(), 1);
        bench = Bench::new(100);
        bench.tick(s(20), |pulse| {
            pulse.gauges.available = 57;
            (pulse.totals.opened, pulse.totals.warmed, pulse.totals.checkouts) = (57, 50, 400);
        });
        assert!(bench.ask(&ColdStart, s(20), false).is_empty(), "seven beside it are a few");
        bench.tick(s(21), |pulse| (pulse.totals.opened, pulse.gauges.available) = (90, 60));
        assert!(bench.raise(&ColdStart, s(21)).evidence.starts_with("40 opened in 2 s for 400 checkouts"));
    }

    #[test]
    fn a_warm_up_a_few_and_a_few_more_of_many_are_none() {
        for bench in [burst(50, 0, 50), burst(7, 40, 7), burst(8, 40, 17)] {
            assert!(bench.ask(&ColdStart, s(20), false).is_empty());
        }
    }
}
