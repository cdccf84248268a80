//! A recording line by line, whatever is in the file: a line is capped, garbage is passed over and counted, and a file
//! that breaks off gives what it has.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::{Damage, Record};
use crate::event::Stamp;
use crate::event::wire::{FORMAT, Header, LINE_BYTES, VERSION, read_line};
use crate::text::escape_str;

/// How much is read at once.
const BUFFER: usize = 256 << 10;

/// A first line longer than this is no header.
const HEADER_BYTES: usize = 64 << 10;

/// How much of the end of a file is looked through for its last moment: a whole recording has a tick in far less.
const END_BYTES: u64 = 16 << 20;

/// Why a file is not replayed.
#[derive(Debug, thiserror::Error)]
pub enum NotOurs {
    /// It cannot be read.
    #[error("cannot read {path}: {error}")]
    Io {
        /// Which.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// It is something else.
    #[error("{path} is no recording of redis-pooltop: {why}; --record FILE makes one")]
    Foreign {
        /// Which.
        path: String,
        /// What is amiss.
        why: &'static str,
    },
    /// It is of a later program.
    #[error(
        "{path} was recorded by redis-pooltop {program} in format {version}; this one reads format {VERSION}: \
         replay it with the newer program"
    )]
    Newer {
        /// Which.
        path: String,
        /// Who wrote it.
        program: String,
        /// In which version of the format.
        version: u32,
    },
}

/// What was taken from the file.
#[derive(Debug)]
pub enum Taken {
    /// A line.
    Record(Record),
    /// A line that is none: passed over.
    Bad,
    /// There is no more.
    Over,
}

/// A recording that is read.
#[derive(Debug)]
pub struct Reader {
    input: BufReader<File>,
    line: Vec<u8>,
    place: Place,
}

/// Where a reader is.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    offset: u64,
    /// Lines read, the header among them.
    lines: u64,
    damage: Damage,
}

/// What there is of a line.
enum Part {
    Whole,
    TooLong,
    /// Without its end: the file breaks off in it.
    Cut,
    None,
}

impl Reader {
    /// Opens a recording and reads its header.
    ///
    /// # Errors
    /// [`NotOurs`], one sentence.
    pub fn open(path: &Path) -> Result<(Header, Self), NotOurs> {
        let name = escape_str(&path.to_string_lossy()).into_owned();
        let failed = |error| NotOurs::Io { path: name.clone(), error };
        let foreign = |why| NotOurs::Foreign { path: name.clone(), why };
        // A pipe would be waited for, and cannot be read again from its start.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(foreign("it is not a file"));
        }
        let input = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
        let mut reader = Self { input, line: Vec::new(), place: Place::default() };
        match reader.part(HEADER_BYTES).map_err(failed)? {
            Part::None => return Err(foreign("it is empty")),
            Part::TooLong | Part::Cut => return Err(foreign("its first line is no header")),
            Part::Whole => {}
        }
        // The version first: a newer header may have another form.
        let first: FirstLine = read_line(&reader.line).map_err(|_| foreign("its first line is no header"))?;
        if first.format != FORMAT {
            return Err(foreign("its first line names another format"));
        }
        if first.version > VERSION {
            let program = escape_str(&first.program).into_owned();
            return Err(NotOurs::Newer { path: name, program, version: first.version });
        }
        let header = read_line(&reader.line).map_err(|_| foreign("its header lacks something"))?;
        Ok((header, reader))
    }

    /// The next line.
    pub fn take(&mut self) -> Taken {
        let part = match self.part(LINE_BYTES) {
            Ok(part) => part,
            Err(error) => {
                self.broken(&error);
                return Taken::Over;
            }
        };
        let number = self.place.lines;
        match part {
            Part::None => return Taken::Over,
            Part::TooLong => self.place.damage.line(number, "it is longer than 16 MiB"),
            Part::Whole | Part::Cut => match read_line(&self.line) {
                Ok(record) => return Taken::Record(record),
                Err(_) if matches!(part, Part::Cut) => {
                    self.place.damage.broken_off(format!("it breaks off in line {number}"));
                    return Taken::Over;
                }
                Err(error) => self.place.damage.line(number, &error.to_string()),
            },
        }
        Taken::Bad
    }

    /// The file ends, and its last line did not say so.
    pub(super) fn without_an_end(&mut self) {
        if self.place.damage.words().is_none() {
            let lines = self.place.lines;
            self.place.damage.broken_off(format!("it breaks off after line {lines}"));
        }
    }

    /// The file can be read no more.
    pub(super) fn broken(&mut self, error: &io::Error) {
        let after = self.place.lines;
        self.place.damage.broken_off(format!("reading fails after line {after}: {error}"));
    }

    /// What could not be read so far.
    pub fn damage(&self) -> &Damage {
        &self.place.damage
    }

    /// Where it is, to come back to.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Goes back to where it was.
    pub(super) fn go_to(&mut self, place: &Place) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(place.offset))?;
        self.place = place.clone();
        Ok(())
    }

    /// Reads a line of so many bytes at most. What is longer is passed over to its end.
    fn part(&mut self, most: usize) -> io::Result<Part> {
        self.line.clear();
        let mut long = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                let some = long || !self.line.is_empty();
                self.place.lines += u64::from(some);
                return Ok(match (some, long) {
                    (false, _) => Part::None,
                    (true, true) => Part::TooLong,
                    (true, false) => Part::Cut,
                });
            }
            let end = memchr::memchr(b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            long |= self.line.len() + part.len() > most;
            if !long {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            self.place.offset += used as u64;
            if end.is_some() {
                self.place.lines += 1;
                return Ok(if long { Part::TooLong } else { Part::Whole });
            }
        }
    }
}

/// What is read of a header before anything else.
#[derive(serde::Deserialize)]
struct FirstLine {
    format: String,
    version: u32,
    #[serde(default)]
    program: String,
}

/// The last moment of a recording, from the end of its file. Nothing where the end has none.
pub(super) fn last_moment(path: &Path) -> Option<Stamp> {
    let mut file = File::open(path).ok()?;
    let length = file.seek(SeekFrom::End(0)).ok()?;
    // Most lines before the last tick are short; a pulse of a large pool is not.
    let mut back = 64 << 10;
    loop {
        let start = length.saturating_sub(back);
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&mut file, back), &mut bytes).ok()?;
        let found = bytes.split(|byte| *byte == b'\n').rev().find_map(|line| {
            // Only what begins as a tick is read as one: the other lines may be long.
            match line.starts_with(b"{\"Tick\"").then(|| read_line(line).ok()).flatten()? {
                Record::Tick(at) => Some(at),
                _ => None,
            }
        });
        if found.is_some() || start == 0 || back == END_BYTES {
            return found;
        }
        back = END_BYTES.min(back * 8);
    }
}
