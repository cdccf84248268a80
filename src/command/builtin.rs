//! The built-in commands: one table that parsing, help, completion and hints all read.

mod args;
mod table;

use bytes::Bytes;

use crate::event::ConnId;

use super::line::LineError;
use crate::nearest::nearest;

use self::args::{Args, text, texts};
pub use self::table::BUILTINS;

/// A built-in with its arguments typed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// `POOL …`.
    Pool(PoolCall),
    /// `LAB [name…]`: the experiments to run; none lists them.
    Lab(Vec<&'static str>),
    /// `JOBS`.
    Jobs,
    /// `KILL n|ALL`; `None` is all.
    Kill(Option<u32>),
    /// `HELP [topic…]`, the topic's words as typed.
    Help(Vec<String>),
    /// `EXPLAIN [lint]`: the page of a lint, or all of them in a line each.
    Explain(Option<&'static str>),
    /// `CLEAR`.
    Clear,
    /// `QUIT` or `EXIT`.
    Quit,
}

/// What `POOL …` asks of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolCall {
    /// `POOL STATS`
    Stats,
    /// `POOL LIST`
    List,
    /// `POOL HOLD [n]`
    Hold {
        /// How many connections to take.
        count: u32,
    },
    /// `POOL RELEASE id|ALL`; `None` is all.
    Release(Option<ConnId>),
    /// `POOL LEAK [n]`
    Leak {
        /// How many connections to take and forget.
        count: u32,
    },
    /// `POOL WARMUP n`
    Warmup {
        /// How many connections there shall be.
        count: u32,
    },
    /// `POOL RESIZE n`
    Resize {
        /// The new limit.
        max: u32,
    },
    /// `POOL BURST n cmd…`
    Burst {
        /// How many at once.
        count: u32,
        /// The Redis command and its arguments; never empty.
        args: Vec<Bytes>,
    },
    /// `POOL CLOSE id`
    Close(ConnId),
    /// `POOL HEALTH`
    Health,
    /// `POOL RESET`
    Reset,
    /// `POOL CONFIG GET pattern`
    ConfigGet {
        /// A glob on setting names.
        pattern: String,
    },
    /// `POOL CONFIG SET name value`
    ConfigSet {
        /// The setting's name as typed.
        name: String,
        /// The value as typed.
        value: String,
    },
    /// `POOL LEAKS`
    Leaks,
}

/// What may stand at one place of a built-in, for completion and highlighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// A number of 1 or more.
    Count,
    /// The id of a connection.
    Id,
    /// The id of a connection, or ALL.
    IdOrAll,
    /// The number of a job, or ALL.
    JobOrAll,
    /// The name of an experiment, or ALL.
    Experiment,
    /// The name of a pool setting, or a glob on them.
    Setting,
    /// Any one word.
    Word,
    /// A Redis command, to the end of the line.
    Command,
    /// A help topic, to the end of the line.
    Topic,
    /// The name of a lint.
    Lint,
}

/// One row of the table of built-ins.
#[derive(Debug)]
pub struct Entry {
    /// The words that call it, in upper case: `["POOL", "HOLD"]`.
    pub words: &'static [&'static str],
    /// What follows the words, as shown: `[n]`. Empty for none.
    pub syntax: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Lines to try, each with what it does.
    pub examples: &'static [(&'static str, &'static str)],
    /// What may stand where, after the words.
    pub params: &'static [Param],
    /// Checks the arguments and gives them their types.
    build: fn(&mut Args<'_>) -> Result<Builtin, String>,
}

impl Entry {
    /// The words in one: `POOL HOLD`.
    pub fn name(&self) -> String {
        self.words.join(" ")
    }

    /// The whole form: `POOL HOLD [n]`.
    pub fn usage(&self) -> String {
        [self.words, &[self.syntax]].concat().join(" ").trim_end().to_owned()
    }
}

/// The first words of the built-ins, each once.
pub fn first_words() -> impl Iterator<Item = &'static str> {
    next_words(&[]).into_iter()
}

/// The words that can follow `typed` (in any case), each once, in table order.
pub fn next_words(typed: &[&[u8]]) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = Vec::new();
    for entry in BUILTINS.iter().filter(|e| e.words.len() > typed.len() && begins(e.words, typed)) {
        let word = entry.words[typed.len()];
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The row that the arguments call, if they call one.
pub fn find<A: AsRef<[u8]>>(args: &[A]) -> Option<&'static Entry> {
    BUILTINS.iter().find(|e| args.len() >= e.words.len() && same(e.words, args))
}

fn begins(words: &[&str], typed: &[&[u8]]) -> bool {
    words.iter().zip(typed).all(|(word, typed)| word.as_bytes().eq_ignore_ascii_case(typed))
}

fn same<A: AsRef<[u8]>>(words: &[&str], args: &[A]) -> bool {
    words.iter().zip(args).all(|(word, arg)| word.as_bytes().eq_ignore_ascii_case(arg.as_ref()))
}

/// The built-in that the arguments call: `None` where the first word is no built-in's.
pub(super) fn parse(args: &[Bytes]) -> Option<Result<Builtin, LineError>> {
    let first = args.first()?;
    if first.as_ref() == b"?" {
        return Some(Ok(Builtin::Help(texts(&args[1..]))));
    }
    if !first_words().any(|word| word.as_bytes().eq_ignore_ascii_case(first)) {
        return None;
    }
    let Some(entry) = find(args) else { return Some(Err(unknown_word(args))) };
    let mut rest = Args { left: &args[entry.words.len()..] };
    let built = (entry.build)(&mut rest).and_then(|built| match rest.left.first() {
        Some(extra) => Err(format!("'{}' is one argument too many", text(extra))),
        None => Ok(built),
    });
    Some(built.map_err(|problem| LineError::Usage { problem, usage: entry.usage() }))
}

/// The words so far are right, but the next is missing or none of those that can follow.
fn unknown_word(args: &[Bytes]) -> LineError {
    let mut right: Vec<&[u8]> = Vec::new();
    for arg in args {
        if !next_words(&right).iter().any(|w| w.as_bytes().eq_ignore_ascii_case(arg)) {
            break;
        }
        right.push(arg);
    }
    let after = right.iter().map(|w| text(w).to_uppercase()).collect::<Vec<_>>().join(" ");
    let can_follow = next_words(&right);
    match args.get(right.len()) {
        None => LineError::MissingWord { after, can_follow },
        Some(word) => {
            let word = text(word);
            let near = nearest(&word, can_follow.iter().copied());
            LineError::UnknownWord { after, word, near, can_follow }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_runs_and_every_row_says_what_it_takes() {
        for entry in BUILTINS {
            assert!(entry.summary.ends_with('.'), "{}", entry.name());
            assert_eq!(entry.syntax.is_empty(), entry.params.is_empty(), "{}", entry.name());
            for (line, _) in entry.examples {
                crate::command::parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
            }
            let bare: Vec<Bytes> = entry.words.iter().map(|w| Bytes::from_static(w.as_bytes())).collect();
            let optional = entry.syntax.is_empty() || entry.syntax.starts_with('[');
            assert_eq!(matches!(parse(&bare), Some(Ok(_))), optional, "{}", entry.name());
        }
    }

    #[test]
    fn next_words_come_once_and_in_any_case() {
        assert_eq!(
            next_words(&[]),
            ["POOL", "LAB", "JOBS", "KILL", "HELP", "EXPLAIN", "CLEAR", "QUIT", "EXIT"]
        );
        assert_eq!(next_words(&[b"pool", b"Config"]), ["GET", "SET"]);
        assert!(next_words(&[b"pool", b"stats"]).is_empty());
    }
}
