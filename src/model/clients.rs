//! Watched servers, their clients, and the groups these are in.

mod groups;
mod history;
mod node;
mod rows;
mod sockets;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::seats::Taken;
use super::windows::second;
use crate::event::{Client, Exact, NodeId, Stamp, WatchEvent, Whose};
use crate::snapshot::{About, ClientRow, Groups, NodeRow, REST, What, group_words};
pub(in crate::model) use groups::{Book, Group, QUIET, Sums, Table, UNUSED};
pub(in crate::model) use history::{History, Minute, POINTS, Point};
pub(in crate::model) use node::{Counter, Node, SHORT};
pub(in crate::model) use rows::Entry;
use rows::{Gone, Moment};

/// Servers that are kept. Of a cluster that has more the rest is not watched; those that are watched no more go first.
const NODES: usize = 256;

/// Groups of which the list of events tells apart what a look opened and closed.
const TOLD: usize = 8;

/// Clients that an event names.
pub(in crate::model) const SOME: usize = 8;

/// The most of an error's sentence that is kept.
const SENTENCE_BYTES: usize = 512;

/// Whole nanoseconds that may lie before the run began: a client can be older than that.
fn moment(at: Stamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// What a look opened and closed, by what each client's process is called.
#[derive(Clone, Debug, Default)]
struct Turnover {
    at: Stamp,
    opened: HashMap<u64, (Arc<str>, Arc<Client>)>,
    closed: BTreeMap<Arc<str>, Turned>,
}

/// How many, and some of them by their ids.
#[derive(Clone, Debug, Default)]
struct Turned {
    opened: u64,
    closed: u64,
    some: BTreeMap<u64, Arc<Client>>,
}

impl Turned {
    fn name(&mut self, client: Arc<Client>) {
        self.some.insert(client.id, client);
        if self.some.len() > SOME {
            self.some.pop_last();
        }
    }

    fn add(&mut self, other: Self) {
        self.opened = self.opened.saturating_add(other.opened);
        self.closed = self.closed.saturating_add(other.closed);
        other.some.into_values().for_each(|client| self.name(client));
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    nodes: BTreeMap<NodeId, Node>,
    groups: Book,
    /// Of the look that is being told, and of the last one, which waits for the names of processes.
    telling: BTreeMap<NodeId, Turnover>,
    told: BTreeMap<NodeId, Turnover>,
    /// Groups are older than the clients.
    stale: bool,
    /// When they were added up: ages of a group are of then, whenever its row is made, as in a replay.
    added_up: Stamp,
    began: Option<Stamp>,
    /// What lints speak of.
    flagged: BTreeSet<About>,
    published: Published,
}

/// What the last snapshot got, until something changes.
#[derive(Clone, Debug, Default)]
struct Published {
    clients: Option<Arc<[Arc<ClientRow>]>>,
    groups: Option<Arc<Groups>>,
}

impl Clients {
    /// Takes one event, and gives what is rare in it.
    pub(super) fn apply(&mut self, at: Stamp, id: NodeId, event: &WatchEvent) -> Vec<What> {
        if !self.nodes.contains_key(&id) && self.nodes.len() >= NODES {
            let stopped = self.nodes.iter().find(|(_, node)| node.is_stopped()).map(|(&id, _)| id);
            let Some(stopped) = stopped else { return Vec::new() };
            self.nodes.remove(&stopped);
        }
        let node = self.nodes.entry(id).or_insert_with(|| Node::new(id));
        match event {
            WatchEvent::Started(facts) => node.started(facts),
            WatchEvent::Info { raw, took } => {
                if node.info(at, raw, *took) == super::server::Change::Back {
                    return vec![What::Back];
                }
            }
            WatchEvent::Config(config) => node.configured(*config),
            WatchEvent::Opened(clients) | WatchEvent::Changed(clients) => {
                let telling = self.telling.entry(id).or_default();
                let (target, ours) = (node.target().to_owned(), node.ours().to_vec());
                let moment = Moment { at, target: &target, before: node.looked_at(), ours: &ours };
                let new = matches!(event, WatchEvent::Opened(_));
                for client in clients {
                    let told = node.rows.tell(&mut self.groups, moment, client, new);
                    if let Some(gone) = told.gone {
                        node.closed(at, &gone, &self.groups);
                        telling.close(&self.groups, &gone);
                    }
                    if told.opened {
                        let words = node.rows.get(client.id).and_then(|e| self.groups.process(e.place()));
                        telling
                            .opened
                            .extend(words.map(|words| (client.id, (words.clone(), client.clone()))));
                    }
                }
                self.changed();
            }
            WatchEvent::Closed(ids) => {
                for client in ids {
                    if let Some(gone) = node.rows.close(&mut self.groups, at, *client) {
                        node.closed(at, &gone, &self.groups);
                        self.telling.entry(id).or_default().close(&self.groups, &gone);
                        if let Some(told) = self.told.get_mut(&id) {
                            told.gone(&gone);
                        }
                    }
                }
                self.changed();
            }
            WatchEvent::Looked(look) => {
                let mut telling = self.telling.remove(&id).unwrap_or_default();
                let first = node.looked_at().is_none();
                self.began.get_or_insert(at);
                for gone in node.rows.end_look(&mut self.groups, at, look.whole) {
                    node.closed(at, &gone, &self.groups);
                    telling.close(&self.groups, &gone);
                }
                for own in &look.ours {
                    telling.opened.remove(own);
                }
                node.looked(at, look, telling.opened.len() as u64);
                telling.at = at;
                let before = if first { None } else { self.told.insert(id, telling) };
                self.changed();
                return before.map(Turnover::rows).unwrap_or_default();
            }
            WatchEvent::Owners(owners) => {
                for owner in owners {
                    let Some(place) = node.rows.owned(&mut self.groups, at, owner) else { continue };
                    let Some(words) = self.groups.process(place) else { continue };
                    let turnovers = [self.telling.get_mut(&id), self.told.get_mut(&id)];
                    for turnover in turnovers.into_iter().flatten() {
                        if let Some((known, _)) = turnover.opened.get_mut(&owner.client) {
                            known.clone_from(words);
                        }
                    }
                }
                self.changed();
            }
            WatchEvent::UnixShares(shares) => node.shares(shares),
            WatchEvent::Sockets(sockets) => node.sockets.told(at, sockets),
            WatchEvent::Refused(refused) => {
                if node.refused(refused) {
                    let words = |text: &str| super::server::cut(text, SENTENCE_BYTES).to_owned();
                    return vec![What::Refused(words(&refused.command), words(&refused.error))];
                }
            }
            WatchEvent::Allowed { command } => node.allowed(command),
            WatchEvent::Lost { error, retry_at } => {
                (self.stale, self.published.clients) = (true, None);
                if node.lost(at, error, *retry_at) {
                    return vec![What::Lost(super::server::cut(error, SENTENCE_BYTES).to_owned())];
                }
            }
            WatchEvent::Stopped => {
                node.stop();
                self.changed();
            }
        }
        Vec::new()
    }

    /// What is news of a server that is asked about an app's connections: not who else comes and goes, and that it cannot
    /// be asked is no loss of it.
    pub(super) fn news_of_an_app(&self, node: NodeId, what: What) -> Option<What> {
        match what {
            What::Clients { .. } => None,
            What::Refused(command, error) => (command == "CLIENT LIST").then_some(What::Unasked(error)),
            What::Lost(error) if self.nodes.get(&node).is_some_and(Node::never_answered) => {
                Some(What::Unasked(error))
            }
            other => Some(other),
        }
    }

    /// The servers, by id.
    pub(in crate::model) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The groups, as they were at the last tick.
    pub(in crate::model) fn groups(&self) -> &Book {
        &self.groups
    }

    /// When clients were first looked at.
    pub(in crate::model) fn began(&self) -> Option<Stamp> {
        self.began
    }

    /// Marks what lints speak of, and nothing else.
    pub(super) fn flag(&mut self, flagged: BTreeSet<About>) {
        let no_more = self.flagged.difference(&flagged).map(|about| (about, false));
        let mut changed = false;
        for (about, is_flagged) in no_more.chain(flagged.iter().map(|about| (about, true))) {
            if let About::Client(node, id) = about
                && let Some(node) = self.nodes.get_mut(node)
            {
                changed |= node.rows.flag(*id, is_flagged);
            }
        }
        if changed {
            self.published.clients = None;
        }
        if flagged != self.flagged {
            self.flagged = flagged;
            self.published.groups = None;
        }
    }

    /// Marks whose clients are, and no others.
    pub(super) fn taken(&mut self, taken: &Taken) {
        let mut changed = false;
        for node in self.nodes.values_mut() {
            changed |= node.rows.taken(taken);
        }
        if changed {
            self.published.clients = None;
        }
    }

    /// Forgets what the kernel believes of connections that are none of these.
    pub(super) fn keep_sockets(&mut self, ends: &HashSet<SocketAddr>) {
        self.nodes.values_mut().for_each(|node| node.sockets.keep(ends));
    }

    fn changed(&mut self) {
        self.stale = true;
        self.published.clients = None;
    }

    /// Events were dropped: who is there only a whole look tells.
    pub(super) fn lost_something(&mut self) {
        self.nodes.values_mut().for_each(Node::lost_something);
    }

    /// Whether some server's rows are doubtful.
    pub(super) fn is_behind(&self) -> bool {
        self.nodes.values().any(Node::is_behind)
    }

    /// Lets time go on: groups are added up, where anything changed or a second has begun. True when so.
    pub(super) fn tick(&mut self, now: Stamp) -> bool {
        if self.nodes.is_empty() || (!self.stale && second(now) == second(self.added_up)) {
            return false;
        }
        let nodes = self.nodes.values();
        let shares = nodes.clone().flat_map(|node| node.rows.shares(now));
        self.groups.add_up(second(now), shares, nodes.flat_map(|node| node.rows.closed()));
        (self.stale, self.added_up) = (false, now);
        self.published.groups = None;
        true
    }

    /// One row a server.
    pub(super) fn node_rows(&mut self) -> Vec<Arc<NodeRow>> {
        self.nodes.values_mut().map(Node::row).collect()
    }

    /// One row a client, by server and id.
    pub(super) fn rows(&mut self) -> Arc<[Arc<ClientRow>]> {
        let nodes = &self.nodes;
        let rows = || nodes.values().flat_map(|node| node.rows.iter()).map(|(_, e)| e.row.clone()).collect();
        self.published.clients.get_or_insert_with(rows).clone()
    }

    /// One client's row.
    pub(super) fn client(&self, node: NodeId, id: u64) -> Option<&Arc<ClientRow>> {
        self.nodes.get(&node)?.rows.get(id).map(|entry| &entry.row)
    }

    /// Every grouping, as it was at the last tick.
    pub(super) fn group_rows(&mut self, window: usize) -> Arc<Groups> {
        if self.nodes.is_empty() {
            return Arc::default();
        }
        let (groups, flagged, now) = (&self.groups, &self.flagged, self.added_up);
        let made = || Arc::new(Groups::new(groups.rows(now, window, flagged)));
        self.published.groups.get_or_insert_with(made).clone()
    }
}

impl Turnover {
    fn close(&mut self, groups: &Book, gone: &Gone) {
        self.opened.remove(&gone.row.client.id);
        if gone.row.own {
            return;
        }
        let words = match gone.row.whose {
            // Now nobody will find out.
            None => Some(Arc::from(Whose::Gone.word())),
            Some(_) => groups.process(gone.places[0]).cloned(),
        };
        let Some(words) = words else { return };
        let closed = self.closed.entry(words).or_default();
        closed.closed = closed.closed.saturating_add(1);
        closed.name(gone.row.client.clone());
    }

    /// One that it may have opened was closed by the next look.
    fn gone(&mut self, gone: &Gone) {
        if gone.row.whose.is_none()
            && let Some((words, _)) = self.opened.get_mut(&gone.row.client.id)
        {
            *words = Whose::Gone.word().into();
        }
    }

    /// What the list of events says of it.
    fn rows(self) -> Vec<What> {
        let mut by_words = self.closed;
        for (words, client) in self.opened.into_values() {
            let turned = by_words.entry(words).or_default();
            turned.opened += 1;
            turned.name(client);
        }
        let mut others = by_words.remove(REST).unwrap_or_default();
        let mut turned: Vec<_> = by_words.into_iter().collect();
        let many = |some: &Turned| some.opened.saturating_add(some.closed);
        turned.sort_by(|(a, some), (b, more)| many(more).cmp(&many(some)).then_with(|| a.cmp(b)));
        turned.split_off(turned.len().min(TOLD)).into_iter().for_each(|(_, some)| others.add(some));
        let others = (many(&others) > 0).then(|| (Arc::from(group_words(REST)), others));
        let row = |(who, Turned { opened, closed, some }): (Arc<str>, Turned)| {
            let some = some.values().map(|client| Exact::from(&**client)).collect();
            What::Clients { who, opened, closed, some }
        };
        turned.into_iter().chain(others).map(row).collect()
    }
}

#[cfg(test)]
mod tests;
