//! Connections of an app's pools, held against the clients of watched servers: each is the server's client of the same
//! id and the same end, as far as the app knows them.
//!
//! Ids start again with a server, and an address is another's once its connection is closed: where only one of the two
//! is known, both have to be of one age as well. Who has no client has none that is known, for there may be a proxy or a
//! translation of addresses between; only what had one and has it no more at two looks in a row is half-open.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::clients::{Clients, Entry, Node};
use super::pool::Pool;
use crate::event::{ConnId, NodeId, PoolId, Site, Socket, Stamp};
use crate::snapshot::{Beliefs, ConnectionRow, Told};

/// Looks in a row that must lack a client before its connection is half-open.
const LOOKS: u32 = 2;

/// So far apart two may be that began at the same time: the server tells ages in whole seconds, and accepts when it has
/// time.
const SLACK: i64 = 3_000_000_000;

/// How often they are joined at most for connections alone, between the servers' looks.
const EVERY: Duration = Duration::from_millis(250);

/// Whose clients are: by server and client id.
pub(super) type Taken = BTreeMap<(NodeId, u64), (PoolId, ConnId)>;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats {
    known: HashMap<ConnId, Seat>,
    /// Connections came or went since.
    stale: bool,
    /// A server's clients did.
    looked: bool,
    at: Stamp,
}

/// The client that a connection had last.
#[derive(Clone, Copy, Debug)]
struct Seat {
    node: NodeId,
    client: u64,
    /// Looks in a row that lack it.
    missing: u32,
    /// The last look that was counted.
    looked: Option<Stamp>,
}

impl Seats {
    /// Connections of an app came or went.
    pub(super) fn stale(&mut self) {
        self.stale = true;
    }

    /// A server was looked at, or is watched no more.
    pub(super) fn looked(&mut self) {
        self.looked = true;
    }

    /// Joins them anew, where that may change anything.
    pub(super) fn tick(&mut self, now: Stamp, pools: &mut BTreeMap<PoolId, Pool>, watched: &mut Clients) {
        let due = self.looked || (self.stale && now.since(self.at) >= EVERY);
        if !due || watched.nodes().next().is_none() {
            return;
        }
        (self.stale, self.looked, self.at) = (false, false, now);
        let (taken, ends) = self.join(pools, watched);
        watched.taken(&taken);
        watched.keep_sockets(&ends);
    }

    /// Gives whose clients are, and the ends of all connections.
    fn join(
        &mut self,
        pools: &mut BTreeMap<PoolId, Pool>,
        watched: &Clients,
    ) -> (Taken, HashSet<SocketAddr>) {
        let servers = Servers::of(watched, pools);
        let before = std::mem::take(&mut self.known);
        let (mut taken, mut ends) = (Taken::new(), HashSet::new());
        for (&pool, state) in pools.iter_mut().filter(|(_, pool)| pool.is_inside()) {
            let site = Site::of_pool(state.target());
            let behind = state.connections.is_behind();
            state.connections.seat(|row| {
                ends.extend(row.local.map(canonical));
                let seat = match servers.find(site.as_ref(), row) {
                    Some((server, client)) => Some(server.seat(client)),
                    None => before.get(&row.id).and_then(|seat| servers.still(*seat, row, behind)),
                };
                self.known.extend(seat.map(|seat| (row.id, seat)));
                let kernel = servers.kernel(site.as_ref(), row);
                let (client, beliefs) = servers.believe(seat, kernel)?;
                if let Some(client) = client {
                    // What a fork inherited is there twice, and belongs to the process that had it first.
                    taken.entry(client).or_insert((pool, row.id));
                }
                Some((client, beliefs))
            });
        }
        (taken, ends)
    }
}

/// The servers, with their clients by what these are looked up by.
struct Servers<'a>(Vec<Server<'a>>);

struct Server<'a> {
    node: &'a Node,
    site: Option<Site>,
    ends: HashMap<SocketAddr, &'a Entry>,
}

impl<'a> Servers<'a> {
    fn of(watched: &'a Clients, pools: &BTreeMap<PoolId, Pool>) -> Self {
        // Whether any address is wanted: a server may have many clients.
        let rows = pools.values().filter(|pool| pool.is_inside()).flat_map(|pool| pool.connections.rows());
        let by_end = rows.into_iter().any(|row| row.local.is_some());
        let servers = watched.nodes().filter(|node| !node.is_stopped()).map(|node| {
            let entries = node.rows.iter().filter(|_| by_end).map(|(_, entry)| entry);
            let ends = entries.filter_map(|entry| Some((end(entry)?, entry))).collect();
            Server { node, site: Site::of_server(node.target()), ends }
        });
        Self(servers.collect())
    }

    /// The client that a connection of a pool of that site is. Where nobody watches under that name, and the pool's end
    /// is known, it may be under another; not if it may be at two.
    fn find(&self, site: Option<&Site>, row: &ConnectionRow) -> Option<(&Server<'a>, &'a Entry)> {
        if let Some(server) = self.at(site) {
            return Some((server, server.client(row)?));
        }
        row.local?;
        let mut found = self.0.iter().filter_map(|server| Some((server, server.client(row)?)));
        found.next().filter(|_| found.next().is_none())
    }

    /// What is known of a connection that had a client and is not found: looks that lack it are counted. Where it may be
    /// at two servers by now, it is where it was.
    fn still(&self, seat: Seat, row: &ConnectionRow, behind: bool) -> Option<Seat> {
        let server = self.get(seat.node)?;
        if let Some(entry) = server.client(row) {
            return Some(server.seat(entry));
        }
        let looked = server.node.looked_at();
        let counts = looked != seat.looked && !behind && !server.node.is_cut();
        Some(Seat { missing: seat.missing.saturating_add(u32::from(counts)), looked, ..seat })
    }

    /// What the kernel believes of a connection of a pool of that site, and since when.
    fn kernel(&self, site: Option<&Site>, row: &ConnectionRow) -> Option<(Stamp, Told<Socket>)> {
        self.at(site)?.node.sockets.get(row.local?)
    }

    /// What a connection's row says of all that.
    fn believe(
        &self,
        seat: Option<Seat>,
        kernel: Option<(Stamp, Told<Socket>)>,
    ) -> Option<(Option<(NodeId, u64)>, Beliefs)> {
        let Some((seat, server)) = seat.and_then(|seat| Some((seat, self.get(seat.node)?))) else {
            let (at, kernel) = kernel?;
            return Some((None, Beliefs { at, server: Told::Unknown, kernel, half_open: false }));
        };
        let kernel = kernel.map_or(Told::Unknown, |(_, kernel)| kernel);
        let entry = server.node.rows.get(seat.client).filter(|_| seat.missing == 0);
        let at = entry.map(|entry| entry.row.at).or(seat.looked)?;
        let told = entry.map_or(Told::None, |entry| Told::Some(Arc::clone(&entry.row.client)));
        let beliefs = Beliefs { at, server: told, kernel, half_open: seat.missing >= LOOKS };
        Some((entry.map(|_| (seat.node, seat.client)), beliefs))
    }

    fn at(&self, site: Option<&Site>) -> Option<&Server<'a>> {
        let site = site?;
        self.0.iter().find(|server| server.site.as_ref().is_some_and(|there| there.is_same(site)))
    }

    fn get(&self, node: NodeId) -> Option<&Server<'a>> {
        self.0.iter().find(|server| server.node.id == node)
    }
}

impl<'a> Server<'a> {
    fn client(&self, row: &ConnectionRow) -> Option<&'a Entry> {
        let entry = match (row.server_id, row.local.map(canonical)) {
            (Some(id), Some(local)) => self.node.rows.get(id).filter(|entry| end(entry) == Some(local)),
            (Some(id), None) => self.node.rows.get(id).filter(|entry| began_with(entry, row)),
            (None, Some(local)) => self.ends.get(&local).copied().filter(|entry| began_with(entry, row)),
            (None, None) => None,
        };
        entry.filter(|entry| !entry.row.own)
    }

    fn seat(&self, entry: &Entry) -> Seat {
        Seat { node: self.node.id, client: entry.row.client.id, missing: 0, looked: self.node.looked_at() }
    }
}

/// A client's own end, of one that came by TCP.
fn end(entry: &Entry) -> Option<SocketAddr> {
    entry.row.client.addr.parse().ok().map(canonical)
}

/// An IPv4 address that is written as one of IPv6 is an IPv4 address.
pub(super) fn canonical(end: SocketAddr) -> SocketAddr {
    SocketAddr::new(end.ip().to_canonical(), end.port())
}

/// Whether a client can have begun when the connection was opened, as far as both are known.
fn began_with(entry: &Entry, row: &ConnectionRow) -> bool {
    let Some(opened) = row.opened else { return true };
    let nanos = |stamp: Stamp| i64::try_from(stamp.0).unwrap_or(i64::MAX);
    let age = i64::try_from(entry.row.client.age).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    // It is that old, and less than a second more.
    let latest = nanos(entry.row.at).saturating_sub(age);
    let earliest = latest.saturating_sub(1_000_000_000);
    let took = row.steps.map_or(Duration::ZERO, |steps| steps.total());
    let dialled = nanos(opened).saturating_sub(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX));
    earliest.saturating_sub(nanos(opened)) <= SLACK && dialled.saturating_sub(latest) <= SLACK
}

#[cfg(test)]
mod tests;
