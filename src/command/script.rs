//! What a script that a command carries would run, as far as its text tells.

use std::iter::Peekable;
use std::slice::Iter;

/// What can be told of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Each of its commands, with the words of it that are written out: the first is its name.
    Calls(Vec<Vec<Vec<u8>>>),
    /// It may run what its text does not name.
    Opaque,
}

/// The words of Lua by which a script can get at a command without naming it.
const BACK_DOORS: [&[u8]; 8] =
    [b"_G", b"_ENV", b"load", b"loadstring", b"getfenv", b"setfenv", b"rawget", b"getmetatable"];

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a [u8]),
    /// A string without an escape in it.
    Text(&'a [u8]),
    Sign(u8),
    /// What hides what is in it: a string with an escape, or in long brackets; a long comment.
    Veiled,
}

/// Reads a Lua script. It is no Lua parser: whatever it does not know to be harmless is [`Seen::Opaque`], which costs a
/// question and nothing else.
pub(super) fn look(script: &[u8]) -> Seen {
    let tokens = tokens(script);
    let mut calls = Vec::new();
    let mut rest = tokens.iter().peekable();
    let mut before = None;
    while let Some(token) = rest.next() {
        match token {
            Token::Veiled => return Seen::Opaque,
            Token::Word(word) if BACK_DOORS.contains(word) => return Seen::Opaque,
            // Valkey calls the same thing by both names.
            Token::Word(b"redis" | b"server") if rest.peek() != Some(&&Token::Sign(b'.')) => {
                return Seen::Opaque;
            }
            // Lua has a pcall of its own: behind a dot it is the server's.
            Token::Word(b"call" | b"pcall") if before == Some(&Token::Sign(b'.')) => match words(&mut rest) {
                Some(words) => calls.push(words),
                None => return Seen::Opaque,
            },
            _ => {}
        }
        before = Some(token);
    }
    Seen::Calls(calls)
}

/// The words of a call that are written out, up to the first that is not; `None` where its name is not.
fn words(rest: &mut Peekable<Iter<'_, Token<'_>>>) -> Option<Vec<Vec<u8>>> {
    // `call 'PING'` is Lua too.
    if let Some(Token::Text(name)) = rest.peek() {
        rest.next();
        return Some(vec![name.to_vec()]);
    }
    if rest.next() != Some(&Token::Sign(b'(')) {
        return None;
    }
    let mut words = Vec::new();
    while let Some(Token::Text(word)) = rest.peek() {
        rest.next();
        match rest.peek() {
            Some(Token::Sign(b',')) => {
                words.push(word.to_vec());
                rest.next();
            }
            Some(Token::Sign(b')')) => {
                words.push(word.to_vec());
                break;
            }
            // It is the beginning of something that is put together.
            _ => break,
        }
    }
    (!words.is_empty()).then_some(words)
}

fn tokens(script: &[u8]) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = script;
    if rest.starts_with(b"#!") {
        rest = after_line(rest);
    }
    while let Some(&first) = rest.first() {
        let used = match first {
            b'\'' | b'"' => text(rest, &mut tokens),
            b'-' if rest.starts_with(b"--") && !is_long(&rest[2..]) => rest.len() - after_line(rest).len(),
            b'-' if rest.starts_with(b"--") => {
                tokens.push(Token::Veiled);
                2
            }
            b'[' if is_long(rest) => {
                tokens.push(Token::Veiled);
                1
            }
            b if b.is_ascii_alphanumeric() || b == b'_' => {
                let end = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_');
                let end = end.unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..end]));
                end
            }
            b if b.is_ascii_whitespace() => 1,
            sign => {
                tokens.push(Token::Sign(sign));
                1
            }
        };
        rest = &rest[used..];
    }
    tokens
}

/// Takes a string in quotes; how many bytes it has.
fn text<'a>(rest: &'a [u8], tokens: &mut Vec<Token<'a>>) -> usize {
    let inside = &rest[1..];
    let end = inside.iter().position(|b| *b == rest[0] || matches!(b, b'\\' | b'\n'));
    match end {
        Some(end) if inside[end] == rest[0] => {
            tokens.push(Token::Text(&inside[..end]));
            end + 2
        }
        _ => {
            tokens.push(Token::Veiled);
            rest.len()
        }
    }
}

/// Whether `[[` or `[=` begins here.
fn is_long(rest: &[u8]) -> bool {
    matches!(rest, [b'[', b'[' | b'=', ..])
}

fn after_line(rest: &[u8]) -> &[u8] {
    rest.iter().position(|b| *b == b'\n').map_or(&[], |at| &rest[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(script: &str) -> Option<Vec<String>> {
        match look(script.as_bytes()) {
            Seen::Calls(calls) => {
                let line = |call: Vec<Vec<u8>>| String::from_utf8_lossy(&call.join(&b' ')).into_owned();
                Some(calls.into_iter().map(line).collect())
            }
            Seen::Opaque => None,
        }
    }

    #[test]
    fn a_script_that_writes_its_commands_out_is_seen_through() {
        for (script, want) in [
            ("return 1", &[][..]),
            ("return redis.call('flushall')", &["flushall"]),
            ("redis . pcall ( \"CONFIG\" , 'SET', KEYS[1])", &["CONFIG SET"]),
            ("#!lua name=x\nserver.call 'PING' -- redis.call(ARGV[1])\nreturn 0", &["PING"]),
            (
                "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end",
                &["GET", "DEL"],
            ),
            ("redis.call('SET', 'a', 'redis.call(x)')", &["SET a redis.call(x)"]),
            ("return pcall(function() redis.log(redis.LOG_NOTICE, 'x') end)", &[]),
            ("redis.call('MSET', 'a' .. 'b', 1)", &["MSET"]),
        ] {
            assert_eq!(names(script), Some(want.iter().map(ToString::to_string).collect()), "{script}");
        }
    }

    #[test]
    fn a_script_that_may_run_what_it_does_not_name_is_not() {
        for script in [
            "return redis.call(ARGV[1])",
            "return redis.call('flush' .. 'all')",
            "return redis.call('flush\\97ll')",
            "return redis.call([[flushall]])",
            "return redis['ca' .. 'll']('flushall')",
            "local call = redis.call; return call('flushall')",
            "local r = redis\nreturn r.call('flushall')",
            "return _G['redis']['call']('flushall')",
            "return loadstring(ARGV[1])()",
            "return redis.call(unpack(ARGV))",
            "--[[ ]] return redis.call('flushall')",
            "return 'open",
        ] {
            assert_eq!(names(script), None, "{script}");
        }
    }
}
