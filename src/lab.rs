//! The lab: each practice of connection pooling as an experiment that does it the wrong and the right way, measures
//! both, and says what the figures show.
//!
//! - Each way runs on an [`InstrumentedPool`](crate::pool::InstrumentedPool) of its own, told to a hub, so that what is
//!   broken is really broken and the lints that name it are raised by the model, not by the experiment.
//! - Ways take turns, at least five times, and a figure is shown as the median with its ends.
//! - A [`Verdict`] is a function of the figures and of nothing else. It may be "not shown here".
//! - Whatever ends a run, every connection it opened is closed and every key it made is deleted.

mod experiments;
mod figures;
mod keys;
mod load;
mod middlebox;
mod place;
mod report;
mod run;
mod stage;
mod stats;
mod verdict;
mod watcher;

use std::fmt;

use futures_util::future::BoxFuture;

pub use figures::{Figure, Figures, Measure, Sample, Unit};
pub use report::{json, list_json, list_text, text};
pub use run::{Ground, Record, Run, Step, settled};
pub use stats::Spread;
pub use verdict::{Claim, Finding, Verdict};
pub use watcher::{Raised, Witness};

use crate::demo;
use crate::nearest::nearest;
use crate::net::{ConnectError, ConnectOptions};
use crate::pool::{CheckoutError, CommandError, PoolConfig};
use place::Clients;
use stage::Stage;

/// How often each way runs at least: fewer say nothing about how far figures lie apart.
pub const REPETITIONS: u32 = 5;

/// One way of doing it.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Its name, in a few words.
    pub name: &'static str,
    /// Whether it is what one should do.
    pub right: bool,
    /// What is done, in a sentence's part.
    pub what: &'static str,
    /// The lint that names what is wrong with it.
    pub lint: Option<&'static str>,
}

impl Way {
    /// One that goes wrong, and the lint that says so.
    pub(crate) const fn wrong(name: &'static str, what: &'static str, lint: &'static str) -> Self {
        Self { name, right: false, what, lint: Some(lint) }
    }

    /// One that goes wrong, in too short a time for a lint to say so.
    pub(crate) const fn too_small(name: &'static str, what: &'static str) -> Self {
        Self { name, right: false, what, lint: None }
    }

    /// One that works.
    pub(crate) const fn right(name: &'static str, what: &'static str) -> Self {
        Self { name, right: true, what, lint: None }
    }

    /// One that works, and shows in a lint all the same.
    pub(crate) const fn noticed(mut self, lint: &'static str) -> Self {
        self.lint = Some(lint);
        self
    }
}

/// What is to be known of an experiment before it runs.
#[derive(Debug)]
pub struct About {
    /// Its name: `cold-start`.
    pub name: &'static str,
    /// What goes wrong without the practice, in a sentence.
    pub practice: &'static str,
    /// What to do about it, in a sentence: said when it is shown.
    pub lesson: &'static str,
    /// Its ways, in the order in which they take turns.
    pub ways: &'static [Way],
    /// What the figures must show.
    pub claims: &'static [Claim],
    /// The most connections it has open at once.
    pub connections: u32,
    /// A middlebox stands before the server.
    pub middlebox: bool,
}

/// What a repetition comes to.
pub(crate) type Outcome = Result<Sample, Trouble>;

/// One experiment.
pub trait Experiment: Send + Sync {
    /// What is to be known of it.
    fn about(&self) -> &'static About;

    /// What its embedded server starts with, where it runs on one.
    fn demo(&self) -> demo::Options {
        demo::Options::default()
    }

    /// How the pool of a way behaves, and its connections.
    fn set_up(&self, _way: usize, _pool: &mut PoolConfig, _connect: &mut ConnectOptions) {}

    /// How many connections it will have open on a server with these clients; why it cannot run there, if so.
    #[doc(hidden)]
    fn needs(&self, _clients: &Clients) -> Result<u32, String> {
        Ok(self.about().connections)
    }

    /// What a reader of the outcome should know of a server with these clients.
    #[doc(hidden)]
    fn note(&self, _clients: &Clients) -> Option<String> {
        None
    }

    /// One repetition of one way.
    #[doc(hidden)]
    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome>;

    /// What the figures show.
    fn judge(&self, figures: &Figures) -> Verdict {
        Verdict::by_claims(self.about(), figures)
    }
}

impl fmt::Debug for dyn Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Experiment").field(&self.about().name).finish()
    }
}

/// Why an experiment has no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
    /// What it needs is more than is allowed here.
    #[error("not run: {0}")]
    NoRoom(String),
    /// The server cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Something that an experiment counts on did not work.
    #[error("{0}")]
    Failed(String),
}

impl From<CheckoutError<ConnectError>> for Trouble {
    fn from(error: CheckoutError<ConnectError>) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Every experiment, in the order of the field's list.
pub fn all() -> &'static [&'static dyn Experiment] {
    experiments::ALL
}

/// The experiments of these names, each once, or all of them; else a sentence with the nearest ones.
pub fn named<S: AsRef<str>>(
    names: impl IntoIterator<Item = S>,
) -> Result<Vec<&'static dyn Experiment>, String> {
    let mut experiments: Vec<&'static dyn Experiment> = Vec::new();
    for name in names {
        let found = match find(name.as_ref()) {
            Ok(one) => vec![one],
            Err(_) if name.as_ref().eq_ignore_ascii_case("all") => all().to_vec(),
            Err(sentence) => return Err(sentence),
        };
        for experiment in found {
            if !experiments.iter().any(|known| known.about().name == experiment.about().name) {
                experiments.push(experiment);
            }
        }
    }
    Ok(experiments)
}

/// The experiment of this name, in any case; else a sentence with the nearest ones.
pub fn find(name: &str) -> Result<&'static dyn Experiment, String> {
    let meant = |experiment: &&&dyn Experiment| experiment.about().name.eq_ignore_ascii_case(name);
    if let Some(found) = all().iter().find(meant) {
        return Ok(*found);
    }
    let names = all().iter().map(|experiment| experiment.about().name);
    let shown = crate::text::escape_str(crate::text::fit(name, 40).as_str()).into_owned();
    Err(match near(name, names.clone()).as_slice() {
        [] => format!("there is no experiment '{shown}': {}", names.collect::<Vec<_>>().join(", ")),
        near => format!("there is no experiment '{shown}': did you mean {}?", near.join(" or ")),
    })
}

/// The names that somebody may have meant: the nearest, and those that share a word with it.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(['-', '_', ' ']).filter(|word| word.len() > 2).collect();
    let mut near: Vec<&str> = nearest(name, names.clone()).into_iter().collect();
    for known in names {
        let shares = known.split('-').any(|part| words.contains(&part));
        if shares && !near.contains(&known) && near.len() < 3 {
            near.push(known);
        }
    }
    near
}

#[cfg(test)]
mod tests;
