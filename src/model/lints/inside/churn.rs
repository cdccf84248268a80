//! `churn` of pools: an app makes a client or pool for each request, at one line.
//!
//! Of the last [`WINDOW`] seconds: [`GONE`] pools of a line that were gone again within five seconds, and not with their
//! process; or [`KEPT`] that were made in [`SPREAD`] different seconds and are kept. A few that are made as a
//! program starts are none. It clears at half of that.

use std::time::Duration;

use super::{Finding, Lint};
use crate::event::Stamp;
use crate::model::app::makers::Maker;
use crate::text::{duration, thousands};

/// In seconds.
const WINDOW: u64 = 10;

/// So many that are gone again raise it.
const GONE: u64 = 10;

/// Or so many that are kept.
const KEPT: u64 = 30;

/// In so many different seconds.
const SPREAD: u64 = 3;

const ADVICE: &str = "make one client for the process and share it, or one pool that all clients are given: it keeps its \
                      connections open between requests";

/// See the module.
pub(super) struct Churn;

impl Lint for Churn {
    fn id(&self) -> &'static str {
        "churn"
    }

    fn evaluate(&self, now: Stamp, words: &str, maker: &Maker, holds: bool) -> Option<Finding> {
        let counted = maker.last(now, WINDOW);
        let least = |many: u64| if holds { many / 2 } else { many };
        let made = format!("{} pools made at {words} in the last {WINDOW} s", thousands(counted.made));
        let evidence = if counted.brief >= least(GONE) && counted.brief.saturating_mul(2) >= counted.made {
            let lived = Duration::from_nanos(counted.nanos.checked_div(counted.brief).unwrap_or_default());
            format!("{made}, each gone after {} on average", duration(lived))
        } else if counted.made.min(maker.alive) >= least(KEPT) && (holds || counted.making >= SPREAD) {
            format!("{made} and kept: {} are there", thousands(maker.alive))
        } else {
            return None;
        };
        Some(Finding { evidence, advice: ADVICE })
    }
}
