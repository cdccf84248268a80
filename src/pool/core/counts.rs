//! What a pool counts: totals for ever, histograms since the last pulse.

use std::time::Duration;

use hdrhistogram::Histogram;
use smallvec::SmallVec;

use super::streak::Streak;
use crate::event::{CloseReason, Samples, Totals, nanos};
use crate::pool::names::NameId;
use crate::resp::Value;

/// A histogram of nanoseconds, 2 digits, made when the first value comes.
#[derive(Debug, Default)]
pub struct Hist(Option<Histogram<u32>>);

impl Hist {
    /// One value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    /// The same value several times. Never 0: the lowest bucket is 1 ns.
    #[inline]
    pub fn record_n(&mut self, value: u64, times: u32) {
        if let Some(histogram) = &mut self.0 {
            // Fails only for want of address space for a bigger histogram, and then one sample is missing.
            let _ = histogram.record_n(value.max(1), times);
        } else if let Ok(mut histogram) = Histogram::new_with_bounds(1, 1_000_000, 2) {
            histogram.auto(true);
            let _ = histogram.record_n(value.max(1), times);
            self.0 = Some(histogram);
        }
    }

    /// Its non-empty buckets: lowest value of each, and how often.
    pub fn samples(&self) -> Samples {
        let Some(histogram) = &self.0 else { return Samples::default() };
        let buckets = histogram.iter_recorded();
        Samples(buckets.map(|at| (at.value_iterated_to(), at.count_since_last_iteration())).collect())
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(Histogram::is_empty)
    }

    /// Empties it, and keeps its memory for the next round.
    pub fn clear(&mut self) {
        if let Some(histogram) = &mut self.0 {
            histogram.clear();
        }
    }
}

/// Histograms since the last pulse.
#[derive(Debug, Default)]
pub struct Hists {
    /// Waits that were not immediate and ended in a grant or ran into the timeout.
    pub wait: Hist,
    /// Grants that took no time at all: counted, and put in with the waits when somebody looks.
    pub immediate: u32,
    /// Use times.
    pub held: Hist,
    /// Create times.
    pub create: Hist,
    /// Round trips by the number of the command's name.
    pub trips: Vec<Hist>,
    /// How long commands without an answer were in flight.
    pub unanswered: Hist,
}

impl Hists {
    /// Empties all, keeping memory.
    pub fn clear(&mut self) {
        self.wait.clear();
        self.immediate = 0;
        self.held.clear();
        self.create.clear();
        self.trips.iter_mut().for_each(Hist::clear);
        self.unanswered.clear();
    }
}

/// Everything counted under the lock.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) totals: Totals,
    /// Grants counted at once whose connection turned out dead before it was handed over.
    pub(super) rejected: u64,
    /// `checkouts` as last told, so that a rejection under way never makes it go back.
    told: u64,
    pub(super) hists: Hists,
}

impl Counts {
    /// The totals as others may see them.
    pub(super) fn told(&mut self) -> Totals {
        self.told = self.told.max(self.totals.checkouts.saturating_sub(self.rejected));
        Totals { checkouts: self.told, ..self.totals }
    }

    /// So many connections were closed.
    pub(super) fn closed(&mut self, reason: CloseReason, count: u64) {
        self.totals.closed += count;
        self.totals.closed_by.add(reason, count);
    }

    /// A grant counted at once comes to nothing.
    pub(super) fn reject(&mut self) {
        self.rejected += 1;
        self.hists.immediate = self.hists.immediate.saturating_sub(1);
    }

    /// A wait that ended in a grant after some time.
    pub(super) fn granted(&mut self, waited: Duration, queued: bool) {
        self.totals.checkouts += 1;
        self.totals.waited += u64::from(queued);
        self.hists.wait.record(nanos(waited));
    }

    /// What a lease did since it last told.
    pub(super) fn add(&mut self, work: &mut Work) {
        self.totals.commands += u64::from(work.commands);
        self.totals.error_replies += u64::from(work.error_replies);
        self.totals.command_failures += u64::from(work.failures);
        for (name, nanos) in work.trips.drain(..) {
            let place = usize::from(name.0);
            if place >= self.hists.trips.len() {
                self.hists.trips.resize_with(place + 1, Hist::default);
            }
            if let Some(hist) = self.hists.trips.get_mut(place) {
                hist.record(nanos);
            }
        }
        work.unanswered.drain(..).for_each(|nanos| self.hists.unanswered.record(nanos));
        work.commands = 0;
        work.error_replies = 0;
        work.failures = 0;
    }
}

/// What a lease counts by itself until it next takes the lock.
#[derive(Debug, Default)]
pub struct Work {
    /// Commands answered.
    pub commands: u32,
    /// Of them, with an error.
    pub error_replies: u32,
    /// Commands without an answer.
    pub failures: u32,
    /// Round trips in nanoseconds.
    pub trips: SmallVec<[(NameId, u64); Work::TRIPS]>,
    /// How long what got no answer was in flight, in nanoseconds: it is work as much as an answered command is.
    pub unanswered: Vec<u64>,
    /// Commands one after the other.
    pub streak: Streak,
}

impl Work {
    /// Round trips kept before they must be told.
    pub const TRIPS: usize = 16;

    /// A command was answered after so many nanoseconds.
    #[inline]
    pub fn answered(&mut self, name: NameId, nanos: u64, value: &Value) {
        self.commands += 1;
        self.error_replies += u32::from(value.error().is_some());
        self.trips.push((name, nanos));
    }

    /// Whether there is nothing to tell.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.commands == 0 && self.failures == 0 && self.trips.is_empty() && self.unanswered.is_empty()
    }
}
