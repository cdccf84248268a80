//! `undersized` and `oversized`: the pool against the size that the measured concurrency asks for.
//!
//! Little's law: what is asked for a second x the time each has a connection is how many are used at once. A quarter
//! more is headroom. Waiting is no use, and does not count there.
//!
//! But a pool at its limit throttles its own callers: the rate that is measured is what it lets through, and gives its
//! limit back whatever the load is. What a larger one would be asked for lies between that and as many as are in use
//! or wait at once, since all of those cannot use more connections than one each, and those served sooner may come
//! back sooner, or not. So `undersized` gives no size: it gives the most that this load can use.
//!
//! Undersized: a fifth of the callers had to wait while connections were really busy (a leak is no reason for a larger
//! pool). Oversized: for five minutes of traffic there were four times as many connections open as asked for. A high
//! limit alone costs nothing and is no finding.

use super::{Finding, Lint, View};
use crate::model::recent::{SECONDS, Span};
use crate::snapshot::Severity;
use crate::text::duration;

/// How far back `undersized` looks, in seconds.
const WINDOW: u64 = 60;

/// So many leases must have been granted.
const LEASES: u64 = 50;

/// So many seconds must have been watched, so that a burst is none.
const WATCHED: u64 = 10;

/// Connections that are open for nothing, at the least.
const WASTE: u64 = 10;

/// What is asked for beyond the measured concurrency.
const HEADROOM: f64 = 1.25;

pub(crate) const RAISE: &str =
    "raise max-connections to the size given, or hold each connection for less time";

const STEPS: &str = "raise max-connections by steps until few wait, to the size given at most, or hold each connection \
                     for less time";

const LOWER: &str = "lower max-connections or warmup towards the size given, or let max-idle close the rest";

/// See the module.
pub(crate) struct Undersized;

/// See the module.
pub(crate) struct Oversized;

/// Leases that run at once.
fn running(span: &Span) -> f64 {
    span.rate() * span.held.mean().as_secs_f64()
}

/// With headroom, in whole connections.
fn size(concurrency: f64) -> u64 {
    whole(concurrency * HEADROOM)
}

/// In whole connections.
#[allow(clippy::cast_sign_loss, reason = "it is at least 1")]
fn whole(concurrency: f64) -> u64 {
    // A size over the mantissa's reach is no pool's.
    concurrency.ceil().clamp(1.0, 1e15) as u64
}

fn finding(evidence: String, advice: &'static str) -> Vec<Finding> {
    vec![Finding { conn: None, severity: Severity::Warn, evidence, advice }]
}

impl Lint for Undersized {
    fn id(&self) -> &'static str {
        "undersized"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        if view.single || view.gauges.max == 0 {
            return Vec::new();
        }
        let span = view.recent.last(view.now, WINDOW);
        let waited = span.waited.saturating_mul(100).checked_div(span.asked()).unwrap_or_default();
        let max = f64::from(view.gauges.max);
        let few = span.checkouts < LEASES || span.active < WATCHED;
        if few || waited < if holds { 10 } else { 20 } || running(&span) < 0.7 * max {
            return Vec::new();
        }
        let (held, wait) = (span.held.mean(), span.wait.mean());
        // Who gave up was asking all the same.
        let rate = span.asked() as f64 / span.seconds.max(1) as f64;
        let (used, queued) = (rate * held.as_secs_f64(), rate * wait.as_secs_f64());
        let most = size(used).max(whole(used + queued));
        if most <= u64::from(view.gauges.max) {
            return Vec::new();
        }
        finding(
            format!(
                "{rate:.0}/s × {} use = {used:.1} of max {max}, × {} wait = {queued:.1} more: {most} would do, {waited}% \
                 waited",
                duration(held),
                duration(wait),
            ),
            STEPS,
        )
    }
}

impl Lint for Oversized {
    fn id(&self) -> &'static str {
        "oversized"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let open = u64::from(view.gauges.in_use) + u64::from(view.gauges.available);
        if view.single || open <= WASTE || view.recent.age(view.now) < SECONDS {
            return Vec::new();
        }
        let span = view.recent.last(view.now, SECONDS);
        let concurrency = running(&span);
        // The law gives the average: what was ever wanted at once decides where that is more.
        let asked = size(concurrency).max(span.peak);
        let times = if holds { 3 } else { 4 };
        let steady = span.active * 10 >= SECONDS * 9;
        let wasted = open.saturating_sub(asked) >= WASTE && span.created() >= asked.saturating_mul(times);
        if !steady || !wasted {
            return Vec::new();
        }
        finding(
            format!(
                "{:.0}/s × {} use = {concurrency:.1}, peak {}: {asked} would do, {open} are open",
                span.rate(),
                duration(span.held.mean()),
                span.peak
            ),
            LOWER,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bench::{Bench, s};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// So many leases a second for so long.
    fn load(max: u32, seconds: u64, rate: u64, wait: Duration, held: Duration) -> Bench {
        let mut bench = Bench::new(max);
        for second in 1..=seconds {
            bench.leases(s(second), rate, wait, held);
        }
        bench
    }

    #[test]
    fn a_pool_whose_callers_wait_is_told_the_most_they_can_use() {
        let bench = load(10, 60, 400, 15 * MS, 25 * MS);
        let want =
            "400/s × 25.0 ms use = 10.0 of max 10, × 15.0 ms wait = 6.0 more: 16 would do, 100% waited";
        assert_eq!(bench.raise(&Undersized, s(60)).evidence, want);
        assert!(bench.ask(&Undersized, s(125), true).is_empty(), "no load, no judgement");
    }

    /// Waiting is no use: as much of it as there is asks for no headroom, and a little of it for no less than the law.
    #[test]
    fn the_headroom_is_on_what_is_used_and_those_who_gave_up_asked_too() {
        let long = load(2, 20, 250, 24 * MS, 6 * MS);
        let want = "250/s × 6.00 ms use = 1.5 of max 2, × 24.0 ms wait = 6.0 more: 8 would do, 100% waited";
        assert_eq!(long.raise(&Undersized, s(20)).evidence, want);
        let short = load(10, 20, 400, 2 * MS, 25 * MS);
        let want =
            "400/s × 25.0 ms use = 10.0 of max 10, × 2.00 ms wait = 0.8 more: 13 would do, 100% waited";
        assert_eq!(short.raise(&Undersized, s(20)).evidence, want);
        let mut lost = Bench::new(10);
        for second in 1..=20 {
            lost.leases(s(second), 400, 2 * MS, 25 * MS);
            lost.tick(s(second), |pulse| pulse.totals.timeouts += 400);
        }
        let want = "800/s × 25.0 ms use = 20.0 of max 10, × 2.00 ms wait = 1.6 more: 25 would do, 50% waited";
        assert_eq!(lost.raise(&Undersized, s(20)).evidence, want);
    }

    #[test]
    fn waits_that_are_few_short_or_for_leaked_connections_ask_for_no_more() {
        let mut few = load(10, 50, 400, Duration::ZERO, 25 * MS);
        for second in 51..=60 {
            few.leases(s(second), 400, 15 * MS, 25 * MS);
        }
        assert!(few.ask(&Undersized, s(60), false).is_empty(), "a sixth waited");
        assert_eq!(few.ask(&Undersized, s(60), true).len(), 1, "and that is too many to clear it");
        let leaked = load(10, 60, 400, 15 * MS, 5 * MS);
        assert!(leaked.ask(&Undersized, s(60), false).is_empty(), "two of ten are busy");
        let burst = load(10, 9, 400, 15 * MS, 25 * MS);
        assert!(burst.ask(&Undersized, s(9), false).is_empty(), "nine seconds");
    }

    fn open(available: u32, seconds: u64, rate: u64) -> Bench {
        let mut bench = Bench::new(100);
        bench.gauges.available = available;
        for second in 1..=seconds {
            bench.leases(s(second), rate, Duration::ZERO, 2 * MS);
            bench.tick(s(second), |pulse| pulse.gauges.in_use = 3);
            bench.gauges.in_use = 0;
        }
        bench
    }

    #[test]
    fn connections_that_nobody_needs_are_counted() {
        let want = "120/s × 2.00 ms use = 0.2, peak 3: 3 would do, 50 are open";
        assert_eq!(open(50, 300, 120).raise(&Oversized, s(300)).evidence, want);
    }

    #[test]
    fn a_small_pool_a_short_time_and_no_traffic_are_none() {
        for bench in [open(10, 300, 120), open(50, 250, 120), open(50, 300, 0)] {
            assert!(bench.ask(&Oversized, s(300), false).is_empty());
        }
    }

    #[test]
    fn it_clears_when_the_rest_is_closed() {
        let mut bench = open(50, 300, 120);
        assert_eq!(bench.ask(&Oversized, s(300), true).len(), 1);
        bench.gauges.available = 8;
        assert!(bench.ask(&Oversized, s(301), true).is_empty());
    }
}
