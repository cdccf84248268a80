//! An app that reports from inside, and its processes.

use std::sync::Arc;

use crate::event::{Ending, ProcId, ProcessFacts, Reporting, Stamp};

/// The app as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
}

impl AppRow {
    /// One of its processes.
    pub fn process(&self, id: ProcId) -> Option<&ProcessRow> {
        self.processes.iter().find(|row| row.id == id).map(AsRef::as_ref)
    }
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
