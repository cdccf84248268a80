//! `pool-usage`: more of the limit is in use than the alert allows.
//!
//! It raises over the alert and clears at five points under it, so that a pool on the edge does not flap. A pool of
//! one connection is always empty or full, which says nothing: `exhausted` speaks there.

use super::{Finding, Lint, View};
use crate::snapshot::Severity;

/// How far under the alert it clears, in points of a hundred.
const SLACK: u64 = 5;

const ADVICE: &str =
    "raise max, hold connections for less time, or look for leaks: the next peak will have to wait";

/// See the module.
pub(crate) struct PoolUsage;

impl Lint for PoolUsage {
    fn id(&self) -> &'static str {
        "pool-usage"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let (in_use, max) = (u64::from(view.gauges.in_use), u64::from(view.gauges.max));
        if view.single || max < 2 {
            return Vec::new();
        }
        let alert = u64::from(view.options.usage_alert);
        let limit = if holds { alert.saturating_sub(SLACK) } else { alert };
        if in_use * 100 <= max * limit {
            return Vec::new();
        }
        let evidence = format!("{in_use} of {max} in use ({}%), over {alert}%", in_use * 100 / max);
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: ADVICE }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn at(in_use: u32, max: u32, holds: bool) -> Option<String> {
        let mut bench = Bench::new(max);
        bench.gauges.in_use = in_use;
        bench.ask(&PoolUsage, s(1), holds).pop().map(|finding| finding.evidence)
    }

    #[test]
    fn it_raises_over_the_alert_and_not_on_it() {
        assert_eq!(at(8, 10, false), None);
        assert_eq!(at(9, 10, false).as_deref(), Some("9 of 10 in use (90%), over 80%"));
        assert_eq!(at(81, 100, false).as_deref(), Some("81 of 100 in use (81%), over 80%"));
    }

    #[test]
    fn it_clears_five_points_lower() {
        assert!(at(80, 100, true).is_some());
        assert!(at(76, 100, true).is_some());
        assert_eq!(at(75, 100, true), None);
    }

    #[test]
    fn a_pool_of_one_is_never_too_full_and_one_without_a_limit_neither() {
        assert_eq!(at(1, 1, false), None);
        assert_eq!(at(5, 0, false), None);
        let mut bench = Bench::new(10);
        bench.gauges.in_use = 10;
        bench.single = true;
        assert!(bench.ask(&PoolUsage, s(1), false).is_empty());
    }
}
