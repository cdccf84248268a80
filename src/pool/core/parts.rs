//! What goes in and out of the core.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use smallvec::SmallVec;

use super::{Ticket, Work};
use crate::event::{CloseReason, ConnId, Stamp};
use crate::pool::holder::Tag;
use crate::pool::vitals::Vitals;

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

    pub(super) fn add(&mut self, waker: Option<Waker>) {
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
    /// Not heard of for more nanoseconds than this is stale; `u64::MAX` for never.
    pub stale_after: u64,
    /// Older in nanoseconds than this is closed; `u64::MAX` for never.
    pub lifetime: u64,
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
