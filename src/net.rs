//! The way to a server: where it is, how to reach it and greet it, and one connection to it.
//!
//! [`ConnectOptions`] say where and as whom, [`Connection::open`] dials, secures and greets within one deadline, and a
//! [`Connection`] is then exclusive: it knows how many replies are owed, what state its commands left the server's
//! end in, and refuses to send where an old reply could be taken for a new one.

mod address;
mod connection;
mod dial;
mod error;
mod handshake;
mod ledger;
mod observers;
mod open;
mod refusal;
mod secret;
mod session;
mod special;
mod stream;
mod timer;
mod tls;
mod url;

pub use address::{ConnectOptions, Endpoint, Protocol, TlsOptions};
pub use connection::{Connection, Probe};
pub use error::{ConnectError, ConnectErrorKind, IoError, IoErrorKind};
pub use handshake::Greeting;
pub use observers::is_observer;
pub use secret::{Login, Renewed, Secret};
pub use session::{Mode, SessionState};
pub use stream::Wire;
pub use url::UrlError;

pub(crate) use special::{has_one_reply, leaves_no_trace};
pub(crate) use timer::Timer;

/// The name that a connection of the tool's own gives itself, so that it can be told apart in CLIENT LIST.
pub const OBSERVER: &str = "redis-pooltop-observer";
