//! A ring of points, one a second, for the graphs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::windows::second;
use crate::event::{Gauges, Stamp};
use crate::snapshot::SeriesPoint;

/// Ten minutes.
pub(crate) const POINTS: usize = 600;

/// A pool's points, oldest first, without a gap between the first and the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    points: VecDeque<SeriesPoint>,
}

impl Series {
    /// One look at the pool. A second that nobody looked at repeats what was known before it.
    pub(crate) fn look(&mut self, at: Stamp, gauges: Gauges, commands: u64, clients: Option<u64>) {
        self.roll_to(second(at), gauges);
        let Some(point) = self.points.back_mut() else { return };
        point.in_use = point.in_use.max(gauges.in_use);
        point.waiting = point.waiting.max(gauges.waiting);
        point.available = gauges.available;
        point.max = gauges.max;
        point.commands = point.commands.saturating_add(commands);
        point.clients = clients.or(point.clients);
    }

    /// Makes `now` the newest second, if it is newer.
    fn roll_to(&mut self, now: u64, gauges: Gauges) {
        let first = SeriesPoint {
            in_use: gauges.in_use,
            available: gauges.available,
            waiting: gauges.waiting,
            max: gauges.max,
            ..SeriesPoint::default()
        };
        let (from, before) = match self.points.back() {
            Some(newest) => (second(newest.at).saturating_add(1), SeriesPoint { commands: 0, ..*newest }),
            None => (now, first),
        };
        // After a long gap only its end can still be in the ring.
        for second in from.max(now.saturating_sub(POINTS as u64))..=now {
            if self.points.len() == POINTS {
                self.points.pop_front();
            }
            let point = if second == now { first } else { before };
            self.points.push_back(SeriesPoint { at: Stamp(second * 1_000_000_000), ..point });
        }
    }

    /// The points, oldest first.
    pub(crate) fn points(&self) -> Arc<[SeriesPoint]> {
        self.points.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauges(in_use: u32, waiting: u32) -> Gauges {
        Gauges { in_use, waiting, available: 10 - in_use, max: 10, opening: 0 }
    }

    fn at(millis: u64) -> Stamp {
        Stamp(millis * 1_000_000)
    }

    #[test]
    fn a_second_keeps_its_peaks_and_adds_its_commands() {
        let mut series = Series::default();
        series.look(at(1_000), gauges(2, 0), 5, Some(14));
        series.look(at(1_250), gauges(9, 3), 7, None);
        series.look(at(1_999), gauges(1, 0), 1, Some(15));
        let points = series.points();
        assert_eq!(points.len(), 1);
        let want = SeriesPoint {
            at: at(1_000),
            in_use: 9,
            available: 9,
            waiting: 3,
            max: 10,
            commands: 13,
            clients: Some(15),
        };
        assert_eq!(points[0], want);
    }

    #[test]
    fn a_second_nobody_looked_at_repeats_the_one_before_without_its_commands() {
        let mut series = Series::default();
        series.look(at(1_000), gauges(4, 2), 5, Some(3));
        series.look(at(4_000), gauges(1, 0), 2, None);
        let seen: Vec<_> =
            series.points().iter().map(|p| (p.at.0 / 1_000_000_000, p.in_use, p.commands)).collect();
        assert_eq!(seen, [(1, 4, 5), (2, 4, 0), (3, 4, 0), (4, 1, 2)]);
    }

    #[test]
    fn the_ring_is_bounded_whatever_the_gap() {
        let mut series = Series::default();
        series.look(at(1_000), gauges(1, 0), 1, None);
        series.look(Stamp(u64::MAX), gauges(2, 0), 1, None);
        assert_eq!(series.points().len(), POINTS);
        assert_eq!(series.points().last().map(|p| p.in_use), Some(2));
        series.look(at(1_500), gauges(3, 0), 1, None);
        assert_eq!(series.points().len(), POINTS, "a late look joins the newest second");
        assert_eq!(series.points().last().map(|p| p.in_use), Some(3));
    }
}
