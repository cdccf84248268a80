//! `subscriber-only-grows`: a group has ever more subscribers, and none of them goes.
//!
//! It rises as for `growth`, counted by who is subscribed alone: a subscriber has nothing to do but wait, so that
//! commands say nothing. It clears when it grows no more over five steps.

use super::rise::{self, Counted};
use super::{Finding, Lint, View, who};
use crate::snapshot::{About, GroupBy, Severity};
use crate::text::{NONE, thousands};

const ADVICE: &str = "close each PubSub object where it was made; one subscriber can hear many channels";

const COUNTED: Counted = Counted { now: |point| point.subscribed, minute: |minute| minute.subscribed };

/// See the module.
pub(super) struct SubscribersGrow;

impl Lint for SubscribersGrow {
    fn id(&self) -> &'static str {
        "subscriber-only-grows"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let grown = |by: GroupBy| -> Vec<Finding> {
            let groups = view.groups(by).filter(|(group, sums)| sums.subscribed > 0 && &*group.label != NONE);
            let found = groups.filter_map(|(group, _)| {
                let about = About::Group(by, group.label.clone());
                let rise = rise::of(view, group, COUNTED, holds(&about))?;
                let [from, to] = [rise.from, rise.to].map(|count| thousands(u64::from(count)));
                let who = who(&group.label, group.process.as_deref());
                let evidence = format!("{who}: {from} → {to} subscribers in {} s", rise.over);
                Some(Finding { about, severity: Severity::Warn, evidence, marks: Vec::new() })
            });
            found.collect()
        };
        rise::KEYS.into_iter().map(grown).find(|found| !found.is_empty()).unwrap_or_default()
    }
}
