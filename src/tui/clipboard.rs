//! OSC 52: a text into the clipboard of the terminal that a person sits at, over ssh as well.
//!
//! A multiplexer stands between: tmux takes the sequence for itself where `set-clipboard` is on, and hands it on where
//! `allow-passthrough` is, so it gets both forms; screen hands it on in pieces. Whether a terminal obeys, nobody tells.

use std::fmt::Write;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;

/// The most that screen takes of one string.
const PIECE: usize = 512;

/// What stands between the program and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Between {
    /// What stands there, by the environment.
    pub fn of_process() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("TMUX") {
            Self::Tmux
        } else if set("STY") {
            Self::Screen
        } else {
            Self::Nothing
        }
    }
}

/// The sequence that puts a text into the clipboard. The text goes as base64: nothing in it reaches the terminal as it is.
pub fn sequence(text: &str, between: Between) -> String {
    let mut plain = String::new();
    // Writing to a String has no way to fail.
    let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut plain);
    match between {
        Between::Nothing => plain,
        Between::Tmux => format!("{plain}\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        Between::Screen => {
            // The end of the sequence would end screen's own string: a bell ends it as well.
            let ended = plain.trim_end_matches("\x1b\\").trim_end_matches('\x07');
            let whole = format!("{ended}\x07");
            let mut pieces = String::with_capacity(whole.len() * 2);
            let mut rest = whole.as_str();
            while !rest.is_empty() {
                // All of it is ASCII.
                let (piece, after) = rest.split_at(rest.len().min(PIECE));
                let _ = write!(pieces, "\x1bP{piece}\x1b\\");
                rest = after;
            }
            pieces
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_as_base64_and_through_multiplexers_wrapped() {
        assert_eq!(sequence("a\x1b]0;b\x07", Between::Nothing), "\x1b]52;c;YRtdMDtiBw==\x1b\\");
        assert_eq!(
            sequence("hi", Between::Tmux),
            "\x1b]52;c;aGk=\x1b\\\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\"
        );
        assert_eq!(sequence("hi", Between::Screen), "\x1bP\x1b]52;c;aGk=\x07\x1b\\");
    }

    #[test]
    fn screen_gets_pieces_it_can_take() {
        let sent = sequence(&"x".repeat(3_000), Between::Screen);
        let pieces: Vec<&str> = sent.split("\x1b\\").filter(|piece| !piece.is_empty()).collect();
        assert!(pieces.len() > 7 && pieces.iter().all(|piece| piece.len() <= PIECE + 2));
        let joined: String = pieces.iter().map(|piece| piece.trim_start_matches("\x1bP")).collect();
        assert_eq!(joined.matches('\x07').count(), 1);
    }
}
