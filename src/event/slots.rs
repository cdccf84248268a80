//! What the server and the kernel believe of the connections that our pools believe in.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Client;

/// One look at both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slots {
    /// Client ids that the server was asked about: of the pools' connections, and of those closed lately.
    pub asked: Vec<u64>,
    /// Those of them that it lists.
    pub listed: Vec<Arc<Client>>,
    /// This process's sockets to the server, but for those of its observers; nothing where the kernel does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sockets: Option<Vec<Socket>>,
}

/// A socket of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// Our end.
    pub local: SocketAddr,
    /// What the kernel believes.
    pub state: TcpState,
}

/// What the kernel believes of a connection, at one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpState {
    /// Both ends keep it.
    Established,
    /// It is being opened.
    Opening,
    /// The other end has closed it, and this one has not: a pool that still counts on it has not noticed.
    CloseWait,
    /// This end has closed it, and not all of that is done.
    Closing,
    /// No process has it any more, or there is none.
    Gone,
}

impl TcpState {
    /// The word shown and exported.
    pub fn word(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Opening => "opening",
            Self::CloseWait => "close-wait",
            Self::Closing => "closing",
            Self::Gone => "gone",
        }
    }
}
