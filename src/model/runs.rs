//! The longest runs of commands that a pool told lately.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Run, Stamp};

/// How far back a run counts.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// The most that are kept: each is shorter than the one before, and all are of the last minute.
const KEPT: usize = 64;

/// Runs of the last minute, each shorter than the one before it: what was told earlier and is shorter never counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs(VecDeque<(Stamp, Run)>);

impl Runs {
    /// One was told, or none.
    pub(crate) fn pulse(&mut self, at: Stamp, run: Option<&Run>) {
        while self.0.front().is_some_and(|(told, _)| at.since(*told) >= WINDOW) {
            self.0.pop_front();
        }
        let Some(run) = run else { return };
        while self.0.back().is_some_and(|(_, known)| known.commands <= run.commands) {
            self.0.pop_back();
        }
        if self.0.len() < KEPT {
            self.0.push_back((at, run.clone()));
        }
    }

    /// The longest of the last minute.
    pub(crate) fn longest(&self, now: Stamp) -> Option<&Run> {
        self.0.iter().find(|(told, _)| now.since(*told) < WINDOW).map(|(_, run)| run)
    }
}
