//! Events as lines of a file: one JSON document a line, enums tagged from outside, under a header line that says what the
//! file is. Moments and durations are whole nanoseconds; what is not known is left out.
//!
//! What is in such a line came from servers and programs, and people look at files with `cat`: whatever a terminal would
//! obey is written as `\u009b`. Read back it is what it was.

pub(crate) mod nanos;

use std::io::{self, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use crate::text::obeyed;

/// The name of the format, which the first line of every recording has.
pub const FORMAT: &str = "redis-pooltop recording";

/// The version of the format that is written, and the newest that can be read.
pub const VERSION: u32 = 1;

/// The longest line that is read: a pulse of some 50,000 connections.
pub const LINE_BYTES: usize = 16 << 20;

/// The first line: what the file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`] at the time.
    pub version: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The wall-clock time of stamp 0, in nanoseconds since 1970.
    pub started_ns: u64,
    /// What the sources could see: `pool`, `server`.
    #[serde(default)]
    pub sees: Vec<String>,
}

impl Header {
    /// The header of a file that is written now, of a run that started then.
    pub fn new(started_ns: u64, sees: &[&str]) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            started_ns,
            sees: sees.iter().map(|source| (*source).to_owned()).collect(),
        }
    }
}

/// Appends one line, its end included.
///
/// # Errors
/// What the value says against being written; for the types of this room that is nothing.
pub fn write_line(line: &impl Serialize, into: &mut Vec<u8>) -> io::Result<()> {
    line.serialize(&mut serde_json::Serializer::with_formatter(&mut *into, Shown))?;
    into.push(b'\n');
    Ok(())
}

/// Reads one line, with or without its end.
///
/// # Errors
/// Why it is none.
pub fn read_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(line)
}

/// JSON without blanks, and without anything that a terminal would obey.
struct Shown;

impl Formatter for Shown {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all: names of fields, numbers and most words.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return to.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        // What is below a blank never gets here: JSON has its own escapes for that.
        while let Some(at) = rest.find(obeyed) {
            let (plain, from) = rest.split_at(at);
            to.write_all(plain.as_bytes())?;
            let mut after = from.chars();
            for unit in after.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(to, "\\u{unit:04x}")?;
            }
            rest = after.as_str();
        }
        to.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_in_letters_and_read_back_as_it_was() {
        let hostile = "\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{202e}txt\u{2028}\u{e0041}\n\"\\ é 名 🦀";
        let mut line = Vec::new();
        write_line(&hostile, &mut line).expect("a string is written");
        let shown = std::str::from_utf8(&line).expect("UTF-8").strip_suffix('\n').expect("a line");
        assert!(!shown.contains(obeyed), "{shown}");
        assert!(shown.contains("é 名 🦀") && shown.contains("\\udb40\\udc41"), "{shown}");
        assert_eq!(read_line::<String>(&line).expect("a string"), hostile);
    }

    #[test]
    fn a_header_says_what_the_file_is() {
        let header = Header::new(1_700_000_000_000_000_000, &["pool", "server"]);
        let mut line = Vec::new();
        write_line(&header, &mut line).expect("a header is written");
        assert!(line.starts_with(br#"{"format":"redis-pooltop recording","version":1,"#));
        assert_eq!(read_line::<Header>(&line).expect("a header"), header);
    }
}
