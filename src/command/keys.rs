//! The keys that earlier lines named: what completion offers where a key is wanted.

use std::collections::VecDeque;

use super::matching::{Matched, Role};
use super::registry::Registry;
use super::spec::{ArgKind, Table};

/// Keys seen, the latest first; bounded, so that a long session or a huge key costs nothing.
#[derive(Clone, Debug, Default)]
pub struct KeysSeen {
    keys: VecDeque<Box<[u8]>>,
}

impl KeysSeen {
    /// How many are remembered.
    pub const MAX: usize = 512;
    /// Longer keys are not remembered: nobody completes them.
    pub const MAX_LEN: usize = 256;

    /// Remembers one.
    pub fn remember(&mut self, key: &[u8]) {
        if key.is_empty() || key.len() > Self::MAX_LEN {
            return;
        }
        let known = self.keys.iter().position(|k| **k == *key).and_then(|at| self.keys.remove(at));
        self.keys.push_front(known.unwrap_or_else(|| key.into()));
        self.keys.truncate(Self::MAX);
    }

    /// Remembers the keys that a command names.
    pub fn remember_from<A: AsRef<[u8]>>(&mut self, registry: &Registry, args: &[A]) {
        let words: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        // The first key is the one to be offered first.
        for key in keys(&registry.table(), &words).into_iter().rev() {
            self.remember(key);
        }
    }

    /// The keys, the latest first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(|key| &**key)
    }
}

/// The keys among a command's words, at most [`KeysSeen::MAX`].
fn keys<'w>(table: &Table, words: &[&'w [u8]]) -> Vec<&'w [u8]> {
    let words = &words[..words.len().min(KeysSeen::MAX)];
    let Some(spec) = table.find(words) else { return Vec::new() };
    let rest = &words[spec.words().min(words.len())..];
    let matched = Matched::new(&spec.arguments, rest);
    let is_key = |role: &Role| *role == Role::Value(ArgKind::Key);
    rest.iter().zip(&matched.roles).filter(|(_, role)| is_key(role)).map(|(word, _)| *word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &[&str]) -> Vec<String> {
        let registry = Registry::new();
        let mut keys = KeysSeen::default();
        for line in lines {
            keys.remember_from(&registry, &line.split(' ').collect::<Vec<_>>());
        }
        keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
    }

    #[test]
    fn keys_are_told_from_other_arguments() {
        assert_eq!(seen(&["set a 1 EX 5"]), ["a"]);
        assert_eq!(seen(&["mget a b c"]), ["a", "b", "c"]);
        assert_eq!(seen(&["zunionstore out 2 x y WEIGHTS 1 2"]), ["out", "x", "y"]);
        assert_eq!(seen(&["config get a", "publish channel b", "unheard of", ""]), [""; 0]);
        assert_eq!(seen(&["xread count 1 streams s 0"]), ["s", "0"]);
    }

    #[test]
    fn the_latest_come_first_and_once_and_their_number_is_bounded() {
        assert_eq!(seen(&["get a", "get b", "get a"]), ["a", "b"]);
        let mut keys = KeysSeen::default();
        for n in 0..KeysSeen::MAX + 5 {
            keys.remember(n.to_string().as_bytes());
        }
        keys.remember(&[b'x'; KeysSeen::MAX_LEN + 1]);
        assert_eq!(keys.iter().count(), KeysSeen::MAX);
        assert_eq!(keys.iter().next().unwrap(), (KeysSeen::MAX + 4).to_string().as_bytes());
    }
}
