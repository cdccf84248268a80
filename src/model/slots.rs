//! What the pools believe of their connections, held against what the server and the kernel believe.
//!
//! The three are asked one after another, and a connection may be opened or closed between: only what two looks in a
//! row say of the same connection is taken for a disagreement.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use super::connections::Connections;
use crate::event::{Client, Slots, Socket, Stamp, TcpState};
use crate::snapshot::{Beliefs, ConnectionRow, Stray, StrayKind, Told};

/// Looks in a row that must agree on what is odd.
const LOOKS: u32 = 2;

/// Strays that are kept.
const STRAYS: usize = 256;

/// What tells one stray from another: its client id, or its address.
type Key = (Option<u64>, Option<SocketAddr>);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Joined {
    /// Connections that somebody did not know of at the last look, and at how many in a row.
    doubted: HashMap<crate::event::ConnId, u32>,
    strays: BTreeMap<Key, (Stray, u32)>,
    published: Option<Arc<[Stray]>>,
}

/// One look, by what it is looked up by.
struct Look<'a> {
    at: Stamp,
    asked: BTreeSet<u64>,
    listed: HashMap<u64, &'a Arc<Client>>,
    sockets: Option<HashMap<SocketAddr, Socket>>,
}

impl Joined {
    /// Takes one look. `opening` says that some pool is opening a connection: its socket is in no pool yet.
    pub(super) fn look<'p>(
        &mut self,
        at: Stamp,
        slots: &Slots,
        pools: impl Iterator<Item = &'p mut Connections>,
        opening: bool,
    ) {
        let by_address = |sockets: &Vec<Socket>| sockets.iter().map(|one| (one.local, *one)).collect();
        let look = Look {
            at,
            asked: slots.asked.iter().copied().collect(),
            listed: slots.listed.iter().map(|client| (client.id, client)).collect(),
            sockets: slots.sockets.as_ref().map(by_address),
        };
        let mut ids = BTreeSet::new();
        let mut ends = BTreeSet::new();
        let before = std::mem::take(&mut self.doubted);
        for connections in pools {
            connections.each(|row| {
                ids.extend(row.server_id);
                ends.extend(row.local);
                let (server, kernel) = (look.server(row), look.kernel(row));
                let closed = matches!(kernel, Told::Some(Socket { state: TcpState::CloseWait, .. }));
                let doubtful = server == Told::None || kernel == Told::None || closed;
                let doubts = if doubtful { before.get(&row.id).map_or(1, |doubts| doubts + 1) } else { 0 };
                if doubts > 0 {
                    self.doubted.insert(row.id, doubts);
                }
                Beliefs { at, server, kernel, half_open: doubts >= LOOKS }
            });
        }
        self.stray(&look, &ids, &ends, opening);
    }

    fn stray(&mut self, look: &Look<'_>, ids: &BTreeSet<u64>, ends: &BTreeSet<SocketAddr>, opening: bool) {
        let ghosts = look.listed.values().filter(|client| !ids.contains(&client.id)).map(|client| {
            let local: Option<SocketAddr> = client.addr.parse().ok();
            let socket = local.and_then(|local| look.sockets.as_ref()?.get(&local).copied());
            // What this process still has a socket of is no ghost.
            let kind = if socket.is_some() { StrayKind::Orphan } else { StrayKind::Ghost };
            let client = Some(Arc::clone(client));
            Stray {
                kind,
                since: look.at,
                server_id: client.as_ref().map(|client| client.id),
                local,
                client,
                socket,
            }
        });
        let named: BTreeSet<SocketAddr> =
            look.listed.values().filter_map(|client| client.addr.parse().ok()).collect();
        let sockets = look.sockets.iter().flat_map(HashMap::values).filter(|socket| {
            !opening && !ends.contains(&socket.local) && !named.contains(&socket.local) && socket.is_open()
        });
        let orphans = sockets.map(|socket| Stray {
            kind: StrayKind::Orphan,
            since: look.at,
            server_id: None,
            local: Some(socket.local),
            client: None,
            socket: Some(*socket),
        });
        let before = std::mem::take(&mut self.strays);
        for stray in ghosts.chain(orphans).take(STRAYS) {
            let key = (stray.server_id, stray.local);
            let (since, looks) =
                before.get(&key).map_or((stray.since, 0), |(known, looks)| (known.since, *looks));
            self.strays.insert(key, (Stray { since, ..stray }, looks.saturating_add(1)));
        }
        self.published = None;
    }

    /// What is in no pool.
    pub(super) fn strays(&mut self) -> Arc<[Stray]> {
        let strays = &self.strays;
        let sure = || strays.values().filter(|(_, looks)| *looks >= LOOKS).map(|(stray, _)| stray.clone());
        self.published.get_or_insert_with(|| sure().collect()).clone()
    }
}

impl Socket {
    /// Whether it is one that could be used.
    fn is_open(self) -> bool {
        matches!(self.state, TcpState::Established | TcpState::CloseWait)
    }
}

impl Look<'_> {
    fn server(&self, row: &ConnectionRow) -> Told<Arc<Client>> {
        let Some(id) = row.server_id.filter(|id| self.asked.contains(id)) else { return Told::Unknown };
        self.listed.get(&id).map_or(Told::None, |client| Told::Some(Arc::clone(client)))
    }

    fn kernel(&self, row: &ConnectionRow) -> Told<Socket> {
        let (Some(sockets), Some(local)) = (&self.sockets, row.local) else { return Told::Unknown };
        sockets.get(&local).map_or(Told::None, |socket| Told::Some(*socket))
    }
}

#[cfg(test)]
mod tests;
