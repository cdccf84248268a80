//! Whose sockets the clients are: asked beside the looks, about new clients only, one question at a time.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::Say;
use super::look::pieces;
use crate::event::{Client, WatchEvent};
use crate::net::Endpoint;
use crate::source::process::{Peer, Reached, Resolver, ServerEnd, canonical};

/// How many searches a question may take, one right after the other: what is left then is asked about with the next ones.
const SEARCHES: usize = 16;

/// What has been asked about the clients of one connection, and what is to be.
#[derive(Debug)]
pub(super) struct Owners {
    resolver: Arc<Mutex<Resolver>>,
    server: Option<ServerEnd>,
    us: Us,
    /// Clients to ask about.
    waiting: BTreeMap<u64, Peer>,
    /// Clients that came by the unix socket. Their processes are told as counts, which change with every one of them.
    unix: BTreeMap<u64, Peer>,
    /// The last of these has gone: there is nobody to ask about who would tell that.
    none_left: bool,
    /// The question under way, which gives back what there was no time for.
    under_way: Option<JoinHandle<Vec<Peer>>>,
    /// Somebody still wants to know.
    wanted: Arc<()>,
}

impl Owners {
    pub(super) fn new(resolver: Arc<Mutex<Resolver>>) -> Self {
        Self {
            resolver,
            server: None,
            us: Us::default(),
            waiting: BTreeMap::new(),
            unix: BTreeMap::new(),
            none_left: false,
            under_way: None,
            wanted: Arc::default(),
        }
    }

    /// Begins anew with a server that was reached so.
    pub(super) fn begin(&mut self, peer: Option<SocketAddr>, us: Us, endpoint: &Endpoint) {
        let reached = match endpoint {
            Endpoint::Unix(path) => Some(Reached::Unix(path.clone())),
            Endpoint::Tcp { .. } => peer.map(Reached::Tcp),
        };
        let server = reached.map(|reached| ServerEnd {
            direct: matches!(reached, Reached::Unix(_)),
            reached,
            pid: None,
        });
        *self = Self { server, us, ..Self::new(self.resolver.clone()) };
    }

    /// Everything is asked about again.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.unix.clear();
    }

    /// The number of the server's process, as it says itself.
    pub(super) fn server_is(&mut self, pid: u32) {
        if let Some(server) = &mut self.server {
            server.pid = Some(pid);
        }
    }

    /// These came.
    pub(super) fn opened(&mut self, clients: &[Arc<Client>]) {
        if let (Some(server), Some(own)) =
            (&mut self.server, clients.iter().find(|client| self.us.is(client)))
        {
            let seen = own.addr.parse().ok();
            server.direct |= seen.is_some() && seen.map(canonical) == self.us.local.map(canonical);
        }
        for client in clients {
            let unix = client.has('U');
            let (addr, laddr) = (client.addr.as_str().into(), client.laddr.clone());
            let peer = Peer { id: client.id, addr, laddr, fd: client.fd, unix };
            if unix {
                self.unix.insert(client.id, peer.clone());
            }
            self.waiting.insert(client.id, peer);
        }
    }

    /// These went.
    pub(super) fn closed(&mut self, ids: &[u64]) {
        let mut fewer = false;
        for id in ids {
            self.waiting.remove(id);
            fewer |= self.unix.remove(id).is_some();
        }
        self.none_left |= fewer && self.unix.is_empty();
        if fewer {
            self.waiting.extend(self.unix.iter().map(|(id, peer)| (*id, peer.clone())));
        }
    }

    /// Asks about those that are waiting, unless a question is under way.
    pub(super) async fn ask(&mut self, say: &Say) {
        if self.under_way.as_ref().is_some_and(|asked| !asked.is_finished()) {
            return;
        }
        if let Some(asked) = self.under_way.take() {
            // Where that failed the runtime is ending.
            for peer in asked.await.unwrap_or_default() {
                self.waiting.insert(peer.id, peer);
            }
        }
        if std::mem::take(&mut self.none_left) && self.unix.is_empty() {
            say.say(WatchEvent::UnixShares(Vec::new()));
        }
        let Some(server) = self.server.clone().filter(|_| !self.waiting.is_empty()) else { return };
        let peers: Vec<Peer> = std::mem::take(&mut self.waiting).into_values().collect();
        let (resolver, say, wanted) = (self.resolver.clone(), say.clone(), Arc::downgrade(&self.wanted));
        let resolve = move || resolve(&resolver, &server, peers, &say, &wanted);
        self.under_way = Some(tokio::task::spawn_blocking(resolve));
    }
}

/// Our own connection: what the server calls it, and our end of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Us {
    pub(super) id: Option<u64>,
    pub(super) local: Option<SocketAddr>,
}

impl Us {
    /// Where the server told no id, only the address is left to know it by.
    fn is(&self, client: &Client) -> bool {
        match self.id {
            Some(id) => client.id == id,
            None => self.local.is_some_and(|local| client.addr.parse() == Ok(local)),
        }
    }
}

/// Gives back those for whom there was no time.
fn resolve(
    resolver: &Mutex<Resolver>,
    server: &ServerEnd,
    mut peers: Vec<Peer>,
    say: &Say,
    wanted: &Weak<()>,
) -> Vec<Peer> {
    // How many each process has at a unix socket is counted anew by every search.
    let searches = if peers.iter().any(|peer| peer.unix) { 1 } else { SEARCHES };
    for _ in 0..searches {
        // The next look may be many seconds away, and the program may end before.
        if peers.is_empty() || wanted.strong_count() == 0 {
            break;
        }
        // Others may ask between two searches.
        let told = resolver.lock().resolve(server, &peers);
        pieces(told.owners, |piece| say.say(WatchEvent::Owners(piece)));
        if peers.iter().any(|peer| peer.unix) {
            say.say(WatchEvent::UnixShares(told.shares));
        }
        let later: HashSet<u64> = told.later.into_iter().collect();
        peers.retain(|peer| later.contains(&peer.id));
    }
    peers
}
