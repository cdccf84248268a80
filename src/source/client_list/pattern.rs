//! A line that others are read by. Lines of one server have the same fields, and most of these the same values: only
//! what differs from the pattern is looked at closely.

use std::sync::Arc;

use super::FIELD;
use super::fields::{Field, Fields, Key, blank};
use super::line::{number, set};
use super::texts::{Column, Texts};
use crate::event::Client;

/// A line of more bytes or fields is nobody's pattern. No server has lines of half of either.
const LINE: usize = 4096;
const FIELDS: usize = 64;

#[derive(Debug)]
pub(super) struct Pattern {
    line: Vec<u8>,
    fields: Vec<Field>,
    client: Client,
    /// Too long, or a later field overrides an earlier one of its name: not to be read by.
    odd: bool,
    /// Where the fields of the line are that is being read.
    places: Vec<Field>,
    /// Those of them without a name of ours, one after another.
    more: Vec<u8>,
}

/// A client, and where the digits of its age begin.
pub(super) type Read = (Client, Option<usize>);

impl Pattern {
    /// Takes a line apart that is like none before.
    pub(super) fn learn(line: &[u8], id: u64, texts: &mut Texts, addr: Option<&Arc<str>>) -> (Self, Read) {
        let fields: Vec<Field> = Fields::of(line).collect();
        let mut client = Client { id, ..Client::default() };
        for field in &fields {
            set(&mut client, field.key, &line[field.at..field.end], texts, addr);
        }
        let long = line.len() > LINE || fields.len() > FIELDS;
        let odd = long || fields.iter().enumerate().any(|(at, field)| overrides(field, &fields[..at]));
        let kept = if odd { Vec::new() } else { line.to_vec() };
        let mut pattern = Self { line: kept, places: fields.clone(), fields, client, odd, more: Vec::new() };
        pattern.client.subscriptions = pattern.subscriptions(line);
        pattern.client.more = pattern.more(line, texts);
        let read = (pattern.client.clone(), pattern.age_at());
        (pattern, read)
    }

    /// Reads a line by this one, if it has the same fields.
    pub(super) fn read(
        &mut self,
        line: &[u8],
        id: u64,
        texts: &mut Texts,
        addr: Option<&Arc<str>>,
    ) -> Option<Read> {
        if self.odd {
            return None;
        }
        let mut client = self.client.clone();
        client.id = id;
        let (mut more, mut subscriptions) = (false, false);
        // Which field is next, and where in the line.
        let (mut next, mut at) = (0, 0);
        while let Some(begins) = self.fields.get(next) {
            let from = begins.name;
            let same_until = from + common(&self.line[from..], line.get(at..)?);
            // Those that are the same, with the blanks after them.
            while let Some(field) = self.fields.get(next).filter(|field| field.end < same_until) {
                self.places[next] = field.moved(from, at);
                next += 1;
            }
            let differs = self.fields.get(next).filter(|field| field.at <= same_until)?.moved(from, at);
            let field = Field { end: blank(line, differs.at), ..differs };
            match field.key {
                Key::More => more = true,
                Key::Subscriptions => subscriptions = true,
                key => set(&mut client, key, &line[field.at..field.end], texts, addr),
            }
            self.places[next] = field;
            (next, at) = (next + 1, field.end + 1);
        }
        if at <= line.len() {
            return None;
        }
        if subscriptions {
            client.subscriptions = self.subscriptions(line);
        }
        if more {
            client.more = self.more(line, texts);
        }
        Some((client, self.age_at()))
    }

    fn age_at(&self) -> Option<usize> {
        self.places.iter().rev().find(|field| field.key == Key::Age).map(|field| field.at)
    }

    fn subscriptions(&self, line: &[u8]) -> u64 {
        let each = self.places.iter().filter(|field| field.key == Key::Subscriptions);
        each.filter_map(|field| number(&line[field.at..field.end])).fold(0, u64::saturating_add)
    }

    fn more(&mut self, line: &[u8], texts: &mut Texts) -> Option<Arc<str>> {
        self.more.clear();
        let unnamed = self.places.iter().filter(|field| field.key == Key::More && field.at < field.end);
        for field in unnamed {
            if self.more.len() > FIELD {
                break;
            }
            if !self.more.is_empty() {
                self.more.push(b' ');
            }
            self.more.extend_from_slice(&line[field.name..field.end]);
        }
        (!self.more.is_empty()).then(|| texts.get(Column::More, &self.more))
    }
}

/// Whether a field says again, and perhaps otherwise, what one before has said.
fn overrides(field: &Field, before: &[Field]) -> bool {
    let counts = !matches!(field.key, Key::Id | Key::Subscriptions | Key::More);
    counts && before.iter().any(|other| other.key == field.key)
}

impl Field {
    /// The same field in a line that has at `to` what this one has at `from`.
    fn moved(self, from: usize, to: usize) -> Self {
        let moved = |at: usize| at - from + to;
        Self { key: self.key, name: moved(self.name), at: moved(self.at), end: moved(self.end) }
    }
}

/// How many bytes are the same from the beginning on.
#[inline]
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut at = 0;
    for (one, other) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        let word = |bytes: &[u8]| bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let differs = word(one) ^ word(other);
        if differs != 0 {
            return at + differs.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + one[at..].iter().zip(&other[at..]).take_while(|(one, other)| one == other).count()
}
