//! The lists: which of their rows are shown, in which order, and which one is selected.

use super::App;
use crate::fields::Around;
use crate::fields::filter;
use crate::tui::action::Step;
use crate::tui::layout::Pane;
use crate::tui::listing::Listing;
use crate::tui::table;
use crate::tui::view;

impl App {
    /// The list of a pane, where it has one.
    pub fn list(&self, pane: Pane) -> Option<&Listing> {
        self.lists.of(pane)
    }

    /// What the fields of rows depend on beside the row.
    pub(super) fn around(&self) -> Around<'_> {
        Around { as_of: self.shown.as_of, marks: self.lists.marks() }
    }

    /// Whether this pane's filter line is open.
    pub fn filtering(&self, pane: Pane) -> bool {
        self.filtering == Some(pane)
    }

    /// The snapshot that is shown is another one.
    pub(super) fn refresh_lists(&mut self) {
        self.lists.take(&self.shown);
        self.settle_selection();
    }

    /// A list that has the keys always has a row selected: the first until a person has chosen one, and that while rows
    /// move from then on.
    pub(super) fn settle_selection(&mut self) {
        let (pane, at) = match self.lists.of(self.focus) {
            Some(list) if list.pick().is_none() => (self.focus, list.at()),
            _ => return,
        };
        self.lists.select(pane, &self.shown, at);
    }

    /// Moves the selection of the list that has the keys.
    pub(super) fn select_step(&mut self, step: Step) {
        let area = self.plan().area(self.focus).unwrap_or_default();
        let height = view::list_height(self, self.focus, area);
        let at = self.list(self.focus).map_or(0, Listing::at);
        self.select(table::step(at, step, height));
    }

    /// Selects the row at a place of the list that has the keys for a person, and scrolls to it.
    pub(super) fn select(&mut self, at: usize) {
        self.lists.choose(self.focus);
        self.show_selected(at);
    }

    fn show_selected(&mut self, at: usize) {
        let pane = self.focus;
        self.lists.select(pane, &self.shown, at);
        let area = self.plan().area(pane).unwrap_or_default();
        let height = view::list_height(self, pane, area);
        let Some(list) = self.lists.of(pane) else { return };
        let offset = &mut self.offsets[pane.index()];
        *offset = table::window(*offset, Some(list.at()), list.rows().len(), height);
    }

    pub(super) fn open_filter(&mut self) {
        self.filtering = self.list(self.focus).map(|_| self.focus);
        self.lists.anchor(self.focus, true);
    }

    /// The rows have the keys again.
    pub(super) fn close_filter(&mut self) {
        self.filtering = None;
        self.lists.anchor(self.focus, false);
        // What never made sense is not kept: the line and what is shown say the same.
        if let Some(list) = self.list(self.focus).filter(|list| list.error().is_some()) {
            let kept = list.in_force().to_owned();
            self.change_filter(|line| *line = kept);
        }
    }

    /// The rows have the keys, unless the line makes no sense: then it stays, with what is wrong with it.
    pub(super) fn keep_filter(&mut self) {
        if self.list(self.focus).is_none_or(|list| list.error().is_none()) {
            self.close_filter();
        }
    }

    pub(super) fn clear_filter(&mut self) {
        self.change_filter(String::clear);
        self.close_filter();
    }

    /// Clears the filter of the focused pane, or goes back to the prompt when there is none.
    pub(super) fn leave_pane(&mut self) {
        if self.list(self.focus).is_some_and(|list| !list.typed().is_empty()) {
            self.clear_filter();
        } else {
            self.focus(Pane::Shell);
        }
    }

    pub(super) fn change_filter(&mut self, change: impl FnOnce(&mut String)) {
        self.lists.filter(self.focus, &self.shown, change);
        self.scroll_to_selection();
    }

    pub(super) fn type_filter(&mut self, text: &str) {
        self.change_filter(|line| {
            for c in text.chars().filter(|c| !c.is_control()) {
                if line.len() + c.len_utf8() > filter::LONGEST {
                    break;
                }
                line.push(c);
            }
        });
    }

    /// Sorts by the next column, or by the one before.
    pub(super) fn sort(&mut self, back: bool) {
        let width = self.plan().area(self.focus).unwrap_or_default().width;
        let among = view::list::sortable(self, self.focus, width);
        self.lists.next_sort(self.focus, &self.shown, back, &among);
        self.scroll_to_selection();
    }

    pub(super) fn invert(&mut self) {
        self.lists.invert(self.focus, &self.shown);
        self.scroll_to_selection();
    }

    pub(super) fn scroll_to_selection(&mut self) {
        if let Some(at) = self.list(self.focus).map(Listing::at) {
            self.show_selected(at);
        }
    }
}
