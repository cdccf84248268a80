//! Clients of a server's unix socket. CLIENT LIST gives all of them the same address: a row is told by the server's own
//! descriptor, if that may be seen; else only how many connections each process has.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use super::files::{Descriptors, Opened};
use super::netlink::Netlink;
use super::table::{Table, Wanted};
use super::unix::{File, Socket, all};
use super::{Peer, Reached, ServerEnd, Step};
use crate::event::Whose;

/// What could be told of such clients.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Of each that was asked about, in their order.
    pub(super) steps: Vec<Step>,
    /// The clients' ends of all connections there are, where rows could not be told apart.
    pub(super) ends: Wanted,
}

/// Looks at the unix sockets there are.
pub(super) fn look(diag: &mut Netlink, table: &mut Table, server: &ServerEnd, asked: &[&Peer]) -> Shared {
    let unknown = || asked.iter().map(|_| Step::Settled(Whose::Unknown)).collect();
    let Some(first) = asked.first() else { return Shared::default() };
    let Ok(sockets) = all(diag) else { return Shared { steps: unknown(), ..Shared::default() } };
    let place = Place::of(server, path(first));
    let sockets: HashMap<u32, Socket> = sockets.into_iter().map(|socket| (socket.inode, socket)).collect();
    if let Some(descriptors) = place.descriptors(table, &sockets, server.pid) {
        let steps = asked.iter().map(|peer| row(&descriptors, &sockets, peer)).collect();
        return Shared { steps, ends: Wanted::default() };
    }
    let accepted = sockets.values().filter(|socket| !socket.listens && place.has(socket));
    let uid = |inode: u32| sockets.get(&inode).and_then(|socket| socket.uid);
    let ends = accepted.filter_map(|socket| socket.peer).map(|inode| (inode, uid(inode))).collect();
    Shared { steps: unknown(), ends }
}

/// The path in a row's address: `/run/redis.sock:0`.
fn path(peer: &Peer) -> &str {
    peer.addr.strip_suffix(":0").unwrap_or(&peer.addr)
}

/// The client of a row, by the server's descriptor.
fn row(descriptors: &Descriptors, sockets: &HashMap<u32, Socket>, peer: &Peer) -> Step {
    let Some(fd) = peer.fd.and_then(|fd| i32::try_from(fd).ok()) else {
        return Step::Settled(Whose::Unknown);
    };
    let accepted = descriptors.socket(fd).and_then(|inode| sockets.get(&inode));
    // A descriptor that has become something else is of a client that has gone.
    let accepted = accepted.filter(|socket| String::from_utf8_lossy(&socket.name) == path(peer));
    match accepted.and_then(|socket| socket.peer) {
        Some(inode) => Step::Socket { inode, uid: sockets.get(&inode).and_then(|socket| socket.uid) },
        None => Step::Settled(Whose::Gone),
    }
}

/// Where a server's unix socket is.
struct Place<'a> {
    /// As the server was told it: relative to its directory, perhaps.
    bound: &'a str,
    /// From anywhere.
    path: Option<Cow<'a, Path>>,
    file: Option<File>,
}

impl<'a> Place<'a> {
    fn of(server: &'a ServerEnd, bound: &'a str) -> Self {
        let absolute = Some(Path::new(bound)).filter(|path| path.is_absolute());
        let path = match &server.reached {
            Reached::Unix(path) => Some(Cow::Borrowed(path.as_path())),
            Reached::Tcp(_) => absolute.map(Cow::Borrowed),
        };
        Self { bound, file: path.as_deref().and_then(File::at), path }
    }

    fn has(&self, socket: &Socket) -> bool {
        self.path.as_deref().is_some_and(|path| socket.is_at(path, self.file))
    }

    /// The server's descriptors, if they may be seen. A process is the server if it has the socket that listens here:
    /// the number that INFO gives may be one of another namespace or machine.
    fn descriptors(
        &self,
        table: &mut Table,
        sockets: &HashMap<u32, Socket>,
        pid: Option<u32>,
    ) -> Option<Descriptors> {
        let of = |pid: u32| Opened::new(pid)?.descriptors().ok();
        let listens = |inode: &u32| {
            let here = |socket: &Socket| self.has(socket) || socket.name == self.bound.as_bytes();
            sockets.get(inode).is_some_and(|socket| socket.listens && here(socket))
        };
        if let Some(descriptors) = pid.and_then(of)
            && descriptors.sockets().any(|(_, inode)| listens(&inode))
        {
            return Some(descriptors);
        }
        let listener = sockets.values().find(|socket| socket.listens && self.has(socket))?;
        let found = table.find(Wanted::from([(listener.inode, listener.uid)]));
        let (process, _) = found.holders.get(&listener.inode)?;
        of(process.pid)
    }
}
