//! A pool that starts empty, and a thousand callers at once.

use std::time::Instant;

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::get;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const CALLERS: u32 = 1_000;

const OPENED: Measure = Measure::count("connections opened");
const EACH: Measure = Measure::time("time per GET");
const ALL: Measure = Measure::time("all 1,000 GETs");

const COLD: usize = 0;
const SINGLY: usize = 1;
const WARM: usize = 2;

static ABOUT: About = About {
    name: "cold-start",
    practice: "1,000 commands at once on an empty pool open hundreds of connections, up to one each: what is measured is \
               connecting, not the command.",
    lesson: "open the connections before the load (warm-up), and bound the pool, so that callers share them.",
    ways: &[
        Way::wrong("cold at once", "1,000 callers on an empty pool", "cold-start"),
        Way::right("one by one", "the same GETs one after the other on an empty pool"),
        Way::right("warm at once", "1,000 callers on a pool whose connections were opened before"),
    ],
    claims: &[
        Claim::times(OPENED, COLD, SINGLY, 100.0),
        Claim::at_most(OPENED, SINGLY, 1.0),
        Claim::times(EACH, COLD, WARM, 1.3),
    ],
    connections: CALLERS + 1,
    middlebox: false,
};

pub(super) struct ColdStart;

impl Experiment for ColdStart {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = CALLERS;
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("cold", "value").await?;
            if stage.way() == WARM {
                stage.pool().warmup(CALLERS).await;
            }
            let before = stage.totals().opened;
            let took = if stage.way() == SINGLY {
                let begun = Instant::now();
                for _ in 0..CALLERS {
                    get(stage.pool(), &key).await?;
                }
                begun.elapsed()
            } else {
                let (answers, took) = load::at_once(CALLERS, |_| {
                    let (pool, key) = (stage.pool().clone(), key.clone());
                    async move { get(&pool, &key).await.map(drop) }
                })
                .await;
                answers.into_iter().collect::<Result<(), _>>()?;
                took
            };
            let opened = stage.totals().opened - before;
            Ok(Sample::new().counted(OPENED, opened).timed(EACH, took / CALLERS).timed(ALL, took))
        })
    }
}
