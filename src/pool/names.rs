//! Command names as small numbers. Only names are kept, never arguments, and only so many.

#![allow(unreachable_pub, reason = "public only where the model checker of tests/pool_shuttle.rs reaches in")]

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

/// The most distinct names; what comes later counts as [`OTHER`].
const NAMES: usize = 512;

/// The longest name that is kept: Redis's own are shorter, and what is longer is no command.
const NAME_BYTES: usize = 32;

/// The name of all commands that are too many or too odd to name, as the model has it too. Lower case, so that it is no
/// command's name.
const OTHER: &str = "other";

/// The number of a command's name in one pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameId(pub u16);

/// All names of one pool.
#[derive(Debug)]
pub(crate) struct Names(RwLock<Table>);

#[derive(Debug)]
struct Table {
    ids: HashMap<Arc<str>, NameId>,
    names: Vec<Arc<str>>,
}

impl Default for Names {
    fn default() -> Self {
        let other: Arc<str> = OTHER.into();
        Self(RwLock::new(Table { ids: HashMap::from([(other.clone(), NameId(0))]), names: vec![other] }))
    }
}

impl Names {
    /// The number of a command's name, as it was typed.
    pub(crate) fn id(&self, command: &[u8]) -> NameId {
        let Some(name) = normal(command) else { return NameId(0) };
        if let Some(id) = self.0.read().ids.get(name.as_str()) {
            return *id;
        }
        self.0.write().add(&name)
    }

    /// The name of a number.
    pub(crate) fn name(&self, id: NameId) -> Option<Arc<str>> {
        self.0.read().names.get(usize::from(id.0)).cloned()
    }
}

impl Table {
    fn add(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let Ok(next) = u16::try_from(self.names.len()) else { return NameId(0) };
        if self.names.len() >= NAMES {
            return NameId(0);
        }
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.ids.insert(name, NameId(next));
        NameId(next)
    }
}

/// The upper-case name, or `None` for what cannot be one. A password typed as a command, or glued to one, is in what
/// every reader sees unless it looks different: no command of Redis has a digit in its name, and `AUTH` is whole.
fn normal(command: &[u8]) -> Option<String> {
    let plain = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_' | b'-' | b'|');
    let fits = (1..=NAME_BYTES).contains(&command.len())
        && command.iter().all(plain)
        && command.first().is_some_and(u8::is_ascii_alphabetic);
    let name: String = fits.then(|| command.iter().map(|b| char::from(b.to_ascii_uppercase())).collect())?;
    (name == "AUTH" || !["AUTH", "PASS"].iter().any(|part| name.contains(part))).then_some(name)
}

/// The last few names one connection has seen, so that a lookup is one comparison.
#[derive(Debug, Default)]
pub(crate) struct Recent([Option<(Box<[u8]>, NameId)>; Recent::PLACES]);

impl Recent {
    const PLACES: usize = 8;

    /// The number of a name, asking `names` only for one not seen lately.
    #[inline]
    pub(crate) fn id(&mut self, command: &[u8], names: &Names) -> NameId {
        let first = command.first().copied().unwrap_or_default();
        let place = usize::from(first).wrapping_add(command.len()) % Self::PLACES;
        if let Some(Some((seen, id))) = self.0.get(place)
            && **seen == *command
        {
            return *id;
        }
        let id = names.id(command);
        if command.len() <= NAME_BYTES
            && let Some(free) = self.0.get_mut(place)
        {
            *free = Some((command.into(), id));
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_whatever_their_case() {
        let names = Names::default();
        assert_eq!(names.id(b"get"), names.id(b"GET"));
        assert_eq!(names.name(names.id(b"Get")).as_deref(), Some("GET"));
        assert_ne!(names.id(b"get"), names.id(b"set"));
    }

    #[test]
    fn what_is_no_name_and_what_is_one_too_many_is_other() {
        let names = Names::default();
        for odd in [
            &b""[..],
            b"\x1b[2J",
            b"a b",
            "é".as_bytes(),
            &[b'a'; 33],
            b"hunter2",
            b"AUTHhunter",
            b"-ahunter",
        ] {
            assert_eq!(names.name(names.id(odd)).as_deref(), Some("other"), "{odd:?}");
        }
        for length in 1..=NAME_BYTES {
            for letter in b'A'..=b'Z' {
                names.id(&vec![letter; length]);
            }
        }
        assert_eq!(names.name(names.id(b"B")).as_deref(), Some("B"));
        assert_eq!(names.name(names.id(&[b'B'; NAME_BYTES])).as_deref(), Some("other"));
        assert_eq!(names.name(names.id(b"AUTH")).as_deref(), Some("other"));
    }

    #[test]
    fn recent_names_agree_with_the_table() {
        let (names, mut recent) = (Names::default(), Recent::default());
        for _ in 0..3 {
            for command in [&b"GET"[..], b"SET", b"get", b"HGETALL", b"", b"GET"] {
                assert_eq!(recent.id(command, &names), names.id(command));
            }
        }
    }
}
