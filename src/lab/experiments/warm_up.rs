//! Opening connections before the load, in both ways, and not at all.

use std::time::Instant;

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{get, timed_gets};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const CALLERS: u32 = 100;

const BEFORE: Measure = Measure::count("opened before the load");
const DURING: Measure = Measure::count("opened under load");
const WARMING: Measure = Measure::time("warm-up");
const SLOWEST: Measure = Measure::time("slowest GET");
const MIDDLE: Measure = Measure::time("median GET");

const NONE: usize = 0;
const COMMANDS: usize = 1;
const DIRECT: usize = 2;

static ABOUT: About = About {
    name: "warm-up",
    practice: "The first callers of a pool that starts empty pay for connecting; a warm-up pays before they come.",
    lesson: "warm up before the load; opening N directly is sure, N commands at once may share connections and open \
             fewer.",
    ways: &[
        Way::wrong("none", "100 callers on an empty pool", "cold-start"),
        Way::right("commands", "100 PINGs at once before, which meet the empty pool in place of the callers")
            .noticed("cold-start"),
        Way::right("direct", "100 connections made, greeted and shelved before, then the callers"),
    ],
    claims: &[
        Claim::times(DURING, NONE, DIRECT, 10.0),
        Claim::at_least(BEFORE, DIRECT, CALLERS as f64),
        Claim::times(MIDDLE, NONE, DIRECT, 1.3),
    ],
    connections: CALLERS,
    middlebox: false,
};

pub(super) struct WarmUp;

impl Experiment for WarmUp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = CALLERS;
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("warm", "value").await?;
            let (cold, begun) = (stage.totals().opened, Instant::now());
            match stage.way() {
                COMMANDS => {
                    let pings = load::at_once(CALLERS, |_| {
                        let pool = stage.pool().clone();
                        async move { pool.command(&["PING"]).await.map(drop) }
                    });
                    pings.await.0.into_iter().collect::<Result<(), _>>()?;
                }
                DIRECT => drop(stage.pool().warmup(CALLERS).await),
                _ => get(stage.pool(), &key).await.map(drop)?,
            }
            let (warming, warm) = (begun.elapsed(), stage.totals().opened);
            if stage.way() == NONE {
                // Whatever a first command costs that has nothing to do with connections.
                stage.reset();
            }
            let (times, _) = timed_gets(stage.pool(), &key, CALLERS).await?;
            let opened = stage.totals().opened;
            let before = if stage.way() == NONE { 0 } else { warm - cold };
            Ok(Sample::new()
                .counted(BEFORE, before)
                .counted(DURING, opened - warm)
                .timed(WARMING, warming)
                .timed(MIDDLE, load::middle(times.clone()))
                .timed(SLOWEST, load::longest(times)))
        })
    }
}
