//! Distributions over a sliding window: sparse counts a second, added up as they come and taken off as they leave.
//!
//! The buckets are those of an HDR histogram of two digits (each value's eight highest bits), kept sparse: dense ones
//! cost some 35 KiB each, and there is one a command. Adding a second's counts to a running sum and subtracting them
//! when it leaves makes a snapshot cost what changed, not what the window holds.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Pulse, Samples, Stamp};
use crate::snapshot::{Latency, Percentiles};

/// Bits of a value that count: 128 steps an octave, so the error stays under 1%.
const SIGNIFICANT_BITS: u32 = 8;

/// The percentiles told, in order.
const PERCENTS: [u128; 3] = [50, 95, 99];

/// Commands that get a row of their own; the rest share [`OTHER`].
pub(crate) const COMMANDS: usize = 64;

/// A command's name longer than this has no row of its own: no real one is.
const NAME_BYTES: usize = 64;

/// The row of the commands that have none. Lower case, so that it is no command's name.
pub(crate) const OTHER: &str = "other";

/// The whole second a stamp lies in.
pub(crate) fn second(at: Stamp) -> u64 {
    at.0 / 1_000_000_000
}

/// The largest value of the bucket that `value` falls in.
fn bucket(value: u64) -> u64 {
    let low_bits = (64 - value.leading_zeros()).saturating_sub(SIGNIFICANT_BITS);
    value | ((1_u64 << low_bits) - 1)
}

/// One distribution over the last so many seconds, the running one included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Counts by second, oldest first; a second without a sample has no entry.
    seconds: VecDeque<(u64, BTreeMap<u64, u64>)>,
    /// All of them added up: what percentiles are read from.
    sum: BTreeMap<u64, u64>,
    total: u64,
    /// Percentiles of `sum`, until that changes.
    cached: Option<Percentiles>,
}

impl Window {
    /// Adds what was seen in `second`. A second older than the newest counts as the newest: order is the hub's.
    pub(crate) fn add(&mut self, second: u64, samples: &Samples) {
        if samples.0.iter().all(|&(_, count)| count == 0) {
            return;
        }
        if self.seconds.back().is_none_or(|(newest, _)| *newest < second) {
            self.seconds.push_back((second, BTreeMap::new()));
        }
        let Some((_, counts)) = self.seconds.back_mut() else { return };
        for &(value, count) in samples.0.iter().filter(|(_, count)| *count > 0) {
            let value = bucket(value);
            let here = counts.entry(value).or_default();
            // What the sum takes on is what the second will give back, even where a count saturates.
            let added = count.min(u64::MAX - *here);
            *here += added;
            let all = self.sum.entry(value).or_default();
            *all = all.saturating_add(added);
            self.total = self.total.saturating_add(count);
        }
        self.cached = None;
    }

    /// Forgets every second that began `length` seconds or more before `now`.
    pub(crate) fn expire(&mut self, now: u64, length: u64) {
        while let Some((second, _)) = self.seconds.front()
            && second.saturating_add(length) <= now
            && let Some((_, counts)) = self.seconds.pop_front()
        {
            for (value, count) in counts {
                if let Some(all) = self.sum.get_mut(&value) {
                    *all = all.saturating_sub(count);
                    if *all == 0 {
                        self.sum.remove(&value);
                    }
                }
            }
            self.cached = None;
        }
    }

    /// Nothing in the window.
    pub(crate) fn is_empty(&self) -> bool {
        self.sum.is_empty()
    }

    /// The five numbers, computed once a change.
    pub(crate) fn percentiles(&mut self) -> Percentiles {
        let numbers = self.cached.unwrap_or_else(|| self.compute());
        self.cached = Some(numbers);
        numbers
    }

    /// Nearest rank: the least value that at least so many percent of the samples do not exceed.
    fn compute(&self) -> Percentiles {
        let count = self.sum.values().fold(0_u64, |all, n| all.saturating_add(*n));
        let mut found = [0; PERCENTS.len()];
        let mut wanted = PERCENTS.iter().zip(&mut found).peekable();
        let mut seen = 0_u128;
        for (&value, &n) in &self.sum {
            seen += u128::from(n);
            while let Some((_, found)) =
                wanted.next_if(|(percent, _)| seen * 100 >= u128::from(count) * **percent)
            {
                *found = value;
            }
        }
        let [p50, p95, p99] = found;
        let max = self.sum.last_key_value().map_or(0, |(&value, _)| value);
        Percentiles { count, total: self.total, p50, p95, p99, max }
    }

    /// The window as bars: upper edge and count, without a gap from the first bar that has any to the last.
    pub(crate) fn bars(&self) -> Vec<(u64, u64)> {
        let mut bars: BTreeMap<u64, u64> = BTreeMap::new();
        for (&value, &count) in &self.sum {
            let edge = edges().find(|edge| *edge >= value).unwrap_or(u64::MAX);
            let bar = bars.entry(edge).or_default();
            *bar = bar.saturating_add(count);
        }
        let (Some((&first, _)), Some((&last, _))) = (bars.first_key_value(), bars.last_key_value()) else {
            return Vec::new();
        };
        edges()
            .filter(|edge| (first..=last).contains(edge))
            .map(|edge| (edge, bars.get(&edge).copied().unwrap_or(0)))
            .collect()
    }
}

/// 1, 2, 5, 10, 20, 50, … nanoseconds: edges a person can read. The last one takes the rest.
fn edges() -> impl Iterator<Item = u64> {
    (0..20)
        .flat_map(|power| {
            let unit = 10_u64.pow(power);
            [1, 2, 5].into_iter().filter_map(move |step| unit.checked_mul(step))
        })
        .chain([u64::MAX])
}

/// All the distributions of one pool.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    length: Duration,
    wait: Window,
    held: Window,
    create: Window,
    round_trip: Window,
    by_command: HashMap<Arc<str>, Window>,
    other: Window,
}

impl Windows {
    /// Windows of `length`, in whole seconds and at least one.
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            length,
            wait: Window::default(),
            held: Window::default(),
            create: Window::default(),
            round_trip: Window::default(),
            by_command: HashMap::new(),
            other: Window::default(),
        }
    }

    /// Another length from now on; what a longer one would need is gone already.
    pub(crate) fn set_length(&mut self, length: Duration) {
        self.length = length;
    }

    /// Adds what a pulse counted.
    pub(crate) fn add(&mut self, at: Stamp, pulse: &Pulse) {
        let second = second(at);
        self.wait.add(second, &pulse.wait);
        self.held.add(second, &pulse.held);
        self.create.add(second, &pulse.create);
        for (name, samples) in &pulse.round_trips {
            self.round_trip.add(second, samples);
            self.command(name).add(second, samples);
        }
    }

    fn command(&mut self, name: &Arc<str>) -> &mut Window {
        let known = self.by_command.contains_key(name);
        // What the source could not name either shares the same row.
        let named = **name != *OTHER;
        if known || (named && self.by_command.len() < COMMANDS && name.len() <= NAME_BYTES) {
            self.by_command.entry(name.clone()).or_default()
        } else {
            &mut self.other
        }
    }

    /// Forgets what is too old; a command without a sample gives its row up.
    pub(crate) fn expire(&mut self, now: Stamp) {
        let (now, length) = (second(now), self.length.as_secs().max(1));
        for window in
            [&mut self.wait, &mut self.held, &mut self.create, &mut self.round_trip, &mut self.other]
        {
            window.expire(now, length);
        }
        self.by_command.retain(|_, window| {
            window.expire(now, length);
            !window.is_empty()
        });
    }

    /// The round trips of one command; nothing where it may be among those that have no row of their own.
    pub(crate) fn trips(&mut self, name: &str) -> Option<Percentiles> {
        match self.by_command.get_mut(name) {
            Some(window) => Some(window.percentiles()),
            None => self.other.is_empty().then(Percentiles::default),
        }
    }

    /// The numbers as they stand.
    pub(crate) fn latency(&mut self) -> Latency {
        let mut by_command: Vec<_> =
            self.by_command.iter_mut().map(|(name, window)| (name.clone(), window.percentiles())).collect();
        by_command.sort_by(|(a, left), (b, right)| right.count.cmp(&left.count).then_with(|| a.cmp(b)));
        if !self.other.is_empty() {
            by_command.push((OTHER.into(), self.other.percentiles()));
        }
        Latency {
            window: self.length,
            wait: self.wait.percentiles(),
            held: self.held.percentiles(),
            create: self.create.percentiles(),
            round_trip: self.round_trip.percentiles(),
            by_command,
            histogram: self.round_trip.bars(),
        }
    }
}

#[cfg(test)]
mod tests;
