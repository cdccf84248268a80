//! A client for each request, against one that lives.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, read};
use crate::event::CloseReason;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const WORKERS: u32 = 10;

/// How long the load lasts in each repetition, and what a request has to do beside Redis.
const LASTS: Duration = Duration::from_millis(350);
const WORK: Duration = Duration::from_millis(4);

const REQUESTS: Measure = Measure::count("requests");
const OPENED: Measure = Measure::count("connections opened");
const RATE: Measure = Measure::rate("requests a second");
const IN_REDIS: Measure = Measure::time("median time in Redis");

const EACH: usize = 0;
const ONE: usize = 1;

static ABOUT: About = About {
    name: "client-per-request",
    practice: "A client or pool made for each request opens and closes a socket each time: time goes into connecting, \
               and ports and the server's accept queue with it.",
    lesson: "make one client when the program starts, and share it.",
    ways: &[
        Way::wrong("a client each", "every request connects, asks and disconnects", "churn"),
        Way::right("one client", "every request borrows from one pool"),
    ],
    claims: &[Claim::times(OPENED, EACH, ONE, 5.0), Claim::times(IN_REDIS, EACH, ONE, 1.5)],
    connections: WORKERS * 2,
    middlebox: false,
};

pub(super) struct ClientPerRequest;

impl Experiment for ClientPerRequest {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = WORKERS;
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("request", "value").await?;
            let before = stage.totals().opened;
            let closes = stage.way() == EACH;
            let (times, took) = load::for_a_while(WORKERS, LASTS, {
                let pool = stage.pool().clone();
                move |_| {
                    let (pool, key) = (pool.clone(), key.clone());
                    async move {
                        let begun = Instant::now();
                        let mut lease = pool.checkout().await.ok()?;
                        let answered = read(&mut lease, &key).await;
                        if closes {
                            lease.discard(CloseReason::Asked);
                        } else {
                            drop(lease);
                        }
                        let in_redis = begun.elapsed();
                        compute(WORK).await;
                        answered.then_some(in_redis)
                    }
                }
            })
            .await;
            let served: Vec<Duration> = times.into_iter().flatten().collect();
            Ok(Sample::new()
                .with(REQUESTS, served.len() as f64)
                .counted(OPENED, stage.totals().opened - before)
                .with(RATE, load::rate(served.len(), took))
                .timed(IN_REDIS, load::middle(served)))
        })
    }
}
