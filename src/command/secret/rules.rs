//! Which words of a command are secret. The words come in upper case; what is answered is the first that is, and all
//! after it are too.

use super::program;
use super::url;
use super::vocabulary::{
    is_auth, is_glued_auth, is_glued_setting, is_login, is_parted, is_parted_auth, is_parted_glued_auth,
    is_parted_within, is_setting, names_secret, near,
};
use super::within;
use crate::command::builtin;
use crate::command::spec::Table;

/// The first word that is secret.
pub(super) fn hidden_from(words: &[String]) -> Option<usize> {
    let found = [url::hidden_from(words), in_program(words), in_command(words), within::in_pipe(words)]
        .into_iter()
        .flatten()
        .min();
    found.filter(|at| *at < words.len())
}

/// Behind the name of a program, wherever that stands.
fn in_program(words: &[String]) -> Option<usize> {
    let at = words.iter().position(|word| program::is_program(word))?;
    // What is fed to it may be a password too: `echo AUTH … | redis-cli`.
    if words[..at].iter().any(|word| word == "|") {
        return Some(1);
    }
    program::hidden_from(&words[at + 1..]).map(|found| at + 1 + found)
}

pub(super) fn in_command(words: &[String]) -> Option<usize> {
    let start = command_start(words);
    let words = &words[start..];
    let first = words.first()?;
    let guessed = if is_known(words) || program::is_program(first) { None } else { guess(words) };
    [ruled(words), guessed].into_iter().flatten().min().map(|at| start + at)
}

/// What is secret in a command by its own rules.
pub(super) fn ruled(words: &[String]) -> Option<usize> {
    match words.first()?.as_str() {
        "AUTH" => Some(1),
        "HELLO" => in_hello(words),
        "MIGRATE" => in_migrate(words),
        "ACL" => in_acl(words),
        "CONFIG" | "SENTINEL" | "MODULE" | "POOL" => in_settings(words),
        _ => within::in_script(words),
    }
}

/// Where the command itself begins: after repeat counts, `#id`, a pasted prompt, and words that take a command.
fn command_start(words: &[String]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let next = words.get(at + 1).map_or("", String::as_str);
        at += match (word.as_str(), next) {
            ("HELP", _) => 1,
            ("COMMAND", "GETKEYS" | "GETKEYSANDFLAGS") | ("POOL", "BURST") => 2,
            _ if stands_before(word) => 1,
            _ => break,
        };
    }
    at
}

/// No command begins so: a number, `#3`, a prompt with an address in it.
fn stands_before(word: &str) -> bool {
    let is_prompt = word.ends_with(['>', '#', '$', '%']) && word.contains([':', '@', '[', '(']);
    is_prompt || (!word.contains(char::is_alphabetic) && !word.starts_with('-'))
}

/// The words call something that is known, to its subcommand: nothing in it was meant to be another command.
pub(super) fn is_known(words: &[String]) -> bool {
    let Some(first) = words.first() else { return true };
    if is_of_module(first) || builtin::find(words).is_some() {
        return true;
    }
    let table = Table::embedded();
    table.find(words).is_some_and(|spec| spec.subcommands.is_empty() || words.len() == 1)
}

/// `FT.SEARCH`: the embedded table has no commands of modules.
fn is_of_module(word: &str) -> bool {
    let modules = ["FT", "JSON", "TS", "BF", "CF", "CMS", "TOPK", "TDIGEST", "GRAPH"];
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_'));
    word.split_once('.').is_some_and(|(module, name)| modules.contains(&module) && is_name(name))
}

/// `HELLO [protover [AUTH user password] [SETNAME name]]`
fn in_hello(words: &[String]) -> Option<usize> {
    let mut at = 1 + usize::from(words.get(1).is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit())));
    while words.get(at)? == "SETNAME" {
        at += 2;
    }
    after_option(words, at, &["SETNAME"])
}

/// `MIGRATE host port key db timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password] [KEYS key ...]`
fn in_migrate(words: &[String]) -> Option<usize> {
    // A blank too few, and the options begin a word earlier.
    let early = 4..words.len().min(6);
    if let Some(at) = early.into_iter().find(|at| words[*at].contains("AUTH") || is_auth(&words[*at])) {
        return after_option(words, at, &[]);
    }
    let mut at = 6;
    while matches!(words.get(at)?.as_str(), "COPY" | "REPLACE") {
        at += 1;
    }
    if words[at] == "KEYS" {
        return (at + 1..words.len()).find(|at| is_auth(&words[*at])).map(|at| at + 1);
    }
    after_option(words, at, &["COPY", "REPLACE", "KEYS"])
}

/// What follows `AUTH` at this place, or all from here on where it is something else; a word that may still become
/// `AUTH` or one of the others as it is typed is let be.
fn after_option(words: &[String], at: usize, others: &[&str]) -> Option<usize> {
    let word = &words[at];
    let is_last = at + 1 == words.len();
    let begins = || ["AUTH"].iter().chain(others).any(|option| option.starts_with(word.as_str()));
    if is_last && begins() {
        return None;
    }
    Some(if is_auth(word) { at + 1 } else { at })
}

/// `ACL SETUSER name [rule ...]`: any rule that is not known to be harmless.
fn in_acl(words: &[String]) -> Option<usize> {
    if words.get(1).is_some_and(|sub| sub == "DRYRUN") {
        return in_command(words.get(3..)?).map(|at| at + 3);
    }
    // Rules on passwords have one of these; nothing else that ACL takes does.
    let marked = words.iter().position(|word| word.contains(['>', '<', '#', '!']));
    let sub = words.get(1).map_or("", String::as_str);
    let takes_no_rules = is_known(words) && !matches!(sub, "SETUSER" | "GETUSER");
    let odd = if takes_no_rules { None } else { odd_rule(words, 3) };
    [marked, odd].into_iter().flatten().min()
}

fn odd_rule(words: &[String], first: usize) -> Option<usize> {
    (first..words.len()).find(|at| !is_harmless(&words[*at], at + 1 == words.len()))
}

const RULES: [&str; 14] = [
    "ON",
    "OFF",
    "NOPASS",
    "RESETPASS",
    "RESET",
    "RESETKEYS",
    "RESETCHANNELS",
    "ALLKEYS",
    "ALLCHANNELS",
    "ALLCOMMANDS",
    "NOCOMMANDS",
    "CLEARSELECTORS",
    "SANITIZE-PAYLOAD",
    "SKIP-SANITIZE-PAYLOAD",
];

/// A rule that holds no password; one that is being typed may still become one of the words.
fn is_harmless(rule: &str, is_last: bool) -> bool {
    let rule = rule.trim_start_matches('(').trim_end_matches(')');
    let is_pattern = |pattern: &str| pattern.contains(['*', '?', '[', ':']);
    let is_command = |name: &str| {
        let name = name.split('|').next().unwrap_or_default();
        name.starts_with('@') || Table::embedded().command(name.as_bytes()).is_some() || is_of_module(name)
    };
    match rule.split_at_checked(1) {
        None => rule.is_empty(),
        Some(("+" | "-", name)) => is_command(name),
        Some(("~" | "&", pattern)) => is_pattern(pattern),
        Some(("%", pattern)) => pattern.split_once('~').is_some_and(|(_, pattern)| is_pattern(pattern)),
        Some(_) => RULES.iter().any(|known| *known == rule || (is_last && known.starts_with(rule))),
    }
}

/// `CONFIG SET name value …` and its kin: what follows a name that speaks of a password.
fn in_settings(words: &[String]) -> Option<usize> {
    let only_asks = words.get(1).is_some_and(|sub| sub == "GET");
    (1..words.len()).find_map(|at| {
        let word = &words[at];
        if is_glued_setting(word) && !only_asks {
            return Some(at);
        }
        if names_secret(word) {
            return Some(at + 1);
        }
        let next = words.get(at + 1)?;
        is_parted(word, next).then_some(at + 2)
    })
}

/// Words that are no command as they stand: what may be a password, if one of them was meant for what it is near to.
fn guess(words: &[String]) -> Option<usize> {
    let first = words.first()?.trim_start_matches(|c: char| !c.is_alphabetic());
    if is_glued_auth(first) {
        return Some(0);
    }
    if near(first, "AUTH", 2) || is_login(first) {
        return Some(1);
    }
    if let Some(at) = after_spelt_auth(words) {
        return Some(at);
    }
    // A line of an ACL file, or ACL left out.
    let is_rules = first == "USER" || near(first, "SETUSER", 2);
    let rule = if is_rules { odd_rule(words, 2) } else { None };
    let guessed = (0..words.len()).find_map(|at| guess_at(words, at));
    [rule, guessed].into_iter().flatten().min()
}

/// `A U T H`
fn after_spelt_auth(words: &[String]) -> Option<usize> {
    (3..=words.len().min(5))
        .find(|end| words[..*end].iter().all(|word| word.len() < 3) && is_auth(&words[..*end].concat()))
}

fn guess_at(words: &[String], at: usize) -> Option<usize> {
    let word = &words[at];
    let is_auth = is_auth(word) || (at == 1 && near(word, "AUTH", 2));
    if is_setting(word) || (is_auth && !is_glued_auth(word)) {
        return Some(at + 1);
    }
    if program::is_nearly_program(word) {
        return program::hidden_from(&words[at + 1..]).map(|found| at + 1 + found);
    }
    let variable = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
    let is_rule = at > 0 && (word.starts_with(['#', '!']) || word.contains(['>', '<']));
    let is_option = word.starts_with('-') && word.bytes().skip(1).any(|b| !b.is_ascii_digit());
    if is_rule || is_option || names_secret(word) || names_secret(variable) || program::is_glued(word) {
        return Some(at);
    }
    let next = words.get(at + 1)?;
    if is_parted(word, next) || (at < 2 && is_parted_auth(word, next)) {
        return Some(at + 2);
    }
    // `A UTHhunter2`, `REDISCLI_A UTH=…`
    let is_within = is_parted_within(word, next) || (at < 2 && is_parted_glued_auth(word, next));
    is_within.then_some(at)
}
