//! One report and out: `--once`, and the full screen where there is no terminal for it.

use std::io::{Write, stderr};
use std::time::Duration;

use super::Parts;
use super::judge::Judge;
use crate::cli::Format;
use crate::config::ReportSettings;
use crate::error::{Error, Exit};
use crate::report::{Verdict, verdict};
use crate::snapshot::Snapshot;
use crate::{report, terminal};

/// How long a report waits for the server's first INFO.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn run(
    parts: &Parts,
    settings: &ReportSettings,
    judge: Option<&mut Judge>,
) -> Result<Exit, Error> {
    parts.first_answer(PATIENCE).await;
    if let Some(duration) = settings.duration {
        tokio::time::sleep(duration).await;
    }
    // What is reported is the last that is recorded, so that a replay reports the same.
    let snapshot = parts.hub.end_recording().await;
    print(settings, &snapshot, judge)
}

/// Prints a snapshot in the form asked for, and judges it.
pub(super) fn print(
    settings: &ReportSettings,
    snapshot: &Snapshot,
    judge: Option<&mut Judge>,
) -> Result<Exit, Error> {
    let verdict = judge.as_ref().map(|judge| judge.look(snapshot));
    // With a file of its own the verdict is there and nowhere else.
    let shown = verdict.as_ref().filter(|_| judge.as_ref().is_some_and(|judge| !judge.has_file()));
    let format = settings.format.unwrap_or_default();
    let report = document(snapshot, format, shown);
    terminal::output()
        .and_then(|mut out| out.write_all(report.as_bytes()))
        .map_err(Error::io("standard output"))?;
    if let Some(verdict) = shown.filter(|verdict| format == Format::Prometheus && !verdict.passes()) {
        stderr().write_all(verdict::words(verdict).as_bytes()).map_err(Error::io("standard error"))?;
    }
    match (judge, &verdict) {
        (Some(judge), Some(verdict)) => judge.end(verdict, Exit::Fine),
        _ => Ok(Exit::Fine),
    }
}

/// The report, with the verdict where the form has a place for it.
fn document(snapshot: &Snapshot, format: Format, verdict: Option<&Verdict>) -> String {
    match (format, verdict) {
        (Format::Text, Some(verdict)) => format!("{}\n{}", report::text(snapshot), verdict::words(verdict)),
        (Format::Json, Some(verdict)) => report::json_judged(snapshot, verdict),
        (Format::Junit, Some(verdict)) => verdict::junit(verdict),
        (Format::Text | Format::Junit, _) => report::text(snapshot),
        (Format::Json, None) => report::json(snapshot),
        (Format::Prometheus, _) => report::prometheus(snapshot),
    }
}
