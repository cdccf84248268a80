//! What the server and the kernel believe of the pools' connections: CLIENT LIST of their ids alone, which costs the
//! server some microseconds, and this process's own sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::asking::peer;
use super::client_list::ClientList;
use super::process::Resolver;
use crate::event::{Client, Slots, Socket};
use crate::net::{Connection, IoError, is_observer};
use crate::resp::Value;

/// How often they are asked at most.
const EVERY: Duration = Duration::from_secs(1);

/// How long after a pool has closed a connection the server is still asked for it.
const AFTER: Duration = Duration::from_secs(30);

/// Until a server that refused CLIENT LIST ID, or does not know it, is asked again.
const REFUSED: Duration = Duration::from_secs(60);

/// Ids in one question: the answer stays under a megabyte.
const IDS: usize = 1_500;

/// Whoever knows which client ids the pools have now.
pub type Ids = Arc<dyn Fn() -> Vec<u64> + Send + Sync>;

/// Asks about them, now and then.
pub(super) struct Asking {
    ids: Ids,
    /// Until when each is asked about.
    until: BTreeMap<u64, Instant>,
    resolver: Option<Resolver>,
    due: Instant,
    refused_until: Option<Instant>,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Asking {
    pub(super) fn new(ids: Ids) -> Self {
        let (until, resolver) = (BTreeMap::new(), Some(Resolver::new()));
        Self { ids, until, resolver, due: Instant::now(), refused_until: None }
    }

    /// Another connection, perhaps to a server that was started anew: ids of the one before mean nothing to it.
    pub(super) fn begin_anew(&mut self) {
        self.until.clear();
        self.refused_until = None;
    }

    /// Asks, when it is time.
    pub(super) async fn ask(&mut self, connection: &mut Connection) -> Result<Option<Slots>, IoError> {
        let now = Instant::now();
        if now < self.due {
            return Ok(None);
        }
        self.due = now + EVERY;
        let asked = self.wanted(now);
        if asked.is_empty() {
            return Ok(None);
        }
        // First, so that a connection that is closed meanwhile has a socket and no line, and not the other way round.
        let sockets = self.sockets(peer(connection)).await;
        let mut slots = Slots { sockets, ..Slots::default() };
        if self.refused_until.is_none_or(|until| now >= until) {
            match list(connection, &asked).await? {
                Some(listed) => (slots.asked, slots.listed) = (asked, listed),
                None => self.refused_until = Some(now + REFUSED),
            }
        }
        Ok(Some(slots))
    }

    /// The pools' ids now, and those of a while ago.
    fn wanted(&mut self, now: Instant) -> Vec<u64> {
        self.until.retain(|_, until| *until > now);
        for id in (self.ids)() {
            self.until.insert(id, now + AFTER);
        }
        self.until.keys().rev().take(IDS).copied().collect()
    }

    async fn sockets(&mut self, server: Option<SocketAddr>) -> Option<Vec<Socket>> {
        let (server, mut resolver) = (server?, self.resolver.take().unwrap_or_default());
        let looking = tokio::task::spawn_blocking(move || {
            let sockets = resolver.ours(server);
            (resolver, sockets)
        });
        let (resolver, sockets) = looking.await.ok()?;
        self.resolver = Some(resolver);
        let sockets = sockets?.into_iter().map(|(local, state)| Socket { local, state });
        Some(sockets.filter(|socket| !is_observer(socket.local)).collect())
    }
}

/// The lines of these clients; nothing when the server does not say.
async fn list(connection: &mut Connection, ids: &[u64]) -> Result<Option<Vec<Arc<Client>>>, IoError> {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let mut command = vec!["CLIENT", "LIST", "ID"];
    command.extend(ids.iter().map(String::as_str));
    let reply = connection.call(&command).await?;
    if matches!(reply, Value::Error(_)) {
        return Ok(None);
    }
    Ok(reply.text().map(|text| ClientList::default().compare(Bytes::copy_from_slice(text)).opened))
}
