//! Judgements on watched servers: what the clients that a server lists look like from there.
//!
//! A server sees a leaked connection as it sees one that waits in a pool: idle. So these speak of suspects. They look at
//! servers, at groups and at single clients, and never at this program's own connections.

mod blocked_long;
mod churn;
mod evicted;
mod growth;
mod idle_crowd;
mod maxclients;
mod no_timeout;
mod output_buffer;
mod rejected;
mod rise;
mod stuck_transaction;
mod subscribers;
mod unnamed;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::found::{self, Found};
use super::{ROWS, SWITCHED_OFF};
use crate::event::{NodeId, Process, Stamp};
use crate::model::clients::{Clients, Entry, Group, Node, POINTS, Sums, Table};
use crate::model::windows::second;
use crate::model::{ModelOptions, server};
use crate::snapshot::{About, ClientRow, ClientState, GroupBy, Level, LintRow, Severity, What, group_words};
use crate::text::{NONE, duration};

/// The most of a process's or group's words that evidence has.
const WORDS_BYTES: usize = 96;

/// And of a program's name.
const SHORT_BYTES: usize = 40;

/// Watched servers as a lint sees them.
pub(crate) struct View<'a> {
    /// The moment: ages are counted to it.
    pub(crate) now: Stamp,
    /// The thresholds.
    pub(crate) options: &'a ModelOptions,
    clients: &'a Clients,
    odd: OnceCell<Vec<&'a Entry>>,
    ours: OnceCell<Vec<u32>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(now: Stamp, options: &'a ModelOptions, clients: &'a Clients) -> Self {
        Self { now, options, clients, odd: OnceCell::new(), ours: OnceCell::new() }
    }

    /// Servers that are looked at.
    fn nodes(&self) -> impl Iterator<Item = &'a Node> {
        self.clients.nodes().filter(|node| node.is_seen())
    }

    /// Whether nothing of this is looked at, as its server does not answer, or a part is not.
    fn sight(&self, about: &About) -> Sight {
        match about {
            About::Node(id) | About::Client(id, _) => {
                let there = |node: &Node| match about {
                    About::Client(_, client) => node.rows.get(*client).is_some(),
                    _ => true,
                };
                let node = self.clients.nodes().find(|node| node.id == *id);
                let away = node.is_some_and(|node| node.away().is_some() && there(node));
                if away { Sight::None } else { Sight::All }
            }
            About::Group(by, label) => {
                let sums = self.clients.groups().by(*by).and_then(|table| table.sums(label));
                match sums.map_or((0, 0), |sums| (sums.away, sums.count)) {
                    (0, _) => Sight::All,
                    (away, all) if away < all => Sight::Part,
                    _ => Sight::None,
                }
            }
            About::Pool(_) | About::Connection(..) | About::Place(..) => Sight::All,
        }
    }

    /// For how long this has not been looked at, or a part of it.
    fn unseen(&self, about: &About) -> Duration {
        let of = |node: &&Node| match about {
            About::Node(id) | About::Client(id, _) => node.id == *id,
            _ => true,
        };
        let since = self.clients.nodes().filter(of).filter_map(Node::away).min();
        since.map_or(Duration::ZERO, |since| self.now.since(since))
    }

    /// The longest time of the last minutes in which some server was not looked at: how many seconds ago that was over,
    /// and how many it took.
    fn gap(&self) -> (usize, usize) {
        let gap = |(away, back): (Stamp, Stamp)| {
            let ago = second(self.now).saturating_sub(second(back));
            let long = second(back).saturating_sub(second(away)).saturating_sub(1);
            Some((usize::try_from(ago).ok().filter(|ago| *ago < POINTS)?, usize::try_from(long).ok()?))
        };
        self.nodes().filter_map(Node::gap).filter_map(gap).max_by_key(|(_, long)| *long).unwrap_or_default()
    }

    /// The groups of a key, with what their clients add up to; none where some clients have no row: what is a share or a
    /// growth of those that have one need not be so of all.
    fn groups(&self, by: GroupBy) -> impl Iterator<Item = (&'a Group, &'a Sums)> {
        let table = self.clients.groups().by(by).filter(|_| !self.nodes().any(Node::is_cut));
        table.into_iter().flat_map(Table::groups)
    }

    /// Whether a process is this program, whose connections in the demo are of many kinds: it is no one's suspect, and what
    /// they are called tells them apart.
    fn is_ours(&self, process: &Process) -> bool {
        let ours = || {
            let own = self.clients.nodes().flat_map(|node| {
                node.ours()
                    .iter()
                    .filter_map(|id| node.rows.get(*id)?.row.process().map(|process| process.pid))
            });
            own.collect()
        };
        self.ours.get_or_init(ours).contains(&process.pid)
    }

    /// Who has the clients: the processes, and for those of this program their prefixes.
    fn owners(&self) -> impl Iterator<Item = (GroupBy, &'a Group, &'a Sums)> {
        let (ours, others): (Vec<_>, Vec<_>) = self
            .groups(GroupBy::Process)
            .partition(|(group, _)| group.process.as_ref().is_some_and(|process| self.is_ours(process)));
        let others = others.into_iter().map(|(group, sums)| (GroupBy::Process, group, sums));
        let named = (!ours.is_empty()).then(|| self.groups(GroupBy::Prefix)).into_iter().flatten();
        others.chain(named.map(|(group, sums)| (GroupBy::Prefix, group, sums)))
    }

    /// How many whole seconds clients have been looked at.
    fn age(&self) -> u64 {
        self.clients.began().map_or(0, |began| self.now.since(began).as_secs())
    }

    /// How many whole seconds the looks at a server are apart at the most.
    fn apart(&self) -> usize {
        let longest = self.nodes().filter_map(Node::apart).max().unwrap_or_default();
        longest.as_nanos().div_ceil(1_000_000_000) as usize
    }

    /// The clients by which a lint may find something alone: blocked, in a transaction, or slow to read. They are looked
    /// for once for all lints.
    fn odd(&self) -> impl Iterator<Item = &'a ClientRow> {
        self.odd_entries().map(|entry| &*entry.row)
    }

    fn odd_entries(&self) -> impl Iterator<Item = &'a Entry> {
        let find = || {
            let rows = self.nodes().flat_map(|node| node.rows.iter());
            let is_odd = |entry: &&Entry| {
                let state = entry.row.state;
                !entry.row.own
                    && (entry.heavy.is_some()
                        || matches!(state, ClientState::Blocked | ClientState::Transaction))
            };
            rows.map(|(_, entry)| entry).filter(is_odd).collect()
        };
        self.odd.get_or_init(find).iter().copied()
    }

    /// A client by its id.
    fn client(&self, node: NodeId, id: u64) -> Option<&'a ClientRow> {
        let node = self.clients.nodes().find(|known| known.id == node)?;
        node.rows.get(id).map(|entry| &*entry.row)
    }

    /// What the process of a client is called, as it is in its group's label.
    fn process_label(&self, entry: &Entry) -> Option<&'a Arc<str>> {
        self.clients.groups().process(entry.place())
    }
}

/// How much of something is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    All,
    Part,
    None,
}

/// What a lint found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// What it speaks of: at most one finding each.
    about: About,
    severity: Severity,
    /// In numbers, one line.
    evidence: String,
    /// What else is marked where it is shown.
    marks: Vec<About>,
}

/// One kind of judgement.
pub(crate) trait Lint: Send {
    /// Its stable name; it may be a pool's lint's.
    fn id(&self) -> &'static str;

    /// What to do about it, one line.
    fn advice(&self) -> &'static str;

    /// What it finds now. `holds` tells what it found at the last look, for those that clear at another threshold than they
    /// raise.
    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding>;

    /// How a finding ended, one line.
    fn ending(&self, row: &LintRow, _view: &View<'_>) -> String {
        row.evidence.clone()
    }
}

/// Every lint, in the order they are asked.
fn all() -> Vec<Box<dyn Lint>> {
    vec![
        Box::new(growth::Growth),
        Box::new(churn::Churn),
        Box::new(idle_crowd::IdleCrowd),
        Box::new(maxclients::MaxClients),
        Box::new(unnamed::Unnamed),
        Box::new(stuck_transaction::StuckTransaction),
        Box::new(blocked_long::BlockedLong),
        Box::new(output_buffer::OutputBuffer),
        Box::new(subscribers::SubscribersGrow),
        Box::new(no_timeout::NoTimeout),
        Box::new(rejected::Rejected),
        Box::new(evicted::Evicted),
    ]
}

/// The name of each, in that order.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    all().into_iter().map(|lint| lint.id())
}

/// Keeps what holds.
pub(super) struct Judge {
    lints: Vec<Box<dyn Lint>>,
    /// By lint, and then by what they speak of.
    rows: Vec<BTreeMap<About, Arc<LintRow>>>,
    /// What each found last of what it could look at.
    last: Vec<BTreeMap<About, Finding>>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Clone for Judge {
    /// The lints themselves keep nothing.
    fn clone(&self) -> Self {
        Self { lints: all(), rows: self.rows.clone(), last: self.last.clone() }
    }
}

impl Default for Judge {
    fn default() -> Self {
        let lints = all();
        let rows = lints.iter().map(|_| BTreeMap::new()).collect();
        let last = lints.iter().map(|_| BTreeMap::new()).collect();
        Self { lints, rows, last }
    }
}

/// What a look changed.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Raised and cleared, in that order.
    pub(crate) news: Vec<What>,
    /// What some finding is about.
    pub(crate) flagged: BTreeSet<About>,
}

impl Judge {
    /// Asks every lint.
    pub(super) fn look(&mut self, view: &View<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut cleared = Vec::new();
        for ((lint, rows), last) in self.lints.iter().zip(&mut self.rows).zip(&mut self.last) {
            let level = view.options.levels.get(lint.id());
            let off = level == Level::Off;
            let mut findings =
                if off { Vec::new() } else { lint.evaluate(view, &|about| rows.contains_key(about)) };
            findings.retain(|finding| view.sight(&finding.about) != Sight::None);
            if !off {
                findings = with_unseen(view, last, findings);
            }
            findings.truncate(ROWS);
            let found = findings.into_iter().map(|Finding { about, severity, evidence, marks }| {
                verdict.flagged.extend(marks);
                verdict.flagged.insert(about.clone());
                Found { about, severity, evidence, advice: lint.advice() }
            });
            let ended = found::update(rows, lint.id(), level, view.now, found, &mut verdict.news);
            for row in ended {
                let ending = if off { SWITCHED_OFF.to_owned() } else { lint.ending(&row, view) };
                cleared.push(What::Cleared(row.id, ending));
            }
        }
        verdict.news.extend(cleared);
        verdict
    }

    /// What holds, in no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Arc<LintRow>> {
        self.rows.iter().flat_map(BTreeMap::values)
    }
}

/// What a lint finds now, and what it found before of what is not looked at now: that nobody looks is no end of it.
fn with_unseen(view: &View<'_>, last: &mut BTreeMap<About, Finding>, found: Vec<Finding>) -> Vec<Finding> {
    let found: BTreeMap<_, _> = found.into_iter().map(|finding| (finding.about.clone(), finding)).collect();
    last.retain(|about, _| !found.contains_key(about) && view.sight(about) != Sight::All);
    let unseen = last.values().map(|finding| {
        let seconds = Duration::from_secs(view.unseen(&finding.about).as_secs().max(1));
        let evidence = format!("not looked at for {}: {}", duration(seconds), finding.evidence);
        Finding { evidence, ..finding.clone() }
    });
    let all = found.values().cloned().chain(unseen).collect();
    last.extend(found);
    all
}

/// What a group is called in evidence.
fn who(label: &str, process: Option<&Process>) -> String {
    match process {
        Some(process) => format!("{} (pid {})", short(process.words()), process.pid),
        None if label == NONE => "what has no known process".to_owned(),
        None => server::cut(&group_words(label), WORDS_BYTES).to_owned(),
    }
}

/// A program by its name and its first word, and no directory of either: what is said of it is to be seen beside it.
fn short(command: &str) -> String {
    let last = |word: &str| word.rsplit('/').find(|part| !part.is_empty()).unwrap_or(word).to_owned();
    let mut words = command.split(' ').filter(|word| !word.is_empty());
    let name = words.next().map_or_else(String::new, last);
    let first = words.next().filter(|word| !word.starts_with('-')).map(last);
    server::cut(&[Some(name), first].into_iter().flatten().collect::<Vec<_>>().join(" "), SHORT_BYTES)
        .to_owned()
}

/// What a client is called in evidence: its name, and its process or else where it is.
fn called(row: &ClientRow) -> String {
    let place = match row.process() {
        Some(process) => who("", Some(process)),
        None => server::cut(&row.client.addr, WORDS_BYTES).to_owned(),
    };
    match row.client.name.as_deref() {
        Some(name) => format!("{} {place}", server::cut(name, WORDS_BYTES)),
        None => place,
    }
}

#[cfg(test)]
mod bench;

#[cfg(test)]
mod healthy;

#[cfg(test)]
mod lost;

#[cfg(test)]
mod seldom;

#[cfg(test)]
mod tests;
