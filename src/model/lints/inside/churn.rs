//! `churn` of pools: an app makes a client or pool for each request, at one line.
//!
//! Of the last [`WINDOW`] seconds: [`GONE`] pools of a line that were gone again within five seconds, and not with their
//! process; or [`KEPT`] of the last minute that were made in [`SPREAD`] different seconds and are kept. A few that are made
//! as a program starts are none. It clears at half of that.

use std::time::Duration;

use super::{Finding, Lint};
use crate::event::Stamp;
use crate::model::app::makers::Maker;
use crate::text::{duration, thousands};

/// In seconds.
const WINDOW: u64 = 10;

/// So many that are gone again raise it.
const GONE: u64 = 10;

/// Or so many that are kept, of [`LONG`] seconds: what is kept adds up, however seldom it is made.
const KEPT: u64 = 30;

/// In seconds.
const LONG: u64 = 60;

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
        let kept = maker.last(now, LONG);
        let made =
            |many: u64, span: &str| format!("{} pools made at {words} in the last {span}", thousands(many));
        let evidence = if counted.brief >= least(GONE) && counted.brief.saturating_mul(2) >= counted.made {
            let lived = Duration::from_nanos(counted.nanos.checked_div(counted.brief).unwrap_or_default());
            let made = made(counted.made, &format!("{WINDOW} s"));
            format!("{made}, each gone after {} on average", duration(lived))
        } else if kept.made.min(maker.alive) >= least(KEPT) && (holds || kept.making >= SPREAD) {
            format!("{} and kept: {} are there", made(kept.made, "minute"), thousands(maker.alive))
        } else {
            return None;
        };
        Some(Finding { evidence, advice: ADVICE })
    }
}
