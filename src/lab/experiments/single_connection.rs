//! One connection for everybody, against a pool.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, get, timed_gets};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 8;
const WORKERS: u32 = 16;
const GETS: u32 = 800;

/// How long a transaction keeps its connection to think.
const THINKS: Duration = Duration::from_millis(170);
const CALLERS: u32 = 6;

const CONNECTIONS: Measure = Measure::count("connections");
const RATE: Measure = Measure::rate("GETs a second");
const BEHIND: Measure = Measure::time("GET beside a transaction");

const ONE: usize = 0;
const POOL: usize = 1;

static ABOUT: About = About {
    name: "single-connection",
    practice: "In single-connection mode all commands queue on one socket: it costs one connection, and everything waits \
               behind the slowest.",
    lesson: "one connection is right for scripts and tight budgets; where something may be slow, others need their own.",
    ways: &[
        Way::wrong("one connection", "16 callers share it; a transaction thinks for 170 ms", "exhausted"),
        Way::right("a pool of 8", "the same callers and transaction"),
    ],
    claims: &[
        Claim::times(CONNECTIONS, POOL, ONE, 2.0),
        Claim::at_most(CONNECTIONS, ONE, 1.0),
        Claim::times(BEHIND, ONE, POOL, 5.0),
    ],
    connections: MAX + 1,
    middlebox: false,
};

pub(super) struct SingleConnection;

impl Experiment for SingleConnection {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.single = way == ONE;
        pool.max = if way == ONE { 1 } else { MAX };
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("single", "value").await?;
            let (answers, took) = load::workers(WORKERS, GETS, {
                let (pool, key) = (stage.pool().clone(), key.clone());
                move |_| {
                    let (pool, key) = (pool.clone(), key.clone());
                    async move { get(&pool, &key).await.map(drop) }
                }
            })
            .await;
            let gets = answers.into_iter().collect::<Result<Vec<()>, _>>()?.len();
            let mut transaction = stage.pool().checkout_as("transaction".into()).await?;
            transaction.command(&["WATCH", &key]).await?;
            let begun = Instant::now();
            let thinking = async {
                compute(THINKS).await;
                let unwatched = transaction.command(&["UNWATCH"]).await;
                drop(transaction);
                unwatched
            };
            let (unwatched, beside) = tokio::join!(thinking, timed_gets(stage.pool(), &key, CALLERS));
            unwatched?;
            let (times, _) = beside?;
            debug_assert!(begun.elapsed() >= THINKS);
            let (gauges, _) = stage.pool().status();
            Ok(Sample::new()
                .with(CONNECTIONS, gauges.in_use + gauges.available)
                .with(RATE, load::rate(gets, took))
                .timed(BEHIND, load::middle(times)))
        })
    }
}
