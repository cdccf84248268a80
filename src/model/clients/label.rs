//! What clients have in common, in words: the labels of groups.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::event::{Client, Process, Whose};
use crate::model::server::cut;
use crate::snapshot::GroupBy;

/// The label of those that have none.
pub(in crate::model) const NONE: &str = "–";

/// The most of a label that is kept.
const LABEL_BYTES: usize = 256;

/// What is kept of a part in brackets of a library's name: it can tell a whole stack of frameworks.
const BRACKET_CHARS: usize = 24;

/// How a client is called by one key.
pub(super) fn label<'a>(
    by: GroupBy,
    client: &'a Client,
    whose: Option<&'a Whose>,
    target: &'a str,
) -> Cow<'a, str> {
    let label = match by {
        GroupBy::Process => process(client, whose),
        GroupBy::Name => Cow::Borrowed(client.name.as_deref().unwrap_or(NONE)),
        GroupBy::Prefix => Cow::Borrowed(client.name.as_deref().map_or(NONE, prefix)),
        GroupBy::Library => library(client),
        GroupBy::User => Cow::Borrowed(client.user.as_deref().unwrap_or(NONE)),
        GroupBy::Address => Cow::Borrowed(address(&client.addr)),
        GroupBy::Server => Cow::Borrowed(target),
        GroupBy::None => Cow::Borrowed(NONE),
    };
    match label {
        label if label.is_empty() => Cow::Borrowed(NONE),
        label if label.len() <= LABEL_BYTES => label,
        Cow::Borrowed(label) => Cow::Borrowed(cut(label, LABEL_BYTES)),
        Cow::Owned(label) => Cow::Owned(cut(&label, LABEL_BYTES).to_owned()),
    }
}

/// Whether two states of one client have the same labels by every key but the process.
pub(super) fn same(a: &Client, b: &Client) -> bool {
    a.name == b.name
        && a.lib_name == b.lib_name
        && a.lib_version == b.lib_version
        && a.user == b.user
        && a.addr == b.addr
}

fn process<'a>(client: &'a Client, whose: Option<&'a Whose>) -> Cow<'a, str> {
    match whose {
        Some(Whose::Process { process, .. }) => Cow::Owned(named(process)),
        Some(Whose::Remote) => Cow::Owned(format!("remote {}", address(&client.addr))),
        Some(Whose::Namespace) => Cow::Borrowed("another namespace"),
        Some(Whose::Hidden { uid }) => Cow::Owned(format!("user {uid}'s")),
        Some(Whose::Gone) => Cow::Borrowed("ended before it was looked at"),
        Some(Whose::Unknown) => Cow::Borrowed("unix socket"),
        Some(Whose::Unsupported) => Cow::Borrowed("not told by this system"),
        None => Cow::Borrowed("not known yet"),
    }
}

/// A process's command line, or else its name, with its number.
fn named(process: &Process) -> String {
    let pid = process.pid;
    let words = if process.command.is_empty() { &process.name } else { &process.command };
    // The number stays, however long the command line is.
    format!("{} ({pid})", cut(words, LABEL_BYTES - 16))
}

/// An address without its port: `10.0.0.5`, `::1`, `/run/redis.sock`.
pub(in crate::model) fn address(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// `redis-py 8.1.0`, with a part in brackets kept short.
fn library(client: &Client) -> Cow<'_, str> {
    let name = client.lib_name.as_deref().filter(|name| !name.is_empty());
    let version = client.lib_version.as_deref().filter(|version| !version.is_empty());
    let short = name.map(shorten);
    match (short, version) {
        (Some(name), Some(version)) => Cow::Owned(format!("{name} {version}")),
        (Some(name), None) => name,
        (None, Some(version)) => Cow::Owned(format!("{NONE} {version}")),
        (None, None) => Cow::Borrowed(NONE),
    }
}

fn shorten(name: &str) -> Cow<'_, str> {
    let Some((before, rest)) = name.split_once('(') else { return Cow::Borrowed(name) };
    let inside = rest.strip_suffix(')').unwrap_or(rest);
    match inside.char_indices().nth(BRACKET_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{before}({}…)", &inside[..end])),
        None => Cow::Borrowed(name),
    }
}

const SEPARATORS: [char; 9] = ['-', '_', ':', '.', '/', '#', '@', ' ', '|'];

/// A name without what tells one of many from the others at its end: numbers, addresses, hashes, UUIDs, and what
/// Kubernetes gives a pod. One that is nothing else stays as it is.
pub(super) fn prefix(name: &str) -> &str {
    let mut rest = without_uuid(name);
    loop {
        let trimmed = rest.trim_end_matches(SEPARATORS);
        let (before, part) = trimmed
            .rfind(SEPARATORS)
            .map_or(("", trimmed), |at| (&trimmed[..at], trimmed[at..].trim_start_matches(SEPARATORS)));
        if part.is_empty() || !(is_number(part) || is_hash(part) || is_pod(before, part)) {
            let word = trimmed.trim_end_matches(|c: char| c.is_ascii_digit());
            let word = word.trim_end_matches(SEPARATORS);
            return if word.is_empty() { name } else { word };
        }
        rest = before;
    }
}

fn without_uuid(name: &str) -> &str {
    const LENGTH: usize = 36;
    let Some(at) = name.len().checked_sub(LENGTH) else { return name };
    let Some(last) = name.get(at..) else { return name };
    let fits = last.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if fits { &name[..at] } else { name }
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Six or more hexadecimal digits, one of them a number: no word.
fn is_hash(part: &str) -> bool {
    part.len() >= 6
        && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        && part.bytes().any(|byte| byte.is_ascii_digit())
}

/// The letters that Kubernetes makes names of: no vowels, so that no word comes of it.
fn is_random(part: &str) -> bool {
    part.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

/// The end of a deployment's pod (`7d9f8b6c5d-x2x4z`), or the hash before it.
fn is_pod(before: &str, part: &str) -> bool {
    let is_set = |part: &str| {
        (8..=10).contains(&part.len()) && is_random(part) && part.bytes().any(|b| b.is_ascii_digit())
    };
    let of_a_set = || before.rsplit('-').next().is_some_and(is_set);
    is_set(part) || (part.len() == 5 && is_random(part) && of_a_set())
}

/// Whether an address is this machine's own loop.
pub(in crate::model) fn is_loopback(addr: &str) -> bool {
    address(addr).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_prefix_is_the_name_without_what_counts_its_bearers() {
        for (name, want) in [
            ("worker-17", "worker"),
            ("worker17", "worker"),
            ("worker", "worker"),
            ("checkout-service", "checkout-service"),
            ("app:web:3", "app:web"),
            ("ip-10-0-0-5", "ip"),
            ("job-0b0ff1ce", "job"),
            ("job_feedbeef", "job_feedbeef"),
            ("web-7d9f8b6c5d-x2x4z", "web"),
            ("web-html5", "web-html"),
            ("session-123e4567-e89b-12d3-a456-426614174000", "session"),
            ("host.example.com-42", "host.example.com"),
            ("12345", "12345"),
            ("--", "--"),
            ("42-界", "42-界"),
            ("", ""),
        ] {
            assert_eq!(prefix(name), want, "{name}");
        }
    }

    #[test]
    fn an_address_has_no_port() {
        for (addr, want) in [
            ("10.0.0.5:4242", "10.0.0.5"),
            ("[::1]:6379", "::1"),
            ("/run/redis.sock:0", "/run/redis.sock"),
            ("odd", "odd"),
            (":", ""),
        ] {
            assert_eq!(address(addr), want);
        }
        assert!(is_loopback("127.0.0.9:1") && is_loopback("[::1]:1") && !is_loopback("10.0.0.1:1"));
    }

    #[test]
    fn every_key_has_its_words() {
        let process = Arc::new(Process {
            pid: 81,
            name: "python3".into(),
            command: "python3 leak.py".into(),
            user: None,
            started_ms: None,
            container: None,
        });
        let client = Client {
            addr: "10.0.0.5:4242".into(),
            name: Some("worker-17".into()),
            user: Some("default".into()),
            lib_name: Some("redis-py(django-redis_v5.4.0;django_v5.1;other)".into()),
            lib_version: Some("8.1.0".into()),
            ..Client::default()
        };
        let whose = Whose::Process { process, fd: 3 };
        let labels = |client: &Client, whose: Option<&Whose>| {
            GroupBy::KEYS.map(|by| label(by, client, whose, "127.0.0.1:6379").into_owned())
        };
        let want = [
            "python3 leak.py (81)",
            "worker-17",
            "worker",
            "redis-py(django-redis_v5.4.0;djan…) 8.1.0",
            "default",
            "10.0.0.5",
            "127.0.0.1:6379",
        ];
        assert_eq!(labels(&client, Some(&whose)), want);
        assert_eq!(labels(&client, Some(&Whose::Remote))[0], "remote 10.0.0.5");
        assert_eq!(labels(&client, Some(&Whose::Hidden { uid: 1001 }))[0], "user 1001's");
        assert_eq!(
            labels(&Client::default(), None),
            ["not known yet", "–", "–", "–", "–", "–", "127.0.0.1:6379"]
        );
        let long = Client { name: Some("界".repeat(200).into()), ..Client::default() };
        assert!(labels(&long, None).iter().all(|label| label.len() <= LABEL_BYTES));
    }
}
