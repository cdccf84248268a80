//! Commands within an argument: what a script calls, and what a shell command runs.

use super::rules::{in_command, ruled};
use super::vocabulary::is_auth;

/// Programs that only pass on what they read: their arguments are patterns, numbers and columns.
const FILTERS: [&str; 22] = [
    "AWK", "BASE64", "CAT", "COLUMN", "CUT", "EGREP", "FZF", "GREP", "HEAD", "HEXDUMP", "JQ", "LESS", "MORE",
    "NL", "REV", "RG", "SED", "SORT", "TAIL", "TR", "UNIQ", "WC",
];

/// The first word of a command that is a script with a secret in it: the whole of it is one.
pub(super) fn in_script(words: &[String]) -> Option<usize> {
    let first = match words {
        [name, ..] if matches!(name.as_str(), "EVAL" | "EVAL_RO") => 1,
        [name, load, ..] if matches!(name.as_str(), "FUNCTION" | "SCRIPT") && load == "LOAD" => 2,
        _ => return None,
    };
    (first..words.len()).find(|at| tells(&words[*at]))
}

/// A script calls a command with a password: `redis.call('AUTH', …)`, or by another name for `redis.call`.
fn tells(script: &str) -> bool {
    let calls = script.match_indices("CALL").filter(|(at, call)| {
        let next = script[at + call.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    });
    let mut called = calls.map(|(at, call)| literals(&script[at + call.len()..]));
    let opened = script.match_indices('(').filter(|(at, _)| !script[..*at].ends_with("_FUNCTION"));
    let mut quoted =
        opened.map(|(at, _)| script[at + 1..].trim_start()).filter(|text| text.starts_with(['"', '\'']));
    called.any(|words| in_command(&words).is_some())
        || quoted.any(|text| {
            let words = literals(text);
            words.first().is_some_and(|word| is_auth(word)) || ruled(&words).is_some()
        })
}

/// The words of a script's text, whatever quotes they are in.
fn literals(text: &str) -> Vec<String> {
    let parts = |c: char| c.is_whitespace() || "'\"(),[]{};\\".contains(c);
    // Nobody's call has more, and every call in a script is looked at.
    let text = (1021..=1024).rev().find_map(|end| text.get(..end)).unwrap_or(text);
    text.split(parts).filter(|word| !word.is_empty()).take(32).map(str::to_owned).collect()
}

/// The first word that may be secret in the shell command behind a `|`.
pub(super) fn in_pipe(words: &[String]) -> Option<usize> {
    let mut start = words.iter().position(|word| word == "|")? + 1;
    while let Some(rest) = words.get(start..).filter(|rest| !rest.is_empty()) {
        let ends =
            |word: &String| matches!(word.as_str(), "|" | "||" | "&&" | "&" | ";") || word.ends_with(';');
        let len = rest.iter().position(ends).map_or(rest.len(), |at| at + 1);
        let command = &rest[..len];
        let is_plain =
            |word: &String| !word.trim_end_matches(';').contains([';', '&', '`']) && !word.contains("$(");
        let is_filter = FILTERS.contains(&program(&command[0])) && command[..len - 1].iter().all(is_plain);
        let found = if is_filter { None } else { in_command(command).filter(|at| *at < len) };
        if let Some(at) = found {
            return Some(start + at);
        }
        start += len;
    }
    None
}

fn program(word: &str) -> &str {
    word.trim_end_matches(';').rsplit('/').next().unwrap_or_default()
}
