//! Rounds in which every candidate runs once, and what they say together.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Enough for a median that one disturbed round does not move.
const ROUNDS: usize = 9;

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

    /// Runs all, and prints medians and the ratio of our time to each peer's; returns our ratio to the fastest peer.
    pub(crate) async fn run(mut self) {
        println!("{}", self.title);
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
        let medians: Vec<_> =
            self.candidates.iter_mut().map(|(name, _, times)| (*name, median(times))).collect();
        let Some((_, ours)) = medians.first().copied() else { return };
        for (name, time) in &medians {
            let each = time.as_secs_f64() / self.operations as f64;
            let ratio = ours.as_secs_f64() / time.as_secs_f64();
            println!(
                "  {name:<16} {:>10.3} us an operation  {:>12.0} a second   our time / its time {ratio:.2}, our rate / its rate {:.2}",
                each * 1e6,
                1.0 / each,
                1.0 / ratio,
            );
        }
        println!();
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
