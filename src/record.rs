//! A run as a file, and a file as a run: what the hub feeds the model is written in that order, ticks included, so that
//! another model fed with it comes to the same numbers.
//!
//! ```text
//!  hub ─► Recorder ──(bounded, never waits, counts what it drops)──► a thread ─► file
//!  file ─► Reader ─► Player (a Model of its own, moments to go back to) ─► replay (a thread) ─► watch<Arc<Snapshot>>
//! ```

mod damage;
mod file;
mod player;
mod reader;
mod recorder;
mod replay;

use serde::{Deserialize, Serialize};

use crate::event::{Stamp, Timed};
use crate::model::{Model, ModelOptions};

pub use damage::Damage;
pub use file::{Refused, create};
pub use player::{Player, Step, play_through, play_to};
pub use reader::{NotOurs, Reader, Taken};
pub use recorder::{Recorder, Recording, record};
pub use replay::{Control, Replay};

/// One line of a recording after the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// What the model judges by from here on.
    Options(ModelOptions),
    /// So many events, in all, never got to the hub.
    Dropped(u64),
    /// Something happened.
    Event(Timed),
    /// The model judged, and a snapshot was published.
    Tick(Stamp),
    /// So many lines are missing here: the disk was too slow for them.
    Gap(u64),
    /// The recording ends here, and on purpose.
    End(End),
}

/// Why a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// So did the run.
    Finished,
    /// It was as large as it may be.
    Full,
}

impl Record {
    /// The one way into a model, for a run and for its replay.
    pub fn feed(&self, model: &mut Model) {
        match self {
            Record::Options(options) => model.set_options(options.clone()),
            Record::Dropped(dropped) => model.set_dropped(*dropped),
            Record::Event(timed) => model.apply(timed),
            Record::Tick(now) => model.tick(*now),
            Record::Gap(_) | Record::End(_) => {}
        }
    }

    /// The moment it speaks of, when it speaks of one.
    pub fn at(&self) -> Option<Stamp> {
        match self {
            Record::Event(timed) => Some(timed.at),
            Record::Tick(now) => Some(*now),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
