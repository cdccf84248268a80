//! What a caller has before it has a lease, as guards: dropped at any await, each gives back what it stands for.

use super::connector::{Connector, Pooled};
use super::core::{Arrival, Held, Unwanted};
use super::holder::Tag;
use super::inner::{Inner, PING_LIMIT, Slot};
use crate::event::{CloseReason, Opened};

/// Leave to open one connection. It goes back to the core, and so to the next caller, when it is dropped.
pub(crate) struct Permit<'a, C: Connector> {
    inner: &'a Inner<C>,
    generation: u64,
    spent: bool,
    failed: bool,
}

impl<'a, C: Connector> Permit<'a, C> {
    /// Takes over what the core counted as opening.
    pub(crate) fn new(inner: &'a Inner<C>, generation: u64) -> Self {
        Self { inner, generation, spent: false, failed: false }
    }

    /// Dials, and dials again when the pool was reset meanwhile. What `place` does with the connection decides.
    pub(crate) async fn open<R>(
        mut self,
        tag: &Tag,
        eager: bool,
        mut place: impl FnMut(Slot<C::Conn>, &Arrival<'_>) -> Result<R, Unwanted<Slot<C::Conn>>>,
    ) -> Result<R, OpenError<C::Error>> {
        loop {
            let begun = self.inner.clock.now();
            let member = self.inner.open(eager).await.inspect_err(|error| {
                // What was not tried did not fail.
                self.failed = matches!(error, OpenError::Connect(_));
            })?;
            let now = self.inner.clock.now();
            let identity = member.conn.identity();
            let opened = Opened {
                conn: member.id,
                server_id: identity.server_id,
                local: identity.local,
                steps: identity.steps,
            };
            let vitals = member.vitals.clone();
            let arrival = Arrival {
                id: member.id,
                vitals: &vitals,
                generation: self.generation,
                now,
                took: now.since(begun),
                tag,
            };
            let placed = place(member, &arrival);
            self.inner.opened(opened, now);
            match placed {
                Ok(done) => {
                    self.spent = true;
                    return Ok(done);
                }
                Err(Unwanted::Outdated(member, generation)) => {
                    self.generation = generation;
                    self.inner.unwanted(member, CloseReason::Reset, now);
                }
                Err(Unwanted::Closed(member)) => {
                    self.spent = true;
                    self.inner.unwanted(member, CloseReason::PoolClosed, now);
                    return Err(OpenError::Closed);
                }
            }
        }
    }
}

impl<C: Connector> Drop for Permit<'_, C> {
    fn drop(&mut self) {
        if !self.spent {
            self.inner.core.not_opened(self.inner.clock.now(), self.failed).wake();
            self.inner.drained.notify_waiters();
        }
    }
}

/// Why there is no new connection.
#[derive(Debug)]
pub(crate) enum OpenError<E> {
    /// It could not be opened.
    Connect(E),
    /// It was not tried: this went wrong a moment ago.
    Paused(E),
    /// The pool was closed meanwhile.
    Closed,
}

/// A connection that was taken and is looked at before it is lent. Dropped halfway it goes back, or is closed when a
/// check was cut off in the middle.
pub(crate) struct Candidate<'a, C: Connector> {
    inner: &'a Inner<C>,
    held: Option<Held<Slot<C::Conn>>>,
    checking: bool,
}

impl<'a, C: Connector> Candidate<'a, C> {
    pub(crate) fn new(inner: &'a Inner<C>, held: Held<Slot<C::Conn>>) -> Self {
        Self { inner, held: Some(held), checking: false }
    }

    /// Looks, and asks the server where nothing was heard for long. Why it cannot be used, if so.
    pub(crate) async fn examine(&mut self, ask: bool) -> Option<CloseReason> {
        let held = self.held.as_mut()?;
        if let Some(reason) = Inner::<C>::unfit(&mut held.item) {
            return Some(reason);
        }
        if !ask {
            return None;
        }
        self.checking = true;
        let well = tokio::time::timeout(PING_LIMIT, held.item.conn.ping()).await.unwrap_or(false);
        self.checking = false;
        self.inner.core.checked(well);
        (!well).then_some(CloseReason::Unhealthy)
    }

    /// What was looked at.
    pub(crate) fn into_held(mut self) -> Option<Held<Slot<C::Conn>>> {
        self.held.take()
    }
}

impl<C: Connector> Drop for Candidate<'_, C> {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let now = self.inner.clock.now();
        if self.checking {
            self.inner.discard(held.key, held.item, CloseReason::Cancelled, now);
        } else {
            let returned = self.inner.core.put_back(held, now, false);
            self.inner.returned(returned, now);
        }
    }
}
