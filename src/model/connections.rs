//! The connections of one pool: rare events open and close rows, pulses bring them up to date.
//!
//! Either may be lost or overtake the other, so both are written to be applied in any order: a pulse makes a row that
//! it does not know, a row that was closed stays closed, and a pulse that lists every connection decides.

mod history;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{ConnId, ConnPulse, ConnState, Holder, NodeId, Opened, PoolId, Pulse, Stamp};
use crate::snapshot::{Beliefs, ConnectionRow, Past, RowState};

/// Rows a pool may have: a guard against a source that lies, far over any real pool.
const ROWS: usize = 65_536;

/// Closed connections that are remembered, so that a pulse taken just before cannot bring one back: as many as can be
/// under way to the hub at once.
const GONE: usize = 4_096;

/// Pulses in a row that must disagree with the table before it counts as out of step; one may just be early.
const DISAGREEMENTS: u32 = 2;

/// The same of a source that looks at an app while that goes on opening and closing: only what stays so is a loss.
const DISAGREEMENTS_INSIDE: u32 = 20;

/// One connection and what the table knows of it beside its row.
#[derive(Clone, Debug)]
struct Entry {
    row: Arc<ConnectionRow>,
    /// A pulse was seen since it was opened: from then on every full pulse must list it.
    settled: bool,
    /// Commands before the lease that is out, where that is known.
    base: Option<u64>,
}

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pool: PoolId,
    rows: BTreeMap<ConnId, Entry>,
    gone: HashSet<ConnId>,
    gone_order: VecDeque<ConnId>,
    disagreements: u32,
    /// How many of these are too many.
    most_disagreements: u32,
    behind: bool,
    /// What lints speak of.
    flagged: HashSet<ConnId>,
    /// Since when the lease is out that is out longest.
    longest: Option<Stamp>,
    /// Some lent connection is dead, or left behind by its holder.
    stray: bool,
}

/// A lent connection, since when, and by whom.
pub(crate) type Lent<'a> = (&'a ConnectionRow, Stamp, &'a Holder);

impl Connections {
    /// An empty table.
    pub(crate) fn new(pool: PoolId) -> Self {
        Self {
            pool,
            rows: BTreeMap::new(),
            gone: HashSet::new(),
            gone_order: VecDeque::new(),
            disagreements: 0,
            most_disagreements: DISAGREEMENTS,
            behind: false,
            flagged: HashSet::new(),
            longest: None,
            stray: false,
        }
    }

    /// A connection was opened.
    pub(crate) fn opened(&mut self, at: Stamp, opened: &Opened) {
        let Some(row) = self.row(opened.conn, at) else { return };
        row.opened = Some(at);
        row.server_id = opened.server_id;
        row.local = opened.local;
        row.steps = Some(opened.steps);
    }

    /// A connection was closed.
    pub(crate) fn closed(&mut self, conn: ConnId) {
        self.rows.remove(&conn);
        if self.gone.insert(conn) {
            self.gone_order.push_back(conn);
        }
        if self.gone_order.len() > GONE
            && let Some(oldest) = self.gone_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }

    /// Whether it is known to be closed.
    pub(crate) fn is_closed(&self, conn: ConnId) -> bool {
        self.gone.contains(&conn)
    }

    /// Every row goes: the pool has stopped.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.behind = false;
    }

    /// Something was lost on the way here: only a pulse that lists every connection settles it.
    pub(crate) fn lost_something(&mut self) {
        self.behind = true;
    }

    /// Whether rows may be missing or stale.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind || self.disagreements >= self.most_disagreements
    }

    /// Takes a pulse's rows.
    pub(crate) fn pulse(&mut self, at: Stamp, pulse: &Pulse) {
        let mut listed: HashSet<ConnId> = HashSet::with_capacity(pulse.connections.len());
        // Of what was lent at the last pulse only what this one lists stays lent.
        (self.longest, self.stray) = (None, false);
        for seen in &pulse.connections {
            listed.insert(seen.conn);
            if let ConnState::InUse { since, holder, .. } = &seen.state {
                self.longest = Some(self.longest.map_or(*since, |longest| longest.min(*since)));
                self.stray |= seen.dead || holder.ended.is_some();
            }
            if let Some(entry) = self.entry(seen.conn, at) {
                let row = Arc::make_mut(&mut entry.row);
                history::remember(row, entry.base, seen);
                entry.base = history::base(row, entry.base, seen);
                update(row, seen, at);
            }
        }
        let exist = pulse.gauges.in_use as usize + pulse.gauges.available as usize;
        // Who lists some tells what is gone by saying so.
        let full = pulse.unlisted.is_none() && listed.len() >= exist;
        self.rows.retain(|conn, entry| {
            // In use and not listed: it came back or was closed, and news of that was lost or is still to come.
            let must_be_listed = full || matches!(entry.row.state, RowState::InUse { .. });
            let keep = listed.contains(conn) || !entry.settled || !must_be_listed;
            entry.settled = true;
            keep
        });
        let agree = match pulse.unlisted {
            None => self.rows.len() == exist,
            // One that is lent before it is opened, or was closed while it is lent, has no row until it is listed.
            Some(unlisted) => (exist.saturating_sub(unlisted as usize)..=exist).contains(&self.rows.len()),
        };
        if full || (agree && pulse.unlisted.is_some()) {
            self.behind = false;
        }
        self.disagreements = if agree { 0 } else { self.disagreements.saturating_add(1) };
        self.most_disagreements = if pulse.unlisted.is_some() { DISAGREEMENTS_INSIDE } else { DISAGREEMENTS };
    }

    fn row(&mut self, conn: ConnId, at: Stamp) -> Option<&mut ConnectionRow> {
        self.entry(conn, at).map(|entry| Arc::make_mut(&mut entry.row))
    }

    /// What is known of a connection, made where nothing is; nothing for one that is closed, or one too many.
    fn entry(&mut self, conn: ConnId, at: Stamp) -> Option<&mut Entry> {
        if self.gone.contains(&conn) || (self.rows.len() >= ROWS && !self.rows.contains_key(&conn)) {
            return None;
        }
        let pool = self.pool;
        let entry = self.rows.entry(conn).or_insert_with(|| Entry {
            row: Arc::new(ConnectionRow {
                pool,
                id: conn,
                server_id: None,
                local: None,
                opened: None,
                steps: None,
                state: RowState::Available { since: at },
                uses: 0,
                commands: 0,
                last_command: None,
                last_active: at,
                busy_since: None,
                dead_since: None,
                client: None,
                beliefs: None,
                flagged: false,
                past: Past::default(),
            }),
            settled: false,
            base: None,
        });
        Some(entry)
    }

    /// One row.
    pub(crate) fn get(&self, conn: ConnId) -> Option<&ConnectionRow> {
        self.rows.get(&conn).map(|entry| &*entry.row)
    }

    /// Those in use that are out for so long, are dead, or were left behind by their holder: most pools have none, at most
    /// looks.
    pub(crate) fn lingering(&self, now: Stamp, least: Duration) -> Vec<Lent<'_>> {
        let long = |since: Stamp| now.since(since) >= least;
        if !self.stray && !self.longest.is_some_and(long) {
            return Vec::new();
        }
        let lingers = |(row, since, holder): &Lent<'_>| {
            long(*since) || row.dead_since.is_some() || holder.ended.is_some()
        };
        self.in_use().filter(lingers).collect()
    }

    /// The rows in use.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = Lent<'_>> {
        self.rows.values().filter_map(|entry| match &entry.row.state {
            RowState::InUse { since, holder, .. } => Some((&*entry.row, *since, holder)),
            RowState::Available { .. } => None,
        })
    }

    /// Marks these rows, and no others.
    pub(crate) fn flag(&mut self, flagged: &HashSet<ConnId>) {
        let before = std::mem::replace(&mut self.flagged, flagged.clone());
        for conn in before.union(flagged) {
            let flag = flagged.contains(conn);
            if let Some(entry) = self.rows.get_mut(conn)
                && entry.row.flagged != flag
            {
                Arc::make_mut(&mut entry.row).flagged = flag;
            }
        }
    }

    /// Takes what is believed of each row.
    pub(crate) fn each(&mut self, mut believed: impl FnMut(&ConnectionRow) -> Beliefs) {
        for entry in self.rows.values_mut() {
            let beliefs = believed(&entry.row);
            Arc::make_mut(&mut entry.row).beliefs = Some(Arc::new(beliefs));
        }
    }

    /// Takes which client of a watched server each row is, and what is believed of it; nothing where that is not known.
    pub(crate) fn seat(
        &mut self,
        mut seated: impl FnMut(&ConnectionRow) -> Option<(Option<(NodeId, u64)>, Beliefs)>,
    ) {
        for entry in self.rows.values_mut() {
            let (client, beliefs) = seated(&entry.row).map_or((None, None), |(client, b)| (client, Some(b)));
            if (entry.row.client, entry.row.beliefs.as_deref()) != (client, beliefs.as_ref()) {
                let row = Arc::make_mut(&mut entry.row);
                (row.client, row.beliefs) = (client, beliefs.map(Arc::new));
            }
        }
    }

    /// Every row, in no promised order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Arc<ConnectionRow>> {
        self.rows.values().map(|entry| &entry.row)
    }
}

fn update(row: &mut ConnectionRow, seen: &ConnPulse, at: Stamp) {
    row.state = match &seen.state {
        ConnState::Available { since } => RowState::Available { since: *since },
        ConnState::InUse { since, holder, pinned } => {
            RowState::InUse { since: *since, holder: holder.clone(), pinned: pinned.clone() }
        }
    };
    row.uses = seen.uses;
    row.commands = seen.commands;
    row.last_command.clone_from(&seen.last_command);
    row.last_active = seen.last_active;
    row.busy_since = seen.busy_since;
    row.dead_since = seen.dead.then(|| row.dead_since.unwrap_or(at));
}

/// In use before available; of those in use the longest held first, of the others the one that waits to be lent next.
pub(crate) fn reading_order(a: &ConnectionRow, b: &ConnectionRow) -> std::cmp::Ordering {
    use RowState::{Available, InUse};
    use std::cmp::Ordering::{Greater, Less};
    let by_state = match (&a.state, &b.state) {
        (InUse { since: left, .. }, InUse { since: right, .. }) => left.cmp(right),
        (InUse { .. }, Available { .. }) => Less,
        (Available { .. }, InUse { .. }) => Greater,
        (Available { since: left }, Available { since: right }) => right.cmp(left),
    };
    by_state.then_with(|| (a.pool, a.id).cmp(&(b.pool, b.id)))
}

#[cfg(test)]
mod tests;
