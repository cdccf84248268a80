//! The clients' ends of TCP connections to a server: which sockets they are.

use std::collections::HashMap;
use std::net::SocketAddr;

use rustix::io::Errno;

use super::Step;
use super::inet::{self, Socket};
use super::netlink::Netlink;
use crate::event::Whose;

/// So many sockets are asked for one by one; of more, all that go to the server's port at once.
const FEW: usize = 256;

/// The two ends of a connection, as the client sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    /// The client's.
    pub(super) local: SocketAddr,
    /// The server's.
    pub(super) peer: SocketAddr,
}

/// The way to ask.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    diag: Option<Netlink>,
}

impl Sockets {
    /// What each client's socket tells, in their order.
    pub(super) fn find(&mut self, asked: &[Ends]) -> Vec<Step> {
        let Ok(found) = self.look_up(asked) else {
            // A socket that has failed is not asked again.
            self.diag = None;
            return asked.iter().map(|_| Step::Settled(Whose::Unknown)).collect();
        };
        asked.iter().map(|ends| step(found.get(ends))).collect()
    }

    fn look_up(&mut self, asked: &[Ends]) -> Result<HashMap<Ends, Socket>, Errno> {
        let mut found = HashMap::with_capacity(asked.len());
        if asked.is_empty() {
            return Ok(found);
        }
        if self.diag.is_none() {
            self.diag = Some(inet::open()?);
        }
        let Some(diag) = &mut self.diag else { return Ok(found) };
        if asked.len() > FEW {
            let mut ports: Vec<u16> = asked.iter().map(|ends| ends.peer.port()).collect();
            ports.sort_unstable();
            ports.dedup();
            for port in ports {
                let mut hear = |socket: Socket| {
                    found.insert(Ends { local: socket.local, peer: socket.peer }, socket);
                };
                inet::going_to(diag, port, &mut hear)?;
            }
            return Ok(found);
        }
        for ends in asked {
            if let Some(socket) = inet::exact(diag, ends.local, ends.peer)? {
                found.insert(*ends, socket);
            }
        }
        Ok(found)
    }
}

fn step(socket: Option<&Socket>) -> Step {
    match socket {
        Some(Socket { inode, uid, .. }) if *inode != 0 => Step::Socket { inode: *inode, uid: *uid },
        // No process has it open any more: it was closed, and the server has not heard of it yet.
        _ => Step::Settled(Whose::Gone),
    }
}
