//! 1,000 requests from 50 workers, in the ways that web programs go wrong, and right.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, read};
use crate::event::CloseReason;
use crate::net::ConnectOptions;
use crate::pool::{PoolConfig, RedisLease};

const WORKERS: u32 = 50;
const REQUESTS: u32 = 1_000;
const MAX: u32 = 20;

/// What a request does beside Redis, and how many of them break.
const WORK: Duration = Duration::from_millis(10);
const BREAKS: u32 = 25;

const SERVED: Measure = Measure::percent("requests answered");
const TOTAL: Measure = Measure::time("total time");
const RATE: Measure = Measure::rate("answered a second");
const OPENED: Measure = Measure::count("connections opened");

const EACH: usize = 0;
const FORGETS: usize = 1;
const RIGHT: usize = 2;

static ABOUT: About = About {
    name: "web-case",
    practice: "1,000 requests from 50 workers: a client for each connects a thousand times, and connections forgotten on \
               errors leave none for the others.",
    lesson: "one bounded pool for the whole program, a guard around each use, and no connection held while a request does \
             something else.",
    ways: &[
        Way::wrong("a client each", "every request connects and disconnects", "churn"),
        Way::wrong(
            "forgets on errors",
            "one pool of 20; one request in 25 breaks and keeps its connection",
            "leak",
        ),
        Way::right("one guarded pool", "the same pool and the same broken requests, with a guard"),
    ],
    claims: &[
        Claim::times(OPENED, EACH, RIGHT, 10.0),
        Claim::times(SERVED, RIGHT, FORGETS, 1.3),
        Claim::at_least(SERVED, RIGHT, 95.0),
    ],
    connections: WORKERS + 2 * MAX,
    middlebox: false,
};

pub(super) struct WebCase;

impl Experiment for WebCase {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = if way == EACH { WORKERS } else { MAX };
        pool.blocking_timeout = Duration::from_millis(if way == FORGETS { 30 } else { 5_000 });
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("web", "value").await?;
            let forgotten = Arc::new(Mutex::new(Vec::new()));
            let (before, leaks) = (stage.totals().opened, stage.times("leak"));
            let (answers, took) = load::workers(WORKERS, REQUESTS, {
                let (pool, forgotten, way) = (stage.pool().clone(), forgotten.clone(), stage.way());
                move |number| {
                    let (key, forgotten) = (key.clone(), forgotten.clone());
                    let checkout = pool.checkout_as("request".into());
                    async move {
                        let Ok(mut lease) = checkout.await else { return false };
                        let answered = read(&mut lease, &key).await;
                        let broke = number % BREAKS == 0;
                        give_back(lease, way, broke, &forgotten);
                        compute(WORK).await;
                        answered && !broke
                    }
                }
            })
            .await;
            if stage.way() == FORGETS {
                stage.until_raised("leak", leaks + u64::from(MAX)).await;
            }
            let served = answers.iter().filter(|served| **served).count();
            Ok(Sample::new()
                .with(SERVED, served as f64 * 100.0 / f64::from(REQUESTS))
                .timed(TOTAL, took)
                .with(RATE, load::rate(served, took))
                .counted(OPENED, stage.totals().opened - before))
        })
    }
}

/// Ends a request's use of its connection, as the way does.
fn give_back(lease: RedisLease, way: usize, broke: bool, forgotten: &Mutex<Vec<RedisLease>>) {
    match way {
        EACH => lease.discard(CloseReason::Asked),
        FORGETS if broke => forgotten.lock().push(lease),
        _ => drop(lease),
    }
}
