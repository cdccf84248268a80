//! A pool with a limit, and what happens at it: failing at once, or waiting with a timeout.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, read};
use crate::net::ConnectOptions;
use crate::pool::{CheckoutError, OnExhausted, PoolConfig};

const MAX: u32 = 10;
const CALLERS: u32 = 100;
const USE: Duration = Duration::from_millis(10);

const SERVED: Measure = Measure::count("served of 100");
const REFUSED: Measure = Measure::count("refused at once");
const TIMED_OUT: Measure = Measure::count("timed out waiting");
const WAIT: Measure = Measure::time("longest wait");

const FAILS: usize = 0;
const SHORT: usize = 1;
const WAITS: usize = 2;

static ABOUT: About = About {
    name: "bounded",
    practice: "At its limit a pool fails at once or lets callers wait: what is lost at a peak depends on that choice and \
               on the timeout.",
    lesson: "wait, with a timeout longer than a peak lasts and shorter than your own callers' patience; fail at once \
             only where the caller has something better to do.",
    ways: &[
        Way::wrong("fails at once", "max 10, 100 callers of 10 ms each, and no queue", "exhausted"),
        Way::wrong("waits too short", "the same, with a blocking timeout of 30 ms", "exhausted"),
        Way::right("waits", "the same, with a blocking timeout of 5 s"),
    ],
    claims: &[
        Claim::times(SERVED, WAITS, FAILS, 2.0),
        Claim::times(SERVED, WAITS, SHORT, 1.2),
        Claim::times(REFUSED, FAILS, WAITS, 1.0),
        Claim::times(WAIT, WAITS, SHORT, 1.5),
    ],
    connections: MAX * 3,
    middlebox: false,
};

pub(super) struct Bounded;

impl Experiment for Bounded {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
        match way {
            FAILS => pool.on_exhausted = OnExhausted::Fail,
            SHORT => pool.blocking_timeout = Duration::from_millis(30),
            _ => pool.blocking_timeout = Duration::from_secs(5),
        }
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("bounded", "value").await?;
            stage.pool().warmup(MAX).await;
            let (ends, _) = load::at_once(CALLERS, |_| {
                let (pool, key) = (stage.pool().clone(), key.clone());
                async move {
                    let asked = Instant::now();
                    let outcome = pool.checkout().await;
                    let waited = asked.elapsed();
                    if let Ok(mut lease) = outcome {
                        let answered = read(&mut lease, &key).await;
                        compute(USE).await;
                        return (if answered { SERVED } else { REFUSED }, waited);
                    }
                    let timed_out = matches!(outcome, Err(CheckoutError::TimedOut(_)));
                    (if timed_out { TIMED_OUT } else { REFUSED }, waited)
                }
            })
            .await;
            let count = |end| ends.iter().filter(|(ended, _)| *ended == end).count() as f64;
            let waits = ends.iter().filter(|(ended, _)| *ended == SERVED).map(|(_, waited)| *waited);
            Ok(Sample::new()
                .with(SERVED, count(SERVED))
                .with(REFUSED, count(REFUSED))
                .with(TIMED_OUT, count(TIMED_OUT))
                .timed(WAIT, load::longest(waits)))
        })
    }
}
