//! A command line as it may be shown: without what looks like a password.
//!
//! Any program may take one in any way, so a word is masked when there is reason to think that it is one. A word masked
//! for nothing is a small loss.

mod assigned;
mod names;

use std::ops::Range;

use assigned::{assigned, in_urls};
use names::{ends_secret, is_key, is_path, is_port, is_secret};

/// What stands for a password.
const MASK: &str = "***";

/// The longest command line that is passed on, in bytes.
const LONGEST: usize = 512;

/// The arguments of a command line, as `/proc/PID/cmdline` has them, between blanks. One that has blanks itself is a
/// shell's script, a title that the process gave itself, or a value: a secret's blanks are masked with it.
pub(super) fn masked(cmdline: &[u8]) -> String {
    let text = String::from_utf8_lossy(cmdline);
    let mut shown = String::new();
    let mut state = State::default();
    for argument in text.split('\0').filter(|argument| !argument.bytes().all(is_blank)) {
        if shown.len() > LONGEST {
            break;
        }
        push_words(" ", &mut shown);
        let secrets = state.secrets(argument);
        push_without(secrets, argument, &mut shown);
    }
    shown.truncate(shown.trim_end_matches(' ').len());
    let end = (0..=LONGEST.min(shown.len())).rev().find(|at| shown.is_char_boundary(*at));
    shown.truncate(end.unwrap_or(0));
    shown
}

fn push_without(mut secrets: Vec<Range<usize>>, argument: &str, shown: &mut String) {
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| secret.start);
    let mut at = 0;
    for secret in secrets {
        if at == 0 || secret.start > at {
            push_words(&argument[at..secret.start], shown);
            shown.push_str(MASK);
        }
        at = at.max(secret.end);
    }
    push_words(&argument[at..], shown);
}

/// A script's lines as one, with one blank between words.
fn push_words(text: &str, shown: &mut String) {
    for c in text.chars() {
        if !c.is_ascii_whitespace() {
            shown.push(c);
        } else if !shown.is_empty() && !shown.ends_with(' ') {
            shown.push(' ');
        }
    }
}

/// What an option makes of the word after it.
#[derive(Clone, Copy, Default, PartialEq)]
enum Next {
    #[default]
    Word,
    Secret,
    /// A name and a secret.
    NameAndSecret,
    /// A secret, or the file that has it.
    Key,
    /// `-u USER:PASSWORD`, or redis-cli's `-u URL`.
    User,
    /// `-p`: a port, a path, or a password.
    Port,
}

/// What the words before one mean for it.
#[derive(Default)]
struct State {
    next: Next,
    /// Options of the programs among the words that have a password right after them, whatever it looks like.
    glued: Vec<&'static str>,
    /// Every word from here on is a secret.
    all: bool,
    /// A user's ACL rules: a secret begins with a sign.
    rules: bool,
}

impl State {
    /// Where an argument's secrets are. They may overlap.
    fn secrets(&mut self, argument: &str) -> Vec<Range<usize>> {
        let mut secrets = Vec::new();
        self.words(argument, &mut secrets);
        let urls = in_urls(argument);
        if assigned(argument, &urls, &mut secrets) {
            self.next = Next::Secret;
        }
        secrets.extend(urls);
        secrets
    }

    fn words(&mut self, argument: &str, secrets: &mut Vec<Range<usize>>) {
        let bytes = argument.as_bytes();
        let mut at = 0;
        while let Some(start) = (at..bytes.len()).find(|at| !is_blank(bytes[*at])) {
            let end = (start..bytes.len()).find(|at| is_blank(bytes[*at])).unwrap_or(bytes.len());
            // Only a script has more than one word of its own: the first word's secret may have blanks.
            let is_first = at == 0;
            let word = &argument[start..end];
            at = end;
            if let Some(offset) = self.secret_in(word) {
                at = if is_first { bytes.len() } else { word_end(bytes, start) };
                secrets.push(start + offset..at);
            } else if let Some(colon) = word.find(':').filter(|_| !word.contains("://")) {
                let within = if is_first && colon + 1 < word.len() { &argument[start..] } else { word };
                // A URL's middle without its scheme: `USER:PASSWORD@HOST`.
                if let Some(sign) = within.rfind('@').filter(|sign| *sign > colon) {
                    secrets.push(start + colon + 1..start + sign);
                }
            }
        }
    }

    /// From where on a word is a secret, from what options say.
    fn secret_in(&mut self, word: &str) -> Option<usize> {
        let open = |c: char| matches!(c, '"' | '\'' | '`' | '(' | '[' | '{' | ',' | ';' | '$' | '\\');
        let close = |c: char| open(c) || matches!(c, ')' | ']' | '}');
        let inner = word.trim_start_matches(open);
        let bare = inner.trim_end_matches(close);
        let next = std::mem::take(&mut self.next);
        let is_value = match next {
            Next::Word | Next::User => false,
            Next::Secret | Next::NameAndSecret => true,
            Next::Key => !is_path(bare),
            Next::Port => !is_port(bare),
        };
        let is_hidden = is_value || self.all || (self.rules && bare.starts_with(['>', '<', '#']));
        // An option that takes nothing may have hidden one that takes a password.
        self.expect(bare, is_hidden);
        if next == Next::NameAndSecret {
            self.next = Next::Secret;
        }
        if is_hidden {
            return Some(0);
        }
        let is_user = next == Next::User || is_user_option(bare);
        let colon = word.find(':').filter(|_| is_user && !word.contains("://"));
        colon
            .map(|colon| colon + 1)
            .or_else(|| self.is_glued(bare).then_some(word.len() - inner.len() + "-p".len()))
    }

    /// A program may be another one's argument: `sh -c`, `sudo`, `docker exec`.
    fn is_run(&mut self, bare: &str) {
        let program = program(bare);
        if program.starts_with("mysql") || program.starts_with("mariadb") {
            self.glued.push("-p");
        }
        if names::is_redis(program) {
            self.glued.push("-a");
        }
    }

    /// `-pSECRET`, and redis-cli's `-aSECRET`.
    fn is_glued(&self, bare: &str) -> bool {
        let with = |option: &&str| bare.len() > option.len() && bare.starts_with(*option);
        self.glued.iter().any(with) || looks_glued(bare)
    }

    /// Takes in what a word says of those after it.
    fn expect(&mut self, bare: &str, is_hidden: bool) {
        self.is_run(bare);
        let lower = bare.to_ascii_lowercase();
        let name = lower.trim_start_matches('-');
        let is_option = name.len() < lower.len();
        self.next = match name {
            // AUTH as a command or an option of HELLO and MIGRATE has the password last, and a name before it perhaps.
            "auth" | "auth2" if !is_option => {
                self.all = true;
                Next::Word
            }
            "setuser" => {
                self.rules = true;
                Next::Word
            }
            // curl's, or redis-server's with ACL rules.
            "user" => {
                self.rules = true;
                if is_option { Next::User } else { Next::Word }
            }
            "a" if lower == "-a" => Next::Secret,
            "p" if bare == "-p" => Next::Port,
            "u" | "proxy-user" | "userpwd" if is_option => Next::User,
            // A sentinel's `auth-pass MASTER PASSWORD`; `SENTINEL SET MASTER auth-pass PASSWORD` too.
            "auth-pass" if !is_option => Next::NameAndSecret,
            // An Authorization header in words of their own.
            "basic" | "digest" | "negotiate" if is_hidden => Next::Secret,
            _ if name.contains(['/', '=', ':']) => Next::Word,
            _ if is_option && !name.starts_with("no-") && is_secret(name) => Next::Secret,
            _ if is_option && is_key(name) => Next::Key,
            _ if !is_option && ends_secret(name) => Next::Secret,
            _ => Next::Word,
        };
    }
}

/// The program that a word names, without its directory.
fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// `-uUSER:PASSWORD` and `--user=USER:PASSWORD`.
fn is_user_option(bare: &str) -> bool {
    ["-u", "-U", "--user=", "--userpwd=", "--proxy-user="].iter().any(|option| bare.starts_with(option))
}

/// `-pSECRET`, which is neither `-p6379` nor a long option with one sign.
fn looks_glued(bare: &str) -> bool {
    let Some(glued) = bare.strip_prefix("-p").filter(|glued| !glued.is_empty()) else { return false };
    let name = bare[1..].split(['=', ':']).next().unwrap_or_default();
    !is_port(glued.trim_start_matches('=')) && !names::is_long_option(name)
}

const fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// Where a shell's word ends, blanks in quotes being part of it.
fn word_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            byte if is_blank(*byte) => return at,
            b'"' | b'\'' => match closing(bytes, at) {
                // It closes one that was open before the word.
                none if none == bytes.len() && at > from => at + 1,
                close => close + 1,
            },
            b'\\' if !matches!(bytes.get(at + 1), Some(b'"' | b'\'' | b'\\')) => at + 2,
            _ => at + 1,
        };
    }
    bytes.len()
}

/// The quote that closes the one at `open`: the next that as many backslashes are before. The end when there is none, and
/// rather too far than too near.
fn closing(bytes: &[u8], open: usize) -> usize {
    let slashes = bytes[..open].iter().rev().take_while(|byte| **byte == b'\\').count();
    let mut run = 0;
    for (at, byte) in bytes.iter().enumerate().skip(open + 1) {
        if *byte == bytes[open] && run == slashes {
            return at;
        }
        run = if *byte == b'\\' { run + 1 } else { 0 };
    }
    bytes.len()
}
