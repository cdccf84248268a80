//! Colours by role, and the plain-ASCII form of everything the screen draws.
//!
//! A view names a role, never a colour. Colour only repeats what a word, a number or a mark already says, so every
//! theme, [`Theme::MONO`] included, shows the same facts.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::snapshot::Severity;

/// One style a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Values and typed text.
    pub text: Style,
    /// Labels, units, ages: what the eye may skip.
    pub dim: Style,
    /// Pane titles and the program's name.
    pub title: Style,
    /// The title and rule of the pane that has the keys.
    pub focus: Style,
    /// Rules between panes.
    pub rule: Style,
    /// Connections in use: bars, states.
    pub in_use: Style,
    /// Connections available.
    pub available: Style,
    /// Worth a look.
    pub warn: Style,
    /// Something is lost or failing.
    pub bad: Style,
    /// The selected row.
    pub selected: Style,
    /// A key in the footer and the help.
    pub key: Style,
    /// The PAUSED badge.
    pub badge: Style,
    /// The prompt's own words.
    pub prompt: Style,
    /// A command's name in the typed line.
    pub command: Style,
    /// A word of the syntax in the typed line.
    pub option: Style,
    /// The name of a key in the typed line.
    pub name: Style,
    /// Error replies, and what cannot be so in the typed line.
    pub error: Style,
    /// Whether cells are turned into plain ASCII before they are shown.
    pub ascii: bool,
}

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

impl Theme {
    /// The terminal's own sixteen colours, so that it suits light and dark backgrounds alike.
    pub const DEFAULT: Theme = Theme {
        text: PLAIN,
        dim: FAINT,
        title: BOLD,
        focus: BOLD.fg(Color::Cyan),
        rule: FAINT,
        in_use: PLAIN.fg(Color::Cyan),
        available: PLAIN.fg(Color::Green),
        warn: BOLD.fg(Color::Yellow),
        bad: BOLD.fg(Color::Red),
        selected: PLAIN.add_modifier(Modifier::REVERSED),
        key: BOLD,
        badge: BOLD.fg(Color::Yellow).add_modifier(Modifier::REVERSED),
        prompt: PLAIN.fg(Color::Cyan),
        command: BOLD,
        option: PLAIN.fg(Color::Blue),
        name: PLAIN.fg(Color::Green),
        error: PLAIN.fg(Color::Red),
        ascii: false,
    };

    /// No colour at all: bold, faint and reversed only.
    pub const MONO: Theme = Theme {
        focus: BOLD,
        in_use: PLAIN,
        available: PLAIN,
        warn: BOLD,
        bad: BOLD,
        badge: BOLD.add_modifier(Modifier::REVERSED),
        prompt: PLAIN,
        option: PLAIN,
        name: PLAIN,
        error: BOLD,
        ..Theme::DEFAULT
    };

    /// The default theme, without colour or beyond ASCII if so asked.
    pub fn new(colour: bool, ascii: bool) -> Self {
        Self { ascii, ..if colour { Self::DEFAULT } else { Self::MONO } }
    }

    /// How a judgement of this severity is written.
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Warn => self.warn,
            Severity::Bad => self.bad,
        }
    }

    /// Turns every cell that is not ASCII into its nearest ASCII form, when the theme asks for that.
    pub fn finish(&self, buf: &mut Buffer) {
        if self.ascii {
            for cell in &mut buf.content {
                if let Some(plain) = ascii_form(cell.symbol()) {
                    cell.set_symbol(plain);
                }
            }
        }
    }
}

/// The mark of a severity: what tells it without colour.
pub fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Warn => "!",
        Severity::Bad => "x",
    }
}

/// The ASCII stand-in for a symbol, or nothing when it is ASCII already.
fn ascii_form(symbol: &str) -> Option<&'static str> {
    if symbol.is_ascii() {
        return None;
    }
    Some(match symbol {
        "─" | "–" | "▂" => "-",
        "━" => "=",
        "█" | "▇" => "#",
        "▆" | "▅" => "*",
        "▄" | "▃" => "+",
        "▁" => "_",
        "▓" => "%",
        "░" => ".",
        "▸" => ">",
        "·" => "|",
        "…" => "~",
        "↑" => "^",
        "↓" => "v",
        "⏎" => "\\",
        _ => "?",
    })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn an_ascii_screen_holds_nothing_else() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        buf.set_string(0, 0, "━ ─ █ … 漢 é", Style::new());
        Theme::new(true, true).finish(&mut buf);
        let line: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(line, "= - # ~ ?  ?");
    }

    #[test]
    fn mono_has_no_colour() {
        let styles = format!("{:?}", Theme::MONO);
        for colour in ["Red", "Green", "Yellow", "Cyan", "Blue", "Magenta"] {
            assert!(!styles.contains(colour), "{colour} in {styles}");
        }
    }
}
