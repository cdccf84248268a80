//! `rejected`: the server turned connections away in the last minute: it has as many clients as `maxclients` lets it.
//!
//! It clears a minute after the last one.

use std::time::Duration;

use super::{Finding, Lint, View};
use crate::model::clients::{Counter, Node};
use crate::snapshot::{About, Severity};
use crate::text::thousands;

/// How far back it looks.
const MINUTE: Duration = Duration::from_secs(60);

const ADVICE: &str = "close what nobody uses (idle-crowd, growth name it), or raise maxclients";

/// See the module.
pub(super) struct Rejected;

impl Lint for Rejected {
    fn id(&self) -> &'static str {
        "rejected"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, _holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        rose(
            view,
            |node| &node.rejected,
            |times, node| {
                let at = match node.numbers().connected.zip(node.numbers().max) {
                    Some((clients, most)) => {
                        format!(", at {} clients of {}", thousands(clients), thousands(most))
                    }
                    None => String::new(),
                };
                let connections = if times == 1 { "connection" } else { "connections" };
                format!("{} {connections} turned away in the last minute{at}", thousands(times))
            },
        )
    }
}

/// A finding for each server whose counter rose in the last minute.
pub(super) fn rose(
    view: &View<'_>,
    counter: fn(&Node) -> &Counter,
    evidence: impl Fn(u64, &Node) -> String,
) -> Vec<Finding> {
    let found = view.nodes().filter_map(|node| {
        let (times, _) = counter(node).rose(MINUTE)?;
        let evidence = (times > 0).then(|| evidence(times, node))?;
        let about = About::Node(node.id);
        Some(Finding { about, severity: Severity::Bad, evidence, marks: Vec::new() })
    });
    found.collect()
}
