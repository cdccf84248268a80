//! One watched server: what its INFO says, what looking at its clients costs, and what it does not let us ask.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::groups::{Book, Labels};
use super::rows::{Gone, Rows};
use super::sockets::Sockets;
use crate::event::{Look, NodeConfig, NodeFacts, NodeId, Process, Refused, Stamp};
use crate::model::server::{Change, RAW_BYTES, Server, cut, fields};
use crate::model::windows::second;
use crate::snapshot::{LookRow, NodePoint, NodeRow};

/// The most of a target, a command or a sentence that is kept.
const WORDS_BYTES: usize = 512;

/// Refusals that are kept of one server: there are not many commands that we ask.
const REFUSALS: usize = 16;

/// Processes on a unix socket that are kept.
const SHARES: usize = 256;

/// Own connections that are kept.
const OURS: usize = 64;

/// Points that are kept, one a second.
pub(in crate::model) const POINTS: usize = 300;

/// How far back counts are kept one by one.
const COUNTED: Duration = Duration::from_secs(60);

/// And how many of them, however often the server is asked.
const COUNTS: usize = 512;

/// A client that was gone before it was so old was opened for a moment.
pub(in crate::model) const SHORT: Duration = Duration::from_secs(5);

/// Those that looks saw and that are kept, to tell whose they were, and for how long.
const SAMPLES: usize = 64;
const SAMPLED: Duration = Duration::from_secs(30);

/// So soon after a server was lost another reason for that is none.
const ONE_LOSS: Duration = Duration::from_secs(2);

/// Over which a rate is told.
const RATE: Duration = Duration::from_millis(10_500);

/// A counter of the server's, from the first time that we read it on: it starts again with the server, or when somebody
/// resets it.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Counter {
    last: Option<u64>,
    sum: u64,
    /// What it was at each time, since a minute.
    told: VecDeque<(Stamp, u64)>,
}

impl Counter {
    /// What it says now. Gives by how much it rose.
    fn tell(&mut self, at: Stamp, value: u64) -> u64 {
        let rose = match self.last {
            None => 0,
            Some(last) if value >= last => value - last,
            Some(_) => value,
        };
        self.last = Some(value);
        self.add(at, rose);
        rose
    }

    /// It rose by so much.
    fn add(&mut self, at: Stamp, rose: u64) {
        self.sum = self.sum.saturating_add(rose);
        while self.told.len() >= COUNTS
            || self.told.front().is_some_and(|(told, _)| at.since(*told) > COUNTED)
        {
            self.told.pop_front();
        }
        self.told.push_back((at, self.sum));
    }

    /// Time went by in which it was not told.
    fn pass(&mut self, passed: Duration) {
        self.told.iter_mut().for_each(|(at, _)| *at = *at + passed);
    }

    /// Since the first time.
    fn sum(&self) -> Option<u64> {
        (!self.told.is_empty()).then_some(self.sum)
    }

    /// By how much it rose in the last so long, and over what time that is.
    pub(in crate::model) fn rose(&self, length: Duration) -> Option<(u64, Duration)> {
        let (end, now) = self.told.back()?;
        let (begin, before) = self.told.iter().find(|(told, _)| end.since(*told) <= length)?;
        Some((now - before, end.since(*begin)))
    }

    /// What it was at each time it was told, newest first.
    pub(in crate::model) fn told(&self) -> impl Iterator<Item = (Stamp, u64)> {
        self.told.iter().rev().copied()
    }

    fn rate(&self) -> Option<f64> {
        let (rose, passed) = self.rose(RATE)?;
        (passed >= Duration::from_millis(900)).then(|| rose as f64 / passed.as_secs_f64())
    }
}

/// A short-lived client that a look saw.
#[derive(Clone, Debug)]
pub(in crate::model) struct Sample {
    /// When it was gone.
    at: Stamp,
    /// What it was called.
    pub(in crate::model) labels: Labels,
    /// When it was seen last it was younger than looks are apart: the like of it may come and go between two.
    pub(in crate::model) brief: bool,
}

/// One watched server.
#[derive(Clone, Debug)]
pub(in crate::model) struct Node {
    pub(in crate::model) id: NodeId,
    facts: NodeFacts,
    server: Server,
    look: Option<LookRow>,
    looks: u64,
    numbers: Numbers,
    pub(in crate::model) accepted: Counter,
    /// The same by looks, for a server that does not let us read INFO.
    by_looks: Counter,
    pub(in crate::model) rejected: Counter,
    pub(in crate::model) evicted: Counter,
    unseen: u64,
    /// It does not answer: when it was last looked at.
    away: Option<Stamp>,
    /// The same of the last time that it did not, and when it was looked at again.
    gap: Option<(Stamp, Stamp)>,
    /// Clients that were gone before they were [`SHORT`] old, those that no look saw among them.
    pub(in crate::model) short: Counter,
    /// By every key, what some of them were called that looks saw.
    samples: VecDeque<Sample>,
    /// Those that the look that is being told closed.
    short_closed: u64,
    pub(in crate::model) config: NodeConfig,
    refused: Vec<Refused>,
    unix_shares: Vec<(Arc<Process>, u64)>,
    series: VecDeque<NodePoint>,
    stopped: bool,
    ours: Vec<u64>,
    pub(in crate::model) rows: Rows,
    /// What the kernel believes of connections to it.
    pub(in crate::model) sockets: Sockets,
    /// Events were lost, or counts do not agree: only a whole look settles it.
    behind: bool,
    published: Option<Arc<NodeRow>>,
}

/// What INFO said last.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::model) struct Numbers {
    pub(in crate::model) connected: Option<u64>,
    pub(in crate::model) blocked: Option<u64>,
    pub(in crate::model) max: Option<u64>,
    received: Option<u64>,
    rejected: Option<u64>,
    evicted: Option<u64>,
}

impl Node {
    pub(super) fn new(id: NodeId) -> Self {
        Self {
            id,
            facts: NodeFacts::default(),
            server: Server::default(),
            look: None,
            looks: 0,
            numbers: Numbers::default(),
            accepted: Counter::default(),
            by_looks: Counter::default(),
            rejected: Counter::default(),
            evicted: Counter::default(),
            unseen: 0,
            away: None,
            gap: None,
            short: Counter::default(),
            samples: VecDeque::new(),
            short_closed: 0,
            config: NodeConfig::default(),
            refused: Vec::new(),
            unix_shares: Vec::new(),
            series: VecDeque::new(),
            stopped: false,
            ours: Vec::new(),
            rows: Rows::new(id),
            sockets: Sockets::default(),
            behind: false,
            published: None,
        }
    }

    pub(super) fn started(&mut self, facts: &NodeFacts) {
        let target = cut(&facts.target, WORDS_BYTES).to_owned();
        let found = facts.found.as_deref().map(|found| cut(found, WORDS_BYTES).to_owned());
        self.server.at(&target);
        self.facts = NodeFacts { target, found };
        self.stopped = false;
        self.published = None;
    }

    pub(in crate::model) fn target(&self) -> &str {
        &self.facts.target
    }

    /// Takes INFO.
    pub(super) fn info(&mut self, at: Stamp, raw: &Arc<str>, took: Duration) -> Change {
        let change = self.server.info(at, raw, took);
        let mut read = Numbers::default();
        for (_, name, value) in fields(cut(raw, RAW_BYTES)) {
            let number = match name {
                "connected_clients" => &mut read.connected,
                "blocked_clients" => &mut read.blocked,
                "maxclients" => &mut read.max,
                "total_connections_received" => &mut read.received,
                "rejected_connections" => &mut read.rejected,
                "evicted_clients" => &mut read.evicted,
                _ => continue,
            };
            *number = value.trim().parse().ok();
        }
        let accepted = read.received.map(|received| self.accepted.tell(at, received));
        if let Some(rejected) = read.rejected {
            self.rejected.tell(at, rejected);
        }
        if let Some(evicted) = read.evicted {
            self.evicted.tell(at, evicted);
        }
        self.numbers = read;
        // No look will come that says so.
        if self.looks == 0 {
            self.away = None;
        }
        self.point(at, accepted);
        self.published = None;
        change
    }

    /// Brings the newest point of the series up to date.
    fn point(&mut self, at: Stamp, accepted: Option<u64>) {
        let now = second(at);
        let newest = self.series.back().copied();
        let from = newest.map_or(now, |newest| second(newest.at).saturating_add(1));
        let still = NodePoint { accepted: None, ..newest.unwrap_or_default() };
        for second in from.max(now.saturating_sub(POINTS as u64))..=now {
            if self.series.len() == POINTS {
                self.series.pop_front();
            }
            self.series.push_back(NodePoint { at: Stamp(second.saturating_mul(1_000_000_000)), ..still });
        }
        let Some(point) = self.series.back_mut() else { return };
        (point.connected, point.blocked) = (self.numbers.connected, self.numbers.blocked);
        if let Some(accepted) = accepted {
            point.accepted = Some(point.accepted.unwrap_or(0).saturating_add(accepted));
        }
    }

    pub(super) fn configured(&mut self, config: NodeConfig) {
        self.config = config;
        self.published = None;
    }

    /// A client was closed, by the look that is being told: it was short-lived if it was so when it was last seen.
    pub(super) fn closed(&mut self, at: Stamp, gone: &Gone, groups: &Book) {
        let seen = self.looked_at().unwrap_or(at);
        if !gone.seen_opening || gone.row.own || gone.row.age(seen) >= SHORT {
            return;
        }
        self.short_closed = self.short_closed.saturating_add(1);
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        let apart = self.look.map_or(Duration::ZERO, |look| look.interval);
        let brief = gone.row.age(seen) < apart;
        self.samples.push_back(Sample { at, labels: groups.labels(gone.places), brief });
    }

    /// The short-lived clients of the last half minute that looks saw.
    pub(in crate::model) fn short_lived(&self, now: Stamp) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| now.since(sample.at) <= SAMPLED)
    }

    /// Whether there were at least as many more that no look saw, in that time.
    pub(in crate::model) fn most_are_unseen(&self, now: Stamp) -> bool {
        let oldest = self.samples.front().filter(|_| self.samples.len() == SAMPLES);
        let back = oldest.map_or(SAMPLED, |oldest| now.since(oldest.at).min(SAMPLED));
        let all = self.short.rose(back).map_or(0, |(rose, _)| rose);
        all >= 2 * self.short_lived(now).count() as u64
    }

    /// A look has ended, with so many clients that it opened.
    pub(super) fn looked(&mut self, at: Stamp, look: &Look, opened: u64) {
        self.looks += 1;
        if let Some(away) = self.away.take() {
            self.gap = Some((away, at));
            // What is counted by looks stood still as they did.
            let passed = at.since(away).saturating_sub(look.interval);
            self.short.pass(passed);
            self.by_looks.pass(passed);
            self.samples.iter_mut().for_each(|sample| sample.at = sample.at + passed);
        }
        let unseen = look.unseen.unwrap_or(0);
        self.unseen = self.unseen.saturating_add(unseen);
        self.short.add(at, unseen.saturating_add(std::mem::take(&mut self.short_closed)));
        self.by_looks.add(at, if self.looks > 1 { opened.saturating_add(unseen) } else { 0 });
        self.rows.mark_own(&self.ours, &look.ours);
        self.ours = look.ours.iter().take(OURS).copied().collect();
        let over = self.rows.over();
        self.look = Some(LookRow {
            at,
            clients: look.clients.saturating_sub(over),
            left_out: look.left_out.saturating_add(over),
            unread: look.bad,
            bytes: look.bytes,
            took: look.took,
            cost: look.cost,
            told: look.told,
            interval: look.interval,
        });
        // Lines that could not be read are clients without a row, however the source counts them.
        let agree = self.rows.count().abs_diff(look.clients) <= look.bad;
        let all_have_rows = self.rows.count() == self.rows.len() as u64;
        // Who came and who went may both have been lost: that the counts agree says something of a whole look only.
        self.behind = (self.behind && !look.whole) || (!agree && all_have_rows);
        self.refused.retain(|refused| refused.command != "CLIENT LIST");
        self.published = None;
    }

    /// When the last look ended.
    pub(in crate::model) fn looked_at(&self) -> Option<Stamp> {
        self.look.map(|look| look.at)
    }

    /// The rows are some of its clients only, so that no count is of all of them.
    pub(in crate::model) fn is_cut(&self) -> bool {
        self.look.is_some_and(|look| look.left_out > 0)
    }

    /// How long it is to the next one.
    pub(in crate::model) fn apart(&self) -> Option<Duration> {
        self.look.map(|look| look.interval)
    }

    /// Ids of our own connections.
    pub(in crate::model) fn ours(&self) -> &[u64] {
        &self.ours
    }

    pub(super) fn shares(&mut self, shares: &[(Arc<Process>, u64)]) {
        self.unix_shares = shares.iter().take(SHARES).cloned().collect();
        self.published = None;
    }

    /// True when that is news.
    pub(super) fn refused(&mut self, refused: &Refused) -> bool {
        let short = Refused {
            command: cut(&refused.command, WORDS_BYTES).to_owned(),
            error: cut(&refused.error, WORDS_BYTES).to_owned(),
            rule: refused.rule.as_deref().map(|rule| cut(rule, WORDS_BYTES).to_owned()),
        };
        self.published = None;
        if short.command == "CLIENT LIST" {
            self.away = None;
        }
        if let Some(known) = self.refused.iter_mut().find(|known| known.command == short.command) {
            let news = *known != short;
            *known = short;
            return news;
        }
        let room = self.refused.len() < REFUSALS;
        if room {
            self.refused.push(short);
        }
        room
    }

    pub(super) fn allowed(&mut self, command: &str) {
        self.refused.retain(|refused| refused.command != command);
        self.published = None;
    }

    /// True when that is news.
    pub(super) fn lost(&mut self, at: Stamp, error: &str, retry_at: Stamp) -> bool {
        self.published = None;
        if self.away.is_none() {
            let last = self.looked_at().unwrap_or(at);
            self.away = Some(last);
            self.rows.stop(last);
        }
        // That a connection broke, and why there is no other then, is one loss.
        let just = self.server.row().lost.as_ref().is_some_and(|lost| at.since(lost.since) < ONE_LOSS);
        self.server.lost(at, error, retry_at) && !just
    }

    /// Whether nothing is known of it.
    pub(super) fn never_answered(&self) -> bool {
        self.look.is_none() && self.server.row().seen_at.is_none()
    }

    /// Whether it answers, as far as is known.
    fn answers(&self) -> bool {
        !self.stopped && self.server.row().lost.is_none()
    }

    /// Since when nobody has looked at it, where it does not answer.
    pub(in crate::model) fn away(&self) -> Option<Stamp> {
        self.away.filter(|_| !self.stopped)
    }

    /// Whether it is looked at.
    pub(in crate::model) fn is_seen(&self) -> bool {
        !self.stopped && self.away.is_none()
    }

    /// From when to when it was last not looked at.
    pub(in crate::model) fn gap(&self) -> Option<(Stamp, Stamp)> {
        self.gap
    }

    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.behind = false;
        self.rows = Rows::new(self.id);
        self.sockets = Sockets::default();
        self.published = None;
    }

    pub(in crate::model) fn is_stopped(&self) -> bool {
        self.stopped
    }

    pub(super) fn lost_something(&mut self) {
        self.behind = !self.stopped;
    }

    /// Whether rows may be missing or stale, and a whole look would help.
    pub(super) fn is_behind(&self) -> bool {
        self.behind && !self.refused.iter().any(|refused| refused.command == "CLIENT LIST")
    }

    /// What INFO said last.
    pub(in crate::model) fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// Connections that it accepted, by INFO or else by looks.
    pub(in crate::model) fn opened(&self) -> &Counter {
        if self.accepted.sum().is_some() { &self.accepted } else { &self.by_looks }
    }

    pub(super) fn row(&mut self) -> Arc<NodeRow> {
        let row = || NodeRow {
            id: self.id,
            target: self.facts.target.clone(),
            found: self.facts.found.clone(),
            server: self.server.row().clone(),
            look: self.look,
            connected: self.numbers.connected,
            blocked: self.numbers.blocked,
            max: self.numbers.max,
            rejected: self.rejected.sum(),
            evicted: self.evicted.sum(),
            opening_rate: Some(()).filter(|()| self.answers()).and_then(|()| self.opened().rate()),
            unseen: self.unseen,
            config: self.config,
            refused: self.refused.clone(),
            unix_shares: self.unix_shares.clone(),
            series: self.series.iter().copied().collect(),
            stopped: self.stopped,
        };
        if self.published.is_none() {
            self.published = Some(Arc::new(row()));
        }
        self.published.clone().unwrap_or_default()
    }
}
