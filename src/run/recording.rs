//! `--record FILE`, whatever the form of the run.

use std::path::PathBuf;

use super::{wants_info, warn};
use crate::config::{Form, Settings};
use crate::error::Error;
use crate::event::Clock;
use crate::hub::Hub;
use crate::record::{Recorder, Recording, create, record};
use crate::text;

/// A recording larger than this is of no use to anybody: a busy pool writes some hundred megabytes a day.
const LIMIT: u64 = 1 << 30;

/// A recording that is being written, and where.
pub(super) struct Kept {
    recording: Recording,
    path: PathBuf,
}

/// Makes the file that was asked for, if one was, and what writes it.
pub(super) fn start(settings: &Settings, clock: &Clock) -> Result<Option<(Recorder, Kept)>, Error> {
    let Some(path) = &settings.record else { return Ok(None) };
    let file = create(path).map_err(|refused| Error::Usage(refused.to_string()))?;
    let sees: &[&str] = match &settings.form {
        Form::Watch(_) => &["clients"],
        Form::App(_) => &["app", "pool"],
        form if wants_info(form) => &["pool", "server"],
        _ => &["pool"],
    };
    let started = record(file, clock, sees, settings.model.clone(), LIMIT);
    let (recorder, recording) = started.map_err(Error::io("the recorder"))?;
    Ok(Some((recorder, Kept { recording, path: path.clone() })))
}

impl Kept {
    /// Takes the last tick, waits until all is written, and says what is amiss with the file.
    pub(super) async fn finish(self, hub: &Hub) {
        hub.end_recording().await;
        for said in self.recording.finish().await {
            let path = self.path.to_string_lossy();
            warn(&format!("Warning: the recording {}: {said}", text::escape_str(&path)));
        }
    }
}
