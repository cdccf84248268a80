//! Runs an experiment: its ways take turns, the model is watched meanwhile, and whatever ends it, what it opened is closed
//! and what it wrote is deleted.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::middlebox::Middlebox;
use super::place::Place;
use super::stage::{Stage, pool_name};
use super::watcher::{Raised, Watcher, Witness};
use super::{Experiment, Figures, Trouble, Verdict};
use crate::demo;
use crate::event::Clock;
use crate::hub::Hub;
use crate::model::{Levels, ModelOptions};
use crate::net::{ConnectOptions, Endpoint};
use crate::pool::PoolConfig;

/// How soon a lease is a leak here: no experiment should last for minutes.
pub(crate) const LEAK: Duration = Duration::from_millis(200);

/// How often an experiment's own hub looks.
const TICK: Duration = Duration::from_millis(50);

/// Steps that may wait for a reader; one that does not read misses some.
const STEPS: usize = 16;

/// What experiments run on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The server.
    pub connect: ConnectOptions,
    /// Instead of it, an embedded one for each experiment, started as that wants it.
    pub demo: bool,
    /// Who hears of the pools; without one, a hub of the experiment's own.
    pub hub: Option<Hub>,
    /// How often each way runs.
    pub repetitions: u32,
    /// What is made of lints, on a hub of the experiment's own.
    pub levels: Levels,
    /// Who sees what is raised meanwhile.
    pub witness: Option<Witness>,
}

/// How far an experiment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The repetition, from 1.
    pub repetition: u32,
    /// Of so many.
    pub of: u32,
    /// The way that runs.
    pub way: &'static str,
}

/// An experiment that was run to its end.
#[derive(Debug)]
pub struct Record {
    /// Which.
    pub experiment: &'static dyn Experiment,
    /// On which server.
    pub target: String,
    /// What was measured.
    pub figures: Figures,
    /// What is different on this server.
    pub note: Option<String>,
    /// Lints that the model raised, by way.
    pub raised: Vec<BTreeMap<&'static str, Raised>>,
    /// What was made of lints.
    pub levels: Levels,
    /// What the figures show.
    pub verdict: Verdict,
    /// How often each way ran.
    pub repetitions: u32,
    /// How long that took.
    pub took: Duration,
}

/// An experiment that runs. Dropped, it is stopped, and cleans up after itself; see [`settled`].
#[derive(Debug)]
pub struct Run {
    stop: watch::Sender<bool>,
    steps: mpsc::Receiver<Step>,
    task: JoinHandle<Result<Record, Trouble>>,
}

/// How many experiments have something open.
static OPEN: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// Counts an experiment as open while it lives.
struct Open;

impl Open {
    fn new() -> Self {
        OPEN.send_modify(|open| *open += 1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.send_modify(|open| *open -= 1);
    }
}

/// Waits until no experiment has anything open any more: for whoever is about to end the program, after dropping the
/// runs. Gives up after `limit`.
pub async fn settled(limit: Duration) {
    let mut open = OPEN.subscribe();
    // The sender is a static: there is no other error than running out of time.
    let _ = tokio::time::timeout(limit, open.wait_for(|open| *open == 0)).await;
}

impl Run {
    /// Starts an experiment on the current runtime.
    pub fn start(experiment: &'static dyn Experiment, ground: Ground) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (told, steps) = mpsc::channel(STEPS);
        let open = Open::new();
        let task = tokio::spawn(async move {
            let done = perform(experiment, ground, stopped, told).await;
            drop(open);
            done
        });
        Self { stop, steps, task }
    }

    /// The next step, as it begins; `None` once there is none.
    pub async fn step(&mut self) -> Option<Step> {
        self.steps.recv().await
    }

    /// Asks it to stop: it then ends as [`Trouble::Stopped`].
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// What it came to, once all is cleaned up.
    pub async fn end(&mut self) -> Result<Record, Trouble> {
        self.steps.close();
        (&mut self.task)
            .await
            .unwrap_or_else(|error| Err(Trouble::Failed(format!("the experiment broke: {error}"))))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn perform(
    experiment: &'static dyn Experiment,
    ground: Ground,
    mut stopped: watch::Receiver<bool>,
    told: mpsc::Sender<Step>,
) -> Result<Record, Trouble> {
    let begun = Instant::now();
    let mut connect = ground.connect;
    let server = if ground.demo { Some(embedded(experiment, &mut connect).await?) } else { None };
    let target = connect.target();
    let options = ModelOptions { levels: ground.levels, ..ModelOptions::default() };
    let hub = ground.hub.unwrap_or_else(|| Hub::start(Clock::start(), options, TICK));
    let place = tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => return Err(Trouble::Stopped),
        place = Place::open(connect, hub.clone()) => Arc::new(place?),
    };
    let watcher = Arc::new(Watcher::start(hub, experiment.about().ways.len(), ground.witness));
    let mut stages = Vec::new();
    let measured = tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => Err(Trouble::Stopped),
        // What broke in an experiment must not keep its connections open.
        measured = std::panic::AssertUnwindSafe(measure(
            (experiment, ground.repetitions.max(1)), (&place, &watcher), ground.demo, &mut stages, &told,
        )).catch_unwind() => {
            measured.unwrap_or_else(|_| Err(Trouble::Failed("the experiment broke".to_owned())))
        }
    };
    place.hub.bring_forward(None);
    for stage in &stages {
        stage.close().await;
    }
    watcher.look().await;
    let cleaned = place.clean().await;
    drop(server);
    let (figures, note) = match (measured, cleaned) {
        (Ok(measured), Ok(())) => measured,
        (Ok(_), Err(left)) => return Err(left),
        (Err(trouble), Ok(())) => return Err(trouble),
        (Err(trouble), Err(left)) => return Err(Trouble::Failed(format!("{trouble}; {left}"))),
    };
    Ok(Record {
        experiment,
        target,
        verdict: experiment.judge(&figures),
        raised: watcher.raised(),
        levels: place.hub.options().levels,
        figures,
        note,
        repetitions: ground.repetitions,
        took: begun.elapsed(),
    })
}

/// An embedded server as the experiment wants it.
async fn embedded(
    experiment: &dyn Experiment,
    connect: &mut ConnectOptions,
) -> Result<demo::Server, Trouble> {
    let failed = |error| Trouble::Failed(format!("the embedded server: {error}"));
    let server = demo::Server::start_with(experiment.demo()).await.map_err(failed)?;
    let address = server.addr();
    connect.endpoint = Endpoint::Tcp { host: address.ip().to_string(), port: address.port() };
    Ok(server)
}

/// Sets the stages, and lets the ways take turns.
async fn measure(
    (experiment, repetitions): (&dyn Experiment, u32),
    (place, watcher): (&Arc<Place>, &Arc<Watcher>),
    demo: bool,
    stages: &mut Vec<Stage>,
    told: &mpsc::Sender<Step>,
) -> Result<(Figures, Option<String>), Trouble> {
    let about = experiment.about();
    let clients = place.clients().await?;
    let needed = u64::from(experiment.needs(&clients).map_err(Trouble::NoRoom)?);
    // A server in this process has a descriptor of its own for each, and a middlebox two.
    let each = 1 + u64::from(demo) + 2 * u64::from(about.middlebox);
    place.has_room(needed, needed * each).await?;
    place.may_write().await?;
    for (number, way) in about.ways.iter().enumerate() {
        let (mut connect, middlebox) = if about.middlebox {
            let failed = |error| Trouble::Failed(format!("the middlebox: {error}"));
            let (middlebox, through) = Middlebox::start(&place.connect).await.map_err(failed)?;
            (through, Some(middlebox))
        } else {
            (place.connect.clone(), None)
        };
        let mut config = PoolConfig {
            name: pool_name(about.name, way),
            leak_threshold: Some(LEAK),
            ..PoolConfig::default()
        };
        experiment.set_up(number, &mut config, &mut connect);
        stages.push(Stage::new(number, (place.clone(), watcher.clone()), (connect, config), middlebox));
    }
    let mut figures = Figures::new(about.ways.len());
    for repetition in 1..=repetitions {
        for stage in &*stages {
            let way = about.ways[stage.way()].name;
            // Who does not read the steps misses them.
            let _ = told.try_send(Step { repetition, of: repetitions, way });
            watcher.turn_to(stage.way());
            place.hub.bring_forward(Some(stage.pool().id()));
            let sample = experiment.once(stage).await?;
            // Before the connections go, so that the model sees what they were in.
            watcher.look().await;
            stage.reset();
            figures.add(stage.way(), sample);
        }
    }
    Ok((figures, experiment.note(&clients)))
}
