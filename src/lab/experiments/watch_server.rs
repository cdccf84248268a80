//! A server that fills up, noticed in time and too late.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::place::Clients;
use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way};
use super::compute;
use crate::demo;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;
use crate::source::info::watch_info;

/// What the embedded server takes.
const DEMO: u32 = 400;

/// No more connections than this are opened to come near a server's limit.
const MOST: u64 = 1_500;

/// How often INFO CLIENTS is asked.
const EVERY: Duration = Duration::from_millis(100);

/// From three quarters of the limit on, one connection so often, up to nine tenths.
const STEP: Duration = Duration::from_millis(8);

/// How long the server and the model may take to see that an earlier repetition is over.
const PATIENCE: Duration = Duration::from_secs(5);

const CLIENTS: Measure = Measure::count("clients at the end");
const SHARE: Measure = Measure::percent("of maxclients");
const COST: Measure = Measure::time("an INFO CLIENTS");

const LATE: usize = 0;
const WATCHED: usize = 1;

static ABOUT: About = About {
    name: "watch-server",
    practice: "How near a server is to maxclients is told by the server alone: a program that sees only its own pool goes \
               on until others are refused.",
    lesson: "ask INFO CLIENTS at an interval, which costs little, and alert on growth and at 80% of maxclients.",
    ways: &[
        Way::wrong("looks too late", "connections are opened until 90% of maxclients", "maxclients"),
        Way::right("INFO every 100 ms", "the same, and it stops when the lint is raised")
            .noticed("maxclients"),
    ],
    claims: &[
        Claim::at_least(SHARE, LATE, 88.0),
        Claim::at_most(SHARE, WATCHED, 87.0),
        Claim::times(CLIENTS, LATE, WATCHED, 1.02),
    ],
    connections: DEMO,
    middlebox: false,
};

pub(super) struct WatchServer;

/// How many clients the server shall come to have.
fn goal(clients: &Clients) -> u64 {
    clients.max.unwrap_or(MOST).min(MOST + clients.now) * 9 / 10
}

impl Experiment for WatchServer {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn demo(&self) -> demo::Options {
        demo::Options { max_clients: Some(DEMO), ..demo::Options::default() }
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = DEMO - 1;
        // It keeps what it opens, and gives all of it back.
        pool.leak_threshold = Some(Duration::from_secs(30));
    }

    fn needs(&self, clients: &Clients) -> Result<u32, String> {
        let Some(max) = clients.max else {
            return Err("the server does not tell its maxclients".to_owned());
        };
        if max > MOST + clients.now {
            return Err(format!(
                "the server takes {max} clients, and this opens {MOST} at most to come near a limit: try --demo"
            ));
        }
        Ok(u32::try_from(goal(clients).saturating_sub(clients.now)).unwrap_or(u32::MAX))
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let place = stage.place();
            let _watch = watch_info(place.connect.clone(), EVERY, place.hub.tap(), place.hub.clock());
            calm(stage).await;
            let clients = place.clients().await?;
            let max = clients.max.unwrap_or(MOST);
            stage.pool().resize(u32::try_from(max.saturating_sub(1)).unwrap_or(u32::MAX));
            let sooner = (max * 3 / 4).saturating_sub(clients.now);
            stage.pool().warmup(u32::try_from(sooner).unwrap_or(u32::MAX)).await;
            let raised = stage.times("maxclients");
            // A connection each, kept: a shelf that grows would lend what is there.
            let mut lent = Vec::new();
            for _ in 0..stage.pool().status().0.available {
                lent.push(stage.pool().checkout().await?);
            }
            let end = u64::from(stage.pool().status().0.in_use) + goal(&clients).saturating_sub(max * 3 / 4);
            while (lent.len() as u64) < end && !(stage.way() == WATCHED && stage.times("maxclients") > raised)
            {
                lent.push(stage.pool().checkout().await?);
                compute(STEP).await;
            }
            let asked = Instant::now();
            let now = place.clients().await?.now;
            let cost = asked.elapsed();
            if stage.way() == LATE && goal(&clients) * 100 >= max * 85 {
                stage.until_raised("maxclients", raised + 1).await;
            }
            Ok(Sample::new()
                .counted(CLIENTS, now)
                .with(SHARE, now as f64 * 100.0 / max as f64)
                .timed(COST, cost))
        })
    }
}

/// Waits until the connections of an earlier repetition are gone, and the lint with them.
async fn calm(stage: &Stage) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let snapshot = stage.look().await;
        let gone = async { Ok::<_, Trouble>(stage.place().mine().await? == 0) };
        if snapshot.lints.iter().all(|row| row.id != "maxclients") && gone.await.unwrap_or(true) {
            return;
        }
        compute(Duration::from_millis(10)).await;
    }
}
