//! `run` and `attach`: the pools of an app's own processes, as its agents tell them.

mod child;
mod end;
mod servers;
mod shown;
mod silence;

use std::io::{Write, stderr};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use self::child::{Child, Refusal};
use self::servers::{Servers, Whom};
use self::silence::Silent;
use super::judge::Judge;
use super::recording::Kept;
use super::{SIGNALS, can_show_a_screen, recording, screen, tick, warn};
use crate::cli::Format;
use crate::config::{AppSettings, Observed, Settings};
use crate::error::{Error, Exit};
use crate::event::{AppEvent, Clock, Ending, Event};
use crate::hub::Hub;
use crate::model::LEAKS;
use crate::report;
use crate::snapshot::{AppRow, Snapshot};
use crate::source::agent::{Agents, Place};
use crate::terminal::{self, EndSignals};
use crate::text;
use crate::tui::layout::Scene;

/// How long processes may take to report before that is worth a word.
const SILENT: Duration = Duration::from_millis(1_900);

/// What looks, and where it is told.
struct Observing {
    hub: Hub,
    clock: Clock,
    agents: Agents,
    _servers: Servers,
    recording: Option<Kept>,
}

pub(super) async fn run(
    settings: &Settings,
    asked: &AppSettings,
    judge: Option<&mut Judge>,
) -> Result<Exit, Error> {
    match &asked.observed {
        Observed::Command(command) if asked.on_screen() && can_show_a_screen().is_ok() => {
            // The screen's own is large.
            Box::pin(shown::run(settings, asked, command, judge)).await
        }
        Observed::Command(command) => {
            let place = Place::make().map_err(Error::io("the directory for reports"))?;
            let mut observing = Observing::start(settings, asked, &place.socket())?;
            let mut child = match Child::start(command, &place, observing.agents.path()) {
                Ok(child) => child,
                Err(Refusal { said, code }) => {
                    warn(&format!("redis-pooltop: {said}"));
                    return Ok(Exit::Child(code));
                }
            };
            observing.say(AppEvent::Started { program: Some(child.name().to_owned()) });
            let silent = Silent::new(command, &place);
            observing.listen(silent.clone());
            let status = child.wait().await.map_err(Error::io("the command"))?;
            observing.say(AppEvent::Ended(ending(status)));
            observing.settle(Instant::now() + asked.grace).await;
            observing.end(asked, judge, exit(status), Some(&silent)).await
        }
        Observed::Socket(path, _) if asked.on_screen() => {
            can_show_a_screen()?;
            let mut observing = Observing::start(settings, asked, path)?;
            observing.say(AppEvent::Started { program: None });
            let target = text::escape_str(&path.to_string_lossy()).into_owned();
            let exit = screen::inside(settings, &observing.hub, Scene::Attach, target, None).await?;
            observing.end(asked, judge, exit, None).await
        }
        Observed::Socket(path, duration) => {
            let mut signals =
                EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?;
            let mut observing = Observing::start(settings, asked, path)?;
            observing.say(AppEvent::Started { program: None });
            let until = duration.map(|duration| Instant::now() + duration);
            tokio::select! {
                biased;
                _ = signals.next() => {}
                () = until_then(until) => {}
            }
            if judge.is_some() {
                observing.given_back(Instant::now() + asked.grace).await;
            }
            observing.end(asked, judge, Exit::Fine, None).await
        }
    }
}

impl Observing {
    fn start(settings: &Settings, asked: &AppSettings, socket: &Path) -> Result<Self, Error> {
        let clock = Clock::start();
        let (recorder, recording) = recording::start(settings, &clock)?.unzip();
        let hub = Hub::start_recorded(clock, settings.model.clone(), tick(settings), recorder);
        let agents = Agents::listen(socket, hub.tap(), clock).map_err(Error::io("the socket for reports"))?;
        let servers = Servers::ask(Whom::new(settings, asked), &hub, clock);
        Ok(Self { hub, clock, agents, _servers: servers, recording })
    }

    fn say(&self, event: AppEvent) {
        self.teller()(event);
    }

    /// The same, for others.
    fn teller(&self) -> impl Fn(AppEvent) + Send + 'static {
        let (hub, clock) = (self.hub.clone(), self.clock);
        move |event| hub.tap().emit(clock.now(), Event::App(event))
    }

    /// Says why nobody may have reported, once they had the time to.
    fn listen(&self, silent: Silent) {
        let (hub, clock) = (self.hub.clone(), self.clock);
        tokio::spawn(async move {
            sleep(SILENT).await;
            let is_silent = |app: &AppRow| app.processes.is_empty() && app.ended.is_none();
            if hub.sync().await.app.as_deref().is_some_and(is_silent) {
                // It looks at files.
                let why = spawn_blocking(move || silent.why(false)).await.unwrap_or_default();
                hub.tap().emit(clock.now(), Event::App(AppEvent::Silent { why }));
            }
        });
    }

    /// Waits until every process that reports has said that it ends, at most until then.
    async fn settle(&self, until: Instant) {
        let mut snapshots = self.hub.subscribe();
        let settled = |snapshot: &Snapshot| {
            let app = snapshot.app.as_deref();
            app.is_some_and(|app| {
                app.ended.is_some() && app.processes.iter().all(|process| process.gone.is_some())
            })
        };
        let _ = timeout_at(until, snapshots.wait_for(|snapshot| settled(snapshot))).await;
    }

    /// Waits until no connection counts as lost, at most until then: one that comes back after all was slow.
    async fn given_back(&self, until: Instant) {
        let mut snapshots = self.hub.subscribe();
        let lost = |snapshot: &Snapshot| snapshot.lints.iter().any(|row| LEAKS.contains(&row.id));
        let _ = timeout_at(until, snapshots.wait_for(|snapshot| !lost(snapshot))).await;
    }

    /// Tells what was seen, and how the program ends by it.
    async fn end(
        &mut self,
        asked: &AppSettings,
        judge: Option<&mut Judge>,
        exit: Exit,
        silent: Option<&Silent>,
    ) -> Result<Exit, Error> {
        // What is reported is the last that is recorded, so that a replay reports the same.
        let snapshot = self.hub.end_recording().await;
        let heard = snapshot.app.as_deref().is_some_and(|app| !app.processes.is_empty());
        if !heard {
            let why = silent.map_or_else(|| silence::ATTACHED.to_owned(), |silent| silent.why(true));
            warn(&format!("redis-pooltop: {why}"));
        }
        let idle = !heard && silent.is_some_and(Silent::had_nothing);
        let exit = end::tell(asked, &snapshot, judge, exit, [heard, idle])?;
        if let Some(recording) = self.recording.take() {
            recording.finish(&self.hub).await;
        }
        Ok(exit)
    }
}

/// Until then, or for ever.
async fn until_then(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Code(code),
        (None, signal) => Ending::Signal(signal.unwrap_or_default()),
    }
}

/// As a shell tells it.
fn exit(status: ExitStatus) -> Exit {
    match ending(status) {
        Ending::Code(code) => Exit::Child(u8::try_from(code & 0xff).unwrap_or(u8::MAX)),
        Ending::Signal(number) => Exit::Signal(u8::try_from(number).unwrap_or_default()),
    }
}
