//! The way to a lease: at once when a connection is on the shelf, else by opening one or by queueing, and cancelled at
//! any await without a trace.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::connector::Connector;
use super::core::{Take, Ticket};
use super::error::{CheckoutError, Shortage};
use super::guards::{Candidate, OpenError, Permit};
use super::holder::Tag;
use super::inner::{Inner, Slot};
use super::lease::Lease;
use crate::event::{CloseReason, SeenAt, Stamp, WaitEnd};

type Outcome<C> = Result<Lease<C>, CheckoutError<<C as Connector>::Error>>;

/// Gets a lease. Nothing is allocated and nothing awaited while connections are on the shelf and fresh.
/// An `eager` caller does not mind the pause after a failed attempt to open one.
pub(crate) async fn checkout<C: Connector>(inner: Arc<Inner<C>>, tag: Tag, eager: bool) -> Outcome<C> {
    let tag = tag.in_task();
    let now = inner.clock.now();
    let mut take = inner.core.take(now, &tag);
    if let Take::Conn(held) = &mut take
        && !held.stale
        && Inner::<C>::unfit(&mut held.item).is_none()
        && let Take::Conn(held) = take
    {
        return Ok(Lease::new(inner, held));
    }
    Box::pin(slowly(inner, tag, eager, now, take)).await
}

async fn slowly<C: Connector>(
    inner: Arc<Inner<C>>,
    tag: Tag,
    eager: bool,
    started: Stamp,
    take: Take<Slot<C::Conn>>,
) -> Outcome<C> {
    let _waiting = tag.waiting();
    let mut wait = Wait { inner: &inner, tag: &tag, eager, started, queued: false, ended: false };
    let mut pending = Pending { inner: &inner, take: Some(take) };
    let found = search(&mut wait, &mut pending).await;
    wait.ended = true;
    let queued = wait.queued;
    match found {
        Ok(held) => {
            drop((wait, pending));
            Ok(Lease::new(inner, held))
        }
        Err(error) => {
            let now = inner.clock.now();
            inner.wait_failed(error.ended(), now.since(started), queued, &tag, now);
            Err(error)
        }
    }
}

type Held<C> = super::core::Held<Slot<<C as Connector>::Conn>>;

/// What a clock can still count to: a longer limit is none.
const FOR_EVER: Duration = Duration::from_secs(86_400 * 365 * 30);

async fn search<C: Connector>(
    wait: &mut Wait<'_, C>,
    pending: &mut Pending<'_, C>,
) -> Result<Held<C>, CheckoutError<C::Error>> {
    let inner = wait.inner;
    let mut deadline = None;
    while let Some(take) = pending.take.take() {
        match take {
            Take::Conn(held) => {
                if let Some(held) = wait.examine(held, pending).await {
                    return Ok(held);
                }
            }
            Take::Open(generation) => {
                let permit = Permit::new(inner, generation);
                return wait.open(permit).await;
            }
            Take::Queue(ticket) => {
                wait.queued = true;
                pending.take = Some(Take::Queue(ticket));
                let limit = inner.setting(|config| config.blocking_timeout);
                // One limit for the whole wait, however often a broken connection sends the caller back.
                let deadline =
                    *deadline.get_or_insert_with(|| tokio::time::Instant::now() + limit.min(FOR_EVER));
                let granted = tokio::time::timeout_at(deadline, Queued { inner, ticket }).await;
                // What was granted in the same moment as the time ran out is taken all the same.
                let Some(granted) = granted.ok().or_else(|| inner.core.leave(ticket)) else {
                    pending.take = None;
                    let crowd = inner.core.crowd(inner.clock.now());
                    let mut shortage = Shortage::new(&crowd, Some(limit));
                    let error =
                        deadline.checked_sub(limit).and_then(|begun| inner.backoff.error_after(begun));
                    shortage.failure = error.map(|error| error.to_string());
                    return Err(CheckoutError::TimedOut(Box::new(shortage)));
                };
                pending.take = Some(granted);
            }
            Take::Exhausted => {
                let crowd = inner.core.crowd(inner.clock.now());
                return Err(CheckoutError::Exhausted(Box::new(Shortage::new(&crowd, None))));
            }
            Take::Closed => break,
        }
    }
    Err(CheckoutError::Closed)
}

/// One caller's wait. It ends exactly once; dropped before that, its caller went away.
struct Wait<'a, C: Connector> {
    inner: &'a Inner<C>,
    tag: &'a Tag,
    eager: bool,
    started: Stamp,
    /// It was not served at once.
    queued: bool,
    ended: bool,
}

impl<C: Connector> Wait<'_, C> {
    /// Looks at a connection from the shelf. A dead one is closed, and what comes in its place is left in `pending`.
    async fn examine(&self, held: Held<C>, pending: &mut Pending<'_, C>) -> Option<Held<C>> {
        let inner = self.inner;
        let ask = held.stale;
        let mut candidate = Candidate::new(inner, held);
        let verdict = candidate.examine(ask).await;
        let mut held = candidate.into_held()?;
        let now = inner.clock.now();
        let Some(reason) = verdict else {
            if inner.core.confirm(&held, now, now.since(self.started), self.queued) {
                return Some(held);
            }
            // The pool took it back while it was asked: closed and counted already.
            let (take, _) = inner.core.swap(held.key, held.id, CloseReason::Reset, now, self.tag);
            pending.take = Some(take);
            return None;
        };
        if reason == CloseReason::UnreadReply {
            inner.unread(&mut held.item, SeenAt::Checkout, None, now);
        }
        let (take, mine) = inner.core.swap(held.key, held.id, reason, now, self.tag);
        pending.take = Some(take);
        drop(held.item);
        if mine {
            inner.closed(held.id, reason, now);
        }
        None
    }

    async fn open(&self, permit: Permit<'_, C>) -> Result<Held<C>, CheckoutError<C::Error>> {
        let core = &self.inner.core;
        let opened = permit.open(self.tag, self.eager, |member, arrival| {
            core.arrived(member, arrival, arrival.now.since(self.started), self.queued)
        });
        match opened.await {
            Ok((held, wakes)) => {
                wakes.wake();
                Ok(held)
            }
            Err(OpenError::Connect(error) | OpenError::Paused(error)) => Err(CheckoutError::Connect(error)),
            Err(OpenError::Closed) => Err(CheckoutError::Closed),
        }
    }
}

impl<C: Connector> Drop for Wait<'_, C> {
    fn drop(&mut self) {
        if !self.ended {
            let now = self.inner.clock.now();
            self.inner.wait_failed(WaitEnd::Cancelled, now.since(self.started), self.queued, self.tag, now);
        }
    }
}

/// What the core gave and nobody has used yet. Dropped, it goes to the next caller.
struct Pending<'a, C: Connector> {
    inner: &'a Inner<C>,
    take: Option<Take<Slot<C::Conn>>>,
}

impl<C: Connector> Drop for Pending<'_, C> {
    fn drop(&mut self) {
        if let Some(take) = self.take.take() {
            let now = self.inner.clock.now();
            let returned = self.inner.core.give_back(take, now);
            self.inner.returned(returned, now);
        }
    }
}

/// Until the core grants something.
struct Queued<'a, C: Connector> {
    inner: &'a Inner<C>,
    ticket: Ticket,
}

impl<C: Connector> Future for Queued<'_, C> {
    type Output = Take<Slot<C::Conn>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.core.poll(self.ticket, cx.waker())
    }
}
