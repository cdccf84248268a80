//! What facts mean: events in, [`Snapshot`]s out. No clock, no I/O and no await: time is an argument, so that a test
//! or a replay gives exactly what a live run gave.
//!
//! Whatever the events are and in whatever order they come, nothing panics and memory is bounded: rings, capped names,
//! and caps on pools, rows, commands and findings.

mod app;
mod causes;
mod clients;
mod connections;
mod events;
mod levels;
mod lints;
mod pool;
mod recent;
mod runs;
mod seats;
mod series;
mod server;
mod slots;
mod waits;
mod windows;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Left, PoolEvent, PoolId, ServerEvent, Slots, Stamp, Timed, WatchEvent, wire};
use crate::snapshot::{Snapshot, What};
use app::App;
use clients::Clients;
use events::Events;
pub use levels::{Levels, lint_ids};
use lints::Judge;
pub(crate) use lints::{is_of_apps, is_of_servers};
use pool::Pool;
use recent::Unread;
use server::Server;

/// Pools kept. A program that makes one a request would have no end of them: closed ones go first.
const POOLS: usize = 256;

/// The lints that say that a connection is lost: what comes back after all was slow.
pub(crate) const LEAKS: [&str; 2] = ["leak", "abandoned"];

/// The most of an error's sentence that is kept.
const SENTENCE_BYTES: usize = 512;

/// What the model's judgements and windows are measured by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelOptions {
    /// How far back percentiles look, in whole seconds.
    #[serde(with = "wire::nanos")]
    pub window: Duration,
    /// A lease out for longer with nothing happening on it is a leak.
    #[serde(with = "wire::nanos")]
    pub leak_threshold: Duration,
    /// Percent of the limit that may be in use before `pool-usage` speaks.
    pub usage_alert: u8,
    /// What is made of each lint.
    #[serde(default)]
    pub levels: Levels,
}

impl Default for ModelOptions {
    /// One minute; 30 s, which no healthy request holds a connection for; and the 80% that operators alert on.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            leak_threshold: Duration::from_secs(30),
            usage_alert: 80,
            levels: Levels::default(),
        }
    }
}

/// Everything that is known, owned by one task.
#[derive(Clone, Debug)]
pub struct Model {
    options: ModelOptions,
    now: Stamp,
    pools: BTreeMap<PoolId, Pool>,
    server: Server,
    joined: slots::Joined,
    watched: Clients,
    seats: seats::Seats,
    app: App,
    judge: Judge,
    events: Events,
    dropped: u64,
    raised: u64,
}

impl Model {
    /// A model of nothing yet.
    pub fn new(options: ModelOptions) -> Self {
        Self {
            options,
            now: Stamp::default(),
            pools: BTreeMap::new(),
            server: Server::default(),
            joined: slots::Joined::default(),
            watched: Clients::default(),
            seats: seats::Seats::default(),
            app: App::default(),
            judge: Judge::default(),
            events: Events::default(),
            dropped: 0,
            raised: 0,
        }
    }

    /// New thresholds, from the next tick on.
    pub fn set_options(&mut self, options: ModelOptions) {
        self.options = options;
        for pool in self.pools.values_mut() {
            pool.set_options(&self.options);
        }
    }

    /// How many events never got here, in all. When it grows, rows are doubtful until a pulse lists every connection.
    pub fn set_dropped(&mut self, dropped: u64) {
        if dropped > self.dropped {
            for pool in self.pools.values_mut() {
                pool.connections.lost_something();
            }
            self.watched.lost_something();
        }
        self.dropped = dropped;
    }

    /// Whether some pool's or server's rows are doubtful, so that its source should list all of them the next time.
    pub fn is_out_of_sync(&self) -> bool {
        self.pools.values().any(|pool| !pool.is_stopped() && pool.connections.is_behind())
            || self.watched.is_behind()
    }

    /// How often a lint has begun to hold.
    pub fn raised(&self) -> u64 {
        self.raised
    }

    /// Whether a pool is known to be closed.
    pub fn is_stopped(&self, pool: PoolId) -> bool {
        self.pools.get(&pool).is_some_and(Pool::is_stopped)
    }

    /// Takes one event.
    pub fn apply(&mut self, timed: &Timed) {
        self.now = self.now.max(timed.at);
        match &timed.event {
            Event::Pool(pool, event) => self.apply_pool(timed.at, *pool, event),
            Event::Server(event) => self.apply_server(timed.at, event),
            Event::App(event) => {
                if let Some(what) = self.app.apply(timed.at, event) {
                    self.events.note(timed.at, None, what);
                }
            }
            Event::Watch(node, event) => {
                let news = self.watched.apply(timed.at, *node, event);
                if matches!(event, WatchEvent::Looked(_) | WatchEvent::Sockets(_) | WatchEvent::Stopped) {
                    self.seats.looked();
                }
                let app = self.app.is_observed();
                for what in news {
                    let what = if app { self.watched.news_of_an_app(*node, what) } else { Some(what) };
                    if let Some(what) = what {
                        self.events.note_of(timed.at, *node, what);
                    }
                }
            }
        }
    }

    fn apply_pool(&mut self, at: Stamp, id: PoolId, event: &PoolEvent) {
        if matches!(event, PoolEvent::Opened(_) | PoolEvent::Closed { .. } | PoolEvent::Stopped) {
            self.seats.stale();
        }
        let clients = self.clients();
        self.app.pool(at, id, event);
        if matches!(event, PoolEvent::Stopped) {
            return self.end_pool(at, id);
        }
        let Some(pool) = self.pool(id, matches!(event, PoolEvent::Started(_))) else { return };
        let what = match event {
            PoolEvent::Started(facts) => {
                pool.started(facts);
                let target = pool.target().to_owned();
                self.server.at(&target);
                return;
            }
            PoolEvent::Resized { max } => {
                pool.resized(*max);
                What::Resized(*max)
            }
            PoolEvent::Opened(opened) => {
                pool.connections.opened(at, opened);
                What::Opened(opened.conn, opened.steps.total())
            }
            PoolEvent::OpenFailed { error } => {
                pool.recent.open_failed(error);
                What::OpenFailed(server::cut(error, SENTENCE_BYTES).to_owned(), 1)
            }
            PoolEvent::Closed { conn, reason } => {
                let opened = pool.connections.get(*conn).and_then(|row| row.opened);
                pool.connections.closed(*conn);
                pool.recent.shared_no_more(*conn);
                pool.closed(at, opened, *reason);
                What::Closed(*conn, *reason)
            }
            PoolEvent::UnreadReply { conn, seen, owed, bytes, holder } => {
                let (conn, seen, owed, bytes) = (*conn, *seen, *owed, *bytes);
                pool.recent.left_unread(Unread { conn, seen, owed, bytes, holder: holder.clone() });
                What::UnreadReply(conn, seen, owed, bytes)
            }
            PoolEvent::WaitFailed { ended, waited, holder } => {
                What::WaitFailed { ended: *ended, waited: *waited, who: lints::name(holder).into(), times: 1 }
            }
            PoolEvent::Shared { conn, holder } => {
                pool.recent.shared_by(*conn, holder);
                What::Shared(*conn, lints::name(holder).into())
            }
            PoolEvent::Left(left) => {
                self.left(at, id, left);
                What::Left(left.open, u32::try_from(left.leases.len()).unwrap_or(u32::MAX))
            }
            PoolEvent::Pulse(pulse) => return pool.pulse(at, pulse, clients),
            PoolEvent::Stopped => return,
        };
        self.events.note(at, Some(id), what);
    }

    /// A pool of an app has ended with connections out.
    fn left(&mut self, at: Stamp, id: PoolId, left: &Left) {
        let Some(pool) = self.pools.get(&id) else { return };
        let client = |conn| {
            let (node, id) = pool.connections.get(conn)?.client?;
            self.watched.client(node, id).cloned()
        };
        self.app.left(at, id, pool.name(), left, client);
    }

    /// A pool is closed. One of an app is judged once more, since one that lives for a moment sees no tick, and what holds
    /// then is kept.
    fn end_pool(&mut self, at: Stamp, id: PoolId) {
        let Some(pool) = self.pools.get_mut(&id) else { return };
        let mut news = Vec::new();
        let options = pool.thresholds(&self.options);
        if let Some(view) = pool.view(at, &options).filter(|view| view.inside.is_some()) {
            let verdict = self.judge.look(id, &view);
            news.extend(verdict.news.into_iter().filter(|what| matches!(what, What::Cleared(..))));
            let over = verdict.over.into_iter().filter(|(row, _)| !LEAKS.contains(&row.id));
            over.for_each(|(row, holder)| self.app.found(at, &row, holder.as_ref(), view.name));
            for (row, holder) in self.judge.rows_of(id, &view) {
                match row.conn().and_then(|conn| view.connections.get(conn)) {
                    Some(lost) if LEAKS.contains(&row.id) => {
                        let client =
                            lost.client.and_then(|(node, id)| self.watched.client(node, id).cloned());
                        self.app.lost(at, view.name, lost, client);
                    }
                    _ => self.app.found(at, &row, holder.as_ref(), view.name),
                }
            }
        }
        drop(options);
        self.app.ended(id);
        pool.stop();
        news.extend(self.judge.forget(id, at));
        for what in news {
            self.events.note(at, Some(id), what);
        }
    }

    fn apply_server(&mut self, at: Stamp, event: &ServerEvent) {
        let what = match event {
            ServerEvent::Info { raw, took } => match self.server.info(at, raw, *took) {
                server::Change::Back => What::Back,
                server::Change::Newer => return,
            },
            ServerEvent::Slots(slots) => return self.join(at, slots),
            ServerEvent::Lost { error, retry_at } => {
                if !self.server.lost(at, error, *retry_at) {
                    return;
                }
                What::Lost(server::cut(error, SENTENCE_BYTES).to_owned())
            }
        };
        self.events.note(at, None, what);
    }

    /// Holds what the pools of the observed server believe against what it and the kernel do.
    fn join(&mut self, at: Stamp, slots: &Slots) {
        let here = database_apart(&self.server.row().target).to_owned();
        let pools = self.pools.values_mut().filter(|pool| database_apart(pool.target()) == here);
        let mut pools: Vec<_> = pools.collect();
        let opening = pools.iter().any(|pool| pool.is_opening());
        self.joined.look(at, slots, pools.iter_mut().map(|pool| &mut pool.connections), opening);
    }

    /// The pool an event is about, made where it is new; nothing where there are too many that still run, and for one that
    /// there was no room for when it began.
    fn pool(&mut self, id: PoolId, begins: bool) -> Option<&mut Pool> {
        if !self.pools.contains_key(&id) {
            if self.app.had_no_room(id) {
                return None;
            }
            if self.pools.len() >= POOLS {
                let closed = self.pools.iter().find(|(_, pool)| pool.is_stopped()).map(|(&closed, _)| closed);
                let Some(closed) = closed else {
                    if begins {
                        self.app.no_room(id);
                    }
                    return None;
                };
                self.pools.remove(&closed);
            }
        }
        Some(self.pools.entry(id).or_insert_with(|| Pool::new(id, &self.options)))
    }

    fn clients(&self) -> Option<u64> {
        let row = self.server.row();
        row.client_field("connected_clients").filter(|_| row.lost.is_none())
    }

    /// Lets time go on to `now`: windows move, series roll, lints judge.
    pub fn tick(&mut self, now: Stamp) {
        self.now = self.now.max(now);
        let clients = self.clients();
        let mut news = Vec::new();
        // What is to be said of the server is said once, with the first pool.
        let ours = self.pools.values().map(Pool::created).sum();
        let maxclients = self.server.row().client_field("maxclients");
        let lost = self.server.row().lost.is_some();
        let mut server = Some(self.server.row().clone()).filter(|row| row.lost.is_none());
        for (&id, pool) in &mut self.pools {
            pool.tick(self.now, clients);
            let options = pool.thresholds(&self.options);
            let Some(mut view) = pool.view(self.now, &options) else { continue };
            view.server = server.take();
            view.lost = lost;
            view.maxclients = maxclients;
            view.ours = ours;
            let verdict = self.judge.look(id, &view);
            let over = verdict.over.into_iter().filter(|(row, _)| !LEAKS.contains(&row.id));
            over.for_each(|(row, holder)| self.app.found(self.now, &row, holder.as_ref(), view.name));
            pool.connections.flag(&verdict.flagged);
            pool.look_for_causes(self.now, &options);
            news.extend(verdict.news.into_iter().map(|what| (id, what)));
        }
        for (id, what) in news {
            self.raised += u64::from(matches!(what, What::Raised(..)));
            self.events.note(self.now, Some(id), what);
        }
        self.seats.tick(self.now, &mut self.pools, &mut self.watched);
        // An app's servers are asked about its own connections, and not judged.
        if self.watched.tick(self.now) && !self.app.is_observed() {
            self.judge_watched();
        }
        self.judge_inside();
    }

    /// Asks the lints about an app as a whole.
    fn judge_inside(&mut self) {
        let (now, options, makers) = (self.now, &self.options, self.app.makers());
        let (news, over) = self.judge.inside(&lints::inside::View { now, options, makers });
        for what in news {
            self.raised += u64::from(matches!(what, What::Raised(..)));
            self.events.note(now, None, what);
        }
        for over in &over {
            self.app.over(now, over);
        }
    }

    /// Asks the lints about watched servers.
    fn judge_watched(&mut self) {
        let verdict = self.judge.watch(&lints::watch::View::new(self.now, &self.options, &self.watched));
        self.watched.flag(verdict.flagged);
        for what in verdict.news {
            self.raised += u64::from(matches!(what, What::Raised(..)));
            self.events.note(self.now, None, what);
        }
    }

    /// What readers see, with ages counted to `now` and `wall_ms` the same moment on the wall clock.
    pub fn snapshot(&mut self, now: Stamp, wall_ms: u64) -> Snapshot {
        let mut connections: Vec<_> =
            self.pools.values().flat_map(|pool| pool.connections.rows().cloned()).collect();
        connections.sort_by(|a, b| connections::reading_order(a, b));
        let window = self.options.window.as_secs();
        Snapshot {
            as_of: now,
            wall_ms,
            pools: self.pools.values_mut().map(Pool::row).collect(),
            front: None,
            connections,
            strays: self.joined.strays(),
            server: self.server.row().clone(),
            nodes: self.watched.node_rows(),
            clients: self.watched.rows(),
            groups: self.watched.group_rows(usize::try_from(window).unwrap_or(usize::MAX)),
            app: self.app.row(),
            lints: self.judge.rows(),
            events: self.events.rows(),
            dropped: self.dropped,
            out_of_sync: self.is_out_of_sync(),
            recording: None,
            tape: None,
        }
    }
}

/// A pool's target without its database: where the server is.
fn database_apart(target: &str) -> &str {
    target.rsplit_once('/').map_or(target, |(server, _)| server)
}

#[cfg(test)]
mod tests;
