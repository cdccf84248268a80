//! This process's own TCP connections to a server.
//!
//! They are asked for one by one: a dump of all that go to the server's port takes milliseconds where other programs have
//! thousands there, and whoever asks does so every second.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;
use rustix::net::{getpeername, getsockname};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::inet::{self, Socket};
use super::netlink::Netlink;
use crate::source::process::canonical;

/// Of more sockets than these a dump is cheaper.
const FEW: usize = 500;

/// The connections to a server among our sockets, which are given by descriptor and inode.
pub(super) fn connected(
    diag: &mut Netlink,
    server: SocketAddr,
    sockets: &[(i32, u32)],
) -> Result<Vec<Socket>, Errno> {
    match one_by_one(diag, server, sockets)? {
        Some(found) => Ok(found),
        None => all(diag, server, sockets),
    }
}

/// Those, each asked for by its two ends; `None` where they cannot be found that way.
fn one_by_one(
    diag: &mut Netlink,
    server: SocketAddr,
    sockets: &[(i32, u32)],
) -> Result<Option<Vec<Socket>>, Errno> {
    // The kernel finds a link's own addresses only with the link.
    let is_link = matches!(server.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local());
    if is_link || sockets.len() > FEW {
        return Ok(None);
    }
    let Some(locals) = locals(server, sockets) else { return Ok(None) };
    let mut found = Vec::with_capacity(locals.len());
    for local in locals {
        match inet::exact(diag, local, server)? {
            Some(socket) => found.push(socket),
            // One that is bound to a device is found by a dump only.
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// Our ends of what is connected to a server; `None` where a process may not look at its own descriptors, as under an old
/// kernel or a container's rules.
///
/// Each descriptor is looked at through a copy, which keeps its connection open for some microseconds at the most.
fn locals(server: SocketAddr, sockets: &[(i32, u32)]) -> Option<Vec<SocketAddr>> {
    let ourselves = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
    let mut locals = Vec::new();
    for (fd, _) in sockets {
        let copy = match pidfd_getfd(&ourselves, *fd, PidfdGetfdFlags::empty()) {
            Ok(copy) => copy,
            // Closed meanwhile.
            Err(Errno::BADF) => continue,
            Err(_) => return None,
        };
        // What is not connected has no peer, and a unix socket none with a port.
        let Some(peer) = getpeername(&copy).ok().flatten().and_then(|peer| SocketAddr::try_from(peer).ok())
        else {
            continue;
        };
        if canonical(peer) == server
            && let Some(local) = getsockname(&copy).ok().and_then(|local| SocketAddr::try_from(local).ok())
        {
            locals.push(canonical(local));
        }
    }
    // A copy of a socket has its address too.
    locals.sort_unstable();
    locals.dedup();
    Some(locals)
}

/// Those, among everything that goes to the server's port.
fn all(diag: &mut Netlink, server: SocketAddr, sockets: &[(i32, u32)]) -> Result<Vec<Socket>, Errno> {
    let own: HashSet<u32> = sockets.iter().map(|(_, inode)| *inode).collect();
    let mut found = Vec::new();
    inet::going_to(diag, server.port(), |socket| {
        if socket.peer == server && own.contains(&socket.inode) {
            found.push(socket);
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::super::files::Opened;
    use super::*;

    #[test]
    fn one_by_one_the_same_are_found_as_among_all() {
        for host in ["127.0.0.1", "[::1]"] {
            let listener = TcpListener::bind(format!("{host}:0")).expect("a port");
            let server = listener.local_addr().expect("an address");
            let elsewhere = TcpListener::bind(format!("{host}:0")).expect("a port");
            let elsewhere = TcpStream::connect(elsewhere.local_addr().expect("one")).expect("a connection");
            let ours: Vec<_> = (0..3).map(|_| TcpStream::connect(server).expect("a connection")).collect();
            let copy = ours[0].try_clone().expect("a copy");
            // The server has closed one of them, and accepted none of the others.
            drop(listener.accept().expect("a client"));
            let sockets: Vec<_> = Opened::new(std::process::id())
                .and_then(|opened| Some(opened.descriptors().ok()?.sockets().collect()))
                .expect("our descriptors");
            let mut diag = inet::open().expect("sock_diag");
            let mut among_all = all(&mut diag, server, &sockets).expect("an answer");
            among_all.sort_unstable_by_key(|socket| socket.local);
            let found = one_by_one(&mut diag, server, &sockets).expect("an answer").expect("found");
            assert_eq!(found, among_all);
            let mut ends: Vec<_> = ours.iter().map(|one| one.local_addr().expect("an end")).collect();
            ends.sort_unstable();
            assert_eq!(found.iter().map(|socket| socket.local).collect::<Vec<_>>(), ends);
            drop((copy, elsewhere));
        }
    }
}
