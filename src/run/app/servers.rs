//! The servers of an app's pools, asked what they know of its connections.
//!
//! Nobody is asked before a pool of theirs has opened a connection, and of the others only those on this machine are: the
//! app's own login never leaves it, and nobody else's is sent away for its sake. Where options name a server, no other is
//! asked. One that the environment or the file names is asked with its login where a pool is connected to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::{AppSettings, Settings};
use crate::event::{Clock, Event, NodeId, Site, Tap, WatchEvent};
use crate::hub::Hub;
use crate::net::{ConnectOptions, Endpoint};
use crate::snapshot::{PoolRow, Snapshot};
use crate::source::ends::{Ends, Sockets};
use crate::source::watch::{self, ClientWatch};

/// The most servers that are asked at one time.
const SERVERS: usize = 8;

/// How long after its last pool a server is still asked: pools come and go.
const AFTER: Duration = Duration::from_secs(10);

/// How often the kernel is asked about the app's connections.
const EVERY: Duration = Duration::from_secs(1);

/// Who is asked, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Whom {
    /// The server that is named, and the login.
    connect: ConnectOptions,
    named: Named,
}

/// Who says where the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// Options: it may be what the app has another name for.
    Options,
    /// The environment or the file.
    Others,
    /// Nobody: what login is given is for all that are asked.
    Nobody,
}

/// The asking. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Servers(JoinHandle<()>);

impl Drop for Servers {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Servers {
    /// Asks them from now on, as pools report.
    pub(super) fn ask(whom: Whom, hub: &Hub, clock: Clock) -> Self {
        let asking = Asking {
            whom,
            tap: hub.tap(),
            clock,
            asked: Vec::new(),
            next: 0,
            sockets: Some(Sockets::default()),
        };
        Self(tokio::spawn(asking.run(hub.clone())))
    }
}

struct Asking {
    whom: Whom,
    tap: Tap,
    clock: Clock,
    asked: Vec<Asked>,
    /// The number of the next server.
    next: u32,
    /// Asks the kernel; away while it does.
    sockets: Option<Sockets>,
}

/// A server that is asked.
struct Asked {
    site: Option<Site>,
    watch: ClientWatch,
    /// When a pool of it was last seen.
    seen: Instant,
}

impl Asking {
    async fn run(mut self, hub: Hub) {
        let mut snapshots = hub.subscribe();
        let mut due = Instant::now();
        while snapshots.changed().await.is_ok() {
            let snapshot = snapshots.borrow_and_update().clone();
            for server in self.wanted(&snapshot) {
                let site = Site::of_server(&server.target());
                let watch =
                    watch::watch(server, NodeId(self.next), watch::INTERVAL, self.tap.clone(), self.clock);
                hub.attach(watch.source());
                self.next += 1;
                self.asked.push(Asked { site, watch, seen: Instant::now() });
            }
            self.leave();
            if due <= Instant::now() {
                self.ask_kernel(&snapshot).await;
                due = Instant::now() + EVERY;
            }
        }
    }

    /// Tells what the kernel believes of the app's connections, where that is new.
    async fn ask_kernel(&mut self, snapshot: &Snapshot) {
        let mut sockets = self.sockets.take().unwrap_or_default();
        let ends = self.ends(snapshot);
        let looking = tokio::task::spawn_blocking(move || {
            let news = sockets.look(&ends);
            (sockets, news)
        });
        // Where that failed the runtime is ending.
        let Ok((sockets, news)) = looking.await else { return };
        self.sockets = Some(sockets);
        let mut by_node: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for (node, socket) in news {
            by_node.entry(node).or_default().push(socket);
        }
        for (node, sockets) in by_node {
            self.tap.emit(self.clock.now(), Event::Watch(NodeId(node), WatchEvent::Sockets(sockets)));
        }
    }

    /// Both ends of each connection to a server that is asked, and which server that is.
    fn ends(&self, snapshot: &Snapshot) -> BTreeMap<Ends, u32> {
        let sites = snapshot.pools.iter().filter(|pool| is_connected(pool)).filter_map(|pool| {
            let site = Site::of_pool(&pool.target)?;
            let asked =
                self.asked.iter().find(|asked| asked.site.as_ref().is_some_and(|at| at.is_same(&site)))?;
            Some((pool.id, (site, asked.watch.node().0)))
        });
        let sites: BTreeMap<_, _> = sites.collect();
        let ends = snapshot.connections.iter().filter_map(|row| {
            let (site, node) = sites.get(&row.pool)?;
            let local = row.local?;
            Some(((local, peer(site, local)?), *node))
        });
        ends.collect()
    }

    /// The servers of open pools that nobody asks yet.
    fn wanted(&mut self, snapshot: &Snapshot) -> Vec<ConnectOptions> {
        let mut wanted: Vec<ConnectOptions> = Vec::new();
        let now = Instant::now();
        for pool in snapshot.pools.iter().filter(|pool| is_connected(pool)) {
            let Some(server) = self.whom.server(&pool.target) else { continue };
            let site = Site::of_server(&server.target());
            let same = |other: &Option<Site>| {
                *other == site || other.as_ref().zip(site.as_ref()).is_some_and(|(a, b)| a.is_same(b))
            };
            if let Some(asked) = self.asked.iter_mut().find(|asked| same(&asked.site)) {
                asked.seen = now;
                continue;
            }
            let known = wanted.iter().any(|other| same(&Site::of_server(&other.target())));
            if !known && self.asked.len() + wanted.len() < SERVERS {
                wanted.push(server);
            }
        }
        wanted
    }

    /// Lets those be that no pool has been connected to for a while.
    fn leave(&mut self) {
        let (tap, clock) = (&self.tap, self.clock);
        self.asked.retain(|asked| {
            let stays = asked.seen.elapsed() < AFTER;
            if !stays {
                tap.emit(clock.now(), Event::Watch(asked.watch.node(), WatchEvent::Stopped));
            }
            stays
        });
    }
}

impl Whom {
    pub(super) fn new(settings: &Settings, asked: &AppSettings) -> Self {
        let named = match (asked.names_server, settings.nobody_named_it) {
            (true, _) => Named::Options,
            (false, true) => Named::Nobody,
            (false, false) => Named::Others,
        };
        Self { connect: settings.connect.clone(), named }
    }

    /// Who is to be asked about the connections of a pool of this target.
    fn server(&self, target: &str) -> Option<ConnectOptions> {
        if self.named == Named::Options {
            return Some(self.connect.clone());
        }
        let site = Site::of_pool(target)?;
        let named = || Site::of_server(&self.connect.target());
        if self.named == Named::Others && named().is_some_and(|named| named.is_same(&site)) {
            return Some(self.connect.clone());
        }
        if !site.is_here() {
            return None;
        }
        let login = match self.named {
            Named::Nobody => self.connect.clone(),
            Named::Options | Named::Others => ConnectOptions::default(),
        };
        Some(match site {
            Site::Tcp { host, port } => ConnectOptions { endpoint: Endpoint::Tcp { host, port }, ..login },
            Site::Unix(path) => {
                ConnectOptions { endpoint: Endpoint::Unix(PathBuf::from(path)), tls: None, ..login }
            }
        })
    }
}

/// The server's end of a connection that has this one. A name is known to be where the connection goes on the loopback
/// alone.
fn peer(site: &Site, local: SocketAddr) -> Option<SocketAddr> {
    let Site::Tcp { host, port } = site else { return None };
    let named: Option<IpAddr> = host.parse().ok();
    let ip =
        named.or_else(|| Some(local.ip()).filter(|ip| site.is_here() && ip.to_canonical().is_loopback()))?;
    Some(SocketAddr::new(ip, *port))
}

/// Whether it is an app's, and has ever connected.
fn is_connected(pool: &PoolRow) -> bool {
    pool.inside.is_some() && !pool.stopped && pool.totals.opened > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Secret;

    fn whom(named: Named) -> Whom {
        let endpoint = Endpoint::Tcp { host: "10.0.0.1".to_owned(), port: 6379 };
        let password = Some(Secret::new("sesame".to_owned()));
        Whom { connect: ConnectOptions { endpoint, password, ..ConnectOptions::default() }, named }
    }

    /// Whom a pool of this target leads to, and whether the login goes there.
    fn asked(named: Named, target: &str) -> Option<(String, bool)> {
        whom(named).server(target).map(|server| (server.target(), server.password.is_some()))
    }

    #[test]
    fn only_what_is_named_or_on_this_machine_is_asked() {
        let local = Some(("127.0.0.1:6379".to_owned(), false));
        assert_eq!(asked(Named::Others, "127.0.0.1:6379/0"), local);
        assert_eq!(asked(Named::Others, "/run/redis.sock/0"), Some(("/run/redis.sock".to_owned(), false)));
        let remote = Some(("10.0.0.1:6379".to_owned(), true));
        assert_eq!(asked(Named::Others, "10.0.0.1:6379/3"), remote);
        for away in ["10.0.0.2:6379/0", "redis.example:6379/0", "sentinel:mymaster/0", "", "redis.sock/0"] {
            assert_eq!(asked(Named::Others, away), None, "{away}");
            assert_eq!(asked(Named::Nobody, away), None, "{away}");
            assert_eq!(asked(Named::Options, away), remote, "{away}");
        }
    }

    #[test]
    fn a_login_without_an_address_is_for_those_on_this_machine() {
        assert_eq!(asked(Named::Nobody, "localhost:1/0"), Some(("localhost:1".to_owned(), true)));
        assert_eq!(asked(Named::Nobody, "10.0.0.1:6379/0"), None, "the default address is no name for it");
    }
}
