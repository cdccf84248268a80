//! `unnamed`: nobody can tell whose many of the clients are: they have no name, and their processes are not known.
//!
//! At least [`MANY`], and at least half of all. It clears at half of either.

use super::{Finding, Lint, View, who};
use crate::snapshot::{About, GroupBy, Severity};
use crate::text::{NONE, thousands};

/// From so many on.
const MANY: u64 = 50;

const ADVICE: &str = "give each program a client name (client_name= in redis-py, CLIENT SETNAME elsewhere)";

/// See the module.
pub(super) struct Unnamed;

impl Lint for Unnamed {
    fn id(&self) -> &'static str {
        "unnamed"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let about = About::Group(GroupBy::Name, NONE.into());
        let all: u64 = view.groups(GroupBy::Server).map(|(_, sums)| u64::from(sums.count - sums.own)).sum();
        let nameless = view.groups(GroupBy::Name).find(|(group, _)| &*group.label == NONE);
        let nameless = nameless.map_or(0, |(_, sums)| u64::from(sums.count - sums.own));
        let known = view.groups(GroupBy::Process).filter(|(group, _)| group.process.is_some());
        let known: u64 = known.map(|(_, sums)| u64::from(sums.count - sums.own)).sum();
        // So many are both at the least.
        let both = nameless.saturating_sub(known);
        let (many, part) = if holds(&about) { (MANY / 2, 4) } else { (MANY, 2) };
        if both < many || both * part < all {
            return Vec::new();
        }
        let addresses = view.groups(GroupBy::Address).max_by_key(|(_, sums)| sums.count);
        let most = addresses.map_or_else(String::new, |(group, sums)| {
            format!("; most from {}: {}", who(&group.label, None), thousands(u64::from(sums.count)))
        });
        let [both, all] = [both, all].map(thousands);
        let evidence = format!("{both} of {all} clients have no name, and no process that is known{most}");
        vec![Finding { about, severity: Severity::Warn, evidence, marks: Vec::new() }]
    }
}
