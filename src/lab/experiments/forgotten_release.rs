//! Connections that are not given back when something fails.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::read;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 5;
const WORKERS: u32 = 5;
const REQUESTS: u32 = 80;

/// Every so many requests fail between taking the connection and giving it back.
const FAILS: u32 = 10;

const SERVED: Measure = Measure::count("requests served of 80");
const TIMED_OUT: Measure = Measure::count("timed out in the queue");
const LOST: Measure = Measure::count("in use when all is over");

const FORGETS: usize = 0;
const GUARDED: usize = 1;

static ABOUT: About = About {
    name: "forgotten-release",
    practice: "A connection that is taken and not returned when an exception flies is gone for good: after as many \
               failures as the pool has connections, nobody gets one.",
    lesson: "take connections through a guard that returns them on every path: RAII, `with`, `finally`.",
    ways: &[
        Way::wrong(
            "forgets on errors",
            "one request in ten fails before its release, which is then skipped",
            "leak",
        ),
        Way::right("guarded", "the same failures; a guard returns the connection whatever happens"),
    ],
    claims: &[
        Claim::at_least(LOST, FORGETS, MAX as f64),
        Claim::at_most(LOST, GUARDED, 0.0),
        Claim::times(TIMED_OUT, FORGETS, GUARDED, 5.0),
    ],
    connections: MAX * 2,
    middlebox: false,
};

pub(super) struct ForgottenRelease;

impl Experiment for ForgottenRelease {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
        pool.blocking_timeout = Duration::from_millis(40);
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("forgotten", "value").await?;
            // What nobody looks at any more.
            let forgotten = Arc::new(Mutex::new(Vec::new()));
            let (before, counted) = (stage.times("leak"), stage.totals());
            let (served, _) = load::workers(WORKERS, REQUESTS, {
                let (pool, key, forgotten) = (stage.pool().clone(), key, forgotten.clone());
                let forgets = stage.way() == FORGETS;
                move |number| {
                    let (key, forgotten) = (key.clone(), forgotten.clone());
                    let checkout = pool.checkout_as(format!("request {number}").into());
                    async move {
                        let Ok(mut lease) = checkout.await else { return false };
                        let answered = read(&mut lease, &key).await;
                        let failed = number % FAILS == FAILS - 1;
                        if failed && forgets {
                            forgotten.lock().push(lease);
                        }
                        answered && !failed
                    }
                }
            })
            .await;
            let (gauges, totals) = stage.pool().status();
            if stage.way() == FORGETS {
                stage.until_raised("leak", before + u64::from(MAX)).await;
            }
            Ok(Sample::new()
                .with(SERVED, served.iter().filter(|served| **served).count() as f64)
                .counted(TIMED_OUT, totals.timeouts - counted.timeouts)
                .with(LOST, gauges.in_use))
        })
    }
}
