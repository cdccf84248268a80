//! Reading the core: its gauges, and once a tick all that a pulse needs.

use std::sync::Arc;
use std::time::Duration;

use super::{Core, Hists, Row, RunCount, State};
use crate::event::{ConnId, Gauges, Pulse, Stamp, Totals};
use crate::pool::holder::Tag;
use crate::pool::vitals::Vitals;

/// What is read under the lock once a tick, to be made into a pulse without it.
#[derive(Debug)]
pub struct Look {
    /// The state.
    pub gauges: Gauges,
    /// The totals.
    pub totals: Totals,
    /// Histograms since the last look.
    pub hists: Hists,
    /// Rows in use, and those that changed.
    pub rows: Vec<RowLook>,
    /// Who waits longest.
    pub waiters: Vec<(Stamp, Tag)>,
    /// The longest run since the last look.
    pub run: Option<(RunCount, Tag)>,
}

/// One connection.
#[derive(Debug)]
pub struct RowLook {
    /// Which.
    pub id: ConnId,
    /// Lent since then, or idle.
    pub since: Stamp,
    /// Its holder, when it is lent.
    pub lent: Option<(Tag, Option<Arc<str>>)>,
    /// Leases granted.
    pub uses: u64,
    /// Its signs of life.
    pub vitals: Arc<Vitals>,
    /// The lease that was released last, from, until and whose, where that was not told before.
    pub past: Option<(Stamp, Stamp, Tag)>,
}

/// How full the pool is, for the error of a caller that got nothing.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// The state, without the caller.
    pub gauges: Gauges,
    /// Who has held a connection longest, and for how long.
    pub longest: Option<(Duration, Tag)>,
}

impl<T> Core<T> {
    /// The state and totals at this moment, read together.
    pub fn status(&self) -> (Gauges, Totals) {
        let mut state = self.state.lock();
        (state.gauges(), state.totals())
    }

    /// The state alone.
    pub fn gauges(&self) -> Gauges {
        self.state.lock().gauges()
    }

    /// How full it is.
    pub fn crowd(&self, now: Stamp) -> Crowd {
        let state = self.state.lock();
        let longest =
            state.rows.iter().map(|(_, row)| row).filter(|row| row.lent).min_by_key(|row| row.since);
        Crowd { gauges: state.gauges(), longest: longest.map(|row| (now.since(row.since), row.tag.clone())) }
    }

    /// What happened since the last look. `fresh` takes the place of the histograms, and must be empty; `all` also
    /// lists rows where nothing changed.
    pub fn look(&self, fresh: Hists, all: bool) -> Look {
        let mut state = self.state.lock();
        let state = &mut *state;
        let gauges = state.gauges();
        let totals = state.totals();
        let mut rows = Vec::with_capacity(if all { state.rows.len() } else { gauges.in_use as usize });
        for (_, row) in state.rows.iter_mut() {
            if all || row.lent || row.touched {
                row.touched = false;
                rows.push(row.look());
            }
        }
        Look {
            gauges,
            totals,
            hists: std::mem::replace(&mut state.counts.hists, fresh),
            rows,
            run: state.run.take(),
            waiters: state.queue.iter().take(Pulse::WAITERS).map(|w| (w.since, w.tag.clone())).collect(),
        }
    }

    /// Who has this connection.
    pub fn tag(&self, key: usize, id: ConnId) -> Option<Tag> {
        self.state.lock().rows.get(key).filter(|row| row.id == id).map(|row| row.tag.clone())
    }

    /// Says why a lease keeps its connection for longer than a command.
    pub fn pin(&self, key: usize, id: ConnId, why: Option<Arc<str>>) {
        if let Some(row) = self.state.lock().rows.get_mut(key).filter(|row| row.id == id) {
            row.pinned = why;
        }
    }

    /// A lease is to outlive the scope it was taken in.
    pub fn stays(&self, key: usize, id: ConnId) {
        if let Some(row) = self.state.lock().rows.get_mut(key).filter(|row| row.id == id) {
            row.tag.stays = true;
        }
    }
}

impl Row {
    fn look(&mut self) -> RowLook {
        RowLook {
            past: self.past.tell(&self.tag),
            id: self.id,
            since: self.since,
            lent: self.lent.then(|| (self.tag.clone(), self.pinned.clone())),
            uses: self.uses,
            vitals: self.vitals.clone(),
        }
    }
}

impl<T> State<T> {
    pub(super) fn gauges(&self) -> Gauges {
        let available = u32::try_from(self.available.len()).unwrap_or(u32::MAX);
        Gauges {
            in_use: self.created().saturating_sub(available),
            available,
            opening: self.opening,
            waiting: self.queue.len(),
            max: self.limits.max,
        }
    }
}
