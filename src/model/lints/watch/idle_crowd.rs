//! `idle-crowd`: a process has many connections, and nearly all of them are never used again.
//!
//! At least [`MANY`] of its clients are idle for [`UNUSED`] s, and they are nine of ten of it; who waits on purpose does not
//! count. It clears under four of five, or under eighty.

use super::{Finding, Lint, View, who};
use crate::model::clients::UNUSED;
use crate::snapshot::{About, Severity};
use crate::text::thousands;

/// From so many on it is a crowd; and in percent of all there are.
const MANY: u32 = 100;
const NEARLY: u32 = 90;

/// Where it clears.
const FEWER: u32 = 80;
const MOST: u32 = 80;

const ADVICE: &str = "lower the pool's max or its idle limit, and look for connections never given back";

/// See the module.
pub(super) struct IdleCrowd;

impl Lint for IdleCrowd {
    fn id(&self) -> &'static str {
        "idle-crowd"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let found = view.owners().filter_map(|(by, group, sums)| {
            if sums.unused < FEWER {
                return None;
            }
            let about = About::Group(by, group.label.clone());
            let (many, percent) = if holds(&about) { (FEWER, MOST) } else { (MANY, NEARLY) };
            if sums.unused < many || u64::from(sums.unused) * 100 < u64::from(sums.plain) * u64::from(percent)
            {
                return None;
            }
            let who = who(&group.label, group.process.as_deref());
            let [unused, all] = [sums.unused, sums.plain].map(|count| thousands(u64::from(count)));
            let evidence = format!("{who}: {unused} of {all} connections idle for {UNUSED} s or longer");
            Some(Finding { about, severity: Severity::Warn, evidence, marks: Vec::new() })
        });
        found.collect()
    }
}
