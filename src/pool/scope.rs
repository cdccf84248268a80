//! Whose work a lease belongs to: a stretch of a task with a name and an end. When it has ended and a lease taken in it
//! is still out, nobody is left who would give it back.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::InstrumentedPool;
use super::connector::Connector;
use crate::event::{Clock, Stamp};

tokio::task_local! {
    static OWNER: Arc<Owner>;
}

/// Who owns the leases taken in a scope.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) label: Arc<str>,
    /// Where it stands, for who has no line of Rust: a script's line.
    pub(crate) place: Option<Arc<str>>,
    /// How many connections it waits for.
    waits: Arc<AtomicU32>,
    /// 0 while it lasts, else one more than the stamp of its end.
    ended: AtomicU64,
}

impl Owner {
    /// Whose task this is, if it is in a scope.
    #[inline]
    pub(crate) fn current() -> Option<Arc<Self>> {
        OWNER.try_with(Arc::clone).ok()
    }

    /// When it ended.
    pub(crate) fn ended(&self) -> Option<Stamp> {
        self.ended.load(Relaxed).checked_sub(1).map(Stamp)
    }
}

/// A scope's wait for one connection, until it is dropped.
pub(super) struct Waiting(Arc<AtomicU32>);

impl Waiting {
    /// Counts one more.
    pub(super) fn of(owner: &Owner) -> Self {
        owner.waits.fetch_add(1, Relaxed);
        Self(Arc::clone(&owner.waits))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Ends its owner, when the work is done and when it is dropped.
struct Lasting(Arc<Owner>, Clock);

impl Drop for Lasting {
    fn drop(&mut self) {
        self.0.ended.store(self.1.now().0.saturating_add(1), Relaxed);
    }
}

impl<C: Connector> InstrumentedPool<C> {
    /// Runs work under a name: leases taken in it, from any pool, show that name as their holder where they have no label
    /// of their own. One that is still out when the work has ended, or was dropped, is called abandoned, unless its holder
    /// said that it is to [stay](super::Lease::stays). What the work spawns is not part of it.
    pub fn scope<F: Future>(&self, label: Arc<str>, work: F) -> impl Future<Output = F::Output> + use<F, C> {
        self.scope_at(label, None, Arc::default(), work)
    }

    /// Like [`scope`](Self::scope), with the place that a holder shows instead of a line of Rust, and the number of
    /// connections that it waits for.
    pub(crate) fn scope_at<F: Future>(
        &self,
        label: Arc<str>,
        place: Option<Arc<str>>,
        waits: Arc<AtomicU32>,
        work: F,
    ) -> impl Future<Output = F::Output> + use<F, C> {
        let clock = self.inner().clock;
        let owner = Arc::new(Owner { label, place, waits, ended: AtomicU64::new(0) });
        async move {
            let _lasting = Lasting(owner.clone(), clock);
            OWNER.scope(owner, work).await
        }
    }
}
