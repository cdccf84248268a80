//! What a group was, second by second, and minute by minute before that.

use std::collections::VecDeque;
use std::sync::Arc;

/// Seconds that are kept.
pub(in crate::model) const POINTS: usize = 120;

/// Minutes that are kept.
const MINUTES: usize = 30;

/// A second of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::model) struct Point {
    /// Clients at its end.
    pub(in crate::model) count: u32,
    /// Of these, neither waiting on purpose nor this program's own.
    pub(in crate::model) plain: u32,
    /// Of these, subscribed.
    pub(in crate::model) subscribed: u32,
    /// Opened in it.
    pub(in crate::model) opened: u32,
    /// Closed in it.
    pub(in crate::model) closed: u32,
    /// Commands told in it; or clients that did something, where the server does not count commands.
    pub(in crate::model) work: u32,
}

/// A whole minute of a group: the fewest it was, and all it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) struct Minute {
    pub(in crate::model) plain: u32,
    pub(in crate::model) subscribed: u32,
    pub(in crate::model) work: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct History {
    /// The second of the newest point.
    newest: u64,
    points: VecDeque<Point>,
    /// Whole ones, oldest first, and the one that runs.
    minutes: VecDeque<Minute>,
    running: Option<Minute>,
}

impl History {
    /// Makes `now` the newest second, if it is newer. Seconds that nobody looked at repeat the counts before them.
    pub(super) fn roll_to(&mut self, now: u64) {
        let last = self.points.back().copied();
        let still = last.map_or(Point::default(), |last| Point { opened: 0, closed: 0, work: 0, ..last });
        let from = if last.is_some() { self.newest.saturating_add(1) } else { now };
        if from > now {
            return;
        }
        for second in from.max(now.saturating_sub(POINTS as u64))..=now {
            self.end_minute(second);
            if self.points.len() == POINTS {
                self.points.pop_front();
            }
            self.points.push_back(still);
        }
        self.newest = now;
    }

    /// Adds the second that ends when `next` begins to its minute.
    fn end_minute(&mut self, next: u64) {
        let Some(ended) = self.points.back() else { return };
        let minute = self.running.get_or_insert(Minute { plain: u32::MAX, subscribed: u32::MAX, work: 0 });
        minute.plain = minute.plain.min(ended.plain);
        minute.subscribed = minute.subscribed.min(ended.subscribed);
        minute.work = minute.work.saturating_add(u64::from(ended.work));
        if next.is_multiple_of(60) {
            if self.minutes.len() == MINUTES {
                self.minutes.pop_front();
            }
            self.minutes.extend(self.running.take());
        }
    }

    /// The newest second, where there is one.
    pub(super) fn now(&mut self) -> Option<&mut Point> {
        self.points.back_mut()
    }

    /// Changes the points of these seconds, as far as they are kept.
    pub(super) fn change(&mut self, seconds: std::ops::RangeInclusive<u64>, change: impl Fn(&mut Point)) {
        for (ago, point) in self.points.iter_mut().rev().enumerate() {
            let second = self.newest.saturating_sub(ago as u64);
            if second < *seconds.start() {
                break;
            }
            if seconds.contains(&second) {
                change(point);
            }
        }
    }

    /// The point so many seconds before the newest.
    pub(in crate::model) fn ago(&self, seconds: usize) -> Option<&Point> {
        self.points.iter().rev().nth(seconds)
    }

    /// Points from so many seconds ago up to the newest, newest first, at most so many.
    pub(in crate::model) fn last(&self, seconds: usize) -> impl Iterator<Item = &Point> {
        self.points.iter().rev().take(seconds)
    }

    /// Whole minutes, oldest first.
    pub(in crate::model) fn minutes(&self) -> impl DoubleEndedIterator<Item = &Minute> + ExactSizeIterator {
        self.minutes.iter()
    }

    /// The second of the newest point.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// How many points there are.
    pub(in crate::model) fn len(&self) -> usize {
        self.points.len()
    }

    /// How many they were, oldest first.
    pub(super) fn series(&self) -> Arc<[u32]> {
        self.points.iter().map(|point| point.count).collect()
    }
}
