//! What is under the pointer, and what a click or the wheel does to it.

use ratatui::layout::{Position, Rect};

use super::App;
use crate::tui::action::{Effect, Step};
use crate::tui::layout::Pane;
use crate::tui::table;
use crate::tui::view;

/// Rows that one notch of the wheel moves.
const NOTCH: usize = 3;

impl App {
    /// Gives the keys to the pane under the pointer, and selects the row; on a column's title sorts by it; on a key in
    /// the footer presses it.
    pub(super) fn click(&mut self, at: Position, double: bool) -> Vec<Effect> {
        let plan = self.plan();
        if plan.footer.contains(at) {
            let key = view::footer::key_at(self, plan.footer, at.x);
            return key.and_then(|chord| self.press(chord)).unwrap_or_default();
        }
        // What lies on top is not clicked through.
        if self.help.is_some() || self.details.is_some() || self.confirm.is_some() || self.question.is_some()
        {
            return Vec::new();
        }
        let Some((pane, area)) = plan.panes.into_iter().find(|(_, area)| area.contains(at)) else {
            return Vec::new();
        };
        // The first of two clicks may have moved the rows, as a pane has more to say once it is read: the row meant is
        // the one that it selected.
        if double && self.row_clicked == Some(pane) {
            self.open();
            return Vec::new();
        }
        // Before the focus moves: it may change what stands where.
        let row = self.row_at(pane, area, at);
        let field = view::list::field_at(self, pane, area, at);
        if self.focus != pane {
            self.focus(pane);
        }
        if let Some(field) = field {
            self.sort_by(pane, field);
        }
        if let Some(row) = row {
            self.select(row);
        }
        self.row_clicked = row.map(|_| pane);
        if double && (row.is_some() || (pane == Pane::Server && at.y > area.y)) {
            self.open();
        }
        Vec::new()
    }

    /// Scrolls what is under the pointer.
    pub(super) fn wheel(&mut self, at: Position, up: bool) {
        let step = if up { Step::Up } else { Step::Down };
        if self.help.is_some() {
            return (0..NOTCH).for_each(|_| self.scroll_help(step));
        }
        if self.details.is_some() {
            return (0..NOTCH).for_each(|_| self.scroll_details(step));
        }
        let plan = self.plan();
        let Some((pane, area)) = plan.panes.into_iter().find(|(_, area)| area.contains(at)) else { return };
        if pane == Pane::Shell {
            return (0..NOTCH).for_each(|_| self.scroll_output(step));
        }
        let list = self.list(pane).map(|list| (list.at(), list.rows().len()));
        if let Some((selected, _)) = list.filter(|_| self.focus == pane) {
            let to = if up { selected.saturating_sub(NOTCH) } else { selected.saturating_add(NOTCH) };
            return self.select(to);
        }
        let (len, height) = match list {
            Some((_, len)) => (len, view::list_height(self, pane, area)),
            None => (view::length(pane, self), usize::from(area.height.saturating_sub(1))),
        };
        let offset = &mut self.offsets[pane.index()];
        let to = if up { offset.saturating_sub(NOTCH) } else { offset.saturating_add(NOTCH) };
        *offset = to.min(len.saturating_sub(height));
    }

    /// The place in a pane's list of the row under the pointer.
    fn row_at(&self, pane: Pane, area: Rect, at: Position) -> Option<usize> {
        let list = self.list(pane)?;
        let (line, each) = view::list::row_lines(self, pane, area);
        let down = at.y.checked_sub(line)? / each;
        let height = view::list_height(self, pane, area);
        let selected = (self.focus == pane).then(|| list.at());
        let first = table::window(self.offset(pane), selected, list.rows().len(), height);
        let row = first + usize::from(down);
        (usize::from(down) < height && row < list.rows().len()).then_some(row)
    }

    fn sort_by(&mut self, pane: Pane, field: &str) {
        self.lists.sort_by(pane, &self.shown, field);
        self.scroll_to_selection();
    }
}
