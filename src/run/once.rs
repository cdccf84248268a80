//! One report and out: `--once`, and the full screen where there is no terminal for it.

use std::io::Write;
use std::time::Duration;

use super::Parts;
use crate::cli::Format;
use crate::config::ReportSettings;
use crate::error::{Error, Exit};
use crate::snapshot::Snapshot;
use crate::{report, terminal};

/// How long a report waits for the server's first INFO.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn run(parts: &Parts, settings: &ReportSettings) -> Result<Exit, Error> {
    parts.first_answer(PATIENCE).await;
    if let Some(duration) = settings.duration {
        tokio::time::sleep(duration).await;
    }
    // What is reported is the last that is recorded, so that a replay reports the same.
    let snapshot = parts.hub.end_recording().await;
    print(settings, &snapshot)?;
    Ok(Exit::Fine)
}

/// Prints a snapshot in the form asked for.
pub(super) fn print(settings: &ReportSettings, snapshot: &Snapshot) -> Result<(), Error> {
    let report = match settings.format.unwrap_or_default() {
        Format::Text => report::text(snapshot),
        Format::Json => report::json(snapshot),
        Format::Prometheus => report::prometheus(snapshot),
    };
    terminal::output()
        .and_then(|mut out| out.write_all(report.as_bytes()))
        .map_err(Error::io("standard output"))
}
