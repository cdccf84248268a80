//! What is known of Redis commands: name, summary, arity, flags and the tree of arguments.
//!
//! The embedded table is made from Valkey's COMMAND DOCS by `assets/make-commands`. It is parsed when it is first asked
//! for, never at start-up.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer};

/// One command, or one subcommand of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// Its whole name in upper case: `SET`, `CLIENT KILL`.
    #[serde(rename = "n")]
    pub name: Box<str>,
    /// One sentence.
    #[serde(rename = "s")]
    pub summary: Box<str>,
    /// The version of Redis or Valkey that first had it.
    #[serde(rename = "v")]
    pub since: Box<str>,
    /// Its group: `string`, `sorted-set`, `connection`.
    #[serde(rename = "g")]
    pub group: Box<str>,
    /// The complexity, as the server words it; may be empty.
    #[serde(rename = "c")]
    pub complexity: Box<str>,
    /// How many arguments it takes, its name included; negative means at least as many. 0 where unknown.
    #[serde(rename = "i")]
    pub arity: i64,
    /// The server's flags on it.
    #[serde(rename = "f")]
    pub flags: Flags,
    /// What to use instead, where it is deprecated.
    #[serde(rename = "d")]
    pub replaced_by: Option<Box<str>>,
    /// What follows the name.
    #[serde(rename = "a")]
    pub arguments: Vec<Arg>,
    /// Of a container: its subcommands.
    #[serde(rename = "u")]
    pub subcommands: Vec<Spec>,
}

impl Spec {
    /// The last word of the name: `KILL` of `CLIENT KILL`.
    pub fn word(&self) -> &str {
        self.name.rsplit(' ').next().unwrap_or(&self.name)
    }

    /// How many words the name has.
    pub fn words(&self) -> usize {
        self.name.split(' ').count()
    }
}

/// The flags that matter here, of those that COMMAND tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// It reads and never writes.
    pub readonly: bool,
    /// It may write.
    pub write: bool,
    /// It may wait on the server.
    pub blocking: bool,
}

impl Flags {
    /// Flags from the server's words; words that are not needed here are left out.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut flags = Self::default();
        for word in words {
            match word {
                "readonly" => flags.readonly = true,
                "write" => flags.write = true,
                "blocking" => flags.blocking = true,
                _ => {}
            }
        }
        flags
    }
}

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::from_words(Vec::<&str>::deserialize(from)?))
    }
}

/// One argument, or a group of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Arg {
    /// What it is called.
    #[serde(rename = "n")]
    pub name: Box<str>,
    /// What it is.
    #[serde(rename = "t")]
    pub kind: ArgKind,
    /// The literal word before it, or which it is: `EX`, `LIMIT`. An empty one stands for `""`, as in none.
    #[serde(rename = "k")]
    pub token: Option<Box<str>>,
    /// It may be left out.
    #[serde(rename = "o", deserialize_with = "one")]
    pub optional: bool,
    /// It may come more than once.
    #[serde(rename = "m", deserialize_with = "one")]
    pub multiple: bool,
    /// Where it comes more than once, its token does as well.
    #[serde(rename = "r", deserialize_with = "one")]
    pub token_repeats: bool,
    /// Of a block or a choice: its parts.
    #[serde(rename = "a")]
    pub parts: Vec<Arg>,
}

fn one<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(u8::deserialize(from)? == 1)
}

/// What an argument is, in COMMAND DOCS' words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgKind {
    /// Any text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// The name of a key.
    Key,
    /// A glob.
    Pattern,
    /// Seconds or milliseconds since 1970.
    UnixTime,
    /// The token and nothing else.
    PureToken,
    /// One of its parts.
    #[serde(rename = "oneof")]
    OneOf,
    /// All of its parts in order.
    Block,
}

impl ArgKind {
    /// The kind of that name in COMMAND DOCS; one that is not known here is taken for text.
    pub fn from_word(word: &str) -> Self {
        match word {
            "integer" => Self::Integer,
            "double" => Self::Double,
            "key" => Self::Key,
            "pattern" => Self::Pattern,
            "unix-time" => Self::UnixTime,
            "pure-token" => Self::PureToken,
            "oneof" => Self::OneOf,
            "block" => Self::Block,
            _ => Self::String,
        }
    }
}

/// Commands by name.
#[derive(Debug, Default)]
pub struct Table {
    specs: Vec<Spec>,
    by_name: HashMap<Box<str>, usize>,
}

impl Table {
    /// A table of these commands, sorted by name; of two with one name the later stays.
    pub fn new(mut specs: Vec<Spec>) -> Self {
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        for spec in &mut specs {
            spec.subcommands.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let by_name = specs.iter().enumerate().map(|(at, spec)| (spec.name.clone(), at)).collect();
        Self { specs, by_name }
    }

    /// The table in the binary. Its source is checked by a test, so a failure to parse it can only be an empty table.
    pub fn embedded() -> Arc<Self> {
        static EMBEDDED: OnceLock<Arc<Table>> = OnceLock::new();
        EMBEDDED
            .get_or_init(|| {
                let asset: Asset = serde_json::from_str(ASSET).unwrap_or_default();
                Arc::new(Self::new(asset.commands))
            })
            .clone()
    }

    /// Every command, by name; subcommands are inside their containers.
    pub fn specs(&self) -> &[Spec] {
        &self.specs
    }

    /// The command of that name, in any case.
    pub fn command(&self, name: &[u8]) -> Option<&Spec> {
        let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= 64)?;
        let at = *self.by_name.get(name.to_ascii_uppercase().as_str())?;
        self.specs.get(at)
    }

    /// What the arguments call: the subcommand where the second word is one of the container's, else the command.
    pub fn find<A: AsRef<[u8]>>(&self, args: &[A]) -> Option<&Spec> {
        let command = self.command(args.first()?.as_ref())?;
        let sub = args.get(1).and_then(|word| {
            command.subcommands.iter().find(|sub| sub.word().as_bytes().eq_ignore_ascii_case(word.as_ref()))
        });
        Some(sub.unwrap_or(command))
    }
}

const ASSET: &str = include_str!("../../assets/commands.json");

#[derive(Default, Deserialize)]
struct Asset {
    commands: Vec<Spec>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_parses_and_names_its_source_and_licence() {
        let header: serde_json::Value = serde_json::from_str(ASSET).unwrap();
        assert!(header["source"].as_str().unwrap().contains("Valkey"));
        assert!(header["licence"].as_str().unwrap().contains("BSD"));
        let table = Table::embedded();
        assert!(table.specs().len() > 200);
        for spec in table.specs() {
            assert!(!spec.summary.is_empty() && spec.arity != 0, "{}", spec.name);
            assert!(spec.subcommands.iter().all(|sub| sub.name.starts_with(&*spec.name)), "{}", spec.name);
        }
        assert!(ASSET.len() < 400 * 1024);
    }

    #[test]
    fn finds_commands_and_subcommands_in_any_case() {
        let table = Table::embedded();
        assert_eq!(&*table.find(&["get"]).unwrap().name, "GET");
        assert_eq!(&*table.find(&["Client", "kill", "x"]).unwrap().name, "CLIENT KILL");
        assert_eq!(&*table.find(&["client", "nonsense"]).unwrap().name, "CLIENT");
        assert!(table.find(&["nonsense"]).is_none());
        assert!(table.find::<&str>(&[]).is_none());
        let set = table.command(b"set").unwrap();
        assert!(set.flags.write && !set.flags.readonly);
        assert_eq!(set.arguments[0].kind, ArgKind::Key);
        assert_eq!(set.arguments.last().unwrap().kind, ArgKind::OneOf);
        assert!(set.arguments.last().unwrap().optional);
    }
}
