//! Load: callers at once, workers with requests, and how long each took.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// So many callers at the same moment: what each of them came to, and how long all of them took together.
pub(crate) async fn at_once<T, F>(callers: u32, call: impl Fn(u32) -> F) -> (Vec<T>, Duration)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers as usize));
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (start, called) = (start.clone(), call(caller));
        tasks.spawn(async move {
            start.wait().await;
            let begun = Instant::now();
            (begun, called.await)
        });
    }
    let (mut all, mut first) = (Vec::with_capacity(callers as usize), None::<Instant>);
    // None is aborted, and what one that panicked would have said is missing.
    while let Some(done) = tasks.join_next().await {
        let Ok((begun, said)) = done else { continue };
        // By their own clocks: whoever waits for them may be woken when half of them are done.
        first = Some(first.map_or(begun, |first| first.min(begun)));
        all.push(said);
    }
    (all, first.map_or(Duration::ZERO, |first| first.elapsed()))
}

/// So many requests, shared by so many workers that take one after the other.
pub(crate) async fn workers<T, F>(
    workers: u32,
    requests: u32,
    serve: impl Fn(u32) -> F + Clone + Send + 'static,
) -> (Vec<T>, Duration)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let next = Arc::new(AtomicU32::new(0));
    let (all, took) = at_once(workers, |_| {
        let (next, serve) = (next.clone(), serve.clone());
        async move {
            let mut mine = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return mine;
                }
                mine.push(serve(number).await);
            }
        }
    })
    .await;
    (all.into_iter().flatten().collect(), took)
}

/// So many workers that go on until the time is over: how many requests each way of ending had is theirs to count.
pub(crate) async fn for_a_while<T, F>(
    workers: u32,
    time: Duration,
    serve: impl Fn(u32) -> F + Clone + Send + 'static,
) -> (Vec<T>, Duration)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (all, took) = at_once(workers, |worker| {
        let serve = serve.clone();
        async move {
            let (begun, mut mine) = (Instant::now(), Vec::new());
            while begun.elapsed() < time {
                mine.push(serve(worker).await);
            }
            mine
        }
    })
    .await;
    (all.into_iter().flatten().collect(), took)
}

/// Things a second.
pub(crate) fn rate(things: usize, took: Duration) -> f64 {
    things as f64 / took.as_secs_f64().max(1e-9)
}

/// The longest of some.
pub(crate) fn longest(times: impl IntoIterator<Item = Duration>) -> Duration {
    times.into_iter().max().unwrap_or_default()
}

/// The middle of some.
pub(crate) fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On one thread a caller that never waits is over before anybody else runs.
    #[tokio::test]
    async fn all_takes_as_long_as_the_longest() {
        let (each, all) = at_once(3, async |_| {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(3) {
                std::hint::spin_loop();
            }
            begun.elapsed()
        })
        .await;
        assert!(each.len() == 3 && all >= each.iter().sum::<Duration>(), "{all:?} {each:?}");
    }

    #[tokio::test]
    async fn no_callers_take_no_time() {
        assert_eq!(at_once(0, async |_| ()).await, (Vec::new(), Duration::ZERO));
    }
}
