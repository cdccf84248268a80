//! `LAB …`: experiments from the prompt, on pools of their own beside the session's, told to the same hub.

use std::io;

use bytes::Bytes;

use super::output::{Outcome, Output, Sink};
use crate::hub::Hub;
use crate::lab::{self, Experiment, Ground, REPETITIONS, Run};
use crate::model::Levels;
use crate::net::ConnectOptions;
use crate::pool::RedisPool;

/// What a job of these experiments is called by, until the first begins.
pub(super) fn words(names: &[&'static str]) -> Vec<Bytes> {
    let called = if names.len() >= lab::all().len() { &["ALL"][..] } else { names };
    std::iter::once(&"LAB").chain(called).map(|word| Bytes::from_static(word.as_bytes())).collect()
}

/// Experiments to run one after the other, and what on.
#[derive(Clone)]
pub(super) struct Bench {
    experiments: Vec<&'static dyn Experiment>,
    connect: ConnectOptions,
    hub: Hub,
}

impl Bench {
    /// On the server of this pool.
    pub(super) fn new(names: &[&'static str], pool: &RedisPool, hub: &Hub) -> Self {
        let connect = pool.connector().options().clone();
        let experiments = names.iter().filter_map(|name| lab::find(name).ok()).collect();
        Self { experiments, connect, hub: hub.clone() }
    }

    /// Runs them, and says of each what it came to. `step` hears how far it is. Dropped, the one that runs is stopped.
    pub(super) async fn run(
        &self,
        mut step: impl FnMut(String) + Send,
        sink: &mut dyn Sink,
    ) -> io::Result<Outcome> {
        let mut outcome = Outcome::Done;
        for &experiment in &self.experiments {
            let name = experiment.about().name;
            let (connect, hub) = (self.connect.clone(), Some(self.hub.clone()));
            // The hub's own levels are what holds.
            let levels = Levels::default();
            let ground =
                Ground { connect, demo: false, hub, repetitions: REPETITIONS, levels, witness: None };
            let mut run = Run::start(experiment, ground);
            while let Some(now) = run.step().await {
                step(format!("{name} {}/{} {}", now.repetition, now.of, now.way));
            }
            let record = run.end().await;
            if record.is_err() {
                outcome = Outcome::Failed;
            }
            sink.push(Output::text(lab::text(experiment.about(), &record))).await?;
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_called_all() {
        let all: Vec<_> = lab::all().iter().map(|experiment| experiment.about().name).collect();
        assert_eq!(words(&all), ["LAB", "ALL"]);
        assert_eq!(words(&["sizing", "pipeline"]), ["LAB", "sizing", "pipeline"]);
    }
}
