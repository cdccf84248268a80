//! Judgements as objects: each looks at one pool and says what it finds, with evidence in numbers.
//!
//! A lint keeps no state and knows nothing of how a lease was made. [`Judge`] keeps what holds: a finding that is new
//! is raised, one that stays is brought up to date, one that is gone is cleared, and the list of events says so.

pub(super) mod abandoned;
mod churn;
mod cold_start;
mod dead;
pub(super) mod exhausted;
pub(super) mod failing_connects;
pub(super) mod found;
mod growth;
pub(super) mod inside;
pub(super) mod leak;
pub(super) mod long_hold;
mod maxclients;
mod no_timeout;
mod pool_usage;
mod pubsub_held;
mod sequential;
mod shared_after_fork;
pub(super) mod sizing;
mod stale;
mod stuck_transaction;
mod unbounded;
mod unread_reply;
pub(super) mod watch;
mod watch_held;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::connections::{Connections, Lent};
use super::recent::Recent;
use super::runs::Runs;
use super::waits::Waits;
use super::{ModelOptions, server};
use crate::event::{Bounds, ConnId, Gauges, Holder, Inside, PoolId, Stamp};
use crate::snapshot::{About, Level, LintRow, ServerRow, Severity, What};
use found::Found;

/// Findings of one lint about one pool that get a row; a pool with more has no use for the rest.
const ROWS: usize = 256;

/// How a finding ends whose lint is asked no more.
const SWITCHED_OFF: &str = "switched off";

/// A pool as a lint sees it.
pub(crate) struct View<'a> {
    /// The moment: ages are counted to it.
    pub(crate) now: Stamp,
    /// The thresholds.
    pub(crate) options: &'a ModelOptions,
    /// Its name.
    pub(crate) name: &'a str,
    /// What the app that has it tells from inside.
    pub(crate) inside: Option<&'a Inside>,
    /// One connection for every caller.
    pub(crate) single: bool,
    /// The state at the last pulse.
    pub(crate) gauges: Gauges,
    /// Who waits, and who did lately.
    pub(crate) waits: &'a Waits,
    /// What it did lately.
    pub(crate) recent: &'a Recent,
    /// The longest runs of commands of the last minute.
    pub(crate) runs: &'a Runs,
    /// How long anything may take.
    pub(crate) bounds: Bounds,
    /// The server, while it answers, for the one pool with which it is judged.
    pub(crate) server: Option<Arc<ServerRow>>,
    /// The server is known not to answer.
    pub(crate) lost: bool,
    /// How many clients the server takes, as far as it told: every pool is measured by that.
    pub(crate) maxclients: Option<u64>,
    /// Connections of all pools together, where the server is judged.
    pub(crate) ours: u64,
    /// Every connection.
    pub(crate) connections: &'a Connections,
    /// See [`View::lingering`].
    pub(crate) lingering: OnceCell<Vec<Lent<'a>>>,
}

impl<'a> View<'a> {
    /// Advice for a pool of ours, or for one of an app's own, which is Python.
    pub(crate) fn advice(&self, ours: &'static str, python: &'static str) -> &'static str {
        if self.inside.is_some() { python } else { ours }
    }

    /// The leases that a lint may find something in by themselves: out for as long as any of them asks at the least, dead,
    /// or left behind. They are looked for once for all lints.
    pub(crate) fn lingering(&self) -> impl Iterator<Item = Lent<'a>> {
        let least = self.options.leak_threshold.min(long_hold::OUT).min(stuck_transaction::OUT);
        self.lingering.get_or_init(|| self.connections.lingering(self.now, least)).iter().copied()
    }
}

/// What a lint found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// Which connection, when it is about one. At most one finding a connection.
    pub(crate) conn: Option<ConnId>,
    /// How bad.
    pub(crate) severity: Severity,
    /// In numbers, one line.
    pub(crate) evidence: String,
    /// What to do about it, one line.
    pub(crate) advice: &'static str,
}

/// One kind of judgement.
pub(crate) trait Lint: Send {
    /// Its stable name.
    fn id(&self) -> &'static str;

    /// What it finds now. `holds` says that it found something at the last look, for those that clear at another
    /// threshold than they raise.
    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding>;

    /// Whose code a finding of this lint is about: of a connection its holder's, of a pool that of who made it.
    fn whose(&self, row: &LintRow, view: &View<'_>) -> Option<Holder> {
        match row.conn() {
            Some(conn) => view.connections.get(conn).and_then(|row| row.holder().cloned()),
            None => view.inside.and_then(|inside| inside.made.clone()),
        }
    }

    /// How a finding ended, one line.
    fn ending(&self, row: &LintRow, _view: &View<'_>) -> String {
        row.evidence.clone()
    }
}

/// Every lint, in the order they are asked.
fn all() -> Vec<Box<dyn Lint>> {
    vec![
        Box::new(abandoned::Abandoned),
        Box::new(leak::Leak),
        Box::new(dead::Dead),
        Box::new(unread_reply::UnreadReply),
        Box::new(exhausted::Exhausted),
        Box::new(failing_connects::FailingConnects),
        Box::new(long_hold::LongHold),
        Box::new(stuck_transaction::StuckTransaction),
        Box::new(watch_held::WatchHeld),
        Box::new(pubsub_held::PubSubHeld),
        Box::new(shared_after_fork::SharedAfterFork),
        Box::new(pool_usage::PoolUsage),
        Box::new(sizing::Undersized),
        Box::new(sizing::Oversized),
        Box::new(unbounded::Unbounded),
        Box::new(cold_start::ColdStart),
        Box::new(churn::Churn),
        Box::new(growth::Growth),
        Box::new(sequential::Sequential),
        Box::new(stale::Stale),
        Box::new(maxclients::MaxClients),
        Box::new(no_timeout::NoTimeout),
    ]
}

/// The name of each, in that order, then of those that only apps have, and of those that only watched servers have.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    let mut ids: Vec<_> = all().into_iter().map(|lint| lint.id()).collect();
    for id in inside::ids().into_iter().chain(watch::ids()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter()
}

/// Whether it can be raised on pools that an app reports from inside. What health checks, round trips and the server
/// itself would have to tell is not known of those, and their transactions have a lint of their own.
pub(crate) fn is_of_apps(id: &str) -> bool {
    const NEVER: [&str; 5] = ["dead", "stuck-transaction", "sequential", "stale", "maxclients"];
    let of_pools = all().into_iter().any(|lint| lint.id() == id);
    (of_pools && !NEVER.contains(&id)) || inside::ids().contains(&id)
}

/// Whether it is raised on watched servers.
pub(crate) fn is_of_servers(id: &str) -> bool {
    watch::ids().any(|known| known == id)
}

/// Keeps what holds.
pub(crate) struct Judge {
    lints: Vec<Box<dyn Lint>>,
    /// By pool and lint, and then by what they speak of.
    rows: BTreeMap<(PoolId, usize), BTreeMap<About, Arc<LintRow>>>,
    /// On watched servers.
    watch: watch::Judge,
    /// On an app as a whole.
    inside: inside::Judge,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("rows", &self.rows)
            .field("watch", &self.watch)
            .field("inside", &self.inside)
            .finish_non_exhaustive()
    }
}

impl Clone for Judge {
    /// The lints themselves keep nothing.
    fn clone(&self) -> Self {
        Self { lints: all(), rows: self.rows.clone(), watch: self.watch.clone(), inside: self.inside.clone() }
    }
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            lints: all(),
            rows: BTreeMap::new(),
            watch: watch::Judge::default(),
            inside: inside::Judge::default(),
        }
    }
}

/// What a look at one pool changed.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Raised and cleared, in that order.
    pub(crate) news: Vec<What>,
    /// The connections that some finding is about.
    pub(crate) flagged: HashSet<ConnId>,
    /// What held and holds no more, and whose code it was about.
    pub(crate) over: Vec<(Arc<LintRow>, Option<Holder>)>,
}

impl Judge {
    /// Asks every lint about one pool.
    pub(crate) fn look(&mut self, pool: PoolId, view: &View<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut cleared = Vec::new();
        for (index, lint) in self.lints.iter().enumerate() {
            let rows = self.rows.entry((pool, index)).or_default();
            let level = view.options.levels.get(lint.id());
            let findings =
                if level == Level::Off { Vec::new() } else { lint.evaluate(view, !rows.is_empty()) };
            verdict.flagged.extend(findings.iter().filter_map(|finding| finding.conn));
            let found = findings.into_iter().take(ROWS).map(|finding| Found {
                about: finding.conn.map_or(About::Pool(pool), |conn| About::Connection(pool, conn)),
                severity: finding.severity,
                evidence: finding.evidence,
                advice: finding.advice,
            });
            let ended = found::update(rows, lint.id(), level, view.now, found, &mut verdict.news);
            for row in ended {
                let off = level == Level::Off;
                let ending = if off { SWITCHED_OFF.to_owned() } else { lint.ending(&row, view) };
                cleared.push(What::Cleared(row.id, ending));
                if !off && view.inside.is_some() {
                    let whose = lint.whose(&row, view);
                    verdict.over.push((row, whose));
                }
            }
        }
        verdict.news.extend(cleared);
        verdict
    }

    /// Asks every lint about the watched servers.
    pub(crate) fn watch(&mut self, view: &watch::View<'_>) -> watch::Verdict {
        self.watch.look(view)
    }

    /// Asks every lint about an app as a whole.
    pub(crate) fn inside(&mut self, view: &inside::View<'_>) -> (Vec<What>, Vec<inside::Over>) {
        self.inside.look(view)
    }

    /// What holds of one pool, and whose code it is about.
    pub(crate) fn rows_of(&self, pool: PoolId, view: &View<'_>) -> Vec<(Arc<LintRow>, Option<Holder>)> {
        let of = self.rows.range((pool, 0)..=(pool, usize::MAX));
        let rows = of.flat_map(|((_, lint), rows)| rows.values().map(|row| (*lint, row)));
        rows.map(|(lint, row)| (Arc::clone(row), self.lints[lint].whose(row, view))).collect()
    }

    /// A pool is no more, and nothing can be said about it.
    pub(crate) fn forget(&mut self, pool: PoolId, at: Stamp) -> Vec<What> {
        let mut news = Vec::new();
        self.rows.retain(|key, rows| {
            if key.0 == pool {
                // What was found in this moment has not been told.
                let told = rows.values().filter(|row| row.since < at);
                news.extend(told.map(|row| What::Cleared(row.id, row.evidence.clone())));
            }
            key.0 != pool
        });
        news
    }

    /// What holds, worst first, and among equals the oldest.
    pub(crate) fn rows(&self) -> Vec<Arc<LintRow>> {
        let of_pools = self.rows.values().flat_map(BTreeMap::values);
        let mut rows: Vec<_> = of_pools.chain(self.watch.rows()).chain(self.inside.rows()).cloned().collect();
        found::sort(&mut rows);
        rows
    }
}

/// The most of a path that is kept in evidence: its end is the line, which must not be cut.
const PLACE_BYTES: usize = 300;

/// The most of a word of a holder that is kept in evidence.
const WORD_BYTES: usize = 96;

/// The name of a holder in evidence: its label, then its line and function, as far as they are known.
pub(super) fn name(holder: &Holder) -> String {
    let label = holder.label.as_deref().map(|word| server::cut(word, WORD_BYTES).to_owned());
    let mut name: Vec<_> = label.into_iter().chain(place(holder)).collect();
    if name.is_empty()
        && let Some(task) = holder.task
    {
        name.push(format!("task {task}"));
    }
    name.join(" ")
}

/// `path/file.py:88 in worker`: where somebody is in the code, as far as that is known.
pub(super) fn place(holder: &Holder) -> Option<String> {
    let location = server::cut(holder.location.as_deref()?, PLACE_BYTES);
    Some(match holder.function.as_deref() {
        Some(function) => format!("{location} in {}", server::cut(function, WORD_BYTES)),
        None => location.to_owned(),
    })
}

#[cfg(test)]
pub(crate) mod bench;

#[cfg(test)]
mod healthy;

#[cfg(test)]
mod tests;
