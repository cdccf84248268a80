//! Many callers interleaved on one connection, against a connection each and one in turn.

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way, load};
use super::get;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const CALLERS: u32 = 200;

/// Each of them asks so often.
const GETS: u32 = 10;

const CONNECTIONS: Measure = Measure::count("connections");
const TOTAL: Measure = Measure::time("2,000 GETs of 200 callers");
const RATE: Measure = Measure::rate("GETs a second");

const EACH: usize = 0;
const TURNS: usize = 1;
const SHARED: usize = 2;

static ABOUT: About = About {
    name: "multiplexing",
    practice: "A connection for each of many callers is dear, and one that they take in turn is slow: interleaved on one, \
               each command goes out when it comes.",
    lesson: "many short commands can share one multiplexed connection; what blocks, or keeps state, needs its own.",
    ways: &[
        Way::wrong("a connection each", "200 callers at once on an empty pool of 200", "cold-start"),
        Way::right("one in turn", "the same on one connection, a caller at a time"),
        Way::right("one interleaved", "the same on one connection, interleaved"),
    ],
    claims: &[
        Claim::times(CONNECTIONS, EACH, SHARED, 20.0),
        Claim::at_most(CONNECTIONS, SHARED, 1.0),
        Claim::times(RATE, SHARED, TURNS, 1.5),
    ],
    connections: CALLERS + 2,
    middlebox: false,
};

pub(super) struct Multiplexing;

impl Experiment for Multiplexing {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = if way == EACH { CALLERS } else { 1 };
        pool.single = way == TURNS;
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("multiplexing", "value").await?;
            let before = stage.totals().opened;
            let shared = (stage.way() == SHARED).then(|| stage.pool().multiplexed());
            let (answers, took) = load::at_once(CALLERS, |_| {
                let (pool, key, shared) = (stage.pool().clone(), key.clone(), shared.clone());
                async move {
                    for _ in 0..GETS {
                        match &shared {
                            Some(shared) => shared.command(&["GET", &key]).await?,
                            None => get(&pool, &key).await?,
                        };
                    }
                    Ok::<_, Trouble>(())
                }
            })
            .await;
            let callers = answers.into_iter().collect::<Result<Vec<()>, _>>()?.len();
            Ok(Sample::new()
                .counted(CONNECTIONS, stage.totals().opened - before)
                .timed(TOTAL, took)
                .with(RATE, load::rate(callers * GETS as usize, took)))
        })
    }
}
