//! What the word under the cursor can become.

use crate::event::ConnId;
use crate::explain;

use super::builtin::{self, Entry, Param};
use super::keys::KeysSeen;
use super::matching::{Matched, Next};
use super::pipe;
use super::registry::Registry;
use super::spec::{ArgKind, Spec, Table};
use super::token::{Ending, quote};
use super::typed::{Owner, Typed, bytes, inner_command, owner};

/// What completion knows beside the registry: names that are only known while the program runs.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Keys that earlier lines named.
    pub keys: KeysSeen,
    /// Connections that can be named, with what to say of each: `in use, POOL HOLD`.
    pub connections: Vec<(ConnId, String)>,
    /// The pool's settings: each name with its value.
    pub settings: Vec<(String, String)>,
}

/// What the word before the cursor can become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Where in the line the word begins: a candidate replaces from here to the cursor.
    pub start: usize,
    /// The candidates, the best first; each once.
    pub candidates: Vec<Candidate>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What would be typed, quoted where it must be. A blank after it is for the caller to add.
    pub text: String,
    /// What it is, in a few words; may be empty.
    pub note: String,
}

/// More than a person reads or a screen holds.
const MAX_CANDIDATES: usize = 1024;

impl Registry {
    /// What the word that ends at byte `pos` of the line can become. What stands after `pos` is not looked at.
    pub fn complete(&self, line: &str, pos: usize, context: &Context) -> Completions {
        let pos = (0..=pos.min(line.len())).rev().find(|pos| line.is_char_boundary(*pos)).unwrap_or_default();
        let typed = Typed::new(&line.as_bytes()[..pos]);
        let piped = pipe::split(&line[..pos]).is_some();
        if matches!(typed.ending, Ending::Glued { .. }) || typed.marks.job || piped {
            return Completions { start: pos, candidates: Vec::new() };
        }
        let table = self.table();
        let current = typed.tokens.last().filter(|_| typed.in_word);
        let mut offer = Offer {
            table: &table,
            context,
            prefix: current.map(|token| token.bytes.clone()).unwrap_or_default(),
            lower: wants_lower(&typed),
            found: Vec::new(),
        };
        // The word that is being typed is no mark yet: `#3` may become `#31`.
        let begun = typed.tokens.len() - usize::from(current.is_some());
        if begun < typed.marks.skip {
            offer.mark(begun);
        } else {
            let words = bytes(typed.tokens.get(typed.marks.skip..begun).unwrap_or_default());
            offer.word(&words, typed.marks.on.is_some());
        }
        Completions { start: current.map_or(pos, |token| token.range.start), candidates: offer.found }
    }
}

/// The case of what has been typed: of the word itself, else of the command's first.
fn wants_lower(typed: &Typed) -> bool {
    let lower = |bytes: &[u8]| {
        let has = |test: fn(&u8) -> bool| bytes.iter().any(test);
        (has(u8::is_ascii_lowercase) || has(u8::is_ascii_uppercase))
            .then(|| has(u8::is_ascii_lowercase) && !has(u8::is_ascii_uppercase))
    };
    let current = typed.tokens.last().filter(|_| typed.in_word).and_then(|token| lower(&token.bytes));
    current.or_else(|| typed.command().first().and_then(|token| lower(&token.bytes))).unwrap_or(false)
}

struct Offer<'a> {
    table: &'a Table,
    context: &'a Context,
    prefix: Vec<u8>,
    lower: bool,
    found: Vec<Candidate>,
}

impl Offer<'_> {
    /// Offers a text as it is.
    fn text(&mut self, text: String, note: &str) {
        if self.found.len() < MAX_CANDIDATES && self.found.iter().all(|known| known.text != text) {
            self.found.push(Candidate { text, note: note.to_owned() });
        }
    }

    /// Offers a name in the case that is being typed, where it goes on from what has been typed.
    fn name(&mut self, name: &str, note: &str) {
        let begins =
            name.as_bytes().get(..self.prefix.len()).is_some_and(|b| b.eq_ignore_ascii_case(&self.prefix));
        if begins {
            self.text(if self.lower { name.to_lowercase() } else { name.to_owned() }, note);
        }
    }

    fn mark(&mut self, at: usize) {
        if at == 0 || self.prefix.starts_with(b"#") {
            self.ids("#");
        }
    }

    /// Offers what can stand after these words.
    fn word(&mut self, words: &[&[u8]], on_connection: bool) {
        if words.is_empty() {
            if self.prefix.starts_with(b"#") && !on_connection {
                return self.ids("#");
            }
            if !on_connection {
                builtin::first_words().for_each(|word| self.name(word, first_note(word)));
            }
            return self.commands();
        }
        match owner(words, on_connection, self.table) {
            Owner::Builtin(entry) => self.builtin(entry, words),
            Owner::BuiltinBegun => {
                for next in builtin::next_words(words) {
                    let called: Vec<&[u8]> = words.iter().copied().chain([next.as_bytes()]).collect();
                    self.name(next, builtin::find(&called).map_or("", |entry| entry.summary));
                }
            }
            Owner::Redis(spec, name) => self.redis(spec, &words[name..]),
            Owner::Unknown => {}
        }
    }

    fn commands(&mut self) {
        let table = self.table;
        table.specs().iter().for_each(|spec| self.name(&spec.name, &spec.summary));
    }

    fn redis(&mut self, spec: &Spec, words: &[&[u8]]) {
        if words.is_empty() {
            spec.subcommands.iter().for_each(|sub| self.name(sub.word(), &sub.summary));
        }
        for next in Matched::new(&spec.arguments, words).next() {
            match next {
                Next::Token(token) => self.name(token, ""),
                Next::Value(ArgKind::Key) => self.keys(),
                Next::Value(_) => {}
            }
        }
    }

    fn keys(&mut self) {
        let context = self.context;
        for key in context.keys.iter().filter(|key| key.starts_with(&self.prefix)).collect::<Vec<_>>() {
            self.text(quote(key), "key");
        }
    }

    fn ids(&mut self, sign: &str) {
        let context = self.context;
        for (id, note) in &context.connections {
            let sign = if self.prefix.starts_with(b"#") { "#" } else { sign };
            self.name(&format!("{sign}{}", id.0), note);
        }
    }

    fn builtin(&mut self, entry: &'static Entry, words: &[&[u8]]) {
        if let Some(inner) = inner_command(entry).filter(|inner| words.len() >= *inner) {
            return self.word(&words[inner..], true);
        }
        let typed = words.len() - entry.words.len().min(words.len());
        match entry.params.get(typed).or(entry.params.last().filter(|last| **last == Param::Topic)) {
            Some(Param::Topic) => self.topic(&words[1..]),
            Some(Param::Id) => self.ids(""),
            Some(Param::IdOrAll) => {
                self.ids("");
                self.name("ALL", "every held connection");
            }
            Some(Param::JobOrAll) => self.name("ALL", "every job"),
            Some(Param::Experiment) => {
                for experiment in crate::lab::all() {
                    self.name(experiment.about().name, experiment.about().practice);
                }
                self.name("ALL", "every experiment");
            }
            Some(Param::Setting) => {
                let context = self.context;
                context.settings.iter().for_each(|(name, value)| self.name(name, value));
            }
            Some(Param::Lint) => explain::all().for_each(|(id, summary)| self.name(id, summary)),
            Some(Param::Count | Param::Word | Param::Command) | None => {}
        }
    }

    fn topic(&mut self, words: &[&[u8]]) {
        if words.is_empty() {
            builtin::first_words().for_each(|word| self.name(word, first_note(word)));
            let table = self.table;
            let mut groups: Vec<&str> = table.specs().iter().map(|spec| &*spec.group).collect();
            groups.sort_unstable();
            groups.dedup();
            for group in groups {
                self.text_if_begun(&format!("@{group}"));
            }
            return self.commands();
        }
        for next in builtin::next_words(words) {
            self.name(next, "");
        }
        let table = self.table;
        if let Some(spec) = table.command(words[0]).filter(|_| words.len() == 1) {
            spec.subcommands.iter().for_each(|sub| self.name(sub.word(), &sub.summary));
        }
    }

    fn text_if_begun(&mut self, text: &str) {
        if text.as_bytes().starts_with(&self.prefix.to_ascii_lowercase()) {
            self.text(text.to_owned(), "group");
        }
    }
}

fn first_note(word: &str) -> &'static str {
    builtin::find(&[word]).map_or("The pool behind this shell.", |entry| entry.summary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn context() -> Context {
        let mut keys = KeysSeen::default();
        for key in ["user:1", "a b", "user:2"] {
            keys.remember(key.as_bytes());
        }
        Context {
            keys,
            connections: vec![(ConnId(3), "in use".into()), (ConnId(31), "in use".into())],
            settings: vec![("max-idle".into(), "5".into()), ("blocking-timeout".into(), "20 s".into())],
        }
    }

    #[track_caller]
    fn completes(line: &str, start: usize, texts: &[&str]) {
        let completions = Registry::new().complete(line, line.len(), &context());
        let found: Vec<_> = completions.candidates.iter().map(|c| c.text.as_str()).collect();
        assert_eq!((completions.start, &found[..]), (start, texts), "{line:?}");
    }

    #[test]
    fn names_keep_the_case_that_is_typed() {
        completes("getr", 0, &["getrange"]);
        completes("GETR", 0, &["GETRANGE"]);
        completes("po", 0, &["pool"]);
        completes("client ki", 7, &["kill"]);
        completes("CLIENT KI", 7, &["KILL"]);
        completes("scan 0 ", 7, &["match", "count", "type"]);
        completes("SCAN 0 COUNT 5 m", 15, &["match"]);
        completes("set a 1 ex", 8, &["ex", "exat"]);
        completes("set a 1 ex ", 11, &[]);
        completes("blmove a b L", 11, &["LEFT"]);
        completes("nonsense a", 9, &[]);
    }

    #[test]
    fn builtins_ids_settings_and_topics() {
        completes("pool re", 5, &["release", "resize", "reset"]);
        completes("POOL CONFIG ", 12, &["GET", "SET"]);
        completes("POOL CONFIG SET m", 16, &["max-idle"]);
        completes("POOL RELEASE ", 13, &["3", "31", "ALL"]);
        completes("POOL CLOSE #", 11, &["#3", "#31"]);
        completes("#", 0, &["#3", "#31"]);
        completes("#3", 0, &["#3", "#31"]);
        completes("#3 getr", 3, &["getrange"]);
        completes("#3 poo", 3, &[]);
        completes("5 getr", 2, &["getrange"]);
        completes("pool burst 5 getr", 13, &["getrange"]);
        completes("pool burst 5 get us", 17, &["user:2", "user:1"]);
        completes("help @sor", 5, &["@sorted-set"]);
        completes("help pool ho", 10, &["hold"]);
        completes("? client ki", 9, &["kill"]);
    }

    #[test]
    fn keys_are_offered_where_a_key_is_wanted() {
        completes("get ", 4, &["user:2", "\"a b\"", "user:1"]);
        completes("get \"a", 4, &["\"a b\""]);
        completes("set user:1 u", 11, &[]);
        completes("mget user:1 user", 12, &["user:2", "user:1"]);
        completes("get a &", 7, &[]);
        completes("get \"a\"b", 8, &[]);
    }

    #[test]
    fn everything_is_offered_at_the_beginning() {
        let registry = Registry::new();
        let all = registry.complete("", 0, &Context::default());
        assert_eq!(all.candidates[0].text, "POOL");
        assert!(all.candidates.len() > 240);
        // HELP and QUIT are commands of ours and of the server: one candidate each.
        assert_eq!(all.candidates.iter().filter(|c| c.text == "QUIT").count(), 1);
    }

    proptest! {
        #[test]
        fn any_line_completes_within_itself(line in r#"(get|SET|pool|hold|#3|5|é|"|'| |&|client|config|help|a){0,12}"#, pos in 0usize..40) {
            let completions = Registry::new().complete(&line, pos, &context());
            prop_assert!(completions.start <= pos.min(line.len()));
            prop_assert!(line.is_char_boundary(completions.start));
        }
    }
}
