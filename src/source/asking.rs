//! What pollers share: how they take it that a server gives no answer, and what its answers are.

use std::net::SocketAddr;
use std::time::Duration;

use crate::net::{ConnectError, ConnectOptions, Connection, IoError, IoErrorKind, Wire};
use crate::resp::Value;
use crate::text;

/// How long a reply may take where the options set no timeout.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

/// The shortest interval between two questions: an INFO CLIENTS costs the server some microseconds, a screen shows no
/// more of them.
pub(super) const SHORTEST: Duration = Duration::from_millis(100);

/// The longest interval: no clock must overflow for a longer one.
pub(super) const SELDOM: Duration = Duration::from_secs(86_400);

/// The first wait after a loss, doubled with every failure up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(200);
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// The wait where trying again soon cannot help and fills the server's log: no right, or a wrong password.
pub(super) const DENIED: Duration = Duration::from_secs(15);

/// The most of a reply that is passed on.
pub(super) const RAW_BYTES: usize = 64 * 1024;

/// The most of an error reply that is passed on.
const SAID: usize = 256;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Silence {
    /// One sentence.
    pub(super) error: String,
    /// Asking again soon cannot help.
    pub(super) denied: bool,
}

impl From<ConnectError> for Silence {
    fn from(error: ConnectError) -> Self {
        Self { denied: error.is_auth(), error: error.to_string() }
    }
}

impl Silence {
    /// A connection that broke while it was asked or idle.
    pub(super) fn broken(options: &ConnectOptions, why: impl std::fmt::Display) -> Self {
        Self { error: format!("{}: {why}", options.target()), denied: false }
    }

    /// A question that was not answered.
    pub(super) fn unanswered(
        options: &ConnectOptions,
        error: &IoError,
        question: &str,
        limit: Duration,
    ) -> Self {
        if *error.kind() == IoErrorKind::Timeout {
            let limit = text::duration(limit);
            return Self::broken(options, format_args!("no answer to {question} in {limit}"));
        }
        Self::broken(options, error)
    }
}

/// How long to wait after so many failures in a row before this one.
pub(super) fn patience(failures: u32, denied: bool) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures));
    if denied { DENIED } else { doubled.min(LONGEST) }
}

/// Hears when the server goes away while nothing is asked, and never returns otherwise.
pub(super) async fn gone(connection: &mut Connection, options: &ConnectOptions) -> Silence {
    loop {
        if let Err(error) = connection.receive().await {
            return Silence::broken(options, error);
        }
    }
}

/// The server's end of a TCP connection.
pub(super) fn peer(connection: &Connection) -> Option<SocketAddr> {
    match connection.wire().upgrade().as_deref() {
        Some(Wire::Tcp(half)) => half.peer_addr().ok(),
        _ => None,
    }
}

/// The text of an INFO reply, capped; or what came in its place.
pub(super) fn info_text(reply: Value, most: usize) -> Result<String, Value> {
    let Some(text) = reply.text() else { return Err(reply) };
    let text = String::from_utf8_lossy(&text[..text.len().min(most)]).into_owned();
    // Lines name a section or a field; a section that the server does not know is empty.
    let is_info = text.is_empty() || text.lines().any(|line| line.starts_with('#') || line.contains(':'));
    if is_info { Ok(text) } else { Err(reply) }
}

/// What an error reply says, capped.
pub(super) fn said(error: &[u8]) -> String {
    String::from_utf8_lossy(&error[..error.len().min(SAID)]).into_owned()
}
