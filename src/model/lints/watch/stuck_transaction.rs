//! `stuck-transaction`: a client is in MULTI, or watches keys, and does not go on.
//!
//! It has sent nothing for [`QUIET`]. It clears with its next command, and when it is gone.

use std::time::Duration;

use super::{Finding, Lint, View, called};
use crate::snapshot::{About, ClientRow, ClientState, LintRow, Severity};
use crate::text::duration;

/// How long it must have sent nothing.
const QUIET: Duration = Duration::from_secs(10);

const ADVICE: &str = "end it on every path, errors too: EXEC, DISCARD or UNWATCH; a pipeline in `with` does";

/// See the module.
pub(super) struct StuckTransaction;

impl Lint for StuckTransaction {
    fn id(&self) -> &'static str {
        "stuck-transaction"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, _holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let stuck = view.odd().filter(|row| row.state == ClientState::Transaction);
        let found = stuck.filter_map(|row| {
            let idle = row.idle(view.now);
            let about = About::Client(row.node, row.client.id);
            let (began, idle) = (began(row), (idle >= QUIET).then(|| duration(idle))?);
            let evidence = format!("client {} in {began}, idle {idle}  {}", row.client.id, called(row));
            Some(Finding { about, severity: Severity::Warn, evidence, marks: Vec::new() })
        });
        found.collect()
    }

    fn ending(&self, row: &LintRow, view: &View<'_>) -> String {
        let About::Client(node, id) = row.about else { return row.evidence.clone() };
        let ended = match view.client(node, id) {
            _ if !view.nodes().any(|known| known.id == node) => {
                "is not to be seen: its server is watched no more"
            }
            None => "is gone",
            Some(client) if client.state == ClientState::Transaction => "went on",
            Some(_) => "is out of its transaction",
        };
        format!("client {id} {ended}, after {}", duration(view.now.since(row.since)))
    }
}

/// What it is in.
fn began(row: &ClientRow) -> String {
    match (row.client.multi, row.client.watch) {
        (Some(1), _) => "MULTI with 1 command queued".to_owned(),
        (Some(queued), _) => format!("MULTI with {queued} commands queued"),
        (None, Some(1)) => "WATCH of 1 key".to_owned(),
        (None, Some(keys)) if keys > 0 => format!("WATCH of {keys} keys"),
        (None, _) => "a transaction".to_owned(),
    }
}
