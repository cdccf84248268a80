//! The queue of waiting callers: first in first out, and anyone may leave from anywhere at no cost to the others.

use std::task::Waker;

use slab::Slab;

use super::Take;
use crate::event::Stamp;
use crate::pool::holder::Tag;

/// Room for more waiters than this is given back when the last of them has gone: a crowd comes once.
const CROWD: usize = 1024;

/// A waiter's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(usize);

/// A waiting caller, or one that was granted something and has not picked it up yet.
#[derive(Debug)]
pub(super) struct Waiter<T> {
    pub(super) since: Stamp,
    pub(super) tag: Tag,
    pub(super) waker: Option<Waker>,
    pub(super) grant: Option<Take<T>>,
    /// When it was granted, among all grants.
    turn: u64,
    before: Option<usize>,
    after: Option<usize>,
}

/// All of them; only those without a grant are linked.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiters: Slab<Waiter<T>>,
    head: Option<usize>,
    tail: Option<usize>,
    len: u32,
    turns: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiters: Slab::new(), head: None, tail: None, len: 0, turns: 0 }
    }
}

impl<T> Queue<T> {
    /// How many wait.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The oldest.
    #[inline]
    pub(super) fn head(&self) -> Option<Ticket> {
        self.head.map(Ticket)
    }

    /// A new caller, behind all others, or before them when it had its turn already and got something broken.
    pub(super) fn join(&mut self, since: Stamp, tag: Tag, first: bool) -> Ticket {
        let waiter = Waiter { since, tag, waker: None, grant: None, turn: 0, before: None, after: None };
        let place = self.waiters.insert(waiter);
        if first {
            self.link_first(place);
        } else {
            self.link_last(place);
        }
        Ticket(place)
    }

    /// Its entry.
    pub(super) fn get(&mut self, ticket: Ticket) -> Option<&mut Waiter<T>> {
        self.waiters.get_mut(ticket.0)
    }

    /// Gives it `what`: it waits no more. Returns whom to wake.
    pub(super) fn grant(&mut self, ticket: Ticket, what: Take<T>) -> Option<Waker> {
        self.unlink(ticket.0);
        self.turns += 1;
        let turn = self.turns;
        let waiter = self.waiters.get_mut(ticket.0)?;
        waiter.turn = turn;
        waiter.grant = Some(what);
        waiter.waker.take()
    }

    /// Its entry goes; what it was granted comes back.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiter<T>> {
        if self.waiters.get(ticket.0).is_some_and(|waiter| waiter.grant.is_none()) {
            self.unlink(ticket.0);
        }
        let gone = self.waiters.try_remove(ticket.0);
        if self.waiters.is_empty() && self.waiters.capacity() > CROWD {
            self.waiters = Slab::new();
        }
        gone
    }

    /// Takes connections back from those who have not picked them up; they wait again, before all others and in the
    /// order in which they were granted.
    pub(super) fn revoke_connections(&mut self) -> Vec<T> {
        let granted = self.waiters.iter().filter(|(_, waiter)| matches!(waiter.grant, Some(Take::Conn(_))));
        let mut places: Vec<_> = granted.map(|(place, waiter)| (waiter.turn, place)).collect();
        places.sort_unstable();
        let mut items = Vec::with_capacity(places.len());
        for (_, place) in places.into_iter().rev() {
            let grant = self.waiters.get_mut(place).and_then(|waiter| waiter.grant.take());
            if let Some(Take::Conn(held)) = grant {
                items.push(held.item);
            }
            self.link_first(place);
        }
        items
    }

    /// Those who wait, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter<T>> {
        std::iter::successors(self.head.and_then(|place| self.waiters.get(place)), |waiter| {
            waiter.after.and_then(|place| self.waiters.get(place))
        })
    }

    fn link_last(&mut self, place: usize) {
        let tail = self.tail;
        if let Some(waiter) = self.waiters.get_mut(place) {
            (waiter.before, waiter.after) = (tail, None);
        }
        match tail.and_then(|tail| self.waiters.get_mut(tail)) {
            Some(last) => last.after = Some(place),
            None => self.head = Some(place),
        }
        self.tail = Some(place);
        self.len += 1;
    }

    fn link_first(&mut self, place: usize) {
        let head = self.head;
        if let Some(waiter) = self.waiters.get_mut(place) {
            (waiter.before, waiter.after) = (None, head);
        }
        match head.and_then(|head| self.waiters.get_mut(head)) {
            Some(first) => first.before = Some(place),
            None => self.tail = Some(place),
        }
        self.head = Some(place);
        self.len += 1;
    }

    fn unlink(&mut self, place: usize) {
        let Some(waiter) = self.waiters.get_mut(place) else { return };
        let (before, after) = (waiter.before.take(), waiter.after.take());
        match before.and_then(|before| self.waiters.get_mut(before)) {
            Some(waiter) => waiter.after = after,
            None => self.head = after,
        }
        match after.and_then(|after| self.waiters.get_mut(after)) {
            Some(waiter) => waiter.before = before,
            None => self.tail = before,
        }
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_that_a_crowd_took_goes_with_it() {
        let mut queue = Queue::<()>::default();
        let join = |queue: &mut Queue<()>| queue.join(Stamp(0), Tag::default(), false);
        let crowd: Vec<_> = (0..=CROWD).map(|_| join(&mut queue)).collect();
        assert!(queue.waiters.capacity() > CROWD);
        for ticket in crowd {
            assert!(queue.remove(ticket).is_some());
        }
        assert_eq!((queue.waiters.capacity(), queue.len()), (0, 0));
        // The few that come and go all day keep theirs.
        let one = join(&mut queue);
        assert!(queue.remove(one).is_some() && queue.waiters.capacity() > 0);
    }
}
