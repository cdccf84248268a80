//! Runs of commands on one lease: how many went out one after the other with nothing but their round trips in between.

use crate::event::{Stamp, nanos};
use crate::pool::names::NameId;

/// Between a reply and the next command so much is no pause: a scheduler's whim is as long.
const NO_PAUSE: u64 = 1_000_000;

/// A run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCount {
    /// How many commands.
    pub commands: u32,
    /// Their round trips together, in nanoseconds.
    pub took: u64,
    /// Everything between a reply and the next command.
    pub between: u64,
    /// The last command's name.
    pub last: NameId,
}

impl RunCount {
    /// A shorter run is not worth telling.
    pub const LEAST: u32 = 32;
}

/// The run that goes on, and the longest before it.
#[derive(Debug, Default)]
pub struct Streak {
    run: RunCount,
    longest: RunCount,
    /// The last reply came then, after a round trip of so long.
    replied: Stamp,
    trip: u64,
}

impl Streak {
    /// A command goes out.
    #[inline]
    pub fn sent(&mut self, now: Stamp) {
        if self.run.commands == 0 {
            return;
        }
        let gap = nanos(now.since(self.replied));
        if gap > self.trip.max(NO_PAUSE) {
            self.cut();
        } else {
            self.run.between += gap;
        }
    }

    /// Its reply came.
    #[inline]
    pub fn answered(&mut self, now: Stamp, trip: u64, name: NameId) {
        self.run.commands += 1;
        self.run.took += trip;
        self.run.last = name;
        self.replied = now;
        self.trip = trip;
    }

    /// What comes next is no part of the run.
    #[inline]
    pub fn cut(&mut self) {
        if self.run.commands > self.longest.commands {
            self.longest = self.run;
        }
        self.run = RunCount::default();
    }

    /// The longest, the one that goes on among them.
    #[inline]
    pub fn longest(&self) -> RunCount {
        if self.run.commands > self.longest.commands { self.run } else { self.longest }
    }

    /// The longest before this one was told.
    pub fn told(&mut self) {
        self.longest = RunCount::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many commands of 50 µs, each so many microseconds after the reply before.
    fn run(streak: &mut Streak, at: &mut u64, count: u32, gap_us: u64) {
        for _ in 0..count {
            *at += gap_us * 1_000;
            streak.sent(Stamp(*at));
            *at += 50_000;
            streak.answered(Stamp(*at), 50_000, NameId(1));
        }
    }

    #[test]
    fn commands_back_to_back_are_a_run_and_a_pause_ends_it() {
        let (mut streak, mut at) = (Streak::default(), 0);
        run(&mut streak, &mut at, 40, 10);
        let expected = RunCount { commands: 40, took: 2_000_000, between: 390_000, last: NameId(1) };
        assert_eq!(streak.longest(), expected);
        run(&mut streak, &mut at, 1, 1_001);
        run(&mut streak, &mut at, 9, 10);
        assert_eq!(streak.longest(), expected, "the shorter run after the pause is not it");
        streak.told();
        assert_eq!(streak.longest().commands, 10);
    }

    #[test]
    fn a_long_round_trip_leaves_time_for_a_long_next_step() {
        let mut streak = Streak::default();
        streak.answered(Stamp(5_000_000), 5_000_000, NameId(1));
        streak.sent(Stamp(9_000_000));
        assert_eq!((streak.longest().commands, streak.longest().between), (1, 4_000_000));
        streak.answered(Stamp(14_000_000), 5_000_000, NameId(1));
        assert_eq!(streak.longest().commands, 2);
    }

    #[test]
    fn what_is_no_part_of_a_run_cuts_it() {
        let (mut streak, mut at) = (Streak::default(), 0);
        run(&mut streak, &mut at, 40, 10);
        streak.cut();
        run(&mut streak, &mut at, 5, 10);
        streak.told();
        assert_eq!(streak.longest().commands, 5);
    }
}
