//! The data: numbered databases of keys with deadlines. Nobody but the server's one thread touches it.

mod database;
mod set;
mod sorted;

pub(crate) use database::{Clock, Db};
pub(crate) use set::SetData;
pub(crate) use sorted::{Edge, LexEdge, SortedSet};

use std::collections::VecDeque;

use bytes::Bytes;
use indexmap::IndexMap;

/// A list.
pub(crate) type List = VecDeque<Bytes>;

/// A hash. Fields keep the order they were set in, as Redis keeps it in small ones.
pub(crate) type Hash = IndexMap<Bytes, Bytes>;

/// Collections up to this size keep their order when something is removed, and a SCAN gives them whole.
pub(crate) const SMALL: usize = 128;

/// What a key holds.
#[derive(Clone)]
pub(crate) enum Data {
    String(Bytes),
    List(List),
    Hash(Hash),
    Set(SetData),
    Sorted(Box<SortedSet>),
}

/// A key's value and what is known about it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) data: Data,
    /// When it goes away, in Unix milliseconds.
    pub(crate) expires: Option<i64>,
    /// When it was last asked for, in Unix milliseconds.
    pub(crate) used: i64,
}

impl Data {
    /// The name TYPE gives.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Hash(_) => "hash",
            Self::Set(_) => "set",
            Self::Sorted(_) => "zset",
        }
    }

    /// A collection with nothing in it does not exist; an empty string does.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::String(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
            Self::Set(set) => set.len() == 0,
            Self::Sorted(sorted) => sorted.len() == 0,
        }
    }

    /// Bytes it takes, near enough: what it holds and a fixed cost for each element.
    pub(crate) fn size(&self) -> usize {
        let each = |bytes: &Bytes| bytes.len() + size_of::<Bytes>() + 16;
        match self {
            Self::String(bytes) => bytes.len() + size_of::<Bytes>(),
            Self::List(list) => list.iter().map(each).sum(),
            Self::Hash(hash) => hash.iter().map(|(field, value)| each(field) + each(value)).sum(),
            Self::Set(set) => set.iter().map(each).sum(),
            // Each member is in the map and in the order, with its score.
            Self::Sorted(sorted) => sorted.iter().map(|(_, member)| each(member) + 64).sum(),
        }
    }
}

/// A Rust type that is one of the kinds of value, so that lookups can ask for it.
pub(crate) trait Kind: Sized {
    fn of(data: &Data) -> Option<&Self>;
    fn of_mut(data: &mut Data) -> Option<&mut Self>;
    /// One with nothing in it.
    fn empty() -> Data;
}

macro_rules! kind {
    ($type:ty, $variant:ident, $new:expr) => {
        impl Kind for $type {
            fn of(data: &Data) -> Option<&Self> {
                if let Data::$variant(value) = data { Some(value) } else { None }
            }
            fn of_mut(data: &mut Data) -> Option<&mut Self> {
                if let Data::$variant(value) = data { Some(value) } else { None }
            }
            fn empty() -> Data {
                Data::$variant($new)
            }
        }
    };
}

kind!(Bytes, String, Bytes::new());
kind!(List, List, List::new());
kind!(Hash, Hash, Hash::new());
kind!(SetData, Set, SetData::default());
kind!(SortedSet, Sorted, Box::default());

/// Removes a field; a small hash keeps its order, a large one fills the hole with its last.
pub(crate) fn hash_remove(hash: &mut Hash, field: &[u8]) -> Option<Bytes> {
    if hash.len() <= SMALL { hash.shift_remove(field) } else { hash.swap_remove(field) }
}
