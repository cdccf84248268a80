//! Linux: sockets by `sock_diag`, processes by `/proc`.

mod cgroup;
mod describe;
mod files;
mod inet;
mod local;
mod mask;
mod netlink;
mod own;
mod shared;
mod table;
mod tcp;
mod text;
mod unix;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::geteuid;

use self::files::Opened;
use self::local::{Local, Where};
use self::netlink::Netlink;
use self::shared::Shared;
use self::table::{Found, Table, Wanted};
use self::tcp::Ends;
use super::{Peer, Reached, Resolved, ServerEnd, TcpState, canonical};
use crate::event::{Owner, Process, Whose};

/// What is kept between two questions.
#[derive(Debug, Default)]
pub(super) struct System {
    local: Local,
    diag: Option<Netlink>,
    table: Table,
}

/// What is known of a client before any process is asked.
#[derive(Debug)]
enum Step {
    Settled(Whose),
    /// The socket of a process that is to be found.
    Socket {
        inode: u32,
        uid: Option<u32>,
    },
}

impl System {
    pub(super) fn resolve(&mut self, server: &ServerEnd, new: &[Peer]) -> Resolved {
        if new.is_empty() {
            return Resolved::default();
        }
        if let Reached::Tcp(address) = server.reached
            && self.local.place(address.ip()) == Where::Elsewhere
        {
            return all(new, &Whose::Remote);
        }
        let (unix, tcp): (Vec<&Peer>, Vec<&Peer>) = new.iter().partition(|peer| peer.unix);
        let Ok(mut diag) = self.diag.take().map_or_else(inet::open, Ok) else {
            return all(new, &Whose::Unknown);
        };
        let shared = shared::look(&mut diag, &mut self.table, server, &unix);
        let steps = self.tcp(&mut diag, server, &tcp);
        self.diag = Some(diag);
        self.settle(unix.into_iter().chain(tcp), steps, shared)
    }

    pub(super) fn state(&mut self, local: SocketAddr, peer: SocketAddr) -> Option<TcpState> {
        let found = self.ask(|diag| inet::exact(diag, canonical(local), canonical(peer)))?;
        Some(found.map_or(TcpState::Gone, |socket| socket.state()))
    }

    pub(super) fn ours(&mut self, server: SocketAddr) -> Option<Vec<(SocketAddr, TcpState)>> {
        let server = canonical(server);
        let sockets: Vec<(i32, u32)> =
            Opened::new(std::process::id())?.descriptors().ok()?.sockets().collect();
        let found = self.ask(|diag| own::connected(diag, server, &sockets))?;
        Some(found.iter().map(|socket| (socket.local, socket.state())).collect())
    }

    /// Asks the kernel, over the socket that is open already or else a new one.
    fn ask<T>(&mut self, question: impl FnOnce(&mut Netlink) -> Result<T, Errno>) -> Option<T> {
        let mut diag = self.diag.take().map_or_else(inet::open, Ok).ok()?;
        // One that has failed is not asked again.
        let answer = question(&mut diag).ok()?;
        self.diag = Some(diag);
        Some(answer)
    }

    /// The first step for every client that came by TCP.
    fn tcp(&mut self, diag: &mut Netlink, server: &ServerEnd, asked: &[&Peer]) -> Vec<Step> {
        let ends: Vec<Result<Ends, Whose>> = asked.iter().map(|peer| self.ends(server, peer)).collect();
        let here: Vec<Ends> = ends.iter().filter_map(|ends| ends.as_ref().ok().copied()).collect();
        let mut found = tcp::find(diag, &mut self.local, server, &here).into_iter();
        let step = |ends: Result<Ends, Whose>| match ends {
            Err(whose) => Step::Settled(whose),
            Ok(_) => found.next().unwrap_or(Step::Settled(Whose::Unknown)),
        };
        ends.into_iter().map(step).collect()
    }

    /// Both ends of a client's connection, if the client's is here.
    fn ends(&mut self, server: &ServerEnd, peer: &Peer) -> Result<Ends, Whose> {
        let parse = |text: &str| text.parse::<SocketAddr>().ok().map(canonical);
        let local = parse(&peer.addr).ok_or(Whose::Unknown)?;
        match self.local.place(local.ip()) {
            Where::Here => {}
            Where::Inside => return Err(Whose::Namespace),
            Where::Elsewhere => return Err(Whose::Remote),
        }
        let reached = match server.reached {
            Reached::Tcp(address) => Some(canonical(address)),
            Reached::Unix(_) => None,
        };
        let told = peer.laddr.as_deref().and_then(parse);
        Ok(Ends { local, peer: told.or(reached).ok_or(Whose::Unknown)?, told: told.is_some() })
    }

    /// Finds the processes of the sockets there are.
    fn settle<'a>(
        &mut self,
        asked: impl Iterator<Item = &'a Peer>,
        tcp: Vec<Step>,
        shared: Shared,
    ) -> Resolved {
        let steps: Vec<Step> = shared.steps.into_iter().chain(tcp).collect();
        let sockets = steps.iter().filter_map(|step| match step {
            Step::Socket { inode, uid } => Some((*inode, *uid)),
            Step::Settled(_) => None,
        });
        let mut wanted: Wanted = sockets.collect();
        wanted.extend(&shared.ends);
        let found = if wanted.is_empty() { Found::default() } else { self.table.find(wanted) };
        let mut resolved = Resolved { shares: shares(&shared.ends, &found), ..Resolved::default() };
        for (peer, step) in asked.zip(steps) {
            match self.whose(step, &found) {
                // Its process may have closed it while processes were asked.
                Some(Whose::Namespace) if self.has_ended(peer) => {
                    resolved.owners.push(Owner { client: peer.id, whose: Whose::Gone });
                }
                Some(whose) => resolved.owners.push(Owner { client: peer.id, whose }),
                None => resolved.later.push(peer.id),
            }
        }
        resolved
    }

    /// Whether a client's socket is closed by now.
    fn has_ended(&mut self, peer: &Peer) -> bool {
        let (Ok(local), Some(Ok(server))) = (peer.addr.parse(), peer.laddr.as_deref().map(str::parse)) else {
            return false;
        };
        matches!(self.state(local, server), Some(TcpState::Gone | TcpState::Closing))
    }

    /// `None` while not every process has been asked.
    fn whose(&self, step: Step, found: &Found) -> Option<Whose> {
        let (inode, uid) = match step {
            Step::Settled(whose) => return Some(whose),
            Step::Socket { inode, uid } => (inode, uid),
        };
        if let Some((process, fd)) = found.holders.get(&inode) {
            return Some(Whose::Process { process: Arc::clone(process), fd: *fd });
        }
        if found.unfinished {
            return None;
        }
        let Some(uid) = uid else { return Some(Whose::Unknown) };
        let us = geteuid();
        let is_other = !us.is_root() && us.as_raw() != uid;
        Some(if is_other || self.table.is_closed(uid) { Whose::Hidden { uid } } else { Whose::Namespace })
    }
}

/// How many of the sockets each process has, most first.
fn shares(ends: &Wanted, found: &Found) -> Vec<(Arc<Process>, u64)> {
    let mut counts: HashMap<u32, (Arc<Process>, u64)> = HashMap::new();
    for (process, _) in ends.keys().filter_map(|inode| found.holders.get(inode)) {
        counts.entry(process.pid).or_insert_with(|| (Arc::clone(process), 0)).1 += 1;
    }
    let mut shares: Vec<_> = counts.into_values().collect();
    shares.sort_unstable_by_key(|(process, count)| (std::cmp::Reverse(*count), process.pid));
    shares
}

fn all(new: &[Peer], whose: &Whose) -> Resolved {
    let owners = new.iter().map(|peer| Owner { client: peer.id, whose: whose.clone() }).collect();
    Resolved { owners, ..Resolved::default() }
}
