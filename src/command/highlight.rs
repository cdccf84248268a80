//! What each part of a typed line is, for colouring it.

use std::ops::Range;

use super::builtin::{Entry, Param};
use super::line;
use super::matching::{Matched, Role};
use super::pipe;
use super::registry::Registry;
use super::spec::{ArgKind, Spec, Table};
use super::token::{Ending, Token};
use super::typed::{Owner, Typed, bytes, inner_command, owner};

/// What a part of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A repeat count, `#id`, the `&` of a job, or the `|` before a shell command.
    Mark,
    /// A command's name.
    Command,
    /// The second word of a name, and any word of ours after the first.
    Subcommand,
    /// A literal word of the syntax: `EX`, `MATCH`.
    Option,
    /// The name of a key.
    Key,
    /// A number where one is wanted.
    Number,
    /// Anything in quotes.
    String,
    /// Any other value.
    Value,
    /// It cannot be so: a word of ours that is none, a closing quote with something glued to it.
    Error,
}

impl Registry {
    /// The parts of a line, in order and never overlapping; blanks, and the name of a command that is not known, are in
    /// no part. Ranges are bytes of the line and end at character boundaries.
    pub fn highlight(&self, line: &str) -> Vec<(Range<usize>, Kind)> {
        if let Some((command, _)) = pipe::split(line) {
            // What stands behind the mark is another shell's.
            let mut parts = self.highlight(command);
            parts.push((command.len()..command.len() + 1, Kind::Mark));
            return parts;
        }
        let typed = Typed::new(line.as_bytes());
        let mut parts = Vec::with_capacity(typed.tokens.len() + 1);
        let command_end = typed.marks.skip + typed.command().len();
        for (at, token) in typed.tokens.iter().enumerate() {
            if at < typed.marks.skip || at >= command_end {
                parts.push((token.range.clone(), Kind::Mark));
            } else if at == typed.marks.skip {
                let on_connection = typed.marks.on.is_some();
                self.command(&typed, on_connection, &mut parts);
            }
        }
        if let Ending::Glued { at } = typed.ending {
            parts.push((at..line.len(), Kind::Error));
        }
        parts
    }

    fn command(&self, typed: &Typed, on_connection: bool, parts: &mut Vec<(Range<usize>, Kind)>) {
        let tokens = typed.command();
        let mut kinds = kinds(&bytes(tokens), on_connection, &self.table());
        // A word of ours that has just been begun is not wrong yet.
        let goes_on = || {
            let args = tokens.iter().map(|token| token.bytes.clone().into()).collect();
            line::parse_args(args).is_err_and(|error| error.may_go_on())
        };
        let begun = typed.in_word.then(|| kinds.last_mut()).flatten();
        if let Some(last) = begun.filter(|last| **last == Some(Kind::Error) && goes_on()) {
            *last = None;
        }
        for (token, kind) in tokens.iter().zip(kinds) {
            if let Some(kind) = kind {
                parts.push((token.range.clone(), quoted(token, kind)));
            }
        }
    }
}

/// Quotes show what is one value; a key stays a key.
fn quoted(token: &Token, kind: Kind) -> Kind {
    if token.quoted && matches!(kind, Kind::Value | Kind::Number) { Kind::String } else { kind }
}

fn kinds(words: &[&[u8]], on_connection: bool, table: &Table) -> Vec<Option<Kind>> {
    match owner(words, on_connection, table) {
        Owner::Builtin(entry) => builtin(entry, words, table),
        Owner::BuiltinBegun => {
            let wrong = right_words(words);
            let kind = |at: usize| match at {
                0 => Some(Kind::Command),
                at if at < wrong => Some(Kind::Subcommand),
                at if at == wrong => Some(Kind::Error),
                _ => None,
            };
            (0..words.len()).map(kind).collect()
        }
        Owner::Redis(spec, name) => redis(spec, name, words),
        Owner::Unknown => {
            let rest = words.iter().skip(1).map(|_| Some(Kind::Value));
            [None].into_iter().chain(rest).take(words.len()).collect()
        }
    }
}

/// How many of the first words can begin a built-in.
fn right_words(words: &[&[u8]]) -> usize {
    let fits = |count: &usize| {
        let next = super::builtin::next_words(&words[..*count]);
        !next.iter().any(|next| next.as_bytes().eq_ignore_ascii_case(words[*count]))
    };
    (0..words.len()).find(fits).unwrap_or(words.len())
}

fn builtin(entry: &Entry, words: &[&[u8]], table: &Table) -> Vec<Option<Kind>> {
    let mut kinds = vec![Some(Kind::Command)];
    kinds.extend(entry.words.iter().skip(1).map(|_| Some(Kind::Subcommand)));
    for (at, word) in words.iter().enumerate().skip(entry.words.len()) {
        if inner_command(entry).is_some_and(|inner| at == inner) {
            kinds.extend(self::kinds(&words[at..], true, table));
            break;
        }
        let topic = entry.params.last() == Some(&Param::Topic);
        let is_number =
            || std::str::from_utf8(word).is_ok_and(|word| word.parse::<u32>().is_ok_and(|n| n > 0));
        kinds.push(match entry.params.get(at - entry.words.len()) {
            _ if topic => Some(Kind::Value),
            Some(Param::Count) if is_number() => Some(Kind::Number),
            Some(Param::IdOrAll | Param::JobOrAll) if word.eq_ignore_ascii_case(b"ALL") => Some(Kind::Option),
            Some(Param::Id | Param::IdOrAll | Param::JobOrAll) => Some(Kind::Mark),
            Some(
                Param::Experiment
                | Param::Setting
                | Param::Lint
                | Param::Word
                | Param::Topic
                | Param::Command,
            ) => Some(Kind::Value),
            Some(Param::Count) | None => Some(Kind::Error),
        });
    }
    kinds
}

fn redis(spec: &Spec, name: usize, words: &[&[u8]]) -> Vec<Option<Kind>> {
    let mut kinds = vec![Some(Kind::Command)];
    kinds.extend((1..name).map(|_| Some(Kind::Subcommand)));
    let rest = words.get(name..).unwrap_or_default();
    let matched = Matched::new(&spec.arguments, rest);
    kinds.extend((0..rest.len()).map(|at| {
        Some(match matched.roles.get(at) {
            Some(Role::Token) => Kind::Option,
            Some(Role::Value(ArgKind::Key)) => Kind::Key,
            Some(Role::Value(ArgKind::Integer | ArgKind::Double | ArgKind::UnixTime)) => Kind::Number,
            Some(Role::Value(_)) | None => Kind::Value,
        })
    }));
    kinds
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(line: &str) -> Vec<(&str, Kind)> {
        Registry::new().highlight(line).into_iter().map(|(range, kind)| (&line[range], kind)).collect()
    }

    #[test]
    fn redis_commands() {
        use Kind::{Command, Key, Mark, Number, Option, String, Subcommand, Value};
        assert_eq!(
            parts("set user:1 'a b' ex 5"),
            [("set", Command), ("user:1", Key), ("'a b'", String), ("ex", Option), ("5", Number)]
        );
        assert_eq!(
            parts("5 #3 CLIENT KILL ID 7 &"),
            [
                ("5", Mark),
                ("#3", Mark),
                ("CLIENT", Command),
                ("KILL", Subcommand),
                ("ID", Option),
                ("7", Number),
                ("&", Mark)
            ]
        );
        assert_eq!(parts("set a 1 bogus"), [("set", Command), ("a", Key), ("1", Value), ("bogus", Value)]);
        assert_eq!(parts("unheard of"), [("of", Value)]);
        assert_eq!(parts("get \"open"), [("get", Command), ("\"open", Key)]);
        assert_eq!(parts("get \"a\"b c"), [("get", Command), ("\"a\"", Key), ("b c", Kind::Error)]);
        assert!(parts("").is_empty());
    }

    #[test]
    fn what_stands_behind_a_bar_is_no_part_of_the_command() {
        use Kind::{Command, Key, Mark, String};
        assert_eq!(parts("get a | grep 'x' 5 &"), [("get", Command), ("a", Key), ("|", Mark)]);
        assert_eq!(parts("set a \"|\" b")[2], ("\"|\"", String));
        assert_eq!(Registry::new().hint("GET a | head "), None);
    }

    #[test]
    fn builtins() {
        use Kind::{Command, Error, Key, Mark, Number, Option, Subcommand, Value};
        assert_eq!(parts("pool hold 3"), [("pool", Command), ("hold", Subcommand), ("3", Number)]);
        assert_eq!(parts("POOL HOLD x"), [("POOL", Command), ("HOLD", Subcommand), ("x", Error)]);
        assert_eq!(parts("POOL RELEASE ALL"), [("POOL", Command), ("RELEASE", Subcommand), ("ALL", Option)]);
        assert_eq!(parts("POOL CLOSE 3"), [("POOL", Command), ("CLOSE", Subcommand), ("3", Mark)]);
        assert_eq!(
            parts("POOL BURST 9 GET a"),
            [("POOL", Command), ("BURST", Subcommand), ("9", Number), ("GET", Command), ("a", Key)]
        );
        assert_eq!(parts("POOL STAT now"), [("POOL", Command), ("STAT", Error)]);
        // Still being typed, and some word begins so.
        assert_eq!(parts("POOL STA"), [("POOL", Command)]);
        assert_eq!(parts("POOL XYZ"), [("POOL", Command), ("XYZ", Error)]);
        assert_eq!(parts("help get"), [("help", Command), ("get", Value)]);
    }

    proptest! {
        #[test]
        fn parts_of_any_line_are_in_order_and_on_boundaries(line in r#"(get|SET|pool|hold|burst|#3|5|é|"|'| |&|[|]|\\|client|config|a){0,14}"#) {
            let mut last = 0;
            for (range, _) in Registry::new().highlight(&line) {
                prop_assert!(last <= range.start && range.start < range.end && range.end <= line.len());
                prop_assert!(line.is_char_boundary(range.start) && line.is_char_boundary(range.end));
                last = range.end;
            }
        }
    }
}
