//! The end of a run that is judged: `--fail-on-leak` and `--fail-on`.

use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::Parts;
use super::place::Place;
use crate::cli::Format;
use crate::command::session::Session;
use crate::config::{Form, LEAKS, Settings};
use crate::error::{Error, Exit};
use crate::lab::Witness;
use crate::model::is_of_apps;
use crate::report::{Verdict, verdict};
use crate::snapshot::{Level, Snapshot};

/// Who judges, and where the verdict goes.
pub(super) struct Judge {
    /// `--report`
    file: Option<Place>,
    format: Format,
    /// The lints that fail the run.
    checked: Vec<&'static str>,
}

impl Judge {
    /// The judge of this run, if it is judged. A report that cannot be written is known before anything runs.
    pub(super) fn new(settings: &Settings) -> Result<Option<Self>, Error> {
        let Some(judging) = &settings.judging else { return Ok(None) };
        let mut others = Vec::new();
        if let Form::Replay(replay) = &settings.form {
            others.push((replay.file.as_path(), "that is the recording to be replayed"));
        }
        if let Some(record) = &settings.record {
            others.push((record, "that is what --record writes"));
        }
        let file = judging.report.as_ref().map(|path| Place::new(path, &others));
        let levels = &settings.model.levels;
        let failing = levels.iter().filter(|(_, level)| *level == Level::Fail).map(|(id, _)| id);
        // The file may name lints that this run can never raise: it says nothing of them.
        let can_tell = |id: &&str| match &settings.form {
            Form::Watch(watch) => watch.can_tell(id),
            Form::App(_) => is_of_apps(id),
            _ => true,
        };
        let checked = failing.filter(can_tell).collect();
        Ok(Some(Self { file: file.transpose()?, format: judging.format, checked }))
    }

    /// Whether the verdict goes elsewhere than to standard output.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// What holds in a snapshot.
    pub(super) fn look(&self, snapshot: &Snapshot) -> Verdict {
        Verdict::new(snapshot, self.checked.clone())
    }

    /// What an experiment's witness saw goes here: whatever was raised counts, however soon it was over.
    pub(super) fn bench(&self, target: String) -> Bench {
        Bench(Arc::new(Mutex::new(Verdict::meanwhile(target, self.checked.clone()))))
    }

    /// Judges a session whose input has ended. What it holds is no leak; what is out when it has given that back is one.
    pub(super) async fn session(
        &mut self,
        parts: &Parts,
        session: &mut Session,
        exit: Exit,
    ) -> Result<Exit, Error> {
        if !matches!(exit, Exit::Fine | Exit::Failed) {
            return Ok(exit);
        }
        let mut verdict = self.look(&*parts.hub.sync().await);
        verdict.forgive(&session.in_hand());
        session.end().await;
        // What is judged is the last that is recorded: its replay is judged the same.
        let last = parts.hub.end_recording().await;
        verdict.add(&last);
        let leaks: Vec<_> = LEAKS.into_iter().filter(|id| verdict.checked.contains(id)).collect();
        verdict.add_still_out(&last, &leaks);
        // Standard output has the replies.
        if !self.has_file() && (!verdict.passes() || self.format != Format::Text) {
            stderr().write_all(self.document(&verdict).as_bytes()).map_err(Error::io("standard error"))?;
        }
        self.end(&verdict, exit)
    }

    /// Writes the verdict where it was wanted, and says how the run ends by it.
    pub(super) fn end(&mut self, verdict: &Verdict, exit: Exit) -> Result<Exit, Error> {
        let document = self.document(verdict);
        if let Some(file) = &mut self.file {
            file.write(&document)?;
        }
        Ok(match verdict.word() {
            "fail" => Exit::Judged,
            "unknown" if exit == Exit::Fine => Exit::NoConnection,
            _ => exit,
        })
    }

    pub(super) fn document(&self, verdict: &Verdict) -> String {
        match self.format {
            Format::Text | Format::Prometheus | Format::Csv => verdict::words(verdict),
            Format::Json | Format::Ndjson => verdict::document(verdict),
            Format::Junit => verdict::junit(verdict),
        }
    }
}

/// Keeps what was raised while experiments ran.
#[derive(Clone)]
pub(super) struct Bench(Arc<Mutex<Verdict>>);

impl Bench {
    /// Sees what the experiments' watchers see.
    pub(super) fn witness(&self) -> Witness {
        let Self(verdict) = self.clone();
        Witness::new(move |snapshot| verdict.lock().add_meanwhile(snapshot))
    }

    /// What it comes to, after so long.
    pub(super) fn verdict(&self, ran: Duration) -> Verdict {
        let mut verdict = self.0.lock().clone();
        verdict.ran = ran;
        verdict
    }
}
