//! Looking at a pool at an interval, against looking when it is over.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::super::place::Clients;
use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::{compute, read};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 10;

/// Nine of ten at a time, three times, with a calm between.
const CALLERS: u32 = 9;
const BURSTS: u32 = 3;
const USE: Duration = Duration::from_millis(70);
const CALM: Duration = Duration::from_millis(70);

/// Over this share of the limit a look is a warning.
const ALERT: u32 = 80;

const LOOKS: Measure = Measure::count("looks");
const HIGHEST: Measure = Measure::count("most in use that was seen");
const WARNINGS: Measure = Measure::count("looks that saw over 80%");

const LATE: usize = 0;
const INTERVAL: usize = 1;

static ABOUT: About = About {
    name: "monitoring",
    practice: "A pool that is nearly full for moments looks idle to whoever looks now and then: created, available, in \
               use and max belong on an interval, with a warning.",
    lesson: "let a callback see the pool's numbers at an interval shorter than a peak, and warn above 80%.",
    ways: &[
        Way::wrong(
            "looks afterwards",
            "three peaks of 9 of 10 connections, and one look at the end",
            "pool-usage",
        ),
        Way::right("at an interval", "the same peaks; a callback gets every snapshot").noticed("pool-usage"),
    ],
    claims: &[Claim::times(HIGHEST, INTERVAL, LATE, 5.0), Claim::times(WARNINGS, INTERVAL, LATE, 1.0)],
    connections: MAX * 2,
    middlebox: false,
};

const NOTE: &str = "pool-usage is raised in both ways because this program watches every pool at an interval: who looked \
                    afterwards alone saw nothing of it";

pub(super) struct Monitoring;

impl Experiment for Monitoring {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
    }

    fn note(&self, _clients: &Clients) -> Option<String> {
        Some(NOTE.to_owned())
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("monitoring", "value").await?;
            let mut seen = Seen::default();
            let peaks = async {
                for _ in 0..BURSTS {
                    load::at_once(CALLERS, |_| {
                        let (pool, key) = (stage.pool().clone(), key.clone());
                        async move {
                            let Ok(mut lease) = pool.checkout().await else { return };
                            read(&mut lease, &key).await;
                            compute(USE).await;
                        }
                    })
                    .await;
                    compute(CALM).await;
                }
            };
            if stage.way() == INTERVAL {
                let mut snapshots = stage.place().hub.subscribe();
                let watching = async {
                    while snapshots.changed().await.is_ok() {
                        let snapshot = snapshots.borrow_and_update().clone();
                        let row = snapshot.pools.iter().find(|row| row.id == stage.pool().id());
                        seen.look(row.and_then(|row| row.in_use).unwrap_or_default());
                    }
                };
                tokio::select! {
                    () = peaks => {}
                    () = watching => {}
                }
            } else {
                peaks.await;
                seen.look(stage.pool().status().0.in_use);
            }
            Ok(Sample::new()
                .with(LOOKS, seen.looks)
                .with(HIGHEST, seen.highest)
                .with(WARNINGS, seen.warnings))
        })
    }
}

/// What a monitor has seen.
#[derive(Default)]
struct Seen {
    looks: u32,
    highest: u32,
    warnings: u32,
}

impl Seen {
    fn look(&mut self, in_use: u32) {
        self.looks += 1;
        self.highest = self.highest.max(in_use);
        self.warnings += u32::from(in_use * 100 > MAX * ALERT);
    }
}
