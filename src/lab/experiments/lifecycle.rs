//! Pools that are never closed, and leases that outlive their work, against one pool closed at the end.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way};
use super::read;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const JOBS: u32 = 8;
const MAX: u32 = 3;

/// How long the server may take to see that a socket was closed.
const PATIENCE: Duration = Duration::from_secs(5);

const OPENED: Measure = Measure::count("connections opened");
const LEFT: Measure = Measure::count("left on the server");
const HELD: Measure = Measure::count("of them still lent");

const FORGOTTEN: usize = 0;
const CLOSED: usize = 1;

static ABOUT: About = About {
    name: "lifecycle",
    practice: "A pool for each part of a program, none of them closed, leaves its connections on the server after the \
               work is done, lent ones among them.",
    lesson: "make one pool for the program's life, give back every lease, and close the pool on shutdown.",
    ways: &[
        Way::wrong(
            "never closed",
            "8 jobs, each with a pool of its own that stays, and a lease nobody ends",
            "leak",
        ),
        Way::right("one pool closed", "the 8 jobs on one pool; it is closed when they are done"),
    ],
    claims: &[Claim::times(LEFT, FORGOTTEN, CLOSED, JOBS as f64), Claim::at_most(LEFT, CLOSED, 0.0)],
    connections: JOBS * MAX + MAX,
    middlebox: false,
};

pub(super) struct Lifecycle;

impl Experiment for Lifecycle {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("lifecycle", "value").await?;
            let (mut pools, mut lent) = (Vec::new(), Vec::new());
            let before = stage.times("leak");
            for _ in 0..JOBS {
                if pools.is_empty() || stage.way() == FORGOTTEN {
                    pools.push(stage.another_pool());
                }
                let Some(pool) = pools.last() else { continue };
                pool.warmup(MAX).await;
                let mut lease = pool.checkout().await?;
                read(&mut lease, &key).await;
                if stage.way() == FORGOTTEN {
                    lent.push(lease);
                }
            }
            let opened: u64 = pools.iter().map(|pool| pool.status().1.opened).sum();
            if stage.way() == CLOSED {
                for pool in &pools {
                    pool.close(Duration::from_secs(1)).await;
                }
            } else {
                stage.until_raised("leak", before + u64::from(JOBS)).await;
            }
            // What was left by the repetition before is not looked at: its pools were reset.
            let stayed = left(stage, if stage.way() == CLOSED { 0 } else { opened }).await?;
            stage.look().await;
            let held: u32 = pools.iter().map(|pool| pool.status().0.in_use).sum();
            for pool in pools {
                pool.close(Duration::ZERO).await;
            }
            stage.drop_closed();
            Ok(Sample::new().counted(OPENED, opened).counted(LEFT, stayed).with(HELD, held))
        })
    }
}

/// How many connections of ours the server has, once it had time to see those go that were closed.
async fn left(stage: &Stage, expected: u64) -> Result<u64, super::super::Trouble> {
    let begun = Instant::now();
    loop {
        let left = stage.place().mine().await?;
        if left <= expected || begun.elapsed() > PATIENCE {
            return Ok(left);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
