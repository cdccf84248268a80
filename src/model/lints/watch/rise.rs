//! Whether a group rises: steadily, and not at once.

use super::View;
use crate::model::clients::{Group, History, Minute, POINTS, Point};
use crate::snapshot::GroupBy;

/// Steps of a rise: in each there must be more than in the one before. Many short ones, so that what is filled in a few
/// batches is none.
const STEPS: usize = 8;

/// Steps at its begin and at its end that are compared.
const PART: usize = 3;

/// By so many it must have grown.
const MORE: u32 = 10;

/// How long a step is, in seconds, and by how many percent all of them must have grown.
const FAST: (usize, u32) = (3, 50);
const SLOW: (usize, u32) = (12, 25);

/// Of minutes, where the fewest of each count, so many make a rise, and so many percent are enough.
const MINUTES: usize = 5;
const OVER_MINUTES: u32 = 10;

/// Steps that must have grown for one that did before to go on.
const GOES_ON: usize = 5;

/// So many standard deviations are more than chance, where commands come one by one.
const DEVIATIONS: f64 = 3.0;

/// The last third must have at least so much of it, in percent: what warms up or fills slows down.
const LATE: u32 = 30;

/// What is counted, second by second and minute by minute.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) now: fn(&Point) -> u32,
    pub(super) minute: fn(&Minute) -> u32,
}

/// A rise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rise {
    pub(super) from: u32,
    pub(super) to: u32,
    /// In seconds.
    pub(super) over: usize,
    /// Commands a second at its begin and at its end.
    pub(super) work: (f64, f64),
    /// How many there were in these on the average.
    counts: (f64, f64),
    /// How many seconds each of these was.
    part: f64,
}

impl Rise {
    /// Whether what is done rose half as much as who is there to do it, and by more than it changes by itself: of many
    /// that do little, a command more or less is as much as half the rise.
    pub(super) fn works(&self) -> bool {
        let ((before, after), (few, many)) = (self.work, self.counts);
        let more = many / few.max(0.5) - 1.0;
        let chance = DEVIATIONS * ((before + after) / self.part).sqrt();
        after > before * (1.0 + more / 2.0) && after > before + chance
    }
}

/// The rise of a group, if it rises; one that did at the last look needs to go on only.
pub(super) fn of(view: &View<'_>, group: &Group, counted: Counted, holds: bool) -> Option<Rise> {
    let history = group.history.as_deref()?;
    let fits = |(step, percent)| {
        let from_here = Seconds::new(view, history, step, counted.now)?;
        let enough = view.age() > (step * STEPS) as u64;
        let rise = from_here.rise()?;
        // What only ever adds is steady enough, however many there were before.
        let percent = if from_here.closed() == 0 { 0 } else { percent };
        (enough && (is_rise(&from_here.steps(), percent) || holds && from_here.goes_on())).then_some(rise)
    };
    // Where looks are further apart than a short step is long, some steps would have none.
    let apart = (view.apart().max(FAST.0), FAST.1);
    fits(FAST)
        .or_else(|| fits(apart))
        .or_else(|| fits(SLOW))
        .or_else(|| minutes(history, counted.minute, holds))
}

fn is_rise(newest_first: &[u32], percent: u32) -> bool {
    let [to, .., from] = *newest_first else { return false };
    // Of eight steps the last three, of five the last two.
    let late = to.saturating_sub(newest_first[(newest_first.len() - 1) * 2 / 5]);
    let grown = to.saturating_sub(from);
    newest_first.windows(2).all(|pair| pair[0] > pair[1])
        && grown >= MORE
        && u64::from(grown) * 100 >= u64::from(from) * u64::from(percent)
        && u64::from(late) * 100 >= u64::from(grown) * u64::from(LATE)
}

/// A history in steps of so many seconds. Before its first second there was nobody.
struct Seconds<'a> {
    history: &'a History,
    step: usize,
    of: fn(&Point) -> u32,
    /// How many seconds back it is known what was: no further than somebody looked, nor than is kept.
    known: usize,
    /// How many seconds ago there were so many in which nobody looked. They count as none.
    gap: (usize, usize),
}

impl<'a> Seconds<'a> {
    /// Nothing where too little is kept.
    fn new(view: &View<'_>, history: &'a History, step: usize, of: fn(&Point) -> u32) -> Option<Self> {
        let (back, long) = view.gap();
        let kept = usize::try_from(view.age()).map_or(POINTS - 1, |seen| seen.min(POINTS - 1));
        let known = kept.saturating_sub(long).max(kept.min(back));
        (known >= step * STEPS).then_some(Self { history, step, of, known, gap: (back, long) })
    }

    /// How many there were so many seconds ago, of those that are known.
    fn at(&self, seconds: usize) -> u32 {
        self.history.ago(self.passed(seconds)).map_or(0, self.of)
    }

    /// How many seconds have passed since, with those in which nobody looked.
    fn passed(&self, seconds: usize) -> usize {
        let (back, long) = self.gap;
        if seconds > back { seconds + long } else { seconds }
    }

    fn steps(&self) -> [u32; STEPS + 1] {
        std::array::from_fn(|steps| self.at(steps * self.step))
    }

    /// How many were closed meanwhile.
    fn closed(&self) -> u64 {
        self.history.last(self.passed(self.step * STEPS)).map(|point| u64::from(point.closed)).sum()
    }

    /// Whether there are more than a few steps ago.
    fn goes_on(&self) -> bool {
        self.at(0) > self.at(GOES_ON * self.step)
    }

    /// The rise as far back as there are less at each step, and from the second on that it began in.
    fn rise(&self) -> Option<Rise> {
        let less = |steps: &usize| self.at(steps * self.step) > self.at((steps + 1) * self.step);
        let steps = (0..self.known / self.step).take_while(less).count();
        // One that goes on may have stood still for a step, and there may have been more before it.
        let least = if self.at(STEPS * self.step) < self.at(0) { STEPS } else { GOES_ON };
        let told = steps.max(least) * self.step;
        let over = (told + 1..(told + self.step).min(self.known + 1))
            .fold(told, |begin, second| if self.at(second) < self.at(begin) { second } else { begin });
        let (late, early) = (self.mean(0), self.mean(STEPS - PART));
        (self.at(0) > 0).then(|| Rise {
            from: self.at(over),
            to: self.at(0),
            over: self.passed(over),
            work: (early.1, late.1),
            counts: (early.0, late.0),
            part: (PART * self.step) as f64,
        })
    }

    /// How many there were in a part of the rise, from so many ago on, and what they did a second.
    fn mean(&self, from: usize) -> (f64, f64) {
        let length = PART * self.step;
        // The second that runs is not whole yet.
        let points = (1..=length).map(|second| self.history.ago(self.passed(from * self.step + second)));
        let sums = points.flatten().fold((0_u64, 0_u64), |(count, work), point| {
            (count + u64::from((self.of)(point)), work + u64::from(point.work))
        });
        (sums.0 as f64 / length as f64, sums.1 as f64 / length as f64)
    }
}

fn minutes(history: &History, of: fn(&Minute) -> u32, holds: bool) -> Option<Rise> {
    let newest_first: Vec<_> = history.minutes().rev().take(MINUTES + 1).collect();
    if newest_first.len() <= MINUTES {
        return None;
    }
    let steps: Vec<_> = newest_first.iter().map(|minute| of(minute)).collect();
    if !(is_rise(&steps, OVER_MINUTES) || holds && steps[0] > steps[2]) {
        return None;
    }
    let mean = |two: &[&Minute]| {
        let work: u64 = two.iter().map(|minute| minute.work).sum();
        let count: u64 = two.iter().map(|minute| u64::from(of(minute))).sum();
        (count as f64 / two.len() as f64, work as f64 / (two.len() * 60) as f64)
    };
    let (late, early) = (mean(&newest_first[..2]), mean(&newest_first[MINUTES - 1..]));
    Some(Rise {
        from: steps[MINUTES],
        to: steps[0],
        over: MINUTES * 60,
        work: (early.1, late.1),
        counts: (early.0, late.0),
        part: 120.0,
    })
}

/// The keys by which growth is looked for: the first that has any tells it best.
pub(super) const KEYS: [GroupBy; 3] = [GroupBy::Process, GroupBy::Prefix, GroupBy::Server];
