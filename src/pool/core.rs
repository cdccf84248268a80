//! The slot and waiter core: every decision about who gets what, under one lock, with no I/O, no clock and no await.
//!
//! At all times, with `created` = in use + available:
//! - `created + opening ≤ max`, but for what was lent or opening when the limit was lowered: that may stay until it
//!   comes back, and nothing is granted meanwhile;
//! - nobody waits while something could be granted: whatever frees a connection or room hands it, under the same lock,
//!   to the caller that waits longest;
//! - a connection is in exactly one place: on the shelf, with a waiter that has not picked it up, or with its holder.
//!
//! Taking and returning are here; what the pool does to its connections by itself is in `upkeep`.

#![allow(unreachable_pub, reason = "public only where the model checker of tests/pool_shuttle.rs reaches in")]

mod counts;
mod look;
mod parts;
mod queue;
mod state;
mod streak;
mod upkeep;

use std::task::{Poll, Waker};
use std::time::Duration;

use slab::Slab;

pub use counts::{Hists, Work};
pub use look::{Crowd, Look, RowLook};
pub use parts::{Arrival, Held, Item, Limits, Returned, Take, Unwanted, Wakes};
pub use queue::Ticket;
pub use streak::RunCount;
pub use upkeep::Closing;

#[cfg(feature = "shuttle")]
pub use super::{holder::Tag, names::NameId, vitals::Vitals};

#[cfg(not(feature = "shuttle"))]
use super::holder::Tag;
use super::sync::Mutex;
use crate::event::{CloseReason, ConnId, Stamp, WaitEnd, nanos};
use queue::Queue;
use state::{Apart, Row, State};

/// The core. `T` is whatever stands for a connection.
#[derive(Debug)]
#[repr(align(64))]
pub struct Core<T> {
    state: Mutex<State<T>>,
}

impl<T> Core<T> {
    /// An empty pool.
    pub fn new(limits: Limits) -> Self {
        let state = State {
            rows: Apart::new(Slab::new()),
            available: Vec::new(),
            queue: Apart::new(Queue::default()),
            opening: 0,
            limits,
            closed: false,
            generation: 0,
            run: None,
            counts: Apart::default(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Takes a connection, leave to open one, or a place in the queue. A connection counts as lent at once.
    #[inline]
    pub fn take(&self, now: Stamp, tag: &Tag) -> Take<T> {
        let mut state = self.state.lock();
        let state = &mut *state;
        if let Some(held) = state.lend_top(now, tag) {
            // A stale one is asked first, which takes time: it counts once it is confirmed.
            if let Some(row) = state.rows.get_mut(held.key).filter(|_| !held.stale) {
                row.counted = true;
                row.uses += 1;
                row.fresh.immediate += 1;
            }
            return Take::Conn(held);
        }
        state.take_slowly(now, tag, false)
    }

    /// What the caller with this ticket was granted, which ends the ticket; else `waker` is called when that changes.
    pub fn poll(&self, ticket: Ticket, waker: &Waker) -> Poll<Take<T>> {
        let mut state = self.state.lock();
        let Some(waiter) = state.queue.get(ticket) else { return Poll::Ready(Take::Closed) };
        if waiter.grant.is_none() {
            let known = waiter.waker.as_ref().is_some_and(|known| known.will_wake(waker));
            let before = if known { None } else { waiter.waker.replace(waker.clone()) };
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        let waiter = state.pick_up(ticket);
        drop(state);
        Poll::Ready(waiter.and_then(|waiter| waiter.grant).unwrap_or(Take::Closed))
    }

    /// The caller stops waiting: what it was granted meanwhile, if anything, is still its own. Ends the ticket.
    pub fn leave(&self, ticket: Ticket) -> Option<Take<T>> {
        let waiter = self.state.lock().pick_up(ticket);
        waiter?.grant
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&self, take: Take<T>, now: Stamp) -> Returned<T> {
        match take {
            Take::Conn(held) => self.put_back(held, now, false),
            Take::Open(_) => Returned::Kept(self.not_opened(now, false)),
            Take::Queue(ticket) => match self.leave(ticket) {
                // A grant is never another ticket.
                Some(Take::Queue(_)) | None => Returned::Kept(Wakes::default()),
                Some(granted) => self.give_back(granted, now),
            },
            Take::Exhausted | Take::Closed => Returned::Kept(Wakes::default()),
        }
    }

    /// The caller has its connection after `waited`. `false` when the pool took it back before it came to that.
    pub fn confirm(&self, held: &Held<T>, now: Stamp, waited: Duration, queued: bool) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(row) = state.rows.get_mut(held.key).filter(|row| row.id == held.id) else { return false };
        if !row.counted {
            row.counted = true;
            row.uses += 1;
            row.since = now;
            state.counts.granted(waited, queued);
        }
        true
    }

    /// The connection just taken is dead: it goes, unless the pool took it back already, and the caller takes again,
    /// before all others.
    pub fn swap(
        &self,
        key: usize,
        id: ConnId,
        reason: CloseReason,
        now: Stamp,
        tag: &Tag,
    ) -> (Take<T>, bool) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let mine = state.rows.get(key).is_some_and(|row| row.id == id);
        if mine {
            if state.remove(key).counted {
                state.counts.reject();
            }
            state.counts.closed(reason, 1);
        }
        let again = state.lend_top(now, tag).map(Take::Conn);
        (again.unwrap_or_else(|| state.take_slowly(now, tag, true)), mine)
    }

    /// A connection comes back from its holder.
    #[inline]
    pub fn release(&self, key: usize, id: ConnId, mut item: T, now: Stamp) -> Returned<T>
    where
        T: Item,
    {
        let mut state = self.state.lock();
        let state = &mut *state;
        let work = item.work();
        if !work.is_empty() {
            work.streak.cut();
            state.add(key, id, work);
        }
        let over = state.is_over();
        let Some(row) = state.rows.get_mut(key).filter(|row| row.id == id) else {
            return Returned::Stray(item);
        };
        let held = now.since(row.since);
        let expired = nanos(now.since(row.opened)) > state.limits.lifetime;
        if state.closed || over || expired {
            let reason = match (state.closed, expired) {
                (true, _) => CloseReason::PoolClosed,
                (_, true) => CloseReason::Expired,
                _ => CloseReason::Resized,
            };
            state.counts.totals.discarded += 1;
            state.counts.hists.held.record(nanos(held));
            return Returned::Closed(item, reason, state.drop_row(key, reason, now));
        }
        row.past.end(row.since, now);
        row.counted = false;
        row.lent = false;
        row.touched = true;
        row.since = now;
        row.proven = now;
        if row.pinned.is_some() {
            row.pinned = None;
        }
        state.count_release(key, held);
        state.available.push((key, item));
        Returned::Kept(state.dispatch(now))
    }

    /// A lease ends and its connection with it. `None` when the pool had taken it back already.
    pub fn discard(
        &self,
        key: usize,
        id: ConnId,
        reason: CloseReason,
        now: Stamp,
        work: &mut Work,
    ) -> Option<Wakes> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.add(key, id, work);
        let row = state.rows.get(key).filter(|row| row.id == id)?;
        if row.counted {
            state.counts.totals.discarded += 1;
            state.counts.hists.held.record(nanos(now.since(row.since)));
        }
        Some(state.drop_row(key, reason, now))
    }

    /// What a lease counted so far.
    pub fn tell(&self, key: usize, id: ConnId, work: &mut Work) {
        self.state.lock().add(key, id, work);
    }

    /// A connection is open; whoever opened it has it, `waited` after asking.
    pub fn arrived(
        &self,
        item: T,
        arrival: &Arrival<'_>,
        waited: Duration,
        queued: bool,
    ) -> Result<(Held<T>, Wakes), Unwanted<T>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let item = state.admit(item, arrival)?;
        let (id, now) = (arrival.id, arrival.now);
        let key = state.rows.insert(arrival.row(true));
        state.counts.granted(waited, queued);
        let held = Held { key, id, item, stale: false, idle_since: now };
        Ok((held, state.dispatch(now)))
    }

    /// What was to be opened is not: failed, or given up.
    pub fn not_opened(&self, now: Stamp, failed: bool) -> Wakes {
        let mut state = self.state.lock();
        state.opening -= 1;
        state.counts.totals.open_failures += u64::from(failed);
        state.dispatch(now)
    }

    /// A wait ended without a connection, after `waited`. One that ran into the timeout is a wait as long as that: the
    /// longest of all must not be missing from the times. How long a caller that went away or was refused would have
    /// waited, nobody knows.
    pub fn wait_failed(&self, how: WaitEnd, waited: Duration, queued: bool) {
        let counts = &mut self.state.lock().counts;
        if how == WaitEnd::TimedOut {
            counts.hists.wait.record(nanos(waited));
        }
        let totals = &mut counts.totals;
        totals.waited += u64::from(queued);
        match how {
            WaitEnd::Granted => {}
            WaitEnd::TimedOut => totals.timeouts += 1,
            WaitEnd::Cancelled => totals.cancelled += 1,
            WaitEnd::Refused => totals.refused += 1,
            WaitEnd::Failed => totals.failed += 1,
        }
    }

    /// A command is sent again; `unreached` is whether it had no connection to be sent on.
    pub fn retried(&self, unreached: bool) {
        let totals = &mut self.state.lock().counts.totals;
        totals.retries += 1;
        totals.failed_again += u64::from(unreached);
    }

    /// A reply was found that nobody had read.
    pub fn found_unread(&self) {
        self.state.lock().counts.totals.unread_replies += 1;
    }
}
