//! `maxclients`: a watched server is about to refuse connections. The thresholds are those of the pools' lint.

use super::super::maxclients::{Fill, fill};
use super::{Finding, Lint, View, who};
use crate::snapshot::{About, GroupBy};
use crate::text::thousands;

const ADVICE: &str = "lower the max of whoever has most of them, or raise the server's maxclients";

/// See the module.
pub(super) struct MaxClients;

impl Lint for MaxClients {
    fn id(&self) -> &'static str {
        "maxclients"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let found = view.nodes().filter_map(|node| {
            let about = About::Node(node.id);
            let numbers = node.numbers();
            let (clients, most) = (numbers.connected?, numbers.max?);
            let Fill { percent, severity } = fill(clients, most, holds(&about))?;
            let largest = view.groups(GroupBy::Process).max_by_key(|(_, sums)| sums.count);
            let largest =
                largest.filter(|(_, sums)| sums.count > 0).map_or_else(String::new, |(group, sums)| {
                    let count = thousands(u64::from(sums.count));
                    format!(", {count} of them {}", who(&group.label, group.process.as_deref()))
                });
            let [clients, most] = [clients, most].map(thousands);
            let evidence = format!("{clients} clients of the server's {most} ({percent}%){largest}");
            Some(Finding { about, severity, evidence, marks: Vec::new() })
        });
        found.collect()
    }
}
