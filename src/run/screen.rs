//! The full screen on a session.

use super::Parts;
use crate::command::settings;
use crate::config::{ScreenSettings, Settings};
use crate::error::{Error, Exit};
use crate::text;
use crate::tui::End;
use crate::tui::app::Facts;
use crate::tui::desk::{self, Looks};
use crate::tui::theme::{Ability, Theme};

/// Shows the screen until it ends.
pub(super) async fn run(parts: &Parts, settings: &Settings) -> Result<Exit, Error> {
    let (session, news) = parts.session();
    let ability =
        Ability::detect(settings.color.on(true), settings.screen.ascii, |name| std::env::var(name).ok());
    let looks = Looks {
        address: text::escape_str(&parts.connect.target()).into_owned(),
        theme: Theme::chosen(&settings.screen.theme, ability).unwrap_or(Theme::DEFAULT),
        pace: parts.pace(),
        chosen: chosen(&settings.screen),
        settings: settings::all(&parts.pool, &parts.hub),
    };
    match desk::show(session, news, &parts.hub, looks).await.map_err(Error::io("the terminal"))? {
        End::Quit => Ok(Exit::Fine),
        End::Signal(number) => Ok(Exit::Signal(number)),
    }
}

fn chosen(screen: &ScreenSettings) -> Facts {
    let ScreenSettings { keys, panes, mouse, editing, pager, pipe, .. } = screen.clone();
    Facts { keys, panes, mouse, editing, pager, pipe, ..Facts::default() }
}
