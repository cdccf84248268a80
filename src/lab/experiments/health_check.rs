//! Connections that a firewall forgot, with and without health checks.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, get};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 5;

/// Fewer than there are connections, so that some dead ones are left to be found.
const CALLERS: u32 = 3;

const TIMEOUT: Duration = Duration::from_millis(60);
const INTERVAL: Duration = Duration::from_millis(50);

/// How long nothing happens: several sweeps.
const IDLE: Duration = Duration::from_millis(350);

const FAILED: Measure = Measure::count("GETs failed of 3");
const SLOWEST: Measure = Measure::time("slowest GET");
const FOUND: Measure = Measure::count("dead that no GET ran into");

const TRUSTS: usize = 0;
const CHECKS: usize = 1;

static ABOUT: About = About {
    name: "health-check",
    practice: "A connection that a firewall or a lost server forgot looks open: the next command on it waits for the \
               whole timeout and fails.",
    lesson: "PING what was idle for longer than an interval, before it is lent and in the background, and replace the dead.",
    ways: &[
        Way::wrong(
            "trusts them",
            "a middlebox forgets 5 idle connections, then come 3 callers; one check after that, too late",
            "stale",
        ),
        Way::right("checks them", "the same with health-check-interval 50 ms").noticed("stale"),
    ],
    claims: &[
        Claim::times(FAILED, TRUSTS, CHECKS, CALLERS as f64),
        Claim::at_most(FAILED, CHECKS, 0.0),
        Claim::times(SLOWEST, TRUSTS, CHECKS, 2.0),
    ],
    connections: MAX * 2,
    middlebox: true,
};

pub(super) struct HealthCheck;

impl Experiment for HealthCheck {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, connect: &mut ConnectOptions) {
        pool.max = MAX;
        pool.retries = 0;
        pool.health_check_interval = (way == CHECKS).then_some(INTERVAL);
        connect.socket_timeout = Some(TIMEOUT);
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("health", "value").await?;
            let before = stage.totals().health_failures;
            stage.pool().warmup(MAX).await;
            stage.middlebox()?.forget();
            compute(IDLE).await;
            let (times, _) = load::at_once(CALLERS, |_| {
                let (pool, key) = (stage.pool().clone(), key.clone());
                async move {
                    let begun = Instant::now();
                    (get(&pool, &key).await.is_ok(), begun.elapsed())
                }
            })
            .await;
            // What nobody ran into is still on the shelf: a check now says how many.
            stage.pool().health_check().await;
            let failed = times.iter().filter(|(answered, _)| !answered).count() as f64;
            Ok(Sample::new()
                .with(FAILED, failed)
                .timed(SLOWEST, load::longest(times.into_iter().map(|(_, took)| took)))
                .counted(FOUND, stage.totals().health_failures - before))
        })
    }
}
