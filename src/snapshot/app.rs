//! An app that reports from inside, and its processes.

use std::sync::Arc;

use std::time::Duration;

use super::{ClientRow, ConnectionRow, Severity};
use crate::event::{Ending, Holder, ProcId, ProcessFacts, Reporting, Stamp};

/// The app as a whole.
#[derive(Clone, Debug, Default)]
pub struct AppRow {
    /// Observed since then; nothing where no app is.
    pub since: Option<Stamp>,
    /// Its program's name, where it was started by us.
    pub program: Option<Arc<str>>,
    /// Nobody has reported yet, and why that may be.
    pub silent: Option<Arc<str>>,
    /// When and how the process that was started ended.
    pub ended: Option<(Stamp, Ending)>,
    /// Its processes, in the order of their first reports.
    pub processes: Vec<Arc<ProcessRow>>,
    /// Leases that were out when their pool was given up or their process ended, by the line that took them.
    pub left: Vec<Arc<LeftRow>>,
    /// How many more lines there were than are kept.
    pub more_left: u64,
    /// What lints found and is over, with its pool or by itself, but for leases that came back: slow is not lost.
    pub found: Vec<Arc<FoundRow>>,
    /// How many more of these there were than are kept.
    pub more_found: u64,
    /// Pools that are there and have no row: more than are kept.
    pub more_pools: u64,
}

impl AppRow {
    /// One of its processes.
    pub fn process(&self, id: ProcId) -> Option<&ProcessRow> {
        self.processes.iter().find(|row| row.id == id).map(AsRef::as_ref)
    }
}

/// Leases that one line took and nobody can give back any more.
#[derive(Clone, Debug)]
pub struct LeftRow {
    /// The one that was out longest, as it was at the end.
    pub row: Arc<ConnectionRow>,
    /// Its pool's name.
    pub pool: String,
    /// How many.
    pub count: u64,
    /// How long that one had been out.
    pub longest: Duration,
    /// And the one that was out shortest.
    pub shortest: Duration,
    /// What its server said last of the one in the row, where it was asked.
    pub client: Option<Arc<ClientRow>>,
    /// Of how many it was known that their owner was collected.
    pub abandoned: u64,
}

/// What a lint found at one line of an app, and is over.
#[derive(Clone, Debug)]
pub struct FoundRow {
    /// The lint.
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Whose code it was about, as far as that is known.
    pub holder: Option<Holder>,
    /// Its pool's name.
    pub pool: String,
    /// How often it was found.
    pub count: u64,
    /// How long it held at the longest.
    pub longest: Duration,
    /// And at the shortest.
    pub shortest: Duration,
    /// In numbers, one line: of the one that held longest.
    pub evidence: String,
    /// What to do about it, one line.
    pub advice: &'static str,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// Our number.
    pub id: ProcId,
    /// Who it is.
    pub facts: ProcessFacts,
    /// Its client libraries and their versions: `redis 8.1.0`.
    pub libraries: Vec<Arc<str>>,
    /// Reports since then.
    pub since: Stamp,
    /// When it was last heard of.
    pub heard: Stamp,
    /// How well its reports come through.
    pub reporting: Reporting,
    /// When it was seen to be gone, and whether it had said so.
    pub gone: Option<(Stamp, bool)>,
}
