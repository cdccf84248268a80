//! The clients' ends of TCP connections to a server: which sockets they are.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;

use super::inet::{self, Socket};
use super::local::Local;
use super::netlink::Netlink;
use super::{ServerEnd, Step};
use crate::event::Whose;

/// So many sockets are asked for one by one; of more, all that go to the server's port at once.
const FEW: usize = 256;

/// The two ends of a connection, as the client sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// The client's.
    pub(super) local: SocketAddr,
    /// The server's.
    pub(super) peer: SocketAddr,
    /// The server has told its end. An old one does not: it is where we have reached it, perhaps.
    pub(super) told: bool,
}

/// What each client's socket tells, in their order.
pub(super) fn find(diag: &mut Netlink, local: &mut Local, server: &ServerEnd, asked: &[Ends]) -> Vec<Step> {
    let mut look = Look { diag, ports: HashMap::new(), few: asked.len() <= FEW };
    let step = |ends: &Ends| match look.socket(ends) {
        Ok(Some(Socket { inode: 0, .. })) => Step::Settled(Whose::Gone),
        Ok(Some(socket)) => Step::Socket { inode: socket.inode, uid: Some(socket.uid) },
        Ok(None) => Step::Settled(look.without_socket(local, server, ends).unwrap_or(Whose::Unknown)),
        Err(_) => Step::Settled(Whose::Unknown),
    };
    asked.iter().map(step).collect()
}

/// The sockets there are.
struct Look<'a> {
    diag: &'a mut Netlink,
    /// All that go to a port, by their own ends.
    ports: HashMap<u16, HashMap<SocketAddr, Vec<Socket>>>,
    few: bool,
}

impl Look<'_> {
    /// The client's end.
    fn socket(&mut self, ends: &Ends) -> Result<Option<Socket>, Errno> {
        // The kernel finds a link's own addresses only with the link, which the server does not tell.
        let is_link = |ip: IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        let is_pair = |socket: &&Socket| !ends.told || socket.peer == ends.peer;
        if self.few && ends.told && !is_link(ends.local.ip()) {
            return inet::exact(self.diag, ends.local, ends.peer);
        }
        let there = self.port(ends.peer.port())?.get(&ends.local);
        if let Some(socket) = there.and_then(|sockets| sockets.iter().find(is_pair)) {
            return Ok(Some(*socket));
        }
        // A dump may miss what moves while it is made.
        inet::exact(self.diag, ends.local, ends.peer)
    }

    /// Every socket that goes to a port.
    fn port(&mut self, port: u16) -> Result<&HashMap<SocketAddr, Vec<Socket>>, Errno> {
        if !self.ports.contains_key(&port) {
            let mut sockets: HashMap<SocketAddr, Vec<Socket>> = HashMap::new();
            inet::going_to(self.diag, port, |socket| sockets.entry(socket.local).or_default().push(socket))?;
            self.ports.insert(port, sockets);
        }
        self.ports.get(&port).ok_or(Errno::NOENT)
    }

    /// Whose a client is that comes from an address of this machine, though no socket here has it.
    fn without_socket(&mut self, local: &mut Local, server: &ServerEnd, ends: &Ends) -> Result<Whose, Errno> {
        let inward = ends.local.ip().is_loopback();
        if !ends.told || (inward && !server.direct) {
            return Ok(Whose::Unknown);
        }
        // Nothing but a process of this namespace comes from its loopback.
        if inward {
            return Ok(Whose::Gone);
        }
        // Elsewhere, in a container of this machine as a rule, where nothing more can be seen from here.
        if !local.has(ends.peer.ip()) {
            return Ok(Whose::Namespace);
        }
        // The server's end tells whether the connection has ended or only comes from elsewhere, by another's address.
        let servers = inet::exact(self.diag, ends.peer, ends.local)?;
        let goes_on = servers.is_some_and(|socket| socket.is_established());
        Ok(if goes_on { Whose::Namespace } else { Whose::Gone })
    }
}
