//! CLIENT LIST, read and compared with the answer before it.
//!
//! Most lines of a list are those of the last one with another age and idle time. The last answer is therefore kept as
//! it came: a line that says the same is found so by comparing bytes, and only what differs is taken apart.

mod fields;
mod line;
mod pattern;
mod texts;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use memchr::{memchr, memchr_iter};

use self::line::{Times, parse, same_but_times};
use self::pattern::Pattern;
use self::texts::Texts;
use crate::event::{CLIENTS, Client};

/// The most that a text of a client is kept of, in bytes.
pub const FIELD: usize = 512;

/// What a list says beside the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Clients that the last one did not have.
    pub opened: Vec<Arc<Client>>,
    /// Clients of which anything but age and idle time is another, or that did something since.
    pub changed: Vec<Arc<Client>>,
    /// Ids that the last one had, in their order.
    pub closed: Vec<u64>,
    /// Clients in the list.
    pub clients: u64,
    /// Lines that could not be understood.
    pub bad: u64,
    /// Lines of more than [`CLIENTS`].
    pub left_out: u64,
}

/// The last answer, to compare the next one with.
#[derive(Debug, Default)]
pub struct ClientList {
    raw: Bytes,
    /// In the order of their ids.
    rows: Vec<Row>,
    memory: Memory,
}

/// What lines have in common.
#[derive(Debug, Default)]
struct Memory {
    texts: Texts,
    pattern: Option<Pattern>,
}

/// A client of the last answer.
#[derive(Debug)]
struct Row {
    id: u64,
    line: Range<usize>,
    times: Times,
    /// The next answer had it too.
    stays: bool,
}

impl ClientList {
    /// Takes an answer and says what is new in it.
    pub fn compare(&mut self, raw: Bytes) -> Compared {
        let mut said = Compared::default();
        let most = memchr_iter(b'\n', &raw).count().min(CLIENTS) + 1;
        let mut rows: Vec<Row> = Vec::with_capacity(most);
        // What grows while it is filled is moved again and again.
        said.opened.reserve(most.saturating_sub(self.rows.len()));
        // Where the lists have the same clients in the same order, the next line's row is the next row.
        let mut next = 0;
        let mut order = Order::default();
        for range in lines(&raw) {
            let text = &raw[range.clone()];
            let Some(id) = line::id(text) else {
                said.bad += 1;
                continue;
            };
            if rows.len() >= CLIENTS {
                said.left_out += 1;
                continue;
            }
            if !order.is_new(id, &rows) {
                said.bad += 1;
                continue;
            }
            let at = self.find(id, next);
            let known = at.and_then(|at| self.rows.get_mut(at));
            next = at.map_or(next, |at| at + 1);
            let Some(old) = known else {
                let (client, times) = parse(text, id, &mut self.memory);
                said.opened.push(client);
                rows.push(Row { id, line: range, times, stays: false });
                continue;
            };
            old.stays = true;
            let times = same_but_times(&self.raw[old.line.clone()], &old.times, text);
            let times = if let Some(times) = times.filter(|times| times.did_nothing_since(&old.times)) {
                times
            } else {
                let (client, times) = parse(text, id, &mut self.memory);
                said.changed.push(client);
                times
            };
            rows.push(Row { id, line: range, times, stays: false });
        }
        said.closed = self.rows.iter().filter(|row| !row.stays).map(|row| row.id).collect();
        said.clients = rows.len() as u64;
        if !order.is_ascending() {
            rows.sort_unstable_by_key(|row| row.id);
        }
        (self.raw, self.rows) = (raw, rows);
        self.memory.texts.tidy(self.rows.len());
        said
    }

    /// Forgets the last answer: everything in the next one is new.
    pub fn forget(&mut self) {
        (self.raw, self.rows) = (Bytes::new(), Vec::new());
    }

    /// The greatest id there is.
    pub fn last_id(&self) -> Option<u64> {
        self.rows.last().map(|row| row.id)
    }

    /// Whether the last answer had a client.
    pub fn has(&self, id: u64) -> bool {
        self.find(id, 0).is_some()
    }

    /// Where the row of a client is, which is probably there.
    fn find(&self, id: u64, probably: usize) -> Option<usize> {
        if self.rows.get(probably).is_some_and(|row| row.id == id) {
            return Some(probably);
        }
        self.rows.binary_search_by_key(&id, |row| row.id).ok()
    }
}

/// Servers list their clients from the oldest on, and a list in that order has none twice. Only of another one must it
/// be known which ids it had.
#[derive(Default)]
struct Order {
    last: Option<u64>,
    seen: Option<HashSet<u64>>,
}

impl Order {
    fn is_new(&mut self, id: u64, rows: &[Row]) -> bool {
        if self.seen.is_none() && self.last.is_none_or(|last| last < id) {
            self.last = Some(id);
            return true;
        }
        self.seen.get_or_insert_with(|| rows.iter().map(|row| row.id).collect()).insert(id)
    }

    fn is_ascending(&self) -> bool {
        self.seen.is_none()
    }
}

/// Where the lines are that have anything in them.
fn lines(raw: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        while from < raw.len() {
            let end = memchr(b'\n', &raw[from..]).map_or(raw.len(), |length| from + length);
            let line = from..end - usize::from(end > from && raw[end - 1] == b'\r');
            from = end + 1;
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests;
