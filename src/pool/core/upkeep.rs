//! What the pool does to its connections by itself: warm-up, sweeps, a new limit, reset and close.

use std::sync::Arc;
use std::time::Duration;

use super::{Arrival, Core, Held, Limits, Returned, Row, State, Unwanted, Wakes};
use crate::event::{CloseReason, ConnId, Stamp, nanos};
use crate::pool::holder::Tag;
use crate::pool::vitals::Vitals;

/// Connections that go, to be closed once the lock is free.
#[must_use = "waiters must be woken and connections closed"]
#[derive(Debug)]
pub struct Closing<T> {
    /// Which, and why.
    pub gone: Vec<(ConnId, CloseReason)>,
    /// The connections themselves, of those that were not lent.
    pub items: Vec<T>,
    /// Those of which somebody else still has the connection, to be cut off.
    pub taken: Vec<Arc<Vitals>>,
    /// Whom to wake.
    pub wakes: Wakes,
}

impl<T> Default for Closing<T> {
    fn default() -> Self {
        Self { gone: Vec::new(), items: Vec::new(), taken: Vec::new(), wakes: Wakes::default() }
    }
}

impl<T> Closing<T> {
    fn add(&mut self, id: ConnId, reason: CloseReason, item: Option<T>) {
        self.gone.push((id, reason));
        self.items.extend(item);
    }
}

impl<T> Core<T> {
    /// Leave to open a connection for the shelf, when fewer than `wanted` exist or are opening, there is room, and
    /// nobody waits for it.
    pub fn reserve(&self, wanted: u32) -> Option<u64> {
        let mut state = self.state.lock();
        let enough = state.created().saturating_add(state.opening) >= wanted;
        if enough || state.queue.head().is_some() || !state.has_room() {
            return None;
        }
        state.opening += 1;
        Some(state.generation)
    }

    /// A connection opened with [`Core::reserve`] goes on the shelf, or to whoever waits.
    pub fn shelve(&self, item: T, arrival: &Arrival<'_>) -> Result<Wakes, Unwanted<T>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.counts.totals.warmed += 1;
        let item = state.admit(item, arrival)?;
        let key = state.rows.insert(arrival.row(false));
        state.available.push((key, item));
        Ok(state.dispatch(arrival.now))
    }

    /// A connection that was taken and not used comes back; `proven` when it answered a check.
    pub fn put_back(&self, held: Held<T>, now: Stamp, proven: bool) -> Returned<T> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let over = state.is_over();
        let Some(row) = state.rows.get_mut(held.key).filter(|row| row.id == held.id) else {
            return Returned::Stray(held.item);
        };
        if state.closed || over {
            let reason = if state.closed { CloseReason::PoolClosed } else { CloseReason::Resized };
            return Returned::Closed(held.item, reason, state.drop_row(held.key, reason, now));
        }
        if std::mem::take(&mut row.counted) {
            row.uses -= 1;
            row.fresh.fold(&mut state.counts);
            state.counts.reject();
        }
        row.lent = false;
        row.touched = true;
        row.since = held.idle_since;
        if proven {
            row.proven = now;
            // What was checked is what had been idle longest: it belongs under the others again.
            state.available.insert(0, (held.key, held.item));
        } else {
            state.available.push((held.key, held.item));
        }
        Returned::Kept(state.dispatch(now))
    }

    /// Takes from the shelf what has not been heard of for longer than `stale_after`, the longest idle first, and only
    /// what was last heard of before `before`.
    pub fn take_stale(&self, now: Stamp, stale_after: Duration, before: Stamp, tag: &Tag) -> Option<Held<T>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let is_stale = |key: usize| {
            let row = state.rows.get(key);
            row.is_some_and(|row| row.proven < before && now.since(row.proven) >= stale_after)
        };
        let place = state.available.iter().position(|(key, _)| is_stale(*key))?;
        let (key, item) = state.available.remove(place);
        state.lend(key, item, now, tag)
    }

    /// Takes off the shelf what was idle for longer than `max_idle` or lives longer than its time.
    pub fn expire(&self, now: Stamp, max_idle: Option<Duration>) -> Closing<T> {
        let mut state = self.state.lock();
        let lifetime = state.limits.lifetime;
        state.close_idle(now, |row, _| {
            let expired = nanos(now.since(row.opened)) > lifetime;
            let idle = max_idle.is_some_and(|max_idle| now.since(row.since) > max_idle);
            expired.then_some(CloseReason::Expired).or(idle.then_some(CloseReason::Idle))
        })
    }

    /// Takes off the shelf what `is_dead` says is dead. It looks at connections under the lock, so it must not block.
    pub fn prune(&self, now: Stamp, mut is_dead: impl FnMut(&mut T) -> bool) -> Closing<T> {
        self.state.lock().close_idle(now, |_, item| is_dead(item).then_some(CloseReason::Broken))
    }

    /// New limits. Idle connections over the limit go at once, the longest idle first; lent ones when they come back.
    pub fn set_limits(&self, now: Stamp, limits: Limits) -> Closing<T> {
        let mut state = self.state.lock();
        state.limits = limits;
        let mut over = (state.rows.len() + state.opening as usize).saturating_sub(limits.max as usize);
        state.close_idle(now, |_, _| {
            let go = over > 0;
            over = over.saturating_sub(1);
            go.then_some(CloseReason::Resized)
        })
    }

    /// Every connection goes: idle ones at once, lent ones are taken back and their slots free, those being opened are
    /// opened again.
    pub fn reset(&self, now: Stamp) -> Closing<T> {
        let mut state = self.state.lock();
        state.generation += 1;
        state.close_all(now, CloseReason::Reset)
    }

    /// Nobody gets anything any more. Idle connections go; lent ones when they come back.
    pub fn close(&self, now: Stamp) -> Closing<T> {
        let mut state = self.state.lock();
        state.closed = true;
        state.close_idle(now, |_, _| Some(CloseReason::PoolClosed))
    }

    /// After [`Core::close`]: what is still lent is taken back.
    pub fn reclaim(&self, now: Stamp) -> Closing<T> {
        self.state.lock().close_all(now, CloseReason::PoolClosed)
    }

    /// Whether no connection exists or is being opened.
    pub fn is_empty(&self) -> bool {
        let state = self.state.lock();
        state.rows.is_empty() && state.opening == 0
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Closes one connection: an idle one goes, a lent one is taken back and its slot free. `None` when there is none of
    /// that number.
    pub fn close_one(&self, id: ConnId, now: Stamp) -> Option<Closing<T>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let (key, lent) =
            state.rows.iter().find(|(_, row)| row.id == id).map(|(key, row)| (key, row.lent))?;
        let reason = CloseReason::Asked;
        if !lent {
            return Some(state.close_idle(now, |row, _| (row.id == id).then_some(reason)));
        }
        let mut closing = Closing::default();
        let row = state.rows.remove(key);
        state.take_back(row, reason, now, &mut closing);
        state.counts.closed(reason, 1);
        closing.wakes = state.dispatch(now);
        Some(closing)
    }

    /// A check was made.
    pub fn checked(&self, ok: bool) {
        let totals = &mut self.state.lock().counts.totals;
        totals.health_checks += 1;
        totals.health_failures += u64::from(!ok);
    }
}

impl<T> State<T> {
    /// Takes off the shelf, from its bottom, what `judge` gives a reason for.
    fn close_idle(
        &mut self,
        now: Stamp,
        mut judge: impl FnMut(&Row, &mut T) -> Option<CloseReason>,
    ) -> Closing<T> {
        let mut closing = Closing::default();
        let mut kept = Vec::with_capacity(self.available.len());
        for (key, mut item) in std::mem::take(&mut self.available) {
            let verdict = self.rows.get(key).map(|row| (row.id, judge(row, &mut item)));
            if let Some((id, Some(reason))) = verdict {
                self.remove(key);
                self.counts.closed(reason, 1);
                closing.add(id, reason, Some(item));
            } else {
                kept.push((key, item));
            }
        }
        self.available = kept;
        closing.wakes = self.dispatch(now);
        closing
    }

    /// A connection goes from wherever it is; a lease on it ends here.
    fn take_back(&mut self, mut row: Row, reason: CloseReason, now: Stamp, closing: &mut Closing<T>) {
        row.fresh.fold(&mut self.counts);
        row.vitals.take_back(reason);
        if row.counted {
            self.counts.totals.reclaimed += 1;
            self.counts.hists.held.record(nanos(now.since(row.since)));
        }
        closing.gone.push((row.id, reason));
        if row.lent {
            closing.taken.push(row.vitals);
        }
    }

    /// Takes every connection, wherever it is.
    fn close_all(&mut self, now: Stamp, reason: CloseReason) -> Closing<T> {
        let mut closing = Closing { items: self.queue.revoke_connections(), ..Closing::default() };
        closing.items.extend(self.available.drain(..).map(|(_, item)| item));
        let rows: Vec<_> = self.rows.drain().collect();
        for row in rows {
            self.take_back(row, reason, now, &mut closing);
        }
        self.counts.closed(reason, closing.gone.len() as u64);
        closing.wakes = self.dispatch(now);
        closing
    }
}
