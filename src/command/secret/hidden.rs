//! The secret words of a line, taken out of what is said about it: servers and shells repeat what they do not understand.

use std::io;

use futures_util::future::BoxFuture;

use super::{MASK, blank_parted, found_in, scan};
use crate::command::output::{Output, Sink};
use crate::command::token::quote;
use crate::resp::Value;
use crate::text;

/// How many forms of words are looked for. A line that has more has none of its errors repeated.
const MOST: usize = 256;
/// How much of a word is looked for, in bytes: what follows the beginning of a longer one is taken for its rest.
const LONGEST: usize = 256;
/// A word so long is replaced within others too. A shorter one could be part of anything, even of the error's own code.
const ANYWHERE: usize = 6;

/// The words of a line that nobody should see in an answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// In every form they may come back in, longest first.
    forms: Vec<Vec<u8>>,
}

impl Hidden {
    /// What is secret in a typed line.
    pub fn of(line: &str) -> Self {
        let Some(from) = found_in(line) else { return Self::default() };
        let mut hidden = Self::default();
        for token in scan(line.as_bytes()).tokens.into_iter().filter(|token| token.range.end > from) {
            hidden.add(&token.bytes);
            // A script's own words: compilers repeat the one they stumble over.
            if token.quoted {
                token.bytes.split(|b| matches!(b, b'"' | b'\'')).for_each(|word| hidden.add(word));
            }
            hidden.add(&line.as_bytes()[token.range]);
        }
        for (_, word) in blank_parted(&line[from..]) {
            hidden.add(word.as_bytes());
            hidden.add(word.replace(['"', '\'', '\\'], "").as_bytes());
        }
        hidden.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        hidden
    }

    /// Nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    fn add(&mut self, word: &[u8]) {
        if self.forms.len() > MOST || !word.iter().any(|b| b.is_ascii_alphanumeric() || !b.is_ascii()) {
            return;
        }
        let quoted = quote(word);
        // Servers put blanks in place of line breaks.
        let on_one_line: Vec<u8> =
            word.iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b }).collect();
        let escaped = text::escape(word);
        let forms = [word, &on_one_line, escaped.as_bytes(), quoted.trim_matches('"').as_bytes()];
        let cut = |form: &[u8]| form[..form.len().min(LONGEST)].to_vec();
        for form in forms.into_iter().filter(|form| !form.is_empty()).map(cut) {
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
    }

    /// An output as it may be shown: errors and notes without the words. What a command has answered stays as it is.
    pub fn cover(&self, output: Output) -> Output {
        if self.is_empty() {
            return output;
        }
        match output {
            Output::Reply { value, verbatim } => Output::Reply { value: self.value(value), verbatim },
            Output::Error(sentence) => Output::Error(self.sentence(&sentence)),
            Output::Note(sentence) => Output::Note(self.sentence(&sentence)),
            Output::Text(text) => Output::Text(self.errors_in(&text)),
            other => other,
        }
    }

    /// The errors in a value: EXEC answers with a list of them.
    fn value(&self, value: Value) -> Value {
        let all = |items: Vec<Value>| items.into_iter().map(|item| self.value(item)).collect();
        let pairs = |pairs: Vec<(Value, Value)>| {
            pairs.into_iter().map(|(key, value)| (self.value(key), self.value(value))).collect()
        };
        match value {
            Value::Error(text) => Value::Error(self.without(&text).into()),
            Value::Array(items) => Value::Array(all(items)),
            Value::Set(items) => Value::Set(all(items)),
            Value::Push(items) => Value::Push(all(items)),
            Value::Map(map) => Value::Map(pairs(map)),
            Value::Attribute { attributes, value } => {
                Value::Attribute { attributes: pairs(attributes), value: Box::new(self.value(*value)) }
            }
            other => other,
        }
    }

    /// The lines on errors in what POOL BURST counted.
    fn errors_in(&self, text: &str) -> String {
        let line =
            |line: &str| if line.starts_with("error:") { self.sentence(line) } else { line.to_owned() };
        text.split_inclusive('\n').map(line).collect()
    }

    fn sentence(&self, sentence: &str) -> String {
        String::from_utf8_lossy(&self.without(sentence.as_bytes())).into_owned()
    }

    fn without(&self, said: &[u8]) -> Vec<u8> {
        if self.forms.len() > MOST {
            return MASK.into();
        }
        let mut shown = Vec::with_capacity(said.len());
        let mut at = 0;
        while at < said.len() {
            if let Some(end) = self.forms.iter().filter_map(|form| covers(form, said, at)).max() {
                shown.extend_from_slice(MASK.as_bytes());
                at = end;
            } else {
                shown.push(said[at]);
                at += 1;
            }
        }
        shown
    }
}

/// Where a word ends that begins here, whole or cut short by whoever repeats it.
fn covers(form: &[u8], said: &[u8], at: usize) -> Option<usize> {
    let rest = &said[at..];
    let same = form.iter().zip(rest).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    if same == 0 {
        return None;
    }
    let is_quote = |b: &u8| matches!(b, b'\'' | b'"' | b'`');
    let in_word = |b: &u8| b.is_ascii_alphanumeric() || !b.is_ascii();
    let before = at.checked_sub(1).and_then(|at| said.get(at));
    let after = rest.get(same);
    if same == form.len() {
        if form.len() == LONGEST {
            return Some(said.len());
        }
        let apart = !before.is_some_and(in_word) && !after.is_some_and(in_word);
        return (apart || form.len() >= ANYWHERE).then_some(at + same);
    }
    let is_cut = before.is_some_and(is_quote) && after.is_none_or(is_quote);
    is_cut.then_some(at + same)
}

/// A sink that covers what goes on to another.
pub(in crate::command) struct Covered<'a> {
    /// What nobody should see.
    pub(in crate::command) hidden: &'a Hidden,
    /// Whoever shows it.
    pub(in crate::command) sink: &'a mut dyn Sink,
}

impl Sink for Covered<'_> {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        self.sink.push(self.hidden.cover(output))
    }
}
