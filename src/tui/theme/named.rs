//! The themes by name. All but the default bring their own background, so that their contrast is known and tested.

use ratatui::style::{Color, Style};

use super::{Ability, BOLD, Colours, PLAIN, Theme};
use crate::values;

/// What a theme with its own background is made of.
#[derive(Clone, Copy)]
pub(super) struct Inks {
    pub(super) back: Color,
    pub(super) text: Color,
    pub(super) dim: Color,
    pub(super) rule: Color,
    /// Focus, prompt.
    pub(super) accent: Color,
    pub(super) in_use: Color,
    pub(super) available: Color,
    pub(super) warn: Color,
    pub(super) bad: Color,
    pub(super) option: Color,
    pub(super) name: Color,
}

impl Inks {
    fn theme(self) -> Theme {
        let ink = |colour: Color| PLAIN.fg(colour);
        Theme {
            base: ink(self.text).bg(self.back),
            text: ink(self.text),
            dim: ink(self.dim),
            title: bold(self.text),
            focus: bold(self.accent),
            rule: ink(self.rule),
            in_use: ink(self.in_use),
            available: ink(self.available),
            warn: bold(self.warn),
            bad: bold(self.bad),
            selected: ink(self.back).bg(self.text),
            key: bold(self.text),
            badge: bold(self.back).bg(self.warn),
            prompt: ink(self.accent),
            command: bold(self.text),
            option: ink(self.option),
            name: ink(self.name),
            error: ink(self.bad),
            ascii: false,
            ..Theme::DEFAULT
        }
    }
}

fn bold(colour: Color) -> Style {
    BOLD.fg(colour)
}

const fn rgb(hex: u32) -> Color {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color::Rgb(red, green, blue)
}

/// A theme in all its colours, and in sixteen.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) full: Inks,
    pub(super) sixteen: Inks,
}

/// Dark ink on white.
pub(super) const LIGHT: Named = Named {
    name: "light",
    full: Inks {
        back: rgb(0x00ff_ffff),
        text: rgb(0x001f_2328),
        dim: rgb(0x0059_636e),
        rule: rgb(0x008c_959f),
        accent: rgb(0x0009_69da),
        in_use: rgb(0x0005_50ae),
        available: rgb(0x001a_7f37),
        warn: rgb(0x009a_4a00),
        bad: rgb(0x00c0_1c28),
        option: rgb(0x0082_50df),
        name: rgb(0x001a_7f37),
    },
    sixteen: Inks {
        back: Color::White,
        text: Color::Black,
        dim: Color::Black,
        rule: Color::DarkGray,
        accent: Color::Blue,
        in_use: Color::Blue,
        available: Color::Black,
        warn: Color::Magenta,
        bad: Color::Red,
        option: Color::Magenta,
        name: Color::Black,
    },
};

/// Pure colours on black, nothing faint.
pub(super) const HIGH_CONTRAST: Named = Named {
    name: "high-contrast",
    full: Inks {
        back: rgb(0),
        text: rgb(0x00ff_ffff),
        dim: rgb(0x00d8_d8d8),
        rule: rgb(0x00b0_b0b0),
        accent: rgb(0x0000_ffff),
        in_use: rgb(0x0000_ffff),
        available: rgb(0x0000_ff00),
        warn: rgb(0x00ff_ff00),
        bad: rgb(0x00ff_8080),
        option: rgb(0x00ff_b0ff),
        name: rgb(0x0000_ff00),
    },
    sixteen: Inks {
        back: Color::Black,
        text: Color::White,
        dim: Color::Gray,
        rule: Color::Gray,
        accent: Color::LightCyan,
        in_use: Color::LightCyan,
        available: Color::LightGreen,
        warn: Color::LightYellow,
        bad: Color::LightRed,
        option: Color::LightMagenta,
        name: Color::LightGreen,
    },
};

/// Okabe and Ito's palette, which people with any of the common kinds of colour blindness tell apart.
/// <https://jfly.uni-koeln.de/color/>
pub(super) const COLOUR_BLIND: Named = Named {
    name: "color-blind",
    full: Inks {
        back: rgb(0x0010_1418),
        text: rgb(0x00e8_e8e8),
        dim: rgb(0x00a0_a0a0),
        rule: rgb(0x0070_7070),
        accent: rgb(0x0056_b4e9),
        in_use: rgb(0x0056_b4e9),
        available: rgb(0x0000_9e73),
        warn: rgb(0x00f0_e442),
        bad: rgb(0x00d5_5e00),
        option: rgb(0x00cc_79a7),
        name: rgb(0x00e6_9f00),
    },
    sixteen: Inks {
        back: Color::Black,
        text: Color::White,
        dim: Color::Gray,
        rule: Color::DarkGray,
        accent: Color::LightCyan,
        in_use: Color::LightCyan,
        available: Color::Gray,
        warn: Color::LightYellow,
        bad: Color::LightMagenta,
        option: Color::LightMagenta,
        name: Color::LightYellow,
    },
};

pub(super) const NAMED: [Named; 3] = [LIGHT, HIGH_CONTRAST, COLOUR_BLIND];

impl Theme {
    /// The themes there are.
    pub const NAMES: [&'static str; 4] = values::THEMES;

    /// A theme in all its colours. British spelling is understood.
    pub fn by_name(name: &str) -> Option<Theme> {
        Self::chosen(name, Ability { colours: Colours::True, ascii: false })
    }

    /// A theme as a terminal can show it; without colours every name is [`Theme::MONO`].
    pub fn chosen(name: &str, ability: Ability) -> Option<Theme> {
        let name = if name == "colour-blind" { COLOUR_BLIND.name } else { name };
        let full = if name == Self::NAMES[0] {
            Self::DEFAULT
        } else {
            let named = NAMED.iter().find(|named| named.name == name)?;
            let inks = if ability.colours == Colours::Sixteen { named.sixteen } else { named.full };
            inks.theme()
        };
        let theme = match ability.colours {
            Colours::None => Self::MONO,
            _ => full.each(|style| ability.style(style)),
        };
        Some(Theme { ascii: ability.ascii, colours: ability.colours, ..theme })
    }
}
