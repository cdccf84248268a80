//! What a pool did in a span of seconds, added up.

use std::time::Duration;

use crate::event::Samples;

/// How often something took how long, in all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    pub(crate) count: u64,
    pub(crate) nanos: u64,
}

impl Took {
    pub(super) fn add(&mut self, count: u64, nanos: u64) {
        self.count = self.count.saturating_add(count);
        self.nanos = self.nanos.saturating_add(nanos);
    }

    pub(super) fn add_all(&mut self, samples: &Samples) {
        for &(value, count) in &samples.0 {
            self.add(count, value.saturating_mul(count));
        }
    }

    /// Those of them that lie in `range`.
    pub(super) fn add_within(&mut self, samples: &Samples, range: std::ops::RangeInclusive<Duration>) {
        for &(value, count) in &samples.0 {
            if range.contains(&Duration::from_nanos(value)) {
                self.add(count, value.saturating_mul(count));
            }
        }
    }

    /// The mean; zero of nothing.
    pub(crate) fn mean(self) -> Duration {
        Duration::from_nanos(self.nanos.checked_div(self.count).unwrap_or_default())
    }
}

/// What happened in a second, or in several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    /// The seconds it reaches over, from the first that was seen; at least 1.
    pub(crate) seconds: u64,
    /// Those in which anything was lent.
    pub(crate) active: u64,
    /// Those in which a short-lived connection was closed.
    pub(crate) brief_seconds: u64,
    /// The most that were in use or waiting at any look.
    pub(crate) peak: u64,
    /// In use and available at each look, added up, and the number of looks.
    pub(super) created_sum: u64,
    pub(super) looks: u64,
    /// The server's clients at the last look that knew.
    pub(crate) clients: Option<u64>,
    pub(crate) opened: u64,
    /// Of them a warm-up's.
    pub(crate) warmed: u64,
    pub(crate) open_failures: u64,
    pub(crate) checkouts: u64,
    pub(crate) waited: u64,
    /// Waits that ended without a connection.
    pub(crate) lost: u64,
    pub(crate) commands: u64,
    /// Those that may block on purpose, and those that got no answer: how long they took is no work.
    pub(crate) blocking: u64,
    pub(crate) unread_replies: u64,
    pub(crate) health_checks: u64,
    pub(crate) health_failures: u64,
    /// Waits that were granted or ran into the timeout.
    pub(crate) wait: Took,
    /// Leases that ended.
    pub(crate) held: Took,
    /// Of them those of up to [`OUTLIER`].
    pub(crate) usual: Took,
    /// And of those the ones of [`LONG`] and more.
    pub(crate) long: Took,
    /// Commands in flight, answered or not, of up to [`OUTLIER`] each.
    pub(crate) flown: Took,
    /// Connections that were opened.
    pub(crate) create: Took,
    /// Commands and their replies.
    pub(crate) round_trip: Took,
    /// Short-lived connections that were closed, and how long they lived.
    pub(crate) brief: Took,
}

impl Span {
    /// Connections that existed, on average.
    pub(crate) fn created(&self) -> u64 {
        self.created_sum.checked_div(self.looks).unwrap_or_default()
    }

    /// Callers that asked, whether they got a connection or not.
    pub(crate) fn asked(&self) -> u64 {
        self.checkouts.saturating_add(self.lost)
    }

    /// Leases a second.
    pub(crate) fn rate(&self) -> f64 {
        self.checkouts as f64 / self.seconds.max(1) as f64
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.active += other.active;
        self.brief_seconds += other.brief_seconds;
        self.peak = self.peak.max(other.peak);
        self.clients = other.clients.or(self.clients);
        for (sum, more) in [
            (&mut self.created_sum, other.created_sum),
            (&mut self.looks, other.looks),
            (&mut self.opened, other.opened),
            (&mut self.warmed, other.warmed),
            (&mut self.open_failures, other.open_failures),
            (&mut self.checkouts, other.checkouts),
            (&mut self.waited, other.waited),
            (&mut self.lost, other.lost),
            (&mut self.commands, other.commands),
            (&mut self.blocking, other.blocking),
            (&mut self.unread_replies, other.unread_replies),
            (&mut self.health_checks, other.health_checks),
            (&mut self.health_failures, other.health_failures),
        ] {
            *sum = sum.saturating_add(more);
        }
        for (sum, more) in [
            (&mut self.wait, other.wait),
            (&mut self.held, other.held),
            (&mut self.usual, other.usual),
            (&mut self.long, other.long),
            (&mut self.flown, other.flown),
            (&mut self.create, other.create),
            (&mut self.round_trip, other.round_trip),
            (&mut self.brief, other.brief),
        ] {
            sum.add(more.count, more.nanos);
        }
    }
}
