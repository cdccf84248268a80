//! What became of a connection's leases: a short history that a row carries, and that costs a new row nothing to keep.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Holder, Stamp};

/// A lease that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct PastLease {
    /// Lent since.
    pub since: Stamp,
    /// Given back; nothing where that was not seen.
    pub until: Option<Stamp>,
    /// Who had it.
    pub holder: Holder,
    /// Which of the connection's leases it was, from 1: those between two numbers were too many to be told one by one.
    pub nth: u64,
    /// What it ran: how many commands, and the last one's name; nothing where other leases were between two looks.
    pub ran: Option<(u64, Option<Arc<str>>)>,
}

impl PastLease {
    /// How long it was out, where its end was seen.
    pub fn held(&self) -> Option<Duration> {
        self.until.map(|until| until.since(self.since))
    }
}

/// The last leases of a connection, newest first. A copy shares them with its original.
#[derive(Clone, Debug, Default)]
pub struct Past(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    lease: PastLease,
    /// How many there are from here on.
    length: usize,
    before: Past,
}

impl Past {
    /// How many are kept at least, once there were so many.
    pub const KEPT: usize = 16;

    /// One more.
    pub(crate) fn push(&mut self, lease: PastLease) {
        let length = self.0.as_ref().map_or(0, |newest| newest.length);
        if length >= 2 * Self::KEPT {
            // Only now and then, so that it costs each lease little.
            let kept: Vec<_> = self.iter().take(Self::KEPT - 1).cloned().collect();
            *self = Self::default();
            kept.into_iter().rev().for_each(|kept| self.link(kept));
        }
        self.link(lease);
    }

    fn link(&mut self, lease: PastLease) {
        let before = std::mem::take(self);
        let length = before.0.as_ref().map_or(0, |newest| newest.length) + 1;
        self.0 = Some(Arc::new(Link { lease, length, before }));
    }

    /// Newest first, at most [`KEPT`](Self::KEPT).
    pub fn iter(&self) -> impl Iterator<Item = &PastLease> {
        let links = std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref());
        links.map(|link| &link.lease).take(Self::KEPT)
    }

    /// The newest.
    pub fn newest(&self) -> Option<&PastLease> {
        self.iter().next()
    }
}

impl FromIterator<PastLease> for Past {
    /// From the oldest to the newest.
    fn from_iter<T: IntoIterator<Item = PastLease>>(leases: T) -> Self {
        let mut past = Self::default();
        leases.into_iter().for_each(|lease| past.push(lease));
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(nth: u64) -> PastLease {
        let (since, until) = (Stamp(nth * 10), Some(Stamp(nth * 10 + 4)));
        PastLease { since, until, holder: Holder::default(), nth, ran: None }
    }

    #[test]
    fn the_newest_are_kept_and_memory_is_bounded() {
        let mut past = Past::default();
        assert!(past.newest().is_none());
        for nth in 1..=1_000 {
            past.push(lease(nth));
            let seen: Vec<_> = past.iter().map(|lease| lease.nth).collect();
            let oldest = nth.saturating_sub(Past::KEPT as u64) + 1;
            assert_eq!(seen, (oldest..=nth).rev().collect::<Vec<_>>());
            assert!(past.0.as_ref().is_some_and(|newest| newest.length <= 2 * Past::KEPT));
        }
        assert_eq!(past.newest().and_then(PastLease::held), Some(Duration::from_nanos(4)));
    }

    #[test]
    fn a_copy_keeps_what_it_had() {
        let mut past = Past::default();
        past.push(lease(1));
        let copy = past.clone();
        past.push(lease(2));
        assert_eq!((copy.iter().count(), past.iter().count()), (1, 2));
    }
}
