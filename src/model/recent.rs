//! What a pool did lately, second by second: what the lints that judge by rates and by time read.
//!
//! Sums of what pulses counted, so a lost pulse loses nothing but its second. A second without a pulse has no entry.

mod span;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use super::server::cut;
use super::windows::second;
use crate::event::waiting::waits_on_purpose;
use crate::event::{CloseReason, ConnId, Holder, Pulse, SeenAt, Stamp, Totals};

pub(crate) use span::Span;

/// How far back a lint may look, in seconds.
pub(crate) const SECONDS: u64 = 300;

/// A connection that lives for less is a short-lived one: it was opened for a request or two.
pub(crate) const BRIEF: Duration = Duration::from_secs(5);

/// A lease or a command that takes longer is told of by itself, and counts in no average: one of them would outweigh
/// hundreds.
pub(crate) const OUTLIER: Duration = Duration::from_secs(5);

/// A lease this long is more than a command or two.
pub(crate) const LONG: Duration = Duration::from_millis(50);

/// The most of an error's sentence that is kept for evidence.
const SENTENCE_BYTES: usize = 160;

/// Attempts to open a connection that failed in a row, with none since that went well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    pub(crate) count: u64,
    pub(crate) since: Stamp,
    pub(crate) last: Stamp,
}

/// A reply that was left unread.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    pub(crate) conn: ConnId,
    pub(crate) seen: SeenAt,
    pub(crate) owed: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) holder: Option<Holder>,
}

/// Seconds that are added up together.
const TEN: u64 = 10;

/// Sums that are kept: more than lints ask for in a second.
const SUMS: usize = 24;

/// What was asked for since the running second began, by its first and its last second: several lints ask for the same,
/// at every tick, and what is over changes no more.
#[derive(Clone, Debug, Default)]
struct Sums(Vec<((u64, u64), Span)>);

/// The last [`SECONDS`] of one pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    /// Oldest first.
    seconds: VecDeque<(u64, Span)>,
    /// Those that are over by tens, each by its first second: what reaches over minutes is added up from them.
    tens: VecDeque<(u64, Span)>,
    sums: RefCell<Sums>,
    /// The first second ever seen.
    began: Option<u64>,
    error: Option<String>,
    failing: Option<Failing>,
    unread: Option<Unread>,
    /// Connections of a parent process, and who used them.
    shared: Vec<(ConnId, Holder)>,
}

/// Connections of a parent process that are remembered.
const SHARED: usize = 256;

/// Waits that ended without a connection, for any reason.
fn lost(totals: &Totals) -> u64 {
    let kinds = [totals.timeouts, totals.cancelled, totals.refused, totals.failed];
    kinds.into_iter().fold(0, u64::saturating_add)
}

impl Recent {
    /// Takes a pulse, the totals before it, and the server's number of clients.
    pub(crate) fn pulse(&mut self, at: Stamp, pulse: &Pulse, before: &Totals, clients: Option<u64>) {
        let (gauges, totals) = (&pulse.gauges, &pulse.totals);
        let in_use = u64::from(gauges.in_use);
        let mut this = Span {
            peak: in_use + u64::from(gauges.waiting),
            created_sum: in_use + u64::from(gauges.available),
            looks: 1,
            clients,
            opened: totals.opened.saturating_sub(before.opened),
            warmed: totals.warmed.saturating_sub(before.warmed),
            open_failures: totals.open_failures.saturating_sub(before.open_failures),
            checkouts: totals.checkouts.saturating_sub(before.checkouts),
            waited: totals.waited.saturating_sub(before.waited),
            lost: lost(totals).saturating_sub(lost(before)),
            commands: totals.commands.saturating_sub(before.commands),
            unread_replies: totals.unread_replies.saturating_sub(before.unread_replies),
            health_checks: totals.health_checks.saturating_sub(before.health_checks),
            health_failures: totals.health_failures.saturating_sub(before.health_failures),
            ..Span::default()
        };
        self.attempts(at, this.opened, this.open_failures);
        this.wait.add_all(&pulse.wait);
        this.held.add_all(&pulse.held);
        this.create.add_all(&pulse.create);
        this.usual.add_within(&pulse.held, Duration::ZERO..=OUTLIER);
        this.long.add_within(&pulse.held, LONG..=OUTLIER);
        this.flown.add_within(&pulse.unanswered, Duration::ZERO..=OUTLIER);
        this.blocking = pulse.unanswered.0.iter().fold(0, |sum, (_, count)| u64::saturating_add(sum, *count));
        for (command, samples) in &pulse.round_trips {
            if waits_on_purpose(command) {
                this.blocking =
                    samples.0.iter().fold(this.blocking, |sum, (_, count)| sum.saturating_add(*count));
            }
            this.round_trip.add_all(samples);
            this.flown.add_within(samples, Duration::ZERO..=OUTLIER);
        }
        let span = self.at(at);
        span.join(&this);
        span.active = u64::from(span.checkouts > 0);
    }

    /// So many went well and so many failed since the last pulse.
    fn attempts(&mut self, at: Stamp, opened: u64, failed: u64) {
        if opened > 0 {
            self.failing = None;
        } else if failed > 0 {
            let before = self.failing.unwrap_or(Failing { count: 0, since: at, last: at });
            self.failing = Some(Failing { count: before.count.saturating_add(failed), last: at, ..before });
        }
    }

    /// The entry of a moment; one older than the newest counts as the newest.
    fn at(&mut self, at: Stamp) -> &mut Span {
        let now = second(at);
        self.began.get_or_insert(now);
        if self.seconds.back().is_none_or(|(newest, _)| *newest < now) {
            while self.seconds.front().is_some_and(|(oldest, _)| oldest.saturating_add(SECONDS) <= now) {
                self.seconds.pop_front();
            }
            if let Some((at, over)) = self.seconds.back() {
                let first = at - at % TEN;
                match self.tens.back_mut() {
                    Some((ten, sum)) if *ten == first => sum.join(over),
                    _ => self.tens.push_back((first, *over)),
                }
            }
            while self.tens.front().is_some_and(|(first, _)| first + TEN + SECONDS <= now) {
                self.tens.pop_front();
            }
            self.seconds.push_back((now, Span::default()));
            self.sums.get_mut().0.clear();
        }
        let newest = self.seconds.len() - 1;
        &mut self.seconds[newest].1
    }

    /// A connection was closed that had lived so long. One that somebody closed for a reason of the pool's own, or
    /// that broke, says nothing about how connections are used.
    pub(crate) fn closed(&mut self, at: Stamp, lived: Duration, reason: CloseReason) {
        use CloseReason::{Asked, Cancelled, Expired, Idle, Tainted, Timeout};
        if lived < BRIEF && matches!(reason, Asked | Cancelled | Expired | Idle | Tainted | Timeout) {
            let span = self.at(at);
            span.brief.add(1, crate::event::nanos(lived));
            span.brief_seconds = 1;
        }
    }

    /// Why a connection could not be opened.
    pub(crate) fn open_failed(&mut self, error: &str) {
        self.error = Some(cut(error, SENTENCE_BYTES).to_owned());
    }

    /// A reply was left unread.
    pub(crate) fn left_unread(&mut self, unread: Unread) {
        self.unread = Some(unread);
    }

    /// A connection of the parent process was used.
    pub(crate) fn shared_by(&mut self, conn: ConnId, holder: &Holder) {
        if self.shared.len() < SHARED {
            self.shared.push((conn, holder.clone()));
        }
    }

    /// It was closed, if it was one.
    pub(crate) fn shared_no_more(&mut self, conn: ConnId) {
        self.shared.retain(|(shared, _)| *shared != conn);
    }

    /// Those that are used, the last one at the end.
    pub(crate) fn shared(&self) -> &[(ConnId, Holder)] {
        &self.shared
    }

    /// The last `seconds`, the running one included.
    pub(crate) fn last(&self, now: Stamp, seconds: u64) -> Span {
        self.between(now, seconds, 0)
    }

    /// From so many seconds ago to so many.
    pub(crate) fn between(&self, now: Stamp, from: u64, to: u64) -> Span {
        let newest = second(now).saturating_sub(to);
        let oldest = second(now).saturating_add(1).saturating_sub(from);
        let mut sum = self.over(oldest, newest);
        // The running second is the one that still changes.
        if let Some((at, running)) = self.seconds.back()
            && (oldest..=newest).contains(at)
        {
            sum.join(running);
        }
        let began = self.began.unwrap_or(newest).max(oldest);
        sum.seconds = newest.saturating_add(1).saturating_sub(began).max(1);
        sum
    }

    /// Those of these seconds that are over, added up.
    fn over(&self, oldest: u64, newest: u64) -> Span {
        let mut sums = self.sums.borrow_mut();
        if let Some((_, sum)) = sums.0.iter().find(|(of, _)| *of == (oldest, newest)) {
            return *sum;
        }
        let ends = self.seconds.front().zip(self.seconds.back());
        let (first, running) = ends.map_or((0, 0), |((first, _), (running, _))| (*first, *running));
        let (begin, end) = (oldest.max(first), newest.saturating_add(1).min(running));
        let mut sum = Span::default();
        for (ten, all) in &self.tens {
            let (from, to) = (begin.max(*ten), end.min(ten + TEN));
            if to.saturating_sub(from) == TEN {
                sum.join(all);
            } else if from < to {
                let part = self.seconds.partition_point(|(at, _)| *at < from);
                let part = self.seconds.range(part..).take_while(|(at, _)| *at < to);
                part.for_each(|(_, span)| sum.join(span));
            }
        }
        if sums.0.len() == SUMS {
            sums.0.clear();
        }
        sums.0.push(((oldest, newest), sum));
        sum
    }

    /// For how many seconds it was watched.
    pub(crate) fn age(&self, now: Stamp) -> u64 {
        self.began.map_or(0, |began| second(now).saturating_add(1).saturating_sub(began))
    }

    /// The attempts that failed since one went well.
    pub(crate) fn failing(&self) -> Option<Failing> {
        self.failing
    }

    /// Why the last connection could not be opened.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The last reply that was left unread.
    pub(crate) fn unread(&self) -> Option<&Unread> {
        self.unread.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Gauges;
    use crate::event::Samples;

    fn at(seconds: u64) -> Stamp {
        Stamp(seconds * 1_000_000_000)
    }

    fn pulse(in_use: u32, commands: u64) -> Pulse {
        Pulse {
            gauges: Gauges { in_use, ..Gauges::default() },
            totals: Totals { commands, ..Totals::default() },
            held: Samples(vec![(2_000_000, 2), (8_000_000, 1)]),
            ..Pulse::default()
        }
    }

    #[test]
    fn a_span_adds_up_what_its_seconds_counted() {
        let mut recent = Recent::default();
        recent.pulse(at(5), &pulse(3, 10), &Totals::default(), Some(7));
        recent.pulse(at(6), &pulse(1, 25), &Totals { commands: 10, ..Totals::default() }, None);
        let span = recent.last(at(6), 10);
        assert_eq!((span.commands, span.peak, span.created(), span.clients), (25, 3, 2, Some(7)));
        assert_eq!((span.held.count, span.held.mean(), span.seconds), (6, Duration::from_millis(4), 2));
        assert_eq!((recent.last(at(6), 1).commands, recent.last(at(16), 10).commands), (15, 0));
        assert_eq!(recent.between(at(6), 10, 1).commands, 10, "what was before the last second");
        assert_eq!(recent.age(at(6)), 2);
    }

    #[test]
    fn what_was_added_up_before_is_added_up_again_when_it_has_changed() {
        let mut recent = Recent::default();
        for second in 100..500 {
            let before = second - 100;
            recent.pulse(at(second), &pulse(1, 0), &Totals::default(), None);
            assert_eq!(recent.last(at(second), 60).held.count, 6 * before.min(59) + 3);
            recent.pulse(at(second), &pulse(9, 0), &Totals::default(), None);
            assert_eq!(recent.last(at(second), 60).held.count, 6 * before.min(59) + 6);
            assert_eq!(recent.between(at(second), 61, 1).held.count, 6 * before.min(60));
            assert_eq!(recent.last(at(second + 3), 60).held.count, 6 * before.min(56) + 6);
        }
        assert!(recent.sums.borrow().0.len() <= SUMS && recent.tens.len() as u64 <= SECONDS / TEN + 1);
    }

    #[test]
    fn tens_of_seconds_and_single_ones_add_up_to_every_span() {
        let mut recent = Recent::default();
        let mut told = Vec::new();
        // With gaps, and from the middle of ten seconds.
        for second in (7..900).filter(|second| second % 7 != 3 && !(310..345).contains(second)) {
            let totals = Totals { checkouts: second % 3, ..Totals::default() };
            let pulse = Pulse { totals, ..pulse((second % 50) as u32, second) };
            recent.pulse(at(second), &pulse, &Totals::default(), Some(second));
            told.push((second, second % 3));
            for (from, to) in [(300, 0), (60, 0), (10, 0), (61, 1), (300, 240), (2, 1), (u64::MAX, 0)] {
                let seen = |&&(at, _): &&(u64, u64)| {
                    at <= second.saturating_sub(to)
                        && at > second.saturating_sub(from.min(SECONDS))
                        && at + SECONDS > second
                        || at == second && to == 0
                };
                let expected: Vec<_> = told.iter().filter(seen).collect();
                let span = recent.between(at(second), from, to);
                let active = expected.iter().filter(|(_, checkouts)| *checkouts > 0).count() as u64;
                let peak = expected.iter().map(|(at, _)| at % 50).max().unwrap_or_default();
                assert_eq!(
                    (span.held.count, span.active, span.peak, span.clients),
                    (3 * expected.len() as u64, active, peak, expected.last().map(|(at, _)| *at)),
                    "at {second} from {from} to {to}"
                );
            }
        }
    }

    #[test]
    fn it_is_bounded_and_forgets() {
        let mut recent = Recent::default();
        for second in 0..2_000 {
            recent.pulse(at(second), &pulse(1, 0), &Totals::default(), None);
        }
        assert_eq!(recent.seconds.len() as u64, SECONDS);
        assert_eq!(recent.last(at(1_999), u64::MAX).held.count, 3 * SECONDS);
    }

    #[test]
    fn only_a_short_life_that_was_ended_on_purpose_is_brief() {
        let mut recent = Recent::default();
        recent.closed(at(1), Duration::from_millis(20), CloseReason::Asked);
        recent.closed(at(1), BRIEF, CloseReason::Asked);
        recent.closed(at(1), Duration::ZERO, CloseReason::Broken);
        recent.closed(at(1), Duration::ZERO, CloseReason::PoolClosed);
        let brief = recent.last(at(1), 10).brief;
        assert_eq!((brief.count, brief.mean()), (1, Duration::from_millis(20)));
    }
}
