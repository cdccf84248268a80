//! `lab`: runs experiments one after the other, says how far they are, and prints what they came to.

use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

use super::judge::{Bench, Judge};
use super::{NOBODY_NAMED_IT, SIGNALS, warn};
use crate::cli::Format;
use crate::command::{LAB, Question};
use crate::config::{LabSettings, Settings};
use crate::error::{Error, Exit};
use crate::lab::{self, About, Experiment, Ground, REPETITIONS, Record, Run, Step, Trouble};
use crate::report::verdict::NotRun;
use crate::report::{Verdict, verdict};
use crate::terminal::{self, EndSignals};
use crate::text;

/// What the experiments came to, so far.
type Outcomes = Vec<(&'static About, Result<Record, Trouble>)>;

pub(super) async fn run(
    settings: &Settings,
    asked: &LabSettings,
    judge: Option<&mut Judge>,
) -> Result<Exit, Error> {
    if asked.experiments.is_empty() {
        print(&match asked.format {
            Format::Json => lab::list_json(lab::all()),
            _ => lab::list_text(lab::all(), "redis-pooltop lab --demo "),
        })?;
        return Ok(Exit::Fine);
    }
    let mut signals = EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?;
    let answered = tokio::select! {
        biased;
        number = signals.next() => return Ok(Exit::Signal(number)),
        answered = consent(settings) => answered?,
    };
    if let Some(declined) = answered {
        warn(&declined);
        return Ok(Exit::Failed);
    }
    let begun = Instant::now();
    let bench = judge.as_ref().map(|judge| judge.bench(target(settings)));
    let ground = Ground {
        connect: settings.connect.clone(),
        demo: settings.demo,
        hub: None,
        repetitions: REPETITIONS,
        levels: settings.model.levels.clone(),
        witness: bench.as_ref().map(Bench::witness),
    };
    // JUnit's XML has no place for tables; a file of its own leaves them theirs.
    let tables = match asked.format {
        Format::Json => false,
        Format::Junit => judge.as_ref().is_some_and(|judge| judge.has_file()),
        // No other is taken here.
        _ => true,
    };
    let mut outcomes = Outcomes::new();
    let mut exit = Exit::Fine;
    for (number, experiment) in asked.experiments.iter().enumerate() {
        let place = format!("{}/{}", number + 1, asked.experiments.len());
        let outcome = match one(*experiment, ground.clone(), &place, &mut signals).await {
            Ok(outcome) => outcome,
            Err(Cancelled { signal, left }) => {
                warn(&left);
                return Ok(Exit::Signal(signal));
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
        if tables {
            let gap = if number > 0 { "\n" } else { "" };
            print(&format!("{gap}{}", lab::text(about, &outcome)))?;
        }
        outcomes.push((about, outcome));
    }
    let mut verdict = bench.map(|bench| bench.verdict(begun.elapsed()));
    if let Some(verdict) = &mut verdict {
        verdict.not_run = not_run(&outcomes);
    }
    finish(&outcomes, asked.format, (judge, verdict), exit)
}

/// Those that have no outcome, for the verdict to name: what is missing from it would look like a pass.
fn not_run(outcomes: &Outcomes) -> Vec<NotRun> {
    let troubles = outcomes.iter().filter_map(|(about, outcome)| Some((about, outcome.as_ref().err()?)));
    let not_run = troubles.map(|(about, trouble)| NotRun {
        name: about.name,
        why: trouble.to_string(),
        skipped: matches!(trouble, Trouble::NoRoom(_)),
    });
    not_run.collect()
}

/// Asks first where the profile wants its name typed; why nothing runs, if so.
async fn consent(settings: &Settings) -> Result<Option<String>, Error> {
    let profile = settings.profile.as_ref().filter(|profile| profile.typed);
    let Some(profile) = profile.filter(|_| !settings.unasked) else { return Ok(None) };
    let question = Question { what: LAB.to_owned(), word: Some(profile.name.clone()) };
    question.put().await.map_err(Error::io("standard input"))
}

/// Prints what is said once all are over, and judges it.
fn finish(
    outcomes: &Outcomes,
    format: Format,
    judged: (Option<&mut Judge>, Option<Verdict>),
    exit: Exit,
) -> Result<Exit, Error> {
    let (judge, verdict) = match judged {
        (Some(judge), Some(verdict)) => (Some(judge), Some(verdict)),
        _ => (None, None),
    };
    // With a file of its own the verdict is there and nowhere else.
    let shown = verdict.as_ref().filter(|_| judge.as_ref().is_some_and(|judge| !judge.has_file()));
    match (format, shown) {
        (Format::Json, shown) => {
            let document = lab::json(outcomes.iter().map(|(about, outcome)| (*about, outcome)));
            print(&shown.map_or_else(
                || format!("{document:#}\n"),
                |verdict| verdict::beside(document.clone(), verdict),
            ))?;
        }
        (Format::Junit, Some(verdict)) => print(&verdict::junit(verdict))?,
        (_, Some(verdict)) => print(&format!("\n{}", verdict::words(verdict)))?,
        (_, None) => {}
    }
    match (judge, verdict) {
        (Some(judge), Some(verdict)) => judge.end(&verdict, exit),
        _ => Ok(exit),
    }
}

/// Where the connections go, safe to show.
fn target(settings: &Settings) -> String {
    if settings.demo { "the embedded server".to_owned() } else { settings.connect.target() }
}

/// A signal ended an experiment.
struct Cancelled {
    signal: u8,
    /// How it was left, one line.
    left: String,
}

/// One experiment to its end; or the signal that stopped it, once all it opened is closed.
async fn one(
    experiment: &'static dyn Experiment,
    ground: Ground,
    place: &str,
    signals: &mut EndSignals,
) -> Result<Result<Record, Trouble>, Cancelled> {
    let mut run = Run::start(experiment, ground);
    let mut progress = Progress { shown: false };
    let signal = loop {
        tokio::select! {
            biased;
            signal = signals.next() => break signal,
            step = run.step() => {
                if let Some(step) = step {
                    progress.show(place, experiment.about().name, step);
                    continue;
                }
                tokio::select! {
                    biased;
                    signal = signals.next() => break signal,
                    outcome = run.end() => return Ok(outcome),
                }
            }
        }
    };
    run.stop();
    // A second one does not wait for that.
    let left = tokio::select! {
        biased;
        outcome = run.end() => match outcome {
            Ok(_) | Err(Trouble::Stopped) => "cancelled: keys deleted, connections closed".to_owned(),
            Err(error) => format!("cancelled: {}; {MAY_REMAIN}", text::escape_str(&error.to_string())),
        },
        _ = signals.next() => format!("cancelled before all was cleaned up: {MAY_REMAIN}"),
    };
    Err(Cancelled { signal, left })
}

/// What is left where nobody cleaned up.
const MAY_REMAIN: &str = "keys named redis-pooltop:lab:… may remain, and expire within 5 minutes";

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
