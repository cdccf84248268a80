//! The full screen on a session.

use std::sync::Arc;

use ratatui::layout::Size;

use super::{Parts, tick};
use crate::command::settings;
use crate::config::{ReplaySettings, ScreenSettings, Settings, WatchSettings};
use crate::console::{self, Handle};
use crate::error::{Error, Exit};
use crate::event::Stamp;
use crate::hub::Hub;
use crate::net::ConnectOptions;
use crate::record::Replay;
use crate::text;
use crate::tui::action::Action;
use crate::tui::app::{App, Facts};
use crate::tui::desk::{self, Looks};
use crate::tui::layout::{Pane, Scene};
use crate::tui::run::Unassisted;
use crate::tui::terminal::Guard;
use crate::tui::theme::{Ability, Theme};
use crate::tui::watch::Acts;
use crate::tui::{self, End, reel, wait};

/// What failed, in words.
const TERMINAL: &str = "the terminal";

/// Starts the parts behind a screen that says so, if that takes a while; or says how the program ends, when somebody
/// would not wait.
pub(super) async fn start(settings: &Settings) -> Result<Result<(Parts, Option<Guard>), Exit>, Error> {
    let target = text::escape_str(&settings.connect.target()).into_owned();
    let theme = theme(settings);
    let started = wait::until(Parts::start(settings), &target, &theme, settings.screen.mouse);
    Ok(match started.await.map_err(Error::io(TERMINAL))? {
        Ok((parts, guard)) => Ok((parts?, guard)),
        Err(end) => Err(end.into()),
    })
}

/// Shows the screen until it ends.
pub(super) async fn run(parts: &Parts, settings: &Settings, guard: Option<Guard>) -> Result<Exit, Error> {
    let (session, news) = parts.session(settings);
    let looks = Looks {
        address: text::escape_str(&parts.connect.target()).into_owned(),
        theme: theme(settings),
        pace: parts.pace(),
        chosen: Facts {
            notices: parts.warnings.clone(),
            address: Some(parts.address(settings)),
            ..chosen(&settings.screen)
        },
        settings: settings::all(&parts.pool, &parts.hub),
        guard,
    };
    Ok(desk::show(session, news, &parts.hub, looks).await.map_err(Error::io(TERMINAL))?.into())
}

/// Shows watched servers until the screen ends. `notices` is what there is to say at first, safe to show.
pub(super) async fn watch(
    settings: &Settings,
    asked: &WatchSettings,
    hub: &Hub,
    acts: Arc<dyn Acts>,
    notices: Vec<String>,
) -> Result<Exit, Error> {
    let targets: Vec<String> = settings.servers().iter().map(ConnectOptions::target).collect();
    let facts = Facts {
        target: text::escape_str(&targets.join("  ")).into_owned(),
        interval: asked.interval,
        notices,
        read_only: asked.read_only,
        listing: asked.report.listing.clone(),
        ..chosen(&settings.screen)
    };
    let shown = tui::watch::show(hub, acts, facts, theme(settings), None);
    Ok(shown.await.map_err(Error::io(TERMINAL))?.into())
}

/// Shows an app's pools until the screen ends: beside what it prints, as `console` has it, where `scene` has a pane for that. `target` is what
/// stands for its name until that is known, safe to show.
pub(super) async fn inside(
    settings: &Settings,
    hub: &Hub,
    scene: Scene,
    target: String,
    console: Option<Handle>,
) -> Result<Exit, Error> {
    let facts = Facts { target, scene, interval: tick(settings), ..chosen(&settings.screen) };
    let shown = tui::inside::show(hub, facts, theme(settings), None, console);
    Ok(shown.await.map_err(Error::io(TERMINAL))?.into())
}

/// How large the terminal of an app is on the screen as it is first drawn.
pub(super) fn app_size(settings: &Settings) -> console::Size {
    let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
    let facts = Facts { scene: Scene::Run, ..chosen(&settings.screen) };
    let mut app = App::new(facts, Arc::new(Unassisted), Size { width, height });
    // Where there is no room for its pane, it is seen alone.
    app.terminal_size().unwrap_or_else(|| {
        app.update(Action::Focus(Pane::App));
        app.terminal_size().unwrap_or(console::Size { rows: height, columns: width })
    })
}

/// Shows a recording until the screen ends.
pub(super) async fn replay(
    settings: &Settings,
    ReplaySettings { file, report }: &ReplaySettings,
    replay: Replay,
) -> Result<Exit, Error> {
    let name = text::escape_str(&file.to_string_lossy()).into_owned();
    let header = replay.header();
    let (program, started) = (text::escape_str(&header.program), text::utc(header.started_ns / 1_000_000));
    let length = replay.length().map(|end| text::duration(end.since(Stamp::default())));
    let length = length.map_or_else(String::new, |length| format!(", {length} long"));
    let said = format!("{name}: recorded by redis-pooltop {program} on {started} UTC{length}");
    let notices = vec![said];
    let listing = report.listing.clone();
    let facts = Facts { target: "replay".to_owned(), notices, listing, ..chosen(&settings.screen) };
    let snapshots = replay.subscribe();
    let end = reel::show(replay, facts, theme(settings)).await.map_err(Error::io(TERMINAL))?;
    let damaged = snapshots.borrow().tape.as_ref().is_some_and(|tape| tape.damaged);
    // As a report on it ends: not all of it could be shown.
    Ok(if end == End::Quit && damaged { Exit::Failed } else { end.into() })
}

impl From<End> for Exit {
    fn from(end: End) -> Self {
        match end {
            End::Quit => Exit::Fine,
            End::Signal(number) => Exit::Signal(number),
        }
    }
}

fn theme(settings: &Settings) -> Theme {
    let ability =
        Ability::detect(settings.color.on(true), settings.screen.ascii, |name| std::env::var(name).ok());
    Theme::chosen(&settings.screen.theme, ability).unwrap_or(Theme::DEFAULT)
}

fn chosen(screen: &ScreenSettings) -> Facts {
    let ScreenSettings { keys, panes, mouse, editing, pager, pipe, red, .. } = screen.clone();
    Facts { keys, panes, mouse, editing, pager, pipe, red, ..Facts::default() }
}
