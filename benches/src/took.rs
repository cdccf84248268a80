//! How long something took, by two clocks: the thread's own, which stands while others have the processor, and the one on
//! the wall.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What was spent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// Of the processor, by this thread.
    pub(crate) cpu: Duration,
    /// By the clock on the wall.
    pub(crate) wall: Duration,
}

impl Took {
    /// Does it, and says what it took.
    pub(crate) fn by<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (begun, cpu) = (Instant::now(), spent());
        let done = work();
        (Self { cpu: spent().saturating_sub(cpu), wall: begun.elapsed() }, done)
    }

    /// The medians of each.
    pub(crate) fn median(took: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> Duration| {
            let mut times: Vec<_> = took.iter().map(of).collect();
            times.sort_unstable();
            times[times.len() / 2]
        };
        Self { cpu: middle(|took| took.cpu), wall: middle(|took| took.wall) }
    }

    /// The longest of each.
    pub(crate) fn most(took: &[Self]) -> Self {
        took.iter().fold(Self::default(), |most, took| Self {
            cpu: most.cpu.max(took.cpu),
            wall: most.wall.max(took.wall),
        })
    }
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.wall += other.wall;
    }
}

/// What this thread has had of the processor.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
