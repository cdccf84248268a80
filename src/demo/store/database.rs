//! One numbered database: keys, deadlines, who watches a key and who waits for one.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use indexmap::IndexMap;

use super::{Data, Entry, Kind};
use crate::demo::client::ClientId;
use crate::demo::fault::{Fault, WRONG_TYPE};

/// Unix milliseconds, standing still while a command (or a whole EXEC) runs, as Redis's cached clock does.
#[derive(Clone, Default)]
pub(crate) struct Clock(Rc<Cell<i64>>);

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        self.0.get()
    }

    pub(crate) fn set(&self, unix_ms: i64) {
        self.0.set(unix_ms);
    }
}

/// One database.
#[derive(Default)]
pub(crate) struct Db {
    keys: IndexMap<Bytes, Entry>,
    /// Every deadline, soonest first.
    deadlines: BTreeSet<(i64, Bytes)>,
    clock: Clock,
    /// Clients that WATCH a key.
    pub(crate) watchers: HashMap<Bytes, Vec<ClientId>>,
    /// Clients whose watched key changed, for the dispatcher to mark.
    pub(crate) disturbed: Vec<ClientId>,
    /// Clients blocked on a key, in the order they came.
    pub(crate) waiting: HashMap<Bytes, VecDeque<ClientId>>,
    /// Keys with something new that somebody waits for.
    pub(crate) ready: VecDeque<Bytes>,
    /// The command that runs leaves no mark of use on what it reads: CLIENT NO-TOUCH.
    pub(crate) no_touch: bool,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired: u64,
}

impl Db {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, ..Self::default() }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Keys it holds, those past their deadline but not yet swept included, as DBSIZE counts them.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Keys with a deadline, and the mean time they have left in milliseconds.
    pub(crate) fn deadlines(&self) -> (usize, i64) {
        let total: i64 = self.deadlines.iter().map(|(at, _)| (at - self.now()).max(0)).sum();
        let count = self.deadlines.len();
        (count, total / i64::try_from(count.max(1)).unwrap_or(1))
    }

    fn drop_if_expired(&mut self, key: &[u8]) {
        if self.deadlines.is_empty() {
            return;
        }
        let now = self.clock.now();
        if self.keys.get(key).and_then(|entry| entry.expires).is_some_and(|at| at <= now) {
            self.remove(key);
            self.expired += 1;
        }
    }

    /// The entry, for a command that writes or only looks about.
    pub(crate) fn entry(&mut self, key: &[u8]) -> Option<&mut Entry> {
        self.drop_if_expired(key);
        self.keys.get_mut(key)
    }

    /// The entry, for a command that reads it: counts a hit or a miss, and that it was used.
    pub(crate) fn read(&mut self, key: &[u8]) -> Option<&Entry> {
        self.drop_if_expired(key);
        let now = self.clock.now();
        if let Some(entry) = self.keys.get_mut(key) {
            self.hits += 1;
            if !self.no_touch {
                entry.used = now;
            }
            Some(entry)
        } else {
            self.misses += 1;
            None
        }
    }

    pub(crate) fn exists(&mut self, key: &[u8]) -> bool {
        self.entry(key).is_some()
    }

    /// The value of a key that must be a `K` or missing, for reading.
    pub(crate) fn get<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&K>, Fault> {
        self.read(key).map(|entry| K::of(&entry.data).ok_or(WRONG_TYPE)).transpose()
    }

    /// The value of a key that must be a `K` or missing, for changing. The caller says [`Db::changed`] after it.
    pub(crate) fn get_mut<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut K>, Fault> {
        let now = self.now();
        let no_touch = self.no_touch;
        self.entry(key)
            .map(|entry| {
                if !no_touch {
                    entry.used = now;
                }
                K::of_mut(&mut entry.data).ok_or(WRONG_TYPE)
            })
            .transpose()
    }

    /// As [`Db::get_mut`], making an empty one where the key is missing.
    pub(crate) fn get_or_create<K: Kind>(&mut self, key: &Bytes) -> Result<&mut K, Fault> {
        self.drop_if_expired(key);
        let now = self.now();
        let fresh = || Entry { data: K::empty(), expires: None, used: now };
        let entry = self.keys.entry(key.clone()).or_insert_with(fresh);
        entry.used = now;
        K::of_mut(&mut entry.data).ok_or(WRONG_TYPE)
    }

    /// Sets a key whatever it held, with a deadline or none.
    pub(crate) fn put(&mut self, key: &Bytes, data: Data, expires: Option<i64>) {
        let entry = Entry { data, expires, used: self.now() };
        self.put_entry(key, entry);
    }

    pub(crate) fn put_entry(&mut self, key: &Bytes, entry: Entry) {
        if let Some(at) = entry.expires {
            self.deadlines.insert((at, key.clone()));
        }
        let expires = entry.expires;
        let old = self.keys.insert(key.clone(), entry);
        if let Some(at) = old.and_then(|old| old.expires)
            && Some(at) != expires
        {
            self.deadlines.remove(&(at, key.clone()));
        }
        self.changed(key);
    }

    /// Replaces a key's value and keeps its deadline.
    pub(crate) fn replace(&mut self, key: &Bytes, data: Data) {
        let expires = self.entry(key).and_then(|entry| entry.expires);
        self.put(key, data, expires);
    }

    /// Gives a key that exists another deadline, or none.
    pub(crate) fn set_expiry(&mut self, key: &Bytes, expires: Option<i64>) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        let old = std::mem::replace(&mut entry.expires, expires);
        if let Some(at) = old {
            self.deadlines.remove(&(at, key.clone()));
        }
        if let Some(at) = expires {
            self.deadlines.insert((at, key.clone()));
        }
        self.changed(key);
    }

    /// Removes a key and gives what it held, a deadline that has passed or not.
    fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let (key, entry) = self.keys.swap_remove_entry(key)?;
        if let Some(at) = entry.expires {
            self.deadlines.remove(&(at, key.clone()));
        }
        self.disturb(&key);
        Some(entry)
    }

    /// Removes a key that is there for commands to see.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<Entry> {
        self.drop_if_expired(key);
        self.remove(key)
    }

    /// To be said after every change to a key's value: an empty collection goes, watchers hear of it, and whoever waits
    /// for the key is served after the command.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        match self.keys.get(key) {
            Some(entry) if entry.data.is_empty() => {
                self.remove(key);
                return;
            }
            Some(entry) if !self.waiting.is_empty() => {
                let serves = matches!(entry.data, Data::List(_) | Data::Sorted(_));
                if serves && let Some((key, _)) = self.waiting.get_key_value(key) {
                    self.ready.push_back(key.clone());
                }
            }
            _ => {}
        }
        self.disturb(key);
    }

    fn disturb(&mut self, key: &[u8]) {
        if !self.watchers.is_empty()
            && let Some(clients) = self.watchers.get(key)
        {
            self.disturbed.extend_from_slice(clients);
        }
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        let watched: Vec<Bytes> =
            self.watchers.keys().filter(|key| self.keys.contains_key(*key)).cloned().collect();
        self.keys = IndexMap::new();
        self.deadlines.clear();
        for key in watched {
            self.disturb(&key);
        }
    }

    /// Trades data with `other`; watchers and waiters stay where they are, as with SWAPDB.
    pub(crate) fn swap_data(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.keys, &mut other.keys);
        std::mem::swap(&mut self.deadlines, &mut other.deadlines);
        self.after_swap(other);
        other.after_swap(self);
    }

    /// A watched key that is in either half of a swap may have changed; a key somebody waits for may have come.
    fn after_swap(&mut self, other: &Self) {
        let watched: Vec<Bytes> = self
            .watchers
            .keys()
            .filter(|key| self.keys.contains_key(*key) || other.keys.contains_key(*key))
            .cloned()
            .collect();
        for key in watched {
            self.disturb(&key);
        }
        self.ready.extend(self.waiting.keys().filter(|key| self.keys.contains_key(*key)).cloned());
    }

    /// Removes up to `most` keys whose deadline has passed.
    pub(crate) fn sweep(&mut self, most: usize) {
        for _ in 0..most {
            let Some((at, key)) = self.deadlines.first().cloned() else { return };
            if at > self.now() {
                return;
            }
            self.remove(&key);
            self.expired += 1;
        }
    }

    /// Every key that is not past its deadline.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&Bytes, &Entry)> {
        let now = self.now();
        self.keys.iter().filter(move |(_, entry)| entry.expires.is_none_or(|at| at > now))
    }

    /// The key at `index`, of [`Db::len`].
    pub(crate) fn at(&self, index: usize) -> Option<(&Bytes, &Entry)> {
        self.keys.get_index(index)
    }
}
