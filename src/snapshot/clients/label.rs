//! What a client is grouped under: said once, so that the model's groups and the rows shown of one agree.

use std::borrow::Cow;

use super::{ClientRow, GroupBy};
use crate::event::{Client, Whose};
use crate::text::NONE;

impl GroupBy {
    /// What this client is grouped under, as it came. `target` is where its server is.
    pub fn label<'a>(self, row: &'a ClientRow, target: &'a str) -> Cow<'a, str> {
        let client = &*row.client;
        let named = |words: Option<&'a str>| words.filter(|words| !words.is_empty()).unwrap_or(NONE).into();
        match self {
            Self::Process => process(row.whose.as_ref()),
            Self::Name => named(client.name.as_deref()),
            Self::Prefix => named(client.name.as_deref().map(prefix)),
            Self::Library => library(client),
            Self::User => named(client.user.as_deref()),
            Self::Address => named(Some(host(&client.addr))),
            Self::Server => named(Some(target)),
            Self::None => NONE.into(),
        }
    }
}

impl Whose {
    /// What there is to say where no process can be named.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Process { .. } => "process",
            Self::Remote => "remote",
            Self::Namespace => "another namespace",
            Self::Hidden { .. } => "another user's",
            Self::Gone => "ended",
            Self::Unknown => "unix socket",
            Self::Unsupported => NONE,
        }
    }
}

/// `python3 4411`; or why it has no process.
fn process<'a>(whose: Option<&Whose>) -> Cow<'a, str> {
    match whose {
        Some(Whose::Process { process, .. }) => format!("{} {}", process.name, process.pid).into(),
        Some(other) => other.word().into(),
        None => NONE.into(),
    }
}

/// A name up to its last part, where that is a number or stands behind a separator: `worker-17` and `worker:a` are of
/// `worker`, `worker17` too, and `worker` of itself.
fn prefix(name: &str) -> &str {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let cut =
        if bare.len() < name.len() { bare } else { name.rfind(SEPARATORS).map_or(name, |at| &name[..at]) };
    let cut = cut.trim_end_matches(SEPARATORS);
    if cut.is_empty() { name } else { cut }
}

/// What divides a name.
const SEPARATORS: [char; 7] = ['-', '_', ':', '.', '/', '#', '@'];

/// Name and version of a library.
fn library(client: &Client) -> Cow<'_, str> {
    let some = |words: &&str| !words.is_empty();
    let version = client.lib_version.as_deref().filter(some);
    match (client.lib_name.as_deref().filter(some), version) {
        (Some(name), Some(version)) => format!("{name} {version}").into(),
        (Some(name), None) => name.into(),
        (None, _) => NONE.into(),
    }
}

/// An address without its port: `10.0.0.7:4411`, `[::1]:4411` and `/tmp/redis.sock:0` without what follows the last
/// colon.
fn host(addr: &str) -> &str {
    addr.rsplit_once(':').map_or(addr, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Process;

    fn row(change: impl FnOnce(&mut Client)) -> ClientRow {
        let mut client = Client { addr: "10.0.0.7:4411".into(), ..Client::default() };
        change(&mut client);
        ClientRow { client: Arc::new(client), ..ClientRow::default() }
    }

    #[test]
    fn a_prefix_ends_where_numbers_or_the_last_part_begin() {
        for (name, want) in [
            ("worker-17", "worker"),
            ("worker17", "worker"),
            ("worker", "worker"),
            ("app:web:3", "app:web"),
            ("app:web", "app"),
            ("42", "42"),
            ("-1", "-1"),
            ("é_2", "é"),
        ] {
            assert_eq!(prefix(name), want, "{name}");
            let row = row(|client| client.name = Some(name.into()));
            assert_eq!(GroupBy::Prefix.label(&row, ""), want);
            assert_eq!(GroupBy::Name.label(&row, ""), name);
        }
    }

    #[test]
    fn a_client_without_it_is_of_the_group_without_it() {
        let bare = row(|_| {});
        for by in [GroupBy::Process, GroupBy::Name, GroupBy::Prefix, GroupBy::Library, GroupBy::User] {
            assert_eq!(by.label(&bare, "here"), NONE, "{by:?}");
        }
        assert_eq!(GroupBy::Address.label(&bare, "here"), "10.0.0.7");
        assert_eq!(GroupBy::Server.label(&bare, "here"), "here");
        for (addr, host) in [("[::1]:99", "[::1]"), ("/tmp/r.sock:0", "/tmp/r.sock"), ("", NONE)] {
            let row = row(|client| client.addr = addr.into());
            assert_eq!(GroupBy::Address.label(&row, ""), host);
        }
        let empty = row(|client| {
            client.lib_name = Some("redis-py".into());
            client.lib_version = Some("".into());
        });
        assert_eq!(GroupBy::Library.label(&empty, ""), "redis-py");
    }

    #[test]
    fn a_process_goes_by_its_name_and_number_and_else_by_why_it_is_not_known() {
        let process = Process {
            pid: 4411,
            name: "python3".into(),
            command: "python3 worker.py".into(),
            user: None,
            started_ms: None,
            container: None,
        };
        let mut one = row(|_| {});
        one.whose = Some(Whose::Process { process: Arc::new(process), fd: 7 });
        assert_eq!(GroupBy::Process.label(&one, ""), "python3 4411");
        one.whose = Some(Whose::Hidden { uid: 33 });
        assert_eq!(GroupBy::Process.label(&one, ""), "another user's");
    }
}
