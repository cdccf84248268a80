//! A server that says nothing more: to who connects, to who waits for a reply, and so to who queues behind them; with no
//! timeouts, with one for each of these waits, and with retries after it.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way, load};
use super::{compute, get};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

const MAX: u32 = 4;
const CALLERS: u32 = 8;

/// Three limits that lie apart, so that it shows which of them ended a wait.
const CONNECT: Duration = Duration::from_millis(50);
const REPLY: Duration = Duration::from_millis(80);
const QUEUE: Duration = Duration::from_millis(120);

/// A server that hung answers new connections again after so long.
const HANGS: Duration = Duration::from_millis(75);

/// After so long the experiment ends what still waits, as a user who gives up.
const PATIENCE: Duration = Duration::from_millis(400);

/// How long the pool may take to have its connections again after a phase.
const RECOVERY: Duration = Duration::from_secs(5);

/// There is always a limit on connecting. This one is none that anybody lives to see.
const DAY: Duration = Duration::from_secs(86_400);

const CONNECT_HUNG: Measure = Measure::count("hang connecting, of 4");
const CONNECT_ERROR: Measure = Measure::time("error of a connect after");
const REPLY_HUNG: Measure = Measure::count("hang without reply, of 8");
const REPLY_ERROR: Measure = Measure::time("error of a command after");
const QUEUE_HUNG: Measure = Measure::count("hang in the queue, of 8");
const QUEUE_ERROR: Measure = Measure::time("error of the queue after");
const ANSWERED: Measure = Measure::count("GETs answered of 12");

const NONE: usize = 0;
const FAILS: usize = 1;
const RETRIES: usize = 2;

static ABOUT: About = About {
    name: "timeouts",
    practice: "Without timeouts a server that goes silent is waited for without end, by who connects and by who wants a \
               reply, and everybody else queues behind them, also when the server is well again.",
    lesson: "set a timeout for each wait, that for a connection, that for a reply and that in the queue, and retry what \
             is safe to retry.",
    ways: &[
        Way::wrong(
            "no timeouts",
            "a server silent to 4 that connect, then to 4 connections that 8 callers want; then all 4 are held, and 8 \
             callers queue. Who waits after 400 ms hangs",
            "no-timeout",
        ),
        Way::right("timeouts", "the same with 50 ms to connect, 80 ms for a reply and 120 ms in the queue"),
        Way::right("timeouts, retries", "the same with retry-on-timeout, for what is safe to send again"),
    ],
    claims: &[
        Claim::times(CONNECT_HUNG, NONE, FAILS, MAX as f64),
        Claim::times(REPLY_HUNG, NONE, FAILS, CALLERS as f64),
        Claim::times(QUEUE_HUNG, NONE, FAILS, CALLERS as f64),
        Claim::times(ANSWERED, RETRIES, FAILS, 2.0),
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
        // What is held for the queue's sake is given back.
        pool.leak_threshold = Some(Duration::from_secs(30));
        let limited = way != NONE;
        pool.blocking_timeout = if limited { QUEUE } else { Duration::MAX };
        connect.socket_timeout = limited.then_some(REPLY);
        connect.connect_timeout = if limited { CONNECT } else { DAY };
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("timeouts", "value").await?;
            let connects = connecting(stage, &key).await?;
            let replies = without_reply(stage, &key).await?;
            let queue = queueing(stage, &key).await?;
            let answered = connects.answered + replies.answered;
            let sample = connects.add(Sample::new(), CONNECT_HUNG, CONNECT_ERROR);
            let sample = replies.add(sample, REPLY_HUNG, REPLY_ERROR);
            Ok(queue.add(sample, QUEUE_HUNG, QUEUE_ERROR).with(ANSWERED, answered))
        })
    }
}

/// How some GETs ended.
#[derive(Default)]
struct Ends {
    answered: u32,
    hung: u32,
    /// How long each that failed took to.
    failed: Vec<Duration>,
}

impl Ends {
    /// What they say. Where none failed there is no time after which one did.
    fn add(self, sample: Sample, hung: Measure, error: Measure) -> Sample {
        let sample = sample.with(hung, self.hung);
        if self.failed.is_empty() { sample } else { sample.timed(error, load::middle(self.failed)) }
    }
}

/// Nobody who connects gets a word, for a while.
async fn connecting(stage: &Stage, key: &str) -> Result<Ends, Trouble> {
    stage.pool().reset();
    let middlebox = stage.middlebox()?;
    middlebox.mute(true);
    let well = async {
        compute(HANGS).await;
        middlebox.mute(false);
    };
    let (ends, ()) = tokio::join!(gets(stage, key, MAX), well);
    // Whoever connects still hears of it.
    middlebox.cut();
    Ok(ends)
}

/// Every connection there is goes silent. New ones work.
async fn without_reply(stage: &Stage, key: &str) -> Result<Ends, Trouble> {
    ready(stage).await?;
    stage.middlebox()?.forget();
    Ok(gets(stage, key, CALLERS).await)
}

/// Every connection is held, for longer than anybody should wait.
async fn queueing(stage: &Stage, key: &str) -> Result<Ends, Trouble> {
    stage.pool().reset();
    ready(stage).await?;
    let mut held = Vec::new();
    for _ in 0..MAX {
        held.push(stage.pool().checkout_as("holds on".into()).await?);
    }
    let ends = gets(stage, key, CALLERS).await;
    drop(held);
    Ok(ends)
}

/// Waits until the pool has all its connections: it leaves a server alone for a moment after a failure.
async fn ready(stage: &Stage) -> Result<(), Trouble> {
    let begun = Instant::now();
    while stage.pool().status().0.available < MAX {
        if begun.elapsed() > RECOVERY {
            return Err(Trouble::Failed("the pool did not get its connections again".to_owned()));
        }
        stage.pool().warmup(MAX).await;
        compute(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn gets(stage: &Stage, key: &str, callers: u32) -> Ends {
    let (ended, _) = load::at_once(callers, |_| {
        let (pool, key) = (stage.pool().clone(), key.to_owned());
        async move {
            let begun = Instant::now();
            (tokio::time::timeout(PATIENCE, get(&pool, &key)).await, begun.elapsed())
        }
    })
    .await;
    let mut ends = Ends::default();
    for (end, took) in ended {
        match end {
            Ok(Ok(_)) => ends.answered += 1,
            Ok(Err(_)) => ends.failed.push(took),
            Err(_) => ends.hung += 1,
        }
    }
    ends
}
