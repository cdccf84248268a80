//! `unbounded`: the limit is so high that it is none.
//!
//! At the server's `maxclients` or over it, where that is known; else at [`MOST`], which is its default. It clears when
//! the limit is lowered.

use super::{Finding, Lint, View};
use crate::snapshot::Severity;
use crate::text::thousands;

/// Redis' own default for `maxclients`.
const MOST: u64 = 10_000;

const ADVICE: &str =
    "set max-connections to what the load needs: a queue is bounded, a full server is not yours alone";

const PYTHON: &str = "set max_connections to what the load needs, with a BlockingConnectionPool to wait instead of failing: a full \
                      server is not yours alone";

/// See the module.
pub(crate) struct Unbounded;

impl Lint for Unbounded {
    fn id(&self) -> &'static str {
        "unbounded"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let max = u64::from(view.gauges.max);
        let (most, whose) = match view.maxclients.filter(|most| *most > 0) {
            Some(most) => (most, "the server takes"),
            None => (MOST, "a server usually takes"),
        };
        if view.single || max < most {
            return Vec::new();
        }
        let most = thousands(most);
        let evidence = if view.gauges.max == u32::MAX {
            format!("there is no max, and {whose} {most} clients in all")
        } else {
            format!("max is {}, and {whose} {most} clients in all", thousands(max))
        };
        let advice = view.advice(ADVICE, PYTHON);
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice }]
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn at(max: u32, maxclients: Option<u64>) -> Option<String> {
        let mut bench = Bench::new(max);
        if let Some(most) = maxclients {
            bench.says("maxclients", most);
        }
        bench.ask(&Unbounded, s(1), true).pop().map(|finding| finding.evidence)
    }

    #[test]
    fn a_limit_over_all_that_the_server_takes_raises_it_and_a_lower_one_clears_it() {
        let want = "max is 1,000,000, and a server usually takes 10,000 clients in all";
        assert_eq!(at(1_000_000, None).as_deref(), Some(want));
        let want = "max is 500, and the server takes 500 clients in all";
        assert_eq!(at(500, Some(500)).as_deref(), Some(want));
        let want = "there is no max, and a server usually takes 10,000 clients in all";
        assert_eq!(at(u32::MAX, None).as_deref(), Some(want));
        assert_eq!(at(499, Some(500)), None);
        assert_eq!(at(9_999, None), None);
        assert_eq!(at(10_000, Some(60_000)), None);
    }
}
