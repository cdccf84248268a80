//! A line while it is being typed: its tokens, what stands around the command, and which command it is.

use super::builtin::{self, Entry, Param};
use super::line::{Marks, marks};
use super::spec::{Spec, Table};
use super::token::{Ending, Scan, Token, scan};

/// A typed line, or the part of it before the cursor.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) tokens: Vec<Token>,
    pub(super) ending: Ending,
    pub(super) marks: Marks,
    /// The last token may go on: no blank follows it.
    pub(super) in_word: bool,
}

impl Typed {
    pub(super) fn new(line: &[u8]) -> Self {
        let Scan { tokens, ending } = scan(line);
        let in_word = tokens.last().is_some_and(|last| last.range.end == line.len());
        let marks = marks(&tokens).unwrap_or_default();
        Self { tokens, ending, marks, in_word }
    }

    /// The command's words, without the marks around them.
    pub(super) fn command(&self) -> &[Token] {
        let end = self.tokens.len() - usize::from(self.marks.job);
        self.tokens.get(self.marks.skip..end).unwrap_or_default()
    }

    /// The command's words that are ended, as bytes.
    pub(super) fn ended(&self) -> Vec<&[u8]> {
        let words = self.command();
        let going_on = self.in_word && !self.marks.job;
        bytes(&words[..words.len() - usize::from(going_on && !words.is_empty())])
    }
}

/// The words as bytes.
pub(super) fn bytes(tokens: &[Token]) -> Vec<&[u8]> {
    tokens.iter().map(|token| &token.bytes[..]).collect()
}

/// Whose words they are.
#[derive(Debug)]
pub(super) enum Owner<'a> {
    /// A built-in, all of whose words are there.
    Builtin(&'static Entry),
    /// The first words of a built-in.
    BuiltinBegun,
    /// A Redis command that is known, and how many of the words are its name.
    Redis(&'a Spec, usize),
    /// None that is known.
    Unknown,
}

/// Whose words they are; built-ins win, but not after `#id`.
pub(super) fn owner<'a>(words: &[&[u8]], on_connection: bool, table: &'a Table) -> Owner<'a> {
    if words.is_empty() {
        return Owner::Unknown;
    }
    if !on_connection {
        if let Some(entry) = builtin::find(words) {
            return Owner::Builtin(entry);
        }
        if words[0] == b"?" {
            return builtin::find(&["HELP"]).map_or(Owner::Unknown, Owner::Builtin);
        }
        if builtin::first_words().any(|first| words[0].eq_ignore_ascii_case(first.as_bytes())) {
            return Owner::BuiltinBegun;
        }
    }
    table.find(words).map_or(Owner::Unknown, |spec| Owner::Redis(spec, spec.words()))
}

/// Where in a built-in's words a Redis command begins: after `POOL BURST n`.
pub(super) fn inner_command(entry: &Entry) -> Option<usize> {
    let at = entry.params.iter().position(|param| *param == Param::Command)?;
    Some(entry.words.len() + at)
}
