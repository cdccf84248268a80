//! The registry: built-ins and Redis commands in one place, for everything that has to know them.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::event::waiting::{LISTENING, STREAMS, blocks};
use crate::resp::Value;

use super::docs;
use super::spec::Table;

/// What is known of commands. Share it in an [`Arc`]: the shell asks it on every key while a session teaches it what the
/// server said of itself.
#[derive(Debug, Default)]
pub struct Registry {
    server: RwLock<Option<Arc<Table>>>,
}

impl Registry {
    /// The embedded table, until [`Registry::learn`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the server's own words instead: its replies to `COMMAND DOCS` and, where it gave one, to `COMMAND`. Answers
    /// how many commands it has; 0, and nothing changed, where the reply describes none (an error, an older server).
    pub fn learn(&self, docs: &Value, commands: Option<&Value>) -> usize {
        let specs = docs::from_reply(docs, commands, &Table::embedded());
        let count = specs.len();
        if count > 0 {
            *self.server.write() = Some(Arc::new(Table::new(specs)));
        }
        count
    }

    /// The commands as known now.
    pub fn table(&self) -> Arc<Table> {
        self.server.read().clone().unwrap_or_else(Table::embedded)
    }

    /// Nothing it does is lost or doubled when it is sent twice: a reading command, or a question to the server.
    pub fn is_read_only<A: AsRef<[u8]>>(&self, args: &[A]) -> bool {
        let table = self.table();
        let Some(spec) = table.find(args) else { return false };
        (spec.flags.readonly && !spec.flags.write) || QUESTIONS.contains(&&*spec.name)
    }

    /// It may wait on the server for as long as it likes: it wants a lease of its own and no operation timeout.
    pub fn is_blocking<A: AsRef<[u8]>>(&self, args: &[A]) -> bool {
        let table = self.table();
        // A server knows of others, and an old one gives not all of these the flag; XREAD has it whether it blocks or not.
        let flagged = || table.find(args).is_some_and(|spec| spec.flags.blocking);
        blocks(args) || (named(args, &STREAMS).is_none() && flagged())
    }

    /// Its replies keep coming until it is ended: SUBSCRIBE and its kin, MONITOR, and a replica's SYNC.
    pub fn streams<A: AsRef<[u8]>>(args: &[A]) -> bool {
        named(args, &LISTENING).or_else(|| named(args, &["SYNC", "PSYNC"])).is_some()
    }

    /// What it leaves on the connection that later commands rely on, so that the lease must stay: `MULTI`, `WATCH` or
    /// `SELECT`.
    pub fn pins<A: AsRef<[u8]>>(args: &[A]) -> Option<&'static str> {
        named(args, &["MULTI", "WATCH", "SELECT"])
    }

    /// It ends what MULTI or WATCH began: `EXEC`, `DISCARD`, `UNWATCH` or `RESET`. Within MULTI, `UNWATCH` is queued
    /// like any other command and ends nothing.
    pub fn unpins<A: AsRef<[u8]>>(args: &[A]) -> Option<&'static str> {
        named(args, &["EXEC", "DISCARD", "UNWATCH", "RESET"])
    }
}

/// Not flagged `readonly`, since they read no keys, but harmless to ask twice.
const QUESTIONS: [&str; 23] = [
    "PING",
    "ECHO",
    "TIME",
    "INFO",
    "ROLE",
    "LASTSAVE",
    "COMMAND",
    "COMMAND DOCS",
    "COMMAND INFO",
    "COMMAND COUNT",
    "COMMAND LIST",
    "COMMAND GETKEYS",
    "CLIENT ID",
    "CLIENT INFO",
    "CLIENT LIST",
    "CLIENT GETNAME",
    "CONFIG GET",
    "SLOWLOG GET",
    "SLOWLOG LEN",
    "PUBSUB CHANNELS",
    "PUBSUB NUMSUB",
    "PUBSUB NUMPAT",
    "ACL WHOAMI",
];

fn named<A: AsRef<[u8]>>(args: &[A], names: &[&'static str]) -> Option<&'static str> {
    let first = args.first()?.as_ref();
    names.iter().find(|name| first.eq_ignore_ascii_case(name.as_bytes())).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&str> {
        line.split(' ').collect()
    }

    #[test]
    fn reading_is_told_from_writing() {
        let registry = Registry::new();
        for line in
            ["get a", "MGET a b", "scan 0", "info", "PING", "client list", "xread streams s 0", "dbsize"]
        {
            assert!(registry.is_read_only(&words(line)), "{line}");
        }
        for line in [
            "set a 1",
            "getdel a",
            "getex a",
            "eval x 0",
            "blpop a 0",
            "client kill x",
            "config set a b",
            "publish a b",
            "unheard of",
            "multi",
            "flushall",
            "sort a",
            "incr a",
        ] {
            assert!(!registry.is_read_only(&words(line)), "{line}");
        }
        assert!(
            QUESTIONS.iter().all(|name| Table::embedded().find(&words(name)).unwrap().name[..] == **name)
        );
    }

    #[test]
    fn blocking_streaming_and_pinning() {
        let registry = Registry::new();
        for line in [
            "blpop q 0",
            "BZMPOP 0 1 z MIN",
            "wait 1 0",
            "xread count 1 block 0 streams s $",
            "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
            "brpoplpush a b 0",
        ] {
            assert!(registry.is_blocking(&words(line)), "{line}");
        }
        for line in ["lpop q", "xread streams block 0", "get a", "xadd s * a b", ""] {
            assert!(!registry.is_blocking(&words(line)), "{line}");
        }
        assert!(Registry::streams(&["monitor"]) && Registry::streams(&["pSubscribe", "a"]));
        assert!(!Registry::streams(&["publish", "a", "b"]) && !Registry::streams::<&str>(&[]));
        assert_eq!(Registry::pins(&["select", "2"]), Some("SELECT"));
        assert_eq!(Registry::pins(&["get", "multi"]), None);
        assert_eq!(Registry::unpins(&["exec"]), Some("EXEC"));
    }
}
