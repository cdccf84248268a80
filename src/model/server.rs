//! INFO replies into the server's row. What comes in is the server's word: capped, and never trusted to be well formed.

use std::sync::Arc;
use std::time::Duration;

use crate::event::Stamp;
use crate::snapshot::{Lost, ServerRow};

/// The most of a reply that is kept.
pub(crate) const RAW_BYTES: usize = 64 * 1024;

/// Fields kept of one reply; INFO CLIENTS has about ten, and everything together some two hundred.
const FIELDS: usize = 512;

/// The most of a version or of an error that is kept.
const SENTENCE_BYTES: usize = 512;

/// What an INFO reply changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The server had been lost.
    Back,
    /// Nothing but newer numbers.
    Newer,
}

/// The server's row, shared with snapshots until it changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    row: Arc<ServerRow>,
}

impl Server {
    /// The row as it stands.
    pub(crate) fn row(&self) -> &Arc<ServerRow> {
        &self.row
    }

    /// Where it is, once a pool has said so.
    pub(crate) fn at(&mut self, target: &str) {
        if self.row.target.is_empty() {
            cut(target, SENTENCE_BYTES).clone_into(&mut Arc::make_mut(&mut self.row).target);
        }
    }

    /// Takes a reply to INFO, INFO SERVER or INFO CLIENTS.
    pub(crate) fn info(&mut self, at: Stamp, raw: &Arc<str>, took: Duration) -> Change {
        let row = Arc::make_mut(&mut self.row);
        let text = cut(raw, RAW_BYTES);
        if let Some(version) = version(text) {
            row.version = Some(version);
        }
        let clients: Vec<_> = section(text, "clients")
            .take(FIELDS)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if !clients.is_empty() {
            row.clients = clients;
            row.raw = if text.len() == raw.len() { raw.clone() } else { text.into() };
            row.seen_at = Some(at);
            row.took = Some(took);
        }
        match row.lost.take() {
            Some(_) => Change::Back,
            None => Change::Newer,
        }
    }

    /// The server does not answer. True when that is news: it did before, or says something else now.
    pub(crate) fn lost(&mut self, at: Stamp, error: &str, retry_at: Stamp) -> bool {
        let row = Arc::make_mut(&mut self.row);
        let error = cut(error, SENTENCE_BYTES);
        let news = row.lost.as_ref().is_none_or(|lost| lost.error != error);
        let since = row.lost.as_ref().map_or(at, |lost| lost.since);
        row.lost = Some(Lost { error: error.to_owned(), since, retry_at });
        news
    }
}

/// The longest prefix of at most `most` bytes that ends at a character's end.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Lines of the form `name:value`, with the section each stands in, in lower case.
pub(crate) fn fields(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim_end_matches('\r');
        if let Some(header) = line.strip_prefix('#') {
            section = header.trim();
            return None;
        }
        let (name, value) = line.split_once(':')?;
        (!name.is_empty()).then_some((section, name, value))
    })
}

/// The fields of one section.
fn section<'a>(text: &'a str, wanted: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    fields(text)
        .filter(move |(section, _, _)| section.eq_ignore_ascii_case(wanted))
        .map(|(_, name, value)| (name, value))
}

/// `redis 7.0.15`, `valkey 9.1.2`. Valkey calls itself redis 7.2.4 too, for the sake of clients: its own name counts.
fn version(text: &str) -> Option<String> {
    let field = |wanted: &str| fields(text).find(|(_, name, _)| *name == wanted).map(|(_, _, value)| value);
    let (name, number) = match (field("valkey_version"), field("redis_version")) {
        (Some(number), _) => ("valkey", number),
        (None, Some(number)) => (field("server_name").unwrap_or("redis"), number),
        (None, None) => return None,
    };
    Some(format!("{} {}", cut(name, 32), cut(number, 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took() -> Duration {
        Duration::from_micros(80)
    }

    fn after(raw: &str) -> Arc<ServerRow> {
        let mut server = Server::default();
        server.info(Stamp(7), &raw.into(), took());
        server.row().clone()
    }

    #[test]
    fn clients_are_kept_in_order_and_raw() {
        let raw = "# Clients\r\nconnected_clients:14\r\nblocked_clients:6\r\nno colon here\r\n:no name\r\nodd:a:b\r\n";
        let row = after(raw);
        let want = [("connected_clients", "14"), ("blocked_clients", "6"), ("odd", "a:b")];
        assert_eq!(row.clients, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(&*row.raw, raw);
        assert_eq!(row.client_field("connected_clients"), Some(14));
        assert_eq!(row.client_field("odd"), None, "no number");
        assert_eq!((row.seen_at, row.took), (Some(Stamp(7)), Some(took())));
    }

    #[test]
    fn the_server_section_tells_the_version_and_leaves_the_clients_alone() {
        let mut server = Server::default();
        server.info(Stamp(1), &"# Clients\r\nconnected_clients:3\r\n".into(), took());
        server.info(
            Stamp(2),
            &"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n".into(),
            took(),
        );
        assert_eq!(server.row().version.as_deref(), Some("redis 7.0.15"));
        assert_eq!(server.row().client_field("connected_clients"), Some(3));
        assert_eq!(server.row().seen_at, Some(Stamp(1)));
    }

    #[test]
    fn valkey_is_called_by_its_own_name() {
        let row = after("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n");
        assert_eq!(row.version.as_deref(), Some("valkey 9.1.2"));
    }

    #[test]
    fn a_whole_info_gives_both_and_no_field_of_another_section() {
        let row = after(
            "# Server\nredis_version:6.0.9\n\n# Clients\nconnected_clients:1\n# Memory\nused_memory:9\n",
        );
        assert_eq!(row.version.as_deref(), Some("redis 6.0.9"));
        assert_eq!(row.clients.len(), 1);
    }

    #[test]
    fn a_reply_without_end_is_cut_at_a_character() {
        let raw = format!("# Clients\r\nconnected_clients:1\r\nx:{}", "界".repeat(RAW_BYTES));
        let row = after(&raw);
        assert!(row.raw.len() <= RAW_BYTES && row.raw.len() > RAW_BYTES - 4);
        assert_eq!(row.client_field("connected_clients"), Some(1));
    }

    #[test]
    fn lost_is_news_once_a_sentence_and_back_once() {
        let mut server = Server::default();
        assert!(server.lost(Stamp(10), "refused", Stamp(20)));
        assert!(!server.lost(Stamp(20), "refused", Stamp(40)));
        assert!(server.lost(Stamp(40), "timed out", Stamp(80)));
        let lost = server.row().lost.clone().expect("lost");
        assert_eq!((lost.since, lost.retry_at), (Stamp(10), Stamp(80)));
        let raw: Arc<str> = "# Clients\r\nconnected_clients:1\r\n".into();
        assert_eq!(server.info(Stamp(90), &raw, took()), Change::Back);
        assert_eq!(server.info(Stamp(91), &raw, took()), Change::Newer);
        assert_eq!(server.row().lost, None);
    }
}
