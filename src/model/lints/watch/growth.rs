//! `growth`: a group has ever more connections while it has no more to do.
//!
//! In eight steps of 3 s: more at the end of each than of the one before, at least ten more in all, and half as many again
//! unless none was closed, and no slower at the end; what it did rose less than half as much; and half of what it grew by
//! is idle for [`QUIET`] s.
//! Slow growth is found in steps of 12 s (by a quarter) and in five minutes' fewest (by a tenth). Who waits on purpose does
//! not count. It clears when there are no more than five steps ago, or when its commands keep up.

use super::rise::{self, Counted};
use super::{Finding, Lint, View, who};
use crate::model::clients::{Group, QUIET, Sums};
use crate::snapshot::{About, GroupBy, Severity};
use crate::text::{NONE, thousands};

const ADVICE: &str =
    "look for a client made per request and connections never given back; give each pool a max";

const COUNTED: Counted = Counted { now: |point| point.plain, minute: |minute| minute.plain };

/// See the module.
pub(super) struct Growth;

impl Lint for Growth {
    fn id(&self) -> &'static str {
        "growth"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let by_key = rise::KEYS.into_iter().map(|by| grown(view, by, holds));
        by_key.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }
}

fn grown(view: &View<'_>, by: GroupBy, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
    // Those that have no name have nothing in common but that.
    let named =
        |group: &Group| &*group.label != NONE && !group.process.as_ref().is_some_and(|p| view.is_ours(p));
    let groups = view.groups(by).filter(|(group, _)| named(group));
    let found = groups.filter_map(|(group, sums)| {
        let about = About::Group(by, group.label.clone());
        let evidence = evidence(view, group, sums, holds(&about))?;
        Some(Finding { about, severity: Severity::Warn, evidence, marks: Vec::new() })
    });
    found.collect()
}

fn evidence(view: &View<'_>, group: &Group, sums: &Sums, holds: bool) -> Option<String> {
    let rise = rise::of(view, group, COUNTED, holds)?;
    let grown = rise.to.saturating_sub(rise.from);
    if rise.works() || sums.quiet.saturating_mul(2) < grown {
        return None;
    }
    let who = who(&group.label, group.process.as_deref());
    let [from, to] = [rise.from, rise.to].map(|count| thousands(u64::from(count)));
    let [before, after] = [rise.work.0, rise.work.1].map(|work| format!("{work:.0}"));
    let work = if sums.counts_commands { "commands a second" } else { "used in a second" };
    let over = rise.over;
    Some(format!(
        "{who}: {from} → {to} connections in {over} s, {work} {before} → {after}, {} idle {QUIET} s or longer",
        thousands(u64::from(sums.quiet))
    ))
}
