//! Many servers: those that were named, and those that these name as belonging to them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::super::asking::{Silence, patience};
use super::super::process::Resolver;
use super::members::{Asking, Found, Members};
use super::{ClientWatch, Greeted, Killed, Mode, Say, start};
use crate::event::{Clock, Event, Exact, NodeFacts, NodeId, PulseSource, Refused, Stamp, Tap, WatchEvent};
use crate::net::{ConnectOptions, OBSERVER};

/// The most servers that are watched at once.
pub const NODES: usize = 256;

/// How often a server is asked who belongs to it.
const AGAIN: Duration = Duration::from_secs(5);

/// Servers that are being watched. Dropping it ends that.
#[derive(Debug)]
pub struct Nodes {
    all: Arc<Mutex<All>>,
    /// Who belongs to them is to be asked at once.
    now: Arc<Notify>,
    tasks: Vec<JoinHandle<()>>,
}

impl Nodes {
    /// The servers watched at this moment.
    pub fn ids(&self) -> Vec<NodeId> {
        self.all.lock().nodes.keys().copied().collect()
    }

    /// Changes the time between two INFOs of each.
    pub fn set_interval(&self, interval: Duration) {
        let mut all = self.all.lock();
        all.interval = interval;
        all.nodes.values().for_each(|node| node.watch.set_interval(interval));
    }

    /// [`ClientWatch::look_now`] of each, and asks who belongs to them.
    pub fn look_now(&self) {
        self.now.notify_waiters();
        self.all.lock().nodes.values().for_each(|node| node.watch.look_now());
    }

    /// [`ClientWatch::kill`] of one.
    pub fn kill(&self, node: NodeId, clients: Vec<Exact>) -> impl Future<Output = Killed> + Send + use<> {
        let kill = self.all.lock().nodes.get(&node).map(|node| node.watch.kill(clients));
        async move {
            match kill {
                Some(kill) => kill.await,
                None => {
                    Killed { error: Some("this server is watched no more".to_owned()), ..Killed::default() }
                }
            }
        }
    }

    /// What the hub attaches: it keeps nothing running.
    pub fn source(&self) -> Arc<dyn PulseSource> {
        Arc::new(Resync(Arc::downgrade(&self.all)))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct Resync(Weak<Mutex<All>>);

impl PulseSource for Resync {
    fn pulse(&self, _: Stamp) -> Option<Event> {
        None
    }

    fn resync(&self) {
        if let Some(all) = self.0.upgrade() {
            all.lock().nodes.values().for_each(|node| node.watch.resync());
        }
    }
}

/// Starts watching servers and those that belong to them. The named ones are numbered from 0 on, in their order.
///
/// # Panics
/// Outside of a tokio runtime, as [`tokio::spawn`] does.
pub fn watch_all(servers: Vec<ConnectOptions>, interval: Duration, tap: Tap, clock: Clock) -> Nodes {
    let mut all = All {
        nodes: BTreeMap::new(),
        names: BTreeMap::new(),
        next: 0,
        interval,
        tap,
        clock,
        resolver: Arc::default(),
    };
    let seeds: Vec<(NodeId, ConnectOptions)> = servers
        .into_iter()
        .map(|options| ConnectOptions { client_name: Some(OBSERVER.to_owned()), database: 0, ..options })
        .filter_map(|options| Some((all.start(options.clone(), None)?, options)))
        .collect();
    let (all, now) = (Arc::new(Mutex::new(all)), Arc::new(Notify::new()));
    let finders = seeds.into_iter().map(|(node, options)| {
        let finder =
            Finder { seed: node, options, all: all.clone(), now: now.clone(), said: None, failures: 0 };
        tokio::spawn(finder.run())
    });
    let tasks = finders.collect();
    Nodes { all, now, tasks }
}

#[derive(Debug)]
struct All {
    nodes: BTreeMap<NodeId, Node>,
    /// Each by every name it is known by.
    names: BTreeMap<String, NodeId>,
    next: u32,
    interval: Duration,
    tap: Tap,
    clock: Clock,
    resolver: Arc<Mutex<Resolver>>,
}

#[derive(Debug)]
struct Node {
    watch: ClientWatch,
    options: ConnectOptions,
    /// The named servers that name it. None of one that was named itself.
    found_by: BTreeSet<NodeId>,
    named: bool,
}

impl All {
    fn say(&self, node: NodeId) -> Say {
        Say { node, tap: self.tap.clone(), clock: self.clock }
    }

    /// Starts watching a server that is not watched yet, if there is room for it.
    fn start(&mut self, options: ConnectOptions, found: Option<(NodeId, String)>) -> Option<NodeId> {
        let target = options.target();
        if self.nodes.len() >= NODES || self.names.contains_key(&target) {
            return None;
        }
        let node = NodeId(self.next);
        self.next += 1;
        let (by, how) = found.unzip();
        let facts = NodeFacts { target: target.clone(), found: how };
        let resolver = self.resolver.clone();
        let watch = start(options.clone(), facts, self.interval, self.say(node), resolver);
        self.names.insert(target, node);
        self.nodes
            .insert(node, Node { watch, options, named: by.is_none(), found_by: by.into_iter().collect() });
        Some(node)
    }

    /// Watches one no more.
    fn stop(&mut self, node: NodeId) {
        if self.nodes.remove(&node).is_some() {
            self.names.retain(|_, named| *named != node);
            self.say(node).say(WatchEvent::Stopped);
        }
    }

    /// A server is also called so. One that was found under that name is the same, and is watched only once.
    fn is_called(&mut self, node: NodeId, name: String) {
        let Some(watched) = self.nodes.get(&node) else { return };
        let known = self.names.get(&name).copied();
        let is_found = |other: &NodeId| self.nodes.get(other).is_some_and(|other| !other.named);
        match known.filter(|other| *other != node) {
            Some(other) if watched.named && is_found(&other) => self.stop(other),
            Some(_) => return,
            None => {}
        }
        self.names.insert(name, node);
    }

    /// Takes what a server says of those that belong to the set of a named one. How many there was no room for.
    fn take(&mut self, seed: NodeId, asked: NodeId, members: Members) -> usize {
        for own in &members.own {
            self.is_called(asked, own.to_string());
        }
        let Some(options) = self.nodes.get(&seed).map(|node| node.options.clone()) else { return 0 };
        let mut there = BTreeSet::from([asked]);
        let mut left_out = 0;
        for Found { endpoint, how } in members.others {
            if let Some(node) = self.names.get(&endpoint.to_string()).copied() {
                there.insert(node);
                if let Some(node) = self.nodes.get_mut(&node) {
                    node.found_by.insert(seed);
                }
                continue;
            }
            let options = ConnectOptions { endpoint, ..options.clone() };
            match self.start(options, Some((seed, how))) {
                Some(node) => drop(there.insert(node)),
                None => left_out += 1,
            }
        }
        for (id, node) in &mut self.nodes {
            if !there.contains(id) {
                node.found_by.remove(&seed);
            }
        }
        let gone = |node: &Node| !node.named && node.found_by.is_empty();
        let gone: Vec<NodeId> = self.nodes.iter().filter(|(_, node)| gone(node)).map(|(id, _)| *id).collect();
        for node in gone {
            self.stop(node);
        }
        left_out
    }

    /// Whom to ask about the set of a named server: itself, or when it fails those that it has named.
    fn whom(&self, seed: NodeId, mode: Mode, failures: u32) -> Option<(NodeId, ConnectOptions)> {
        let is_such = |node: &Node| node.watch.greeted.borrow().is_some_and(|greeted| greeted.mode == mode);
        let found = self.nodes.iter().filter(|(_, node)| node.found_by.contains(&seed) && is_such(node));
        let found = found.map(|(id, _)| *id);
        let all: Vec<NodeId> = std::iter::once(seed).chain(found.filter(|id| *id != seed)).collect();
        let node = all[failures as usize % all.len()];
        Some((node, self.nodes.get(&node)?.options.clone()))
    }
}

/// Asks a named server, again and again, who belongs to it.
struct Finder {
    seed: NodeId,
    options: ConnectOptions,
    all: Arc<Mutex<All>>,
    now: Arc<Notify>,
    said: Option<Refused>,
    failures: u32,
}

impl Finder {
    async fn run(mut self) {
        let Some(Greeted { mode, peer }) = self.greeted().await else { return };
        if let Some(peer) = peer {
            self.all.lock().is_called(self.seed, peer.to_string());
        }
        if mode == Mode::Alone {
            return;
        }
        loop {
            let silence = self.follow(mode).await;
            let wait = patience(self.failures, silence.denied);
            self.failures = self.failures.saturating_add(1);
            self.rest(wait).await;
        }
    }

    /// What the named server is, once it has been reached.
    async fn greeted(&self) -> Option<Greeted> {
        let mut greeted = self.all.lock().nodes.get(&self.seed)?.watch.greeted.clone();
        let greeted = greeted.wait_for(Option::is_some).await.ok()?;
        *greeted
    }

    /// Asks on one connection until that fails.
    async fn follow(&mut self, mode: Mode) -> Silence {
        let whom = self.all.lock().whom(self.seed, mode, self.failures);
        let (asked, options) = whom.unwrap_or_else(|| (self.seed, self.options.clone()));
        let mut asking = match Asking::open(&options, mode).await {
            Ok(asking) => asking,
            Err(silence) => return silence,
        };
        let own = self.all.lock().nodes.get(&asked).map(|node| node.watch.own.clone());
        let _ours = own.zip(asking.id()).map(|(own, id)| own.opened(id));
        loop {
            match asking.ask().await {
                Ok(Ok(members)) => self.take(asked, members),
                Ok(Err(refused)) => self.refused(refused),
                Err(silence) => return silence,
            }
            self.failures = 0;
            self.rest(AGAIN).await;
        }
    }

    async fn rest(&self, wait: Duration) {
        // Either is reason enough to ask again.
        let _ = tokio::time::timeout(wait, self.now.notified()).await;
    }

    fn take(&mut self, asked: NodeId, members: Members) {
        let left_out = self.all.lock().take(self.seed, asked, members);
        if left_out > 0 {
            self.refused(Refused {
                command: "watch".to_owned(),
                error: format!("{NODES} servers are watched, and {left_out} more are not"),
                rule: None,
            });
        }
    }

    fn refused(&mut self, refused: Refused) {
        if self.said.as_ref() != Some(&refused) {
            let say = self.all.lock().say(self.seed);
            say.say(WatchEvent::Refused(refused.clone()));
            self.said = Some(refused);
        }
    }
}
