//! What a client is grouped under: said once, so that the model's groups and the rows shown of one agree.

use std::borrow::Cow;

use super::{ClientRow, GroupBy};
use crate::event::{Client, Process, Whose};
use crate::text::NONE;

/// The most of a label that is kept.
const LABEL_BYTES: usize = 256;

/// What is kept of a part in brackets of a library's name: it can tell a whole stack of frameworks.
const BRACKET_CHARS: usize = 24;

impl GroupBy {
    /// What this client is grouped under, as it came. `target` is where its server is.
    pub fn label<'a>(self, row: &'a ClientRow, target: &'a str) -> Cow<'a, str> {
        self.of(&row.client, row.whose.as_ref(), target)
    }

    /// Whether this client is grouped under a label: the same as comparing its own, which is not made for each of
    /// thousands.
    pub fn is_of(self, row: &ClientRow, target: &str, label: &str) -> bool {
        match (self, &row.whose) {
            (Self::Process, Some(Whose::Process { process, .. })) => is_named(process, label),
            _ => self.label(row, target) == label,
        }
    }

    /// The same as [`label`](Self::label), of a client without a row.
    pub(crate) fn of<'a>(
        self,
        client: &'a Client,
        whose: Option<&'a Whose>,
        target: &'a str,
    ) -> Cow<'a, str> {
        let label = match self {
            Self::Process => process(client, whose),
            Self::Name => client.name.as_deref().unwrap_or(NONE).into(),
            Self::Prefix => client.name.as_deref().map_or(NONE, prefix).into(),
            Self::Library => library(client),
            Self::User => client.user.as_deref().unwrap_or(NONE).into(),
            Self::Address => address(&client.addr).into(),
            Self::Server => target.into(),
            Self::None => NONE.into(),
        };
        match label {
            label if label.is_empty() => NONE.into(),
            label if label.len() <= LABEL_BYTES => label,
            Cow::Borrowed(label) => cut(label, LABEL_BYTES).into(),
            Cow::Owned(label) => cut(&label, LABEL_BYTES).to_owned().into(),
        }
    }
}

/// Under which a client stands until it is known whose it is.
const NOT_KNOWN_YET: &str = "not known yet";

impl GroupBy {
    /// Whether a group of this label only says that nobody knows whose its clients are, or nobody knows it yet: others come
    /// and go in it all the time, and it is nobody that has more or fewer.
    pub fn is_nobody(self, label: &str) -> bool {
        self == Self::Process && [NOT_KNOWN_YET, Whose::Gone.word()].contains(&label)
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
            Self::Gone => "gone before known",
            Self::Unknown => "unix socket",
            Self::Unsupported => NONE,
        }
    }
}

/// The longest prefix of at most `most` bytes that ends at a character's end.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// `python3 worker.py (4411)`; or why its process is not known.
fn process<'a>(client: &Client, whose: Option<&Whose>) -> Cow<'a, str> {
    match whose {
        Some(Whose::Process { process, .. }) => named(process).into(),
        Some(Whose::Remote) => format!("remote {}", address(&client.addr)).into(),
        Some(Whose::Hidden { uid }) => format!("user {uid}'s").into(),
        Some(other) => other.word().into(),
        None => NOT_KNOWN_YET.into(),
    }
}

/// A process's command line, or else its name, with its number.
fn named(process: &Process) -> String {
    format!("{} ({})", shortened(process), process.pid)
}

/// Whether this is what [`named`] makes of a process.
fn is_named(process: &Process, label: &str) -> bool {
    let number = label.strip_prefix(shortened(process)).and_then(|rest| rest.strip_prefix(" ("));
    number.and_then(|number| number.strip_suffix(')')?.parse().ok()) == Some(process.pid)
}

/// Its words, so that there is room for its number, however long they are.
fn shortened(process: &Process) -> &str {
    cut(process.words(), LABEL_BYTES - 16)
}

impl Process {
    /// Its command line without the program's directory; or else its name.
    pub fn words(&self) -> &str {
        if self.command.is_empty() { &self.name } else { without_directory(&self.command) }
    }
}

/// A command line whose program goes by its own name: where an interpreter lies says nothing, and what it runs stands
/// behind it.
fn without_directory(words: &str) -> &str {
    let program = words.split(' ').next().unwrap_or_default();
    match program.rfind('/') {
        Some(at) if at + 1 < program.len() => &words[at + 1..],
        _ => words,
    }
}

/// An address without its port: `10.0.0.5`, `::1`, `/run/redis.sock`.
fn address(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// `redis-py 8.1.0`, with a part in brackets kept short.
fn library(client: &Client) -> Cow<'_, str> {
    let name = client.lib_name.as_deref().filter(|name| !name.is_empty());
    let version = client.lib_version.as_deref().filter(|version| !version.is_empty());
    let short = name.map(shorten);
    match (short, version) {
        (Some(name), Some(version)) => format!("{name} {version}").into(),
        (Some(name), None) => name,
        (None, Some(version)) => format!("{NONE} {version}").into(),
        (None, None) => NONE.into(),
    }
}

fn shorten(name: &str) -> Cow<'_, str> {
    let Some((before, rest)) = name.split_once('(') else { return name.into() };
    let inside = rest.strip_suffix(')').unwrap_or(rest);
    match inside.char_indices().nth(BRACKET_CHARS) {
        Some((end, _)) => format!("{before}({}…)", &inside[..end]).into(),
        None => name.into(),
    }
}

const SEPARATORS: [char; 9] = ['-', '_', ':', '.', '/', '#', '@', ' ', '|'];

/// A name without what tells one of many from the others at its end: numbers, addresses, hashes, UUIDs, and what
/// Kubernetes gives a pod. One that is nothing else stays as it is.
fn prefix(name: &str) -> &str {
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
    }

    #[test]
    fn every_key_has_its_words() {
        let process = Arc::new(Process {
            pid: 81,
            name: "python3".into(),
            command: "/usr/local/bin/python3 leak.py".into(),
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
        let row = ClientRow { whose: Some(whose.clone()), ..ClientRow::default() };
        let row = ClientRow { client: Arc::new(client.clone()), ..row };
        for by in GroupBy::KEYS {
            for other in GroupBy::KEYS {
                let label = other.label(&row, "127.0.0.1:6379");
                assert_eq!(by.is_of(&row, "127.0.0.1:6379", &label), by == other, "{by:?} {other:?}");
            }
        }
        for other in
            ["python3 leak.py (8)", "python3 leak.py (812)", "python3 leak.p (81)", "leak.py (81)", ""]
        {
            assert!(!GroupBy::Process.is_of(&row, "", other), "{other}");
        }
        let labels = |client: &Client, whose: Option<&Whose>| {
            GroupBy::KEYS.map(|by| by.of(client, whose, "127.0.0.1:6379").into_owned())
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
