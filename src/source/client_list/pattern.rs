//! A line that others are read by. Lines of one server have the same fields, and most of these the same values: only
//! what differs from the pattern is looked at closely.

use std::sync::Arc;

use super::fields::{Field, Fields, Key, blank};
use super::line::{more_of, set, subscribed, unnamed};
use super::texts::Texts;
use crate::event::Client;

/// A line of more bytes or fields is nobody's pattern. No server has lines of half of either.
const LINE: usize = 4096;
const FIELDS: usize = 64;

#[derive(Debug)]
pub(super) struct Pattern {
    line: Vec<u8>,
    fields: Vec<Field>,
    /// Which field each byte of the line is of; blanks are of the one before them, as is the end.
    field_of: Vec<u8>,
    /// Which field is the age.
    age: Option<usize>,
    client: Client,
    /// The line that is being read, and where the digits of its age begin.
    runs: Vec<Run>,
    age_at: Option<usize>,
    /// The values of its fields without a name of ours, one after another.
    more: Vec<u8>,
}

/// Fields that a line has one after another as the pattern has them, up to one whose value is another.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first of them.
    field: usize,
    /// Where that begins in the line.
    at: usize,
}

impl Pattern {
    /// Learns a line that is like none before, of which `client` was read; `None` of one that no other is to be read by.
    pub(super) fn learn(line: &[u8], client: &Client) -> Option<Self> {
        if line.len() > LINE {
            return None;
        }
        let fields: Vec<Field> = Fields::of(line).take(FIELDS + 1).collect();
        // A later field that overrides an earlier one would be taken for what it is not where only the earlier differs.
        if fields.len() > FIELDS
            || fields.iter().enumerate().any(|(at, field)| overrides(field, &fields[..at]))
        {
            return None;
        }
        let mut field_of = Vec::with_capacity(line.len() + 1);
        for (at, field) in (0..).zip(&fields) {
            field_of.resize(field.end + 1, at);
        }
        Some(Self {
            line: line.to_vec(),
            field_of,
            age: fields.iter().position(|field| field.key == Key::Age),
            fields,
            client: client.clone(),
            runs: Vec::new(),
            age_at: None,
            more: Vec::new(),
        })
    }

    /// Reads a line by this one, if it has the same fields. Gives its client, and where the digits of its age begin.
    pub(super) fn read(
        &mut self,
        line: &[u8],
        id: u64,
        texts: &mut Texts,
    ) -> Option<(Arc<Client>, Option<usize>)> {
        // Made where it stays: it is large to move.
        let mut client = Arc::new(self.client.clone());
        self.read_into(Arc::get_mut(&mut client)?, line, id, texts)?;
        Some((client, self.age_at))
    }

    fn read_into(&mut self, client: &mut Client, line: &[u8], id: u64, texts: &mut Texts) -> Option<()> {
        client.id = id;
        let (mut more, mut subscriptions) = (false, false);
        self.age_at = None;
        self.runs.clear();
        let mut run = Run { field: 0, at: 0 };
        while let Some(begins) = self.fields.get(run.field) {
            self.runs.push(run);
            let from = begins.name;
            let same_until = from + common(&self.line[from..], line.get(run.at..)?);
            let at = usize::from(self.field_of[same_until]);
            if let Some(age) = self.age.filter(|age| (run.field..=at).contains(age)) {
                self.age_at = Some(self.fields[age].at - from + run.at);
            }
            let differs = self.fields[at];
            if differs.at > same_until {
                return None;
            }
            let begin = differs.at - from + run.at;
            let end = blank(line, begin);
            match differs.key {
                Key::More => more = true,
                Key::Subscriptions => subscriptions = true,
                key => set(client, key, &line[begin..end], texts),
            }
            run = Run { field: at + 1, at: end + 1 };
        }
        if run.at <= line.len() {
            return None;
        }
        self.runs.push(run);
        if subscriptions {
            client.subscriptions = subscribed(self.places(), line);
        }
        if more {
            let mut words = std::mem::take(&mut self.more);
            unnamed(self.places(), line, &mut words);
            client.more = more_of(&words, texts);
            self.more = words;
        }
        Some(())
    }

    /// The fields of the line that is being read.
    fn places(&self) -> impl Iterator<Item = Field> {
        self.runs.windows(2).flat_map(|runs| {
            let [run, next] = [runs[0], runs[1]];
            let fields = &self.fields[run.field..next.field];
            let from = fields.first().map_or(0, |first| first.name);
            let moved = move |at: usize| at - from + run.at;
            fields.iter().enumerate().map(move |(at, field)| {
                let last = at + 1 == fields.len();
                let end = if last { next.at - 1 } else { moved(field.end) };
                Field { key: field.key, name: moved(field.name), at: moved(field.at), end }
            })
        })
    }
}

/// Whether a field says again, and perhaps otherwise, what one before has said.
fn overrides(field: &Field, before: &[Field]) -> bool {
    let counts = !matches!(field.key, Key::Id | Key::Subscriptions | Key::More);
    counts && before.iter().any(|other| other.key == field.key)
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
