//! What a key does with the row that is selected or shown in full: close the connection, copy what is known.

use super::App;
use super::details::Subject;
use crate::snapshot::RowState;
use crate::text;
use crate::tui::action::Effect;
use crate::tui::layout::Pane;
use crate::tui::view;

/// The most that goes to the clipboard: beyond some 75 KB of base64, terminals drop what they get.
pub(super) const COPIED: usize = 48 << 10;

/// Something that is done only when the answer is yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// The question, safe to show.
    pub text: String,
    /// The line that is run then.
    line: String,
}

impl App {
    /// Asks whether the connection under the selection is to be closed.
    pub(super) fn ask_to_close(&mut self) {
        let subject = match &self.details {
            Some(details) => Some(details.subject.clone()),
            None => self.subject(),
        };
        let Some(Subject::Connection(row, true)) = subject else { return };
        let state = match &row.state {
            RowState::Available { .. } => "available".to_owned(),
            RowState::InUse { holder, .. } => {
                let held = row.held_for(self.shown.as_of).map(view::age).unwrap_or_default();
                let by = view::connections::named(holder);
                format!("held {held} by {by}, who gets an error")
            }
        };
        let id = row.id;
        let text = format!("Close {id}, {state}?");
        self.confirm = Some(Confirm { text, line: format!("POOL CLOSE {}", id.0) });
    }

    /// Does what was confirmed, as if it had been typed: what it does is recorded in the output.
    pub(super) fn confirmed(&mut self, confirm: Confirm, yes: bool) -> Vec<Effect> {
        if !yes {
            return Vec::new();
        }
        self.run_line(confirm.line)
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

    fn selected_text(&self) -> String {
        match self.subject() {
            Some(Subject::Connection(row, _)) => view::connections::copied(&row, &self.around()),
            Some(Subject::Lint(row, _)) => {
                let evidence = text::escape_str(&row.evidence);
                format!("{}: {evidence}. {}", row.id, row.advice)
            }
            Some(Subject::Event(row)) => text::escape_str(&view::events::sentence(&row.what)).into_owned(),
            Some(Subject::Info(_)) if self.focus == Pane::Server => {
                text::escape_lines(self.shown.server.raw.as_bytes())
            }
            _ => String::new(),
        }
    }
}
