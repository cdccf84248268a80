//! A server, and why it does not answer.

use std::sync::Arc;
use std::time::Duration;

use crate::event::Stamp;

/// The server behind the pools.
#[derive(Clone, Debug, Default)]
pub struct ServerRow {
    /// `host:port` or a socket path.
    pub target: String,
    /// `redis 7.0.15`, `valkey 9.1.2`, once known.
    pub version: Option<String>,
    /// The fields of `INFO CLIENTS`, in the server's order.
    pub clients: Vec<(String, String)>,
    /// The same reply as it came.
    pub raw: Arc<str>,
    /// When it came.
    pub seen_at: Option<Stamp>,
    /// How long the call took.
    pub took: Option<Duration>,
    /// Why there is no newer one, and when it is tried again.
    pub lost: Option<Lost>,
}

impl ServerRow {
    /// A field of INFO CLIENTS as a number.
    pub fn client_field(&self, name: &str) -> Option<u64> {
        self.clients.iter().find(|(key, _)| key == name)?.1.parse().ok()
    }
}

/// A server that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// One sentence.
    pub error: String,
    /// Since when.
    pub since: Stamp,
    /// When it is tried again.
    pub retry_at: Stamp,
}
