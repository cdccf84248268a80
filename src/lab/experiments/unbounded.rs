//! A pool without a limit grows with its callers.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way, load};
use super::{compute, read};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;
use crate::source::info::watch_info;

/// redis-py's default until version 7.
const NO_LIMIT: u32 = i32::MAX as u32;

const LIMIT: u32 = 20;

/// So many callers at once, and how long each has its connection.
const CALLERS: [u32; 3] = [50, 100, 300];
const USE: Duration = Duration::from_millis(5);

/// How often the server is asked how many clients it takes.
const EVERY: Duration = Duration::from_secs(1);

const CONNECTIONS: [Measure; 3] = [
    Measure::count("connections, 50 callers"),
    Measure::count("connections, 100 callers"),
    Measure::count("connections, 300 callers"),
];
const SLOWEST: Measure = Measure::time("slowest of 300 callers");

const UNBOUNDED: usize = 0;
const BOUNDED: usize = 1;

static ABOUT: About = About {
    name: "unbounded",
    practice: "A pool without a limit has as many connections as callers, until the server's maxclients refuses \
               everybody, other programs too.",
    lesson: "set a limit: callers then queue in your program, where you see them, and not at the server's door.",
    ways: &[
        Way::wrong("no limit", "max 2,147,483,647, as redis-py until version 7", "unbounded"),
        Way::right("a limit", "max 20"),
    ],
    claims: &[
        Claim::times(CONNECTIONS[2], UNBOUNDED, BOUNDED, 5.0),
        Claim::at_most(CONNECTIONS[2], BOUNDED, LIMIT as f64),
    ],
    connections: CALLERS[2] + LIMIT,
    middlebox: false,
};

pub(super) struct Unbounded;

impl Experiment for Unbounded {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = if way == UNBOUNDED { NO_LIMIT } else { LIMIT };
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let place = stage.place();
            // So that the model knows what the limit is to be measured by.
            let _watch = watch_info(place.connect.clone(), EVERY, place.hub.tap(), place.hub.clock());
            let key = place.set("unbounded", "value").await?;
            let mut sample = Sample::new();
            let mut slowest = Duration::ZERO;
            for (callers, connections) in CALLERS.into_iter().zip(CONNECTIONS) {
                let (served, took) = load::at_once(callers, |_| {
                    let (pool, key) = (stage.pool().clone(), key.clone());
                    async move {
                        let mut lease = pool.checkout().await?;
                        let answered = read(&mut lease, &key).await;
                        compute(USE).await;
                        Ok::<_, Trouble>(answered)
                    }
                })
                .await;
                served.into_iter().collect::<Result<Vec<_>, _>>()?;
                let (gauges, _) = stage.pool().status();
                sample = sample.with(connections, gauges.in_use + gauges.available);
                slowest = took;
            }
            Ok(sample.timed(SLOWEST, slowest))
        })
    }
}
