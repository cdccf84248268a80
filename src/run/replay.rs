//! `replay FILE`: a recording on the screen, or a report on it.

use super::judge::Judge;
use super::{can_show_a_screen, once, screen, warn};
use crate::config::{ReplaySettings, Settings};
use crate::error::{Error, Exit};
use crate::event::Stamp;
use crate::record::{NotOurs, Replay, play_to};
use crate::text;

/// Shows it. No server is asked for anything.
pub(super) async fn run(
    settings: &Settings,
    replay: &ReplaySettings,
    judge: Option<&mut Judge>,
) -> Result<Exit, Error> {
    if settings.record.is_some() {
        return Err(Error::Usage("replay records nothing: leave out --record".to_owned()));
    }
    if replay.report.on_screen() {
        can_show_a_screen()?;
        return screen::replay(settings, replay, Replay::start(&replay.file)?).await;
    }
    report(replay, judge).await
}

/// Reports on its end, or on the moment asked for. What could not be read is said, and shows in the exit code.
async fn report(replay: &ReplaySettings, judge: Option<&mut Judge>) -> Result<Exit, Error> {
    let (file, to) = (replay.file.clone(), replay.report.duration);
    let to = to.map(|after| Stamp::default() + after);
    let done = tokio::task::spawn_blocking(move || play_to(&file, to)).await;
    let (player, snapshot) = done.map_err(std::io::Error::other).map_err(Error::io("the replay"))??;
    let damage = player.damage().words();
    let exit =
        once::print(&replay.report, (&snapshot, None), judge, |verdict| verdict.damaged.clone_from(&damage))?;
    let lacks = player.missing().saturating_sub(player.damage().bad);
    if lacks > 0 {
        let lacks = text::thousands(lacks);
        let why = "the disk was too slow, so some numbers may be too low";
        warn(&format!("Warning: the recording has gaps, {lacks} lines in all: {why}"));
    }
    let Some(damage) = damage else { return Ok(exit) };
    warn(&format!("redis-pooltop: the recording is damaged: {damage}; this is what could be read"));
    Ok(if exit == Exit::Fine { Exit::Failed } else { exit })
}

impl From<NotOurs> for Error {
    fn from(error: NotOurs) -> Self {
        Self::Usage(error.to_string())
    }
}
