//! `lab`: runs experiments one after the other, says how far they are, and prints what they came to.

use std::io::{IsTerminal, Write, stderr};

use super::{NOBODY_NAMED_IT, SIGNALS};
use crate::config::{LabSettings, Settings};
use crate::error::{Error, Exit};
use crate::lab::{self, About, Experiment, Ground, REPETITIONS, Record, Run, Step, Trouble};
use crate::terminal::{self, EndSignals};

pub(super) async fn run(settings: &Settings, asked: &LabSettings) -> Result<Exit, Error> {
    if asked.experiments.is_empty() {
        print(&if asked.json {
            lab::list_json(lab::all())
        } else {
            lab::list_text(lab::all(), "redis-pooltop lab --demo ")
        })?;
        return Ok(Exit::Fine);
    }
    let mut signals = EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?;
    let ground = Ground {
        connect: settings.connect.clone(),
        demo: settings.demo,
        hub: None,
        repetitions: REPETITIONS,
    };
    let mut outcomes: Vec<(&'static About, Result<Record, Trouble>)> = Vec::new();
    let mut exit = Exit::Fine;
    for (number, experiment) in asked.experiments.iter().enumerate() {
        let place = format!("{}/{}", number + 1, asked.experiments.len());
        let outcome = match one(*experiment, ground.clone(), &place, &mut signals).await {
            Ok(outcome) => outcome,
            Err(signal) => {
                exit = Exit::Signal(signal);
                break;
            }
        };
        match outcome {
            // No other experiment will find a server there either.
            Err(Trouble::Connect(error)) if outcomes.is_empty() => {
                let hint = settings.nobody_named_it.then_some(NOBODY_NAMED_IT);
                return Err(Error::Connect { error, hint });
            }
            Err(_) => exit = Exit::Failed,
            Ok(_) => {}
        }
        let about = experiment.about();
        if !asked.json {
            let gap = if number > 0 { "\n" } else { "" };
            print(&format!("{gap}{}", lab::text(about, &outcome)))?;
        }
        outcomes.push((about, outcome));
    }
    if asked.json && !matches!(exit, Exit::Signal(_)) {
        print(&lab::json(outcomes.iter().map(|(about, outcome)| (*about, outcome))))?;
    }
    Ok(exit)
}

/// One experiment to its end; or the signal that stopped it, once all it opened is closed. A second one does not wait for
/// that.
async fn one(
    experiment: &'static dyn Experiment,
    ground: Ground,
    place: &str,
    signals: &mut EndSignals,
) -> Result<Result<Record, Trouble>, u8> {
    let mut run = Run::start(experiment, ground);
    let mut progress = Progress { shown: false };
    loop {
        tokio::select! {
            biased;
            number = signals.next() => {
                run.stop();
                tokio::select! {
                    _ = run.end() => {}
                    _ = signals.next() => {}
                }
                return Err(number);
            }
            step = run.step() => match step {
                Some(step) => progress.show(place, experiment.about().name, step),
                None => break,
            }
        }
    }
    tokio::select! {
        biased;
        number = signals.next() => Err(number),
        outcome = run.end() => Ok(outcome),
    }
}

/// A line on the terminal that says how far it is, and goes when it is over.
struct Progress {
    shown: bool,
}

impl Progress {
    fn show(&mut self, place: &str, name: &str, step: Step) {
        if !stderr().is_terminal() {
            return;
        }
        self.shown = true;
        let Step { repetition, of, way } = step;
        // That nobody reads it is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[K{place} {name}: {repetition} of {of}, {way}  (Ctrl-C stops)");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn print(words: &str) -> Result<(), Error> {
    terminal::output()
        .and_then(|mut out| out.write_all(words.as_bytes()))
        .map_err(Error::io("standard output"))
}
