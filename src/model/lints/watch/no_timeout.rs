//! `no-timeout`: the server never closes a client whose machine is gone: by its settings it neither ends idle ones nor
//! asks whether they are still there.
//!
//! From CONFIG GET, where that may be asked. It clears when the settings change.

use super::{Finding, Lint, View};
use crate::snapshot::{About, LintRow, Severity};

const ADVICE: &str = "CONFIG SET tcp-keepalive 300, or a timeout longer than any pool keeps one idle";

/// See the module.
pub(super) struct NoTimeout;

impl Lint for NoTimeout {
    fn id(&self) -> &'static str {
        "no-timeout"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, _holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let never = view
            .nodes()
            .filter(|node| (node.config.timeout, node.config.tcp_keepalive) == (Some(0), Some(0)));
        let found = never.map(|node| Finding {
            about: About::Node(node.id),
            severity: Severity::Warn,
            evidence: "timeout 0 and tcp-keepalive 0: a client whose machine is gone stays for ever"
                .to_owned(),
            marks: Vec::new(),
        });
        found.collect()
    }

    fn ending(&self, row: &LintRow, _view: &View<'_>) -> String {
        format!("no longer so; before: {}", row.evidence)
    }
}
