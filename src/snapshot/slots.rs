//! Where pool, server and kernel do not believe the same of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::event::{Client, Socket, Stamp};

/// What the server and the kernel believe of a connection that a pool has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beliefs {
    /// When they were asked.
    pub at: Stamp,
    /// What the server says.
    pub server: Told<Arc<Client>>,
    /// What the kernel says.
    pub kernel: Told<Socket>,
    /// At two looks in a row one of them did not know of it, or knew it closed: the pool alone believes in it.
    pub half_open: bool,
}

/// What somebody who was asked said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// Nobody could be asked.
    Unknown,
    /// There is none.
    None,
    /// This.
    Some(T),
}

/// A connection that no pool has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Who has it.
    pub kind: StrayKind,
    /// Since when that is known.
    pub since: Stamp,
    /// The server's client id, as far as known.
    pub server_id: Option<u64>,
    /// Our end.
    pub local: Option<SocketAddr>,
    /// The server's line for it.
    pub client: Option<Arc<Client>>,
    /// This process's socket.
    pub socket: Option<Socket>,
}

/// Who has a connection that no pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StrayKind {
    /// Only the server: what a pool closed is still in its list.
    Ghost,
    /// This process: it has a socket to the server that is in no pool.
    Orphan,
}

impl StrayKind {
    /// The word shown and exported.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ghost => "ghost",
            Self::Orphan => "orphan",
        }
    }
}
