//! A key with its modifiers: read from a name such as `ctrl-a`, and from what the terminal sends. And one or two of
//! them in a row, such as `ctrl-x ctrl-e`.

use std::fmt;
use std::str::FromStr;

use crate::nearest::nearest;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key and the modifiers that tell it from others. Shift is part of the character it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// Keys with a name of more than one letter.
const NAMED: [(&str, KeyCode); 16] = [
    ("Enter", KeyCode::Enter),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Esc", KeyCode::Esc),
    ("Backspace", KeyCode::Backspace),
    ("Del", KeyCode::Delete),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Insert", KeyCode::Insert),
    ("Space", KeyCode::Char(' ')),
];

impl Chord {
    /// What cancels and quits everywhere.
    pub(super) const CTRL_C: Chord = Chord { code: KeyCode::Char('c'), ctrl: true, alt: false };

    /// What the terminal sent, or nothing for a key's release.
    pub fn from_event(event: &KeyEvent) -> Option<Chord> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        Some(match (event.code, ctrl) {
            // One byte, two names: some terminals send ^H for Backspace, and a line feed is an Enter in raw mode.
            (KeyCode::Char('h'), true) => Chord { code: KeyCode::Backspace, ctrl: false, alt },
            (KeyCode::Char('j'), true) => Chord { code: KeyCode::Enter, ctrl: false, alt },
            // crossterm numbers the bytes from 0x1c to 0x1f; people know them by these signs.
            (KeyCode::Char(c @ '4'..='7'), true) => {
                let sign = ['\\', ']', '^', '_'][c as usize - '4' as usize];
                Chord { code: KeyCode::Char(sign), ctrl, alt }
            }
            (KeyCode::Char(c), true) => Chord { code: KeyCode::Char(c.to_ascii_lowercase()), ctrl, alt },
            (code, _) => Chord { code, ctrl, alt },
        })
    }

    /// The character it types, when it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// The letter that is pressed with Alt; not the digits, which are the panes'.
    pub fn typed_with_alt(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && self.alt && !matches!(c, '1'..='9') => Some(c),
            _ => None,
        }
    }

    /// Why no terminal, or not every one, sends it, where that is so.
    pub(super) fn unsendable(self) -> Option<String> {
        let KeyCode::Char(c) = self.code else { return None };
        if !self.ctrl {
            return None;
        }
        let other = match c {
            'i' => "Tab",
            'm' | 'j' => "Enter",
            'h' => "Backspace",
            '[' => "Esc",
            'a'..='z' | ' ' | '\\' | ']' | '^' | '_' => return None,
            _ => return Some(format!("terminals do not send {self}")),
        };
        Some(format!("{self} cannot be bound: many terminals send it as {other}"))
    }

    /// The digit of a digit key.
    pub fn digit(self) -> Option<usize> {
        match self.code {
            KeyCode::Char(c) => c.to_digit(10).map(|digit| digit as usize),
            _ => None,
        }
    }

    /// The same with another digit for its key.
    #[must_use]
    pub(super) fn with_digit(self, digit: u32) -> Chord {
        Chord { code: char::from_digit(digit, 10).map_or(self.code, KeyCode::Char), ..self }
    }
}

impl FromStr for Chord {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ctrl, rest) = strip(text, "ctrl-");
        let (alt, rest) = strip(rest, "alt-");
        let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(rest)).map(|(_, code)| *code);
        let mut letters = rest.chars();
        let code = match (named.or_else(|| function(rest)), letters.next(), letters.next()) {
            (Some(code), _, _) => code,
            // No terminal tells a capital from a small letter under Ctrl.
            (None, Some(c), None) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            (None, Some(c), None) if !c.is_whitespace() && !c.is_control() => KeyCode::Char(c),
            _ => return Err(()),
        };
        Ok(Chord { code, ctrl, alt })
    }
}

/// Whether the text begins with this prefix and more follows, and what follows.
fn strip<'a>(text: &'a str, prefix: &str) -> (bool, &'a str) {
    match text.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) && !rest.is_empty() => (true, rest),
        _ => (false, text),
    }
}

/// `f1` to `f12`.
fn function(text: &str) -> Option<KeyCode> {
    let number = text.strip_prefix(['f', 'F'])?;
    (1..=12).find(|known| known.to_string() == number).map(KeyCode::F)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        match NAMED.iter().find(|(_, code)| *code == self.code) {
            Some((name, _)) => f.write_str(name),
            None => match self.code {
                KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
                KeyCode::Char(c) => write!(f, "{c}"),
                other => write!(f, "{other}"),
            },
        }
    }
}

/// The key that was probably meant by what is none: other programs have other names.
pub(super) fn meant(text: &str) -> Option<String> {
    let words: Vec<String> = text.split_ascii_whitespace().take(3).map(meant_word).collect::<Option<_>>()?;
    let meant = words.join(" ");
    meant.parse::<Sequence>().ok().map(|_| meant)
}

fn meant_word(word: &str) -> Option<String> {
    const MODIFIERS: [(&str, &str); 7] = [
        ("ctrl", "ctrl"),
        ("control", "ctrl"),
        ("c", "ctrl"),
        ("alt", "alt"),
        ("meta", "alt"),
        ("m", "alt"),
        ("option", "alt"),
    ];
    const KEYS: [(&str, &str); 6] = [
        ("return", "enter"),
        ("escape", "esc"),
        ("delete", "del"),
        ("pageup", "pgup"),
        ("pagedown", "pgdn"),
        ("backtab", "shift-tab"),
    ];
    if word.parse::<Chord>().is_ok() {
        return Some(word.to_owned());
    }
    if let Some(key) = word.strip_prefix('^') {
        return Some(format!("ctrl-{}", key.to_lowercase()));
    }
    if let Some((modifier, key)) = word.split_once(['-', '+']) {
        let near = nearest(modifier, MODIFIERS.map(|(name, _)| name))?;
        let (_, ours) = MODIFIERS.iter().find(|(name, _)| *name == near)?;
        return Some(format!("{ours}-{}", meant_word(key)?));
    }
    let names = KEYS.iter().map(|(name, _)| *name).chain(NAMED.iter().map(|(name, _)| *name));
    let near = nearest(word, names)?;
    Some(KEYS.iter().find(|(name, _)| *name == near).map_or(near, |(_, ours)| ours).to_lowercase())
}

/// One chord, or two pressed one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// The first.
    pub first: Chord,
    /// What must follow it, if anything.
    pub second: Option<Chord>,
}

impl FromStr for Sequence {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split_ascii_whitespace();
        let first = words.next().ok_or(())?.parse()?;
        let second = words.next().map(str::parse).transpose()?;
        if words.next().is_some() { Err(()) } else { Ok(Sequence { first, second }) }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.second {
            Some(second) => write!(f, "{} {second}", self.first),
            None => self.first.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in [
            "Ctrl-A",
            "Alt-f",
            "Alt-F",
            "Enter",
            "Shift-Tab",
            "PgUp",
            "?",
            "-",
            "Ctrl-_",
            "Ctrl-Alt-X",
            "F12",
            "Ctrl-Space",
        ] {
            assert_eq!(name.parse::<Chord>().unwrap().to_string(), name);
        }
        assert_eq!("ctrl-PGUP".parse::<Chord>().unwrap().to_string(), "Ctrl-PgUp");
        for name in ["nothing", "", "ctrl-", "f0", "f13", "f01", "\u{7}", "é-x"] {
            assert_eq!(name.parse::<Chord>(), Err(()), "{name}");
        }
    }

    #[test]
    fn one_chord_or_two_make_a_sequence() {
        for name in ["Ctrl-X Ctrl-E", "g G", "Enter", "Ctrl-X u"] {
            assert_eq!(name.parse::<Sequence>().unwrap().to_string(), name);
        }
        for name in ["", " ", "a b c", "ctrl-x nothing"] {
            assert_eq!(name.parse::<Sequence>(), Err(()), "{name}");
        }
    }

    #[test]
    fn what_terminals_send_is_told_apart_as_people_name_it() {
        let of = |code, modifiers| Chord::from_event(&KeyEvent::new(code, modifiers)).unwrap().to_string();
        assert_eq!(of(KeyCode::Char('h'), KeyModifiers::CONTROL), "Backspace");
        assert_eq!(of(KeyCode::Char('7'), KeyModifiers::CONTROL), "Ctrl-_");
        assert_eq!(of(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
        assert_eq!(of(KeyCode::BackTab, KeyModifiers::SHIFT), "Shift-Tab");
    }
}
