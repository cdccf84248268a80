//! Which pane has the keys, and where each is scrolled to.

use ratatui::layout::Rect;

use super::App;
use crate::tui::action::Step;
use crate::tui::layout::Pane;
use crate::tui::table;
use crate::tui::view;

impl App {
    /// How far a pane is scrolled.
    pub fn offset(&self, pane: Pane) -> usize {
        self.offsets[pane.index()]
    }

    pub(super) fn focus(&mut self, pane: Pane) {
        if self.scene.number(pane) == 0 {
            return;
        }
        self.help = None;
        self.end_search(false);
        self.end_reading();
        self.prompt.dismiss();
        self.close_filter();
        self.close_details();
        if self.focus != pane {
            self.zoomed = false;
        }
        if pane != Pane::Shell {
            self.last_pane = pane;
        }
        self.focus = pane;
        self.settle_selection();
    }

    /// The pane on the screen that is next by number; any pane while one fills the screen.
    pub(super) fn neighbour(&self, by: isize) -> Pane {
        let shown = self.plan();
        let mut pane = self.scene.step(self.focus, by);
        if shown.panes.len() > 1 {
            while shown.area(pane).is_none() {
                pane = self.scene.step(pane, by);
            }
        }
        pane
    }

    pub(super) fn scroll_pane(&mut self, step: Step) {
        let area = self.plan().area(self.focus).unwrap_or_default();
        let height = usize::from(area.height.saturating_sub(1));
        match self.focus {
            Pane::Connections | Pane::Lints | Pane::Events | Pane::Clients | Pane::Pools => {
                self.select_step(step);
            }
            Pane::Shell => self.scroll_output(step),
            pane => {
                let len = view::length(pane, self);
                let offset = &mut self.offsets[pane.index()];
                *offset = table::step(*offset, step, height).min(len.saturating_sub(height));
            }
        }
    }

    pub(super) fn scroll_help(&mut self, step: Step) {
        let area = Rect { x: 0, y: 0, width: self.size.width, height: self.size.height };
        let height = view::help::height(area);
        if let Some(help) = &mut self.help {
            let len = view::help::length(&self.facts.keys, help, area.width);
            help.offset = table::step(help.offset, step, height).min(len.saturating_sub(height));
        }
    }
}
