//! `blocked-long`: clients of a process wait in a blocking command for [`LONG`] or longer.
//!
//! That may be meant: a worker without work waits so. A wait without an end is one that a dead peer is never noticed in.
//! It clears with the reply, and when they are gone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Finding, Lint, ROWS, View, who};
use crate::snapshot::{About, ClientRow, ClientState, GroupBy, Severity};
use crate::text::{duration, thousands};

/// How long.
const LONG: Duration = Duration::from_secs(600);

const ADVICE: &str = "give blocking commands a time limit and ask again: a lost peer is noticed then";

/// See the module.
pub(super) struct BlockedLong;

impl Lint for BlockedLong {
    fn id(&self) -> &'static str {
        "blocked-long"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, _holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let mut by_process: BTreeMap<_, Vec<&ClientRow>> = BTreeMap::new();
        for entry in view.odd_entries() {
            let row = &*entry.row;
            if row.state == ClientState::Blocked
                && row.idle(view.now) >= LONG
                && let Some(label) = view.process_label(entry)
            {
                by_process.entry(label).or_default().push(row);
            }
        }
        let found = by_process.into_iter().filter_map(|(label, rows)| {
            let longest = rows.iter().max_by_key(|row| row.idle(view.now))?;
            let command = longest.client.command.as_deref().unwrap_or("a blocking command");
            let command = crate::model::server::cut(command, 64).to_uppercase();
            let who = who(label, longest.process().map(|process| &**process));
            let (count, idle) = (thousands(rows.len() as u64), duration(longest.idle(view.now)));
            let clients = if rows.len() == 1 { "client" } else { "clients" };
            let evidence =
                format!("{who}: {count} {clients} blocked, for {idle} at the longest, in {command}");
            let about = About::Group(GroupBy::Process, label.clone());
            let marks = rows.iter().take(ROWS).map(|row| About::Client(row.node, row.client.id)).collect();
            Some(Finding { about, severity: Severity::Warn, evidence, marks })
        });
        found.collect()
    }
}
