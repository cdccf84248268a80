//! Keys, pastes and the mouse as the bytes that a terminal sends for them: xterm's, which every program knows.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::{Modes, Mouse};

/// What begins and ends a paste for a program that wants to know.
const BRACKETS: [&str; 2] = ["\x1b[200~", "\x1b[201~"];

/// A key's bytes; none where it has none.
pub fn key(event: &KeyEvent, modes: Modes) -> Vec<u8> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let modifiers = event.modifiers;
    let (ctrl, alt) = (modifiers.contains(KeyModifiers::CONTROL), modifiers.contains(KeyModifiers::ALT));
    let plain = |bytes: &[u8]| escaped(alt, bytes);
    match event.code {
        KeyCode::Char(c) if ctrl => control(c).map_or_else(Vec::new, |byte| plain(&[byte])),
        KeyCode::Char(c) => plain(c.encode_utf8(&mut [0; 4]).as_bytes()),
        KeyCode::Enter => plain(b"\r"),
        KeyCode::Tab => plain(b"\t"),
        KeyCode::BackTab => b"\x1b[Z".to_vec(),
        KeyCode::Esc => plain(b"\x1b"),
        KeyCode::Backspace => plain(if ctrl { b"\x08" } else { b"\x7f" }),
        KeyCode::Null => plain(&[0]),
        KeyCode::Up => arrow('A', modifiers, modes),
        KeyCode::Down => arrow('B', modifiers, modes),
        KeyCode::Right => arrow('C', modifiers, modes),
        KeyCode::Left => arrow('D', modifiers, modes),
        KeyCode::End => arrow('F', modifiers, modes),
        KeyCode::Home => arrow('H', modifiers, modes),
        KeyCode::Insert => numbered(2, modifiers),
        KeyCode::Delete => numbered(3, modifiers),
        KeyCode::PageUp => numbered(5, modifiers),
        KeyCode::PageDown => numbered(6, modifiers),
        KeyCode::F(number) => function(number, modifiers),
        _ => Vec::new(),
    }
}

/// Alt is an escape before the rest.
fn escaped(alt: bool, bytes: &[u8]) -> Vec<u8> {
    let escape: &[u8] = if alt { b"\x1b" } else { b"" };
    [escape, bytes].concat()
}

/// What Ctrl makes of a character. crossterm has numbers for what comes after the letters.
fn control(c: char) -> Option<u8> {
    match c {
        'a'..='z' | 'A'..='Z' | '[' | '\\' | ']' | '^' | '_' | '@' => Some(c as u8 & 0x1f),
        ' ' | '2' => Some(0),
        '3' => Some(0x1b),
        '4'..='7' => Some(c as u8 - b'4' + 0x1c),
        '8' | '?' => Some(0x7f),
        '/' => Some(0x1f),
        // It makes nothing of the rest.
        c => u8::try_from(c).ok().filter(u8::is_ascii),
    }
}

/// xterm's number for what is held down with a key; 1 is nothing.
fn held(modifiers: KeyModifiers) -> u8 {
    let bits = [(KeyModifiers::SHIFT, 1), (KeyModifiers::ALT, 2), (KeyModifiers::CONTROL, 4)];
    bits.iter().filter(|(modifier, _)| modifiers.contains(*modifier)).map(|(_, bit)| bit).sum::<u8>() + 1
}

fn arrow(letter: char, modifiers: KeyModifiers, modes: Modes) -> Vec<u8> {
    match (held(modifiers), modes.arrows) {
        (1, true) => format!("\x1bO{letter}").into_bytes(),
        (1, false) => format!("\x1b[{letter}").into_bytes(),
        (held, _) => format!("\x1b[1;{held}{letter}").into_bytes(),
    }
}

fn numbered(number: u8, modifiers: KeyModifiers) -> Vec<u8> {
    match held(modifiers) {
        1 => format!("\x1b[{number}~").into_bytes(),
        held => format!("\x1b[{number};{held}~").into_bytes(),
    }
}

fn function(number: u8, modifiers: KeyModifiers) -> Vec<u8> {
    const NUMBERS: [u8; 16] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
    let held = held(modifiers);
    match number {
        1..=4 => {
            let letter = char::from(b'P' + number - 1);
            if held == 1 { format!("\x1bO{letter}") } else { format!("\x1b[1;{held}{letter}") }.into_bytes()
        }
        5..=20 => numbered(NUMBERS[usize::from(number - 5)], modifiers),
        _ => Vec::new(),
    }
}

/// A paste's bytes. What would end the paste too soon, and so run as keys, is left out.
pub fn paste(text: &str, modes: Modes) -> Vec<u8> {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    if !modes.brackets {
        return text.into_bytes();
    }
    let [begin, end] = BRACKETS;
    [begin, &text.replace('\x1b', ""), end].concat().into_bytes()
}

/// What a mouse event at this row and column of the app's screen is for it; none where it does not want to know.
pub fn mouse(event: MouseEvent, row: u16, column: u16, modes: Modes) -> Vec<u8> {
    let down = !matches!(event.kind, MouseEventKind::Up(_));
    let button = match event.kind {
        MouseEventKind::Down(button) | MouseEventKind::Up(button) => match button {
            MouseButton::Left => 0,
            MouseButton::Middle => 1,
            MouseButton::Right => 2,
        },
        MouseEventKind::ScrollUp => 64,
        MouseEventKind::ScrollDown => 65,
        MouseEventKind::ScrollLeft => 66,
        MouseEventKind::ScrollRight => 67,
        MouseEventKind::Drag(_) | MouseEventKind::Moved => return Vec::new(),
    };
    let wanted = match modes.mouse {
        Mouse::None => false,
        Mouse::Press => down,
        Mouse::Release => true,
    };
    if !wanted {
        return Vec::new();
    }
    let modifiers = event.modifiers;
    let bits = [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CONTROL, 16)];
    let held: u8 =
        bits.iter().filter(|(modifier, _)| modifiers.contains(*modifier)).map(|(_, bit)| bit).sum();
    if modes.written_out {
        let last = if down { 'M' } else { 'm' };
        return format!("\x1b[<{};{};{}{last}", button + held, column + 1, row + 1).into_bytes();
    }
    // The old form says only that some button came up, and has one byte for each place.
    let button = if down { button } else { 3 } + held;
    let place = |place: u16| u8::try_from(place + 33).ok();
    let (Some(column), Some(row)) = (place(column), place(row)) else { return Vec::new() };
    vec![0x1b, b'[', b'M', button + 32, column, row]
}

/// What the wheel is to a program with the whole screen that does not know of mice: arrows, as terminals have it.
pub fn wheel(up: bool, modes: Modes) -> Vec<u8> {
    arrow(if up { 'A' } else { 'B' }, KeyModifiers::NONE, modes).repeat(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

    fn sent(code: KeyCode, modifiers: KeyModifiers, modes: Modes) -> String {
        String::from_utf8(key(&KeyEvent::new(code, modifiers), modes)).expect("keys are text")
    }

    #[test]
    fn keys_are_what_a_terminal_sends_for_them() {
        let keys = [
            (KeyCode::Char('x'), NONE, "x"),
            (KeyCode::Char('Ж'), SHIFT, "Ж"),
            (KeyCode::Char('日'), ALT, "\x1b日"),
            (KeyCode::Char('c'), CTRL, "\x03"),
            (KeyCode::Char('d'), CTRL, "\x04"),
            (KeyCode::Char('z'), CTRL, "\x1a"),
            (KeyCode::Char('j'), CTRL, "\n"),
            (KeyCode::Char('h'), CTRL, "\x08"),
            (KeyCode::Char(' '), CTRL, "\0"),
            (KeyCode::Char('4'), CTRL, "\x1c"),
            (KeyCode::Char('7'), CTRL, "\x1f"),
            (KeyCode::Char('x'), CTRL | ALT, "\x1b\x18"),
            (KeyCode::Enter, NONE, "\r"),
            (KeyCode::Tab, NONE, "\t"),
            (KeyCode::BackTab, SHIFT, "\x1b[Z"),
            (KeyCode::Esc, NONE, "\x1b"),
            (KeyCode::Backspace, NONE, "\x7f"),
            (KeyCode::Backspace, ALT, "\x1b\x7f"),
            (KeyCode::Up, NONE, "\x1b[A"),
            (KeyCode::Left, CTRL, "\x1b[1;5D"),
            (KeyCode::Home, NONE, "\x1b[H"),
            (KeyCode::Delete, NONE, "\x1b[3~"),
            (KeyCode::PageUp, SHIFT, "\x1b[5;2~"),
            (KeyCode::F(1), NONE, "\x1bOP"),
            (KeyCode::F(4), ALT, "\x1b[1;3S"),
            (KeyCode::F(5), NONE, "\x1b[15~"),
            (KeyCode::F(12), CTRL, "\x1b[24;5~"),
        ];
        for (code, modifiers, bytes) in keys {
            assert_eq!(sent(code, modifiers, Modes::default()), bytes, "{code:?} {modifiers:?}");
        }
        let application = Modes { arrows: true, ..Modes::default() };
        assert_eq!(sent(KeyCode::Up, NONE, application), "\x1bOA");
        assert_eq!(sent(KeyCode::Up, SHIFT, application), "\x1b[1;2A");
        let mut release = KeyEvent::new(KeyCode::Char('x'), NONE);
        release.kind = KeyEventKind::Release;
        assert!(key(&release, application).is_empty());
    }

    #[test]
    fn a_paste_stands_between_brackets_where_the_app_asked_and_cannot_leave_them() {
        let said = |text, brackets| {
            String::from_utf8(paste(text, Modes { brackets, ..Modes::default() })).expect("it is text")
        };
        assert_eq!(said("a\r\nb\nc", false), "a\rb\rc");
        assert_eq!(said("a\x1b[201~rm", true), "\x1b[200~a[201~rm\x1b[201~");
    }

    #[test]
    fn the_mouse_is_told_only_to_who_asked_in_the_form_they_asked_for() {
        let event = |kind| MouseEvent { kind, column: 50, row: 20, modifiers: CTRL };
        let (down, up) = (MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left));
        let said = |kind, mouse_mode, written_out| {
            mouse(event(kind), 2, 300, Modes { mouse: mouse_mode, written_out, ..Modes::default() })
        };
        assert!(said(down, Mouse::None, true).is_empty());
        assert!(said(up, Mouse::Press, true).is_empty());
        assert_eq!(said(down, Mouse::Press, true), b"\x1b[<16;301;3M");
        assert_eq!(said(up, Mouse::Release, true), b"\x1b[<16;301;3m");
        assert_eq!(said(MouseEventKind::ScrollDown, Mouse::Release, true), b"\x1b[<81;301;3M");
        assert!(said(down, Mouse::Press, false).is_empty(), "too far right for the old form");
        let old = Modes { mouse: Mouse::Release, ..Modes::default() };
        assert_eq!(mouse(event(up), 2, 3, old), [0x1b, b'[', b'M', 32 + 3 + 16, 36, 35]);
        assert!(said(MouseEventKind::Moved, Mouse::Release, true).is_empty());
    }
}
