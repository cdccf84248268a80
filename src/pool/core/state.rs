//! What the lock guards, and the steps that every decision is made of.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;
use smallvec::SmallVec;

use super::counts::Counts;
use super::queue::{Queue, Ticket, Waiter};
use super::streak::RunCount;
use super::{Arrival, Held, Limits, Take, Unwanted, Wakes, Work};
use crate::event::{CloseReason, ConnId, Stamp, Totals, nanos};
use crate::pool::holder::Tag;
use crate::pool::vitals::Vitals;

/// Something on cache lines of its own, so that writing it leaves its neighbours in the other processors' caches.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Apart<V>(V);

impl<V> Apart<V> {
    pub(super) fn new(value: V) -> Self {
        Self(value)
    }
}

impl<V> Deref for Apart<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0
    }
}

impl<V> DerefMut for Apart<V> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.0
    }
}

/// What a row counted since it was last added to the pool's counts: a lease then writes only its own row, and not the
/// totals and histograms that every processor shares.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// Grants that took no time.
    pub(super) immediate: u32,
    /// Use times of leases that were released.
    held: SmallVec<[u64; 6]>,
}

impl Fresh {
    /// A lease was released after so many nanoseconds. `true` when there is room for no other.
    #[inline]
    fn released(&mut self, held: u64) -> bool {
        self.held.push(held);
        self.held.len() >= 6
    }

    /// Adds all to the pool's counts.
    pub(super) fn fold(&mut self, counts: &mut Counts) {
        let immediate = std::mem::take(&mut self.immediate);
        counts.totals.checkouts += u64::from(immediate);
        counts.hists.immediate += immediate;
        counts.totals.released += self.held.len() as u64;
        for held in self.held.drain(..) {
            counts.hists.held.record(held);
        }
    }
}

/// The lease on a connection that was released last.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) since: Stamp,
    pub(super) until: Stamp,
    /// Who had it, once the row's own tag is another's.
    tag: Tag,
    tag_is_rows: bool,
    /// It is not told yet.
    fresh: bool,
}

impl Past {
    /// One was released. Its tag stays where it is until the row needs another.
    #[inline]
    pub(super) fn end(&mut self, since: Stamp, until: Stamp) {
        (self.since, self.until) = (since, until);
        self.tag_is_rows = true;
        self.fresh = true;
    }

    /// The row's tag was this, and is another now.
    #[inline]
    fn keep(&mut self, tag: Tag) {
        if std::mem::take(&mut self.tag_is_rows) {
            self.tag = tag;
        }
    }

    /// What is to be told of it, once; `rows` is the row's own tag.
    pub(super) fn tell(&mut self, rows: &Tag) -> Option<(Stamp, Stamp, Tag)> {
        let tag = if self.tag_is_rows { rows } else { &self.tag };
        std::mem::take(&mut self.fresh).then(|| (self.since, self.until, tag.clone()))
    }
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: ConnId,
    pub(super) vitals: Arc<Vitals>,
    pub(super) lent: bool,
    /// It counts as a checkout: its holder has it, and it is neither being checked nor on the way.
    pub(super) counted: bool,
    /// Lent or idle since.
    pub(super) since: Stamp,
    pub(super) opened: Stamp,
    /// When it last came back from use or answered a check.
    pub(super) proven: Stamp,
    pub(super) tag: Tag,
    pub(super) pinned: Option<Arc<str>>,
    /// Leases granted on it.
    pub(super) uses: u64,
    pub(super) fresh: Fresh,
    pub(super) past: Past,
    /// Something changed since the last look.
    pub(super) touched: bool,
}

#[derive(Debug)]
pub(super) struct State<T> {
    pub(super) rows: Apart<Slab<Row>>,
    /// The shelf: last in, first out.
    pub(super) available: Vec<(usize, T)>,
    pub(super) queue: Apart<Queue<T>>,
    pub(super) opening: u32,
    pub(super) limits: Limits,
    pub(super) closed: bool,
    pub(super) generation: u64,
    /// The longest run since the last look, and whose it was.
    pub(super) run: Option<(RunCount, Tag)>,
    pub(super) counts: Apart<Counts>,
}

impl Arrival<'_> {
    pub(super) fn row(&self, lent: bool) -> Row {
        Row {
            id: self.id,
            vitals: self.vitals.clone(),
            lent,
            counted: lent,
            since: self.now,
            opened: self.now,
            proven: self.now,
            tag: self.tag.clone(),
            pinned: None,
            uses: u64::from(lent),
            fresh: Fresh::default(),
            past: Past::default(),
            touched: true,
        }
    }
}

impl<T> State<T> {
    pub(super) fn created(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// More exists than the limit allows: it was lowered.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.rows.len() + self.opening as usize > self.limits.max as usize
    }

    /// Whether one more may be opened.
    pub(super) fn has_room(&self) -> bool {
        !self.closed
            && self.opening < self.limits.dials
            && self.rows.len() + (self.opening as usize) < self.limits.max as usize
    }

    /// Lends the connection that came back last.
    #[inline]
    pub(super) fn lend_top(&mut self, now: Stamp, tag: &Tag) -> Option<Held<T>> {
        let (key, item) = self.available.pop()?;
        self.lend(key, item, now, tag)
    }

    #[inline]
    pub(super) fn lend(&mut self, key: usize, item: T, now: Stamp, tag: &Tag) -> Option<Held<T>> {
        let row = self.rows.get_mut(key)?;
        let idle_since = std::mem::replace(&mut row.since, now);
        row.lent = true;
        row.touched = true;
        let before = std::mem::replace(&mut row.tag, tag.clone());
        row.past.keep(before);
        let stale = nanos(now.since(row.proven)) > self.limits.stale_after;
        Some(Held { key, id: row.id, item, stale, idle_since })
    }

    /// With nothing on the shelf.
    pub(super) fn take_slowly(&mut self, now: Stamp, tag: &Tag, first: bool) -> Take<T> {
        if self.closed {
            return Take::Closed;
        }
        // Who waits already goes first: there is room only when nobody waits, or for one who had its turn.
        if self.has_room() && (first || self.queue.head().is_none()) {
            self.opening += 1;
            return Take::Open(self.generation);
        }
        let spoken_for = self.rows.len() + self.opening as usize + self.queue.len() as usize;
        if !self.limits.wait && spoken_for >= self.limits.max as usize {
            return Take::Exhausted;
        }
        Take::Queue(self.queue.join(now, tag.clone(), first))
    }

    /// Hands what is free to those who wait, oldest first.
    #[inline]
    pub(super) fn dispatch(&mut self, now: Stamp) -> Wakes {
        let mut wakes = Wakes::default();
        while let Some(ticket) = self.queue.head() {
            if self.closed {
                wakes.add(self.queue.grant(ticket, Take::Closed));
            } else if let Some((key, item)) = self.available.pop() {
                let tag = self.queue.get(ticket).map(|waiter| waiter.tag.clone()).unwrap_or_default();
                if let Some(held) = self.lend(key, item, now, &tag) {
                    wakes.add(self.queue.grant(ticket, Take::Conn(held)));
                }
            } else if self.has_room() {
                self.opening += 1;
                wakes.add(self.queue.grant(ticket, Take::Open(self.generation)));
            } else {
                break;
            }
        }
        wakes
    }

    /// Ends a ticket. Leave to open something is of the generation of the moment it is picked up. The waiter comes along
    /// with its waker: dropping a waker may run any code, so that must wait until the lock is free.
    pub(super) fn pick_up(&mut self, ticket: Ticket) -> Option<Waiter<T>> {
        let mut waiter = self.queue.remove(ticket)?;
        if let Some(Take::Open(generation)) = &mut waiter.grant {
            *generation = self.generation;
        }
        Some(waiter)
    }

    /// A row goes, but not what it counted.
    pub(super) fn remove(&mut self, key: usize) -> Row {
        let mut row = self.rows.remove(key);
        row.fresh.fold(&mut self.counts);
        row
    }

    /// What a lease did since it last told.
    pub(super) fn add(&mut self, key: usize, id: ConnId, work: &mut Work) {
        self.counts.add(work);
        let longest = work.streak.longest();
        if longest.commands < RunCount::LEAST {
            return;
        }
        let known = self.run.as_ref().map_or(0, |(run, _)| run.commands);
        if longest.commands > known {
            let row = self.rows.get(key).filter(|row| row.id == id);
            self.run = Some((longest, row.map(|row| row.tag.clone()).unwrap_or_default()));
        }
        work.streak.told();
    }

    /// A lease was released after so long.
    #[inline]
    pub(super) fn count_release(&mut self, key: usize, held: Duration) {
        if let Some(row) = self.rows.get_mut(key)
            && row.fresh.released(nanos(held))
        {
            row.fresh.fold(&mut self.counts);
        }
    }

    /// The totals with what the rows still keep to themselves.
    pub(super) fn totals(&mut self) -> Totals {
        for (_, row) in self.rows.iter_mut() {
            row.fresh.fold(&mut self.counts);
        }
        self.counts.told()
    }

    /// A row goes, and its slot to whoever waits.
    pub(super) fn drop_row(&mut self, key: usize, reason: CloseReason, now: Stamp) -> Wakes {
        self.remove(key);
        self.counts.closed(reason, 1);
        self.dispatch(now)
    }

    /// Counts a connection just opened, and says what becomes of it when it is not wanted.
    pub(super) fn admit(&mut self, item: T, arrival: &Arrival<'_>) -> Result<T, Unwanted<T>> {
        self.counts.totals.opened += 1;
        self.counts.hists.create.record(nanos(arrival.took));
        if self.closed {
            self.opening -= 1;
            self.counts.closed(CloseReason::PoolClosed, 1);
            return Err(Unwanted::Closed(item));
        }
        if arrival.generation != self.generation {
            self.counts.closed(CloseReason::Reset, 1);
            return Err(Unwanted::Outdated(item, self.generation));
        }
        self.opening -= 1;
        Ok(item)
    }
}
