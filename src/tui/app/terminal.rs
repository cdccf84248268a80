//! The terminal of the app that is run: what goes to it, and when the program may be left.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyModifiers, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::App;
use super::deeds::{Confirm, Deed};
use crate::console::{Mouse, Picture, Size, input};
use crate::tui::action::{Effect, Step};
use crate::tui::keymap::{Chord, Meaning, Mode};
use crate::tui::layout::{Pane, Scene};
use crate::tui::view;

/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

impl App {
    /// Takes a new picture of what the app prints.
    pub fn show(&mut self, picture: Arc<Picture>) {
        self.picture = picture;
    }

    /// How large the app's terminal is to be: nothing while it is out of sight.
    pub fn terminal_size(&self) -> Option<Size> {
        let size = view::app::size(self.plan().area(Pane::App)?);
        (size.rows > 0 && size.columns > 0).then_some(size)
    }

    /// Whether there is an app that would be ended with us.
    pub(super) fn runs(&self) -> bool {
        let ended = || self.latest.app.as_deref().is_some_and(|app| app.ended.is_some());
        self.scene == Scene::Run && !ended()
    }

    /// What an event of the terminal means where the app has the keys, or the mouse is over it; nothing where it is not
    /// the app's.
    pub fn pass_on(&self, event: &Event) -> Option<Vec<Effect>> {
        if self.unseen() || self.scene != Scene::Run {
            return None;
        }
        let typed = |bytes: Vec<u8>| Some(vec![Effect::Type(bytes)]);
        let modes = self.picture.modes;
        match event {
            Event::Mouse(event) => self.pass_mouse(*event),
            _ if self.context().mode != Mode::App => None,
            Event::Key(key) => {
                if let Some(step) = back(key.code, key.modifiers) {
                    return Some(self.scroll_app(step));
                }
                let chord = Chord::from_event(key)?;
                match self.facts.keys.resolve(None, chord, &self.context()) {
                    Meaning::Nothing => typed(input::key(key, modes)),
                    Meaning::Do(_) | Meaning::Begins => None,
                }
            }
            Event::Paste(text) => typed(input::paste(text, modes)),
            _ => None,
        }
    }

    fn pass_mouse(&self, event: MouseEvent) -> Option<Vec<Effect>> {
        let on_top = self.help.is_some() || self.details.is_some() || self.confirm.is_some();
        let at = Position { x: event.column, y: event.row };
        let area = self.plan().area(Pane::App).filter(|area| area.contains(at) && !on_top)?;
        let modes = self.picture.modes;
        let has_keys = self.context().mode == Mode::App;
        // Its title is no part of its screen.
        let row = at.y.checked_sub(area.y + 1);
        if let Some(row) = row.filter(|_| has_keys && modes.mouse != Mouse::None) {
            return Some(vec![Effect::Type(input::mouse(event, row, at.x - area.x, modes))]);
        }
        let up = match event.kind {
            MouseEventKind::ScrollUp => true,
            MouseEventKind::ScrollDown => false,
            _ => return None,
        };
        Some(vec![if has_keys && modes.full_screen {
            Effect::Type(input::wheel(up, modes))
        } else {
            Effect::ScrollApp(if up { NOTCH } else { -NOTCH })
        }])
    }

    /// Moves in what the app has printed.
    pub(super) fn scroll_app(&self, step: Step) -> Vec<Effect> {
        let area: Rect = self.plan().area(Pane::App).unwrap_or_default();
        let page = isize::try_from(area.height.saturating_sub(2).max(1)).unwrap_or(1);
        vec![Effect::ScrollApp(match step {
            Step::Up => 1,
            Step::Down => -1,
            Step::PageUp => page,
            Step::PageDown => -page,
            Step::Top => isize::MAX,
            Step::Bottom => isize::MIN,
        })]
    }

    /// Leaves, or asks first where that ends an app.
    pub(super) fn quit(&mut self) -> Vec<Effect> {
        if !self.runs() {
            return vec![Effect::Quit];
        }
        let text = format!("{} still runs: end it?", self.facts.target);
        self.confirm = Some(Confirm { text, word: None, deed: Deed::Quit });
        Vec::new()
    }
}

/// The keys that terminals themselves take for what has left them at the top.
fn back(code: KeyCode, modifiers: KeyModifiers) -> Option<Step> {
    match (code, modifiers) {
        (KeyCode::PageUp, KeyModifiers::SHIFT) => Some(Step::PageUp),
        (KeyCode::PageDown, KeyModifiers::SHIFT) => Some(Step::PageDown),
        _ => None,
    }
}
