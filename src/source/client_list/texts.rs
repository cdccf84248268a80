//! Texts that many clients share: each is kept once.

use std::collections::HashSet;
use std::sync::Arc;

use compact_str::CompactString;

use super::FIELD;

/// Where a text stands in a line: neighbours often have the same there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Laddr,
    Name,
    Flags,
    Command,
    User,
    LibName,
    LibVersion,
    More,
}

const COLUMNS: usize = 8;

const SLOTS: usize = 32;

/// So many texts are kept even if nobody uses them any more.
const KEPT: usize = 4096;

#[derive(Debug)]
pub(super) struct Texts {
    /// Those seen last in each column, by [`slot`]: to find one there costs less than its hash.
    last: [[Arc<str>; SLOTS]; COLUMNS],
    all: HashSet<Arc<str>>,
}

impl Default for Texts {
    fn default() -> Self {
        let empty: Arc<str> = Arc::default();
        let last = std::array::from_fn(|_| std::array::from_fn(|_| empty.clone()));
        Self { last, all: HashSet::new() }
    }
}

impl Texts {
    /// The text of these bytes, cut to [`FIELD`].
    pub(super) fn get(&mut self, column: Column, bytes: &[u8]) -> Arc<str> {
        let last = &mut self.last[column as usize][slot(bytes)];
        if last.as_bytes() != bytes {
            *last = match std::str::from_utf8(bytes) {
                Ok(text) if text.len() <= FIELD => keep(&mut self.all, text),
                _ => keep(&mut self.all, &readable(bytes)),
            };
        }
        last.clone()
    }

    /// Lets go of what nobody has any more, once that may be much.
    pub(super) fn tidy(&mut self, clients: usize) {
        if self.all.len() > KEPT.max(2 * clients) {
            self.all.retain(|text| Arc::strong_count(text) > 1);
        }
    }
}

/// Names of one kind differ at their ends: `web-1`, `web-2`.
#[inline]
fn slot(bytes: &[u8]) -> usize {
    match bytes {
        [] => 0,
        [only] => usize::from(*only) % SLOTS,
        [.., before, last] => (usize::from(*before) * 11 + usize::from(*last)) % SLOTS,
    }
}

fn keep(all: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = all.get(text) {
        return known.clone();
    }
    let new: Arc<str> = text.into();
    all.insert(new.clone());
    new
}

/// The text of bytes that nobody else has.
pub(super) fn text_of(bytes: &[u8]) -> CompactString {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= FIELD => text.into(),
        _ => readable(bytes).into(),
    }
}

/// Bytes as text: what is no UTF-8 is replaced, and what is too much is cut.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(FIELD)]).into_owned();
    let mut end = text.len().min(FIELD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
