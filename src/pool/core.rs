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
mod queue;
mod upkeep;

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use slab::Slab;
use smallvec::SmallVec;

pub use counts::{Hists, Work};
pub use look::{Crowd, Look, RowLook};
pub use queue::Ticket;
pub use upkeep::{Closing, Fate};

use super::holder::Tag;
use super::sync::Mutex;
use super::vitals::Vitals;
use crate::event::{CloseReason, ConnId, Stamp, WaitEnd, nanos};
use counts::Counts;
use queue::Queue;

/// Whom to wake once the lock is free.
#[must_use = "a waiter that is not woken waits for ever"]
#[derive(Debug, Default)]
pub struct Wakes(SmallVec<[Waker; 1]>);

impl Wakes {
    /// Wakes them. Never under the lock: a woken task may run at once.
    #[inline]
    pub fn wake(self) {
        for waker in self.0 {
            waker.wake();
        }
    }

    fn add(&mut self, waker: Option<Waker>) {
        self.0.extend(waker);
    }
}

/// What stands for a connection: the core looks at nothing of it but what its holder counted.
pub trait Item {
    /// What its holder counted since it last told.
    fn work(&mut self) -> &mut Work;
}

/// A connection on loan from the core.
#[derive(Debug)]
pub struct Held<T> {
    /// Its row.
    pub key: usize,
    /// Its number, which a row may no longer have.
    pub id: ConnId,
    /// The connection.
    pub item: T,
    /// Nothing was heard from it for so long that it should be asked before it is used.
    pub stale: bool,
    /// Idle since then, before it was lent.
    pub idle_since: Stamp,
}

/// What a caller gets.
#[derive(Debug)]
pub enum Take<T> {
    /// A connection.
    Conn(Held<T>),
    /// Leave to open one; the number says which generation it would belong to.
    Open(u64),
    /// A place in the queue.
    Queue(Ticket),
    /// Nothing: every connection is lent, and this pool does not queue.
    Exhausted,
    /// Nothing: the pool is closed.
    Closed,
}

/// What became of a connection that came back.
#[derive(Debug)]
pub enum Returned<T> {
    /// It is on the shelf or with the next caller.
    Kept(Wakes),
    /// It is not wanted any more.
    Closed(T, CloseReason, Wakes),
    /// The pool had taken it back already.
    Stray(T),
}

/// Why a connection just opened is of no use.
#[derive(Debug)]
pub enum Unwanted<T> {
    /// It was begun before a reset: open another one, of this generation.
    Outdated(T, u64),
    /// The pool was closed meanwhile.
    Closed(T),
}

/// What bounds the core's decisions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections.
    pub max: u32,
    /// The most that may be opening at a time.
    pub dials: u32,
    /// Whether callers queue.
    pub wait: bool,
    /// Idle longer than this is stale.
    pub stale_after: Option<Duration>,
    /// Older than this is closed.
    pub lifetime: Option<Duration>,
}

#[derive(Debug)]
struct Row {
    id: ConnId,
    vitals: Arc<Vitals>,
    lent: bool,
    /// It counts as a checkout: its holder has it, and it is neither being checked nor on the way.
    counted: bool,
    /// Lent or idle since.
    since: Stamp,
    opened: Stamp,
    /// When it last came back from use or answered a check.
    proven: Stamp,
    tag: Tag,
    pinned: Option<Arc<str>>,
    uses: u64,
    /// Something changed since the last look.
    touched: bool,
    /// Why it is closed when it comes back, if so.
    doomed: Option<CloseReason>,
}

#[derive(Debug)]
struct State<T> {
    rows: Slab<Row>,
    /// The shelf: last in, first out.
    available: Vec<(usize, T)>,
    queue: Queue<T>,
    opening: u32,
    limits: Limits,
    closed: bool,
    generation: u64,
    counts: Counts,
}

/// The core. `T` is whatever stands for a connection.
#[derive(Debug)]
pub struct Core<T> {
    state: Mutex<State<T>>,
}

impl<T> Core<T> {
    /// An empty pool.
    pub fn new(limits: Limits) -> Self {
        let state = State {
            rows: Slab::new(),
            available: Vec::new(),
            queue: Queue::default(),
            opening: 0,
            limits,
            closed: false,
            generation: 0,
            counts: Counts::default(),
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
                state.counts.totals.checkouts += 1;
                state.counts.hists.immediate += 1;
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
            if !waiter.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                waiter.waker = Some(waker.clone());
            }
            return Poll::Pending;
        }
        Poll::Ready(state.pick_up(ticket).unwrap_or(Take::Closed))
    }

    /// The caller stops waiting: what it was granted meanwhile, if anything, is still its own. Ends the ticket.
    pub fn leave(&self, ticket: Ticket) -> Option<Take<T>> {
        self.state.lock().pick_up(ticket)
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
            row.since = now;
            state.counts.granted(waited, queued);
        }
        true
    }

    /// The connection just taken is dead: it goes, and the caller takes again, before all others.
    pub fn swap(&self, key: usize, id: ConnId, now: Stamp, tag: &Tag) -> (Take<T>, bool) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let mine = state.rows.get(key).is_some_and(|row| row.id == id);
        if mine {
            if state.rows.remove(key).counted {
                state.counts.reject();
            }
            state.counts.totals.closed += 1;
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
            state.counts.add(work);
        }
        let over = state.is_over();
        let Some(row) = state.rows.get_mut(key).filter(|row| row.id == id) else {
            return Returned::Stray(item);
        };
        state.counts.hists.held.record(nanos(now.since(row.since)));
        let expired = state.limits.lifetime.is_some_and(|lifetime| now.since(row.opened) > lifetime);
        if state.closed || over || expired || row.doomed.is_some() {
            let reason = row.doomed.unwrap_or(match (state.closed, expired) {
                (true, _) => CloseReason::PoolClosed,
                (_, true) => CloseReason::Expired,
                _ => CloseReason::Resized,
            });
            state.counts.totals.discarded += 1;
            return Returned::Closed(item, reason, state.drop_row(key, now));
        }
        state.counts.totals.released += 1;
        row.counted = false;
        row.lent = false;
        row.touched = true;
        row.uses += 1;
        row.since = now;
        row.proven = now;
        if row.pinned.is_some() {
            row.pinned = None;
        }
        state.available.push((key, item));
        Returned::Kept(state.dispatch(now))
    }

    /// A lease ends and its connection with it. `None` when the pool had taken it back already.
    pub fn discard(&self, key: usize, id: ConnId, now: Stamp, work: &mut Work) -> Option<Wakes> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.counts.add(work);
        let row = state.rows.get(key).filter(|row| row.id == id)?;
        if row.counted {
            state.counts.totals.discarded += 1;
            state.counts.hists.held.record(nanos(now.since(row.since)));
        }
        Some(state.drop_row(key, now))
    }

    /// What a lease counted so far.
    pub fn tell(&self, work: &mut Work) {
        self.state.lock().counts.add(work);
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

    /// A wait ended without a connection.
    pub fn wait_failed(&self, how: WaitEnd) {
        let totals = &mut self.state.lock().counts.totals;
        match how {
            WaitEnd::Granted => {}
            WaitEnd::TimedOut => totals.timeouts += 1,
            WaitEnd::Cancelled => totals.cancelled += 1,
            WaitEnd::Refused => totals.refused += 1,
            WaitEnd::Failed => totals.failed += 1,
        }
    }

    /// A command is sent again.
    pub fn retried(&self) {
        self.state.lock().counts.totals.retries += 1;
    }

    /// A reply was found that nobody had read.
    pub fn found_unread(&self) {
        self.state.lock().counts.totals.unread_replies += 1;
    }
}

/// A connection just opened.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Its number.
    pub id: ConnId,
    /// Its signs of life.
    pub vitals: &'a Arc<Vitals>,
    /// The generation it was opened for.
    pub generation: u64,
    /// Now.
    pub now: Stamp,
    /// How long opening it took.
    pub took: Duration,
    /// Who opened it.
    pub tag: &'a Tag,
}

impl Arrival<'_> {
    fn row(&self, lent: bool) -> Row {
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
            uses: 0,
            touched: true,
            doomed: None,
        }
    }
}

impl<T> State<T> {
    fn created(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// More exists than the limit allows: it was lowered.
    #[inline]
    fn is_over(&self) -> bool {
        self.rows.len() + self.opening as usize > self.limits.max as usize
    }

    /// Whether one more may be opened.
    fn has_room(&self) -> bool {
        !self.closed
            && self.opening < self.limits.dials
            && self.rows.len() + (self.opening as usize) < self.limits.max as usize
    }

    /// Lends the connection that came back last.
    #[inline]
    fn lend_top(&mut self, now: Stamp, tag: &Tag) -> Option<Held<T>> {
        let (key, item) = self.available.pop()?;
        self.lend(key, item, now, tag)
    }

    #[inline]
    fn lend(&mut self, key: usize, item: T, now: Stamp, tag: &Tag) -> Option<Held<T>> {
        let row = self.rows.get_mut(key)?;
        let idle_since = std::mem::replace(&mut row.since, now);
        row.lent = true;
        row.touched = true;
        row.tag.clone_from(tag);
        let stale = self.limits.stale_after.is_some_and(|after| now.since(row.proven) > after);
        Some(Held { key, id: row.id, item, stale, idle_since })
    }

    /// With nothing on the shelf.
    fn take_slowly(&mut self, now: Stamp, tag: &Tag, first: bool) -> Take<T> {
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
    fn dispatch(&mut self, now: Stamp) -> Wakes {
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

    /// Ends a ticket. Leave to open something is of the generation of the moment it is picked up.
    fn pick_up(&mut self, ticket: Ticket) -> Option<Take<T>> {
        match self.queue.remove(ticket)?.grant? {
            Take::Open(_) => Some(Take::Open(self.generation)),
            other => Some(other),
        }
    }

    /// A row goes, and its slot to whoever waits.
    fn drop_row(&mut self, key: usize, now: Stamp) -> Wakes {
        self.rows.remove(key);
        self.counts.totals.closed += 1;
        self.dispatch(now)
    }

    /// Counts a connection just opened, and says what becomes of it when it is not wanted.
    fn admit(&mut self, item: T, arrival: &Arrival<'_>) -> Result<T, Unwanted<T>> {
        self.counts.totals.opened += 1;
        self.counts.hists.create.record(nanos(arrival.took));
        if self.closed {
            self.opening -= 1;
            self.counts.totals.closed += 1;
            return Err(Unwanted::Closed(item));
        }
        if arrival.generation != self.generation {
            self.counts.totals.closed += 1;
            return Err(Unwanted::Outdated(item, self.generation));
        }
        self.opening -= 1;
        Ok(item)
    }
}
