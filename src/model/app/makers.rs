//! The lines of an app that make pools: how many, how long those live, and whether they are closed.
//!
//! A client or pool a request is made and gone at one line, too fast for any pool's own row to tell it; so it is counted
//! here, for each process and line, also of the pools that the model has no room for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::event::{Holder, Inside, Left, PoolId, ProcId, Stamp, nanos};
use crate::model::lints::place;
use crate::model::windows::second;

/// Lines kept: those that nothing is left of make room first.
const LINES: usize = 256;

/// Pools followed: enough for the numbers, which are small.
const POOLS: usize = 65_536;

/// Processes kept that have ended: those that began last may yet have news under way.
const ENDING: usize = 1_024;

/// How far back it is counted, in seconds: a minute.
const SECONDS: u64 = 60;

/// A pool that lives for less was made for a request or two.
pub(in crate::model) const BRIEF: Duration = Duration::from_secs(5);

/// What a line did in one second.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::model) struct Counted {
    /// Pools made.
    pub(in crate::model) made: u64,
    /// Those that were gone again before they were [`BRIEF`] old, and for how many nanoseconds they lived.
    pub(in crate::model) brief: u64,
    pub(in crate::model) nanos: u64,
    /// Seconds in which any was made.
    pub(in crate::model) making: u64,
    /// Pools that ended without being closed, and their open connections.
    pub(in crate::model) unclosed: u64,
    pub(in crate::model) connections: u64,
}

impl Counted {
    fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.made, other.made),
            (&mut self.brief, other.brief),
            (&mut self.nanos, other.nanos),
            (&mut self.making, other.making),
            (&mut self.unclosed, other.unclosed),
            (&mut self.connections, other.connections),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// One line of one process.
#[derive(Clone, Debug)]
pub(in crate::model) struct Maker {
    pub(in crate::model) process: ProcId,
    /// Who makes them.
    pub(in crate::model) holder: Holder,
    /// Those that are there now.
    pub(in crate::model) alive: u64,
    seconds: VecDeque<(u64, Counted)>,
}

impl Maker {
    /// What it did in the last so many seconds.
    pub(in crate::model) fn last(&self, now: Stamp, seconds: u64) -> Counted {
        let from = second(now).saturating_add(1).saturating_sub(seconds);
        let mut sum = Counted::default();
        self.seconds.iter().filter(|(at, _)| *at >= from).for_each(|(_, counted)| sum.add(counted));
        sum
    }

    fn at(&mut self, at: Stamp) -> &mut Counted {
        let now = second(at);
        if self.seconds.back().is_none_or(|(newest, _)| *newest < now) {
            self.seconds.push_back((now, Counted::default()));
        }
        while self.seconds.front().is_some_and(|(oldest, _)| oldest + SECONDS < now) {
            self.seconds.pop_front();
        }
        let newest = self.seconds.len() - 1;
        &mut self.seconds[newest].1
    }

    fn is_over(&self, now: Stamp) -> bool {
        self.alive == 0 && self.seconds.back().is_none_or(|(newest, _)| newest + SECONDS < second(now))
    }
}

/// What makes a line: the process, and its words.
type Line = (ProcId, String);

/// A pool that is there.
#[derive(Clone, Debug)]
struct Alive {
    line: Line,
    since: Stamp,
    asynchronous: bool,
    /// It came with a fork: nobody made it here.
    inherited: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Makers {
    lines: BTreeMap<Line, Maker>,
    alive: BTreeMap<PoolId, Alive>,
    /// Processes that end.
    ending: BTreeSet<ProcId>,
}

impl Makers {
    /// A process ends, and its pools with it.
    pub(super) fn ends(&mut self, process: ProcId) {
        if self.ending.len() >= ENDING {
            self.ending.pop_first();
        }
        self.ending.insert(process);
    }

    /// It was lost for a while, and is there.
    pub(super) fn goes_on(&mut self, process: ProcId) {
        self.ending.remove(&process);
    }

    /// A pool was made. Told again of one that is known, as after a reconnection, it is none more.
    pub(super) fn made(&mut self, at: Stamp, pool: PoolId, inside: &Inside) {
        let Some(holder) = &inside.made else { return };
        let Some(words) = place(holder) else { return };
        if self.alive.contains_key(&pool) || self.alive.len() >= POOLS {
            return;
        }
        let line = (inside.process, words);
        if !self.lines.contains_key(&line) && self.lines.len() >= LINES {
            self.lines.retain(|_, maker| !maker.is_over(at));
            if self.lines.len() >= LINES {
                return;
            }
        }
        let maker = self.lines.entry(line.clone()).or_insert_with(|| Maker {
            process: inside.process,
            holder: Holder { stack: None, ..holder.clone() },
            alive: 0,
            seconds: VecDeque::new(),
        });
        maker.alive += 1;
        let Inside { asynchronous, inherited, .. } = *inside;
        if !inherited {
            let counted = maker.at(at);
            (counted.made, counted.making) = (counted.made + 1, 1);
        }
        self.alive.insert(pool, Alive { line, since: at, asynchronous, inherited });
    }

    /// A pool had this left when it ended.
    pub(super) fn left(&mut self, at: Stamp, pool: PoolId, left: &Left) {
        // A client that is not asyncio's has its sockets closed by the interpreter as it is collected, and at the exit.
        let Some(alive) = self.alive.get(&pool).filter(|alive| alive.asynchronous) else { return };
        if let Some(maker) = self.lines.get_mut(&alive.line).filter(|_| left.unclosed && left.open > 0) {
            let counted = maker.at(at);
            counted.unclosed += 1;
            counted.connections = counted.connections.saturating_add(u64::from(left.open));
        }
    }

    /// A pool is no more.
    pub(super) fn ended(&mut self, at: Stamp, pool: PoolId) {
        let Some(alive) = self.alive.remove(&pool) else { return };
        let Some(maker) = self.lines.get_mut(&alive.line) else { return };
        maker.alive = maker.alive.saturating_sub(1);
        let lived = at.since(alive.since);
        // What ends with its process was not made for a request.
        if lived < BRIEF && !alive.inherited && !self.ending.contains(&maker.process) {
            let counted = maker.at(at);
            counted.brief += 1;
            counted.nanos = counted.nanos.saturating_add(nanos(lived));
        }
    }

    /// The lines, process by process.
    pub(in crate::model) fn lines(&self) -> impl Iterator<Item = (&str, &Maker)> {
        self.lines.iter().map(|((_, words), maker)| (words.as_str(), maker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lints::bench::{at_line, s};

    fn inside(location: &str, asynchronous: bool) -> Inside {
        let (process, class) = (ProcId(0), "redis.connection.ConnectionPool".to_owned());
        let made = Some(at_line(location, "handler", None));
        Inside { process, class, inherited: false, asynchronous, made }
    }

    #[test]
    fn thousands_of_pools_are_counted_by_the_line_that_made_them() {
        let mut makers = Makers::default();
        for n in 0..70_000_u32 {
            let at = s(u64::from(n / 10_000));
            makers.made(at, PoolId(n), &inside("app.py:12", false));
        }
        let (words, maker) = makers.lines().next().expect("a line");
        assert_eq!((words, maker.alive), ("app.py:12 in handler", POOLS as u64));
        assert_eq!(maker.last(s(6), 2).made, POOLS as u64 - 50_000);
        for n in 0..70_000 {
            makers.ended(s(8), PoolId(n));
        }
        let maker = makers.lines().next().expect("a line").1;
        assert_eq!(
            (maker.alive, maker.last(s(8), 60).brief, makers.alive.len()),
            (0, POOLS as u64 - 40_000, 0)
        );
    }

    #[test]
    fn lines_without_end_make_room_and_none_is_forgotten_that_still_counts() {
        let mut makers = Makers::default();
        for n in 0..300_u32 {
            makers.made(s(1), PoolId(n), &inside(&format!("app.py:{n}"), false));
        }
        assert_eq!(makers.lines().count(), LINES);
        (0..200).for_each(|n| makers.ended(s(2), PoolId(n)));
        makers.made(s(3), PoolId(1_000), &inside("new.py:1", false));
        assert!(!makers.lines().any(|(words, _)| words.starts_with("new.py")), "they are news for a minute");
        makers.made(s(90), PoolId(1_001), &inside("new.py:1", false));
        assert_eq!(makers.lines().count(), LINES - 200 + 1);
    }

    #[test]
    fn a_life_is_counted_when_it_ends_by_itself_and_not_with_its_process() {
        let mut makers = Makers::default();
        (0..5).for_each(|n| makers.made(s(1), PoolId(n), &inside("app.py:12", true)));
        (0..2).for_each(|n| makers.ended(s(2), PoolId(n)));
        makers.ends(ProcId(0));
        (2..4).for_each(|n| makers.ended(s(3), PoolId(n)));
        makers.goes_on(ProcId(0));
        makers.ended(s(3), PoolId(4));
        let counted = makers.lines().next().expect("a line").1.last(s(3), 10);
        assert_eq!((counted.made, counted.brief, counted.nanos), (5, 3, 4_000_000_000));
    }

    #[test]
    fn what_asyncio_left_open_is_counted_and_what_others_did_is_not() {
        let mut makers = Makers::default();
        for (n, asynchronous) in [(1, true), (2, false), (3, true), (4, true)] {
            makers.made(s(1), PoolId(n), &inside("app.py:12", asynchronous));
            let (open, unclosed) = (if n == 3 { 0 } else { 2 }, n != 4);
            makers.left(s(2), PoolId(n), &Left { open, leases: Vec::new(), unclosed });
        }
        let counted = makers.lines().next().expect("a line").1.last(s(2), 10);
        assert_eq!((counted.unclosed, counted.connections), (1, 2));
    }
}
