//! Colours by role, and the plain-ASCII form of everything the screen draws.
//!
//! A view names a role, never a colour. Colour only repeats what a word, a number or a mark already says, so every
//! theme, [`Theme::MONO`] included, shows the same facts.

mod ability;
mod ascii;
mod named;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::snapshot::Severity;

pub(super) use ability::indexed;
pub use ability::{Ability, Colours};

/// One style a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// What a cell is where nothing else is said: the terminal's own, unless a theme brings its own background.
    pub base: Style,
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
    /// The colours that an app's own output may have.
    pub colours: Colours,
}

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

impl Theme {
    /// The terminal's own sixteen colours, so that it suits light and dark backgrounds alike.
    pub const DEFAULT: Theme = Theme {
        base: PLAIN,
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
        colours: Colours::True,
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
        colours: Colours::None,
        ..Theme::DEFAULT
    };

    /// How a judgement of this severity is written.
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Warn => self.warn,
            Severity::Bad => self.bad,
        }
    }

    /// The last touch on a drawn screen: the theme's own background where nothing was said, and plain ASCII where the
    /// theme asks for that.
    pub fn finish(&self, buf: &mut Buffer) {
        if self.ascii {
            ascii::dots(buf);
        }
        for cell in &mut buf.content {
            if let (Color::Reset, Some(own)) = (cell.fg, self.base.fg) {
                cell.fg = own;
            }
            if let (Color::Reset, Some(own)) = (cell.bg, self.base.bg) {
                cell.bg = own;
            }
            if let Some(plain) = self.ascii.then(|| ascii::form(cell.symbol())).flatten() {
                cell.set_symbol(plain);
            }
        }
    }

    /// The same roles, each style changed.
    fn each(self, change: impl Fn(Style) -> Style) -> Theme {
        Theme {
            base: change(self.base),
            text: change(self.text),
            dim: change(self.dim),
            title: change(self.title),
            focus: change(self.focus),
            rule: change(self.rule),
            in_use: change(self.in_use),
            available: change(self.available),
            warn: change(self.warn),
            bad: change(self.bad),
            selected: change(self.selected),
            key: change(self.key),
            badge: change(self.badge),
            prompt: change(self.prompt),
            command: change(self.command),
            option: change(self.option),
            name: change(self.name),
            error: change(self.error),
            ascii: self.ascii,
            colours: self.colours,
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
