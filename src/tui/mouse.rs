//! The mouse: buttons and the wheel into actions. What is under the pointer is the app's to know.

use std::time::{Duration, Instant};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::action::Action;

/// Two clicks on one place within this time are one double click, as desktops have it.
const DOUBLE: Duration = Duration::from_millis(400);

/// The click before, which decides whether the next one is its second half.
#[derive(Debug, Default)]
pub struct Clicks {
    last: Option<(Instant, Position)>,
}

impl Clicks {
    /// What an event of the mouse asks for, if anything.
    pub fn action(&mut self, event: MouseEvent, now: Instant) -> Option<Action> {
        let at = Position { x: event.column, y: event.row };
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let second =
                    self.last.is_some_and(|(when, place)| place == at && now.duration_since(when) <= DOUBLE);
                self.last = (!second).then_some((now, at));
                Some(if second { Action::DoubleClick(at) } else { Action::Click(at) })
            }
            MouseEventKind::ScrollUp => Some(Action::Wheel { at, up: true }),
            MouseEventKind::ScrollDown => Some(Action::Wheel { at, up: false }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn event(kind: MouseEventKind, column: u16) -> MouseEvent {
        MouseEvent { kind, column, row: 4, modifiers: KeyModifiers::NONE }
    }

    #[test]
    fn two_quick_clicks_on_one_place_are_a_double_click_and_a_third_begins_anew() {
        let mut clicks = Clicks::default();
        let start = Instant::now();
        let mut click = |column, ms| {
            let down = MouseEventKind::Down(MouseButton::Left);
            clicks.action(event(down, column), start + Duration::from_millis(ms))
        };
        let at = |x| Position { x, y: 4 };
        assert_eq!(click(1, 0), Some(Action::Click(at(1))));
        assert_eq!(click(1, 300), Some(Action::DoubleClick(at(1))));
        assert_eq!(click(1, 400), Some(Action::Click(at(1))));
        assert_eq!(click(2, 500), Some(Action::Click(at(2))), "another place");
        assert_eq!(click(2, 1_000), Some(Action::Click(at(2))), "too late");
    }

    #[test]
    fn moves_and_other_buttons_mean_nothing() {
        let mut clicks = Clicks::default();
        for kind in [
            MouseEventKind::Moved,
            MouseEventKind::Up(MouseButton::Left),
            MouseEventKind::Down(MouseButton::Right),
            MouseEventKind::Drag(MouseButton::Left),
        ] {
            assert_eq!(clicks.action(event(kind, 1), Instant::now()), None);
        }
    }
}
