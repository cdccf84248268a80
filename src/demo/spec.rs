//! The command table: what each command is called, takes and touches, and the function that runs it. Dispatch, COMMAND,
//! and INFO's commandstats all read this one table.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;
use smallvec::SmallVec;

use super::commands;
use super::dispatch::Call;
use super::fault::Done;
use super::number::parse_i64;

/// Runs one command: writes its reply, or gives the error to write.
pub(crate) type Handler = fn(&mut Call<'_>) -> Done;

/// Declares bits with the names COMMAND and ACL give them.
macro_rules! bits {
    ($table:ident: $($name:ident = $bit:literal, $text:literal;)*) => {
        $(pub(crate) const $name: u32 = 1 << $bit;)*
        /// Each bit and its name.
        pub(crate) const $table: &[(u32, &str)] = &[$(($name, $text)),*];
    };
}

bits! { FLAGS:
    WRITE = 0, "write";
    READONLY = 1, "readonly";
    DENYOOM = 2, "denyoom";
    ADMIN = 3, "admin";
    PUBSUB = 4, "pubsub";
    NOSCRIPT = 5, "noscript";
    BLOCKING = 6, "blocking";
    LOADING = 7, "loading";
    STALE = 8, "stale";
    SKIP_SLOWLOG = 9, "skip_slowlog";
    FAST = 10, "fast";
    NO_AUTH = 11, "no_auth";
    MOVABLEKEYS = 12, "movablekeys";
    ALLOW_BUSY = 13, "allow_busy";
}

bits! { CATEGORIES:
    C_KEYSPACE = 0, "@keyspace";
    C_READ = 1, "@read";
    C_WRITE = 2, "@write";
    C_SET = 3, "@set";
    C_SORTEDSET = 4, "@sortedset";
    C_LIST = 5, "@list";
    C_HASH = 6, "@hash";
    C_STRING = 7, "@string";
    C_BITMAP = 8, "@bitmap";
    C_PUBSUB = 9, "@pubsub";
    C_ADMIN = 10, "@admin";
    C_FAST = 11, "@fast";
    C_SLOW = 12, "@slow";
    C_BLOCKING = 13, "@blocking";
    C_DANGEROUS = 14, "@dangerous";
    C_CONNECTION = 15, "@connection";
    C_TRANSACTION = 16, "@transaction";
}

/// Where a command's keys are among its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    /// The first key, the last (negative: from the end) and the step between two; all 0 without keys.
    pub(crate) first: i32,
    pub(crate) last: i32,
    pub(crate) step: i32,
    /// The argument that says how many more keys follow it; 0 where none does.
    pub(crate) counted_at: usize,
}

pub(crate) const NO_KEYS: Keys = keys(0, 0, 0);

pub(crate) const fn keys(first: i32, last: i32, step: i32) -> Keys {
    counted(first, last, step, 0)
}

pub(crate) const fn counted(first: i32, last: i32, step: i32, counted_at: usize) -> Keys {
    Keys { first, last, step, counted_at }
}

/// One command, or one subcommand under the name `command|subcommand`.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// Arguments with the name; negative: at least so many.
    pub(crate) arity: i32,
    pub(crate) flags: u32,
    pub(crate) keys: Keys,
    categories: u32,
    /// `None` for a command that is only the name before its subcommands.
    pub(crate) run: Option<Handler>,
    pub(crate) children: &'static [Spec],
}

impl Spec {
    pub(crate) const fn new(
        name: &'static str,
        arity: i32,
        flags: u32,
        keys: Keys,
        categories: u32,
        run: Handler,
    ) -> Self {
        Self { name, arity, flags, keys, categories, run: Some(run), children: &[] }
    }

    pub(crate) const fn parent(
        name: &'static str,
        arity: i32,
        flags: u32,
        categories: u32,
        run: Option<Handler>,
        children: &'static [Spec],
    ) -> Self {
        Self { name, arity, flags, keys: NO_KEYS, categories, run, children }
    }

    pub(crate) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Its categories, those that follow from its flags included.
    pub(crate) fn categories(&self) -> u32 {
        let follows = [
            (WRITE, C_WRITE),
            (READONLY, C_READ),
            (ADMIN, C_ADMIN | C_DANGEROUS),
            (PUBSUB, C_PUBSUB),
            (FAST, C_FAST),
            (BLOCKING, C_BLOCKING),
        ];
        let slow = if self.has(FAST) { 0 } else { C_SLOW };
        follows
            .iter()
            .filter(|(flag, _)| self.has(*flag))
            .fold(self.categories | slow, |all, (_, one)| all | one)
    }

    pub(crate) fn accepts(&self, arguments: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { arguments >= wanted } else { arguments == wanted }
    }

    /// The keys among `arguments`; `None` when they do not add up.
    pub(crate) fn keys_of<'a>(&self, arguments: &'a [Bytes]) -> Option<Vec<&'a Bytes>> {
        let Keys { first, last, step, counted_at } = self.keys;
        let mut found = Vec::new();
        if first > 0 {
            let count = i32::try_from(arguments.len()).ok()?;
            let last = if last < 0 { count + last } else { last };
            let mut at = first;
            while at <= last {
                found.push(arguments.get(usize::try_from(at).ok()?)?);
                at += step;
            }
        }
        if counted_at > 0 {
            let count = usize::try_from(parse_i64(arguments.get(counted_at)?)?).ok()?;
            found.extend(arguments.get(counted_at + 1..)?.get(..count)?);
        }
        Some(found)
    }
}

/// A command found by its name, and its place in the statistics.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) spec: &'static Spec,
    pub(crate) index: usize,
}

/// What a name turned out to be.
pub(crate) enum Lookup {
    Command(Found),
    /// The command is known, its subcommand is not.
    NoSubcommand(&'static Spec),
    Unknown,
}

/// Every command by name.
pub(crate) struct Registry {
    /// Commands and subcommands, in the order statistics are kept in.
    pub(crate) specs: Vec<&'static Spec>,
    by_name: HashMap<&'static [u8], Found>,
    /// How many are no subcommands.
    pub(crate) top_level: usize,
}

/// The one table.
pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::build);

impl Registry {
    fn build() -> Self {
        let mut registry = Self { specs: Vec::new(), by_name: HashMap::new(), top_level: 0 };
        for family in commands::FAMILIES {
            for spec in *family {
                registry.add(spec);
                registry.top_level += 1;
                spec.children.iter().for_each(|child| registry.add(child));
            }
        }
        registry
    }

    fn add(&mut self, spec: &'static Spec) {
        self.by_name.insert(spec.name.as_bytes(), Found { spec, index: self.specs.len() });
        self.specs.push(spec);
    }

    /// Finds a command by its full name, `config|get` for a subcommand, in any case.
    pub(crate) fn by_name(&self, name: &[u8]) -> Option<Found> {
        let lower: SmallVec<[u8; 32]> = name.iter().map(u8::to_ascii_lowercase).collect();
        self.by_name.get(lower.as_slice()).copied()
    }

    /// Finds what `arguments` call.
    pub(crate) fn find(&self, arguments: &[Bytes]) -> Lookup {
        let Some(name) = arguments.first().filter(|name| !name.contains(&b'|')) else {
            return Lookup::Unknown;
        };
        let Some(found) = self.by_name(name) else { return Lookup::Unknown };
        if found.spec.children.is_empty() {
            return Lookup::Command(found);
        }
        let Some(sub) = arguments.get(1) else { return Lookup::Command(found) };
        let full: SmallVec<[u8; 32]> =
            name.iter().chain(b"|").chain(sub.iter()).map(u8::to_ascii_lowercase).collect();
        match self.by_name.get(full.as_slice()) {
            Some(child) => Lookup::Command(*child),
            None => Lookup::NoSubcommand(found.spec),
        }
    }

    /// Those that are no subcommands.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &'static Spec> {
        self.specs.iter().copied().filter(|spec| !spec.name.contains('|'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Bytes> {
        line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    #[test]
    fn every_name_is_lower_case_and_there_once() {
        let mut names: Vec<_> = REGISTRY.specs.iter().map(|spec| spec.name).collect();
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn subcommands_carry_the_name_of_their_command() {
        for spec in REGISTRY.commands() {
            assert!(spec.run.is_some() || !spec.children.is_empty(), "{}", spec.name);
            for child in spec.children {
                assert_eq!(child.name.split_once('|').map(|(parent, _)| parent), Some(spec.name));
            }
        }
    }

    #[test]
    fn keys_are_found_where_the_table_says() {
        for (line, expected) in [
            ("GET a", vec!["a"]),
            ("MSET a 1 b 2", vec!["a", "b"]),
            ("BLPOP a b 0", vec!["a", "b"]),
            ("ZUNIONSTORE d 2 a b", vec!["d", "a", "b"]),
            ("LMPOP 2 a b LEFT", vec!["a", "b"]),
            ("PING", vec![]),
        ] {
            let arguments = words(line);
            let Lookup::Command(found) = REGISTRY.find(&arguments) else { panic!("{line}") };
            assert_eq!(
                found.spec.keys_of(&arguments),
                Some(words(&expected.join(" ")).iter().filter(|key| !key.is_empty()).collect()),
                "{line}"
            );
        }
        let short = words("LMPOP 9 a LEFT");
        let Lookup::Command(found) = REGISTRY.find(&short) else { panic!() };
        assert_eq!(found.spec.keys_of(&short), None);
    }

    #[test]
    fn names_are_found_in_any_case_and_never_with_a_bar() {
        assert!(matches!(REGISTRY.find(&words("gEt a")), Lookup::Command(found) if found.spec.name == "get"));
        assert!(
            matches!(REGISTRY.find(&words("client LIST")), Lookup::Command(found) if found.spec.name == "client|list")
        );
        assert!(matches!(REGISTRY.find(&words("client|list")), Lookup::Unknown));
        assert!(matches!(REGISTRY.find(&words("client nope")), Lookup::NoSubcommand(_)));
    }
}
