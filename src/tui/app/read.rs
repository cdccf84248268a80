//! Reading what was printed: scrolling, and looking for words in it.

use super::App;
use crate::tui::action::Step;
use crate::tui::layout::{Pane, Wish, plan};
use crate::tui::output::Place;
use crate::tui::view;

/// The output has the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What is looked for.
    pub words: String,
    /// Letters still go into it.
    pub typing: bool,
    /// What was in sight when typing began.
    from: Place,
}

impl App {
    /// Letters go into what is looked for, from here on up.
    pub(super) fn find(&mut self) {
        if self.focus != Pane::Shell {
            self.focus(Pane::Shell);
        }
        self.prompt.dismiss();
        self.end_search(false);
        self.reading =
            Some(Reading { words: String::new(), typing: true, from: self.output.place_in_sight() });
        self.look_for("");
    }

    /// Changes what is looked for.
    pub(super) fn refine_find(&mut self, change: impl FnOnce(&mut String)) {
        let Some(reading) = &mut self.reading else { return };
        change(&mut reading.words);
        let (words, from) = (reading.words.clone(), reading.from);
        self.output.go(from);
        self.look_for(&words);
    }

    /// The letters are keys from here on.
    pub(super) fn read(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.typing = false;
        }
    }

    /// The prompt has the keys again; what is in sight stays.
    pub(super) fn end_reading(&mut self) {
        if self.reading.take().is_some() {
            self.look_for("");
        }
    }

    pub(super) fn next_found(&mut self, up: bool) {
        let (width, height) = self.output_size();
        self.output.next_found(up, width, height);
    }

    pub(super) fn scroll_output(&mut self, step: Step) {
        let (width, height) = self.output_size();
        self.output.scroll(step, width, height);
    }

    fn look_for(&mut self, words: &str) {
        let (width, height) = self.output_size();
        self.output.look_for(words, width, height);
    }

    pub(super) fn output_size(&self) -> (usize, usize) {
        // The shell's own area when it is not on the screen is the one it would fill.
        let wish = Wish {
            scene: self.scene,
            panes: &[],
            focus: Pane::Shell,
            zoomed: true,
            banner: false,
            servers: 0,
        };
        let area = self.plan().area(Pane::Shell).or_else(|| plan(self.size, &wish).area(Pane::Shell));
        view::shell::output_size(self, area.unwrap_or_default())
    }
}
