//! `--record FILE`, whatever the form of the run.

use std::path::Path;

use super::{Parts, wants_info, warn};
use crate::config::Settings;
use crate::error::Error;
use crate::event::Clock;
use crate::record::{Recorder, Recording, create, record};
use crate::text;

/// A recording larger than this is of no use to anybody: a busy pool writes some hundred megabytes a day.
const LIMIT: u64 = 1 << 30;

/// Makes the file and what writes it.
pub(super) fn start(settings: &Settings, path: &Path, clock: &Clock) -> Result<(Recorder, Recording), Error> {
    let file = create(path).map_err(|refused| Error::Usage(refused.to_string()))?;
    let sees: &[&str] = if wants_info(&settings.form) { &["pool", "server"] } else { &["pool"] };
    record(file, clock, sees, settings.model.clone(), LIMIT).map_err(Error::io("the recorder"))
}

/// Takes the last tick, waits until all is written, and says what is amiss with the file.
pub(super) async fn finish(parts: &mut Parts, settings: &Settings) {
    let (Some(recording), Some(path)) = (parts.recording.take(), &settings.record) else { return };
    parts.hub.end_recording().await;
    for said in recording.finish().await {
        let path = path.to_string_lossy();
        warn(&format!("Warning: the recording {}: {said}", text::escape_str(&path)));
    }
}
