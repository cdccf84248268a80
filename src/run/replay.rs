//! `replay FILE`: a recording on the screen, or a report on it.

use std::time::Duration;

use super::judge::Judge;
use super::{can_show_a_screen, once, screen, warn, watch};
use crate::config::{ReplaySettings, Settings};
use crate::error::{Error, Exit};
use crate::event::Stamp;
use crate::record::{NotOurs, Player, Replay, play_through};
use crate::report::Listing;
use crate::report::clients::Change;
use crate::snapshot::Snapshot;
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
    let mut seen = Seen::new(replay.report.listing.clone());
    let play = move || play_through(&file, to, |player| seen.tick(player)).map(|end| (end, seen.change));
    let done = tokio::task::spawn_blocking(play).await;
    let ((player, snapshot), change) =
        done.map_err(std::io::Error::other).map_err(Error::io("the replay"))??;
    let damage = player.damage().words();
    let change = change.filter(|change| change.lasted(&snapshot) >= LASTED);
    let exit = once::print(&replay.report, (&snapshot, change.as_ref()), judge, |verdict| {
        verdict.damaged.clone_from(&damage);
    })?;
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

/// What is shorter is one report and no watching: nothing changed in it that anybody waited for.
const LASTED: Duration = Duration::from_secs(1);

/// What changed in a recorded watch, by its own clock: from when all its servers had been looked at, as it was told live.
struct Seen {
    listing: Listing,
    /// When all servers were seen, until it is known whose their clients are.
    waits: Option<Stamp>,
    change: Option<Change>,
    /// It is of a pool.
    other: bool,
}

impl Seen {
    fn new(listing: Listing) -> Self {
        Self { listing, waits: None, change: None, other: false }
    }

    fn tick(&mut self, player: &mut Player) {
        if !self.other {
            self.see(&player.snapshot());
        }
    }

    fn see(&mut self, snapshot: &Snapshot) {
        let nodes = &snapshot.nodes;
        self.other = snapshot.app.is_some() || (nodes.is_empty() && !snapshot.pools.is_empty());
        if let Some(change) = &mut self.change {
            return change.see(snapshot);
        }
        if nodes.is_empty() || !nodes.iter().all(|row| watch::is_told(row)) {
            return;
        }
        let since = *self.waits.get_or_insert(snapshot.as_of);
        let known = snapshot.clients.iter().all(|row| row.whose.is_some());
        if known || snapshot.as_of.since(since) >= watch::OWNERS {
            self.change = Some(Change::since(snapshot, &self.listing));
        }
    }
}

impl From<NotOurs> for Error {
    fn from(error: NotOurs) -> Self {
        Self::Usage(error.to_string())
    }
}
