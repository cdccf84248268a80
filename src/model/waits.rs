//! Who waits now, and what became of those who waited lately.

use std::collections::VecDeque;

use super::windows::second;
use crate::event::{Pulse, Stamp, Totals};

/// How long a wait that got no connection is still news, in seconds.
pub(crate) const RECENT_SECONDS: u64 = 10;

/// The waiting side of one pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    waiting: u32,
    oldest: Option<Stamp>,
    /// That is a caller's own, and not the queue's: who waits in that may change all the time.
    named: bool,
    last_queue: Option<Stamp>,
    /// When a wait was last seen to have ended with nothing.
    last_lost: Option<Stamp>,
    /// Somebody has got a connection since then.
    served: bool,
    /// Timeouts and refusals by second, oldest first.
    lost: VecDeque<(u64, Lost)>,
}

/// Waits that ended without a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Ran into the blocking timeout.
    pub(crate) timeouts: u64,
    /// Refused at once.
    pub(crate) refused: u64,
}

impl Waits {
    /// Takes a pulse, and the totals before it.
    pub(crate) fn pulse(&mut self, at: Stamp, pulse: &Pulse, before: &Totals) {
        self.waiting = pulse.gauges.waiting;
        self.oldest = match pulse.waiters.iter().map(|waiter| waiter.since).min() {
            _ if self.waiting == 0 => None,
            // A source may count its waiters without naming them: then the queue itself has an age.
            None => self.oldest.or(Some(at)),
            named => named,
        };
        self.named = !pulse.waiters.is_empty();
        if self.waiting > 0 {
            self.last_queue = Some(at);
        }
        let lost = Lost {
            timeouts: pulse.totals.timeouts.saturating_sub(before.timeouts),
            refused: pulse.totals.refused.saturating_sub(before.refused),
        };
        if lost == Lost::default() {
            self.served |= pulse.totals.checkouts > before.checkouts;
        } else {
            (self.last_lost, self.served) = (Some(at), false);
            self.add_lost(second(at), lost);
        }
    }

    fn add_lost(&mut self, second: u64, lost: Lost) {
        match self.lost.back_mut() {
            Some((newest, sum)) if *newest >= second => {
                sum.timeouts = sum.timeouts.saturating_add(lost.timeouts);
                sum.refused = sum.refused.saturating_add(lost.refused);
            }
            _ => self.lost.push_back((second, lost)),
        }
        self.expire(second);
    }

    /// Forgets what is no news any more.
    pub(crate) fn expire(&mut self, now: u64) {
        while self.lost.front().is_some_and(|(second, _)| second.saturating_add(RECENT_SECONDS) <= now) {
            self.lost.pop_front();
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// The longest waiter is known to have waited since.
    pub(crate) fn longest(&self) -> Option<Stamp> {
        self.oldest.filter(|_| self.named)
    }

    /// The longest waiter has waited since, or callers without a break, whoever they are.
    pub(crate) fn oldest(&self) -> Option<Stamp> {
        self.oldest
    }

    /// When a queue was last seen.
    pub(crate) fn last_queue(&self) -> Option<Stamp> {
        self.last_queue
    }

    /// When a wait last ended with nothing.
    pub(crate) fn last_lost(&self) -> Option<Stamp> {
        self.last_lost
    }

    /// Whether anybody has got a connection since then.
    pub(crate) fn is_served(&self) -> bool {
        self.served
    }

    /// What was lost in the last [`RECENT_SECONDS`].
    pub(crate) fn recently_lost(&self) -> Lost {
        self.lost.iter().fold(Lost::default(), |sum, (_, lost)| Lost {
            timeouts: sum.timeouts.saturating_add(lost.timeouts),
            refused: sum.refused.saturating_add(lost.refused),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Gauges, Holder, Waiting};

    fn pulse(waiting: u32, named: &[u64], timeouts: u64) -> Pulse {
        Pulse {
            gauges: Gauges { waiting, ..Gauges::default() },
            totals: Totals { timeouts, ..Totals::default() },
            waiters: named.iter().map(|&s| Waiting { since: Stamp(s), holder: Holder::default() }).collect(),
            ..Pulse::default()
        }
    }

    #[test]
    fn the_oldest_waiter_is_the_one_named_or_else_the_queue_itself() {
        let mut waits = Waits::default();
        waits.pulse(Stamp(100), &pulse(2, &[40, 60], 0), &Totals::default());
        assert_eq!((waits.oldest(), waits.longest()), (Some(Stamp(40)), Some(Stamp(40))));
        waits.pulse(Stamp(200), &pulse(0, &[], 0), &Totals::default());
        assert_eq!(waits.oldest(), None);
        waits.pulse(Stamp(300), &pulse(5, &[], 0), &Totals::default());
        waits.pulse(Stamp(400), &pulse(5, &[], 0), &Totals::default());
        assert_eq!((waits.oldest(), waits.longest()), (Some(Stamp(300)), None));
        assert_eq!(waits.last_queue(), Some(Stamp(400)));
    }

    #[test]
    fn timeouts_are_news_for_ten_seconds() {
        let mut waits = Waits::default();
        let s = |seconds: u64| Stamp(seconds * 1_000_000_000);
        waits.pulse(s(1), &pulse(0, &[], 3), &Totals::default());
        waits.pulse(s(5), &pulse(0, &[], 4), &Totals { timeouts: 3, ..Totals::default() });
        assert_eq!(waits.recently_lost().timeouts, 4);
        waits.expire(10);
        assert_eq!(waits.recently_lost().timeouts, 4);
        waits.expire(11);
        assert_eq!(waits.recently_lost().timeouts, 1);
        waits.expire(15);
        assert_eq!(waits.recently_lost(), Lost::default());
    }
}
