//! Whose sockets a server's local clients are: each client's address joined to the process that has the other end.
//!
//! A [`Resolver`] blocks, for some milliseconds when there are many: it is for a thread that may. It is asked about new
//! clients only, and nothing of what it cannot find out is an error. Only Linux tells: there, the kernel is asked for
//! single sockets (`sock_diag`), and processes for their descriptors (`/proc`).

#[cfg(target_os = "linux")]
mod linux;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::event::TcpState;
#[cfg(not(target_os = "linux"))]
use crate::event::Whose;
use crate::event::{Owner, Process};

/// Where a server was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// By TCP, at this address.
    Tcp(SocketAddr),
    /// By this unix socket.
    Unix(PathBuf),
}

/// The server whose clients are asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEnd {
    /// Where we have reached it.
    pub reached: Reached,
    /// Its process, as INFO says. It is checked before it is believed: a server in a container, or behind a tunnel, has
    /// a number of its own there.
    pub pid: Option<u32>,
    /// Our own connection has the same address in the server's list as on this machine. If not, there is a proxy, a tunnel
    /// or a translation of addresses between, and its `127.0.0.1` is perhaps not ours.
    pub direct: bool,
}

/// A client, with what its line in CLIENT LIST says of its socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `id`.
    pub id: u64,
    /// `addr`.
    pub addr: Arc<str>,
    /// `laddr`.
    pub laddr: Option<Arc<str>>,
    /// `fd`.
    pub fd: Option<i64>,
    /// It has flag `U`: it came by a unix socket.
    pub unix: bool,
}

/// What was found out about new clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Whose they are: one for each client that was asked about, apart from [`Resolved::later`].
    pub owners: Vec<Owner>,
    /// Of the server's unix socket, where its rows cannot be told apart: how many connections each process has.
    pub shares: Vec<(Arc<Process>, u64)>,
    /// Clients that there was no time for: ask about them again with the next look.
    pub later: Vec<u64>,
}

/// Finds out whose sockets clients are. One serves any number of servers, and remembers processes between calls.
#[derive(Debug, Default)]
pub struct Resolver {
    #[cfg(target_os = "linux")]
    system: linux::System,
}

impl Resolver {
    /// One that knows nothing yet. It opens nothing until it is asked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose these clients of a server are. It blocks.
    #[cfg(target_os = "linux")]
    pub fn resolve(&mut self, server: &ServerEnd, new: &[Peer]) -> Resolved {
        self.system.resolve(server, new)
    }

    /// Whose these clients of a server are: this system does not tell.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub fn resolve(&mut self, _: &ServerEnd, new: &[Peer]) -> Resolved {
        let owners = new.iter().map(|peer| Owner { client: peer.id, whose: Whose::Unsupported }).collect();
        Resolved { owners, ..Resolved::default() }
    }

    /// What the kernel believes of a TCP connection of this machine, by its own address and the one it is connected to;
    /// `None` where that is not told. It takes some microseconds.
    #[cfg(target_os = "linux")]
    pub fn state(&mut self, local: SocketAddr, peer: SocketAddr) -> Option<TcpState> {
        self.system.state(local, peer)
    }

    /// What the kernel believes of a TCP connection: this system does not tell.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub fn state(&mut self, _: SocketAddr, _: SocketAddr) -> Option<TcpState> {
        None
    }

    /// Every TCP connection to a server that this very program has open, by its own address, with what the kernel
    /// believes of it; `None` where that is not told.
    #[cfg(target_os = "linux")]
    pub fn ours(&mut self, server: SocketAddr) -> Option<Vec<(SocketAddr, TcpState)>> {
        self.system.ours(server)
    }

    /// Every TCP connection to a server that this very program has open: this system does not tell.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "as on Linux")]
    pub fn ours(&mut self, _: SocketAddr) -> Option<Vec<(SocketAddr, TcpState)>> {
        None
    }
}

/// An IPv4 address that is written as one of IPv6 is an IPv4 address, and no zone is part of any.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
