//! A server that is gone for a moment, with and without retries.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, get};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 10;

/// When the server goes, for how long, and how long the load lasts.
const GOES: Duration = Duration::from_millis(60);
const GONE: Duration = Duration::from_millis(120);
const LASTS: Duration = Duration::from_millis(350);

/// Between two requests of a worker.
const PAUSE: Duration = Duration::from_millis(5);

const ANSWERED: Measure = Measure::count("GETs answered");
const FAILED: Measure = Measure::count("GETs failed");
const SLOWEST: Measure = Measure::time("slowest GET");
const ATTEMPTS: Measure = Measure::count("failed connects");

const BARE: usize = 0;
const RETRIES: usize = 1;

static ABOUT: About = About {
    name: "reconnect",
    practice: "When a server goes away for a moment, every command of that moment fails, unless it is tried again on a \
               new connection.",
    lesson: "drop the broken connections, wait a growing moment, and retry what is safe to retry a few times.",
    ways: &[
        Way::wrong(
            "no retries",
            "10 workers; for 120 ms every connection is cut and none is taken",
            "failing-connects",
        ),
        Way::right("retries", "the same with 8 retries, 40 ms apart and growing").noticed("failing-connects"),
    ],
    claims: &[Claim::times(FAILED, BARE, RETRIES, 10.0), Claim::at_most(FAILED, RETRIES, 0.0)],
    connections: MAX * 2,
    middlebox: true,
};

pub(super) struct Reconnect;

impl Experiment for Reconnect {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
        pool.retries = if way == RETRIES { 8 } else { 0 };
        pool.retry_delay = Duration::from_millis(40);
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("reconnect", "value").await?;
            let middlebox = stage.middlebox()?;
            stage.pool().warmup(MAX).await;
            let before = stage.totals().open_failures;
            let outage = async {
                compute(GOES).await;
                middlebox.refuse(true);
                middlebox.cut();
                compute(GONE).await;
                middlebox.refuse(false);
            };
            let load = load::for_a_while(MAX, LASTS, {
                let (pool, key) = (stage.pool().clone(), key.clone());
                move |_| {
                    let (pool, key) = (pool.clone(), key.clone());
                    async move {
                        let begun = Instant::now();
                        let answered = get(&pool, &key).await.is_ok();
                        let took = begun.elapsed();
                        compute(PAUSE).await;
                        (answered, took)
                    }
                }
            });
            let ((), (gets, _)) = tokio::join!(outage, load);
            let answered = gets.iter().filter(|(answered, _)| *answered).count();
            Ok(Sample::new()
                .with(ANSWERED, answered as f64)
                .with(FAILED, (gets.len() - answered) as f64)
                .timed(SLOWEST, load::longest(gets.into_iter().map(|(_, took)| took)))
                .counted(ATTEMPTS, stage.totals().open_failures - before))
        })
    }
}
