//! What a key does with the row that is selected or shown in full: close the connection, copy what is known.

use std::sync::Arc;
use std::time::Duration;

use super::details::Subject;
use super::{App, Word};
use crate::command::BY_HAND;
use crate::event::{Exact, NodeId};
use crate::fields::Listed;
use crate::report::{self, Screenful};
use crate::snapshot::{ClientRow, EventRow, GroupBy, GroupRow, RowState};
use crate::text;
use crate::tui::action::Effect;
use crate::tui::layout::Pane;
use crate::tui::listing::{Grouping, Listing, Sort};
use crate::tui::view;

/// The most that goes to the clipboard: beyond some 75 KB of base64, terminals drop what they get.
pub(super) const COPIED: usize = 48 << 10;

/// The most of the shell that goes into a report: its last lines, and how many bytes of them.
const REPORTED: (usize, usize) = (200, 256 << 10);

/// How often a screen can look.
const INTERVALS: [Duration; 9] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Something that is done only when the answer is yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// The question, safe to show.
    pub text: String,
    /// The word that is a yes, where a key is not enough.
    pub word: Option<Word>,
    /// What is done then.
    pub(super) deed: Deed,
}

/// What a yes does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Runs this line.
    Line(String),
    /// Closes these clients of watched servers.
    Kill(Vec<(NodeId, Exact)>),
    /// Ends the program, and the app with it.
    Quit,
}

impl App {
    /// Asks whether the connection under the selection is to be closed.
    pub(super) fn ask_to_close(&mut self) {
        let subject = match &self.details {
            Some(details) => Some(details.subject.clone()),
            None => self.subject(),
        };
        let Some(Subject::Connection(row, true)) = subject else { return };
        let id = row.id;
        let text = match &row.state {
            RowState::Available { .. } => format!("Close {id}? Nobody has it"),
            RowState::InUse { holder, .. } => {
                let by = view::connections::named(holder);
                let by = if by == view::NONE { "its holder" } else { &by };
                // Its row counts on beside the question, which does not.
                if holder.ended.is_some() {
                    format!("Close {id}? {by} took it and has ended")
                } else if row.busy_since.is_none() && by.contains(BY_HAND) {
                    format!("Close {id}? {by} has it")
                } else {
                    format!("Close {id}? {by} has it and gets an error")
                }
            }
        };
        self.confirm = Some(Confirm { text, word: None, deed: Deed::Line(format!("POOL CLOSE {}", id.0)) });
    }

    /// Does what was confirmed, as if it had been typed: what it does is recorded in the output.
    pub(super) fn confirmed(&mut self, confirm: Confirm, yes: bool) -> Vec<Effect> {
        if !yes {
            return Vec::new();
        }
        if let Some(word) = confirm.word.filter(|word| word.typed.trim() != word.wanted) {
            self.notice = Some(format!("nothing is closed: that was not {}", word.wanted));
            return Vec::new();
        }
        match confirm.deed {
            Deed::Line(line) => self.run_line(line),
            Deed::Kill(clients) => vec![Effect::Kill(clients)],
            Deed::Quit => vec![Effect::Quit],
        }
    }

    /// What is selected or shown in full, for the clipboard.
    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let text = match &self.details {
            Some(_) => view::details::text(self),
            None => self.selected_text(),
        };
        if text.is_empty() {
            return Vec::new();
        }
        let mut end = text.len().min(COPIED);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let (taken, all) = (&text[..end], text.len());
        self.notice = Some(if end < all {
            let (end, all) = (text::thousands(end as u64), text::thousands(all as u64));
            format!("copied the first {end} of {all} bytes")
        } else {
            format!("copied {} bytes", text::thousands(all as u64))
        });
        vec![Effect::Copy(taken.to_owned())]
    }

    /// Looks less or more often.
    pub(super) fn change_interval(&mut self, slower: bool) -> Vec<Effect> {
        let now = self.facts.interval;
        let next = if slower {
            INTERVALS.into_iter().find(|interval| *interval > now)
        } else {
            INTERVALS.into_iter().rev().find(|interval| *interval < now)
        };
        let Some(next) = next else {
            let end = if slower { "no screen is slower" } else { "no screen is quicker" };
            self.notice = Some(format!("every {} s: {end}", now.as_secs_f64()));
            return Vec::new();
        };
        self.facts.interval = next;
        self.notice = Some(format!("every {} s", next.as_secs_f64()));
        vec![Effect::Interval(next)]
    }

    /// What is on the screen and the end of what the shell has printed, for a report.
    pub(super) fn screenful(&self) -> Screenful {
        let snapshot = Arc::clone(&self.shown);
        let events = self.list(Pane::Events).map_or(&[][..], Listing::rows);
        let events = events.iter().filter_map(|at| snapshot.events.get(*at as usize));
        let said = |event: &EventRow| {
            (snapshot.as_of.since(event.at), view::events::sentence(&event.what).into_owned())
        };
        let connections = self.list(Pane::Connections);
        Screenful {
            frozen: self.frozen.then(|| self.latest.as_of.since(self.shown.as_of)),
            connections: connections.map(|list| list.rows().to_vec()).unwrap_or_default(),
            filter: connections.filter(|list| list.is_filtered()).map(|list| list.in_force().to_owned()),
            clients: self.reported_clients(),
            events: events.map(said).collect(),
            output: self.last_lines(),
            output_total: self.output.len(),
            snapshot,
        }
    }

    /// The clients as they are listed; for an open group, all clients.
    fn reported_clients(&self) -> Option<report::clients::Listing> {
        let list = self.list(Pane::Clients).filter(|_| !self.shown.nodes.is_empty())?;
        let Grouping { by, inside } = self.lists.grouping();
        let by = if inside.is_some() { GroupBy::None } else { *by };
        let filter = Some(list.in_force()).filter(|_| list.is_filtered());
        let Sort { field, descending } = list.sort();
        let (name, descends) = if by == GroupBy::None {
            ClientRow::FIELDS.get(field).map(|field| (field.name, field.descends))?
        } else {
            GroupRow::FIELDS.get(field).map(|field| (field.name, field.descends))?
        };
        let turned = if descending == descends { "" } else { "-" };
        let sort = format!("{turned}{name}");
        let listing = |filter| report::clients::Listing::new(by, filter, Some(&sort)).ok();
        // What only groups have is said of no client.
        listing(filter).or_else(|| listing(None))
    }

    /// The end of what the shell has printed, each command with what it took at its end. A secret in it is masked since
    /// it was typed.
    fn last_lines(&self) -> Vec<String> {
        let (most, mut room) = REPORTED;
        let mut lines = Vec::new();
        for line in self.output.lines().rev().take(most) {
            let note = line.note.as_ref().map_or_else(String::new, |note| format!("   {note}"));
            let said = format!("{}{note}", line.text);
            let Some(left) = room.checked_sub(said.len()) else { break };
            room = left;
            lines.push(said);
        }
        lines.reverse();
        lines
    }

    fn selected_text(&self) -> String {
        match self.subject() {
            Some(Subject::Connection(row, _)) => view::list::copied(&*row, &self.around()),
            Some(Subject::Lint(row, _)) => {
                let evidence = text::escape_str(&row.evidence);
                format!("{}: {evidence}. {}", row.id, row.advice)
            }
            Some(Subject::Client(row, _)) => view::list::copied(&*row, &self.around()),
            Some(Subject::Group(row)) => view::list::copied(&*row, &self.around()),
            Some(Subject::Process(..) | Subject::Pool(..)) => {
                let at = self.list(Pane::Pools).and_then(Listing::selected);
                let member = at.and_then(|at| self.lists.members().get(at));
                member.map_or_else(String::new, |member| view::list::copied(member, &self.around()))
            }
            Some(Subject::Event(row)) => text::escape_str(&view::events::sentence(&row.what)).into_owned(),
            Some(Subject::Nodes) if self.focus == Pane::Server => view::details::raw(&self.shown),
            Some(Subject::Info(_)) if self.focus == Pane::Server => {
                text::escape_lines(self.shown.server.raw.as_bytes())
            }
            _ => String::new(),
        }
    }
}
