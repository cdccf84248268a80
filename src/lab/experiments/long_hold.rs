//! Holding a connection while computing, against giving it back meanwhile.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way, load};
use super::{compute, read};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 4;
const WORKERS: u32 = 12;
const JOBS: u32 = 24;
const COMPUTES: Duration = Duration::from_millis(60);

const RATE: Measure = Measure::rate("jobs a second");
const WAIT: Measure = Measure::time("longest wait");

const HOLDS: usize = 0;
const RETURNS: usize = 1;

static ABOUT: About = About {
    name: "long-hold",
    practice: "A connection held while the program computes serves nobody: a small pool is then as slow as the \
               computing.",
    lesson: "fetch, give the connection back, compute, and take one again to write.",
    ways: &[
        Way::wrong(
            "holds",
            "GET, 60 ms of computing, GET, on one lease; 12 workers on 4 connections",
            "long-hold",
        ),
        Way::right("returns", "the same, with no lease while it computes"),
    ],
    claims: &[Claim::times(RATE, RETURNS, HOLDS, 1.5), Claim::times(WAIT, HOLDS, RETURNS, 3.0)],
    connections: MAX * 2,
    middlebox: false,
};

pub(super) struct LongHold;

impl Experiment for LongHold {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("long", "value").await?;
            let holds = stage.way() == HOLDS;
            let (waits, took) = load::workers(WORKERS, JOBS, {
                let pool = stage.pool().clone();
                move |_| {
                    let (pool, key) = (pool.clone(), key.clone());
                    async move {
                        let asked = Instant::now();
                        let mut lease = pool.checkout().await?;
                        let mut waited = asked.elapsed();
                        read(&mut lease, &key).await;
                        if holds {
                            compute(COMPUTES).await;
                        } else {
                            drop(lease);
                            compute(COMPUTES).await;
                            let asked = Instant::now();
                            lease = pool.checkout().await?;
                            waited = waited.max(asked.elapsed());
                        }
                        read(&mut lease, &key).await;
                        Ok::<_, Trouble>(waited)
                    }
                }
            })
            .await;
            let waits = waits.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok(Sample::new().with(RATE, load::rate(waits.len(), took)).timed(WAIT, load::longest(waits)))
        })
    }
}
