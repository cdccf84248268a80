//! The built-in commands: one table that parsing, help, completion and hints all read.

use bytes::Bytes;

use crate::event::ConnId;

use super::line::LineError;
use super::nearest::nearest;

/// A built-in with its arguments typed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// `POOL …`.
    Pool(PoolCall),
    /// `HELP [topic…]`, the topic's words as typed.
    Help(Vec<String>),
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
    /// The name of a pool setting, or a glob on them.
    Setting,
    /// Any one word.
    Word,
    /// A Redis command, to the end of the line.
    Command,
    /// A help topic, to the end of the line.
    Topic,
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

/// Every built-in, in the order help shows them.
pub static BUILTINS: &[Entry] = &[
    Entry {
        words: &["POOL", "STATS"],
        syntax: "",
        summary: "Shows the pool's numbers, one field a line, as INFO does.",
        examples: &[("POOL STATS", "in_use, available, created, waiting, max and the totals")],
        params: &[],
        build: |_| pool(PoolCall::Stats),
    },
    Entry {
        words: &["POOL", "LIST"],
        syntax: "",
        summary: "Lists the pool's connections, one a line: id, server id, state, held for, holder.",
        examples: &[("POOL LIST", "who holds which connection")],
        params: &[],
        build: |_| pool(PoolCall::List),
    },
    Entry {
        words: &["POOL", "HOLD"],
        syntax: "[n]",
        summary: "Takes n connections (1 unless told) and keeps them until POOL RELEASE.",
        examples: &[("POOL HOLD 3", "three connections in use"), ("#2 PING", "a command on one of them")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Hold { count: args.count_or(1)? }),
    },
    Entry {
        words: &["POOL", "RELEASE"],
        syntax: "id|ALL",
        summary: "Gives a held connection back to the pool, or all of them.",
        examples: &[
            ("POOL RELEASE 3", "connection #3 is available again"),
            ("POOL RELEASE ALL", "all of them are"),
        ],
        params: &[Param::IdOrAll],
        build: |args| pool(PoolCall::Release(args.id_or_all()?)),
    },
    Entry {
        words: &["POOL", "LEAK"],
        syntax: "[n]",
        summary: "Takes n connections (1 unless told) and forgets them, as a program with a leak does.",
        examples: &[("POOL LEAK", "watch the leak lint find it"), ("POOL RESET", "takes it back")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Leak { count: args.count_or(1)? }),
    },
    Entry {
        words: &["POOL", "LEAKS"],
        syntax: "",
        summary: "Lists the leases that look like leaks: who took each, when, and what it last did.",
        examples: &[("POOL LEAKS", "connections out longer than the leak threshold")],
        params: &[],
        build: |_| pool(PoolCall::Leaks),
    },
    Entry {
        words: &["POOL", "WARMUP"],
        syntax: "n",
        summary: "Opens connections side by side until there are n.",
        examples: &[("POOL WARMUP 10", "ten connections before the load comes")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Warmup { count: args.count("n")? }),
    },
    Entry {
        words: &["POOL", "RESIZE"],
        syntax: "n",
        summary: "Sets max: at once when it grows, as connections come back when it shrinks.",
        examples: &[("POOL RESIZE 20", "up to twenty connections")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Resize { max: args.count("n")? }),
    },
    Entry {
        words: &["POOL", "BURST"],
        syntax: "n command [arg ...]",
        summary: "Runs a Redis command n times at once and says what the waits and round trips were.",
        examples: &[("POOL BURST 1000 GET user:1", "a thousand callers on one pool")],
        params: &[Param::Count, Param::Command],
        build: |args| pool(PoolCall::Burst { count: args.count("n")?, args: args.command()? }),
    },
    Entry {
        words: &["POOL", "CLOSE"],
        syntax: "id",
        summary: "Closes one connection; if it is lent, when it comes back.",
        examples: &[("POOL CLOSE 3", "connection #3 goes")],
        params: &[Param::Id],
        build: |args| pool(PoolCall::Close(args.id()?)),
    },
    Entry {
        words: &["POOL", "HEALTH"],
        syntax: "",
        summary: "Checks every available connection with PING and replaces the dead.",
        examples: &[("POOL HEALTH", "how many were checked, how many failed")],
        params: &[],
        build: |_| pool(PoolCall::Health),
    },
    Entry {
        words: &["POOL", "RESET"],
        syntax: "",
        summary: "Drops every connection and takes back every lease: the pool begins anew.",
        examples: &[("POOL RESET", "leaks are gone as well")],
        params: &[],
        build: |_| pool(PoolCall::Reset),
    },
    Entry {
        words: &["POOL", "CONFIG", "GET"],
        syntax: "pattern",
        summary: "Shows the pool's settings whose names match a glob.",
        examples: &[("POOL CONFIG GET *", "all of them")],
        params: &[Param::Setting],
        build: |args| pool(PoolCall::ConfigGet { pattern: args.word("pattern")? }),
    },
    Entry {
        words: &["POOL", "CONFIG", "SET"],
        syntax: "name value",
        summary: "Changes a setting of the pool while it runs.",
        examples: &[("POOL CONFIG SET blocking-timeout 2", "callers wait two seconds at most")],
        params: &[Param::Setting, Param::Word],
        build: |args| pool(PoolCall::ConfigSet { name: args.word("name")?, value: args.word("value")? }),
    },
    Entry {
        words: &["HELP"],
        syntax: "[command|@group|POOL]",
        summary: "Explains a command, lists a group of commands, or shows where to begin.",
        examples: &[
            ("HELP SET", "one command"),
            ("HELP @list", "a group"),
            ("HELP POOL", "the pool's own words"),
        ],
        params: &[Param::Topic],
        build: |args| Ok(Builtin::Help(args.rest())),
    },
    Entry {
        words: &["CLEAR"],
        syntax: "",
        summary: "Clears the screen.",
        examples: &[],
        params: &[],
        build: |_| Ok(Builtin::Clear),
    },
    Entry {
        words: &["QUIT"],
        syntax: "",
        summary: "Closes the pool and ends the program.",
        examples: &[],
        params: &[],
        build: |_| Ok(Builtin::Quit),
    },
    Entry {
        words: &["EXIT"],
        syntax: "",
        summary: "Closes the pool and ends the program, as QUIT does.",
        examples: &[],
        params: &[],
        build: |_| Ok(Builtin::Quit),
    },
];

#[expect(clippy::unnecessary_wraps, reason = "every row of the table answers with this type")]
fn pool(call: PoolCall) -> Result<Builtin, String> {
    Ok(Builtin::Pool(call))
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

/// The arguments after the words, taken one by one.
struct Args<'a> {
    left: &'a [Bytes],
}

impl Args<'_> {
    fn next(&mut self) -> Option<Bytes> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(first.clone())
    }

    fn word(&mut self, name: &str) -> Result<String, String> {
        self.next().map(|word| text(&word)).ok_or_else(|| format!("{name} is missing"))
    }

    fn count(&mut self, name: &str) -> Result<u32, String> {
        let word = self.word(name)?;
        match word.parse() {
            Ok(0) | Err(_) => Err(format!("'{word}' is not a number from 1 to {}", u32::MAX)),
            Ok(count) => Ok(count),
        }
    }

    fn count_or(&mut self, count: u32) -> Result<u32, String> {
        if self.left.is_empty() { Ok(count) } else { self.count("n") }
    }

    fn id(&mut self) -> Result<ConnId, String> {
        let word = self.word("the connection's id")?;
        let digits = word.strip_prefix('#').unwrap_or(&word);
        digits
            .parse()
            .map(ConnId)
            .map_err(|_| format!("'{word}' is no connection id: ids are numbers, such as 3"))
    }

    fn id_or_all(&mut self) -> Result<Option<ConnId>, String> {
        if self.left.first().is_some_and(|word| word.eq_ignore_ascii_case(b"ALL")) {
            self.left = &self.left[1..];
            return Ok(None);
        }
        self.id().map(Some)
    }

    fn command(&mut self) -> Result<Vec<Bytes>, String> {
        let args = std::mem::take(&mut self.left).to_vec();
        let Some(first) = args.first() else { return Err("the command is missing".to_owned()) };
        if first_words().any(|word| word.as_bytes().eq_ignore_ascii_case(first)) {
            return Err(format!("'{}' is no Redis command", text(first)));
        }
        Ok(args)
    }

    fn rest(&mut self) -> Vec<String> {
        texts(std::mem::take(&mut self.left))
    }
}

fn texts(args: &[Bytes]) -> Vec<String> {
    args.iter().map(|arg| text(arg)).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
        assert_eq!(next_words(&[]), ["POOL", "HELP", "CLEAR", "QUIT", "EXIT"]);
        assert_eq!(next_words(&[b"pool", b"Config"]), ["GET", "SET"]);
        assert!(next_words(&[b"pool", b"stats"]).is_empty());
    }
}
