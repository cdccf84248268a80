//! A server that says nothing more, with no timeout, with one, and with a retry after it.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::get;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 4;
const CALLERS: u32 = 8;
const TIMEOUT: Duration = Duration::from_millis(80);

/// After so long the experiment ends what still waits, as a user who gives up.
const PATIENCE: Duration = Duration::from_millis(500);

const ANSWERED: Measure = Measure::count("GETs answered of 8");
const FAILED: Measure = Measure::count("GETs failed");
const HUNG: Measure = Measure::count("still waiting at 500 ms");
const SLOWEST: Measure = Measure::time("slowest answer");

const NONE: usize = 0;
const FAILS: usize = 1;
const RETRIES: usize = 2;

static ABOUT: About = About {
    name: "timeouts",
    practice: "Without a timeout a command on a connection that went silent waits for ever, keeps its connection, and \
               everybody queues behind it.",
    lesson: "set a timeout for connecting and one for commands, and retry after it what is safe to retry.",
    ways: &[
        Way::wrong("no timeout", "a middlebox forgets all 4 connections, then come 8 callers", "exhausted"),
        Way::right("a timeout", "the same with socket-timeout 80 ms"),
        Way::right("timeout and retry", "the same with retry-on-timeout"),
    ],
    claims: &[
        Claim::times(HUNG, NONE, FAILS, CALLERS as f64),
        Claim::times(FAILED, FAILS, RETRIES, MAX as f64),
        Claim::times(ANSWERED, RETRIES, NONE, CALLERS as f64),
    ],
    connections: MAX * 3,
    middlebox: true,
};

pub(super) struct Timeouts;

impl Experiment for Timeouts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, connect: &mut ConnectOptions) {
        pool.max = MAX;
        pool.health_check_interval = None;
        // Twice as many as there are dead connections: one may run into several.
        pool.retries = if way == RETRIES { 2 * MAX } else { 0 };
        pool.retry_on_timeout = way == RETRIES;
        pool.retry_delay = Duration::from_millis(5);
        connect.socket_timeout = (way != NONE).then_some(TIMEOUT);
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("timeouts", "value").await?;
            stage.pool().warmup(MAX).await;
            stage.middlebox()?.forget();
            let (gets, _) = load::at_once(CALLERS, |_| {
                let (pool, key) = (stage.pool().clone(), key.clone());
                async move {
                    let begun = Instant::now();
                    match tokio::time::timeout(PATIENCE, get(&pool, &key)).await {
                        Ok(Ok(_)) => (ANSWERED, begun.elapsed()),
                        Ok(Err(_)) => (FAILED, begun.elapsed()),
                        Err(_) => (HUNG, begun.elapsed()),
                    }
                }
            })
            .await;
            let count = |end| gets.iter().filter(|(ended, _)| *ended == end).count() as f64;
            let answered: Vec<_> =
                gets.iter().filter(|(end, _)| *end == ANSWERED).map(|(_, took)| *took).collect();
            let sample = Sample::new()
                .with(ANSWERED, count(ANSWERED))
                .with(FAILED, count(FAILED))
                .with(HUNG, count(HUNG));
            // Where none was answered there is no slowest.
            Ok(if answered.is_empty() { sample } else { sample.timed(SLOWEST, load::longest(answered)) })
        })
    }
}
