//! What a terminal can show, as its environment tells it. Nobody asks the terminal: the answer would come among the keys.

use ratatui::style::{Color, Style};

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colours {
    /// None, or none wanted.
    None,
    /// The sixteen that every colour terminal has, and a person may have set.
    Sixteen,
    /// xterm's 256.
    Indexed,
    /// Any red, green and blue.
    True,
}

impl Colours {
    /// The nearest colour to one that somebody else asks for: [`Color::Reset`] where there is none.
    pub fn nearest(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::Sixteen, Color::Indexed(index @ 16..)) => sixteen(indexed(index)),
            (Self::Sixteen, Color::Rgb(red, green, blue)) => sixteen([red, green, blue]),
            (Self::Indexed, Color::Rgb(red, green, blue)) => Color::Indexed(nearest([red, green, blue])),
            (_, colour) => colour,
        }
    }
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ability {
    /// Colours.
    pub colours: Colours,
    /// Only ASCII.
    pub ascii: bool,
}

impl Ability {
    /// What the environment says of the terminal; `colour` and `ascii` are what was asked for and decided before.
    pub fn detect(colour: bool, ascii: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let colours = if colour { colours(&set) } else { Colours::None };
        Self { colours, ascii: ascii || plain(&set) }
    }

    /// A style in the colours that there are.
    pub(super) fn style(self, style: Style) -> Style {
        let shown = |colour: Option<Color>| match (colour?, self.colours) {
            (_, Colours::None) => None,
            (Color::Rgb(red, green, blue), Colours::Indexed) => {
                Some(Color::Indexed(nearest([red, green, blue])))
            }
            (other, _) => Some(other),
        };
        Style { fg: shown(style.fg), bg: shown(style.bg), ..style }
    }
}

fn colours(set: &impl Fn(&str) -> Option<String>) -> Colours {
    let term = set("TERM").unwrap_or_default();
    let named = if term == "dumb" {
        Colours::None
    } else if term.contains("direct")
        || ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm"].contains(&&*term)
    {
        Colours::True
    } else if term.contains("256color") {
        Colours::Indexed
    } else {
        Colours::Sixteen
    };
    // COLORTERM comes down to a GNU screen from the terminal around it, which would be sent what screen cannot pass on;
    // tmux calls itself screen too, and can.
    let passed_on = !term.starts_with("screen") || set("TMUX").is_some();
    match set("COLORTERM").as_deref() {
        Some("truecolor" | "24bit") if passed_on && named > Colours::None => Colours::True,
        _ => named,
    }
}

/// Whether anything beyond ASCII would come out as something else: a locale that is not UTF-8, or the Linux console,
/// whose font has none of the eighth blocks. No locale at all says nothing: containers have none, their terminals do.
fn plain(set: &impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let other = locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        !locale.contains("utf-8") && !locale.contains("utf8")
    });
    other || set("TERM").is_some_and(|term| term == "linux" || term == "dumb")
}

/// The levels of xterm's colour cube.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The place of the nearest colour in xterm's cube or its ramp of greys. The first sixteen are not looked at: a person
/// may have changed them.
pub(super) fn nearest(rgb: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|index| distance(indexed(*index), rgb)).unwrap_or(16)
}

/// The nearest of the sixteen, as xterm has them.
fn sixteen(rgb: [u8; 3]) -> Color {
    let shown = |index: u8| match index {
        7 => [229; 3],
        8 => [127; 3],
        _ => [0, 1, 2].map(|part| match (index >> part & 1, index) {
            (0, _) => 0,
            (_, 0..8) => 205,
            _ => 255,
        }),
    };
    Color::Indexed((0..16).min_by_key(|index| distance(shown(*index), rgb)).unwrap_or_default())
}

/// What xterm shows for a place from 16 on.
pub(in crate::tui) fn indexed(index: u8) -> [u8; 3] {
    match index.saturating_sub(16) {
        cube @ 0..216 => [cube / 36, cube / 6 % 6, cube % 6].map(|level| LEVELS[usize::from(level)]),
        grey => [8 + (grey - 216) * 10; 3],
    }
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    one.into_iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
}
