//! A set, in the order Redis gives small ones: numbers ascending while all are numbers, else as they came.

use bytes::Bytes;
use indexmap::IndexSet;

use super::SMALL;
use crate::demo::number::parse_i64;

/// The most numbers Redis keeps in order.
const NUMBERS: usize = 512;

/// The members of a set.
#[derive(Clone, Default)]
pub(crate) struct SetData {
    members: IndexSet<Bytes>,
    /// A member came that is no number, or too many numbers.
    mixed: bool,
}

impl SetData {
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        self.members.contains(member)
    }

    /// Adds a member; `false` when it was there.
    pub(crate) fn insert(&mut self, member: Bytes) -> bool {
        if self.mixed {
            return self.members.insert(member);
        }
        let Some(number) = parse_i64(&member) else {
            self.mixed = true;
            return self.members.insert(member);
        };
        let place = self.members.binary_search_by_key(&Some(number), |other| parse_i64(other));
        let Err(place) = place else { return false };
        self.members.shift_insert(place, member);
        self.mixed = self.members.len() > NUMBERS;
        true
    }

    /// Removes a member; `false` when it was not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        if !self.mixed || self.members.len() <= SMALL {
            self.members.shift_remove(member)
        } else {
            self.members.swap_remove(member)
        }
    }

    /// Removes the member at `index`.
    pub(crate) fn remove_at(&mut self, index: usize) -> Option<Bytes> {
        if self.mixed {
            self.members.swap_remove_index(index)
        } else {
            self.members.shift_remove_index(index)
        }
    }

    pub(crate) fn at(&self, index: usize) -> Option<&Bytes> {
        self.members.get_index(index)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        self.members.iter()
    }

    /// The name OBJECT ENCODING gives in Redis 7.2 for such a set.
    pub(crate) fn encoding(&self) -> &'static str {
        if !self.mixed {
            "intset"
        } else if self.len() <= SMALL && self.iter().all(|member| member.len() <= 64) {
            "listpack"
        } else {
            "hashtable"
        }
    }
}
