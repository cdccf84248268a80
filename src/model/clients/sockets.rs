//! What the kernel of this machine believes of connections to a server, by their own ends.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use crate::event::{Socket, Stamp, TcpState};
use crate::model::seats::canonical;
use crate::snapshot::Told;

/// Connections that are kept: a guard against a source that lies, far over any real app.
const SOCKETS: usize = 65_536;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Sockets(HashMap<SocketAddr, (Stamp, Socket)>);

impl Sockets {
    /// It is told of some.
    pub(super) fn told(&mut self, at: Stamp, sockets: &[Socket]) {
        for socket in sockets {
            let end = canonical(socket.local);
            if self.0.len() < SOCKETS || self.0.contains_key(&end) {
                self.0.insert(end, (at, *socket));
            }
        }
    }

    /// What is believed of one, and since when.
    pub(in crate::model) fn get(&self, end: SocketAddr) -> Option<(Stamp, Told<Socket>)> {
        let (at, socket) = *self.0.get(&canonical(end))?;
        Some((at, if socket.state == TcpState::Gone { Told::None } else { Told::Some(socket) }))
    }

    /// Those that are none of these are forgotten.
    pub(super) fn keep(&mut self, ends: &HashSet<SocketAddr>) {
        self.0.retain(|end, _| ends.contains(end));
    }
}
