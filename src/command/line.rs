//! What a typed line means: a built-in, or a Redis command and where it goes.

use std::str::FromStr;

use bytes::Bytes;

use crate::event::ConnId;

use super::builtin::{self, Builtin};
use super::pipe;
use super::secret::Hidden;
use super::token::{Ending, Token, TokenError, scan};

/// A line understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How often it runs: `5 PING`, as in redis-cli. 1 unless told.
    pub repeat: u64,
    /// A trailing `&`: it runs as a job.
    pub job: bool,
    /// `| shell command`: what its output goes to. Only a line that a person types has one.
    pub pipe: Option<String>,
    /// The words of it that no answer repeats to a person. Only a line that a person types has any: a program gets the
    /// answer as it came.
    pub hidden: Hidden,
    /// What it asks for.
    pub call: Call,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Nothing: the line is blank.
    Nothing,
    /// A command of ours.
    Builtin(Builtin),
    /// A command for the server.
    Redis {
        /// `#id cmd…`: on this held connection; otherwise on one from the pool.
        on: Option<ConnId>,
        /// The command and its arguments; never empty.
        args: Vec<Bytes>,
    },
}

/// Why a line cannot run. The text is one sentence for the person who typed it; what they typed is in it as it came, so
/// escape it before a terminal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The quotes do not match.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The repeat count before a command is 0, negative or beyond 64 bits.
    #[error("'{0}' is no repeat count: it is 1 or more, as in 5 PING")]
    Repeat(String),
    /// `#id` and nothing after it.
    #[error("the command is missing: #{0} sends one on that connection, as in #{0} PING")]
    NoCommand(u64),
    /// `#id` before one of our own commands.
    #[error("{word} is not sent to a server: leave out #{id}")]
    NotRedis {
        /// The id.
        id: u64,
        /// The built-in's first word.
        word: String,
    },
    /// The word is none of those that can stand there.
    #[error("unknown {after} word '{word}': {}", suggestion(*near, can_follow))]
    UnknownWord {
        /// The words before it: `POOL`.
        after: String,
        /// The word.
        word: String,
        /// The one that was probably meant.
        near: Option<&'static str>,
        /// All that can stand there.
        can_follow: Vec<&'static str>,
    },
    /// A word must follow.
    #[error("{after} takes a word: {}", can_follow.join(", "))]
    MissingWord {
        /// The words before it: `POOL`.
        after: String,
        /// All that can follow.
        can_follow: Vec<&'static str>,
    },
    /// The arguments do not fit the built-in.
    #[error("{problem}: {usage}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// The form it wants: `POOL HOLD [n]`.
        usage: String,
    },
}

impl LineError {
    /// More letters on the last word could mend it: it begins a word that can stand there.
    pub(super) fn may_go_on(&self) -> bool {
        let Self::UnknownWord { word, can_follow, .. } = self else { return false };
        let begins = |next: &&str| {
            next.as_bytes().get(..word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word.as_bytes()))
        };
        can_follow.iter().any(begins)
    }
}

fn suggestion(near: Option<&str>, can_follow: &[&str]) -> String {
    match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", can_follow.join(", ")),
    }
}

/// Understands a typed line: redis-cli's quoting and repeat count, a trailing `&`, `#id`, the built-ins; all else is a
/// Redis command. A mark in quotes is an ordinary argument: `SET a "&"`.
pub fn parse(line: &[u8]) -> Result<Line, LineError> {
    let scan = scan(line);
    if scan.ending != Ending::Complete {
        return Err(TokenError::Unbalanced.into());
    }
    let mut tokens = scan.tokens;
    let marks = marks(&tokens)?;
    if marks.job {
        tokens.pop();
    }
    let args = tokens.drain(..).skip(marks.skip).map(|token| Bytes::from(token.bytes)).collect();
    Ok(Line {
        repeat: marks.repeat,
        job: marks.job,
        pipe: None,
        hidden: Hidden::default(),
        call: call(marks.on, args)?,
    })
}

/// Understands a line that a person typed: as [`parse`] does, and what stands behind a `|` between blanks is a command
/// of their shell. An `&` at its end is the whole line's.
pub fn parse_piped(line: &str) -> Result<Line, LineError> {
    let Some((command, shell)) = pipe::split(line) else { return parse(line.as_bytes()) };
    let as_job = shell.strip_suffix('&').filter(|rest| rest.ends_with(char::is_whitespace));
    let mut line = parse(command.as_bytes())?;
    line.job |= as_job.is_some();
    line.pipe = Some(as_job.unwrap_or(shell).trim_end().to_owned());
    Ok(line)
}

/// Understands arguments that a shell has split already: no quotes, no repeat count and no `&`, but `#id` and built-ins.
pub fn parse_args(mut args: Vec<Bytes>) -> Result<Line, LineError> {
    let on = args.first().and_then(|word| conn_id(word));
    if on.is_some() {
        args.remove(0);
    }
    Ok(Line { repeat: 1, job: false, pipe: None, hidden: Hidden::default(), call: call(on, args)? })
}

/// What stands around the command itself.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) repeat: u64,
    pub(super) on: Option<ConnId>,
    pub(super) job: bool,
    /// How many tokens stand before the command.
    pub(super) skip: usize,
}

impl Default for Marks {
    fn default() -> Self {
        Self { repeat: 1, on: None, job: false, skip: 0 }
    }
}

pub(super) fn marks(tokens: &[Token]) -> Result<Marks, LineError> {
    let job = tokens.len() > 1 && tokens.last().is_some_and(|last| !last.quoted && last.bytes == b"&");
    let mut marks = Marks { job, ..Marks::default() };
    let end = tokens.len() - usize::from(job);
    if let [first, _, ..] = &tokens[..end]
        && let Some(repeat) = repeat(&first.bytes)
    {
        marks.repeat = repeat.map_err(LineError::Repeat)?;
        marks.skip = 1;
    }
    if let Some(token) = tokens[..end].get(marks.skip).filter(|token| !token.quoted) {
        marks.on = conn_id(&token.bytes);
        marks.skip += usize::from(marks.on.is_some());
    }
    Ok(marks)
}

/// The repeat count, where the word is a number as `strtol` reads it: a sign and digits to the end.
fn repeat(word: &[u8]) -> Option<Result<u64, String>> {
    let text = std::str::from_utf8(word).ok()?.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match i64::from_str(text).ok().and_then(|n| u64::try_from(n).ok()) {
        None | Some(0) => Some(Err(text.to_owned())),
        Some(count) => Some(Ok(count)),
    }
}

/// `#3`
fn conn_id(word: &[u8]) -> Option<ConnId> {
    let digits = word.strip_prefix(b"#")?;
    if !digits.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().map(ConnId)
}

fn call(on: Option<ConnId>, args: Vec<Bytes>) -> Result<Call, LineError> {
    let Some(first) = args.first() else {
        return on.map_or(Ok(Call::Nothing), |id| Err(LineError::NoCommand(id.0)));
    };
    match (on, builtin::parse(&args)) {
        (None, Some(built)) => Ok(Call::Builtin(built?)),
        // The server has a QUIT of its own, which a held connection may well be sent.
        (Some(id), Some(_)) if !first.eq_ignore_ascii_case(b"QUIT") => {
            let word = String::from_utf8_lossy(first).to_uppercase();
            Err(LineError::NotRedis { id: id.0, word })
        }
        _ => Ok(Call::Redis { on, args }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::builtin::PoolCall;
    use super::*;

    fn redis(on: Option<u64>, args: &[&str]) -> Call {
        let args = args.iter().map(|a| Bytes::copy_from_slice(a.as_bytes())).collect();
        Call::Redis { on: on.map(ConnId), args }
    }

    fn pool(line: &str) -> PoolCall {
        match parse(line.as_bytes()).unwrap().call {
            Call::Builtin(Builtin::Pool(call)) => call,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn error(line: &str) -> String {
        parse(line.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn redis_commands_with_their_marks() {
        let line = |text: &str| parse(text.as_bytes()).unwrap();
        assert_eq!(
            line(" \t "),
            Line { repeat: 1, job: false, pipe: None, hidden: Hidden::default(), call: Call::Nothing }
        );
        assert_eq!(line("get a").call, redis(None, &["get", "a"]));
        assert_eq!(
            line("5 PING"),
            Line {
                repeat: 5,
                job: false,
                pipe: None,
                hidden: Hidden::default(),
                call: redis(None, &["PING"])
            }
        );
        assert_eq!(line("#3 get a").call, redis(Some(3), &["get", "a"]));
        assert_eq!(
            line("2 #3 get a &"),
            Line {
                repeat: 2,
                job: true,
                pipe: None,
                hidden: Hidden::default(),
                call: redis(Some(3), &["get", "a"])
            }
        );
        assert_eq!(
            line("blpop q 0 &"),
            Line {
                repeat: 1,
                job: true,
                pipe: None,
                hidden: Hidden::default(),
                call: redis(None, &["blpop", "q", "0"])
            }
        );
        // In quotes, or alone, a mark is a word.
        assert_eq!(line("set a \"&\"").call, redis(None, &["set", "a", "&"]));
        assert_eq!(line("\"#3\" get").call, redis(None, &["#3", "get"]));
        assert_eq!(line("5").call, redis(None, &["5"]));
        assert_eq!(line("&").call, redis(None, &["&"]));
        assert_eq!(line("5 &").call, redis(None, &["5"]));
        assert_eq!(line("# a comment").call, redis(None, &["#", "a", "comment"]));
        assert_eq!(line("#3x get").call, redis(None, &["#3x", "get"]));
        assert_eq!(line("#1 quit").call, redis(Some(1), &["quit"]));
    }

    #[test]
    fn builtins_get_their_types() {
        assert_eq!(pool("pool hold"), PoolCall::Hold { count: 1 });
        assert_eq!(pool("POOL HOLD 3"), PoolCall::Hold { count: 3 });
        assert_eq!(pool("POOL RELEASE #3"), PoolCall::Release(Some(ConnId(3))));
        assert_eq!(pool("POOL RELEASE all"), PoolCall::Release(None));
        assert_eq!(pool("POOL CLOSE 3"), PoolCall::Close(ConnId(3)));
        let args = vec![Bytes::from_static(b"GET"), Bytes::from_static(b"a b")];
        assert_eq!(pool("POOL BURST 10 GET 'a b'"), PoolCall::Burst { count: 10, args });
        assert_eq!(
            pool("pool config set max-idle 5"),
            PoolCall::ConfigSet { name: "max-idle".into(), value: "5".into() }
        );
        assert_eq!(parse(b"exit").unwrap().call, Call::Builtin(Builtin::Quit));
        assert_eq!(parse(b"? get").unwrap().call, Call::Builtin(Builtin::Help(vec!["get".into()])));
    }

    #[test]
    fn wrong_lines_say_what_is_wrong() {
        assert_eq!(error("POOL STAT"), "unknown POOL word 'STAT': did you mean STATS?");
        assert_eq!(error("pool config gte x"), "unknown POOL CONFIG word 'gte': did you mean GET?");
        assert!(
            error("POOL frobnicate").starts_with("unknown POOL word 'frobnicate': there are STATS, LIST")
        );
        assert_eq!(error("POOL CONFIG"), "POOL CONFIG takes a word: GET, SET");
        assert_eq!(
            error("POOL HOLD 0"),
            "'0' does not fit n: it must be a whole number from 1 to 1000000: POOL HOLD [n]"
        );
        assert!(error("POOL RESIZE 1000001").contains("from 1 to 1000000"));
        assert_eq!(error("POOL WARMUP"), "n is missing: POOL WARMUP n");
        assert_eq!(error("POOL STATS now"), "'now' is one argument too many: POOL STATS");
        assert_eq!(
            error("POOL CLOSE x"),
            "'x' is no connection id: ids are numbers, such as 3: POOL CLOSE id"
        );
        assert_eq!(
            error("POOL BURST 3 POOL STATS"),
            "'POOL' is no Redis command: POOL BURST n command [arg ...]"
        );
        assert_eq!(error("0 PING"), "'0' is no repeat count: it is 1 or more, as in 5 PING");
        assert_eq!(error("#3"), "the command is missing: #3 sends one on that connection, as in #3 PING");
        assert_eq!(error("#3 pool stats"), "POOL is not sent to a server: leave out #3");
        assert_eq!(error("get \"a"), "Invalid argument(s)");
    }

    #[test]
    fn split_arguments_know_no_quotes_counts_or_jobs() {
        let args = |words: &[&str]| words.iter().map(|w| Bytes::copy_from_slice(w.as_bytes())).collect();
        assert_eq!(parse_args(args(&["set", "a", "&"])).unwrap().call, redis(None, &["set", "a", "&"]));
        assert_eq!(parse_args(args(&["5", "PING"])).unwrap().call, redis(None, &["5", "PING"]));
        assert_eq!(parse_args(args(&["#2", "PING"])).unwrap().call, redis(Some(2), &["PING"]));
        assert_eq!(
            parse_args(args(&["POOL", "STATS"])).unwrap().call,
            Call::Builtin(Builtin::Pool(PoolCall::Stats))
        );
    }

    #[test]
    fn a_bar_between_blanks_and_something_behind_it_is_the_shells() {
        let piped = |line: &str| {
            let line = parse_piped(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            (line.call, line.pipe, line.job)
        };
        let keys = redis(None, &["KEYS", "*"]);
        let to = |command: &str| Some(command.to_owned());
        assert_eq!(piped("KEYS * | head -2"), (keys.clone(), to("head -2"), false));
        assert_eq!(piped("KEYS * | grep 'a|b' | wc -l"), (keys.clone(), to("grep 'a|b' | wc -l"), false));
        assert_eq!(piped("KEYS * | grep \"a\"'b'"), (keys.clone(), to("grep \"a\"'b'"), false));
        assert_eq!(piped("KEYS * | cat &"), (keys.clone(), to("cat"), true));
        assert_eq!(piped("KEYS * | true && echo &2"), (keys, to("true && echo &2"), false));
        for (line, args) in [
            ("SET a x|y", &["SET", "a", "x|y"][..]),
            ("SET a \"x | y\"", &["SET", "a", "x | y"]),
            ("SET a \"|\" b", &["SET", "a", "|", "b"]),
            ("SET sep |", &["SET", "sep", "|"]),
            ("SET sep | ", &["SET", "sep", "|"]),
            ("| head", &["|", "head"]),
        ] {
            assert_eq!(piped(line), (redis(None, args), None, false), "{line}");
        }
        assert_eq!(parse(b"KEYS * | head").unwrap().call, redis(None, &["KEYS", "*", "|", "head"]));
        assert!(parse_piped("GET \"a | head").is_err());
        assert!(parse_piped("POOL STAT | head").is_err());
    }
}
