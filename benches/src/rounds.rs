//! Rounds in which every candidate runs once, and what they say together.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Many short rounds: a machine that is busy for a while is so for all candidates of a round.
const ROUNDS: usize = 25;

type Run<'a> = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = Duration> + 'a>> + 'a>;

/// Candidates for the same work. The first is ours.
pub(crate) struct Rounds<'a> {
    title: String,
    operations: usize,
    candidates: Vec<(&'static str, Run<'a>, Vec<Duration>)>,
}

impl<'a> Rounds<'a> {
    /// A comparison over `operations` operations a round.
    pub(crate) fn new(title: impl Into<String>, operations: usize) -> Self {
        Self { title: title.into(), operations, candidates: Vec::new() }
    }

    /// One more candidate: each call does the work once and says how long it took.
    pub(crate) fn add<F, R>(&mut self, name: &'static str, mut run: F)
    where
        F: FnMut() -> R + 'a,
        R: Future<Output = Duration> + 'a,
    {
        self.candidates.push((name, Box::new(move || Box::pin(run())), Vec::new()));
    }

    /// Runs all, and prints each one's median, and the median of what our time was of its in the same round.
    pub(crate) async fn run(mut self) {
        println!("{}", self.title);
        // For a profile of one candidate alone.
        if let Ok(only) = std::env::var("ONLY") {
            self.candidates.retain(|(name, ..)| *name == only);
        }
        // A round for nothing: caches, allocator and branch predictor are nobody's merit.
        for (_, run, _) in &mut self.candidates {
            run().await;
        }
        for round in 0..ROUNDS {
            let count = self.candidates.len();
            for turn in 0..count {
                // Whoever comes first in one round comes last in another.
                if let Some((_, run, times)) = self.candidates.get_mut((turn + round) % count) {
                    let took = run().await;
                    times.push(took);
                }
            }
        }
        let Some((_, _, ours)) = self.candidates.first() else { return };
        for (name, _, times) in &self.candidates {
            let each = median(times.iter().map(Duration::as_secs_f64)) / self.operations as f64;
            // Round by round, since what ran side by side was disturbed alike.
            let ratio =
                median(ours.iter().zip(times).map(|(ours, its)| ours.as_secs_f64() / its.as_secs_f64()));
            println!(
                "  {name:<15}{:>9.3} us an operation {:>10.0} a second   our time {ratio:.2} of its, our rate {:.2} times its",
                each * 1e6,
                1.0 / each,
                1.0 / ratio,
            );
        }
        println!();
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
