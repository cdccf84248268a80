//! A connection on loan. It ends exactly once: released, discarded with a reason, or reclaimed by the pool.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::connector::{Connector, Pooled};
use super::core::Held;
use super::inner::{Inner, Member, Slot};
use crate::event::{CloseReason, ConnId, SeenAt, Stamp};

/// What holds of a lease until it ends: there is no way to end it and keep it.
const HAS_IT: &str = "a lease has its connection until it ends";

/// Exclusive use of one connection, until it is dropped: then the connection goes back, or is closed when it cannot be
/// lent again. A connection that comes back with a reply owed or unread is closed, counted and told of.
#[must_use = "dropped at once, the connection goes straight back"]
pub struct Lease<C: Connector> {
    pub(super) inner: Arc<Inner<C>>,
    key: usize,
    /// `None` only once it has ended.
    member: Option<Slot<C::Conn>>,
    /// Why it must not be lent again, once something happened to it.
    pub(super) spoilt: Option<CloseReason>,
}

impl<C: Connector> Lease<C> {
    #[inline]
    pub(super) fn new(inner: Arc<Inner<C>>, held: Held<Slot<C::Conn>>) -> Self {
        Self { inner, key: held.key, member: Some(held.item), spoilt: None }
    }

    /// The connection's number.
    pub fn id(&self) -> ConnId {
        self.member().id
    }

    /// Ends the lease and closes the connection.
    pub fn discard(mut self, reason: CloseReason) {
        self.spoilt = Some(reason);
    }

    /// Says why the connection stays with this lease for longer than a command (`MULTI`, `WATCH`, `SELECT 3`), or with
    /// `None` that it does not any more. Views show it; nothing else changes.
    pub fn pin(&self, why: Option<Arc<str>>) {
        self.inner.core.pin(self.key, self.id(), why);
    }

    /// Says that the lease is to outlive the [scope](super::InstrumentedPool::scope) it was taken in: whoever has it now
    /// gives it back.
    pub fn stays(&self) {
        self.inner.core.stays(self.key, self.id());
    }

    /// Whether the pool took the connection back, or something spoilt it: the next use fails, and its end closes it.
    pub fn is_over(&self) -> bool {
        self.spoilt.is_some() || self.taken_back().is_some()
    }

    /// Counts what its commands did so far.
    pub(super) fn tell_at(&mut self, now: Stamp) {
        let key = self.key;
        let (inner, member) = self.parts();
        member.told = now;
        inner.core.tell(key, member.id, &mut member.work);
    }

    /// Its row, for who counts while its parts are lent out.
    pub(super) fn key(&self) -> usize {
        self.key
    }

    pub(super) fn member(&self) -> &Member<C::Conn> {
        self.member.as_ref().expect(HAS_IT)
    }

    pub(super) fn member_mut(&mut self) -> &mut Member<C::Conn> {
        self.member.as_mut().expect(HAS_IT)
    }

    /// What all leases share, and what this one has.
    #[inline]
    pub(super) fn parts(&mut self) -> (&Inner<C>, &mut Member<C::Conn>) {
        (&self.inner, self.member.as_mut().expect(HAS_IT))
    }

    /// Why the pool took the connection back, if it did.
    pub(super) fn taken_back(&self) -> Option<CloseReason> {
        self.member().vitals.taken_back()
    }

    /// Why the connection cannot go back, if so.
    #[inline]
    fn verdict(&mut self) -> Option<CloseReason> {
        let over = self.spoilt.or_else(|| self.taken_back());
        if over.is_some() {
            return over;
        }
        let unfit = Inner::<C>::unfit(self.member_mut());
        unfit.or_else(|| self.member().conn.taint().map(|_| CloseReason::Tainted))
    }

    #[cold]
    fn close(&self, mut member: Slot<C::Conn>, reason: CloseReason) {
        let now = self.inner.clock.now();
        if reason == CloseReason::UnreadReply {
            let tag = self.inner.core.tag(self.key, member.id);
            self.inner.unread(&mut member, SeenAt::Release, tag.as_ref(), now);
        }
        self.inner.discard(self.key, member, reason, now);
    }
}

impl<C: Connector> Drop for Lease<C> {
    fn drop(&mut self) {
        if self.member().vitals.busy_since().is_some() {
            // It listened: nothing else leaves a command under way.
            let now = self.inner.clock.now();
            self.member_mut().given_up(now);
        }
        let reason = self.verdict();
        let Some(mut member) = self.member.take() else { return };
        if let Some(reason) = reason {
            self.close(member, reason);
            return;
        }
        self.inner.connector.tidy(&mut member.conn);
        let now = self.inner.clock.now();
        let id = member.id;
        let returned = self.inner.core.release(self.key, id, member, now);
        self.inner.returned(returned, now);
    }
}

impl<C: Connector> Deref for Lease<C> {
    type Target = C::Conn;

    fn deref(&self) -> &C::Conn {
        &self.member().conn
    }
}

impl<C: Connector> DerefMut for Lease<C> {
    fn deref_mut(&mut self) -> &mut C::Conn {
        &mut self.member_mut().conn
    }
}

impl<C: Connector> fmt::Debug for Lease<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.member.as_ref().map(|member| member.id);
        f.debug_struct("Lease").field("conn", &id).field("spoilt", &self.spoilt).finish_non_exhaustive()
    }
}
