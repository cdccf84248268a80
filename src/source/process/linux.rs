//! Linux: sockets by `sock_diag`, processes by `/proc`.

mod cgroup;
mod describe;
mod files;
mod inet;
mod local;
mod mask;
mod netlink;
mod table;
mod tcp;
mod text;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::net::SocketAddr;

use rustix::process::geteuid;

use self::local::Local;
use self::table::{Found, Table};
use self::tcp::{Ends, Sockets};
use super::{Peer, Reached, Resolved, ServerEnd};
use crate::event::{Owner, Whose};

/// What is kept between two questions.
#[derive(Debug, Default)]
pub(super) struct System {
    local: Local,
    sockets: Sockets,
    table: Table,
}

/// What is known of a client before any process is asked.
enum Step {
    Settled(Whose),
    /// The socket of a process that is to be found.
    Socket {
        inode: u32,
        uid: u32,
    },
}

impl System {
    pub(super) fn resolve(&mut self, server: &ServerEnd, new: &[Peer]) -> Resolved {
        if new.is_empty() {
            return Resolved::default();
        }
        if let Reached::Tcp(address) = server.reached
            && !self.local.has(address.ip())
        {
            return all(new, &Whose::Remote);
        }
        let steps = self.tcp(server, new);
        self.settle(new, steps)
    }

    /// The first step for every client.
    fn tcp(&mut self, server: &ServerEnd, new: &[Peer]) -> Vec<Step> {
        let ends: Vec<Result<Ends, Whose>> = new.iter().map(|peer| self.ends(server, peer)).collect();
        let asked: Vec<Ends> = ends.iter().filter_map(|ends| ends.as_ref().ok().copied()).collect();
        let mut found = self.sockets.find(&asked).into_iter();
        let mut step = |ends: Result<Ends, Whose>| match ends {
            Err(whose) => Step::Settled(whose),
            Ok(_) => found.next().unwrap_or(Step::Settled(Whose::Unknown)),
        };
        ends.into_iter().map(&mut step).collect()
    }

    /// Both ends of a client's connection, if the client's is here.
    fn ends(&mut self, server: &ServerEnd, peer: &Peer) -> Result<Ends, Whose> {
        if peer.unix {
            return Err(Whose::Unknown);
        }
        let parse = |text: &str| text.parse::<SocketAddr>().ok().map(canonical);
        let local = parse(&peer.addr).ok_or(Whose::Unknown)?;
        if !self.local.has(local.ip()) {
            return Err(Whose::Remote);
        }
        let reached = match server.reached {
            Reached::Tcp(address) => Some(canonical(address)),
            Reached::Unix(_) => None,
        };
        let told = peer.laddr.as_deref().and_then(parse);
        Ok(Ends { local, peer: told.or(reached).ok_or(Whose::Unknown)? })
    }

    /// Finds the processes of the sockets there are.
    fn settle(&mut self, new: &[Peer], steps: Vec<Step>) -> Resolved {
        let mut wanted: HashSet<u32> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Socket { inode, .. } => Some(*inode),
                Step::Settled(_) => None,
            })
            .collect();
        let found = if wanted.is_empty() { Found::default() } else { self.table.find(&mut wanted) };
        let mut resolved = Resolved::default();
        for (peer, step) in new.iter().zip(steps) {
            match whose(step, &found) {
                Some(whose) => resolved.owners.push(Owner { client: peer.id, whose }),
                None => resolved.later.push(peer.id),
            }
        }
        resolved
    }
}

/// `None` while not every process has been asked.
fn whose(step: Step, found: &Found) -> Option<Whose> {
    let (inode, uid) = match step {
        Step::Settled(whose) => return Some(whose),
        Step::Socket { inode, uid } => (inode, uid),
    };
    if let Some((process, fd)) = found.holders.get(&inode) {
        return Some(Whose::Process { process: process.clone(), fd: *fd });
    }
    if found.unfinished {
        return None;
    }
    let us = geteuid();
    let is_other = !us.is_root() && us.as_raw() != uid;
    Some(if is_other || found.closed.contains(&uid) { Whose::Hidden { uid } } else { Whose::Namespace })
}

fn all(new: &[Peer], whose: &Whose) -> Resolved {
    let owners = new.iter().map(|peer| Owner { client: peer.id, whose: whose.clone() }).collect();
    Resolved { owners, ..Resolved::default() }
}

/// An IPv4 address that is written as one of IPv6 is an IPv4 address, and no zone is part of any.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
